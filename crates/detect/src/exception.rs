//! Exceptions: events on which a rule must not fire, as somebody answers for, until a day.
//!
//! An exception is a Sigma filter that Vigie keeps: it names its rule by id, so it survives every new text of the rule,
//! and it ends by itself.

use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::RecordBatch;
use kernel::Timestamp;
use kernel::id::ExceptionId;
use serde::{Deserialize, Serialize};
use sigma::{Engine, Lists, Loader, Mappings};
use store::Row;
use yaml_serde::{Mapping, Value as Yaml};

use crate::error::Error;

/// The kind of its deadline.
pub const DEADLINE: &str = "detect.exception";
/// An exception lasts no longer than this; it can be prolonged.
pub const LONGEST_US: i64 = 366 * 86_400_000_000;

/// Where an exception is in its life.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum ExceptionState {
    Active,
    /// Its time is over.
    Expired,
    /// Somebody ended it.
    Ended,
}

impl ExceptionState {
    /// The word in storage and API.
    pub const fn as_str(self) -> &'static str {
        match self {
            ExceptionState::Active => "active",
            ExceptionState::Expired => "expired",
            ExceptionState::Ended => "ended",
        }
    }

    fn parse(text: &str) -> ExceptionState {
        match text {
            "active" => ExceptionState::Active,
            "expired" => ExceptionState::Expired,
            _ => ExceptionState::Ended,
        }
    }
}

/// What somebody asks for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct NewException {
    pub rule_id: String,
    pub title: String,
    /// Sigma detections, in YAML: the events to leave out. `condition` may be left out when there is one.
    pub detection: String,
    /// Who answers for it.
    pub owner: String,
    pub expires: Timestamp,
    /// Accept that the rule no longer fires on any of the events that it is known by.
    pub accept_blind: bool,
}

/// An exception as it is kept.
#[derive(Debug, Clone, PartialEq)]
pub struct RuleException {
    pub id: ExceptionId,
    pub rule_id: String,
    pub title: String,
    pub detection: String,
    pub owner: String,
    pub reason: String,
    pub state: ExceptionState,
    /// What it would have silenced when it was made.
    pub trial: Trial,
    pub created: Timestamp,
    pub expires: Timestamp,
    pub version: i64,
}

/// A rule with an exception, tried on events.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trial {
    /// Events of the rule's tests on which it must fire.
    pub samples: u64,
    /// Those on which it no longer does.
    pub samples_silenced: u64,
    /// Events of its latest alerts.
    pub alerted: u64,
    pub alerted_silenced: u64,
}

impl Trial {
    /// The rule fires on nothing any more that it is known to fire on.
    pub const fn blinds(&self) -> bool {
        self.samples > 0 && self.samples_silenced == self.samples
    }
}

/// Events that rules are known by.
pub trait Samples: Send + Sync {
    /// Field columns of the events on which the rule of this file must fire, as its tests say.
    fn positives(&self, rule_id: &str, origin: &str) -> Vec<RecordBatch>;
    /// Field columns of a record as it arrived; `None`: it cannot be read.
    fn record(&self, raw: &str) -> Option<RecordBatch>;
}

/// Knows no events.
pub(crate) struct NoSamples;

impl Samples for NoSamples {
    fn positives(&self, _rule_id: &str, _origin: &str) -> Vec<RecordBatch> {
        Vec::new()
    }

    fn record(&self, _raw: &str) -> Option<RecordBatch> {
        None
    }
}

impl RuleException {
    pub(crate) fn of(row: &Row) -> Result<RuleException, store::Error> {
        Ok(RuleException {
            id: row.id("id")?,
            rule_id: row.text("rule_id")?.to_owned(),
            title: row.text("title")?.to_owned(),
            detection: row.text("detection")?.to_owned(),
            owner: row.text("owner")?.to_owned(),
            reason: row.text("reason")?.to_owned(),
            state: ExceptionState::parse(row.text("state")?),
            trial: row.json("trial")?,
            created: row.time("created_us")?,
            expires: row.time("expires_us")?,
            version: row.int("version")?,
        })
    }

    /// As a Sigma filter, with the name of a file for messages.
    pub fn filter(&self) -> Result<(PathBuf, String), Error> {
        let name = PathBuf::from(format!("exceptions/{}.yml", self.id));
        Ok((name, filter_text(&self.rule_id, &self.title, &self.detection)?))
    }

    /// What the ledger and a conflict show of it.
    pub(crate) fn summary(&self) -> serde_json::Value {
        serde_json::json!({
            "rule": self.rule_id, "title": self.title, "detection": self.detection, "owner": self.owner,
            "state": self.state.as_str(), "expires": self.expires, "trial": self.trial,
        })
    }
}

