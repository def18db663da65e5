//! From the log to Delta: rows of closed segments become files, in one commit per table.

use std::sync::Arc;

use futures::stream::{self, StreamExt};
use uuid::Uuid;

use crate::core::Core;
use crate::delta::days::DayLimits;
use crate::delta::encode::{self, Encoded, Style};
use crate::delta::files::{self, Written};
use crate::delta::{self, Purpose};
use crate::error::LakeError;
use crate::snapshot::align;
use crate::table::{Log, Table};

/// Tables that are flushed at the same time; the encoder's threads bound the work, this only hides waiting.
const TABLES_AT_ONCE: usize = 4;
/// Log bytes that are flushed in one commit at most.
const FLUSH_BYTES: u64 = 256 << 20;

impl Core {
    /// Flushes all closed segments, oldest first, then lets go of those that nobody needs.
    pub async fn flush_sealed(self: &Arc<Core>) -> Result<(), LakeError> {
        let _one = self.flushing.lock().await;
        loop {
            let next = self.segments.lock().next_flush(FLUSH_BYTES);
            let Some((node, last)) = next else { break };
            let outcome = self.flush_until(node, last).await;
            self.note_flush(&outcome);
            outcome?;
        }
        let core = Arc::clone(self);
        run_blocking(move || core.retire()).await?
    }

    fn note_flush(&self, outcome: &Result<(), LakeError>) {
        let mut last = self.last_flush.lock();
        match outcome {
            Ok(()) => {
                last.at = Some(self.clock.now());
                last.error = None;
            }
            Err(error) => {
                tracing::warn!(%error, "flush failed; the rows stay in the log and in memory");
                last.error = Some(error.to_string());
            }
        }
    }

    async fn flush_until(self: &Arc<Core>, node: Uuid, last: u64) -> Result<(), LakeError> {
        let core = Arc::clone(self);
        run_blocking(move || core.save_catalog()).await?;
        let tables: Vec<_> = self.all_tables().into_iter().filter(|table| table.has_hot(node, last)).collect();
        let flushes = tables.into_iter().map(|table| {
            let core = Arc::clone(self);
            async move { core.flush_table(&table, node, last).await }
        });
        // All are tried: a table that cannot be written must not hold up the others.
        let outcomes: Vec<_> = stream::iter(flushes).buffer_unordered(TABLES_AT_ONCE).collect().await;
        outcomes.into_iter().collect::<Result<(), LakeError>>()?;
        self.segments.lock().flushed(node, last);
        let core = Arc::clone(self);
        run_blocking(move || {
            // The note saves decoding at the next start; without it nothing is wrong.
            if let Err(error) = core.note_flushed(node, last) {
                tracing::debug!(%error, "the key log did not take a note");
            }
        })
        .await
    }

    fn note_flushed(&self, node: Uuid, last: u64) -> std::io::Result<()> {
        let mut retired = self.retired.lock();
        if retired.node() == node { retired.note_flushed(last) } else { Ok(()) }
    }

    async fn flush_table(&self, table: &Table, node: Uuid, last: u64) -> Result<(), LakeError> {
        let mut log = table.delta.lock().await;
        table.refresh(&mut log, &self.home, &self.nodes, self.clock.now(), &self.meter).await?;
        let (schema, arrow, batches) = table.hot_until(node, last);
        if !batches.is_empty() {
            self.ensure_created(&mut log, &schema).await?;
            let encoded = self.encode(table, arrow, batches).await?;
            let written = self.write_files(table, encoded).await?;
            self.commit_rows(table, &mut log, &schema, written, (node, last)).await?;
        }
        self.room.notify_waiters();
        Ok(())
    }

    async fn ensure_created(&self, log: &mut Log, schema: &kernel::TableSchema) -> Result<(), LakeError> {
        if log.table.is_none() {
            log.uncertain = true;
            log.table = Some(self.home.create(schema).await?);
            log.uncertain = false;
        }
        Ok(())
    }

