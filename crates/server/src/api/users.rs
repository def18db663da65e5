//! People who may sign in.

use std::sync::Arc;

use crate::action::Action;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::secret::{SETUP_PREFIX, Secret};
use crate::auth::sessions;
use crate::auth::users::{self, UserRecord, clean_name};
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::sql;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kernel::id::UserId;
use serde::{Deserialize, Serialize};
use store::{Entry, Tx, params};
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
    /// Keeps the radio room.
    Operator,
    /// Runs the Access desk.
    #[serde(rename = "access-officer")]
    AccessOfficer,
    /// Reads everything, the ledger included, and changes nothing.
    Auditor,
    /// Answers for the people of one organisation in the radio room, and sees no others.
    Partner,
}

impl Role {
    /// All of them.
    pub const ALL: [Role; 7] = [
        Role::Administrator,
        Role::Engineer,
        Role::Analyst,
        Role::Operator,
        Role::AccessOfficer,
        Role::Auditor,
        Role::Partner,
    ];

    /// The word in policies, API and storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Role::Administrator => "administrator",
            Role::Engineer => "engineer",
            Role::Analyst => "analyst",
            Role::Operator => "operator",
            Role::AccessOfficer => "access-officer",
            Role::Auditor => "auditor",
            Role::Partner => "partner",
        }
    }
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
async fn list_users(State(app): State<Arc<App>>) -> Result<Json<Users>, Problem> {
    let users = users::all(&app.store).await?;
    Ok(Json(Users { users: users.iter().map(UserRecord::to_api).collect() }))
}

/// Invites somebody by a one-time link.
#[utoipa::path(post, path = "/api/v1/users", tag = "users", request_body = CreateUser, responses((status = 201, body = Invitation)))]
async fn create_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<CreateUser>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let name = clean_name(&request.name).map_err(|rule| Problem::invalid(rule).with("field", "name"))?;
    let display_name = clean_display_name(&request.display_name)?;
    let roles = clean_roles(&request.roles)?;
    let reason = clean_reason(&request.reason)?;
    let mut tx = app.store.begin().await?;
    let (id, now): (UserId, _) = (tx.id(), tx.now());
    let stored_roles = serde_json::json!(roles);
    let new = params![id, &name, display_name, &stored_roles, None::<&str>, now];
    if tx.execute(&sql::INSERT_USER, new).await? == 0 {
        return Err(Problem::invalid(format!("the name `{name}` is taken")).with("field", "name"));
    }
    let user = load(&mut tx, &id.to_string()).await?;
    let invitation = invite(&mut tx, &app, &user).await?;
    let entry = Entry::new(&caller.actor(), "user.invite", id).reason(reason).after(user.to_ledger());
    tx.commit(entry).await?;
    Ok((StatusCode::CREATED, Json(invitation)))
}

/// Changes name, roles, or locks somebody out.
#[utoipa::path(patch, path = "/api/v1/users/{id}", tag = "users", request_body = ChangeUser, params(("id" = String, Path)), responses((status = 200, body = User)))]
async fn change_user(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<ChangeUser>,
) -> Result<Json<User>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let mut tx = app.store.begin().await?;
    let before = load(&mut tx, &id).await?;
    let mut after = before.clone();
    if let Some(display_name) = &request.display_name {
        after.display_name = clean_display_name(display_name)?;
    }
    if let Some(roles) = &request.roles {
        after.roles = clean_roles(roles)?;
    }
    after.disabled = request.disabled.unwrap_or(before.disabled);
    if request.version != before.version {
        let (yours, theirs) = (serde_json::json!(request), serde_json::json!(before.to_api()));
        return Err(store::Error::conflict(yours, theirs, before.version).into());
    }
    if users::runs_the_house(&before) && !users::runs_the_house(&after) {
        require_another_administrator(&mut tx, before.id).await?;
    }
    let roles = serde_json::json!(after.roles);
    let change = params![after.id, before.version, &after.display_name, &roles, after.disabled];
    tx.execute_one(&sql::UPDATE_USER, change).await?;
    after.version += 1;
    if after.disabled {
        let now = tx.now();
        tx.execute(&sql::END_SESSIONS_OF, params![after.id, now, ""]).await?;
        tx.execute(&sql::DROP_INVITATIONS_OF, params![after.id]).await?;
    }
    let entry = Entry::new(&caller.actor(), "user.change", after.id).reason(reason);
    tx.commit(entry.before(before.to_ledger()).after(after.to_ledger())).await?;
    Ok(Json(after.to_api()))
}

