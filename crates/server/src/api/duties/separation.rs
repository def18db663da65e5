//! Separation of duties: documents, violations, exceptions; who signs in as whom, who stands in for whom.

use std::collections::BTreeMap;
use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use identity::document::Draft;
use identity::sod::{ExceptionState, NewSodException, ViolationState};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use super::names::{named_record, named_records};
use super::parse_id;
use super::wire::wire;
use crate::action::Action;
use crate::api::users::clean_reason;
use crate::api::words::{Instant, Reason};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Violations of one answer.
const PAGE: u32 = 10_000;

/// A document of duties: `sod-function`, `sod-rule`, `package`, `approval-policy`, `activation-policy`, `conditional-access`
/// or `consent-policy`.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SaveDuty {
    pub kind: String,
    pub key: String,
    /// Absent: take it out of use.
    #[schema(value_type = Option<Object>)]
    pub body: Option<Value>,
    /// The version that was read; absent: whatever there is.
    pub version: Option<i64>,
    pub reason: String,
}

/// One record, as its room documents it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DutyRecord {
    #[schema(value_type = Object)]
    pub record: Value,
    /// Names of the people and entitlements that the record names by id, as far as the caller may see them.
    pub names: BTreeMap<String, String>,
}

/// Records of one kind, the latest first.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct DutyRecords {
    #[schema(value_type = Vec<Object>)]
    pub records: Vec<Value>,
    /// Names of the people and entitlements that the records name by id, as far as the caller may see them.
    pub names: BTreeMap<String, String>,
}

/// Which violations.
#[derive(Debug, Clone, Default, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ViolationFilter {
    /// Id of a person.
    pub person: Option<String>,
    /// `open`, `excused` or `gone`.
    pub state: Option<String>,
}

/// An exception from a rule of separation of duties. The caller must own the risk.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct GiveSodException {
    /// Key of the rule.
    pub rule: String,
    /// Id of the person.
    pub person: String,
    /// What is done in place of keeping the keys apart.
    pub mitigation: String,
    pub reason: String,
    pub until: Instant,
}

/// Which user of Vigie a person on record signs in as.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LinkLogin {
    /// Id of the user.
    pub user: String,
    /// Id of the person.
    pub person: String,
}

/// Who decides in the caller's place, and when.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetDelegation {
    /// Id of the person who stands in.
    pub delegate: String,
    pub from: Instant,
    pub until: Instant,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_save_duty, Action::ManageIdentity, save_duty);
    routes.add(__path_list_violations, Action::ReadIdentity, list_violations);
    routes.add(__path_analyse_duties, Action::OperateIdentity, analyse_duties);
    routes.add(__path_resolve_transaction, Action::OwnAccess, resolve_transaction);
    routes.add(__path_list_sod_exceptions, Action::ReadIdentity, list_sod_exceptions);
    routes.add(__path_give_sod_exception, Action::OwnAccess, give_sod_exception);
    routes.add(__path_withdraw_sod_exception, Action::OperateIdentity, withdraw_sod_exception);
    routes.add(__path_link_login, Action::ManageIdentity, link_login);
    routes.add(__path_unlink_login, Action::ManageIdentity, unlink_login);
    routes.add(__path_set_delegation, Action::OwnAccess, set_delegation);
    routes.add(__path_list_delegations, Action::OwnAccess, list_delegations);
    routes.add(__path_end_delegation, Action::OwnAccess, end_delegation);
}

/// Saves a document of duties, if everything that leans on it still makes sense.
#[utoipa::path(post, path = "/api/v1/access/documents", tag = "access", request_body = SaveDuty, responses((status = 200, body = DutyRecord)))]
async fn save_duty(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SaveDuty>,
) -> Result<Json<DutyRecord>, Problem> {
    let kind = request.kind.parse().map_err(Problem::invalid)?;
    let draft = Draft { kind, key: request.key, body: request.body };
    let reason = clean_reason(&request.reason)?;
    let saved = app.identity.save_duty(&draft, request.version, &reason, &caller.actor()).await?;
    named_record(&app, &caller, wire(&saved)).await
}

/// Keys that must stay apart and do not, with the ways on each side.
#[utoipa::path(get, path = "/api/v1/access/violations", tag = "access", params(ViolationFilter), responses((status = 200, body = DutyRecords)))]
async fn list_violations(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<ViolationFilter>,
) -> Result<Json<DutyRecords>, Problem> {
    let person = filter.person.map(|person| parse_id("person", &person)).transpose()?;
    let state = filter.state.map(|state| state.parse::<ViolationState>()).transpose().map_err(Problem::invalid)?;
    let found = app.identity.violations(person, state, PAGE).await?;
    named_records(&app, &caller, found.iter().map(wire).collect()).await
}

