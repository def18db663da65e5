//! The second factor of whoever is on record.

use std::sync::Arc;

use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use identity::second_factor::{Enrolment, SecondFactor};
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use super::parse_id;
use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;

/// How far the caller is with their second factor.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct SecondFactorState {
    /// When an authenticator was enrolled.
    pub enrolled: Option<String>,
    /// From then on its codes count. Not there while enrolled: its first code is still to be shown.
    pub confirmed: Option<String>,
    /// Until then no code counts, after too many wrong ones.
    pub locked: Option<String>,
}

impl From<SecondFactor> for SecondFactorState {
    fn from(state: SecondFactor) -> SecondFactorState {
        let text = |at: Option<kernel::Timestamp>| at.map(|at| at.to_string());
        SecondFactorState {
            enrolled: text(state.enrolled),
            confirmed: text(state.confirmed),
            locked: text(state.locked),
        }
    }
}

/// What an authenticator needs. It is shown this once.
#[derive(Debug, Clone, Serialize, ToSchema)]
pub struct NewSecondFactor {
    /// In base32, to be typed into an authenticator.
    pub secret: String,
    /// `otpauth://totp/…`, to be shown as a picture.
    pub uri: String,
}

/// A code of the authenticator.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SecondFactorCode {
    /// Six digits; spaces do not count.
    pub code: String,
}

/// Why somebody's second factor is taken away.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct RemoveSecondFactor {
    pub reason: String,
}

pub(super) fn routes(routes: &mut Routes) {
    routes.add(__path_second_factor, Action::OwnAccess, second_factor);
    routes.add(__path_enrol_second_factor, Action::OwnAccess, enrol_second_factor);
    routes.add(__path_confirm_second_factor, Action::OwnAccess, confirm_second_factor);
    routes.add(__path_remove_second_factor, Action::OperateIdentity, remove_second_factor);
}

/// How far the caller is with their second factor.
#[utoipa::path(get, path = "/api/v1/access/second-factor", tag = "access", responses((status = 200, body = SecondFactorState)))]
async fn second_factor(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<SecondFactorState>, Problem> {
    Ok(Json(app.identity.second_factor(&caller.actor()).await?.into()))
}

/// Enrols an authenticator (RFC 6238). Refused while the caller has one that counts.
#[utoipa::path(post, path = "/api/v1/access/second-factor", tag = "access", responses((status = 201, body = NewSecondFactor)))]
async fn enrol_second_factor(
    State(app): State<Arc<App>>,
    caller: Caller,
) -> Result<(StatusCode, Json<NewSecondFactor>), Problem> {
    let Enrolment { secret, uri } = app.identity.enrol_second_factor(&caller.actor()).await?;
    Ok((StatusCode::CREATED, Json(NewSecondFactor { secret, uri })))
}

/// Shows the first code; from then on the authenticator counts.
#[utoipa::path(post, path = "/api/v1/access/second-factor/confirmations", tag = "access", request_body = SecondFactorCode, responses((status = 200, body = SecondFactorState)))]
async fn confirm_second_factor(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<SecondFactorCode>,
) -> Result<Json<SecondFactorState>, Problem> {
    Ok(Json(app.identity.confirm_second_factor(&request.code, &caller.actor()).await?.into()))
}

/// Takes somebody's second factor away because it is lost; they enrol another. Nobody takes away their own.
#[utoipa::path(post, path = "/api/v1/access/people/{id}/second-factor-removals", tag = "access", params(("id" = String, Path)), request_body = RemoveSecondFactor, responses((status = 204)))]
async fn remove_second_factor(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<RemoveSecondFactor>,
) -> Result<StatusCode, Problem> {
    let person = parse_id("person", &id)?;
    app.identity.remove_second_factor(person, &request.reason, &caller.actor()).await?;
    Ok(StatusCode::NO_CONTENT)
}
