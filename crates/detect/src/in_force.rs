//! The Sigma rules in force: what a batch is put to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::cast::as_string_array;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use kernel::{Entity, Severity, Timestamp};
use sigma::correlation::Correlations;
use sigma::{Engine, Mappings, Reach};

use crate::alert::{AlertEvent, Hit, KEPT_RAW_BYTES, MatchReason, cut};
use crate::correlating::Sighting;
use crate::entities;
use crate::rule::{RuleKind, RuleState};

/// Hits of one likeness in one batch that are described; further ones are counted.
const DESCRIBED: u64 = 3;

/// Hits of one rule with the same entities within an hour are one alert.
const QUIET_US: i64 = 3_600_000_000;

/// Bytes of a raw record that are kept with a sighting, of which there may be many before an alert comes of them.
const SEEN_RAW_BYTES: usize = 2 << 10;

/// Compiled rules, and what people decided about them.
#[derive(Clone)]
pub struct InForce {
    pub(crate) engine: Arc<Engine>,
    pub(crate) correlations: Arc<Correlations>,
    pub(crate) switches: Arc<Switches>,
    /// The revision of each rule's text, where it has one.
    pub(crate) revisions: Arc<BTreeMap<String, String>>,
}

/// What people decided about rules, by rule.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Switches {
    pub off: BTreeSet<String>,
    /// Severities that are not those of the rules.
    pub severities: BTreeMap<String, Severity>,
}

/// What the rules found in a batch.
#[derive(Debug, Clone, Default)]
pub struct Found {
    /// Of rules that alert alone.
    pub hits: Vec<Hit>,
    /// Of rules that are correlated.
    pub sightings: Vec<Sighting>,
    /// The newest event time of the batch, whether a rule fired or not.
    pub newest: Option<Timestamp>,
}

/// The rows of a batch beside their columns.
pub trait Rows {
    /// `_ItemId`.
    fn item_id(&self, row: usize) -> &str;
    /// Event time.
    fn time(&self, row: usize) -> Timestamp;
    /// The record as it arrived.
    fn raw(&self, row: usize) -> &str;
}

impl Switches {
    /// From what is stored: the state and the overriding severity of each rule.
    pub(crate) fn of<'a>(rules: impl IntoIterator<Item = (&'a String, &'a (RuleState, Option<Severity>))>) -> Switches {
        let mut switches = Switches::default();
        for (id, (state, severity)) in rules {
            if *state == RuleState::Disabled {
                switches.off.insert(id.clone());
            }
            if let Some(severity) = severity {
                switches.severities.insert(id.clone(), *severity);
            }
        }
        switches
    }
}

impl InForce {
    pub(crate) fn none() -> InForce {
        let engine = Engine::compile(Vec::new(), &Mappings::default());
        let (correlations, _) = Correlations::compile(&[], engine.rules());
        InForce {
            engine: Arc::new(engine),
            correlations: Arc::new(correlations),
            switches: Arc::default(),
            revisions: Arc::default(),
        }
    }

    /// Puts the rules to a batch of field columns.
    pub fn evaluate(&self, columns: &RecordBatch, rows: &dyn Rows) -> Found {
        let mut found = self.engine.evaluate(columns).hits;
        found.retain(|hit| !self.switches.off.contains(&self.engine.rules()[hit.rule as usize].id));
        let mut gathering = Gathering::new(columns);
        Found {
            sightings: self.sightings(&found, columns, rows, &mut gathering),
            hits: self.hits(&found, columns, rows, &mut gathering),
            newest: (0..columns.num_rows()).map(|row| rows.time(row)).max(),
        }
    }

    fn hits(
        &self,
        found: &[sigma::Hit],
        columns: &RecordBatch,
        rows: &dyn Rows,
        gathering: &mut Gathering<'_>,
    ) -> Vec<Hit> {
        let mut hits: Vec<Hit> = Vec::new();
        let mut open: HashMap<(u32, Vec<Entity>), (usize, u64)> = HashMap::new();
        for hit in found.iter().filter(|hit| self.correlations.alerts_alone(hit.rule)) {
            let rule = &self.engine.rules()[hit.rule as usize];
            let row = hit.row as usize;
            let named = gathering.entities(row);
            let time = rows.time(row);
            let (first, count) = open.entry((hit.rule, named.clone())).or_insert((hits.len(), 0));
            *count += 1;
            if *count > DESCRIBED {
                let first = &mut hits[*first];
                first.further += 1;
                first.until = first.until.max(time);
                continue;
            }
            hits.push(Hit {
                rule_id: rule.id.clone(),
                rule_kind: RuleKind::Sigma,
                rule_digest: rule.sha256.clone(),
                rule_revision: self.revisions.get(&rule.id).cloned(),
                title: rule.title.clone(),
                severity: self.switches.severities.get(&rule.id).copied().unwrap_or(rule.severity),
                techniques: rule.techniques(),
                entities: named,
                event: self.event(hit.rule as usize, columns, row, rows),
                further: 0,
                until: time,
                quiet_us: QUIET_US,
            });
        }
        hits
    }

