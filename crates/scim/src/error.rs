//! Refusals in the standard's own words (RFC 7644 §3.12).

use serde_json::{Value as Json, json};

kernel::words! {
    /// The detail error keyword of a 400, and of the 409 of a value that is taken.
    ScimType {
        InvalidFilter = "invalidFilter",
        TooMany = "tooMany",
        Uniqueness = "uniqueness",
        Mutability = "mutability",
        InvalidSyntax = "invalidSyntax",
        InvalidPath = "invalidPath",
        NoTarget = "noTarget",
        InvalidValue = "invalidValue",
        InvalidVers = "invalidVers",
        Sensitive = "sensitive",
    }
}

/// Why a request was refused. Nothing of it was carried out.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The request is at fault.
    #[error("{detail}")]
    Bad { kind: ScimType, detail: String },
    #[error("there is no {kind} `{id}`")]
    NotFound { kind: &'static str, id: String },
    /// The resource is not at the version that the request names.
    #[error("the resource is at version {version}; read it again")]
    Moved { version: i64 },
    /// Another client provisions it.
    #[error("it is provisioned by `{client}`: who provisions a resource alone changes or deletes it")]
    Anothers { client: String },
    /// More than a request may have.
    #[error("{detail}")]
    TooLarge { detail: String },
    /// It names what another operation of the request should have made.
    #[error("{detail}")]
    Unresolved { detail: String },
    /// Vigie is at fault.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(crate) fn syntax(detail: impl Into<String>) -> Error {
        Error::Bad { kind: ScimType::InvalidSyntax, detail: detail.into() }
    }

    pub(crate) fn value(detail: impl Into<String>) -> Error {
        Error::Bad { kind: ScimType::InvalidValue, detail: detail.into() }
    }

    pub(crate) fn path(detail: impl Into<String>) -> Error {
        Error::Bad { kind: ScimType::InvalidPath, detail: detail.into() }
    }

    /// The HTTP status.
    pub fn status(&self) -> u16 {
        match self {
            Error::Bad { kind: ScimType::Uniqueness, .. } => 409,
            Error::Bad { .. } => 400,
            Error::NotFound { .. } => 404,
            Error::Moved { .. } => 412,
            Error::Anothers { .. } => 403,
            Error::TooLarge { .. } => 413,
            Error::Unresolved { .. } => 409,
            Error::Store(store::Error::Unavailable { .. } | store::Error::Stale { .. } | store::Error::DiskFull) => 503,
            Error::Store(_) => 500,
        }
    }

    /// The body of the answer.
    pub fn body(&self) -> Json {
        let detail = match self {
            Error::Store(_) => "the request could not be completed; nothing of it was stored".to_owned(),
            other => other.to_string(),
        };
        let kind = match self {
            Error::Bad { kind, .. } => Some(kind.as_str()),
            _ => None,
        };
        error_body(self.status(), kind, &detail)
    }
}

/// An error as SCIM writes it.
pub fn error_body(status: u16, kind: Option<&str>, detail: &str) -> Json {
    let mut body = json!({
        "schemas": ["urn:ietf:params:scim:api:messages:2.0:Error"],
        "status": status.to_string(),
        "detail": detail,
    });
    if let Some(kind) = kind {
        body["scimType"] = json!(kind);
    }
    body
}
