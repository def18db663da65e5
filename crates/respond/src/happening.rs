//! What can happen to an incident: each is one line of its timeline.

use kernel::Severity;
use kernel::fact::AlertRaised;
use kernel::id::{AlertId, CommentId, IncidentId, TaskId};
use serde_json::{Value as Json, json};

use crate::incident::{Classification, Status};
use crate::task::TaskState;

/// Something that happened to an incident.
#[derive(Debug, Clone, PartialEq)]
pub enum Happening {
    /// `previous` is the closed incident that it goes on with.
    Opened {
        previous: Option<IncidentId>,
    },
    AlertAdded(AlertRaised),
    /// An event that came late undid the alert of a correlation.
    AlertWithdrawn {
        alert: AlertId,
        title: String,
    },
    Assigned {
        from: Option<String>,
        to: Option<String>,
    },
    StatusChanged {
        from: Status,
        to: Status,
    },
    Closed {
        from: Status,
        classification: Classification,
    },
    Reopened,
    SeverityChanged {
        from: Severity,
        to: Severity,
    },
    Renamed {
        from: String,
        to: String,
    },
    Described {
        to: String,
    },
    Commented {
        comment: CommentId,
        text: String,
    },
    TaskAdded {
        task: TaskId,
        title: String,
        assignee: Option<String>,
    },
    TaskChanged {
        task: TaskId,
        title: String,
        from: TaskState,
        to: TaskState,
    },
}

impl Happening {
    /// The kind of line; the ledger's verb is `incident.` and this.
    pub const fn kind(&self) -> &'static str {
        match self {
            Happening::Opened { .. } => "opened",
            Happening::AlertAdded(_) => "alert",
            Happening::AlertWithdrawn { .. } => "alert-withdrawn",
            Happening::Assigned { .. } => "assigned",
            Happening::StatusChanged { .. } => "status",
            Happening::Closed { .. } => "closed",
            Happening::Reopened => "reopened",
            Happening::SeverityChanged { .. } => "severity",
            Happening::Renamed { .. } => "title",
            Happening::Described { .. } => "description",
            Happening::Commented { .. } => "comment",
            Happening::TaskAdded { .. } => "task",
            Happening::TaskChanged { .. } => "task-state",
        }
    }

    /// Whether it changes what people decide, so that an edit based on the state before conflicts with it.
    pub const fn is_edit(&self) -> bool {
        match self {
            Happening::Assigned { .. }
            | Happening::StatusChanged { .. }
            | Happening::Closed { .. }
            | Happening::Reopened
            | Happening::SeverityChanged { .. }
            | Happening::Renamed { .. }
            | Happening::Described { .. } => true,
            Happening::Opened { .. }
            | Happening::AlertAdded(_)
            | Happening::AlertWithdrawn { .. }
            | Happening::Commented { .. }
            | Happening::TaskAdded { .. }
            | Happening::TaskChanged { .. } => false,
        }
    }

    /// In words, for people.
    pub fn text(&self) -> String {
        match self {
            Happening::Opened { previous: None } => "Incident opened".to_owned(),
            Happening::Opened { previous: Some(_) } => {
                "Incident opened: more alerts after an earlier one was closed".to_owned()
            }
            Happening::AlertAdded(alert) => format!("Alert added: {}", alert.title),
            Happening::AlertWithdrawn { title, .. } => {
                format!("Alert withdrawn, undone by an event that came late: {title}")
            }
            Happening::Assigned { to: Some(owner), .. } => format!("Assigned to {owner}"),
            Happening::Assigned { to: None, .. } => "Assigned to nobody".to_owned(),
            Happening::StatusChanged { from, to } => format!("Status changed from {from} to {to}"),
            Happening::Closed { classification, .. } => format!("Closed as {classification}"),
            Happening::Reopened => "Reopened".to_owned(),
            Happening::SeverityChanged { from, to } => format!("Severity changed from {from} to {to}"),
            Happening::Renamed { to, .. } => format!("Renamed to {to}"),
            Happening::Described { .. } => "Description changed".to_owned(),
            Happening::Commented { text, .. } => text.clone(),
            Happening::TaskAdded { title, .. } => format!("Task added: {title}"),
            Happening::TaskChanged { title, to, .. } => format!("Task {to}: {title}"),
        }
    }

    /// The values of the line, for translation and links.
    pub fn parameters(&self) -> Json {
        match self {
            Happening::Opened { previous } => json!({ "previous": previous }),
            Happening::AlertAdded(alert) => json!({
                "alert_id": alert.alert,
                "rule_id": alert.rule_id,
                "title": alert.title,
                "severity": alert.severity,
                "event_time": alert.event_time.to_string(),
            }),
            Happening::AlertWithdrawn { alert, title } => json!({ "alert_id": alert, "title": title }),
            Happening::Assigned { from, to } => json!({ "from": from, "to": to }),
            Happening::StatusChanged { from, to } => json!({ "from": from, "to": to }),
            Happening::Closed { from, classification } => json!({ "from": from, "classification": classification }),
            Happening::Reopened => json!({}),
            Happening::SeverityChanged { from, to } => json!({ "from": from, "to": to }),
            Happening::Renamed { from, to } => json!({ "from": from, "to": to }),
            Happening::Described { .. } => json!({}),
            Happening::Commented { comment, .. } => json!({ "comment_id": comment }),
            Happening::TaskAdded { task, title, assignee } => {
                json!({ "task_id": task, "title": title, "assignee": assignee })
            }
            Happening::TaskChanged { task, title, from, to } => {
                json!({ "task_id": task, "title": title, "from": from, "to": to })
            }
        }
    }

    /// What the ledger keeps of it: the parameters, and the words where they are the matter.
    pub(crate) fn record(&self) -> Json {
        match self {
            Happening::Described { to } => json!({ "to": to }),
            Happening::Commented { comment, text } => json!({ "comment_id": comment, "text": text }),
            other => other.parameters(),
        }
    }
}
