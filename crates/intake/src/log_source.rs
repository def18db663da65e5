//! What Sigma calls a log, where its records do not say it themselves.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, RecordBatch, StringArray, UInt32Array};
use arrow_schema::{Field, Schema};
use kernel::LogSource;

use crate::request::EventBatch;

/// The reserved columns, in the order of [`LogSource::attributes`].
const COLUMNS: [&str; 3] = ["@product", "@category", "@service"];

/// Fills the reserved columns of rows that have nothing there with what the source was said to be.
pub(crate) fn label(events: EventBatch, said: Option<&LogSource>) -> EventBatch {
    let Some(said) = said.filter(|said| !said.is_empty() && events.columns.num_rows() > 0) else { return events };
    let mut columns = events.columns.clone();
    for (name, value) in COLUMNS.into_iter().zip(said.attributes()) {
        let Some(value) = value else { continue };
        let filled = match columns.column_by_name(name) {
            Some(known) => filled(known, value),
            None => constant(value, columns.num_rows()),
        };
        columns = with_column(&columns, name, filled);
    }
    EventBatch { columns, ..events }
}

fn constant(value: &str, rows: usize) -> ArrayRef {
    let keys = UInt32Array::from_value(0, rows);
    Arc::new(DictionaryArray::new(keys, Arc::new(StringArray::from_iter_values([value]))))
}

/// A parser sets these columns with one value for each row, so that they are always dictionaries.
fn filled(known: &ArrayRef, value: &str) -> ArrayRef {
    let Some(dictionary) = known.as_dictionary_opt::<UInt32Type>().filter(|known| known.null_count() > 0) else {
        return Arc::clone(known);
    };
    let texts = dictionary.values().as_string::<i32>();
    let added = texts.len() as u32;
    let keys = (0..dictionary.len()).map(|row| dictionary.key(row).map_or(added, |key| key as u32));
    let keys = UInt32Array::from_iter_values(keys);
    let texts = StringArray::from_iter_values(texts.iter().flatten().chain([value]));
    Arc::new(DictionaryArray::new(keys, Arc::new(texts)))
}

fn with_column(columns: &RecordBatch, name: &str, array: ArrayRef) -> RecordBatch {
    let mut fields: Vec<Arc<Field>> = columns.schema().fields().iter().cloned().collect();
    let mut arrays = columns.columns().to_vec();
    let field = Arc::new(Field::new(name, array.data_type().clone(), true));
    match columns.schema().index_of(name) {
        Ok(place) => (fields[place], arrays[place]) = (field, array),
        Err(_) => {
            fields.push(field);
            arrays.push(array);
        }
    }
    RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays).expect("one array of the batch's length for each field")
}
