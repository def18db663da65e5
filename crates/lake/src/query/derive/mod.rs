//! Rows that are made of whole inputs in memory: graphs, `scan`, `reduce`, and plugins.
//!
//! An input is collected, a method computes its rows, and the plan goes on from them ([`run`]). Every row and every
//! step of a search is charged to a [`Budget`], so that a query ends with a limit and never with fewer rows.

mod activity;
mod bins;
mod funnel;
mod graph;
mod near;
mod nodes;
mod patterns;
mod reduce;
mod rolling;
mod run;
mod scan;
mod sequence;
mod shortest;

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use datafusion::error::{DataFusionError, Result};
use datafusion::execution::memory_pool::MemoryReservation;
use kernel::{ColumnSchema, ScalarType, Value};
use kql::algebra::Method;

use super::cells::{Cells, CellsBuilder};
use super::functions::BadValue;
use super::lower::plan_schema;

/// Steps that one method may take: nodes and edges looked at, conditions tried.
const MOST_STEPS: u64 = 100_000_000;
/// Bytes that a value takes in a row that is being made, roughly.
const VALUE_BYTES: usize = 48;

/// A whole input.
#[derive(Debug)]
pub struct Table {
    pub columns: Vec<Cells>,
    pub rows: usize,
}

impl Table {
    /// The rows of `batches`, whose columns have the types of `schema`.
    pub fn of(batches: &[RecordBatch], schema: &[ColumnSchema]) -> Result<Table> {
        let arrow = plan_schema(schema);
        let rows = batches.iter().map(RecordBatch::num_rows).sum();
        let mut columns = Vec::with_capacity(schema.len());
        for (at, column) in schema.iter().enumerate() {
            let parts: Vec<&dyn arrow_array::Array> = batches.iter().map(|batch| batch.column(at).as_ref()).collect();
            let array: ArrayRef = match parts.as_slice() {
                [] => arrow_array::new_empty_array(arrow.field(at).data_type()),
                parts => arrow_select::concat::concat(parts)?,
            };
            columns.push(Cells::column(array, column.scalar)?);
        }
        Ok(Table { columns, rows })
    }

    /// A text that is the same for equal values of `column`, and for those only.
    fn key(&self, column: usize, row: usize) -> String {
        let cells = &self.columns[column];
        if cells.is_null(row) { "\u{0}".to_owned() } else { super::convert::to_text(&cells.value(row)) }
    }

    /// As [`Self::key`], for several columns at once.
    fn keys(&self, columns: std::ops::Range<usize>, row: usize) -> Vec<String> {
        columns.map(|column| self.key(column, row)).collect()
    }

    fn is_true(&self, column: usize, row: usize) -> bool {
        matches!(self.columns[column].value(row), Value::Bool(true))
    }
}

/// What a method may still spend.
#[derive(Debug)]
pub struct Budget<'r> {
    steps: u64,
    room: &'r MemoryReservation,
}

impl<'r> Budget<'r> {
    /// All steps; memory from `room`.
    pub fn new(room: &'r MemoryReservation) -> Budget<'r> {
        Budget { steps: MOST_STEPS, room }
    }

    /// Pays for `steps` steps.
    fn spend(&mut self, steps: u64) -> Result<()> {
        match self.steps.checked_sub(steps) {
            Some(left) => {
                self.steps = left;
                Ok(())
            }
            None => Err(bad(format!(
                "this operator would take more than {MOST_STEPS} steps; filter its input, or look for shorter paths"
            ))),
        }
    }

    /// Pays for memory.
    fn keep(&mut self, bytes: usize) -> Result<()> {
        self.room.try_grow(bytes)
    }
}

/// An error that blames the asker.
fn bad(message: String) -> DataFusionError {
    DataFusionError::External(Box::new(BadValue(message)))
}

/// The rows that a method makes.
#[derive(Debug)]
struct Rows {
    builders: Vec<CellsBuilder>,
    count: usize,
}

impl Rows {
    fn new(schema: &[ColumnSchema]) -> Rows {
        Rows { builders: schema.iter().map(|column| CellsBuilder::new(column.scalar)).collect(), count: 0 }
    }

