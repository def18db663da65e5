//! The query engine: text in, rows out, within limits.
//!
//! Queries run on threads of their own, so that a heavy one cannot take those that accept records. Each has its own
//! memory pool (what does not fit goes to disk) and its own deadline; dropping its stream stops it.

use std::collections::{BTreeMap, BTreeSet};
use std::path::PathBuf;
use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use datafusion::datasource::object_store::ObjectStoreUrl;
use datafusion::execution::TaskContext;
use datafusion::execution::context::SessionContext;
use datafusion::execution::disk_manager::{DiskManagerBuilder, DiskManagerMode};
use datafusion::execution::memory_pool::{FairSpillPool, MemoryConsumer, MemoryReservation};
use datafusion::execution::runtime_env::{RuntimeEnv, RuntimeEnvBuilder};
use datafusion::execution::session_state::SessionStateBuilder;
use datafusion::logical_expr::LogicalPlan;
use datafusion::physical_plan::coop::CooperativeExec;
use datafusion::physical_plan::{ExecutionPlan, SendableRecordBatchStream, execute_stream};
use futures::StreamExt;
use futures::future::BoxFuture;
use kernel::library::{QueryLibrary, watchlist_of};
use kernel::port::{FactTables, QueryError, QueryRequest, TableGrant};
use kernel::time::Clock;
use kernel::{ColumnSchema, Diagnostic, Span, TableSchema, Value};
use kql::algebra::{Expr, ExprKind, Narrowing, Node, Plan, Query};
use kql::catalog::Catalog;

use super::answer::scanned;
use super::cells::read;
use super::codec::KqlCodec;
use super::declared::DeclaredTables;
use super::facts;
use super::file_cache::FileCache;
use super::grouped::GroupByCode;
use super::kept;
use super::lower::{LowerError, Lowering, Source, Sources};
use super::places::{self, Places, PlacesCache};
use super::planning;
use super::progress::Progress;
use super::promote::promote;
use super::resolve;
use super::source::LakeTable;
use super::threads;
use crate::snapshot::Tables;

/// How the engine is set up.
#[derive(Debug, Clone)]
pub struct EngineConfig {
    /// Threads for all queries together.
    pub threads: usize,
    /// Where queries put what does not fit into their memory.
    pub spill: PathBuf,
    /// Bytes that one query may put there.
    pub spill_bytes: u64,
    /// Plan only the columns that a query reads. Off: plan all of them, which gives the same rows, slowly.
    pub prune: bool,
}

/// Distinct values that `in (table)` may have.
const MOST_IN_VALUES: usize = 1_000_000;
/// Names (each with the types of its values) that data may give to the columns of one operator.
const MOST_COLUMN_NAMES: usize = 10_000;

/// Answers questions over a lake and the facts beside it.
pub struct QueryEngine {
    pub(super) shared: Arc<Shared>,
    runtime: Option<tokio::runtime::Runtime>,
}

/// What a running query needs of the engine.
#[derive(Clone)]
pub(super) struct Shared {
    lake: Arc<dyn Tables>,
    facts: Option<Arc<dyn FactTables>>,
    library: Option<Arc<dyn QueryLibrary>>,
    /// What one query has learnt of files, for the next.
    files: Arc<FileCache>,
    /// The table of networks and places, once a query has asked for it.
    places: Arc<PlacesCache>,
    pub clock: Arc<dyn Clock>,
    config: EngineConfig,
}

impl std::fmt::Debug for QueryEngine {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("QueryEngine").field("config", &self.shared.config).finish_non_exhaustive()
    }
}

/// A query on its way.
pub(super) struct Running {
    /// The result tables, in order: one at least.
    pub tables: Vec<RunningTable>,
    context: SessionContext,
    pub visualization: Option<String>,
    pub warnings: Vec<Diagnostic>,
    pub progress: Arc<Progress>,
    /// Memory of rows that the plans read again, given back with the rest of the query.
    #[expect(dead_code, reason = "it is held, not used")]
    kept: Vec<MemoryReservation>,
}

/// A result table on its way.
pub(super) struct RunningTable {
    /// Where there are several.
    pub name: Option<String>,
    pub columns: Arc<[ColumnSchema]>,
    pub plan: Arc<dyn ExecutionPlan>,
}

