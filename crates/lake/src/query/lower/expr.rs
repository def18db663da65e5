//! Scalar expressions.

use datafusion::common::ScalarValue;
use datafusion::logical_expr::expr::ScalarFunction;
use datafusion::logical_expr::{Expr as DfExpr, and, lit, or};
use kernel::{ScalarType, Span, Value};
use kql::algebra::{BinaryOp, Expr, ExprKind, Haystack, PathStep, StringOp, UnaryOp};

use super::super::cells::column_of;
use super::super::decimal;
use super::super::dynamic::Step;
use super::super::functions::{self, KqlScalar, path_text};
use super::{Col, LowerError, refused};

/// Calls the function or operator `name`.
pub fn call(
    name: &str,
    args: Vec<(DfExpr, ScalarType)>,
    returns: ScalarType,
    span: Span,
) -> Result<DfExpr, LowerError> {
    let Some(entry) = functions::entry(name) else {
        return Err(refused(span, format!("`{name}()`")));
    };
    let (args, types): (Vec<DfExpr>, Vec<ScalarType>) = args.into_iter().unzip();
    let function = KqlScalar::udf(entry, &types, returns);
    Ok(DfExpr::ScalarFunction(ScalarFunction::new_udf(function, args)))
}

/// A constant.
pub fn literal(value: &Value, scalar: ScalarType) -> Result<DfExpr, LowerError> {
    let array = column_of(scalar, [value.clone()]);
    Ok(DfExpr::Literal(ScalarValue::try_from_array(&array, 0)?, None))
}

/// `expr` over the columns of its operator's input.
pub fn lower(expr: &Expr, input: &[Col]) -> Result<DfExpr, LowerError> {
    match &expr.kind {
        ExprKind::Literal(Value::Decimal(text)) if decimal::parse(text).is_none() => {
            Err(refused(expr.span, format!("a decimal of more than 58 digits before the point ({text})")))
        }
        ExprKind::Literal(value) => literal(value, expr.scalar),
        ExprKind::Column { index, .. } => match input.get(*index) {
            Some(column) => Ok(column.expr()),
            None => Err(refused(expr.span, "a column outside its input")),
        },
        ExprKind::Call { function, args, .. } => function_call(function.name, args, expr, input),
        ExprKind::Unary { op: UnaryOp::Negate, operand } => {
            call("op_negate", vec![typed(operand, input)?], expr.scalar, expr.span)
        }
        ExprKind::Binary { op, left, right } => binary(*op, left, right, expr, input),
        ExprKind::StringMatch { op, negated, left, right } => {
            let matched =
                call(operator(*op), vec![texted(left, input)?, texted(right, input)?], ScalarType::Bool, expr.span)?;
            Ok(negate_if(*negated, matched))
        }
        ExprKind::In { ignore_case, negated, value, haystack } => {
            let found = member_of(*ignore_case, value, haystack, expr.span, input)?;
            Ok(negate_if(*negated, found))
        }
        ExprKind::HasTerms { all, value, haystack } => {
            let mut args = vec![texted(value, input)?];
            args.extend(haystack_args(haystack, input, expr.span)?);
            call(if *all { "op_has_all" } else { "op_has_any" }, args, ScalarType::Bool, expr.span)
        }
        ExprKind::Between { negated, value, low, high } => {
            let lower_bound = comparison(BinaryOp::GreaterOrEqual, value, low, expr.span, input)?;
            let upper_bound = comparison(BinaryOp::LessOrEqual, value, high, expr.span, input)?;
            let inside = and(lower_bound, upper_bound);
            Ok(if *negated { inside.is_not_true() } else { inside })
        }
        ExprKind::Path { .. } => path(expr, expr.scalar, input),
        ExprKind::Convert { operand } => {
            if operand.scalar == expr.scalar {
                return lower(operand, input);
            }
            if expr.scalar == ScalarType::String && matches!(operand.kind, ExprKind::Path { .. }) {
                return path(operand, ScalarType::String, input);
            }
            call("op_convert", vec![typed(operand, input)?], expr.scalar, expr.span)
        }
        ExprKind::Scalar(_) => Err(refused(expr.span, "toscalar() that was not computed before")),
        ExprKind::Invalid => Err(refused(expr.span, "an expression that was not bound")),
    }
}

/// `expr` with its type.
pub fn typed(expr: &Expr, input: &[Col]) -> Result<(DfExpr, ScalarType), LowerError> {
    Ok((lower(expr, input)?, expr.scalar))
}

