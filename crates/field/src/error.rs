//! Why the room did not do what was asked.

use store::Conflict;

use crate::finding::Finding;
use crate::speech::{Language, Sentence, say};

/// Why a command was not carried out. Nothing was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound { what: &'static str, id: String },
    /// The caller is to blame.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// The line of the duty log cannot be used; each finding has its place.
    #[error("the line cannot be used: {}", .0.iter().map(|finding| finding.message.english()).collect::<Vec<_>>().join("; "))]
    Line(Vec<Finding>),
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
    Bad { field: String, problem: Sentence },
    #[error("`{command}` is not possible while the {what} is {state}; possible are: {}", .allowed.join(", "))]
    NotNow { what: &'static str, command: &'static str, state: String, allowed: Vec<&'static str> },
    #[error("{0}")]
    Rule(Sentence),
}

impl From<replica::Error> for Error {
    fn from(error: replica::Error) -> Error {
        match error {
            replica::Error::Store(error) => Error::Store(error),
            replica::Error::Refused { .. } | replica::Error::Misused(_) => Refusal::rule(error.to_string()).into(),
        }
    }
}

impl Refusal {
    /// A field that cannot be used, and why.
    pub fn bad(field: &str, problem: impl Into<Sentence>) -> Refusal {
        Refusal::Bad { field: field.to_owned(), problem: problem.into() }
    }

    /// It as a sentence.
    pub fn said(&self) -> Sentence {
        match self {
            Refusal::Bad { field, problem } => say!("{field}: {problem}", field, problem),
            Refusal::NotNow { what, command, state, allowed } => say!(
                "`{command}` is not possible while the {what} is {state}; possible are: {allowed}",
                command,
                what = Sentence::word(what),
                state = Sentence::word(state),
                allowed
            ),
            Refusal::Rule(rule) => rule.clone(),
        }
    }

    /// In a language.
    pub fn in_language(&self, language: Language) -> String {
        self.said().in_language(language)
    }

    /// A rule of the room that the command would break.
    pub fn rule(text: impl Into<Sentence>) -> Refusal {
        Refusal::Rule(text.into())
    }
}

impl Error {
    /// There is no room on the disk of the database.
    pub fn is_disk_full(&self) -> bool {
        matches!(self, Error::Store(error) if error.is_disk_full())
    }

    /// It as a sentence.
    pub fn said(&self) -> Sentence {
        match self {
            Error::NotFound { what, id } => say!("there is no {what} `{id}`", what = Sentence::word(what), id),
            Error::Refused(refusal) => refusal.said(),
            Error::Line(_) | Error::Conflict(_) | Error::Store(_) => Sentence::from(self.to_string()),
        }
    }

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
        return Err(Refusal::bad(field, say!("it is empty; say something")));
    }
    if length > limit {
        return Err(Refusal::bad(field, say!("it has {length} characters; the limit is {limit}", length, limit)));
    }
    Ok(text.to_owned())
}
