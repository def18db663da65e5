//! What alerts do to incidents, without input or output.

use kernel::fact::AlertRaised;
use kernel::{EntityKind, Severity};

use crate::commands::Policy;
use crate::happening::Happening;
use crate::incident::{Incident, Status};

/// Where an alert goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Course {
    /// Into the open incident of its group.
    Join,
    /// Into a new incident; the closed one before it, if any, is named.
    Open,
    /// It is too mild to open an incident and waits for a worse one of its group.
    Wait,
}

/// Where an alert goes, given the incident of its group.
pub(crate) fn course(incident: Option<Status>, severity: Severity, policy: Policy) -> Course {
    match incident {
        Some(Status::New | Status::Active | Status::Contained) => Course::Join,
        Some(Status::Closed) | None if severity >= policy.open_from => Course::Open,
        Some(Status::Closed) | None => Course::Wait,
    }
}

/// What an alert makes happen to the incident that takes it: a line, and a rise when it is worse than all before.
pub(crate) fn join(incident: &Incident, alert: &AlertRaised) -> Vec<Happening> {
    let mut happenings = vec![Happening::AlertAdded(alert.clone())];
    let worse = incident.worst_alert.is_none_or(|worst| alert.severity > worst);
    if worse && alert.severity > incident.severity {
        happenings.push(Happening::SeverityChanged { from: incident.severity, to: alert.severity });
    }
    happenings
}

/// The same for several, one after the other.
pub(crate) fn join_all(incident: &Incident, alerts: &[AlertRaised]) -> Vec<Happening> {
    let mut incident = incident.clone();
    let mut all = Vec::new();
    for alert in alerts {
        let happenings = join(&incident, alert);
        happenings.iter().for_each(|happening| incident.apply(happening, incident.updated));
        all.extend(happenings);
    }
    all
}

/// The title of an incident that an alert opens: what, and where or who.
pub(crate) fn title(alert: &AlertRaised) -> String {
    let named = |kind| alert.entities.iter().find(|entity| entity.kind == kind);
    let place = named(EntityKind::Host).map(|host| format!(" on {}", host.name));
    let person =
        named(EntityKind::Account).or(named(EntityKind::Mailbox)).map(|account| format!(" by {}", account.name));
    format!("{}{}", alert.title, place.or(person).unwrap_or_default())
}
