//! What rooms tell each other. A fact is emitted in the transaction that made it true and delivered at least once.

use serde::{Deserialize, Serialize};

use crate::entity::Entity;
use crate::id::{AlertGroupId, AlertId, IncidentId};
use crate::severity::Severity;
use crate::time::Timestamp;

/// Something that became true, for other rooms to act on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "fact", rename_all = "kebab-case")]
pub enum Fact {
    /// A rule matched and the alert was put into a group. Emitted by `detect`.
    AlertRaised(AlertRaised),
    /// An event that came late undid an alert of a correlation. Emitted by `detect`.
    AlertWithdrawn { alert: AlertId, group: AlertGroupId, title: String, at: Timestamp },
    /// An incident was opened, or anything of it changed. Emitted by `respond`.
    IncidentChanged { incident: IncidentId, version: i64, at: Timestamp },
    /// An incident was closed. Emitted by `respond`.
    IncidentClosed { incident: IncidentId, classification: String, at: Timestamp },
    /// A promise was not kept in time. Emitted by `store` when a deadline fires.
    DeadlineExpired { deadline: String, kind: String, subject: String, due: Timestamp, expired_while_down: bool },
    /// A source that used to talk has fallen silent. Emitted by the intake wiring.
    SourceSilent { source: String, last_seen: Timestamp },
}

impl Fact {
    /// The name under which rooms subscribe.
    pub const fn topic(&self) -> &'static str {
        match self {
            Fact::AlertRaised(_) => "alert-raised",
            Fact::AlertWithdrawn { .. } => "alert-withdrawn",
            Fact::IncidentChanged { .. } => "incident-changed",
            Fact::IncidentClosed { .. } => "incident-closed",
            Fact::DeadlineExpired { .. } => "deadline-expired",
            Fact::SourceSilent { .. } => "source-silent",
        }
    }
}

/// What another room needs to know of an alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AlertRaised {
    pub alert: AlertId,
    /// Alerts of one group belong into one incident.
    pub group: AlertGroupId,
    pub rule_id: String,
    pub title: String,
    pub severity: Severity,
    /// Time of the first event that matched.
    pub event_time: Timestamp,
    pub entities: Vec<Entity>,
    /// ATT&CK technique ids such as `T1003.001`.
    pub techniques: Vec<String>,
}
