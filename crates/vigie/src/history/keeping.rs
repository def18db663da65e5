//! Fields that were decoded once, kept beside the rows: the next hunt reads the columns that its rules ask for, and the
//! records of those rows alone that its rules fire on.
//!
//! What is kept holds for as long as decoding would give the same: the same revision of the decoders, and the same words
//! for the logs of its sources. Otherwise it is decoded and kept anew. The slow twin, decoding every time, is the reading
//! that fills it; tests hunt twice and compare.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, RecordBatch, UInt32Array};
use arrow_schema::{ArrowError, DataType, Field, Schema};
use arrow_select::take::take_record_batch;
use intake::{FIELDS_REVISION, FieldColumns};
use kernel::{LogSource, Timestamp};
use lake::{Companion, LakeError, Piece};
use serde::{Deserialize, Serialize};

use super::rows::{Events, LogSources, Outcome};
use crate::commands::find::summary::{LakeCounts, Summary};

/// The column that says which row of the piece an event is about. Ascends.
const ROW: &str = "@vigie.row";
/// Texts of one piece that are kept at most, in bytes; they are in memory while they are gathered.
const KEPT_BYTES: usize = 256 << 20;
/// Problems that are noted in words; further ones are counted.
const PROBLEMS: usize = 20;

/// What decoding a piece gave, apart from the events.
#[derive(Debug, Default, PartialEq, Serialize, Deserialize)]
struct Note {
    /// [`FIELDS_REVISION`] at the time.
    revision: u32,
    rows: u64,
    counts: LakeCounts,
    bytes: u64,
    problems: Vec<String>,
    problem_count: u64,
    /// Least and greatest time of the rows, in microseconds.
    times: Option<(i64, i64)>,
    /// The sources of the records, with what their logs were said to be.
    log_sources: BTreeMap<String, Option<LogSource>>,
}

/// The kept fields of a piece that hold.
pub struct Kept {
    pub companion: Companion,
    note: Note,
}

impl Kept {
    /// What was kept of `piece`, if it holds for a hunt from `from` on. Damage is told in the log: it costs time, no
    /// answers.
    pub async fn of(piece: &Piece, log_sources: &LogSources, from: Timestamp) -> Option<Kept> {
        let companion = match piece.companion().await {
            Ok(companion) => companion?,
            Err(error) => {
                tracing::warn!(%error, "kept fields cannot be read; the records are decoded again");
                return None;
            }
        };
        let note: Note = serde_json::from_str(companion.note()).ok()?;
        note.holds(piece.rows(), log_sources, from).then_some(Kept { companion, note })
    }

    /// What the piece counts for. `from` as in [`Kept::of`].
    pub fn counts(&self, from: Timestamp) -> Summary {
        let note = &self.note;
        if note.is_before(from) {
            let lake = LakeCounts { before_range: note.rows, ..LakeCounts::default() };
            return Summary { lake: Some(lake), ..Summary::default() };
        }
        let records = note.counts.decoded + note.counts.by_columns;
        Summary {
            records,
            bytes: note.bytes,
            problem_count: note.problem_count,
            problems: note.problems.clone(),
            lake: Some(LakeCounts { kept: records, ..note.counts.clone() }),
            ..Summary::default()
        }
    }

    /// Splits what was read of the companion into the rows of the piece and their fields.
    ///
    /// # Errors
    /// [`LakeError::Damaged`] when it does not say which rows it is about.
    pub fn split(&self, mut batch: RecordBatch) -> Result<(Vec<u32>, RecordBatch), LakeError> {
        let place = batch.schema_ref().index_of(ROW).ok();
        let rows = place.map(|place| batch.remove_column(place));
        let rows = rows.as_ref().and_then(|rows| rows.as_primitive_opt::<UInt32Type>());
        let rows = rows.ok_or_else(|| self.companion.damaged(&format!("it has no numbers in {ROW}")))?;
        Ok((rows.values().to_vec(), batch))
    }
}

