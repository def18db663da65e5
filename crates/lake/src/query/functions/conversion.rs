//! `tostring`, `tolong`, … and the conversions that the binder inserts.

use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{Array, ArrayRef};
use arrow_cast::cast;
use datafusion::error::Result;
use kernel::{ScalarType, Value};
use serde_json::Value as Json;

use super::{Call, Entry, columns, rows, strict};
use crate::query::cells::{CellsBuilder, plan_type};
use crate::query::convert;
use crate::query::dynamic::{Dynamic, Kind};

pub(super) const ENTRIES: &[Entry] = &[
    columns("op_convert", converted),
    columns("op_ticks_of_micros", |call| {
        let micros = super::operators::longs(&call.args[0])?;
        let ticks = |micros: i64| micros.wrapping_mul(10).wrapping_add(kernel::time::UNIX_EPOCH_TICKS);
        Ok(Arc::new(micros.unary::<_, arrow_array::types::Int64Type>(ticks)))
    }),
    // The value as it is, of which the engine knows nothing more than its type.
    columns("op_same", |call| Ok(Arc::clone(call.args[0].array()))),
    columns("op_never_null", |call| {
        let source = &call.args[0];
        if !source.is_constant() && source.array().null_count() == 0 {
            return Ok(Arc::clone(source.array()));
        }
        if source.is_constant() {
            return Ok(text_column(call, |row, builder| builder.append_value(source.text(row))));
        }
        let empty = arrow_array::Scalar::new(arrow_array::StringViewArray::from(vec![""]));
        if source.array().null_count() == source.array().len() {
            return Ok(Arc::new(arrow_array::StringViewArray::from(vec![""; source.array().len()])));
        }
        let present = arrow::compute::is_not_null(source.array())?;
        Ok(arrow_select::zip::zip(&present, source.array(), &empty)?)
    }),
    columns("tostring", converted),
    columns("toint", converted),
    columns("tolong", converted),
    columns("toreal", converted),
    columns("todouble", converted),
    columns("todecimal", converted),
    columns("tobool", converted),
    columns("toboolean", converted),
    columns("toguid", converted),
    columns("todatetime", converted),
    columns("totimespan", converted),
    rows("op_data_size", |args| Value::Long(args.iter().map(size_of_value).sum())),
    strict("parse_version", |args| match args {
        [Value::String(text)] => version(text).map_or(Value::Null, |number| Value::Decimal(number.to_string())),
        _ => Value::Null,
    }),
    columns("parse_json", parse_json),
    columns("todynamic", parse_json),
    rows("dynamic_to_json", |args| match args {
        [Value::Dynamic(json)] => Value::String(sorted(json).to_string()),
        _ => Value::Null,
    }),
    rows("gettype", |args| Value::String(args.first().map_or_else(String::new, type_name))),
];

/// Converts the first argument to the result's type. Numbers and texts have their own fast ways.
pub(super) fn converted(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(source) = call.args.first() else {
        return datafusion::common::internal_err!("a conversion takes a value");
    };
    use ScalarType::{Dynamic as Dyn, Guid, Int, Long, Real, String as Text};
    let widens = matches!((source.scalar(), call.returns), (Int, Long | Real) | (Long, Real));
    if source.scalar() == call.returns && !source.is_constant() && call.returns != Text {
        return Ok(Arc::clone(source.array()));
    }
    if widens && !source.is_constant() {
        return Ok(cast(source.array(), &plan_type(call.returns))?);
    }
    match (source.scalar(), call.returns) {
        (Text | Guid, Text) => Ok(text_column(call, |row, builder| builder.append_value(source.text(row)))),
        (Dyn, Text) => {
            Ok(text_column(call, |row, builder| builder.append_value(Dynamic::new(source.text(row)).to_text())))
        }
        (Int | Long, Text) => {
            let mut buffer = itoa::Buffer::new();
            Ok(text_column(call, |row, builder| match source.long(row) {
                Some(number) => builder.append_value(buffer.format(number)),
                None => builder.append_value(""),
            }))
        }
        (Text, Long) => {
            let numbers: arrow_array::Int64Array =
                (0..call.rows).map(|row| convert::text_to_long(source.text(row))).collect();
            Ok(Arc::new(numbers))
        }
        _ => {
            let mut builder = CellsBuilder::new(call.returns);
            for row in 0..call.rows {
                let value = source.value(row);
                let converted = convert::convert(&value, call.returns);
                if call.returns == ScalarType::Decimal && matches!(converted, Value::Null) && is_finite(&value) {
                    return Err(super::bad_value(format!(
                        "{} is too large for a decimal, which has 58 digits before the point",
                        convert::to_text(&value)
                    )));
                }
                builder.push(converted);
            }
            Ok(builder.finish())
        }
    }
}

