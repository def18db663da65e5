//! The live stream: server-sent events `alert`, `incident`, `pulse` and `lagged`.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::alerts::Alert;
use crate::api::incidents::Incident;
use crate::api::words::Instant;

/// The data of each event; the event's name is in its field `event`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(tag = "event", content = "data", rename_all = "lowercase")]
pub enum LiveEvent {
    /// An alert was raised.
    Alert(Alert),
    /// An incident was opened or changed.
    Incident(Incident),
    /// Every few seconds: also the heartbeat.
    Pulse(Pulse),
    /// This listener was too slow and missed some events: load the lists again.
    Lagged(Lagged),
}

/// The state of the house in a few numbers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Pulse {
    pub at: Instant,
    /// Over the last minute, all sources.
    pub events_per_s: f64,
    pub records: u64,
    pub unparsed: u64,
    pub dropped: u64,
    pub sources: u64,
    pub silent_sources: Vec<String>,
    pub open_incidents: u64,
    pub alerts_last_hour: u64,
}

/// How many events were missed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Lagged {
    pub missed: u64,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_live, Action::ReadOverview, live);
}

/// Events as they happen.
#[utoipa::path(get, path = "/api/v1/live", tag = "live", responses((status = 200, body = LiveEvent, content_type = "text/event-stream")))]
async fn live() -> Problem {
    Problem::unavailable("being built", 60)
}
