//! Alerts: the queue, and each with its events, the rule's text and why it matched.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::{IntoParams, ToSchema};

use crate::api::words::{EntityWord, Instant, SeverityWord};

/// An alert in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alert {
    pub id: String,
    pub rule_id: String,
    /// `sigma` or `kql`.
    pub rule_kind: crate::api::rules::RuleKind,
    pub title: String,
    pub severity: SeverityWord,
    /// Time of the first event that matched.
    pub event_time: Instant,
    /// Time of the last event that matched.
    pub last_event_time: Instant,
    /// When Vigie raised it.
    pub raised: Instant,
    /// Events that matched, those not kept with the alert included.
    pub event_count: u64,
    pub entities: Vec<EntityWord>,
    /// ATT&CK technique ids such as `T1003.001`.
    pub techniques: Vec<String>,
    /// The incident that it belongs to.
    pub incident_id: Option<String>,
    /// Alerts of one group belong into one incident.
    pub group_id: Option<String>,
    /// What ranks the queue: higher first.
    pub risk: f64,
}

/// A page of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Alerts {
    pub alerts: Vec<Alert>,
    /// To send as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Which alerts.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct AlertFilter {
    /// At least this severity.
    pub severity: Option<SeverityWord>,
    pub rule: Option<String>,
    /// `kind:key`, as in `Entity`.
    pub entity: Option<String>,
    pub technique: Option<String>,
    pub incident: Option<String>,
    /// Only those without an incident.
    pub unassigned: Option<bool>,
    /// Raised at or after.
    pub from: Option<Instant>,
    /// Raised before.
    pub to: Option<Instant>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// An alert with everything that explains it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertDetail {
    pub alert: Alert,
    /// Why, in plain words.
    pub explanation: String,
    /// Events that matched, oldest first; at most the first hundred are kept with an alert.
    pub events: Vec<AlertEvent>,
    /// The rule as it was when it matched.
    pub rule_text: String,
    /// `yaml` or `kql`.
    pub rule_language: String,
    pub rule_description: String,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
    /// KQL that shows these events in their table.
    pub query: Option<String>,
}

/// An event that matched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertEvent {
    /// Names the row for ever.
    pub item_id: String,
    pub table: Option<String>,
    pub time: Instant,
    /// The record as it arrived.
    pub raw: Option<String>,
    /// The fields that the rule looked at, and the usual ones beside them.
    pub fields: Json,
    pub reasons: Vec<MatchReason>,
}

/// One predicate of the rule that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatchReason {
    /// The field in the event; absent for a keyword anywhere in it.
    pub field: Option<String>,
    /// What the rule asks: `endswith '\lsass.exe'`.
    pub predicate: String,
    /// What the event has.
    pub value: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_alerts, Action::ReadAlerts, list_alerts);
    routes.add(__path_get_alert, Action::ReadAlerts, get_alert);
}

/// The queue of alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertFilter), responses((status = 200, body = Alerts)))]
async fn list_alerts() -> Problem {
    Problem::unavailable("being built", 60)
}

/// An alert with its events, the rule's text and why it matched.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = AlertDetail)))]
async fn get_alert() -> Problem {
    Problem::unavailable("being built", 60)
}
