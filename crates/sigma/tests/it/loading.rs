//! Loading: every file is accounted for, with place and reason.

use std::path::Path;

use kernel::Severity;
use sigma::{Engine, Lists, Mappings, RuleSet, load, load_text};

use crate::events::{Fields, batch};

const RULE: &str = "title: Whoami
id: 11111111-1111-1111-1111-111111111111
status: test
level: high
tags: [attack.discovery, attack.t1033, attack.t1059.001, attack.g0016, cve.2020-1]
logsource: { product: windows, category: process_creation }
detection:
  selection:
    Image|endswith: '\\whoami.exe'
  condition: selection
";

fn text(text: &str) -> RuleSet {
    load_text(Path::new("rules/one.yml"), text, &Lists::new())
}

/// Each problem as `code:line reason`.
fn problems(set: &RuleSet) -> Vec<String> {
    let line = |line: Option<u32>| line.map_or("?".to_owned(), |line| line.to_string());
    set.problems.iter().map(|one| format!("{}:{} {}", one.code, line(one.line), one.reason)).collect()
}

/// Each source has one problem, which begins like this.
fn check(cases: &[(&str, &str)]) {
    let wrong = cases.iter().filter_map(|(source, expected)| {
        let found = problems(&text(source));
        let right = found.len() == 1 && found[0].starts_with(expected);
        (!right).then(|| format!("expected `{expected}`, found {found:#?}"))
    });
    let wrong: Vec<String> = wrong.collect();
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn a_rule_keeps_what_it_says_of_itself() {
    let set = text(RULE);
    assert_eq!(problems(&set), Vec::<String>::new());
    let rule = &set.rules[0];
    assert_eq!(rule.severity, Severity::High);
    assert_eq!(rule.techniques(), ["T1033", "T1059.001"]);
    assert_eq!(rule.tactics(), ["discovery"]);
    assert_eq!(&*rule.text, RULE);
    assert_eq!(rule.sha256.len(), 64);
}

#[test]
fn refusals_name_place_and_reason() {
    let edit = |from: &str, to: &str| RULE.replace(from, to);
    let correlation = "title: many\ncorrelation:\n  type: event_count\n  rules: [a]\n  group-by: [User]\n  timespan: 5m\n  condition: { gte: 3 }\n";
    check(&[
        ("a: [", "SIG002:"),
        ("just text", "SIG003:? Document is not a YAML mapping"),
        ("", "SIG003:? Document is not a YAML mapping"),
        ("action: reset", "SIG003:? the file holds no rule"),
        ("title: x\n", "SIG003:? Missing required field 'detection'"),
        (&edit("|endswith", "|endwith"), "SIG004:9 Unknown modifier 'endwith'"),
        (&edit("condition: selection", "condition: selektion"), "SIG004:10 the condition names `selektion`"),
        (&edit("condition: selection", "condition: selection and"), "SIG004:10 "),
        (&edit("|endswith: '\\whoami.exe'", "|expand: '%who%'"), "SIG005:9 `Image`: the placeholder `%who%`"),
        (&format!("{RULE}---\n{RULE}"), "SIG007:2 the id 11111111"),
        (&edit("level: high", "level: hihg"), "SIG009:4 invalid level"),
        (correlation, "SIG010:4 `many` correlates the rule `a`, which is not loaded"),
        (&correlation.replace("5m", "5x"), "SIG010:6 the timespan is a number"),
        (&correlation.replace("event_count", "event_cuont"), "SIG010:3 `event_cuont` is not a type"),
        (&correlation.replace("  timespan: 5m\n", ""), "SIG010:2 the correlation has no `timespan`"),
        (&correlation.replace("gte: 3", "gte: many"), "SIG010:7 `gte` needs a number"),
        (&correlation.replace("  condition: { gte: 3 }\n", ""), "SIG010:2 the correlation has no `condition`"),
    ]);
}

#[test]
fn a_collection_repeats_and_shares() {
    let set = text(
        "action: global\nlogsource: { category: proxy }\nlevel: low\n---\ntitle: a\nid: a\ndetection: { s: { A: a }, condition: s }\n---\ntitle: b\nid: b\ndetection: { s: { A: b }, condition: s }\n---\naction: repeat\nid: c\ntitle: c\n",
    );
    assert_eq!(problems(&set), Vec::<String>::new());
    let ids: Vec<&str> = set.rules.iter().map(|rule| rule.id.as_str()).collect();
    assert_eq!(ids, ["a", "b", "c"]);
    assert!(set.rules.iter().all(|rule| rule.severity == Severity::Low));
}

#[test]
fn folders_are_walked_and_every_file_counts() {
    let folder = std::env::temp_dir().join(format!("vigie-sigma-{}", std::process::id()));
    std::fs::create_dir_all(folder.join("inner")).expect("a folder");
    std::fs::write(folder.join("inner/a.yml"), RULE).expect("a file");
    std::fs::write(folder.join("b.yaml"), [0xFF, 0xFE]).expect("a file");
    std::fs::write(folder.join("README.md"), "words").expect("a file");
    let set = load(&[folder.clone(), folder.join("gone")], &Lists::new());
    std::fs::remove_dir_all(&folder).expect("the folder goes");
    assert_eq!((set.files, set.rules.len(), set.ignored.len()), (2, 1, 1));
    let found = problems(&set);
    assert!(found.iter().any(|one| one.contains("SIG001:? the file is not UTF-8 at byte 0")), "{found:?}");
    assert_eq!(found.len(), 2, "{found:?}");
}

#[test]
fn a_filter_takes_events_from_its_rules() {
    let filter = "title: not ours\nlogsource: { product: windows }\nfilter:\n  rules: [11111111-1111-1111-1111-111111111111, gone]\n  selection:\n    User|startswith: adm_\n  condition: not selection\n";
    let set = text(&format!("{RULE}---\n{filter}"));
    assert_eq!(problems(&set), ["SIG008:? the filter `not ours` names the rule `gone`, which is not loaded"]);
    let engine = Engine::compile(set.rules, &Mappings::shipped());
    let event = |user: &str| -> Fields {
        let fields = [
            ("Channel", "Microsoft-Windows-Sysmon/Operational"),
            ("EventID", "1"),
            ("Image", r"C:\Windows\whoami.exe"),
            ("User", user),
        ];
        fields.map(|(name, value)| (name.to_owned(), vec![value.to_owned()])).into()
    };
    let hits = engine.evaluate(&batch(&[event("adm_x"), event("bob")])).hits;
    assert_eq!(hits.iter().map(|hit| hit.row).collect::<Vec<_>>(), [1]);
}

#[test]
fn reach_tells_fields_and_why_a_rule_cannot_fire() {
    let unmapped = RULE.replace("product: windows, category: process_creation", "product: teapot");
    let poor = RULE.replace("Image|endswith: '\\whoami.exe'", "Hashes|contains: abc").replace("1111-11", "2222-22");
    let rules = [text(RULE), text(&unmapped.replace("11111111", "33333333")), text(&poor)];
    let rules = rules.into_iter().flat_map(|set| set.rules).collect();
    let engine = Engine::compile(rules, &Mappings::shipped());
    let [first, second, third] = engine.reaches() else { panic!("three rules") };
    let columns: Vec<_> =
        first.gates.iter().map(|gate| (gate.gate.name.as_str(), gate.fields[0].column.as_deref())).collect();
    assert_eq!(columns, [("Sysmon 1", Some("Image")), ("Security 4688", Some("NewProcessName"))]);
    assert_eq!(first.unreachable, None);
    assert!(second.unreachable.as_ref().is_some_and(|why| why.contains("no mapping knows the log source teapot")));
    assert_eq!(third.gates.iter().map(|gate| gate.can_hold).collect::<Vec<_>>(), [true, false]);
}

#[test]
fn lint_finds_what_loads_but_is_questionable() {
    let set = text(
        "title: t\nlogsource: { product: teapot }\ndetection:\n  s:\n    A|re: '.*'\n  unused: { B: b }\n  condition: s\n",
    );
    let engine = Engine::compile(set.rules, &Mappings::shipped());
    let codes: Vec<&str> = sigma::lint::lint(&engine).iter().map(|finding| finding.code).collect();
    assert_eq!(codes, ["SIG101", "SIG102", "SIG103", "SIG104", "SIG107", "SIG108", "SIG109"]);
}

#[test]
fn a_correlation_that_waits_in_vain_is_found() {
    let (seeing, not) = ("11111111-1111-1111-1111-111111111111", "22222222-2222-2222-2222-222222222222");
    let blind = RULE.replace("product: windows, category: process_creation", "product: teapot").replace(seeing, not);
    let correlation = |kind: &str, rules: &str| {
        let condition = if kind == "temporal" { "" } else { "\n  condition: { gte: 2 }" };
        format!(
            "title: both {kind}\nid: {kind}\ncorrelation:\n  type: {kind}\n  rules: [{rules}]\n  timespan: 5m{condition}\n"
        )
    };
    let texts = [
        RULE.to_owned(),
        blind,
        correlation("temporal", &format!("{seeing}, {not}")),
        correlation("event_count", &format!("{seeing}, {not}")),
        correlation("event_count", not).replace("id: event_count", "id: dead"),
        correlation("value_count", "dead").replace("gte: 2", "gte: 2, field: User"),
    ];
    let set = text(&texts.join("---\n"));
    assert_eq!(problems(&set), Vec::<String>::new());
    let engine = Engine::compile(set.rules, &Mappings::shipped());
    let findings = sigma::lint::correlations(&set.correlations, &engine);
    let found: Vec<_> = findings.iter().map(|one| (one.code, one.rule.as_deref().unwrap_or_default())).collect();
    assert_eq!(found, [("SIG101", "temporal"), ("SIG101", "dead"), ("SIG101", "value_count")]);
}

#[test]
fn level_and_order_follow_from_the_rules() {
    let correlation = |id: &str, rules: &str, level: &str| {
        format!(
            "title: {id}\nid: {id}\n{level}correlation:\n  type: event_count\n  rules: [{rules}]\n  timespan: 5m\n  condition: {{ gte: 2 }}\n"
        )
    };
    let set = text(
        &[
            correlation("outer", "inner", ""),
            correlation("inner", "who", ""),
            correlation("own", "who", "level: low\n"),
            RULE.replace("title: Whoami", "title: Whoami\nname: who"),
        ]
        .join("---\n"),
    );
    assert_eq!(problems(&set), Vec::<String>::new());
    let found: Vec<_> = set.correlations.iter().map(|one| (one.id.as_str(), one.severity)).collect();
    assert_eq!(found, [("inner", Severity::High), ("own", Severity::Low), ("outer", Severity::High)]);
}
