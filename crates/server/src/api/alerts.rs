//! Alerts: the queue, and each with its events, the rule's text and why it matched.

use std::collections::BTreeSet;
use std::sync::Arc;

use crate::action::Action;
use crate::api::ledger::page_size;
use crate::app::App;
use crate::body::Filter;
use crate::detection;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use kernel::id::{AlertId, IncidentId};
use serde::{Deserialize, Serialize};
use serde_json::Value;
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
    /// When an event that came late undid it.
    pub withdrawn: Option<Instant>,
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
    /// Those of one incident, by event time, all on one page.
    pub incident: Option<String>,
    /// Only those without an incident: pages may then be shorter than the limit, and even empty before the last.
    pub unassigned: Option<bool>,
    /// Raised at or after.
    pub from: Option<Instant>,
    /// Raised before.
    pub to: Option<Instant>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

impl AlertFilter {
    /// The same as the detecting room's filter, for the alerts of one incident.
    fn takes(&self, alert: &Alert) -> bool {
        let named = |entity: &EntityWord| {
            self.entity
                .as_deref()
                .is_some_and(|wanted| wanted.eq_ignore_ascii_case(&format!("{}:{}", entity.kind, entity.key)))
        };
        let uses = |technique: &String| {
            let wanted = self.technique.as_deref().unwrap_or_default();
            technique.get(..wanted.len()).is_some_and(|start| start.eq_ignore_ascii_case(wanted))
        };
        self.severity.is_none_or(|least| alert.severity >= least)
            && self.rule.as_deref().is_none_or(|rule| alert.rule_id == rule)
            && (self.entity.is_none() || alert.entities.iter().any(named))
            && (self.technique.is_none() || alert.techniques.iter().any(uses))
            && self.from.is_none_or(|from| alert.raised >= from)
            && self.to.is_none_or(|to| alert.raised < to)
            && self.unassigned != Some(true)
    }
}

/// An alert with everything that explains it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertDetail {
    pub alert: Alert,
    /// Why, in plain words.
    pub explanation: String,
    /// Revision of the rule's text when it matched first.
    pub rule_revision: Option<String>,
    /// Events that matched, oldest first; at most the first hundred are kept with an alert.
    pub events: Vec<AlertEvent>,
    /// The rule as it is now; empty when it is gone.
    pub rule_text: String,
    /// The rule has been changed since it matched, or is gone: the reasons are those of the time.
    pub rule_changed: bool,
    /// `yaml` or `kql`.
    pub rule_language: String,
    pub rule_description: String,
    pub references: Vec<String>,
    pub false_positives: Vec<String>,
}

/// An event that matched.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AlertEvent {
    /// Names the row for ever.
    pub item_id: String,
    pub time: Instant,
    /// The record as it arrived; a very long one is cut.
    pub raw: String,
    /// The record's fields, where it is JSON.
    pub fields: Option<Value>,
    pub reasons: Vec<MatchReason>,
}

/// One predicate of the rule that held.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MatchReason {
    /// The field in the event; empty for a keyword anywhere in it.
    pub field: String,
    /// What the rule asks: `endswith '\lsass.exe'`.
    pub predicate: String,
    /// What the event has; absent where the rule asks that it has nothing.
    pub value: Option<String>,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_alerts, Action::ReadAlerts, list_alerts);
    routes.add(__path_get_alert, Action::ReadAlerts, get_alert);
}

/// The queue of alerts, newest first.
#[utoipa::path(get, path = "/api/v1/alerts", tag = "alerts", params(AlertFilter), responses((status = 200, body = Alerts)))]
async fn list_alerts(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<AlertFilter>,
) -> Result<Json<Alerts>, Problem> {
    page_size(filter.limit)?;
    if let Some(incident) = &filter.incident {
        let id = incident.parse().map_err(|_| Problem::not_found("incident", incident))?;
        let mut alerts = of_incident(&app, id).await?;
        alerts.retain(|alert| filter.takes(alert));
        return Ok(Json(Alerts { alerts, next: None }));
    }
    let mut page = detection::alerts(&app.detect, &filter).await?;
    fill_incidents(&app, &mut page.alerts).await?;
    if filter.unassigned == Some(true) {
        page.alerts.retain(|alert| alert.incident_id.is_none());
    }
    Ok(Json(page))
}

/// An alert with its events, the rule's text and why it matched.
#[utoipa::path(get, path = "/api/v1/alerts/{id}", tag = "alerts", params(("id" = String, Path)), responses((status = 200, body = AlertDetail)))]
async fn get_alert(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<AlertDetail>, Problem> {
    let known = id.parse().map_err(|_| Problem::not_found("alert", &id))?;
    let mut detail = detection::alert(&app.detect, known).await?;
    fill_incidents(&app, std::slice::from_mut(&mut detail.alert)).await?;
    Ok(Json(detail))
}

/// Alerts of an incident that are shown with it; the console asks for the rest by filter.
const MOST_OF_INCIDENT: u32 = 1_000;

/// The alerts of an incident, by event time.
///
/// # Errors
/// 503 when the database fails.
pub async fn of_incident(app: &App, id: IncidentId) -> Result<Vec<Alert>, Problem> {
    let belonging = app.respond.alerts(id, MOST_OF_INCIDENT).await?;
    let ids: BTreeSet<AlertId> = belonging.iter().map(|alert| alert.alert).collect();
    let groups = belonging.iter().map(|alert| alert.group).collect();
    let mut alerts = detection::alerts_of_groups(&app.detect, &groups, &ids).await?;
    for alert in &mut alerts {
        alert.incident_id = Some(id.to_string());
    }
    alerts.sort_by(|left, right| (left.event_time, &left.id).cmp(&(right.event_time, &right.id)));
    Ok(alerts)
}

/// Tells each alert's incident.
///
/// # Errors
/// 503 when the database fails.
pub async fn fill_incidents(app: &App, alerts: &mut [Alert]) -> Result<(), Problem> {
    for alert in alerts {
        let Ok(id) = alert.id.parse() else { continue };
        alert.incident_id = app.respond.incident_of_alert(id).await?.map(|incident| incident.to_string());
    }
    Ok(())
}
