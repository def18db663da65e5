//! `vigie rules coverage`: rules, the events that there are, and what was found.

use std::collections::BTreeMap;

use serde_json::Value;

use crate::rig::Rig;

const RULES: &str = "title: Dump
id: 10000000-0000-0000-0000-000000000000
tags: [attack.credential-access, attack.t1003.001]
logsource: { product: windows, category: process_creation }
detection: { s: { CommandLine|contains: MiniDump, OriginalFileName: RUNDLL32.EXE }, condition: s }
---
title: Service
id: 20000000-0000-0000-0000-000000000000
tags: [attack.t1543.003]
logsource: { product: windows, service: system }
detection: { s: { ServiceName: PSEXESVC }, condition: s }
---
title: Elsewhere
id: 30000000-0000-0000-0000-000000000000
tags: [attack.t1003]
logsource: { product: nowhere }
detection: { s: { A: b }, condition: s }
";
const EVENT: &str = r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Hostname":"ws-1","@timestamp":"2026-11-21T08:00:00Z","CommandLine":"notepad.exe"}"#;

/// Standing and number of rules by technique.
fn coverage(rig: &Rig) -> BTreeMap<String, (String, u64)> {
    let from = ["--from", "2026-11-21T00:00:00Z", "--layer", "layer.json"];
    let ran = rig.ok(&[&["rules", "coverage", "--rules", "rules", "--json"], &from[..]].concat());
    let lines = ran.out.lines().map(|line| serde_json::from_str::<Value>(line).unwrap());
    lines
        .map(|one| {
            let standing = one["standing"].as_str().unwrap().to_owned();
            (one["technique"].as_str().unwrap().to_owned(), (standing, one["rules"].as_u64().unwrap()))
        })
        .collect()
}

fn expected<const N: usize>(list: [(&str, &str, u64); N]) -> BTreeMap<String, (String, u64)> {
    list.map(|(technique, standing, rules)| (technique.to_owned(), (standing.to_owned(), rules))).into()
}

#[test]
fn coverage_follows_rules_and_then_events() {
    let rig = Rig::new();
    rig.file("rules/all.yml", RULES);
    let rules_alone = expected([
        ("T1003", "loaded", 2),
        ("T1003.001", "loaded", 1),
        ("T1543", "loaded", 1),
        ("T1543.003", "loaded", 1),
    ]);
    assert_eq!(coverage(&rig), rules_alone);
    assert!(!rig.path().join("data").exists(), "looking makes no data folder");
    rig.file("a.ndjson", EVENT);
    rig.ok(&["ingest", "a.ndjson"]);
    let with_events = expected([
        ("T1003", "some-fields", 2),
        ("T1003.001", "some-fields", 1),
        ("T1543", "no-events", 1),
        ("T1543.003", "no-events", 1),
    ]);
    assert_eq!(coverage(&rig), with_events);
    rig.file("b.ndjson", EVENT.replace("\"CommandLine\"", "\"OriginalFileName\":\"NOTEPAD.EXE\",\"CommandLine\""));
    rig.ok(&["ingest", "b.ndjson"]);
    assert_eq!(coverage(&rig)["T1003.001"].0, "ready");
    let layer: Value = serde_json::from_slice(&std::fs::read(rig.path().join("layer.json")).unwrap()).unwrap();
    assert_eq!((&layer["versions"]["layer"], &layer["domain"]), (&"4.5".into(), &"enterprise-attack".into()));
    assert_eq!(layer["techniques"].as_array().unwrap().len(), 4);
    let table = rig.ok(&["rules", "coverage", "--rules", "rules", "--from", "2026-11-21T00:00:00Z"]).out;
    assert!(table.contains("T1003.001") && table.contains("events with all fields are there"), "{table}");
    // Without --rules: those in force, scheduled ones among them.
    let in_force = rig.ok(&["rules", "coverage"]).out;
    assert!(in_force.contains("T1566") || in_force.contains("T1078"), "{in_force}");
}
