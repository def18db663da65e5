//! People who may sign in.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::api::words::{Instant, Reason};

/// What somebody is here for. A person can have several.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Role {
    /// Runs the house: people, tokens, sources, rules, and everything below.
    Administrator,
    /// Writes detections and connects sources.
    Engineer,
    /// Hunts, triages, responds.
    Analyst,
    /// Reads everything, the ledger included, and changes nothing.
    Auditor,
}

/// A person.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct User {
    pub id: String,
    /// To sign in with: lower case.
    pub name: String,
    pub display_name: String,
    pub roles: Vec<Role>,
    /// May not sign in; sessions and tokens are dead.
    pub disabled: bool,
    /// Was invited and has not chosen a password yet.
    pub invited: bool,
    pub created: Instant,
    pub last_login: Option<Instant>,
    pub version: i64,
}

/// Everybody.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Users {
    pub users: Vec<User>,
}

/// Invites somebody.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateUser {
    /// 2 to 64 of `a-z 0-9 . _ - @`.
    pub name: String,
    pub display_name: String,
    pub roles: Vec<Role>,
    pub reason: String,
}

/// A one-time link with which somebody chooses a password.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Invitation {
    pub user: User,
    /// Shown once; the server keeps its digest only.
    pub token: String,
    /// The console's page for it: `/setup#vgs_…` (the fragment never travels to a server).
    pub path: String,
    pub expires: Instant,
}

/// Changes what is given and leaves the rest.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ChangeUser {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub display_name: Option<String>,
    pub roles: Option<Vec<Role>>,
    pub disabled: Option<bool>,
    pub reason: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_users, Action::ReadUsers, list_users);
    routes.add(__path_create_user, Action::ManageUsers, create_user);
    routes.add(__path_change_user, Action::ManageUsers, change_user);
    routes.add(__path_invite_again, Action::ManageUsers, invite_again);
}

/// Everybody who may sign in.
#[utoipa::path(get, path = "/api/v1/users", tag = "users", responses((status = 200, body = Users)))]
async fn list_users() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Invites somebody by a one-time link.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = CreateUser, responses((status = 201, body = Invitation)))]
async fn create_user() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Changes name, roles, or locks somebody out.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", request_body = ChangeUser, params(("id" = String, Path)), responses((status = 200, body = User)))]
async fn change_user() -> Problem {
    Problem::unavailable("being built", 60)
}

/// A new one-time link: for a lost password or a lost invitation. Sessions end when it is used.
#[utoipa::path(post, path = "/api/v1/users/{id}/invitation", tag = "users", request_body = Reason, params(("id" = String, Path)), responses((status = 201, body = Invitation)))]
async fn invite_again() -> Problem {
    Problem::unavailable("being built", 60)
}
