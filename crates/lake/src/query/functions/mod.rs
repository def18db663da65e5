//! KQL's scalar functions and operators as DataFusion functions over [`super::cells`].
//!
//! One [`Entry`] per KQL function, under the name of the language's own registry; operators are entries too, under
//! names that start with `op_`. A function in a plan is a [`KqlScalar`]: entry, argument types, result type. Its
//! name spells all three (`kql_bin(datetime,timespan):datetime`), so a plan can be written down and read back.
//!
//! Most entries work row by row on [`Value`]s. Those that security queries spend their time in work on columns.

mod arrays;
mod bits;
mod compare;
mod conditional;
mod conversion;
mod decompose;
mod encoding;
mod geo;
mod geo_cells;
mod geometry;
mod key_value;
mod math;
mod network;
mod operators;
mod outliers;
mod paths;
mod patterns;
mod periods;
mod polynomial;
mod punycode;
mod segments;
mod series;
mod signals;
mod sketches;
mod special;
mod spectrum;
mod strings;
mod terms;
mod time;
mod time_format;
mod units;
mod urls;
mod user_agent;
mod xml;

use std::collections::HashMap;
use std::hash::{Hash, Hasher};
use std::sync::{Arc, LazyLock};

use arrow_array::ArrayRef;
use arrow_schema::DataType;
use datafusion::error::{DataFusionError, Result};
use datafusion::logical_expr::{
    ColumnarValue, ScalarFunctionArgs, ScalarUDF, ScalarUDFImpl, Signature, TypeSignature, Volatility,
};
use kernel::{ScalarType, Value};

use super::cells::{Cells, CellsBuilder, plan_type};
pub(in crate::query) use arrays::{find_json, json_path};
pub(in crate::query) use conditional::compare as compare_values;
pub(in crate::query) use encoding::{decode as decode_base64, encode as encode_base64};
pub(crate) use paths::{path_text, steps_of};

/// One function of the language.
#[derive(Debug)]
pub struct Entry {
    /// As in the language's registry, or `op_…`.
    pub name: &'static str,
    kernel: Kernel,
}

#[derive(Debug, Clone, Copy)]
enum Kernel {
    /// Row by row; a null argument gives null without asking.
    Strict(fn(&[Value]) -> Value),
    /// Row by row, nulls included.
    Rows(fn(&[Value]) -> Value),
    /// Row by row, nulls included; arguments can be wrong.
    Tried(fn(&[Value]) -> Result<Value, BadValue>),
    /// Whole columns.
    Columns(fn(&Call<'_>) -> Result<ArrayRef>),
    /// Row by row, a new value for each row.
    Volatile(fn(&[Value]) -> Value),
}

/// A call on columns.
#[derive(Debug)]
pub struct Call<'a> {
    pub args: &'a [Cells],
    /// Rows of the result; one when every argument is constant.
    pub rows: usize,
    pub returns: ScalarType,
}

const fn strict(name: &'static str, function: fn(&[Value]) -> Value) -> Entry {
    Entry { name, kernel: Kernel::Strict(function) }
}

const fn rows(name: &'static str, function: fn(&[Value]) -> Value) -> Entry {
    Entry { name, kernel: Kernel::Rows(function) }
}

const fn tried(name: &'static str, function: fn(&[Value]) -> Result<Value, BadValue>) -> Entry {
    Entry { name, kernel: Kernel::Tried(function) }
}

const fn columns(name: &'static str, function: fn(&Call<'_>) -> Result<ArrayRef>) -> Entry {
    Entry { name, kernel: Kernel::Columns(function) }
}

const fn volatile(name: &'static str, function: fn(&[Value]) -> Value) -> Entry {
    Entry { name, kernel: Kernel::Volatile(function) }
}

/// The asker's values are at fault, not the engine: a bad regular expression, an impossible step.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{0}")]
pub struct BadValue(pub String);

/// An error that blames the asker.
fn bad_value(message: impl Into<String>) -> DataFusionError {
    DataFusionError::External(Box::new(BadValue(message.into())))
}

static ENTRIES: LazyLock<HashMap<&'static str, &'static Entry>> = LazyLock::new(|| {
    let tables: [&'static [Entry]; 34] = [
        arrays::ENTRIES,
        bits::ENTRIES,
        compare::ENTRIES,
        conditional::ENTRIES,
        conversion::ENTRIES,
        decompose::ENTRIES,
        encoding::ENTRIES,
        geo::ENTRIES,
        geo_cells::ENTRIES,
        geometry::ENTRIES,
        key_value::ENTRIES,
        math::ENTRIES,
        network::ENTRIES,
        operators::ENTRIES,
        outliers::ENTRIES,
        paths::ENTRIES,
        patterns::ENTRIES,
        periods::ENTRIES,
        polynomial::ENTRIES,
        punycode::ENTRIES,
        segments::ENTRIES,
        series::ENTRIES,
        signals::ENTRIES,
        sketches::ENTRIES,
        special::ENTRIES,
        spectrum::ENTRIES,
        strings::ENTRIES,
        terms::ENTRIES,
        time::ENTRIES,
        time_format::ENTRIES,
        units::ENTRIES,
        urls::ENTRIES,
        user_agent::ENTRIES,
        xml::ENTRIES,
    ];
    tables.into_iter().flatten().map(|entry| (entry.name, entry)).collect()
});