impl Running {
    /// The rows of a table.
    pub fn rows_of(&self, table: &RunningTable) -> Result<SendableRecordBatchStream, QueryError> {
        execute_stream(Arc::clone(&table.plan), self.context.task_ctx()).map_err(|error| fault(&error))
    }

    /// Rows that the sources of all tables gave.
    pub fn scanned(&self) -> u64 {
        self.tables.iter().map(|table| scanned(table.plan.as_ref())).sum()
    }
}

impl QueryEngine {
    /// Starts the threads. `clock` measures how long a query took.
    ///
    /// # Errors
    /// When the system gives no threads.
    pub fn start(
        lake: Arc<dyn Tables>,
        facts: Option<Arc<dyn FactTables>>,
        clock: Arc<dyn Clock>,
        config: EngineConfig,
    ) -> std::io::Result<QueryEngine> {
        let runtime = threads::start(config.threads)?;
        Ok(QueryEngine {
            shared: Arc::new(Shared {
                lake,
                facts,
                library: None,
                files: Arc::default(),
                places: Arc::default(),
                clock,
                config,
            }),
            runtime: Some(runtime),
        })
    }

    /// The same with what people keep for their queries: stored functions, watchlists, reference tables.
    #[must_use]
    pub fn with_library(mut self, library: Arc<dyn QueryLibrary>) -> QueryEngine {
        self.shared = Arc::new(Shared { library: Some(library), ..self.shared.as_ref().clone() });
        self
    }

    pub(super) fn handle(&self) -> Option<&tokio::runtime::Handle> {
        self.runtime.as_ref().map(tokio::runtime::Runtime::handle)
    }

    /// The plan of a query as bytes that [`KqlCodec`] reads, and what it needs to be run here.
    ///
    /// # Errors
    /// As [`Self::query`], and [`QueryError::Engine`] when the plan has a part that cannot be written down.
    pub async fn encoded(&self, request: QueryRequest) -> Result<(Vec<u8>, Arc<TaskContext>), QueryError> {
        let (plan, context) = self.shared.plan_apart(&request).await?;
        let bytes = KqlCodec::encode(plan).map_err(|error| fault(&error))?;
        Ok((bytes, context))
    }

    /// Every table that a query can name: those of the lake, then facts.
    pub fn tables(&self) -> Vec<TableSchema> {
        self.shared.schemas(None)
    }
}

impl Drop for QueryEngine {
    fn drop(&mut self) {
        if let Some(runtime) = self.runtime.take() {
            // Waiting is not allowed on an asynchronous thread; queries in flight are cancelled.
            runtime.shutdown_background();
        }
    }
}

impl Shared {
    /// The same with declared tables before its own.
    pub fn beside(&self, declared: Vec<TableSchema>) -> Shared {
        Shared { lake: Arc::new(DeclaredTables::new(declared).before(Arc::clone(&self.lake))), ..self.clone() }
    }

    /// Tables that the asker may see.
    pub fn schemas(&self, allowed: Option<&[TableGrant]>) -> Vec<TableSchema> {
        let mut all = self.lake.schemas();
        let facts = self.facts.iter().flat_map(|facts| facts.tables());
        for table in facts {
            if all.iter().all(|known| known.name != table.name) {
                all.push(table);
            }
        }
        all.retain(|table| allowed.is_none_or(|allowed| facts::grant_of(allowed, &table.name).is_some()));
        all
    }

    /// Everything that the asker's query can name.
    async fn catalog(&self, request: &QueryRequest) -> Result<Catalog, QueryError> {
        let tables = Catalog::new(self.schemas(request.tables.as_deref())).with_empty_tables(self.lake.empty());
        Ok(match &self.library {
            Some(library) => tables.with_kept(&*library.kept().await.map_err(QueryError::Engine)?),
            None => tables.with_shipped_functions(),
        })
    }

