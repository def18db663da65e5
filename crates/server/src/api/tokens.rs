//! Tokens for programs.

use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::secret::{Secret, TOKEN_PREFIX};
use crate::auth::tokens::TokenRecord;
use crate::body::Body;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::sql;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kernel::id::{TokenId, UserId};
use serde::{Deserialize, Serialize};
use store::{Entry, Tx, params};
use utoipa::ToSchema;

use crate::api::words::{Instant, Reason, UserRef};

/// What a token may be used for. A token can never do more than its owner, except to deliver records.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum Scope {
    /// Alerts, incidents, rules, sources, overview, live stream.
    Read,
    /// KQL.
    Query,
    /// Incidents.
    Respond,
    /// Rules.
    Rules,
    /// Deliver records, to one source or to any.
    Ingest,
    /// Deliver people of a feed to the Access desk, of one feed or of any.
    Deliver,
    /// Provision users and groups by SCIM.
    Provision,
    /// Exchange what nodes tell each other, as the node whose name is the token's.
    Replicate,
    /// Users, tokens, sources, ledger.
    Administer,
}

impl Scope {
    /// All of them.
    pub const ALL: [Scope; 9] = [
        Scope::Read,
        Scope::Query,
        Scope::Respond,
        Scope::Rules,
        Scope::Ingest,
        Scope::Deliver,
        Scope::Provision,
        Scope::Replicate,
        Scope::Administer,
    ];

    /// The word in policies, API and storage.
    pub const fn as_str(self) -> &'static str {
        match self {
            Scope::Read => "read",
            Scope::Query => "query",
            Scope::Respond => "respond",
            Scope::Rules => "rules",
            Scope::Ingest => "ingest",
            Scope::Deliver => "deliver",
            Scope::Provision => "provision",
            Scope::Replicate => "replicate",
            Scope::Administer => "administer",
        }
    }
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub id: String,
    pub name: String,
    /// The first characters of the secret, to recognise it.
    pub prefix: String,
    pub scopes: Vec<Scope>,
    /// An ingest token may be bound to one source or table, a deliver token to one feed.
    pub target: Option<String>,
    pub owner: UserRef,
    pub created: Instant,
    pub expires: Instant,
    pub last_used: Option<Instant>,
    pub revoked: Option<Instant>,
}

/// One's own tokens; everybody's for an administrator.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tokens {
    pub tokens: Vec<Token>,
}

/// Makes a token.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct CreateToken {
    pub name: String,
    pub scopes: Vec<Scope>,
    /// For the scope `ingest`: the one source or table that it may deliver to; for `deliver`: the one feed; absent: any.
    pub target: Option<String>,
    /// 1 to 730.
    pub expires_in_days: u32,
    pub reason: String,
}

/// A new token with its secret, which is shown this once.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct NewToken {
    pub token: Token,
    /// `vgt_…`
    pub secret: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_tokens, Action::OwnTokens, list_tokens);
    routes.add(__path_create_token, Action::OwnTokens, create_token);
    routes.add(__path_revoke_token, Action::OwnTokens, revoke_token);
}

/// One's own tokens; everybody's for an administrator.
#[utoipa::path(get, path = "/api/v1/tokens", tag = "tokens", responses((status = 200, body = Tokens)))]
async fn list_tokens(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Tokens>, Problem> {
    let everybody = app.authority.permits(caller.asker(), Action::ManageTokens, None);
    let owner = if everybody { None } else { Some(caller.person()?) };
    let rows = app.store.fetch_all(&sql::TOKENS, params![owner]).await?;
    let tokens = rows.iter().map(TokenRecord::from_row).collect::<Result<Vec<_>, _>>()?;
    Ok(Json(Tokens { tokens: tokens.iter().map(TokenRecord::to_api).collect() }))
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = CreateToken, responses((status = 201, body = NewToken)))]
async fn create_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<CreateToken>,
) -> Result<(StatusCode, Json<NewToken>), Problem> {
    let reason = clean_reason(&request.reason)?;
    if request.scopes.contains(&Scope::Ingest) && !app.authority.permits(caller.asker(), Action::ManageSources, None) {
        return Err(Problem::forbidden("only those who may connect sources make tokens that deliver records")
            .with("action", Action::ManageSources.as_str()));
    }
    if request.scopes.contains(&Scope::Deliver) && !app.authority.permits(caller.asker(), Action::ManageIdentity, None)
    {
        return Err(Problem::forbidden("only those who may manage the Access desk make tokens that deliver a feed")
            .with("action", Action::ManageIdentity.as_str()));
    }
    if request.scopes.contains(&Scope::Provision) && !app.authority.permits(caller.asker(), Action::ManageUsers, None) {
        return Err(Problem::forbidden("only those who may manage users make tokens that provision them")
            .with("action", Action::ManageUsers.as_str()));
    }
    if request.scopes.contains(&Scope::Replicate) && !app.authority.permits(caller.asker(), Action::ManageUsers, None) {
        return Err(Problem::forbidden("only those who may manage users let another node in")
            .with("action", Action::ManageUsers.as_str()));
    }
    if let Some(fault) = replica::node_fault(&request.name)
        && request.scopes.contains(&Scope::Replicate)
    {
        return Err(Problem::invalid(fault).with("field", "name"));
    }
    let mut tx = app.store.begin().await?;
    let token = insert(&mut tx, &app, caller.person()?, &request).await?;
    let entry = Entry::new(&caller.actor(), "token.create", &token.token.id).reason(reason);
    tx.commit(entry.after(serde_json::json!({ "scopes": token.token.scopes, "expires": token.token.expires }))).await?;
    Ok((StatusCode::CREATED, Json(token)))
}

