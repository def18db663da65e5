//! What correlations remember, to be kept over a restart.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use serde::{Deserialize, Serialize};

use super::group::{Fired, Group, Hit, Key, Moment, Place, Value};
use super::{Correlations, Correlator, Part, Settings};

/// The form of the state; another one is not read.
const VERSION: u32 = 1;

/// All that a [`Correlator`] remembers. To be written down whole, in any form that `serde` has.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct State {
    version: u32,
    newest_us: Option<i64>,
    correlations: Vec<OfCorrelation>,
}

/// What one correlation remembered, which is of no use to the rules that there are now.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Lost {
    /// The id of the correlation.
    pub correlation: String,
    pub hits: usize,
    pub reason: String,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OfCorrelation {
    id: String,
    sha256: String,
    /// The names of what groups and hits carry.
    outputs: Vec<String>,
    groups: Vec<OfGroup>,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OfGroup {
    key: Values,
    hits: Vec<OfHit>,
    fired: Vec<OfFired>,
}

type Values = Vec<Option<String>>;

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OfHit {
    time_us: i64,
    event: String,
    slot: u16,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    via: Option<Values>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    text: Option<String>,
    /// The bits of a number, which decimal text might change.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    number: Option<u64>,
    carried: Values,
    parts: Vec<Part>,
    counted: bool,
}

#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct OfFired {
    time_us: i64,
    event: String,
    /// The bits of the number.
    value: u64,
    continues: bool,
    carried: Values,
}

impl Correlator {
    /// All that is remembered now.
    pub fn state(&self) -> State {
        let correlations = self.rules.nodes.iter().zip(&self.groups).map(|(node, groups)| {
            let mut kept: Vec<OfGroup> = groups.by_key.iter().map(|(key, group)| of_group(key, group)).collect();
            kept.sort_by(|one, other| one.key.cmp(&other.key));
            OfCorrelation {
                id: node.rule.id.clone(),
                sha256: node.rule.sha256.clone(),
                outputs: node.outputs.clone(),
                groups: kept,
            }
        });
        State { version: VERSION, newest_us: self.newest, correlations: correlations.collect() }
    }

    /// Goes on from `state`. A correlation whose text has changed since, or of which others ask other fields, begins
    /// anew; what it had remembered is among the lost.
    pub fn resume(rules: Arc<Correlations>, settings: Settings, state: State) -> (Correlator, Vec<Lost>) {
        let mut correlator = Correlator::new(rules, settings);
        let mut lost = Vec::new();
        if state.version == VERSION {
            correlator.newest = state.newest_us;
        }
        for of in state.correlations {
            let place = correlator.rules.place(&of.id);
            let reason = match place.map(|place| &correlator.rules.nodes[place]) {
                _ if state.version != VERSION => Some("it was written by another version"),
                None => Some("the rule is gone"),
                Some(node) if node.rule.sha256 != of.sha256 => Some("the rule was changed"),
                Some(node) if node.outputs != of.outputs => Some("the correlations above it ask for other fields"),
                Some(_) => None,
            };
            if let Some(reason) = reason {
                let hits = of.groups.iter().map(|group| group.hits.len()).sum();
                lost.push(Lost { correlation: of.id, hits, reason: reason.to_owned() });
                continue;
            }
            for group in of.groups {
                let (key, group) = restored(group);
                correlator.hits += group.hits.len();
                if let Some(place) = place {
                    correlator.groups[place].by_key.insert(key, group);
                }
            }
        }
        (correlator, lost)
    }
}

fn of_group(key: &Key, group: &Group) -> OfGroup {
    let hits = group.hits.iter().map(|hit| OfHit {
        time_us: hit.place.time,
        event: hit.place.event.to_string(),
        slot: hit.place.slot,
        via: hit.place.via.as_deref().map(texts),
        text: match &hit.value {
            Value::Text(text) => Some(text.to_string()),
            Value::None | Value::Number(_) => None,
        },
        number: match hit.value {
            Value::Number(number) => Some(number.to_bits()),
            Value::None | Value::Text(_) => None,
        },
        carried: texts(&hit.carried),
        parts: hit.parts.to_vec(),
        counted: hit.counted,
    });
    let fired = group.fired.iter().map(|((time, event), fired)| OfFired {
        time_us: *time,
        event: event.to_string(),
        value: fired.value.to_bits(),
        continues: fired.continues,
        carried: texts(&fired.carried),
    });
    OfGroup { key: texts(key), hits: hits.collect(), fired: fired.collect() }
}

fn restored(of: OfGroup) -> (Key, Group) {
    let hits: VecDeque<Hit> = of.hits.into_iter().map(restored_hit).collect();
    let fired: BTreeMap<Moment, Fired> = of
        .fired
        .into_iter()
        .map(|of| {
            let fired = Fired { value: f64::from_bits(of.value), continues: of.continues, carried: shared(of.carried) };
            ((of.time_us, Arc::from(of.event)), fired)
        })
        .collect();
    (shared(of.key), Group::restored(hits, fired))
}

fn restored_hit(of: OfHit) -> Hit {
    Hit {
        place: Place { time: of.time_us, event: of.event.into(), slot: of.slot, via: of.via.map(shared) },
        value: match (of.text, of.number) {
            (Some(text), _) => Value::Text(text.into()),
            (None, Some(bits)) => Value::Number(f64::from_bits(bits)),
            (None, None) => Value::None,
        },
        carried: shared(of.carried),
        parts: of.parts.into(),
        counted: of.counted,
    }
}

fn texts(values: &[Option<Arc<str>>]) -> Values {
    values.iter().map(|value| value.as_deref().map(str::to_owned)).collect()
}

fn shared(values: Values) -> Key {
    values.into_iter().map(|value| value.map(Arc::from)).collect()
}
