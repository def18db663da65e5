//! A table's history read from end to end, piece by piece: for readers that want the rows themselves, not an answer.
//!
//! A piece is a batch of hot rows or one row group of a file, so that pieces can be read side by side and no more is in
//! memory than is being read. Files and row groups outside the range are passed over by what is known of their times;
//! of the others only the columns asked for are fetched, and only rows of the range decoded.

use std::collections::VecDeque;
use std::sync::Arc;

use arrow::compute::filter_record_batch;
use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, BooleanArray, RecordBatch};
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use futures::future::BoxFuture;
use futures::stream::BoxStream;
use futures::{FutureExt, StreamExt, TryFutureExt};
use kernel::Timestamp;
use kernel::port::TimeRange;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{
    ArrowPredicateFn, ArrowReaderMetadata, ArrowReaderOptions, RowFilter, RowSelection, RowSelectionPolicy,
};
use parquet::arrow::async_reader::{AsyncFileReader, ParquetRecordBatchStreamBuilder};
use parquet::errors::ParquetError;
use parquet::file::metadata::{PageIndexPolicy, ParquetMetaData, ParquetMetaDataReader, RowGroupMetaData};
use parquet::file::statistics::Statistics;

use crate::companion::selection;
use crate::error::LakeError;
use crate::snapshot::{DataFile, TableSnapshot, align};

/// The column by which pieces are passed over.
const TIME: &str = "TimeGenerated";
/// Bytes at the end of a file that are fetched at once, in the hope that they hold its metadata.
const FOOTER_BYTES: usize = 64 << 10;

/// What is left to read of one table.
#[derive(Debug)]
pub struct History {
    snapshot: Arc<TableSnapshot>,
    range: Option<TimeRange>,
    hot: std::ops::Range<usize>,
    files: VecDeque<Arc<DataFile>>,
    /// The file whose row groups are being given out.
    open: Option<OpenFile>,
    passed_over: u64,
}

#[derive(Debug)]
struct OpenFile {
    file: Arc<DataFile>,
    metadata: ArrowReaderMetadata,
    next_group: usize,
}

/// Rows that are read together.
#[derive(Debug, Clone)]
pub struct Piece {
    snapshot: Arc<TableSnapshot>,
    range: Option<TimeRange>,
    place: Place,
    rows: u64,
}

#[derive(Debug, Clone)]
enum Place {
    Hot(usize),
    RowGroup { file: Arc<DataFile>, metadata: ArrowReaderMetadata, group: usize, within: bool },
}

/// Which rows of a row group are wanted.
#[derive(Debug)]
enum Chosen {
    /// `None`: all.
    InRange(Option<TimeRange>),
    Rows(RowSelection),
}

/// What is known of the times of some rows.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// No row is in the range.
    Outside,
    /// All rows are.
    Within,
    Unclear,
}

impl History {
    /// The rows of `snapshot` whose event time lies in `range`; `None`: all.
    pub fn new(snapshot: TableSnapshot, range: Option<TimeRange>) -> History {
        let may_hold = |file: &&Arc<DataFile>| standing(range, file.time, false) != Standing::Outside;
        let mut files: Vec<Arc<DataFile>> = snapshot.files.iter().filter(may_hold).cloned().collect();
        files.sort_by_key(|file| (file.time, file.path.to_string()));
        let hot = 0..snapshot.hot.len();
        History { snapshot: Arc::new(snapshot), range, hot, files: files.into(), open: None, passed_over: 0 }
    }

    /// Rows that were not passed over yet and are still to come; some may turn out to lie outside of the range.
    pub fn rows(&self) -> u64 {
        let hot: usize = self.snapshot.hot[self.hot.clone()].iter().map(RecordBatch::num_rows).sum();
        self.files.iter().map(|file| file.rows).sum::<u64>() + hot as u64
    }

    /// Rows of row groups that were passed over since the last call.
    pub fn take_passed_over(&mut self) -> u64 {
        std::mem::take(&mut self.passed_over)
    }

