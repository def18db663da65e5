//! Whose people somebody sees: their own, everybody as staff of the room, another organisation's for a reason and a time.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::Names;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use field::mission::Mission;
use field::position::Position;
use field::sight::{Glass, Sight};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::positions::{FieldPosition, position_word};
use crate::api::words::{Instant, UserRef};

/// Positions older than that say nothing of where somebody is now.
const FRESH_US: i64 = 7 * 86_400_000_000;
/// Sights in a list.
const IN_LIST: u32 = 500;

/// Sight of another organisation's people, for a time.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedSight {
    pub id: String,
    pub user: UserRef,
    pub organisation: String,
    pub reason: String,
    pub begun: Instant,
    pub expires: Instant,
    /// Looks taken through it; each is in the ledger.
    pub views: i64,
}

/// Every sight that was opened, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct OpenedSights {
    pub sights: Vec<OpenedSight>,
}

/// Asks to see the people of another organisation.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct BreakGlass {
    pub organisation: String,
    /// 1 to 240.
    pub minutes: i64,
    /// It goes into the ledger and into the duty log.
    pub reason: String,
}

/// What the caller sees.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct CallerSight {
    /// Everybody.
    pub whole: bool,
    pub organisation: Option<String>,
    /// What is open for a time.
    pub opened: Vec<OpenedSight>,
}

/// Who a user is to the radio room.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldAffiliation {
    pub user: UserRef,
    /// Whose people they see, as a partner.
    pub organisation: Option<String>,
    /// Who they are in the register: how a silent alarm reaches them.
    pub person: Option<String>,
}

/// Everybody of whom something is known.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldAffiliations {
    pub affiliations: Vec<FieldAffiliation>,
}

/// Says who a user is; neither organisation nor person: nobody.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveAffiliation {
    /// The id of a user.
    pub user: String,
    pub organisation: Option<String>,
    pub person: Option<String>,
    pub reason: String,
}

/// Somebody whom the caller looks after, and what is known of them now.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeenPerson {
    /// Key.
    pub person: String,
    pub name: String,
    pub category: String,
    pub organisation: Option<String>,
    pub zone: Option<String>,
    /// `present`, `leave` or `away`.
    pub presence: String,
    pub phone: Option<String>,
    /// Missions that are not over: `M-0042`.
    pub missions: Vec<SeenMission>,
    /// Their own latest position, or that of the vehicle in which they sit.
    pub position: Option<FieldPosition>,
}

/// A mission as far as somebody aboard is concerned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SeenMission {
    pub label: String,
    pub title: String,
    pub state: String,
    pub contact: String,
    pub due: Option<Instant>,
    pub vehicle: Option<String>,
}

/// The caller's people, by key.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct SeenPeople {
    pub now: Instant,
    pub people: Vec<SeenPerson>,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_field_sight, Action::ReadOwnField, get_field_sight);
    routes.add(__path_break_glass, Action::BreakGlass, break_glass);
    routes.add(__path_list_field_people, Action::ReadOwnField, list_field_people);
    routes.add(__path_list_opened_sights, Action::ManageField, list_opened_sights);
    routes.add(__path_list_affiliations, Action::ManageField, list_affiliations);
    routes.add(__path_save_affiliation, Action::ManageField, save_affiliation);
}

/// What the caller may see of the room's people.
///
/// # Errors
/// 503 when the database fails.
pub async fn sight_of(app: &App, caller: &Caller) -> Result<Sight, Problem> {
    if app.authority.permits(caller.asker(), Action::ReadField, None) {
        return Ok(Sight::Whole);
    }
    Ok(app.field.partial_sight(&caller.person()?.to_string()).await?)
}

