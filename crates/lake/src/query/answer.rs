//! Answers: batches to values, the row limit, the deadline, the two ways to ask.

use std::sync::Arc;
use std::time::Duration;

use arrow_array::RecordBatch;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use kernel::port::{Answer, AnswerEnd, AnswerPart, AnswerStream, FurtherTable, QueryError, QueryRequest, ScanProgress};
use kernel::{ColumnSchema, Diagnostic, TableSchema, Value};
use tokio::sync::{mpsc, oneshot};

use super::cells::read;
use super::engine::{QueryEngine, Running, RunningTable, Shared, fault, time_limit};

/// Chunks that wait for a slow reader before the query pauses.
const WAITING_CHUNKS: usize = 4;

impl QueryEngine {
    /// Runs a query and collects its answer.
    ///
    /// # Errors
    /// The asker's text ([`QueryError::Invalid`]), a limit, or Vigie itself ([`QueryError::Engine`]).
    pub async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        self.ask(Arc::clone(&self.shared), request).await
    }

    /// As [`Self::query`], with typed, empty tables that are declared for this query alone.
    ///
    /// # Errors
    /// As [`Self::query`].
    pub async fn query_beside(&self, declared: Vec<TableSchema>, request: QueryRequest) -> Result<Answer, QueryError> {
        let shared = match declared.is_empty() {
            true => Arc::clone(&self.shared),
            false => Arc::new(self.shared.beside(declared)),
        };
        self.ask(shared, request).await
    }

    async fn ask(&self, shared: Arc<Shared>, request: QueryRequest) -> Result<Answer, QueryError> {
        let Some(handle) = self.handle() else { return Err(QueryError::Cancelled) };
        let task = handle.spawn(async move {
            let limit = time_limit(&request);
            match tokio::time::timeout(limit, collected(&shared, &request)).await {
                Ok(answer) => answer,
                Err(_) => Err(too_slow(&request)),
            }
        });
        // Dropping this future must stop the query too.
        match Aborting(task).await {
            Ok(answer) => answer,
            Err(error) if error.is_cancelled() => Err(QueryError::Cancelled),
            Err(error) => Err(QueryError::Engine(format!("the query ended abnormally: {error}"))),
        }
    }

    /// Runs a query and hands out rows as they come, at most [`kernel::port::QueryLimits::rows`]. Dropping the stream
    /// cancels the query.
    ///
    /// # Errors
    /// As [`Self::query`]; what goes wrong later is the last item of the stream.
    pub async fn stream(&self, request: QueryRequest) -> Result<AnswerStream, QueryError> {
        let Some(handle) = self.handle() else { return Err(QueryError::Cancelled) };
        let (parts, received) = mpsc::channel(WAITING_CHUNKS);
        let (head, begun) = oneshot::channel();
        let shared = Arc::clone(&self.shared);
        let task = handle.spawn(async move {
            let limit = time_limit(&request);
            let mut listener = Listener { head: Some(head), parts };
            let outcome = match tokio::time::timeout(limit, pumped(&shared, &request, &mut listener)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(too_slow(&request)),
            };
            if let Err(error) = outcome {
                listener.fail(error).await;
            }
        });
        let guard = Aborting(task);
        // Faults of the text are reported before the stream begins.
        let head = begun.await.unwrap_or(Err(QueryError::Cancelled))?;
        let parts = futures::stream::unfold((received, guard), |(mut received, guard)| async move {
            received.recv().await.map(|part| (part, (received, guard)))
        });
        let Head { columns, table, visualization, warnings } = head;
        Ok(AnswerStream { columns, table, visualization, warnings, parts: parts.boxed() })
    }
}

/// What is known before the first row.
struct Head {
    columns: Arc<[ColumnSchema]>,
    table: Option<String>,
    visualization: Option<String>,
    warnings: Vec<Diagnostic>,
}

/// Whoever reads a streamed answer.
struct Listener {
    /// Until the head has been told.
    head: Option<oneshot::Sender<Result<Head, QueryError>>>,
    parts: mpsc::Sender<Result<AnswerPart, QueryError>>,
}

