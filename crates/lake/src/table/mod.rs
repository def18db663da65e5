//! One table: its columns, its hot rows and its files, such that each row is in exactly one of the two.

pub(crate) mod catalog;
pub(crate) mod schema;

use std::collections::{BTreeSet, HashSet, VecDeque};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use arrow_select::concat::concat_batches;
use deltalake_core::DeltaTable;
use kernel::{TableSchema, Timestamp};
use object_store::path::Path;
use parking_lot::Mutex;
use uuid::Uuid;

use crate::delta::{self, TableHome};
use crate::error::LakeError;
use crate::paths::DynamicPath;
use crate::snapshot::{DataFile, TableSnapshot};

/// Neighbouring hot batches are joined while they are smaller than this together.
const JOIN_ROWS: usize = 1_024;
/// Paths that are remembered because queries have followed them.
const MOST_ASKED: usize = 64;

/// One table of the lake.
#[derive(Debug)]
pub struct Table {
    pub name: String,
    state: Mutex<State>,
    /// The writer's view of the Delta log. Held while committing.
    pub delta: tokio::sync::Mutex<Log>,
    /// Paths into its columns that queries have followed since the start.
    asked: Mutex<BTreeSet<DynamicPath>>,
    /// Files that were found to have their companions.
    complete: Mutex<HashSet<Path>>,
}

/// The Delta log as far as this process knows it.
#[derive(Debug, Default)]
pub struct Log {
    pub table: Option<DeltaTable>,
    /// A commit may have landed or not, or nothing was read yet: look before the next one.
    pub uncertain: bool,
    /// Files of a commit that may not have landed; removed once that is known.
    pub doubtful: Vec<Path>,
}

#[derive(Debug)]
struct State {
    schema: Arc<TableSchema>,
    arrow: SchemaRef,
    /// The schema object of the last batch that fitted.
    seen: Option<SchemaRef>,
    /// `None`: not read from the log yet.
    files: Option<Arc<Vec<Arc<DataFile>>>>,
    hot: VecDeque<HotSegment>,
    /// Files that are no longer active and when they ceased to be.
    gone: Vec<(Arc<DataFile>, Timestamp)>,
}

#[derive(Debug)]
struct HotSegment {
    number: u64,
    node: Uuid,
    bytes: u64,
    batches: Vec<RecordBatch>,
}

/// Hot memory of all tables.
#[derive(Debug, Default)]
pub struct HotMeter(AtomicU64);

impl HotMeter {
    /// Bytes that hot rows hold.
    pub fn bytes(&self) -> u64 {
        self.0.load(Ordering::Acquire)
    }

    fn add(&self, bytes: u64) {
        self.0.fetch_add(bytes, Ordering::AcqRel);
    }

    fn subtract(&self, bytes: u64) {
        self.0.fetch_sub(bytes, Ordering::AcqRel);
    }
}

/// Numbers of one table for the status.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct TableCounts {
    pub files: u64,
    pub file_rows: u64,
    pub file_bytes: u64,
    pub hot_rows: u64,
}

impl Table {
    /// A table of which only the columns are known.
    pub fn new(schema: TableSchema) -> Table {
        let state = State {
            arrow: schema.arrow(),
            seen: None,
            files: None,
            hot: VecDeque::new(),
            gone: Vec::new(),
            schema: Arc::new(schema),
        };
        let name = state.schema.name.clone();
        let log = Log { uncertain: true, ..Log::default() };
        Table {
            name,
            state: Mutex::new(state),
            delta: tokio::sync::Mutex::new(log),
            asked: Mutex::default(),
            complete: Mutex::default(),
        }
    }

    /// Remembers that a query follows `path`.
    pub fn note_path(&self, path: DynamicPath) {
        let mut asked = self.asked.lock();
        if asked.len() < MOST_ASKED {
            asked.insert(path);
        }
    }

    /// Whether the file was found to have its companions.
    pub fn is_complete(&self, file: &Path) -> bool {
        self.complete.lock().contains(file)
    }

    /// Forgets that the file has its companions.
    pub fn note_damaged(&self, file: &Path) {
        self.complete.lock().remove(file);
    }

    /// Remembers that the file has its companions; forgets files that are no longer active.
    pub fn note_complete(&self, file: &Path) {
        let active = self.files().unwrap_or_default();
        let mut complete = self.complete.lock();
        complete.insert(file.clone());
        if complete.len() > 2 * active.len() + 16 {
            complete.retain(|known| active.iter().any(|file| file.path == *known));
        }
    }

