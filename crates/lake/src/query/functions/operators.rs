//! Arithmetic. Integers wrap; division by zero is null for integers, infinity or NaN for reals.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal256Type, Float64Type, Int64Type};
use arrow_array::{ArrayRef, Decimal256Array, Float64Array, Int32Array, Int64Array};
use arrow_buffer::i256;
use arrow_cast::cast;
use datafusion::error::Result;
use kernel::ScalarType;

use super::{Call, Entry, bad_value, columns};
use crate::query::calendar::LAST;
use crate::query::cells::{Cells, plan_type};
use crate::query::decimal::{self, ONE};

pub(super) const ENTRIES: &[Entry] = &[
    columns("op_add", |call| arithmetic(call, Operation::Add)),
    columns("op_subtract", |call| arithmetic(call, Operation::Subtract)),
    columns("op_multiply", |call| arithmetic(call, Operation::Multiply)),
    columns("op_divide", |call| arithmetic(call, Operation::Divide)),
    columns("op_modulo", |call| arithmetic(call, Operation::Modulo)),
    columns("op_negate", negate),
];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Operation {
    Add,
    Subtract,
    Multiply,
    Divide,
    Modulo,
}

/// The numbers of `cells` as longs.
pub(super) fn longs(cells: &Cells) -> Result<Int64Array> {
    Ok(cast(cells.array(), &arrow_schema::DataType::Int64)?.as_primitive::<Int64Type>().clone())
}

/// The numbers of `cells` as reals.
pub(super) fn reals(cells: &Cells) -> Result<Float64Array> {
    Ok(cast(cells.array(), &arrow_schema::DataType::Float64)?.as_primitive::<Float64Type>().clone())
}

fn decimals(cells: &Cells) -> Result<Decimal256Array> {
    Ok(cast(cells.array(), &plan_type(ScalarType::Decimal))?.as_primitive::<Decimal256Type>().clone())
}

/// Where in an array the value of `row` lies.
pub(super) fn place(cells: &Cells, row: usize) -> usize {
    if cells.is_constant() { 0 } else { row }
}

/// Row by row over two columns of natives, null where one is null.
macro_rules! zip_rows {
    ($call:expr, $left:expr, $right:expr, $array:ty, $function:expr) => {{
        let (left, right) = (&$left, &$right);
        let function = &mut $function;
        let result: $array = (0..$call.rows)
            .map(|row| {
                let (l, r) = (place(&$call.args[0], row), place(&$call.args[1], row));
                if arrow_array::Array::is_null(left, l) || arrow_array::Array::is_null(right, r) {
                    None
                } else {
                    function(left.value(l), right.value(r))
                }
            })
            .collect();
        result
    }};
}

fn arithmetic(call: &Call<'_>, operation: Operation) -> Result<ArrayRef> {
    let [left, right] = call.args else {
        return datafusion::common::internal_err!("arithmetic takes two operands");
    };
    let is_time = |scalar| matches!(scalar, ScalarType::DateTime | ScalarType::TimeSpan);
    let any = |scalar| left.scalar() == scalar || right.scalar() == scalar;
    if any(ScalarType::Decimal) {
        let mut failure = None;
        let result: Decimal256Array = zip_rows!(call, decimals(left)?, decimals(right)?, Decimal256Array, |l, r| {
            decimal(operation, l, r).unwrap_or_else(|error| {
                failure.get_or_insert(error);
                None
            })
        });
        if let Some(failure) = failure {
            return Err(failure);
        }
        return Ok(Arc::new(result.with_data_type(plan_type(ScalarType::Decimal))));
    }
    if call.returns == ScalarType::Real {
        return Ok(Arc::new(zip_rows!(call, reals(left)?, reals(right)?, Float64Array, |l, r| Some(real(
            operation, l, r
        )))));
    }
    if any(ScalarType::Real) && call.returns == ScalarType::TimeSpan {
        return Ok(Arc::new(zip_rows!(call, reals(left)?, reals(right)?, Int64Array, |l: f64, r: f64| {
            let ticks = real(operation, l, r);
            (ticks.is_finite() && ticks.abs() < 9.2e18).then_some(ticks as i64)
        })));
    }
    let dated = call.returns == ScalarType::DateTime;
    let timed = is_time(call.returns);
    let result = zip_rows!(call, longs(left)?, longs(right)?, Int64Array, |l, r| {
        let value = if timed { checked(operation, l, r) } else { long(operation, l, r) };
        value.filter(|ticks| !dated || (0..=LAST).contains(ticks))
    });
    if call.returns == ScalarType::Int {
        return Ok(cast(&result, &arrow_schema::DataType::Int32)?);
    }
    Ok(Arc::new(result))
}

