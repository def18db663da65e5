//! Signing in and out, the first administrator, one's own password.

use std::sync::Arc;

use crate::action::Action;
use crate::api::users::Role;
use crate::app::App;
use crate::auth::attempts::Attempt;
use crate::auth::caller::{Caller, PeerAddress};
use crate::auth::secret::Secret;
use crate::auth::sessions::{self, Session};
use crate::auth::users::{self, UserRecord, clean_name};
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::sql;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use kernel::id::UserId;
use serde::{Deserialize, Serialize};
use store::{Entry, Tx, params};
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
async fn get_session(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<SessionState>, Problem> {
    Ok(Json(state(&app, signed_in_of(&app, &caller)).await?))
}

/// Signs in. The session is a cookie; the answer has the CSRF value.
#[utoipa::path(post, path = "/api/v1/login", tag = "session", request_body = LoginRequest, responses((status = 200, body = SessionState)))]
async fn login(
    State(app): State<Arc<App>>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    Body(request): Body<LoginRequest>,
) -> Result<Response, Problem> {
    let place = address.to_string();
    let known_place = sessions::known_place(&app.store, &request.name, &place).await?;
    let attempt = Attempt { name: &request.name, address, known_place };
    app.attempts.lock().take(attempt, app.clock.monotonic_us()).map_err(|seconds| {
        tracing::warn!(from = %address, "sign-in refused: too many attempts");
        Problem::too_many("too many attempts to sign in with this name or from this address", seconds)
    })?;
    let name = request.name.trim().to_lowercase();
    let row = app.store.fetch_optional(&sql::USER_BY_NAME, params![name]).await?;
    let user = row.as_ref().map(UserRecord::from_row).transpose()?.filter(|user| !user.disabled);
    let stored = user.as_ref().and_then(|user| user.password_hash.as_deref());
    let right = app.passwords.verify(&request.password, stored).await?;
    let Some(user) = user.filter(|_| right) else {
        tracing::warn!(from = %address, "sign-in refused: wrong name or password");
        return Err(Problem::new(
            StatusCode::UNAUTHORIZED,
            "wrong-credentials",
            "Name or password is wrong",
            "no account has this name with this password",
        )
        .help("ask an administrator for a new link if the password is lost"));
    };
    app.attempts.lock().forgive(attempt, app.clock.monotonic_us());
    let mut tx = app.store.begin().await?;
    let session = sessions::open(&mut tx, &app.store, &user, &place, &app.config).await?;
    tx.commit(Entry::new(&user.actor(), "user.sign-in", user.id)).await?;
    signed_in_answer(&app, session).await
}

/// Ends this session.
#[utoipa::path(post, path = "/api/v1/logout", tag = "session", responses((status = 204)))]
async fn logout(State(app): State<Arc<App>>, caller: Caller) -> Result<Response, Problem> {
    let session = caller.session()?;
    let mut tx = app.store.begin().await?;
    let now = tx.now();
    tx.execute(&sql::END_SESSION, params![session.secret.digest(), now]).await?;
    tx.commit(Entry::new(&caller.actor(), "user.sign-out", session.user.id)).await?;
    let cookie = [(header::SET_COOKIE, sessions::cookie(None, &app.config))];
    Ok((StatusCode::NO_CONTENT, cookie).into_response())
}

/// Redeems a one-time link and signs in.
#[utoipa::path(post, path = "/api/v1/setup", tag = "session", request_body = SetupRequest, responses((status = 200, body = SessionState)))]
async fn setup(
    State(app): State<Arc<App>>,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    Body(request): Body<SetupRequest>,
) -> Result<Response, Problem> {
    let digest = Secret::presented(&request.token).digest();
    let row = app.store.fetch_optional(&sql::INVITATION, params![&digest]).await?;
    let usable = row.filter(|row| row.time("expires_us").is_ok_and(|expires| app.store.now() < expires));
    let usable = usable.ok_or_else(link_refused)?;
    let hash = app.passwords.hash(&request.password, app.store.random()).await?;
    let mut tx = app.store.begin().await?;
    // Once more inside the transaction: of two who use one link at the same time, one gets in.
    let still_there = tx.fetch_optional(&sql::INVITATION, params![&digest]).await?.is_some();
    if !still_there {
        return Err(link_refused());
    }
    let user = match usable.id_opt::<kernel::id::UserKind>("user_id")? {
        Some(id) => accept_invitation(&mut tx, id, &hash).await?,
        None => first_administrator(&mut tx, &request, &hash).await?,
    };
    let session = sessions::open(&mut tx, &app.store, &user, &address.to_string(), &app.config).await?;
    let entry = Entry::new(&user.actor(), "user.accept-invitation", user.id).after(user.to_ledger());
    tx.commit(entry).await?;
    signed_in_answer(&app, session).await
}

/// Changes one's own password; other sessions end.
#[utoipa::path(post, path = "/api/v1/session/password", tag = "session", request_body = PasswordChange, responses((status = 204)))]
async fn change_password(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(PeerAddress(address)): Extension<PeerAddress>,
    Body(request): Body<PasswordChange>,
) -> Result<StatusCode, Problem> {
    let session = caller.session()?;
    let user = &session.user;
    let attempt = Attempt { name: &user.name, address, known_place: true };
    let taken = app.attempts.lock().take(attempt, app.clock.monotonic_us());
    taken.map_err(|seconds| Problem::too_many("too many wrong passwords", seconds))?;
    if !app.passwords.verify(&request.current, user.password_hash.as_deref()).await? {
        return Err(Problem::forbidden("the current password is wrong"));
    }
    app.attempts.lock().forgive(attempt, app.clock.monotonic_us());
    let hash = app.passwords.hash(&request.new, app.store.random()).await?;
    let mut tx = app.store.begin().await?;
    let now = tx.now();
    tx.execute_one(&sql::SET_PASSWORD, params![user.id, hash]).await?;
    tx.execute(&sql::END_SESSIONS_OF, params![user.id, now, session.secret.digest()]).await?;
    tx.execute(&sql::DROP_INVITATIONS_OF, params![user.id]).await?;
    tx.commit(Entry::new(&caller.actor(), "user.change-password", user.id)).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn link_refused() -> Problem {
    Problem::new(
        StatusCode::FORBIDDEN,
        "link-refused",
        "The link cannot be used",
        "this one-time link is not known, was used, or has expired",
    )
    .help("ask an administrator for a new one; for the first administrator, start the server again")
}

async fn accept_invitation(tx: &mut Tx, id: UserId, hash: &str) -> Result<UserRecord, Problem> {
    let now = tx.now();
    tx.execute_one(&sql::SET_PASSWORD, params![id, hash]).await?;
    tx.execute(&sql::DROP_INVITATIONS_OF, params![id]).await?;
    tx.execute(&sql::END_SESSIONS_OF, params![id, now, ""]).await?;
    let row = tx.fetch_optional(&sql::USER, params![id]).await?;
    let user = row.as_ref().map(UserRecord::from_row).transpose()?;
    user.filter(|user| !user.disabled).ok_or_else(link_refused)
}

async fn first_administrator(tx: &mut Tx, request: &SetupRequest, hash: &str) -> Result<UserRecord, Problem> {
    let rows = tx.fetch_all(&sql::USERS, params![]).await?;
    let everybody = rows.iter().map(UserRecord::from_row).collect::<Result<Vec<_>, _>>()?;
    if everybody.iter().any(users::runs_the_house) {
        return Err(link_refused());
    }
    let given = request.name.as_deref().unwrap_or_default();
    let name = clean_name(given).map_err(|rule| Problem::invalid(rule).with("field", "name"))?;
    let display_name = request.display_name.as_deref().map(str::trim).filter(|text| !text.is_empty()).unwrap_or(&name);
    let (id, now): (UserId, _) = (tx.id(), tx.now());
    let roles = serde_json::json!([Role::Administrator]);
    let inserted = tx.execute(&sql::INSERT_USER, params![id, &name, display_name, &roles, hash, now]).await?;
    if inserted == 0 {
        return Err(Problem::invalid(format!("the name `{name}` is taken")).with("field", "name"));
    }
    tx.execute(&sql::DROP_FIRST_INVITATIONS, params![]).await?;
    Ok(UserRecord {
        id,
        display_name: display_name.to_owned(),
        name,
        roles: vec![Role::Administrator],
        password_hash: Some(hash.to_owned()),
        disabled: false,
        created: now,
        last_login: None,
        version: 1,
    })
}

fn signed_in(app: &App, session: &Session) -> SignedIn {
    let granted = app.authority.granted(crate::authorise::Asker::User { roles: &session.user.roles });
    SignedIn {
        user: session.user.to_api(),
        csrf: session.secret.csrf(),
        expires: session.expires.into(),
        idle_s: app.config.session_idle_s,
        actions: granted.into_iter().map(|action| action.as_str().to_owned()).collect(),
    }
}

fn signed_in_of(app: &App, caller: &Caller) -> Option<SignedIn> {
    match caller {
        Caller::User(session) => Some(signed_in(app, session)),
        Caller::Anonymous | Caller::Token(_) => None,
    }
}

async fn state(app: &App, signed_in: Option<SignedIn>) -> Result<SessionState, Problem> {
    let setup_required = signed_in.is_none() && !users::somebody_administers(&app.store).await?;
    Ok(SessionState {
        signed_in,
        setup_required,
        server_time: app.store.now().into(),
        version: env!("CARGO_PKG_VERSION").to_owned(),
    })
}

async fn signed_in_answer(app: &App, session: Session) -> Result<Response, Problem> {
    let cookie = [(header::SET_COOKIE, sessions::cookie(Some(&session.secret), &app.config))];
    Ok((cookie, Json(state(app, Some(signed_in(app, &session))).await?)).into_response())
}
