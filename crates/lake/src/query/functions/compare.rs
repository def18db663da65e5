//! Equality and order with KQL's null rules, and the tests for null and empty.

use std::cmp::Ordering;
use std::sync::Arc;

use arrow::compute::kernels::cmp;
use arrow_array::{Array, ArrayRef, BooleanArray, Datum, Scalar};
use arrow_buffer::{BooleanBuffer, NullBuffer};
use datafusion::error::Result;
use kernel::{ScalarType, Value};

use super::operators::{place, reals};
use super::{Call, Entry, columns, rows, strict};
use crate::query::cells::Cells;
use crate::query::dynamic::{Dynamic, Kind};
use crate::query::{convert, decimal};

pub(super) const ENTRIES: &[Entry] = &[
    columns("op_equal", |call| equality(call, true)),
    columns("op_not_equal", |call| equality(call, false)),
    columns("op_less", |call| order(call, Ordering::is_lt)),
    columns("op_less_or_equal", |call| order(call, Ordering::is_le)),
    columns("op_greater", |call| order(call, Ordering::is_gt)),
    columns("op_greater_or_equal", |call| order(call, Ordering::is_ge)),
    columns("op_in", is_in),
    columns("isnull", |call| nullness(call, true)),
    columns("isnotnull", |call| nullness(call, false)),
    columns("isempty", |call| emptiness(call, true)),
    columns("isnotempty", |call| emptiness(call, false)),
    strict("around", |args| Value::Bool(around(args))),
    rows("strcmp", |args| match args {
        [Value::String(left), Value::String(right)] => Value::Long(left.cmp(right) as i64),
        _ => Value::Null,
    }),
];

/// Does the first value lie no farther from the second than the third?
fn around(args: &[Value]) -> bool {
    match args {
        [Value::Decimal(value), Value::Decimal(center), Value::Decimal(delta)] => {
            let [value, center, delta] = [value, center, delta].map(|text| decimal::parse(text).unwrap_or_default());
            (value.wrapping_sub(center)).wrapping_abs() <= delta
        }
        [value @ Value::Real(_), center, delta] => {
            let [value, center, delta] =
                [value, center, delta].map(|number| convert::to_real(number).unwrap_or(f64::NAN));
            (value - center).abs() <= delta
        }
        args => match args.iter().map(ticks).collect::<Option<Vec<i64>>>().as_deref() {
            Some([value, center, delta]) => (i128::from(*value) - i128::from(*center)).abs() <= i128::from(*delta),
            _ => false,
        },
    }
}

fn ticks(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(number) | Value::TimeSpan(number) | Value::Long(number) => Some(*number),
        _ => None,
    }
}

/// `==` and `!=`: null against null is null, null against a value is unequal.
fn equality(call: &Call<'_>, wanted: bool) -> Result<ArrayRef> {
    let [left, right] = call.args else {
        return datafusion::common::internal_err!("equality takes two operands");
    };
    if matches!(left.scalar(), ScalarType::Real | ScalarType::Dynamic) {
        let mut builder = crate::query::cells::CellsBuilder::new(ScalarType::Bool);
        for row in 0..call.rows {
            builder.push(match (left.value(row), right.value(row)) {
                (Value::Null, Value::Null) => Value::Null,
                (left, right) => Value::Bool(equal(&left, &right) == wanted),
            });
        }
        return Ok(builder.finish());
    }
    let same = with_datums(left, right, |left, right| Ok(cmp::not_distinct(left, right)?))?;
    let truths = if wanted { same.values().clone() } else { !same.values() };
    let both_null = both_null(call, left, right);
    Ok(Arc::new(widen(BooleanArray::new(truths, both_null), call.rows)))
}

/// Whether two values are the same; `NaN` is not itself, a dynamic compares by its JSON value.
fn equal(left: &Value, right: &Value) -> bool {
    match (left, right) {
        (Value::Dynamic(left), Value::Dynamic(right)) => convert::scalar_of(left) == convert::scalar_of(right),
        (left, right) => left == right,
    }
}

fn both_null(call: &Call<'_>, left: &Cells, right: &Cells) -> Option<NullBuffer> {
    if left.scalar() == ScalarType::String || left.array().null_count() == 0 || right.array().null_count() == 0 {
        return None;
    }
    let rows = if left.is_constant() && right.is_constant() { 1 } else { call.rows };
    let valid = BooleanBuffer::collect_bool(rows, |row| !(left.is_null(row) && right.is_null(row)));
    Some(NullBuffer::new(valid))
}

