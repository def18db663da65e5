//! What a rule asks of an event: tests on fields, combined. Modifiers are gone here; each left its meaning.

use std::net::IpAddr;
use std::sync::Arc;

use ipnet::IpNet;

use crate::pattern::Pattern;

/// A condition with its detections in place.
#[derive(Debug, Clone, PartialEq)]
pub enum Condition {
    And(Vec<Condition>),
    Or(Vec<Condition>),
    Not(Box<Condition>),
    /// At least so many of these hold: `2 of selection_*`.
    AtLeast(u64, Vec<Condition>),
    /// A named detection.
    Detection(Arc<Named>),
}

/// A detection under its name in the rule.
#[derive(Debug, Clone, PartialEq)]
pub struct Named {
    pub name: String,
    pub detection: Detection,
}

/// Tests and how they combine.
#[derive(Debug, Clone, PartialEq)]
pub enum Detection {
    /// Every one: a mapping.
    All(Vec<Detection>),
    /// Any one: a list of mappings.
    Any(Vec<Detection>),
    Item(Item),
}

/// One line of a detection: a field and what its value may be.
#[derive(Debug, Clone, PartialEq)]
pub struct Item {
    /// `None`: a keyword, looked for in every field.
    pub field: Option<String>,
    pub tests: Vec<Test>,
    /// All tests must hold (`all`), not just one.
    pub all: bool,
    /// The field has a value and the tests do not hold (`neq`).
    pub negated: bool,
}

/// One test of one value. A field with several values passes if one of them does.
#[derive(Debug, Clone, PartialEq)]
pub enum Test {
    /// The whole value has the form of the pattern.
    Text {
        pattern: Pattern,
        cased: bool,
    },
    /// The expression matches somewhere in the value.
    Regex(Expression),
    /// Equal as a number.
    Number(Number),
    /// `true` or `false`.
    Bool(bool),
    Compare {
        by: Order,
        number: Number,
    },
    Network(IpNet),
    /// A part of the instant that the value names, in UTC.
    TimePart {
        part: TimePart,
        by: Order,
        number: Number,
    },
    /// The field is absent (JSON `null` counts as absent).
    Null,
    /// The field is there, or not.
    Exists(bool),
    /// The value of another field of the same event.
    Field {
        other: String,
        by: TextOrder,
        cased: bool,
    },
}

/// How two texts compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TextOrder {
    Equals,
    Contains,
    StartsWith,
    EndsWith,
}

/// How two numbers compare.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Order {
    Equal,
    Greater,
    GreaterOrEqual,
    Less,
    LessOrEqual,
}

/// A part of an instant.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum TimePart {
    Minute,
    Hour,
    Day,
    /// ISO 8601 week of the year.
    Week,
    Month,
    Year,
}

/// A number as rules and events write it. Whole numbers compare exactly.
#[derive(Debug, Clone, Copy, PartialEq)]
pub enum Number {
    Whole(i64),
    Real(f64),
}

/// A regular expression, compiled once and shared.
#[derive(Debug, Clone)]
pub struct Expression {
    pub source: String,
    pub regex: regex::Regex,
}

impl PartialEq for Expression {
    fn eq(&self, other: &Expression) -> bool {
        self.source == other.source
    }
}

impl Number {
    /// Reads a number; `None` for anything else, `NaN` included.
    pub fn parse(text: &str) -> Option<Number> {
        let first = *text.as_bytes().first()?;
        if !first.is_ascii_digit() && !matches!(first, b'-' | b'+' | b'.') {
            return None;
        }
        if let Ok(whole) = text.parse() {
            return Some(Number::Whole(whole));
        }
        let real: f64 = text.parse().ok()?;
        real.is_finite().then_some(Number::Real(real))
    }

    /// As a float, which loses digits beyond 2^53.
    pub fn as_f64(self) -> f64 {
        match self {
            Number::Whole(whole) => whole as f64,
            Number::Real(real) => real,
        }
    }

