//! The write-ahead log: deliveries, durable before anything else is done with them.
//!
//! `format` is the bytes, `read` goes through a segment, `writer` is the one thread that appends, `segments` the
//! books, `retired` what outlives a segment.

pub(crate) mod format;
pub(crate) mod read;
pub(crate) mod retired;
pub(crate) mod segments;
pub(crate) mod writer;

use std::io;
use std::path::{Path, PathBuf};

use crate::error::LakeError;

/// Why a group of appends failed; each of them is told.
#[derive(Debug, Clone, thiserror::Error)]
pub(crate) enum WriteFailure {
    #[error("{free_bytes} bytes free, {needed_bytes} needed")]
    Full { free_bytes: u64, needed_bytes: u64 },
    #[error("{text}")]
    Io { kind: io::ErrorKind, text: String },
    #[error("closed")]
    Closed,
}

impl WriteFailure {
    pub(crate) fn into_error(self, dir: &Path) -> LakeError {
        let path = dir.to_owned();
        match self {
            WriteFailure::Full { free_bytes, needed_bytes } => LakeError::DiskFull { path, free_bytes, needed_bytes },
            WriteFailure::Io { kind, text } => LakeError::Io { path, source: io::Error::new(kind, text) },
            WriteFailure::Closed => LakeError::Closed,
        }
    }
}

/// `00000000000000000007.wal`, so that names sort as numbers do.
pub(crate) fn segment_path(dir: &Path, number: u64) -> PathBuf {
    dir.join(format!("{number:020}.wal"))
}

/// The number of a segment file, by its name.
pub(crate) fn segment_number(path: &Path) -> Option<u64> {
    if path.extension()? != "wal" {
        return None;
    }
    path.file_stem()?.to_str()?.parse().ok()
}
