//! The operator.

use std::fmt;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, BooleanArray, RecordBatch};
use arrow_schema::SchemaRef;
use datafusion::common::tree_node::TreeNodeRecursion;
use datafusion::error::Result;
use datafusion::execution::TaskContext;
use datafusion::execution::memory_pool::{MemoryConsumer, MemoryReservation};
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use datafusion::physical_expr::PhysicalExpr;
use datafusion::physical_plan::aggregates::{AggregateExec, AggregateMode, aggregate_expressions};
use datafusion::physical_plan::metrics::{BaselineMetrics, ExecutionPlanMetricsSet, MetricsSet};
use datafusion::physical_plan::stream::RecordBatchStreamAdapter;
use datafusion::physical_plan::{
    DisplayAs, DisplayFormatType, ExecutionPlan, InputOrderMode, PlanProperties, SendableRecordBatchStream,
};
use futures::{StreamExt, TryStreamExt};

use super::keys::GroupKeys;

/// Groups that are held; more are given to the final step, which can put them on disk.
const MOST_GROUPS: usize = 1 << 17;

/// The first step of grouping, by numbers instead of texts. It does what its child describes, on the child's input.
#[derive(Debug)]
pub struct GroupExec {
    /// The description, an [`AggregateExec`]; it does not run.
    described: Arc<dyn ExecutionPlan>,
    metrics: ExecutionPlanMetricsSet,
}

impl GroupExec {
    /// What does the same as `described`; `None`: it is no first step, or needs what numbers do not give.
    pub fn instead_of(described: &Arc<dyn ExecutionPlan>) -> Option<GroupExec> {
        let step = described.downcast_ref::<AggregateExec>()?;
        let plain = *step.mode() == AggregateMode::Partial
            && *step.input_order_mode() == InputOrderMode::Linear
            && step.limit_options().is_none()
            && step.group_expr().is_single()
            && step.aggr_expr().iter().all(|aggregate| aggregate.groups_accumulator_supported());
        let keys = step.group_expr().group_schema(&step.input().schema()).ok()?;
        (plain && GroupKeys::suits(&keys))
            .then(|| GroupExec { described: Arc::clone(described), metrics: ExecutionPlanMetricsSet::new() })
    }

    fn step(&self) -> Result<&AggregateExec> {
        match self.described.downcast_ref::<AggregateExec>() {
            Some(step) => Ok(step),
            None => datafusion::common::internal_err!("grouping by numbers lost its description"),
        }
    }
}

impl DisplayAs for GroupExec {
    fn fmt_as(&self, _: DisplayFormatType, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("GroupExec")
    }
}

impl ExecutionPlan for GroupExec {
    fn name(&self) -> &'static str {
        "GroupExec"
    }

    fn properties(&self) -> &Arc<PlanProperties> {
        self.described.properties()
    }

    fn children(&self) -> Vec<&Arc<dyn ExecutionPlan>> {
        vec![&self.described]
    }

    fn apply_expressions(
        &self,
        _: &mut dyn FnMut(&Arc<dyn PhysicalExpr>) -> Result<TreeNodeRecursion>,
    ) -> Result<TreeNodeRecursion> {
        Ok(TreeNodeRecursion::Continue)
    }

    /// A child that is no such description runs itself.
    fn with_new_children(self: Arc<Self>, mut children: Vec<Arc<dyn ExecutionPlan>>) -> Result<Arc<dyn ExecutionPlan>> {
        let child = children.swap_remove(0);
        Ok(match GroupExec::instead_of(&child) {
            Some(group) => Arc::new(group),
            None => child,
        })
    }

    fn execute(&self, partition: usize, context: Arc<TaskContext>) -> Result<SendableRecordBatchStream> {
        let step = self.step()?;
        let input = step.input().execute(partition, Arc::clone(&context))?;
        let grouping = Grouping::new(step, &context, partition)?;
        let metrics = BaselineMetrics::new(&self.metrics, partition);
        let rows = context.session_config().batch_size();
        let schema = step.schema();
        let batches = futures::stream::try_unfold((input, Some(grouping)), grouped)
            .map_ok(move |batch| futures::stream::iter(in_pieces(&batch, rows).into_iter().map(Ok)))
            .try_flatten()
            .inspect_ok(move |batch: &RecordBatch| metrics.output_rows().add(batch.num_rows()));
        Ok(Box::pin(RecordBatchStreamAdapter::new(schema, batches)))
    }

    fn metrics(&self) -> Option<MetricsSet> {
        Some(self.metrics.clone_inner())
    }
}

type State = (SendableRecordBatchStream, Option<Grouping>);