/// The Sigma filter for `detection`, which names events to leave out of the rule.
pub fn filter_text(rule_id: &str, title: &str, detection: &str) -> Result<String, Error> {
    let bad = |problem: String| Error::BadRule { place: "detection".to_owned(), problem };
    let detections: Mapping = yaml_serde::from_str(detection).map_err(|error| bad(error.to_string()))?;
    let mut filter = Mapping::new();
    filter.insert("rules".into(), Yaml::Sequence(vec![rule_id.into()]));
    let mut names = Vec::new();
    let mut condition = None;
    for (name, value) in detections {
        match name.as_str() {
            Some("condition") => {
                let text = value.as_str().ok_or_else(|| bad("`condition` must be one text".to_owned()))?;
                condition = Some(text.to_owned());
            }
            Some("rules" | "logsource" | "filter") => {
                return Err(bad("give the detections alone: the rule and the log source are known".to_owned()));
            }
            Some(field) if !value.is_mapping() && !value.is_sequence() => {
                return Err(bad(format!("`{field}` stands alone; put it under a name: `selection:`, then the fields")));
            }
            Some(text) => {
                names.push(text.to_owned());
                filter.insert(name, value);
            }
            None => return Err(bad("the name of a detection must be a text".to_owned())),
        }
    }
    let condition = match (condition, names.as_slice()) {
        (Some(condition), [_, ..]) => condition,
        (None, [only]) => only.clone(),
        (_, []) => {
            return Err(bad("say which events to leave out: `selection:` and fields with their values".to_owned()));
        }
        (None, _) => return Err(bad("there are several detections: say with `condition` how they combine".to_owned())),
    };
    filter.insert("condition".into(), format!("not ({condition})").into());
    let mut document = Mapping::new();
    document.insert("title".into(), title.into());
    document.insert("logsource".into(), Yaml::Mapping(Mapping::new()));
    document.insert("filter".into(), Yaml::Mapping(filter));
    yaml_serde::to_string(&Yaml::Mapping(document)).map_err(|error| bad(error.to_string()))
}

/// Tries the rule with and without the exception.
pub(crate) fn try_out(
    rule: (&str, &str),
    filter: &str,
    mappings: &Mappings,
    samples: &[RecordBatch],
    alerted: &[RecordBatch],
) -> Result<Trial, Error> {
    let (file, text) = rule;
    let without = engine(file, text, None, mappings)?;
    let with = engine(file, text, Some(filter), mappings)?;
    let count = |batches: &[RecordBatch]| {
        let fires = |engine: &Engine, batch: &RecordBatch| !engine.evaluate(batch).hits.is_empty();
        let known: Vec<&RecordBatch> = batches.iter().filter(|batch| fires(&without, batch)).collect();
        (known.len() as u64, known.iter().filter(|batch| !fires(&with, batch)).count() as u64)
    };
    let ((samples, samples_silenced), (alerted, alerted_silenced)) = (count(samples), count(alerted));
    Ok(Trial { samples, samples_silenced, alerted, alerted_silenced })
}

fn engine(file: &str, text: &str, filter: Option<&str>, mappings: &Mappings) -> Result<Engine, Error> {
    let lists = Lists::default();
    let mut loader = Loader::new(&lists).text(file.as_ref(), text);
    if let Some(filter) = filter {
        loader = loader.text("exception".as_ref(), filter);
    }
    let set = loader.finish();
    let ours = |file: &std::path::Path| file == std::path::Path::new("exception");
    if let Some(problem) = set.problems.iter().find(|problem| ours(&problem.file)) {
        return Err(Error::BadRule { place: "detection".to_owned(), problem: problem.reason.clone() });
    }
    let rules: Vec<Arc<sigma::Rule>> = set.rules;
    Ok(Engine::compile(rules, mappings))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(detection: &str, condition: &str) {
        let text = filter_text("id-1", "Backup", detection).map_err(|error| error.to_string());
        match text {
            Ok(text) => {
                let set = sigma::load_text("f.yml".as_ref(), &text, &Lists::default());
                assert_eq!(set.refused().count(), 0, "{text}");
                assert!(text.contains(&format!("condition: {condition}")), "{text}");
            }
            Err(error) => assert_eq!(error, condition),
        }
    }

    #[test]
    fn a_detection_becomes_a_filter() {
        check("selection:\n  User: svc-backup\n", "not (selection)");
        check("a:\n  User: x\nb:\n  Image|endswith: y\ncondition: a and b\n", "not (a and b)");
        check(
            "a:\n  User: x\nb:\n  User: y\n",
            "detection: there are several detections: say with `condition` how they combine",
        );
        check("condition: a\n", "detection: say which events to leave out: `selection:` and fields with their values");
        check("User: x\n", "detection: `User` stands alone; put it under a name: `selection:`, then the fields");
        check("rules: [x]\n", "detection: give the detections alone: the rule and the log source are known");
        check(
            "selection:\n  - [",
            "detection: did not find expected node content at line 3 column 1, while parsing a flow node",
        );
    }
}
