//! Numbers: `bin`, rounding, logarithms, trigonometry, special functions, random numbers.

use std::sync::Arc;

use arrow_array::types::Int64Type;
use arrow_array::{ArrayRef, Int64Array};
use datafusion::error::Result;
use kernel::{ScalarType, Value};

use super::operators::longs;
use super::{Call, Entry, by_row, columns, rows, strict, volatile};
use crate::query::calendar::LAST;
use crate::query::cells::CellsBuilder;
use crate::query::{convert, decimal};

pub(super) const ENTRIES: &[Entry] = &[
    columns("bin", bin),
    columns("floor", bin),
    rows("bin_at", bin_at),
    columns("op_bin_number", bin_numbers),
    strict("abs", |args| match &args[0] {
        Value::Int(number) => Value::Long(i64::from(*number).abs()),
        Value::Long(number) => Value::Long(number.wrapping_abs()),
        Value::TimeSpan(ticks) => Value::TimeSpan(ticks.wrapping_abs()),
        Value::Decimal(text) => Value::Decimal(text.trim_start_matches('-').to_owned()),
        other => real(other, f64::abs),
    }),
    strict("ceiling", |args| whole(&args[0], f64::ceil)),
    strict("round", round),
    strict("sign", |args| match convert::to_real(&args[0]) {
        Some(number) if number > 0.0 => Value::Long(1),
        Some(number) if number < 0.0 => Value::Long(-1),
        Some(_) => Value::Long(0),
        None => Value::Null,
    }),
    strict("sqrt", |args| real(&args[0], f64::sqrt)),
    strict("exp", |args| real(&args[0], f64::exp)),
    strict("exp2", |args| real(&args[0], f64::exp2)),
    strict("exp10", |args| real(&args[0], |n| 10_f64.powf(n))),
    strict("log", |args| real(&args[0], f64::ln)),
    strict("log2", |args| real(&args[0], f64::log2)),
    strict("log10", |args| real(&args[0], f64::log10)),
    strict("loggamma", |args| real(&args[0], libm::lgamma)),
    strict("gamma", |args| real(&args[0], libm::tgamma)),
    strict("pow", |args| real_pair(args, f64::powf)),
    strict("sin", |args| real(&args[0], f64::sin)),
    strict("cos", |args| real(&args[0], f64::cos)),
    strict("tan", |args| real(&args[0], f64::tan)),
    strict("cot", |args| real(&args[0], |n| 1.0 / n.tan())),
    strict("asin", |args| real(&args[0], f64::asin)),
    strict("acos", |args| real(&args[0], f64::acos)),
    strict("atan", |args| real(&args[0], f64::atan)),
    strict("atan2", |args| real_pair(args, f64::atan2)),
    strict("degrees", |args| real(&args[0], f64::to_degrees)),
    strict("radians", |args| real(&args[0], f64::to_radians)),
    rows("pi", |_| Value::Real(std::f64::consts::PI)),
    strict("isnan", |args| Value::Bool(convert::to_real(&args[0]).is_some_and(f64::is_nan))),
    strict("isinf", |args| Value::Bool(convert::to_real(&args[0]).is_some_and(f64::is_infinite))),
    strict("isfinite", |args| Value::Bool(convert::to_real(&args[0]).is_some_and(f64::is_finite))),
    volatile("new_guid", |_| Value::Guid(uuid::Uuid::new_v4().to_string())),
    volatile("rand", |args| {
        // 53 of the random bits, which is what a real holds.
        let (_, bits) = uuid::Uuid::new_v4().as_u64_pair();
        let chance = (bits & ((1 << 53) - 1)) as f64 / (1_u64 << 53) as f64;
        match args {
            [] => Value::Real(chance),
            [below] => match convert::to_long(below) {
                Some(below) if below > 1 => Value::Real((chance * below as f64).floor().min(below as f64 - 1.0)),
                Some(_) => Value::Real(chance),
                None => Value::Null,
            },
            _ => Value::Null,
        }
    }),
];

