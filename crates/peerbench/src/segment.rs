//! Batches put together to one large one whose columns share a dictionary each, as stored segments do.

use std::sync::Arc;

use anyhow::{Context, Result};
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, DictionaryArray, ListArray, RecordBatch, StringArray, UInt32Array};
use arrow_buffer::{NullBuffer, OffsetBuffer};
use arrow_schema::{DataType, Field, Schema};
use hashbrown::HashMap;

/// One field of a segment under construction.
#[derive(Default)]
struct Merged {
    codes: HashMap<String, u32>,
    texts: Vec<String>,
    /// The values of each row, end to end, and where each row's end.
    values: Vec<u32>,
    ends: Vec<u32>,
    several: bool,
}

impl Merged {
    fn add(&mut self, text: &str) {
        let next = self.texts.len() as u32;
        let code = *self.codes.entry_ref(text).or_insert(next);
        if code == next {
            self.texts.push(text.to_owned());
        }
        self.values.push(code);
    }

    fn end_row(&mut self) {
        let before = self.ends.last().copied().unwrap_or(0);
        let end = self.values.len() as u32;
        self.several |= end - before > 1;
        self.ends.push(end);
    }

    fn fill(&mut self, rows: usize) {
        self.ends.resize(rows, self.values.len() as u32);
    }

    /// The column over `rows` rows: those that there are, over and over.
    fn finish(self, rows: usize) -> Result<ArrayRef> {
        let start = |row: usize| if row == 0 { 0 } else { self.ends[row - 1] };
        let (mut keys, mut offsets, mut valid) = (Vec::new(), vec![0_i32], Vec::with_capacity(rows));
        for row in (0..self.ends.len()).cycle().take(rows) {
            let values = &self.values[start(row) as usize..self.ends[row] as usize];
            valid.push(!values.is_empty());
            keys.extend_from_slice(values);
            if self.several {
                offsets.push(i32::try_from(keys.len())?);
            } else if values.is_empty() {
                keys.push(0);
            }
        }
        let texts = Arc::new(StringArray::from(self.texts));
        let valid = NullBuffer::from(valid);
        if !self.several {
            return Ok(Arc::new(DictionaryArray::new(UInt32Array::new(keys.into(), Some(valid)), texts)));
        }
        let values: ArrayRef = Arc::new(DictionaryArray::new(UInt32Array::from(keys), texts));
        let item = Arc::new(Field::new("item", values.data_type().clone(), true));
        Ok(Arc::new(ListArray::new(item, OffsetBuffer::new(offsets.into()), values, Some(valid))))
    }
}

/// What a segment is made of.
pub struct Segment {
    pub batch: RecordBatch,
    /// Rows before they were repeated.
    pub events: usize,
    pub distinct_texts: usize,
    /// Values over all rows before they were repeated.
    pub values: usize,
}

/// All rows of `batches`, repeated up to `rows`.
pub fn merge(batches: impl IntoIterator<Item = Result<RecordBatch>>, rows: usize) -> Result<Segment> {
    let mut merged: HashMap<String, Merged> = HashMap::new();
    let mut events = 0;
    for batch in batches {
        let batch = batch?;
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            let column = merged.entry_ref(field.name().as_str()).or_default();
            column.fill(events);
            append(column, array).with_context(|| format!("the column {}", field.name()))?;
        }
        events += batch.num_rows();
    }
    let mut names: Vec<(String, Merged)> = merged.into_iter().collect();
    names.sort_by(|left, right| left.0.cmp(&right.0));
    names.iter_mut().for_each(|(_, column)| column.fill(events));
    let distinct_texts = names.iter().map(|(_, column)| column.texts.len()).sum();
    let values = names.iter().map(|(_, column)| column.values.len()).sum();
    let (mut fields, mut arrays) = (Vec::new(), Vec::new());
    for (name, column) in names {
        let array = column.finish(rows)?;
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    let batch = RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?;
    Ok(Segment { batch, events, distinct_texts, values })
}

fn append(column: &mut Merged, array: &ArrayRef) -> Result<()> {
    if let DataType::List(_) = array.data_type() {
        let list = array.as_list::<i32>();
        let texts = list.values().as_string_opt::<i32>().context("lists hold texts")?;
        for row in 0..list.len() {
            let range = list.value_offsets()[row] as usize..list.value_offsets()[row + 1] as usize;
            range.for_each(|at| column.add(texts.value(at)));
            column.end_row();
        }
        return Ok(());
    }
    let dictionary = array.as_dictionary_opt::<UInt32Type>().context("columns are dictionaries or lists")?;
    let texts = dictionary.values().as_string::<i32>();
    for key in dictionary.keys() {
        if let Some(key) = key {
            column.add(texts.value(key as usize));
        }
        column.end_row();
    }
    Ok(())
}
