//! `scan`: every row, in order, against steps that remember what they matched.
//!
//! Each step holds the sequence that reached it. A row is tried from the last step to the first: it either takes the
//! sequence of the step before over, or goes on with the step's own. Expressions that read no sequence are computed
//! for all rows at once.

use std::collections::HashMap;
use std::rc::Rc;
use std::sync::Arc;

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use datafusion::common::DFSchema;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::{PhysicalExpr, create_physical_expr, execution_props::ExecutionProps};
use kernel::{ColumnSchema, ScalarType, Value};
use kql::algebra::{Expr, ExprKind, Scan, ScanOutput};

use super::{Budget, Rows, Table};
use crate::query::cells::{column_of, plan_type, read};
use crate::query::lower::{Col, LowerError, lower_over};

/// Steps that one evaluation of an expression on one row costs.
const EVALUATION: u64 = 100;

pub(super) fn scan(
    scan: &Scan,
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let width = scan.width + scan.defaults.len();
    let row_schema = &schema[..width];
    let compiler = Compiler { scan, input, row: row_schema, defaults: defaults(scan, row_schema)? };
    let steps = scan
        .steps
        .iter()
        .map(|step| {
            let assignments = step.assignments.iter().map(|(at, value)| Ok((*at, compiler.compile(value)?)));
            Ok(Compiled {
                condition: compiler.compile(&step.condition)?,
                assignments: assignments.collect::<Result<_>>()?,
            })
        })
        .collect::<Result<Vec<_>>>()?;
    let mut machine = Machine {
        scan,
        steps: &steps,
        compiler: &compiler,
        states: vec![None; steps.len()],
        pending: vec![None; steps.len()],
        matched: 0,
        given: Vec::new(),
    };
    for row in 0..input.rows {
        machine.row(row, budget)?;
    }
    (0..steps.len()).for_each(|step| machine.flush(step));
    let given = machine.given;
    let mut rows = Rows::new(schema);
    for given in given {
        let values = (0..width).map(|column| compiler.value(&given.record, column));
        let number = scan.match_id.then_some(Value::Long(given.number));
        rows.push(values.chain(number).collect::<Vec<_>>(), budget)?;
    }
    rows.finish(schema)
}

/// A row of the input with what a step assigned.
#[derive(Debug)]
struct Record {
    row: usize,
    assigned: HashMap<usize, ArrayRef>,
}

/// What a step holds: the number of the match, and the record that each step so far matched last.
#[derive(Debug, Clone)]
struct Sequence {
    number: i64,
    records: Vec<Option<Rc<Record>>>,
}

/// A row of the output.
#[derive(Debug, Clone)]
struct Given {
    record: Rc<Record>,
    number: i64,
}

struct Compiled {
    condition: Evaluated,
    assignments: Vec<(usize, Evaluated)>,
}

/// An expression, ready.
enum Evaluated {
    /// Of every row, because it reads the row only.
    All(ArrayRef, ScalarType),
    /// To be computed on columns of the row and of records.
    Each { physical: Arc<dyn PhysicalExpr>, reads: Vec<usize>, schema: Arc<Schema>, scalar: ScalarType },
}

struct Compiler<'a> {
    scan: &'a Scan,
    input: &'a Table,
    /// Columns of the input, then declared ones.
    row: &'a [ColumnSchema],
    /// Values of the declared columns.
    defaults: Vec<ArrayRef>,
}

fn defaults(scan: &Scan, row: &[ColumnSchema]) -> Result<Vec<ArrayRef>> {
    scan.defaults
        .iter()
        .zip(&row[scan.width..])
        .map(|(default, column)| {
            let ExprKind::Literal(value) = &default.kind else {
                return Err(super::bad(format!("the default of `{}` is no constant", column.name)));
            };
            Ok(column_of(column.scalar, [value.clone()]))
        })
        .collect()
}

