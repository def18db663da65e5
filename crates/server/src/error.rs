//! Refusals of the rooms below, as problems of the API.

use axum::http::StatusCode;
use kernel::port::{DeliveryError, QueryError};

use crate::api::words::DiagnosticWord;
use crate::auth::password::PasswordError;
use crate::problem::Problem;

/// Why the server did not start. Each names the remedy.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The operator's configuration would send passwords in the clear.
    #[error(
        "{0} is not a loopback address, so TLS is required: set a certificate and key, ask for a self-signed one, or \
         listen on 127.0.0.1"
    )]
    TlsRequired(std::net::SocketAddr),
    /// The operator's certificate or key cannot be used.
    #[error("TLS: {path}: {problem}")]
    Certificate { path: String, problem: String },
    /// Another program has the port, or it is not ours to take.
    #[error("cannot listen on {address}: {source}")]
    Listen { address: std::net::SocketAddr, source: std::io::Error },
    /// The build is at fault.
    #[error(transparent)]
    Policies(#[from] crate::authorise::BadPolicies),
    /// The machine has not enough memory for one password check.
    #[error(transparent)]
    Passwords(#[from] PasswordError),
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl From<store::Error> for Problem {
    fn from(error: store::Error) -> Problem {
        match error {
            store::Error::Conflict(conflict) => {
                let store::Conflict { yours, theirs, version } = *conflict;
                Problem::conflict(
                    format!("the record was changed meanwhile and is now at version {version}"),
                    yours,
                    theirs,
                    version,
                )
            }
            store::Error::NotFound(what) => Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", what),
            full if full.is_disk_full() => {
                tracing::error!(%full, "the disk is full");
                Problem::unavailable(store::Error::DiskFull.to_string(), 30)
            }
            store::Error::Unavailable { .. } => {
                tracing::error!(%error, "the state database failed");
                Problem::unavailable("the state database does not answer; nothing was changed", 5)
            }
            store::Error::Stale { .. } => {
                tracing::warn!(%error, "a record changed while it was being written");
                Problem::unavailable("the record changed at this very moment; nothing was written", 1)
            }
            store::Error::Configuration { .. }
            | store::Error::DiskFull
            | store::Error::Schema(_)
            | store::Error::Corrupt { .. }
            | store::Error::Misuse { .. } => Problem::internal(&error),
        }
    }
}

impl From<PasswordError> for Problem {
    fn from(error: PasswordError) -> Problem {
        match error {
            PasswordError::TooShort(_) | PasswordError::TooLong => Problem::new(
                StatusCode::UNPROCESSABLE_ENTITY,
                "password-length",
                "Choose another password",
                error.to_string(),
            )
            .help("a few words in a row make a good one; any characters are allowed")
            .with("shortest", crate::auth::password::SHORTEST)
            .with("longest", crate::auth::password::LONGEST),
            PasswordError::Busy => Problem::unavailable(error.to_string(), 2),
            PasswordError::Failed(_) => Problem::internal(&error),
        }
    }
}

/// The problem of a query; `text` gives the findings their place.
pub fn query_problem(error: &QueryError, text: &str) -> Problem {
    match error {
        QueryError::Invalid(diagnostics) => {
            let words = diagnostics.iter().map(|diagnostic| DiagnosticWord::of(diagnostic, text)).collect();
            Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "invalid-query", "The query is not valid", error.to_string())
                .diagnostics(words)
        }
        QueryError::Limit(reason) => Problem::new(
            StatusCode::UNPROCESSABLE_ENTITY,
            "query-limit",
            "The query was stopped at a limit",
            reason.clone(),
        )
        .help("narrow the time range, filter earlier, or summarize"),
        QueryError::Cancelled => {
            Problem::new(StatusCode::REQUEST_TIMEOUT, "query-cancelled", "The query was cancelled", error.to_string())
        }
        QueryError::Engine(_) => {
            tracing::error!(%error, "a query failed");
            Problem::unavailable(error.to_string(), 5)
        }
    }
}

/// The problem of a delivery.
pub fn delivery_problem(error: &DeliveryError) -> Problem {
    match error {
        DeliveryError::UnknownTarget(target) => Problem::not_found("source or table", target)
            .help("connect the source first: POST /api/v1/sources, or name a table of GET /api/v1/tables"),
        DeliveryError::TooLarge { bytes, limit } => too_large(*limit).with("bytes", *bytes),
        DeliveryError::Unavailable(_) => {
            tracing::warn!(%error, "a delivery was not taken");
            Problem::unavailable(error.to_string(), 10)
        }
        DeliveryError::Malformed(_) => Problem::invalid(error.to_string()),
    }
}

/// The body is larger than the limit, in bytes.
pub fn too_large(limit: u64) -> Problem {
    Problem::new(
        StatusCode::PAYLOAD_TOO_LARGE,
        "too-large",
        "The body is too large",
        format!("the limit is {limit} bytes; nothing of the body was used"),
    )
    .help("send it in parts")
    .with("limit", limit)
}

impl From<respond::Error> for Problem {
    fn from(error: respond::Error) -> Problem {
        match error {
            respond::Error::NotFound(id) => Problem::not_found("incident", &id.to_string()),
            respond::Error::Refused(refusal) => {
                let problem =
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not possible", refusal.to_string());
                match refusal {
                    respond::Refusal::NotNow { allowed, .. } => problem.with("allowed", allowed),
                    respond::Refusal::Empty { field } => problem.with("field", field),
                    respond::Refusal::TooLong { field, limit, .. } => problem.with("field", field).with("limit", limit),
                    respond::Refusal::NoChange { .. }
                    | respond::Refusal::NoSuchTask { .. }
                    | respond::Refusal::AlertElsewhere { .. } => problem,
                }
            }
            respond::Error::Conflict(conflict) => store::Error::Conflict(conflict).into(),
            respond::Error::Store(error) => error.into(),
        }
    }
}

impl From<field::Error> for Problem {
    fn from(error: field::Error) -> Problem {
        let refused =
            |detail: String| Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not possible", detail);
        let said = crate::reader::told(&error.said());
        match error {
            field::Error::NotFound { what, id } => Problem::not_found(what, &id).detail(said),
            field::Error::Refused(refusal) => {
                let problem = refused(said);
                match refusal {
                    field::Refusal::Bad { field, .. } => problem.with("field", field),
                    field::Refusal::NotNow { allowed, .. } => problem.with("allowed", allowed),
                    field::Refusal::Rule(_) => problem,
                }
            }
            // Whoever has the text puts the places beside it: see `enter_duty_line`.
            field::Error::Line(_) => refused(error.to_string()),
            field::Error::Conflict(conflict) => store::Error::Conflict(conflict).into(),
            field::Error::Store(error) => error.into(),
        }
    }
}

impl From<replica::Error> for Problem {
    fn from(error: replica::Error) -> Problem {
        match error {
            replica::Error::Store(error) => error.into(),
            replica::Error::Refused { .. } | replica::Error::Misused(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not possible", error.to_string())
            }
        }
    }
}

impl From<identity::Error> for Problem {
    fn from(error: identity::Error) -> Problem {
        match error {
            identity::Error::NotFound { what, id } => Problem::not_found(what, &id),
            identity::Error::Unknown { what, ref id, .. } => {
                Problem::new(StatusCode::NOT_FOUND, "not-found", "Not found", error.to_string())
                    .with("kind", what)
                    .with("name", id.as_str())
            }
            identity::Error::Refused(refusal) => {
                let problem =
                    Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not possible", refusal.to_string());
                match refusal {
                    identity::Refusal::Bad { field, .. } => problem.with("field", field),
                    identity::Refusal::NotNow { allowed, .. } => problem.with("allowed", allowed),
                    identity::Refusal::Rule(_) => problem,
                }
            }
            identity::Error::Conflict(conflict) => store::Error::Conflict(conflict).into(),
            identity::Error::Store(error) => error.into(),
        }
    }
}

impl From<courier::Error> for Problem {
    fn from(error: courier::Error) -> Problem {
        match error {
            courier::Error::NotFound { what, ref id } => Problem::not_found(what, id),
            courier::Error::Refused { field, .. } => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not possible", error.to_string())
                    .with("field", field)
            }
            courier::Error::Configuration { .. } => Problem::internal(&error),
            courier::Error::Store(error) => error.into(),
        }
    }
}

impl From<library::Error> for Problem {
    fn from(error: library::Error) -> Problem {
        match error {
            library::Error::NotFound { what, name } => Problem::not_found(&what.to_string(), &name),
            library::Error::Refused(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not possible", error.to_string())
            }
            library::Error::Invalid(ref diagnostics) => Problem::invalid(error.to_string())
                .with("field", "body")
                .with("diagnostics", serde_json::json!(diagnostics)),
            library::Error::Conflict(conflict) => store::Error::Conflict(conflict).into(),
            library::Error::Store(error) => error.into(),
        }
    }
}

impl From<detect::Error> for Problem {
    fn from(error: detect::Error) -> Problem {
        match error {
            detect::Error::NotFound { what, id } => Problem::not_found(what, &id),
            detect::Error::Refused(_) => {
                Problem::new(StatusCode::UNPROCESSABLE_ENTITY, "refused", "Not possible", error.to_string())
            }
            detect::Error::BadRule { ref place, .. } => {
                Problem::invalid(error.to_string()).with("field", place.as_str())
            }
            detect::Error::Store(error) => error.into(),
        }
    }
}