impl Listener {
    fn begin(&mut self, head: Head) {
        if let Some(listening) = self.head.take() {
            // Nobody listens any more: the query is about to be dropped.
            let _ = listening.send(Ok(head));
        }
    }

    /// Whether somebody still listens.
    async fn tell(&self, part: AnswerPart) -> bool {
        self.parts.send(Ok(part)).await.is_ok()
    }

    /// Tells how far the query is, unless the reader is behind: it has other things to read.
    fn tell_progress(&self, stand: ScanProgress) {
        // A full or closed channel loses nothing but this.
        let _ = self.parts.try_send(Ok(AnswerPart::Progress(stand)));
    }

    async fn fail(&mut self, error: QueryError) {
        match self.head.take() {
            Some(listening) => drop(listening.send(Err(error))),
            None => drop(self.parts.send(Err(error)).await),
        }
    }
}

/// A task that ends when its owner goes.
struct Aborting<T>(tokio::task::JoinHandle<T>);

impl<T> Drop for Aborting<T> {
    fn drop(&mut self) {
        self.0.abort();
    }
}

impl<T> Future for Aborting<T> {
    type Output = Result<T, tokio::task::JoinError>;

    fn poll(mut self: std::pin::Pin<&mut Self>, context: &mut std::task::Context<'_>) -> std::task::Poll<Self::Output> {
        std::pin::Pin::new(&mut self.0).poll(context)
    }
}

fn too_slow(request: &QueryRequest) -> QueryError {
    QueryError::Limit(format!(
        "the query was stopped after {} seconds; filter earlier or ask for a shorter time range",
        request.limits.time_ms / 1_000
    ))
}

async fn collected(shared: &Shared, request: &QueryRequest) -> Result<Answer, QueryError> {
    let start = shared.clock.monotonic_us();
    let running = shared.run(request).await?;
    let mut tables = Vec::with_capacity(running.tables.len());
    for table in &running.tables {
        tables.push(rows_of(&running, table, request).await?);
    }
    let mut tables = tables.into_iter();
    let Some((table, columns, rows, truncated)) = tables.next() else {
        return Err(QueryError::Engine("a query without a table".to_owned()));
    };
    let further = tables.map(|(name, columns, rows, truncated)| FurtherTable {
        name: name.unwrap_or_default(),
        columns,
        rows,
        truncated,
    });
    Ok(Answer {
        columns,
        rows,
        truncated,
        table,
        further: further.collect(),
        rows_scanned: running.scanned(),
        visualization: running.visualization,
        warnings: running.warnings,
        elapsed_us: shared.clock.monotonic_us().saturating_sub(start),
    })
}

/// Name, columns, rows, and whether there were more.
type Collected = (Option<String>, Arc<[ColumnSchema]>, Vec<Vec<Value>>, bool);

async fn rows_of(running: &Running, table: &RunningTable, request: &QueryRequest) -> Result<Collected, QueryError> {
    let limit = usize::try_from(request.limits.rows).unwrap_or(usize::MAX);
    let mut stream = running.rows_of(table)?;
    let (mut rows, mut truncated) = (Vec::new(), false);
    while let Some(batch) = stream.next().await {
        let batch = batch.map_err(|error| fault(&error))?;
        let room = limit - rows.len();
        truncated = batch.num_rows() > room;
        rows.extend(values(&batch.slice(0, room.min(batch.num_rows())), &table.columns));
        if truncated {
            break;
        }
    }
    Ok((table.name.clone(), Arc::clone(&table.columns), rows, truncated))
}

