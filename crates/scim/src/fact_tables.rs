//! The room's tables as KQL reads them.

use kernel::ScalarType::{Bool, DateTime, Dynamic, Long, String};
use store::{FactColumn, FactTable};

const fn column(name: &'static str, scalar: kernel::ScalarType, sql: &'static str) -> FactColumn {
    FactColumn::new(name, scalar, sql)
}

/// `ScimResources`, `ScimMembers`.
pub const FACT_TABLES: &[FactTable] = &[
    FactTable {
        name: "ScimResources",
        columns: &[
            column("TimeGenerated", DateTime, "updated_us"),
            column("Id", String, "id"),
            column("Kind", String, "kind"),
            column("Name", String, "name"),
            column("ExternalId", String, "external_id"),
            column("Active", Bool, "active"),
            column("Body", Dynamic, "body"),
            column("ChangedBy", String, "changed_by"),
            column("Client", String, "client"),
            column("Created", DateTime, "created_us"),
            column("Version", Long, "version"),
        ],
        from: "scim_resource",
        time: "updated_us",
    },
    FactTable {
        name: "ScimMembers",
        columns: &[
            column("TimeGenerated", DateTime, "g.updated_us"),
            column("GroupId", String, "m.group_id"),
            column("Group", String, "g.name"),
            column("MemberId", String, "m.member_id"),
            column("Member", String, "r.name"),
            column("MemberKind", String, "r.kind"),
        ],
        from: "scim_member m JOIN scim_resource g ON g.id = m.group_id LEFT JOIN scim_resource r ON r.id = m.member_id",
        time: "g.updated_us",
    },
];