    /// Compiles, plans and starts a query.
    pub async fn run(&self, request: &QueryRequest) -> Result<Running, QueryError> {
        let catalog = self.catalog(request).await?;
        let mut known = Vec::new();
        let mut bound = kql::compile(&request.text, &catalog);
        while let Some(open) = bound.open.take() {
            known.push(self.open_columns(open, request).await?);
            bound = kql::compile_with(&request.text, &catalog, &known);
        }
        let Some(mut query) = bound.query else { return Err(QueryError::Invalid(bound.diagnostics)) };
        if self.config.prune {
            kql::algebra::prune(&mut query);
        }
        let mut session = self.session(request, reads_of(&query))?;
        let visualization = query.render.as_ref().map(|render| render.visualization.clone());
        let tables = session.tables(query, request).await?;
        let SessionRun { context, kept, progress, .. } = session;
        Ok(Running { tables, context, visualization, warnings: bound.diagnostics, progress, kept })
    }

    /// Compiles and plans a query for another process: nothing of the plan is known to this one alone. What the plan needs
    /// to be run by this process comes with it.
    pub async fn plan_apart(
        &self,
        request: &QueryRequest,
    ) -> Result<(Arc<dyn ExecutionPlan>, Arc<TaskContext>), QueryError> {
        let catalog = self.catalog(request).await?;
        let bound = kql::compile(&request.text, &catalog);
        let Some(mut query) = bound.query else { return Err(QueryError::Invalid(bound.diagnostics)) };
        kql::algebra::prune(&mut query);
        let mut session = self.session(request, reads_of(&query))?;
        session.ready(&mut query, request).await?;
        let plan = session.planned(&session.lowered(&query.plan)?).await?;
        Ok((plan, session.context.task_ctx()))
    }

    /// Asks the data for the columns of an operator.
    async fn open_columns(
        &self,
        open: kql::OpenColumns,
        request: &QueryRequest,
    ) -> Result<Vec<ColumnSchema>, QueryError> {
        let mut question = open.question.clone();
        if self.config.prune {
            kql::algebra::prune(&mut question);
        }
        let mut session = self.session(request, reads_of(&question))?;
        let (mut stream, _) = session.execute(question, request).await?;
        let mut rows = Vec::new();
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|error| fault(&error))?;
            let text = |column: usize, row: usize| match read(batch.column(column), kernel::ScalarType::String, row) {
                Value::String(text) => text,
                _ => String::new(),
            };
            rows.extend((0..batch.num_rows()).map(|row| (text(0, row), text(1, row))));
            if rows.len() > MOST_COLUMN_NAMES {
                let message =
                    format!("the data gives more than {MOST_COLUMN_NAMES} columns; filter with `where` first");
                return Err(QueryError::Invalid(vec![Diagnostic::error("KQL0903", open.span, message)]));
            }
        }
        open.columns(&rows).map_err(|problem| QueryError::Invalid(vec![*problem]))
    }

    fn session(&self, request: &QueryRequest, reads: Reads) -> Result<SessionRun<'_>, QueryError> {
        let memory = usize::try_from(request.limits.memory_bytes).unwrap_or(usize::MAX);
        let spill = DiskManagerBuilder::default()
            .with_mode(DiskManagerMode::Directories(vec![self.config.spill.clone()]))
            .with_max_temp_directory_size(self.config.spill_bytes);
        let runtime = RuntimeEnvBuilder::new()
            .with_memory_pool(Arc::new(FairSpillPool::new(memory)))
            .with_disk_manager_builder(spill)
            .build_arc()
            .map_err(engine)?;
        // Rows that are written in the query keep their order; only tables are worth several threads.
        let partitions = if reads.is_empty() { 1 } else { self.config.threads.max(1) };
        let state = SessionStateBuilder::new()
            .with_config(planning::settings(partitions))
            .with_runtime_env(Arc::clone(&runtime))
            .with_default_features()
            .with_analyzer_rules(Vec::new())
            .with_optimizer_rules(planning::rules())
            .with_physical_optimizer_rule(Arc::new(GroupByCode))
            .build();
        Ok(SessionRun {
            engine: self,
            context: SessionContext::new_with_state(state),
            runtime,
            reads,
            sources: Sources::default(),
            progress: Arc::default(),
            kept: Vec::new(),
            places: None,
            derived: 0,
        })
    }
}

/// What a query reads: the columns of each table.
type Reads = BTreeMap<String, BTreeSet<String>>;

