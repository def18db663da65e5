//! Values of one column as small numbers, in the order in which they first came.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{ArrayRef, BooleanArray, Int32Array, Int64Array};
use arrow_schema::DataType;

use super::texts::TextCodes;
use super::words::NumberCodes;

/// The distinct values of one column, numbered.
#[derive(Debug)]
pub(super) enum Codes {
    Texts(TextCodes),
    Numbers(NumberCodes, DataType),
}

impl Codes {
    /// For columns of `data_type`; `None`: such columns are not numbered here.
    pub fn of(data_type: &DataType) -> Option<Codes> {
        match data_type {
            DataType::Utf8View => Some(Codes::Texts(TextCodes::default())),
            DataType::Int64 | DataType::Int32 | DataType::Boolean => {
                Some(Codes::Numbers(NumberCodes::default(), data_type.clone()))
            }
            _ => None,
        }
    }

    /// The number of each value of `column` goes into `codes`, which is emptied before.
    pub fn number(&mut self, column: &ArrayRef, codes: &mut Vec<u32>) {
        codes.clear();
        codes.reserve(column.len());
        match self {
            Codes::Texts(texts) => texts.number(column.as_string_view(), codes),
            Codes::Numbers(numbers, data_type) => match data_type {
                DataType::Int64 => {
                    let column = column.as_primitive::<Int64Type>();
                    numbers.number(column, column.values().iter().copied(), codes);
                }
                DataType::Int32 => {
                    let column = column.as_primitive::<Int32Type>();
                    numbers.number(column, column.values().iter().map(|value| i64::from(*value)), codes);
                }
                _ => {
                    let column = column.as_boolean();
                    numbers.number(column, column.values().iter().map(i64::from), codes);
                }
            },
        }
    }

    /// The values that `codes` stand for.
    pub fn values(&self, codes: &[u32]) -> ArrayRef {
        match self {
            Codes::Texts(texts) => texts.values(codes),
            Codes::Numbers(numbers, data_type) => {
                let values = codes.iter().map(|code| numbers.value(*code));
                match data_type {
                    DataType::Int64 => Arc::new(values.collect::<Int64Array>()),
                    DataType::Int32 => {
                        let narrow = |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok());
                        Arc::new(values.map(narrow).collect::<Int32Array>())
                    }
                    _ => Arc::new(values.map(|value| value.map(|value| value != 0)).collect::<BooleanArray>()),
                }
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Codes::Texts(texts) => texts.len(),
            Codes::Numbers(numbers, _) => numbers.len(),
        }
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        match self {
            Codes::Texts(texts) => texts.size(),
            Codes::Numbers(numbers, _) => numbers.size(),
        }
    }
}

/// The number after `count` others. Groups are given away long before there are so many.
pub(super) fn next(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}
