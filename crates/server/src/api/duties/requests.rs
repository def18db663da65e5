//! The catalogue and requests.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use identity::request::{Asking, Command, ExceptionAsked, Order, Request, RequestFilter};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::names::{named_record, named_records};
use super::separation::{DutyRecord, DutyRecords};
use super::wire::{read, wire};
use super::{own, parse_id, sees_all};
use crate::action::Action;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Requests of one answer.
const PAGE: u32 = 500;

/// In which language.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct CatalogueFilter {
    /// A tag such as `fr`.
    pub language: Option<String>,
}

/// Asks for access.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskAccess {
    /// Id of the person whom it is for; absent: the caller.
    pub person: Option<String>,
    pub packages: Vec<AskedPackage>,
    pub reason: String,
    /// A tag such as `fr`.
    #[serde(default)]
    pub language: String,
    /// Where it violates a rule together with what is held.
    pub exception: Option<AskedException>,
}

/// A package of the catalogue for a time.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedPackage {
    pub package: String,
    /// Absent: now.
    pub from: Option<Instant>,
    /// Absent: as long as the package allows.
    pub until: Option<Instant>,
}

/// What is done in place of keeping duties apart, and until when.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct AskedException {
    pub mitigation: String,
    pub until: Instant,
}

/// Which requests.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct RequestsFilter {
    /// `own` (by or for the caller, as without it), `asked` (the caller is asked now) or `all`.
    pub whose: Option<String>,
    /// Only open ones.
    pub open: Option<bool>,
}

/// Moves a request on: `{"command": "agree"}`, `refuse` with a comment, `withdraw`, `appoint` with seat, person and reason.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct MoveRequest {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    #[schema(value_type = Object)]
    pub command: Value,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_list_catalogue, Action::OwnAccess, list_catalogue);
    routes.add(__path_preview_request, Action::OwnAccess, preview_request);
    routes.add(__path_ask_access, Action::OwnAccess, ask_access);
    routes.add(__path_list_requests, Action::OwnAccess, list_requests);
    routes.add(__path_get_request, Action::OwnAccess, get_request);
    routes.add(__path_move_request, Action::OwnAccess, move_request);
    routes.add(__path_get_request_context, Action::OwnAccess, get_request_context);
}

/// Packages that can be asked for.
#[utoipa::path(get, path = "/api/v1/access/catalogue", tag = "access", params(CatalogueFilter), responses((status = 200, body = DutyRecords)))]
async fn list_catalogue(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<CatalogueFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    let offers = app.identity.catalogue(filter.language.as_deref().unwrap_or("en")).await?;
    named_records(&app, &caller, offers.iter().map(wire).collect()).await
}

fn asking(request: AskAccess) -> Result<Asking, Problem> {
    let packages = request.packages.into_iter();
    Ok(Asking {
        person: request.person.map(|person| parse_id("person", &person)).transpose()?,
        packages: packages.map(|one| (one.package, one.from.map(|at| at.0), one.until.map(|at| at.0))).collect(),
        reason: request.reason,
        language: request.language,
        exception: request.exception.map(|one| ExceptionAsked { mitigation: one.mitigation, until: one.until.0 }),
    })
}

/// What a request would violate; nothing is written.
#[utoipa::path(post, path = "/api/v1/access/requests/preview", tag = "access", request_body = AskAccess, responses((status = 200, body = DutyRecords)))]
async fn preview_request(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<AskAccess>,
) -> Result<Json<DutyRecords>, Problem> {
    let toxic = app.identity.preview(&asking(request)?, &caller.actor()).await?;
    named_records(&app, &caller, toxic.iter().map(wire).collect()).await
}

/// Asks for access.
#[utoipa::path(post, path = "/api/v1/access/requests", tag = "access", request_body = AskAccess, responses((status = 201, body = DutyRecord)))]
async fn ask_access(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<AskAccess>,
) -> Result<(StatusCode, Json<DutyRecord>), Problem> {
    let made = app.identity.ask(&asking(request)?, &caller.actor()).await?;
    Ok((StatusCode::CREATED, named_record(&app, &caller, wire(&made)).await?))
}

/// Requests, the latest first.
#[utoipa::path(get, path = "/api/v1/access/requests", tag = "access", params(RequestsFilter), responses((status = 200, body = DutyRecords)))]
async fn list_requests(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<RequestsFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    let open = filter.open.unwrap_or(false);
    let whose = match filter.whose.as_deref() {
        Some("all") if sees_all(&app, &caller) => RequestFilter { person: None, asked: None, open },
        Some("all") => {
            return Err(Problem::invalid("`all` is for who may read the Access desk; ask for `own` or `asked`"));
        }
        None | Some("own") => {
            let person = Some(app.identity.person_behind(&caller.actor()).await?);
            RequestFilter { person, asked: None, open }
        }
        Some("asked") => {
            let asked = Some(app.identity.person_behind(&caller.actor()).await?);
            RequestFilter { person: None, asked, open: true }
        }
        Some(other) => return Err(Problem::invalid(format!("`{other}` is none of own, asked, all"))),
    };
    let found = app.identity.requests(&whose, PAGE).await?;
    named_records(&app, &caller, found.iter().map(wire).collect()).await
}

/// A request for whom it concerns: who asks, whom it is for, who is or was asked, and the desk.
#[utoipa::path(get, path = "/api/v1/access/requests/{id}", tag = "access", params(("id" = String, Path)), responses((status = 200, body = DutyRecord)))]
async fn get_request(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DutyRecord>, Problem> {
    let found = concerning(&app, &caller, &id).await?;
    named_record(&app, &caller, wire(&found)).await
}

/// The request, if it concerns the caller.
async fn concerning(app: &App, caller: &Caller, id: &str) -> Result<Request, Problem> {
    let found = app.identity.request(parse_id("request", id)?).await?;
    let person = own(app, caller).await;
    let concerns = |one: &Request| {
        let seats = one.stages.iter().flat_map(|stage| &stage.seats).flat_map(|seat| &seat.candidates);
        let mut people = seats.map(|candidate| candidate.person).chain([one.requester, one.person]);
        people.any(|other| Some(other) == person)
    };
    if !concerns(&found) && !sees_all(app, caller) {
        return Err(Problem::not_found("request", id));
    }
    Ok(found)
}

/// What a request gives, with its risk, and what the person it is for holds now: for whoever decides on it.
#[utoipa::path(get, path = "/api/v1/access/requests/{id}/context", tag = "access", params(("id" = String, Path)), responses((status = 200, body = DutyRecord)))]
async fn get_request_context(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
) -> Result<Json<DutyRecord>, Problem> {
    let found = concerning(&app, &caller, &id).await?;
    let context = app.identity.request_context(found.id).await?;
    named_record(&app, &caller, wire(&context)).await
}

/// Agrees, refuses, withdraws or appoints.
#[utoipa::path(post, path = "/api/v1/access/requests/{id}/commands", tag = "access", params(("id" = String, Path)), request_body = MoveRequest, responses((status = 200, body = DutyRecord)))]
async fn move_request(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<MoveRequest>,
) -> Result<Json<DutyRecord>, Problem> {
    let command: Command = read(request.command)?;
    let may_appoint = app.authority.permits(caller.asker(), Action::OperateIdentity, None);
    if matches!(command, Command::Appoint { .. }) && !may_appoint {
        return Err(Problem::invalid("only who operates the Access desk appoints who decides"));
    }
    let order = Order { request: parse_id("request", &id)?, version: request.version, command };
    let after = app.identity.order(&order, &caller.actor()).await?;
    named_record(&app, &caller, wire(&after)).await
}
