//! Tables, constant rows, filter, project, sort, take, union.

use std::sync::Arc;

use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema, SchemaRef};
use datafusion::common::ScalarValue;
use datafusion::datasource::{MemTable, provider_as_source};
use datafusion::error::DataFusionError;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlan, LogicalPlanBuilder, SortExpr, Union};
use kernel::port::TimeRange;
use kernel::schema::ColumnSchema;
use kernel::{ScalarType, Span, Value};
use kql::algebra::{Expr, ExprKind, Node, Plan, SortKey};

use super::super::cells::{CellsBuilder, plan_type};
use super::super::convert;
use super::expr::{call, literal, lower, typed};
use super::hints::{Hint, searches, stored_filters, wanted_terms};
use super::{Col, LowerError, Lowered, Lowering, Source, projection, refused};

/// Rows that `range` gives at most.
const MOST_RANGE_ROWS: i128 = 10_000_000;

/// How a KQL schema lies in a plan.
pub fn plan_schema(schema: &[ColumnSchema]) -> SchemaRef {
    let fields: Vec<Field> = schema
        .iter()
        .enumerate()
        .map(|(at, column)| Field::new(format!("v{at}"), plan_type(column.scalar), true))
        .collect();
    Arc::new(Schema::new(fields))
}

/// A batch of rows in plan types.
pub fn batch_of(rows: &[Vec<Value>], schema: &[ColumnSchema]) -> Result<RecordBatch, DataFusionError> {
    let columns: Vec<ArrayRef> = schema
        .iter()
        .enumerate()
        .map(|(at, column)| {
            let mut builder = CellsBuilder::new(column.scalar);
            rows.iter().for_each(|row| builder.push(row.get(at).cloned().unwrap_or(Value::Null)));
            builder.finish()
        })
        .collect();
    let options = RecordBatchOptions::new().with_row_count(Some(rows.len()));
    Ok(RecordBatch::try_new_with_options(plan_schema(schema), columns, &options)?)
}

