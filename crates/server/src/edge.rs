//! The outermost layer: request ids, the body of refusals, what happens on a panic, and headers that every answer has.

use std::net::IpAddr;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use axum::extract::{ConnectInfo, Request, State};
use axum::http::{HeaderName, HeaderValue, header};
use axum::middleware::Next;
use axum::response::Response;
use futures::FutureExt;

use crate::app::App;
use crate::auth::caller::peer_address;
use crate::problem::Problem;

/// The id of a request, in its answer's `X-Request-Id`, in every refusal and in the log.
#[derive(Debug, Clone)]
pub struct RequestId(pub Arc<str>);

/// Scripts, styles, fonts and workers come from here and nowhere else; nothing inline, nothing evaluated.
const CONTENT_SECURITY_POLICY: &str = "default-src 'self'; script-src 'self'; style-src 'self'; img-src 'self' data:; \
     font-src 'self'; connect-src 'self'; worker-src 'self'; object-src 'none'; base-uri 'none'; form-action 'self'; \
     frame-ancestors 'none'";

const HEADERS: [(HeaderName, &str); 6] = [
    (header::CONTENT_SECURITY_POLICY, CONTENT_SECURITY_POLICY),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (HeaderName::from_static("cross-origin-opener-policy"), "same-origin"),
    (HeaderName::from_static("permissions-policy"), "camera=(), geolocation=(), microphone=()"),
];

/// Wraps everything.
pub async fn edge(State(app): State<Arc<App>>, mut request: Request, next: Next) -> Response {
    let id = format!("req-{}", hex::encode(app.store.random::<8>()));
    let started_us = app.clock.monotonic_us();
    let peer: Option<IpAddr> =
        request.extensions().get::<ConnectInfo<std::net::SocketAddr>>().map(|ConnectInfo(address)| address.ip());
    let address = peer_address(peer, request.headers(), &app.config.trusted_proxies);
    let extensions = request.extensions_mut();
    extensions.insert(RequestId(id.as_str().into()));
    extensions.insert(address);
    let (method, path) = (request.method().clone(), request.uri().path().to_owned());
    let answered = AssertUnwindSafe(next.run(request)).catch_unwind().await;
    let response = answered.unwrap_or_else(|panic| {
        let cause = panic.downcast_ref::<String>().map(String::as_str);
        let cause = cause.or_else(|| panic.downcast_ref::<&str>().copied()).unwrap_or("no message");
        axum::response::IntoResponse::into_response(Problem::internal(&format!("panic: {cause}")))
    });
    let mut response = finish(response, &id, path.starts_with("/scim/"));
    let status = response.status();
    let elapsed_ms = (app.clock.monotonic_us().saturating_sub(started_us)) / 1_000;
    if status.is_server_error() {
        tracing::error!(id, %method, path, status = status.as_u16(), elapsed_ms, from = %address.0, "request");
    } else if status.is_client_error() {
        tracing::info!(id, %method, path, status = status.as_u16(), elapsed_ms, from = %address.0, "request");
    } else {
        tracing::debug!(id, %method, path, status = status.as_u16(), elapsed_ms, "request");
    }
    add_headers(&mut response, &id, app.config.secure_cookies);
    response
}

/// Gives a refusal its body. One of the framework gets the same form as ours, with the headers it had.
fn finish(mut response: Response, id: &str, scim: bool) -> Response {
    if let Some(problem) = response.extensions_mut().remove::<Problem>() {
        let headers = std::mem::take(response.headers_mut());
        let mut with_body =
            if scim { crate::api::scim::from_problem(problem, id) } else { problem.into_response_with(id) };
        for (name, value) in &headers {
            if !with_body.headers().contains_key(name) && name != header::CONTENT_LENGTH {
                with_body.headers_mut().append(name, value.clone());
            }
        }
        return with_body;
    }
    let status = response.status();
    let is_text =
        response.headers().get(header::CONTENT_TYPE).is_none_or(|kind| kind.as_bytes().starts_with(b"text/plain"));
    if (status.is_client_error() || status.is_server_error()) && is_text {
        let reason = status.canonical_reason().unwrap_or("Refused");
        let code = reason.to_lowercase().replace(' ', "-");
        let mut problem =
            Problem::new(status, &code, reason, "the request was refused before it was read").into_response_with(id);
        if let Some(allow) = response.headers().get(header::ALLOW) {
            problem.headers_mut().insert(header::ALLOW, allow.clone());
        }
        return problem;
    }
    response
}

fn add_headers(response: &mut Response, id: &str, secure: bool) {
    let headers = response.headers_mut();
    for (name, value) in HEADERS {
        headers.insert(name, HeaderValue::from_static(value));
    }
    if secure {
        headers.insert(header::STRICT_TRANSPORT_SECURITY, HeaderValue::from_static("max-age=31536000"));
    }
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(HeaderName::from_static("x-request-id"), id);
    }
    headers.entry(header::CACHE_CONTROL).or_insert(HeaderValue::from_static("no-store"));
}
