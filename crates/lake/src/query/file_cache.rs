//! What the engine keeps of data files from one query to the next: their footers and their term indexes. Files never
//! change, so what was read stays true. A file is opened with its promoted paths behind it, as if they were one file.

use std::collections::HashSet;
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::physical_plan::{ParquetFileMetrics, ParquetFileReaderFactory};
use datafusion::error::Result;
use datafusion::execution::cache::default_cache::DefaultCache;
use datafusion::execution::cache::{Cache, CacheValue};
use datafusion::physical_plan::metrics::ExecutionPlanMetricsSet;
use futures::FutureExt;
use futures::future::BoxFuture;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parking_lot::Mutex;
use parquet::arrow::arrow_reader::ArrowReaderOptions;
use parquet::arrow::async_reader::AsyncFileReader;
use parquet::errors::ParquetError;
use parquet::file::metadata::ParquetMetaData;

use super::progress::Progress;
use crate::history::FileReader;
use crate::paths;
use crate::paths::file::Found;
use crate::snapshot::DataFile;
use crate::terms::{self, TermIndex};

/// Bytes of footers that are kept.
const FOOTER_BYTES: usize = 48 << 20;
/// Bytes of term indexes that are kept.
const TERMS_BYTES: usize = 64 << 20;

/// Footers and term indexes by the path of their file.
pub struct FileCache {
    footers: DefaultCache<Path, Footer>,
    with_paths: DefaultCache<Path, Footer>,
    terms: DefaultCache<Path, Terms>,
    /// Files whose promoted paths were found to be damaged, until somebody is told.
    damaged: Mutex<HashSet<Path>>,
}

#[derive(Clone)]
struct Footer(Arc<ParquetMetaData>);

impl CacheValue for Footer {
    fn size(&self) -> usize {
        self.0.memory_size()
    }
}

#[derive(Clone)]
struct Terms(Arc<TermIndex>);

impl CacheValue for Terms {
    fn size(&self) -> usize {
        self.0.size()
    }
}

impl Default for FileCache {
    fn default() -> FileCache {
        FileCache {
            footers: DefaultCache::new(FOOTER_BYTES),
            with_paths: DefaultCache::new(FOOTER_BYTES),
            terms: DefaultCache::new(TERMS_BYTES),
            damaged: Mutex::default(),
        }
    }
}

impl std::fmt::Debug for FileCache {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("FileCache").field("footers", &self.footers.len()).field("terms", &self.terms.len()).finish()
    }
}

impl FileCache {
    /// The term index of a file; `None`: it has none that can be used.
    pub(crate) async fn terms(&self, store: &dyn ObjectStore, file: &DataFile) -> Option<Arc<TermIndex>> {
        if let Some(Terms(known)) = self.terms.get(&file.path) {
            return Some(known);
        }
        let index = terms::file::open(store, &file.path, file.rows).await?;
        self.terms.put(&file.path, Terms(Arc::clone(&index)));
        Some(index)
    }

    /// Files whose promoted paths were found to be damaged since the last call.
    pub fn take_damaged(&self) -> HashSet<Path> {
        std::mem::take(&mut *self.damaged.lock())
    }

    /// Whether the columns of a file and its promoted paths include each of `names`.
    pub async fn has_columns(&self, store: Arc<dyn ObjectStore>, file: &DataFile, names: &[String]) -> Vec<bool> {
        let mut reader = FileReader { store, path: file.path.clone(), bytes: file.bytes };
        let Ok(footer) = self.joined(&mut reader).await else { return vec![false; names.len()] };
        let columns = footer.file_metadata().schema_descr().root_schema().get_fields();
        names.iter().map(|name| columns.iter().any(|column| column.name() == name)).collect()
    }

    async fn footer(&self, file: &mut FileReader) -> Result<Arc<ParquetMetaData>, ParquetError> {
        if let Some(Footer(known)) = self.footers.get(&file.path) {
            return Ok(known);
        }
        let footer = file.footer().await?;
        self.footers.put(&file.path, Footer(Arc::clone(&footer)));
        Ok(footer)
    }

