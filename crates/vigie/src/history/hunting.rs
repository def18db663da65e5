//! Pieces of history, on all cores, to whoever looks at them.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use anyhow::{Result, bail};
use arrow_array::RecordBatch;
use arrow_schema::Schema;
use futures::StreamExt;
use indicatif::ProgressBar;
use intake::EventBatch;
use kernel::port::TimeRange;
use kernel::{LogSource, Timestamp};
use lake::{History, Lake, LakeError, Piece, Tables};
use sigma::correlation::{Correlation, Correlations, Target};
use store::{Statement, Store, params};
use tokio::runtime::Handle;

use super::keeping::{Gathering, Kept};
use super::rows::{LogSources, MARKS, Outcome, Rows};
use crate::commands::find::alert::Place;
use crate::commands::find::pool;
use crate::commands::find::summary::{LakeCounts, Summary};

/// Rows that are decoded together.
const BATCH_ROWS: usize = 4_096;

/// The columns that an event has beside its fields.
const RECORD: [&str; 3] = ["TimeGenerated", "_ItemId", "_RawData"];

/// The history that is hunted.
pub struct Hunting {
    pub lake: Lake,
    pub handle: Handle,
    pub histories: Vec<History>,
    /// Events before it are only for correlations.
    pub from: Timestamp,
    pub log_sources: LogSources,
    pub bar: ProgressBar,
}

/// The rows of `tables` (none: all) in the range, and as much before it as correlations look back.
///
/// # Errors
/// When a table does not exist, or the lake cannot read one.
pub async fn histories(
    lake: &Lake,
    tables: &[String],
    from: Option<Timestamp>,
    to: Option<Timestamp>,
    look_back_us: i64,
) -> Result<Vec<History>> {
    let range = (from.is_some() || to.is_some()).then(|| TimeRange {
        from: from.map_or(Timestamp::MIN, |from| Timestamp(from.micros().saturating_sub(look_back_us))),
        to: to.unwrap_or(Timestamp::MAX),
    });
    let known: BTreeSet<String> = lake.schemas().into_iter().map(|schema| schema.name).collect();
    if let Some(unknown) = tables.iter().find(|table| !known.contains(*table)) {
        bail!("the lake has no table {unknown}; `vigie lake status` lists those that it has");
    }
    let mut histories = Vec::new();
    for table in known.iter().filter(|table| tables.is_empty() || tables.contains(table)) {
        if let Some(snapshot) = lake.snapshot(table).await? {
            let history = History::new(snapshot, range);
            if history.rows() > 0 {
                histories.push(history);
            }
        }
    }
    Ok(histories)
}

/// What the sources were said to be when they were connected; `others` is for all other sources.
///
/// # Errors
/// When the state database fails.
pub async fn log_sources(store: &Store, others: Option<LogSource>) -> Result<LogSources> {
    const SAID: Statement =
        Statement::new("hunt.log_sources", "SELECT name, log_source FROM source WHERE log_source IS NOT NULL");
    let mut by_source = BTreeMap::new();
    for row in store.fetch_all(&SAID, params![]).await? {
        by_source.insert(row.text("name")?.to_owned(), row.json("log_source")?);
    }
    Ok(LogSources { by_source, others })
}

/// How long before an event others may lie that a correlation counts with it, in microseconds.
pub fn look_back_us(correlations: &Correlations) -> i64 {
    let spans = || correlations.rules().map(|rule| rule.timespan_us);
    let is_chain =
        |rule: &Arc<Correlation>| rule.rules.iter().any(|reference| matches!(reference.target, Target::Correlation(_)));
    // In a chain each link looks back from the one before.
    if correlations.rules().any(is_chain) { spans().fold(0, i64::saturating_add) } else { spans().max().unwrap_or(0) }
}

/// Who looks at events, and at which.
pub trait Look: Sync {
    /// What looking fills.
    type Part: Default + Send;

    /// The columns that [`sieve`](Look::sieve) needs; `None`: all.
    fn columns(&self) -> Option<BTreeSet<&str>> {
        None
    }