async fn pumped(shared: &Shared, request: &QueryRequest, listener: &mut Listener) -> Result<(), QueryError> {
    let start = shared.clock.monotonic_us();
    let mut running = shared.run(request).await?;
    let Some(first) = running.tables.first() else {
        return Err(QueryError::Engine("a query without a table".to_owned()));
    };
    listener.begin(Head {
        columns: Arc::clone(&first.columns),
        table: first.name.clone(),
        visualization: running.visualization.take(),
        warnings: std::mem::take(&mut running.warnings),
    });
    let mut ticks = ticks(request);
    let mut truncated = false;
    for (at, table) in running.tables.iter().enumerate() {
        if at > 0 {
            let name = table.name.clone().unwrap_or_default();
            let begins = AnswerPart::Table { name, columns: Arc::clone(&table.columns) };
            if !listener.tell(begins).await {
                return Ok(());
            }
        }
        match pumped_table(&running, table, request, listener, &mut ticks).await? {
            Some(cut) => truncated |= cut,
            None => return Ok(()),
        }
    }
    let elapsed_us = shared.clock.monotonic_us().saturating_sub(start);
    let rows_scanned = running.scanned();
    let end = AnswerEnd { truncated, elapsed_us, rows_scanned, read: running.progress.stand(rows_scanned) };
    listener.tell(AnswerPart::End(end)).await;
    Ok(())
}

/// Tells the rows of one table, and whether there were more; nothing when nobody listens any more.
async fn pumped_table(
    running: &Running,
    table: &RunningTable,
    request: &QueryRequest,
    listener: &Listener,
    ticks: &mut Option<tokio::time::Interval>,
) -> Result<Option<bool>, QueryError> {
    let mut stream = running.rows_of(table)?;
    let mut room = usize::try_from(request.limits.rows).unwrap_or(usize::MAX);
    let mut truncated = false;
    while !truncated {
        let batch = tokio::select! {
            batch = stream.next() => batch,
            () = tick(ticks) => {
                listener.tell_progress(running.progress.stand(running.scanned()));
                continue;
            }
        };
        let Some(batch) = batch.transpose().map_err(|error| fault(&error))? else { break };
        truncated = batch.num_rows() > room;
        let batch = batch.slice(0, room.min(batch.num_rows()));
        room -= batch.num_rows();
        if batch.num_rows() > 0 && !listener.tell(AnswerPart::Rows(values(&batch, &table.columns))).await {
            return Ok(None);
        }
    }
    Ok(Some(truncated))
}

/// When progress is to be told; the first time after one period, so that a quick answer is not slowed by it.
fn ticks(request: &QueryRequest) -> Option<tokio::time::Interval> {
    let period = Duration::from_millis(request.progress_ms?.max(1));
    let mut ticks = tokio::time::interval_at(tokio::time::Instant::now() + period, period);
    ticks.set_missed_tick_behavior(tokio::time::MissedTickBehavior::Delay);
    Some(ticks)
}

/// The next time that progress is to be told; never where nobody asked for it.
async fn tick(ticks: &mut Option<tokio::time::Interval>) {
    match ticks {
        Some(ticks) => drop(ticks.tick().await),
        None => std::future::pending().await,
    }
}

/// The rows of a batch in plan types.
fn values(batch: &RecordBatch, columns: &[ColumnSchema]) -> Vec<Vec<Value>> {
    let cell = |row: usize| {
        columns.iter().zip(batch.columns()).map(|(column, array)| read(array, column.scalar, row)).collect()
    };
    (0..batch.num_rows()).map(cell).collect()
}

/// Rows that the sources of `plan` gave.
pub(super) fn scanned(plan: &dyn ExecutionPlan) -> u64 {
    if plan.children().is_empty() {
        let memory = plan
            .downcast_ref::<DataSourceExec>()
            .and_then(|leaf| leaf.data_source().downcast_ref::<MemorySourceConfig>());
        if let Some(memory) = memory {
            let rows: usize = memory.partitions().iter().flatten().map(RecordBatch::num_rows).sum();
            return u64::try_from(rows).unwrap_or(u64::MAX);
        }
        let rows = plan.metrics().and_then(|metrics| metrics.output_rows()).unwrap_or(0);
        return u64::try_from(rows).unwrap_or(u64::MAX);
    }
    plan.children().into_iter().map(|child| scanned(child.as_ref())).sum()
}
