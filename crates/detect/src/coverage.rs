//! ATT&CK coverage: which techniques the rules in force would see, given the events that there are, and which they saw.
//!
//! A rule covers a technique no better than its ground allows: it must be in force, events of its log source must
//! arrive, and the fields that it tests must be filled in them. What it then found is the proof.

mod kinds;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use serde::Serialize;
use serde_json::{Value as Json, json};
use sigma::correlation::{Correlation, Target};
use sigma::naive::{self, Event};
use sigma::{Engine, Gate, Reach};

pub use kinds::Kinds;

/// The fields by which gates tell events of one log source from another.
pub const GATE_FIELDS: [&str; 7] =
    ["@product", "@category", "@service", "Channel", "EventID", "Provider_Name", "EventType"];

/// Rules that the comment of a technique names.
const NAMED_RULES: usize = 10;

/// Events that gates cannot tell apart.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct EventKind {
    /// What they have in [`GATE_FIELDS`]; absent: nothing.
    pub marks: BTreeMap<&'static str, String>,
    pub events: u64,
    /// Source fields that at least one of them fills.
    pub filled: BTreeSet<String>,
}

impl Event for EventKind {
    fn values(&self, field: &str) -> Vec<&str> {
        self.marks.get(field).map(String::as_str).into_iter().collect()
    }

    fn all(&self) -> Vec<(&str, &str)> {
        self.marks.iter().map(|(name, value)| (*name, value.as_str())).collect()
    }
}

/// How well a rule can see, from blind to proven.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize)]
#[serde(rename_all = "kebab-case")]
pub enum Standing {
    /// It is switched off, or cannot fire on any event that Vigie knows.
    NotInForce,
    /// No event of its log source is there.
    NoEvents,
    /// Its log source is there, but not one of the fields that it tests is filled, or one that it cannot do without.
    NoFields,
    /// It is in force; what events there are is not known.
    Loaded,
    /// Some of the fields that it tests are never filled.
    SomeFields,
    /// Events of its log source are there with every field that it tests.
    Ready,
    /// It has raised alerts.
    Fired,
}

impl Standing {
    /// Every standing, from blind to proven.
    pub const ALL: [Standing; 7] = [
        Standing::NotInForce,
        Standing::NoEvents,
        Standing::NoFields,
        Standing::Loaded,
        Standing::SomeFields,
        Standing::Ready,
        Standing::Fired,
    ];

    /// From 0 to 100, for the layer.
    pub const fn score(self) -> u32 {
        match self {
            Standing::NotInForce => 0,
            Standing::NoEvents => 10,
            Standing::NoFields => 20,
            Standing::Loaded => 40,
            Standing::SomeFields => 60,
            Standing::Ready => 80,
            Standing::Fired => 100,
        }
    }

    /// The word in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Standing::NotInForce => "not-in-force",
            Standing::NoEvents => "no-events",
            Standing::NoFields => "no-fields",
            Standing::Loaded => "loaded",
            Standing::SomeFields => "some-fields",
            Standing::Ready => "ready",
            Standing::Fired => "fired",
        }
    }

    /// For people.
    pub const fn words(self) -> &'static str {
        match self {
            Standing::NotInForce => "rules not in force",
            Standing::NoEvents => "no events of the log source",
            Standing::NoFields => "the fields tested are never filled",
            Standing::Loaded => "rules in force, events not looked at",
            Standing::SomeFields => "some fields tested are never filled",
            Standing::Ready => "events with all fields are there",
            Standing::Fired => "rules have fired",
        }
    }

    const fn color(self) -> &'static str {
        match self {
            Standing::NotInForce => "#f4c7c3",
            Standing::NoEvents => "#f6d5b8",
            Standing::NoFields => "#f8e0ae",
            Standing::Loaded => "#fbf0a6",
            Standing::SomeFields => "#dcebb0",
            Standing::Ready => "#b7dfae",
            Standing::Fired => "#7cc58b",
        }
    }
}

/// A rule and its ground.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RuleGround {
    pub id: String,
    pub title: String,
    pub techniques: Vec<String>,
    pub tactics: Vec<String>,
    pub standing: Standing,
    /// Fields that it tests and that no event of its log source fills.
    pub missing: Vec<String>,
    pub alerts: u64,
}

/// A technique, or a sub-technique by itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct TechniqueCoverage {
    pub technique: String,
    /// Tactics that at least half of its rules name: a rule of several techniques names the tactics of all of them.
    pub tactics: Vec<String>,
    /// The best that a rule of it can do; of a technique, also those of its sub-techniques.
    pub standing: Standing,
    pub rules: u64,
    /// Rules by their standing.
    pub by_standing: BTreeMap<Standing, u64>,
    pub alerts: u64,
    /// The rules that see best, by title.
    pub best: Vec<String>,
}

