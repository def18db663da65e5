//! From the parser's tree to ours: modifiers become tests, names become the detections they stand for.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use rsigma_parser::{self as syntax, ConditionExpr, FieldSpec, Modifier, Quantifier, SigmaValue};

use crate::detection::{Condition, Detection, Item, Named, Number, Test};
use crate::problem::Fault;
use crate::value::{BadValue, Lists, tests_of};

/// Why a rule cannot be used; and what in its text is at fault, to find the line.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Refusal {
    pub fault: Fault,
    pub reason: String,
    /// A piece of the text near the fault.
    pub near: String,
}

impl Refusal {
    pub(crate) fn new(near: impl Into<String>, reason: impl Into<String>) -> Refusal {
        Refusal { fault: Fault::BadDetection, reason: reason.into(), near: near.into() }
    }

    /// The construct is valid, and is not supported.
    fn unsupported(near: impl Into<String>, reason: impl Into<String>) -> Refusal {
        Refusal { fault: Fault::NotEvaluated, ..Refusal::new(near, reason) }
    }
}

/// The conditions of a rule, its detections in place.
pub(crate) fn conditions(section: &syntax::Detections, lists: &Lists) -> Result<Vec<Condition>, Refusal> {
    let mut named = BTreeMap::new();
    for (name, detection) in sorted(&section.named) {
        let detection = lower(detection, lists)?;
        named.insert(name.as_str(), Arc::new(Named { name: name.clone(), detection }));
    }
    if section.conditions.is_empty() {
        return Err(Refusal::new("condition", "the rule has no condition"));
    }
    section.conditions.iter().map(|condition| resolve(condition, &named)).collect()
}

/// A detection that stands alone, such as the gate of a mapping: `{Channel: Security, EventID: [1, 2]}`.
pub(crate) fn mapping(entries: &yaml_serde::Mapping) -> Result<Detection, Refusal> {
    let mut items = Vec::new();
    for (key, value) in entries {
        let key = key.as_str().ok_or_else(|| Refusal::new("", "a field name must be text"))?;
        let field = syntax::parse_field_spec(key).map_err(|error| Refusal::new(key, error.to_string()))?;
        let values = match value {
            yaml_serde::Value::Sequence(values) => values.iter().map(SigmaValue::from_yaml).collect(),
            single => vec![SigmaValue::from_yaml(single)],
        };
        items.push(item(&syntax::DetectionItem { field, values }, &Lists::new())?);
    }
    Ok(Detection::All(items))
}

fn sorted<V>(map: &HashMap<String, V>) -> BTreeMap<&String, &V> {
    map.iter().collect()
}

fn resolve(expression: &ConditionExpr, named: &BTreeMap<&str, Arc<Named>>) -> Result<Condition, Refusal> {
    let all = |parts: &[ConditionExpr]| parts.iter().map(|part| resolve(part, named)).collect::<Result<Vec<_>, _>>();
    Ok(match expression {
        ConditionExpr::And(parts) => Condition::And(all(parts)?),
        ConditionExpr::Or(parts) => Condition::Or(all(parts)?),
        ConditionExpr::Not(inner) => Condition::Not(Box::new(resolve(inner, named)?)),
        ConditionExpr::Identifier(name) => match named.get(name.as_str()) {
            Some(detection) => Condition::Detection(Arc::clone(detection)),
            None => return Err(Refusal::new(name, format!("the condition names `{name}`, which is not a detection"))),
        },
        ConditionExpr::Selector { quantifier, pattern } => {
            let chosen: Vec<Condition> = named
                .iter()
                .filter(|(name, _)| pattern.matches_detection_name(name))
                .map(|(_, detection)| Condition::Detection(Arc::clone(detection)))
                .collect();
            if chosen.is_empty() {
                let reason = format!("no detection is called like `{pattern}`, which the condition names");
                return Err(Refusal::new(pattern.to_string(), reason));
            }
            match quantifier {
                Quantifier::Any | Quantifier::Count(1) => Condition::Or(chosen),
                Quantifier::All => Condition::And(chosen),
                Quantifier::Count(0) => {
                    return Err(Refusal::new(pattern.to_string(), "`0 of` always holds: use `not 1 of`"));
                }
                Quantifier::Count(least) => Condition::AtLeast(*least, chosen),
            }
        }
    })
}