    /// The rows, ascending, of the events that have to be looked at, by their fields alone. It may name an event in
    /// vain; it must leave out none.
    fn sieve(&self, columns: &RecordBatch) -> Vec<u32> {
        (0..).take(columns.num_rows()).collect()
    }

    /// Looks at events.
    fn look(&self, place: &Place, events: &EventBatch, part: &mut Self::Part);
}

impl Hunting {
    /// Shows the events of every piece to `look`, and gives the parts that it fills to `take`, in the order of tables
    /// and times.
    pub fn all<L: Look>(self, look: &L, mut take: impl FnMut(L::Part) -> Result<()>) -> Result<Summary> {
        let mut total = Summary::default();
        let tables = self.histories.len() as u64;
        total.lake = Some(LakeCounts { tables, ..LakeCounts::default() });
        self.bar.set_length(self.histories.iter().map(History::rows).sum());
        let (lake, handle, from, log_sources) = (&self.lake, &self.handle, self.from, &self.log_sources);
        let (columns, bar) = (look.columns(), &self.bar);
        let pieces = Pieces { histories: self.histories.into(), handle: self.handle.clone(), bar: self.bar.clone() };
        let work = |piece: Result<Piece, LakeError>| {
            let counts = Summary::default();
            let mut reading = Reading { lake, handle, from, log_sources, look, columns: columns.as_ref(), counts };
            let mut part = L::Part::default();
            let read = piece.and_then(|piece| {
                let read = reading.piece(&piece, &mut part);
                bar.inc(piece.rows());
                read
            });
            if let Err(error) = read {
                reading.counts.failed.push(error.to_string());
            }
            (part, reading.counts)
        };
        pool::in_order(pieces, work, |(part, counts)| {
            total.add(counts);
            take(part)
        })?;
        Ok(total)
    }
}

/// Keeps the fields of `piece`, if they are not kept yet. False: they were, or nothing can be kept.
///
/// # Errors
/// When the lake cannot read the piece.
pub fn keep_fields(lake: &Lake, handle: &Handle, log_sources: &LogSources, piece: &Piece) -> Result<bool, LakeError> {
    struct Nothing;
    impl Look for Nothing {
        type Part = ();
        fn look(&self, _: &Place, _: &EventBatch, (): &mut ()) {}
    }
    let (from, counts) = (Timestamp::MIN, Summary::default());
    let mut reading = Reading { lake, handle, from, log_sources, look: &Nothing, columns: None, counts };
    if !piece.may_have_companion() || handle.block_on(Kept::of(piece, log_sources, from)).is_some() {
        return Ok(false);
    }
    reading.decoded(piece, &mut ())
}

/// All pieces, table after table.
struct Pieces {
    histories: VecDeque<History>,
    handle: Handle,
    bar: ProgressBar,
}

impl Iterator for Pieces {
    type Item = Result<Piece, LakeError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let history = self.histories.front_mut()?;
            let next = self.handle.block_on(history.next());
            self.bar.inc(history.take_passed_over());
            if next.is_some() {
                return next;
            }
            self.histories.pop_front();
        }
    }
}

/// One worker at one piece.
struct Reading<'a, L> {
    lake: &'a Lake,
    handle: &'a Handle,
    from: Timestamp,
    log_sources: &'a LogSources,
    look: &'a L,
    /// As [`Look::columns`].
    columns: Option<&'a BTreeSet<&'a str>>,
    counts: Summary,
}

