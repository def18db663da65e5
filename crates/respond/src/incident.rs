//! An incident: a case that somebody owns until it is closed.

use kernel::fact::AlertRaised;
use kernel::id::IncidentId;
use kernel::{Severity, Timestamp, words};
use serde::{Deserialize, Serialize};

use crate::happening::Happening;

words! {
    /// Where an incident stands.
    Status {
        /// Nobody has looked at it.
        New = "new",
        /// Somebody works on it.
        Active = "active",
        /// The harm has been stopped; work goes on.
        Contained = "contained",
        Closed = "closed",
    }
}

words! {
    /// What it turned out to be.
    Classification {
        /// A real attack or breach.
        TruePositive = "true-positive",
        /// Real, and allowed: a test, an administrator at work.
        BenignPositive = "benign-positive",
        /// The rule was wrong.
        FalsePositive = "false-positive",
        Undetermined = "undetermined",
    }
}

/// An incident as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Incident {
    pub id: IncidentId,
    /// Short, for people to say: counts up from 1. See [`Incident::label`].
    pub number: i64,
    pub title: String,
    pub description: String,
    pub severity: Severity,
    /// The worst of its alerts so far. The severity rises only when an alert is worse than all before, so that a
    /// person's judgement is not undone by more of the same.
    pub worst_alert: Option<Severity>,
    pub status: Status,
    /// Present exactly when it is closed.
    pub classification: Option<Classification>,
    /// The text of a user id.
    pub owner: Option<String>,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// Present exactly when it is closed.
    pub closed: Option<Timestamp>,
    /// Time of the first event of its alerts.
    pub first_event: Option<Timestamp>,
    /// Time of the last first-event of its alerts.
    pub last_event: Option<Timestamp>,
    pub alert_count: u64,
    /// ATT&CK technique ids, sorted.
    pub techniques: Vec<String>,
    /// The closed incident whose group this one goes on with.
    pub previous: Option<IncidentId>,
    /// Lines of its timeline.
    pub timeline_length: i64,
    /// Counts every change.
    pub version: i64,
    /// The version at which somebody last changed what people decide: state, owner, severity, words.
    pub edited_version: i64,
}

impl Incident {
    /// `INC-0042`.
    pub fn label(&self) -> String {
        format!("INC-{:04}", self.number)
    }

    /// An incident to which nothing has happened yet.
    pub(crate) fn blank(id: IncidentId, number: i64, title: String, severity: Severity, now: Timestamp) -> Incident {
        Incident {
            id,
            number,
            title,
            description: String::new(),
            severity,
            worst_alert: None,
            status: Status::New,
            classification: None,
            owner: None,
            created: now,
            updated: now,
            closed: None,
            first_event: None,
            last_event: None,
            alert_count: 0,
            techniques: Vec::new(),
            previous: None,
            timeline_length: 0,
            version: 0,
            edited_version: 0,
        }
    }

    /// The incident after something happened to it. Whether it may happen was decided before.
    pub fn apply(&mut self, happening: &Happening, now: Timestamp) {
        match happening {
            Happening::Opened { .. } | Happening::Commented { .. } | Happening::AlertWithdrawn { .. } => {}
            Happening::TaskAdded { .. } | Happening::TaskChanged { .. } => {}
            Happening::AlertAdded(alert) => self.take(alert),
            Happening::Assigned { to, .. } => self.owner.clone_from(to),
            Happening::StatusChanged { to, .. } => self.status = *to,
            Happening::Closed { classification, .. } => {
                (self.status, self.classification, self.closed) = (Status::Closed, Some(*classification), Some(now));
            }
            Happening::Reopened => (self.status, self.classification, self.closed) = (Status::Active, None, None),
            Happening::SeverityChanged { to, .. } => self.severity = *to,
            Happening::Renamed { to, .. } => self.title.clone_from(to),
            Happening::Described { to } => self.description.clone_from(to),
        }
        self.updated = now;
        self.timeline_length += 1;
    }

    fn take(&mut self, alert: &AlertRaised) {
        self.alert_count += 1;
        self.worst_alert = self.worst_alert.max(Some(alert.severity));
        self.first_event = Some(self.first_event.map_or(alert.event_time, |first| first.min(alert.event_time)));
        self.last_event = self.last_event.max(Some(alert.event_time));
        for technique in &alert.techniques {
            if let Err(at) = self.techniques.binary_search(technique) {
                self.techniques.insert(at, technique.clone());
            }
        }
    }
}
