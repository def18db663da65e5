//! Tokens for programs.

use crate::action::Action;
use crate::problem::Problem;
use crate::routes::Routes;
use serde::{Deserialize, Serialize};
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
    /// Users, tokens, sources, ledger.
    Administer,
}

/// A token, without its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Token {
    pub id: String,
    pub name: String,
    /// The first characters of the secret, to recognise it.
    pub prefix: String,
    pub scopes: Vec<Scope>,
    /// An ingest token may be bound to one source or table.
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
    /// For the scope `ingest`: the one source or table that it may deliver to; absent: any.
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
async fn list_tokens() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Makes a token.
#[utoipa::path(post, path = "/api/v1/tokens", tag = "tokens", request_body = CreateToken, responses((status = 201, body = NewToken)))]
async fn create_token() -> Problem {
    Problem::unavailable("being built", 60)
}

/// Ends a token at once.
#[utoipa::path(post, path = "/api/v1/tokens/{id}/revoke", tag = "tokens", request_body = Reason, params(("id" = String, Path)), responses((status = 200, body = Token)))]
async fn revoke_token() -> Problem {
    Problem::unavailable("being built", 60)
}
