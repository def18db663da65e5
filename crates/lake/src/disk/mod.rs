//! The file system as the lake uses it: a port, so that tests can crash it, fill it and tear its writes.

mod local;
mod object;

use std::any::Any;
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use bytes::Bytes;

pub use local::LocalDisk;
pub use object::DiskStore;
pub(crate) use object::PARTIAL;

/// What a directory says of one file.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct FileInfo {
    pub path: PathBuf,
    pub len: u64,
    pub modified: SystemTime,
    pub is_dir: bool,
}

/// Whoever has a lock keeps it until this is dropped or the process dies.
pub type LockGuard = Box<dyn Any + Send + Sync>;

/// A file system. Nothing that was written survives a power cut until `sync` of the file and, for a new name,
/// `sync_dir` of its directory have returned.
pub trait Disk: Send + Sync + std::fmt::Debug {
    /// Makes the directory and its parents; an existing one is fine.
    fn create_dir_all(&self, path: &Path) -> io::Result<()>;
    /// A new file for writing; `AlreadyExists` when the name is taken.
    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// An existing file for appending.
    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;
    /// The bytes of `range`, cut at the end of the file.
    fn read(&self, path: &Path, range: Range<u64>) -> io::Result<Bytes>;
    fn info(&self, path: &Path) -> io::Result<FileInfo>;
    /// Files and directories directly in `path`, by name; a missing directory is empty.
    fn list(&self, path: &Path) -> io::Result<Vec<FileInfo>>;
    /// Moves a file, replacing the target.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;
    /// A second name for a file; `AlreadyExists` when the name is taken.
    fn link(&self, from: &Path, to: &Path) -> io::Result<()>;
    fn remove(&self, path: &Path) -> io::Result<()>;
    /// Makes names in the directory durable.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;
    /// Bytes that an ordinary user can still write.
    fn free_bytes(&self, path: &Path) -> io::Result<u64>;
    /// Takes the lock file, leaving `owner` in it; `Err(text)` inside: what its present holder left there.
    fn lock(&self, path: &Path, owner: &str) -> io::Result<Result<LockGuard, String>>;
}

/// An open file, written at its end.
pub trait DiskFile: Send {
    /// Writes all of it, or fails having written some.
    fn write_all_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()>;
    /// Makes content and length durable.
    fn sync(&mut self) -> io::Result<()>;
    /// Cuts the file and goes on writing there.
    fn truncate(&mut self, len: u64) -> io::Result<()>;
}

/// Writes `bytes` to `path` so that after a crash there is the old file or the new one, whole.
pub fn replace_file(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let beside = path.with_extension("new");
    match disk.remove(&beside) {
        Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
        _ => {}
    }
    let mut file = disk.create(&beside)?;
    file.write_all_vectored(&[IoSlice::new(bytes)])?;
    file.sync()?;
    drop(file);
    disk.rename(&beside, path)?;
    disk.sync_dir(parent(path))
}

/// The directory of `path`.
pub fn parent(path: &Path) -> &Path {
    path.parent().unwrap_or(Path::new("/"))
}
