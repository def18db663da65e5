//! `summarize`: DataFusion's aggregates where they mean the same, ours elsewhere.

use datafusion::functions_aggregate::{average, count, min_max, sum};
use datafusion::logical_expr::expr::AggregateFunction;
use datafusion::logical_expr::{AggregateUDF, Expr as DfExpr, LogicalPlanBuilder, SortExpr, cast, lit, when};
use kernel::{ScalarType, Value};
use kql::algebra::{AggregateCall, Expr, ExprKind, Plan};
use std::sync::Arc;

use super::super::aggregate::folds::Fold;
use super::super::aggregate::pick::Extreme;
use super::super::aggregate::{Kind, KqlAggregate};
use super::super::cells::plan_type;
use super::super::convert;
use super::expr::{lower, typed};
use super::relation::constant;
use super::{Col, LowerError, Lowered, Lowering, refused};

/// An aggregate in the plan and what becomes of its result.
pub(super) struct Measured {
    /// The aggregate, under the name `column`.
    pub expr: DfExpr,
    pub column: String,
    /// Output expressions over `column`.
    pub outputs: Vec<(DfExpr, ScalarType)>,
}

impl Lowering<'_> {
    pub(super) fn aggregate(
        &mut self,
        input: &Plan,
        keys: &[Expr],
        calls: &[AggregateCall],
    ) -> Result<Lowered, LowerError> {
        let input = self.plan(input, Vec::new())?;
        let keys = keys.iter().map(|key| typed(key, &input.columns)).collect::<Result<Vec<_>, _>>()?;
        self.aggregate_over(input, keys, calls)
    }

    /// Groups `input` by `keys`; output: keys, then the outputs of `calls`.
    pub(super) fn aggregate_over(
        &mut self,
        input: Lowered,
        keys: Vec<(DfExpr, ScalarType)>,
        calls: &[AggregateCall],
    ) -> Result<Lowered, LowerError> {
        let measured =
            calls.iter().map(|call| self.measure(call, &input.columns, &input.order)).collect::<Result<Vec<_>, _>>()?;
        let mut group = Vec::with_capacity(keys.len());
        let mut outputs = Vec::with_capacity(keys.len() + measured.len());
        for (key, scalar) in keys {
            let name = self.fresh();
            group.push(key.alias(name.clone()));
            outputs.push((Col { name, scalar }.expr(), scalar));
        }
        let aggregates: Vec<DfExpr> = measured.iter().map(|m| m.expr.clone().alias(m.column.clone())).collect();
        outputs.extend(measured.into_iter().flat_map(|m| m.outputs));
        let plan = if aggregates.is_empty() {
            LogicalPlanBuilder::from(input.plan).project(group)?.distinct()?.build()?
        } else {
            LogicalPlanBuilder::from(input.plan).aggregate(group, aggregates)?.build()?
        };
        self.projected(plan, outputs, Vec::new())
    }

    /// Lowers one aggregate over `columns`.
    pub(super) fn measure(
        &mut self,
        call: &AggregateCall,
        columns: &[Col],
        order: &[SortExpr],
    ) -> Result<Measured, LowerError> {
        let filter = match &call.filter {
            Some(filter) => Some(Box::new(lower(filter, columns)?)),
            None => None,
        };
        let column = self.fresh();
        let result = DfExpr::Column(datafusion::common::Column::new_unqualified(column.clone()));
        let returns = call.outputs.first().copied().unwrap_or(ScalarType::Long);
        if let Some(measured) = native(call, columns, filter.clone(), &column, &result, returns)? {
            return Ok(measured);
        }
        let (kind, values, parameters) = own(call)?;
        let args = values.iter().map(|value| typed(value, columns)).collect::<Result<Vec<_>, _>>()?;
        let types: Vec<ScalarType> = args.iter().map(|(_, scalar)| *scalar).collect();
        let args: Vec<DfExpr> = args.into_iter().map(|(arg, _)| arg).collect();
        let several = matches!(call.function.name, "percentiles" | "percentilesw");
        let built = if several || matches!(kind, Kind::Fold(Fold::PercentilesArray | Fold::WeightedPercentilesArray)) {
            ScalarType::Dynamic
        } else {
            returns
        };
        let function = KqlAggregate::udaf(kind, &types, &parameters, built);
        let ordered = matches!(kind, Kind::Fold(Fold::List | Fold::ListWithNulls | Fold::Set));
        let order_by = if ordered { order.to_vec() } else { Vec::new() };
        let expr = aggregate(function, args, filter, order_by);
        let outputs = match kind {
            Kind::Pick(_) => call
                .outputs
                .iter()
                .enumerate()
                .map(|(at, scalar)| {
                    (datafusion::functions::core::expr_fn::get_field(result.clone(), format!("f{at}")), *scalar)
                })
                .collect(),
            Kind::Fold(_) if several => call
                .outputs
                .iter()
                .enumerate()
                .map(|(at, scalar)| Ok((element(&result, at, *scalar, call)?, *scalar)))
                .collect::<Result<Vec<_>, LowerError>>()?,
            Kind::Fold(_) => vec![(result, returns)],
        };
        Ok(Measured { expr, column, outputs })
    }
}

