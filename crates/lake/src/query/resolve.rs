//! What must be known before a query is lowered: `now()`, constants, plans inside expressions.

use std::mem;

use datafusion::common::DFSchema;
use datafusion::logical_expr::ColumnarValue;
use datafusion::logical_expr::physical_planning_context::PhysicalPlanningContext;
use datafusion::physical_expr::{create_physical_expr, execution_props::ExecutionProps};
use kernel::{ScalarType, Timestamp, Value};
use kql::algebra::{BinaryOp, Expr, ExprKind, Haystack, Node, Plan};
use kql::functions::FunctionClass;

use super::cells::read;
use super::lower::{LowerError, lower_constant, refused};

/// Calls `visit` on every expression of `plan`, innermost first.
fn visit(plan: &mut Plan, found: &mut dyn FnMut(&mut Expr) -> Result<(), LowerError>) -> Result<(), LowerError> {
    for input in plan.inputs_mut() {
        visit(input, found)?;
    }
    for expr in plan.expressions_mut() {
        visit_expr(expr, found)?;
    }
    Ok(())
}

fn visit_expr(expr: &mut Expr, found: &mut dyn FnMut(&mut Expr) -> Result<(), LowerError>) -> Result<(), LowerError> {
    for child in expr.operands_mut() {
        visit_expr(child, found)?;
    }
    found(expr)
}

/// Takes the first plan out of an expression of `plan`, innermost first, and leaves a gap for [`fill`].
pub fn take_plan(plan: &mut Plan) -> Option<Plan> {
    let mut taken: Option<Plan> = None;
    let outcome = visit(plan, &mut |expr| {
        if taken.is_some() {
            return Ok(());
        }
        let span = expr.span;
        let gap = |scalar| Expr { kind: ExprKind::Invalid, scalar, span };
        match &mut expr.kind {
            ExprKind::Scalar(inner) => {
                taken = take_plan(inner).or_else(|| match mem::replace(&mut expr.kind, ExprKind::Invalid) {
                    ExprKind::Scalar(inner) => Some(*inner),
                    _ => None,
                });
            }
            ExprKind::In { haystack: haystack @ Haystack::Table(_), value, .. }
            | ExprKind::HasTerms { haystack: haystack @ Haystack::Table(_), value, .. } => {
                if let Haystack::Table(inner) = haystack {
                    taken = take_plan(inner);
                }
                if taken.is_none() {
                    let list = Haystack::List(vec![gap(value.scalar)]);
                    if let Haystack::Table(inner) = mem::replace(haystack, list) {
                        taken = Some(*inner);
                    }
                }
            }
            _ => {}
        }
        Ok(())
    });
    debug_assert!(outcome.is_ok(), "taking never fails");
    taken
}

/// Puts the rows of the plan that [`take_plan`] took into its gap: a scalar takes the first value, a list all.
pub fn fill(plan: &mut Plan, values: &[Value], scalar: ScalarType) {
    let mut filled = false;
    fill_plan(plan, values, scalar, &mut filled);
}

fn fill_plan(plan: &mut Plan, values: &[Value], scalar: ScalarType, filled: &mut bool) {
    for input in plan.inputs_mut() {
        fill_plan(input, values, scalar, filled);
    }
    for expr in plan.expressions_mut() {
        fill_expr(expr, values, scalar, filled);
    }
}

fn fill_expr(expr: &mut Expr, values: &[Value], scalar: ScalarType, filled: &mut bool) {
    if *filled {
        return;
    }
    let span = expr.span;
    match &mut expr.kind {
        ExprKind::Invalid => {
            let value = values.first().cloned().unwrap_or(Value::Null);
            let value = if matches!(value, Value::Null) && expr.scalar == ScalarType::String {
                Value::String(String::new())
            } else {
                value
            };
            expr.kind = ExprKind::Literal(value);
            *filled = true;
        }
        ExprKind::Scalar(inner) => fill_plan(inner, values, scalar, filled),
        ExprKind::In { haystack, .. } | ExprKind::HasTerms { haystack, .. } => {
            if let Haystack::List(items) = haystack
                && matches!(items.as_slice(), [Expr { kind: ExprKind::Invalid, .. }])
            {
                let literal = |value: &Value| Expr { kind: ExprKind::Literal(value.clone()), scalar, span };
                *items = values.iter().map(literal).collect();
                *filled = true;
                return;
            }
            if let Haystack::Table(inner) = haystack {
                fill_plan(inner, values, scalar, filled);
            }
            expr.operands_mut().into_iter().for_each(|child| fill_expr(child, values, scalar, filled));
        }
        _ => expr.operands_mut().into_iter().for_each(|child| fill_expr(child, values, scalar, filled)),
    }
}

/// Replaces `now()` and `ago()` by the one instant of the query, then every constant expression by its value. Conditions
/// that are decided by it go: what a parameterised parser was not asked to filter costs nothing.
pub fn fold_constants(plan: &mut Plan, now: Timestamp) -> Result<(), LowerError> {
    fold_expressions(plan, now)?;
    drop_true_filters(plan);
    Ok(())
}

/// Takes out filters that every row passes.
fn drop_true_filters(plan: &mut Plan) {
    while let Node::Filter { input, predicate } = &mut plan.node
        && matches!(predicate.kind, ExprKind::Literal(Value::Bool(true)))
    {
        let hole = Plan { node: Node::ApplyInput, schema: Vec::new(), span: plan.span };
        *plan = mem::replace(input, hole);
    }
    plan.inputs_mut().into_iter().for_each(drop_true_filters);
}

