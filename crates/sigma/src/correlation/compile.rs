//! Correlations ready to run: which hit goes where, and with which of its values.

use std::collections::HashMap;
use std::sync::Arc;

use kernel::Timestamp;

use super::group::{Hit, Key, Place, Value};
use super::{Correlation, Part, Target, Together};
use crate::detection::Number;
use crate::problem::{Fault, Problem, line_of};
use crate::rule::Rule;

/// A number beyond this is taken for none, so that no sum of them overflows.
const MAX_NUMBER: f64 = 1e290;

/// A rule fired on an event, and what correlations want to know of the event.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Observation {
    /// The number of the rule, as [`crate::Hit::rule`].
    pub rule: u32,
    /// Event time.
    pub time: Timestamp,
    /// Names the event, the same at each replay: its `_ItemId`.
    pub event: Arc<str>,
    /// The values of [`Correlations::fields`], in that order.
    pub values: Vec<Option<Arc<str>>>,
}

/// Correlations compiled for the rules of an engine. Immutable; what is remembered is in a [`super::Correlator`].
#[derive(Debug)]
pub struct Correlations {
    pub(super) nodes: Vec<Node>,
    /// For each rule that is correlated, the places it feeds.
    feeds: HashMap<u32, Vec<(usize, u16)>>,
    fields: HashMap<u32, Vec<String>>,
    by_id: HashMap<String, usize>,
    /// Correlated rules that must not alert alone.
    silent: Vec<bool>,
}

/// One correlation and what it stands on; nodes come after those that feed them.
#[derive(Debug)]
pub(super) struct Node {
    pub rule: Arc<Correlation>,
    /// What its events are asked for: its groups first, then what the nodes above want besides.
    pub outputs: Vec<String>,
    /// For each of its rules where outputs and values are found.
    sources: Vec<Source>,
    /// The nodes that it feeds.
    pub parents: Vec<(usize, u16)>,
    /// Whether its alerts are for people.
    pub alone: bool,
}

/// Places in the fields of a rule, or in the outputs of a node.
#[derive(Debug, Clone, Default)]
struct Source {
    outputs: Vec<usize>,
    values: Vec<usize>,
}

impl Correlations {
    /// Compiles `correlations`, as [`crate::load`] gives them, for the rules of an engine. A correlation whose rules
    /// the engine lacks, and each that stands on it, is left out with a problem.
    pub fn compile(correlations: &[Arc<Correlation>], rules: &[Arc<Rule>]) -> (Correlations, Vec<Problem>) {
        let numbers: HashMap<&str, u32> = rules.iter().map(|rule| rule.id.as_str()).zip(0..).collect();
        let mut problems = Vec::new();
        let mut kept: Vec<Node> = Vec::new();
        let mut places: HashMap<&str, usize> = HashMap::new();
        for correlation in correlations {
            let lacking = correlation.rules.iter().find(|one| match &one.target {
                Target::Rule(id) => !numbers.contains_key(id.as_str()),
                Target::Correlation(id) => !places.contains_key(id.as_str()),
            });
            match lacking {
                Some(lacking) => problems.push(left_out(correlation, &lacking.name)),
                None => {
                    places.insert(&correlation.id, kept.len());
                    kept.push(Node::new(correlation));
                }
            }
        }
        let mut compiled = Correlations {
            nodes: kept,
            feeds: HashMap::new(),
            fields: HashMap::new(),
            by_id: places.iter().map(|(id, place)| ((*id).to_owned(), *place)).collect(),
            silent: vec![false; rules.len()],
        };
        // From the top, so that each node knows all that is wanted of it before it asks its own rules.
        for place in (0..compiled.nodes.len()).rev() {
            compiled.connect(place, &numbers, &places);
        }
        compiled.silence(&numbers, &places);
        (compiled, problems)
    }

    fn connect(&mut self, place: usize, numbers: &HashMap<&str, u32>, places: &HashMap<&str, usize>) {
        let rule = Arc::clone(&self.nodes[place].rule);
        let outputs = self.nodes[place].outputs.clone();
        for (slot, reference) in (0_u16..).zip(&rule.rules) {
            let wanted = match &reference.target {
                Target::Rule(id) => {
                    let number = numbers[id.as_str()];
                    self.feeds.entry(number).or_default().push((place, slot));
                    self.fields.entry(number).or_default()
                }
                Target::Correlation(id) => {
                    let child = &mut self.nodes[places[id.as_str()]];
                    child.parents.push((place, slot));
                    &mut child.outputs
                }
            };
            let mut find = |name: &String| {
                let field = rule.field_in(name, &reference.name);
                wanted.iter().position(|one| one == field).unwrap_or_else(|| {
                    wanted.push(field.to_owned());
                    wanted.len() - 1
                })
            };
            let source = Source {
                outputs: outputs.iter().map(&mut find).collect(),
                values: rule.value_fields().iter().map(&mut find).collect(),
            };
            self.nodes[place].sources.push(source);
        }
    }