    fn push(&mut self, row: impl IntoIterator<Item = Value>, budget: &mut Budget<'_>) -> Result<()> {
        budget.keep(self.builders.len() * VALUE_BYTES)?;
        let mut row = row.into_iter();
        for builder in &mut self.builders {
            builder.push(row.next().unwrap_or(Value::Null));
        }
        self.count += 1;
        Ok(())
    }

    fn finish(mut self, schema: &[ColumnSchema]) -> Result<RecordBatch> {
        batch(self.builders.iter_mut().map(CellsBuilder::finish).collect(), self.count, schema)
    }
}

fn batch(columns: Vec<ArrayRef>, rows: usize, schema: &[ColumnSchema]) -> Result<RecordBatch> {
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    Ok(RecordBatch::try_new_with_options(plan_schema(schema), columns, &options)?)
}

/// The rows of `method` over `inputs`, in the columns of `schema`.
pub fn derive(
    method: &Method,
    inputs: &[Table],
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let [input, ..] = inputs else { return Err(DataFusionError::Internal("a method without input".to_owned())) };
    match method {
        Method::GraphNodes(made) => nodes::nodes(made, inputs, schema, budget),
        Method::GraphComponents { strong } => nodes::components(*strong, input, second(inputs)?, schema, budget),
        Method::GraphMatch(pattern) => graph::matches(pattern, input, second(inputs)?, schema, budget),
        Method::Scan(scan) => scan::scan(scan, input, schema, budget),
        Method::Reduce { threshold, separators, keep_rows } => {
            reduce::reduce(*threshold, separators, *keep_rows, input, schema, budget)
        }
        Method::RowsNear { before, after } => near::rows_near(*before, *after, input, schema, budget),
        Method::RollingPercentile { percent, step, bins } => {
            rolling::rolling_percentile(*percent, bins::length(step)?, *bins, input, schema, budget)
        }
        Method::Activity(activity) => activity::activity(activity, input, inputs.get(1), schema, budget),
        Method::Patterns(patterns) => patterns::patterns(patterns, input, schema, budget),
        Method::DiffPatterns(patterns) => patterns::differences(patterns, input, schema, budget),
        Method::FunnelCompletion { span, states, periods } => {
            funnel::completion(span, states, periods, input, schema, budget)
        }
        Method::FunnelSequence { span, states, most_between, sides } => {
            let sequence = funnel::Sequence { span, states, most_between: bins::length(most_between)?, sides: *sides };
            funnel::sequence(&sequence, input, schema, budget)
        }
        Method::SequenceDetect { dimensions, most_between, most_overall } => {
            let limits = (bins::length(most_between)?, bins::length(most_overall)?);
            sequence::detect(*dimensions, limits, input, schema, budget)
        }
    }
}

fn second(inputs: &[Table]) -> Result<&Table> {
    inputs.get(1).ok_or_else(|| DataFusionError::Internal("a method lacks its second input".to_owned()))
}

/// Whether the rows of `method` have an order that later operators can see.
pub fn keeps_order(method: &Method) -> bool {
    matches!(method, Method::Scan(_) | Method::RowsNear { .. })
}

fn long(number: usize) -> Value {
    Value::Long(i64::try_from(number).unwrap_or(i64::MAX))
}

/// Ticks or a whole number as a value of an axis.
fn on_axis(place: i64, scalar: ScalarType) -> Value {
    match scalar {
        ScalarType::DateTime => Value::DateTime(place),
        ScalarType::TimeSpan => Value::TimeSpan(place),
        ScalarType::Int => Value::Int(i32::try_from(place).unwrap_or(i32::MAX)),
        _ => Value::Long(place),
    }
}

/// A column of row numbers, for the order of rows.
fn ordinals(rows: usize) -> ArrayRef {
    Arc::new(arrow_array::Int64Array::from_iter_values(0..i64::try_from(rows).unwrap_or(i64::MAX)))
}