/// Looks at everybody against every rule, now, and asks the lake for transactions.
#[utoipa::path(post, path = "/api/v1/access/violations/analysis", tag = "access", responses((status = 200, body = DutyRecord)))]
async fn analyse_duties(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecord>, Problem> {
    let mut record = wire(&app.identity.analyse_duties(&caller.actor()).await?);
    record["transactions"] = wire(&app.identity.analyse_transactions(app.lake.as_ref(), &caller.actor()).await?);
    named_record(&app, &caller, record).await
}

/// Says what became of a transaction in which somebody did alone what two must do. Only the owner of the risk may, and nobody
/// for themselves.
#[utoipa::path(post, path = "/api/v1/access/violations/{id}/resolve", tag = "access", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = DutyRecord)))]
async fn resolve_transaction(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<DutyRecord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let after = app.identity.resolve_transaction(parse_id("violation", &id)?, &reason, &caller.actor()).await?;
    named_record(&app, &caller, wire(&after)).await
}

/// Exceptions, the latest first.
#[utoipa::path(get, path = "/api/v1/access/exceptions", tag = "access", responses((status = 200, body = DutyRecords)))]
async fn list_sod_exceptions(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecords>, Problem> {
    let found = app.identity.exceptions(None::<ExceptionState>).await?;
    named_records(&app, &caller, found.iter().map(wire).collect()).await
}

/// Excepts a person from a rule. Only the owner of the risk may, and nobody for themselves.
#[utoipa::path(post, path = "/api/v1/access/exceptions", tag = "access", request_body = GiveSodException, responses((status = 200, body = DutyRecord)))]
async fn give_sod_exception(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<GiveSodException>,
) -> Result<Json<DutyRecord>, Problem> {
    let actor = caller.actor();
    let new = NewSodException {
        rule: request.rule,
        person: parse_id("person", &request.person)?,
        risk_owner: app.identity.person_behind(&actor).await?,
        mitigation: request.mitigation,
        reason: clean_reason(&request.reason)?,
        until: request.until.0,
    };
    let given = app.identity.except(new, &actor).await?;
    named_record(&app, &caller, wire(&given)).await
}

/// Withdraws an exception before its end; the violation is open again.
#[utoipa::path(post, path = "/api/v1/access/exceptions/{id}/withdraw", tag = "access", params(("id" = String, Path)), request_body = Reason, responses((status = 200, body = DutyRecord)))]
async fn withdraw_sod_exception(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<DutyRecord>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let ended = app.identity.withdraw_exception(parse_id("exception", &id)?, &reason, &caller.actor()).await?;
    named_record(&app, &caller, wire(&ended)).await
}

/// Lets a user be a person on record: without that nobody can ask or decide. Nobody does so for themselves, but for the first
/// of a house; one person is one user, and a link is taken back before it is made otherwise.
#[utoipa::path(post, path = "/api/v1/access/logins", tag = "access", request_body = LinkLogin, responses((status = 204)))]
async fn link_login(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<LinkLogin>,
) -> Result<axum::http::StatusCode, Problem> {
    let user: kernel::id::UserId = parse_id("user", &request.user)?;
    app.identity.link_login(&user.to_string(), parse_id("person", &request.person)?, &caller.actor()).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Takes back who a user is: they can no longer ask or decide. Nobody does so for themselves, and a finding says it.
#[utoipa::path(post, path = "/api/v1/access/logins/{user}/unlink", tag = "access", params(("user" = String, Path)), request_body = Reason, responses((status = 204)))]
async fn unlink_login(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(user): Path<String>,
    Body(request): Body<Reason>,
) -> Result<axum::http::StatusCode, Problem> {
    let user: kernel::id::UserId = parse_id("user", &user)?;
    let reason = clean_reason(&request.reason)?;
    app.identity.unlink_login(&user.to_string(), &reason, &caller.actor()).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Who decides in the caller's place, and in whose place the caller does; now or later.
#[utoipa::path(get, path = "/api/v1/access/delegations", tag = "access", responses((status = 200, body = DutyRecords)))]
async fn list_delegations(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<DutyRecords>, Problem> {
    let person = app.identity.person_behind(&caller.actor()).await?;
    let all = app.identity.delegations_of(person).await?;
    named_records(&app, &caller, all.iter().map(wire).collect()).await
}

/// The caller decides themselves again.
#[utoipa::path(post, path = "/api/v1/access/delegations/end", tag = "access", responses((status = 204)))]
async fn end_delegation(State(app): State<Arc<App>>, caller: Caller) -> Result<axum::http::StatusCode, Problem> {
    let actor = caller.actor();
    let person = app.identity.person_behind(&actor).await?;
    app.identity.end_delegation(person, &actor).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}

/// Lets somebody decide in the caller's place for a time, instead of whoever was to; for 90 days at most.
#[utoipa::path(post, path = "/api/v1/access/delegations", tag = "access", request_body = SetDelegation, responses((status = 204)))]
async fn set_delegation(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SetDelegation>,
) -> Result<axum::http::StatusCode, Problem> {
    let actor = caller.actor();
    let person = app.identity.person_behind(&actor).await?;
    let delegate = parse_id("person", &request.delegate)?;
    app.identity.delegate(person, delegate, (request.from.0, request.until.0), &actor).await?;
    Ok(axum::http::StatusCode::NO_CONTENT)
}