/// `expr` as text.
fn texted(expr: &Expr, input: &[Col]) -> Result<(DfExpr, ScalarType), LowerError> {
    let (lowered, scalar) = typed(expr, input)?;
    if scalar == ScalarType::String {
        return Ok((lowered, scalar));
    }
    Ok((call("op_convert", vec![(lowered, scalar)], ScalarType::String, expr.span)?, ScalarType::String))
}

/// The predicates of `negated` forms are never null, so plain negation serves.
fn negate_if(negated: bool, predicate: DfExpr) -> DfExpr {
    if negated { !predicate } else { predicate }
}

fn operator(op: StringOp) -> &'static str {
    match op {
        StringOp::EqualsIgnoreCase => "op_equals_ignore_case",
        StringOp::Has => "op_has",
        StringOp::HasCs => "op_has_cs",
        StringOp::HasPrefix => "op_has_prefix",
        StringOp::HasPrefixCs => "op_has_prefix_cs",
        StringOp::HasSuffix => "op_has_suffix",
        StringOp::HasSuffixCs => "op_has_suffix_cs",
        StringOp::Contains => "op_contains",
        StringOp::ContainsCs => "op_contains_cs",
        StringOp::StartsWith => "op_starts_with",
        StringOp::StartsWithCs => "op_starts_with_cs",
        StringOp::EndsWith => "op_ends_with",
        StringOp::EndsWithCs => "op_ends_with_cs",
        StringOp::MatchesRegex => "op_matches_regex",
    }
}

/// Functions that the plan itself can express; all others are entries of the registry.
fn function_call(name: &str, args: &[Expr], expr: &Expr, input: &[Col]) -> Result<DfExpr, LowerError> {
    match (name, args) {
        ("not", [operand]) => Ok(!lower(operand, input)?),
        ("ago" | "now" | "ingestion_time" | "rand", _) if functions::entry(name).is_none() => {
            Err(refused(expr.span, format!("`{name}()` outside a place where it is constant")))
        }
        _ => {
            let lowered = args.iter().map(|arg| typed(arg, input)).collect::<Result<Vec<_>, _>>()?;
            call(name, lowered, expr.scalar, expr.span)
        }
    }
}

fn binary(op: BinaryOp, left: &Expr, right: &Expr, expr: &Expr, input: &[Col]) -> Result<DfExpr, LowerError> {
    let name = match op {
        BinaryOp::And => return Ok(and(lower(left, input)?, lower(right, input)?)),
        BinaryOp::Or => return Ok(or(lower(left, input)?, lower(right, input)?)),
        BinaryOp::Equal
        | BinaryOp::NotEqual
        | BinaryOp::Less
        | BinaryOp::LessOrEqual
        | BinaryOp::Greater
        | BinaryOp::GreaterOrEqual => return comparison(op, left, right, expr.span, input),
        BinaryOp::Add => "op_add",
        BinaryOp::Subtract => "op_subtract",
        BinaryOp::Multiply => "op_multiply",
        BinaryOp::Divide => "op_divide",
        BinaryOp::Modulo => "op_modulo",
    };
    call(name, vec![typed(left, input)?, typed(right, input)?], expr.scalar, expr.span)
}

/// Comparisons of plain types are DataFusion's where its null rules are KQL's; the others are ours.
fn comparison(op: BinaryOp, left: &Expr, right: &Expr, span: Span, input: &[Col]) -> Result<DfExpr, LowerError> {
    let plain = !matches!(left.scalar, ScalarType::Real | ScalarType::Dynamic) && left.scalar == right.scalar;
    let (l, r) = (lower(left, input)?, lower(right, input)?);
    let is_value = |expr: &Expr| matches!(&expr.kind, ExprKind::Literal(value) if *value != Value::Null);
    let never_both_null = left.scalar == ScalarType::String || is_value(left) || is_value(right);
    let native = match op {
        BinaryOp::Equal if plain && left.scalar == ScalarType::String => Some(l.clone().eq(r.clone())),
        BinaryOp::NotEqual if plain && left.scalar == ScalarType::String => Some(l.clone().not_eq(r.clone())),
        BinaryOp::Equal if plain && never_both_null => Some(distinct(l.clone(), r.clone(), false)),
        BinaryOp::NotEqual if plain && never_both_null => Some(distinct(l.clone(), r.clone(), true)),
        BinaryOp::Less if plain => Some(l.clone().lt(r.clone())),
        BinaryOp::LessOrEqual if plain => Some(l.clone().lt_eq(r.clone())),
        BinaryOp::Greater if plain => Some(l.clone().gt(r.clone())),
        BinaryOp::GreaterOrEqual if plain => Some(l.clone().gt_eq(r.clone())),
        _ => None,
    };
    if let Some(native) = native {
        return Ok(native);
    }
    let name = match op {
        BinaryOp::Equal => "op_equal",
        BinaryOp::NotEqual => "op_not_equal",
        BinaryOp::Less => "op_less",
        BinaryOp::LessOrEqual => "op_less_or_equal",
        BinaryOp::Greater => "op_greater",
        _ => "op_greater_or_equal",
    };
    call(name, vec![(l, left.scalar), (r, right.scalar)], ScalarType::Bool, span)
}

