//! A disk in memory that forgets what was not synced, tears writes, and fills up.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, IoSlice};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use lake::disk::{Disk, DiskFile, FileInfo, LockGuard};
use parking_lot::Mutex;

use super::{Dice, TODAY_US};

/// What goes wrong at a chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// The power goes: half of the operation may have happened, nothing after it does.
    Crash,
    /// The disk is full from this operation on, until [`SimDisk::free_up`].
    Full,
}

#[derive(Debug, Clone, Default)]
struct Inode {
    current: Vec<u8>,
    durable: Vec<u8>,
}

#[derive(Debug, Clone)]
enum NameChange {
    Set(PathBuf, usize),
    Unset(PathBuf),
}

#[derive(Debug, Default)]
struct Inner {
    inodes: Vec<Inode>,
    names: BTreeMap<PathBuf, usize>,
    durable_names: BTreeMap<PathBuf, usize>,
    /// Changes of names since the last sync of a directory, in order, as a journal keeps them.
    pending: Vec<NameChange>,
    dirs: BTreeSet<PathBuf>,
    locked: BTreeSet<PathBuf>,
    /// Operations that change something, so far.
    operations: u64,
    plan: Option<(u64, Fault)>,
    crashed: bool,
    full: bool,
    /// Counts crashes, so that handles of an earlier life are dead.
    life: u64,
}

/// Clones are the same disk.
#[derive(Debug, Clone, Default)]
pub struct SimDisk(Arc<Mutex<Inner>>);

impl SimDisk {
    /// Lets `fault` happen at the `n`th changing operation from now, counted from 1.
    pub fn plan(&self, n: u64, fault: Fault) {
        let mut inner = self.0.lock();
        inner.plan = Some((inner.operations + n, fault));
    }

    pub fn operations(&self) -> u64 {
        self.0.lock().operations
    }

    pub fn crashed(&self) -> bool {
        self.0.lock().crashed
    }

    pub fn is_full(&self) -> bool {
        self.0.lock().full
    }

    /// Space returns.
    pub fn free_up(&self) {
        let mut inner = self.0.lock();
        inner.full = false;
        inner.plan = None;
    }

    /// Starts the machine again with what survived: a prefix of the unsynced names, and of every unsynced file some
    /// of the new bytes, perhaps with rubbish in them.
    pub fn restart(&self, dice: &mut Dice) {
        let mut inner = self.0.lock();
        let kept = dice.roll(inner.pending.len() as u64 + 1) as usize;
        let survived: Vec<NameChange> = inner.pending.drain(..).take(kept).collect();
        let mut names = std::mem::take(&mut inner.durable_names);
        for change in survived {
            apply(&mut names, change);
        }
        for inode in &mut inner.inodes {
            lose_unsynced(inode, dice);
        }
        inner.durable_names = names.clone();
        inner.names = names;
        inner.locked.clear();
        inner.life += 1;
        (inner.crashed, inner.full, inner.plan) = (false, false, None);
    }
}

fn lose_unsynced(inode: &mut Inode, dice: &mut Dice) {
    let (old, new) = (inode.durable.len(), inode.current.len());
    if new > old {
        let kept = old + dice.roll((new - old) as u64 + 1) as usize;
        inode.current.truncate(kept);
        if kept > old && dice.roll(3) == 0 {
            let at = old + dice.roll((kept - old) as u64) as usize;
            inode.current[at] ^= 0xFF;
        }
    } else if dice.roll(2) == 0 {
        inode.current = inode.durable.clone();
    }
    inode.durable = inode.current.clone();
}

fn apply(names: &mut BTreeMap<PathBuf, usize>, change: NameChange) {
    match change {
        NameChange::Set(path, inode) => names.insert(path, inode),
        NameChange::Unset(path) => names.remove(&path),
    };
}

fn dead() -> io::Error {
    io::Error::other("the power is off")
}

enum Step {
    Whole,
    /// Only this share of a write, in 256ths, then the error.
    Part(u64, io::Error),
}

impl Inner {
    /// Counts a changing operation and says how much of it happens.
    fn step(&mut self, needs_space: bool) -> Step {
        if self.crashed {
            return Step::Part(0, dead());
        }
        self.operations += 1;
        if let Some((at, fault)) = self.plan
            && self.operations >= at
        {
            self.plan = None;
            match fault {
                Fault::Crash => {
                    self.crashed = true;
                    return Step::Part(at.wrapping_mul(97) % 257, dead());
                }
                Fault::Full => self.full = true,
            }
        }
        if self.full && needs_space {
            return Step::Part(self.operations.wrapping_mul(61) % 256, io::ErrorKind::StorageFull.into());
        }
        Step::Whole
    }

    fn alive(&self) -> io::Result<()> {
        if self.crashed { Err(dead()) } else { Ok(()) }
    }

    fn inode(&self, path: &Path) -> io::Result<usize> {
        self.names.get(path).copied().ok_or_else(|| io::ErrorKind::NotFound.into())
    }

    fn change(&mut self, change: NameChange) {
        apply(&mut self.names, change.clone());
        self.pending.push(change);
    }

    /// For changes of names, which happen or do not.
    fn name_step(&mut self, needs_space: bool) -> io::Result<()> {
        match self.step(needs_space) {
            Step::Whole => Ok(()),
            Step::Part(_, error) => Err(error),
        }
    }
}

struct SimFile {
    disk: SimDisk,
    inode: usize,
    life: u64,
}

