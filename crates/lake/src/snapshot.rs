//! What a query sees of one table: each row exactly once, for as long as the snapshot is held.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchOptions, new_null_array};
use arrow_schema::{ArrowError, Schema, SchemaRef};
use async_trait::async_trait;
use kernel::{TableSchema, Timestamp};
use object_store::ObjectStore;
use object_store::path::Path;

use crate::error::LakeError;
use crate::paths::DynamicPath;

/// The tables of the lake, as the query engine reaches them.
#[async_trait]
pub trait Tables: Send + Sync {
    /// Every table that exists or is shipped, by name.
    fn schemas(&self) -> Vec<TableSchema>;
    /// Tables that are known to hold nothing now, without looking.
    fn empty(&self) -> Vec<String> {
        Vec::new()
    }
    /// The rows of `table` now; `None`: no table has that name.
    async fn snapshot(&self, table: &str) -> Result<Option<TableSnapshot>, LakeError>;
    /// A query follows `path` into a column of `table`: files that are written from now on should have it at hand.
    fn note_path(&self, table: &str, path: DynamicPath) {
        let _ = (table, path);
    }
    /// What is derived of the data file `file` was found to be damaged: it should be made anew.
    fn note_damaged(&self, file: &Path) {
        let _ = file;
    }
}

/// One table at one moment. Files that it names are not deleted while it lives.
#[derive(Debug, Clone)]
pub struct TableSnapshot {
    pub schema: Arc<TableSchema>,
    /// `schema` as it lies in Arrow. The partition column `_Day` is not part of it.
    pub arrow: SchemaRef,
    /// Where [`DataFile::path`] is found.
    pub store: Arc<dyn ObjectStore>,
    /// Rows not yet in files. A batch can lack columns and order them differently: see [`Self::align`].
    pub hot: Vec<RecordBatch>,
    pub files: Vec<Arc<DataFile>>,
}

/// One active Parquet file. Columns that it lacks are null.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct DataFile {
    /// Full path in [`TableSnapshot::store`].
    pub path: Path,
    pub bytes: u64,
    pub rows: u64,
    /// Days since 1970 of every `TimeGenerated` in it; `None`: rows without a usable time, or of too many days.
    pub day: Option<i32>,
    /// Least and greatest `TimeGenerated`, inclusive; `None`: not known, so the file cannot be skipped.
    pub time: Option<(Timestamp, Timestamp)>,
    /// Greatest `_TimeReceived`, from which retention counts when `day` is `None`.
    pub received: Option<Timestamp>,
}

impl TableSnapshot {
    /// Rows in files and hot rows.
    pub fn rows(&self) -> u64 {
        let hot: usize = self.hot.iter().map(RecordBatch::num_rows).sum();
        self.files.iter().map(|file| file.rows).sum::<u64>() + hot as u64
    }

    /// `batch` with exactly the columns `wanted` (by name, in that order, types of `arrow`), nulls where it has none.
    pub fn align(&self, batch: &RecordBatch, wanted: &[usize]) -> Result<RecordBatch, ArrowError> {
        align(batch, &Arc::new(self.arrow.project(wanted)?))
    }
}

/// `batch` with the columns of `schema`, nulls where it has none.
pub(crate) fn align(batch: &RecordBatch, schema: &Arc<Schema>) -> Result<RecordBatch, ArrowError> {
    if Arc::ptr_eq(&batch.schema(), schema) {
        return Ok(batch.clone());
    }
    let columns = schema
        .fields()
        .iter()
        .map(|field| match batch.column_by_name(field.name()) {
            Some(column) => Arc::clone(column),
            None => new_null_array(field.data_type(), batch.num_rows()),
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
    RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)
}
