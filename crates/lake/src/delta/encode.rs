//! Rows to Parquet files: one per day, sorted by time, with the statistics that skip them.

use std::collections::HashSet;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{RecordBatch, StringArray};
use arrow_schema::SchemaRef;
use arrow_select::interleave::interleave_record_batch;
use kernel::Timestamp;
use parquet::arrow::ArrowWriter;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::basic::{Compression, ZstdLevel};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::SortingColumn;
use parquet::file::properties::{EnabledStatistics, WriterProperties};
use parquet::schema::types::ColumnPath;

use super::days::{DayLimits, RowAt, split, time_values};
use crate::paths::{self, DynamicPath};
use crate::snapshot::align;
use crate::terms;

const ROW_GROUP_ROWS: usize = 131_072;
const BATCH_ROWS: usize = 4_096;
/// Small enough that a few rows of long texts are read without decoding many.
const PAGE_BYTES: usize = 128 << 10;
/// Of texts that hardly repeat, which are the long ones and those that are searched, and of times: where few rows are read,
/// because they may have a term, these columns cost most.
const FINE_PAGE_BYTES: usize = 32 << 10;
/// Rows by which it is judged whether a column's values repeat.
const SAMPLE_ROWS: usize = 4_096;
/// Fewer say nothing.
const LEAST_SAMPLE: usize = 256;

/// One Parquet file in memory.
#[derive(Debug)]
pub struct Encoded {
    pub day: Option<i32>,
    pub bytes: bytes::Bytes,
    pub stats: FileStats,
    /// The term index of its rows.
    pub terms: Vec<u8>,
    /// Its promoted paths, where it has any.
    pub paths: Option<Vec<u8>>,
}

/// How files are written.
#[derive(Debug, Clone)]
pub struct Style {
    pub zstd: i32,
    /// Paths that are promoted in any case.
    pub asked: Vec<DynamicPath>,
}

/// What the transaction log says of a file.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct FileStats {
    pub rows: u64,
    pub time: Option<(Timestamp, Timestamp)>,
    /// Rows whose `TimeGenerated` is null.
    pub time_nulls: u64,
    pub received: Option<(Timestamp, Timestamp)>,
}

/// Encodes `batches`, which all have `schema`, one file per day.
pub fn encode(batches: &[RecordBatch], schema: &SchemaRef, limits: DayLimits, style: &Style) -> Result<Vec<Encoded>> {
    split(batches, limits).into_iter().map(|(day, rows)| encode_day(batches, schema, day, &rows, style)).collect()
}

fn encode_day(
    batches: &[RecordBatch],
    schema: &SchemaRef,
    day: Option<i32>,
    rows: &[RowAt],
    style: &Style,
) -> Result<Encoded> {
    let mut file = FileWriter::new(schema, style);
    let sources: Vec<&RecordBatch> = batches.iter().collect();
    for chunk in rows.chunks(BATCH_ROWS) {
        let batch = match contiguous(chunk) {
            Some((source, first)) => batches[source].slice(first, chunk.len()),
            None => interleave_record_batch(&sources, chunk)?,
        };
        file.write(&batch)?;
    }
    file.finish(day)
}

/// The batch and first row, when the rows lie one after the other in one batch.
fn contiguous(rows: &[RowAt]) -> Option<RowAt> {
    let (source, first) = *rows.first()?;
    let follows = |(offset, at): (usize, &RowAt)| *at == (source, first + offset);
    rows.iter().enumerate().all(follows).then_some((source, first))
}

/// Merges whole files of one day into one. Row groups stay in the order of the files.
pub fn merge(files: &[bytes::Bytes], schema: &SchemaRef, day: Option<i32>, style: &Style) -> Result<Encoded> {
    let mut merged = FileWriter::new(schema, style);
    for bytes in files {
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes.clone())?.with_batch_size(BATCH_ROWS).build()?;
        for batch in reader {
            merged.write(&align(&batch?, schema)?)?;
        }
    }
    merged.finish(day)
}

/// The term index and the promoted paths of a file that lacks them.
pub fn companions(
    file: &bytes::Bytes,
    schema: &SchemaRef,
    asked: &[DynamicPath],
) -> Result<(Vec<u8>, Option<Vec<u8>>)> {
    let mut terms = terms::build::Builder::new(schema);
    let mut paths = paths::build::Builder::new(schema, asked, None);
    let groups = ParquetRecordBatchReaderBuilder::try_new(file.clone())?.metadata().num_row_groups();
    for group in 0..groups {
        let reader = ParquetRecordBatchReaderBuilder::try_new(file.clone())?.with_row_groups(vec![group]);
        for batch in reader.with_batch_size(BATCH_ROWS).build()? {
            let batch = align(&batch?, schema)?;
            terms.add(&batch);
            paths.add(&batch)?;
        }
        paths.end_group()?;
    }
    Ok((terms.finish(), paths.finish()?))
}

