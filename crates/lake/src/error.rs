//! Everything that can go wrong in the lake, by who is to blame.

use std::io;
use std::path::PathBuf;

use kernel::ScalarType;

/// Why the lake refused or failed.
#[derive(Debug, thiserror::Error)]
pub enum LakeError {
    /// Another process has the data directory. The operator is to blame.
    #[error("{}: in use by process {pid} on {host} since {since}; stop it, or choose another data directory", .path.display())]
    Locked { path: PathBuf, pid: u32, host: String, since: String },
    /// The disk is full or nearly so. Nothing of this delivery was stored; the sender keeps it and retries.
    #[error("{}: {free_bytes} bytes free, {needed_bytes} are needed; free space or move the data directory. Nothing accepted was lost, intake resumes by itself", .path.display())]
    DiskFull { path: PathBuf, free_bytes: u64, needed_bytes: u64 },
    /// Hot rows fill their memory because they cannot be flushed. Nothing of this delivery was stored.
    #[error(
        "{hot_bytes} bytes of rows wait for the Delta tables, the limit is {limit_bytes}; last flush failed: {reason}. Keep the records and retry"
    )]
    Behind { hot_bytes: u64, limit_bytes: u64, reason: String },
    /// The delivery is larger than a log entry may be. The sender is to blame.
    #[error("a delivery of {bytes} bytes is over the limit of {limit_bytes}; send it in parts")]
    TooLarge { bytes: u64, limit_bytes: u64 },
    /// The decoder or a mapping is to blame.
    #[error("`{name}` cannot name a table or column: {reason}")]
    BadName { name: String, reason: &'static str },
    /// The decoder or a mapping is to blame: a column cannot change its type.
    #[error("{table}.{column} is {stored} and cannot take {offered}; use another column name")]
    TypeConflict { table: String, column: String, stored: String, offered: String },
    /// The configuration is to blame.
    #[error("setting {setting}: {reason}")]
    BadConfig { setting: &'static str, reason: String },
    /// A file does not say what it was written to say: the disk, or somebody, changed it.
    #[error("{}: {reason}", .path.display())]
    Damaged { path: PathBuf, reason: String },
    /// The operating system refused.
    #[error("{}: {source}", .path.display())]
    Io { path: PathBuf, source: io::Error },
    /// Delta Lake or its storage refused.
    #[error("table {table}: {source}")]
    Delta { table: String, source: Box<deltalake_core::DeltaTableError> },
    /// Columns or Parquet do not fit together: a defect of Vigie or a damaged file.
    #[error("table {table}: {reason}")]
    Columns { table: String, reason: String },
    /// The lake was closed.
    #[error("the lake is closed")]
    Closed,
}

impl LakeError {
    pub(crate) fn io(path: impl Into<PathBuf>, source: io::Error) -> LakeError {
        LakeError::Io { path: path.into(), source }
    }

    pub(crate) fn damaged(path: &object_store::path::Path, reason: impl std::fmt::Display) -> LakeError {
        LakeError::Damaged { path: PathBuf::from(path.as_ref()), reason: reason.to_string() }
    }

    pub(crate) fn delta(table: &str, source: impl Into<deltalake_core::DeltaTableError>) -> LakeError {
        LakeError::Delta { table: table.to_owned(), source: Box::new(source.into()) }
    }

    pub(crate) fn columns(table: &str, reason: impl std::fmt::Display) -> LakeError {
        LakeError::Columns { table: table.to_owned(), reason: reason.to_string() }
    }

    pub(crate) fn type_conflict(table: &str, column: &str, stored: ScalarType, offered: ScalarType) -> LakeError {
        LakeError::TypeConflict {
            table: table.to_owned(),
            column: column.to_owned(),
            stored: stored.to_string(),
            offered: offered.to_string(),
        }
    }
}
