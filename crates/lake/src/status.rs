//! What `vigie lake status` and the console show.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use kernel::Timestamp;
use serde::Serialize;

use crate::core::Core;
use crate::error::LakeError;

/// The lake at one moment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct LakeStatus {
    pub tables: Vec<TableStatus>,
    /// Rows in memory that are in the log and not in files yet.
    pub hot_rows: u64,
    pub hot_bytes: u64,
    pub hot_limit_bytes: u64,
    pub log_segments: u64,
    pub log_bytes: u64,
    /// Deliveries whose detection is not done.
    pub open_tickets: u64,
    /// When the oldest segment that is not flushed was begun.
    pub oldest_unflushed: Option<Timestamp>,
    pub last_flush: Option<Timestamp>,
    /// Why the last flush failed, until one succeeds.
    pub flush_error: Option<String>,
    pub free_bytes: u64,
    /// Intake stops below this.
    pub min_free_bytes: u64,
    /// Since the lake was opened.
    pub entries: u64,
    pub rows: u64,
    pub duplicates: u64,
    /// Tickets that were given up: their deliveries are detected at the next start.
    pub dropped_tickets: u64,
    pub compactions: u64,
    pub expired_files: u64,
    pub swept_files: u64,
    /// Files whose companions were missing or damaged and were made anew.
    pub remade_companions: u64,
    pub keys: u64,
}

/// One table that has rows.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TableStatus {
    pub name: String,
    pub rows: u64,
    pub hot_rows: u64,
    pub files: u64,
    pub file_bytes: u64,
    pub retention_days: Option<u32>,
}

impl Core {
    /// Reads the Delta logs that were not read yet.
    pub async fn status(self: &Arc<Core>) -> Result<LakeStatus, LakeError> {
        for name in self.home.list().await? {
            if let Some(table) = self.table(&name).filter(|table| table.files().is_none()) {
                let mut log = table.delta.lock().await;
                self.refresh(&table, &mut log).await?;
            }
        }
        let free_bytes = self.disk.free_bytes(&self.config.data_dir);
        let free_bytes = free_bytes.map_err(|error| LakeError::io(&self.config.data_dir, error))?;
        let tables = self.table_statuses();
        let segments = self.segments.lock();
        let last = self.last_flush.lock().clone();
        let count = |counter: &std::sync::atomic::AtomicU64| counter.load(Ordering::Relaxed);
        Ok(LakeStatus {
            hot_rows: tables.iter().map(|table| table.hot_rows).sum(),
            tables,
            hot_bytes: self.meter.bytes(),
            hot_limit_bytes: self.config.hot_bytes,
            log_segments: segments.iter().count() as u64,
            log_bytes: segments.iter().map(|segment| segment.bytes).sum(),
            open_tickets: segments.iter().map(|segment| segment.open_tickets).sum(),
            oldest_unflushed: segments.iter().find(|segment| !segment.flushed).map(|segment| segment.created),
            last_flush: last.at,
            flush_error: last.error,
            free_bytes,
            min_free_bytes: self.config.min_free_bytes,
            entries: count(&self.counters.entries),
            rows: count(&self.counters.rows),
            duplicates: count(&self.counters.duplicates),
            dropped_tickets: count(&self.counters.dropped_tickets),
            compactions: count(&self.counters.compactions),
            expired_files: count(&self.counters.expired_files),
            swept_files: count(&self.counters.swept_files),
            remade_companions: count(&self.counters.remade_companions),
            keys: self.keys.len() as u64,
        })
    }

    fn table_statuses(&self) -> Vec<TableStatus> {
        let with_rows = self.all_tables().into_iter().filter_map(|table| {
            let counts = table.counts();
            let rows = counts.file_rows + counts.hot_rows;
            (rows > 0 || counts.files > 0).then(|| TableStatus {
                rows,
                hot_rows: counts.hot_rows,
                files: counts.files,
                file_bytes: counts.file_bytes,
                retention_days: self.config.retention.days_of(&table.name),
                name: table.name.clone(),
            })
        });
        with_rows.collect()
    }
}
