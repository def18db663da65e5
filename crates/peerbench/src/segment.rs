//! Batches put together to one large one whose columns share a dictionary each, as stored row groups do.

use anyhow::Result;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, RecordBatch};
use intake::FieldColumns;

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
pub fn merge(batches: &[RecordBatch], rows: usize) -> Result<Segment> {
    let mut merged = FieldColumns::default();
    for batch in batches.iter().cycle() {
        let missing = rows - merged.rows();
        merged.append(&batch.slice(0, batch.num_rows().min(missing)))?;
        if merged.rows() == rows {
            break;
        }
    }
    let batch = merged.finish();
    Ok(Segment {
        events: batches.iter().map(RecordBatch::num_rows).sum(),
        distinct_texts: batch.columns().iter().map(|column| texts(column.as_ref())).sum(),
        values: batches.iter().flat_map(RecordBatch::columns).map(|column| values(column.as_ref())).sum(),
        batch,
    })
}

/// Distinct texts of a column; of lists, all texts.
fn texts(column: &dyn Array) -> usize {
    match column.as_dictionary_opt::<UInt32Type>() {
        Some(dictionary) => dictionary.values().len(),
        None => values(column),
    }
}

fn values(column: &dyn Array) -> usize {
    column.as_list_opt::<i32>().map_or(column.len() - column.null_count(), |lists| lists.values().len())
}
