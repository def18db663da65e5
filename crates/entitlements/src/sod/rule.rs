//! Rules of separation of duties, and what they come down to.

use std::collections::{BTreeMap, BTreeSet};

use crate::holdings::Entitlement;

/// Whether one entitlement of a function suffices.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Needs {
    /// Each of them alone gives the function.
    #[default]
    Any,
    /// Only all of them together do: an application role and the group that opens the application.
    All,
}

/// Something that a person can do: "create a vendor".
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Function {
    pub entitlements: Vec<Entitlement>,
    pub needs: Needs,
}

/// One of the keys: any of these functions (by their place in the book).
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Side {
    pub functions: Vec<usize>,
}

/// Whether keys that are held one after the other count.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum TimeOverlap {
    /// Only sides that are held at the same instant, now or in the future.
    #[default]
    Simultaneous,
    /// Also one after the other: who prepared the tender does not sign it next month.
    Ever,
}

/// Keys that stay apart.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Rule {
    pub sides: Vec<Side>,
    /// How many sides together are a violation.
    pub at_least: usize,
    /// The dimension (a duty station, a vendor) within which the keys must stay apart; `None`: everywhere.
    pub scope: Option<u32>,
    pub overlap: TimeOverlap,
}

/// Where an entitlement has its effect: the value (which station, which vendor) of a dimension. An entitlement without
/// a value in a dimension has its effect everywhere in it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Scoped {
    pub entitlement: Entitlement,
    pub dimension: u32,
    pub value: u32,
}

/// Why a rule cannot be used. It is the author of the rule who has to change it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadRule {
    #[error("rule {rule}: it has {sides} sides; two or more are needed to keep apart")]
    TooFewSides { rule: usize, sides: usize },
    #[error("rule {rule}: at least {at_least} of {sides} sides is not between 2 and {sides}")]
    Cardinality { rule: usize, at_least: usize, sides: usize },
    #[error("rule {rule}, side {side}: it has no functions; name what must be kept apart")]
    EmptySide { rule: usize, side: usize },
    #[error("rule {rule}, side {side}: function {function} is not in the book")]
    UnknownFunction { rule: usize, side: usize, function: usize },
    #[error("function {function} has no entitlements; nobody could ever meet it")]
    EmptyFunction { function: usize },
}

/// Rules and functions, compiled.
#[derive(Debug, Clone)]
pub struct RuleBook {
    rules: Vec<Rule>,
    /// Functions within a scope, each once.
    pub(super) keys: Vec<Key>,
    pub(super) checks: Vec<Check>,
    /// Of each entitlement, the checks that it matters to.
    pub(super) checks_of: Vec<Vec<u32>>,
}

/// A function cut to one value of a scope.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(super) struct Key {
    pub(super) function: usize,
    pub(super) entitlements: Vec<u32>,
    pub(super) all: bool,
}

/// A rule within one value of its scope.
#[derive(Debug, Clone)]
pub(super) struct Check {
    pub(super) rule: usize,
    pub(super) scope_value: Option<u32>,
    /// Of each side, keys by their place in the book.
    pub(super) sides: Vec<Vec<u32>>,
    pub(super) at_least: usize,
    pub(super) overlap: TimeOverlap,
}

impl RuleBook {
    /// Checks and compiles.
    ///
    /// # Errors
    /// Every fault of every rule; none is taken then.
    pub fn new(rules: Vec<Rule>, functions: &[Function], scoped: &[Scoped]) -> Result<RuleBook, Vec<BadRule>> {
        let faults = faults(&rules, functions);
        if !faults.is_empty() {
            return Err(faults);
        }
        let mut compiler = Compiler::new(functions, scoped);
        for (number, rule) in rules.iter().enumerate() {
            compiler.add(number, rule);
        }
        let Compiler { keys, checks, .. } = compiler;
        let mut in_order: Vec<(Key, u32)> = keys.into_iter().collect();
        in_order.sort_unstable_by_key(|(_, number)| *number);
        let keys: Vec<Key> = in_order.into_iter().map(|(key, _)| key).collect();
        let checks_of = checks_of(&keys, &checks);
        Ok(RuleBook { rules, keys, checks, checks_of })
    }

    /// The rules as they were given.
    pub fn rules(&self) -> &[Rule] {
        &self.rules
    }

    /// The book with these checks alone.
    pub(super) fn only(&self, checks: &BTreeSet<u32>) -> RuleBook {
        let kept = checks.iter().filter_map(|number| self.checks.get(*number as usize)).cloned().collect();
        RuleBook { checks: kept, ..self.clone() }
    }

    /// Checks that one of the entitlements matters to, each once.
    pub(super) fn touched(&self, entitlements: impl Iterator<Item = u32>) -> BTreeSet<u32> {
        let lists = entitlements.filter_map(|entitlement| self.checks_of.get(entitlement as usize));
        lists.flatten().copied().collect()
    }
}