    fn silence(&mut self, numbers: &HashMap<&str, u32>, places: &HashMap<&str, usize>) {
        let rules: Vec<Arc<Correlation>> = self.nodes.iter().map(|node| Arc::clone(&node.rule)).collect();
        // Those that say `generate` come last and have the last word.
        for generate in [false, true] {
            for rule in rules.iter().filter(|rule| rule.generate == generate) {
                for reference in &rule.rules {
                    match &reference.target {
                        Target::Rule(id) => self.silent[numbers[id.as_str()] as usize] = !generate,
                        Target::Correlation(id) => self.nodes[places[id.as_str()]].alone = generate,
                    }
                }
            }
        }
    }

    /// Whether nothing is correlated.
    pub fn is_empty(&self) -> bool {
        self.nodes.is_empty()
    }

    /// The correlations, each after those that it names.
    pub fn rules(&self) -> impl Iterator<Item = &Arc<Correlation>> {
        self.nodes.iter().map(|node| &node.rule)
    }

    /// The correlation of this id.
    pub fn rule(&self, id: &str) -> Option<&Arc<Correlation>> {
        self.place(id).map(|place| &self.nodes[place].rule)
    }

    /// The longest time over which one of them looks, in microseconds.
    pub fn longest_timespan_us(&self) -> i64 {
        self.nodes.iter().map(|node| node.rule.timespan_us).max().unwrap_or(0)
    }

    /// Whether a hit of rule number `rule` is an alert of its own.
    pub fn alerts_alone(&self, rule: u32) -> bool {
        !self.silent.get(rule as usize).copied().unwrap_or(false)
    }

    /// The fields, as the rule calls them, that an [`Observation`] of rule number `rule` carries; `None`: the rule is
    /// not correlated, and its hits need not be observed.
    pub fn fields(&self, rule: u32) -> Option<&[String]> {
        self.fields.get(&rule).map(Vec::as_slice)
    }

    pub(super) fn place(&self, id: &str) -> Option<usize> {
        self.by_id.get(id).copied()
    }

    pub(super) fn feeds(&self, rule: u32) -> &[(usize, u16)] {
        self.feeds.get(&rule).map(Vec::as_slice).unwrap_or_default()
    }
}

fn left_out(correlation: &Correlation, name: &str) -> Problem {
    let reason = format!("`{}` correlates `{name}`, which is not among the rules in use", correlation.title);
    let line = line_of(&correlation.text, name);
    Fault::BadCorrelation.at(&correlation.file, line, Some(correlation.id.clone()), reason)
}

impl Node {
    fn new(rule: &Arc<Correlation>) -> Node {
        Node {
            rule: Arc::clone(rule),
            outputs: rule.group_by.clone(),
            sources: Vec::new(),
            parents: Vec::new(),
            alone: true,
        }
    }

    /// The group and the hit that an event makes here; `None` when it lacks the value that is asked for.
    pub fn hit(&self, place: Place, given: &[Option<Arc<str>>], parts: Arc<[Part]>) -> Option<(Key, Hit)> {
        let source = &self.sources[place.slot as usize];
        let value = self.value(source.values.iter().map(|at| given.get(*at).and_then(Option::as_ref)))?;
        let mut outputs = source.outputs.iter().map(|at| given.get(*at).cloned().flatten());
        let key: Key = outputs.by_ref().take(self.rule.group_by.len()).collect();
        Some((key, Hit { place, value, carried: outputs.collect(), parts, counted: true }))
    }

    fn value<'a>(&self, mut fields: impl Iterator<Item = Option<&'a Arc<str>>>) -> Option<Value> {
        match &self.rule.test {
            Together::EventCount(_) | Together::Temporal { .. } => Some(Value::None),
            Together::ValueCount { fields: names, .. } if names.len() == 1 => {
                fields.next().flatten().map(|text| Value::Text(Arc::clone(text)))
            }
            Together::ValueCount { .. } => {
                // Lengths before texts, so that no two combinations look alike.
                let parts: Option<Vec<String>> =
                    fields.map(|text| text.map(|text| format!("{}:{text}", text.len()))).collect();
                Some(Value::Text(parts?.concat().into()))
            }
            Together::Metric { .. } => {
                let number = fields.next().flatten().and_then(|text| Number::parse(text.trim()))?.as_f64();
                (number.abs() <= MAX_NUMBER).then_some(Value::Number(number))
            }
        }
    }
}
