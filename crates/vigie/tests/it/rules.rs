//! `vigie rules why` and `vigie rules kql` on what people have.

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
