//! `make-series`: aggregate by bin, then collect the bins of each group into arrays.

use datafusion::common::Column;
use datafusion::functions_aggregate::expr_fn::count;
use datafusion::logical_expr::{Expr as DfExpr, LogicalPlanBuilder, lit};
use kernel::{ScalarType, Span, Value};
use kql::algebra::{Expr, ExprKind, Plan, Series};

use super::super::aggregate::folds::Fold;
use super::super::aggregate::{Kind, KqlAggregate};
use super::super::convert;
use super::expr::{call, lower};
use super::relation::constant;
use super::{Col, LowerError, Lowered, Lowering, refused};

/// The axis of the operator; `from` and `to` are constants once resolved.
pub(super) struct Axis<'a> {
    pub value: &'a Expr,
    pub from: Option<&'a Expr>,
    pub to: Option<&'a Expr>,
    pub step: &'a Expr,
    /// Also a row of defaults where no row is in range.
    pub nonempty: bool,
}

/// Bins of one series at most.
const MOST_BINS: f64 = 1_048_576.0;

/// The bins: first value, step, and how many.
struct Bins {
    from: Value,
    step: Value,
    count: usize,
}

fn bins(axis: &Axis<'_>, span: Span) -> Result<Bins, LowerError> {
    let value = |expr: Option<&Expr>| match expr.map(|expr| &expr.kind) {
        Some(ExprKind::Literal(value)) => Ok(value.clone()),
        _ => Err(refused(span, "make-series without constant `from` and `to`")),
    };
    let (from, to, step) = (value(axis.from)?, value(axis.to)?, value(Some(axis.step))?);
    let number = |value: &Value| convert::to_real(value).unwrap_or(f64::NAN);
    let exact = convert::to_long(&from).zip(convert::to_long(&to)).zip(convert::to_long(&step));
    let count = match exact {
        Some(((from, to), step)) if axis.value.scalar != ScalarType::Real && step > 0 => {
            ((i128::from(to) - i128::from(from)).max(0) as f64 / step as f64).ceil()
        }
        _ => ((number(&to) - number(&from)) / number(&step)).ceil().max(0.0),
    };
    if !(0.0..=MOST_BINS).contains(&count) || number(&step) <= 0.0 {
        return Err(refused(
            span,
            format!("a series of more than {MOST_BINS} bins, or a step that is not positive, in make-series"),
        ));
    }
    Ok(Bins { from, step, count: count as usize })
}

impl Bins {
    fn axis(&self) -> Value {
        let at = |bin: usize| match (&self.from, &self.step) {
            (Value::Real(from), step) => Value::Real(from + bin as f64 * convert::to_real(step).unwrap_or(0.0)),
            (from, step) => {
                let start = convert::to_long(from).unwrap_or(0);
                let moved = start.saturating_add((bin as i64).saturating_mul(convert::to_long(step).unwrap_or(0)));
                match from {
                    Value::DateTime(_) => Value::DateTime(moved),
                    Value::TimeSpan(_) => Value::TimeSpan(moved),
                    _ => Value::Long(moved),
                }
            }
        };
        let all = (0..self.count).map(|bin| convert::to_dynamic(&at(bin)).unwrap_or(serde_json::Value::Null));
        Value::Dynamic(all.collect())
    }
}

impl Lowering<'_> {
    pub(super) fn make_series(
        &mut self,
        input: &Plan,
        series: &[Series],
        axis: &Axis<'_>,
        keys: &[Expr],
        plan: &Plan,
    ) -> Result<Lowered, LowerError> {
        let bins = bins(axis, plan.span)?;
        let input = self.plan(input, Vec::new())?;
        let scalar = axis.value.scalar;
        let bin = vec![
            (lower(axis.value, &input.columns)?, scalar),
            (constant(&bins.from, scalar)?, scalar),
            (constant(&bins.step, axis.step.scalar)?, axis.step.scalar),
        ];
        let bin = call("op_bin_number", bin, ScalarType::Long, plan.span)?;
        let in_range =
            bin.clone().gt_eq(lit(0_i64)).and(bin.clone().lt(lit(i64::try_from(bins.count).unwrap_or(i64::MAX))));
        let filtered = LogicalPlanBuilder::from(input.plan.clone()).filter(in_range)?.build()?;
        let mut group = self.typed_all(keys, &input)?;
        group.push((bin, ScalarType::Long));
        let calls: Vec<_> = series.iter().flat_map(|series| series.calls.iter().cloned()).collect();
        let binned = self.aggregate_over(Lowered { plan: filtered, ..input }, group, &calls)?;
        let binned = self.bin_values(binned, keys.len() + 1, series)?;
        let (keyed, measured) = binned.columns.split_at(keys.len());
        let (bin, measured) = (&measured[0], &measured[1..]);
        let mut aggregates = Vec::new();
        let mut outputs: Vec<(DfExpr, ScalarType)> =
            keyed.iter().map(|column| (column.expr(), column.scalar)).collect();
        for (column, series) in measured.iter().zip(series) {
            let default = match &series.default.kind {
                ExprKind::Literal(value) => convert::to_real(value),
                _ => return Err(refused(series.default.span, "a computed default in make-series")),
            };
            let parameters: Vec<f64> = std::iter::once(bins.count as f64).chain(default).collect();
            let types = [ScalarType::Long, column.scalar];
            let fold = KqlAggregate::udaf(Kind::Fold(Fold::Series), &types, &parameters, ScalarType::Dynamic);
            let name = self.fresh();
            aggregates.push(fold.call(vec![bin.expr(), column.expr()]).alias(name.clone()));
            outputs.push((Col { name, scalar: ScalarType::Dynamic }.expr(), ScalarType::Dynamic));
        }
        let groups: Vec<DfExpr> = keyed.iter().map(Col::expr).collect();
        let bins_seen = self.fresh();
        aggregates.push(count(bin.expr()).alias(bins_seen.clone()));
        let mut collected = LogicalPlanBuilder::from(binned.plan).aggregate(groups, aggregates)?;
        if !axis.nonempty {
            collected = collected.filter(DfExpr::Column(Column::new_unqualified(bins_seen)).gt(lit(0_i64)))?;
        }
        let collected = collected.build()?;
        outputs.push((constant(&bins.axis(), ScalarType::Dynamic)?, ScalarType::Dynamic));
        self.projected(collected, outputs, Vec::new())
    }

    /// The groups (the first `width` columns) and bins with the value of each series.
    fn bin_values(&mut self, binned: Lowered, width: usize, series: &[Series]) -> Result<Lowered, LowerError> {
        let (grouped, mut outputs) = binned.columns.split_at(width);
        let mut expressions: Vec<(DfExpr, ScalarType)> =
            grouped.iter().map(|column| (column.expr(), column.scalar)).collect();
        for series in series {
            let own = series.calls.iter().map(|call| call.outputs.len()).sum();
            let (mine, rest) = outputs.split_at(own);
            expressions.push((lower(&series.value, mine)?, series.value.scalar));
            outputs = rest;
        }
        self.projected(binned.plan, expressions, Vec::new())
    }
}
