//! Files on their way into the lake, part by part.

use std::path::PathBuf;

use intake::files::FileChunks;
use intake::{FileLimits, Format, IntakeError};
use kernel::port::{DeliveryError, Receipt};

use super::intake_port::Pipeline;

/// The parts of some files that the lake has not been given yet.
pub struct FileParts {
    /// Absent while a thread reads.
    unread: Option<FileChunks>,
}

/// A part that the lake has.
pub struct Taken {
    /// The file, and where in it.
    pub label: String,
    pub receipt: Receipt,
}

/// Why a part is not in the lake.
#[derive(Debug, thiserror::Error)]
pub enum PartError {
    /// What could be read of the file was given out before.
    #[error(transparent)]
    Unread(#[from] IntakeError),
    #[error("{label}: {error}")]
    Refused { label: String, error: DeliveryError },
    #[error("reading files broke off")]
    BrokenOff,
}

impl FileParts {
    /// Of `paths`: files, folders, archives. `format` overrides what the contents suggest.
    pub fn open(paths: Vec<PathBuf>, format: Option<Format>) -> FileParts {
        FileParts { unread: Some(intake::files::open(paths, format, FileLimits::default())) }
    }

    /// Gives the next part to `pipeline` under the name of `source`; `None` when there is no more.
    pub async fn take_next(
        &mut self,
        pipeline: &Pipeline,
        source: &str,
        table: Option<&str>,
    ) -> Option<Result<Taken, PartError>> {
        let mut unread = self.unread.take()?;
        // Waiting for the reading thread would hold up other work on this one.
        let read = tokio::task::spawn_blocking(move || (unread.next(), unread)).await;
        let Ok((next, rest)) = read else { return Some(Err(PartError::BrokenOff)) };
        self.unread = Some(rest);
        let chunk = match next? {
            Ok(chunk) => chunk,
            Err(error) => return Some(Err(error.into())),
        };
        let label = chunk.label.clone();
        Some(match pipeline.accept_chunk(source, table, chunk).await {
            Ok(receipt) => Ok(Taken { label, receipt }),
            Err(error) => Err(PartError::Refused { label, error }),
        })
    }
}
