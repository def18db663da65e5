//! Stands before every operation: who is it, did their own page send it, may they.

use std::sync::Arc;

use axum::extract::{MatchedPath, Request, State};
use axum::http::request::Parts;
use axum::http::{HeaderMap, Method, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};

use crate::action::Action;
use crate::api::feeds;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::secret;
use crate::problem::Problem;
use crate::restricted;
use crate::routes::Operation;

/// The header with which a browser proves that our page sent the request.
pub const CSRF_HEADER: &str = "x-vigie-csrf";

/// Lets a request pass to its handler, or answers in its place.
pub async fn guard(State(app): State<Arc<App>>, request: Request, next: Next) -> Response {
    let matched = request.extensions().get::<MatchedPath>().cloned();
    let Some(matched) = matched else {
        return Problem::internal(&"a route without a path").into_response();
    };
    // A method that no operation has is answered by the router: 405 with `Allow`.
    let Some(operation) = app.operations.find(request.method(), matched.as_str()).cloned() else {
        return next.run(request).await;
    };
    let (mut parts, body) = request.into_parts();
    match admit(&app, &parts, &operation).await {
        Ok(caller) => {
            parts.extensions.insert(caller.clone());
            let answer = next.run(Request::from_parts(parts, body)).await;
            restricted::shown(&app, &caller, &operation, answer).await
        }
        Err(problem) => problem.into_response(),
    }
}

async fn admit(app: &App, parts: &Parts, operation: &Operation) -> Result<Caller, Problem> {
    let caller = match device_token(parts, operation) {
        Some(headers) => Caller::of(&headers, app).await?,
        None => Caller::of(&parts.headers, app).await?,
    };
    if operation.action != Action::Enter {
        own_page(&caller, &parts.method, &parts.headers)?;
    }
    must_not_be_locked_out(app, &caller, operation).await?;
    let target = match operation.action {
        Action::Ingest => Some(last_segment(parts.uri.path())),
        // `…/feeds/{id}/deliveries`
        Action::DeliverFeed => parts.uri.path().rsplit_once('/').map(|(above, _)| last_segment(above)),
        _ => None,
    };
    if app.authority.permits(caller.asker(), operation.action, target.as_deref()) {
        return Ok(caller);
    }
    Err(denied(&caller, operation))
}

/// Whoever is locked out of everything is locked out of Vigie as well, with open sessions and their tokens. What a program
/// brings in goes on: a log or a position that is not taken in helps nobody.
async fn must_not_be_locked_out(app: &App, caller: &Caller, operation: &Operation) -> Result<(), Problem> {
    let brings = matches!(operation.action, Action::Ingest | Action::DeliverFeed);
    let user = match caller {
        Caller::Anonymous => return Ok(()),
        Caller::Token(_) if brings => return Ok(()),
        Caller::User(_) | Caller::Token(_) => caller.person()?.to_string(),
    };
    if operation.action == Action::Enter || !app.identity.is_locked_out(&user).await? {
        return Ok(());
    }
    let text = "the person who signs in as this user is locked out of every system";
    Err(Problem::new(axum::http::StatusCode::FORBIDDEN, "locked-out", "Locked out", text)
        .help("another access officer lets them in: POST /api/v1/identity/people/{id}/let-in"))
}

/// Trackers and portals cannot send `Authorization: Bearer`: they have a place for a password (Basic), a header of their own, or
/// nothing but the address. Their token is taken from there, on the paths of feeds alone.
fn device_token(parts: &Parts, operation: &Operation) -> Option<HeaderMap> {
    if !operation.path.starts_with(feeds::PATH) {
        return None;
    }
    let text = |name: &str| parts.headers.get(name).and_then(|value| value.to_str().ok());
    let authorization = text("authorization");
    if authorization.is_some_and(|value| value.get(..7).is_some_and(|scheme| scheme.eq_ignore_ascii_case("bearer "))) {
        return None;
    }
    let token = text("x-outbound-auth-token")
        .map(str::to_owned)
        .or_else(|| authorization.and_then(basic_password))
        .or_else(|| feeds::query_token(parts.uri.query().unwrap_or_default()))?;
    let mut headers = HeaderMap::new();
    headers.insert(header::AUTHORIZATION, format!("Bearer {token}").parse().ok()?);
    Some(headers)
}