impl Compiler<'_> {
    fn compile(&self, expr: &Expr) -> Result<Evaluated> {
        let mut reads = std::collections::BTreeSet::new();
        note(expr, &mut reads);
        let reads: Vec<usize> = reads.into_iter().collect();
        let highest = reads.last().map_or(0, |last| last + 1);
        let width = self.row.len();
        let columns: Vec<Col> =
            (0..highest).map(|at| Col { name: format!("w{at}"), scalar: self.row[at % width].scalar }).collect();
        let lowered = lower_over(expr, &columns).map_err(|error| match error {
            LowerError::Refused(diagnostic) => super::bad(diagnostic.message.clone()),
            LowerError::Engine(error) => error,
        })?;
        let fields: Vec<Field> =
            reads.iter().map(|at| Field::new(format!("w{at}"), plan_type(columns[*at].scalar), true)).collect();
        let schema = Arc::new(Schema::new(fields));
        let names = DFSchema::try_from(Arc::clone(&schema))?;
        let physical =
            create_physical_expr(&lowered, &names, &ExecutionProps::new(), &PhysicalPlanningContext::default())?;
        if highest > self.scan.width {
            return Ok(Evaluated::Each { physical, reads, schema, scalar: expr.scalar });
        }
        let columns = reads.iter().map(|at| self.input.columns[*at].array().clone()).collect();
        let options = RecordBatchOptions::new().with_row_count(Some(self.input.rows));
        let batch = RecordBatch::try_new_with_options(schema, columns, &options)?;
        let array = physical.evaluate(&batch)?.into_array(self.input.rows)?;
        Ok(Evaluated::All(array, expr.scalar))
    }

    /// The value of `evaluated` on a row, given what a sequence holds.
    fn evaluate(
        &self,
        evaluated: &Evaluated,
        record: &Record,
        records: Option<&[Option<Rc<Record>>]>,
        budget: &mut Budget<'_>,
    ) -> Result<(ArrayRef, usize)> {
        let (physical, reads, schema) = match evaluated {
            Evaluated::All(array, _) => return Ok((Arc::clone(array), record.row)),
            Evaluated::Each { physical, reads, schema, .. } => (physical, reads, schema),
        };
        budget.spend(EVALUATION)?;
        let width = self.row.len();
        let columns = reads
            .iter()
            .map(|at| match at.checked_sub(width) {
                None => self.cell(record, *at),
                Some(of_step) => match records.and_then(|records| records[of_step / width].as_ref()) {
                    Some(known) => self.cell(known, of_step % width),
                    None => self.nothing(of_step % width),
                },
            })
            .collect();
        let options = RecordBatchOptions::new().with_row_count(Some(1));
        let batch = RecordBatch::try_new_with_options(Arc::clone(schema), columns, &options)?;
        Ok((physical.evaluate(&batch)?.into_array(1)?, 0))
    }

    /// A column of a step that has matched nothing: a declared one has its default.
    fn nothing(&self, column: usize) -> ArrayRef {
        match column.checked_sub(self.scan.width) {
            Some(declared) => Arc::clone(&self.defaults[declared]),
            None => column_of(self.row[column].scalar, [Value::Null]),
        }
    }

    /// One column of a record, as an array of one row.
    fn cell(&self, record: &Record, column: usize) -> ArrayRef {
        match record.assigned.get(&column) {
            Some(assigned) => Arc::clone(assigned),
            None if column < self.scan.width => self.input.columns[column].array().slice(record.row, 1),
            None => Arc::clone(&self.defaults[column - self.scan.width]),
        }
    }

    fn value(&self, record: &Record, column: usize) -> Value {
        read(&self.cell(record, column), self.row[column].scalar, 0)
    }
}

fn note(expr: &Expr, reads: &mut std::collections::BTreeSet<usize>) {
    if let ExprKind::Column { index, .. } = expr.kind {
        reads.insert(index);
    }
    expr.operands().into_iter().for_each(|operand| note(operand, reads));
}

