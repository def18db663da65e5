//! What went wrong, as the API tells it: `application/problem+json` (RFC 9457) with a code, a remedy and an id that
//! can be copied and found in the log.

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;
use utoipa::ToSchema;

use crate::api::words::DiagnosticWord;

/// The body of every refusal.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = Problem)]
pub struct ProblemBody {
    /// Stable; the console translates by it: `conflict`, `forbidden`, `too-large`, …
    pub code: String,
    pub status: u16,
    pub title: String,
    /// What happened, where.
    pub detail: String,
    /// The remedy, when one is known.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub help: Option<String>,
    /// The id of the request; the log has the same.
    pub id: String,
    /// Values of the detail, for translation: limits, names, seconds.
    #[serde(skip_serializing_if = "serde_json::Map::is_empty", default)]
    pub parameters: serde_json::Map<String, Json>,
    /// Findings with their place, when a text was at fault.
    #[serde(skip_serializing_if = "Vec::is_empty", default)]
    pub diagnostics: Vec<DiagnosticWord>,
    /// Conflict: what this request wanted to write.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub yours: Option<Json>,
    /// Conflict: what is stored now.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub theirs: Option<Json>,
    /// Conflict: the version to send next.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<i64>,
}

/// A refusal on its way out. The request's id is added by the outermost layer, which logs it, too.
#[derive(Debug, Clone)]
pub struct Problem {
    status: StatusCode,
    headers: Vec<(HeaderName, HeaderValue)>,
    body: Box<ProblemBody>,
}

impl Problem {
    /// A refusal with `status`; `code` is stable and in kebab case.
    pub fn new(status: StatusCode, code: &str, title: &str, detail: impl Into<String>) -> Problem {
        Problem {
            status,
            headers: Vec::new(),
            body: Box::new(ProblemBody {
                code: code.to_owned(),
                status: status.as_u16(),
                title: title.to_owned(),
                detail: detail.into(),
                help: None,
                id: String::new(),
                parameters: serde_json::Map::new(),
                diagnostics: Vec::new(),
                yours: None,
                theirs: None,
                version: None,
            }),
        }
    }

    /// The request is at fault: a field, its form, its place.
    pub fn invalid(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid", "The request cannot be used", detail)
    }

    /// There is no such thing, or the asker may not know of it.
    pub fn not_found(kind: &str, id: &str) -> Problem {
        Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", format!("there is no {kind} `{id}`"))
            .with("kind", kind)
            .with("name", id)
    }

    /// The same in the reader's language.
    pub fn detail(mut self, detail: String) -> Problem {
        self.body.detail = detail;
        self
    }

    /// Nobody is signed in, or what was presented does not hold.
    pub fn unauthenticated(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::UNAUTHORIZED, "unauthenticated", "Sign in first", detail)
            .header(header::WWW_AUTHENTICATE, "Bearer realm=\"vigie\"")
    }

    /// The asker is known and may not do it.
    pub fn forbidden(detail: impl Into<String>) -> Problem {
        Problem::new(StatusCode::FORBIDDEN, "forbidden", "Not allowed", detail)
    }

    /// Somebody else changed the record since it was read.
    pub fn conflict(detail: impl Into<String>, yours: Json, theirs: Json, version: i64) -> Problem {
        let mut problem = Problem::new(StatusCode::CONFLICT, "conflict", "Changed by somebody else", detail)
            .help("compare both values, then send yours again with the version given here");
        problem.body.yours = Some(yours);
        problem.body.theirs = Some(theirs);
        problem.body.version = Some(version);
        problem
    }

    /// The server or its storage cannot do it now; the same request may succeed later.
    pub fn unavailable(detail: impl Into<String>, retry_after_s: u64) -> Problem {
        Problem::new(StatusCode::SERVICE_UNAVAILABLE, "unavailable", "Not available now", detail)
            .retry_after(retry_after_s)
    }

    /// Too many requests of one kind.
    pub fn too_many(detail: impl Into<String>, retry_after_s: u64) -> Problem {
        Problem::new(StatusCode::TOO_MANY_REQUESTS, "too-many", "Too many requests", detail).retry_after(retry_after_s)
    }

    /// A fault of Vigie. The cause is for the log; the asker gets an id to quote.
    pub fn internal(cause: &dyn std::fmt::Display) -> Problem {
        tracing::error!(%cause, "request failed");
        Problem::new(
            StatusCode::INTERNAL_SERVER_ERROR,
            "internal",
            "A fault of Vigie",
            "the request could not be completed; nothing of it was stored",
        )
        .help("quote the id to the administrator: the server's log names the cause beside it")
    }

    /// The same with a remedy.
    #[must_use]
    pub fn help(mut self, help: impl Into<String>) -> Problem {
        self.body.help = Some(help.into());
        self
    }

    /// The same with a value of its detail.
    #[must_use]
    pub fn with(mut self, name: &str, value: impl Into<Json>) -> Problem {
        self.body.parameters.insert(name.to_owned(), value.into());
        self
    }

    /// The same with findings about a text.
    #[must_use]
    pub fn diagnostics(mut self, diagnostics: Vec<DiagnosticWord>) -> Problem {
        self.body.diagnostics = diagnostics;
        self
    }

    /// The same with a header.
    #[must_use]
    pub fn header(mut self, name: HeaderName, value: &str) -> Problem {
        if let Ok(value) = HeaderValue::from_str(value) {
            self.headers.push((name, value));
        }
        self
    }

    fn retry_after(self, seconds: u64) -> Problem {
        self.header(header::RETRY_AFTER, &seconds.to_string())
            .with("retry_after_s", seconds)
            .help(format!("try again in {seconds} s"))
    }

    /// The stable code.
    pub fn code(&self) -> &str {
        &self.body.code
    }

    /// The HTTP status.
    pub fn status(&self) -> StatusCode {
        self.status
    }

    /// The body with the request's id, for streams whose status line has already gone.
    pub fn into_body(mut self, id: &str) -> ProblemBody {
        id.clone_into(&mut self.body.id);
        *self.body
    }

    /// The response with the request's id in the body.
    pub fn into_response_with(self, id: &str) -> Response {
        let (status, headers) = (self.status, self.headers.clone());
        let body = serde_json::to_vec(&self.into_body(id)).unwrap_or_default();
        let mut response = (status, body).into_response();
        response.headers_mut().insert(header::CONTENT_TYPE, HeaderValue::from_static("application/problem+json"));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
        response.headers_mut().extend(headers);
        response
    }
}

/// Leaves the refusal beside an empty response; the outermost layer writes its body, because it knows the id.
impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}
