//! Access into dynamic values: `d.a.b`, `d[0]`, `d[key]`.

use arrow_array::ArrayRef;
use datafusion::error::Result;
use kernel::{ScalarType, Value};
use serde_json::Value as Json;

use super::conversion::text_column;
use super::{Call, Entry, columns};
use crate::query::dynamic::{Dynamic, Kind, Step};

pub(super) const ENTRIES: &[Entry] = &[columns("op_path", fixed), columns("op_step", computed)];

/// A constant path as the second argument of `op_path`: a JSON array of keys and indexes.
pub fn path_text(path: &[Step]) -> String {
    let steps = path.iter().map(|step| match step {
        Step::Member(name) => Json::from(name.as_str()),
        Step::Element(index) => Json::from(*index),
    });
    Json::Array(steps.collect()).to_string()
}

/// The steps that [`path_text`] wrote.
pub fn steps_of(text: &str) -> Vec<Step> {
    let Ok(Json::Array(steps)) = serde_json::from_str(text) else { return Vec::new() };
    steps
        .into_iter()
        .map(|step| match step {
            Json::String(name) => Step::Member(name),
            other => Step::Element(other.as_i64().unwrap_or_default()),
        })
        .collect()
}

/// `op_path(dynamic, path)`: dynamic, or string when the caller wants its text at once.
fn fixed(call: &Call<'_>) -> Result<ArrayRef> {
    let [base, path] = call.args else {
        return datafusion::common::internal_err!("a path takes a value and its steps");
    };
    let path = steps_of(path.text(0));
    Ok(if call.returns == ScalarType::String {
        text_column(call, |row, builder| {
            let found = Dynamic::new(base.text(row)).path(&path);
            builder.append_value(found.map(Dynamic::to_text).unwrap_or_default());
        })
    } else {
        text_column(call, |row, builder| append(builder, Dynamic::new(base.text(row)).path(&path)))
    })
}

fn append(builder: &mut arrow_array::builder::StringViewBuilder, found: Option<Dynamic<'_>>) {
    match found {
        Some(value) if value.kind() != Kind::Null => builder.append_value(value.stored()),
        _ => builder.append_null(),
    }
}

/// `op_step(dynamic, key or index)` with a step that may differ by row.
fn computed(call: &Call<'_>) -> Result<ArrayRef> {
    let [base, step] = call.args else {
        return datafusion::common::internal_err!("a step takes a value and a key");
    };
    Ok(text_column(call, |row, builder| {
        let value = Dynamic::new(base.text(row));
        append(
            builder,
            match step.value(row) {
                Value::String(key) => value.member(&key),
                Value::Long(index) => value.element(index),
                Value::Int(index) => value.element(i64::from(index)),
                Value::Dynamic(Json::String(key)) => value.member(&key),
                Value::Dynamic(Json::Number(index)) => index.as_i64().and_then(|index| value.element(index)),
                _ => None,
            },
        );
    }))
}
