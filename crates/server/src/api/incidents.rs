//! Incidents: the queue, the dossier, and the commands that move one on.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};

use crate::api::alerts::Alert;
use crate::api::words::{EntityWord, Instant, SeverityWord, UserRef};

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    /// Nobody has looked at it.
    New,
    /// Somebody works on it.
    Active,
    /// The harm has been stopped; work goes on.
    Contained,
    Closed,
}

/// What it turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Classification {
    /// A real attack or breach.
    TruePositive,
    /// Real, and allowed: a test, an administrator at work.
    BenignPositive,
    /// The rule was wrong.
    FalsePositive,
    Undetermined,
}

/// An incident in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    pub id: String,
    /// Short, for people to say: counts up from 1.
    pub number: i64,
    pub title: String,
    pub severity: SeverityWord,
    pub status: IncidentStatus,
    pub classification: Option<Classification>,
    pub owner: Option<UserRef>,
    pub created: Instant,
    pub updated: Instant,
    pub closed: Option<Instant>,
    /// Time of the first event of its alerts.
    pub first_event: Option<Instant>,
    /// Time of the last event of its alerts.
    pub last_event: Option<Instant>,
    pub alert_count: u64,
    /// Those that most alerts share, first; at most ten here.
    pub entities: Vec<EntityWord>,
    pub techniques: Vec<String>,
    pub version: i64,
}

/// A page of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incidents {
    pub incidents: Vec<Incident>,
    /// To send as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Which incidents.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IncidentFilter {
    pub status: Option<IncidentStatus>,
    /// All that are not closed.
    pub open: Option<bool>,
    /// At least this severity.
    pub severity: Option<SeverityWord>,
    /// A user id, or `none`.
    pub owner: Option<String>,
    /// `kind:key`, as in `Entity`.
    pub entity: Option<String>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// The dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    pub incident: Incident,
    pub description: String,
    pub entities: Vec<IncidentEntity>,
    /// By event time.
    pub alerts: Vec<Alert>,
    /// Oldest first.
    pub comments: Vec<Comment>,
    /// Oldest first: alerts, acts and comments in one line.
    pub timeline: Vec<TimelineItem>,
    /// Names of the commands that this state allows.
    pub commands: Vec<String>,
}

/// An entity and how many alerts name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentEntity {
    pub entity: EntityWord,
    pub alert_count: u64,
    pub first_seen: Option<Instant>,
    pub last_seen: Option<Instant>,
    /// KQL that shows what else is known of it.
    pub query: Option<String>,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Comment {
    pub id: String,
    pub author: UserRef,
    pub at: Instant,
    pub text: String,
}

/// One line of an incident's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineItem {
    pub at: Instant,
    /// `opened`, `alert`, `assigned`, `status`, `severity`, `title`, `comment`, `closed`, `reopened`, …
    pub kind: String,
    /// `user:…`, `token:…` or `system:…`.
    pub actor: String,
    /// The name to show for the actor.
    pub actor_name: String,
    /// In words.
    pub text: String,
    /// Values of the line, for translation: `from`, `to`, `alert_id`, …
    pub parameters: Json,
    pub reason: Option<String>,
}

/// Opens an incident by hand.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenIncident {
    pub title: String,
    pub severity: SeverityWord,
    #[serde(default)]
    pub description: String,
    /// Alerts that belong to it.
    #[serde(default)]
    pub alerts: Vec<String>,
    pub reason: String,
}

/// A command with what every command needs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IncidentCommand {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    /// Becomes the ledger entry.
    pub reason: String,
    #[serde(flatten)]
    pub act: IncidentAct,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum IncidentAct {
    /// Gives it to somebody, or to nobody.
    Assign {
        owner: Option<String>,
    },
    /// Work begins.
    Activate,
    /// The harm has been stopped.
    Contain,
    Close {
        classification: Classification,
    },
    Reopen,
    SetSeverity {
        severity: SeverityWord,
    },
    Rename {
        title: String,
    },
    Describe {
        description: String,
    },
    Comment {
        text: String,
    },
    AddAlerts {
        alerts: Vec<String>,
    },
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_incidents, Action::ReadIncidents, list_incidents);
    routes.add(__path_open_incident, Action::RespondIncidents, open_incident);
    routes.add(__path_get_incident, Action::ReadIncidents, get_incident);
    routes.add(__path_command_incident, Action::RespondIncidents, command_incident);
}

/// The queue of incidents: open ones first, worst first, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(IncidentFilter), responses((status = 200, body = Incidents)))]
async fn list_incidents() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Opens an incident by hand.
#[utoipa::path(post, path = "/api/v1/incidents", tag = "incidents", request_body = OpenIncident, responses((status = 201, body = IncidentDetail)))]
async fn open_incident() -> Problem {
    Problem::unavailable("being built", 60)
}

/// The dossier.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path)), responses((status = 200, body = IncidentDetail)))]
async fn get_incident() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Moves an incident on.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/commands", tag = "incidents", request_body = IncidentCommand, params(("id" = String, Path)), responses((status = 200, body = IncidentDetail)))]
async fn command_incident() -> Problem {
    Problem::unavailable("being built", 60)
}