impl Lowering<'_> {
    pub(super) fn table(&mut self, name: &str, plan: &Plan, hints: &[Hint]) -> Result<Lowered, LowerError> {
        match self.sources.tables.get(name) {
            None => Err(refused(plan.span, format!("table `{name}`, which was not opened"))),
            Some(Source::Rows { columns, batch }) => {
                let place = |wanted: &ColumnSchema| columns.iter().position(|column| column.name == wanted.name);
                let places: Option<Vec<usize>> = plan.schema.iter().map(place).collect();
                let places =
                    places.ok_or_else(|| refused(plan.span, format!("columns of `{name}` that were not read")))?;
                let batch = batch.project(&places).map_err(DataFusionError::from)?;
                self.rows(vec![batch], &plan.schema)
            }
            Some(Source::Lake { provider, range, .. }) => {
                let mut filters = stored_filters(hints, &plan.schema);
                let within = range.map(within);
                filters.extend(within.clone());
                let provider = match wanted_terms(hints) {
                    Some(wanted) => {
                        // A text column lies in the scan as it lies in plans, but for nulls, which no search finds.
                        let stored = |column: &ColumnSchema| Col { name: column.name.clone(), scalar: column.scalar };
                        let stored: Vec<Col> = plan.schema.iter().map(stored).collect();
                        let searches = searches(hints).map(|search| lower(search, &stored));
                        Arc::new(provider.with_terms(wanted, searches.collect::<Result<_, _>>()?))
                    }
                    None => Arc::clone(provider),
                };
                let source = provider_as_source(provider);
                let mut scan = LogicalPlanBuilder::scan_with_filters(name, source, None, filters)?;
                if let Some(within) = within {
                    scan = scan.filter(within)?;
                }
                let scan = scan.build()?;
                let columns = plan
                    .schema
                    .iter()
                    .map(|column| Ok((from_stored(&column.name, column.scalar, plan.span)?, column.scalar)))
                    .collect::<Result<Vec<_>, LowerError>>()?;
                self.projected_scan(scan, columns)
            }
        }
    }

    /// As [`Self::projected`], never passing a stored column's own name on.
    fn projected_scan(
        &mut self,
        scan: LogicalPlan,
        expressions: Vec<(DfExpr, ScalarType)>,
    ) -> Result<Lowered, LowerError> {
        let mut columns = Vec::with_capacity(expressions.len());
        let mut aliased = Vec::with_capacity(expressions.len());
        for (expression, scalar) in expressions {
            let name = self.fresh();
            aliased.push(expression.alias(name.clone()));
            columns.push(Col { name, scalar });
        }
        let plan = projection(scan, aliased, &columns)?;
        Ok(Lowered { plan, columns, order: Vec::new() })
    }

    pub(super) fn values(&mut self, rows: &[Vec<Value>], schema: &[ColumnSchema]) -> Result<Lowered, LowerError> {
        let batch = batch_of(rows, schema)?;
        self.rows(vec![batch], schema)
    }

    /// Rows that are in memory already, in the types and order of `schema`.
    pub(super) fn rows(&mut self, batches: Vec<RecordBatch>, schema: &[ColumnSchema]) -> Result<Lowered, LowerError> {
        let arrow = plan_schema(schema);
        let batches = batches
            .into_iter()
            .map(|batch| {
                let options = RecordBatchOptions::new().with_row_count(Some(batch.num_rows()));
                RecordBatch::try_new_with_options(Arc::clone(&arrow), batch.columns().to_vec(), &options)
            })
            .collect::<Result<Vec<_>, _>>()
            .map_err(DataFusionError::from)?;
        let table = MemTable::try_new(Arc::clone(&arrow), vec![batches])?;
        let name = format!("rows{}", self.fresh());
        let scan = LogicalPlanBuilder::scan(name, provider_as_source(Arc::new(table)), None)?.build()?;
        if schema.is_empty() {
            return Ok(Lowered { plan: scan, columns: Vec::new(), order: Vec::new() });
        }
        let columns = schema
            .iter()
            .enumerate()
            .map(|(at, column)| (Col { name: format!("v{at}"), scalar: column.scalar }.expr(), column.scalar))
            .collect();
        self.projected_scan(scan, columns)
    }

    pub(super) fn range(&mut self, start: &Expr, stop: &Expr, step: &Expr, plan: &Plan) -> Result<Lowered, LowerError> {
        let constant = |expr: &Expr| match &expr.kind {
            ExprKind::Literal(value) => Ok(value.clone()),
            _ => Err(refused(expr.span, "a computed bound of `range`")),
        };
        let (start, stop, step_value) = (constant(start)?, constant(stop)?, constant(step)?);
        let scalar = plan.schema.first().map_or(ScalarType::Long, |column| column.scalar);
        let rows = steps(&start, &stop, &step_value, scalar, step.span)?;
        self.values(&rows, &plan.schema)
    }

    pub(super) fn filter(
        &mut self,
        input: &Plan,
        predicate: &Expr,
        mut hints: Vec<Hint>,
    ) -> Result<Lowered, LowerError> {
        hints.extend(Hint::of(predicate));
        let input = self.plan(input, hints)?;
        let predicate = lower(predicate, &input.columns)?;
        let plan = LogicalPlanBuilder::from(input.plan).filter(predicate)?.build()?;
        Ok(Lowered { plan, ..input })
    }

    pub(super) fn project(&mut self, input: &Plan, columns: &[Expr], hints: Vec<Hint>) -> Result<Lowered, LowerError> {
        let hints = hints.into_iter().filter_map(|hint| hint.below_project(columns)).collect();
        let input = self.plan(input, hints)?;
        let expressions = columns.iter().map(|column| typed(column, &input.columns)).collect::<Result<Vec<_>, _>>()?;
        if expressions.is_empty() {
            return Ok(Lowered { plan: input.plan, columns: Vec::new(), order: Vec::new() });
        }
        self.projected(input.plan, expressions, input.order)
    }

    pub(super) fn sort(&mut self, input: &Plan, keys: &[SortKey], hints: Vec<Hint>) -> Result<Lowered, LowerError> {
        // Where several columns of a union's parts are the same, the engine takes them for one another, and then does not
        // recognise its own order. A key that it knows nothing of has no such others.
        let parts = holds_union(input);
        let input = self.plan(input, hints)?;
        let width = input.columns.len();
        // Computed keys become columns first, so that the order can be named later.
        let mut expressions: Vec<(DfExpr, ScalarType)> =
            input.columns.iter().map(|column| (column.expr(), column.scalar)).collect();
        let mut directions = Vec::with_capacity(keys.len());
        for key in keys {
            let mut expr = typed(&key.expr, &input.columns)?;
            if parts {
                let same = call("op_same", vec![expr.clone()], expr.1, key.expr.span)?;
                expr = (same, expr.1);
            }
            if nan_is_misplaced(key) {
                let is_nan = call("isnan", vec![expr.clone()], ScalarType::Bool, key.expr.span)?;
                expressions.push((is_nan, ScalarType::Bool));
                directions.push((!key.nulls_first, key.nulls_first));
            }
            expressions.push(expr);
            directions.push((!key.descending, key.nulls_first));
        }
        let mut keyed = self.projected(input.plan, expressions, Vec::new())?;
        let mut order: Vec<SortExpr> = Vec::new();
        for (column, (ascending, nulls_first)) in keyed.columns[width..].iter().zip(directions) {
            order.push(column.expr().sort(ascending, nulls_first));
        }
        keyed.plan = LogicalPlanBuilder::from(keyed.plan).sort(order.clone())?.build()?;
        keyed.columns.truncate(width);
        Ok(Lowered { order, ..keyed })
    }

    pub(super) fn take(&mut self, input: &Plan, rows: u64) -> Result<Lowered, LowerError> {
        let input = self.plan(input, Vec::new())?;
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let plan = LogicalPlanBuilder::from(input.plan).limit(0, Some(rows))?.build()?;
        Ok(Lowered { plan, ..input })
    }

    pub(super) fn sample(&mut self, input: &Plan, rows: u64) -> Result<Lowered, LowerError> {
        let input = self.plan(input, Vec::new())?;
        let chance = datafusion::functions::math::expr_fn::random();
        let rows = usize::try_from(rows).unwrap_or(usize::MAX);
        let sorted = LogicalPlanBuilder::from(input.plan).sort(vec![chance.sort(true, false)])?;
        let plan = sorted.limit(0, Some(rows))?.build()?;
        Ok(Lowered { plan, columns: input.columns, order: Vec::new() })
    }

    pub(super) fn union(
        &mut self,
        inputs: &[Plan],
        schema: &[ColumnSchema],
        hints: &[Hint],
    ) -> Result<Lowered, LowerError> {
        // Positions count; every leg takes the names of the union.
        let columns: Vec<Col> = schema.iter().map(|column| Col { name: self.fresh(), scalar: column.scalar }).collect();
        let mut legs = Vec::with_capacity(inputs.len());
        for input in inputs {
            if self.is_empty(input) {
                continue;
            }
            let leg = self.plan(input, hints.to_vec())?;
            let renamed = leg.columns.iter().zip(&columns).map(|(column, name)| column.expr().alias(&name.name));
            legs.push(Arc::new(projection(leg.plan, renamed.collect(), &columns)?));
        }
        if legs.len() < 2 {
            return match legs.pop() {
                Some(leg) => Ok(Lowered { plan: Arc::unwrap_or_clone(leg), columns, order: Vec::new() }),
                None => self.values(&[], schema),
            };
        }
        // All at once: a chain of two-way unions compares the schemas again at every step.
        let schema = Arc::clone(legs[0].schema());
        let plan = LogicalPlan::Union(Union { inputs: legs, schema });
        Ok(Lowered { plan, columns, order: Vec::new() })
    }
}

