//! The room as KQL reads it. People whose record is restricted are not there, in no table: each table that tells of people
//! is read through [`shown`]. The one exception, `RestrictedLeavers`, is for rules: it has sign-in names and nothing else.

use kernel::ScalarType::{Bool, DateTime, Dynamic, Long, Real, String};
use store::{FactColumn, FactTable};

/// Rows `t` of a table without those that tell of somebody whose record is restricted; `$is` says which rows do, with `q` for
/// that person.
macro_rules! shown {
    ($table:literal, $is:literal) => {
        concat!(
            "(SELECT t.* FROM ",
            $table,
            " t WHERE NOT EXISTS (SELECT 1 FROM identity_person q WHERE q.restricted = 1 AND (",
            $is,
            ")))"
        )
    };
}
pub(crate) use shown;

/// The tables that this room registers.
pub const FACT_TABLES: [FactTable; 11] = [
    SYSTEMS,
    IDENTITIES,
    ENGAGEMENTS,
    ACCOUNTS,
    ENTITLEMENTS,
    ENTITLEMENT_NESTING,
    ACCOUNT_ENTITLEMENTS,
    ROLES,
    ROLE_ASSIGNMENTS,
    IDENTITY_FINDINGS,
    RESTRICTED_LEAVERS,
];

const IDENTITIES: FactTable = FactTable {
    name: "Identities",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "updated_us"),
        FactColumn::new("PersonId", String, "id"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Number", String, "number"),
        FactColumn::new("GivenName", String, "given_name"),
        FactColumn::new("FamilyName", String, "family_name"),
        FactColumn::new("DisplayName", String, "given_name || ' ' || family_name"),
        FactColumn::new("Mail", String, "mail"),
        FactColumn::new("Sponsor", String, "sponsor"),
        FactColumn::new("Blocked", DateTime, "blocked_us"),
        FactColumn::new("MergedInto", String, "merged_into"),
        FactColumn::new("Created", DateTime, "created_us"),
    ],
    from: "(SELECT * FROM identity_person WHERE restricted = 0) p",
    time: "updated_us",
};

/// Sign-in names of restricted people who have left or are locked out: a rule looks for them as for anybody, and shows no
/// more of them than the event did. Read by rules, and by who manages the desk.
const RESTRICTED_LEAVERS: FactTable = FactTable {
    name: "RestrictedLeavers",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "a.updated_us"),
        FactColumn::new("System", String, "a.system"),
        FactColumn::new("Login", String, "a.login"),
    ],
    from: "identity_account a JOIN identity_person p ON p.id = a.person_id AND p.restricted = 1 AND (p.blocked_us IS NOT \
           NULL OR NOT EXISTS (SELECT 1 FROM identity_engagement e WHERE e.person_id = p.id AND e.state <> 'ended' AND \
           e.state <> 'cancelled'))",
    time: "a.updated_us",
};

const ENGAGEMENTS: FactTable = FactTable {
    name: "Engagements",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "e.updated_us"),
        FactColumn::new("EngagementId", String, "e.id"),
        FactColumn::new("PersonId", String, "e.person_id"),
        FactColumn::new("Source", String, "e.source"),
        FactColumn::new("SourceKey", String, "e.source_key"),
        FactColumn::new("State", String, "e.state"),
        FactColumn::new("Station", String, "e.station"),
        FactColumn::new("OrgUnit", String, "e.org_unit"),
        FactColumn::new("Job", String, "e.job"),
        FactColumn::new("Manager", String, "e.manager"),
        FactColumn::new("Begins", DateTime, "e.begins_us"),
        FactColumn::new("Ends", DateTime, "e.ends_us"),
        FactColumn::new("Sheet", Dynamic, "e.sheet"),
    ],
    from: "identity_engagement e JOIN identity_person p ON p.id = e.person_id AND p.restricted = 0",
    time: "e.updated_us",
};

const ACCOUNTS: FactTable = FactTable {
    name: "Accounts",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "updated_us"),
        FactColumn::new("AccountId", String, "id"),
        FactColumn::new("System", String, "system"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("Protection", String, "protection"),
        FactColumn::new("Login", String, "login"),
        FactColumn::new("NativeId", String, "native_id"),
        FactColumn::new("Status", String, "status"),
        FactColumn::new("Progress", String, "progress"),
        FactColumn::new("Attempts", Long, "attempts"),
        FactColumn::new("Problem", String, "problem"),
        FactColumn::new("Owner", String, "owner"),
        FactColumn::new("Purpose", String, "purpose"),
        FactColumn::new("Expires", DateTime, "expires_us"),
        FactColumn::new("Rotated", DateTime, "rotated_us"),
        FactColumn::new("LastUse", DateTime, "last_use_us"),
        FactColumn::new("LastSeen", DateTime, "seen_us"),
        FactColumn::new("Created", DateTime, "created_us"),
        FactColumn::new("Seen", Dynamic, "seen"),
        FactColumn::new("Wanted", Dynamic, "wanted"),
    ],
    from: concat!(shown!("identity_account", "q.id = t.person_id"), " a"),
    time: "updated_us",
};

