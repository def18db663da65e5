//! Generated rules and generated Windows events.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::Arc;

use intake::Format;
use proptest::prelude::*;
use proptest::test_runner::TestRunner;
use serde_json::{Value as Json, json};
use sigma::kql_text::{self, Tables};
use sigma::{Lists, Mappings, Rule, load_text};

use super::{Events, engine};

const MAPPING: &str = "- logsource: { category: test }
  gates:
    - { name: plain, when: { Channel: Sysmon, EventID: [1, 2] }, fields: { Renamed: D e } }
    - { name: poor, when: { Channel: ['Sec*', Other], EventID|gte: 2 }, fields: { Renamed: A }, absent: [B] }
";
const FIELDS: [&str; 4] = ["A", "B", "Type", "Renamed"];
/// Few letters, so that values and patterns meet; what numbers, addresses and instants look like.
const VALUES: [&str; 34] = [
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
    "σας",
    "-ab",
    "/ab",
    r"a\b",
    r#"a"'b"#,
    "a*b",
    "7",
    "7.0",
    " 7",
    "0x7",
    "7e0",
    "10",
    "-3",
    "1e999",
    "inf",
    "true",
    "10.0.0.7",
    "10.0.0.0/8",
    "::ffff:10.0.0.9",
    "fe80::1",
    "2024-02-29T23:59:00Z",
    "1709251140",
    "1709251140000",
    "nonsense",
];
const ITEMS: [&str; 65] = [
    "A: a",
    "A: [a, abab, É]",
    "A: 'a*'",
    "A: '*b'",
    "A: 'a*b?*'",
    "A: '?b'",
    "A: '*'",
    "A: ''",
    "A: ['', a]",
    "A: null",
    "A: [null, ab]",
    "A: 7",
    "A: [7, 10, a]",
    "A: '7'",
    "A: 7.5",
    "A: true",
    "A|contains: b",
    "A|contains: 'σ'",
    "A: 'σας'",
    "A|contains: '\\'",
    "A|contains: '\"'",
    "A|contains: '\\*'",
    "A|contains|all: [a, b]",
    "A|startswith: [a, é]",
    "A|endswith: ab",
    "A|contains|cased: B",
    "A|cased: [aB, A]",
    "A|endswith|cased: 'BA'",
    "A|startswith|cased: 'a'",
    "A|cased: 'a*B'",
    "A|re: 'a.*b'",
    "A|re|i: 'ABB'",
    "A|re: '^$'",
    "A|re|s: 'b.a'",
    "A|re|m: '^ab$'",
    "A|exists: true",
    "A|exists: false",
    "A|neq: a",
    "A|neq: ''",
    "A|contains|neq: [a, b]",
    "A|gt: 6",
    "A|gte: 7",
    "A|lt: 8.5",
    "A|lte: -3",
    "A|cidr: 10.0.0.0/8",
    "A|cidr: ['10.0.0.0/30', 'fe80::/10']",
    "A|cidr: '::/0'",
    "A|fieldref: B",
    "A|fieldref|contains: B",
    "A|fieldref|startswith|cased: B",
    "A|windash|contains: ' -ab'",
    "A|windash: '-ab'",
    "A|year: 2024",
    "A|hour|gte: 20",
    "A|week: 9",
    "EventID: 2",
    "EventID|lt: 2",
    "EventID|contains: 1",
    "Channel|contains: s",
    "Computer|exists: false",
    "Data|contains: b",
    "Data|contains|all: [a, b]",
    "Data|contains|cased: A",
    "Data|exists: true",
    "Data|contains|neq: 'é'",
];

