//! Why a target did not do it, and what to do about it.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::object::ObjectId;
use crate::protection::Protection;

kernel::words! {
    /// What kind of failure it is. The kind decides whether trying again can help.
    ErrorKind {
        /// The target or the way to it is busy or away: the same operation may succeed later.
        Transient = "transient",
        /// Our own credentials do not hold or do not suffice: every operation fails until somebody mends them.
        Auth = "auth",
        /// What is there contradicts the operation: a name that is taken, a version that moved on, two objects for one key.
        Conflict = "conflict",
        /// The object is not there.
        NotFound = "not-found",
        /// The object must not be written.
        Protected = "protected",
        /// The target cannot do this at all.
        Unsupported = "unsupported",
        /// The target understood and said no, for good.
        Refused = "refused",
        /// The operation or the configuration makes no sense; the target was not asked.
        Invalid = "invalid",
        /// What the target sent cannot be understood.
        Garbled = "garbled",
    }
}

/// What is worth doing after a failure.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Retry {
    /// Again, with growing pauses; not before this many milliseconds, when the target said so.
    Later { not_before_ms: Option<u64> },
    /// Not before the credentials or the target were mended; then everything of this target.
    WhenMended,
    /// Somebody has to look at this one operation.
    Never,
}

/// The target's own words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct RawAnswer {
    /// LDAP result code, HTTP status, SQLSTATE.
    pub code: String,
    /// Cut to 2,000 characters, control characters replaced.
    pub text: String,
}

impl RawAnswer {
    /// Cleans and cuts what the target said.
    pub fn new(code: impl fmt::Display, text: &str) -> RawAnswer {
        let clean = |text: &str, limit| -> String {
            text.chars().map(|c| if c.is_control() { ' ' } else { c }).take(limit).collect()
        };
        RawAnswer { code: clean(&code.to_string(), 40), text: clean(text.trim(), 2_000) }
    }
}

/// A failure of a connector.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, thiserror::Error)]
#[error("{reason}{}", raw_suffix(.raw))]
pub struct ConnectorError {
    pub kind: ErrorKind,
    /// What happened and what to do, for people.
    pub reason: String,
    pub raw: Option<Box<RawAnswer>>,
    /// The target asked for patience.
    pub retry_after_ms: Option<u64>,
    /// The object that stands in the way.
    pub existing: Option<ObjectId>,
}

#[expect(clippy::ref_option, reason = "thiserror hands out a reference to the field")]
fn raw_suffix(raw: &Option<Box<RawAnswer>>) -> String {
    raw.as_ref().map(|raw| format!(" (the target said {}: {})", raw.code, raw.text)).unwrap_or_default()
}

impl ConnectorError {
    /// A failure of a kind.
    pub fn new(kind: ErrorKind, reason: impl Into<String>) -> ConnectorError {
        ConnectorError { kind, reason: reason.into(), raw: None, retry_after_ms: None, existing: None }
    }

    pub fn transient(reason: impl Into<String>) -> ConnectorError {
        ConnectorError::new(ErrorKind::Transient, reason)
    }

    pub fn conflict(reason: impl Into<String>, existing: Option<ObjectId>) -> ConnectorError {
        ConnectorError { existing, ..ConnectorError::new(ErrorKind::Conflict, reason) }
    }

    pub fn not_found(what: impl fmt::Display) -> ConnectorError {
        ConnectorError::new(ErrorKind::NotFound, format!("{what} is not at the target"))
    }

    pub fn protected(name: &str, protection: &Protection) -> ConnectorError {
        ConnectorError::new(ErrorKind::Protected, format!("`{name}` is never written: {protection}"))
    }

    pub fn unsupported(what: impl fmt::Display) -> ConnectorError {
        ConnectorError::new(ErrorKind::Unsupported, format!("the target cannot {what}"))
    }

    pub fn invalid(reason: impl Into<String>) -> ConnectorError {
        ConnectorError::new(ErrorKind::Invalid, reason)
    }

    pub fn garbled(reason: impl Into<String>) -> ConnectorError {
        ConnectorError::new(ErrorKind::Garbled, reason)
    }

    /// The same with the target's own words.
    #[must_use]
    pub fn with_raw(mut self, code: impl fmt::Display, text: &str) -> ConnectorError {
        self.raw = Some(Box::new(RawAnswer::new(code, text)));
        self
    }

    /// What is worth doing.
    pub fn retry(&self) -> Retry {
        match self.kind {
            ErrorKind::Transient => Retry::Later { not_before_ms: self.retry_after_ms },
            ErrorKind::Auth => Retry::WhenMended,
            ErrorKind::Conflict
            | ErrorKind::NotFound
            | ErrorKind::Protected
            | ErrorKind::Unsupported
            | ErrorKind::Refused
            | ErrorKind::Invalid
            | ErrorKind::Garbled => Retry::Never,
        }
    }
}