    async fn encode(
        &self,
        table: &Table,
        arrow: arrow_schema::SchemaRef,
        batches: Vec<arrow_array::RecordBatch>,
    ) -> Result<Vec<Encoded>, LakeError> {
        let limits = DayLimits { days: self.config.days_per_flush, future_days: self.config.future_days };
        let style = Style { zstd: self.config.zstd_level, asked: table.asked_paths() };
        let encoded = self.on_encoder(move || {
            let aligned: Result<Vec<_>, _> = batches.iter().map(|batch| align(batch, &arrow)).collect();
            encode::encode(&aligned?, &arrow, limits, &style)
        });
        encoded.await?.map_err(|error| LakeError::columns(&table.name, error))
    }

    /// Runs `work` on one of the few threads that sort and encode.
    pub async fn on_encoder<T: Send + 'static>(
        &self,
        work: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T, LakeError> {
        let permit = Arc::clone(&self.encoders).acquire_owned().await.map_err(|_| LakeError::Closed)?;
        run_blocking(move || {
            let _permit = permit;
            work()
        })
        .await
    }

    /// Writes files; when one fails, those before it are taken back.
    pub async fn write_files(&self, table: &Table, encoded: Vec<Encoded>) -> Result<Vec<Written>, LakeError> {
        let path = self.home.table_path(&table.name);
        let mut written: Vec<Written> = Vec::with_capacity(encoded.len());
        for one in encoded {
            match files::write(self.home.store.as_ref(), &path, &table.name, one).await {
                Ok(file) => written.push(file),
                Err(error) => {
                    self.delete_written(&written).await;
                    return Err(error);
                }
            }
        }
        Ok(written)
    }

    /// Deletes files that no commit names.
    pub async fn delete_written(&self, written: &[Written]) {
        use object_store::ObjectStoreExt;
        for one in written {
            if let Err(error) = self.home.store.delete(&one.file.path).await {
                tracing::debug!(path = %one.file.path, %error, "an unused file stays until it is swept");
            }
        }
    }

    async fn commit_rows(
        &self,
        table: &Table,
        log: &mut Log,
        schema: &kernel::TableSchema,
        written: Vec<Written>,
        committed: (Uuid, u64),
    ) -> Result<(), LakeError> {
        let now = self.clock.now();
        let Some(delta) = &mut log.table else { return Err(LakeError::Closed) };
        let grown = (delta::schema_of(delta, &table.name)? != *schema).then_some(schema);
        let actions = written.iter().map(|file| file.add(now, true)).collect();
        let before = delta.version();
        // From here on the commit may have landed, whatever becomes of this call.
        log.uncertain = true;
        log.doubtful.extend(written.iter().map(|file| file.file.path.clone()));
        let purpose = Purpose::Flush { node: committed.0, segment: committed.1 };
        delta::commit(delta, &table.name, actions, grown, purpose).await?;
        let alone = before.is_some_and(|before| delta.version() == Some(before + 1));
        if alone {
            let added = written.into_iter().map(|file| file.file);
            table.settle(&[committed], |files| files.into_iter().chain(added).collect(), now, &self.meter);
        } else {
            let path = self.home.table_path(&table.name);
            let files = table.with_identity(files::active(delta, &table.name, &path)?);
            table.settle(&[committed], |_| files, now, &self.meter);
        }
        log.uncertain = false;
        log.doubtful.clear();
        delta::checkpoint_if_due(delta, &table.name, self.config.checkpoint_commits).await;
        Ok(())
    }
}

/// Runs `work` where it may block.
pub async fn run_blocking<T: Send + 'static>(work: impl FnOnce() -> T + Send + 'static) -> Result<T, LakeError> {
    tokio::task::spawn_blocking(work).await.map_err(|error| match error.try_into_panic() {
        // A defect: let it surface where it was caused.
        Ok(panic) => std::panic::resume_unwind(panic),
        Err(_) => LakeError::Closed,
    })
}
