//! A batch of events as rules see it.

use arrow_array::RecordBatch;
use hashbrown::HashMap;

use crate::column::Column;
use crate::naive::Event;

/// The reserved column that holds the record as it arrived; keywords are looked for in it too.
pub const RAW_COLUMN: &str = "@raw";

/// The readable columns of a batch.
pub struct Batch<'a> {
    pub(crate) columns: Vec<(&'a str, Column<'a>)>,
    places: HashMap<&'a str, usize>,
    pub(crate) unreadable: Vec<String>,
    pub(crate) rows: usize,
}

/// One event of a batch.
#[derive(Clone, Copy)]
pub struct Row<'a> {
    batch: &'a Batch<'a>,
    row: usize,
}

impl<'a> Batch<'a> {
    /// Reads the columns of `batch`.
    pub fn new(batch: &'a RecordBatch) -> Batch<'a> {
        let mut columns = Vec::with_capacity(batch.num_columns());
        let mut places = HashMap::with_capacity(batch.num_columns());
        let mut unreadable = Vec::new();
        for (field, array) in batch.schema_ref().fields().iter().zip(batch.columns()) {
            match Column::read(array) {
                Some(column) => {
                    places.insert(field.name().as_str(), columns.len());
                    columns.push((field.name().as_str(), column));
                }
                None => unreadable.push(field.name().clone()),
            }
        }
        Batch { columns, places, unreadable, rows: batch.num_rows() }
    }

    pub(crate) fn column(&self, name: &str) -> Option<&Column<'a>> {
        self.places.get(name).map(|place| &self.columns[*place].1)
    }

    /// The event in `row`, which must exist.
    pub fn row(&'a self, row: usize) -> Row<'a> {
        Row { batch: self, row }
    }
}

/// Whether keywords are looked for in the column.
pub(crate) fn holds_keywords(name: &str) -> bool {
    !name.starts_with('@') || name == RAW_COLUMN
}

impl Event for Row<'_> {
    fn values(&self, field: &str) -> Vec<&str> {
        self.batch.column(field).map(|column| column.values(self.row).collect()).unwrap_or_default()
    }

    fn all(&self) -> Vec<(&str, &str)> {
        let columns = self.batch.columns.iter().filter(|(name, _)| holds_keywords(name));
        columns.flat_map(|(name, column)| column.values(self.row).map(|value| (*name, value))).collect()
    }
}
