//! Who sent this request, from its headers.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::HeaderMap;
use axum::http::header;
use axum::http::request::Parts;
use kernel::Actor;

use crate::app::App;
use crate::auth::secret::Secret;
use crate::auth::sessions::{self, Session};
use crate::auth::tokens::{self, TokenRecord};
use crate::authorise::Asker;
use crate::problem::Problem;

/// Who sent the request. Handlers take it as an argument; the guard has put it there.
#[derive(Debug, Clone)]
pub enum Caller {
    Anonymous,
    User(Box<Session>),
    Token(Box<TokenRecord>),
}

/// The address that the request came from.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct PeerAddress(pub IpAddr);

impl Caller {
    /// Finds out who it is. A bearer token that does not hold is refused; a cookie that does not hold is nobody.
    ///
    /// # Errors
    /// The refusal to send.
    pub async fn of(headers: &HeaderMap, app: &App) -> Result<Caller, Problem> {
        if let Some(value) = headers.get(header::AUTHORIZATION) {
            return bearer(value, app).await;
        }
        let Some(secret) = sessions::from_headers(headers, app.config.secure_cookies) else {
            return Ok(Caller::Anonymous);
        };
        let session = sessions::find(&app.store, secret, &app.config).await?;
        Ok(session.map_or(Caller::Anonymous, |session| Caller::User(Box::new(session))))
    }

    /// As the policies see it.
    pub fn asker(&self) -> Asker<'_> {
        match self {
            Caller::Anonymous => Asker::Anonymous,
            Caller::User(session) => Asker::User { roles: &session.user.roles },
            Caller::Token(token) => {
                Asker::Token { owner_roles: &token.owner_roles, scopes: &token.scopes, target: token.target.as_deref() }
            }
        }
    }

    /// As the ledger names it.
    pub fn actor(&self) -> Actor {
        match self {
            Caller::Anonymous => Actor::System("anonymous".to_owned()),
            Caller::User(session) => session.user.actor(),
            Caller::Token(token) => Actor::Token(token.id.to_string()),
        }
    }

    /// The person behind it: the one signed in, or the token's owner.
    ///
    /// # Errors
    /// 401 when nobody is.
    pub fn person(&self) -> Result<kernel::id::UserId, Problem> {
        match self {
            Caller::Anonymous => Err(Problem::unauthenticated("this needs a person")),
            Caller::User(session) => Ok(session.user.id),
            Caller::Token(token) => Ok(token.owner),
        }
    }

    /// The session, for what only a person in front of a screen may do.
    ///
    /// # Errors
    /// 403 for a token, 401 for nobody.
    pub fn session(&self) -> Result<&Session, Problem> {
        match self {
            Caller::User(session) => Ok(session),
            Caller::Token(_) => Err(Problem::forbidden("a token cannot do this; sign in as a person")),
            Caller::Anonymous => Err(Problem::unauthenticated("sign in first")),
        }
    }
}

async fn bearer(value: &axum::http::HeaderValue, app: &App) -> Result<Caller, Problem> {
    let text = value.to_str().unwrap_or_default();
    let Some((scheme, secret)) = text.split_once(' ').filter(|(scheme, _)| scheme.eq_ignore_ascii_case("bearer"))
    else {
        return Err(Problem::unauthenticated("the header Authorization has the form `Bearer vgt_…`"));
    };
    let _ = scheme;
    match tokens::find(&app.store, &Secret::presented(secret.trim())).await? {
        Ok(token) => Ok(Caller::Token(Box::new(token))),
        Err(refusal) => Err(Problem::unauthenticated(refusal.to_string())
            .help("make a new token: POST /api/v1/tokens, or the page Tokens of the console")),
    }
}

impl<S: Send + Sync> FromRequestParts<S> for Caller {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &S) -> Result<Caller, Problem> {
        parts
            .extensions
            .get::<Caller>()
            .cloned()
            .ok_or_else(|| Problem::internal(&"the guard was not asked before the handler"))
    }
}

/// The address behind trusted proxies: the last hop that is not one of them.
pub fn peer_address(peer: Option<IpAddr>, headers: &HeaderMap, trusted: &[IpAddr]) -> PeerAddress {
    let peer = peer.unwrap_or(IpAddr::from([0, 0, 0, 0]));
    if !trusted.contains(&peer) {
        return PeerAddress(peer);
    }
    let hops = headers.get_all("x-forwarded-for").iter().filter_map(|value| value.to_str().ok());
    let hops: Vec<&str> = hops.flat_map(|value| value.split(',')).map(str::trim).collect();
    let client = hops.iter().rev().map_while(|hop| hop.parse().ok()).find(|hop| !trusted.contains(hop));
    PeerAddress(client.unwrap_or(peer))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(peer: &str, forwarded: &[&str], trusted: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for value in forwarded {
            headers.append("x-forwarded-for", value.parse().unwrap());
        }
        let trusted: Vec<IpAddr> = trusted.iter().map(|text| text.parse().unwrap()).collect();
        let found = peer_address(Some(peer.parse().unwrap()), &headers, &trusted);
        assert_eq!(found.0.to_string(), expected);
    }

    #[test]
    fn only_trusted_proxies_are_believed() {
        check("192.0.2.1", &["198.51.100.7"], &[], "192.0.2.1");
        check("192.0.2.1", &["198.51.100.7"], &["192.0.2.1"], "198.51.100.7");
        check("192.0.2.1", &["10.9.9.9, 198.51.100.7"], &["192.0.2.1"], "198.51.100.7");
        check("192.0.2.1", &["198.51.100.7, 192.0.2.2"], &["192.0.2.1", "192.0.2.2"], "198.51.100.7");
        check("192.0.2.1", &["nonsense"], &["192.0.2.1"], "192.0.2.1");
    }
}
