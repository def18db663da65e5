//! The drop folder: each folder in it is a source, each file in that is read when it is there and when it has grown.
//!
//! Files are read as `vigie ingest` reads them, archives and compressed files included. A chunk that was taken before
//! is recognised by its key, so a file that grows costs its reading, never a row twice.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, UNIX_EPOCH};

use kernel::port::DeliveryError;
use serde::{Deserialize, Serialize};
use tokio_util::sync::CancellationToken;

use super::file_parts::{FileParts, PartError, Taken};
use super::intake_port::Pipeline;

const POLL: Duration = Duration::from_secs(2);

/// Size and time of change by which a file is known.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
struct Print {
    bytes: u64,
    modified_us: u64,
}

/// Watches until stopped. `state` remembers what was read, over restarts.
pub async fn watch(pipeline: Arc<Pipeline>, folder: PathBuf, state: PathBuf, stop: CancellationToken) {
    let mut read: BTreeMap<PathBuf, Print> = load(&state);
    let mut before: BTreeMap<PathBuf, Print> = BTreeMap::new();
    loop {
        let found = files(&folder);
        let mut changed = false;
        for (path, print) in &found {
            // A file that is still being written is left until it rests.
            let rests = before.get(path) == Some(print) || read.contains_key(path);
            if stop.is_cancelled() || !rests || read.get(path) == Some(print) {
                continue;
            }
            if take(&pipeline, &folder, path).await {
                read.insert(path.clone(), *print);
                changed = true;
            }
        }
        let known = read.len();
        read.retain(|path, _| found.contains_key(path));
        if (changed || read.len() != known)
            && let Err(error) = save(&state, &read)
        {
            tracing::warn!(path = %state.display(), %error, "the state of the drop folder could not be saved");
        }
        before = found;
        tokio::select! {
            () = tokio::time::sleep(POLL) => {}
            () = stop.cancelled() => return,
        }
    }
}

/// Files two levels down: `folder/source/file`, and deeper. Hidden files and half-finished uploads are left alone.
fn files(folder: &Path) -> BTreeMap<PathBuf, Print> {
    let mut found = BTreeMap::new();
    let mut open = vec![(folder.to_path_buf(), 0)];
    while let Some((at, depth)) = open.pop() {
        let Ok(entries) = std::fs::read_dir(&at) else { continue };
        for entry in entries.flatten() {
            let hidden = entry.file_name().to_string_lossy().starts_with('.');
            let Ok(metadata) = entry.metadata() else { continue };
            if hidden || metadata.is_symlink() {
                continue;
            }
            if metadata.is_dir() && depth < 8 {
                open.push((entry.path(), depth + 1));
            } else if metadata.is_file() && depth > 0 {
                let modified =
                    metadata.modified().ok().and_then(|at| at.duration_since(UNIX_EPOCH).ok()).unwrap_or_default();
                let modified_us = u64::try_from(modified.as_micros()).unwrap_or(u64::MAX);
                found.insert(entry.path(), Print { bytes: metadata.len(), modified_us });
            }
        }
    }
    found
}

/// Reads one file; `false`: try again at the next look.
async fn take(pipeline: &Pipeline, folder: &Path, path: &Path) -> bool {
    let relative = path.strip_prefix(folder).unwrap_or(path);
    let source =
        relative.components().next().map(|part| part.as_os_str().to_string_lossy().into_owned()).unwrap_or_default();
    let mut parts = FileParts::open(vec![path.to_path_buf()], None);
    while let Some(outcome) = parts.take_next(pipeline, &source, None).await {
        match outcome {
            Ok(Taken { receipt, .. }) => {
                tracing::debug!(source, path = %path.display(), accepted = receipt.accepted, duplicate = receipt.duplicate, "file read")
            }
            Err(error @ (PartError::BrokenOff | PartError::Refused { error: DeliveryError::Unavailable(_), .. })) => {
                tracing::warn!(source, path = %path.display(), %error, "the file is tried again");
                return false;
            }
            // Reading it again would not help; what could be read was taken.
            Err(error) => {
                tracing::error!(source, path = %path.display(), %error, "a part of the file cannot be taken")
            }
        }
    }
    true
}

fn load(state: &Path) -> BTreeMap<PathBuf, Print> {
    let text = std::fs::read_to_string(state).unwrap_or_default();
    // A state that is damaged costs a second reading; chunks are recognised.
    serde_json::from_str(&text).unwrap_or_default()
}

fn save(state: &Path, read: &BTreeMap<PathBuf, Print>) -> std::io::Result<()> {
    let unfinished = state.with_extension("new");
    std::fs::write(&unfinished, serde_json::to_vec(read)?)?;
    std::fs::rename(unfinished, state)
}
