//! How a KQL value lies in Arrow inside a plan, and how rows are read from and written to columns.
//!
//! Inside plans a string is a non-null `Utf8View` (missing is empty), `datetime` and `timespan` are ticks in
//! `Int64`, `guid` is lower-case text, and `dynamic` is whatever [`super::dynamic`] says (JSON text today).

use std::sync::Arc;

use arrow_array::builder::{
    BooleanBuilder, Decimal256Builder, Float64Builder, Int32Builder, Int64Builder, StringViewBuilder,
};
use arrow_array::cast::AsArray;
use arrow_array::types::{Decimal256Type, Float64Type, Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef};
use arrow_schema::DataType;
use datafusion::error::{DataFusionError, Result};
use kernel::{ScalarType, Value};

use super::decimal;
use super::dynamic::Dynamic;

/// The Arrow type of `scalar` inside a plan.
pub fn plan_type(scalar: ScalarType) -> DataType {
    match scalar {
        ScalarType::Bool => DataType::Boolean,
        ScalarType::Int => DataType::Int32,
        ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => DataType::Int64,
        ScalarType::Real => DataType::Float64,
        ScalarType::Decimal => DataType::Decimal256(decimal::PRECISION, decimal::SCALE),
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => DataType::Utf8View,
    }
}

/// A column of one KQL type, or one value standing for every row.
#[derive(Debug, Clone)]
pub struct Cells {
    array: ArrayRef,
    scalar: ScalarType,
    constant: bool,
}

impl Cells {
    /// A column; `array` must have the type of [`plan_type`].
    pub fn column(array: ArrayRef, scalar: ScalarType) -> Result<Cells> {
        Cells::checked(array, scalar, false)
    }

    /// One value for all rows: the first of `array`.
    pub fn constant(array: ArrayRef, scalar: ScalarType) -> Result<Cells> {
        Cells::checked(array, scalar, true)
    }

    fn checked(array: ArrayRef, scalar: ScalarType, constant: bool) -> Result<Cells> {
        if *array.data_type() != plan_type(scalar) {
            return Err(DataFusionError::Internal(format!(
                "a {scalar} column arrived as {} instead of {}",
                array.data_type(),
                plan_type(scalar)
            )));
        }
        Ok(Cells { array, scalar, constant })
    }

    /// The KQL type.
    pub fn scalar(&self) -> ScalarType {
        self.scalar
    }

    /// Whether one value stands for every row.
    pub fn is_constant(&self) -> bool {
        self.constant
    }

    /// The Arrow column (one row when constant).
    pub fn array(&self) -> &ArrayRef {
        &self.array
    }

    fn at(&self, row: usize) -> usize {
        if self.constant { 0 } else { row }
    }

    /// Whether `row` has no value. A string always has one.
    pub fn is_null(&self, row: usize) -> bool {
        self.scalar != ScalarType::String && self.array.is_null(self.at(row))
    }

    /// The text of a string, guid or dynamic column; empty where null.
    pub fn text(&self, row: usize) -> &str {
        let at = self.at(row);
        if self.array.is_null(at) { "" } else { self.array.as_string_view().value(at) }
    }

    /// The number of a long, datetime, timespan (or int) column.
    pub fn long(&self, row: usize) -> Option<i64> {
        let at = self.at(row);
        if self.array.is_null(at) {
            return None;
        }
        match self.scalar {
            ScalarType::Int => Some(i64::from(self.array.as_primitive::<Int32Type>().value(at))),
            ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => {
                Some(self.array.as_primitive::<Int64Type>().value(at))
            }
            _ => None,
        }
    }

    /// The value of `row`.
    pub fn value(&self, row: usize) -> Value {
        read(&self.array, self.scalar, self.at(row))
    }
}

/// The value at `row` of a column of type `scalar`.
pub fn read(array: &ArrayRef, scalar: ScalarType, row: usize) -> Value {
    if array.is_null(row) {
        return if scalar == ScalarType::String { Value::String(String::new()) } else { Value::Null };
    }
    match scalar {
        ScalarType::Bool => Value::Bool(array.as_boolean().value(row)),
        ScalarType::Int => Value::Int(array.as_primitive::<Int32Type>().value(row)),
        ScalarType::Long => Value::Long(array.as_primitive::<Int64Type>().value(row)),
        ScalarType::DateTime => Value::DateTime(array.as_primitive::<Int64Type>().value(row)),
        ScalarType::TimeSpan => Value::TimeSpan(array.as_primitive::<Int64Type>().value(row)),
        ScalarType::Real => Value::Real(array.as_primitive::<Float64Type>().value(row)),
        ScalarType::Decimal => Value::Decimal(decimal::text(array.as_primitive::<Decimal256Type>().value(row))),
        ScalarType::String => Value::String(array.as_string_view().value(row).to_owned()),
        ScalarType::Guid => Value::Guid(array.as_string_view().value(row).to_owned()),
        ScalarType::Dynamic => match Dynamic::new(array.as_string_view().value(row)).to_json() {
            serde_json::Value::Null => Value::Null,
            json => Value::Dynamic(json),
        },
    }
}

