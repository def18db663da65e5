//! What can go wrong with the state database, by who is to blame.

use serde::Serialize;

use crate::statement::Statement;

/// Two editors changed one record; the second is shown both values and decides again.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Conflict {
    /// What the caller wanted.
    pub yours: serde_json::Value,
    /// What the record holds now.
    pub theirs: serde_json::Value,
    /// The version to base the next try on.
    pub version: i64,
}

/// Why the state database did not do what was asked. Nothing of the transaction was written.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The caller decided on an old version of the record.
    #[error("the record was changed meanwhile and is now at version {}; decide again on the current values", .0.version)]
    Conflict(Box<Conflict>),
    /// A versioned update met another version: the command reloads and answers with [`Error::Conflict`].
    #[error("{statement} changed {changed} records where it should change exactly one")]
    Stale { statement: &'static str, changed: u64 },
    /// The operator's configuration cannot be used.
    #[error("the state database `{url}` cannot be used: {problem}")]
    Configuration {
        /// With the password blanked out.
        url: String,
        problem: String,
    },
    /// The database was made by another version of the program.
    #[error("the state database does not fit this version of Vigie: {0}")]
    Schema(String),
    /// The database is failing, full, locked or gone. The caller may retry.
    #[error("the state database failed at {doing}: {source}")]
    Unavailable {
        /// The statement or step.
        doing: &'static str,
        source: sqlx::Error,
    },
    /// The operator has to make room. Nothing was written, and nothing will be but what is urgent.
    #[error(
        "the disk of the state database is full: make room on it; calls for help and missed contacts are still written"
    )]
    DiskFull,
    /// What is stored does not have the expected form.
    #[error("{statement}: column `{column}` cannot be read: {problem}")]
    Corrupt { statement: &'static str, column: String, problem: String },
    /// The ledger or a delivery does not hold what was asked for.
    #[error("{0}")]
    NotFound(String),
    /// A room used the store against its rules.
    #[error("{statement}: {problem}")]
    Misuse { statement: &'static str, problem: String },
}

impl Error {
    pub(crate) fn misuse(statement: &Statement, problem: impl Into<String>) -> Error {
        Error::Misuse { statement: statement.name, problem: problem.into() }
    }

    /// There is no room on the disk of the database.
    pub fn is_disk_full(&self) -> bool {
        match self {
            Error::DiskFull => true,
            Error::Unavailable { source: sqlx::Error::Database(error), .. } => {
                // SQLite's FULL, PostgreSQL's disk_full.
                error.code().is_some_and(|code| code == "13" || code == "53100")
            }
            _ => false,
        }
    }

    /// An error of `sqlx` while doing something.
    pub(crate) fn at(doing: &'static str) -> impl FnOnce(sqlx::Error) -> Error {
        move |source| Error::Unavailable { doing, source }
    }

    /// A conflict between what the caller wanted and what is there.
    pub fn conflict(yours: serde_json::Value, theirs: serde_json::Value, version: i64) -> Error {
        Error::Conflict(Box::new(Conflict { yours, theirs, version }))
    }
}