fn rule() -> impl Strategy<Value = String> {
    let item = (prop::sample::select(&ITEMS[..]), prop::sample::select(&FIELDS[..]));
    let item =
        item.prop_map(|(item, field)| match item.strip_prefix("A").filter(|rest| rest.starts_with([':', '|'])) {
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
        "not 2 of d*",
        "not 1 of d1*",
        "not (d0 or d1) or d2",
    ]);
    (prop::collection::vec(detection, 3), condition).prop_map(|(detections, condition)| {
        let mut text = "title: t\nid: r\nlogsource: { category: test }\ndetection:\n".to_owned();
        for (number, alternatives) in detections.iter().enumerate() {
            text.push_str(&format!("  d{number}:\n"));
            for items in alternatives {
                let lines: BTreeMap<&str, &String> =
                    items.values().map(|item| (item.split(": ").next().unwrap_or_default(), item)).collect();
                let lines: Vec<&str> = lines.values().map(|line| line.as_str()).collect();
                text.push_str(&format!("    - {}\n", lines.join("\n      ")));
            }
        }
        text + &format!("  condition: {condition}\n")
    })
}

fn event() -> impl Strategy<Value = Json> {
    let value = prop_oneof![
        8 => prop::sample::select(&VALUES[..]).prop_map(Json::from),
        1 => prop::sample::select(vec![json!(7), json!(10.5), json!(-3), json!(true), json!(null)]),
    ];
    let fields = prop::collection::btree_map(prop::sample::select(vec!["A", "B", "Type", "D e"]), value, 0..5);
    let channel = prop::sample::select(vec!["Sysmon", "sysmon", "Security", "Other", "Third"]);
    let data = prop::collection::vec(prop::sample::select(&VALUES[..]), 0..4);
    (fields, channel, 1..4, any::<bool>(), data).prop_map(|(fields, channel, id, host, data)| {
        let mut event = json!({ "Channel": channel, "EventID": id, "EventRecordID": 5 });
        if host {
            event["Computer"] = json!("ws-1.irco.example");
        }
        for (name, value) in fields {
            event[name] = value;
        }
        match data.as_slice() {
            [] => {}
            [one] => event["Data"] = json!(one),
            several => event["Data"] = json!(several),
        }
        event
    })
}

fn load(text: &str) -> Arc<Rule> {
    let set = load_text(Path::new("test.yml"), text, &Lists::new());
    assert!(set.problems.is_empty(), "{text}\n{:?}", set.problems);
    Arc::clone(&set.rules[0])
}

#[test]
fn text_and_engine_agree() {
    let runtime = tokio::runtime::Runtime::new().unwrap();
    let mut mappings = Mappings::default();
    mappings.add("test", MAPPING).unwrap();
    let tables = Tables::shipped();
    let cases = std::env::var("PROPTEST_CASES").ok().and_then(|cases| cases.parse().ok()).unwrap_or(24);
    let config = ProptestConfig { failure_persistence: None, ..ProptestConfig::with_cases(cases) };
    let mut runner = TestRunner::new(config);
    let input = (prop::collection::vec(rule(), 1..8), prop::collection::vec(event(), 1..60));
    let counts = std::cell::Cell::new((0, 0));
    let outcome = runner.run(&input, |(rules, events)| {
        let lines: String = events.iter().map(|event| event.to_string() + "\n").collect();
        let events = Events::decode(lines.as_bytes(), Format::WindowsJson);
        for text in rules {
            let rule = load(&text);
            let expected = events.by_engine(&engine(&rule, &mappings));
            let (asked, some) = counts.get();
            counts.set((asked + 1, some + u32::from(!expected.is_empty())));
            match kql_text::kql_text(&rule, &mappings, &tables) {
                Ok(written) => {
                    prop_assert!(written.left_out.is_empty(), "{text}\n{:?}", written.left_out);
                    let found = runtime.block_on(events.by_text(&written.text));
                    prop_assert_eq!(found, Ok(expected), "{}\n{}", text, written.text);
                }
                Err(kql_text::NotInKql::NeverFires(_)) => prop_assert!(expected.is_empty(), "{text}"),
                Err(error) => prop_assert!(false, "{text}\n{error}"),
            }
        }
        Ok(())
    });
    if let Err(error) = outcome {
        panic!("{error}");
    }
    let (asked, some) = counts.get();
    assert!(some * 3 > asked, "agreement on nothing says nothing: {some} of {asked} found an event");
}
