//! The published rules and their regression cases.

use std::path::Path;
use std::sync::OnceLock;

use rsigma_eval::event::JsonEvent;
use serde_json::Value;
use sigma::{Engine, Lists, Mappings, RuleSet, load};

use crate::events::{Fields, batch, shared, windows};

const FOLDERS: [&str; 5] =
    ["rules", "rules-compliance", "rules-emerging-threats", "rules-placeholder", "rules-threat-hunting"];

/// All published rules, read once.
fn corpus() -> Option<&'static RuleSet> {
    static CORPUS: OnceLock<Option<RuleSet>> = OnceLock::new();
    let corpus = CORPUS.get_or_init(|| {
        let root = shared("sigma", "published rules")?;
        Some(load(&FOLDERS.map(|folder| root.join(folder)), &Lists::new()))
    });
    corpus.as_ref()
}

/// All published rules, compiled once.
fn engine() -> Option<&'static Engine> {
    static ENGINE: OnceLock<Option<Engine>> = OnceLock::new();
    let engine = ENGINE.get_or_init(|| Some(Engine::compile(corpus()?.rules.clone(), &Mappings::shipped())));
    engine.as_ref()
}

#[test]
fn every_file_is_loaded_or_refused_for_its_placeholders() {
    let Some(corpus) = corpus() else { return };
    let refused: Vec<_> = corpus.refused().collect();
    assert_eq!(corpus.rules.len() + refused.len(), corpus.files);
    for problem in &refused {
        assert_eq!(problem.code, "SIG005", "{problem}");
        assert!(problem.line.is_some(), "{problem}");
    }
    println!("{} files, {} rules, {} refused", corpus.files, corpus.rules.len(), refused.len());
}

#[test]
fn every_log_source_is_mapped() {
    let Some(engine) = engine() else { return };
    let unreachable: Vec<String> = engine
        .rules()
        .iter()
        .zip(engine.reaches())
        .filter_map(|(rule, reach)| Some(format!("{}: {}", rule.title, reach.unreachable.as_ref()?)))
        .collect();
    assert!(unreachable.is_empty(), "{} rules cannot fire:\n{}", unreachable.len(), unreachable.join("\n"));
    let size = engine.size();
    println!("{size:?}");
    assert!(size.matcher_bytes < 100 << 20, "{size:?}");
}

/// One regression case: the rule, how often it must match, and the events.
struct Case {
    rule: String,
    least: usize,
    events: Vec<Value>,
}

fn cases() -> Option<Vec<Case>> {
    let root = shared("sigma/regression_data", "regression cases")?;
    let mut cases = Vec::new();
    for entry in walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().flatten() {
        if entry.file_name() == "info.yml" {
            cases.extend(case(entry.path()));
        }
    }
    Some(cases)
}

fn case(info: &Path) -> Option<Case> {
    let text = std::fs::read_to_string(info).expect("info.yml is readable");
    let yaml: yaml_serde::Value = yaml_serde::from_str(&text).expect("info.yml is YAML");
    let test = yaml.get("regression_tests_info")?.get(0)?;
    let rule = yaml.get("rule_metadata")?.get(0)?.get("id")?.as_str()?.to_owned();
    let least = test.get("match_count").and_then(yaml_serde::Value::as_u64).unwrap_or(1);
    let json = info.with_file_name(format!("{rule}.json"));
    let text = std::fs::read_to_string(&json).ok()?;
    let events = serde_json::Deserializer::from_str(&text).into_iter::<Value>().collect::<Result<_, _>>();
    Some(Case { rule, least: least as usize, events: events.expect("JSON objects") })
}

#[test]
fn regression_cases_match() {
    let (Some(engine), Some(cases)) = (engine(), cases()) else { return };
    let mut failures = Vec::new();
    for case in &cases {
        let events: Vec<Fields> = case.events.iter().map(windows).collect();
        let batch = batch(&events);
        let Some(rule) = engine.rules().iter().position(|rule| rule.id == case.rule) else {
            println!("skipped: rule {} is not among the shared rules", case.rule);
            continue;
        };
        let hits = engine.evaluate(&batch).hits;
        let rows: Vec<u32> = hits.iter().filter(|hit| hit.rule as usize == rule).map(|hit| hit.row).collect();
        if rows.len() < case.least {
            failures.push(format!("{} ({}): {} of {}", case.rule, engine.rules()[rule].title, rows.len(), case.least));
        }
        for row in rows {
            let reasons = engine.explain(rule, &batch, row as usize).expect("row and rule exist");
            assert!(reasons.is_some_and(|reasons| !reasons.is_empty()), "{} gives no reason", case.rule);
        }
    }
    println!("{} cases, {} failed", cases.len(), failures.len());
    assert!(failures.is_empty(), "{}", failures.join("\n"));
}

/// Every rule on every regression event, gates left out on both sides, against the other engine.
#[test]
fn same_matches_as_the_oracle_on_regression_events() {
    let (Some(corpus), Some(cases)) = (corpus(), cases()) else { return };
    let mut open = Mappings::default();
    let sources: std::collections::BTreeSet<_> = corpus.rules.iter().map(|rule| rule.logsource.clone()).collect();
    for source in sources {
        let source = serde_json::to_string(&source).expect("a log source is text");
        let text = format!("- logsource: {source}\n  gates: [{{ name: all, when: {{ '@product': '*' }} }}]");
        open.add("test", &text).expect("a mapping");
    }
    let engine = Engine::compile(corpus.rules.clone(), &open);
    // One collection: the oracle builds its indexes anew for each that is added.
    let mut collection = rsigma_parser::SigmaCollection::new();
    for rule in &corpus.rules {
        let parsed = rsigma_parser::parse_sigma_yaml(&rule.text).expect("a rule that was loaded");
        collection.rules.extend(parsed.rules);
    }
    let mut oracle = rsigma_eval::Engine::new();
    oracle.add_collection(&collection).expect("rules that the oracle takes");
    let events: Vec<Fields> = cases.iter().flat_map(|case| case.events.iter().map(windows)).collect();
    let ours = engine.evaluate(&batch(&events));
    let mut differences = Vec::new();
    for (row, event) in events.iter().enumerate() {
        let json: serde_json::Map<String, Value> = event
            .iter()
            .filter(|(name, _)| !name.starts_with('@'))
            .map(|(name, values)| {
                let value = match values.as_slice() {
                    [one] => Value::from(one.as_str()),
                    many => Value::from(many.to_vec()),
                };
                (name.clone(), value)
            })
            .collect();
        let json = Value::Object(json);
        let matches = oracle.evaluate(&JsonEvent::borrow(&json));
        let mut theirs: Vec<&str> = matches.iter().filter_map(|one| one.header.rule_id.as_deref()).collect();
        let here = ours.hits.iter().filter(|hit| hit.row as usize == row);
        let mut here: Vec<&str> = here.map(|hit| engine.rules()[hit.rule as usize].id.as_str()).collect();
        theirs.sort_unstable();
        here.sort_unstable();
        if theirs != here {
            let only = |one: &[&str], other: &[&str]| -> Vec<String> {
                one.iter().filter(|id| !other.contains(id)).map(ToString::to_string).collect()
            };
            differences.push(format!(
                "row {row}: only here {:?}, only there {:?}",
                only(&here, &theirs),
                only(&theirs, &here)
            ));
        }
    }
    println!("{} events, {} hits", events.len(), ours.hits.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}
