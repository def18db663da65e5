//! What a correlation that fired says.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::group::{Key, Raised};
use super::{Correlation, Metric, Together};

/// A correlation fired.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Alert {
    pub key: AlertKey,
    /// The count, or the number computed, over the window.
    pub value: f64,
    /// The condition held at the event before as well: the alert is about the same happening, and names only the
    /// event that is new.
    pub continues: bool,
    /// The events that contributed, earliest first: the latest hundred of them.
    pub parts: Vec<Part>,
    /// Hits in the window, those included that `parts` does not name.
    pub hits: u64,
    /// The fields of the group, each with its value; `None`: absent.
    pub group: Vec<(String, Option<String>)>,
    /// Why, in words: ``5 events within 5m (at least 5), for User = `amina` ``.
    pub reason: String,
}

/// Names an alert. It is the same at each replay: who has the alert already puts the new one in its place.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct AlertKey {
    /// Of the event at which it fired.
    pub time: Timestamp,
    /// The event at which it fired.
    pub event: String,
    /// The id of the rule.
    pub correlation: String,
    /// The values of its `group-by` fields, in their order.
    pub group: Vec<Option<String>>,
}

/// An event that contributed.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Part {
    pub time: Timestamp,
    pub event: String,
    /// The rule that it matched, as the correlation calls it.
    pub rule: String,
}

impl AlertKey {
    pub(super) fn new(rule: &Correlation, group: &Key, moment: &super::group::Moment) -> AlertKey {
        AlertKey {
            time: Timestamp(moment.0),
            event: moment.1.to_string(),
            correlation: rule.id.clone(),
            group: group.iter().map(|value| value.as_deref().map(str::to_owned)).collect(),
        }
    }
}

impl Alert {
    pub(super) fn new(rule: &Correlation, group: &Key, raised: &Raised) -> Alert {
        let key = AlertKey::new(rule, group, &raised.moment);
        let group: Vec<_> = rule.group_by.iter().cloned().zip(key.group.iter().cloned()).collect();
        Alert {
            value: raised.fired.value,
            continues: raised.fired.continues,
            parts: raised.parts.clone(),
            hits: raised.hits,
            reason: format!("{}{}", what(rule, raised.fired.value, &raised.occurred), for_whom(&group)),
            group,
            key,
        }
    }
}

fn what(rule: &Correlation, value: f64, occurred: &[bool]) -> String {
    let within = &rule.timespan;
    match &rule.test {
        Together::EventCount(range) => format!("{value} events within {within} ({range})"),
        Together::ValueCount { fields, range } => {
            let of = if fields.len() == 1 { "values" } else { "combinations" };
            format!("{value} different {of} of {} within {within} ({range})", fields.join(", "))
        }
        Together::Temporal { ordered, .. } => {
            let names = rule.rules.iter().zip(occurred).filter(|(_, occurred)| **occurred);
            let names: Vec<String> = names.map(|(one, _)| format!("`{}`", one.name)).collect();
            format!("{} within {within}", names.join(if *ordered { ", then " } else { " and " }))
        }
        Together::Metric { metric, field, range } => {
            let metric = match metric {
                Metric::Sum => "sum".to_owned(),
                Metric::Average => "average".to_owned(),
                Metric::Median => "median".to_owned(),
                Metric::Percentile(rank) => format!("percentile {rank}"),
            };
            format!("the {metric} of {field} is {value} within {within} ({range})")
        }
    }
}

fn for_whom(group: &[(String, Option<String>)]) -> String {
    if group.is_empty() {
        return String::new();
    }
    let values = group.iter().map(|(field, value)| match value {
        Some(value) => format!("{field} = `{value}`"),
        None => format!("{field} absent"),
    });
    format!(", for {}", values.collect::<Vec<_>>().join(", "))
}
