//! The published rules and their regression cases.

use std::collections::BTreeSet;
use std::path::Path;
use std::sync::OnceLock;

use rsigma_eval::event::JsonEvent;
use serde_json::Value;
use sigma::{Engine, Lists, Mappings, RuleSet, load};

use crate::events::{Fields, batch, flat, shared, windows};

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

/// Every rule on some events, gates left out on both sides, against the other engine.
fn check_against_oracle(corpus: &RuleSet, events: &[Fields]) {
    let mut open = Mappings::default();
    let sources: BTreeSet<_> = corpus.rules.iter().map(|rule| rule.logsource.clone()).collect();
    for source in sources {
        let source = serde_json::to_string(&source).expect("a log source is text");
        let text = format!("- logsource: {source}\n  gates: [{{ name: all, when: {{ '@product': '*' }} }}]");
        open.add("test", &text).expect("a mapping");
    }
    let engine = Engine::compile(corpus.rules.clone(), &open);
    let ours = engine.evaluate(&batch(events));
    let oracle = oracle(corpus);
    let mut differences = Vec::new();
    for (row, event) in events.iter().enumerate() {
        let json = json(event);
        let matches = oracle.evaluate(&JsonEvent::borrow(&json));
        let theirs: BTreeSet<&str> = matches.iter().filter_map(|one| one.header.rule_id.as_deref()).collect();
        let here = ours.hits.iter().filter(|hit| hit.row as usize == row);
        let here: BTreeSet<&str> = here.map(|hit| engine.rules()[hit.rule as usize].id.as_str()).collect();
        for id in here.symmetric_difference(&theirs) {
            let side = if here.contains(id) { "only here" } else { "only there" };
            differences.push(format!("row {row}: {id} {side}"));
        }
    }
    println!("{} events, {} hits", events.len(), ours.hits.len());
    assert!(differences.is_empty(), "{}", differences.join("\n"));
}

fn oracle(corpus: &RuleSet) -> rsigma_eval::Engine {
    // One collection: the oracle builds its indexes anew for each that is added.
    let mut collection = rsigma_parser::SigmaCollection::new();
    for rule in &corpus.rules {
        let parsed = rsigma_parser::parse_sigma_yaml(&rule.text).expect("a rule that was loaded");
        collection.rules.extend(parsed.rules);
    }
    let mut oracle = rsigma_eval::Engine::new();
    oracle.add_collection(&collection).expect("rules that the oracle takes");
    oracle
}

fn json(event: &Fields) -> Value {
    let fields = event.iter().filter(|(name, _)| !name.starts_with('@')).map(|(name, values)| {
        let value = match values.as_slice() {
            [one] => Value::from(one.as_str()),
            many => Value::from(many.to_vec()),
        };
        (name.clone(), value)
    });
    Value::Object(fields.collect())
}

#[test]
fn same_matches_as_the_oracle() {
    let Some(corpus) = corpus() else { return };
    let mut events: Vec<Fields> =
        cases().unwrap_or_default().iter().flat_map(|case| case.events.iter().map(windows)).collect();
    if let Some(root) = shared("otrf/datasets/atomic", "attack simulations") {
        let zips = walkdir::WalkDir::new(&root).sort_by_file_name().into_iter().flatten();
        for zip in zips.filter(|entry| entry.path().extension().is_some_and(|end| end == "zip")) {
            events.extend(simulation(zip.path()));
        }
    }
    if !events.is_empty() {
        check_against_oracle(corpus, &events);
    }
}

/// A few events of a small simulation, spread over it.
fn simulation(path: &Path) -> Vec<Fields> {
    const LARGEST_BYTES: u64 = 150_000;
    const EVENTS: usize = 24;
    if std::fs::metadata(path).is_ok_and(|metadata| metadata.len() > LARGEST_BYTES) {
        return Vec::new();
    }
    let file = std::fs::File::open(path).expect("the file was just found");
    let Ok(mut archive) = zip::ZipArchive::new(file) else { return Vec::new() };
    let mut text = String::new();
    for number in 0..archive.len() {
        let Ok(mut member) = archive.by_index(number) else { continue };
        let wanted = member.name().is_ok_and(|name| name.ends_with(".json"));
        if wanted && std::io::Read::read_to_string(&mut member, &mut text).is_err() {
            return Vec::new();
        }
    }
    let lines: Vec<&str> = text.lines().collect();
    let step = (lines.len() / EVENTS).max(1);
    let chosen = lines.iter().step_by(step).filter_map(|line| serde_json::from_str::<Value>(line).ok());
    let mut events: Vec<Fields> = chosen.map(|event| flat(&event)).collect();
    events.iter_mut().for_each(|event| drop(event.insert("@product".to_owned(), vec!["windows".to_owned()])));
    events
}
