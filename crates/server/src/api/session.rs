//! Signing in and out, the first administrator, one's own password.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::Instant;

/// Whether somebody is signed in, and what the console must know before that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SessionState {
    /// Absent: show the sign-in page.
    pub signed_in: Option<SignedIn>,
    /// Nobody can sign in yet: open the link that the server printed at its start.
    pub setup_required: bool,
    pub server_time: Instant,
    pub version: String,
}

/// Who is signed in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SignedIn {
    pub user: crate::api::users::User,
    /// To send as `X-Vigie-Csrf` with everything but GET.
    pub csrf: String,
    /// The session ends at this time whatever happens.
    pub expires: Instant,
    /// Seconds without a request after which it ends.
    pub idle_s: u64,
    /// What this person may do: names of actions. The console disables the rest and says why.
    pub actions: Vec<String>,
}

/// Name and password.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LoginRequest {
    pub name: String,
    pub password: String,
}

/// Redeems the one-time link of the first start, or an invitation.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct SetupRequest {
    /// From the link: `vgs_…`.
    pub token: String,
    /// The name to sign in with. Needed for the first administrator; an invitation already has one.
    pub name: Option<String>,
    pub display_name: Option<String>,
    /// At least 12 characters; anything goes, pasting included.
    pub password: String,
}

/// A new password for oneself. Other sessions of the same person end.
#[derive(Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct PasswordChange {
    pub current: String,
    pub new: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_get_session, Action::Enter, get_session);
    routes.add(__path_login, Action::Enter, login);
    routes.add(__path_logout, Action::OwnSession, logout);
    routes.add(__path_setup, Action::Enter, setup);
    routes.add(__path_change_password, Action::OwnSession, change_password);
}

/// Who is signed in, if anybody.
#[utoipa::path(get, path = "/api/v1/session", tag = "session", responses((status = 200, body = SessionState)))]
async fn get_session() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Signs in. The session is a cookie; the answer has the CSRF value.
#[utoipa::path(post, path = "/api/v1/login", tag = "session", request_body = LoginRequest, responses((status = 200, body = SessionState)))]
async fn login() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Ends this session.
#[utoipa::path(post, path = "/api/v1/logout", tag = "session", responses((status = 204)))]
async fn logout() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Redeems a one-time link and signs in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "session", request_body = SetupRequest, responses((status = 200, body = SessionState)))]
async fn setup() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Changes one's own password; other sessions end.
#[utoipa::path(post, path = "/api/v1/session/password", tag = "session", request_body = PasswordChange, responses((status = 204)))]
async fn change_password() -> Problem {
    Problem::unavailable("being built", 60)
}
