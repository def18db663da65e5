//! One rule on one event, tested straight from the tree: what explains a match, and what the compiled engine is
//! proven against.

use serde::Serialize;

use crate::detection::{Condition, Detection, Item, Number, Order, Test, TextOrder, address};
use crate::mapping::Gate;
use crate::pattern::{Pattern, Shape, fold};

/// The fields of one event.
pub trait Event {
    /// The values of a source field; none when it is absent.
    fn values(&self, field: &str) -> Vec<&str>;
    /// Every value of every field that keywords are looked for in, with the field's name.
    fn all(&self) -> Vec<(&str, &str)>;
}

/// One predicate that made a rule fire.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Reason {
    /// The detection in the rule: `selection_img`.
    pub detection: String,
    /// The source field.
    pub field: String,
    /// What was asked, in words: ``ends with `\cmd.exe` ``.
    pub predicate: String,
    /// The value that answered; `None`: the field is absent.
    pub value: Option<String>,
}

/// Why `condition` holds for `event` as `gate` maps its fields; `None` when it does not hold. What must *not* hold
/// gives no reason of its own.
pub fn reasons(condition: &Condition, gate: &Gate, event: &dyn Event) -> Option<Vec<Reason>> {
    match condition {
        Condition::And(parts) => all(parts.iter().map(|part| reasons(part, gate, event))),
        Condition::Or(parts) => any(parts.iter().map(|part| reasons(part, gate, event)), 1),
        Condition::AtLeast(least, parts) => any(parts.iter().map(|part| reasons(part, gate, event)), *least),
        Condition::Not(inner) => match reasons(inner, gate, event) {
            Some(_) => None,
            None => Some(Vec::new()),
        },
        Condition::Detection(named) => detection(&named.name, &named.detection, gate, event),
    }
}

fn all(parts: impl Iterator<Item = Option<Vec<Reason>>>) -> Option<Vec<Reason>> {
    let parts: Option<Vec<Vec<Reason>>> = parts.collect();
    Some(parts?.concat())
}

fn any(parts: impl Iterator<Item = Option<Vec<Reason>>>, least: u64) -> Option<Vec<Reason>> {
    let held: Vec<Vec<Reason>> = parts.flatten().collect();
    (held.len() as u64 >= least).then(|| held.concat())
}

fn detection(name: &str, part: &Detection, gate: &Gate, event: &dyn Event) -> Option<Vec<Reason>> {
    match part {
        Detection::All(parts) => all(parts.iter().map(|part| detection(name, part, gate, event))),
        Detection::Any(parts) => any(parts.iter().map(|part| detection(name, part, gate, event)), 1),
        Detection::Item(one) => item(name, one, gate, event),
    }
}

fn item(name: &str, item: &Item, gate: &Gate, event: &dyn Event) -> Option<Vec<Reason>> {
    let reason = |field: &str, test: &Test, value: Option<&str>| Reason {
        detection: name.to_owned(),
        field: field.to_owned(),
        predicate: words(test),
        value: value.map(str::to_owned),
    };
    let Some(field) = &item.field else {
        let values = event.all();
        let found = item.tests.iter().map(|test| {
            let (field, value) = values.iter().find(|(_, value)| holds(test, value))?;
            Some(vec![reason(field, test, Some(value))])
        });
        return if item.all { all(found) } else { any(found, 1) };
    };
    let column = gate.column(field);
    let values = column.map(|column| event.values(column)).unwrap_or_default();
    let shown = column.unwrap_or(field);
    let found = item.tests.iter().map(|test| match test {
        Test::Null => values.is_empty().then(|| vec![reason(shown, test, None)]),
        Test::Exists(wanted) => {
            (*wanted != values.is_empty()).then(|| vec![reason(shown, test, values.first().copied())])
        }
        Test::Field { other, by, cased } => {
            let others = gate.column(other).map(|other| event.values(other)).unwrap_or_default();
            let value = values.iter().find(|value| others.iter().any(|other| related(value, other, *by, *cased)))?;
            Some(vec![reason(shown, test, Some(value))])
        }
        test => values.iter().find(|value| holds(test, value)).map(|value| vec![reason(shown, test, Some(value))]),
    });
    let found = if item.all { all(found) } else { any(found, 1) };
    match (item.negated, found) {
        (false, found) => found,
        (true, Some(_)) => None,
        (true, None) => values.first().map(|value| {
            let each = item
                .tests
                .iter()
                .map(|test| Reason { predicate: format!("not: {}", words(test)), ..reason(shown, test, Some(value)) });
            each.collect()
        }),
    }
}

