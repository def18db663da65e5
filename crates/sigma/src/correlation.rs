//! Correlation rules: what several events say together.
//!
//! What the Sigma specification (correlations, 2.1) says is kept to the letter. Where it is silent:
//! - **Window.** It slides: at an event of time `t` it holds the events of the same group from `t - timespan` to `t`,
//!   both included. The condition is asked once at each event, so it fires at each event at which it holds; an alert
//!   says whether it [continues](Alert::continues) the one before, so that a reader may take a run as one.
//! - **Order.** Events are ordered by time, then by their reference, never by arrival. Events of one instant are in
//!   order for `temporal_ordered`, whichever comes first.
//! - **Events and rules.** An event that several of the rules match is one event to `event_count` and to the sums;
//!   for `temporal` it stands for each of those rules.
//! - **Groups.** Events without a `group-by` field are a group of their own: "absent" is a value like any other. A
//!   field with several values has their list as its value. No `group-by` at all: one group.
//! - **Values.** An event without the asked `field`, or without a number where one is needed, takes no part and is
//!   counted as such. Sums are exact and rounded once. A percentile lies between its neighbours in proportion.
//! - **`temporal` without a condition**: all rules. A count is of different rules. `temporal_ordered` asks for all
//!   rules in order, and for its condition besides.
//! - **Chains.** A correlation that fires is an event of that time. It has its `group-by` fields, and for any other
//!   field the value in the event at which it fired.
//! - **`generate`** stands with the correlation: its rules alert alone only where one that names them says so.
//! - **Level.** That of the correlation; without one, the highest of its rules.

mod alert;
mod compile;
mod correlator;
mod documents;
mod group;
mod observe;
mod read;
mod resolve;
mod state;
mod window;

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use kernel::Severity;
use serde::Serialize;

pub use alert::{Alert, AlertKey, Part};
pub use compile::{Correlations, Observation};
pub use correlator::{Changes, Correlator, Settings, Stored};
pub use state::{Lost, State};

pub(crate) use documents::{is_of_correlation, read_all};
pub(crate) use read::Draft;
pub(crate) use resolve::resolve;

use crate::rule::{self, Status};

/// One correlation rule, complete.
#[derive(Debug, Clone)]
pub struct Correlation {
    /// Its own id; without one, `sha256:`, the start of its file's digest, and its title.
    pub id: String,
    /// By which other correlations may call it.
    pub name: Option<String>,
    pub title: String,
    /// Its level, or else the highest of its rules.
    pub severity: Severity,
    pub status: Option<Status>,
    pub description: String,
    pub author: String,
    pub references: Vec<String>,
    pub tags: Vec<String>,
    pub falsepositives: Vec<String>,
    pub date: Option<String>,
    pub modified: Option<String>,
    pub test: Together,
    /// The rules whose events it correlates, in the order written; at least one.
    pub rules: Vec<Reference>,
    /// Fields, or names of `aliases`.
    pub group_by: Vec<String>,
    /// More than nothing.
    pub timespan_us: i64,
    /// `90m`, as written.
    pub timespan: String,
    /// For each alias the field that it is in the events of a rule, which is called as in `rules`.
    pub aliases: BTreeMap<String, BTreeMap<String, String>>,
    /// Its rules alert alone as well.
    pub generate: bool,
    pub file: PathBuf,
    /// The whole file, as read.
    pub text: Arc<str>,
    /// Hex SHA-256 of `text`.
    pub sha256: String,
}

/// A rule that a correlation names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Reference {
    /// As written: an id or a name.
    pub name: String,
    pub target: Target,
}

/// What a reference was found to be, by the id under which it is loaded.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Target {
    Rule(String),
    Correlation(String),
}

/// What the events of a window must be together.
#[derive(Debug, Clone, PartialEq)]
pub enum Together {
    EventCount(Range),
    /// Different values; of several fields, different combinations.
    ValueCount {
        fields: Vec<String>,
        range: Range,
    },
    /// Different rules.
    Temporal {
        ordered: bool,
        condition: Occurrence,
    },
    /// One number made of the values of a field.
    Metric {
        metric: Metric,
        field: String,
        range: Range,
    },
}

