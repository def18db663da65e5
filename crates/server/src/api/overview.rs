//! The overview: what is going on now, each number with the KQL behind it.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::api::alerts::Alert;
use crate::api::incidents::Incident;
use crate::api::live::Pulse;
use crate::api::words::{EntityWord, Instant, SeverityWord};

/// What is going on.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Overview {
    pub now: Instant,
    /// The window of everything below.
    pub from: Instant,
    pub pulse: Pulse,
    /// Records received in each step of the window, oldest first; absent while the lake cannot answer.
    pub events: Option<Series>,
    /// Alerts raised in each step of the window.
    pub alerts: Series,
    pub alerts_by_severity: Vec<SeverityCount>,
    pub open_incidents_by_severity: Vec<SeverityCount>,
    pub open_incidents: Measure,
    /// Open incidents that nobody owns.
    pub unassigned_incidents: Measure,
    pub top_rules: Vec<RuleCount>,
    pub top_entities: Vec<EntityCount>,
    pub techniques: Vec<TechniqueCount>,
    /// The most pressing open incidents.
    pub incidents: Vec<Incident>,
    /// The newest alerts.
    pub recent_alerts: Vec<Alert>,
}

/// How far back.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct OverviewWindow {
    /// 1 to 720; 24 when absent.
    pub hours: Option<u32>,
}

/// A number that can be opened.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Measure {
    pub value: u64,
    /// The KQL that makes it.
    pub query: String,
}

/// A number over time.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Series {
    pub step_s: u64,
    pub points: Vec<Point>,
    /// The KQL that makes it.
    pub query: String,
}

/// One step.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Point {
    /// The step's start.
    pub at: Instant,
    pub value: u64,
}

/// How many of one severity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeverityCount {
    pub severity: SeverityWord,
    pub count: u64,
    pub query: String,
}

/// How many alerts of one rule.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct RuleCount {
    pub rule_id: String,
    pub title: String,
    pub count: u64,
    pub query: String,
}

/// How many alerts name one entity.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct EntityCount {
    pub entity: EntityWord,
    pub count: u64,
    pub query: String,
}

/// How many alerts of one ATT&CK technique.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TechniqueCount {
    pub technique: String,
    pub count: u64,
    pub query: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_overview, Action::ReadOverview, get_overview);
}

/// What is going on.
#[utoipa::path(get, path = "/api/v1/overview", tag = "overview", params(OverviewWindow), responses((status = 200, body = Overview)))]
async fn get_overview() -> Problem {
    Problem::unavailable("being built", 60)
}