/// The password of `Basic …`.
fn basic_password(authorization: &str) -> Option<String> {
    use base64::Engine;
    let (scheme, encoded) = authorization.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let decoded = base64::engine::general_purpose::STANDARD.decode(encoded.trim()).ok()?;
    let (_, password) = std::str::from_utf8(&decoded).ok()?.split_once(':')?;
    Some(password.to_owned())
}

fn denied(caller: &Caller, operation: &Operation) -> Problem {
    let action = operation.action;
    let problem = match caller {
        Caller::Anonymous => Problem::unauthenticated(format!("`{action}` is for those who have signed in")),
        Caller::User(_) => Problem::forbidden(format!("none of your roles permits `{action}`"))
            .help("an administrator can give you a role that does"),
        Caller::Token(_) => {
            Problem::forbidden(format!("scopes, target or owner of this token do not permit `{action}`"))
                .help("make a token with the scope that is needed, owned by somebody who may")
        }
    };
    problem.with("action", action.as_str())
}

/// A browser sends the cookie with any request to us, so a change needs what only our own page can know.
fn own_page(caller: &Caller, method: &Method, headers: &HeaderMap) -> Result<(), Problem> {
    let Caller::User(session) = caller else { return Ok(()) };
    if method.is_safe() {
        return Ok(());
    }
    let given = headers.get(CSRF_HEADER).and_then(|value| value.to_str().ok()).unwrap_or_default();
    let foreign = headers.get("sec-fetch-site").is_some_and(|site| site == "cross-site");
    if !foreign && secret::same(given, &session.secret.csrf()) {
        return Ok(());
    }
    Err(Problem::new(
        axum::http::StatusCode::FORBIDDEN,
        "csrf",
        "Not sent by the console",
        "the header X-Vigie-Csrf is missing or belongs to another session",
    )
    .help("take the value `csrf` of GET /api/v1/session"))
}

/// The last segment of the path with its percent signs decoded, as the handler will see it.
fn last_segment(path: &str) -> String {
    let raw = path.rsplit('/').next().unwrap_or_default().as_bytes();
    let mut decoded = Vec::with_capacity(raw.len());
    let mut at = 0;
    while at < raw.len() {
        let hex = (raw[at] == b'%').then(|| raw.get(at + 1..at + 3)).flatten();
        let byte = hex.and_then(|pair| u8::from_str_radix(std::str::from_utf8(pair).ok()?, 16).ok());
        decoded.push(byte.unwrap_or(raw[at]));
        at += if byte.is_some() { 3 } else { 1 };
    }
    String::from_utf8_lossy(&decoded).into_owned()
}

/// Not an operation of the API.
pub async fn no_such_operation(request: Request) -> Problem {
    Problem::not_found("operation", &format!("{} {}", request.method(), request.uri().path()))
        .help("the operations are in /api/v1/openapi.json")
}

/// The address exists, the method does not; the router adds `Allow`.
pub async fn wrong_method(request: Request) -> Problem {
    Problem::new(
        axum::http::StatusCode::METHOD_NOT_ALLOWED,
        "wrong-method",
        "Wrong method",
        format!("{} cannot be used here; the header `{}` names what can", request.method(), header::ALLOW),
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(path: &str, expected: &str) {
        assert_eq!(last_segment(path), expected);
    }

    #[test]
    fn the_guard_reads_a_target_as_the_handler_does() {
        check("/api/v1/ingest/dc-01", "dc-01");
        check("/api/v1/ingest/dc%2D01", "dc-01");
        check("/api/v1/ingest/a%2Fb", "a/b");
        check("/api/v1/ingest/100%", "100%");
        check("/api/v1/ingest/%C3%A9", "é");
    }
}
