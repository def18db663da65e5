//! What can go wrong between nodes, and who is to blame.

/// Why something was not done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// The other node, or something between, sent what cannot be taken. Nothing was written.
    #[error("{node}: {problem}")]
    Refused {
        /// Which node is said to have sent it.
        node: String,
        problem: String,
    },
    /// This node is asked for what it cannot be.
    #[error("{0}")]
    Misused(String),
    /// The state database.
    #[error(transparent)]
    Store(#[from] store::Error),
}

impl Error {
    pub(crate) fn refused(node: &str, problem: impl Into<String>) -> Error {
        Error::Refused { node: node.to_owned(), problem: problem.into() }
    }
}
