//! Why a rule did not fire: which events reached it, which of its fields they filled, and the event that came nearest.
//!
//! **Distance.** How far an event is from firing a rule is the least number of tests whose outcome would have to be
//! the other way round for the condition to hold. A test is one value of one line of the rule; each stands for itself,
//! also where two ask the same. So `and` adds the distances of its parts, `or` takes the least, `N of` adds the N
//! least, and `not` asks for the least number that makes its part false. An event at distance 0 fires the rule, and no
//! other does; a property test holds this to the engine. A test on a field that such events never carry cannot come
//! out otherwise; an event that would need one is beyond all others ([`NearEvent::distance`] is `None`).

mod tree;

use std::cmp::Ordering;

use arrow_array::RecordBatch;
use kernel::Timestamp;
use serde::Serialize;

use crate::batch::Batch;
use crate::engine::Engine;
use crate::error::Error;
use crate::naive::{self, Event, Reason};
use crate::reach::{OpenGate, Reach};
use crate::rule::Rule;
use tree::{Distance, Tree};

/// What happened to one rule on the events of one or several batches.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FiringReport {
    pub rule: String,
    pub title: String,
    pub logsource: String,
    /// Events looked at, whatever their log source.
    pub events: u64,
    /// The ways by which events reach the rule; none when no mapping knows its log source.
    pub gates: Vec<GateReport>,
    /// Why the rule cannot fire on any event; `None`: it can.
    pub unreachable: Option<String>,
    /// Events on which the rule fired.
    pub fired: u64,
    /// The earliest of them, with the reasons.
    pub first: Option<FiredEvent>,
    /// Of the events that passed a gate and did not fire the rule, the nearest; of equals the latest.
    pub nearest: Option<NearEvent>,
}

/// A gate of the rule's log source.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct GateReport {
    pub gate: String,
    /// Events that passed it.
    pub passed: u64,
    /// Whether the condition can hold with the fields that such events carry.
    pub can_hold: bool,
    /// What it asks of an event.
    pub tests: Vec<GateTest>,
    /// The fields that the rule tests.
    pub fields: Vec<FieldFill>,
}

/// One line of a gate.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct GateTest {
    pub field: String,
    /// In words: ``is `Security` ``.
    pub asked: String,
    /// Events for which it held.
    pub held: u64,
    /// A value for which it did not hold.
    pub other: Option<String>,
}

/// Where a field of the rule is found behind a gate, and whether events fill it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct FieldFill {
    /// As the rule calls it.
    pub field: String,
    /// As the source calls it; `None`: such events never carry it.
    pub column: Option<String>,
    /// Events behind the gate that have a value in it.
    pub filled: u64,
}

/// An event on which the rule fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct FiredEvent {
    pub time: Timestamp,
    pub item: String,
    pub reasons: Vec<Reason>,
}

/// The event that came nearest to firing the rule.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct NearEvent {
    pub time: Timestamp,
    pub item: String,
    /// The gate by which it is measured.
    pub gate: String,
    /// The least number of tests that would have to come out otherwise; `None`: no number of them would do.
    pub distance: Option<u32>,
    /// The parts of the condition that stand side by side under `and`, or the whole condition.
    pub parts: Vec<Part>,
    /// Tests that, had they come out otherwise, would have made the rule fire: as many as [`NearEvent::distance`].
    pub changes: Vec<Outcome>,
}

/// One part of a condition on one event.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Part {
    /// The names of its detections, combined: `not (filter_a or filter_b)`.
    pub condition: String,
    pub held: bool,
    /// Each of its tests; of many, [`Part::further`] are left out.
    pub tests: Vec<Outcome>,
    pub further: usize,
}

/// How one test came out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Outcome {
    /// The detection in the rule.
    pub detection: String,
    /// The field as the rule calls it; `None`: a keyword, looked for everywhere.
    pub field: Option<String>,
    /// As the source calls it; `None`: a keyword, or such events never carry it.
    pub column: Option<String>,
    /// In words: ``contains `whoami` ``.
    pub asked: String,
    /// The values that the event has in the field; none when it is absent, and for keywords.
    pub values: Vec<String>,
    pub held: bool,
}

impl Engine {
    /// What happened to rule number `rule` on `batch`. `time` and `item` give the time and the id of a row.
    pub fn why(
        &self,
        rule: usize,
        batch: &RecordBatch,
        time: &dyn Fn(usize) -> Timestamp,
        item: &dyn Fn(usize) -> String,
    ) -> Result<FiringReport, Error> {
        let rules = self.rules().len();
        let (Some(found), Some(reach)) = (self.rules().get(rule), self.reaches().get(rule)) else {
            return Err(Error::NoSuchRule { rule, rules });
        };
        let batch = Batch::new(batch);
        let mut report = FiringReport::empty(found, reach, batch.rows);
        let mut ways: Vec<Way<'_>> = reach.gates.iter().map(|open| Way::new(open, &found.conditions)).collect();
        let mut first: Option<Candidate> = None;
        let mut nearest: Option<Candidate> = None;
        for row in 0..batch.rows {
            let event = batch.row(row);
            let mut best: Option<(Distance, usize)> = None;
            for (way, (path, gate)) in ways.iter_mut().zip(&mut report.gates).enumerate() {
                if path.admits(&event, gate) {
                    let distance = path.rule.distances(&event).to_true;
                    best = Some(best.map_or((distance, way), |known| known.min((distance, way))));
                }
            }
            let Some((distance, way)) = best else { continue };
            let one = Candidate { distance, time: time(row), row, way };
            if distance == Distance::ZERO {
                report.fired += 1;
                first = Some(first.filter(|known| known.time <= one.time).unwrap_or(one));
            } else {
                nearest = Some(nearest.filter(|known| known.before(&one)).unwrap_or(one));
            }
        }
        report.first = first.map(|first| {
            let gate = &reach.gates[first.way].gate;
            let event = batch.row(first.row);
            let reasons = found.conditions.iter().find_map(|one| naive::reasons(one, gate, &event));
            FiredEvent { time: first.time, item: item(first.row), reasons: reasons.unwrap_or_default() }
        });
        report.nearest = nearest.map(|nearest| {
            let event = batch.row(nearest.row);
            let rule = &ways[nearest.way].rule;
            NearEvent {
                time: nearest.time,
                item: item(nearest.row),
                gate: report.gates[nearest.way].gate.clone(),
                distance: nearest.distance.count(),
                parts: rule.parts(&event),
                changes: nearest.distance.count().map(|_| rule.changes(&event)).unwrap_or_default(),
            }
        });
        Ok(report)
    }
}

