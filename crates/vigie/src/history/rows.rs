//! Rows of a piece of history as events: grouped by how they are read, decoded, tied to their rows again.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch, StringArray, TimestampMicrosecondArray};
use intake::{EventBatch, Format};
use kernel::{LogSource, Timestamp};

use super::again::{self, Again, Origin, Wanted};
use super::columns;
use super::reading::{Marks, Reading, reading};
use crate::commands::find::summary::LakeCounts;

/// The columns by which a row is read, where the table has them.
pub const MARKS: [&str; 10] = [
    "TimeGenerated",
    "_ItemId",
    "_SourceName",
    "_RawData",
    "SourceSystem",
    "CollectorHostName",
    "HostIP",
    "Message",
    "SyslogMessage",
    "AdditionalFields",
];

/// Bytes of records that are decoded together.
const TOGETHER_BYTES: usize = 8 << 20;

/// What Sigma calls the logs of sources whose records do not say it themselves.
#[derive(Debug, Clone, Default)]
pub struct LogSources {
    /// As the sources were said to be when they were connected.
    pub by_source: BTreeMap<String, LogSource>,
    /// For other sources, such as files that were ingested.
    pub others: Option<LogSource>,
}

impl LogSources {
    /// What the log of a source was said to be.
    pub fn of(&self, source: &str) -> Option<&LogSource> {
        self.by_source.get(source).or(self.others.as_ref())
    }
}

/// Events, and the rows of the batch that they were read from.
pub struct Events {
    pub rows: Vec<usize>,
    pub batch: EventBatch,
}

/// What rows gave.
#[derive(Default)]
pub struct Outcome {
    pub events: Vec<Events>,
    /// Least and greatest time of all rows, in microseconds.
    pub times: Option<(i64, i64)>,
    /// From which the records came.
    pub sources: BTreeSet<String>,
    pub counts: LakeCounts,
    /// Bytes of the records that became events.
    pub bytes: u64,
    /// `_ItemId`s of rows that have to be read by all their columns.
    pub by_columns: BTreeSet<String>,
    /// Rows that could not be hunted, with the reason.
    pub problems: Vec<String>,
}

impl Outcome {
    /// Events at or after `from`.
    fn in_range(&self, from: Timestamp) -> u64 {
        let times = self.events.iter().flat_map(|events| events.batch.times.values());
        times.filter(|time| **time >= from.micros()).count() as u64
    }
}

/// Rows of one table that lie in memory.
pub struct Rows<'a> {
    table: &'a str,
    batch: &'a RecordBatch,
    /// Rows before it only matter to correlations, and are not counted.
    from: Timestamp,
    log_sources: &'a LogSources,
    times: Option<&'a TimestampMicrosecondArray>,
    items: Option<&'a StringArray>,
    sources: Option<&'a StringArray>,
    raw: Option<&'a StringArray>,
}

