//! Events for tests: JSON to the columns that intake builds.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::{ListBuilder, StringBuilder, StringDictionaryBuilder};
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, RecordBatch, RecordBatchOptions};
use arrow_schema::{Field, Schema};
use serde_json::Value;

/// One event: each field with its values.
pub type Fields = BTreeMap<String, Vec<String>>;

/// The columns of some events: dictionaries, lists where an event has several values of a field.
pub fn batch(events: &[Fields]) -> RecordBatch {
    let names: std::collections::BTreeSet<&String> = events.iter().flat_map(BTreeMap::keys).collect();
    let mut fields = Vec::new();
    let mut columns: Vec<ArrayRef> = Vec::new();
    for name in names {
        let values = events.iter().map(|event| event.get(name).map(Vec::as_slice).unwrap_or_default());
        let column: ArrayRef = if values.clone().any(|values| values.len() > 1) {
            let mut list = ListBuilder::new(StringBuilder::new());
            for values in values {
                values.iter().for_each(|value| list.values().append_value(value));
                list.append(!values.is_empty());
            }
            Arc::new(list.finish())
        } else {
            let mut dictionary = StringDictionaryBuilder::<UInt32Type>::new();
            values.for_each(|values| dictionary.append_option(values.first()));
            Arc::new(dictionary.finish())
        };
        fields.push(Field::new(name, column.data_type().clone(), true));
        columns.push(column);
    }
    let options = RecordBatchOptions::new().with_row_count(Some(events.len()));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), columns, &options).expect("columns of one length")
}

/// A JSON object as fields: nested names joined by dots, arrays as several values.
pub fn flat(json: &Value) -> Fields {
    let mut fields = Fields::new();
    if let Value::Object(object) = json {
        object.iter().for_each(|(name, value)| put(&mut fields, name, value));
    }
    fields
}

fn put(fields: &mut Fields, name: &str, value: &Value) {
    match value {
        Value::Null => {}
        Value::Object(object) => {
            object.iter().for_each(|(inner, value)| put(fields, &format!("{name}.{inner}"), value))
        }
        Value::Array(values) => values.iter().for_each(|value| put(fields, name, value)),
        Value::String(text) => fields.entry(name.to_owned()).or_default().push(text.clone()),
        other => fields.entry(name.to_owned()).or_default().push(other.to_string()),
    }
}

/// A Windows event in the layout of `evtx_dump`: System and EventData fields under their own names, blanks removed.
pub fn windows(json: &Value) -> Fields {
    let event = &json["Event"];
    let mut fields = Fields::new();
    fields.insert("@product".to_owned(), vec!["windows".to_owned()]);
    let system = &event["System"];
    put(&mut fields, "Provider_Name", &system["Provider"]["#attributes"]["Name"]);
    for name in ["Channel", "Computer", "Level", "Task", "Opcode", "Keywords"] {
        put(&mut fields, name, &system[name]);
    }
    let id = &system["EventID"];
    put(&mut fields, "EventID", if id.is_object() { &id["#text"] } else { id });
    for part in ["EventData", "UserData"] {
        let Value::Object(data) = &event[part] else { continue };
        for (name, value) in data.iter().filter(|(name, _)| *name != "#attributes") {
            match value {
                Value::Object(inner) if part == "UserData" => {
                    inner.iter().filter(|(name, _)| *name != "#attributes").for_each(|(name, value)| {
                        put(&mut fields, &name.replace(' ', ""), value);
                    });
                }
                Value::Object(inner) => {
                    put(&mut fields, &name.replace(' ', ""), inner.get("#text").unwrap_or(&Value::Null))
                }
                value => put(&mut fields, &name.replace(' ', ""), value),
            }
        }
    }
    fields
}

/// Other people's data, where there is any; otherwise says that `what` is skipped.
pub fn shared(folder: &str, what: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data"), PathBuf::from);
    let path = root.join(folder);
    if !path.exists() {
        println!("skipped: {what}, because {folder} is not among the shared data");
        return None;
    }
    Some(path)
}
