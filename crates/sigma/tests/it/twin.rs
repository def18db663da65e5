//! The compiled engine against the tree, on random rules and events.

use std::path::Path;
use std::sync::Arc;

use proptest::prelude::*;
use sigma::near::FiringReport;
use sigma::{Batch, Engine, Lists, Mappings, Rule, load_text, naive};

use crate::events::{Fields, batch};
use crate::near::why;

const FIELDS: [&str; 4] = ["A", "B", "C", "Renamed"];
/// Few letters, so that values and patterns meet: case, non-ASCII, separators, numbers, an address.
const VALUES: [&str; 20] = [
    "",
    "a",
    "A",
    "aB",
    "abab",
    "ABBA",
    "ab\nab",
    "É",
    "é",
    "ΣΑΣ",
    "ſ",
    "-ab",
    "/ab",
    "7",
    "7.0",
    "10",
    "-3",
    "10.0.0.7",
    "::ffff:10.0.0.9",
    "2024-02-29T23:59:00Z",
];
const ITEMS: [&str; 44] = [
    "A: a",
    "A: 'a*'",
    "A: '*b'",
    "A: 'a*b?*'",
    "A: '*'",
    "A: ''",
    "A: null",
    "A: [null, ab]",
    "A: 7",
    "A: '7'",
    "A|contains: b",
    "A|contains|all: [a, b]",
    "A|startswith: [a, é]",
    "A|endswith: ab",
    "A|contains|cased: B",
    "A|cased: aB",
    "A|endswith|cased: 'BA'",
    "A|re: 'a.*b'",
    "A|re|i: 'ABB'",
    "A|re: '^$'",
    "A|re|s: 'b.a'",
    "A|re|m: '^ab$'",
    "A|re|i: 'σας'",
    "A|exists: true",
    "B|exists: false",
    "A|neq: a",
    "A|contains|neq: [a, b]",
    "A|gt: 6",
    "A|gte: 7",
    "A|lt: 8.5",
    "A|lte: -3",
    "A|cidr: 10.0.0.0/8",
    "A|cidr: '::/0'",
    "A|fieldref: B",
    "A|fieldref|contains: B",
    "A|fieldref|startswith|cased: C",
    "A|windash|contains: ' -ab'",
    "A|windash: '-ab'",
    "A|year: 2024",
    "A|hour|gte: 20",
    "'|contains': b",
    "'|re': 'B+'",
    "A|contains: 's'",
    "A: true",
];

fn rule() -> impl Strategy<Value = String> {
    let item = (prop::sample::select(&ITEMS[..]), prop::sample::select(&FIELDS[..]));
    let item = item.prop_map(|(item, field)| match item.strip_prefix('A') {
        Some(rest) => format!("{field}{rest}"),
        None => item.to_owned(),
    });
    let detection = prop::collection::vec(prop::collection::btree_map("[xyz]", item, 1..4), 1..3);
    let condition = prop::sample::select(vec![
        "d0",
        "not d0",
        "d0 and d1",
        "d0 and not d1",
        "d0 or d1 and not d2",
        "1 of d*",
        "all of them",
        "2 of d*",
        "not 1 of d1*",
        "not (d0 or d1) or d2",
    ]);
    (prop::collection::vec(detection, 3), condition).prop_map(|(detections, condition)| {
        let mut text = "title: t\nlogsource: { category: test }\ndetection:\n".to_owned();
        for (number, alternatives) in detections.iter().enumerate() {
            text.push_str(&format!("  d{number}:\n"));
            for items in alternatives {
                let mut lines = Vec::new();
                let mut fields = std::collections::BTreeSet::new();
                for item in items.values() {
                    // A mapping names each key once.
                    let key = item.split(": ").next().unwrap_or_default().to_owned();
                    if fields.insert(key) {
                        lines.push(item.clone());
                    }
                }
                text.push_str(&format!("    - {}\n", lines.join("\n      ")));
            }
        }
        text.push_str(&format!("  condition: {condition}\n"));
        text
    })
}

fn rules_of(texts: &[String]) -> Result<Vec<Arc<Rule>>, TestCaseError> {
    let mut rules = Vec::new();
    for (number, text) in texts.iter().enumerate() {
        let set = load_text(Path::new("test.yml"), &format!("id: r{number}\n{text}"), &Lists::new());
        prop_assert!(set.problems.is_empty(), "{text}\n{:?}", set.problems);
        rules.extend(set.rules);
    }
    Ok(rules)
}

fn event() -> impl Strategy<Value = Fields> {
    let values = prop::collection::vec(prop::sample::select(&VALUES[..]).prop_map(str::to_owned), 1..3);
    let field = prop::sample::select(vec!["A", "B", "C", "D", "Gate"]).prop_map(str::to_owned);
    prop::collection::btree_map(field, values, 0..6)
}

const MAPPING: &str = "- logsource: { category: test }
  gates:
    - { name: plain, when: { Gate: ['a*', '7'] }, fields: { Renamed: D } }
    - { name: poor, when: { 'Gate|exists': false }, fields: { Renamed: A }, absent: [B] }
";