/// How many of the rules, or which, must occur.
#[derive(Debug, Clone, PartialEq)]
pub enum Occurrence {
    Count(Range),
    Expression(Expression),
}

/// A boolean condition over the rules of a correlation, each called by its place in [`Correlation::rules`].
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Expression {
    Rule(usize),
    And(Vec<Expression>),
    Or(Vec<Expression>),
    Not(Box<Expression>),
    AtLeast(u64, Vec<Expression>),
}

impl Expression {
    /// Whether it holds when `occurred` tells which rules have occurred.
    pub fn holds(&self, occurred: &dyn Fn(usize) -> bool) -> bool {
        match self {
            Expression::Rule(slot) => occurred(*slot),
            Expression::And(parts) => parts.iter().all(|part| part.holds(occurred)),
            Expression::Or(parts) => parts.iter().any(|part| part.holds(occurred)),
            Expression::Not(inner) => !inner.holds(occurred),
            Expression::AtLeast(least, parts) => {
                parts.iter().filter(|part| part.holds(occurred)).count() as u64 >= *least
            }
        }
    }
}

/// What is made of the numbers in a window.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub enum Metric {
    Sum,
    Average,
    Median,
    /// 0 to 100.
    Percentile(u8),
}

/// Comparisons that must all hold; at least one.
#[derive(Debug, Clone, PartialEq)]
pub struct Range {
    pub bounds: Vec<(Comparison, f64)>,
}

/// How a value is compared with a bound.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Comparison {
    Less,
    AtMost,
    More,
    AtLeast,
    Exactly,
    Not,
}

impl Range {
    /// Whether `value` lies in it.
    pub fn holds(&self, value: f64) -> bool {
        self.bounds.iter().all(|(comparison, bound)| match comparison {
            Comparison::Less => value < *bound,
            Comparison::AtMost => value <= *bound,
            Comparison::More => value > *bound,
            Comparison::AtLeast => value >= *bound,
            Comparison::Exactly => value == *bound,
            Comparison::Not => value != *bound,
        })
    }
}

impl std::fmt::Display for Range {
    /// `more than 5 and at most 10`
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        for (place, (comparison, bound)) in self.bounds.iter().enumerate() {
            if place > 0 {
                f.write_str(" and ")?;
            }
            let words = match comparison {
                Comparison::Less => "less than",
                Comparison::AtMost => "at most",
                Comparison::More => "more than",
                Comparison::AtLeast => "at least",
                Comparison::Exactly => "exactly",
                Comparison::Not => "other than",
            };
            write!(f, "{words} {bound}")?;
        }
        Ok(())
    }
}

impl Correlation {
    /// ATT&CK techniques and sub-techniques that it is tagged with: `T1110.001`.
    pub fn techniques(&self) -> Vec<String> {
        rule::techniques_of(&self.tags)
    }

    /// ATT&CK tactics that it is tagged with: `credential-access`.
    pub fn tactics(&self) -> Vec<String> {
        rule::tactics_of(&self.tags)
    }

    /// `event_count` and the like, as rules call it.
    pub fn type_name(&self) -> &'static str {
        match &self.test {
            Together::EventCount(_) => "event_count",
            Together::ValueCount { .. } => "value_count",
            Together::Temporal { ordered: false, .. } => "temporal",
            Together::Temporal { ordered: true, .. } => "temporal_ordered",
            Together::Metric { metric: Metric::Sum, .. } => "value_sum",
            Together::Metric { metric: Metric::Average, .. } => "value_avg",
            Together::Metric { metric: Metric::Median, .. } => "value_median",
            Together::Metric { metric: Metric::Percentile(_), .. } => "value_percentile",
        }
    }

    /// The fields that it counts or computes with.
    pub fn value_fields(&self) -> &[String] {
        match &self.test {
            Together::ValueCount { fields, .. } => fields,
            Together::Metric { field, .. } => std::slice::from_ref(field),
            Together::EventCount(_) | Together::Temporal { .. } => &[],
        }
    }

    /// What the field or alias `name` is called in the events of the rule written as `rule`.
    pub fn field_in<'a>(&'a self, name: &'a str, rule: &str) -> &'a str {
        self.aliases.get(name).and_then(|by_rule| by_rule.get(rule)).map_or(name, String::as_str)
    }
}