fn distinct(left: DfExpr, right: DfExpr, distinct: bool) -> DfExpr {
    use datafusion::logical_expr::{BinaryExpr, Operator};
    let op = if distinct { Operator::IsDistinctFrom } else { Operator::IsNotDistinctFrom };
    DfExpr::BinaryExpr(BinaryExpr::new(Box::new(left), op, Box::new(right)))
}

/// `value in (…)`. Constants of a plain type become DataFusion's list, which probes a hash set.
fn member_of(
    ignore_case: bool,
    value: &Expr,
    haystack: &Haystack,
    span: Span,
    input: &[Col],
) -> Result<DfExpr, LowerError> {
    let plain = !matches!(value.scalar, ScalarType::Real | ScalarType::Dynamic);
    if let (false, true, Haystack::List(items)) = (ignore_case, plain, haystack)
        && items.iter().all(|item| matches!(item.kind, ExprKind::Literal(_)) && item.scalar == value.scalar)
    {
        let constants = items
            .iter()
            .filter(|item| !matches!(item.kind, ExprKind::Literal(Value::Null)))
            .map(|item| lower(item, input))
            .collect::<Result<Vec<_>, _>>()?;
        if constants.is_empty() {
            return Ok(lit(false));
        }
        return Ok(lower(value, input)?.in_list(constants, false).is_true());
    }
    let mut args = vec![if ignore_case { texted(value, input)? } else { typed(value, input)? }];
    args.extend(haystack_args(haystack, input, span)?);
    call(if ignore_case { "op_in_ignore_case" } else { "op_in" }, args, ScalarType::Bool, span)
}

/// Many constant elements travel as one array.
fn haystack_args(haystack: &Haystack, input: &[Col], span: Span) -> Result<Vec<(DfExpr, ScalarType)>, LowerError> {
    match haystack {
        Haystack::List(items) if items.len() > 1 && items.iter().all(is_text) => {
            let elements = items.iter().map(|item| match &item.kind {
                ExprKind::Literal(Value::String(text)) => serde_json::Value::from(text.as_str()),
                _ => serde_json::Value::Null,
            });
            let array = Value::Dynamic(elements.collect());
            Ok(vec![(literal(&array, ScalarType::Dynamic)?, ScalarType::Dynamic)])
        }
        Haystack::List(items) => items.iter().map(|item| typed(item, input)).collect(),
        Haystack::Array(array) => Ok(vec![typed(array, input)?]),
        Haystack::Table(_) => Err(refused(span, "a table that was not computed before")),
    }
}

fn is_text(expr: &Expr) -> bool {
    matches!(expr.kind, ExprKind::Literal(Value::String(_)))
}

/// A chain of constant steps becomes one scan of the text.
fn path(expr: &Expr, returns: ScalarType, input: &[Col]) -> Result<DfExpr, LowerError> {
    let mut steps = Vec::new();
    let mut base = expr;
    while let ExprKind::Path { base: inner, step } = &base.kind {
        match step {
            PathStep::Key(name) => steps.push(Step::Member(name.clone())),
            PathStep::Index(index) => steps.push(Step::Element(*index)),
            PathStep::Computed(_) => break,
        }
        base = inner;
    }
    steps.reverse();
    if let (true, ExprKind::Path { base, step: PathStep::Computed(step) }) = (steps.is_empty(), &expr.kind) {
        let found = call("op_step", vec![typed(base, input)?, typed(step, input)?], ScalarType::Dynamic, expr.span)?;
        return match returns {
            ScalarType::Dynamic => Ok(found),
            other => call("op_convert", vec![(found, ScalarType::Dynamic)], other, expr.span),
        };
    }
    let steps = literal(&Value::String(path_text(&steps)), ScalarType::String)?;
    call("op_path", vec![typed(base, input)?, (steps, ScalarType::String)], returns, expr.span)
}