/// The entry called `name`; `None` where the engine does not have the function.
pub fn entry(name: &str) -> Option<&'static Entry> {
    ENTRIES.get(name).copied()
}

/// Names of all entries, unordered.
pub fn names() -> impl Iterator<Item = &'static str> {
    ENTRIES.keys().copied()
}

/// Why `pattern` is not a regular expression of the supported syntax.
pub fn check_pattern(pattern: &str) -> Result<()> {
    patterns::compiled(pattern).map(|_| ())
}

/// A function bound to types.
#[derive(Debug, Clone)]
pub struct KqlScalar {
    name: String,
    entry: &'static Entry,
    args: Vec<ScalarType>,
    returns: ScalarType,
    signature: Signature,
}

impl PartialEq for KqlScalar {
    fn eq(&self, other: &KqlScalar) -> bool {
        self.name == other.name
    }
}
impl Eq for KqlScalar {}
impl Hash for KqlScalar {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.name.hash(state);
    }
}

impl KqlScalar {
    /// `entry` over arguments of types `args`.
    pub fn udf(entry: &'static Entry, args: &[ScalarType], returns: ScalarType) -> Arc<ScalarUDF> {
        let types: Vec<&str> = args.iter().map(|scalar| scalar.as_str()).collect();
        let name = format!("kql_{}({}):{returns}", entry.name, types.join(","));
        let shape = if args.is_empty() { TypeSignature::Nullary } else { TypeSignature::Any(args.len()) };
        let volatility =
            if matches!(entry.kernel, Kernel::Volatile(_)) { Volatility::Volatile } else { Volatility::Immutable };
        let signature = Signature::new(shape, volatility);
        Arc::new(ScalarUDF::new_from_impl(KqlScalar { name, entry, args: args.to_vec(), returns, signature }))
    }

    /// The function that `name` spells, as written by [`Self::udf`].
    pub fn from_name(name: &str) -> Option<Arc<ScalarUDF>> {
        let (called, returns) = name.strip_prefix("kql_")?.rsplit_once("):")?;
        let (function, args) = called.split_once('(')?;
        let args: Option<Vec<ScalarType>> = args.split(',').filter(|name| !name.is_empty()).map(scalar_named).collect();
        Some(KqlScalar::udf(entry(function)?, &args?, scalar_named(returns)?))
    }
}

/// The type called `name`.
pub fn scalar_named(name: &str) -> Option<ScalarType> {
    serde_json::from_value(serde_json::Value::String(name.to_owned())).ok()
}

impl ScalarUDFImpl for KqlScalar {
    fn name(&self) -> &str {
        &self.name
    }

    fn signature(&self) -> &Signature {
        &self.signature
    }

    fn return_type(&self, _: &[DataType]) -> Result<DataType> {
        Ok(plan_type(self.returns))
    }

    fn invoke_with_args(&self, call: ScalarFunctionArgs) -> Result<ColumnarValue> {
        let cells = call
            .args
            .iter()
            .zip(&self.args)
            .map(|(value, scalar)| match value {
                ColumnarValue::Array(array) => Cells::column(Arc::clone(array), *scalar),
                ColumnarValue::Scalar(value) => Cells::constant(value.to_array()?, *scalar),
            })
            .collect::<Result<Vec<_>>>()?;
        let volatile = matches!(self.entry.kernel, Kernel::Volatile(_));
        let constant = !volatile && cells.iter().all(Cells::is_constant);
        let rows = if constant { 1 } else { call.number_rows };
        let array = self.entry.evaluate(&Call { args: &cells, rows, returns: self.returns })?;
        if constant {
            return Ok(ColumnarValue::Scalar(datafusion::common::ScalarValue::try_from_array(&array, 0)?));
        }
        Ok(ColumnarValue::Array(array))
    }
}

impl Entry {
    /// Computes a column of [`Call::rows`] rows.
    pub fn evaluate(&self, call: &Call<'_>) -> Result<ArrayRef> {
        match self.kernel {
            Kernel::Columns(function) => function(call),
            Kernel::Volatile(function) => Ok(by_row(call, function)),
            Kernel::Strict(function) => Ok(by_row(call, |args| {
                if args.iter().any(|arg| matches!(arg, Value::Null)) { Value::Null } else { function(args) }
            })),
            Kernel::Rows(function) => Ok(by_row(call, function)),
            Kernel::Tried(function) => {
                let mut failure = None;
                let column = by_row(call, |args| match function(args) {
                    Ok(value) => value,
                    Err(bad) => {
                        failure.get_or_insert(bad);
                        Value::Null
                    }
                });
                failure.map_or(Ok(column), |bad| Err(DataFusionError::External(Box::new(bad))))
            }
        }
    }
}

/// Applies `function` to each row. Constant arguments are read once.
fn by_row(call: &Call<'_>, mut function: impl FnMut(&[Value]) -> Value) -> ArrayRef {
    let mut builder = CellsBuilder::new(call.returns);
    let mut values: Vec<Value> =
        call.args.iter().map(|cells| if cells.is_constant() { cells.value(0) } else { Value::Null }).collect();
    for row in 0..call.rows {
        for (value, cells) in values.iter_mut().zip(call.args) {
            if !cells.is_constant() {
                *value = cells.value(row);
            }
        }
        builder.push(function(&values));
    }
    builder.finish()
}