impl Lowering<'_> {
    /// Whether `plan` surely gives no row: it passes the rows on of a table that has none.
    fn is_empty(&self, plan: &Plan) -> bool {
        match &plan.node {
            Node::Table { name } => match self.sources.tables.get(name) {
                Some(Source::Lake { empty, .. }) => *empty,
                Some(Source::Rows { batch, .. }) => batch.num_rows() == 0,
                None => false,
            },
            Node::Filter { input, .. } | Node::Project { input, .. } => self.is_empty(input),
            _ => false,
        }
    }
}

/// Rows of the asker's range, in stored types.
fn within(range: TimeRange) -> DfExpr {
    let time = DfExpr::Column(datafusion::common::Column::new_unqualified("TimeGenerated"));
    let at = |instant: kernel::Timestamp| {
        let micros = ScalarValue::TimestampMicrosecond(Some(instant.micros()), Some("UTC".into()));
        DfExpr::Literal(micros, None)
    };
    time.clone().gt_eq(at(range.from)).and(time.lt(at(range.to)))
}

/// A stored column in the form that it has in plans.
fn from_stored(name: &str, scalar: ScalarType, span: Span) -> Result<DfExpr, LowerError> {
    use datafusion::logical_expr::cast;
    let column = DfExpr::Column(datafusion::common::Column::new_unqualified(name));
    let stored = match scalar {
        ScalarType::DateTime => {
            let micros = cast(column, arrow_schema::DataType::Int64);
            return call("op_ticks_of_micros", vec![(micros, ScalarType::Long)], ScalarType::DateTime, span);
        }
        // Texts are read as they lie in plans.
        ScalarType::String => {
            return call("op_never_null", vec![(column, ScalarType::String)], ScalarType::String, span);
        }
        ScalarType::Guid | ScalarType::Dynamic => return Ok(column),
        _ => column,
    };
    Ok(cast(stored, plan_type(scalar)))
}

