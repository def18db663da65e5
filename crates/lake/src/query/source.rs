//! A table of the lake as DataFusion reads it: hot rows and Parquet files of one snapshot, in stored types.
//!
//! Files are skipped by the least and greatest `TimeGenerated` that the snapshot knows, before one of them is
//! opened; row groups and pages by their statistics. So a question about the last hour costs the last hour.

use std::sync::Arc;

use arrow_array::RecordBatch;
use arrow_schema::SchemaRef;
use async_trait::async_trait;
use datafusion::catalog::{Session, TableProvider};
use datafusion::common::{Column, DFSchema, ScalarValue};
use datafusion::datasource::listing::PartitionedFile;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::datasource::physical_plan::{FileGroup, FileScanConfigBuilder, ParquetSource};
use datafusion::datasource::source::DataSourceExec;
use datafusion::error::Result;
use datafusion::logical_expr::utils::conjunction;
use datafusion::logical_expr::{Expr, Operator, TableProviderFilterPushDown, TableType};
use datafusion::physical_plan::ExecutionPlan;
use datafusion::physical_plan::empty::EmptyExec;
use datafusion::physical_plan::union::UnionExec;
use kernel::Timestamp;
use kernel::port::TimeRange;

use crate::snapshot::{DataFile, TableSnapshot};

/// The column by which files are skipped.
const TIME: &str = "TimeGenerated";

/// One table at one moment.
#[derive(Debug)]
pub struct LakeTable {
    snapshot: TableSnapshot,
    /// Under which the snapshot's store is registered for the query.
    store: ObjectStoreUrl,
    /// The asker's range of event time.
    range: Option<TimeRange>,
}

impl LakeTable {
    /// `snapshot`, whose store the query knows as `store`.
    pub fn new(snapshot: TableSnapshot, store: ObjectStoreUrl, range: Option<TimeRange>) -> LakeTable {
        LakeTable { snapshot, store, range }
    }

    fn hot(&self, projection: &[usize]) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        if self.snapshot.hot.is_empty() {
            return Ok(None);
        }
        let batches: Vec<RecordBatch> =
            self.snapshot.hot.iter().map(|batch| self.snapshot.align(batch, projection)).collect::<Result<_, _>>()?;
        let schema = Arc::new(self.snapshot.arrow.project(projection)?);
        Ok(Some(MemorySourceConfig::try_new_exec(&[batches], schema, None)?))
    }

    fn files(
        &self,
        state: &dyn Session,
        projection: &[usize],
        filters: &[Expr],
        limit: Option<usize>,
    ) -> Result<Option<Arc<dyn ExecutionPlan>>> {
        let wanted: Vec<&Arc<DataFile>> =
            self.snapshot.files.iter().filter(|file| may_hold(file, filters, self.range)).collect();
        if wanted.is_empty() {
            return Ok(None);
        }
        let mut source = ParquetSource::new(Arc::clone(&self.snapshot.arrow)).with_enable_page_index(true);
        if let Some(predicate) = conjunction(filters.to_vec()) {
            let schema = DFSchema::try_from(Arc::clone(&self.snapshot.arrow))?;
            source = source.with_predicate(state.create_physical_expr(predicate, &schema)?);
        }
        let groups = spread(&wanted, state.config().target_partitions());
        let config = FileScanConfigBuilder::new(self.store.clone(), Arc::new(source))
            .with_file_groups(groups)
            .with_projection_indices(Some(projection.to_vec()))?
            .with_limit(limit)
            .build();
        Ok(Some(DataSourceExec::from_data_source(config)))
    }
}

/// Files in at most `count` groups of about equal size.
fn spread(files: &[&Arc<DataFile>], count: usize) -> Vec<FileGroup> {
    let mut groups: Vec<(u64, Vec<PartitionedFile>)> = vec![(0, Vec::new()); count.max(1).min(files.len())];
    let mut sorted = files.to_vec();
    sorted.sort_by_key(|file| std::cmp::Reverse(file.bytes));
    for file in sorted {
        if let Some(least) = groups.iter_mut().min_by_key(|group| group.0) {
            least.0 += file.bytes;
            least.1.push(PartitionedFile::new(file.path.to_string(), file.bytes));
        }
    }
    groups.into_iter().map(|(_, files)| FileGroup::new(files)).collect()
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
        Arc::clone(&self.snapshot.arrow)
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
        let all: Vec<usize> = (0..self.snapshot.arrow.fields().len()).collect();
        let projection = projection.unwrap_or(&all);
        let limit = if filters.is_empty() && self.range.is_none() { limit } else { None };
        let parts = [self.hot(projection)?, self.files(state, projection, filters, limit)?];
        let mut parts: Vec<Arc<dyn ExecutionPlan>> = parts.into_iter().flatten().collect();
        match parts.len() {
            0 => Ok(Arc::new(EmptyExec::new(Arc::new(self.snapshot.arrow.project(projection)?)))),
            1 => Ok(parts.remove(0)),
            _ => UnionExec::try_new(parts),
        }
    }
}
