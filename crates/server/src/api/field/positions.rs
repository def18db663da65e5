//! Where people and vehicles are by their devices, judged, and how the devices are heard.

use std::sync::Arc;

use crate::action::Action;
use crate::api::ledger::page_size;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Filter;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use field::position::{CrossingFilter, FenceCrossing, Position, PositionFilter, TrackerView};
use field::register::Directory;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parse_id;
use super::sight::{looked, sight_of};
use crate::api::words::Instant;

/// What is older than a week is no latest position.
const LATEST_US: i64 = 7 * 86_400_000_000;

/// Where something was.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldPosition {
    pub id: String,
    pub device: String,
    /// `vehicle`, `person`, or `device` where nobody knows whose it is.
    pub holder_kind: String,
    pub holder: String,
    pub name: String,
    /// The call sign that it holds now.
    pub sign: Option<String>,
    pub organisation: Option<String>,
    /// How it came: `osmand`, `inreach`, …
    pub source: String,
    /// When it was there.
    pub fix: Instant,
    pub received: Instant,
    pub latitude: f64,
    pub longitude: f64,
    /// Radius of the circle in which it was, metres: from 1,000 on it is drawn as a circle, never as a pin.
    pub accuracy_m: f64,
    pub altitude_m: Option<f64>,
    pub speed_mps: Option<f64>,
    pub course_deg: Option<f64>,
    /// `good`, `low` (a dotted line, ask them) or `quarantined` (never anybody's latest position).
    pub trust: String,
    /// `null-island`, `future`, `jump`, `coarse`, `no-fix`, `no-time`.
    pub doubts: Vec<String>,
    pub mission: Option<String>,
}

/// Positions.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldPositions {
    pub now: Instant,
    pub positions: Vec<FieldPosition>,
}

/// A device as it is heard, whatever is known of the people.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldTracker {
    pub device: String,
    pub name: String,
    /// Whose it is.
    pub holder_kind: String,
    pub holder: String,
    /// `ok` or `silent`.
    pub state: String,
    pub since: Instant,
    pub last_fix: Instant,
    pub last_received: Instant,
    pub battery_percent: Option<f64>,
}

/// Devices, silent ones first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct FieldTrackers {
    pub now: Instant,
    pub trackers: Vec<FieldTracker>,
}

/// Which positions.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FieldPositionFilter {
    /// `vehicle`, `person` or `device`, with `holder`.
    pub holder_kind: Option<String>,
    /// Key.
    pub holder: Option<String>,
    pub mission: Option<String>,
    /// Only fixes from then on.
    pub from: Option<Instant>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
}

/// Somebody came to be on another side of a fence.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldCrossing {
    pub holder_kind: String,
    pub holder: String,
    pub name: String,
    pub sign: Option<String>,
    /// Key.
    pub fence: String,
    pub fence_name: String,
    /// `no-go`, `corridor` or `site`.
    pub fence_kind: String,
    pub at: Instant,
    /// `inside` or `outside`: where they came to be.
    pub side: String,
    pub mission: Option<String>,
    /// When a fix that came late showed that it never was.
    pub withdrawn: Option<Instant>,
}

/// Crossings of fences, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldCrossings {
    pub now: Instant,
    pub crossings: Vec<FieldCrossing>,
}

/// Which crossings.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FieldCrossingFilter {
    /// `vehicle`, `person` or `device`, with `holder`.
    pub holder_kind: Option<String>,
    /// Key.
    pub holder: Option<String>,
    /// Key of a fence.
    pub fence: Option<String>,
    /// Only those from then on.
    pub from: Option<Instant>,
    /// Only those before: the `at` of the last one of a page gives the next page.
    pub before: Option<Instant>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_latest_positions, Action::ReadOwnField, list_latest_positions);
    routes.add(__path_list_positions, Action::ReadField, list_positions);
    routes.add(__path_list_trackers, Action::ReadField, list_trackers);
    routes.add(__path_list_fence_crossings, Action::ReadField, list_fence_crossings);
}

