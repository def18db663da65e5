//! A table of the lake as DataFusion reads it: hot rows and Parquet files of one snapshot, in stored types, texts as
//! views.
//!
//! Files are skipped by the least and greatest `TimeGenerated` that the snapshot knows, before one of them is
//! opened; of the others the term index says which blocks of rows can matter; row groups and pages are skipped by their
//! statistics. So a question about the last hour costs the last hour, and one after a rare term the rows near it.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch};
use arrow_cast::cast;
use arrow_schema::{DataType, Field, Schema, SchemaRef};
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::stats::Precision;
use datafusion::common::{Column, DFSchema, ScalarValue, Statistics};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_expr_adapter::PhysicalExprAdapterFactory;
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use futures::StreamExt;
use kernel::Timestamp;
use kernel::port::TimeRange;
use parking_lot::Mutex;

use super::file_cache::{FileCache, Readers};
use super::progress::Progress;
use super::promoted::{self, FollowingFactory};
use super::shares::{Chosen, shared_out};
use crate::paths::DynamicPath;
use crate::snapshot::{DataFile, TableSnapshot};
use crate::terms::Wanted;

/// The column by which files are skipped.
const TIME: &str = "TimeGenerated";
/// Term indexes that are fetched at the same time.
const INDEXES_AT_ONCE: usize = 16;
/// Files of which it is looked up what paths are promoted.
const FILES_JUDGED_BY: usize = 4;
/// One row in so many is few.
const FEW: u64 = 4;

/// One table at one moment.
#[derive(Debug, Clone)]
pub struct LakeTable {
    snapshot: Arc<TableSnapshot>,
    /// The table's columns, texts as views.
    schema: SchemaRef,
    /// Under which the snapshot's store is registered for the query.
    store: ObjectStoreUrl,
    /// The asker's range of event time.
    range: Option<TimeRange>,
    files: Arc<FileCache>,
    progress: Arc<Progress>,
    /// Terms that every row of interest has.
    wanted: Option<Wanted>,
    /// Searches that every row of interest passes, over stored columns.
    searches: Vec<Expr>,
    /// Paths that are columns after those of the table.
    paths: Arc<[DynamicPath]>,
}

impl LakeTable {
    /// `snapshot`, whose store the query knows as `store`.
    pub fn new(
        snapshot: TableSnapshot,
        store: ObjectStoreUrl,
        range: Option<TimeRange>,
        files: Arc<FileCache>,
        progress: Arc<Progress>,
    ) -> LakeTable {
        let schema = Arc::new(with_views(&snapshot.arrow));
        LakeTable {
            snapshot: Arc::new(snapshot),
            schema,
            store,
            range,
            files,
            progress,
            wanted: None,
            searches: Vec::new(),
            paths: Arc::new([]),
        }
    }

    /// The table's name.
    pub(super) fn name(&self) -> &str {
        &self.snapshot.schema.name
    }

    /// The same with `paths` as columns after those of the table, called by [`DynamicPath::name`].
    pub(super) fn with_paths(&self, paths: Vec<DynamicPath>) -> LakeTable {
        let own = self.schema.fields().iter().map(|field| field.as_ref().clone());
        let fields: Vec<Field> = own.chain(paths.iter().map(promoted::field)).collect();
        let schema = Arc::new(Schema::new_with_metadata(fields, self.schema.metadata().clone()));
        LakeTable { schema, paths: paths.into(), ..self.clone() }
    }

    /// Those of `paths` that files have columns for, judged by the newest of them.
    pub(super) async fn promoted(&self, paths: &[DynamicPath]) -> Vec<DynamicPath> {
        let mut newest: Vec<&Arc<DataFile>> =
            self.snapshot.files.iter().filter(|file| may_hold(file, &[], self.range)).collect();
        newest.sort_by_key(|file| std::cmp::Reverse(file.time));
        newest.truncate(FILES_JUDGED_BY);
        let names: Vec<String> = paths.iter().map(DynamicPath::name).collect();
        let mut has = vec![false; names.len()];
        for file in newest {
            let found = self.files.has_columns(Arc::clone(&self.snapshot.store), file, &names).await;
            has.iter_mut().zip(found).for_each(|(has, found)| *has |= found);
        }
        paths.iter().zip(has).filter(|(_, has)| *has).map(|(path, _)| path.clone()).collect()
    }