    /// The next piece; files in the order of their times, then hot rows.
    ///
    /// # Errors
    /// [`LakeError::Columns`] when a file cannot be read; its rows are left out, and the next call goes on.
    pub async fn next(&mut self) -> Option<Result<Piece, LakeError>> {
        loop {
            if let Some(piece) = self.next_group() {
                return Some(Ok(piece));
            }
            let Some(file) = self.files.pop_front() else { break };
            match FileReader::new(&self.snapshot, &file).metadata().await {
                Ok(metadata) => self.open = Some(OpenFile { file, metadata, next_group: 0 }),
                Err(error) => return Some(Err(self.snapshot.unreadable(&file.path, &error))),
            }
        }
        let batch = self.hot.next()?;
        let rows = self.snapshot.hot[batch].num_rows() as u64;
        Some(Ok(self.piece(Place::Hot(batch), rows)))
    }

    fn next_group(&mut self) -> Option<Piece> {
        let open = self.open.as_mut()?;
        while open.next_group < open.metadata.metadata().num_row_groups() {
            let group = open.next_group;
            open.next_group += 1;
            let known = open.metadata.metadata().row_group(group);
            let rows = u64::try_from(known.num_rows()).unwrap_or(0);
            let (time, has_nulls) = times_of(known);
            match standing(self.range, time, has_nulls) {
                Standing::Outside => self.passed_over += rows,
                found => {
                    let (file, metadata) = (Arc::clone(&open.file), open.metadata.clone());
                    let within = found == Standing::Within;
                    return Some(self.piece(Place::RowGroup { file, metadata, group, within }, rows));
                }
            }
        }
        self.open = None;
        None
    }

    fn piece(&self, place: Place, rows: u64) -> Piece {
        Piece { snapshot: Arc::clone(&self.snapshot), range: self.range, place, rows }
    }
}

impl Piece {
    /// Rows that it holds, those outside of the range included.
    pub fn rows(&self) -> u64 {
        self.rows
    }

    /// The table's name.
    pub fn table(&self) -> &str {
        &self.snapshot.schema.name
    }

    /// Every column of the table.
    pub fn columns(&self) -> impl Iterator<Item = &str> {
        self.snapshot.schema.columns.iter().map(|column| column.name.as_str())
    }

