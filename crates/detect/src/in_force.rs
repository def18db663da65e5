//! The Sigma rules in force: what a batch is put to.

use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::cast::as_string_array;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, ArrayRef, RecordBatch};
use kernel::diagnostic::Level;
use kernel::{Entity, Timestamp};
use sigma::{Engine, Mappings, Problem, RuleSet};

use crate::alert::{AlertEvent, Hit, KEPT_RAW_BYTES, MatchReason, cut};
use crate::error::Error;
use crate::rule::{NewRule, Rule, RuleKind, RuleState};
use crate::{Detect, entities};

/// Hits of one likeness in one batch that are described; further ones are counted.
const DESCRIBED: u64 = 3;

/// Hits of one rule with the same entities within an hour are one alert.
const QUIET_US: i64 = 3_600_000_000;

/// Compiled rules, and which of them are switched off.
pub struct InForce {
    engine: Arc<Engine>,
    switched_off: BTreeSet<String>,
}

/// What loading rules gave.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Loaded {
    pub rules: usize,
    /// Rule texts that were refused; each is a broken rule with its problem.
    pub refused: usize,
    /// Rules that cannot fire, such as those whose log source is not mapped.
    pub unreachable: usize,
    pub switched_off: usize,
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

impl InForce {
    pub(crate) fn none() -> InForce {
        InForce { engine: Arc::new(Engine::compile(Vec::new(), &Mappings::default())), switched_off: BTreeSet::new() }
    }

    /// Puts the rules to a batch of field columns.
    pub fn hits(&self, columns: &RecordBatch, rows: &dyn Rows) -> Vec<Hit> {
        let found = self.engine.evaluate(columns);
        let mut hits: Vec<Hit> = Vec::new();
        let mut open: HashMap<(u32, Vec<Entity>), (usize, u64)> = HashMap::new();
        let mut entities_of: HashMap<u32, Vec<Entity>> = HashMap::new();
        for hit in found.hits {
            let rule = &self.engine.rules()[hit.rule as usize];
            if self.switched_off.contains(&rule.id) {
                continue;
            }
            let row = hit.row as usize;
            let named = entities_of.entry(hit.row).or_insert_with(|| entities_in(columns, row));
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
                title: rule.title.clone(),
                severity: rule.severity,
                techniques: rule.techniques(),
                entities: named.clone(),
                event: self.event(hit.rule as usize, columns, row, rows),
                further: 0,
                until: time,
                quiet_us: QUIET_US,
            });
        }
        hits
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

    /// Rules that are switched on.
    pub fn rules(&self) -> usize {
        self.engine.rules().len()
            - self.engine.rules().iter().filter(|rule| self.switched_off.contains(&rule.id)).count()
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

impl Detect {
    /// Puts a set of Sigma rules in force, in place of the one before. Compiling takes seconds of one core; it runs
    /// beside the runtime.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; the rules before stay in force.
    pub async fn load_sigma(&self, set: RuleSet, mappings: Mappings) -> Result<Loaded, Error> {
        // Said with the rules, not passed over.
        let set = set.without_correlations("live detection");
        let compiled = tokio::task::spawn_blocking(move || {
            let engine = Engine::compile(set.rules, &mappings);
            let rules = new_rules(&engine, &set.problems);
            (Arc::new(engine), rules)
        });
        let (engine, rules) =
            compiled.await.map_err(|error| Error::Refused(format!("compiling rules was stopped: {error}")))?;
        let states = self.sync_rules(RuleKind::Sigma, &rules).await?;
        let switched_off: BTreeSet<String> =
            states.into_iter().filter(|(_, state)| *state == RuleState::Disabled).map(|(id, _)| id).collect();
        let loaded = Loaded {
            rules: engine.rules().len(),
            refused: rules.iter().filter(|rule| rule.broken).count(),
            unreachable: engine.reaches().iter().filter(|reach| reach.unreachable.is_some()).count(),
            switched_off: switched_off.len(),
        };
        self.in_force.store(Arc::new(InForce { engine, switched_off }));
        Ok(loaded)
    }

    /// A switch counts from the next batch on.
    pub(crate) fn take_switch(&self, rule: &Rule) {
        self.in_force.rcu(|now| {
            let mut switched_off = now.switched_off.clone();
            match rule.state {
                RuleState::Disabled => switched_off.insert(rule.id.clone()),
                RuleState::Enabled | RuleState::Broken => switched_off.remove(&rule.id),
            };
            InForce { engine: Arc::clone(&now.engine), switched_off }
        });
    }
}

/// The loaded rules and, as broken ones, the refused texts.
fn new_rules(engine: &Engine, problems: &[Problem]) -> Vec<NewRule> {
    let mut by_rule: BTreeMap<&str, Vec<String>> = BTreeMap::new();
    for problem in problems.iter().filter(|problem| problem.level != Level::Error) {
        if let Some(rule) = &problem.rule {
            by_rule.entry(rule).or_default().push(format!("{}; {}", problem.reason, problem.remedy));
        }
    }
    let loaded = engine.rules().iter().zip(engine.reaches()).map(|(rule, reach)| {
        let mut problems = by_rule.get(rule.id.as_str()).cloned().unwrap_or_default();
        problems.extend(reach.unreachable.clone());
        new_rule(rule, problems)
    });
    let refused = problems.iter().filter(|problem| problem.level == Level::Error).map(broken_rule);
    loaded.chain(refused).collect()
}

fn new_rule(rule: &sigma::Rule, problems: Vec<String>) -> NewRule {
    let source: Vec<&str> = rule.logsource.attributes().into_iter().flatten().collect();
    NewRule {
        id: rule.id.clone(),
        kind: RuleKind::Sigma,
        title: rule.title.clone(),
        severity: rule.severity,
        broken: false,
        status: rule.status.map(|status| format!("{status:?}").to_lowercase()),
        log_source: Some(source.join("/")),
        techniques: rule.techniques(),
        tags: rule.tags.clone(),
        origin: rule.file.display().to_string(),
        description: rule.description.clone(),
        author: Some(rule.author.clone()).filter(|author| !author.is_empty()),
        references: rule.references.clone(),
        false_positives: rule.falsepositives.clone(),
        text: rule.text.to_string(),
        digest: rule.sha256.clone(),
        problems,
        schedule: None,
    }
}

/// A text that was refused is shown among the rules, under a name made of its file.
fn broken_rule(problem: &Problem) -> NewRule {
    let file = problem.file.display().to_string();
    let identity = format!("{file}\n{}\n{}", problem.rule.as_deref().unwrap_or_default(), problem.line.unwrap_or(0));
    let name = problem.file.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
    let title = problem.rule.clone().unwrap_or(name);
    NewRule::refused(RuleKind::Sigma, &identity, title, file, String::new(), problem.to_string())
}
