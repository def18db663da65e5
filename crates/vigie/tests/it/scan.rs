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

const FAILED: &str = "title: Failed logon
id: 44444444-4444-4444-4444-444444444444
name: failed_logon
level: low
logsource: { product: windows, service: security }
detection: { s: { EventID: 4625 }, condition: s }
---
title: Many failed logons
id: 55555555-5555-5555-5555-555555555555
level: high
tags: [attack.credential-access, attack.t1110]
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [TargetUserName]
  timespan: 5m
  condition: { gte: 3 }
";

/// A failed logon at this minute and second of one hour.
fn failed(at: &str, user: &str) -> String {
    format!(
        r#"{{"Channel":"Security","EventID":4625,"Hostname":"dc-1.irco.example","@timestamp":"2026-11-21T08:{at}Z","SourceName":"Microsoft-Windows-Security-Auditing","TargetUserName":"{user}"}}"#
    ) + "\n"
}

#[test]
fn correlations_see_the_events_of_all_files_in_the_order_of_their_time() {
    let rig = Rig::new();
    rig.file("rules/failed.yml", FAILED);
    // Three of amina's within five minutes, but only by the time of the events: the files are not in order.
    rig.file("logs/a.ndjson", failed("20:00", "amina") + &failed("04:00", "amina") + &failed("01:00", "amina"));
    rig.file("logs/b.ndjson", failed("05:30", "amina") + &failed("02:00", "amina") + &failed("01:30", "noor"));
    let ran = rig.run(&["scan", "logs", "--rules", "rules", "--format", "jsonl", "--summary", "json"]);
    assert_eq!(ran.code, 1, "{ran:?}");
    let alerts: Vec<serde_json::Value> =
        ran.out.lines().map(|line| serde_json::from_str(line).expect("JSON")).collect();
    assert_eq!(alerts.len(), 1, "the failed logons do not alert alone: {ran:?}");
    let alert = &alerts[0];
    assert_eq!(alert["rule"], "Many failed logons");
    assert_eq!((&alert["level"], &alert["time"]), (&"high".into(), &"2026-11-21T08:04:00.000000Z".into()));
    assert_eq!((&alert["host"], &alert["techniques"][0]), (&"dc-1.irco.example".into(), &"T1110".into()));
    assert_eq!(alert["reasons"][0]["predicate"], "3 events within 5m (at least 3), for TargetUserName = `amina`");
    assert_eq!(alert["record"]["TargetUserName"], "amina");
    let together = &alert["correlation"];
    assert_eq!((&together["type"], &together["value"]), (&"event_count".into(), &3.0.into()));
    assert_eq!((&together["further"], &together["until"]), (&1.into(), &"2026-11-21T08:05:30.000000Z".into()));
    let events = together["events"].as_array().expect("events");
    let files: Vec<bool> = events.iter().map(|event| event["file"].as_str().unwrap().contains("a.ndjson")).collect();
    assert_eq!(files, [true, false, true]);
    let summary: serde_json::Value = serde_json::from_str(ran.err.lines().last().unwrap()).unwrap();
    assert_eq!(
        (&summary["alerts"], &summary["correlations"], &summary["correlated"]),
        (&1.into(), &1.into(), &6.into())
    );

    let table = rig.run(&["scan", "logs", "--rules", "rules"]);
    assert!(table.out.contains("and so on for 1 more events until 2026-11-21T08:05:30"), "{}", table.out);
    assert!(table.err.contains("1 correlations over 6 hits"), "{}", table.err);
    let quiet = rig.run(&["scan", "logs", "--rules", "rules", "--min-level", "critical"]);
    assert_eq!((quiet.code, quiet.out.as_str()), (0, ""));
}

#[test]
fn check_says_what_is_wrong_with_a_correlation() {
    let rig = Rig::new();
    rig.file("rules/failed.yml", FAILED);
    let good = rig.run(&["rules", "check", "rules"]);
    assert_eq!(good.code, 0, "{good:?}");
    assert!(good.out.contains("1 rules and 1 correlations loaded"), "{}", good.out);
    rig.file("rules/failed.yml", FAILED.replace("rules: [failed_logon]", "rules: [failed_login]"));
    let bad = rig.run(&["rules", "check", "rules"]);
    assert_eq!(bad.code, 1);
    assert!(
        bad.out.contains("failed.yml:14: SIG010 `Many failed logons` correlates the rule `failed_login`"),
        "{}",
        bad.out
    );
}

/// Rules for proxies see a JSON log that was said to be one, and CEF of a device that is known to be one.
#[test]
fn a_log_is_what_it_is_said_to_be() {
    let rig = Rig::new();
    rig.file(
        "rules/proxy.yml",
        "title: Upload tool\nid: upload\nlogsource: { category: proxy }\ndetection: { s: { c-useragent|startswith: rclone/ }, condition: s }\n",
    );
    rig.file(
        "proxy.ndjson",
        "{\"c-useragent\":\"rclone/v1.60\",\"cs-host\":\"files.example\"}\n{\"c-useragent\":\"Firefox\"}\n",
    );
    rig.file(
        "cef.log",
        "<134>Nov 21 08:00:00 gate CEF:0|Zscaler|NSSWeblog|6|Allowed|Allowed|3|act=Allowed requestClientApplication=rclone/v1.60 src=10.0.0.1\n\
         <134>Nov 21 08:00:01 gate CEF:0|Acme|Toaster|1|1|Toast|3|requestClientApplication=rclone/v1.60\n",
    );
    let found = |arguments: &[&str]| {
        let ran =
            rig.run(&[&["scan", "--rules", "rules", "--format", "jsonl", "--summary", "none"], arguments].concat());
        (ran.code, ran.out.lines().count())
    };
    assert_eq!(found(&["proxy.ndjson"]), (0, 0), "nothing says that it is a proxy");
    assert_eq!(found(&["proxy.ndjson", "--log-source", "category=proxy"]), (1, 1));
    assert_eq!(found(&["cef.log"]), (1, 1));
    let wrong = rig.run(&["scan", "--rules", "rules", "proxy.ndjson", "--log-source", "proxy"]);
    assert!(wrong.code == 2 && wrong.err.contains("category=proxy"), "{wrong:?}");
}