/// Whether a test of values holds for `value`.
pub(crate) fn holds(test: &Test, value: &str) -> bool {
    match test {
        Test::Text { pattern, cased: true } => pattern.matches(value),
        Test::Text { pattern, cased: false } => pattern.folded().matches(&fold(value)),
        Test::Regex(expression) => expression.regex.is_match(value),
        Test::Number(number) => Number::parse(value).is_some_and(|value| Order::Equal.holds(value, *number)),
        Test::Bool(wanted) => value.eq_ignore_ascii_case(if *wanted { "true" } else { "false" }),
        Test::Compare { by, number } => Number::parse(value).is_some_and(|value| by.holds(value, *number)),
        Test::Network(network) => address(value).is_some_and(|address| network.contains(&address)),
        Test::TimePart { part, by, number } => part.of(value).is_some_and(|value| by.holds(value, *number)),
        Test::Null | Test::Exists(_) | Test::Field { .. } => false,
    }
}

/// Whether `value` stands to `other` as `fieldref` asks.
pub(crate) fn related(value: &str, other: &str, by: TextOrder, cased: bool) -> bool {
    let (value, other) = if cased { (value.into(), other.into()) } else { (fold(value), fold(other)) };
    match by {
        TextOrder::Equals => value == other,
        TextOrder::Contains => value.contains(&*other),
        TextOrder::StartsWith => value.starts_with(&*other),
        TextOrder::EndsWith => value.ends_with(&*other),
    }
}

/// A test in words: ``contains `whoami` ``.
pub fn words(test: &Test) -> String {
    match test {
        Test::Text { pattern, cased } => {
            let case = if *cased { " (same case)" } else { "" };
            format!("{}{case}", pattern_words(pattern))
        }
        Test::Regex(expression) => format!("matches the regular expression `{}`", expression.source),
        Test::Number(number) => format!("is {number}"),
        Test::Bool(wanted) => format!("is {wanted}"),
        Test::Compare { by, number } => format!("is {} {number}", by.sign()),
        Test::Network(network) => format!("is an address in {network}"),
        Test::TimePart { part, by, number } => format!("has a {} {} {number}", part.as_str(), by.sign()),
        Test::Null => "is absent".to_owned(),
        Test::Exists(true) => "is present".to_owned(),
        Test::Exists(false) => "is not present".to_owned(),
        Test::Field { other, by, .. } => {
            let verb = match by {
                TextOrder::Equals => "equals",
                TextOrder::Contains => "contains",
                TextOrder::StartsWith => "starts with",
                TextOrder::EndsWith => "ends with",
            };
            format!("{verb} the value of `{other}`")
        }
    }
}

fn pattern_words(pattern: &Pattern) -> String {
    match pattern.shape() {
        Shape::Exact("") => "is empty".to_owned(),
        Shape::Exact(text) => format!("is `{text}`"),
        Shape::Contains(text) => format!("contains `{text}`"),
        Shape::StartsWith(text) => format!("starts with `{text}`"),
        Shape::EndsWith(text) => format!("ends with `{text}`"),
        Shape::Anything => "has any value".to_owned(),
        Shape::General(_) => format!("is like `{}`", pattern.source()),
    }
}
