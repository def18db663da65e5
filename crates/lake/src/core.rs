//! What all parts of an open lake share. The writer's thread holds it too, so it does not hold the writer.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

use kernel::{Clock, TableSchema, Timestamp};
use parking_lot::{Mutex, RwLock};
use tokio::sync::{Notify, Semaphore};
use uuid::Uuid;

use crate::config::LakeConfig;
use crate::delta::TableHome;
use crate::disk::{Disk, LockGuard};
use crate::entry::TableRows;
use crate::error::LakeError;
use crate::keys::{KeyDigest, KeyIndex};
use crate::table::{HotMeter, Table, catalog, schema};
use crate::wal::retired::RetiredLog;
use crate::wal::segments::Segments;

/// What happened since the lake was opened.
#[derive(Debug, Default)]
pub struct Counters {
    pub entries: AtomicU64,
    pub rows: AtomicU64,
    pub duplicates: AtomicU64,
    pub dropped_tickets: AtomicU64,
    pub compactions: AtomicU64,
    pub expired_files: AtomicU64,
    pub swept_files: AtomicU64,
    pub remade_companions: AtomicU64,
}

/// How the last flush went.
#[derive(Debug, Clone, Default)]
pub struct LastFlush {
    pub at: Option<Timestamp>,
    pub error: Option<String>,
}

/// The open lake without its writer.
pub struct Core {
    pub config: LakeConfig,
    pub clock: Arc<dyn Clock>,
    pub disk: Arc<dyn Disk>,
    pub home: TableHome,
    pub segments: Arc<Mutex<Segments>>,
    pub retired: Mutex<RetiredLog>,
    pub keys: KeyIndex,
    pub tables: RwLock<BTreeMap<String, Arc<Table>>>,
    pub meter: HotMeter,
    /// Every node that a segment names.
    pub nodes: Vec<Uuid>,
    pub counters: Counters,
    pub last_flush: Mutex<LastFlush>,
    /// Only one flush at a time.
    pub flushing: tokio::sync::Mutex<()>,
    /// There may be something to flush or to retire.
    pub work: Arc<Notify>,
    /// Hot memory was freed.
    pub room: Notify,
    pub encoders: Arc<Semaphore>,
    pub catalog_stale: AtomicBool,
    pub closed: AtomicBool,
    /// Held until everything above is gone.
    pub _lock: LockGuard,
}

impl Core {
    pub fn wal_dir(&self) -> PathBuf {
        wal_dir(&self.config)
    }

    pub fn table(&self, name: &str) -> Option<Arc<Table>> {
        self.tables.read().get(name).cloned()
    }

    pub fn all_tables(&self) -> Vec<Arc<Table>> {
        self.tables.read().values().cloned().collect()
    }

    /// Checks that all rows fit their tables, making tables and columns that are new.
    pub fn admit(&self, rows: &[TableRows]) -> Result<(), LakeError> {
        for rows in rows {
            let offered = rows.batch.schema();
            let table = match self.table(&rows.table) {
                Some(table) => table,
                None => self.create_table(schema::create(&rows.table, &offered)?)?,
            };
            if table.admit(&offered)? {
                self.catalog_stale.store(true, Ordering::Release);
            }
        }
        Ok(())
    }

    fn create_table(&self, schema: TableSchema) -> Result<Arc<Table>, LakeError> {
        let mut tables = self.tables.write();
        let same_directory = |name: &&String| **name != schema.name && name.eq_ignore_ascii_case(&schema.name);
        if tables.keys().any(|name| same_directory(&name)) {
            let reason = "a table has this name in other letter case, which some file systems hold for the same";
            return Err(LakeError::BadName { name: schema.name, reason });
        }
        self.catalog_stale.store(true, Ordering::Release);
        let name = schema.name.clone();
        Ok(Arc::clone(tables.entry(name).or_insert_with(|| Arc::new(Table::new(schema)))))
    }

    /// Makes durable rows visible.
    pub fn publish(&self, segment: u64, node: Uuid, rows: Vec<TableRows>) {
        for TableRows { table, batch } in rows {
            self.counters.rows.fetch_add(batch.num_rows() as u64, Ordering::Relaxed);
            if let Some(table) = self.table(&table) {
                table.publish(segment, node, batch, &self.meter);
            }
        }
    }

    /// Whether so little of the disk is free that it should be left for what arrives. Tables elsewhere than on this
    /// machine have room.
    pub fn is_short_of_disk(&self) -> bool {
        // Twice the room at which intake stops, so that what can be made anew is never what stops it.
        let needed_bytes = self.config.min_free_bytes.saturating_mul(2);
        let is_local = self.config.tables_url.is_none();
        is_local && self.disk.free_bytes(&self.config.data_dir).is_ok_and(|free_bytes| free_bytes < needed_bytes)
    }

    pub fn ticket_done(&self, segment: u64) {
        let mut segments = self.segments.lock();
        if let Some(segment) = segments.get_mut(segment) {
            segment.open_tickets = segment.open_tickets.saturating_sub(1);
            if segment.open_tickets == 0 {
                self.work.notify_one();
            }
        }
    }

    pub fn ticket_dropped(&self) {
        self.counters.dropped_tickets.fetch_add(1, Ordering::Relaxed);
    }

    /// Deletes segments that nobody needs, after their keys are in the key log. Blocks on the disk.
    pub fn retire(&self) -> Result<(), LakeError> {
        let mut retired = self.retired.lock();
        let failed = |error| LakeError::io(self.wal_dir(), error);
        let retirable = self.segments.lock().retirable();
        for segment in &retirable {
            retired.retire(segment.number, &segment.keys).map_err(failed)?;
            match self.disk.remove(&segment.path) {
                Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(failed(error)),
                _ => self.segments.lock().remove(segment.number),
            }
        }
        let oldest = self.clock.now().plus_micros(-i64::from(self.config.key_days) * 86_400_000_000);
        self.keys.expire(oldest, self.config.key_count);
        if !retirable.is_empty() && retired.wants_rewrite(self.keys.len()) {
            let in_segments: std::collections::HashSet<KeyDigest> =
                self.segments.lock().iter().flat_map(|segment| segment.keys.iter().map(|(key, _)| *key)).collect();
            let keys = self.keys.known_except(&in_segments);
            retired.rewrite(&keys).map_err(failed)?;
        }
        Ok(())
    }

    /// Writes the catalog if tables or columns are new. A failure costs time at the next start.
    pub fn save_catalog(&self) {
        if !self.catalog_stale.swap(false, Ordering::AcqRel) {
            return;
        }
        let tables: Vec<TableSchema> = self.all_tables().iter().map(|table| table.schema().as_ref().clone()).collect();
        if let Err(error) = catalog::write(self.disk.as_ref(), &catalog_path(&self.config), &tables) {
            tracing::warn!(%error, "the catalog could not be written");
            self.catalog_stale.store(true, Ordering::Release);
        }
    }
}

pub fn wal_dir(config: &LakeConfig) -> PathBuf {
    config.data_dir.join("wal")
}

pub fn catalog_path(config: &LakeConfig) -> PathBuf {
    config.data_dir.join("catalog.json")
}
