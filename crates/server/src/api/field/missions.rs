//! Missions: the sheet, and the commands that move it on.

use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use field::mission::{self, Command, allowed_commands};
use field::register::Directory;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parse_id;
use crate::api::words::{Instant, same_words};

/// Where a mission stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum MissionState {
    Draft,
    Cleared,
    Briefed,
    Departed,
    EnRoute,
    Halted,
    /// Everybody is out at the place itself.
    Arrived,
    Closed,
    /// It did not take place.
    Cancelled,
    /// Its purpose is given up; people are followed until they are in.
    Aborted,
}

/// Whether people are heard from, whatever the mission's state.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum ContactState {
    Ok,
    Overdue,
    Lost,
    Regained,
}

/// A part of the way.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissionLeg {
    pub from: String,
    pub to: String,
    /// Key of the area whose rules hold.
    pub area: String,
    /// Key of the fence that is its corridor.
    #[serde(default)]
    pub corridor: Option<String>,
    /// When it is to be begun, after a stop on the way.
    #[serde(default)]
    pub planned: Option<Instant>,
}

/// A vehicle of the convoy.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissionVehicle {
    /// Plate.
    pub vehicle: String,
    pub name: String,
    pub sign: Option<String>,
    pub arrived: Option<Instant>,
    /// Its own next contact, when others have arrived before it.
    pub due: Option<Instant>,
    pub contact: ContactState,
    /// When it was left behind, empty.
    pub left: Option<Instant>,
    pub left_at: Option<String>,
}

/// Who sits where, from when until when.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissionSeat {
    pub person: String,
    pub name: String,
    pub organisation: Option<String>,
    pub vehicle: Option<String>,
    pub from: Instant,
    pub until: Option<Instant>,
}

/// The room that a mission was taken over from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MissionOrigin {
    pub node: String,
    pub label: String,
    /// When that room's giving it up was heard here; until then both follow it.
    pub confirmed: Option<Instant>,
    pub disputed: bool,
}

/// A mission as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Mission {
    pub id: String,
    /// `M-0042`, with `EXERCISE` before it when nothing of it is real.
    pub label: String,
    pub number: i64,
    pub title: String,
    pub state: MissionState,
    pub contact: ContactState,
    pub area: String,
    pub legs: Vec<MissionLeg>,
    /// Which leg it is on, from 0.
    pub leg: usize,
    pub convoy: Vec<MissionVehicle>,
    pub manifest: Vec<MissionSeat>,
    /// The call sign that reports for all.
    pub leader: Option<String>,
    pub deputy: Option<String>,
    pub planned_departure: Option<Instant>,
    pub departed: Option<Instant>,
    /// When the next contact is due; in the past while it is overdue.
    pub due: Option<Instant>,
    pub last_contact: Option<Instant>,
    pub last_place: Option<String>,
    /// Contacts go on after arrival.
    pub overnight: bool,
    /// The room that follows it now; absent: this one.
    pub custody: Option<String>,
    pub custody_offered: Option<String>,
    /// The node that it was taken over from, and what it is called there.
    pub origin: Option<MissionOrigin>,
    /// Both rooms follow it, because an offer was taken back too late: the other node.
    pub claimed: Option<String>,
    pub exercise: bool,
    pub ended: Option<Instant>,
    pub version: i64,
    /// Names of the commands that its state allows.
    pub commands: Vec<String>,
}

/// Missions, the most urgent first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Missions {
    /// The clock by which `due` is to be read.
    pub now: Instant,
    pub missions: Vec<Mission>,
}

/// Which missions.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct MissionFilter {
    /// Also those that are over.
    pub all: Option<bool>,
}

/// Somebody who goes along.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MissionPassenger {
    /// Key.
    pub person: String,
    /// Plate; absent without a convoy.
    pub vehicle: Option<String>,
}

/// A mission that somebody asks for.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewMission {
    pub title: String,
    pub legs: Vec<MissionLeg>,
    /// Plates.
    #[serde(default)]
    pub vehicles: Vec<String>,
    #[serde(default)]
    pub people: Vec<MissionPassenger>,
    pub leader: Option<String>,
    pub deputy: Option<String>,
    pub planned_departure: Option<Instant>,
    #[serde(default)]
    pub exercise: bool,
    pub reason: String,
}

