//! What the tests share: fixed ids and times, and a readable form of what was decoded.

use std::fmt::Write as _;
use std::path::PathBuf;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch};
use arrow_cast::display::{ArrayFormatter, FormatOptions};
use intake::{DecodeRequest, Decoded, Format, decode};
use kernel::Timestamp;
use kernel::id::EntryId;

/// 2026-11-21T08:15:00Z.
pub const RECEIVED: Timestamp = Timestamp(1_795_248_900_000_000);

pub fn entry() -> EntryId {
    EntryId::new(RECEIVED, [7; 10])
}

pub fn request(format: Format, payload: &[u8]) -> DecodeRequest<'_> {
    DecodeRequest::new(entry(), "src-1", format, RECEIVED, payload)
}

pub fn decoded(format: Format, payload: &[u8]) -> Decoded {
    decode(&request(format, payload))
}

/// The cell as text; null is `None`.
pub fn cell(batch: &RecordBatch, column: &str, row: usize) -> Option<String> {
    let array = batch.column_by_name(column)?;
    if array.is_null(row) {
        return None;
    }
    if let Some(times) = array.as_primitive_opt::<TimestampMicrosecondType>() {
        return Some(Timestamp(times.value(row)).to_string());
    }
    let options = FormatOptions::default();
    Some(ArrayFormatter::try_new(array.as_ref(), &options).unwrap().value(row).to_string())
}

/// Every table, row and value but those that are the same everywhere; then the field columns and the problems.
pub fn describe(decoded: &Decoded) -> String {
    let mut text = String::new();
    for table in &decoded.tables {
        for row in 0..table.batch.num_rows() {
            let item = cell(&table.batch, "_ItemId", row).unwrap();
            let number = item.rsplit('-').next().unwrap();
            writeln!(text, "{} #{number}", table.table).unwrap();
            for field in table.batch.schema().fields() {
                let hidden = ["_ItemId", "_TimeReceived", "_SourceName", "_RawData", "Type"];
                if let Some(value) =
                    cell(&table.batch, field.name(), row).filter(|_| !hidden.contains(&field.name().as_str()))
                {
                    writeln!(text, "  {}: {value}", field.name()).unwrap();
                }
            }
        }
    }
    for row in 0..decoded.events.columns.num_rows() {
        writeln!(text, "fields: {}", event(decoded, row)).unwrap();
    }
    for problem in &decoded.problems {
        writeln!(text, "problem: {problem}").unwrap();
    }
    writeln!(text, "accepted {}, unparsed {}", decoded.accepted, decoded.unparsed).unwrap();
    text
}

/// The fields of one event.
pub fn event(decoded: &Decoded, row: usize) -> String {
    let columns = &decoded.events.columns;
    let fields: Vec<String> = columns
        .schema()
        .fields()
        .iter()
        .filter_map(|field| values(columns, field.name(), row).map(|value| format!("{}={value}", field.name())))
        .collect();
    fields.join(" ")
}

/// The value or the list of values of a field.
pub fn values(columns: &RecordBatch, name: &str, row: usize) -> Option<String> {
    let array = columns.column_by_name(name)?;
    if array.is_null(row) {
        return None;
    }
    match array.as_list_opt::<i32>() {
        Some(list) => {
            let list = list.value(row);
            let texts: Vec<&str> = list.as_string::<i32>().iter().flatten().collect();
            // A list of one and a single value are the same thing.
            Some(if texts.len() == 1 { texts[0].to_owned() } else { format!("{texts:?}") })
        }
        None => cell(columns, name, row),
    }
}

/// A folder of the shared test data; `None` (with one line on standard error) where it is absent.
pub fn shared_data(folder: &str) -> Option<PathBuf> {
    let root = std::env::var_os("VIGIE_SHARED_DATA")
        .map_or_else(|| PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../shared/data")), PathBuf::from);
    let candidates = [
        root.join(folder),
        PathBuf::from(concat!(env!("CARGO_MANIFEST_DIR"), "/../../../../shared/data")).join(folder),
    ];
    let found = candidates.into_iter().find(|path| path.exists());
    if found.is_none() {
        eprintln!("skipped: no shared data folder `{folder}`");
    }
    found
}
