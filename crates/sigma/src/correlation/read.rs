//! From a correlation document to a [`Draft`]: everything but what its references lead to.
//!
//! The section `correlation` is read strictly, key by key from the YAML: the parser's tree leaves out what it does not
//! know, and a rule that was meant otherwise must not load.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kernel::Severity;
use rsigma_parser::{self as syntax, ConditionExpr, Quantifier};
use yaml_serde::{Mapping, Value};

use super::documents::Document;
use super::{Comparison, Correlation, Expression, Metric, Occurrence, Range, Reference, Target, Together};
use crate::load::{severity, status};
use crate::lower::Refusal;
use crate::problem::Fault;

/// A correlation whose references have not been looked up.
#[derive(Debug)]
pub(crate) struct Draft {
    /// `rules` hold what was written as a [`Target::Rule`].
    pub correlation: Correlation,
    /// The level that it gives itself.
    pub level: Option<Severity>,
    /// Lines before its document.
    pub lines_before: u32,
    /// The text of its document.
    pub document: String,
}

/// Reads `rule`, whose own document is `document`.
pub(crate) fn read(
    rule: syntax::CorrelationRule,
    document: &Document,
    file: &Path,
    text: &Arc<str>,
    sha256: &str,
) -> Result<Draft, Refusal> {
    let Meaning { test, names, group_by, aliases, timespan, timespan_us, generate } = meaning(&document.yaml)?;
    let level = rule.level.map(severity);
    let correlation = Correlation {
        id: rule.id.unwrap_or_else(|| format!("sha256:{} {}", &sha256[..16], rule.title)),
        name: rule.name,
        title: rule.title,
        severity: level.unwrap_or(Severity::Medium),
        status: rule.status.map(status),
        description: rule.description.unwrap_or_default(),
        author: rule.author.unwrap_or_default(),
        references: rule.references,
        tags: rule.tags,
        falsepositives: rule.falsepositives,
        date: rule.date,
        modified: rule.modified,
        test,
        rules: names.into_iter().map(|name| Reference { target: Target::Rule(name.clone()), name }).collect(),
        group_by,
        timespan_us,
        timespan,
        aliases,
        generate,
        file: file.to_owned(),
        text: Arc::clone(text),
        sha256: sha256.to_owned(),
    };
    Ok(Draft { correlation, level, lines_before: document.lines_before, document: document.text.clone() })
}

/// What a document says under `correlation`.
pub(super) struct Meaning {
    test: Together,
    names: Vec<String>,
    group_by: Vec<String>,
    aliases: BTreeMap<String, BTreeMap<String, String>>,
    timespan: String,
    timespan_us: i64,
    generate: bool,
}

pub(super) fn meaning(document: &Value) -> Result<Meaning, Refusal> {
    let section = document.get("correlation").and_then(Value::as_mapping);
    let section = section.ok_or_else(|| refuse("correlation:", "`correlation` is not a mapping"))?;
    let section = Section { section };
    section.only_known_keys()?;
    // Extensions of another engine that change what the window is. Other keys of that kind do not.
    for key in ["rsigma.window", "rsigma.gap"] {
        if document.get(key).is_some() {
            return Err(refuse(key, format!("`{key}` is not evaluated; the window slides")));
        }
    }
    let names = section.names("rules")?.ok_or_else(|| missing("rules", "which rules it correlates"))?;
    if names.len() > MAX_RULES {
        return Err(refuse("rules", format!("the correlation names {} rules; {MAX_RULES} is the limit", names.len())));
    }
    let (timespan, timespan_us) = section.timespan()?;
    Ok(Meaning {
        test: section.test(&names)?,
        group_by: section.names("group-by")?.unwrap_or_default(),
        aliases: section.aliases(&names)?,
        timespan,
        timespan_us,
        generate: match document.get("generate").or_else(|| section.get("generate")) {
            Some(value) => flag(value)?,
            None => false,
        },
        names,
    })
}

pub(super) fn refuse(near: &str, reason: impl Into<String>) -> Refusal {
    Refusal { fault: Fault::BadCorrelation, ..Refusal::new(near, reason) }
}

fn missing(key: &str, what: &str) -> Refusal {
    refuse("correlation:", format!("the correlation has no `{key}`, which says {what}"))
}

fn flag(value: &Value) -> Result<bool, Refusal> {
    value.as_bool().ok_or_else(|| refuse("generate", "`generate` is true or false"))
}

const KEYS: [&str; 8] = ["type", "rules", "group-by", "timespan", "timeframe", "condition", "aliases", "generate"];

/// Rules that one correlation may name.
const MAX_RULES: usize = 10_000;

const TYPES: [&str; 8] = [
    "event_count",
    "value_count",
    "temporal",
    "temporal_ordered",
    "value_sum",
    "value_avg",
    "value_median",
    "value_percentile",
];

/// The mapping under `correlation`.
struct Section<'a> {
    section: &'a Mapping,
}

