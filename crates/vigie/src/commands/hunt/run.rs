//! Pieces of history through decoder and engine on all cores.

use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::sync::Arc;

use anyhow::{Result, bail};
use futures::StreamExt;
use indicatif::ProgressBar;
use intake::EventBatch;
use kernel::port::TimeRange;
use kernel::{LogSource, Timestamp};
use lake::{History, Lake, LakeError, Piece, Tables};
use sigma::correlation::{Correlation, Correlations, Target};
use store::{Statement, Store, params};
use tokio::runtime::Handle;

use super::rows::{LogSources, MARKS, Outcome, Rows};
use crate::commands::find::alert::Place;
use crate::commands::find::pool;
use crate::commands::find::summary::{LakeCounts, Summary};

/// Rows that are decoded together.
const BATCH_ROWS: usize = 4_096;

/// The history that is hunted.
pub struct Hunting {
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

impl Hunting {
    /// Gives the events of every piece to `look`, which fills a part, and the parts to `take`, in the order of tables
    /// and times.
    pub fn all<P: Default + Send>(
        self,
        look: impl Fn(&Place, &EventBatch, &mut P) + Sync,
        mut take: impl FnMut(P) -> Result<()>,
    ) -> Result<Summary> {
        let mut total = Summary::default();
        let tables = self.histories.len() as u64;
        total.lake = Some(LakeCounts { tables, ..LakeCounts::default() });
        self.bar.set_length(self.histories.iter().map(History::rows).sum());
        let (handle, bar, from, log_sources) = (&self.handle, &self.bar, self.from, &self.log_sources);
        let pieces = Pieces { histories: self.histories.into(), handle: self.handle.clone(), bar: self.bar.clone() };
        let work = |piece: Result<Piece, LakeError>| {
            let mut reading = Reading { handle, from, log_sources, counts: Summary::default() };
            let mut part = P::default();
            let read = piece.and_then(|piece| {
                let read = reading.piece(&piece, &look, &mut part);
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
struct Reading<'a> {
    handle: &'a Handle,
    from: Timestamp,
    log_sources: &'a LogSources,
    counts: Summary,
}

impl Reading<'_> {
    fn piece<P>(
        &mut self,
        piece: &Piece,
        look: &impl Fn(&Place, &EventBatch, &mut P),
        part: &mut P,
    ) -> Result<(), LakeError> {
        let place = Place::Table(Arc::from(piece.table()));
        let mut by_columns = BTreeSet::new();
        let mut batches = self.handle.block_on(piece.read(&MARKS, BATCH_ROWS))?;
        while let Some(batch) = self.handle.block_on(batches.next()) {
            let mut outcome = Rows::new(piece.table(), &batch?, self.from, self.log_sources).decode();
            by_columns.append(&mut outcome.by_columns);
            self.take(&place, outcome, look, part);
        }
        if by_columns.is_empty() {
            return Ok(());
        }
        // The same rows once more, with all their columns.
        let all: Vec<&str> = piece.columns().collect();
        let mut batches = self.handle.block_on(piece.read(&all, BATCH_ROWS))?;
        while let Some(batch) = self.handle.block_on(batches.next()) {
            let outcome = Rows::new(piece.table(), &batch?, self.from, self.log_sources).by_columns(&by_columns);
            self.take(&place, outcome, look, part);
        }
        Ok(())
    }

    fn take<P>(&mut self, place: &Place, outcome: Outcome, look: &impl Fn(&Place, &EventBatch, &mut P), part: &mut P) {
        for events in &outcome.events {
            look(place, events, part);
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
}
