//! What can go wrong on the way in, by who is to blame.

use std::path::PathBuf;

/// A source, a file or a setting cannot be used. Records that do not parse are no error: they are rows of
/// `_Unparsed`.
#[derive(Debug, thiserror::Error)]
pub enum IntakeError {
    /// The operating system refused; the path or address is named.
    #[error("{what}: {source}")]
    Io {
        /// What was being done, with the path or the address.
        what: String,
        source: std::io::Error,
    },
    /// The file is not what its name or first bytes promise.
    #[error("{label} cannot be read: {reason}")]
    Malformed { label: String, reason: String },
    /// A limit stopped the reading; what was read before stays.
    #[error("{label}: stopped at {limit}; {remedy}")]
    Limit { label: String, limit: String, remedy: &'static str },
    /// The path names nothing.
    #[error("{} does not exist; check the path", .0.display())]
    NotFound(PathBuf),
    /// The configuration is at fault.
    #[error("`{value}` is not a {kind}; use one of: {known}")]
    Unknown { kind: &'static str, value: String, known: String },
    /// A listener has no valid address or could not be bound.
    #[error("cannot listen on {address}: {reason}")]
    Listen { address: String, reason: String },
}

impl IntakeError {
    pub(crate) fn io(what: impl Into<String>, source: std::io::Error) -> IntakeError {
        IntakeError::Io { what: what.into(), source }
    }
}