/// How a Sigma rule stands. `seen`: the kinds of events that there are; `None`: not known.
pub fn standing(reach: &Reach, is_on: bool, seen: Option<&[EventKind]>, alerts: u64) -> (Standing, Vec<String>) {
    if !is_on || reach.unreachable.is_some() {
        return (Standing::NotInForce, Vec::new());
    }
    let Some(seen) = seen else {
        return (if alerts > 0 { Standing::Fired } else { Standing::Loaded }, Vec::new());
    };
    // The gate whose events lack the fewest of the fields is the rule's best ground.
    let mut best: Option<(Vec<String>, bool)> = None;
    for open in &reach.gates {
        let plain = Gate { fields: BTreeMap::new(), absent: BTreeSet::new(), ..(*open.gate).clone() };
        let through: Vec<&EventKind> =
            seen.iter().filter(|kind| naive::reasons(&plain.condition, &plain, *kind).is_some()).collect();
        if through.is_empty() {
            continue;
        }
        let is_filled = |column: &str| through.iter().any(|kind| kind.filled.contains(column));
        let lacks = |field: &&sigma::FieldUse| !field.column.as_deref().is_some_and(is_filled);
        let missing: Vec<String> = open.fields.iter().filter(lacks).map(|field| field.field.clone()).collect();
        let sees_something = open.can_hold && (missing.len() < open.fields.len() || open.fields.is_empty());
        if best.as_ref().is_none_or(|(least, sees)| (!sees_something, missing.len()) < (!sees, least.len())) {
            best = Some((missing, sees_something));
        }
    }
    let fired = (alerts > 0).then_some(Standing::Fired);
    match best {
        None => (fired.unwrap_or(Standing::NoEvents), Vec::new()),
        Some((missing, _)) if missing.is_empty() => (fired.unwrap_or(Standing::Ready), missing),
        Some((missing, true)) => (fired.unwrap_or(Standing::SomeFields), missing),
        Some((missing, false)) => (fired.unwrap_or(Standing::NoFields), missing),
    }
}

/// Coverage by technique, in the order of their ids; what sub-techniques have counts for their technique, too.
pub fn by_technique(rules: &[RuleGround]) -> Vec<TechniqueCoverage> {
    let mut groups: BTreeMap<&str, BTreeMap<&str, &RuleGround>> = BTreeMap::new();
    for rule in rules {
        for technique in &rule.techniques {
            let parent = technique.split_once('.').map_or(technique.as_str(), |(parent, _)| parent);
            for name in [technique.as_str(), parent] {
                groups.entry(name).or_default().insert(&rule.id, rule);
            }
        }
    }
    let covered = groups.into_iter().map(|(technique, rules)| {
        let mut rules: Vec<&RuleGround> = rules.into_values().collect();
        rules.sort_by(|one, other| (other.standing, &one.title).cmp(&(one.standing, &other.title)));
        let mut by_standing = BTreeMap::new();
        rules.iter().for_each(|rule| *by_standing.entry(rule.standing).or_default() += 1);
        TechniqueCoverage {
            technique: technique.to_owned(),
            tactics: tactics_of(&rules),
            standing: rules.first().map_or(Standing::NotInForce, |rule| rule.standing),
            rules: rules.len() as u64,
            by_standing,
            alerts: rules.iter().map(|rule| rule.alerts).sum(),
            best: rules.iter().take(NAMED_RULES).map(|rule| rule.title.clone()).collect(),
        }
    });
    covered.collect()
}

fn tactics_of(rules: &[&RuleGround]) -> Vec<String> {
    let mut counts: BTreeMap<&str, usize> = BTreeMap::new();
    for rule in rules {
        let named: BTreeSet<&str> = rule.tactics.iter().map(String::as_str).collect();
        named.into_iter().for_each(|tactic| *counts.entry(tactic).or_default() += 1);
    }
    counts.into_iter().filter(|(_, count)| 2 * count >= rules.len()).map(|(tactic, _)| tactic.to_owned()).collect()
}

