//! Answers: batches to values, the row limit, the deadline, the two ways to ask.

use std::sync::Arc;

use arrow_array::RecordBatch;
use datafusion::datasource::memory::MemorySourceConfig;
use datafusion::datasource::source::DataSourceExec;
use datafusion::physical_plan::ExecutionPlan;
use futures::StreamExt;
use futures::stream::BoxStream;
use kernel::port::{Answer, QueryError, QueryRequest, RowChunk};
use kernel::{ColumnSchema, Value};
use tokio::sync::mpsc;

use super::cells::read;
use super::engine::{QueryEngine, Shared, fault, time_limit};

/// Chunks that wait for a slow reader before the query pauses.
const WAITING_CHUNKS: usize = 4;

impl QueryEngine {
    /// Runs a query and collects its answer.
    ///
    /// # Errors
    /// The asker's text ([`QueryError::Invalid`]), a limit, or Vigie itself ([`QueryError::Engine`]).
    pub async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        let Some(handle) = self.handle() else { return Err(QueryError::Cancelled) };
        let shared = Arc::clone(&self.shared);
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

    /// Runs a query and hands out chunks as they come, at most [`kernel::port::QueryLimits::rows`] rows. Dropping
    /// the stream cancels the query.
    ///
    /// # Errors
    /// As [`Self::query`]; what goes wrong later is the last item of the stream.
    pub async fn stream(
        &self,
        request: QueryRequest,
    ) -> Result<BoxStream<'static, Result<RowChunk, QueryError>>, QueryError> {
        let Some(handle) = self.handle() else { return Err(QueryError::Cancelled) };
        let (sender, mut receiver) = mpsc::channel(WAITING_CHUNKS);
        let shared = Arc::clone(&self.shared);
        let task = handle.spawn(async move {
            let limit = time_limit(&request);
            let outcome = match tokio::time::timeout(limit, pumped(&shared, &request, &sender)).await {
                Ok(outcome) => outcome,
                Err(_) => Err(too_slow(&request)),
            };
            if let Err(error) = outcome {
                // Nobody listens any more: the query was dropped.
                let _ = sender.send(Err(error)).await;
            }
        });
        let guard = Aborting(task);
        // Faults of the text are reported before the stream begins.
        match receiver.recv().await {
            Some(Ok(first)) => {
                let rest = futures::stream::unfold((receiver, guard), |(mut receiver, guard)| async move {
                    receiver.recv().await.map(|chunk| (chunk, (receiver, guard)))
                });
                Ok(futures::stream::once(async move { Ok(first) }).chain(rest).boxed())
            }
            Some(Err(error)) => Err(error),
            None => Err(QueryError::Cancelled),
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
    let mut running = shared.run(request).await?;
    let limit = usize::try_from(request.limits.rows).unwrap_or(usize::MAX);
    let mut rows = Vec::new();
    let mut truncated = false;
    while let Some(batch) = running.stream.next().await {
        let batch = batch.map_err(|error| fault(&error))?;
        let room = limit - rows.len();
        truncated = batch.num_rows() > room;
        rows.extend(values(&batch.slice(0, room.min(batch.num_rows())), &running.columns));
        if truncated {
            break;
        }
    }
    Ok(Answer {
        columns: Arc::clone(&running.columns),
        rows,
        truncated,
        visualization: running.visualization,
        warnings: running.warnings,
        elapsed_us: shared.clock.monotonic_us().saturating_sub(start),
        rows_scanned: scanned(running.plan.as_ref()),
    })
}

async fn pumped(
    shared: &Shared,
    request: &QueryRequest,
    sender: &mpsc::Sender<Result<RowChunk, QueryError>>,
) -> Result<(), QueryError> {
    let mut running = shared.run(request).await?;
    let mut room = usize::try_from(request.limits.rows).unwrap_or(usize::MAX);
    let chunk = |rows| RowChunk { columns: Arc::clone(&running.columns), rows };
    if sender.send(Ok(chunk(Vec::new()))).await.is_err() {
        return Ok(());
    }
    while let Some(batch) = running.stream.next().await {
        let batch = batch.map_err(|error| fault(&error))?;
        let cut = batch.num_rows() > room;
        let batch = batch.slice(0, room.min(batch.num_rows()));
        room -= batch.num_rows();
        if batch.num_rows() > 0 && sender.send(Ok(chunk(values(&batch, &running.columns)))).await.is_err() {
            return Ok(());
        }
        if cut {
            return Err(QueryError::Limit(format!(
                "the answer has more than {} rows; the rest was left out",
                request.limits.rows
            )));
        }
    }
    Ok(())
}

/// The rows of a batch in plan types.
fn values(batch: &RecordBatch, columns: &[ColumnSchema]) -> Vec<Vec<Value>> {
    let cell = |row: usize| {
        columns.iter().zip(batch.columns()).map(|(column, array)| read(array, column.scalar, row)).collect()
    };
    (0..batch.num_rows()).map(cell).collect()
}

/// Rows that the sources of `plan` gave.
fn scanned(plan: &dyn ExecutionPlan) -> u64 {
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
