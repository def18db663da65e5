//! The lake, open: append, snapshot, flush, maintain, status, close.

use std::sync::atomic::Ordering;
use std::sync::{Arc, Weak};
use std::time::Duration;

use async_trait::async_trait;
use kernel::{Clock, TableSchema};
use object_store::path::Path;
use parking_lot::Mutex;
use tokio::sync::oneshot;
use tokio::task::JoinHandle;

use crate::config::LakeConfig;
use crate::core::Core;
use crate::entry::{Decoder, Entry, TableRows};
use crate::error::LakeError;
use crate::flush::run_blocking;
use crate::keys::{self, Claim, KeyDigest};
use crate::open::{self, Ports};
use crate::paths::DynamicPath;
use crate::snapshot::{TableSnapshot, Tables};
use crate::status::LakeStatus;
use crate::ticket::{Appended, Replay, Ticket};
use crate::wal::format::Frame;
use crate::wal::writer::{Append, Settings, Writer};

/// How often the background task looks for old segments, in milliseconds.
const TICK_MS: u64 = 500;

/// An open lake. Clones are the same lake. Dropped without [`Lake::close`], it closes its log but does not flush.
#[derive(Clone)]
pub struct Lake {
    inner: Arc<Inner>,
}

struct Inner {
    core: Arc<Core>,
    writer: Writer,
    node: uuid::Uuid,
    tasks: Mutex<Vec<JoinHandle<()>>>,
}

impl Lake {
    /// Opens the lake of `config` on this machine; the replay has what detection still has to see.
    pub async fn open(
        config: LakeConfig,
        clock: Arc<dyn Clock>,
        decoder: Arc<dyn Decoder>,
    ) -> Result<(Lake, Replay), LakeError> {
        Lake::open_on(config, Ports::of_machine(clock, decoder)).await
    }

    /// The columns of `table` as they are now; `None`: no table has that name.
    pub fn schema(&self, table: &str) -> Option<Arc<TableSchema>> {
        self.inner.core.table(table).map(|table| table.schema())
    }

    /// Opens the lake on other ground than the machine's disk.
    pub async fn open_on(config: LakeConfig, ports: Ports) -> Result<(Lake, Replay), LakeError> {
        let (core, replay, resume) = open::open(config, ports).await?;
        let settings = Settings {
            dir: core.wal_dir(),
            segment_bytes: core.config.segment_bytes,
            min_free_bytes: core.config.min_free_bytes,
            node: resume.node,
            next_number: resume.next_number,
            previous: resume.previous,
        };
        let work = Arc::clone(&core.work);
        let (disk, clock, segments) = (Arc::clone(&core.disk), Arc::clone(&core.clock), Arc::clone(&core.segments));
        let writer = Writer::start(settings, disk, clock, segments, move || work.notify_one())
            .map_err(|error| LakeError::io(core.wal_dir(), error))?;
        let inner = Arc::new(Inner { core, writer, node: resume.node, tasks: Mutex::default() });
        if inner.core.config.background {
            let tasks =
                [tokio::spawn(keep_flushing(Arc::downgrade(&inner))), tokio::spawn(keep_tidy(Arc::downgrade(&inner)))];
            inner.tasks.lock().extend(tasks);
        }
        Ok((Lake { inner }, replay))
    }

    /// Stores a delivery and its rows. Returns when they are durable and visible; on an error nothing of it is
    /// acknowledged and the sender should keep it.
    ///
    /// Run it to its end: a call that is dropped may have stored the delivery, whose detection then waits for the
    /// next start.
    pub async fn append(&self, entry: Entry, rows: Vec<TableRows>) -> Result<Appended, LakeError> {
        let core = &self.inner.core;
        if core.closed.load(Ordering::Acquire) {
            return Err(LakeError::Closed);
        }
        let frame = Frame::new(&entry, core.config.entry_bytes)?;
        let Some(claim) = Held::claim(core, &entry).await else {
            core.counters.duplicates.fetch_add(1, Ordering::Relaxed);
            return Ok(Appended::Duplicate);
        };
        core.admit(&rows)?;
        self.wait_for_room().await?;
        let (told, outcome) = oneshot::channel();
        let (sharing, node, received) = (Arc::clone(core), self.inner.node, entry.received);
        let key = claim.key.map(|key| (key, received));
        let done = Box::new(move |result: Result<u64, crate::wal::WriteFailure>| {
            let result = match result {
                Ok(segment) => {
                    sharing.counters.entries.fetch_add(1, Ordering::Relaxed);
                    sharing.publish(segment, node, rows);
                    claim.settle(Some(received));
                    Ok(Ticket::new(Arc::clone(&sharing), segment))
                }
                Err(failure) => {
                    claim.settle(None);
                    Err(failure.into_error(&sharing.config.data_dir))
                }
            };
            // Nobody listens when the caller went away; the ticket then counts as dropped.
            drop(told.send(result));
        });
        self.inner.writer.append(Append { frame, key, done });
        let ticket = outcome.await.map_err(|_| LakeError::Closed)??;
        Ok(Appended::New(ticket))
    }

    /// Waits while hot rows fill their memory.
    async fn wait_for_room(&self) -> Result<(), LakeError> {
        let core = &self.inner.core;
        let full = || core.meter.bytes() >= core.config.hot_bytes;
        if !full() {
            return Ok(());
        }
        let wait = async {
            loop {
                let freed = core.room.notified();
                if !full() {
                    return;
                }
                self.inner.writer.seal(|| {});
                freed.await;
            }
        };
        let waited = tokio::time::timeout(Duration::from_millis(core.config.wait_ms), wait).await;
        waited.map_err(|_| LakeError::Behind {
            hot_bytes: core.meter.bytes(),
            limit_bytes: core.config.hot_bytes,
            reason: core.last_flush.lock().error.clone().unwrap_or_else(|| "it is slower than intake".to_owned()),
        })
    }

