//! Functions and rules as documents, and what they come down to.

use std::collections::{BTreeMap, BTreeSet};

use entitlements::sod::{BadRule, Function, Needs, Rule, RuleBook, Scoped, Side, TimeOverlap};
use kernel::id::PersonId;
use serde::{Deserialize, Serialize};

use super::{transactions, unknown};
use crate::compute::Catalog;
use crate::document::{self, Document, DocumentKind, Draft};
use crate::error::{Error, Refusal};
use crate::inventory::{Inventory, Scope};
use crate::role::Grant;
use crate::room::Turn;
use crate::system::Risk;

/// A function document: something that a person can do.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SodFunction {
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// The number of the person who answers for it.
    pub owner: String,
    pub entitlements: Vec<FunctionEntitlement>,
    /// Whether one entitlement suffices.
    #[serde(default)]
    pub needs: Needs,
}

/// An entitlement of a function: `sap/ZFI_PAY`, or with where it has its effect.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum FunctionEntitlement {
    Everywhere(Grant),
    Within {
        grant: Grant,
        /// Dimension and value: `station = "GOM"`, `vendor = "4711"`.
        within: BTreeMap<String, String>,
    },
}

impl FunctionEntitlement {
    fn grant(&self) -> &Grant {
        match self {
            FunctionEntitlement::Everywhere(grant) | FunctionEntitlement::Within { grant, .. } => grant,
        }
    }
}

impl SodFunction {
    pub(crate) fn grants(self) -> Vec<Grant> {
        self.entitlements.iter().map(|one| one.grant().clone()).collect()
    }
}

/// A rule document: keys that stay apart, or deeds.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SodRule {
    pub title: String,
    #[serde(default)]
    pub description: String,
    /// The number of the person who owns the risk and alone may except from the rule.
    pub owner: String,
    #[serde(default)]
    pub risk: Risk,
    /// Each side by the keys of its functions, any of which meets it; none where the rule is over transactions.
    #[serde(default)]
    pub sides: Vec<Vec<String>>,
    /// In place of sides: who did in one transaction what must be done by two.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transactions: Option<TransactionQuery>,
    /// How many sides together violate it; without it, all.
    #[serde(default)]
    pub at_least: Option<usize>,
    /// The dimension within which the sides must meet: `station`, `vendor`.
    #[serde(default)]
    pub scope: Option<String>,
    #[serde(default)]
    pub overlap: TimeOverlap,
    #[serde(default = "yes")]
    pub enabled: bool,
}

/// What the lake is asked.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TransactionQuery {
    /// Its rows name the `Transaction` and who did both: `PersonId`, `Number`, or `Login` and perhaps `System`; all other columns
    /// are evidence.
    pub kql: String,
}

const LONGEST_QUERY: usize = 20_000;

impl SodRule {
    /// # Errors
    /// When it is neither over keys nor over transactions, or both.
    fn check(&self, key: &str) -> Result<(), Refusal> {
        let bad = |problem: &str| Err(Refusal::bad(format!("sod-rule {key}"), problem));
        match &self.transactions {
            None if self.sides.is_empty() => bad("say either which `sides` stay apart, or ask for `transactions`"),
            None => Ok(()),
            Some(_) if !self.sides.is_empty() || self.at_least.is_some() || self.scope.is_some() => {
                bad("a rule over `transactions` has neither sides nor a scope")
            }
            Some(TransactionQuery { kql }) if kql.trim().is_empty() || kql.len() > LONGEST_QUERY => {
                bad("`transactions.kql` is a query of at most 20,000 bytes")
            }
            Some(_) => Ok(()),
        }
    }
}

const fn yes() -> bool {
    true
}

/// Rules in force, compiled over an inventory.
pub(crate) struct Rules {
    pub(crate) book: RuleBook,
    /// In the order of the book.
    pub(crate) rules: Vec<(String, SodRule)>,
    pub(crate) functions: Vec<(String, SodFunction)>,
    /// Names of values of scopes.
    values: Vec<String>,
}