/// Collects values into a column of one KQL type.
#[derive(Debug)]
pub struct CellsBuilder {
    scalar: ScalarType,
    inner: Inner,
}

#[derive(Debug)]
enum Inner {
    Bool(BooleanBuilder),
    Int(Int32Builder),
    Long(Int64Builder),
    Real(Float64Builder),
    Decimal(Decimal256Builder),
    Text(StringViewBuilder),
}

impl CellsBuilder {
    /// An empty column.
    pub fn new(scalar: ScalarType) -> CellsBuilder {
        let inner = match scalar {
            ScalarType::Bool => Inner::Bool(BooleanBuilder::new()),
            ScalarType::Int => Inner::Int(Int32Builder::new()),
            ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => Inner::Long(Int64Builder::new()),
            ScalarType::Real => Inner::Real(Float64Builder::new()),
            ScalarType::Decimal => {
                Inner::Decimal(Decimal256Builder::new().with_data_type(plan_type(ScalarType::Decimal)))
            }
            ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => Inner::Text(StringViewBuilder::new()),
        };
        CellsBuilder { scalar, inner }
    }

    /// Adds a row to a column of texts; of any other, what the text converts to.
    pub fn push_text(&mut self, text: &str) {
        match &mut self.inner {
            Inner::Text(builder) if self.scalar == ScalarType::String => builder.append_value(text),
            _ => self.push(Value::String(text.to_owned())),
        }
    }

    /// Adds a row. A value of another type is converted as KQL's `to…` functions do; what cannot be is null.
    pub fn push(&mut self, value: Value) {
        let value = if matches!(value, Value::Null) || value_type(&value) == Some(self.scalar) {
            value
        } else {
            super::convert::convert(&value, self.scalar)
        };
        match (&mut self.inner, value) {
            (Inner::Bool(builder), Value::Bool(value)) => builder.append_value(value),
            (Inner::Bool(builder), _) => builder.append_null(),
            (Inner::Int(builder), Value::Int(value)) => builder.append_value(value),
            (Inner::Int(builder), _) => builder.append_null(),
            (Inner::Long(builder), Value::Long(value) | Value::DateTime(value) | Value::TimeSpan(value)) => {
                builder.append_value(value);
            }
            (Inner::Long(builder), _) => builder.append_null(),
            (Inner::Real(builder), Value::Real(value)) => builder.append_value(value),
            (Inner::Real(builder), _) => builder.append_null(),
            (Inner::Decimal(builder), Value::Decimal(text)) => builder.append_option(decimal::parse(&text)),
            (Inner::Decimal(builder), _) => builder.append_null(),
            (Inner::Text(builder), Value::String(text) | Value::Guid(text)) => builder.append_value(text),
            (Inner::Text(builder), Value::Dynamic(json)) if !json.is_null() => {
                builder.append_value(Dynamic::text_of(&json));
            }
            (Inner::Text(builder), _) if self.scalar == ScalarType::String => builder.append_value(""),
            (Inner::Text(builder), _) => builder.append_null(),
        }
    }

    /// The column.
    pub fn finish(&mut self) -> ArrayRef {
        match &mut self.inner {
            Inner::Bool(builder) => Arc::new(builder.finish()),
            Inner::Int(builder) => Arc::new(builder.finish()),
            Inner::Long(builder) => Arc::new(builder.finish()),
            Inner::Real(builder) => Arc::new(builder.finish()),
            Inner::Decimal(builder) => Arc::new(builder.finish()),
            Inner::Text(builder) => Arc::new(builder.finish()),
        }
    }
}

/// The KQL type of a value; `None` for null.
pub fn value_type(value: &Value) -> Option<ScalarType> {
    Some(match value {
        Value::Null => return None,
        Value::Bool(_) => ScalarType::Bool,
        Value::Int(_) => ScalarType::Int,
        Value::Long(_) => ScalarType::Long,
        Value::Real(_) => ScalarType::Real,
        Value::Decimal(_) => ScalarType::Decimal,
        Value::String(_) => ScalarType::String,
        Value::DateTime(_) => ScalarType::DateTime,
        Value::TimeSpan(_) => ScalarType::TimeSpan,
        Value::Guid(_) => ScalarType::Guid,
        Value::Dynamic(_) => ScalarType::Dynamic,
    })
}

/// A column of `values`.
pub fn column_of(scalar: ScalarType, values: impl IntoIterator<Item = Value>) -> ArrayRef {
    let mut builder = CellsBuilder::new(scalar);
    for value in values {
        builder.push(value);
    }
    builder.finish()
}