fn real(value: &Value, function: impl Fn(f64) -> f64) -> Value {
    convert::to_real(value).map_or(Value::Null, |number| Value::Real(function(number)))
}

fn real_pair(args: &[Value], function: impl Fn(f64, f64) -> f64) -> Value {
    match (convert::to_real(&args[0]), convert::to_real(&args[1])) {
        (Some(left), Some(right)) => Value::Real(function(left, right)),
        _ => Value::Null,
    }
}

fn whole(value: &Value, function: fn(f64) -> f64) -> Value {
    match value {
        Value::Int(_) | Value::Long(_) => value.clone(),
        other => convert::to_real(other).map_or(Value::Null, |number| Value::Real(function(number))),
    }
}

/// `bin(value, size)`: down to a multiple of `size`, also below zero; keeps the type.
fn bin(call: &Call<'_>) -> Result<ArrayRef> {
    let [value, size] = call.args else {
        return datafusion::common::internal_err!("bin takes a value and a size");
    };
    if integral(value.scalar()) && integral(size.scalar()) && size.is_constant() && !value.is_constant() {
        let numbers = longs(value)?;
        let result: Int64Array = match size.long(0) {
            Some(size) if size > 0 => numbers.unary::<_, Int64Type>(|number| floor_to(number, size)),
            _ => Int64Array::new_null(call.rows),
        };
        return Ok(if call.returns == ScalarType::Int {
            arrow_cast::cast(&result, &arrow_schema::DataType::Int32)?
        } else {
            Arc::new(result)
        });
    }
    let mut builder = CellsBuilder::new(call.returns);
    for row in 0..call.rows {
        builder.push(bin_value(&value.value(row), &size.value(row), call.returns));
    }
    Ok(builder.finish())
}

fn integral(scalar: ScalarType) -> bool {
    matches!(scalar, ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan | ScalarType::Int)
}

/// The number of the bin of a series that begins at `from`, each `size` wide.
fn bin_numbers(call: &Call<'_>) -> Result<ArrayRef> {
    let [value, from, size] = call.args else {
        return datafusion::common::internal_err!("a bin has a value, a beginning and a size");
    };
    if call.args.iter().all(|cells| integral(cells.scalar()))
        && (value.is_constant(), from.is_constant(), size.is_constant()) == (false, true, true)
        && let (Some(from), Some(size)) = (from.long(0), size.long(0))
        && size > 0
    {
        let number = |number: i64| number.wrapping_sub(from).div_euclid(size);
        return Ok(Arc::new(longs(value)?.unary::<_, Int64Type>(number)));
    }
    Ok(each_bin_number(call))
}

/// As [`bin_numbers`], one row at a time, for every type.
fn each_bin_number(call: &Call<'_>) -> ArrayRef {
    by_row(call, |args| match args {
        [value, from, size] => bin_number(value, from, size),
        _ => Value::Null,
    })
}

fn bin_number(value: &Value, from: &Value, size: &Value) -> Value {
    if let (Value::Real(_), _) | (_, Value::Real(_)) = (value, size) {
        let real = |value: &Value| convert::to_real(value).unwrap_or(f64::NAN);
        return convert::convert(&Value::Real(((real(value) - real(from)) / real(size)).floor()), ScalarType::Long);
    }
    match (convert::to_long(value), convert::to_long(from), convert::to_long(size)) {
        (Some(value), Some(from), Some(size)) if size > 0 => Value::Long(value.wrapping_sub(from).div_euclid(size)),
        _ => Value::Null,
    }
}

fn floor_to(number: i64, size: i64) -> i64 {
    number.wrapping_sub(number.rem_euclid(size))
}

