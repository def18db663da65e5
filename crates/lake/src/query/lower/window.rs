//! Window functions: `row_number`, `prev`, `next`, `row_cumsum` over the rows in their order.

use datafusion::common::{Column, ScalarValue};
use datafusion::functions_aggregate::sum;
use datafusion::functions_window::expr_fn::{lag, lead, row_number};
use datafusion::logical_expr::expr::WindowFunction;
use datafusion::logical_expr::{Expr as DfExpr, ExprFunctionExt, LogicalPlanBuilder, SortExpr, WindowFrame, cast};
use kernel::{ScalarType, Value};
use kql::algebra::{Expr, ExprKind, Plan};

use super::super::cells::{column_of, plan_type};
use super::super::convert;
use super::expr::{lower, typed};
use super::{Col, LowerError, Lowered, Lowering, refused};

impl Lowering<'_> {
    pub(super) fn window(&mut self, input: &Plan, columns: &[Expr]) -> Result<Lowered, LowerError> {
        let mut input = self.plan(input, Vec::new())?;
        let mut windows = Vec::new();
        let mut rewritten = columns.to_vec();
        for column in &mut rewritten {
            self.collect(column, &mut input, &mut windows)?;
        }
        let mut expressions: Vec<DfExpr> =
            input.columns.iter().take(input.columns.len() - windows.len()).map(Col::expr).collect();
        let mut builder = LogicalPlanBuilder::from(input.plan.clone());
        if !windows.is_empty() {
            builder = builder.window(windows.iter().map(|(window, _, _)| window.clone()).collect::<Vec<_>>())?;
        }
        for (window, name, scalar) in &windows {
            let column = DfExpr::Column(Column::new_unqualified(window.schema_name().to_string()));
            expressions.push(cast(column, plan_type(*scalar)).alias(name.clone()));
        }
        let plan = builder.project(expressions)?.build()?;
        let outputs = rewritten.iter().map(|column| typed(column, &input.columns)).collect::<Result<Vec<_>, _>>()?;
        self.projected(plan, outputs, input.order)
    }

    /// Replaces each window function in `expr` by a column that the window will compute.
    fn collect(
        &mut self,
        expr: &mut Expr,
        input: &mut Lowered,
        windows: &mut Vec<(DfExpr, String, ScalarType)>,
    ) -> Result<(), LowerError> {
        let is_window = matches!(&expr.kind, ExprKind::Call { function, .. } if function.class == kql::functions::FunctionClass::Window);
        if !is_window {
            for child in expr.operands_mut() {
                self.collect(child, input, windows)?;
            }
            return Ok(());
        }
        let (window, offset) = self.window_call(expr, input)?;
        let name = self.fresh();
        windows.push((window, name.clone(), expr.scalar));
        let index = input.columns.len();
        input.columns.push(Col { name, scalar: expr.scalar });
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
            other => return Err(refused(expr.span, format!("`{other}()` with these arguments"))),
        };
        Ok((window, None))
    }
}

/// `window` over rows in `order`; over rows as they come where none is known.
fn ordered(window: DfExpr, order: Vec<SortExpr>) -> Result<DfExpr, LowerError> {
    Ok(if order.is_empty() { window } else { window.order_by(order).build()? })
}
