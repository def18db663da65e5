//! How far a query has come: counted where files are opened and their bytes fetched, read by whoever watches it.

use std::sync::atomic::{AtomicU64, Ordering};

use kernel::port::ScanProgress;

/// The counters of one query, those of its subqueries included.
#[derive(Debug, Default)]
pub struct Progress {
    files: AtomicU64,
    files_planned: AtomicU64,
    rows_collected: AtomicU64,
    rows_planned: AtomicU64,
    bytes: AtomicU64,
    bytes_planned: AtomicU64,
}

impl Progress {
    /// A scan of so many files with so many rows and bytes is about to begin.
    pub(super) fn plan(&self, files: u64, rows: u64, bytes: u64) {
        self.files_planned.fetch_add(files, Ordering::Relaxed);
        self.rows_planned.fetch_add(rows, Ordering::Relaxed);
        self.bytes_planned.fetch_add(bytes, Ordering::Relaxed);
    }

    /// One of the planned files has been opened.
    pub(super) fn open_file(&self) {
        self.files.fetch_add(1, Ordering::Relaxed);
    }

    /// So many bytes of files have been asked for.
    pub(super) fn fetch(&self, bytes: u64) {
        self.bytes.fetch_add(bytes, Ordering::Relaxed);
    }

    /// A plan that ran before the last one is done; its scans gave so many rows.
    pub(super) fn collect(&self, rows: u64) {
        self.rows_collected.fetch_add(rows, Ordering::Relaxed);
    }

    /// Where it stands, when the scans of the plan that runs now have given `rows`.
    pub(super) fn stand(&self, rows: u64) -> ScanProgress {
        let of = |counter: &AtomicU64| counter.load(Ordering::Relaxed);
        ScanProgress {
            files: of(&self.files),
            files_planned: of(&self.files_planned),
            rows: of(&self.rows_collected) + rows,
            rows_planned: of(&self.rows_planned),
            bytes: of(&self.bytes),
            bytes_planned: of(&self.bytes_planned),
        }
    }
}