impl SimFile {
    fn locked(&self) -> io::Result<parking_lot::MutexGuard<'_, Inner>> {
        let inner = self.disk.0.lock();
        if inner.life == self.life { Ok(inner) } else { Err(dead()) }
    }
}

impl DiskFile for SimFile {
    fn write_all_vectored(&mut self, parts: &[IoSlice<'_>]) -> io::Result<()> {
        let mut inner = self.locked()?;
        let all: Vec<u8> = parts.iter().flat_map(|part| part.iter().copied()).collect();
        match inner.step(true) {
            Step::Whole => {
                inner.inodes[self.inode].current.extend(all);
                Ok(())
            }
            Step::Part(share, error) => {
                let kept = all.len() * share as usize / 256;
                inner.inodes[self.inode].current.extend(&all[..kept.min(all.len())]);
                Err(error)
            }
        }
    }

    fn sync(&mut self) -> io::Result<()> {
        let mut inner = self.locked()?;
        // A full disk shows itself at the sync, too, where space is allotted late.
        inner.name_step(true)?;
        let inode = &mut inner.inodes[self.inode];
        inode.durable = inode.current.clone();
        Ok(())
    }

    fn truncate(&mut self, len: u64) -> io::Result<()> {
        let mut inner = self.locked()?;
        inner.name_step(false)?;
        inner.inodes[self.inode].current.truncate(len as usize);
        Ok(())
    }
}

impl Disk for SimDisk {
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.alive()?;
        // Directories are durable at once: the port says so of the real one.
        inner.dirs.extend(path.ancestors().map(Path::to_owned));
        Ok(())
    }

    fn create(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut inner = self.0.lock();
        inner.name_step(true)?;
        if inner.names.contains_key(path) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        if !inner.dirs.contains(path.parent().unwrap()) {
            return Err(io::ErrorKind::NotFound.into());
        }
        inner.inodes.push(Inode::default());
        let inode = inner.inodes.len() - 1;
        inner.change(NameChange::Set(path.to_owned(), inode));
        Ok(Box::new(SimFile { disk: self.clone(), inode, life: inner.life }))
    }

    fn append(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let inner = self.0.lock();
        inner.alive()?;
        Ok(Box::new(SimFile { disk: self.clone(), inode: inner.inode(path)?, life: inner.life }))
    }

    fn read(&self, path: &Path, range: Range<u64>) -> io::Result<Bytes> {
        let inner = self.0.lock();
        inner.alive()?;
        let bytes = &inner.inodes[inner.inode(path)?].current;
        let end = range.end.min(bytes.len() as u64) as usize;
        Ok(Bytes::copy_from_slice(&bytes[(range.start as usize).min(end)..end]))
    }

    fn info(&self, path: &Path) -> io::Result<FileInfo> {
        let inner = self.0.lock();
        inner.alive()?;
        let modified = SystemTime::UNIX_EPOCH + Duration::from_micros(TODAY_US as u64);
        if inner.dirs.contains(path) {
            return Ok(FileInfo { path: path.to_owned(), len: 0, modified, is_dir: true });
        }
        let len = inner.inodes[inner.inode(path)?].current.len() as u64;
        Ok(FileInfo { path: path.to_owned(), len, modified, is_dir: false })
    }

    fn list(&self, path: &Path) -> io::Result<Vec<FileInfo>> {
        let paths: Vec<PathBuf> = {
            let inner = self.0.lock();
            inner.alive()?;
            let within = |entry: &&PathBuf| entry.parent() == Some(path);
            inner.names.keys().chain(&inner.dirs).filter(within).cloned().collect()
        };
        paths.iter().map(|path| self.info(path)).collect()
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.name_step(false)?;
        let inode = inner.inode(from)?;
        inner.change(NameChange::Set(to.to_owned(), inode));
        inner.change(NameChange::Unset(from.to_owned()));
        Ok(())
    }

    fn link(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.name_step(true)?;
        if inner.names.contains_key(to) {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        let inode = inner.inode(from)?;
        inner.change(NameChange::Set(to.to_owned(), inode));
        Ok(())
    }

    fn remove(&self, path: &Path) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.name_step(false)?;
        inner.inode(path)?;
        inner.change(NameChange::Unset(path.to_owned()));
        Ok(())
    }

    fn sync_dir(&self, _: &Path) -> io::Result<()> {
        let mut inner = self.0.lock();
        inner.name_step(false)?;
        inner.pending.clear();
        inner.durable_names = inner.names.clone();
        Ok(())
    }

    fn free_bytes(&self, _: &Path) -> io::Result<u64> {
        let inner = self.0.lock();
        inner.alive()?;
        Ok(if inner.full { 4_096 } else { 1 << 40 })
    }

    fn lock(&self, path: &Path, owner: &str) -> io::Result<Result<LockGuard, String>> {
        let mut inner = self.0.lock();
        inner.alive()?;
        let life = inner.life;
        if !inner.locked.insert(path.to_owned()) {
            return Ok(Err(owner.to_owned()));
        }
        Ok(Ok(Box::new(SimLock { disk: self.clone(), path: path.to_owned(), life })))
    }
}

struct SimLock {
    disk: SimDisk,
    path: PathBuf,
    life: u64,
}

impl Drop for SimLock {
    fn drop(&mut self) {
        let mut inner = self.disk.0.lock();
        if inner.life == self.life {
            inner.locked.remove(&self.path);
        }
    }
}
