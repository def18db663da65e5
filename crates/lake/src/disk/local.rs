//! The machine's own file system.

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSlice, Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::path::Path;

use bytes::Bytes;
use rustix::fs::{FlockOperation, flock, statvfs};

use super::{Disk, DiskFile, FileInfo, LockGuard};

/// Files of the operating system, without caching of our own.
#[derive(Debug, Clone, Copy, Default)]
pub struct LocalDisk;

struct LocalFile(File);

impl Disk for LocalDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut missing = Vec::new();
        let mut at = path;
        while !at.exists() {
            missing.push(at);
            let Some(parent) = at.parent() else { break };
            at = parent;
        }
        fs::create_dir_all(path)?;
        missing.iter().filter_map(|made| made.parent()).try_for_each(|holder| self.sync_dir(holder))
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().write(true).create_new(true).open(path)?;
        Ok(Box::new(LocalFile(file)))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut file = OpenOptions::new().write(true).open(path)?;
        file.seek(SeekFrom::End(0))?;
        Ok(Box::new(LocalFile(file)))
    }

    fn read(&self, path: &Path, range: Range<u64>) -> io::Result<Bytes> {
        let file = File::open(path)?;
        let end = range.end.min(file.metadata()?.len());
        let len = usize::try_from(end.saturating_sub(range.start)).map_err(io::Error::other)?;
        let mut bytes = vec![0; len];
        file.read_exact_at(&mut bytes, range.start)?;
        Ok(bytes.into())
    }

    fn info(&self, path: &Path) -> io::Result<FileInfo> {
        file_info(path, &fs::metadata(path)?)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<FileInfo>> {
        let entries = match fs::read_dir(path) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(Vec::new()),
            entries => entries?,
        };
        let mut found = Vec::new();
        for entry in entries {
            let path = entry?.path();
            match fs::metadata(&path) {
                // Removed since it was listed.
                Err(error) if error.kind() == io::ErrorKind::NotFound => {}
                metadata => found.push(file_info(&path, &metadata?)?),
            }
        }
        found.sort_by(|left, right| left.path.cmp(&right.path));
        Ok(found)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::hard_link(from, to)
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn free_bytes(&self, path: &Path) -> io::Result<u64> {
        let stat = statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn lock(&self, path: &Path, owner: &str) -> io::Result<Result<LockGuard, String>> {
        let mut file = OpenOptions::new().read(true).write(true).create(true).truncate(false).open(path)?;
        match flock(&file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => {
                file.set_len(0)?;
                file.write_all(owner.as_bytes())?;
                Ok(Ok(Box::new(file)))
            }
            Err(rustix::io::Errno::WOULDBLOCK) => {
                let mut holder = String::new();
                file.read_to_string(&mut holder)?;
                Ok(Err(holder))
            }
            Err(error) => Err(error.into()),
        }
    }
}

impl DiskFile for LocalFile {
    fn write_all_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        // The kernel takes at most 1024 parts in one call.
        let mut owned: Vec<IoSlice<'_>> = parts.iter().map(|part| IoSlice::new(part)).collect();
        let mut rest = &mut owned[..];
        IoSlice::advance_slices(&mut rest, 0);
        while !rest.is_empty() {
            let batch = rest.len().min(1024);
            match self.0.write_vectored(&rest[..batch]) {
                Ok(0) => return Err(io::ErrorKind::WriteZero.into()),
                Ok(written) => IoSlice::advance_slices(&mut rest, written),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error),
            }
        }
        Ok(())
    }

    fn sync(&mut self) -> io::Result<()> {
        self.0.sync_data()
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        self.0.set_len(len)?;
        self.0.seek(SeekFrom::Start(len))?;
        Ok(())
    }
}

fn file_info(path: &Path, metadata: &fs::Metadata) -> io::Result<FileInfo> {
    Ok(FileInfo {
        path: path.to_owned(),
        len: metadata.len(),
        modified: metadata.modified()?,
        is_dir: metadata.is_dir(),
    })
}