    /// The paths that queries have followed.
    pub fn asked_paths(&self) -> Vec<DynamicPath> {
        self.asked.lock().iter().cloned().collect()
    }

    /// The columns now.
    pub fn schema(&self) -> Arc<TableSchema> {
        Arc::clone(&self.state.lock().schema)
    }

    /// Checks that rows of `offered` fit; true: the table got columns for them.
    pub fn admit(&self, offered: &SchemaRef) -> Result<bool, LakeError> {
        let mut state = self.state.lock();
        if state.seen.as_ref().is_some_and(|seen| Arc::ptr_eq(seen, offered) || seen == offered) {
            return Ok(false);
        }
        let grown = schema::grow(&state.schema, offered)?;
        let changed = grown.is_some();
        if let Some(grown) = grown {
            state.become_schema(grown);
        }
        state.seen = Some(Arc::clone(offered));
        Ok(changed)
    }

    /// Makes rows of a segment visible. The batch passed [`Table::admit`] before.
    pub fn publish(&self, number: u64, node: Uuid, batch: RecordBatch, meter: &HotMeter) {
        if batch.num_rows() == 0 {
            return;
        }
        let bytes = batch.get_array_memory_size() as u64;
        meter.add(bytes);
        let mut state = self.state.lock();
        match state.hot.back_mut() {
            Some(hot) if hot.number == number => {
                hot.bytes += bytes;
                hot.batches.push(batch);
                join_small(&mut hot.batches);
            }
            _ => state.hot.push_back(HotSegment { number, node, bytes, batches: vec![batch] }),
        }
    }

    /// Hot rows of `node` in segments up to `last`, with the columns to write them with.
    pub fn hot_until(&self, node: Uuid, last: u64) -> (Arc<TableSchema>, SchemaRef, Vec<RecordBatch>) {
        let state = self.state.lock();
        let chosen = state.hot.iter().filter(|hot| hot.node == node && hot.number <= last);
        let batches = chosen.flat_map(|hot| hot.batches.iter().cloned()).collect();
        (Arc::clone(&state.schema), Arc::clone(&state.arrow), batches)
    }

    /// Whether a flush of these segments has work here.
    pub fn has_hot(&self, node: Uuid, last: u64) -> bool {
        self.state.lock().hot.iter().any(|hot| hot.node == node && hot.number <= last)
    }

    /// In one step: rows of each node up to its segment cease to be hot, and the files become `change(files)`.
    pub fn settle(
        &self,
        committed: &[(Uuid, u64)],
        change: impl FnOnce(Vec<Arc<DataFile>>) -> Vec<Arc<DataFile>>,
        now: Timestamp,
        meter: &HotMeter,
    ) {
        let mut state = self.state.lock();
        let before = state.files.take().unwrap_or_default();
        let after = change(before.as_ref().clone());
        let kept: std::collections::HashSet<&Path> = after.iter().map(|file| &file.path).collect();
        let gone = before.iter().filter(|file| !kept.contains(&file.path)).map(|file| (Arc::clone(file), now));
        state.gone.extend(gone);
        state.files = Some(Arc::new(after));
        state.hot.retain(|hot| {
            let stays = !committed.iter().any(|(node, last)| hot.node == *node && hot.number <= *last);
            if !stays {
                meter.subtract(hot.bytes);
            }
            stays
        });
    }

    /// Files that nobody can see any more since `before`, taken out of the books.
    pub fn take_gone(&self, before: Timestamp) -> Vec<Arc<DataFile>> {
        let mut taken = Vec::new();
        self.state.lock().gone.retain(|(file, since)| {
            let stays = *since > before || Arc::strong_count(file) > 1;
            if !stays {
                taken.push(Arc::clone(file));
            }
            stays
        });
        taken
    }

    /// Puts files back that could not be deleted.
    pub fn return_gone(&self, file: Arc<DataFile>, since: Timestamp) {
        self.state.lock().gone.push((file, since));
    }

    /// Active files, when the log was read.
    pub fn files(&self) -> Option<Arc<Vec<Arc<DataFile>>>> {
        self.state.lock().files.clone()
    }

    /// Paths that a sweep must not touch.
    pub fn known_paths(&self) -> std::collections::HashSet<Path> {
        let state = self.state.lock();
        let gone = state.gone.iter().map(|(file, _)| file.path.clone());
        state.files.iter().flat_map(|files| files.iter().map(|file| file.path.clone())).chain(gone).collect()
    }

