//! What can go wrong, by who is to blame.

/// Why the room did not do what was asked.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller named something that is not there.
    #[error("no {what} is called `{id}`")]
    NotFound { what: &'static str, id: String },
    /// The caller asked for something that the rules of the room do not allow.
    #[error("{0}")]
    Refused(String),
    /// The text of a rule is at fault.
    #[error("{place}: {problem}")]
    BadRule { place: String, problem: String },
    /// The state database; a conflict carries both values.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(crate) fn not_found(what: &'static str, id: impl std::fmt::Display) -> Error {
        Error::NotFound { what, id: id.to_string() }
    }
}