/// The steps at work.
struct Machine<'a> {
    scan: &'a Scan,
    steps: &'a [Compiled],
    compiler: &'a Compiler<'a>,
    states: Vec<Option<Sequence>>,
    /// The last match of a step that gives only that.
    pending: Vec<Option<Given>>,
    /// Matches begun.
    matched: i64,
    given: Vec<Given>,
}

impl Machine<'_> {
    fn row(&mut self, row: usize, budget: &mut Budget<'_>) -> Result<()> {
        for step in (0..self.steps.len()).rev() {
            budget.spend(1)?;
            if let Some(before) = self.before(step)
                && let Some(sequence) = &self.states[before]
                && self.fits(step, row, Some(&sequence.records), budget)?
            {
                // The sequence moves on; what both steps gave last is settled.
                self.flush(before);
                self.flush(step);
                let Some(sequence) = self.states[before].take() else { continue };
                self.take(step, row, sequence, budget)?;
                continue;
            }
            let own = self.states[step].clone();
            if own.is_none() && !self.begins(step) {
                continue;
            }
            if self.fits(step, row, own.as_ref().map(|own| own.records.as_slice()), budget)? {
                let sequence = own.unwrap_or_else(|| {
                    self.matched += 1;
                    Sequence { number: self.matched - 1, records: vec![None; self.steps.len()] }
                });
                self.take(step, row, sequence, budget)?;
            }
        }
        Ok(())
    }

    /// The step whose sequence `step` can take over: the one before, or beyond optional ones that hold none.
    fn before(&self, step: usize) -> Option<usize> {
        let mut at = step.checked_sub(1)?;
        while self.states[at].is_none() && self.scan.steps[at].optional {
            at = at.checked_sub(1)?;
        }
        Some(at)
    }

    /// A sequence begins with the first step, or with one that only optional ones precede.
    fn begins(&self, step: usize) -> bool {
        self.scan.steps[..step].iter().all(|before| before.optional)
    }

    fn fits(
        &self,
        step: usize,
        row: usize,
        records: Option<&[Option<Rc<Record>>]>,
        budget: &mut Budget<'_>,
    ) -> Result<bool> {
        let record = Record { row, assigned: HashMap::new() };
        let (array, at) = self.compiler.evaluate(&self.steps[step].condition, &record, records, budget)?;
        Ok(matches!(read(&array, ScalarType::Bool, at), Value::Bool(true)))
    }

    /// Puts the row into `sequence` as the match of `step`.
    fn take(&mut self, step: usize, row: usize, mut sequence: Sequence, budget: &mut Budget<'_>) -> Result<()> {
        let mut record = Record { row, assigned: HashMap::new() };
        let plain = Record { row, assigned: HashMap::new() };
        for (column, value) in &self.steps[step].assignments {
            let (array, at) = self.compiler.evaluate(value, &plain, Some(&sequence.records), budget)?;
            let scalar = self.compiler.row[*column].scalar;
            if *array.data_type() != plan_type(scalar) {
                return Err(DataFusionError::Internal("an assignment has another type than its column".to_owned()));
            }
            record.assigned.insert(*column, array.slice(at, 1));
        }
        let record = Rc::new(record);
        sequence.records[step] = Some(Rc::clone(&record));
        let given = Given { record, number: sequence.number };
        self.states[step] = Some(sequence);
        match self.scan.steps[step].output {
            ScanOutput::All => {
                budget.keep(super::VALUE_BYTES)?;
                self.given.push(given);
            }
            ScanOutput::Last => self.pending[step] = Some(given),
            ScanOutput::None => {}
        }
        Ok(())
    }

    fn flush(&mut self, step: usize) {
        self.given.extend(self.pending[step].take());
    }
}

impl std::fmt::Debug for Evaluated {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Evaluated::All(_, scalar) => write!(f, "a column of {scalar}"),
            Evaluated::Each { reads, scalar, .. } => write!(f, "a {scalar} of columns {reads:?}"),
        }
    }
}
