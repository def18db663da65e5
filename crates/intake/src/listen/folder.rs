//! A folder whose files grow: each new part becomes a delivery.
//!
//! Where each file stands is kept in a small state file. Before a part is handed over, the state says which bytes it
//! will be, and afterwards that it was taken; so a crash in between hands over the very same bytes under the same
//! key, which the lake recognises. Files are told apart by device and inode and by their first bytes, so that a
//! rotated log goes on under its new name and a new log under an old name starts from its beginning.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{Read, Seek, SeekFrom};
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::Duration;

use kernel::port::Delivery;
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use super::ListenContext;
use super::batch::hand_over;
use crate::error::IntakeError;
use crate::registry::Drop;

/// How a folder is watched.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FolderOptions {
    /// The source that deliveries are credited to; it decides the format.
    pub source: String,
    pub folder: PathBuf,
    /// Only files whose name ends so (`.log`); empty: all that do not begin with a dot.
    pub ending: String,
    /// Where the positions are kept.
    pub state: PathBuf,
    /// How often the folder is looked at.
    pub poll_ms: u64,
    /// Largest delivery; a longer line is handed over in parts of this size.
    pub part_bytes: usize,
}

/// How many bytes tell files of the same inode apart.
const PRINT_BYTES: u64 = 256;

/// Where one file stands.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Position {
    /// Digest of the first [`print_bytes`](Self::print_bytes) bytes.
    print: String,
    print_bytes: u64,
    /// Everything before is taken.
    taken: u64,
    /// End of the part that is being handed over.
    pending: Option<u64>,
}

/// Positions by `device:inode`.
#[derive(Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct State {
    files: BTreeMap<String, Position>,
}

/// Watches a folder until stopped. Fails only when the state file cannot be read or written.
pub async fn folder(context: ListenContext, options: FolderOptions) -> Result<(), IntakeError> {
    context.registry.register(&options.source, "folder", context.clock.now());
    let mut state = load(&options.state)?;
    loop {
        for (id, path) in files(&options) {
            if let Err(error) = follow(&context, &options, &mut state, &id, &path).await? {
                tracing::warn!(source = %options.source, path = %path.display(), %error, "read a file of the folder");
            }
            if context.stop.is_cancelled() {
                return Ok(());
            }
        }
        tokio::select! {
            () = tokio::time::sleep(Duration::from_millis(options.poll_ms.max(10))) => {}
            () = context.stop.cancelled() => return Ok(()),
        }
    }
}

/// The files of the folder by identity, oldest first, so that a rotated log is finished before its successor.
fn files(options: &FolderOptions) -> Vec<(String, PathBuf)> {
    let Ok(entries) = std::fs::read_dir(&options.folder) else {
        tracing::warn!(folder = %options.folder.display(), "the folder cannot be listed");
        return Vec::new();
    };
    let mut found: Vec<(i64, i64, PathBuf, String)> = entries
        .filter_map(Result::ok)
        .filter(|entry| {
            let name = entry.file_name().to_string_lossy().into_owned();
            !name.starts_with('.') && name.ends_with(&options.ending) && entry.path() != options.state
        })
        .filter_map(|entry| {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file)?;
            let id = format!("{}:{}", metadata.dev(), metadata.ino());
            Some((metadata.mtime(), metadata.mtime_nsec(), entry.path(), id))
        })
        .collect();
    found.sort();
    found.into_iter().map(|(_, _, path, id)| (id, path)).collect()
}

/// Hands over everything new of one file. The outer error ends the watching; the inner one concerns this file.
async fn follow(
    context: &ListenContext,
    options: &FolderOptions,
    state: &mut State,
    id: &str,
    path: &Path,
) -> Result<Result<(), std::io::Error>, IntakeError> {
    loop {
        let position = state.files.entry(id.to_owned()).or_default();
        let (part, key) = match next_part(path, position, options.part_bytes) {
            Ok(Some(found)) => found,
            Ok(None) => return Ok(Ok(())),
            Err(error) => return Ok(Err(error)),
        };
        let end = position.taken + part.len() as u64;
        position.pending = Some(end);
        save(&options.state, state)?;
        let delivery = Delivery { source: options.source.clone(), table: None, body: part.into(), key: Some(key) };
        if let Err(error) = hand_over(context, delivery).await {
            if context.stop.is_cancelled() {
                // Stays pending: the next start hands over the same part.
                return Ok(Ok(()));
            }
            tracing::error!(source = %options.source, path = %path.display(), %error, "a part was refused");
            context.registry.dropped(&options.source, Drop::Refused, 1);
        }
        let position = state.files.entry(id.to_owned()).or_default();
        position.taken = end;
        position.pending = None;
        save(&options.state, state)?;
        if context.stop.is_cancelled() {
            return Ok(Ok(()));
        }
    }
}

/// The next part of a file, whole lines, and its key; `None`: nothing new.
fn next_part(path: &Path, position: &mut Position, part_bytes: usize) -> std::io::Result<Option<(Vec<u8>, String)>> {
    let mut file = File::open(path)?;
    let length = file.metadata()?.len();
    let known = fingerprint(&mut file, position.print_bytes)?;
    if length < position.taken || position.print != known {
        // Cut short or another file: from its beginning.
        *position = Position::default();
    }
    if position.taken == 0 && position.pending.is_none() {
        position.print_bytes = length.min(PRINT_BYTES);
        position.print = fingerprint(&mut file, position.print_bytes)?;
    }
    let wanted = position.pending.map_or(part_bytes as u64, |end| end - position.taken);
    file.seek(SeekFrom::Start(position.taken))?;
    let mut part = Vec::new();
    file.take(wanted).read_to_end(&mut part)?;
    if position.pending.is_none() && part.len() < part_bytes {
        // A line that is still being written waits for its end.
        part.truncate(memchr::memrchr(b'\n', &part).map_or(0, |newline| newline + 1));
    } else if position.pending.is_none() {
        part.truncate(memchr::memrchr(b'\n', &part).map_or(part.len(), |newline| newline + 1));
    }
    let key = format!("{}:{}-{}", position.print, position.taken, position.taken + part.len() as u64);
    Ok((!part.is_empty()).then_some((part, key)))
}

fn fingerprint(file: &mut File, bytes: u64) -> std::io::Result<String> {
    let mut head = Vec::new();
    file.seek(SeekFrom::Start(0))?;
    file.by_ref().take(bytes).read_to_end(&mut head)?;
    let digest = Sha256::digest(&head);
    Ok(digest.iter().take(16).map(|byte| format!("{byte:02x}")).collect())
}

fn load(path: &Path) -> Result<State, IntakeError> {
    match std::fs::read(path) {
        Ok(bytes) => serde_json::from_slice(&bytes).map_err(|error| IntakeError::Malformed {
            label: path.display().to_string(),
            reason: format!("{error}; delete it to read the folder's files from their beginning"),
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(State::default()),
        Err(error) => Err(IntakeError::io(format!("read {}", path.display()), error)),
    }
}

/// Replaces the state file in one step.
fn save(path: &Path, state: &State) -> Result<(), IntakeError> {
    let failed = |error| IntakeError::io(format!("write {}", path.display()), error);
    let bytes = serde_json::to_vec(state).map_err(|error| failed(error.into()))?;
    let beside = path.with_extension("new");
    std::fs::write(&beside, bytes).map_err(failed)?;
    std::fs::rename(&beside, path).map_err(failed)
}
