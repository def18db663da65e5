//! Field columns for Sigma, built while records are read: each distinct value of a field is kept once.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, DictionaryArray, ListArray, RecordBatch, RecordBatchOptions, StringArray, TimestampMicrosecondArray,
    UInt32Array,
};
use arrow_buffer::{NullBuffer, OffsetBuffer, ScalarBuffer};
use arrow_schema::{DataType, Field, Schema};
use hashbrown::HashTable;
use kernel::Timestamp;

use crate::record::{Kind, NO_SLOT, Record, Slot};
use crate::request::EventBatch;

/// No value in this row.
const ABSENT: u32 = u32::MAX;

/// The distinct texts of one column.
#[derive(Default)]
struct Dictionary {
    bytes: String,
    /// Where each text ends.
    ends: Vec<u32>,
    index: HashTable<u32>,
    last: u32,
}

impl Dictionary {
    fn text(&self, key: u32) -> &str {
        let start = if key == 0 { 0 } else { self.ends[key as usize - 1] };
        &self.bytes[start as usize..self.ends[key as usize] as usize]
    }

    fn key(&mut self, text: &str, hasher: &hashbrown::DefaultHashBuilder) -> u32 {
        if (self.last as usize) < self.ends.len() && self.text(self.last) == text {
            return self.last;
        }
        let hash = hasher.hash_one(text);
        if let Some(&key) = self.index.find(hash, |&key| self.text(key) == text) {
            self.last = key;
            return key;
        }
        let key = self.ends.len() as u32;
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as u32);
        let (bytes, ends) = (&self.bytes, &self.ends);
        self.index.insert_unique(hash, key, |&key| {
            let start = if key == 0 { 0 } else { ends[key as usize - 1] };
            hasher.hash_one(&bytes[start as usize..ends[key as usize] as usize])
        });
        self.last = key;
        key
    }

    fn finish(self) -> StringArray {
        let offsets = std::iter::once(0).chain(self.ends.iter().map(|&end| end as i32)).collect::<Vec<i32>>();
        StringArray::new(OffsetBuffer::new(offsets.into()), self.bytes.into_bytes().into(), None)
    }
}

/// One field.
#[derive(Default)]
pub(crate) struct Column {
    values: Dictionary,
    keys: Vec<u32>,
    /// Second and further values: row and key, by row.
    more: Vec<(u32, u32)>,
}

impl Column {
    /// A further value of `row`; rows come in order.
    pub(crate) fn push(&mut self, row: usize, text: &str, hasher: &hashbrown::DefaultHashBuilder) {
        let key = self.values.key(text, hasher);
        self.push_key(row, key);
    }

    /// The key of a text, which may be new.
    pub(crate) fn key(&mut self, text: &str, hasher: &hashbrown::DefaultHashBuilder) -> u32 {
        self.values.key(text, hasher)
    }

    /// As [`push`](Self::push), by the key.
    pub(crate) fn push_key(&mut self, row: usize, key: u32) {
        if self.keys.len() > row {
            self.more.push((row as u32, key));
        } else {
            self.keys.resize(row, ABSENT);
            self.keys.push(key);
        }
    }

    /// Whether no row has a value.
    pub(crate) fn is_empty(&self) -> bool {
        self.keys.is_empty()
    }

    /// Bytes of the distinct texts.
    pub(crate) fn text_bytes(&self) -> usize {
        self.values.bytes.len()
    }

    fn finish(mut self, rows: usize) -> ArrayRef {
        self.keys.resize(rows, ABSENT);
        if self.more.is_empty() { self.dictionary() } else { self.lists() }
    }

    fn dictionary(self) -> ArrayRef {
        let nulls: NullBuffer = self.keys.iter().map(|&key| key != ABSENT).collect();
        // A null's key must still be in range.
        let keys: Vec<u32> = self.keys.into_iter().map(|key| if key == ABSENT { 0 } else { key }).collect();
        let keys = UInt32Array::new(keys.into(), (nulls.null_count() > 0).then_some(nulls));
        Arc::new(DictionaryArray::new(keys, Arc::new(self.values.finish())))
    }

