//! Each rule of the Access desk fires on its case, and stays silent on what comes near: on rows of our own.

use std::collections::{BTreeMap, BTreeSet};
use std::fmt::Write;
use std::path::Path;
use std::sync::Arc;

use detect::scheduled::{ScheduledRule, parse_sentinel};
use kernel::port::QueryRequest;
use kernel::{Timestamp, Value};
use lake::query::{DeclaredTables, EngineConfig, QueryEngine};
use serde::Deserialize;

use crate::rig::content;

/// 2026-11-21T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_262_400_000_000);

#[derive(Deserialize)]
struct Cases {
    /// Columns by table.
    tables: BTreeMap<String, String>,
    case: Vec<Case>,
}

#[derive(Deserialize)]
struct Case {
    rule: String,
    name: String,
    /// The first entity of each hit.
    fires: Vec<String>,
    /// Rows by table.
    #[serde(flatten)]
    rows: BTreeMap<String, Vec<String>>,
}

fn rule(name: &str) -> ScheduledRule {
    let path = content("rules/identity").join(format!("{name}.yaml"));
    let text = std::fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
    parse_sentinel(Path::new(name), &text).unwrap().1
}

/// `ago(5m)` and `ago(40d)` as instants: a table holds constants.
fn at_times(row: &str) -> String {
    let mut text = String::new();
    let mut rest = row;
    while let Some((before, after)) = rest.split_once("ago(") {
        let (number, after) = after.split_once(')').unwrap();
        let (count, unit) = number.split_at(number.len() - 1);
        let unit_us: i64 = if unit == "d" { 86_400_000_000 } else { 60_000_000 };
        let at = NOW.plus_micros(-count.parse::<i64>().unwrap() * unit_us);
        write!(text, "{before}datetime({at})").unwrap();
        rest = after;
    }
    text + rest
}

fn query(cases: &Cases, case: &Case, rule: &ScheduledRule) -> String {
    let mut text = String::new();
    for (table, columns) in &cases.tables {
        let rows: Vec<String> = case.rows.get(table).into_iter().flatten().map(|row| at_times(row)).collect();
        writeln!(text, "let {table} = datatable({columns})[{}];", rows.join(", ")).unwrap();
    }
    text + &rule.query
}

fn text(value: &Value) -> String {
    match value {
        Value::String(text) => text.clone(),
        other => panic!("an entity is a text, not {other:?}"),
    }
}

#[tokio::test]
async fn each_rule_fires_on_its_case_and_is_silent_on_what_comes_near() {
    let cases: Cases = toml::from_str(include_str!("identity_rules/cases.toml")).unwrap();
    let spill = tempfile::tempdir().unwrap();
    let config = EngineConfig { threads: 1, spill: spill.path().to_owned(), spill_bytes: 1 << 26, prune: true };
    let tables = Arc::new(DeclaredTables::new(Vec::new()));
    let engine = QueryEngine::start(tables, None, testkit::TestClock::noon(), config).unwrap();
    let (mut fired, mut silent) = (BTreeSet::new(), BTreeSet::new());
    for case in &cases.case {
        let unknown: Vec<&String> = case.rows.keys().filter(|table| !cases.tables.contains_key(*table)).collect();
        assert!(unknown.is_empty(), "{}: {unknown:?}", case.name);
        let rule = rule(&case.rule);
        let answer = engine.query(QueryRequest::new(query(&cases, case, &rule), NOW)).await;
        let answer = answer.unwrap_or_else(|error| panic!("{}, {}: {error}", case.rule, case.name));
        let column = answer.columns.iter().position(|column| column.name == rule.entities[0].column).unwrap();
        let mut found: Vec<String> = answer.rows.iter().map(|row| text(&row[column])).collect();
        found.sort();
        let mut expected = case.fires.clone();
        expected.sort();
        assert_eq!(found, expected, "{}: {}", case.rule, case.name);
        if expected.is_empty() {
            silent.insert(case.rule.clone())
        } else {
            fired.insert(case.rule.clone())
        };
    }
    let shipped: BTreeSet<String> = std::fs::read_dir(content("rules/identity"))
        .unwrap()
        .map(|file| file.unwrap().path().file_stem().unwrap().to_string_lossy().into_owned())
        .collect();
    assert_eq!((&fired, &silent), (&shipped, &shipped), "every rule has a case and a near miss");
}
