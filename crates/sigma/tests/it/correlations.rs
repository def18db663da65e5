//! Each correlation type and what it fires on. Data in `correlations.md`.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use kernel::Timestamp;
use sigma::correlation::{Alert, AlertKey, Changes, Correlations, Correlator, Observation, Settings};
use sigma::{Engine, Lists, Mappings, RuleSet, load_text};

use crate::events::{Fields, batch, flat};

const VECTORS: &str = include_str!("correlations.md");
/// Two ways by which events arrive; `Account` is called `User` by the one and `Owner` by the other.
const MAPPING: &str = "- logsource: { category: test }
  gates:
    - { name: one, when: { '@all': 'yes', 'Owner|exists': false }, fields: { Account: User }, absent: [Nowhere] }
    - { name: two, when: { '@all': 'yes', 'Owner|exists': true }, fields: { Account: Owner } }
";

/// Far beyond the times in any test.
pub const PATIENT: Settings = Settings { lateness_us: 1 << 50, max_hits: 1_000_000, max_group_hits: 100_000 };

/// The rules `a`, `b` and `c`, each of which matches events of that `Kind`.
pub fn rule_texts() -> String {
    let texts = ["a", "b", "c"].map(|name| {
        format!(
            "title: {name}\nid: id-{name}\nname: {name}\nlogsource: {{ category: test }}\ndetection: {{ s: {{ Kind: {name} }}, condition: s }}\n---\n"
        )
    });
    texts.concat()
}

/// Those rules, and `correlations` after them.
pub fn rules(correlations: &str) -> RuleSet {
    load_text(Path::new("vector.yml"), &(rule_texts() + correlations), &Lists::new())
}

/// The alerts in force, by key.
#[derive(Default)]
pub struct InForce(pub BTreeMap<AlertKey, Alert>);

impl InForce {
    pub fn take(&mut self, changes: Changes) {
        for key in changes.withdrawn {
            assert!(self.0.remove(&key).is_some(), "withdrawn without having been raised: {key:?}");
        }
        self.0.extend(changes.raised.into_iter().map(|alert| (alert.key.clone(), alert)));
    }
}

struct Line<'a> {
    time_us: i64,
    event: Fields,
    expected: Vec<&'a str>,
    because: Vec<&'a str>,
}

fn lines<'a>(title: &str, block: &'a str) -> Result<Vec<Line<'a>>, String> {
    let mut lines: Vec<Line<'a>> = Vec::new();
    for line in block.lines().filter(|line| !line.trim().is_empty()) {
        if let Some(reason) = line.strip_prefix("because ") {
            lines.last_mut().ok_or("a reason of nothing")?.because.push(reason);
            continue;
        }
        let (event, expected) = line.split_once("=>").unwrap_or((line, ""));
        let (seconds, json) = event.split_once(' ').ok_or_else(|| format!("{title}: {line}"))?;
        let seconds: f64 = seconds.parse().map_err(|error| format!("{title}: {line}: {error}"))?;
        let json = serde_json::from_str(json).map_err(|error| format!("{title}: {line}: {error}"))?;
        let mut event = flat(&json);
        event.insert("@all".to_owned(), vec!["yes".to_owned()]);
        let expected = expected.split(',').map(str::trim).filter(|one| !one.is_empty()).collect();
        lines.push(Line { time_us: (seconds * 1e6).round() as i64, event, expected, because: Vec::new() });
    }
    Ok(lines)
}

fn check(title: &str, correlations: &str, block: &str) -> Result<usize, String> {
    let set = rules(correlations);
    let given: Vec<&str> = set.problems.iter().map(|problem| problem.reason.as_str()).collect();
    if let Some(reason) = block.trim().strip_prefix("refused: ") {
        let refused = given.iter().any(|one| one.contains(reason)) && set.correlations.is_empty();
        let right = refused && set.problems.iter().all(|problem| problem.line.is_some_and(|line| line > 18));
        return if right {
            Ok(1)
        } else {
            Err(format!("{title}: should be refused with `{reason}`: {:?}", set.problems))
        };
    }
    if !given.is_empty() {
        return Err(format!("{title}: {given:?}"));
    }
    let lines = lines(title, block)?;
    let mut mappings = Mappings::default();
    mappings.add("test", MAPPING).expect("a mapping");
    let engine = Engine::compile(set.rules, &mappings);
    let (compiled, problems) = Correlations::compile(&set.correlations, engine.rules());
    assert!(problems.is_empty(), "{problems:?}");
    let compiled = Arc::new(compiled);
    let events: Vec<Fields> = lines.iter().map(|line| line.event.clone()).collect();
    let batch = batch(&events);
    let hits = engine.evaluate(&batch).hits;
    let name = |row: usize| (Timestamp(lines[row].time_us), format!("e{row:03}"));
    let observations = compiled.observe(&engine, &batch, &hits, &name);
    let one_by_one = |observations: Vec<Observation>| {
        let mut correlator = Correlator::new(Arc::clone(&compiled), PATIENT);
        let mut in_force = InForce::default();
        for one in observations {
            in_force.take(correlator.push(vec![one]));
        }
        in_force.0
    };
    let found = one_by_one(observations.clone());
    if found != one_by_one(observations.into_iter().rev().collect()) {
        return Err(format!("{title}: backwards it comes to something else"));
    }
    for (row, line) in lines.iter().enumerate() {
        let here = || found.values().filter(|alert| alert.key.event == format!("e{row:03}"));
        let mut shown: Vec<String> = here()
            .map(|alert| {
                let rule = compiled.rule(&alert.key.correlation).expect("the rule of the alert");
                format!("{} {}{}", rule.title, alert.value, if alert.continues { "+" } else { "" })
            })
            .collect();
        shown.sort();
        let reasons: Vec<&str> = here().map(|alert| alert.reason.as_str()).collect();
        if shown != line.expected || line.because.iter().any(|because| !reasons.contains(because)) {
            return Err(format!("{title}: event {row}: {shown:?} because {reasons:?}, not {:?}", line.expected));
        }
    }
    Ok(lines.len())
}

#[test]
fn vectors() {
    let mut failures = Vec::new();
    let mut count = 0;
    for section in VECTORS.split("\n## ").skip(1) {
        let title = section.lines().next().unwrap_or_default();
        let blocks: Vec<&str> = section.split("```").skip(1).step_by(2).collect();
        for pair in blocks.chunks(2) {
            let [correlations, events] = pair else {
                failures.push(format!("{title}: correlations without events"));
                continue;
            };
            match check(title, correlations.trim_start_matches("yaml\n"), events) {
                Ok(checked) => count += checked,
                Err(failure) => failures.push(failure),
            }
        }
    }
    println!("{count} vectors");
    assert!(failures.is_empty(), "{}", failures.join("\n"));
    assert!(count > 100, "only {count} vectors were read");
}