/// The rows of `range`.
fn steps(
    start: &Value,
    stop: &Value,
    step: &Value,
    scalar: ScalarType,
    span: Span,
) -> Result<Vec<Vec<Value>>, LowerError> {
    let too_many = || refused(span, format!("a `range` of more than {MOST_RANGE_ROWS} rows"));
    if scalar == ScalarType::Real {
        let real = |value: &Value| convert::to_real(value).unwrap_or(f64::NAN);
        let (start, stop, step) = (real(start), real(stop), real(step));
        let count = ((stop - start) / step).floor();
        if step == 0.0 || count.is_nan() || count < 0.0 {
            return Ok(Vec::new());
        }
        if count >= MOST_RANGE_ROWS as f64 {
            return Err(too_many());
        }
        return Ok((0..=count as u64).map(|at| vec![Value::Real(start + at as f64 * step)]).collect());
    }
    let (Some(start), Some(stop), Some(step)) =
        (convert::to_long(start), convert::to_long(stop), convert::to_long(step))
    else {
        return Ok(Vec::new());
    };
    let distance = i128::from(stop) - i128::from(start);
    if step == 0 || distance.signum() * i128::from(step.signum()) < 0 {
        return Ok(Vec::new());
    }
    let count = distance / i128::from(step);
    if count >= MOST_RANGE_ROWS {
        return Err(too_many());
    }
    let value = |at: i64| match scalar {
        ScalarType::DateTime => Value::DateTime(at),
        ScalarType::TimeSpan => Value::TimeSpan(at),
        _ => Value::Long(at),
    };
    let count = i64::try_from(count).unwrap_or(0);
    Ok((0..=count).map(|at| vec![value(start.wrapping_add(at.wrapping_mul(step)))]).collect())
}

/// A constant of a plan, for operators that need one in an expression.
pub(super) fn constant(value: &Value, scalar: ScalarType) -> Result<DfExpr, LowerError> {
    literal(value, scalar)
}

/// In KQL, what is not a number stands beside the nulls; to the engine it is the greatest number. That differs where nulls
/// stand at the end of the least numbers.
fn nan_is_misplaced(key: &SortKey) -> bool {
    key.expr.scalar == ScalarType::Real && key.descending != key.nulls_first
}

/// Is there a union below, in parts of which rows still lie?
fn holds_union(plan: &Plan) -> bool {
    matches!(plan.node, Node::Union { .. }) || plan.inputs().into_iter().any(holds_union)
}
