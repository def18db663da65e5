//! A row as the record that it would be in JSON: for records that do not name their fields themselves.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float64Type, Int32Type, Int64Type, TimestampMicrosecondType};
use arrow_array::{Array, ArrayRef, RecordBatch};
use arrow_schema::{DataType, TimeUnit};
use kernel::Timestamp;
use kernel::schema::KQL_TYPE_METADATA;
use serde_json::{Map, Value};

use super::zeek;

/// Columns that every table has; they are no fields of the source.
const STANDARD: [&str; 6] = ["TimeGenerated", "_TimeReceived", "_ItemId", "_SourceName", "_RawData", "Type"];
/// Where a table with fixed columns keeps what has no column.
const OTHERS: &str = "AdditionalFields";

/// One row as a record.
#[derive(Debug, Clone, PartialEq)]
pub struct Record {
    /// A JSON object; all values are text, as they are in CSV.
    pub json: String,
    /// It is a line of a Zeek log, and which log cannot be told.
    pub zeek_without_service: bool,
}

/// The record of `row`; `None`: no column holds anything.
pub fn record(batch: &RecordBatch, row: usize, raw: &str) -> Option<Record> {
    let mut fields = Map::new();
    for (field, column) in batch.schema_ref().fields().iter().zip(batch.columns()) {
        let name = field.name().as_str();
        if STANDARD.contains(&name) || column.is_null(row) {
            continue;
        }
        let is_dynamic = field.metadata().get(KQL_TYPE_METADATA).is_some_and(|kind| kind == "dynamic");
        match text(column, row) {
            Some(text) if is_dynamic => add_dynamic(&mut fields, name, &text),
            Some(text) => drop(fields.insert(name.to_owned(), Value::String(text))),
            None => {}
        }
    }
    if fields.is_empty() {
        return None;
    }
    let mut zeek_without_service = false;
    let value = |name: &str| fields.get(name).and_then(Value::as_str);
    if zeek::is_zeek(raw, value) {
        let log = zeek::log(|name| fields.contains_key(name));
        zeek_without_service = log.is_none();
        fields.insert("@product".to_owned(), "zeek".into());
        fields.extend(log.map(|log| ("@service".to_owned(), log.into())));
    }
    Some(Record { json: Value::Object(fields).to_string(), zeek_without_service })
}

/// JSON in a column: a bare text is the text; what had no column of its own stands under its own names.
fn add_dynamic(fields: &mut Map<String, Value>, name: &str, text: &str) {
    match serde_json::from_str::<Value>(text) {
        Ok(Value::Object(others)) if name == OTHERS => fields.extend(others),
        Ok(value) => drop(fields.insert(name.to_owned(), value)),
        Err(_) => drop(fields.insert(name.to_owned(), Value::String(text.to_owned()))),
    }
}

/// The value as text; `None`: of a type that is not stored.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    Some(match column.data_type() {
        DataType::Utf8 => column.as_string::<i32>().value(row).to_owned(),
        DataType::Boolean => column.as_boolean().value(row).to_string(),
        DataType::Int32 => column.as_primitive::<Int32Type>().value(row).to_string(),
        DataType::Int64 => column.as_primitive::<Int64Type>().value(row).to_string(),
        DataType::Float64 => column.as_primitive::<Float64Type>().value(row).to_string(),
        DataType::Timestamp(TimeUnit::Microsecond, _) => {
            Timestamp(column.as_primitive::<TimestampMicrosecondType>().value(row)).to_string()
        }
        DataType::Decimal128(_, _) => column.as_primitive::<arrow_array::types::Decimal128Type>().value_as_string(row),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::{BooleanArray, Float64Array, Int32Array, StringArray};
    use arrow_schema::Schema;
    use kernel::{ColumnSchema, ScalarType};

    use super::*;

    fn batch(columns: Vec<(&str, ScalarType, ArrayRef)>) -> RecordBatch {
        let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar }.arrow();
        let fields: Vec<_> = columns.iter().map(|(name, scalar, _)| column(name, *scalar)).collect();
        let arrays = columns.into_iter().map(|(_, _, array)| array).collect();
        RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("columns of one length")
    }

    fn texts(values: [Option<&str>; 2]) -> ArrayRef {
        Arc::new(StringArray::from(values.to_vec()))
    }

    #[test]
    fn columns_are_fields_and_what_had_no_column_stands_beside_them() {
        let rows = batch(vec![
            ("Door", ScalarType::String, texts([Some("D\"1"), None])),
            ("Count", ScalarType::Int, Arc::new(Int32Array::from(vec![Some(7), None]))),
            ("Weight", ScalarType::Real, Arc::new(Float64Array::from(vec![Some(2.5), None]))),
            ("Granted", ScalarType::Bool, Arc::new(BooleanArray::from(vec![Some(true), None]))),
            ("Tags", ScalarType::Dynamic, texts([Some("\"a, b\""), None])),
            ("AdditionalFields", ScalarType::Dynamic, texts([Some(r#"{"Badge No":"17"}"#), None])),
            ("Type", ScalarType::String, texts([Some("Doors_CL"), Some("Doors_CL")])),
            ("_ItemId", ScalarType::String, texts([Some("x-1"), Some("x-2")])),
        ]);
        let first = record(&rows, 0, "D1,7").expect("fields");
        let parsed: Value = serde_json::from_str(&first.json).expect("JSON");
        let expected = serde_json::json!({
            "Door": "D\"1", "Count": "7", "Weight": "2.5", "Granted": "true", "Tags": "a, b", "Badge No": "17"
        });
        assert_eq!(parsed, expected);
        assert_eq!(record(&rows, 1, ""), None);
    }

    #[test]
    fn a_line_of_zeek_is_known_as_such() {
        let rows = batch(vec![
            ("ts", ScalarType::String, texts([Some("1700000000.1"), Some("1700000000.1")])),
            ("uid", ScalarType::String, texts([Some("C1"), Some("C2")])),
            ("conn_state", ScalarType::String, texts([Some("S0"), None])),
        ]);
        let first = record(&rows, 0, "1700000000.1\tC1\tS0").expect("fields");
        assert!(
            first.json.contains(r#""@product":"zeek""#) && first.json.contains(r#""@service":"conn""#),
            "{first:?}"
        );
        let second = record(&rows, 1, "1700000000.1\tC2\t-").expect("fields");
        assert!(second.zeek_without_service && !second.json.contains("@service"), "{second:?}");
    }
}