/// The next groups; `None`: all have been given.
async fn grouped((mut input, grouping): State) -> Result<Option<(RecordBatch, State)>> {
    let Some(mut grouping) = grouping else { return Ok(None) };
    while let Some(batch) = input.next().await {
        let batch = batch?;
        if grouping.passing {
            return Ok(Some((grouping.passed(&batch)?, (input, Some(grouping)))));
        }
        grouping.add(&batch)?;
        if grouping.is_full() {
            return Ok(Some((grouping.take()?, (input, Some(grouping)))));
        }
    }
    if grouping.keys.len() == 0 {
        return Ok(None);
    }
    Ok(Some((grouping.take()?, (input, None))))
}

fn in_pieces(batch: &RecordBatch, rows: usize) -> Vec<RecordBatch> {
    let starts = (0..batch.num_rows()).step_by(rows.max(1));
    starts.map(|start| batch.slice(start, rows.min(batch.num_rows() - start))).collect()
}

/// One aggregate of all groups.
struct Measure {
    arguments: Vec<Arc<dyn PhysicalExpr>>,
    filter: Option<Arc<dyn PhysicalExpr>>,
    groups: Box<dyn GroupsAccumulator>,
}

impl Measure {
    fn evaluated(&self, batch: &RecordBatch) -> Result<(Vec<ArrayRef>, Option<BooleanArray>)> {
        let rows = batch.num_rows();
        let arguments: Result<Vec<ArrayRef>> =
            self.arguments.iter().map(|argument| argument.evaluate(batch)?.into_array(rows)).collect();
        let filter = match &self.filter {
            Some(filter) => Some(filter.evaluate(batch)?.into_array(rows)?.as_boolean().clone()),
            None => None,
        };
        Ok((arguments?, filter))
    }
}

/// The groups of one thread.
struct Grouping {
    schema: SchemaRef,
    by: Vec<Arc<dyn PhysicalExpr>>,
    keys: GroupKeys,
    measures: Vec<Measure>,
    /// Groups of the rows at hand.
    groups: Vec<usize>,
    room: MemoryReservation,
    /// There was no room for what is held.
    crowded: bool,
    /// Rows hardly share groups: each is given on as a group of its own.
    passing: bool,
    rows: usize,
    /// Rows after which it is judged whether they share groups, and the share of groups that are too many.
    probe_rows: usize,
    probe_share: f64,
}

impl Grouping {
    fn new(step: &AggregateExec, context: &TaskContext, partition: usize) -> Result<Grouping> {
        let arguments = aggregate_expressions(step.aggr_expr(), step.mode(), step.group_expr().num_group_exprs())?;
        let filters = step.filter_expr().iter().cloned();
        let measures: Result<Vec<Measure>> = step
            .aggr_expr()
            .iter()
            .zip(arguments.into_iter().zip(filters))
            .map(|(aggregate, (arguments, filter))| {
                Ok(Measure { arguments, filter, groups: aggregate.create_groups_accumulator()? })
            })
            .collect();
        let schema = step.group_expr().group_schema(&step.input().schema())?;
        let Some(keys) = GroupKeys::of(&schema) else {
            return datafusion::common::internal_err!("columns of these types are not numbered");
        };
        let name = format!("GroupExec[{partition}]");
        let options = &context.session_config().options().execution;
        Ok(Grouping {
            schema: step.schema(),
            by: step.group_expr().input_exprs(),
            keys,
            measures: measures?,
            groups: Vec::new(),
            room: MemoryConsumer::new(name).register(context.memory_pool()),
            crowded: false,
            passing: false,
            rows: 0,
            probe_rows: options.skip_partial_aggregation_probe_rows_threshold,
            probe_share: options.skip_partial_aggregation_probe_ratio_threshold,
        })
    }

    fn add(&mut self, batch: &RecordBatch) -> Result<()> {
        let keys = self.keys_of(batch)?;
        self.keys.group(&keys, &mut self.groups);
        let total = self.keys.len();
        for measure in &mut self.measures {
            let (arguments, filter) = measure.evaluated(batch)?;
            measure.groups.update_batch(&arguments, &self.groups, filter.as_ref(), total)?;
        }
        self.rows += batch.num_rows();
        let held: usize = self.measures.iter().map(|measure| measure.groups.size()).sum();
        self.crowded = self.room.try_resize(self.keys.size() + held).is_err();
        Ok(())
    }

    fn keys_of(&self, batch: &RecordBatch) -> Result<Vec<ArrayRef>> {
        self.by.iter().map(|key| key.evaluate(batch)?.into_array(batch.num_rows())).collect()
    }

    fn is_full(&self) -> bool {
        let total = self.keys.len();
        total > 0 && (self.crowded || total >= MOST_GROUPS || self.hardly_shared())
    }

    fn hardly_shared(&self) -> bool {
        self.rows >= self.probe_rows && self.keys.len() as f64 > self.probe_share * self.rows as f64
    }

