//! Why the room did not do what was asked.

use store::Conflict;

/// Why a command was not carried out. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound { what: &'static str, id: String },
    /// There is no such thing, and few that there are.
    #[error("there is no {what} `{id}`; {known}")]
    Unknown { what: &'static str, id: String, known: String },
    /// The caller is to blame.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else changed the record after the version that the command was based on.
    #[error("the record was changed meanwhile and is now at version {}; decide again on the current values", .0.version)]
    Conflict(Box<Conflict>),
    /// The state database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

/// What is in the way of a command.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("{field}: {problem}")]
    Bad { field: String, problem: String },
    #[error("`{command}` is not possible while the {what} is {state}; possible are: {}", .allowed.join(", "))]
    NotNow { what: &'static str, command: &'static str, state: String, allowed: Vec<&'static str> },
    #[error("{0}")]
    Rule(String),
}

impl Refusal {
    /// A field that cannot be used, and why.
    pub fn bad(field: impl Into<String>, problem: impl Into<String>) -> Refusal {
        Refusal::Bad { field: field.into(), problem: problem.into() }
    }

    /// A rule of the room that the command would break.
    pub fn rule(text: impl Into<String>) -> Refusal {
        Refusal::Rule(text.into())
    }
}

impl Error {
    pub(crate) fn missing(what: &'static str, id: impl std::fmt::Display) -> Error {
        Error::NotFound { what, id: id.to_string() }
    }

    pub(crate) fn conflict(yours: serde_json::Value, theirs: serde_json::Value, version: i64) -> Error {
        Error::Conflict(Box::new(Conflict { yours, theirs, version }))
    }
}

/// A text without blanks around it, which must not be empty and at most `limit` characters long.
pub(crate) fn said(field: &str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if text.is_empty() {
        return Err(Refusal::bad(field, "it is empty; say something"));
    }
    if length > limit {
        return Err(Refusal::bad(field, format!("it has {length} characters; the limit is {limit}")));
    }
    Ok(text.to_owned())
}