    /// The same for a caller to whom only rows with these terms matter, and only those that pass all `searches`.
    pub(crate) fn with_terms(&self, wanted: Wanted, searches: Vec<Expr>) -> LakeTable {
        LakeTable { wanted: Some(wanted), searches, ..self.clone() }
    }

    fn hot(&self, projection: &[usize]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if self.snapshot.hot.is_empty() {
            return Ok(None);
        }
        let schema = Arc::new(self.schema.project(projection)?);
        let batches = self.snapshot.hot.iter().map(|batch| {
            let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
            let columns = projection.iter().map(|place| self.hot_column(batch, *place)).collect::<Result<_>>()?;
            Ok(RecordBatch::try_new_with_options(Arc::clone(&schema), columns, &options)?)
        });
        let batches = batches.collect::<Result<Vec<_>>>()?;
        self.progress.plan(0, batches.iter().map(|batch| batch.num_rows() as u64).sum(), 0);
        Ok(Some(MemorySourceConfig::try_new_exec(&[batches], schema, None)?))
    }

    /// The column at `place` of hot rows.
    fn hot_column(&self, batch: &RecordBatch, place: usize) -> Result<ArrayRef> {
        let width = self.snapshot.arrow.fields().len();
        if let Some(path) = place.checked_sub(width).and_then(|at| self.paths.get(at)) {
            let base = self.hot_column(batch, self.snapshot.arrow.index_of(&path.column)?)?;
            return Ok(promoted::followed(&base, path));
        }
        let column = self.snapshot.align(batch, &[place])?.column(0).clone();
        Ok(match self.schema.field(place).data_type() {
            DataType::Utf8View => cast(&column, &DataType::Utf8View)?,
            _ => column,
        })
    }

    async fn files(
        &self,
        state: &dyn Session,
        projection: &[usize],
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let wanted = self.chosen(filters).await;
        if wanted.is_empty() {
            return Ok(None);
        }
        let with_paths = !self.paths.is_empty();
        let sum = |of: fn(&Chosen) -> u64| wanted.iter().map(of).sum();
        self.progress.plan(wanted.len() as u64, sum(Chosen::rows), sum(|chosen| chosen.file.bytes));
        let readers = Readers {
            store: Arc::clone(&self.snapshot.store),
            cache: Arc::clone(&self.files),
            with_paths,
            progress: Arc::clone(&self.progress),
            opened: Mutex::default(),
        };
        let mut source = ParquetSource::new(Arc::clone(&self.schema))
            .with_enable_page_index(true)
            .with_parquet_file_reader_factory(Arc::new(readers));
        let few = self.few_rows(&wanted);
        let searches = self.searches.iter().filter(|_| few).cloned();
        if let Some(predicate) = conjunction(filters.iter().cloned().chain(searches)) {
            let schema = DFSchema::try_from(Arc::clone(&self.schema))?;
            // Where few rows matter, the other columns are decoded for those alone that the search finds.
            source = source
                .with_predicate(state.create_physical_expr(predicate, &schema)?)
                .with_pushdown_filters(few && !self.searches.is_empty());
        }
        let statistics = self.statistics(&wanted);
        let groups = shared_out(wanted, state.config().target_partitions());
        let group = |files: &Vec<Chosen>| FileGroup::new(files.iter().map(|chosen| self.partitioned(chosen)).collect());
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups.iter().map(group).collect())
            .with_statistics(statistics)
            .with_projection_indices(Some(projection.to_vec()))?
            .with_limit(limit)
            .with_expr_adapter(with_paths.then(|| {
                let factory = FollowingFactory { paths: Arc::clone(&self.paths) };
                Arc::new(factory) as Arc<dyn PhysicalExprAdapterFactory>
            }))
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }

    /// The files that can have rows of interest, and which rows those are.
    async fn chosen(&self, filters: &[Expr]) -> Vec<Chosen> {
        let in_time: Vec<Arc<DataFile>> =
            self.snapshot.files.iter().filter(|file| may_hold(file, filters, self.range)).cloned().collect();
        let Some(wanted) = &self.wanted else {
            return in_time.into_iter().map(|file| Chosen { file, rows: None }).collect();
        };
        let looks = in_time.into_iter().map(|file| self.looked_up(file, wanted));
        let looked: Vec<Option<Chosen>> = futures::stream::iter(looks).buffered(INDEXES_AT_ONCE).collect().await;
        looked.into_iter().flatten().collect()
    }

    /// The rows of `file` that may have the terms; `None`: none has.
    async fn looked_up(&self, file: Arc<DataFile>, wanted: &Wanted) -> Option<Chosen> {
        let index = self.files.terms(self.snapshot.store.as_ref(), &file).await;
        match index.and_then(|index| index.selection(wanted)) {
            Some(rows) if !rows.selects_any() => None,
            rows => Some(Chosen { file, rows: rows.map(ParquetRowSelection::new) }),
        }
    }

    /// Whether the term index leaves so few rows that it pays to search them before the rest of them is decoded.
    fn few_rows(&self, files: &[Chosen]) -> bool {
        let all: u64 = files.iter().map(|chosen| chosen.file.rows).sum();
        files.iter().map(Chosen::rows).sum::<u64>() * FEW < all
    }

    /// What is known of the rows of some files before any is read.
    fn statistics(&self, files: &[Chosen]) -> Statistics {
        let sum = |of: fn(&Chosen) -> u64| usize::try_from(files.iter().map(of).sum::<u64>()).unwrap_or(usize::MAX);
        let rows = sum(Chosen::rows);
        // A file of another writer need not say how many rows it has.
        let exact = files.iter().all(|chosen| chosen.rows.is_none() && chosen.file.rows > 0);
        Statistics {
            num_rows: if exact { Precision::Exact(rows) } else { Precision::Inexact(rows) },
            total_byte_size: Precision::Inexact(sum(|chosen| chosen.file.bytes)),
            ..Statistics::new_unknown(&self.schema)
        }
    }

    fn partitioned(&self, chosen: &Chosen) -> PartitionedFile {
        let statistics = self.statistics(std::slice::from_ref(chosen));
        let file =
            PartitionedFile::new(chosen.file.path.to_string(), chosen.file.bytes).with_statistics(Arc::new(statistics));
        match &chosen.rows {
            Some(rows) => file.with_extension(rows.clone()),
            None => file,
        }
    }
}