    /// The columns called `columns` that the table has, of the rows in the range, in batches of at most `batch_rows`.
    /// Read twice, the rows are the same and in the same order.
    ///
    /// # Errors
    /// [`LakeError::Columns`] when the file cannot be read or is damaged.
    pub async fn read(
        &self,
        columns: &[&str],
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, LakeError> {
        let damaged = |error: ArrowError| LakeError::columns(self.table(), error);
        let schema = self.schema_of(columns)?;
        match &self.place {
            Place::Hot(batch) => {
                let batch = &self.snapshot.hot[*batch];
                let kept = filter_record_batch(batch, &in_range(batch, self.range)).map_err(damaged)?;
                let aligned = align(&kept, &schema).map_err(damaged)?;
                let starts = (0..aligned.num_rows()).step_by(batch_rows.max(1));
                let slices: Vec<_> =
                    starts.map(|start| Ok(aligned.slice(start, batch_rows.min(aligned.num_rows() - start)))).collect();
                Ok(futures::stream::iter(slices).boxed())
            }
            Place::RowGroup { file, metadata, group, within } => {
                let filter = self.range.filter(|_| !within);
                self.group(file, metadata, *group, &Chosen::InRange(filter), schema, batch_rows)
                    .map_err(|error| self.snapshot.unreadable(&file.path, &error))
            }
        }
    }

    /// As [`read`](Self::read), only the rows numbered `rows` (ascending), counted from 0 over what `read` gives. Only
    /// of pieces that [may have a companion](Self::may_have_companion); of others there are none.
    ///
    /// # Errors
    /// As [`read`](Self::read).
    pub async fn read_rows(
        &self,
        columns: &[&str],
        rows: &[u32],
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, LakeError> {
        let Place::RowGroup { file, metadata, group, within: true } = &self.place else {
            return Ok(futures::stream::empty().boxed());
        };
        let schema = self.schema_of(columns)?;
        let total = usize::try_from(self.rows).unwrap_or(usize::MAX);
        let chosen = Chosen::Rows(selection(rows, total));
        self.group(file, metadata, *group, &chosen, schema, batch_rows)
            .map_err(|error| self.snapshot.unreadable(&file.path, &error))
    }

    /// The file and the number of the row group, when the piece is all of it.
    pub(crate) fn row_group(&self) -> Option<(&Path, usize)> {
        match &self.place {
            Place::RowGroup { file, group, within: true, .. } => Some((&file.path, *group)),
            Place::RowGroup { within: false, .. } | Place::Hot(_) => None,
        }
    }

    /// Where the file is found.
    pub(crate) fn store(&self) -> Arc<dyn ObjectStore> {
        Arc::clone(&self.snapshot.store)
    }

    /// The table's columns among `columns`, in their order.
    fn schema_of(&self, columns: &[&str]) -> Result<SchemaRef, LakeError> {
        let wanted: Vec<usize> = columns.iter().filter_map(|name| self.snapshot.arrow.index_of(name).ok()).collect();
        let schema = self.snapshot.arrow.project(&wanted);
        Ok(Arc::new(schema.map_err(|error| LakeError::columns(self.table(), error))?))
    }

    fn group(
        &self,
        file: &Arc<DataFile>,
        metadata: &ArrowReaderMetadata,
        group: usize,
        chosen: &Chosen,
        schema: SchemaRef,
        batch_rows: usize,
    ) -> Result<BoxStream<'static, Result<RecordBatch, LakeError>>, ParquetError> {
        let reader = FileReader::new(&self.snapshot, file);
        let named = |name: &str| metadata.schema().index_of(name).ok();
        let roots = schema.fields().iter().filter_map(|field| named(field.name()));
        let mask = ProjectionMask::roots(metadata.parquet_schema(), roots);
        let mut builder = ParquetRecordBatchStreamBuilder::new_with_metadata(reader, metadata.clone())
            .with_row_groups(vec![group])
            .with_batch_size(batch_rows.max(1))
            .with_projection(mask);
        match chosen {
            Chosen::InRange(None) => {}
            Chosen::InRange(Some(range)) => {
                let range = *range;
                let time = ProjectionMask::roots(metadata.parquet_schema(), named(TIME));
                let passes = ArrowPredicateFn::new(time, move |batch| Ok(in_range(&batch, Some(range))));
                builder = builder
                    .with_row_filter(RowFilter::new(vec![Box::new(passes)]))
                    .with_row_selection_policy(RowSelectionPolicy::Selectors);
            }
            Chosen::Rows(rows) => builder = builder.with_row_selection(rows.clone()),
        }
        let (snapshot, path) = (Arc::clone(&self.snapshot), file.path.clone());
        let aligned = builder.build()?.map(move |batch| {
            let batch = batch.map_err(|error| snapshot.unreadable(&path, &error))?;
            align(&batch, &schema).map_err(|error| LakeError::columns(&snapshot.schema.name, error))
        });
        Ok(aligned.boxed())
    }
}

impl TableSnapshot {
    fn unreadable(&self, path: &Path, error: &ParquetError) -> LakeError {
        LakeError::columns(&self.schema.name, format!("{path} cannot be read: {error}"))
    }
}

/// Where rows with these least and greatest times stand to the range.
fn standing(range: Option<TimeRange>, time: Option<(Timestamp, Timestamp)>, has_nulls: bool) -> Standing {
    match (range, time) {
        (None, _) => Standing::Within,
        (Some(_), None) => Standing::Unclear,
        (Some(range), Some((least, greatest))) => {
            if greatest < range.from || least >= range.to {
                Standing::Outside
            } else if least >= range.from && greatest < range.to && !has_nulls {
                Standing::Within
            } else {
                Standing::Unclear
            }
        }
    }
}

/// Least and greatest event time of a row group, if the file tells, and whether rows without one may be in it.
fn times_of(group: &RowGroupMetaData) -> (Option<(Timestamp, Timestamp)>, bool) {
    let column = group.columns().iter().find(|column| column.column_path().string() == TIME);
    let Some(statistics) = column.and_then(|column| column.statistics()) else { return (None, true) };
    let has_nulls = statistics.null_count_opt() != Some(0);
    match statistics {
        Statistics::Int64(values) => {
            let both = values.min_opt().zip(values.max_opt());
            (both.map(|(least, greatest)| (Timestamp(*least), Timestamp(*greatest))), has_nulls)
        }
        _ => (None, true),
    }
}

/// Which rows of a batch lie in the range; rows without a time lie in none.
fn in_range(batch: &RecordBatch, range: Option<TimeRange>) -> BooleanArray {
    let Some(range) = range else { return BooleanArray::from(vec![true; batch.num_rows()]) };
    let times = batch.column_by_name(TIME).and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>());
    match times {
        Some(times) => (0..times.len())
            .map(|row| {
                let at = Timestamp(times.value(row));
                Some(times.is_valid(row) && range.from <= at && at < range.to)
            })
            .collect(),
        None => BooleanArray::from(vec![false; batch.num_rows()]),
    }
}