    /// What a query sees; the log must have been read.
    pub fn snapshot(&self, home: &TableHome) -> TableSnapshot {
        let state = self.state.lock();
        TableSnapshot {
            schema: Arc::clone(&state.schema),
            arrow: Arc::clone(&state.arrow),
            store: Arc::clone(&home.store),
            hot: state.hot.iter().flat_map(|hot| hot.batches.iter().cloned()).collect(),
            files: state.files.as_ref().map(|files| files.as_ref().clone()).unwrap_or_default(),
        }
    }

    /// Numbers for the status.
    pub fn counts(&self) -> TableCounts {
        let state = self.state.lock();
        let files = state.files.clone().unwrap_or_default();
        let hot_rows = state.hot.iter().flat_map(|hot| &hot.batches).map(|batch| batch.num_rows() as u64).sum();
        TableCounts {
            files: files.len() as u64,
            file_rows: files.iter().map(|file| file.rows).sum(),
            file_bytes: files.iter().map(|file| file.bytes).sum(),
            hot_rows,
        }
    }

    /// Reads the Delta log if it was not read yet, or if the last commit is in doubt. Rows that it turns out to hold
    /// already cease to be hot.
    pub async fn refresh(
        &self,
        log: &mut Log,
        home: &TableHome,
        nodes: &[Uuid],
        now: Timestamp,
        meter: &HotMeter,
    ) -> Result<(), LakeError> {
        if !log.uncertain {
            return Ok(());
        }
        match &mut log.table {
            Some(delta) => delta.update_state().await.map_err(|error| LakeError::delta(&self.name, error))?,
            None => log.table = home.load(&self.name).await?,
        }
        let Some(delta) = &log.table else {
            self.settle(&[], |files| files, now, meter);
            log.uncertain = false;
            return Ok(());
        };
        let stored = delta::schema_of(delta, &self.name)?;
        {
            let mut state = self.state.lock();
            let joined = schema::union(&stored, &state.schema)?;
            if joined != *state.schema {
                state.become_schema(joined);
            }
        }
        let files = delta::files::active(delta, &self.name, &home.table_path(&self.name))?;
        let mut committed = Vec::new();
        for node in nodes {
            if let Some(last) = delta::committed(delta, &self.name, *node).await? {
                committed.push((*node, last));
            }
        }
        let files = self.with_identity(files);
        self.settle(&committed, |_| files, now, meter);
        self.remove_doubtful(log, home).await;
        log.uncertain = false;
        Ok(())
    }

    /// The same files, those known already as the same objects: their holders are counted before they are deleted.
    pub fn with_identity(&self, files: Vec<Arc<DataFile>>) -> Vec<Arc<DataFile>> {
        let known = self.files().unwrap_or_default();
        let known: std::collections::HashMap<&Path, &Arc<DataFile>> =
            known.iter().map(|file| (&file.path, file)).collect();
        files
            .into_iter()
            .map(|file| known.get(&file.path).map_or_else(|| Arc::clone(&file), |old| Arc::clone(old)))
            .collect()
    }

    async fn remove_doubtful(&self, log: &mut Log, home: &TableHome) {
        use object_store::ObjectStoreExt;
        let active = self.known_paths();
        for path in std::mem::take(&mut log.doubtful) {
            if !active.contains(&path)
                && let Err(error) = home.store.delete(&path).await
            {
                tracing::debug!(%path, %error, "a file of a failed commit stays until it is swept");
            }
        }
    }
}

impl State {
    fn become_schema(&mut self, schema: TableSchema) {
        self.arrow = schema.arrow();
        self.schema = Arc::new(schema);
        self.seen = None;
    }
}

/// Keeps many one-row deliveries from costing a batch each.
fn join_small(batches: &mut Vec<RecordBatch>) {
    while let [.., before, last] = batches.as_slice() {
        let rows = before.num_rows() + last.num_rows();
        if rows > JOIN_ROWS || last.num_rows() * 2 < before.num_rows() || before.schema() != last.schema() {
            return;
        }
        match concat_batches(&before.schema(), [before, last]) {
            Ok(joined) => {
                batches.truncate(batches.len() - 2);
                batches.push(joined);
            }
            Err(error) => {
                tracing::debug!(%error, "hot batches stay apart");
                return;
            }
        }
    }
}