impl Rules {
    /// Of the documents of an inventory.
    ///
    /// # Errors
    /// What is wrong, rule by rule.
    pub(crate) fn of(inventory: &Inventory) -> Result<Rules, Refusal> {
        Rules::compile(&inventory.documents, inventory)
    }

    fn compile(documents: &[Document], inventory: &Inventory) -> Result<Rules, Refusal> {
        let of_kind = |kind| documents.iter().filter(move |one| one.kind == kind && one.retired.is_none());
        let mut functions: Vec<(String, SodFunction)> = Vec::new();
        for document in of_kind(DocumentKind::SodFunction) {
            functions.push((document.key.clone(), document.read()?));
        }
        let mut rules: Vec<(String, SodRule)> = Vec::new();
        for document in of_kind(DocumentKind::SodRule) {
            let rule: SodRule = document.read()?;
            rule.check(&document.key)?;
            if rule.enabled && rule.transactions.is_none() {
                rules.push((document.key.clone(), rule));
            }
        }
        let mut names = Names::default();
        let mut scoped: Vec<Scoped> = Vec::new();
        let mut compiled: Vec<Function> = Vec::new();
        for (key, function) in &functions {
            compiled.push(compile_function(key, function, inventory, &mut names, &mut scoped)?);
        }
        let mut ready: Vec<Rule> = Vec::new();
        for (key, rule) in &rules {
            ready.push(compile_rule(key, rule, &functions, &mut names)?);
        }
        let book = RuleBook::new(ready, &compiled, &scoped).map_err(|faults| refuse(&faults, &rules, &functions))?;
        Ok(Rules { book, rules, functions, values: names.values })
    }

    /// Rules of which an entitlement is on a side; the worst first.
    pub(crate) fn sides_of(&self, grant: &Grant) -> Vec<(&str, &SodRule)> {
        let functions =
            self.functions.iter().filter(|(_, one)| one.entitlements.iter().any(|one| one.grant() == grant));
        let functions: BTreeSet<&String> = functions.map(|(key, _)| key).collect();
        let is_side = |(_, rule): &&(String, SodRule)| rule.sides.iter().flatten().any(|key| functions.contains(key));
        let mut rules: Vec<(&str, &SodRule)> =
            self.rules.iter().filter(is_side).map(|(key, rule)| (key.as_str(), rule)).collect();
        rules.sort_by_key(|(key, rule)| (std::cmp::Reverse(rule.risk), *key));
        rules
    }

    pub(crate) fn value(&self, number: Option<u32>) -> Option<String> {
        number.and_then(|number| self.values.get(number as usize).cloned())
    }
}

/// Dimensions and their values by number.
#[derive(Default)]
struct Names {
    dimensions: Vec<String>,
    values: Vec<String>,
}

fn number(of: &mut Vec<String>, name: &str) -> u32 {
    let place = of.iter().position(|known| known == name).unwrap_or_else(|| {
        of.push(name.to_owned());
        of.len() - 1
    });
    place as u32
}

fn compile_function(
    key: &str,
    function: &SodFunction,
    inventory: &Inventory,
    names: &mut Names,
    scoped: &mut Vec<Scoped>,
) -> Result<Function, Refusal> {
    let mut entitlements = Vec::new();
    for one in &function.entitlements {
        let held = inventory.named(one.grant()).and_then(|id| inventory.held(id)).ok_or_else(|| {
            let problem = format!("`{}` names no entitlement; write `system/entitlement`", one.grant());
            Refusal::bad(format!("sod-function {key}"), problem)
        })?;
        entitlements.push(held);
        if let FunctionEntitlement::Within { within, .. } = one {
            for (dimension, value) in within {
                let (dimension, value) = (number(&mut names.dimensions, dimension), number(&mut names.values, value));
                scoped.push(Scoped { entitlement: held, dimension, value });
            }
        }
    }
    Ok(Function { entitlements, needs: function.needs })
}