/// A command with what every command needs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct MissionCommand {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    /// When it happened, if not now.
    pub at: Option<Instant>,
    /// Becomes the ledger entry and the line of the log.
    pub reason: String,
    #[serde(flatten)]
    pub act: MissionAct,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum MissionAct {
    Clear,
    Brief,
    /// The radio check at departure was made.
    Depart,
    /// They were heard.
    Report {
        place: Option<String>,
    },
    Halt {
        place: Option<String>,
    },
    Resume,
    /// Everybody of a vehicle is out at the place itself; without a vehicle, of all.
    Arrive {
        vehicle: Option<String>,
        place: Option<String>,
        /// Contacts go on, because nobody takes over there.
        #[serde(default)]
        overnight: bool,
    },
    /// It was logged that they are in, and they are not: of a vehicle; without one, of all. They owe a contact from then on.
    NotArrived {
        vehicle: Option<String>,
    },
    /// What was logged as their last contact was none, or was of others: of a vehicle that reports for itself; without one, of
    /// all. What was owed before it is owed again.
    NotHeard {
        vehicle: Option<String>,
    },
    Close,
    Cancel,
    Abort,
    /// Another destination, other rules, another corridor from now on; what is absent stays.
    Reroute {
        /// Key of the area whose rules hold from now on.
        area: Option<String>,
        /// Where this leg goes to from now on.
        to: Option<String>,
        /// Key of the fence that is its corridor; empty: none any more.
        corridor: Option<String>,
    },
    /// An empty vehicle stays behind, and nothing is owed for it any more.
    LeaveVehicle {
        /// Plate.
        vehicle: String,
        place: Option<String>,
    },
    /// A vehicle joins the convoy, or one that was left behind is back.
    AddVehicle {
        /// Plate.
        vehicle: String,
    },
    /// A person changes vehicles, gets in, or (without a vehicle) out.
    Seat {
        person: String,
        vehicle: Option<String>,
    },
    Lead {
        leader: Option<String>,
        deputy: Option<String>,
    },
    OfferCustody {
        room: String,
    },
    /// The other room has proved that it has contact.
    ConfirmCustody,
    TakeBack,
}

/// A mission that was moved on, and what is to be known of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct MovedMission {
    pub mission: Mission,
    pub notes: Vec<String>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_missions, Action::ReadField, list_missions);
    routes.add(__path_request_mission, Action::OperateField, request_mission);
    routes.add(__path_get_mission, Action::ReadField, get_mission);
    routes.add(__path_command_mission, Action::OperateField, command_mission);
}

/// Missions, the most urgent first.
#[utoipa::path(get, path = "/api/v1/field/missions", tag = "field", params(MissionFilter), responses((status = 200, body = Missions)))]
async fn list_missions(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<MissionFilter>,
) -> Result<Json<Missions>, Problem> {
    let directory = app.field.directory().await?;
    let missions = app.field.missions(filter.all.unwrap_or(false)).await?;
    let missions = missions.iter().map(|mission| to_api(mission, &directory)).collect();
    Ok(Json(Missions { now: app.field.now().into(), missions }))
}

/// Draws up a mission.
#[utoipa::path(post, path = "/api/v1/field/missions", tag = "field", request_body = NewMission, responses((status = 201, body = MovedMission)))]
async fn request_mission(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<NewMission>,
) -> Result<(StatusCode, Json<MovedMission>), Problem> {
    let leg = |leg: MissionLeg| mission::Leg {
        from: leg.from,
        to: leg.to,
        area: leg.area,
        corridor: leg.corridor,
        began: None,
        planned: leg.planned.map(|at| at.0),
    };
    let order = mission::RequestMission {
        title: request.title,
        legs: request.legs.into_iter().map(leg).collect(),
        vehicles: request.vehicles,
        people: request.people.into_iter().map(|one| (one.person, one.vehicle)).collect(),
        leader: request.leader,
        deputy: request.deputy,
        planned_departure: request.planned_departure.map(|at| at.0),
        exercise: request.exercise,
        actor: caller.actor(),
        reason: clean_reason(&request.reason)?,
    };
    let moved = app.field.request_mission(&order).await?;
    Ok((StatusCode::CREATED, Json(moved_word(&app, moved).await?)))
}