/// One query with what it has opened.
pub(super) struct SessionRun<'a> {
    engine: &'a Shared,
    context: SessionContext,
    pub(super) runtime: Arc<RuntimeEnv>,
    reads: Reads,
    pub(super) sources: Sources,
    progress: Arc<Progress>,
    /// The share of shared plans in the query's memory.
    pub(super) kept: Vec<MemoryReservation>,
    /// Held while the plan asks it.
    places: Option<Arc<Places>>,
    /// How many operators were computed before the plan was lowered.
    pub(super) derived: usize,
}

impl SessionRun<'_> {
    async fn execute(
        &mut self,
        mut query: Query,
        request: &QueryRequest,
    ) -> Result<(SendableRecordBatchStream, Arc<dyn ExecutionPlan>), QueryError> {
        self.ready(&mut query, request).await?;
        let physical = self.physical(&query.plan).await?;
        let stream = execute_stream(Arc::clone(&physical), self.context.task_ctx()).map_err(|error| fault(&error))?;
        Ok((stream, physical))
    }

    /// Opens the tables of `query`, and computes what its plan needs beforehand.
    async fn ready(&mut self, query: &mut Query, request: &QueryRequest) -> Result<(), QueryError> {
        self.places = places::provide(query, self.engine.library.as_deref(), &self.engine.places).await?;
        // With constants folded, `ago(1d)` is an instant that a database can compare.
        for plan in query.plans_mut() {
            resolve::fold_constants(plan, request.now).map_err(lowering)?;
        }
        let mut narrowing = kql::algebra::narrowing(query);
        for (name, columns) in std::mem::take(&mut self.reads) {
            let narrowing = narrowing.remove(&name).unwrap_or_default();
            let source = self.open(&name, &columns, narrowing, request).await?;
            self.sources.tables.insert(name, source);
        }
        for (number, mut shared) in std::mem::take(&mut query.shared).into_iter().enumerate() {
            self.prepare(&mut shared, request).await?;
            let (rows, room) = self.collect(&shared).await?;
            self.sources.shared.insert(number, rows);
            self.kept.push(room);
        }
        self.prepare(&mut query.plan, request).await?;
        for table in &mut query.further {
            self.prepare(&mut table.plan, request).await?;
        }
        Ok(())
    }

    /// The plan of each result table.
    async fn tables(&mut self, mut query: Query, request: &QueryRequest) -> Result<Vec<RunningTable>, QueryError> {
        self.ready(&mut query, request).await?;
        let first = (query.name, query.plan);
        let mut tables = Vec::with_capacity(1 + query.further.len());
        let further = query.further.into_iter().map(|table| (Some(table.name), table.plan));
        for (name, plan) in std::iter::once(first).chain(further) {
            let physical = self.physical(&plan).await?;
            tables.push(RunningTable { name, columns: plan.schema.into(), plan: physical });
        }
        Ok(tables)
    }

    /// Makes `plan` ready for lowering: constants, subqueries, operators over whole inputs, the range of a series.
    pub(super) fn prepare<'s>(
        &'s mut self,
        plan: &'s mut Plan,
        request: &'s QueryRequest,
    ) -> BoxFuture<'s, Result<(), QueryError>> {
        Box::pin(async move {
            kept::references(plan, self.engine.library.as_deref(), &mut self.sources).await?;
            resolve::fold_constants(plan, request.now).map_err(lowering)?;
            while let Some(mut inner) = resolve::take_plan(plan) {
                self.prepare(&mut inner, request).await?;
                let scalar = inner.schema.first().map_or(kernel::ScalarType::Long, |column| column.scalar);
                let (rows, _room) = self.collect(&inner).await?;
                let values = first_column(&rows, scalar, inner.span)?;
                resolve::fill(plan, &values, scalar);
            }
            resolve::fold_constants(plan, request.now).map_err(lowering)?;
            self.derive_all(plan, request).await?;
            let mut series = Vec::new();
            series_without_bounds(plan, &mut series);
            for bound in series {
                self.bound_series(bound, request).await?;
            }
            Ok(())
        })
    }

    /// Finds the least and greatest axis value where `make-series` leaves them to the data.
    async fn bound_series(&mut self, plan: &mut Plan, request: &QueryRequest) -> Result<(), QueryError> {
        let Node::MakeSeries { input, axis, from, to, step, .. } = &mut plan.node else { return Ok(()) };
        let mut probe = resolve::extremes(input, axis);
        self.prepare(&mut probe, request).await?;
        let (rows, _room) = self.collect(&probe).await?;
        let value = |column: usize| {
            rows.iter()
                .find(|batch| batch.num_rows() > 0)
                .map_or(Value::Null, |batch| read(batch.column(column), axis.scalar, 0))
        };
        let (least, greatest) = (value(0), value(1));
        let (start, end) = resolve::series_bounds(&least, &greatest, step);
        let literal = |value: Value| Expr { kind: ExprKind::Literal(value), scalar: axis.scalar, span: axis.span };
        if from.is_none() {
            *from = Some(literal(start));
        }
        if to.is_none() {
            *to = Some(literal(end));
        }
        Ok(())
    }

    /// One table, of which `read` are the columns that matter.
    async fn open(
        &self,
        name: &str,
        read: &BTreeSet<String>,
        narrowing: Narrowing,
        request: &QueryRequest,
    ) -> Result<Source, QueryError> {
        if let (Some(watchlist), Some(library)) = (watchlist_of(name), self.engine.library.as_deref()) {
            return kept::watchlist(library, watchlist).await;
        }
        let snapshot = self.engine.lake.snapshot(name).await.map_err(engine)?;
        Ok(match (snapshot, &self.engine.facts) {
            (Some(_), _) if facts::scope_of(request, name).is_some() => {
                return Err(QueryError::Engine(format!("whose the rows of {name} are cannot be told")));
            }
            (Some(snapshot), _) => {
                let number = self.sources.tables.len();
                let url = ObjectStoreUrl::parse(format!("lake{number}://tables")).map_err(engine)?;
                self.runtime.register_object_store(url.as_ref(), Arc::clone(&snapshot.store));
                let empty = snapshot.hot.is_empty() && snapshot.files.is_empty();
                let files = Arc::clone(&self.engine.files);
                let progress = Arc::clone(&self.progress);
                let provider = Arc::new(LakeTable::new(snapshot, url, request.range, files, progress));
                Source::Lake { provider, range: request.range, empty }
            }
            (None, Some(facts)) => facts::open(&**facts, name, read, narrowing, request).await?,
            (None, None) => return Err(QueryError::Engine(format!("table {name} has gone"))),
        })
    }

    fn lowered(&self, plan: &Plan) -> Result<LogicalPlan, QueryError> {
        Lowering::new(&self.sources).lower(plan).map(|lowered| lowered.plan).map_err(lowering)
    }

    async fn physical(&self, plan: &Plan) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        let (logical, asked) = promote(self.lowered(plan)?).await.map_err(|error| fault(&error))?;
        asked.into_iter().for_each(|(table, path)| self.engine.lake.note_path(&table, path));
        self.engine.files.take_damaged().iter().for_each(|file| self.engine.lake.note_damaged(file));
        self.planned(&logical).await
    }

    async fn planned(&self, logical: &LogicalPlan) -> Result<Arc<dyn ExecutionPlan>, QueryError> {
        let physical = self.context.state().create_physical_plan(logical).await.map_err(|error| fault(&error))?;
        interruptible(physical).map_err(|error| fault(&error))
    }

    /// All rows of `plan`, and their share of the query's memory while they are kept.
    pub(super) async fn collect(&self, plan: &Plan) -> Result<(Vec<RecordBatch>, MemoryReservation), QueryError> {
        let physical = self.physical(plan).await?;
        let mut stream =
            execute_stream(Arc::clone(&physical), self.context.task_ctx()).map_err(|error| fault(&error))?;
        let room = MemoryConsumer::new("rows that the query keeps").register(&self.runtime.memory_pool);
        let mut batches = Vec::new();
        while let Some(batch) = stream.next().await {
            let batch = batch.map_err(|error| fault(&error))?;
            // Keys of an order come after the columns that the plan shows.
            let shown: Vec<usize> = (0..plan.schema.len().min(batch.num_columns())).collect();
            let batch = batch.project(&shown).map_err(|error| fault(&error.into()))?;
            room.try_grow(batch.get_array_memory_size()).map_err(|error| fault(&error))?;
            batches.push(batch);
        }
        self.progress.collect(scanned(physical.as_ref()));
        Ok((batches, room))
    }
}