/// A new one-time link: for a lost password or a lost invitation. Sessions end when it is used.
#[utoipa::path(post, path = "/api/v1/users/{id}/invitation", tag = "users", request_body = Reason, params(("id" = String, Path)), responses((status = 201, body = Invitation)))]
async fn invite_again(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<(StatusCode, Json<Invitation>), Problem> {
    let reason = clean_reason(&request.reason)?;
    let mut tx = app.store.begin().await?;
    let user = load(&mut tx, &id).await?;
    if user.disabled {
        return Err(Problem::invalid("this person is locked out; unlock first").with("field", "id"));
    }
    let invitation = invite(&mut tx, &app, &user).await?;
    tx.commit(Entry::new(&caller.actor(), "user.invite-again", user.id).reason(reason)).await?;
    Ok((StatusCode::CREATED, Json(invitation)))
}

async fn load(tx: &mut Tx, id: &str) -> Result<UserRecord, Problem> {
    let row = tx.fetch_optional(&sql::USER, params![id]).await?;
    let row = row.ok_or_else(|| Problem::not_found("user", id))?;
    Ok(UserRecord::from_row(&row)?)
}

/// A new link; those made before for the same person end.
async fn invite(tx: &mut Tx, app: &App, user: &UserRecord) -> Result<Invitation, Problem> {
    let secret = Secret::new(SETUP_PREFIX, app.store.random());
    let now = tx.now();
    let expires = now.plus_micros(sessions::micros(app.config.invitation_s));
    tx.execute(&sql::DROP_INVITATIONS_OF, params![user.id]).await?;
    tx.execute(&sql::INSERT_INVITATION, params![secret.digest(), user.id, now, expires]).await?;
    let token = secret.reveal().to_owned();
    Ok(Invitation { user: user.to_api(), path: format!("/setup#{token}"), token, expires: expires.into() })
}

/// Nobody can lock the whole house out of itself.
async fn require_another_administrator(tx: &mut Tx, but: UserId) -> Result<(), Problem> {
    let rows = tx.fetch_all(&sql::USERS, params![]).await?;
    let everybody = rows.iter().map(UserRecord::from_row).collect::<Result<Vec<_>, _>>()?;
    if everybody.iter().any(|user| user.id != but && users::runs_the_house(user)) {
        return Ok(());
    }
    Err(Problem::invalid("this is the last administrator who can sign in")
        .help("make somebody else an administrator first"))
}

fn clean_display_name(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 120 || text.chars().any(char::is_control) {
        return Err(Problem::invalid("a display name has 1 to 120 characters").with("field", "display_name"));
    }
    Ok(text.to_owned())
}

fn clean_roles(roles: &[Role]) -> Result<Vec<Role>, Problem> {
    let mut roles = roles.to_vec();
    roles.sort_unstable();
    roles.dedup();
    if roles.is_empty() {
        return Err(Problem::invalid("somebody without a role can do nothing").with("field", "roles"));
    }
    Ok(roles)
}

/// The reason of an act: it becomes part of the ledger, so it cannot be empty.
///
/// # Errors
/// 422 that names the field.
pub fn clean_reason(text: &str) -> Result<String, Problem> {
    let text = text.trim();
    if text.is_empty() || text.chars().count() > 1_000 {
        return Err(
            Problem::invalid("a reason has 1 to 1000 characters; it goes into the ledger").with("field", "reason")
        );
    }
    Ok(text.to_owned())
}