/// Ends a token at once.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/revoke", tag = "tokens", request_body = Reason, params(("id" = String, Path)), responses((status = 200, body = Token)))]
async fn revoke_token(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<Json<Token>, Problem> {
    let reason = clean_reason(&request.reason)?;
    let mut tx = app.store.begin().await?;
    let token = load(&mut tx, &id).await?;
    let anybodys = app.authority.permits(caller.asker(), Action::ManageTokens, None);
    if !anybodys && token.owner != caller.person()? {
        return Err(Problem::not_found("token", &id));
    }
    let now = tx.now();
    if tx.execute(&sql::REVOKE_TOKEN, params![token.id, now]).await? == 0 {
        return Ok(Json(token.to_api()));
    }
    let revoked = load(&mut tx, &id).await?;
    tx.commit(Entry::new(&caller.actor(), "token.revoke", token.id).reason(reason)).await?;
    Ok(Json(revoked.to_api()))
}

async fn load(tx: &mut Tx, id: &str) -> Result<TokenRecord, Problem> {
    let row = tx.fetch_optional(&sql::TOKEN, params![id]).await?;
    Ok(TokenRecord::from_row(&row.ok_or_else(|| Problem::not_found("token", id))?)?)
}

/// Writes a token; the caller commits with the ledger entry.
///
/// # Errors
/// 422 that names the field.
pub async fn insert(tx: &mut Tx, app: &App, owner: UserId, request: &CreateToken) -> Result<NewToken, Problem> {
    let field = |name: &str, detail: &str| Err(Problem::invalid(detail).with("field", name));
    let name = request.name.trim();
    if name.is_empty() || name.chars().count() > 120 {
        return field("name", "a token's name has 1 to 120 characters");
    }
    if !(1..=730).contains(&request.expires_in_days) {
        return field("expires_in_days", "a token holds for 1 to 730 days");
    }
    let mut scopes = request.scopes.clone();
    scopes.sort_unstable();
    scopes.dedup();
    if scopes.is_empty() {
        return field("scopes", "a token without a scope can do nothing");
    }
    if request.target.is_some() && !scopes.contains(&Scope::Ingest) && !scopes.contains(&Scope::Deliver) {
        return field("target", "only a token with the scope `ingest` or `deliver` has a target");
    }
    if scopes.contains(&Scope::Ingest) && scopes.contains(&Scope::Deliver) {
        return field("scopes", "`ingest` and `deliver` have targets of different kinds: make a token for each");
    }
    let secret = Secret::new(TOKEN_PREFIX, app.store.random());
    let (id, now): (TokenId, _) = (tx.id(), tx.now());
    let expires = now.plus_micros(i64::from(request.expires_in_days) * 86_400_000_000);
    let stored_scopes = serde_json::json!(scopes);
    let row = params![
        id,
        secret.digest(),
        name,
        secret.prefix(),
        &stored_scopes,
        request.target.as_deref(),
        owner,
        now,
        expires
    ];
    tx.execute(&sql::INSERT_TOKEN, row).await?;
    let token = load(tx, &id.to_string()).await?;
    Ok(NewToken { token: token.to_api(), secret: secret.reveal().to_owned() })
}
