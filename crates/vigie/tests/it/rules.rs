//! `vigie rules why`, `kql` and `test` on what people have.

use crate::rig::{Rig, own_rules};

const RULE: &str = "66666666-6666-6666-6666-666666666666";
const TEXT: &str = r"title: Shell from an office program
id: 66666666-6666-6666-6666-666666666666
logsource: { product: windows, category: process_creation }
detection:
  parent: { ParentImage|endswith: '\winword.exe' }
  shell: { Image|endswith: ['\cmd.exe', '\pwsh.exe'] }
  company: { Company: Acme }
  filter: { User|contains: SYSTEM }
  condition: parent and shell and company and not filter
level: high
";

fn created(image: &str, parent: &str) -> String {
    let channel = "Microsoft-Windows-Sysmon/Operational";
    let fields = serde_json::json!({
        "Channel": channel, "EventID": 1, "Hostname": "ws-1.irco.example", "@timestamp": "2026-11-21T08:00:00Z",
        "SourceName": "Microsoft-Windows-Sysmon", "Image": image, "ParentImage": parent,
    });
    fields.to_string() + "\n"
}

#[test]
fn a_silent_rule_shows_what_stood_in_the_way() {
    let rig = Rig::new();
    rig.file("rules/office.yml", TEXT);
    let calm = created(r"C:\Windows\notepad.exe", r"C:\Windows\explorer.exe");
    rig.file("a.ndjson", calm.clone() + &created(r"C:\Windows\cmd.exe", r"C:\Office\winword.exe") + &calm);
    let ran = rig.run(&["rules", "why", "--rules", "rules", "--rule", RULE, "a.ndjson"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    for line in [
        "Log source windows / process_creation; 3 events looked at.",
        "It did not fire.",
        "Gate Sysmon 1: 3 events passed",
        "  Company: never filled",
        "  Image: always filled",
        "Gate Security 4688: 0 events passed",
        "  EventID is 4688: 0 of 3; another has `1`",
        "No event filled Company, User.",
        "  held   parent",
        r"         + ParentImage ends with `\winword.exe`; it is `C:\Office\winword.exe`",
        "  failed company",
        "One test stood in the way:",
        "  company: Company is `Acme` must hold; the event has none",
    ] {
        assert!(ran.out.contains(&format!("{line}\n")), "`{line}` is not in\n{}", ran.out);
    }
    let json = rig.run(&["rules", "why", "--json", "--rules", "rules", "--rule", "shell from an", "a.ndjson"]);
    let report: serde_json::Value = serde_json::from_str(&json.out).unwrap();
    assert_eq!((&report["fired"], &report["nearest"]["distance"]), (&0.into(), &1.into()));
    assert!(report["nearest"]["item"].as_str().unwrap().ends_with("-2"), "{report}");
}

#[test]
fn a_rule_that_fired_shows_its_reasons() {
    let rig = Rig::new();
    let line = r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Hostname":"ws-1.irco.example","@timestamp":"2026-11-21T08:00:00Z","SourceName":"Microsoft-Windows-Sysmon","Image":"C:\\Windows\\System32\\rundll32.exe","CommandLine":"rundll32.exe comsvcs.dll, MiniDump 712 d.dmp full"}"#;
    rig.file("a.ndjson", format!("{line}\n"));
    let ran = rig.ok(&["rules", "why", "--rules", &own_rules(), "--rule", "comsvcs", "a.ndjson"]);
    assert!(ran.out.contains("It fired on 1 events."), "{}", ran.out);
    assert!(ran.out.contains("CommandLine contains `MiniDump`"), "{}", ran.out);
}

#[test]
fn a_rule_that_is_not_there_is_named_with_the_reason() {
    let rig = Rig::new();
    rig.file("rules/office.yml", TEXT);
    rig.file("rules/twin.yml", TEXT.replace("66666666-6666", "77777777-6666"));
    rig.file("rules/bad.yml", "title: Broken\nid: b\nlogsource: {}\ndetection: { a: { B: c }, condition: other }\n");
    rig.file("a.ndjson", created("a", "b"));
    let why = |rule: &str| rig.run(&["rules", "why", "--rules", "rules", "--rule", rule, "a.ndjson"]);
    let several = why("Shell from an office program");
    assert_eq!(several.code, 2);
    assert!(several.err.contains("means 2 rules") && several.err.contains("77777777-6666"), "{}", several.err);
    let refused = why("Broken");
    assert!(refused.err.contains("refused") && refused.err.contains("`other`"), "{}", refused.err);
    assert!(why("nothing").err.contains("none of 2 rules has the id or title `nothing`"));
}

#[test]
fn a_rule_is_written_as_kql_that_finds_its_event() {
    let rig = Rig::new();
    rig.file("rules/office.yml", TEXT.replace("  company: { Company: Acme }\n", "").replace(" and company", ""));
    let hit = created(r"C:\Windows\cmd.exe", r"C:\Office\winword.exe");
    rig.file("a.ndjson", created(r"C:\Windows\notepad.exe", r"C:\Windows\explorer.exe") + &hit);
    let written = rig.ok(&["rules", "kql", "--rules", "rules", "--rule", RULE]);
    assert!(written.out.starts_with("// Shell from an office program\n"), "{}", written.out);
    rig.ok(&["ingest", "a.ndjson"]);
    let found = rig.ok(&["query", &format!("{}| project Image", written.out), "--format", "csv"]);
    assert_eq!(found.out.lines().count(), 2, "a heading and a row: {}", found.out);
    assert!(found.out.contains("cmd.exe"), "{}", found.out);
    let refused = rig.run(&["rules", "kql", "--rules", "rules", "--rule", "nothing"]);
    assert_eq!(refused.code, 2);
}

#[test]
fn our_own_rules_match_what_they_are_for_and_nothing_near_it() {
    let rig = Rig::new();
    let ran = rig.run(&["rules", "test", &own_rules()]);
    assert_eq!(ran.code, 0, "{}", ran.out);
    assert!(ran.out.contains(" 0 failed, 0 missing;"), "{}", ran.out);
    for entry in std::fs::read_dir(own_rules()).unwrap() {
        let path = entry.unwrap().path();
        let text = std::fs::read_to_string(&path).unwrap();
        // Rules that only feed a correlation are informational, and correlations are tested with their events.
        let alerts = !text.contains("\ncorrelation:") && !text.contains("\nlevel: informational");
        assert!(!alerts || text.contains("\nregression_tests_path:"), "{} has no test", path.display());
    }
}

#[test]
fn published_rules_pass_their_tests() {
    let Some(data) = testkit::shared_data("sigma") else { return };
    let rig = Rig::new();
    let folders = ["rules", "rules-emerging-threats", "rules-threat-hunting"];
    let folders = folders.map(|name| data.join(name).display().to_string());
    let mut arguments = vec!["rules", "test", "--allow-missing"];
    arguments.extend(folders.iter().map(String::as_str));
    let ran = rig.run(&arguments);
    assert!(ran.out.contains(" 0 failed,"), "{}", ran.out);
    println!("{}", ran.out.lines().last().unwrap_or_default());
}

#[test]
fn a_test_that_fails_says_what_stood_in_the_way() {
    let rig = Rig::new();
    let rule = TEXT.replace("  company: { Company: Acme }\n", "").replace(" and company", "");
    rig.file("pack/rules/office.yml", rule.clone() + "regression_tests_path: regression_data/office/info.yml\n");
    let info = |tests: &str| format!("rule_metadata: [{{ id: {RULE} }}]\nregression_tests_info:\n{tests}");
    let test = |name: &str, count: u32, path: &str| {
        format!("  - {{ name: {name}, type: json, match_count: {count}, path: regression_data/office/{path} }}\n")
    };
    let hit = created(r"C:\Windows\cmd.exe", r"C:\Office\winword.exe");
    let near = created(r"C:\Windows\ipconfig.exe", r"C:\Office\winword.exe");
    rig.file("pack/regression_data/office/hit.ndjson", &hit);
    rig.file("pack/regression_data/office/near.ndjson", &near);
    let run = |tests: &str| {
        rig.file("pack/regression_data/office/info.yml", info(tests));
        rig.run(&["rules", "test", "pack/rules"])
    };
    let good = run(&(test("hit", 1, "hit.ndjson") + &test("near", 0, "near.ndjson")));
    assert_eq!((good.code, good.out.starts_with("2 tests of 1 rules: 2 passed, 0 failed")), (0, true), "{good:?}");
    let bad = run(&(test("few", 2, "hit.ndjson") + &test("wrong", 0, "hit.ndjson") + &test("near", 1, "near.ndjson")));
    assert_eq!(bad.code, 1);
    for part in [
        "few: 1 of 1 events match, at least 2 should",
        "wrong: 1 of 1 events match, none should; the first, ",
        r"near: 0 of 1 events match, at least 1 should; what stood in the way: Image ends with `\cmd.exe`",
        "3 tests of 1 rules: 0 passed, 3 failed",
    ] {
        assert!(bad.out.contains(part), "`{part}` is not in\n{}", bad.out);
    }
    let missing = run(&test("gone", 1, "gone.ndjson"));
    assert_eq!(missing.code, 1);
    assert!(missing.out.contains("has regression_data/office/gone.ndjson"), "{}", missing.out);
    rig.file("pack/regression_data/office/info.yml", "rule_metadata: [{ id: other }]\nregression_tests_info: []\n");
    let other = rig.run(&["rules", "test", "pack/rules"]);
    assert!(other.out.contains("it is for the rule other, not 66666666"), "{}", other.out);
}