/// The columns of `schema`, texts as views.
fn with_views(schema: &Schema) -> Schema {
    let fields: Vec<Field> = schema
        .fields()
        .iter()
        .map(|field| match field.data_type() {
            DataType::Utf8 => field.as_ref().clone().with_data_type(DataType::Utf8View),
            _ => field.as_ref().clone(),
        })
        .collect();
    Schema::new_with_metadata(fields, schema.metadata().clone())
}

/// Whether a row of `file` can pass `filters` and `range`, judged by its times.
fn may_hold(file: &DataFile, filters: &[Expr], range: Option<TimeRange>) -> bool {
    let Some((least, greatest)) = file.time else { return true };
    if range.is_some_and(|range| greatest < range.from || least >= range.to) {
        return false;
    }
    filters.iter().all(|filter| match filter {
        Expr::BinaryExpr(binary) => match (binary.left.as_ref(), binary.right.as_ref()) {
            (
                Expr::Column(Column { name, .. }),
                Expr::Literal(ScalarValue::TimestampMicrosecond(Some(micros), _), _),
            ) if name == TIME => passes(binary.op, least, greatest, Timestamp(*micros)),
            _ => true,
        },
        _ => true,
    })
}

fn passes(op: Operator, least: Timestamp, greatest: Timestamp, bound: Timestamp) -> bool {
    match op {
        Operator::Lt => least < bound,
        Operator::LtEq => least <= bound,
        Operator::Gt => greatest > bound,
        Operator::GtEq => greatest >= bound,
        Operator::Eq => least <= bound && bound <= greatest,
        _ => true,
    }
}

#[async_trait]
impl TableProvider for LakeTable {
    fn schema(&self) -> SchemaRef {
        Arc::clone(&self.schema)
    }

    fn table_type(&self) -> TableType {
        TableType::Base
    }

    fn supports_filters_pushdown(&self, filters: &[&Expr]) -> Result<Vec<TableProviderFilterPushDown>> {
        // Only what lowering put into the scan itself reaches it; everything else stays above.
        Ok(vec![TableProviderFilterPushDown::Unsupported; filters.len()])
    }

    async fn scan(
        &self,
        state: &dyn Session,
        projection: Option<&Vec<usize>>,
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Arc<dyn ExecutionPlan>> {
        let all: Vec<usize> = (0..self.schema.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let limit = if filters.is_empty() && self.range.is_none() { limit } else { None };
        let parts = [self.hot(projection)?, self.files(state, projection, filters, limit).await?];
        let mut parts: Vec<Arc<dyn ExecutionPlan>> = parts.into_iter().flatten().collect();
        match parts.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(self.schema.project(projection)?)))),
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }
}
