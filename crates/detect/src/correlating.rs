//! Correlations over live hits: sightings go in, runs come out.
//!
//! Everything here follows from what was taken in and in which order, so that a saved state and the entries taken since
//! give the same again after a restart ([`Correlating::resume`]).

mod runs;
mod seen;

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use kernel::{Entity, Timestamp};
use serde::{Deserialize, Serialize};
use sigma::correlation::{self, Changes, Correlator, Lost, Observation, Settings};

use crate::alert::{AlertEvent, Hit, KEPT_EVENTS, MatchReason};
use crate::in_force::{InForce, Switches};
use crate::rule::RuleKind;
use runs::{Run, RunChange, Runs};
use seen::Seen;

/// An event's time is believed when it lies no more than this ahead of the clock.
const AHEAD_US: i64 = 300_000_000;
/// Entities of an alert whose events have none in common.
const MOST_ENTITIES: usize = 20;

/// A correlated rule fired on an event: what correlations may ask of the event, and what an alert shows of it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Sighting {
    pub rule_id: String,
    pub time: Timestamp,
    /// `_ItemId`.
    pub item_id: String,
    /// The fields that correlations of the rule ask for, as the rule calls them; absent ones are left out.
    pub fields: BTreeMap<String, String>,
    pub entities: Vec<Entity>,
    /// The start of the record as it arrived.
    pub raw: String,
}

/// What one batch gives to correlations. Entries are kept until the state that includes them is saved.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
pub struct Taken {
    /// The newest event time known before, which decides what is late.
    pub before: Option<Timestamp>,
    /// The newest event time of the batch, no further ahead than the clock allows.
    pub newest: Option<Timestamp>,
    pub sightings: Vec<Sighting>,
}

/// What became of a batch: alerts to be stored, alerts that no longer hold.
#[derive(Debug, Clone, Default)]
pub struct Correlated {
    pub(crate) taken: Taken,
    /// In the order of event time.
    pub(crate) told: Vec<Told>,
    /// Number of the entry; 0 when nothing was taken.
    pub(crate) number: i64,
}

/// A change of one alert.
#[derive(Debug, Clone)]
pub(crate) enum Told {
    /// The alert says this now.
    Holds(Box<RunAlert>),
    /// A late event undid it.
    Withdrawn { identity: Vec<String> },
}

/// The alert of a run, in full: it replaces what was said of the run before.
#[derive(Debug, Clone)]
pub(crate) struct RunAlert {
    /// What its id is made of.
    pub identity: Vec<String>,
    pub likeness: String,
    /// Of the first event; `until` is the time of the last.
    pub hit: Hit,
    pub events: Vec<AlertEvent>,
    pub count: u64,
}

/// How correlations are doing: what is kept, and what had to be left out since the start.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize)]
pub struct CorrelationStatus {
    pub correlations: usize,
    pub groups: usize,
    pub hits: usize,
    /// Hits beyond this make the oldest groups go.
    pub max_hits: usize,
    /// Hits that came later than the lateness bound allows, left out.
    pub late: u64,
    /// Hits forgotten for want of room.
    pub evicted: u64,
    /// Hits without the value that a correlation computes with.
    pub without_value: u64,
    /// Event times before this are settled.
    pub watermark: Option<Timestamp>,
}

/// Correlations at work.
pub(crate) struct Correlating {
    correlator: Correlator,
    /// Numbers of correlated rules in the engine that the correlations were compiled for.
    numbers: HashMap<String, u32>,
    switches: Arc<Switches>,
    revisions: Arc<BTreeMap<String, String>>,
    runs: Runs,
    seen: Seen,
    /// Of the last entry that was taken.
    number: i64,
    unsaved: Unsaved,
    status: CorrelationStatus,
}

/// What was taken in since the state was saved.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Unsaved {
    pub entries: i64,
    pub sightings: usize,
}

/// All that is remembered, to be saved.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct SavedState {
    correlator: correlation::State,
    runs: Runs,
    seen: Seen,
    pub(crate) number: i64,
}

impl Correlating {
    /// Goes on from what was saved, if anything, with the correlations of now. Those that were changed since begin
    /// anew and are among the lost.
    pub fn resume(in_force: &InForce, settings: Settings, saved: Option<SavedState>) -> (Correlating, Vec<Lost>) {
        let rules = Arc::clone(&in_force.correlations);
        let numbers = in_force.engine.rules().iter().map(|rule| rule.id.clone()).zip(0..).collect();
        let status = CorrelationStatus {
            correlations: rules.rules().count(),
            max_hits: settings.max_hits,
            ..CorrelationStatus::default()
        };
        let (correlator, lost, mut runs, seen, number) = match saved {
            None => (Correlator::new(rules, settings), Vec::new(), Runs::default(), Seen::default(), 0),
            Some(SavedState { correlator, runs, seen, number }) => {
                let (correlator, lost) = Correlator::resume(rules, settings, correlator);
                (correlator, lost, runs, seen, number)
            }
        };
        for gone in &lost {
            runs.forget(&gone.correlation);
        }
        let (switches, revisions) = (Arc::clone(&in_force.switches), Arc::clone(&in_force.revisions));
        (
            Correlating {
                correlator,
                numbers,
                switches,
                revisions,
                runs,
                seen,
                number,
                unsaved: Unsaved::default(),
                status,
            },
            lost,
        )
    }

    /// All that is remembered now.
    pub fn saved(&self) -> SavedState {
        SavedState {
            correlator: self.correlator.state(),
            runs: self.runs.clone(),
            seen: self.seen.clone(),
            number: self.number,
        }
    }

    /// What a restart would have to take in again.
    pub fn unsaved(&self) -> Unsaved {
        self.unsaved
    }