/// Operators that can make many rows of few give way now and then, so that a deadline or a dropped stream stops them.
fn interruptible(plan: Arc<dyn ExecutionPlan>) -> datafusion::error::Result<Arc<dyn ExecutionPlan>> {
    use datafusion::common::tree_node::{Transformed, TreeNode};
    let transformed = plan.transform_up(|node| {
        Ok(if MULTIPLYING.contains(&node.name()) {
            Transformed::yes(Arc::new(CooperativeExec::new(node)) as Arc<dyn ExecutionPlan>)
        } else {
            Transformed::no(node)
        })
    })?;
    Ok(transformed.data)
}

/// Operators whose output can be far larger than their input.
const MULTIPLYING: [&str; 5] =
    ["HashJoinExec", "NestedLoopJoinExec", "CrossJoinExec", "SortMergeJoinExec", "UnnestExec"];

/// The values of the first column; nulls and repetitions stay.
fn first_column(rows: &[RecordBatch], scalar: kernel::ScalarType, span: Span) -> Result<Vec<Value>, QueryError> {
    let mut values = Vec::new();
    for batch in rows {
        for row in 0..batch.num_rows() {
            if values.len() >= MOST_IN_VALUES {
                let message = format!("this table has more than {MOST_IN_VALUES} values; use a join");
                return Err(QueryError::Invalid(vec![Diagnostic::error("KQL0901", span, message)]));
            }
            values.push(read(batch.column(0), scalar, row));
        }
    }
    Ok(values)
}

