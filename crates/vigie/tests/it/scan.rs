//! `vigie scan` on what people have.

use std::io::Write;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::rig::{Rig, own_rules};

const DUMP: &str = r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Hostname":"ws-1.irco.example","@timestamp":"2026-11-21T08:00:00Z","SourceName":"Microsoft-Windows-Sysmon","Image":"C:\\Windows\\System32\\rundll32.exe","CommandLine":"rundll32.exe comsvcs.dll, MiniDump 712 d.dmp full","User":"IRCO\\amina.diallo"}"#;
const CALM: &str = r#"{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Hostname":"ws-1.irco.example","@timestamp":"2026-11-21T08:00:00Z","SourceName":"Microsoft-Windows-Sysmon","Image":"C:\\Windows\\System32\\notepad.exe","CommandLine":"notepad.exe"}"#;

#[test]
fn alerts_carry_rule_host_time_and_reason() {
    let rig = Rig::new();
    rig.file("logs/a.ndjson", format!("{CALM}\n{DUMP}\n"));
    let ran = rig.run(&["scan", "logs", "--rules", &own_rules(), "--format", "jsonl", "--summary", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let alert: serde_json::Value = serde_json::from_str(ran.out.lines().next().unwrap()).unwrap();
    assert_eq!(alert["level"], "critical");
    assert_eq!(alert["host"], "ws-1.irco.example");
    assert_eq!(alert["time"], "2026-11-21T08:00:00.000000Z");
    assert_eq!(alert["techniques"][0], "T1003.001");
    let reasons = alert["reasons"].to_string();
    assert!(reasons.contains("CommandLine") && reasons.contains("MiniDump"), "{reasons}");
    let summary: serde_json::Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
    assert_eq!((&summary["records"], &summary["alerts"], &summary["files"]), (&2.into(), &1.into(), &1.into()));
}

#[test]
fn compressed_files_are_read_and_the_exit_code_tells_what_was_found() {
    let rig = Rig::new();
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(CALM.as_bytes()).unwrap();
    rig.file("calm.json.gz", encoder.finish().unwrap());
    let calm = rig.run(&["scan", "calm.json.gz", "--rules", &own_rules()]);
    assert_eq!(calm.code, 0, "{calm:?}");
    assert!(calm.err.contains("0 alerts in 1 records"), "{}", calm.err);
    rig.file("broken.evtx", b"ElfFile\0 but then nothing that makes sense");
    let broken = rig.run(&["scan", "broken.evtx", "calm.json.gz", "--rules", &own_rules()]);
    assert!(broken.err.contains("broken.evtx"), "a file that cannot be read is named: {}", broken.err);
    let absent = rig.run(&["scan", "nowhere", "--rules", &own_rules()]);
    assert_eq!(absent.code, 2);
    assert!(absent.err.contains("nowhere does not exist"), "{}", absent.err);
}

#[test]
fn a_rule_that_is_left_out_is_said() {
    let rig = Rig::new();
    rig.file("rules/bad.yml", "title: [not closed\n");
    rig.file("a.ndjson", CALM);
    let only_bad = rig.run(&["scan", "a.ndjson", "--rules", "rules"]);
    assert_eq!(only_bad.code, 2);
    assert!(only_bad.err.contains("bad.yml") && only_bad.err.contains("no rule could be loaded"), "{}", only_bad.err);
    let checked = rig.run(&["rules", "check", "rules"]);
    assert_eq!(checked.code, 1);
    assert!(checked.out.contains("bad.yml") && checked.out.contains("1 refused"), "{}", checked.out);
    assert_eq!(rig.run(&["rules", "check", &own_rules()]).code, 0);
}