    /// The state of now was saved.
    pub fn note_saved(&mut self) {
        self.unsaved = Unsaved::default();
    }

    /// How they are doing.
    pub fn status(&self) -> CorrelationStatus {
        let stored = self.correlator.stored();
        CorrelationStatus {
            groups: stored.groups,
            hits: stored.hits,
            watermark: self.correlator.watermark(),
            ..self.status
        }
    }

    /// Takes the sightings of one batch in, of which `newest` is the newest event time.
    pub fn take(&mut self, sightings: Vec<Sighting>, newest: Option<Timestamp>, now: Timestamp) -> Correlated {
        let newest = newest.map(|newest| newest.min(now.plus_micros(AHEAD_US)));
        let before = self.correlator.newest();
        if sightings.is_empty() {
            self.advance(newest);
            return Correlated::default();
        }
        self.take_again(self.number + 1, Taken { before, newest, sightings })
    }

    /// As [`take`](Self::take), of an entry that was taken once before: after a restart.
    pub fn take_again(&mut self, number: i64, taken: Taken) -> Correlated {
        self.advance(taken.before);
        self.number = number;
        self.unsaved.entries += 1;
        self.unsaved.sightings += taken.sightings.len();
        let observations = taken.sightings.iter().filter_map(|sighting| self.observation(sighting)).collect();
        self.seen.take(&taken.sightings);
        let changes = self.correlator.push(observations);
        self.count(&changes);
        let timespan_us = self.correlator.rules().longest_timespan_us();
        let told = self.runs.take(changes, self.correlator.watermark(), timespan_us);
        let told = told.into_iter().filter_map(|change| self.told(change)).collect();
        self.advance(taken.newest);
        Correlated { taken, told, number: self.number }
    }

    fn advance(&mut self, newest: Option<Timestamp>) {
        let Some(newest) = newest else { return };
        self.correlator.advance(newest);
        if let Some(watermark) = self.correlator.watermark() {
            self.seen.forget_before(watermark.plus_micros(-self.correlator.rules().longest_timespan_us()));
        }
    }

    fn observation(&self, sighting: &Sighting) -> Option<Observation> {
        let rule = *self.numbers.get(&sighting.rule_id)?;
        let fields = self.correlator.rules().fields(rule)?;
        let value = |name: &String| sighting.fields.get(name).map(|value| Arc::from(value.as_str()));
        let values = fields.iter().map(value).collect();
        Some(Observation { rule, time: sighting.time, event: sighting.item_id.as_str().into(), values })
    }

    fn count(&mut self, changes: &Changes) {
        self.status.late += changes.late;
        self.status.evicted += changes.evicted_hits;
        self.status.without_value += changes.without_value;
    }

    fn told(&self, change: RunChange) -> Option<Told> {
        match change {
            RunChange::Holds(run) => self.alert(&run).map(|alert| Told::Holds(Box::new(alert))),
            RunChange::Withdrawn(head) => Some(Told::Withdrawn { identity: head.identity() }),
        }
    }

    /// `None`: the correlation is gone, which cannot be, as its runs go with it.
    fn alert(&self, run: &Run) -> Option<RunAlert> {
        let rule = self.correlator.rules().rule(&run.head.correlation)?;
        let mut events: Vec<AlertEvent> = run.parts.iter().map(|part| self.event(part)).collect();
        let first = events.first().cloned()?;
        let why = MatchReason {
            field: rule.type_name().to_owned(),
            predicate: run.reason.clone(),
            value: Some(run.value.to_string()),
        };
        // The words belong to the event at which it fired, or else to the last that is kept.
        let at = events.iter().position(|event| event.item_id == run.head.event).unwrap_or(events.len() - 1);
        events[at].reasons.insert(0, why);
        let group: Vec<String> = run.head.group.iter().map(|value| format!("{value:?}")).collect();
        Some(RunAlert {
            identity: run.head.identity(),
            likeness: format!("{}|{}", rule.id, group.join("|")),
            hit: Hit {
                rule_id: rule.id.clone(),
                rule_kind: RuleKind::Sigma,
                rule_digest: rule.sha256.clone(),
                rule_revision: self.revisions.get(&rule.id).cloned(),
                title: rule.title.clone(),
                severity: self.switches.severities.get(&rule.id).copied().unwrap_or(rule.severity),
                techniques: rule.techniques(),
                entities: self.entities(run),
                event: first,
                further: 0,
                until: run.until,
                quiet_us: rule.timespan_us,
            },
            events,
            count: run.count,
        })
    }

    fn event(&self, part: &correlation::Part) -> AlertEvent {
        let reason =
            MatchReason { field: "rule".to_owned(), predicate: format!("matches `{}`", part.rule), value: None };
        let raw = self.seen.get(&part.event).map(|event| event.raw.clone()).unwrap_or_default();
        AlertEvent { item_id: part.event.clone(), time: part.time, raw, reasons: vec![reason] }
    }

    /// What all events of the run are about; when they have nothing in common, what the first ones are about.
    fn entities(&self, run: &Run) -> Vec<Entity> {
        let mut of_parts = run.parts.iter().take(KEPT_EVENTS).filter_map(|part| self.seen.get(&part.event));
        let Some(first) = of_parts.next() else { return Vec::new() };
        let mut shared = first.entities.clone();
        let mut all = first.entities.clone();
        for event in of_parts {
            shared.retain(|entity| event.entities.contains(entity));
            all.extend(event.entities.iter().filter(|entity| !all.contains(entity)).cloned().collect::<Vec<_>>());
        }
        if shared.is_empty() { all.into_iter().take(MOST_ENTITIES).collect() } else { shared }
    }
}
