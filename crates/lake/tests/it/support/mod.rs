//! What the tests share: a clock turned by hand, a decoder of a tiny text format, a disk that breaks, reading rows.

pub mod sim_disk;

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicI64, Ordering};

use arrow_array::cast::AsArray;
use arrow_array::{ArrayRef, RecordBatch, StringArray, TimestampMicrosecondArray};
use kernel::id::EntryId;
use kernel::{Clock, ColumnSchema, ScalarType, TableSchema, Timestamp};
use lake::{Decoder, Entry, Lake, LakeConfig, TableRows, Tables};
use object_store::ObjectStoreExt;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

pub const DAY_US: i64 = 86_400_000_000;
/// 2026-11-21T00:00:00Z.
pub const TODAY_US: i64 = 1_795_219_200_000_000;

/// A clock that stands still until it is turned.
#[derive(Debug)]
pub struct HandClock(AtomicI64);

impl HandClock {
    pub fn new(micros: i64) -> Arc<HandClock> {
        Arc::new(HandClock(AtomicI64::new(micros)))
    }

    pub fn turn(&self, micros: i64) {
        self.0.fetch_add(micros, Ordering::SeqCst);
    }
}

impl Clock for HandClock {
    fn now(&self) -> Timestamp {
        Timestamp(self.0.load(Ordering::SeqCst))
    }

    fn monotonic_us(&self) -> u64 {
        u64::try_from(self.now().micros()).unwrap_or(0)
    }
}

/// Time, text, item id.
type Row = (Option<i64>, String, String);

/// Reads lines `Table|microseconds|text`; a time of `-` is none.
pub struct Lines;

impl Decoder for Lines {
    fn decode(&self, entry: &Entry) -> Vec<TableRows> {
        let text = std::str::from_utf8(&entry.payload).unwrap();
        let mut tables: BTreeMap<&str, Vec<Row>> = BTreeMap::new();
        for (number, line) in text.lines().enumerate() {
            let mut parts = line.splitn(3, '|');
            let (table, time, text) = (parts.next().unwrap(), parts.next().unwrap(), parts.next().unwrap());
            let item = format!("{}-{number}", entry.id.uuid());
            tables.entry(table).or_default().push((time.parse().ok(), text.to_owned(), item));
        }
        tables.into_iter().map(|(table, rows)| TableRows { table: table.into(), batch: batch(entry, rows) }).collect()
    }
}

pub fn table_schema(name: &str) -> TableSchema {
    let columns = vec![ColumnSchema { name: "Text".into(), scalar: ScalarType::String }];
    TableSchema { name: name.into(), columns }.with_standard_columns()
}

fn batch(entry: &Entry, rows: Vec<Row>) -> RecordBatch {
    let times: TimestampMicrosecondArray = rows.iter().map(|row| row.0).collect();
    let received = TimestampMicrosecondArray::from(vec![entry.received.micros(); rows.len()]);
    let columns: Vec<ArrayRef> = vec![
        Arc::new(rows.iter().map(|row| Some(row.1.as_str())).collect::<StringArray>()),
        Arc::new(times.with_timezone("UTC")),
        Arc::new(received.with_timezone("UTC")),
        Arc::new(rows.iter().map(|row| Some(row.2.as_str())).collect::<StringArray>()),
        Arc::new(StringArray::from(vec![entry.source.as_str(); rows.len()])),
        Arc::new(rows.iter().map(|row| Some(row.1.as_str())).collect::<StringArray>()),
    ];
    RecordBatch::try_new(table_schema("T").arrow(), columns).unwrap()
}

/// A delivery with `lines`, named and keyed by `number`.
pub fn entry(number: u64, lines: &str) -> Entry {
    let mut key = [7; 32];
    key[..8].copy_from_slice(&number.to_le_bytes());
    let mut random = [0; 10];
    random[..8].copy_from_slice(&number.to_le_bytes());
    Entry {
        id: EntryId::new(Timestamp(TODAY_US), random),
        source: "test".into(),
        format: "lines".into(),
        table: None,
        received: Timestamp(TODAY_US + 3_600_000_000),
        key,
        payload: lines.to_owned().into(),
    }
}

/// Appends what [`Lines`] makes of `entry`.
pub async fn append(lake: &Lake, entry: Entry) -> Result<lake::Appended, lake::LakeError> {
    let rows = Lines.decode(&entry);
    lake.append(entry, rows).await
}

/// Settings that let a test drive everything itself.
pub fn config(dir: impl Into<std::path::PathBuf>) -> LakeConfig {
    LakeConfig {
        background: false,
        min_free_bytes: 0,
        grace_ms: 0,
        compact_files: 2,
        checkpoint_commits: 3,
        wait_ms: 200,
        ..LakeConfig::new(dir)
    }
}

/// Every row of `table` as `(_ItemId, Text)`, from hot batches and Parquet files.
pub async fn rows(lake: &Lake, table: &str) -> Vec<(String, String)> {
    let Some(snapshot) = lake.snapshot(table).await.unwrap() else { return Vec::new() };
    let mut batches = snapshot.hot.clone();
    for file in &snapshot.files {
        let bytes = snapshot.store.get(&file.path).await.unwrap().bytes().await.unwrap();
        assert_eq!(bytes.len() as u64, file.bytes, "{}", file.path);
        let reader = ParquetRecordBatchReaderBuilder::try_new(bytes).unwrap().build().unwrap();
        let read: Vec<RecordBatch> = reader.map(Result::unwrap).collect();
        assert_eq!(read.iter().map(|batch| batch.num_rows() as u64).sum::<u64>(), file.rows, "{}", file.path);
        batches.extend(read);
    }
    let column = |batch: &RecordBatch, name: &str| batch.column_by_name(name).unwrap().as_string::<i32>().clone();
    let mut rows = Vec::new();
    for batch in &batches {
        let (items, texts) = (column(batch, "_ItemId"), column(batch, "Text"));
        rows.extend((0..batch.num_rows()).map(|row| (items.value(row).to_owned(), texts.value(row).to_owned())));
    }
    rows.sort();
    rows
}

/// Texts of all rows, sorted.
pub async fn texts(lake: &Lake, table: &str) -> Vec<String> {
    let mut texts: Vec<String> = rows(lake, table).await.into_iter().map(|row| row.1).collect();
    texts.sort();
    texts
}

/// Small, seeded, good enough for choosing what happens next.
pub struct Dice(pub u64);

impl Dice {
    pub fn roll(&mut self, sides: u64) -> u64 {
        self.0 = self.0.wrapping_add(0x9E37_79B9_7F4A_7C15);
        let mut mixed = self.0;
        mixed = (mixed ^ (mixed >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
        mixed = (mixed ^ (mixed >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
        (mixed ^ (mixed >> 31)) % sides
    }
}
