//! Incidents as KQL reads them.

use kernel::ScalarType::{DateTime, Dynamic, Long, String};
use store::{FactColumn, FactTable};

/// The tables that this room registers.
pub const FACT_TABLES: &[FactTable] = &[INCIDENTS, TIMELINE];

/// Column names are those of Sentinel's `SecurityIncident` where it has the column.
const INCIDENTS: FactTable = FactTable {
    name: "Incidents",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "created_us"),
        FactColumn::new("IncidentId", String, "id"),
        FactColumn::new("IncidentNumber", Long, "number"),
        FactColumn::new("Title", String, "title"),
        FactColumn::new("Description", String, "description"),
        FactColumn::new("Severity", String, "severity"),
        FactColumn::new("Status", String, "status"),
        FactColumn::new("Classification", String, "classification"),
        FactColumn::new("Owner", String, "owner"),
        FactColumn::new("CreatedTime", DateTime, "created_us"),
        FactColumn::new("LastModifiedTime", DateTime, "updated_us"),
        FactColumn::new("ClosedTime", DateTime, "closed_us"),
        FactColumn::new("FirstActivityTime", DateTime, "first_event_us"),
        FactColumn::new("LastActivityTime", DateTime, "last_event_us"),
        FactColumn::new("AlertsCount", Long, "alert_count"),
        FactColumn::new("Techniques", Dynamic, "techniques"),
        FactColumn::new("PreviousIncidentId", String, "previous_id"),
    ],
    from: "incident",
    time: "created_us",
};

const TIMELINE: FactTable = FactTable {
    name: "IncidentTimeline",
    columns: &[
        FactColumn::new("TimeGenerated", DateTime, "t.at_us"),
        FactColumn::new("IncidentId", String, "t.incident_id"),
        FactColumn::new("IncidentNumber", Long, "i.number"),
        FactColumn::new("Sequence", Long, "t.seq"),
        FactColumn::new("Kind", String, "t.kind"),
        FactColumn::new("Actor", String, "t.actor"),
        FactColumn::new("Text", String, "t.body"),
        FactColumn::new("Parameters", Dynamic, "t.parameters"),
        FactColumn::new("Reason", String, "t.reason"),
    ],
    from: "incident_timeline t JOIN incident i ON i.id = t.incident_id",
    time: "t.at_us",
};
