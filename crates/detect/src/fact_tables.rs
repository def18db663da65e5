//! The room's tables as KQL reads them.

use kernel::ScalarType::{DateTime, Dynamic, Long, Real, String};
use store::{FactColumn, FactTable};

const fn column(name: &'static str, scalar: kernel::ScalarType, sql: &'static str) -> FactColumn {
    FactColumn::new(name, scalar, sql)
}

/// `Rules`, `RuleExceptions`, `Alerts`, `AlertGroups`.
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
            column("SeverityOverride", String, "severity_override"),
            column("Revision", String, "revision"),
        ],
        from: "rule",
        time: "changed_us",
    },
    FactTable {
        name: "RuleExceptions",
        columns: &[
            column("TimeGenerated", DateTime, "created_us"),
            column("ExceptionId", String, "id"),
            column("RuleId", String, "rule_id"),
            column("Title", String, "title"),
            column("Detection", String, "detection"),
            column("Owner", String, "owner"),
            column("Reason", String, "reason"),
            column("State", String, "state"),
            column("Trial", Dynamic, "trial"),
            column("Expires", DateTime, "expires_us"),
        ],
        from: "rule_exception",
        time: "created_us",
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
            column("RuleRevision", String, "rule_revision"),
            column("Withdrawn", DateTime, "withdrawn_us"),
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
