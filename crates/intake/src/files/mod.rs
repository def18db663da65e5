//! Files, folders and archives as deliveries.
//!
//! [`open`] walks paths in a fixed order and cuts what it finds into chunks that end at the end of a record, so that
//! each can be decoded alone. The key of a chunk depends on everything in its file up to its end: reading the same
//! file again gives the same keys, and a file that has grown gives the same keys for what was there before.
//!
//! Archives are read in memory, never unpacked to disk; names inside of them are labels and nothing else. Files that
//! hold neither text nor an event log are refused by name; `__MACOSX/` in archives is passed over.

mod chunk;
mod read;
mod walk;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::mpsc::{Receiver, sync_channel};

use bytes::Bytes;

use crate::error::IntakeError;
use crate::limits::FileLimits;
use crate::request::Format;

/// A part of a file, ready to be decoded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileChunk {
    /// The path; for a member of an archive `archive.zip!folder/member.json`.
    pub label: String,
    pub format: Format,
    /// From 0, within the file.
    pub chunk_no: u32,
    /// Where the chunk begins in the (unpacked) file, in bytes.
    pub offset: u64,
    /// The same for the same file, whenever and under whatever name it is read.
    pub key: [u8; 32],
    pub payload: Bytes,
}

/// How far the reading is.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    bytes_total: AtomicU64,
    bytes_read: AtomicU64,
}

impl Progress {
    /// Files opened so far, archive members not counted.
    pub fn files(&self) -> u64 {
        self.files.load(Ordering::Relaxed)
    }

    /// Bytes of all files as they lie on disk.
    pub fn bytes_total(&self) -> u64 {
        self.bytes_total.load(Ordering::Relaxed)
    }

    /// Of these, how many are read.
    pub fn bytes_read(&self) -> u64 {
        self.bytes_read.load(Ordering::Relaxed)
    }
}

/// Chunks of files, in order; an error concerns one file or archive member, and the others go on.
#[derive(Debug)]
pub struct FileChunks {
    receiver: Receiver<Result<FileChunk, IntakeError>>,
    progress: Arc<Progress>,
}

impl FileChunks {
    /// How far the reading is; for a progress bar.
    pub fn progress(&self) -> Arc<Progress> {
        self.progress.clone()
    }
}

impl Iterator for FileChunks {
    type Item = Result<FileChunk, IntakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        self.receiver.recv().ok()
    }
}

/// Reads `paths`: files, and folders with all that is in them. `format` overrides what the contents suggest.
///
/// Reading and unpacking happen on a thread of their own, two chunks ahead; dropping the iterator ends it.
pub fn open(paths: Vec<PathBuf>, format: Option<Format>, limits: FileLimits) -> FileChunks {
    let (sender, receiver) = sync_channel(2);
    let progress = Arc::new(Progress::default());
    let shared = progress.clone();
    let spawned = std::thread::Builder::new().name("vigie-files".to_owned()).spawn(move || {
        let mut reader = read::Reader::new(format, limits, &shared, |item| sender.send(item).is_ok());
        reader.paths(&paths);
    });
    if let Err(error) = spawned {
        let (sender, receiver) = sync_channel(1);
        let _ = sender.send(Err(IntakeError::io("start the reading thread", error)));
        return FileChunks { receiver, progress };
    }
    FileChunks { receiver, progress }
}