/// Calls an Arrow kernel with constants as scalars.
fn with_datums(
    left: &Cells,
    right: &Cells,
    kernel: impl Fn(&dyn Datum, &dyn Datum) -> Result<BooleanArray>,
) -> Result<BooleanArray> {
    let scalar = |cells: &Cells| Scalar::new(cells.array().slice(0, 1));
    match (left.is_constant(), right.is_constant()) {
        (true, true) => kernel(&left.array().slice(0, 1), &right.array().slice(0, 1)),
        (true, false) => kernel(&scalar(left), right.array()),
        (false, true) => kernel(left.array(), &scalar(right)),
        (false, false) => kernel(left.array(), right.array()),
    }
}

/// A one-row answer stands for every row when its operands did.
fn widen(answer: BooleanArray, rows: usize) -> BooleanArray {
    if answer.len() == rows {
        return answer;
    }
    let value = (!answer.is_null(0)).then(|| answer.value(0));
    std::iter::repeat_n(value, rows).collect()
}

/// `<` and its kin: null where an operand is null; a comparison with NaN is false.
fn order(call: &Call<'_>, fits: fn(Ordering) -> bool) -> Result<ArrayRef> {
    let [left, right] = call.args else {
        return datafusion::common::internal_err!("an order takes two operands");
    };
    if left.scalar() == ScalarType::Real {
        let (lefts, rights) = (reals(left)?, reals(right)?);
        let answer: BooleanArray = (0..call.rows)
            .map(|row| {
                let (l, r) = (place(left, row), place(right, row));
                (!lefts.is_null(l) && !rights.is_null(r))
                    .then(|| lefts.value(l).partial_cmp(&rights.value(r)).is_some_and(fits))
            })
            .collect();
        return Ok(Arc::new(answer));
    }
    let answer = with_datums(left, right, |left, right| {
        Ok(match (fits(Ordering::Less), fits(Ordering::Equal)) {
            (true, true) => cmp::lt_eq(left, right)?,
            (true, false) => cmp::lt(left, right)?,
            (false, true) => cmp::gt_eq(left, right)?,
            (false, false) => cmp::gt(left, right)?,
        })
    })?;
    Ok(Arc::new(widen(answer, call.rows)))
}

/// `value in (…)`: every further argument is one element, a dynamic array is spread. Null is in nothing.
fn is_in(call: &Call<'_>) -> Result<ArrayRef> {
    let [value, rest @ ..] = call.args else {
        return datafusion::common::internal_err!("in takes a value and a list");
    };
    let elements = |row: usize| -> Vec<Value> {
        let mut all = Vec::new();
        for cells in rest {
            match cells.value(row) {
                Value::Dynamic(serde_json::Value::Array(array)) => {
                    all.extend(array.iter().map(|json| convert::convert(&Value::Dynamic(json.clone()), value.scalar())))
                }
                other => all.push(other),
            }
        }
        all
    };
    let constant = rest.iter().all(Cells::is_constant).then(|| elements(0));
    let answer: BooleanArray = (0..call.rows)
        .map(|row| {
            let wanted = value.value(row);
            let holds = |all: &[Value]| all.iter().any(|element| equal(element, &wanted));
            let found = match &constant {
                Some(all) => holds(all),
                None => holds(&elements(row)),
            };
            Some(found && wanted != Value::Null)
        })
        .collect();
    Ok(Arc::new(answer))
}

fn nullness(call: &Call<'_>, wanted: bool) -> Result<ArrayRef> {
    let truths = match call.args {
        [cells] if cells.scalar() == ScalarType::String => BooleanBuffer::collect_bool(call.rows, |_| !wanted),
        [cells] if cells.scalar() == ScalarType::Dynamic => {
            BooleanBuffer::collect_bool(call.rows, |row| (Dynamic::new(cells.text(row)).kind() == Kind::Null) == wanted)
        }
        [cells] => BooleanBuffer::collect_bool(call.rows, |row| cells.is_null(row) == wanted),
        _ => return datafusion::common::internal_err!("isnull takes one value"),
    };
    Ok(Arc::new(BooleanArray::new(truths, None)))
}

fn emptiness(call: &Call<'_>, wanted: bool) -> Result<ArrayRef> {
    let [cells] = call.args else {
        return datafusion::common::internal_err!("isempty takes one value");
    };
    let truths = match cells.scalar() {
        ScalarType::String => BooleanBuffer::collect_bool(call.rows, |row| cells.text(row).is_empty() == wanted),
        ScalarType::Dynamic => {
            BooleanBuffer::collect_bool(call.rows, |row| Dynamic::new(cells.text(row)).to_text().is_empty() == wanted)
        }
        _ => BooleanBuffer::collect_bool(call.rows, |row| cells.is_null(row) == wanted),
    };
    Ok(Arc::new(BooleanArray::new(truths, None)))
}

/// Truth of a column of conditions, null counting as false.
pub(super) fn is_true(cells: &Cells, row: usize) -> bool {
    matches!(cells.value(row), Value::Bool(true))
}