/// The nearest event so far.
struct Candidate {
    distance: Distance,
    time: Timestamp,
    row: usize,
    way: usize,
}

impl Candidate {
    /// Whether it is nearer than `other`, or as near and later.
    fn before(&self, other: &Candidate) -> bool {
        (self.distance, other.time).cmp(&(other.distance, self.time)) == Ordering::Less
    }
}

/// A gate and the rule as it reads behind it.
struct Way<'a> {
    open: &'a OpenGate,
    /// Each line of the gate, to say which of them keeps events out.
    lines: Vec<Tree<'a>>,
    gate: Tree<'a>,
    rule: Tree<'a>,
}

impl<'a> Way<'a> {
    fn new(open: &'a OpenGate, conditions: &'a [crate::detection::Condition]) -> Way<'a> {
        let gate = Tree::of_gate(&open.gate);
        let rule = Tree::of_rule(conditions, &open.gate);
        Way { open, lines: Tree::lines_of_gate(&open.gate), gate, rule }
    }

    /// Whether the event passes the gate; counts what it fills.
    fn admits(&mut self, event: &dyn Event, report: &mut GateReport) -> bool {
        for (line, test) in self.lines.iter_mut().zip(&mut report.tests) {
            if line.distances(event).to_true == Distance::ZERO {
                test.held += 1;
            } else {
                let values = event.values(&test.field);
                test.other = values.first().map(|value| (*value).to_owned()).or(test.other.take());
            }
        }
        if self.gate.distances(event).to_true != Distance::ZERO {
            return false;
        }
        report.passed += 1;
        for (field, fill) in self.open.fields.iter().zip(&mut report.fields) {
            let present = field.column.as_ref().is_some_and(|column| !event.values(column).is_empty());
            fill.filled += u64::from(present);
        }
        true
    }
}

impl GateReport {
    fn empty(open: &OpenGate) -> GateReport {
        let fields = open.fields.iter();
        let fields =
            fields.map(|one| FieldFill { field: one.field.clone(), column: one.column.clone(), filled: 0 }).collect();
        let mut tests = Vec::new();
        open.gate.condition.for_each_item(&mut |_, item| {
            let field = item.field.clone().unwrap_or_else(|| "any field".to_owned());
            tests.push(GateTest { field, asked: tree::item_words(item), held: 0, other: None });
        });
        GateReport { gate: open.gate.name.clone(), passed: 0, can_hold: open.can_hold, tests, fields }
    }

    fn merge(&mut self, other: GateReport) {
        self.passed += other.passed;
        for (test, more) in self.tests.iter_mut().zip(other.tests) {
            test.held += more.held;
            test.other = more.other.or(test.other.take());
        }
        for (field, more) in self.fields.iter_mut().zip(other.fields) {
            field.filled += more.filled;
        }
    }
}

impl FiringReport {
    fn empty(rule: &Rule, reach: &Reach, events: usize) -> FiringReport {
        FiringReport {
            rule: rule.id.clone(),
            title: rule.title.clone(),
            logsource: rule.logsource.to_string(),
            events: events as u64,
            gates: reach.gates.iter().map(GateReport::empty).collect(),
            unreachable: reach.unreachable.clone(),
            fired: 0,
            first: None,
            nearest: None,
        }
    }

    /// Adds what happened to the same rule of the same engine on further events.
    pub fn merge(&mut self, other: FiringReport) {
        self.events += other.events;
        for (gate, more) in self.gates.iter_mut().zip(other.gates) {
            gate.merge(more);
        }
        self.fired += other.fired;
        let firsts = [self.first.take(), other.first];
        self.first = firsts.into_iter().flatten().min_by(|a, b| (a.time, &a.item).cmp(&(b.time, &b.item)));
        let events = [self.nearest.take(), other.nearest];
        self.nearest = events.into_iter().flatten().min_by(NearEvent::order);
    }

    /// The fields of the rule in which no event behind any gate has a value, where some event passed.
    pub fn never_filled(&self) -> Vec<&str> {
        let Some(first) = self.gates.first() else { return Vec::new() };
        if self.gates.iter().all(|gate| gate.passed == 0) {
            return Vec::new();
        }
        let empty = |at: &usize| self.gates.iter().all(|gate| gate.fields[*at].filled == 0);
        (0..first.fields.len()).filter(empty).map(|at| first.fields[at].field.as_str()).collect()
    }
}

impl NearEvent {
    /// The nearer first; of equals the later; then by id, so that the order of batches does not matter.
    fn order(&self, other: &NearEvent) -> Ordering {
        let far = |event: &NearEvent| event.distance.unwrap_or(u32::MAX);
        far(self).cmp(&far(other)).then_with(|| other.time.cmp(&self.time)).then_with(|| self.item.cmp(&other.item))
    }
}