fn faults(rules: &[Rule], functions: &[Function]) -> Vec<BadRule> {
    let mut faults = Vec::new();
    for (function, it) in functions.iter().enumerate() {
        if it.entitlements.is_empty() {
            faults.push(BadRule::EmptyFunction { function });
        }
    }
    for (rule, it) in rules.iter().enumerate() {
        let sides = it.sides.len();
        if sides < 2 {
            faults.push(BadRule::TooFewSides { rule, sides });
        } else if !(2..=sides).contains(&it.at_least) {
            faults.push(BadRule::Cardinality { rule, at_least: it.at_least, sides });
        }
        for (side, it) in it.sides.iter().enumerate() {
            if it.functions.is_empty() {
                faults.push(BadRule::EmptySide { rule, side });
            }
            let unknown = it.functions.iter().filter(|function| **function >= functions.len());
            faults.extend(unknown.map(|function| BadRule::UnknownFunction { rule, side, function: *function }));
        }
    }
    faults
}

fn checks_of(keys: &[Key], checks: &[Check]) -> Vec<Vec<u32>> {
    let mut lists: Vec<Vec<u32>> = Vec::new();
    for (number, check) in (0_u32..).zip(checks) {
        let entitlements: BTreeSet<u32> =
            check.sides.iter().flatten().flat_map(|key| keys[*key as usize].entitlements.iter().copied()).collect();
        for entitlement in entitlements {
            let place = entitlement as usize;
            if lists.len() <= place {
                lists.resize_with(place + 1, Vec::new);
            }
            lists[place].push(number);
        }
    }
    lists
}

struct Compiler<'a> {
    functions: &'a [Function],
    /// Values of an entitlement in a dimension.
    scoped: BTreeMap<(u32, Entitlement), BTreeSet<u32>>,
    keys: std::collections::HashMap<Key, u32>,
    checks: Vec<Check>,
}

impl<'a> Compiler<'a> {
    fn new(functions: &'a [Function], scoped: &[Scoped]) -> Compiler<'a> {
        let mut values: BTreeMap<(u32, Entitlement), BTreeSet<u32>> = BTreeMap::new();
        for Scoped { entitlement, dimension, value } in scoped {
            values.entry((*dimension, *entitlement)).or_default().insert(*value);
        }
        Compiler { functions, scoped: values, keys: std::collections::HashMap::new(), checks: Vec::new() }
    }

    /// One check, or one for each value that any of the rule's entitlements has.
    fn add(&mut self, number: usize, rule: &Rule) {
        let Some(dimension) = rule.scope else { return self.add_within(number, rule, None) };
        let functions = rule.sides.iter().flat_map(|side| &side.functions);
        let entitlements = functions.flat_map(|function| &self.functions[*function].entitlements);
        let values: BTreeSet<u32> = entitlements
            .filter_map(|entitlement| self.scoped.get(&(dimension, *entitlement)))
            .flatten()
            .copied()
            .collect();
        if values.is_empty() {
            return self.add_within(number, rule, None);
        }
        for value in values {
            self.add_within(number, rule, Some((dimension, value)));
        }
    }

    fn add_within(&mut self, number: usize, rule: &Rule, scope: Option<(u32, u32)>) {
        let sides: Vec<Vec<u32>> = rule
            .sides
            .iter()
            .map(|side| side.functions.iter().filter_map(|function| self.key(*function, scope)).collect())
            .collect();
        let can_be_met = sides.iter().filter(|side: &&Vec<u32>| !side.is_empty()).count() >= rule.at_least;
        if can_be_met {
            let (at_least, overlap, scope_value) = (rule.at_least, rule.overlap, scope.map(|(_, value)| value));
            self.checks.push(Check { rule: number, scope_value, sides, at_least, overlap });
        }
    }

    /// The function within a scope. `None`: nothing of it is left there.
    fn key(&mut self, number: usize, scope: Option<(u32, u32)>) -> Option<u32> {
        let function = &self.functions[number];
        let is_within = |entitlement: &Entitlement| {
            scope.is_none_or(|(dimension, value)| {
                self.scoped.get(&(dimension, *entitlement)).is_none_or(|values| values.contains(&value))
            })
        };
        let within = function.entitlements.iter().filter(|entitlement| is_within(entitlement));
        let entitlements: BTreeSet<u32> = within.map(|entitlement| entitlement.0).collect();
        let all = function.needs == Needs::All;
        let whole: BTreeSet<u32> = function.entitlements.iter().map(|entitlement| entitlement.0).collect();
        if entitlements.is_empty() || all && entitlements.len() < whole.len() {
            return None;
        }
        let next = self.keys.len() as u32;
        let key = Key { function: number, entitlements: entitlements.into_iter().collect(), all };
        Some(*self.keys.entry(key).or_insert(next))
    }
}