    /// Closes the active segment and moves everything that is in the log to the tables.
    pub async fn flush(&self) -> Result<(), LakeError> {
        let (told, sealed) = oneshot::channel();
        self.inner.writer.seal(move || {
            // Nobody listens when the caller went away.
            let _ = told.send(());
        });
        sealed.await.map_err(|_| LakeError::Closed)?;
        self.inner.core.flush_sealed().await
    }

    /// Whether so little of the disk is free that it should be left for what arrives.
    pub(crate) fn is_short_of_disk(&self) -> bool {
        self.inner.core.is_short_of_disk()
    }

    pub(crate) fn core(&self) -> &Core {
        &self.inner.core
    }

    /// One round of retention, merging and sweeping.
    pub async fn maintain(&self) -> Result<(), LakeError> {
        self.inner.core.maintain_all().await
    }

    /// Lets go of log segments that nobody needs. The background task does it too.
    pub async fn retire(&self) -> Result<(), LakeError> {
        let core = Arc::clone(&self.inner.core);
        run_blocking(move || core.retire()).await?
    }

    /// Numbers of the lake.
    pub async fn status(&self) -> Result<LakeStatus, LakeError> {
        self.inner.core.status().await
    }

    /// Takes no more, flushes, and ends the background tasks. After an error nothing is lost: the log has it.
    pub async fn close(&self) -> Result<(), LakeError> {
        let core = &self.inner.core;
        core.closed.store(true, Ordering::Release);
        let tasks = std::mem::take(&mut *self.inner.tasks.lock());
        tasks.iter().for_each(JoinHandle::abort);
        for task in tasks {
            // Aborted: that it did not end by itself is what we asked for.
            let _ = task.await;
        }
        let inner = Arc::clone(&self.inner);
        run_blocking(move || inner.writer.stop()).await?;
        core.flush_sealed().await?;
        let core = Arc::clone(core);
        run_blocking(move || core.save_catalog()).await
    }
}

#[async_trait]
impl Tables for Lake {
    fn schemas(&self) -> Vec<TableSchema> {
        self.inner.core.all_tables().iter().map(|table| table.schema().as_ref().clone()).collect()
    }

    async fn snapshot(&self, table: &str) -> Result<Option<TableSnapshot>, LakeError> {
        let core = &self.inner.core;
        let Some(table) = core.table(table) else { return Ok(None) };
        if table.files().is_none() {
            let mut log = table.delta.lock().await;
            core.refresh(&table, &mut log).await?;
        }
        Ok(Some(table.snapshot(&core.home)))
    }

    fn note_path(&self, table: &str, path: DynamicPath) {
        if let Some(table) = self.inner.core.table(table) {
            table.note_path(path);
        }
    }

    fn note_damaged(&self, file: &Path) {
        self.inner.core.all_tables().iter().for_each(|table| table.note_damaged(file));
    }
}

/// A claim on a key that ends as not stored unless it is settled.
struct Held {
    core: Arc<Core>,
    key: Option<KeyDigest>,
}

impl Held {
    /// `None`: the delivery is durable already. Waits while the same delivery is being written.
    async fn claim(core: &Arc<Core>, entry: &Entry) -> Option<Held> {
        if entry.key == Entry::NO_KEY {
            return Some(Held { core: Arc::clone(core), key: None });
        }
        let key = keys::digest(&entry.key);
        loop {
            match core.keys.claim(key) {
                Claim::First => return Some(Held { core: Arc::clone(core), key: Some(key) }),
                Claim::Known => return None,
                Claim::Pending(mut settled) => {
                    // The sender is dropped when the other delivery is settled; then ask again.
                    let _ = settled.changed().await;
                }
            }
        }
    }

    fn settle(mut self, stored: Option<kernel::Timestamp>) {
        if let Some(key) = self.key.take() {
            self.core.keys.settle(key, stored);
        }
    }
}

impl Drop for Held {
    fn drop(&mut self) {
        if let Some(key) = self.key.take() {
            self.core.keys.settle(key, None);
        }
    }
}

async fn keep_flushing(lake: Weak<Inner>) {
    loop {
        let Some(work) = lake.upgrade().map(|inner| Arc::clone(&inner.core.work)) else { return };
        let tick = Duration::from_millis(TICK_MS);
        // Either is a reason to look.
        let _ = tokio::time::timeout(tick, work.notified()).await;
        let Some(inner) = lake.upgrade() else { return };
        if inner.has_old_segment() {
            inner.writer.seal(|| {});
        }
        if inner.core.flush_sealed().await.is_err() {
            // It was logged; do not hammer a full disk.
            drop(inner);
            tokio::time::sleep(tick * 4).await;
        }
    }
}

async fn keep_tidy(lake: Weak<Inner>) {
    loop {
        let Some(pause_ms) = lake.upgrade().map(|inner| inner.core.config.maintain_ms) else { return };
        tokio::time::sleep(Duration::from_millis(pause_ms)).await;
        let Some(inner) = lake.upgrade() else { return };
        if let Err(error) = inner.core.maintain_all().await {
            tracing::warn!(%error, "maintenance round incomplete");
        }
    }
}

impl Inner {
    fn has_old_segment(&self) -> bool {
        let age_us = self.core.config.segment_age_ms.saturating_mul(1_000);
        let now_us = self.core.clock.monotonic_us();
        let is_old = |begun_us: u64| now_us.saturating_sub(begun_us) >= age_us;
        self.core.segments.lock().iter().any(|segment| !segment.sealed && is_old(segment.begun_us))
    }
}
