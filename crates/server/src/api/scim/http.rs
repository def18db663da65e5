//! SCIM over HTTP: its media type, its errors, its entity tags, its addresses.

use std::sync::Arc;

use axum::extract::{FromRequest, Request};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use scim::{Error, Precondition, Stored};
use serde_json::Value as Json;

use crate::app::App;
use crate::body::{self, Limits, expect_type};
use crate::problem::Problem;

const MEDIA_TYPE: &str = "application/scim+json";

/// The address of the service, as this client reaches it.
pub fn base(app: &App, headers: &HeaderMap) -> String {
    let scheme = if app.config.secure_cookies { "https" } else { "http" };
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or("localhost");
    let plain =
        host.bytes().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b':' | b'[' | b']'));
    format!("{scheme}://{}/scim/v2", if plain { host } else { "localhost" })
}

/// An answer with a body.
pub fn answer(status: StatusCode, body: &Json) -> Response {
    let mut response = (status, body.to_string()).into_response();
    response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static(MEDIA_TYPE));
    response
}

/// A refusal.
#[derive(Debug)]
pub struct Refusal(Error);

impl From<Error> for Refusal {
    fn from(error: Error) -> Refusal {
        Refusal(error)
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let status = StatusCode::from_u16(self.0.status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
        if let Error::Store(error) = &self.0 {
            tracing::error!(%error, "a SCIM request failed");
        }
        answer(status, &self.0.body())
    }
}

/// A refusal of the house (401, 403, 405, 408, 413, 415, 429) in the words of SCIM.
pub fn from_problem(problem: Problem, id: &str) -> Response {
    let status = problem.status();
    let headers = problem.clone().into_response_with(id).headers().clone();
    let body = problem.into_body(id);
    let detail = match &body.help {
        Some(help) => format!("{}: {} ({help}; request {id})", body.title, body.detail),
        None => format!("{}: {} (request {id})", body.title, body.detail),
    };
    let kind = (status == StatusCode::BAD_REQUEST).then_some("invalidSyntax");
    let mut response = answer(status, &error_body(status.as_u16(), kind, &detail));
    for (name, value) in &headers {
        if name != header::CONTENT_TYPE && name != header::CONTENT_LENGTH {
            response.headers_mut().append(name, value.clone());
        }
    }
    response
}

fn error_body(status: u16, kind: Option<&str>, detail: &str) -> Json {
    let mut body = serde_json::json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"], "status": status.to_string(), "detail": detail,
    });
    if let Some(kind) = kind {
        body["scimType"] = serde_json::json!(kind);
    }
    body
}

/// A body of JSON.
#[derive(Debug)]
pub struct ScimBody(pub Json);

/// A body of JSON that is no longer than many operations at once may be.
#[derive(Debug)]
pub struct BulkBody(pub Json);

impl FromRequest<Arc<App>> for ScimBody {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<ScimBody, Response> {
        read_json(request, app, usize::MAX).await.map(ScimBody)
    }
}

impl FromRequest<Arc<App>> for BulkBody {
    type Rejection = Response;

    async fn from_request(request: Request, app: &Arc<App>) -> Result<BulkBody, Response> {
        read_json(request, app, scim::bulk::LARGEST_BYTES).await.map(BulkBody)
    }
}

async fn read_json(request: Request, app: &App, most: usize) -> Result<Json, Response> {
    let (parts, body) = request.into_parts();
    expect_type(&parts.headers, &[MEDIA_TYPE, "application/json"]).map_err(IntoResponse::into_response)?;
    let (travelling, decoded) = (app.config.ingest_bytes.min(most), app.config.ingest_decoded_bytes.min(most));
    let limits = Limits { travelling, decoded };
    let read = body::read(&parts.headers, body, limits, &app.ingest_memory, &app.config, app.clock.as_ref()).await;
    let read = read.map_err(IntoResponse::into_response)?;
    serde_json::from_slice(&read.bytes).map_err(|error| {
        let detail = format!("the body is no JSON: {error}");
        answer(StatusCode::BAD_REQUEST, &error_body(400, Some("invalidSyntax"), &detail))
    })
}

/// The versions that a change is for (`If-Match`, RFC 9110 §13.1.1).
pub fn precondition(headers: &HeaderMap) -> Precondition {
    match tags(headers, header::IF_MATCH) {
        None => Precondition::None,
        Some(tags) if tags.contains(&"*") => Precondition::None,
        Some(tags) => Precondition::Versions(tags.into_iter().filter_map(version).collect()),
    }
}

/// Whether the client has this version already (`If-None-Match`).
pub fn is_known(headers: &HeaderMap, stored: &Stored) -> bool {
    let known = tags(headers, header::IF_NONE_MATCH);
    known.is_some_and(|tags| tags.iter().any(|tag| *tag == "*" || version(tag) == Some(stored.version)))
}

fn tags(headers: &HeaderMap, name: header::HeaderName) -> Option<Vec<&str>> {
    let text = headers.get(name)?.to_str().unwrap_or_default();
    Some(text.split(',').map(str::trim).filter(|tag| !tag.is_empty()).collect())
}

fn version(tag: &str) -> Option<i64> {
    tag.strip_prefix("W/").unwrap_or(tag).trim_matches('"').parse().ok()
}

/// A resource with its entity tag and address.
pub fn resource(status: StatusCode, stored: &Stored, base: &str, body: &Json) -> Response {
    let mut response = answer(status, body);
    let location = format!("{base}/{}/{}", stored.kind.endpoint(), stored.id);
    for (name, text) in [(header::ETAG, stored.entity_tag()), (header::LOCATION, location)] {
        if let Ok(value) = HeaderValue::from_str(&text) {
            response.headers_mut().insert(name, value);
        }
    }
    response
}