    fn lists(self) -> ArrayRef {
        let mut offsets = vec![0_i32];
        let mut texts: Vec<&str> = Vec::new();
        let mut more = self.more.iter().peekable();
        for (row, &key) in self.keys.iter().enumerate() {
            if key != ABSENT {
                texts.push(self.values.text(key));
            }
            while let Some((_, key)) = more.next_if(|(at, _)| *at as usize == row) {
                texts.push(self.values.text(*key));
            }
            offsets.push(texts.len() as i32);
        }
        let nulls: NullBuffer = self.keys.iter().map(|&key| key != ABSENT).collect();
        let item = Arc::new(Field::new("item", DataType::Utf8, true));
        let texts = Arc::new(StringArray::from_iter_values(texts));
        Arc::new(ListArray::new(item, OffsetBuffer::new(offsets.into()), texts, Some(nulls)))
    }
}

/// The columns over `rows` rows, in the order given.
pub(crate) fn record_batch<'a>(columns: impl IntoIterator<Item = (&'a str, Column)>, rows: usize) -> RecordBatch {
    let (fields, arrays): (Vec<Field>, Vec<ArrayRef>) = columns
        .into_iter()
        .map(|(name, column)| {
            let array = column.finish(rows);
            (Field::new(name, array.data_type().clone(), true), array)
        })
        .unzip();
    let options = RecordBatchOptions::new().with_row_count(Some(rows));
    RecordBatch::try_new_with_options(Arc::new(Schema::new(fields)), arrays, &options)
        .expect("every column was made for this many rows")
}

/// Texts that are rarely equal, end to end.
#[derive(Default)]
pub(crate) struct Texts {
    bytes: String,
    ends: Vec<i32>,
}

impl Texts {
    /// Room for `bytes` of text.
    fn with_capacity(bytes: usize) -> Texts {
        Texts { bytes: String::with_capacity(bytes), ends: Vec::new() }
    }

    pub(crate) fn push(&mut self, text: &str) {
        self.bytes.push_str(text);
        self.ends.push(self.bytes.len() as i32);
    }

    pub(crate) fn finish(self) -> StringArray {
        let offsets: Vec<i32> = std::iter::once(0).chain(self.ends).collect();
        StringArray::new(OffsetBuffer::new(ScalarBuffer::from(offsets)), self.bytes.into_bytes().into(), None)
    }
}

/// Builds an [`EventBatch`].
#[derive(Default)]
pub(crate) struct EventBuilder {
    columns: Vec<Column>,
    rows: usize,
    item_ids: Texts,
    times: Vec<i64>,
    raw: Texts,
    hasher: hashbrown::DefaultHashBuilder,
}

impl EventBuilder {
    /// Room for the records of a payload of `bytes`.
    pub(crate) fn with_capacity(bytes: usize) -> EventBuilder {
        EventBuilder { raw: Texts::with_capacity(bytes), ..EventBuilder::default() }
    }

    /// The fields of a record as one row.
    pub(crate) fn push(&mut self, record: Record<'_>, item_id: &str, time: Timestamp, raw: &str) {
        for field in record.list() {
            if field.kind != Kind::Json {
                self.set(field.slot, record.text(field));
            }
        }
        self.item_ids.push(item_id);
        self.times.push(time.micros());
        self.raw.push(raw);
        self.rows += 1;
    }

    /// A value of the row that [`push`](Self::push) will end.
    pub(crate) fn set(&mut self, slot: Slot, text: &str) {
        if slot == NO_SLOT {
            return;
        }
        let slot = slot as usize;
        if slot >= self.columns.len() {
            self.columns.resize_with(slot + 1, Column::default);
        }
        self.columns[slot].push(self.rows, text, &self.hasher);
    }

    /// The batch; columns in order of name.
    pub(crate) fn finish(self, names: &[Box<str>]) -> EventBatch {
        let rows = self.rows;
        let mut named: Vec<(&str, Column)> =
            names.iter().map(AsRef::as_ref).zip(self.columns).filter(|(_, column)| !column.keys.is_empty()).collect();
        named.sort_unstable_by_key(|(name, _)| *name);
        let columns = record_batch(named, rows);
        EventBatch {
            columns,
            item_ids: self.item_ids.finish(),
            times: TimestampMicrosecondArray::from(self.times).with_timezone("UTC"),
            raw: self.raw.finish(),
        }
    }
}
