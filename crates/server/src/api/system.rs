//! What of the machine wants a person: a clock that cannot be believed, facts that a room could not take in.

use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use store::Entry;
use utoipa::ToSchema;

use crate::api::words::Instant;

/// What wants attention; all of it empty when nothing does.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Attention {
    /// The machine's clock is so far from house time that a person has to say which is right.
    pub clock: Option<ClockInDoubt>,
    /// Rooms that cannot take in a fact and try again; what comes after it waits.
    pub waiting: Vec<WaitingRoom>,
    /// Facts that were put aside because a room could not take them in.
    pub parked: Vec<ParkedFact>,
}

/// Two times, of which one is right.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ClockInDoubt {
    /// What the machine's clock says.
    pub wall: Instant,
    /// What everything here goes by.
    pub house: Instant,
}

/// A subscriber of facts that is held up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct WaitingRoom {
    pub subscriber: String,
    /// Facts behind the one that fails.
    pub behind: u64,
    /// How often it was tried.
    pub attempts: u64,
    pub problem: String,
}

/// A fact that was put aside.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct ParkedFact {
    pub subscriber: String,
    pub sequence: i64,
    /// What kind of fact: `distress-signalled`, `message-received`, …
    pub topic: String,
    pub attempts: u64,
    pub problem: String,
    pub at: Instant,
    /// Somebody has asked to tell it again.
    pub retry: bool,
}

/// The machine's clock is right, and house time is not.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TrustClock {
    pub reason: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_attention, Action::ReadOverview, get_attention);
    routes.add(__path_trust_clock, Action::KeepHouse, trust_clock);
    routes.add(__path_retry_parked, Action::KeepHouse, retry_parked);
}

/// What of the machine wants a person.
#[utoipa::path(get, path = "/api/v1/system/attention", tag = "system", responses((status = 200, body = Attention)))]
async fn get_attention(State(app): State<Arc<App>>) -> Result<Json<Attention>, Problem> {
    let doubt = app.store.clock_doubt();
    let clock = doubt.map(|doubt| ClockInDoubt { wall: doubt.wall.into(), house: doubt.house.into() });
    let waiting = app.store.subscribers().await?.into_iter().filter(|one| one.attempts > 0);
    let waiting = waiting.map(|one| WaitingRoom {
        subscriber: one.name,
        behind: one.behind,
        attempts: one.attempts,
        problem: one.last_error.unwrap_or_default(),
    });
    let parked = app.store.parked_facts().await?.into_iter().map(|one| ParkedFact {
        subscriber: one.subscriber,
        sequence: one.seq,
        topic: one.topic,
        attempts: one.attempts,
        problem: one.error,
        at: one.parked.into(),
        retry: one.retry,
    });
    Ok(Json(Attention { clock, waiting: waiting.collect(), parked: parked.collect() }))
}

/// Sets house time to the machine's clock, even backwards. Missions on the road owe a contact within their interval from
/// then on; other promises keep their instants.
#[utoipa::path(post, path = "/api/v1/system/clock/trust", tag = "system", request_body = TrustClock, responses((status = 200, body = Attention)))]
async fn trust_clock(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<TrustClock>,
) -> Result<Json<Attention>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let entry = Entry::new(&caller.actor(), "clock.trust", "house").reason(reason.clone());
    app.store.trust_wall_clock(entry).await?;
    app.field.hold_to_the_clock(&caller.actor(), &reason).await?;
    get_attention(State(app)).await
}

/// Has a fact that was put aside told again.
#[utoipa::path(post, path = "/api/v1/system/parked/{subscriber}/{sequence}/retry", tag = "system", params(("subscriber" = String, Path), ("sequence" = i64, Path)), responses((status = 204)))]
async fn retry_parked(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path((subscriber, sequence)): Path<(String, i64)>,
) -> Result<StatusCode, Problem> {
    app.store.retry_parked(&subscriber, sequence, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