/// The latest position of everybody and everything that the caller may see, by fix time.
#[utoipa::path(get, path = "/api/v1/field/positions/latest", tag = "field", responses((status = 200, body = FieldPositions)))]
async fn list_latest_positions(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<FieldPositions>, Problem> {
    let sight = sight_of(&app, &caller).await?;
    let (directory, now) = (app.field.directory().await?, app.field.now());
    let mut latest = app.field.latest_positions(now.plus_micros(-LATEST_US)).await?;
    latest.retain(|one| sight.shows(one.organisation.as_deref()));
    let seen = latest.iter().filter_map(|one| one.organisation.clone());
    looked(&app, &caller, &sight, seen, "positions").await?;
    let positions = latest.iter().map(|one| position_word(one, &directory)).collect();
    Ok(Json(FieldPositions { now: now.into(), positions }))
}

/// Positions by fix time, the latest first, those in quarantine included.
#[utoipa::path(get, path = "/api/v1/field/positions", tag = "field", params(FieldPositionFilter), responses((status = 200, body = FieldPositions)))]
async fn list_positions(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<FieldPositionFilter>,
) -> Result<Json<FieldPositions>, Problem> {
    let limit = page_size(filter.limit)?;
    let directory = app.field.directory().await?;
    let wanted = PositionFilter {
        holder: filter.holder_kind.zip(filter.holder.map(|key| key.to_uppercase())),
        mission: filter.mission.as_deref().map(|id| parse_id("mission", id)).transpose()?,
        from: filter.from.map(|from| from.0),
    };
    let found = app.field.positions(&wanted, limit).await?;
    let positions = found.iter().map(|one| position_word(one, &directory)).collect();
    Ok(Json(FieldPositions { now: app.field.now().into(), positions }))
}

/// Devices as they are heard, silent ones first.
#[utoipa::path(get, path = "/api/v1/field/trackers", tag = "field", responses((status = 200, body = FieldTrackers)))]
async fn list_trackers(State(app): State<Arc<App>>) -> Result<Json<FieldTrackers>, Problem> {
    let directory = app.field.directory().await?;
    let tracker = |one: TrackerView| {
        let (holder_kind, holder) = directory.holder_of_device(&one.device);
        FieldTracker {
            name: directory.name("device", &one.device),
            device: one.device,
            holder_kind,
            holder,
            state: one.state,
            since: one.since.into(),
            last_fix: one.last_fix.into(),
            last_received: one.last_received.into(),
            battery_percent: one.battery_percent,
        }
    };
    let trackers = app.field.trackers().await?.into_iter().map(tracker).collect();
    Ok(Json(FieldTrackers { now: app.field.now().into(), trackers }))
}

/// Crossings of fences, the latest first, those that were withdrawn included.
#[utoipa::path(get, path = "/api/v1/field/crossings", tag = "field", params(FieldCrossingFilter), responses((status = 200, body = FieldCrossings)))]
async fn list_fence_crossings(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<FieldCrossingFilter>,
) -> Result<Json<FieldCrossings>, Problem> {
    let limit = page_size(filter.limit)?;
    let (directory, now) = (app.field.directory().await?, app.field.now());
    let wanted = CrossingFilter {
        holder: filter.holder_kind.zip(filter.holder.map(|key| key.to_uppercase())),
        fence: filter.fence.map(|key| key.to_uppercase()),
        from: filter.from.map(|from| from.0),
        before: filter.before.map(|before| before.0),
    };
    let word = |one: FenceCrossing| FieldCrossing {
        name: directory.name(&one.holder_kind, &one.holder),
        sign: directory.sign_of(&one.holder_kind, &one.holder, now),
        fence_name: directory.name("fence", &one.fence),
        fence_kind: directory
            .record("fence", &one.fence)
            .map(|fence| fence.text("kind").to_owned())
            .unwrap_or_default(),
        holder_kind: one.holder_kind,
        holder: one.holder,
        fence: one.fence,
        at: one.crossing.at.into(),
        side: one.crossing.side.to_string(),
        mission: one.mission.map(|mission| mission.to_string()),
        withdrawn: one.withdrawn.map(Into::into),
    };
    let found = app.field.fence_crossings(&wanted, limit).await?;
    Ok(Json(FieldCrossings { now: now.into(), crossings: found.into_iter().map(word).collect() }))
}

pub(super) fn position_word(one: &Position, directory: &Directory) -> FieldPosition {
    FieldPosition {
        id: one.id.to_string(),
        device: one.device.clone(),
        holder_kind: one.holder_kind.clone(),
        holder: one.holder.clone(),
        name: directory.name(&one.holder_kind, &one.holder),
        sign: directory.sign_of(&one.holder_kind, &one.holder, one.fix.received),
        organisation: one.organisation.clone(),
        source: one.source.clone(),
        fix: one.fix.at.into(),
        received: one.fix.received.into(),
        latitude: one.fix.latitude,
        longitude: one.fix.longitude,
        accuracy_m: one.fix.accuracy_m,
        altitude_m: one.altitude_m,
        speed_mps: one.speed_mps,
        course_deg: one.course_deg,
        trust: one.trust.to_string(),
        doubts: one.doubts.iter().map(ToString::to_string).collect(),
        mission: one.mission.map(|mission| mission.to_string()),
    }
}
