//! Window functions: `row_number`, `prev`, `next`, `row_cumsum`, ranks and sessions, over the rows in their order.
//!
//! One may stand in an argument of another (`row_number(1, user != prev(user))`): the inner ones are computed first,
//! stage by stage.

use datafusion::common::{Column, ScalarValue};
use datafusion::functions_aggregate::sum;
use datafusion::functions_window::expr_fn::{lag, lead, row_number};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as DfExpr, ExprFunctionExt, LogicalPlanBuilder, SortExpr, WindowFrame, cast};
use kernel::{ScalarType, Value};
use kql::algebra::{Expr, ExprKind, Plan};
use kql::functions::FunctionClass;

use super::super::cells::{column_of, plan_type};
use super::super::convert;
use super::super::walk::{KqlWalk, Walk};
use super::expr::{lower, typed};
use super::{Col, LowerError, Lowered, Lowering, refused};

impl Lowering<'_> {
    pub(super) fn window(&mut self, input: &Plan, columns: &[Expr]) -> Result<Lowered, LowerError> {
        let mut input = self.plan(input, Vec::new())?;
        let mut rewritten = columns.to_vec();
        loop {
            let mut windows = Vec::new();
            for column in &mut rewritten {
                self.collect(column, &mut input, &mut windows)?;
            }
            if windows.is_empty() {
                break;
            }
            let known = input.columns.len() - windows.len();
            let mut expressions: Vec<DfExpr> = input.columns.iter().take(known).map(Col::expr).collect();
            // Keys of the order are needed by the next stage, though no column of the query shows them.
            let keys: Vec<DfExpr> =
                input.order.iter().map(|key| &key.expr).filter(|key| !expressions.contains(key)).cloned().collect();
            expressions.extend(keys);
            let computed = windows.iter().map(|(window, _, _)| window.clone()).collect::<Vec<_>>();
            let builder = LogicalPlanBuilder::from(input.plan).window(computed)?;
            for (window, name, scalar) in &windows {
                let column = DfExpr::Column(Column::new_unqualified(window.schema_name().to_string()));
                expressions.push(cast(column, plan_type(*scalar)).alias(name.clone()));
            }
            input.plan = builder.project(expressions)?.build()?;
        }
        let outputs = rewritten.iter().map(|column| typed(column, &input.columns)).collect::<Result<Vec<_>, _>>()?;
        self.projected(input.plan, outputs, input.order)
    }

    /// Replaces each window function in `expr`, of those with another inside the inner ones, by a column that the window
    /// will compute.
    fn collect(
        &mut self,
        expr: &mut Expr,
        input: &mut Lowered,
        windows: &mut Vec<(DfExpr, String, ScalarType)>,
    ) -> Result<(), LowerError> {
        let nested = expr.operands_mut().into_iter().any(has_window);
        if nested || !is_window(expr) {
            for child in expr.operands_mut() {
                self.collect(child, input, windows)?;
            }
            return Ok(());
        }
        let (window, offset) = self.window_call(expr, input)?;
        let known = input.columns.len() - windows.len();
        let index = match windows.iter().position(|(other, _, scalar)| *other == window && *scalar == expr.scalar) {
            Some(same) => known + same,
            None => {
                let name = self.fresh();
                windows.push((window, name.clone(), expr.scalar));
                input.columns.push(Col { name, scalar: expr.scalar });
                input.columns.len() - 1
            }
        };
        let column =
            Expr { kind: ExprKind::Column { index, name: String::new() }, scalar: expr.scalar, span: expr.span };
        expr.kind = match offset {
            None => column.kind,
            Some(offset) => ExprKind::Binary {
                op: kql::algebra::BinaryOp::Add,
                left: Box::new(column),
                right: Box::new(Expr {
                    kind: ExprKind::Literal(Value::Long(offset)),
                    scalar: ScalarType::Long,
                    span: expr.span,
                }),
            },
        };
        Ok(())
    }

    fn window_call(&self, expr: &Expr, input: &Lowered) -> Result<(DfExpr, Option<i64>), LowerError> {
        let ExprKind::Call { function, args, .. } = &expr.kind else {
            return Err(refused(expr.span, "this window function"));
        };
        let number = |at: usize, absent: i64| match args.get(at).map(|arg| &arg.kind) {
            None => Ok(absent),
            Some(ExprKind::Literal(value)) => Ok(convert::to_long(value).unwrap_or(absent)),
            Some(_) => Err(refused(expr.span, format!("a computed offset of `{}()`", function.name))),
        };
        let order = input.order.clone();
        let window = match function.name {
            "row_number" if args.len() < 2 => {
                return Ok((ordered(row_number(), order)?, Some(number(0, 1)? - 1)));
            }
            "prev" | "next" => {
                let value = lower(&args[0], &input.columns)?;
                let default = match args.get(2).map(|arg| &arg.kind) {
                    None => column_of(expr.scalar, [Value::Null]),
                    Some(ExprKind::Literal(value)) => column_of(expr.scalar, [value.clone()]),
                    Some(_) => return Err(refused(expr.span, format!("a computed default of `{}()`", function.name))),
                };
                let default = Some(ScalarValue::try_from_array(&default, 0)?);
                let shift = if function.name == "prev" { lag } else { lead };
                ordered(shift(value, Some(number(1, 1)?), default), order)?
            }
            "row_cumsum" if args.len() == 1 => {
                let sum = WindowFunction::new(sum::sum_udaf(), vec![lower(&args[0], &input.columns)?]);
                let sum = DfExpr::WindowFunction(Box::new(sum));
                let frame = WindowFrame::new_bounds(
                    datafusion::logical_expr::WindowFrameUnits::Rows,
                    datafusion::logical_expr::WindowFrameBound::Preceding(ScalarValue::UInt64(None)),
                    datafusion::logical_expr::WindowFrameBound::CurrentRow,
                );
                if order.is_empty() {
                    sum.window_frame(frame).build()?
                } else {
                    sum.order_by(order).window_frame(frame).build()?
                }
            }
            name => match Walk::named(name) {
                Some(walk) => self.walk(walk, args, expr.scalar, input)?,
                None => return Err(refused(expr.span, format!("`{name}()` with these arguments"))),
            },
        };
        Ok((window, None))
    }

    fn walk(&self, walk: Walk, args: &[Expr], returns: ScalarType, input: &Lowered) -> Result<DfExpr, LowerError> {
        let (args, types): (Vec<DfExpr>, Vec<ScalarType>) =
            args.iter().map(|arg| typed(arg, &input.columns)).collect::<Result<Vec<_>, _>>()?.into_iter().unzip();
        ordered(KqlWalk::udwf(walk, &types, returns).call(args), input.order.clone())
    }
}

fn is_window(expr: &Expr) -> bool {
    matches!(&expr.kind, ExprKind::Call { function, .. } if function.class == FunctionClass::Window)
}

fn has_window(expr: &mut Expr) -> bool {
    is_window(expr) || expr.operands_mut().into_iter().any(has_window)
}

/// `window` over rows in `order`; over rows as they come where none is known.
fn ordered(window: DfExpr, order: Vec<SortExpr>) -> Result<DfExpr, LowerError> {
    Ok(if order.is_empty() { window } else { window.order_by(order).build()? })
}