fn by_tree(rule: &Rule, mappings: &Mappings, events: &Batch<'_>, rows: usize) -> Vec<u32> {
    let gates = mappings.gates(&rule.logsource);
    let fires = |row: &u32| {
        let event = events.row(*row as usize);
        gates.iter().any(|gate| {
            let mut plain = sigma::Gate::clone(gate);
            plain.fields.clear();
            plain.absent.clear();
            naive::reasons(&gate.condition, &plain, &event).is_some()
                && rule.conditions.iter().any(|condition| naive::reasons(condition, gate, &event).is_some())
        })
    };
    (0..rows as u32).filter(fires).collect()
}

/// An event is at distance 0 exactly if the rule fires on it; otherwise as many tests stand in the way as it is far.
fn nearness(engine: &Engine, rule: usize, events: &[Fields], hits: &[sigma::Hit]) -> Result<(), TestCaseError> {
    let whole = why(engine, rule, events);
    let mut merged: Option<FiringReport> = None;
    for (row, event) in events.iter().enumerate() {
        let alone = why(engine, rule, std::slice::from_ref(event));
        let fires = hits.iter().any(|hit| hit.rule as usize == rule && hit.row as usize == row);
        prop_assert_eq!(alone.fired, u64::from(fires), "{}", engine.rules()[rule].text);
        if let Some(nearest) = &alone.nearest {
            prop_assert!(nearest.distance != Some(0));
            prop_assert_eq!(nearest.changes.len(), nearest.distance.unwrap_or(0) as usize);
        }
        match &mut merged {
            Some(merged) => merged.merge(alone),
            None => merged = Some(alone),
        }
    }
    let merged = merged.expect("there is an event");
    prop_assert_eq!(whole.fired, merged.fired);
    let distance = |report: &FiringReport| report.nearest.as_ref().map(|nearest| nearest.distance);
    prop_assert_eq!(distance(&whole), distance(&merged));
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(300))]

    #[test]
    fn engine_and_tree_agree(
        texts in prop::collection::vec(rule(), 1..6),
        events in prop::collection::vec(event(), 1..150),
    ) {
        let mut mappings = Mappings::default();
        mappings.add("test", MAPPING).expect("a mapping");
        let batch = batch(&events);
        let engine = Engine::compile(rules_of(&texts)?, &mappings);
        let hits = engine.evaluate(&batch);
        let rows = Batch::new(&batch);
        for (number, rule) in engine.rules().iter().enumerate() {
            let found: Vec<u32> =
                hits.hits.iter().filter(|hit| hit.rule as usize == number).map(|hit| hit.row).collect();
            prop_assert_eq!(&found, &by_tree(rule, &mappings, &rows, events.len()), "{}", rule.text);
            for row in found {
                let reasons = engine.explain(number, &batch, row as usize).expect("the row exists");
                prop_assert!(reasons.is_some());
            }
            nearness(&engine, number, &events, &hits.hits)?;
        }
    }
}

/// Rows of a large batch: enough that sets of rows are lists while they are few.
const LARGE: usize = 9_000;

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    /// Few distinct events over many rows, some rare, some on nearly every row; lists and columns without a value.
    #[test]
    fn large_batches_say_of_each_row_what_its_event_says_alone(
        texts in prop::collection::vec(rule(), 1..6),
        kinds in prop::collection::vec((event(), prop::sample::select(vec![1_usize, 7, 300, 9_000])), 1..12),
        stride in prop::sample::select(vec![1_usize, 2_003]),
    ) {
        let mut mappings = Mappings::default();
        mappings.add("test", MAPPING).expect("a mapping");
        let engine = Engine::compile(rules_of(&texts)?, &mappings);
        let mut kinds: Vec<(Fields, usize)> = kinds;
        // Columns that are there though no row, or hardly any, has a value in them.
        for field in ["A", "B", "D"] {
            kinds[0].0.entry(field.to_owned()).or_default();
        }
        let mut which: Vec<usize> =
            kinds.iter().enumerate().flat_map(|(kind, (_, times))| std::iter::repeat_n(kind, *times)).take(LARGE).collect();
        which.resize(LARGE, 0);
        // Runs of one kind, or all kinds mixed: the stride has no divisor in common with the number of rows.
        let which: Vec<usize> = (0..LARGE).map(|row| which[row * stride % LARGE]).collect();
        let events: Vec<Fields> = which.iter().map(|kind| kinds[*kind].0.clone()).collect();
        let alone: Vec<Fields> = kinds.into_iter().map(|(event, _)| event).collect();
        let small = batch(&alone);
        let rows = Batch::new(&small);
        let mut expected = Vec::new();
        for (number, rule) in (0..).zip(engine.rules()) {
            let fires = by_tree(rule, &mappings, &rows, alone.len());
            let held = (0..).zip(&which).filter(|(_, kind)| fires.contains(&(**kind as u32)));
            expected.extend(held.map(|(row, _)| sigma::Hit { row, rule: number }));
        }
        expected.sort_unstable();
        prop_assert_eq!(engine.evaluate(&batch(&events)).hits, expected, "{}", texts.join("---\n"));
    }
}
