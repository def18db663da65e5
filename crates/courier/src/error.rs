//! Why the courier did not do what was asked.

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such thing.
    #[error("there is no {what} `{id}`")]
    NotFound { what: &'static str, id: String },
    /// The caller is to blame.
    #[error("{field}: {problem}")]
    Refused { field: &'static str, problem: String },
    /// The operator's configuration cannot be used.
    #[error("courier.{key}: {problem}")]
    Configuration { key: &'static str, problem: String },
    /// The state database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(crate) fn refused(field: &'static str, problem: impl Into<String>) -> Error {
        Error::Refused { field, problem: problem.into() }
    }

    pub(crate) fn configuration(key: &'static str, problem: impl Into<String>) -> Error {
        Error::Configuration { key, problem: problem.into() }
    }
}
