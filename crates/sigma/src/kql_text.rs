//! A rule as KQL that an analyst can open, read and edit.
//!
//! The text finds the events on which the engine fires the rule, in the tables that `content/sigma_tables.yml` names.
//! What KQL cannot say about them is refused with the reason ([`NotInKql`]), never said roughly. Two things are known to
//! differ. KQL keeps letters beyond ASCII apart from ASCII ones, so a value with the Kelvin sign or the long s is found
//! by the engine under `k` or `s` and not by the text. And normalisation keeps a header field such as `Computer` that
//! is empty or `-` as an empty column, so such a value counts as absent.
//!
//! A string column is never null in KQL, and a comparison with null is neither true nor false. So every predicate is
//! written over `tostring(…)` or made two-valued otherwise, and a test that an empty text would pass also asks whether
//! the field is there.

mod access;
mod expression;
mod layout;
mod predicate;
mod quote;
mod tables;

use std::collections::BTreeSet;

use crate::detection::{Condition, Detection, Item, Test};
use crate::mapping::{Gate, Mappings};
use crate::pattern::{Shape, fold};
use crate::rule::Rule;
use access::Fields;
use expression::Kql;
use layout::Query;
pub use tables::Tables;

/// A rule in KQL.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct KqlText {
    pub text: String,
    /// Gates that the text does not cover, each with the reason; the text says so too.
    pub left_out: Vec<LeftOut>,
}

/// A gate that the text does not cover.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct LeftOut {
    pub gate: String,
    pub reason: String,
}

/// Why a rule has no KQL text.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum NotInKql {
    /// The rule cannot fire on anything, so there is nothing to ask. Its log source or its fields are at fault.
    #[error("the rule cannot fire, so there is nothing to ask: {0}")]
    NeverFires(String),
    /// No gate can be said in KQL; nobody is at fault.
    #[error("the rule cannot be said in KQL: {}", reasons(.0))]
    CannotSay(Vec<LeftOut>),
}

fn reasons(left_out: &[LeftOut]) -> String {
    let each: Vec<String> = left_out.iter().map(|one| format!("{}: {}", one.gate, one.reason)).collect();
    each.join("; ")
}

/// Writes `rule` as KQL over `tables`.
pub fn kql_text(rule: &Rule, mappings: &Mappings, tables: &Tables) -> Result<KqlText, NotInKql> {
    let gates = mappings.gates(&rule.logsource);
    if gates.is_empty() {
        return Err(NotInKql::NeverFires(format!("no mapping knows the log source {}", rule.logsource)));
    }
    let mut queries: Vec<Query> = Vec::new();
    let mut left_out: Vec<LeftOut> = Vec::new();
    for gate in &gates {
        match query(rule, gate, tables) {
            Ok(Some(query)) => match queries.iter_mut().find(|known| known.asks_the_same(&query)) {
                Some(known) => known.widen(query),
                None => queries.push(query),
            },
            Ok(None) => {}
            Err(reason) => left_out.push(LeftOut { gate: gate.name.clone(), reason }),
        }
    }
    if queries.is_empty() && left_out.is_empty() {
        let reason = format!("no known event of {} carries what it needs", rule.logsource);
        return Err(NotInKql::NeverFires(reason));
    }
    if queries.is_empty() {
        return Err(NotInKql::CannotSay(left_out));
    }
    let overlap = (0..queries.len()).any(|at| queries[at + 1..].iter().any(|other| !queries[at].excludes(other)));
    Ok(KqlText { text: layout::text(rule, &queries, overlap, &left_out), left_out })
}

/// The rule behind one gate; `None`: it can never hold there.
fn query(rule: &Rule, gate: &Gate, tables: &Tables) -> Result<Option<Query>, String> {
    let place = tables.of(gate).ok_or("no table is known for such events; name it in content/sigma_tables.yml")?;
    let mut plain = Fields::of_gate(place);
    let passes = condition(&gate.condition, &mut plain)?;
    let mut fields = Fields::of_rule(place, gate);
    let parts = rule.conditions.iter().map(|one| condition(one, &mut fields)).collect::<Result<Vec<_>, _>>()?;
    let holds = expression::or(parts);
    if passes == Kql::False || holds == Kql::False {
        return Ok(None);
    }
    let tables = place.tables.clone();
    let gates = vec![gate.name.clone()];
    // What came to a constant reads its columns no more.
    let text = layout::flat(&holds);
    let columns = fields.columns.into_iter().filter(|(column, _)| text.contains(column.as_str())).collect();
    Ok(Some(Query { gates, tables, passes, columns, holds, exact: exact_values(&gate.condition) }))
}

fn condition(condition: &Condition, fields: &mut Fields<'_>) -> Result<Kql, String> {
    let all = |parts: &[Condition], fields: &mut Fields<'_>| -> Result<Vec<Kql>, String> {
        parts.iter().map(|part| self::condition(part, fields)).collect()
    };
    Ok(match condition {
        Condition::And(parts) => expression::and(all(parts, fields)?),
        Condition::Or(parts) => expression::or(all(parts, fields)?),
        Condition::Not(inner) => expression::not(self::condition(inner, fields)?),
        Condition::AtLeast(least, parts) => {
            expression::at_least(usize::try_from(*least).unwrap_or(usize::MAX), all(parts, fields)?)
        }
        Condition::Detection(named) => expression::named(&named.name, detection(&named.detection, fields)?),
    })
}

fn detection(detection: &Detection, fields: &mut Fields<'_>) -> Result<Kql, String> {
    let all = |parts: &[Detection], fields: &mut Fields<'_>| -> Result<Vec<Kql>, String> {
        parts.iter().map(|part| self::detection(part, fields)).collect()
    };
    Ok(match detection {
        Detection::All(parts) => expression::and(all(parts, fields)?),
        Detection::Any(parts) => expression::or(all(parts, fields)?),
        Detection::Item(item) => predicate::item(item, fields)?,
    })
}

/// The fields for which a gate accepts nothing but these values, folded: what tells that two gates never both pass.
fn exact_values(condition: &Condition) -> Vec<(String, BTreeSet<String>)> {
    let mut found = Vec::new();
    let Condition::Detection(named) = condition else { return found };
    let Detection::All(parts) = &named.detection else { return found };
    for part in parts {
        let Detection::Item(Item { field: Some(field), tests, negated: false, .. }) = part else { continue };
        let values = tests.iter().map(|test| match test {
            Test::Text { pattern, .. } => match pattern.shape() {
                Shape::Exact(text) => Some(fold(text).into_owned()),
                _ => None,
            },
            Test::Number(number) => Some(number.to_string()),
            _ => None,
        });
        if let Some(values) = values.collect() {
            found.push((field.clone(), values));
        }
    }
    found
}
