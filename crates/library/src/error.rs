//! Why something is not kept, by who is to blame.

use kernel::Diagnostic;
use store::Conflict;

/// What can be kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum What {
    Function,
    Watchlist,
    Reference,
}

impl std::fmt::Display for What {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            What::Function => "function",
            What::Watchlist => "watchlist",
            What::Reference => "reference table",
        })
    }
}

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller's name is wrong or old.
    #[error("there is no {what} called `{name}`")]
    NotFound { what: What, name: String },
    /// The caller's text cannot be kept; it says which part and what would do.
    #[error("{0}")]
    Refused(String),
    /// The function's text is at fault, with places in its body.
    #[error("the function is not valid: {}", .0.first().map_or("no reason given", |first| &first.message))]
    Invalid(Vec<Diagnostic>),
    /// Somebody changed it after the version that the change was decided on.
    #[error("it was changed meanwhile and is now at version {}; decide again on the current text", .0.version)]
    Conflict(Box<Conflict>),
    /// The state database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(crate) fn not_found(what: What, name: &str) -> Error {
        Error::NotFound { what, name: name.to_owned() }
    }

    /// What the caller wanted beside what is there; version 0: there is nothing.
    pub(crate) fn conflict(yours: serde_json::Value, theirs: serde_json::Value, version: i64) -> Error {
        Error::Conflict(Box::new(Conflict { yours, theirs, version }))
    }
}
