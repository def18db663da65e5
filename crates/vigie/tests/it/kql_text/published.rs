//! Rules and events as they are published.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use intake::Format;
use sigma::kql_text::{NotInKql, Tables, kql_text};
use sigma::{Lists, Mappings, Rule};

use super::{Events, engine};

/// Of the rules that no event is meant for, so many-th is asked too.
const EACH: usize = 60;

fn rules(root: &Path) -> Vec<Arc<Rule>> {
    let folders = ["rules", "rules-emerging-threats", "rules-threat-hunting"].map(|name| root.join(name));
    sigma::load(&folders, &Lists::default()).rules
}

/// The EVTX file of each case by the id of the rule that it is for.
fn cases(root: &Path) -> BTreeMap<String, PathBuf> {
    let mut found = BTreeMap::new();
    let mut open = vec![root.join("regression_data")];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "evtx") {
                let id = path.file_stem().unwrap().to_string_lossy().into_owned();
                found.insert(id, path);
            }
        }
    }
    found
}

#[test]
fn the_text_of_a_rule_finds_the_event_that_it_is_meant_for() {
    let Some(root) = testkit::shared_data("sigma") else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mappings, tables) = (Mappings::shipped(), Tables::shipped());
    let rules: BTreeMap<String, Arc<Rule>> = rules(&root).into_iter().map(|rule| (rule.id.clone(), rule)).collect();
    let (mut agreed, mut wrong) = (0, Vec::new());
    for (id, path) in cases(&root) {
        let rule = &rules[&id];
        let events = Events::decode(&std::fs::read(&path).unwrap(), Format::Evtx);
        let expected = events.by_engine(&engine(rule, &mappings));
        assert!(!expected.is_empty(), "{}", rule.title);
        let found = match kql_text(rule, &mappings, &tables) {
            Ok(written) => runtime.block_on(events.by_text(&written.text)),
            Err(error) => Err(error.to_string()),
        };
        match found {
            Ok(found) if found == expected => agreed += 1,
            other => wrong.push(format!("{} ({id}): {other:?}", rule.title)),
        }
    }
    assert!(wrong.is_empty(), "{agreed} agree; {} do not:\n{}", wrong.len(), wrong.join("\n"));
    println!("{agreed} cases agree");
}

#[test]
fn texts_of_published_rules_are_valid_or_refused_with_a_reason() {
    let Some(root) = testkit::shared_data("sigma") else { return };
    let (mappings, tables) = (Mappings::shipped(), Tables::shipped());
    let catalog = kql::catalog::Catalog::new(kernel::schema::shipped_tables());
    let (mut said, mut partly, mut never) = (0, 0, 0);
    let mut reasons: BTreeMap<String, usize> = BTreeMap::new();
    let mut wrong = Vec::new();
    for rule in rules(&root) {
        match kql_text(&rule, &mappings, &tables) {
            Ok(written) => {
                let bound = kql::bind(&kql::parse(&written.text), &catalog);
                if bound.query.is_none() {
                    wrong.push(format!("{}: {:?}\n{}", rule.title, bound.diagnostics, written.text));
                }
                let count = if written.left_out.is_empty() { &mut said } else { &mut partly };
                *count += 1;
            }
            Err(NotInKql::NeverFires(_)) => never += 1,
            Err(NotInKql::CannotSay(left_out)) => {
                let kind = if left_out[0].reason.starts_with("no table") {
                    format!("no table: {}", rule.logsource)
                } else {
                    left_out[0].reason.clone()
                };
                *reasons.entry(kind).or_default() += 1;
            }
        }
    }
    let refused: usize = reasons.values().sum();
    println!("{said} said, {partly} in part, {never} cannot fire, {refused} refused: {reasons:#?}");
    assert!(wrong.is_empty(), "{} of {said} are not valid:\n{}", wrong.len(), wrong[..wrong.len().min(5)].join("\n"));
    assert!(said > 2_500, "{said}");
}

#[test]
fn text_and_engine_agree_on_published_events() {
    let Some(root) = testkit::shared_data("evtx") else { return };
    let Some(sigma) = testkit::shared_data("sigma") else { return };
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let (mappings, tables) = (Mappings::shipped(), Tables::shipped());
    let rules = rules(&sigma);
    let all = sigma::Engine::compile(rules.clone(), &mappings);
    let mut files = evtx_files(&root);
    files.sort();
    let (mut asked, mut agreed, mut wrong) = (0, 0, Vec::new());
    // Files are many and questions slow: one file of each so many, and of it every rule that fires and some that do not.
    for path in files.iter().step_by(12) {
        let events = Events::decode(&std::fs::read(path).unwrap(), Format::Evtx);
        let firing: BTreeSet<usize> = all.evaluate(&events.columns).hits.iter().map(|hit| hit.rule as usize).collect();
        let others = (0..rules.len()).filter(|number| number % (EACH * 12) == 7);
        for number in firing.iter().copied().chain(others).collect::<BTreeSet<usize>>() {
            let rule = &rules[number];
            let Ok(written) = kql_text(rule, &mappings, &tables) else { continue };
            asked += 1;
            let expected = events.by_engine(&engine(rule, &mappings));
            match runtime.block_on(events.by_text(&written.text)) {
                Ok(found) if found == expected => agreed += 1,
                found => wrong.push(format!("{} on {}: {found:?}, not {expected:?}", rule.title, path.display())),
            }
        }
    }
    println!("{agreed} of {asked} agree");
    assert!(wrong.is_empty(), "{agreed} of {asked} agree; not:\n{}", wrong.join("\n"));
    assert!(asked > 100, "{asked}");
}

fn evtx_files(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut open = vec![root.to_owned()];
    while let Some(folder) = open.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
            } else if path.extension().is_some_and(|end| end == "evtx") {
                found.push(path);
            }
        }
    }
    found
}