/// Sigma rules and correlations with their ground. `known` tells of a rule whether it is on, and its alerts.
pub fn grounds<'a>(
    engine: &Engine,
    correlations: impl IntoIterator<Item = &'a Arc<Correlation>>,
    seen: Option<&[EventKind]>,
    known: &dyn Fn(&str) -> (bool, u64),
) -> Vec<RuleGround> {
    let mut grounds: Vec<RuleGround> = Vec::with_capacity(engine.rules().len());
    for (rule, reach) in engine.rules().iter().zip(engine.reaches()) {
        let (is_on, alerts) = known(&rule.id);
        let (standing, missing) = standing(reach, is_on, seen, alerts);
        let (id, title, techniques, tactics) = (rule.id.clone(), rule.title.clone(), rule.techniques(), rule.tactics());
        grounds.push(RuleGround { id, title, techniques, tactics, standing, missing, alerts });
    }
    let standings: BTreeMap<String, Standing> =
        grounds.iter().map(|ground| (ground.id.clone(), ground.standing)).collect();
    for correlation in correlations {
        let (is_on, alerts) = known(&correlation.id);
        let standing = match (is_on, alerts > 0) {
            (false, _) => Standing::NotInForce,
            (true, true) => Standing::Fired,
            // Its rules have fired, it has not.
            (true, false) => best_of_rules(correlation, &standings).min(Standing::Ready),
        };
        grounds.push(RuleGround {
            id: correlation.id.clone(),
            title: correlation.title.clone(),
            techniques: correlation.techniques(),
            tactics: correlation.tactics(),
            standing,
            missing: Vec::new(),
            alerts,
        });
    }
    grounds
}

/// A correlation sees no more than its best rule; one of correlations sees what is not known here.
fn best_of_rules(correlation: &Correlation, standings: &BTreeMap<String, Standing>) -> Standing {
    let of = |target: &Target| match target {
        Target::Rule(id) => standings.get(id).copied().unwrap_or(Standing::NotInForce),
        Target::Correlation(_) => Standing::Loaded,
    };
    correlation.rules.iter().map(|reference| of(&reference.target)).max().unwrap_or(Standing::NotInForce)
}

/// A rule on a schedule; which events it reads is its own to say, so that its ground is not looked at.
pub fn scheduled_standing(is_on: bool, alerts: u64) -> Standing {
    match (is_on, alerts > 0) {
        (false, _) => Standing::NotInForce,
        (true, true) => Standing::Fired,
        (true, false) => Standing::Loaded,
    }
}

/// Coverage as a layer of the ATT&CK Navigator, format 4.5.
pub fn navigator_layer(name: &str, description: &str, techniques: &[TechniqueCoverage]) -> Json {
    let parents: BTreeSet<&str> =
        techniques.iter().filter_map(|one| one.technique.split_once('.').map(|(parent, _)| parent)).collect();
    let technique = |one: &TechniqueCoverage| {
        let counts = one.by_standing.iter().rev();
        let metadata: Vec<Json> = [("rules".to_owned(), one.rules), ("alerts".to_owned(), one.alerts)]
            .into_iter()
            .chain(counts.map(|(standing, count)| (standing.words().to_owned(), *count)))
            .map(|(name, value)| json!({ "name": name, "value": value.to_string() }))
            .collect();
        json!({
            "techniqueID": one.technique,
            "score": one.standing.score(),
            "comment": format!("{}: {}", one.standing.words(), one.best.join("; ")),
            "enabled": one.standing != Standing::NotInForce,
            "metadata": metadata,
            "showSubtechniques": parents.contains(one.technique.as_str()),
        })
    };
    let legend = Standing::ALL.map(|standing| json!({ "label": standing.words(), "color": standing.color() }));
    json!({
        "name": name,
        "versions": { "navigator": "4.9.0", "layer": "4.5" },
        "domain": "enterprise-attack",
        "description": description,
        "sorting": 3,
        "layout": { "layout": "side", "showID": true, "showName": true, "expandedSubtechniques": "annotated" },
        "hideDisabled": false,
        "techniques": techniques.iter().map(technique).collect::<Vec<Json>>(),
        "gradient": { "colors": ["#f4c7c3", "#fbf0a6", "#7cc58b"], "minValue": 0, "maxValue": 100 },
        "legendItems": legend,
    })
}

#[cfg(test)]
mod tests {
    use std::path::Path;

    use sigma::{Engine, Lists, Mappings};

    use super::*;

    const RULES: &str = "title: One
id: a
logsource: { product: windows, category: process_creation }
detection: { s: { CommandLine|contains: x, OriginalFileName: y }, condition: s }
---
title: Two
id: b
logsource: { product: windows, service: system }
detection: { s: { ServiceName: x }, condition: s }
---
title: Three
id: c
logsource: { product: nowhere }
detection: { s: { A: x }, condition: s }
";

