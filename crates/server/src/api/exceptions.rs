//! Exceptions of rules: events on which a rule must not fire, with an owner, a reason and an end.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::action::Action;
use crate::api::rules::author;
use crate::api::words::Instant;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;

/// Where an exception is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionState {
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Ended,
}

/// An exception.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exception {
    pub id: String,
    pub rule_id: String,
    pub title: String,
    /// Sigma detections in YAML: the events to leave out.
    pub detection: String,
    /// Who answers for it.
    pub owner: String,
    pub reason: String,
    pub state: ExceptionState,
    /// What it would have silenced when it was made.
    pub trial: Trial,
    pub created: Instant,
    pub expires: Instant,
    pub version: i64,
}

/// A rule with an exception, tried on events.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Trial {
    /// Events of the rule's tests on which it must fire.
    pub samples: u64,
    /// Those on which it no longer does.
    pub samples_silenced: u64,
    /// Events of its latest alerts.
    pub alerted: u64,
    pub alerted_silenced: u64,
}

/// Exceptions, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Exceptions {
    pub exceptions: Vec<Exception>,
}

/// Which exceptions.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExceptionFilter {
    /// Id of a rule.
    pub rule: Option<String>,
    /// Also those that are over.
    pub over: Option<bool>,
}

/// Tries an exception.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TryException {
    pub rule_id: String,
    /// Sigma detections in YAML; `condition` may be left out when there is one.
    pub detection: String,
}

/// Makes an exception.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateException {
    pub rule_id: String,
    pub title: String,
    /// Sigma detections in YAML; `condition` may be left out when there is one.
    pub detection: String,
    pub owner: String,
    /// At most 366 days ahead.
    pub expires: Instant,
    pub reason: String,
    /// Accept that the rule no longer fires on any event that its tests know it by.
    #[serde(default)]
    pub accept_blind: bool,
}

/// Moves the end of an exception.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ProlongException {
    /// At most 366 days ahead.
    pub expires: Instant,
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub reason: String,
}

/// Ends an exception.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct EndException {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub reason: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_exceptions, Action::ReadRules, list_exceptions);
    routes.add(__path_create_exception, Action::ManageRules, create_exception);
    routes.add(__path_try_exception, Action::ManageRules, try_exception);
    routes.add(__path_prolong_exception, Action::ManageRules, prolong_exception);
    routes.add(__path_end_exception, Action::ManageRules, end_exception);
}

/// Exceptions, the latest first.
#[utoipa::path(get, path = "/api/v1/exceptions", tag = "rules", params(ExceptionFilter), responses((status = 200, body = Exceptions)))]
async fn list_exceptions(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<ExceptionFilter>,
) -> Result<Json<Exceptions>, Problem> {
    let found = app.detect.exceptions(filter.rule.as_deref(), filter.over.unwrap_or(false)).await?;
    Ok(Json(Exceptions { exceptions: found.into_iter().map(Exception::from).collect() }))
}

/// Makes an exception. It counts a few seconds later, when the rules have been compiled with it.
#[utoipa::path(post, path = "/api/v1/exceptions", tag = "rules", request_body = CreateException, responses((status = 201, body = Exception)))]
async fn create_exception(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<CreateException>,
) -> Result<(StatusCode, Json<Exception>), Problem> {
    let by = author(&caller, &request.reason)?;
    let new = detect::NewException {
        rule_id: request.rule_id,
        title: request.title,
        detection: request.detection,
        owner: request.owner,
        expires: request.expires.0,
        accept_blind: request.accept_blind,
    };
    let made = app.detect.create_exception(&new, &by.actor, &by.reason).await?;
    Ok((StatusCode::CREATED, Json(made.into())))
}

/// What an exception would silence: of the events that the rule's tests know it by, and of those of its latest alerts.
#[utoipa::path(post, path = "/api/v1/exceptions/trial", tag = "rules", request_body = TryException, responses((status = 200, body = Trial)))]
async fn try_exception(State(app): State<Arc<App>>, Body(request): Body<TryException>) -> Result<Json<Trial>, Problem> {
    let trial = app.detect.try_exception(&request.rule_id, "trial", &request.detection).await?;
    Ok(Json(trial.into()))
}

/// Moves the end of an exception.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/prolong", tag = "rules", request_body = ProlongException, params(("id" = String, Path)), responses((status = 200, body = Exception)))]
async fn prolong_exception(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<ProlongException>,
) -> Result<Json<Exception>, Problem> {
    let by = author(&caller, &request.reason)?;
    let (id, expires) = (parse(&id)?, request.expires.0);
    let moved = app.detect.prolong_exception(id, expires, request.version, &by.actor, &by.reason).await?;
    Ok(Json(moved.into()))
}

/// Ends an exception before its time.
#[utoipa::path(post, path = "/api/v1/exceptions/{id}/end", tag = "rules", request_body = EndException, params(("id" = String, Path)), responses((status = 200, body = Exception)))]
async fn end_exception(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<EndException>,
) -> Result<Json<Exception>, Problem> {
    let by = author(&caller, &request.reason)?;
    let ended = app.detect.end_exception(parse(&id)?, request.version, &by.actor, &by.reason).await?;
    Ok(Json(ended.into()))
}

fn parse(id: &str) -> Result<kernel::id::ExceptionId, Problem> {
    id.parse().map_err(|_| Problem::not_found("exception", id))
}

impl From<detect::RuleException> for Exception {
    fn from(one: detect::RuleException) -> Exception {
        Exception {
            id: one.id.to_string(),
            rule_id: one.rule_id,
            title: one.title,
            detection: one.detection,
            owner: one.owner,
            reason: one.reason,
            state: match one.state {
                detect::ExceptionState::Active => ExceptionState::Active,
                detect::ExceptionState::Expired => ExceptionState::Expired,
                detect::ExceptionState::Ended => ExceptionState::Ended,
            },
            trial: one.trial.into(),
            created: one.created.into(),
            expires: one.expires.into(),
            version: one.version,
        }
    }
}

impl From<detect::Trial> for Trial {
    fn from(trial: detect::Trial) -> Trial {
        let detect::Trial { samples, samples_silenced, alerted, alerted_silenced } = trial;
        Trial { samples, samples_silenced, alerted, alerted_silenced }
    }
}