/// What documents say of systems, from the moment when they are saved.
const SYSTEMS: FactTable = FactTable {
    name: "Systems",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "updated_us"),
        FactColumn::new("System", String, "doc_key"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("Owner", String, "owner"),
        FactColumn::new("Body", Dynamic, "body"),
        FactColumn::new("Version", Long, "version"),
        FactColumn::new("Retired", DateTime, "retired_us"),
        FactColumn::new("UpdatedBy", String, "updated_by"),
    ],
    from: "(SELECT * FROM identity_document WHERE kind = 'system') s",
    time: "updated_us",
};

const ENTITLEMENTS: FactTable = FactTable {
    name: "Entitlements",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "updated_us"),
        FactColumn::new("EntitlementId", String, "id"),
        FactColumn::new("System", String, "system"),
        FactColumn::new("Name", String, "name"),
        FactColumn::new("NativeId", String, "native_id"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("Owner", String, "owner"),
        FactColumn::new("Risk", String, "risk"),
        FactColumn::new("Privileged", Bool, "privileged"),
        FactColumn::new("CostYearly", Real, "cost_yearly"),
        FactColumn::new("LastSeen", DateTime, "seen_us"),
        FactColumn::new("Gone", DateTime, "gone_us"),
    ],
    from: "identity_entitlement",
    time: "updated_us",
};

const ENTITLEMENT_NESTING: FactTable = FactTable {
    name: "EntitlementNesting",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "seen_us"),
        FactColumn::new("ParentId", String, "parent_id"),
        FactColumn::new("ChildId", String, "child_id"),
    ],
    from: "identity_nesting",
    time: "seen_us",
};

const ACCOUNT_ENTITLEMENTS: FactTable = FactTable {
    name: "AccountEntitlements",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "h.since_us"),
        FactColumn::new("AccountId", String, "h.account_id"),
        FactColumn::new("PersonId", String, "a.person_id"),
        FactColumn::new("System", String, "a.system"),
        FactColumn::new("Login", String, "a.login"),
        FactColumn::new("EntitlementId", String, "h.entitlement_id"),
        FactColumn::new("Entitlement", String, "e.name"),
        FactColumn::new("Kind", String, "e.kind"),
        FactColumn::new("Privileged", Bool, "e.privileged"),
        FactColumn::new("Since", DateTime, "h.since_us"),
    ],
    from: concat!(
        "identity_holding h JOIN ",
        shown!("identity_account", "q.id = t.person_id"),
        " a ON a.id = h.account_id JOIN identity_entitlement e ON e.id = h.entitlement_id"
    ),
    time: "h.since_us",
};

const ROLES: FactTable = FactTable {
    name: "Roles",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "updated_us"),
        FactColumn::new("Role", String, "doc_key"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("Owner", String, "owner"),
        FactColumn::new("Body", Dynamic, "body"),
        FactColumn::new("Version", Long, "version"),
        FactColumn::new("Retired", DateTime, "retired_us"),
        FactColumn::new("UpdatedBy", String, "updated_by"),
    ],
    from: "(SELECT * FROM identity_document WHERE kind = 'role') r",
    time: "updated_us",
};

const ROLE_ASSIGNMENTS: FactTable = FactTable {
    name: "RoleAssignments",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "recorded_us"),
        FactColumn::new("AssignmentId", String, "id"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("TargetKind", String, "target_kind"),
        FactColumn::new("Target", String, "target"),
        FactColumn::new("Mode", String, "mode"),
        FactColumn::new("Source", String, "source"),
        FactColumn::new("SourceRef", String, "source_ref"),
        FactColumn::new("Reason", String, "reason"),
        FactColumn::new("Approver", String, "approver"),
        FactColumn::new("ValidFrom", DateTime, "valid_from_us"),
        FactColumn::new("ValidUntil", DateTime, "valid_until_us"),
        FactColumn::new("RecordedBy", String, "recorded_by"),
        FactColumn::new("Ended", DateTime, "ended_us"),
        FactColumn::new("EndedBy", String, "ended_by"),
        FactColumn::new("EndReason", String, "end_reason"),
    ],
    from: concat!(shown!("identity_assignment", "q.id = t.person_id"), " a"),
    time: "recorded_us",
};

const IDENTITY_FINDINGS: FactTable = FactTable {
    name: "IdentityFindings",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "opened_us"),
        FactColumn::new("FindingId", String, "id"),
        FactColumn::new("Kind", String, "kind"),
        FactColumn::new("Subject", String, "subject"),
        FactColumn::new("PersonId", String, "person_id"),
        FactColumn::new("AccountId", String, "account_id"),
        FactColumn::new("System", String, "system"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("Detail", Dynamic, "detail"),
        FactColumn::new("State", String, "state"),
        FactColumn::new("Closed", DateTime, "closed_us"),
        FactColumn::new("ClosedBy", String, "closed_by"),
        FactColumn::new("Decision", String, "decision"),
    ],
    from: concat!(
        shown!(
            "identity_finding",
            "q.id = t.person_id OR t.subject LIKE '%' || q.id || '%' OR t.detail LIKE '%' || q.id || '%' OR t.title LIKE \
             '%' || q.given_name || ' ' || q.family_name || '%' OR EXISTS (SELECT 1 FROM identity_account o WHERE \
             o.person_id = q.id AND o.id = t.account_id)"
        ),
        " f"
    ),
    time: "opened_us",
};