impl<'a> Rows<'a> {
    /// `batch` of `table`, with at least the [`MARKS`] that the table has.
    pub fn new(table: &'a str, batch: &'a RecordBatch, from: Timestamp, log_sources: &'a LogSources) -> Rows<'a> {
        let texts = |name: &str| batch.column_by_name(name).and_then(|column| column.as_string_opt::<i32>());
        let times = batch.column_by_name("TimeGenerated");
        Rows {
            table,
            batch,
            from,
            log_sources,
            times: times.and_then(|column| column.as_primitive_opt::<TimestampMicrosecondType>()),
            items: texts("_ItemId"),
            sources: texts("_SourceName"),
            raw: texts("_RawData"),
        }
    }

    /// Decodes what names its fields itself; notes the others.
    pub fn decode(&self) -> Outcome {
        let mut outcome = Outcome::default();
        let mut groups: BTreeMap<(Reading, &str), Vec<usize>> = BTreeMap::new();
        for row in 0..self.batch.num_rows() {
            let time = self.time(row);
            let (least, greatest) = outcome.times.unwrap_or((time.micros(), time.micros()));
            outcome.times = Some((least.min(time.micros()), greatest.max(time.micros())));
            let counts = u64::from(time >= self.from);
            outcome.counts.rows += counts;
            outcome.counts.before_range += 1 - counts;
            match self.reading(row) {
                Reading::Further => outcome.counts.further_rows += counts,
                Reading::Unparsed => outcome.counts.unparsed += counts,
                Reading::Columns => drop(outcome.by_columns.insert(self.item(row).to_owned())),
                found => groups.entry((found, self.source(row))).or_default().push(row),
            }
        }
        for ((reading, source), rows) in groups {
            outcome.sources.insert(source.to_owned());
            for rows in self.portions(&rows) {
                self.group(reading, source, rows, &mut outcome);
            }
        }
        outcome.counts.decoded = outcome.in_range(self.from);
        outcome
    }

    /// Makes records of the rows called `wanted` out of their columns, of which `self` must have all.
    pub fn by_columns(&self, wanted: &BTreeSet<String>) -> Outcome {
        let mut outcome = Outcome::default();
        let mut groups: BTreeMap<&str, Vec<(usize, String)>> = BTreeMap::new();
        for row in (0..self.batch.num_rows()).filter(|row| wanted.contains(self.item(*row))) {
            match columns::record(self.batch, row, self.raw(row).unwrap_or_default()) {
                Some(record) => {
                    outcome.counts.zeek_without_service += u64::from(record.zeek_without_service);
                    groups.entry(self.source(row)).or_default().push((row, record.json));
                }
                None => self.not_hunted(row, "no column holds anything", &mut outcome),
            }
        }
        for (source, records) in groups {
            outcome.sources.insert(source.to_owned());
            let wanted: Vec<Wanted<'_>> =
                records.iter().map(|(row, json)| Wanted { text: json, peer: None, time: self.time(*row) }).collect();
            let rows: Vec<usize> = records.iter().map(|(row, _)| *row).collect();
            self.take(again::decode(self.origin(Format::Json, source), &wanted), &rows, &mut outcome);
        }
        outcome.counts.by_columns = outcome.in_range(self.from);
        outcome
    }

    fn group(&self, reading: Reading, source: &str, rows: &[usize], outcome: &mut Outcome) {
        let format = match reading {
            Reading::Windows => Format::WindowsJson,
            Reading::Syslog => Format::Syslog,
            Reading::Json | Reading::Text | Reading::Columns | Reading::Further | Reading::Unparsed => Format::Json,
        };
        let as_text = |raw: &str| serde_json::json!({ "Message": raw }).to_string();
        let lines: Vec<String> = match reading {
            Reading::Text => rows.iter().map(|row| as_text(self.raw(*row).unwrap_or_default())).collect(),
            _ => Vec::new(),
        };
        let wanted: Vec<Wanted<'_>> = rows
            .iter()
            .enumerate()
            .map(|(number, row)| Wanted {
                text: lines.get(number).map_or_else(|| self.raw(*row).unwrap_or_default(), String::as_str),
                peer: self.text("HostIP", *row).filter(|_| reading == Reading::Syslog),
                time: self.time(*row),
            })
            .collect();
        self.take(again::decode(self.origin(format, source), &wanted), rows, outcome);
    }

    fn origin<'o>(&'o self, format: Format, source: &'o str) -> Origin<'o> {
        Origin { format, table: self.table, source, log_source: self.log_sources.of(source) }
    }

    /// Ties decoded fields to their rows: time and name are those of the row.
    fn take(&self, again: Again, rows: &[usize], outcome: &mut Outcome) {
        for fields in again.fields {
            let rows: Vec<usize> = fields.records.iter().map(|record| rows[*record]).collect();
            let batch = self.events(fields.columns, &rows);
            outcome.bytes += batch.raw.value_data().len() as u64;
            outcome.events.push(Events { rows, batch });
        }
        for (record, reason) in again.failed {
            self.not_hunted(rows[record], &reason, outcome);
        }
    }

    /// Fields of the rows `rows` as events.
    pub fn events(&self, columns: RecordBatch, rows: &[usize]) -> EventBatch {
        let times: Vec<i64> = rows.iter().map(|row| self.time(*row).micros()).collect();
        EventBatch {
            columns,
            item_ids: StringArray::from_iter_values(rows.iter().map(|row| self.item(*row))),
            times: TimestampMicrosecondArray::from(times).with_timezone(Arc::from("UTC")),
            raw: StringArray::from_iter_values(rows.iter().map(|row| self.raw(*row).unwrap_or_default())),
        }
    }

    fn not_hunted(&self, row: usize, reason: &str, outcome: &mut Outcome) {
        outcome.counts.not_hunted += u64::from(self.time(row) >= self.from);
        outcome.problems.push(format!("{} · {}: {reason}", self.table, self.item(row)));
    }

    /// Rows in portions whose records are not too many bytes together.
    fn portions<'r>(&self, rows: &'r [usize]) -> Vec<&'r [usize]> {
        let mut portions = Vec::new();
        let (mut start, mut bytes) = (0, 0);
        for (at, row) in rows.iter().enumerate() {
            bytes += self.raw(*row).map_or(0, str::len);
            if bytes >= TOGETHER_BYTES {
                portions.push(&rows[start..=at]);
                (start, bytes) = (at + 1, 0);
            }
        }
        portions.push(&rows[start..]);
        portions
    }

    fn reading(&self, row: usize) -> Reading {
        reading(&Marks {
            table: self.table,
            source: self.source(row),
            raw: self.raw(row),
            source_system: self.text("SourceSystem", row),
            collector: self.text("CollectorHostName", row),
            message: self.text("Message", row).or_else(|| self.text("SyslogMessage", row)),
            has_additional_fields: self.text("AdditionalFields", row).is_some(),
        })
    }

    fn text(&self, column: &str, row: usize) -> Option<&'a str> {
        let texts = self.batch.column_by_name(column)?.as_string_opt::<i32>()?;
        texts.is_valid(row).then(|| texts.value(row))
    }

    /// When it happened; a row without a time is as old as can be.
    fn time(&self, row: usize) -> Timestamp {
        let known = self.times.filter(|times| times.is_valid(row));
        known.map_or(Timestamp::MIN, |times| Timestamp(times.value(row)))
    }

    fn item(&self, row: usize) -> &'a str {
        self.items.filter(|items| items.is_valid(row)).map_or("", |items| items.value(row))
    }

    fn source(&self, row: usize) -> &'a str {
        self.sources.filter(|sources| sources.is_valid(row)).map_or("", |sources| sources.value(row))
    }

    fn raw(&self, row: usize) -> Option<&'a str> {
        self.raw.filter(|raw| raw.is_valid(row)).map(|raw| raw.value(row))
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::ArrayRef;

    use super::*;

    #[test]
    fn what_cannot_be_decoded_is_counted_and_named() {
        let raws = [
            Some(r#"{"Channel":"Security","EventID":4625,"Computer":"dc-1"}"#),
            Some(r#"{"Channel":"Security","EventID":46"#),
            None,
            Some("4625;dc-1"),
        ];
        let texts = |values: &[Option<&str>]| Arc::new(StringArray::from(values.to_vec())) as ArrayRef;
        let times = TimestampMicrosecondArray::from(vec![5, 6, 7, 8]).with_timezone("UTC");
        let batch = RecordBatch::try_from_iter([
            ("TimeGenerated", Arc::new(times) as ArrayRef),
            ("_ItemId", texts(&[Some("a-1"), Some("a-2"), Some("a-3"), Some("a-4")])),
            ("_SourceName", texts(&[Some("dc"); 4])),
            ("_RawData", texts(&raws)),
        ])
        .expect("columns of one length");
        let outcome = Rows::new("WindowsEvent", &batch, Timestamp(6), &LogSources::default()).decode();
        let expected = LakeCounts {
            rows: 3,
            before_range: 1,
            decoded: 0,
            further_rows: 1,
            not_hunted: 1,
            ..LakeCounts::default()
        };
        assert_eq!(outcome.counts, expected);
        assert_eq!(outcome.by_columns, BTreeSet::from(["a-4".to_owned()]));
        assert!(outcome.problems[0].starts_with("WindowsEvent · a-2:"), "{:?}", outcome.problems);
        let events = &outcome.events[0].batch;
        assert_eq!((events.item_ids.value(0), events.times.value(0)), ("a-1", 5));
        assert!(events.columns.column_by_name("@product").is_some());
    }

    #[test]
    fn a_line_of_text_has_one_field() {
        let line = "{ tampering: \"no JSON\" }";
        let texts = |value: &str| Arc::new(StringArray::from(vec![value])) as ArrayRef;
        let batch = RecordBatch::try_from_iter([
            ("_ItemId", texts("a-1")),
            ("_SourceName", texts("app")),
            ("_RawData", texts(line)),
            ("Message", texts(line)),
        ])
        .expect("columns of one length");
        let outcome = Rows::new("App_CL", &batch, Timestamp::MIN, &LogSources::default()).decode();
        let columns = &outcome.events[0].batch.columns;
        let names: Vec<_> = columns.schema_ref().fields().iter().map(|field| field.name().clone()).collect();
        assert_eq!((outcome.counts.decoded, names), (1, vec!["Message".to_owned()]));
        assert_eq!(outcome.events[0].batch.raw.value(0), line);
    }
}