fn bin_value(value: &Value, size: &Value, returns: ScalarType) -> Value {
    if matches!(value, Value::Null) || matches!(size, Value::Null) {
        return Value::Null;
    }
    if matches!(value, Value::Decimal(_)) || matches!(size, Value::Decimal(_)) {
        return match (convert::to_decimal(value), convert::to_decimal(size)) {
            (Some(number), Some(size)) if size.is_positive() => decimal::remainder(number, size)
                .map_or(Value::Null, |rest| Value::Decimal(decimal::text(number.wrapping_sub(rest)))),
            _ => Value::Null,
        };
    }
    if matches!(value, Value::Real(_)) || matches!(size, Value::Real(_)) {
        let (number, size) = (convert::to_real(value).unwrap_or(f64::NAN), convert::to_real(size).unwrap_or(f64::NAN));
        return if size > 0.0 {
            convert::convert(&Value::Real((number / size).floor() * size), returns)
        } else {
            Value::Null
        };
    }
    match (convert::to_long(value), convert::to_long(size)) {
        (Some(number), Some(size)) if size > 0 => convert::convert(&Value::Long(floor_to(number, size)), returns),
        _ => Value::Null,
    }
}

/// `bin_at(value, size, fixed point)`.
fn bin_at(args: &[Value]) -> Value {
    let [value, size, point] = args else { return Value::Null };
    if matches!(value, Value::Real(_)) || matches!(size, Value::Real(_)) || matches!(point, Value::Real(_)) {
        return match (convert::to_real(value), convert::to_real(size), convert::to_real(point)) {
            (Some(number), Some(size), Some(point)) if size > 0.0 => {
                Value::Real(point + ((number - point) / size).floor() * size)
            }
            _ => Value::Null,
        };
    }
    let (Some(number), Some(size), Some(point)) =
        (convert::to_long(value), convert::to_long(size), convert::to_long(point))
    else {
        return Value::Null;
    };
    if size <= 0 {
        return Value::Null;
    }
    let binned = point.wrapping_add(floor_to(number.wrapping_sub(point), size));
    match value {
        Value::DateTime(_) if (0..=LAST).contains(&binned) => Value::DateTime(binned),
        Value::DateTime(_) => Value::Null,
        Value::TimeSpan(_) => Value::TimeSpan(binned),
        _ => Value::Long(binned),
    }
}

/// `round(number[, digits])`: halves to even without digits, as .NET's `Math.Round` does.
fn round(args: &[Value]) -> Value {
    let digits = args.get(1).and_then(convert::to_long).unwrap_or(0);
    if let (Value::Int(_) | Value::Long(_), 0) = (&args[0], digits) {
        return args[0].clone();
    }
    let Some(number) = convert::to_real(&args[0]) else { return Value::Null };
    let scale = 10_f64.powi(i32::try_from(digits.clamp(-300, 300)).unwrap_or(0));
    let scaled = number * scale;
    Value::Real(if scaled.is_finite() { scaled.round_ties_even() / scale } else { number })
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::cells::{Cells, column_of};

    proptest! {
        #[test]
        fn bin_numbers_of_a_column_are_those_of_each_row(
            values in proptest::collection::vec(proptest::option::of(any::<i64>()), 1..40),
            from in proptest::option::of(any::<i64>()),
            size in proptest::option::of(-2_i64..1_000_000_000),
        ) {
            let value = |number: Option<i64>| number.map_or(Value::Null, Value::Long);
            let long = ScalarType::Long;
            let column = |values: Vec<Value>| column_of(long, values);
            let args = [
                Cells::column(column(values.iter().copied().map(value).collect()), long).unwrap(),
                Cells::constant(column(vec![value(from)]), long).unwrap(),
                Cells::constant(column(vec![value(size)]), long).unwrap(),
            ];
            let call = Call { args: &args, rows: values.len(), returns: long };
            prop_assert_eq!(&bin_numbers(&call).unwrap(), &each_bin_number(&call));
        }
    }

    #[test]
    fn bins_floor_below_zero_and_keep_the_type() {
        assert_eq!(bin_value(&Value::Long(-1), &Value::Long(10), ScalarType::Long), Value::Long(-10));
        assert_eq!(bin_value(&Value::Real(4.5), &Value::Long(2), ScalarType::Real), Value::Real(4.0));
        assert_eq!(bin_value(&Value::Long(4), &Value::Long(0), ScalarType::Long), Value::Null);
        assert_eq!(bin_at(&[Value::Long(-3), Value::Long(10), Value::Long(1)]), Value::Long(-9));
    }
}