fn lower(detection: &syntax::Detection, lists: &Lists) -> Result<Detection, Refusal> {
    match detection {
        syntax::Detection::AllOf(items) if items.is_empty() => {
            Err(Refusal::new("detection", "a detection is empty; it would match every event"))
        }
        syntax::Detection::AllOf(items) => {
            Ok(Detection::All(items.iter().map(|each| item(each, lists)).collect::<Result<_, _>>()?))
        }
        syntax::Detection::AnyOf(parts) => {
            Ok(Detection::Any(parts.iter().map(|part| lower(part, lists)).collect::<Result<_, _>>()?))
        }
        syntax::Detection::And(parts) => {
            Ok(Detection::All(parts.iter().map(|part| lower(part, lists)).collect::<Result<_, _>>()?))
        }
        syntax::Detection::Keywords(values) => {
            let field = FieldSpec::new(None, Vec::new());
            item(&syntax::DetectionItem { field, values: values.clone() }, lists)
        }
        syntax::Detection::ArrayMatch { field, .. } => Err(Refusal::unsupported(
            field,
            format!("`{field}[…]` asks about one member of an array (a draft of Sigma 3), which is not evaluated"),
        )),
        syntax::Detection::Conditional { .. } => {
            Err(Refusal::new("condition", "a condition inside a detection (a draft of Sigma 3) is not evaluated"))
        }
    }
}

fn item(item: &syntax::DetectionItem, lists: &Lists) -> Result<Detection, Refusal> {
    // The parser escapes brackets in plain field names; the column is called as the author wrote it.
    let field = item.field.name.as_ref().map(|name| name.replace("\\[", "[").replace("\\]", "]"));
    let near = field.clone().unwrap_or_default();
    let modifiers = &item.field.modifiers;
    let all = modifiers.contains(&Modifier::All);
    if all && item.values.len() < 2 {
        return Err(Refusal::new(near, "`all` needs more than one value"));
    }
    if item.values.is_empty() {
        return Err(Refusal::new(near.clone(), format!("`{near}` has no value to compare with")));
    }
    let mut groups = Vec::new();
    for value in &item.values {
        let tests = tests_of(value, modifiers, field.is_none(), lists);
        groups.push(tests.map_err(|bad| {
            let name = field.as_deref().unwrap_or("keyword");
            let (fault, reason) = match bad {
                BadValue::Wrong(reason) => (Fault::BadDetection, reason),
                BadValue::NoList(list) => {
                    (Fault::MissingList, format!("the placeholder `%{list}%` has no list of values"))
                }
            };
            Refusal { fault, ..Refusal::new(near.clone(), format!("`{name}`: {reason}")) }
        })?);
    }
    let negated = modifiers.contains(&Modifier::Neq);
    if all && groups.iter().any(|tests| tests.len() != 1) {
        // Each value became several (windash, base64offset, a list): every value, any of its forms.
        if negated {
            return Err(Refusal::new(near, "`neq` with `all` and a modifier that makes several values is not defined"));
        }
        let each = |tests: Vec<Test>| Detection::Item(Item { field: field.clone(), tests, all: false, negated });
        return Ok(Detection::All(groups.into_iter().map(each).collect()));
    }
    let tests = groups.into_iter().flatten().collect();
    Ok(Detection::Item(Item { field, tests, all, negated }))
}

/// A number of a rule.
pub(crate) fn number(value: &SigmaValue) -> Option<Number> {
    match value {
        SigmaValue::Integer(whole) => Some(Number::Whole(*whole)),
        SigmaValue::Float(real) => real.is_finite().then_some(Number::Real(*real)),
        SigmaValue::String(text) => Number::parse(&text.original),
        SigmaValue::Bool(_) | SigmaValue::Null => None,
    }
}