    fn kind(marks: &[(&'static str, &str)], filled: &[&str]) -> EventKind {
        EventKind {
            marks: marks.iter().map(|(name, value)| (*name, (*value).to_owned())).collect(),
            events: 1,
            filled: filled.iter().map(|name| (*name).to_owned()).collect(),
        }
    }

    #[test]
    fn a_rule_stands_as_its_events_and_fields_allow() {
        let set = sigma::load_text(Path::new("rules.yml"), RULES, &Lists::default());
        let engine = Engine::compile(set.rules, &Mappings::shipped());
        let check = |rule: usize, seen: Option<&[EventKind]>, alerts: u64, expected: (Standing, &[&str])| {
            let (found, missing) = standing(&engine.reaches()[rule], true, seen, alerts);
            assert_eq!(
                (found, missing.iter().map(String::as_str).collect::<Vec<_>>()),
                (expected.0, expected.1.to_vec())
            );
        };
        let sysmon = [("Channel", "Microsoft-Windows-Sysmon/Operational"), ("EventID", "1")];
        let security = [("Channel", "Security"), ("EventID", "4688")];
        let other = kind(&[("Channel", "Security"), ("EventID", "4624")], &["CommandLine"]);
        check(0, None, 0, (Standing::Loaded, &[]));
        check(0, Some(&[]), 0, (Standing::NoEvents, &[]));
        check(0, Some(&[other]), 0, (Standing::NoEvents, &[]));
        check(0, Some(&[kind(&sysmon, &["User"])]), 0, (Standing::NoFields, &["CommandLine", "OriginalFileName"]));
        // Such events never carry the one field, and the rule asks for both.
        let partial = kind(&security, &["CommandLine"]);
        check(0, Some(std::slice::from_ref(&partial)), 0, (Standing::NoFields, &["OriginalFileName"]));
        let other = kind(&sysmon, &["CommandLine"]);
        check(0, Some(&[partial.clone(), other]), 0, (Standing::SomeFields, &["OriginalFileName"]));
        let whole = kind(&sysmon, &["CommandLine", "OriginalFileName"]);
        check(0, Some(&[partial, whole]), 0, (Standing::Ready, &[]));
        check(0, Some(&[]), 3, (Standing::Fired, &[]));
        check(2, None, 0, (Standing::NotInForce, &[]));
        assert_eq!(standing(&engine.reaches()[0], false, None, 9).0, Standing::NotInForce);
    }

    fn ground(id: &str, techniques: &[&str], standing: Standing, alerts: u64) -> RuleGround {
        let techniques = techniques.iter().map(|name| (*name).to_owned()).collect();
        // The rule `c` names another tactic than the others.
        let tactics = vec![if id == "c" { "impact" } else { "credential-access" }.to_owned()];
        let title = format!("Rule {id}");
        RuleGround { id: id.into(), title, techniques, tactics, standing, missing: Vec::new(), alerts }
    }

    #[test]
    fn sub_techniques_count_for_their_technique_once_a_rule() {
        let rules = [
            ground("a", &["T1003.001", "T1003"], Standing::Ready, 0),
            ground("b", &["T1003.002"], Standing::Fired, 4),
            ground("c", &["T1110"], Standing::NoEvents, 0),
        ];
        let covered = by_technique(&rules);
        let brief: Vec<_> =
            covered.iter().map(|one| (one.technique.as_str(), one.standing, one.rules, one.alerts)).collect();
        assert_eq!(
            brief,
            [
                ("T1003", Standing::Fired, 2, 4),
                ("T1003.001", Standing::Ready, 1, 0),
                ("T1003.002", Standing::Fired, 1, 4),
                ("T1110", Standing::NoEvents, 1, 0),
            ]
        );
        assert_eq!(covered[0].best, ["Rule b", "Rule a"]);
        assert_eq!(
            (&covered[0].tactics[..], &covered[3].tactics[..]),
            (&["credential-access".to_owned()][..], &["impact".to_owned()][..])
        );
    }

    #[test]
    fn the_layer_is_of_format_4_5() {
        let layer = navigator_layer("Vigie", "", &by_technique(&[ground("a", &["T1003.001"], Standing::Ready, 0)]));
        assert_eq!(layer["versions"], json!({ "navigator": "4.9.0", "layer": "4.5" }));
        assert_eq!(layer["domain"], "enterprise-attack");
        let technique = &layer["techniques"][0];
        assert_eq!((&technique["techniqueID"], &technique["score"]), (&"T1003".into(), &80.into()));
        assert_eq!(technique["showSubtechniques"], true);
        // Metadata are texts; Navigator refuses numbers.
        assert!(technique["metadata"].as_array().is_some_and(|list| list.iter().all(|one| one["value"].is_string())));
    }
}
