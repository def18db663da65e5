//! The room's tables as KQL reads them.

use kernel::ScalarType::{DateTime, Dynamic, Long, Real, String};
use store::{FactColumn, FactTable};

const fn column(name: &'static str, scalar: kernel::ScalarType, sql: &'static str) -> FactColumn {
    FactColumn::new(name, scalar, sql)
}

/// `Rules`, `Alerts`, `AlertGroups`.
pub const FACT_TABLES: &[FactTable] = &[
    FactTable {
        name: "Rules",
        columns: &[
            column("TimeGenerated", DateTime, "changed_us"),
            column("RuleId", String, "id"),
            column("Kind", String, "kind"),
            column("Title", String, "title"),
            column("Severity", String, "severity"),
            column("State", String, "state"),
            column("Status", String, "status"),
            column("LogSource", String, "log_source"),
            column("Techniques", Dynamic, "techniques"),
            column("Origin", String, "origin"),
            column("Digest", String, "digest"),
            column("Problems", Dynamic, "problems"),
        ],
        from: "rule",
        time: "changed_us",
    },
    FactTable {
        name: "Alerts",
        columns: &[
            column("TimeGenerated", DateTime, "raised_us"),
            column("AlertId", String, "id"),
            column("RuleId", String, "rule_id"),
            column("RuleKind", String, "rule_kind"),
            column("Title", String, "title"),
            column("Severity", String, "severity"),
            column("Techniques", Dynamic, "techniques"),
            column("GroupId", String, "group_id"),
            column("FirstEvent", DateTime, "first_event_us"),
            column("LastEvent", DateTime, "last_event_us"),
            column("EventCount", Long, "event_count"),
            column("Entities", Dynamic, "entities"),
            column("Events", Dynamic, "events"),
            column("Risk", Real, "risk"),
        ],
        from: "alert",
        time: "raised_us",
    },
    FactTable {
        name: "AlertGroups",
        columns: &[
            column("TimeGenerated", DateTime, "last_us"),
            column("GroupId", String, "id"),
            column("FirstEvent", DateTime, "first_us"),
            column("LastEvent", DateTime, "last_us"),
            column("Severity", String, "severity"),
            column("Risk", Real, "risk"),
            column("AlertCount", Long, "alert_count"),
        ],
        from: "alert_group",
        time: "last_us",
    },
];
