//! Space on the disk that is kept for what lives depend on. While the disk is full, it is given up, and from then on only urgent
//! transactions are begun, until there is room to keep it again.

use std::fs;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use parking_lot::Mutex;

use crate::clock::HouseClock;
use kernel::Clock;

/// It is tried so often whether there is room again.
const TRY_AGAIN_US: u64 = 10_000_000;
const PAGE: usize = 1 << 16;

/// A file that takes up room.
#[derive(Debug)]
pub(crate) struct Reserve {
    path: PathBuf,
    bytes: u64,
    spent: Mutex<Spent>,
}

#[derive(Debug, Default)]
struct Spent {
    is: bool,
    tried_us: u64,
}

impl Reserve {
    /// Takes up the room. A disk that is full already leaves it spent.
    pub(crate) fn keep(path: &Path, bytes: u64) -> io::Result<Reserve> {
        let reserve = Reserve { path: path.to_owned(), bytes, spent: Mutex::default() };
        match reserve.take_up() {
            Err(error) if error.kind() == io::ErrorKind::StorageFull => reserve.spent.lock().is = true,
            kept => kept?,
        }
        Ok(reserve)
    }

    /// Gives the room up. True: it was there.
    pub(crate) fn spend(&self) -> bool {
        let mut spent = self.spent.lock();
        if spent.is {
            return false;
        }
        spent.is = true;
        tracing::error!(path = %self.path.display(), "the disk is full: the reserve for calls for help is given up");
        fs::remove_file(&self.path).is_ok()
    }

    /// Whether it is spent, after a try to keep it again.
    pub(crate) fn is_spent(&self, clock: &HouseClock) -> bool {
        let mut spent = self.spent.lock();
        let now_us = clock.monotonic_us();
        if !spent.is || now_us.saturating_sub(spent.tried_us) < TRY_AGAIN_US {
            return spent.is;
        }
        spent.tried_us = now_us;
        spent.is = self.take_up().is_err();
        if !spent.is {
            tracing::info!(path = %self.path.display(), "there is room on the disk again; the reserve is kept");
        }
        spent.is
    }

    /// Room that is written to is there; room that was only asked for may not be.
    fn take_up(&self) -> io::Result<()> {
        if fs::metadata(&self.path).is_ok_and(|known| known.len() == self.bytes) {
            return Ok(());
        }
        let written = self.write();
        if written.is_err() {
            // What there is of it must not fill the disk.
            let _ = fs::remove_file(&self.path);
        }
        written
    }

    fn write(&self) -> io::Result<()> {
        let mut file = fs::File::create(&self.path)?;
        let page = [0xA5; PAGE];
        let mut left = self.bytes;
        while left > 0 {
            let some = usize::try_from(left).unwrap_or(PAGE).min(PAGE);
            file.write_all(&page[..some])?;
            left -= some as u64;
        }
        file.sync_all()
    }
}