fn reads_of(query: &Query) -> Reads {
    let mut reads = Reads::new();
    query.plans().for_each(|plan| note_reads(plan, &mut reads));
    reads
}

fn note_reads(plan: &Plan, reads: &mut Reads) {
    if let Node::Table { name } = &plan.node {
        let columns = plan.schema.iter().map(|column| column.name.clone());
        reads.entry(name.clone()).or_default().extend(columns);
    }
    plan.inputs().into_iter().for_each(|input| note_reads(input, reads));
    plan.expressions().into_iter().for_each(|expr| note_subplans(expr, reads));
}

fn note_subplans(expr: &Expr, reads: &mut Reads) {
    expr.subplan().into_iter().for_each(|plan| note_reads(plan, reads));
    expr.operands().into_iter().for_each(|operand| note_subplans(operand, reads));
}

fn series_without_bounds<'p>(plan: &'p mut Plan, found: &mut Vec<&'p mut Plan>) {
    if matches!(&plan.node, Node::MakeSeries { from, to, .. } if from.is_none() || to.is_none()) {
        found.push(plan);
        return;
    }
    plan.inputs_mut().into_iter().for_each(|input| series_without_bounds(input, found));
}

fn engine(error: impl std::fmt::Display) -> QueryError {
    QueryError::Engine(error.to_string())
}

fn lowering(error: LowerError) -> QueryError {
    match error {
        LowerError::Refused(diagnostic) => QueryError::Invalid(vec![*diagnostic]),
        LowerError::Engine(error) => fault(&error),
    }
}

/// Who is to blame for an error of the engine.
pub(super) fn fault(error: &datafusion::error::DataFusionError) -> QueryError {
    use datafusion::error::DataFusionError;
    match error.find_root() {
        DataFusionError::ResourcesExhausted(reason) => QueryError::Limit(format!(
            "the query needs more memory than it may have, and this step cannot continue on disk; filter earlier or ask for a shorter time range ({reason})"
        )),
        DataFusionError::External(inner) => match inner.downcast_ref::<super::functions::BadValue>() {
            Some(bad) => QueryError::Invalid(vec![Diagnostic::error("KQL0902", Span::default(), bad.0.clone())]),
            None => QueryError::Engine(error.to_string()),
        },
        _ => QueryError::Engine(error.to_string()),
    }
}

/// How long a query may take.
pub(super) fn time_limit(request: &QueryRequest) -> Duration {
    Duration::from_millis(request.limits.time_ms)
}