fn compile_rule(
    key: &str,
    rule: &SodRule,
    functions: &[(String, SodFunction)],
    names: &mut Names,
) -> Result<Rule, Refusal> {
    let find = |name: &String| {
        functions
            .iter()
            .position(|(key, _)| key == name)
            .ok_or_else(|| Refusal::bad(format!("sod-rule {key}"), format!("there is no sod-function `{name}`")))
    };
    sides_apart(key, rule)?;
    told_scope(key, rule, functions)?;
    let mut sides = Vec::new();
    for side in &rule.sides {
        sides.push(Side { functions: side.iter().map(find).collect::<Result<_, _>>()? });
    }
    let at_least = rule.at_least.unwrap_or(sides.len());
    let scope = rule.scope.as_ref().map(|dimension| number(&mut names.dimensions, dimension));
    Ok(Rule { sides, at_least, scope, overlap: rule.overlap })
}

/// A function on two sides would be violated by everybody who has it.
fn sides_apart(key: &str, rule: &SodRule) -> Result<(), Refusal> {
    let mut seen: BTreeMap<&String, usize> = BTreeMap::new();
    for (at, function) in rule.sides.iter().enumerate().flat_map(|(at, side)| side.iter().map(move |one| (at, one))) {
        if seen.insert(function, at).is_some_and(|before| before != at) {
            let problem = format!("`{function}` is on two sides: everybody who has it would violate the rule");
            return Err(Refusal::bad(format!("sod-rule {key}"), problem));
        }
    }
    Ok(())
}

/// A scope that no function of the rule tells keeps nothing apart.
fn told_scope(key: &str, rule: &SodRule, functions: &[(String, SodFunction)]) -> Result<(), Refusal> {
    let Some(scope) = &rule.scope else { return Ok(()) };
    let tells = |one: &FunctionEntitlement| match one {
        FunctionEntitlement::Everywhere(_) => false,
        FunctionEntitlement::Within { within, .. } => within.contains_key(scope),
    };
    let of_rule = |name: &&(String, SodFunction)| rule.sides.iter().flatten().any(|key| *key == name.0);
    if functions.iter().filter(of_rule).any(|(_, function)| function.entitlements.iter().any(tells)) {
        return Ok(());
    }
    let problem = format!(
        "no function of it says a `{scope}`: write `within = {{ {scope} = \"…\" }}` beside its entitlements, or leave the scope out"
    );
    Err(Refusal::bad(format!("sod-rule {key}"), problem))
}

/// Faults by the names of documents.
fn refuse(faults: &[BadRule], rules: &[(String, SodRule)], functions: &[(String, SodFunction)]) -> Refusal {
    let named = |fault: &BadRule| match fault {
        BadRule::TooFewSides { rule, .. }
        | BadRule::Cardinality { rule, .. }
        | BadRule::EmptySide { rule, .. }
        | BadRule::UnknownFunction { rule, .. } => format!("sod-rule {}: {fault}", rules[*rule].0),
        BadRule::EmptyFunction { function } => format!("sod-function {}: {fault}", functions[*function].0),
    };
    let all: Vec<String> = faults.iter().map(named).collect();
    Refusal::rule(all.join("; "))
}

/// Saves a function or a rule, if all of them still make sense together.
pub(crate) async fn save(turn: &mut Turn, draft: &Draft, seen: Option<i64>) -> Result<Document, Error> {
    let saved = document::write(turn, draft, seen).await?;
    // The structure is enough: nobody needs to be in it.
    let (nobody, now) = (PersonId::derived([0; 16]), turn.now());
    let inventory = Inventory::load(&mut turn.tx, Scope::One(nobody), now).await?;
    Rules::of(&inventory)?;
    if let (DocumentKind::SodFunction, Some(_)) = (draft.kind, &draft.body) {
        let policy = turn.known.policy.clone();
        let catalog = Catalog::load(&mut turn.tx, &policy).await?;
        unknown::refuse_systems(&policy, &catalog, &saved.key, &saved.read()?)?;
    }
    unknown::look(turn).await?;
    transactions::begin_soon(turn, &saved).await?;
    Ok(saved)
}