/// One file in the snapshot's store.
#[derive(Debug, Clone)]
pub(crate) struct FileReader {
    pub store: Arc<dyn ObjectStore>,
    pub path: Path,
    pub bytes: u64,
}

impl FileReader {
    fn new(snapshot: &TableSnapshot, file: &DataFile) -> FileReader {
        FileReader { store: Arc::clone(&snapshot.store), path: file.path.clone(), bytes: file.bytes }
    }

    async fn metadata(mut self) -> Result<ArrowReaderMetadata, ParquetError> {
        ArrowReaderMetadata::load_async(&mut self, ArrowReaderOptions::new()).await
    }

    /// The footer with the index of pages, where the file has one.
    pub(crate) async fn footer(&mut self) -> Result<Arc<ParquetMetaData>, ParquetError> {
        let reader = ParquetMetaDataReader::new()
            .with_page_index_policy(PageIndexPolicy::Optional)
            .with_prefetch_hint(Some(FOOTER_BYTES));
        let bytes = self.bytes;
        Ok(Arc::new(reader.load_and_finish(self, bytes).await?))
    }
}

impl AsyncFileReader for FileReader {
    fn get_bytes(&mut self, range: std::ops::Range<u64>) -> BoxFuture<'_, Result<Bytes, ParquetError>> {
        self.store.get_range(&self.path, range).map_err(failed).boxed()
    }

    fn get_byte_ranges(
        &mut self,
        ranges: Vec<std::ops::Range<u64>>,
    ) -> BoxFuture<'_, Result<Vec<Bytes>, ParquetError>> {
        async move { self.store.get_ranges(&self.path, &ranges).await.map_err(failed) }.boxed()
    }

    fn get_metadata<'a>(
        &'a mut self,
        options: Option<&'a ArrowReaderOptions>,
    ) -> BoxFuture<'a, Result<Arc<ParquetMetaData>, ParquetError>> {
        async move {
            let reader =
                ParquetMetaDataReader::new().with_arrow_reader_options(options).with_prefetch_hint(Some(FOOTER_BYTES));
            let bytes = self.bytes;
            Ok(Arc::new(reader.load_and_finish(self, bytes).await?))
        }
        .boxed()
    }
}

fn failed(error: object_store::Error) -> ParquetError {
    ParquetError::External(Box::new(error))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_passed_over_only_when_their_times_are_known_to_lie_outside() {
        let range = Some(TimeRange { from: Timestamp(10), to: Timestamp(20) });
        let check = |time: Option<(i64, i64)>, has_nulls: bool, expected: Standing| {
            let time = time.map(|(least, greatest)| (Timestamp(least), Timestamp(greatest)));
            assert_eq!(standing(range, time, has_nulls), expected, "{time:?}");
        };
        check(Some((0, 9)), false, Standing::Outside);
        check(Some((0, 10)), false, Standing::Unclear);
        check(Some((10, 19)), false, Standing::Within);
        check(Some((10, 19)), true, Standing::Unclear);
        check(Some((10, 20)), false, Standing::Unclear);
        check(Some((20, 30)), false, Standing::Outside);
        check(None, true, Standing::Unclear);
        assert_eq!(standing(None, None, true), Standing::Within);
    }
}