/// The element `at` of an array column, as `scalar`.
fn element(array: &DfExpr, at: usize, scalar: ScalarType, call: &AggregateCall) -> Result<DfExpr, LowerError> {
    let index = constant(&Value::Long(i64::try_from(at).unwrap_or(0)), ScalarType::Long)?;
    let step = vec![(array.clone(), ScalarType::Dynamic), (index, ScalarType::Long)];
    let found = super::expr::call("op_step", step, ScalarType::Dynamic, call.span)?;
    super::expr::call("op_convert", vec![(found, ScalarType::Dynamic)], scalar, call.span)
}

fn aggregate(
    function: Arc<AggregateUDF>,
    args: Vec<DfExpr>,
    filter: Option<Box<DfExpr>>,
    order: Vec<SortExpr>,
) -> DfExpr {
    DfExpr::AggregateFunction(AggregateFunction::new_udf(function, args, false, filter, order, None))
}

/// The aggregates that DataFusion has with KQL's meaning.
fn native(
    call: &AggregateCall,
    columns: &[Col],
    filter: Option<Box<DfExpr>>,
    column: &str,
    result: &DfExpr,
    returns: ScalarType,
) -> Result<Option<Measured>, LowerError> {
    let made = |function, args, output| {
        Some(Measured {
            expr: aggregate(function, args, filter.clone(), Vec::new()),
            column: column.to_owned(),
            outputs: vec![(output, returns)],
        })
    };
    let argument = match call.args.first() {
        Some(argument) => Some(typed(argument, columns)?),
        None => None,
    };
    let or_else = |value: Value| -> Result<DfExpr, LowerError> {
        let typed = cast(result.clone(), plan_type(returns));
        Ok(when(result.clone().is_null(), constant(&value, returns)?).otherwise(typed)?)
    };
    Ok(match (call.function.name, argument) {
        ("count", _) => made(count::count_udaf(), vec![lit(1_i64)], result.clone()),
        ("sum", Some((argument, scalar))) => {
            let zero = match returns {
                ScalarType::Real => Value::Real(0.0),
                ScalarType::Decimal => Value::Decimal("0".to_owned()),
                ScalarType::TimeSpan => Value::TimeSpan(0),
                _ => Value::Long(0),
            };
            let argument =
                if scalar == ScalarType::Int { cast(argument, plan_type(ScalarType::Long)) } else { argument };
            made(sum::sum_udaf(), vec![argument], or_else(zero)?)
        }
        ("avg", Some((argument, scalar))) if returns == ScalarType::Real && scalar == ScalarType::Real => {
            made(average::avg_udaf(), vec![argument], or_else(Value::Real(f64::NAN))?)
        }
        ("min", Some((argument, scalar))) if has_order(scalar) => {
            made(min_max::min_udaf(), vec![argument], never_null(result, returns)?)
        }
        ("max", Some((argument, scalar))) if has_order(scalar) => {
            made(min_max::max_udaf(), vec![argument], never_null(result, returns)?)
        }
        _ => None,
    })
}

fn has_order(scalar: ScalarType) -> bool {
    !matches!(scalar, ScalarType::Dynamic | ScalarType::Bool)
}

/// A string result is empty, not null, where there was no row.
pub(super) fn never_null(result: &DfExpr, scalar: ScalarType) -> Result<DfExpr, LowerError> {
    if scalar != ScalarType::String {
        return Ok(result.clone());
    }
    Ok(when(result.clone().is_null(), constant(&Value::String(String::new()), scalar)?).otherwise(result.clone())?)
}

