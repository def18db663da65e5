//! Field columns of many batches put together, so that each distinct value of a field is kept once for all of them.

use std::collections::BTreeMap;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use thiserror::Error;

use crate::batch::{Column, record_batch};

/// A key that was not translated yet.
const UNKNOWN: u32 = u32::MAX;

/// Field columns under construction.
#[derive(Default)]
pub struct FieldColumns {
    columns: BTreeMap<String, Column>,
    rows: usize,
    hasher: hashbrown::DefaultHashBuilder,
}

/// A column that is none of fields: it holds neither texts in a dictionary nor lists of texts. The caller's mistake.
#[derive(Debug, Error)]
#[error("the column {0} is no field column: it has neither texts in a dictionary nor lists of texts")]
pub struct NotAField(String);

impl FieldColumns {
    /// Adds the rows of `batch`, whose columns are as [`EventBatch::columns`](crate::EventBatch). A row without a
    /// value and a row with an empty list are the same.
    ///
    /// # Errors
    /// [`NotAField`]; what was added of the batch is then undefined, and the columns should be thrown away.
    pub fn append(&mut self, batch: &RecordBatch) -> Result<(), NotAField> {
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            if !self.columns.contains_key(field.name()) {
                self.columns.insert(field.name().clone(), Column::default());
            }
            if let Some(column) = self.columns.get_mut(field.name()) {
                append(column, array, self.rows, &self.hasher).ok_or_else(|| NotAField(field.name().clone()))?;
            }
        }
        self.rows += batch.num_rows();
        Ok(())
    }

    /// Rows that were added.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes of the distinct texts, and of the largest column's.
    pub fn text_bytes(&self) -> (usize, usize) {
        let bytes = || self.columns.values().map(Column::text_bytes);
        (bytes().sum(), bytes().max().unwrap_or(0))
    }

    /// All rows, columns in order of name.
    pub fn finish(self) -> RecordBatch {
        let rows = self.rows;
        let filled = self.columns.iter().filter(|(_, column)| !column.is_empty()).map(|(name, _)| name.clone());
        let names: Vec<String> = filled.collect();
        let columns = self.columns.into_values().filter(|column| !column.is_empty());
        record_batch(names.iter().map(String::as_str).zip(columns), rows)
    }
}

/// Adds an array whose first row is number `first`; `None`: it holds no fields.
fn append(column: &mut Column, array: &ArrayRef, first: usize, hasher: &hashbrown::DefaultHashBuilder) -> Option<()> {
    if let Some(lists) = array.as_list_opt::<i32>() {
        let item = lists.values();
        let texts = item.as_string_opt::<i32>();
        let dictionary = item.as_dictionary_opt::<UInt32Type>();
        let dictionary =
            dictionary.and_then(|dictionary| Some((dictionary, dictionary.values().as_string_opt::<i32>()?)));
        for row in (0..lists.len()).filter(|row| lists.is_valid(*row)) {
            let offsets = &lists.value_offsets()[row..=row + 1];
            // Offsets of a valid list are not negative.
            for at in offsets[0].cast_unsigned() as usize..offsets[1].cast_unsigned() as usize {
                let text = match (texts, dictionary) {
                    (Some(texts), _) => texts.value(at),
                    (None, Some((keys, texts))) => texts.value(keys.keys().value(at) as usize),
                    (None, None) => return None,
                };
                column.push(first + row, text, hasher);
            }
        }
        return Some(());
    }
    let dictionary = array.as_dictionary_opt::<UInt32Type>()?;
    let texts = dictionary.values().as_string_opt::<i32>()?;
    // Each distinct text is looked up once, not once for each row that has it.
    let mut translated = vec![UNKNOWN; texts.len()];
    for (row, key) in dictionary.keys().iter().enumerate() {
        let Some(key) = key.map(|key| key as usize) else { continue };
        if translated[key] == UNKNOWN {
            translated[key] = column.key(texts.value(key), hasher);
        }
        column.push_key(first + row, translated[key]);
    }
    Some(())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::types::UInt32Type;
    use arrow_array::{DictionaryArray, ListArray};
    use proptest::prelude::*;

    use super::*;

    /// The values of each row under each name, without what is absent.
    fn rows(batch: &RecordBatch) -> Vec<BTreeMap<String, Vec<String>>> {
        let mut rows = vec![BTreeMap::new(); batch.num_rows()];
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            for (row, found) in rows.iter_mut().enumerate().filter(|(row, _)| array.is_valid(*row)) {
                let values: Vec<String> = match array.as_list_opt::<i32>() {
                    Some(lists) => lists.value(row).as_string::<i32>().iter().flatten().map(str::to_owned).collect(),
                    None => {
                        let texts = array.as_dictionary::<UInt32Type>().downcast_dict::<arrow_array::StringArray>();
                        vec![arrow_array::ArrayAccessor::value(&texts.expect("texts"), row).to_owned()]
                    }
                };
                if !values.is_empty() {
                    found.insert(field.name().clone(), values);
                }
            }
        }
        rows
    }

    /// A batch in which each field holds single texts, or lists where `several` says so.
    fn batch(several: [bool; 3], values: &[[Vec<u8>; 3]]) -> RecordBatch {
        let named = ["a", "b", "c"].into_iter().zip(several).enumerate().map(|(place, (name, several))| {
            let texts =
                |row: &[Vec<u8>; 3]| row[place].iter().map(|value| Some(format!("v{value}"))).collect::<Vec<_>>();
            let array: ArrayRef = if several {
                let mut lists = arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
                values.iter().for_each(|row| lists.append_value(texts(row)));
                let lists: ListArray = lists.finish();
                Arc::new(lists)
            } else {
                let first = values.iter().map(|row| texts(row).into_iter().next().flatten()).collect::<Vec<_>>();
                Arc::new(first.iter().map(Option::as_deref).collect::<DictionaryArray<UInt32Type>>())
            };
            (name, array)
        });
        RecordBatch::try_from_iter(named).expect("columns of one length")
    }

    proptest! {
        #[test]
        fn no_value_is_lost_or_moved(
            batches in prop::collection::vec(
                (any::<[bool; 3]>(), prop::collection::vec(prop::array::uniform3(prop::collection::vec(0_u8..9, 0..3)), 0..20)),
                0..5,
            ),
        ) {
            let batches: Vec<RecordBatch> = batches.iter().map(|(several, values)| batch(*several, values)).collect();
            let mut merged = FieldColumns::default();
            for batch in &batches {
                merged.append(batch).expect("fields");
            }
            let expected: Vec<_> = batches.iter().flat_map(rows).collect();
            prop_assert_eq!(rows(&merged.finish()), expected);
        }
    }

    #[test]
    fn other_columns_are_refused_by_name() {
        let numbers: ArrayRef = Arc::new(arrow_array::Int64Array::from(vec![1]));
        let batch = RecordBatch::try_from_iter([("Port", numbers)]).expect("one column");
        let refused = FieldColumns::default().append(&batch).expect_err("numbers are no fields");
        assert!(refused.to_string().contains("Port"), "{refused}");
    }
}