    /// The footer of the file with its promoted paths behind it; of the file alone, where it has none.
    async fn joined(&self, file: &mut FileReader) -> Result<Arc<ParquetMetaData>, ParquetError> {
        if let Some(Footer(known)) = self.with_paths.get(&file.path) {
            return Ok(known);
        }
        let own = self.footer(file).await?;
        let joined = match paths::file::open(file).await {
            Found::Whole(added) => paths::merge::merged(&own, file.bytes, &added)?,
            Found::Absent => None,
            Found::Damaged(error) => {
                let path = paths::path(&file.path);
                tracing::warn!(%path, %error, "promoted paths cannot be read; the texts are, until they are made anew");
                self.damaged.lock().insert(file.path.clone());
                None
            }
        };
        // A companion that comes later replaces what is said of it here: it is looked for again by every query.
        let Some(joined) = joined.map(Arc::new) else { return Ok(own) };
        self.with_paths.put(&file.path, Footer(Arc::clone(&joined)));
        Ok(joined)
    }
}

/// Opens data files of one store with what the cache knows of them.
#[derive(Debug)]
pub struct Readers {
    pub store: Arc<dyn ObjectStore>,
    pub cache: Arc<FileCache>,
    /// Promoted paths are read, too.
    pub with_paths: bool,
    pub progress: Arc<Progress>,
    /// Files that have been opened; a large one is opened by several threads.
    pub opened: Mutex<HashSet<Path>>,
}

impl ParquetFileReaderFactory for Readers {
    fn create_reader(
        &self,
        partition_index: usize,
        file: PartitionedFile,
        _: Option<usize>,
        metrics: &ExecutionPlanMetricsSet,
    ) -> Result<Box<dyn AsyncFileReader + Send>> {
        let path = file.object_meta.location;
        let metrics = ParquetFileMetrics::new(partition_index, path.as_ref(), metrics);
        let file = FileReader { store: Arc::clone(&self.store), path, bytes: file.object_meta.size };
        if self.opened.lock().insert(file.path.clone()) {
            self.progress.open_file();
        }
        let (cache, with_paths) = (Arc::clone(&self.cache), self.with_paths);
        Ok(Box::new(Reader { file, metrics, cache, with_paths, progress: Arc::clone(&self.progress) }))
    }
}

struct Reader {
    file: FileReader,
    metrics: ParquetFileMetrics,
    cache: Arc<FileCache>,
    with_paths: bool,
    progress: Arc<Progress>,
}

impl Reader {
    /// Counts bytes that are about to be fetched.
    fn count(&self, bytes: u64) {
        self.metrics.bytes_scanned.add(usize::try_from(bytes).unwrap_or(0));
        self.progress.fetch(bytes);
    }

    /// The file in which `range` lies, and where.
    fn place(&self, range: Range<u64>) -> (Path, Range<u64>) {
        let bytes = self.file.bytes;
        if range.start < bytes {
            return (self.file.path.clone(), range);
        }
        (paths::path(&self.file.path), range.start - bytes..range.end - bytes)
    }
}

impl AsyncFileReader for Reader {
    fn get_bytes(&mut self, range: Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.count(range.end - range.start);
        let (path, range) = self.place(range);
        async move { self.file.store.get_range(&path, range).await.map_err(failed) }.boxed()
    }

    fn get_byte_ranges(&mut self, ranges: Vec<Range<u64>>) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        let bytes: u64 = ranges.iter().map(|range| range.end - range.start).sum();
        self.count(bytes);
        let in_file = ranges.iter().filter(|range| range.start < self.file.bytes).cloned().collect::<Vec<_>>();
        let beyond = ranges.iter().filter(|range| range.start >= self.file.bytes);
        let beyond: Vec<Range<u64>> = beyond.map(|range| self.place(range.clone()).1).collect();
        let companion = paths::path(&self.file.path);
        async move {
            let store = &self.file.store;
            let mut own = store.get_ranges(&self.file.path, &in_file).await.map_err(failed)?.into_iter();
            let mut added = store.get_ranges(&companion, &beyond).await.map_err(failed)?.into_iter();
            let bytes = self.file.bytes;
            let next = |range: Range<u64>| if range.start < bytes { own.next() } else { added.next() };
            Ok(ranges.into_iter().filter_map(next).collect())
        }
        .boxed()
    }

    /// With the index of pages, whatever is asked for: it is small, and pages are passed over by it.
    fn get_metadata<'a>(
        &'a mut self,
        _: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let cache = Arc::clone(&self.cache);
            if self.with_paths { cache.joined(&mut self.file).await } else { cache.footer(&mut self.file).await }
        }
        .boxed()
    }
}

fn failed(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}
