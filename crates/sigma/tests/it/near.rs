//! How near an event came to firing a rule, and why it did not.

use std::path::Path;

use kernel::Timestamp;
use sigma::near::FiringReport;
use sigma::{Engine, Lists, Mappings, load_text};

use crate::events::{Fields, batch};

pub fn report(rule: &str, mapping: &str, events: &[Fields]) -> FiringReport {
    let set = load_text(Path::new("test.yml"), rule, &Lists::new());
    assert!(set.problems.is_empty(), "{:?}", set.problems);
    let mut mappings = Mappings::default();
    mappings.add("test", mapping).expect("a mapping");
    why(&Engine::compile(set.rules, &mappings), 0, events)
}

pub fn why(engine: &Engine, rule: usize, events: &[Fields]) -> FiringReport {
    let rows = batch(events);
    let report = engine.why(rule, &rows, &|row| Timestamp(row as i64), &|row| format!("e-{row}"));
    report.expect("the rule exists")
}

fn event(fields: &[(&str, &str)]) -> Fields {
    fields.iter().map(|(name, value)| ((*name).to_owned(), vec![(*value).to_owned()])).collect()
}

const RULE: &str = r"title: t
id: r
logsource: { product: windows, category: process_creation }
detection:
  image: { Image|endswith: ['\cmd.exe', '\pwsh.exe'] }
  line: { CommandLine|contains|all: [a, b, c] }
  company: { Company: Acme }
  filter_one: { User: SYSTEM }
  filter_two: { Image|startswith: 'C:\Trusted' }
  condition: image and line and not 1 of filter_*
";
const MAPPING: &str = "- logsource: { product: windows, category: process_creation }
  gates:
    - { name: Sysmon 1, when: { Channel: Sysmon, EventID: 1 } }
    - { name: Security 4688, when: { Channel: Security, EventID: 4688 }, fields: { Image: NewProcessName }, absent: [User] }
";

#[test]
fn the_nearest_event_is_shown_with_the_tests_that_stood_in_the_way() {
    let far = event(&[("Channel", "Sysmon"), ("EventID", "1"), ("Image", r"C:\x.exe")]);
    let near = event(&[
        ("Channel", "Sysmon"),
        ("EventID", "1"),
        ("Image", r"C:\Trusted\cmd.exe"),
        ("CommandLine", "a c"),
        ("User", "noor"),
    ]);
    let other = event(&[("Channel", "System"), ("EventID", "1")]);
    let report = report(RULE, MAPPING, &[far.clone(), near, far, other]);
    assert_eq!((report.events, report.fired), (4, 0));
    let passed: Vec<u64> = report.gates.iter().map(|gate| gate.passed).collect();
    assert_eq!(passed, [3, 0]);
    let channel = &report.gates[0].tests[0];
    assert_eq!((channel.field.as_str(), channel.asked.as_str(), channel.held), ("Channel", "is `Sysmon`", 3));
    assert_eq!(channel.other.as_deref(), Some("System"));
    let nearest = report.nearest.as_ref().expect("events passed a gate");
    assert_eq!((nearest.item.as_str(), nearest.distance, nearest.gate.as_str()), ("e-1", Some(2), "Sysmon 1"));
    let parts: Vec<(&str, bool)> = nearest.parts.iter().map(|part| (part.condition.as_str(), part.held)).collect();
    assert_eq!(parts, [("image", true), ("line", false), ("not (filter_one or filter_two)", false)]);
    let changes: Vec<String> = nearest
        .changes
        .iter()
        .map(|one| format!("{} {} {} {:?}", one.detection, one.asked, one.held, one.values))
        .collect();
    assert_eq!(
        changes,
        [r#"line contains `b` false ["a c"]"#, r#"filter_two starts with `C:\Trusted` true ["C:\\Trusted\\cmd.exe"]"#]
    );
    let fields = &report.gates[0].fields;
    let filled: Vec<(&str, u64)> = fields.iter().map(|one| (one.field.as_str(), one.filled)).collect();
    assert_eq!(filled, [("CommandLine", 1), ("Image", 3), ("User", 1)]);
    assert!(report.never_filled().is_empty());
    let security = &report.gates[1].fields;
    assert_eq!(security[1].column.as_deref(), Some("NewProcessName"));
    assert_eq!(security[2].column, None);
}

#[test]
fn an_event_that_lacks_a_field_for_ever_is_beyond_all_others() {
    let rule = "title: t
id: r
logsource: { product: windows, category: process_creation }
detection: { s: { User: SYSTEM }, condition: s }
";
    let built_in = event(&[("Channel", "Security"), ("EventID", "4688")]);
    let only = report(rule, MAPPING, std::slice::from_ref(&built_in));
    let nearest = only.nearest.as_ref().expect("it passed");
    assert_eq!((nearest.distance, nearest.changes.len()), (None, 0));
    assert_eq!(nearest.parts[0].tests[0].column, None);
    assert!(!only.gates[1].can_hold);
    let sysmon = event(&[("Channel", "Sysmon"), ("EventID", "1")]);
    let both = report(rule, MAPPING, &[sysmon, built_in]);
    assert_eq!(both.nearest.as_ref().map(|nearest| (nearest.item.as_str(), nearest.distance)), Some(("e-0", Some(1))));
    assert_eq!(both.never_filled(), ["User"]);
}

#[test]
fn batches_may_come_in_any_order() {
    let set = load_text(Path::new("test.yml"), RULE, &Lists::new());
    let mut mappings = Mappings::default();
    mappings.add("test", MAPPING).expect("a mapping");
    let engine = Engine::compile(set.rules, &mappings);
    let passing =
        |line: &str| event(&[("Channel", "Sysmon"), ("EventID", "1"), ("Image", r"C:\cmd.exe"), ("CommandLine", line)]);
    let lists = [vec![passing("a")], vec![passing("abc"), passing("ab")], vec![event(&[("Channel", "Other")])]];
    let reports: Vec<FiringReport> = lists.iter().map(|events| why(&engine, 0, events)).collect();
    let merged = |order: [usize; 3]| {
        let mut all = reports[order[0]].clone();
        all.merge(reports[order[1]].clone());
        all.merge(reports[order[2]].clone());
        all
    };
    let all = merged([0, 1, 2]);
    assert_eq!((all.events, all.fired, all.gates[0].passed), (4, 1, 3));
    assert_eq!(all.nearest.as_ref().and_then(|nearest| nearest.distance), Some(1));
    assert!(all.first.as_ref().is_some_and(|first| first.reasons.iter().any(|reason| reason.predicate.contains('b'))));
    assert_eq!((&all.nearest, &all.first), (&merged([2, 1, 0]).nearest, &merged([2, 1, 0]).first));
}