/// Our own aggregates: kind, column arguments, constant arguments.
fn own(call: &AggregateCall) -> Result<(Kind, &[Expr], Vec<f64>), LowerError> {
    let args = call.args.as_slice();
    let one = args.get(..1).unwrap_or_default();
    let constants = |args: &[Expr]| -> Result<Vec<f64>, LowerError> {
        let mut numbers = Vec::new();
        for arg in args {
            match &arg.kind {
                ExprKind::Literal(Value::Dynamic(serde_json::Value::Array(elements))) => {
                    numbers.extend(elements.iter().filter_map(serde_json::Value::as_f64));
                }
                ExprKind::Literal(value) => numbers.extend(convert::to_real(value)),
                _ => return Err(refused(arg.span, "a computed argument of this aggregate")),
            }
        }
        Ok(numbers)
    };
    let rest = || constants(args.get(1..).unwrap_or_default());
    let two = args.get(..2).unwrap_or_default();
    let two_or_one = args.get(..2).unwrap_or(one);
    let after_two = || constants(args.get(2..).unwrap_or_default());
    Ok(match call.function.name {
        "arg_max" => (Kind::Pick(Extreme::Max), args, Vec::new()),
        "arg_min" => (Kind::Pick(Extreme::Min), args, Vec::new()),
        "take_any" => (Kind::Pick(Extreme::Any), args, Vec::new()),
        "make_set" => (Kind::Fold(Fold::Set), one, rest()?),
        "make_list" => (Kind::Fold(Fold::List), one, rest()?),
        "make_list_with_nulls" => (Kind::Fold(Fold::ListWithNulls), one, rest()?),
        "make_bag" => (Kind::Fold(Fold::Bag), one, rest()?),
        "buildschema" => (Kind::Fold(Fold::Schema), one, Vec::new()),
        "dcount" => (Kind::Fold(Fold::DistinctCount), one, Vec::new()),
        "hll" => (Kind::Fold(Fold::Hll), one, Vec::new()),
        "hll_merge" => (Kind::Fold(Fold::HllMerge), one, Vec::new()),
        "tdigest" => (Kind::Fold(Fold::Digest), two_or_one, Vec::new()),
        "tdigest_merge" => (Kind::Fold(Fold::DigestMerge), one, Vec::new()),
        "count_distinct" => (Kind::Fold(Fold::DistinctCount), one, vec![-1.0]),
        "percentile" => (Kind::Fold(Fold::Percentiles), one, rest()?),
        "percentiles" | "percentiles_array" => (Kind::Fold(Fold::PercentilesArray), one, rest()?),
        "percentilew" => (Kind::Fold(Fold::WeightedPercentiles), two, after_two()?),
        "percentilesw" | "percentilesw_array" => (Kind::Fold(Fold::WeightedPercentilesArray), two, after_two()?),
        "covariance" => (Kind::Fold(Fold::Covariance), two, Vec::new()),
        "covariancep" => (Kind::Fold(Fold::CovarianceP), two, Vec::new()),
        "stdev" => (Kind::Fold(Fold::Stdev), one, Vec::new()),
        "stdevp" => (Kind::Fold(Fold::StdevP), one, Vec::new()),
        "variance" => (Kind::Fold(Fold::Variance), one, Vec::new()),
        "variancep" => (Kind::Fold(Fold::VarianceP), one, Vec::new()),
        "avg" => (Kind::Fold(Fold::MeanTicks), one, Vec::new()),
        "min" => (Kind::Fold(Fold::Least), one, Vec::new()),
        "max" => (Kind::Fold(Fold::Greatest), one, Vec::new()),
        "binary_all_and" => (Kind::Fold(Fold::BitAnd), one, Vec::new()),
        "binary_all_or" => (Kind::Fold(Fold::BitOr), one, Vec::new()),
        "binary_all_xor" => (Kind::Fold(Fold::BitXor), one, Vec::new()),
        other => return Err(refused(call.span, format!("the aggregate `{other}()`"))),
    })
}

/// Names of the aggregates that [`Lowering::measure`] can lower.
pub const SUPPORTED: [&str; 34] = [
    "hll",
    "hll_merge",
    "tdigest",
    "tdigest_merge",
    "count",
    "sum",
    "avg",
    "min",
    "max",
    "arg_max",
    "arg_min",
    "take_any",
    "make_set",
    "make_list",
    "make_list_with_nulls",
    "make_bag",
    "buildschema",
    "dcount",
    "count_distinct",
    "percentile",
    "percentiles",
    "percentiles_array",
    "percentilew",
    "percentilesw",
    "percentilesw_array",
    "covariance",
    "covariancep",
    "stdev",
    "stdevp",
    "variance",
    "variancep",
    "binary_all_and",
    "binary_all_or",
    "binary_all_xor",
];
