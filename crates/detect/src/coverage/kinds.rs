//! The kinds of events in batches of field columns, and the fields that each kind fills.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use serde::{Deserialize, Serialize};

use super::{EventKind, GATE_FIELDS};

/// Kinds that are told apart; a source that invents values must not take memory without end.
const MOST_KINDS: usize = 50_000;

type Marks = Vec<Option<String>>;

/// Kinds of events, as they are counted.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub struct Kinds {
    #[serde(with = "crate::as_list")]
    kinds: BTreeMap<Marks, (u64, BTreeSet<String>)>,
    /// Events of kinds beyond those that are told apart.
    pub left_out: u64,
}

impl Kinds {
    /// Notes the events of a batch.
    pub fn note(&mut self, columns: &RecordBatch) {
        let rows = columns.num_rows();
        let marks = GATE_FIELDS.map(|name| columns.column_by_name(name));
        let mut numbers: HashMap<[Option<u32>; GATE_FIELDS.len()], u32> = HashMap::new();
        let mut examples = Vec::new();
        let mut kind_of: Vec<u32> = Vec::with_capacity(rows);
        for row in 0..rows {
            // The number of a value in its dictionary stands for the value.
            let key = marks.map(|column| column.and_then(|column| key(column, row)));
            let next = examples.len() as u32;
            let kind = *numbers.entry(key).or_insert(next);
            if kind == next {
                examples.push(row);
            }
            kind_of.push(kind);
        }
        let mut filled: Vec<BTreeSet<String>> = vec![BTreeSet::new(); examples.len()];
        for (field, column) in columns.schema_ref().fields().iter().zip(columns.columns()) {
            for kind in fills(column, &kind_of, examples.len()) {
                filled[kind].insert(field.name().clone());
            }
        }
        let mut counts = vec![0_u64; examples.len()];
        kind_of.iter().for_each(|kind| counts[*kind as usize] += 1);
        for ((row, count), filled) in examples.into_iter().zip(counts).zip(filled) {
            let marks = marks.iter().map(|column| column.and_then(|column| text(column, row))).collect();
            self.put(marks, count, filled);
        }
    }

    /// Adds the kinds of other batches.
    pub fn add(&mut self, other: Kinds) {
        self.left_out += other.left_out;
        for (marks, (count, filled)) in other.kinds {
            self.put(marks, count, filled);
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.kinds.len()
    }

    /// Whether no event was noted.
    pub fn is_empty(&self) -> bool {
        self.kinds.is_empty()
    }

    /// All kinds.
    pub fn into_list(self) -> Vec<EventKind> {
        let kind = |(marks, (events, filled)): (Marks, (u64, BTreeSet<String>))| {
            let named = GATE_FIELDS.into_iter().zip(marks);
            EventKind { marks: named.filter_map(|(name, mark)| Some((name, mark?))).collect(), events, filled }
        };
        self.kinds.into_iter().map(kind).collect()
    }

    fn put(&mut self, marks: Marks, count: u64, filled: BTreeSet<String>) {
        if self.kinds.len() >= MOST_KINDS && !self.kinds.contains_key(&marks) {
            self.left_out += count;
            return;
        }
        let known = self.kinds.entry(marks).or_default();
        known.0 += count;
        known.1.extend(filled);
    }
}

/// The kinds of which at least one row has a value in `column`.
fn fills(column: &ArrayRef, kind_of: &[u32], kinds: usize) -> Vec<usize> {
    let Some(nulls) = column.nulls().filter(|nulls| nulls.null_count() > 0) else { return (0..kinds).collect() };
    let mut found = vec![false; kinds];
    let mut missing = kinds;
    for row in nulls.valid_indices() {
        let has = &mut found[kind_of[row] as usize];
        missing -= usize::from(!*has);
        *has = true;
        if missing == 0 {
            break;
        }
    }
    (0..kinds).filter(|kind| found[*kind]).collect()
}

/// What stands for the value of a row within a batch.
fn key(column: &ArrayRef, row: usize) -> Option<u32> {
    if column.is_null(row) {
        return None;
    }
    match column.as_dictionary_opt::<UInt32Type>() {
        Some(dictionary) => Some(dictionary.keys().value(row)),
        // A list: every row for itself.
        None => u32::try_from(row).ok(),
    }
}

/// The text of a row; of several values the first.
fn text(column: &ArrayRef, row: usize) -> Option<String> {
    if column.is_null(row) {
        return None;
    }
    if let Some(dictionary) = column.as_dictionary_opt::<UInt32Type>() {
        let values = dictionary.values().as_string_opt::<i32>()?;
        return Some(values.value(dictionary.keys().value(row) as usize).to_owned());
    }
    let list = column.as_list_opt::<i32>()?.value(row);
    let texts = list.as_string_opt::<i32>()?;
    (!texts.is_empty()).then(|| texts.value(0).to_owned())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use arrow_array::DictionaryArray;

    use super::*;

    #[test]
    fn fields_are_filled_by_kind() {
        let column = |values: [Option<&str>; 3]| -> ArrayRef {
            Arc::new(values.into_iter().collect::<DictionaryArray<UInt32Type>>())
        };
        let batch = RecordBatch::try_from_iter_with_nullable([
            ("Channel", column([Some("Security"), Some("System"), Some("Security")]), true),
            ("EventID", column([Some("1"), Some("1"), Some("1")]), true),
            ("Image", column([None, None, Some("a")]), true),
            ("Service", column([None, Some("s"), None]), true),
        ])
        .expect("columns of one length");
        let mut kinds = Kinds::default();
        kinds.note(&batch);
        let mut twice = Kinds::default();
        twice.note(&batch);
        twice.add(kinds);
        let found: Vec<(String, u64, Vec<String>)> = twice
            .into_list()
            .into_iter()
            .map(|kind| (kind.marks["Channel"].clone(), kind.events, kind.filled.into_iter().collect()))
            .collect();
        let names = |list: &[&str]| list.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
        let expected = [
            ("Security".to_owned(), 4, names(&["Channel", "EventID", "Image"])),
            ("System".to_owned(), 2, names(&["Channel", "EventID", "Service"])),
        ];
        assert_eq!(found, expected);
    }
}