/// One mission.
#[utoipa::path(get, path = "/api/v1/field/missions/{id}", tag = "field", params(("id" = String, Path)), responses((status = 200, body = Mission)))]
async fn get_mission(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<Mission>, Problem> {
    let mission = app.field.mission(parse_id("mission", &id)?).await?;
    let directory = app.field.directory().await?;
    Ok(Json(to_api(&mission, &directory)))
}

/// Moves a mission on.
#[utoipa::path(post, path = "/api/v1/field/missions/{id}/commands", tag = "field", params(("id" = String, Path)), request_body = MissionCommand, responses((status = 200, body = MovedMission)))]
async fn command_mission(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<MissionCommand>,
) -> Result<Json<MovedMission>, Problem> {
    let order = mission::MissionOrder {
        mission: parse_id("mission", &id)?,
        version: request.version,
        at: request.at.map(|at| at.0),
        actor: caller.actor(),
        reason: clean_reason(&request.reason)?,
        command: command(request.act),
    };
    let moved = app.field.command_mission(&order).await?;
    Ok(Json(moved_word(&app, moved).await?))
}

/// What the desk itself says counts for all aboard.
fn command(act: MissionAct) -> Command {
    match act {
        MissionAct::Clear => Command::Clear,
        MissionAct::Brief => Command::Brief,
        MissionAct::Depart => Command::Depart,
        MissionAct::Report { place } => Command::Report { by: None, place },
        MissionAct::Halt { place } => Command::Halt { by: None, place },
        MissionAct::Resume => Command::Resume { by: None },
        MissionAct::Arrive { vehicle, place, overnight } => Command::Arrive { vehicle, place, overnight },
        MissionAct::NotArrived { vehicle } => Command::NotArrived { vehicle },
        MissionAct::NotHeard { vehicle } => Command::NotHeard { vehicle },
        MissionAct::Close => Command::Close,
        MissionAct::Cancel => Command::Cancel,
        MissionAct::Abort => Command::Abort,
        MissionAct::Reroute { area, to, corridor } => Command::Reroute { area, to, corridor },
        MissionAct::LeaveVehicle { vehicle, place } => Command::LeaveVehicle { vehicle, place },
        MissionAct::AddVehicle { vehicle } => Command::AddVehicle { vehicle },
        MissionAct::Seat { person, vehicle } => Command::Seat { person, vehicle },
        MissionAct::Lead { leader, deputy } => Command::Lead { leader, deputy },
        MissionAct::OfferCustody { room } => Command::OfferCustody { room },
        MissionAct::ConfirmCustody => Command::ConfirmCustody,
        MissionAct::TakeBack => Command::TakeBack,
    }
}

pub(super) async fn moved_word(app: &App, moved: mission::Moved) -> Result<MovedMission, Problem> {
    let directory = app.field.directory().await?;
    Ok(MovedMission { mission: to_api(&moved.mission, &directory), notes: moved.notes.iter().map(told).collect() })
}

fn to_api(mission: &mission::Mission, directory: &Directory) -> Mission {
    let leg = |leg: &mission::Leg| MissionLeg {
        from: leg.from.clone(),
        to: leg.to.clone(),
        area: leg.area.clone(),
        corridor: leg.corridor.clone(),
        planned: leg.planned.map(Into::into),
    };
    let told = mission.origin.as_ref();
    let named = |noun: &str, key: &str| match told.and_then(|origin| origin.names.get(key)) {
        Some(name) if directory.record(noun, key).is_none() => name.clone(),
        _ => directory.name(noun, key),
    };
    let told_sign = |key: &str| Some(told?.signs.iter().find(|one| one.key == key)?.sign.clone());
    let vehicle = |one: &mission::ConvoyVehicle| MissionVehicle {
        vehicle: one.vehicle.clone(),
        name: named("vehicle", &one.vehicle),
        sign: directory.sign_of("vehicle", &one.vehicle, mission.updated).or_else(|| told_sign(&one.vehicle)),
        arrived: one.arrived.map(Into::into),
        due: one.due.map(Into::into),
        contact: one.contact.into(),
        left: one.left.as_ref().map(|left| left.at.into()),
        left_at: one.left.as_ref().and_then(|left| left.place.clone()),
    };
    let seat = |seat: &mission::Seat| MissionSeat {
        person: seat.person.clone(),
        name: named("person", &seat.person),
        organisation: directory.record("person", &seat.person).and_then(|record| record.text_opt("organisation")),
        vehicle: seat.vehicle.clone(),
        from: seat.from.into(),
        until: seat.until.map(Into::into),
    };
    Mission {
        id: mission.id.to_string(),
        label: mission.label(),
        number: mission.number,
        title: mission.title.clone(),
        state: mission.state.into(),
        contact: mission.contact.into(),
        area: mission.area.clone(),
        legs: mission.legs.iter().map(leg).collect(),
        leg: mission.leg,
        convoy: mission.convoy.iter().map(vehicle).collect(),
        manifest: mission.manifest.iter().map(seat).collect(),
        leader: mission.leader.clone(),
        deputy: mission.deputy.clone(),
        planned_departure: mission.planned_departure.map(Into::into),
        departed: mission.departed.map(Into::into),
        due: mission.due.map(Into::into),
        last_contact: mission.last_contact.map(Into::into),
        last_place: mission.last_place.clone(),
        overnight: mission.overnight,
        custody: mission.custody.clone(),
        custody_offered: mission.custody_offered.clone(),
        origin: mission.origin.as_ref().map(|origin| MissionOrigin {
            node: origin.node.clone(),
            label: origin.label.clone(),
            confirmed: origin.confirmed.map(Into::into),
            disputed: origin.disputed,
        }),
        claimed: mission.claimed.clone(),
        exercise: mission.exercise,
        ended: mission.ended.map(Into::into),
        version: mission.version,
        commands: allowed_commands(mission).into_iter().map(str::to_owned).collect(),
    }
}

same_words! {
    MissionState = mission::MissionState {
        Draft, Cleared, Briefed, Departed, EnRoute, Halted, Arrived, Closed, Cancelled, Aborted
    }
    ContactState = mission::ContactState { Ok, Overdue, Lost, Regained }
}