impl<L: Look> Reading<'_, L> {
    fn piece(&mut self, piece: &Piece, part: &mut L::Part) -> Result<(), LakeError> {
        let Some(kept) = self.handle.block_on(Kept::of(piece, self.log_sources, self.from)) else {
            return self.decoded(piece, part).map(drop);
        };
        match self.sieved(&kept) {
            Ok((rows, fields)) => {
                self.counts.add(kept.counts(self.from));
                self.look_at(piece, &rows, &fields, part)
            }
            Err(error) => {
                tracing::warn!(%error, "kept fields cannot be read; the records are decoded again");
                self.decoded(piece, part).map(drop)
            }
        }
    }

    /// The events that the sieve lets through, by the columns that it needs: their rows and all their fields.
    fn sieved(&self, kept: &Kept) -> Result<(Vec<u32>, RecordBatch), LakeError> {
        let wanted = |name: &str| self.columns.is_none_or(|columns| columns.contains(name));
        let events = self.look.sieve(&self.handle.block_on(kept.companion.read(wanted, None))?);
        if events.is_empty() {
            return Ok((Vec::new(), RecordBatch::new_empty(Arc::new(Schema::empty()))));
        }
        let fields = self.handle.block_on(kept.companion.read(|_| true, Some(&events)))?;
        kept.split(fields)
    }

    /// Shows the events of these rows, which ascend.
    fn look_at(&self, piece: &Piece, rows: &[u32], fields: &RecordBatch, part: &mut L::Part) -> Result<(), LakeError> {
        if rows.is_empty() {
            return Ok(());
        }
        let place = Place::Table(Arc::from(piece.table()));
        let mut records = self.handle.block_on(piece.read_rows(&RECORD, rows, BATCH_ROWS))?;
        let mut first = 0;
        while let Some(batch) = self.handle.block_on(records.next()) {
            let batch = batch?;
            let rows: Vec<usize> = (0..batch.num_rows()).collect();
            let fields = fields.slice(first, rows.len());
            let events = Rows::new(piece.table(), &batch, self.from, self.log_sources).events(fields, &rows);
            self.look.look(&place, &events, part);
            first += rows.len();
        }
        Ok(())
    }

    /// By decoding every record; keeps what that gave. True: it is kept.
    fn decoded(&mut self, piece: &Piece, part: &mut L::Part) -> Result<bool, LakeError> {
        let place = Place::Table(Arc::from(piece.table()));
        let mut gathering = piece.may_have_companion().then(Gathering::default);
        let mut by_columns = BTreeSet::new();
        let mut batches = self.handle.block_on(piece.read(&MARKS, BATCH_ROWS))?;
        let mut first = 0;
        while let Some(batch) = self.handle.block_on(batches.next()) {
            let batch = batch?;
            let mut outcome = Rows::new(piece.table(), &batch, self.from, self.log_sources).decode();
            by_columns.append(&mut outcome.by_columns);
            self.take(&place, first, outcome, gathering.as_mut(), part);
            first += batch.num_rows();
        }
        if !by_columns.is_empty() {
            // The same rows once more, with all their columns.
            let all: Vec<&str> = piece.columns().collect();
            let mut batches = self.handle.block_on(piece.read(&all, BATCH_ROWS))?;
            let mut first = 0;
            while let Some(batch) = self.handle.block_on(batches.next()) {
                let batch = batch?;
                let outcome = Rows::new(piece.table(), &batch, self.from, self.log_sources).by_columns(&by_columns);
                self.take(&place, first, outcome, gathering.as_mut(), part);
                first += batch.num_rows();
            }
        }
        Ok(self.keep(piece, gathering))
    }

    fn take(
        &mut self,
        place: &Place,
        first: usize,
        outcome: Outcome,
        gathering: Option<&mut Gathering>,
        part: &mut L::Part,
    ) {
        for events in &outcome.events {
            self.look.look(place, &events.batch, part);
        }
        if let Some(gathering) = gathering {
            gathering.add(first, &outcome, self.log_sources);
        }
        self.counts.add(Summary {
            records: outcome.counts.decoded + outcome.counts.by_columns,
            bytes: outcome.bytes,
            problem_count: outcome.problems.len() as u64,
            problems: outcome.problems,
            lake: Some(outcome.counts),
            ..Summary::default()
        });
    }

    /// What cannot be kept is decoded again the next time: that costs time, and is no reason to fail.
    fn keep(&self, piece: &Piece, gathering: Option<Gathering>) -> bool {
        let Some((columns, note)) = gathering.and_then(Gathering::finish) else { return false };
        let kept = self.handle.block_on(self.lake.keep_beside(piece, columns, note));
        kept.unwrap_or_else(|error| {
            tracing::warn!(%error, "the fields of a row group could not be kept");
            false
        })
    }
}