    fn compare(self, other: Number) -> Option<std::cmp::Ordering> {
        match (self, other) {
            (Number::Whole(left), Number::Whole(right)) => Some(left.cmp(&right)),
            _ => self.as_f64().partial_cmp(&other.as_f64()),
        }
    }
}

impl std::fmt::Display for Number {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Number::Whole(whole) => whole.fmt(f),
            Number::Real(real) => real.fmt(f),
        }
    }
}

impl Order {
    /// Whether `value` stands so to `bound`.
    pub fn holds(self, value: Number, bound: Number) -> bool {
        let Some(ordering) = value.compare(bound) else { return false };
        match self {
            Order::Equal => ordering.is_eq(),
            Order::Greater => ordering.is_gt(),
            Order::GreaterOrEqual => ordering.is_ge(),
            Order::Less => ordering.is_lt(),
            Order::LessOrEqual => ordering.is_le(),
        }
    }

    /// `=`, `>`, …
    pub const fn sign(self) -> &'static str {
        match self {
            Order::Equal => "=",
            Order::Greater => ">",
            Order::GreaterOrEqual => ">=",
            Order::Less => "<",
            Order::LessOrEqual => "<=",
        }
    }
}

impl TimePart {
    /// The word of the modifier.
    pub const fn as_str(self) -> &'static str {
        match self {
            TimePart::Minute => "minute",
            TimePart::Hour => "hour",
            TimePart::Day => "day",
            TimePart::Week => "week",
            TimePart::Month => "month",
            TimePart::Year => "year",
        }
    }

    /// This part of the instant that `text` names: RFC 3339, a date and time without zone (taken as UTC), or seconds
    /// or milliseconds since 1970. `None`: not an instant.
    pub fn of(self, text: &str) -> Option<Number> {
        let at = instant(text)?.to_zoned(jiff::tz::TimeZone::UTC);
        Some(Number::Whole(match self {
            TimePart::Minute => at.minute().into(),
            TimePart::Hour => at.hour().into(),
            TimePart::Day => at.day().into(),
            TimePart::Week => at.date().iso_week_date().week().into(),
            TimePart::Month => at.month().into(),
            TimePart::Year => at.year().into(),
        }))
    }
}

fn instant(text: &str) -> Option<jiff::Timestamp> {
    /// Above this a count since 1970 is of milliseconds.
    const MOST_SECONDS: i64 = 1_000_000_000_000;
    if let Ok(count) = text.parse::<i64>() {
        let instant = if count > MOST_SECONDS {
            jiff::Timestamp::from_millisecond(count)
        } else {
            jiff::Timestamp::from_second(count)
        };
        return instant.ok();
    }
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return Some(instant);
    }
    let civil: jiff::civil::DateTime = text.parse().ok()?;
    civil.to_zoned(jiff::tz::TimeZone::UTC).ok().map(|zoned| zoned.timestamp())
}

/// The address that `text` names; an IPv4 address in IPv6 clothes (`::ffff:10.0.0.1`) is the IPv4 one.
pub(crate) fn address(text: &str) -> Option<IpAddr> {
    text.parse::<IpAddr>().ok().map(|address| address.to_canonical())
}

impl Condition {
    /// Every item, with the name of the detection it stands in.
    pub fn for_each_item<'a>(&'a self, visit: &mut dyn FnMut(&'a str, &'a Item)) {
        match self {
            Condition::And(parts) | Condition::Or(parts) | Condition::AtLeast(_, parts) => {
                parts.iter().for_each(|part| part.for_each_item(visit));
            }
            Condition::Not(inner) => inner.for_each_item(visit),
            Condition::Detection(named) => named.detection.for_each_item(&mut |item| visit(&named.name, item)),
        }
    }
}

impl Detection {
    /// Every item.
    pub fn for_each_item<'a>(&'a self, visit: &mut dyn FnMut(&'a Item)) {
        match self {
            Detection::All(parts) | Detection::Any(parts) => {
                parts.iter().for_each(|part| part.for_each_item(visit));
            }
            Detection::Item(item) => visit(item),
        }
    }
}