/// What the caller sees.
#[utoipa::path(get, path = "/api/v1/field/sight", tag = "field", responses((status = 200, body = CallerSight)))]
async fn get_field_sight(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<CallerSight>, Problem> {
    let names = Names::load(&app.store).await?;
    Ok(Json(match sight_of(&app, &caller).await? {
        Sight::Whole => CallerSight { whole: true, organisation: None, opened: Vec::new() },
        Sight::Partial { own, broken } => CallerSight {
            whole: false,
            organisation: own,
            opened: broken.into_iter().map(|glass| glass_word(glass, &names)).collect(),
        },
    }))
}

/// Opens the sight of another organisation's people for a reason and a time.
#[utoipa::path(post, path = "/api/v1/field/sight", tag = "field", request_body = BreakGlass, responses((status = 201, body = OpenedSight)))]
async fn break_glass(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<BreakGlass>,
) -> Result<(StatusCode, Json<OpenedSight>), Problem> {
    let user = caller.session()?.user.id.to_string();
    let reason = clean_reason(&request.reason)?;
    let (organisation, minutes) = (request.organisation.as_str(), request.minutes);
    let glass = app.field.break_glass(&user, organisation, minutes, &reason, &caller.actor()).await?;
    let names = Names::load(&app.store).await?;
    Ok((StatusCode::CREATED, Json(glass_word(glass, &names))))
}

/// Every sight that was opened, and how often somebody looked.
#[utoipa::path(get, path = "/api/v1/field/sights", tag = "field", responses((status = 200, body = OpenedSights)))]
async fn list_opened_sights(State(app): State<Arc<App>>) -> Result<Json<OpenedSights>, Problem> {
    let names = Names::load(&app.store).await?;
    let glasses = app.field.glasses(IN_LIST).await?;
    Ok(Json(OpenedSights { sights: glasses.into_iter().map(|glass| glass_word(glass, &names)).collect() }))
}

/// Who the users of the console are to the radio room.
#[utoipa::path(get, path = "/api/v1/field/affiliations", tag = "field", responses((status = 200, body = FieldAffiliations)))]
async fn list_affiliations(State(app): State<Arc<App>>) -> Result<Json<FieldAffiliations>, Problem> {
    let names = Names::load(&app.store).await?;
    let known = app.field.affiliations().await?;
    Ok(Json(FieldAffiliations { affiliations: known.into_iter().map(|one| affiliation_word(one, &names)).collect() }))
}

/// Says who a user is.
#[utoipa::path(put, path = "/api/v1/field/affiliations", tag = "field", request_body = SaveAffiliation, responses((status = 200, body = FieldAffiliation)))]
async fn save_affiliation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SaveAffiliation>,
) -> Result<Json<FieldAffiliation>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let users = crate::auth::users::all(&app.store).await?;
    if users.iter().all(|user| user.id.to_string() != request.user) {
        return Err(Problem::not_found("user", &request.user));
    }
    let SaveAffiliation { user, organisation, person, .. } = request;
    let wanted = field::register::Affiliation { user, organisation, person };
    let saved = app.field.affiliate(&wanted, &caller.actor(), &reason).await?;
    let names = Names::load(&app.store).await?;
    Ok(Json(affiliation_word(saved, &names)))
}

/// The caller's people, and where each is as far as anybody knows.
#[utoipa::path(get, path = "/api/v1/field/people", tag = "field", responses((status = 200, body = SeenPeople)))]
async fn list_field_people(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<SeenPeople>, Problem> {
    let sight = sight_of(&app, &caller).await?;
    let (directory, now) = (app.field.directory().await?, app.field.now());
    let missions = app.field.missions(false).await?;
    let positions = app.field.latest_positions(now.plus_micros(-FRESH_US)).await?;
    let by_holder: BTreeMap<(&str, &str), &Position> =
        positions.iter().map(|one| ((one.holder_kind.as_str(), one.holder.as_str()), one)).collect();
    let mut people = Vec::new();
    for record in directory.records("person") {
        let organisation = record.text_opt("organisation");
        if !sight.shows(organisation.as_deref()) {
            continue;
        }
        let aboard: Vec<&Mission> = missions.iter().filter(|one| one.aboard().contains(&record.key.as_str())).collect();
        let vehicle = aboard.iter().find_map(|mission| mission.vehicle_of(&record.key, now));
        let own = by_holder.get(&("person", record.key.as_str()));
        let carried = vehicle.and_then(|vehicle| by_holder.get(&("vehicle", vehicle)));
        let latest = [own, carried].into_iter().flatten().max_by_key(|one| one.fix.at);
        people.push(SeenPerson {
            person: record.key.clone(),
            name: record.text("name").to_owned(),
            category: record.text("category").to_owned(),
            organisation,
            zone: record.text_opt("zone"),
            presence: record.text("presence").to_owned(),
            phone: record.text_opt("phone"),
            missions: aboard.iter().map(|mission| mission_word(mission, &record.key, now)).collect(),
            position: latest.map(|one| position_word(one, &directory)),
        });
    }
    looked(&app, &caller, &sight, people.iter().filter_map(|one| one.organisation.clone()), "people").await?;
    Ok(Json(SeenPeople { now: now.into(), people }))
}

/// Writes down what was seen through broken glass.
///
/// # Errors
/// 503 when it cannot be written: then nothing is shown.
pub async fn looked(
    app: &App,
    caller: &Caller,
    sight: &Sight,
    organisations: impl Iterator<Item = String>,
    what: &str,
) -> Result<(), Problem> {
    let mut seen: Vec<String> = organisations.collect();
    seen.sort_unstable();
    seen.dedup();
    Ok(app.field.looked(sight, &seen, what, &caller.actor()).await?)
}

fn mission_word(mission: &Mission, person: &str, now: kernel::Timestamp) -> SeenMission {
    SeenMission {
        label: mission.label(),
        title: mission.title.clone(),
        state: mission.state.to_string(),
        contact: mission.contact.to_string(),
        due: mission.due.map(Into::into),
        vehicle: mission.vehicle_of(person, now).map(str::to_owned),
    }
}

fn glass_word(glass: Glass, names: &Names) -> OpenedSight {
    OpenedSight {
        id: glass.id.to_string(),
        user: names.user(&glass.user),
        organisation: glass.organisation,
        reason: glass.reason,
        begun: glass.begun.into(),
        expires: glass.expires.into(),
        views: glass.views,
    }
}

fn affiliation_word(known: field::register::Affiliation, names: &Names) -> FieldAffiliation {
    FieldAffiliation { user: names.user(&known.user), organisation: known.organisation, person: known.person }
}