    /// All groups, which are then forgotten.
    fn take(&mut self) -> Result<RecordBatch> {
        self.passing = self.hardly_shared();
        self.rows = 0;
        let mut columns = self.keys.take();
        for measure in &mut self.measures {
            columns.extend(measure.groups.state(EmitTo::All)?);
        }
        self.room.free();
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }

    /// Each row of `batch` as a group of its own.
    fn passed(&self, batch: &RecordBatch) -> Result<RecordBatch> {
        let mut columns = self.keys_of(batch)?;
        for measure in &self.measures {
            let (arguments, filter) = measure.evaluated(batch)?;
            columns.extend(measure.groups.convert_to_state(&arguments, filter.as_ref())?);
        }
        Ok(RecordBatch::try_new(Arc::clone(&self.schema), columns)?)
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::{Int64Array, StringViewArray};
    use arrow_cast::display::array_value_to_string;
    use arrow_schema::{DataType, Field, Schema};
    use datafusion::datasource::memory::MemorySourceConfig;
    use datafusion::execution::context::{SessionConfig, SessionContext};
    use datafusion::execution::runtime_env::RuntimeEnvBuilder;
    use datafusion::functions_aggregate::{count, sum};
    use datafusion::logical_expr::AggregateUDF;
    use datafusion::physical_expr::aggregate::{AggregateExprBuilder, AggregateFunctionExpr};
    use datafusion::physical_expr::expressions::{IsNotNullExpr, col};
    use datafusion::physical_plan::aggregates::PhysicalGroupBy;
    use datafusion::physical_plan::empty::EmptyExec;
    use datafusion::physical_plan::{collect, displayable};
    use kernel::ScalarType;
    use proptest::prelude::*;

    use super::*;
    use crate::query::aggregate::folds::Fold;
    use crate::query::aggregate::pick::Extreme;
    use crate::query::aggregate::{Kind, KqlAggregate};
    use crate::query::codec::KqlCodec;

    type Row = (Option<String>, Option<i64>, i64);

    fn schema() -> SchemaRef {
        Arc::new(Schema::new(vec![
            Field::new("Host", DataType::Utf8View, true),
            Field::new("Bin", DataType::Int64, true),
            Field::new("Bytes", DataType::Int64, false),
        ]))
    }

    fn input(batches: &[Vec<Row>]) -> Arc<dyn ExecutionPlan> {
        let batches = batches.iter().map(|rows| {
            let columns: Vec<ArrayRef> = vec![
                Arc::new(rows.iter().map(|row| row.0.as_deref()).collect::<StringViewArray>()),
                Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
                Arc::new(rows.iter().map(|row| row.2).collect::<Int64Array>()),
            ];
            RecordBatch::try_new(schema(), columns).unwrap()
        });
        MemorySourceConfig::try_new_exec(&[batches.collect()], schema(), None).unwrap()
    }

    fn measure(function: Arc<AggregateUDF>, arguments: &[&str], name: &str) -> Arc<AggregateFunctionExpr> {
        let arguments = arguments.iter().map(|name| col(name, &schema()).unwrap()).collect();
        Arc::new(AggregateExprBuilder::new(function, arguments).schema(schema()).alias(name).build().unwrap())
    }

    /// The first step of `summarize count(), sumif(…), arg_max(…), dcount(…) by` the first columns.
    fn first_step(batches: &[Vec<Row>], keys: usize, measured: bool) -> Arc<dyn ExecutionPlan> {
        first_step_over(input(batches), keys, measured)
    }

    fn first_step_over(input: Arc<dyn ExecutionPlan>, keys: usize, measured: bool) -> Arc<dyn ExecutionPlan> {
        let columns = ["Host", "Bin"].map(|name| (col(name, &schema()).unwrap(), name.to_owned()));
        let by = PhysicalGroupBy::new_single(columns.into_iter().take(keys).collect());
        let longs = [ScalarType::Long, ScalarType::String];
        let latest = KqlAggregate::udaf(Kind::Pick(Extreme::Max), &longs, &[], ScalarType::Long);
        let distinct = KqlAggregate::udaf(Kind::Fold(Fold::DistinctCount), &longs[..1], &[], ScalarType::Long);
        let measures = vec![
            measure(count::count_udaf(), &["Bytes"], "n"),
            measure(sum::sum_udaf(), &["Bytes"], "s"),
            measure(latest, &["Bytes", "Host"], "latest"),
            measure(distinct, &["Bytes"], "d"),
        ];
        let measures = if measured { measures } else { Vec::new() };
        let has_bin: Arc<dyn PhysicalExpr> = Arc::new(IsNotNullExpr::new(col("Bin", &schema()).unwrap()));
        let filters = [None, Some(has_bin), None, None].into_iter().take(measures.len()).collect();
        let step = AggregateExec::try_new(AggregateMode::Partial, by, measures, filters, input, schema());
        Arc::new(step.unwrap())
    }

    /// All groups of `first`, by DataFusion's final step, in order.
    fn finished(
        first: Arc<dyn ExecutionPlan>,
        described: &dyn ExecutionPlan,
        context: &Arc<TaskContext>,
    ) -> Vec<String> {
        let step = described.downcast_ref::<AggregateExec>().unwrap();
        let filters = step.filter_expr().iter().map(|_| None).collect();
        let (by, measures) = (step.group_expr().as_final(), step.aggr_expr().to_vec());
        let last = AggregateExec::try_new(AggregateMode::Final, by, measures, filters, first, schema()).unwrap();
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        let batches = runtime.block_on(collect(Arc::new(last), Arc::clone(context))).unwrap();
        let shown = |batch: &RecordBatch, row: usize| {
            let cells = batch.columns().iter().map(|column| {
                if column.is_null(row) { "null".to_owned() } else { array_value_to_string(column, row).unwrap() }
            });
            cells.collect::<Vec<_>>().join(" ")
        };
        let mut rows: Vec<String> =
            batches.iter().flat_map(|batch| (0..batch.num_rows()).map(move |row| shown(batch, row))).collect();
        rows.sort();
        rows
    }

    fn context(pool_bytes: usize, probe_rows: usize) -> Arc<TaskContext> {
        let mut config = SessionConfig::new().with_batch_size(64);
        config.options_mut().execution.skip_partial_aggregation_probe_rows_threshold = probe_rows;
        let runtime = RuntimeEnvBuilder::new().with_memory_limit(pool_bytes, 1.0).build_arc().unwrap();
        Arc::new(TaskContext::default().with_session_config(config).with_runtime(runtime))
    }

    fn row() -> impl Strategy<Value = Row> {
        let host = proptest::option::of((0..120_u32).prop_map(|host| format!("host-{host}.office.example.org")));
        (host, proptest::option::of(0..4_i64), 0..50_i64)
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(64))]
        /// With room for everything, with rows that hardly share groups, and with no room at all.
        #[test]
        fn groups_are_those_of_the_plan_that_describes_them(
            batches in proptest::collection::vec(proptest::collection::vec(row(), 0..300), 0..4),
            keys in 1..3_usize,
            measured: bool,
            probe_rows in prop_oneof![Just(usize::MAX), Just(100)],
        ) {
            let described = first_step(&batches, keys, measured);
            let ample = context(1 << 30, probe_rows);
            let expected = finished(Arc::clone(&described), &*described, &ample);
            let group = GroupExec::instead_of(&described).expect("texts and numbers are grouped by number");
            prop_assert_eq!(&finished(Arc::new(group), &*described, &ample), &expected);
            // Only the first step is short of room: what it gives at once is collected under another pool.
            let group = GroupExec::instead_of(&described).expect("as above");
            let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
            let early = runtime.block_on(collect(Arc::new(group), context(1, probe_rows))).unwrap();
            let early = MemorySourceConfig::try_new_exec(&[early], described.schema(), None).unwrap();
            prop_assert_eq!(&finished(early, &*described, &ample), &expected);
        }
    }

    #[test]
    fn what_numbers_do_not_give_stays_as_it_is() {
        let described = first_step(&[], 2, true);
        let step = described.downcast_ref::<AggregateExec>().unwrap();
        let bins = vec![(col("Bin", &schema()).unwrap(), "Bin".to_owned())];
        let without_text = AggregateExec::try_new(
            AggregateMode::Partial,
            PhysicalGroupBy::new_single(bins),
            Vec::new(),
            Vec::new(),
            Arc::clone(step.input()),
            schema(),
        );
        let without_text: Arc<dyn ExecutionPlan> = Arc::new(without_text.unwrap());
        assert!(GroupExec::instead_of(&without_text).is_none());
        assert!(GroupExec::instead_of(step.input()).is_none());
    }

    #[test]
    fn it_is_read_back_as_it_was_written() {
        let described = first_step_over(Arc::new(EmptyExec::new(schema())), 2, true);
        let group = GroupExec::instead_of(&described).expect("texts and numbers are grouped by number");
        let shown = |plan: &dyn ExecutionPlan| displayable(plan).indent(true).to_string();
        let expected = shown(&group);
        let bytes = KqlCodec::encode(Arc::new(group)).unwrap();
        let read = KqlCodec::decode(&bytes, &SessionContext::new().task_ctx()).unwrap();
        assert!(read.is::<GroupExec>());
        assert_eq!(shown(read.as_ref()), expected);
    }
}