/// One to four parts of up to eight digits, each as a digit of base 10^8; `None` for other texts.
fn version(text: &str) -> Option<u128> {
    let parts: Vec<&str> = text.split('.').collect();
    let is_part = |part: &&str| (1..=8).contains(&part.len()) && part.bytes().all(|byte| byte.is_ascii_digit());
    if parts.len() > 4 || !parts.iter().all(is_part) {
        return None;
    }
    let digits = parts.into_iter().chain(std::iter::repeat("0")).take(4);
    digits.map(|part| part.parse::<u128>().ok()).try_fold(0, |sum, part| Some(sum * 100_000_000 + part?))
}

/// Whether `value` is a number at all.
fn is_finite(value: &Value) -> bool {
    match value {
        Value::String(text) => text.trim().parse::<f64>().is_ok_and(f64::is_finite),
        Value::Dynamic(json) => json.as_f64().is_some_and(f64::is_finite),
        Value::Real(number) => number.is_finite(),
        _ => false,
    }
}

/// A text column filled by `fill`, which appends exactly once per row.
pub(super) fn text_column(call: &Call<'_>, mut fill: impl FnMut(usize, &mut StringViewBuilder)) -> ArrayRef {
    let mut builder = StringViewBuilder::with_capacity(call.rows);
    (0..call.rows).for_each(|row| fill(row, &mut builder));
    Arc::new(builder.finish())
}

/// `parse_json`: text becomes the value that it writes; other values become the dynamic that holds them.
fn parse_json(call: &Call<'_>) -> Result<ArrayRef> {
    let Some(source) = call.args.first() else {
        return datafusion::common::internal_err!("parse_json takes a value");
    };
    if source.scalar() != ScalarType::String {
        return converted(call);
    }
    Ok(text_column(call, |row, builder| match Dynamic::parse(source.text(row)) {
        Some(json) => builder.append_value(Dynamic::text_of(&json)),
        None => builder.append_null(),
    }))
}

/// `json` with the keys of every bag in order.
fn sorted(json: &Json) -> Json {
    match json {
        Json::Array(elements) => Json::Array(elements.iter().map(sorted).collect()),
        Json::Object(bag) => {
            let mut members: Vec<(String, Json)> =
                bag.iter().map(|(key, value)| (key.clone(), sorted(value))).collect();
            members.sort_by(|left, right| left.0.cmp(&right.0));
            Json::Object(members.into_iter().collect())
        }
        scalar => scalar.clone(),
    }
}

/// What `gettype` says.
fn type_name(value: &Value) -> String {
    let Value::Dynamic(json) = value else {
        return crate::query::cells::value_type(value).map_or_else(|| "null".to_owned(), |scalar| scalar.to_string());
    };
    let text = Dynamic::text_of(json);
    match Dynamic::new(&text).kind() {
        Kind::Null => "null",
        Kind::Bool => "bool",
        Kind::Number if json.is_f64() => "double",
        Kind::Number => "long",
        Kind::String => "string",
        Kind::Array => "array",
        Kind::Bag => "dictionary",
    }
    .to_owned()
}

/// About how many bytes a value takes: fixed types their width, texts their bytes, dynamic values their text.
fn size_of_value(value: &Value) -> i64 {
    let bytes = match value {
        Value::Null => 0,
        Value::Bool(_) => 1,
        Value::Int(_) => 4,
        Value::Long(_) | Value::Real(_) | Value::DateTime(_) | Value::TimeSpan(_) => 8,
        Value::Guid(_) | Value::Decimal(_) => 16,
        Value::String(text) => text.len(),
        Value::Dynamic(json) => json.to_string().len(),
    };
    i64::try_from(bytes).unwrap_or(i64::MAX)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;
    use crate::query::cells::{Cells, column_of};

    fn check(from: ScalarType, to: ScalarType, values: Vec<Value>) {
        let cells = Cells::column(column_of(from, values.clone()), from).unwrap();
        let call = Call { args: std::slice::from_ref(&cells), rows: values.len(), returns: to };
        let fast = converted(&call).unwrap();
        let slow = column_of(to, (0..values.len()).map(|row| convert::convert(&cells.value(row), to)));
        assert_eq!(fast.as_ref(), slow.as_ref(), "{from} to {to}");
        assert_eq!(fast.len(), values.len());
    }

    proptest! {
        #[test]
        fn columns_convert_as_single_values_do(
            longs in prop::collection::vec(prop::option::of(any::<i64>()), 0..6),
            texts in prop::collection::vec("(-?[0-9]{1,3}(\\.[0-9])?|0x[0-9a-f]|true|[a-z]{0,2})", 0..6),
        ) {
            let longs: Vec<Value> = longs.into_iter().map(|number| number.map_or(Value::Null, Value::Long)).collect();
            let texts: Vec<Value> = texts.into_iter().map(Value::String).collect();
            for to in [ScalarType::String, ScalarType::Int, ScalarType::Real, ScalarType::Bool, ScalarType::Dynamic] {
                check(ScalarType::Long, to, longs.clone());
            }
            for to in [ScalarType::Long, ScalarType::Real, ScalarType::Bool, ScalarType::Decimal, ScalarType::TimeSpan] {
                check(ScalarType::String, to, texts.clone());
            }
        }
    }
}