impl Section<'_> {
    fn get(&self, key: &str) -> Option<&Value> {
        self.section.get(key)
    }

    fn only_known_keys(&self) -> Result<(), Refusal> {
        for key in self.section.keys() {
            match key.as_str() {
                Some(key) if KEYS.contains(&key) => {}
                Some("window") if self.get("window").and_then(Value::as_str) == Some("sliding") => {}
                Some(key) => {
                    let reason = format!("`{key}` is not a key of a correlation; these are: {}", KEYS.join(", "));
                    return Err(refuse(key, reason));
                }
                None => return Err(refuse("correlation:", "a key of the correlation is not text")),
            }
        }
        Ok(())
    }

    /// One text or a list of texts; an empty list is as good as none.
    fn names(&self, key: &str) -> Result<Option<Vec<String>>, Refusal> {
        let Some(value) = self.get(key) else { return Ok(None) };
        let wrong = || refuse(key, format!("`{key}` is a text or a list of different texts"));
        let names = texts(value).ok_or_else(wrong)?;
        for (place, name) in names.iter().enumerate() {
            if names[..place].contains(name) {
                return Err(refuse(key, format!("`{key}` names `{name}` twice")));
            }
        }
        Ok((!names.is_empty()).then_some(names))
    }

    fn timespan(&self) -> Result<(String, i64), Refusal> {
        if self.get("timespan").is_some() && self.get("timeframe").is_some() {
            return Err(refuse("timeframe", "`timespan` and `timeframe` are the same: give one of them"));
        }
        let value = self.get("timespan").or_else(|| self.get("timeframe"));
        let value = value.ok_or_else(|| missing("timespan", "how far apart its events may be"))?;
        let text = value.as_str().unwrap_or_default();
        let bad = || {
            let reason = "the timespan is a number above zero and one of s, m, h, d, w, such as `90m`; a month or a \
                          year has no fixed length";
            refuse("timespan", reason)
        };
        let unit_s: i64 = match text.chars().last() {
            Some('s') => 1,
            Some('m') => 60,
            Some('h') => 3_600,
            Some('d') => 86_400,
            Some('w') => 604_800,
            _ => return Err(bad()),
        };
        let digits = &text[..text.len() - 1];
        let count = digits.bytes().all(|byte| byte.is_ascii_digit()).then(|| digits.parse::<i64>().ok()).flatten();
        let timespan_us = count.and_then(|count| count.checked_mul(unit_s)?.checked_mul(1_000_000));
        // A century: times of events span far less, and sums of times stay far from overflow.
        let fits = timespan_us.filter(|us| (1..=3_155_760_000_000_000).contains(us));
        Ok((text.to_owned(), fits.ok_or_else(bad)?))
    }

    fn aliases(&self, rules: &[String]) -> Result<BTreeMap<String, BTreeMap<String, String>>, Refusal> {
        let Some(value) = self.get("aliases") else { return Ok(BTreeMap::new()) };
        let wrong = || refuse("aliases", "`aliases` gives for each alias a mapping of rule to field");
        let mut aliases = BTreeMap::new();
        for (alias, fields) in value.as_mapping().ok_or_else(wrong)? {
            let alias = alias.as_str().ok_or_else(wrong)?;
            let mut by_rule = BTreeMap::new();
            for (rule, field) in fields.as_mapping().ok_or_else(wrong)? {
                let (rule, field) = (rule.as_str().ok_or_else(wrong)?, field.as_str().ok_or_else(wrong)?);
                if !rules.iter().any(|name| name == rule) {
                    let reason = format!("the alias `{alias}` names `{rule}`, which is not among `rules`");
                    return Err(refuse(rule, reason));
                }
                by_rule.insert(rule.to_owned(), field.to_owned());
            }
            aliases.insert(alias.to_owned(), by_rule);
        }
        Ok(aliases)
    }

    fn test(&self, rules: &[String]) -> Result<Together, Refusal> {
        let kind = self.get("type").ok_or_else(|| missing("type", "how it correlates"))?;
        let kind = kind.as_str().filter(|kind| TYPES.contains(kind)).ok_or_else(|| {
            let given = kind.as_str().unwrap_or("this");
            refuse("type:", format!("`{given}` is not a type of correlation; these are: {}", TYPES.join(", ")))
        })?;
        let condition = self.get("condition");
        if let "temporal" | "temporal_ordered" = kind {
            let condition = match condition {
                None => Occurrence::Count(Range { bounds: vec![(Comparison::AtLeast, rules.len() as f64)] }),
                Some(Value::String(text)) => Occurrence::Expression(expression(text, rules)?),
                Some(value) => Occurrence::Count(Threshold::read(value, &[])?.range),
            };
            let ordered = kind == "temporal_ordered";
            let least = if ordered { rules.len() } else { 1 };
            if let Occurrence::Count(range) = &condition
                && !(least..=rules.len()).any(|count| range.holds(count as f64))
            {
                let reason = format!("the condition can never hold: {} rules are not {range}", rules.len());
                return Err(refuse("condition", reason));
            }
            return Ok(Together::Temporal { ordered, condition });
        }
        let condition = condition.ok_or_else(|| missing("condition", "how much is enough"))?;
        if condition.is_string() {
            let reason =
                format!("a condition in words is for temporal correlations; `{kind}` compares, as in `gte: 10`");
            return Err(refuse("condition", reason));
        }
        if kind == "event_count" {
            return Ok(Together::EventCount(Threshold::read(condition, &[])?.range));
        }
        let keys: &[&str] = if kind == "value_percentile" { &["field", "percentile"] } else { &["field"] };
        let threshold = Threshold::read(condition, keys)?;
        let fields = threshold.fields.ok_or_else(|| {
            refuse("condition", format!("the condition of a `{kind}` names the `field` whose values count"))
        })?;
        if kind == "value_count" {
            return Ok(Together::ValueCount { fields, range: threshold.range });
        }
        let metric = match kind {
            "value_sum" => Metric::Sum,
            "value_avg" => Metric::Average,
            "value_median" => Metric::Median,
            _ => Metric::Percentile(threshold.percentile.unwrap_or(50)),
        };
        match <[String; 1]>::try_from(fields) {
            Ok([field]) => Ok(Together::Metric { metric, field, range: threshold.range }),
            Err(_) => Err(refuse("field", format!("`{kind}` computes with one field"))),
        }
    }
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::String(one) => Some(vec![one.clone()]),
        Value::Sequence(many) => many.iter().map(|each| each.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

/// A condition such as `{ gte: 10, lt: 100, field: User }`.
struct Threshold {
    range: Range,
    fields: Option<Vec<String>>,
    percentile: Option<u8>,
}

impl Threshold {
    fn read(value: &Value, keys: &[&str]) -> Result<Threshold, Refusal> {
        let wrong = |reason: String| refuse("condition", reason);
        let entries = value.as_mapping().ok_or_else(|| wrong("the condition is not a mapping".to_owned()))?;
        let mut threshold = Threshold { range: Range { bounds: Vec::new() }, fields: None, percentile: None };
        for (key, value) in entries {
            let key = key.as_str().unwrap_or_default();
            let comparison = match key {
                "lt" => Comparison::Less,
                "lte" => Comparison::AtMost,
                "gt" => Comparison::More,
                "gte" => Comparison::AtLeast,
                "eq" => Comparison::Exactly,
                "neq" => Comparison::Not,
                "field" if keys.contains(&key) => {
                    let fields = texts(value).filter(|fields| !fields.is_empty());
                    threshold.fields = Some(fields.ok_or_else(|| wrong("`field` is a field name".to_owned()))?);
                    continue;
                }
                "percentile" if keys.contains(&key) => {
                    let rank = value.as_u64().and_then(|rank| u8::try_from(rank).ok()).filter(|rank| *rank <= 100);
                    let rank = rank.ok_or_else(|| wrong("`percentile` is a whole number from 0 to 100".to_owned()))?;
                    threshold.percentile = Some(rank);
                    continue;
                }
                other => return Err(wrong(format!("the condition has `{other}`, which means nothing there"))),
            };
            let bound = value.as_f64().filter(|bound| bound.is_finite());
            let bound = bound.ok_or_else(|| wrong(format!("`{key}` needs a number")))?;
            threshold.range.bounds.push((comparison, bound));
        }
        if threshold.range.bounds.is_empty() {
            return Err(wrong(
                "the condition compares with nothing: give it one of lt, lte, gt, gte, eq, neq".to_owned(),
            ));
        }
        Ok(threshold)
    }
}

fn expression(text: &str, rules: &[String]) -> Result<Expression, Refusal> {
    let parsed = syntax::parse_condition(text).map_err(|error| refuse("condition", error.to_string()))?;
    lower(&parsed, rules)
}

fn lower(expression: &ConditionExpr, rules: &[String]) -> Result<Expression, Refusal> {
    let all = |parts: &[ConditionExpr]| parts.iter().map(|part| lower(part, rules)).collect::<Result<Vec<_>, _>>();
    Ok(match expression {
        ConditionExpr::And(parts) => Expression::And(all(parts)?),
        ConditionExpr::Or(parts) => Expression::Or(all(parts)?),
        ConditionExpr::Not(inner) => Expression::Not(Box::new(lower(inner, rules)?)),
        ConditionExpr::Identifier(name) => match rules.iter().position(|rule| rule == name) {
            Some(slot) => Expression::Rule(slot),
            None => {
                let reason = format!("the condition names `{name}`, which is not among `rules`");
                return Err(refuse("condition", reason));
            }
        },
        ConditionExpr::Selector { quantifier, pattern } => {
            let chosen = rules.iter().enumerate().filter(|(_, name)| pattern.matches_detection_name(name));
            let chosen: Vec<Expression> = chosen.map(|(slot, _)| Expression::Rule(slot)).collect();
            match quantifier {
                _ if chosen.is_empty() => {
                    return Err(refuse("condition", format!("no rule is called like `{pattern}`")));
                }
                Quantifier::Any => Expression::Or(chosen),
                Quantifier::All => Expression::And(chosen),
                Quantifier::Count(least) => Expression::AtLeast(*least, chosen),
            }
        }
    })
}