fn long(operation: Operation, left: i64, right: i64) -> Option<i64> {
    match operation {
        Operation::Add => Some(left.wrapping_add(right)),
        Operation::Subtract => Some(left.wrapping_sub(right)),
        Operation::Multiply => Some(left.wrapping_mul(right)),
        Operation::Divide if right == 0 => None,
        Operation::Divide => Some(left.wrapping_div(right)),
        Operation::Modulo if right == 0 => None,
        Operation::Modulo => Some(left.wrapping_rem_euclid(right)),
    }
}

/// Times do not wrap: out of range is null.
fn checked(operation: Operation, left: i64, right: i64) -> Option<i64> {
    match operation {
        Operation::Add => left.checked_add(right),
        Operation::Subtract => left.checked_sub(right),
        Operation::Multiply => left.checked_mul(right),
        Operation::Divide | Operation::Modulo => long(operation, left, right),
    }
}

fn real(operation: Operation, left: f64, right: f64) -> f64 {
    match operation {
        Operation::Add => left + right,
        Operation::Subtract => left - right,
        Operation::Multiply => left * right,
        Operation::Divide => left / right,
        Operation::Modulo => left.rem_euclid(right),
    }
}

/// `None` for a division by zero; an error where the result has too many digits.
fn decimal(operation: Operation, left: i256, right: i256) -> Result<Option<i256>> {
    let result = match operation {
        Operation::Divide | Operation::Modulo if right == i256::ZERO => return Ok(None),
        Operation::Add => left.checked_add(right),
        Operation::Subtract => left.checked_sub(right),
        Operation::Multiply => scaled(left, right, ONE),
        Operation::Divide => scaled(left, ONE, right),
        Operation::Modulo => decimal::remainder(left, right),
    };
    match result.and_then(decimal::within) {
        Some(result) => Ok(Some(result)),
        None => Err(bad_value(format!(
            "a result of decimal arithmetic on {} and {} is too large: a decimal has 58 digits before the point",
            decimal::text(left),
            decimal::text(right)
        ))),
    }
}

/// `left * factor / divisor` without losing the high bits where they matter.
fn scaled(left: i256, factor: i256, divisor: i256) -> Option<i256> {
    if let Some(product) = left.checked_mul(factor) {
        return product.checked_div(divisor);
    }
    let whole = left.checked_div(divisor)?.checked_mul(factor)?;
    let rest = left.checked_rem(divisor)?.checked_mul(factor)?.checked_div(divisor)?;
    whole.checked_add(rest)
}

fn negate(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(operand) = call.args.first() else {
        return datafusion::common::internal_err!("minus takes an operand");
    };
    Ok(match operand.scalar() {
        ScalarType::Real => Arc::new(operand.array().as_primitive::<Float64Type>().unary::<_, Float64Type>(|n| -n)),
        ScalarType::Decimal => {
            let negated: Decimal256Array =
                operand.array().as_primitive::<Decimal256Type>().unary::<_, Decimal256Type>(i256::wrapping_neg);
            Arc::new(negated.with_data_type(plan_type(ScalarType::Decimal)))
        }
        _ => {
            let negated: Int64Array = longs(operand)?.unary(i64::wrapping_neg);
            if call.returns == ScalarType::Int {
                let negated: Int32Array = negated.unary(|n| n as i32);
                Arc::new(negated)
            } else {
                Arc::new(negated)
            }
        }
    })
}