/// What is left of `and` and `or` when one side is known. (`null or true` is true, `null and false` is false.)
fn decided(expr: &mut Expr) -> Option<Expr> {
    let ExprKind::Binary { op: op @ (BinaryOp::And | BinaryOp::Or), left, right } = &mut expr.kind else { return None };
    let deciding = *op == BinaryOp::Or;
    for (one, other) in [(0, 1), (1, 0)] {
        let sides = [&**left, &**right];
        if let ExprKind::Literal(Value::Bool(known)) = sides[one].kind {
            return Some(sides[if known == deciding { one } else { other }].clone());
        }
    }
    None
}

fn fold_expressions(plan: &mut Plan, now: Timestamp) -> Result<(), LowerError> {
    visit(plan, &mut |expr| {
        match &mut expr.kind {
            ExprKind::Scalar(inner) => fold_constants(inner, now)?,
            ExprKind::In { haystack: Haystack::Table(inner), .. }
            | ExprKind::HasTerms { haystack: Haystack::Table(inner), .. } => {
                fold_constants(inner, now)?;
            }
            _ => {}
        }
        if let ExprKind::Call { function, args, .. } = &expr.kind
            && function.class == FunctionClass::Environment
        {
            let offset = match args.first().map(|arg| &arg.kind) {
                None => Some(0),
                Some(ExprKind::Literal(Value::TimeSpan(ticks))) => Some(*ticks),
                Some(_) => None,
            };
            let ticks = match (function.name, offset) {
                ("now", Some(offset)) => Some(now.ticks().saturating_add(offset)),
                ("ago", Some(offset)) => Some(now.ticks().saturating_sub(offset)),
                ("now" | "ago", None) => {
                    return Err(refused(expr.span, format!("`{}()` of a computed span", function.name)));
                }
                _ => None,
            };
            if let Some(ticks) = ticks {
                expr.kind = ExprKind::Literal(Value::DateTime(ticks));
            }
            return Ok(());
        }
        if let Some(value) = constant_value(expr) {
            expr.kind = ExprKind::Literal(value);
        }
        if let Some(left) = decided(expr) {
            *expr = left;
        }
        Ok(())
    })
}

/// The value of an expression of constants; `None` where it is none, or where it fails (the query will say why).
fn constant_value(expr: &mut Expr) -> Option<Value> {
    if matches!(expr.kind, ExprKind::Literal(_) | ExprKind::Column { .. } | ExprKind::Scalar(_) | ExprKind::Invalid) {
        return None;
    }
    if matches!(&expr.kind, ExprKind::Call { function, .. } if function.class != FunctionClass::Scalar || function.name == "new_guid")
    {
        return None;
    }
    if matches!(
        &expr.kind,
        ExprKind::In { haystack: Haystack::Table(_), .. } | ExprKind::HasTerms { haystack: Haystack::Table(_), .. }
    ) {
        return None;
    }
    if !expr.operands_mut().into_iter().all(|child| matches!(child.kind, ExprKind::Literal(_))) {
        return None;
    }
    let lowered = lower_constant(expr).ok()?;
    let physical =
        create_physical_expr(&lowered, &DFSchema::empty(), &ExecutionProps::new(), &PhysicalPlanningContext::default())
            .ok()?;
    let schema = std::sync::Arc::new(arrow_schema::Schema::empty());
    let options = arrow_array::RecordBatchOptions::new().with_row_count(Some(1));
    let row = arrow_array::RecordBatch::try_new_with_options(schema, Vec::new(), &options).ok()?;
    let array = match physical.evaluate(&row).ok()? {
        ColumnarValue::Array(array) => array,
        ColumnarValue::Scalar(value) => value.to_array().ok()?,
    };
    (array.len() == 1).then(|| read(&array, expr.scalar, 0))
}

/// A plan of one row: the least and the greatest value of `axis` over `input`.
pub fn extremes(input: &Plan, axis: &Expr) -> Plan {
    let column = |name: &str| kernel::ColumnSchema { name: name.to_owned(), scalar: axis.scalar };
    let calls = ["min", "max"].into_iter().filter_map(|name| {
        Some(kql::algebra::AggregateCall {
            function: kql::functions::aggregate(name)?,
            args: vec![axis.clone()],
            filter: None,
            outputs: vec![axis.scalar],
            span: axis.span,
        })
    });
    Plan {
        node: Node::Aggregate { input: Box::new(input.clone()), keys: Vec::new(), aggregates: calls.collect() },
        schema: vec![column("least"), column("greatest")],
        span: axis.span,
    }
}

/// The range of a series over data from `least` to `greatest`: from the bin of the one to after the bin of the other.
pub fn series_bounds(least: &Value, greatest: &Value, step: &Expr) -> (Value, Value) {
    use super::convert::to_long;
    let ExprKind::Literal(size) = &step.kind else { return (Value::Null, Value::Null) };
    if let (Value::Real(least), Value::Real(greatest)) = (least, greatest) {
        let size = super::convert::to_real(size).unwrap_or(f64::NAN);
        return (Value::Real(*least), Value::Real(least + ((greatest - least) / size).floor() * size + size));
    }
    let (Some(first), Some(last), Some(size)) = (to_long(least), to_long(greatest), to_long(size)) else {
        return (Value::Null, Value::Null);
    };
    if size <= 0 {
        return (least.clone(), greatest.clone());
    }
    let end = first + (last - first).div_euclid(size) * size + size;
    let like = |ticks: i64| match least {
        Value::DateTime(_) => Value::DateTime(ticks),
        Value::TimeSpan(_) => Value::TimeSpan(ticks),
        _ => Value::Long(ticks),
    };
    (like(first), like(end))
}