    fn sightings(
        &self,
        found: &[sigma::Hit],
        columns: &RecordBatch,
        rows: &dyn Rows,
        gathering: &mut Gathering<'_>,
    ) -> Vec<Sighting> {
        // The observation names the row, by which the rest is found.
        let event = |row: usize| (rows.time(row), row.to_string());
        let observations = self.correlations.observe(&self.engine, columns, found, &event);
        let sightings = observations.into_iter().filter_map(|observed| {
            let row: usize = observed.event.parse().ok()?;
            let names = self.correlations.fields(observed.rule)?;
            let fields = names.iter().zip(&observed.values);
            let fields = fields.filter_map(|(name, value)| Some((name.clone(), value.as_deref()?.to_owned())));
            Some(Sighting {
                rule_id: self.engine.rules()[observed.rule as usize].id.clone(),
                time: observed.time,
                item_id: rows.item_id(row).to_owned(),
                fields: fields.collect(),
                entities: gathering.entities(row),
                raw: cut(rows.raw(row), SEEN_RAW_BYTES).to_owned(),
            })
        });
        sightings.collect()
    }

    fn event(&self, rule: usize, columns: &RecordBatch, row: usize, rows: &dyn Rows) -> AlertEvent {
        let reasons = match self.engine.explain(rule, columns, row) {
            Ok(Some(reasons)) => reasons,
            // The engine and its slow twin are proven equal; an alert without words is better than none.
            Ok(None) | Err(_) => Vec::new(),
        };
        let reasons = reasons
            .into_iter()
            .map(|reason| MatchReason {
                field: reason.field,
                predicate: reason.predicate,
                value: reason.value.map(|value: String| cut(&value, 2_048).to_owned()),
            })
            .collect();
        AlertEvent {
            item_id: rows.item_id(row).to_owned(),
            time: rows.time(row),
            raw: cut(rows.raw(row), KEPT_RAW_BYTES).to_owned(),
            reasons,
        }
    }

    /// The rule as it is in force, its exceptions included; `None`: it is not in force, or correlates others.
    pub fn rule(&self, rule_id: &str) -> Option<Arc<sigma::Rule>> {
        let on = !self.switches.off.contains(rule_id);
        self.engine.rules().iter().find(|rule| on && rule.id == rule_id).cloned()
    }

    /// By which events the rule is reached and whether it can fire; `None`: it is not in force, or correlates others.
    pub fn reach(&self, rule_id: &str) -> Option<&Reach> {
        let place = self.engine.rules().iter().position(|rule| rule.id == rule_id)?;
        self.engine.reaches().get(place)
    }

    /// Rules that are switched on.
    pub fn rules(&self) -> usize {
        self.engine.rules().iter().filter(|rule| !self.switches.off.contains(&rule.id)).count()
    }
}

/// The entities of rows, each looked for once.
struct Gathering<'a> {
    columns: &'a RecordBatch,
    entities: HashMap<usize, Vec<Entity>>,
}

impl<'a> Gathering<'a> {
    fn new(columns: &'a RecordBatch) -> Gathering<'a> {
        Gathering { columns, entities: HashMap::new() }
    }

    fn entities(&mut self, row: usize) -> Vec<Entity> {
        self.entities.entry(row).or_insert_with(|| entities_in(self.columns, row)).clone()
    }
}

fn entities_in(columns: &RecordBatch, row: usize) -> Vec<Entity> {
    entities::of_event(|name| columns.column_by_name(name).and_then(|column| text_at(column, row)))
}

/// The text of one cell; of a list its first.
fn text_at(column: &ArrayRef, row: usize) -> Option<&str> {
    if column.is_null(row) {
        return None;
    }
    if let Some(dictionary) = column.as_dictionary_opt::<UInt32Type>() {
        let key = dictionary.keys().value(row) as usize;
        return dictionary.values().as_string_opt::<i32>().map(|values| values.value(key));
    }
    if let Some(list) = column.as_list_opt::<i32>() {
        let start = list.value_offsets()[row] as usize;
        return (list.value_length(row) > 0).then(|| as_string_array(list.values()).value(start));
    }
    column.as_string_opt::<i32>().map(|values| values.value(row))
}