struct FileWriter {
    schema: SchemaRef,
    zstd: i32,
    /// From the first rows on, which decide how the columns are written.
    writer: Option<ArrowWriter<Vec<u8>>>,
    stats: FileStats,
    terms: terms::build::Builder,
    paths: paths::build::Builder,
}

impl FileWriter {
    fn new(schema: &SchemaRef, style: &Style) -> FileWriter {
        let terms = terms::build::Builder::new(schema);
        let paths = paths::build::Builder::new(schema, &style.asked, Some(ROW_GROUP_ROWS));
        let (schema, stats) = (Arc::clone(schema), FileStats::default());
        FileWriter { schema, zstd: style.zstd, writer: None, stats, terms, paths }
    }

    fn write(&mut self, batch: &RecordBatch) -> Result<()> {
        let writer = match self.writer.take() {
            Some(writer) => writer,
            None => begun(&self.schema, self.zstd, &hardly_repeating(batch))?,
        };
        self.writer.insert(writer).write(batch)?;
        self.terms.add(batch);
        self.paths.add(batch)?;
        self.stats.rows += batch.num_rows() as u64;
        if let Some(times) = time_values(batch, "TimeGenerated") {
            self.stats.time_nulls += arrow_array::Array::null_count(times) as u64;
            widen(&mut self.stats.time, times);
        }
        if let Some(times) = time_values(batch, "_TimeReceived") {
            widen(&mut self.stats.received, times);
        }
        Ok(())
    }

    fn finish(self, day: Option<i32>) -> Result<Encoded> {
        let writer = self.writer.map_or_else(|| begun(&self.schema, self.zstd, &[]), Ok)?;
        let bytes = writer.into_inner()?.into();
        let (terms, paths) = (self.terms.finish(), self.paths.finish()?);
        Ok(Encoded { day, bytes, stats: self.stats, terms, paths })
    }
}

fn widen(range: &mut Option<(Timestamp, Timestamp)>, times: &arrow_array::TimestampMicrosecondArray) {
    let least = arrow::compute::min::<TimestampMicrosecondType>(times);
    let greatest = arrow::compute::max::<TimestampMicrosecondType>(times);
    if let (Some(least), Some(greatest)) = (least, greatest) {
        let (old_least, old_greatest) = range.unwrap_or((Timestamp(least), Timestamp(greatest)));
        *range = Some((old_least.min(Timestamp(least)), old_greatest.max(Timestamp(greatest))));
    }
}

fn begun(schema: &SchemaRef, zstd: i32, plain: &[&str]) -> Result<ArrowWriter<Vec<u8>>> {
    ArrowWriter::try_new(Vec::new(), Arc::clone(schema), Some(properties(schema, zstd, plain)?))
}

/// Columns of text whose values hardly repeat in the first rows. A dictionary of them would be filled and then given up, and
/// every reader of a few rows would have to decode it first.
fn hardly_repeating(first: &RecordBatch) -> Vec<&str> {
    let fields = first.schema_ref().fields().iter().zip(first.columns());
    let texts = fields.filter_map(|(field, column)| Some((field.name().as_str(), column.as_string_opt::<i32>()?)));
    texts.filter(|(_, texts)| is_hardly_repeating(texts)).map(|(name, _)| name).collect()
}

fn is_hardly_repeating(texts: &StringArray) -> bool {
    let mut values = HashSet::new();
    let mut count = 0;
    for text in texts.iter().flatten().take(SAMPLE_ROWS) {
        values.insert(text);
        count += 1;
    }
    count >= LEAST_SAMPLE && values.len() * 2 > count
}

fn properties(schema: &SchemaRef, zstd: i32, plain: &[&str]) -> Result<WriterProperties> {
    let mut properties = WriterProperties::builder()
        .set_created_by("vigie".to_owned())
        .set_compression(Compression::ZSTD(ZstdLevel::try_new(zstd)?))
        .set_max_row_group_row_count(Some(ROW_GROUP_ROWS))
        .set_data_page_size_limit(PAGE_BYTES)
        .set_statistics_enabled(EnabledStatistics::Page);
    // Every value differs: a dictionary would only be built to be thrown away.
    for unique in ["_RawData", "_ItemId"] {
        let path = ColumnPath::from(unique);
        properties = properties.set_column_dictionary_enabled(path.clone(), false);
        properties = properties.set_column_statistics_enabled(path, EnabledStatistics::Chunk);
    }
    for name in ["TimeGenerated", "_TimeReceived"].iter().chain(plain) {
        let path = ColumnPath::from(*name);
        properties = properties.set_column_dictionary_enabled(path.clone(), false);
        properties = properties.set_column_data_page_size_limit(path, FINE_PAGE_BYTES);
    }
    if let Ok(index) = schema.index_of("TimeGenerated") {
        let column_idx = i32::try_from(index).map_err(|error| ParquetError::External(error.into()))?;
        let sorting = SortingColumn { column_idx, descending: false, nulls_first: true };
        properties = properties.set_sorting_columns(Some(vec![sorting]));
    }
    Ok(properties.build())
}
