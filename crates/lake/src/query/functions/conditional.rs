//! `iff`, `case`, `coalesce`, `max_of`, `min_of`: choosing one of several arguments.

use std::cmp::Ordering;

use arrow_array::{Array, ArrayRef, new_null_array};
use arrow_select::interleave::interleave;
use datafusion::error::Result;
use kernel::{ScalarType, Value};

use super::compare::is_true;
use super::{BadValue, Call, Entry, columns, rows, tried};
use crate::query::cells::plan_type;
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    columns("iff", case),
    columns("case", case),
    columns("coalesce", coalesce),
    rows("max_of", |args| extreme(args, Ordering::Greater)),
    rows("min_of", |args| extreme(args, Ordering::Less)),
    tried("assert", |args| match args {
        [Value::Bool(true), _] => Ok(Value::Bool(true)),
        [_, Value::String(message)] => Err(BadValue(format!("assert() failed with message: {message}"))),
        _ => Err(BadValue("assert() failed".to_owned())),
    }),
    rows("not", |args| match args {
        [Value::Bool(truth)] => Value::Bool(!truth),
        _ => Value::Null,
    }),
];

/// Takes each row from the argument that `choose` names; `None` gives null.
fn select(call: &Call<'_>, choose: impl Fn(usize) -> Option<usize>) -> Result<ArrayRef> {
    let nothing = if call.returns == ScalarType::String {
        crate::query::cells::column_of(ScalarType::String, [Value::Null])
    } else {
        new_null_array(&plan_type(call.returns), 1)
    };
    let mut sources: Vec<&dyn Array> = vec![nothing.as_ref()];
    let mut position = vec![0; call.args.len()];
    for (at, cells) in call.args.iter().enumerate() {
        if *cells.array().data_type() == plan_type(call.returns) {
            position[at] = sources.len();
            sources.push(cells.array().as_ref());
        }
    }
    let places: Vec<(usize, usize)> = (0..call.rows)
        .map(|row| match choose(row) {
            Some(arg) => (position[arg], if call.args[arg].is_constant() { 0 } else { row }),
            None => (0, 0),
        })
        .collect();
    Ok(interleave(&sources, &places)?)
}

/// `case(condition, value, …, otherwise)`; `iff` is the case of three.
fn case(call: &Call<'_>) -> Result<ArrayRef> {
    let last = call.args.len() - 1;
    select(call, |row| {
        let chosen = (0..last).step_by(2).find(|at| is_true(&call.args[*at], row));
        Some(chosen.map_or(last, |condition| condition + 1))
    })
}

/// The first argument that is not null (a string: not empty).
fn coalesce(call: &Call<'_>) -> Result<ArrayRef> {
    select(call, |row| {
        (0..call.args.len()).find(|at| match call.args[*at].scalar() {
            ScalarType::String => !call.args[*at].text(row).is_empty(),
            _ => !call.args[*at].is_null(row),
        })
    })
}

fn extreme(args: &[Value], wanted: Ordering) -> Value {
    let mut best = Value::Null;
    for value in args.iter().filter(|value| !matches!(value, Value::Null)) {
        if matches!(best, Value::Null) || compare(value, &best) == wanted {
            best = value.clone();
        }
    }
    best
}

/// The order of two values of one type (numbers of any type); null comes first.
pub(in crate::query) fn compare(left: &Value, right: &Value) -> Ordering {
    match (left, right) {
        (Value::Null, Value::Null) => Ordering::Equal,
        (Value::Null, _) => Ordering::Less,
        (_, Value::Null) => Ordering::Greater,
        (Value::Bool(left), Value::Bool(right)) => left.cmp(right),
        (Value::String(left), Value::String(right)) | (Value::Guid(left), Value::Guid(right)) => left.cmp(right),
        (Value::Int(left), Value::Int(right)) => left.cmp(right),
        (Value::Long(left), Value::Long(right))
        | (Value::DateTime(left), Value::DateTime(right))
        | (Value::TimeSpan(left), Value::TimeSpan(right)) => left.cmp(right),
        (Value::Decimal(_), Value::Decimal(_)) => convert::to_decimal(left).cmp(&convert::to_decimal(right)),
        (Value::Dynamic(left), Value::Dynamic(right)) => {
            let (left, right) = (convert::scalar_of(left), convert::scalar_of(right));
            match (&left, &right) {
                (Value::Dynamic(left), Value::Dynamic(right)) => left.to_string().cmp(&right.to_string()),
                _ => compare(&left, &right),
            }
        }
        _ => match (convert::to_real(left), convert::to_real(right)) {
            (Some(left), Some(right)) => left.total_cmp(&right),
            // Values of different kinds: numbers before the rest, the rest by text.
            (Some(_), None) => Ordering::Less,
            (None, Some(_)) => Ordering::Greater,
            (None, None) => convert::to_text(left).cmp(&convert::to_text(right)),
        },
    }
}