impl Note {
    fn holds(&self, rows: u64, log_sources: &LogSources, from: Timestamp) -> bool {
        let same = |(source, said): (&String, &Option<LogSource>)| log_sources.of(source) == said.as_ref();
        let is_whole = self.is_before(from) || self.times.is_none_or(|(least, _)| least >= from.micros());
        self.revision == FIELDS_REVISION && self.rows == rows && is_whole && self.log_sources.iter().all(same)
    }

    /// Whether all rows lie before `from`.
    fn is_before(&self, from: Timestamp) -> bool {
        self.times.is_some_and(|(_, greatest)| greatest < from.micros())
    }
}

/// Gathers what decoding a piece gives.
#[derive(Default)]
pub struct Gathering {
    note: Note,
    fields: FieldColumns,
    rows: Vec<u32>,
    /// Why nothing will be kept.
    given_up: Option<String>,
}

impl Gathering {
    /// Notes what a batch whose first row is number `first` of the piece gave.
    pub fn add(&mut self, first: usize, outcome: &Outcome, log_sources: &LogSources) {
        let note = &mut self.note;
        note.rows += outcome.counts.rows;
        note.counts.add(&outcome.counts);
        note.bytes += outcome.bytes;
        note.problem_count += outcome.problems.len() as u64;
        let room = PROBLEMS.saturating_sub(note.problems.len());
        note.problems.extend(outcome.problems.iter().take(room).cloned());
        note.times = match (note.times, outcome.times) {
            (Some((least, greatest)), Some((from, until))) => Some((least.min(from), greatest.max(until))),
            (known, None) | (None, known) => known,
        };
        for source in &outcome.sources {
            note.log_sources.entry(source.clone()).or_insert_with(|| log_sources.of(source).cloned());
        }
        for events in &outcome.events {
            self.add_events(first, events);
        }
    }

    fn add_events(&mut self, first: usize, events: &Events) {
        if self.given_up.is_some() {
            return;
        }
        if let Err(error) = self.fields.append(&events.batch.columns) {
            self.given_up = Some(error.to_string());
            return;
        }
        // A piece is a row group: its rows are far fewer than 2^32.
        self.rows.extend(events.rows.iter().map(|row| (first + row) as u32));
        let (bytes, _) = self.fields.text_bytes();
        if bytes > KEPT_BYTES {
            self.given_up = Some(format!("its fields are more than {KEPT_BYTES} bytes"));
        }
    }

    /// Columns and note to keep; `None`: this cannot be kept, because some rows lie before the range, so that not all
    /// was counted, or because it is too large.
    pub fn finish(self) -> Option<(RecordBatch, String)> {
        if let Some(reason) = self.given_up {
            tracing::debug!(reason, "the fields of a row group are not kept");
            return None;
        }
        if self.note.counts.before_range > 0 {
            return None;
        }
        let columns = by_row(self.fields.finish(), self.rows).ok()?;
        let note = serde_json::to_string(&Note { revision: FIELDS_REVISION, ..self.note }).ok()?;
        Some((columns, note))
    }
}

/// The fields in the order of the rows that they are of, which become a column.
fn by_row(fields: RecordBatch, rows: Vec<u32>) -> Result<RecordBatch, ArrowError> {
    if fields.schema_ref().column_with_name(ROW).is_some() {
        return Err(ArrowError::SchemaError(format!("a source has a field {ROW}")));
    }
    let mut order: Vec<u32> = (0..).take(rows.len()).collect();
    order.sort_by_key(|place| rows[*place as usize]);
    let numbers: ArrayRef = Arc::new(UInt32Array::from_iter_values(order.iter().map(|place| rows[*place as usize])));
    let is_sorted = order.is_sorted();
    let fields = if is_sorted { fields } else { take_record_batch(&fields, &UInt32Array::from(order))? };
    let columns = fields.columns().iter().cloned().chain([numbers]).collect();
    let row = Arc::new(Field::new(ROW, DataType::UInt32, false));
    let schema = Schema::new(fields.schema_ref().fields().iter().cloned().chain([row]).collect::<Vec<_>>());
    RecordBatch::try_new(Arc::new(schema), columns)
}
