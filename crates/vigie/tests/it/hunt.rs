//! `vigie hunt`: history gives the alerts that detection gives.

use std::collections::{BTreeMap, BTreeSet};
use std::time::Duration;

use serde_json::Value;
use testkit::TestClock;
use testkit::scenario::{Channel, Scenario};

use crate::rig::{Ran, Rig, own_rules};
use crate::running::Running;

/// The alerts of a hunt or scan as JSON.
fn alerts(ran: &Ran) -> Vec<Value> {
    ran.out.lines().map(|line| serde_json::from_str(line).unwrap_or_else(|_| panic!("no JSON: {line}"))).collect()
}

fn hunt(rig: &Rig, rules: &str, more: &[&str]) -> Ran {
    rig.run(&[&["hunt", "--rules", rules, "--format", "jsonl", "--summary", "json"], more].concat())
}

fn summary(ran: &Ran) -> Value {
    let line = ran.err.lines().last().unwrap_or_else(|| panic!("no summary: {ran:?}"));
    serde_json::from_str(line).unwrap_or_else(|_| panic!("no summary: {ran:?}"))
}

/// What an alert says, apart from where its record lies: the record's `_ItemId` differs between a scan and a lake.
fn said(alerts: &[Value]) -> BTreeMap<String, u64> {
    let mut said = BTreeMap::new();
    for alert in alerts {
        let parts: Vec<String> = ["rule_id", "time", "host", "level", "techniques", "reasons", "record"]
            .map(|name| alert[name].to_string())
            .to_vec();
        *said.entry(parts.join(" | ")).or_default() += 1;
    }
    said
}

/// Scans `paths` and hunts over what ingesting them gave; both must say the same. Gives what the hunt printed.
fn same_as_scan(rig: &Rig, rules: &str, paths: &[&str], ingested_as: &[&str]) -> Ran {
    let scanned = rig.run(&[&["scan", "--rules", rules, "--format", "jsonl", "--summary", "none"], paths].concat());
    assert!(scanned.code < 2, "{scanned:?}");
    rig.ok(&[&["ingest"], paths, ingested_as].concat());
    let hunted = hunt(rig, rules, &[]);
    let (expected, found) = (said(&alerts(&scanned)), said(&alerts(&hunted)));
    let missing: Vec<_> = expected.iter().filter(|(alert, count)| found.get(*alert) != Some(count)).take(3).collect();
    let surplus: Vec<_> = found.iter().filter(|(alert, count)| expected.get(*alert) != Some(count)).take(3).collect();
    assert!(missing.is_empty() && surplus.is_empty(), "missing {missing:#?}\nsurplus {surplus:#?}");
    assert_eq!(hunted.code, scanned.code);
    again_by_kept_fields(rig, rules, &hunted);
    hunted
}

/// Hunts once more, now by the fields that the first hunt kept: the same alerts, and the same is counted.
fn again_by_kept_fields(rig: &Rig, rules: &str, first: &Ran) {
    let again = hunt(rig, rules, &[]);
    assert_eq!(again.out, first.out);
    let counts = |ran: &Ran| {
        let mut summary = summary(ran);
        let lake = summary["lake"].clone();
        let kept = summary["lake"]["kept"].take();
        ["elapsed_ms", "rules_ms"].iter().for_each(|name| drop(summary[*name].take()));
        (summary, kept, lake["decoded"].as_u64().unwrap_or(0) + lake["by_columns"].as_u64().unwrap_or(0))
    };
    let ((first, kept_before, _), (again, kept, records)) = (counts(first), counts(&again));
    assert_eq!(again, first);
    assert_eq!((kept_before, kept), (0.into(), records.into()));
}

/// Delivers the day's Windows and syslog records to a server and ends it when detection has seen them.
fn deliver(rig: &Rig, day: &Scenario) {
    let running = Running::start(rig);
    let session = running.administrator();
    let bodies = |wanted: &[Channel]| {
        let records = day.records.iter().filter(|record| wanted.contains(&record.channel));
        records.map(|record| record.body.as_str()).collect::<Vec<_>>()
    };
    for (source, format, channels) in [
        ("collector", "windows-json", [Channel::WindowsCollector, Channel::WindowsFile]),
        ("machines", "syslog", [Channel::SyslogUdp, Channel::SyslogTcp]),
    ] {
        let token = running.connect_source(&session, source, format);
        let headers = [("authorization", format!("Bearer {token}")), ("content-type", "application/x-ndjson".into())];
        let headers: Vec<(&str, &str)> = headers.iter().map(|(name, value)| (*name, value.as_str())).collect();
        for delivery in bodies(&channels).chunks(500) {
            let body = delivery.join("\n") + "\n";
            let reply = running.send("POST", &format!("ingest/{source}"), &headers, body.as_bytes());
            assert_eq!(reply.status, 200, "{reply:?}");
        }
    }
    std::thread::sleep(Duration::from_secs(2));
    running.kill();
    // Detection runs behind acceptance; what it had not seen when the server ended, the next one shows it.
    let mut status = rig.ok(&["lake", "status"]).out;
    for _ in 0..10 {
        if status.contains(" 0 deliveries wait") {
            break;
        }
        let mut next = rig.command(&["serve"]).stdout(std::process::Stdio::null()).spawn().unwrap();
        std::thread::sleep(Duration::from_secs(3));
        next.kill().unwrap();
        next.wait().unwrap();
        status = rig.ok(&["lake", "status"]).out;
    }
    assert!(status.contains("WindowsEvent"), "{status}");
}

#[test]
fn history_gives_the_alerts_of_live_detection() {
    let rig = Rig::new();
    deliver(&rig, &Scenario::new(7, TestClock::NOON, 60));
    let asked = "Alerts | where RuleKind == 'sigma' | project RuleId, Events, EventCount";
    let mut live = Vec::new();
    for alert in alerts(&rig.ok(&["query", asked, "--format", "json"])) {
        let events = alert["Events"].as_array().unwrap().iter();
        let events = events.map(|event| (event["item_id"].as_str().unwrap().to_owned(), words(&event["reasons"])));
        let rule = alert["RuleId"].as_str().unwrap().to_owned();
        live.push((rule, alert["EventCount"].as_u64().unwrap(), events.collect::<BTreeMap<String, String>>()));
    }
    let hunted = hunt(&rig, "shipped", &[]);
    let (correlated, alone): (Vec<Value>, Vec<Value>) =
        alerts(&hunted).into_iter().partition(|alert| !alert["correlation"].is_null());
    let is_correlation = |rule: &str| correlated.iter().any(|alert| alert["rule_id"] == rule);

    let (mut counts, mut hunted_counts) = (BTreeMap::new(), BTreeMap::new());
    let mut hunted_events = BTreeMap::new();
    for alert in &alone {
        let (rule, item) = (alert["rule_id"].as_str().unwrap(), alert["item"].as_str().unwrap());
        *hunted_counts.entry(rule.to_owned()).or_insert(0) += 1;
        let known = hunted_events.insert((rule, item), words(&alert["reasons"]));
        assert!(known.is_none(), "hunted twice: {alert}");
    }
    for (rule, count, events) in live.iter().filter(|(rule, ..)| !is_correlation(rule)) {
        *counts.entry(rule.clone()).or_insert(0) += count;
        for (item, reasons) in events {
            assert_eq!(hunted_events.get(&(rule.as_str(), item.as_str())), Some(reasons), "{rule} {item}");
        }
    }
    assert!(counts.len() >= 4, "the scenario's attack is found: {counts:?}");
    assert_eq!(hunted_counts, counts);

    // A correlation's alert is made of the events of its rules.
    let together = live.iter().filter(|(rule, ..)| is_correlation(rule));
    assert_eq!(together.clone().count(), correlated.len(), "{correlated:?}");
    for alert in &correlated {
        let parts = alert["correlation"]["events"].as_array().unwrap();
        let all_in = |events: &BTreeMap<String, String>| {
            parts.iter().all(|part| events.contains_key(part["item"].as_str().unwrap()))
        };
        assert!(
            together.clone().any(|(rule, _, events)| alert["rule_id"] == rule.as_str() && all_in(events)),
            "{alert}"
        );
    }
    let lake = &summary(&hunted)["lake"];
    assert_eq!((&lake["not_hunted"], &lake["by_columns"]), (&0.into(), &0.into()), "{lake}");
    assert!(lake["further_rows"].as_u64().unwrap() > 0, "a record is hunted once, whatever its rows: {lake}");
}

/// Reasons without the name of their detection, which the state database does not keep.
fn words(reasons: &Value) -> String {
    let reason = |reason: &Value| format!("{} {} {}", reason["field"], reason["predicate"], reason["value"]);
    reasons.as_array().unwrap().iter().map(reason).collect::<Vec<_>>().join("; ")
}

#[test]
fn history_gives_the_alerts_of_a_scan_and_of_every_format() {
    let rig = Rig::new();
    let day = Scenario::new(7, TestClock::NOON, 60);
    let windows = |channel| matches!(channel, Channel::WindowsCollector | Channel::WindowsFile);
    let lines: Vec<&str> =
        day.records.iter().filter(|record| windows(record.channel)).map(|record| record.body.as_str()).collect();
    rig.file("day.ndjson", lines.join("\n"));
    let hunted = same_as_scan(&rig, &own_rules(), &["day.ndjson"], &[]);
    let counts = &summary(&hunted)["lake"];
    assert_eq!(counts["decoded"], lines.len(), "{counts}");
    for alert in alerts(&hunted) {
        let table = alert["table"].as_str().unwrap();
        assert!(["WindowsEvent", "SecurityEvent"].contains(&table) || table.starts_with("Device"), "{alert}");
    }
}

#[test]
fn kept_fields_that_are_damaged_or_gone_are_made_anew() {
    let rig = Rig::new();
    let day = Scenario::new(7, TestClock::NOON, 20);
    let lines = day.records.iter().filter(|record| record.channel == Channel::WindowsCollector);
    rig.file("day.ndjson", lines.map(|record| record.body.as_str()).collect::<Vec<_>>().join("\n"));
    rig.ok(&["ingest", "day.ndjson"]);
    let first = hunt(&rig, &own_rules(), &[]);
    let kept = |ran: &Ran| summary(ran)["lake"]["kept"].as_u64().unwrap();
    assert_eq!(kept(&first), 0);
    let companions = || {
        let files = walkdir::WalkDir::new(rig.path()).into_iter().flatten().map(walkdir::DirEntry::into_path);
        files.filter(|path| path.extension().is_some_and(|name| name == "companion")).collect::<Vec<_>>()
    };
    assert!(!companions().is_empty());
    let records = summary(&first)["records"].as_u64().unwrap();
    let damages: [fn(&std::path::Path, &[u8]); 4] = [
        // Pages, while what describes them is whole.
        |path, bytes| std::fs::write(path, [&vec![0x55; bytes.len() / 4], &bytes[bytes.len() / 4..]].concat()).unwrap(),
        |path, _| std::fs::remove_file(path).unwrap(),
        |path, bytes| std::fs::write(path, &bytes[..bytes.len() / 2]).unwrap(),
        |path, bytes| std::fs::write(path, [&vec![0x55; bytes.len() - 8], &bytes[bytes.len() - 8..]].concat()).unwrap(),
    ];
    for damage in damages {
        for path in companions() {
            damage(&path, &std::fs::read(&path).unwrap());
        }
        let without = hunt(&rig, &own_rules(), &[]);
        assert_eq!((without.out.as_str(), kept(&without)), (first.out.as_str(), 0), "{}", without.err);
        let with = hunt(&rig, &own_rules(), &[]);
        assert_eq!((with.out.as_str(), kept(&with)), (first.out.as_str(), records), "{}", with.err);
    }
}

const RAISED: &str = "title: Access raised
id: 66666666-6666-6666-6666-666666666666
level: medium
logsource: { product: azure, service: activitylogs }
detection: { s: { OperationNameValue|endswith: elevateAccess/action, Ticket: 'none' }, condition: s }
";
const ZEEK: &str = "title: Odd name asked
id: 77777777-7777-7777-7777-777777777777
level: low
logsource: { product: zeek, service: dns }
detection: { s: { query|endswith: '.tunnel.example' }, condition: s }
";
const SUDO: &str = "title: Shell by sudo
id: 99999999-9999-9999-9999-999999999999
level: low
logsource: { product: linux, service: sudo }
detection: { s: { SyslogMessage|contains: 'COMMAND=/bin/sh', Computer: web-1 }, condition: s }
";

#[test]
fn records_that_do_not_name_their_fields_are_hunted_by_their_columns() {
    let rig = Rig::new();
    rig.file("rules/zeek.yml", ZEEK);
    rig.file("rules/sudo.yml", SUDO);
    rig.file(
        "dns.log",
        "#separator \\x09\n#path\tdns\n#fields\tts\tuid\tid.orig_h\tqclass\tquery\trejected\n\
         1763712000.5\tC1\t10.0.0.5\t1\ta.tunnel.example\tF\n1763712001.5\tC2\t10.0.0.6\t1\texample.org\tF\n",
    );
    rig.file(
        "auth.log",
        "<86>1 2026-11-21T08:00:00Z web-1 sudo 99 - - noor : TTY=pts/0 ; USER=root ; COMMAND=/bin/sh\n\
         Nov 21 08:00:01 web-1 sudo: noor : USER=root ; COMMAND=/bin/sh -i\n",
    );
    let hunted = same_as_scan_of_records(&rig, "rules", &["dns.log", "auth.log"]);
    let counts = &summary(&hunted)["lake"];
    assert_eq!((&counts["by_columns"], &counts["decoded"]), (&2.into(), &2.into()), "{counts}");
    assert_eq!(alerts(&hunted).len(), 3, "{hunted:?}");
}

/// As [`same_as_scan`]; every file is a delivery of its own.
fn same_as_scan_of_records(rig: &Rig, rules: &str, paths: &[&str]) -> Ran {
    same_as_scan(rig, rules, paths, &["--source", "sensors"])
}

#[test]
fn a_line_of_csv_is_found_by_its_column_names_and_what_had_no_column() {
    let rig = Rig::new();
    rig.file("rules/raised.yml", RAISED);
    rig.file(
        "activity.csv",
        "TimeGenerated,OperationNameValue,Caller,Ticket\n\
         2026-11-21T08:00:00Z,Microsoft.Authorization/elevateAccess/action,noor@irco.example,none\n\
         2026-11-21T08:00:01Z,Microsoft.Authorization/elevateAccess/action,noor@irco.example,CHG-17\n",
    );
    rig.ok(&["ingest", "activity.csv", "--as-format", "csv", "--table", "AzureActivity"]);
    let ran = hunt(&rig, "rules", &[]);
    let found = alerts(&ran);
    assert_eq!(found.len(), 1, "{ran:?}");
    assert_eq!(found[0]["time"], "2026-11-21T08:00:00.000000Z");
    assert!(found[0]["record"].as_str().unwrap().ends_with(",none"), "the record as it arrived: {}", found[0]);
    assert_eq!(summary(&ran)["lake"]["by_columns"], 2);
}

#[test]
fn a_log_that_does_not_say_what_it_is_can_be_told() {
    let rig = Rig::new();
    rig.file(
        "rules/tool.yml",
        "title: Tool\nid: 11111111-1111-1111-1111-111111111111\nlevel: low\nlogsource: { category: proxy }\ndetection: { s: { c-useragent: bad-tool }, condition: s }\n",
    );
    rig.file(
        "p.csv",
        "time,c-ip,c-useragent\n2026-11-21T08:00:00Z,10.0.0.5,bad-tool\n2026-11-21T08:00:01Z,10.0.0.6,good\n",
    );
    let told = ["--log-source", "category=proxy"];
    rig.ok(&[&["ingest", "p.csv", "--as-format", "csv"], &told[..]].concat());
    assert_eq!(alerts(&hunt(&rig, "rules", &told)).len(), 1);
    assert_eq!(alerts(&hunt(&rig, "rules", &[])).len(), 0);
}

#[test]
fn the_range_is_exact_to_the_microsecond() {
    let rig = Rig::new();
    let at = |second: u32| {
        format!(
            r#"{{"Channel":"Microsoft-Windows-Sysmon/Operational","EventID":1,"Hostname":"ws-1","@timestamp":"2026-11-21T08:00:{second:02}Z","Image":"C:\\Windows\\System32\\rundll32.exe","CommandLine":"rundll32.exe comsvcs.dll, MiniDump 712 d.dmp full"}}"#
        )
    };
    let lines: Vec<String> = (0..10).map(at).collect();
    rig.file("a.ndjson", lines.join("\n"));
    rig.ok(&["ingest", "a.ndjson"]);
    let check = |from: &str, to: &str, expected: u64| {
        let mut more = Vec::new();
        if !from.is_empty() {
            more.extend(["--from", from]);
        }
        if !to.is_empty() {
            more.extend(["--to", to]);
        }
        let ran = hunt(&rig, &own_rules(), &more);
        let times: BTreeSet<String> = alerts(&ran).iter().map(|alert| alert["time"].to_string()).collect();
        assert_eq!(times.len() as u64, expected, "{from} to {to}: {times:?}");
        assert_eq!(summary(&ran)["records"], expected, "{from} to {to}");
        assert_eq!(ran.code, i32::from(expected > 0));
    };
    check("", "", 10);
    check("2026-11-21T08:00:03Z", "2026-11-21T08:00:05Z", 2);
    check("2026-11-21T08:00:03.000001Z", "2026-11-21T08:00:05.000001Z", 2);
    check("2026-11-21T08:00:09Z", "", 1);
    check("2026-11-21T08:00:10Z", "", 0);
    check("", "2026-11-21T08:00:00Z", 0);
    let unknown = hunt(&rig, &own_rules(), &["--table", "Nowhere"]);
    assert_eq!(unknown.code, 2);
    assert!(unknown.err.contains("no table Nowhere"), "{}", unknown.err);
    // The record lies with the first of its rows.
    let elsewhere = hunt(&rig, &own_rules(), &["--table", "WindowsEvent"]);
    assert_eq!((&summary(&elsewhere)["lake"]["further_rows"], elsewhere.code), (&10.into(), 0));
    let first = hunt(&rig, &own_rules(), &["--table", "DeviceProcessEvents"]);
    assert_eq!((&summary(&first)["lake"]["decoded"], first.code), (&10.into(), 1));
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
correlation:
  type: event_count
  rules: [failed_logon]
  group-by: [TargetUserName]
  timespan: 5m
  condition: { gte: 3 }
";

fn failed(at: &str, user: &str) -> String {
    format!(
        r#"{{"Channel":"Security","EventID":4625,"Hostname":"dc-1.irco.example","@timestamp":"2026-11-21T08:{at}Z","TargetUserName":"{user}"}}"#
    ) + "\n"
}

#[test]
fn correlations_look_back_beyond_the_range() {
    let rig = Rig::new();
    rig.file("rules/failed.yml", FAILED);
    rig.file("a.ndjson", failed("04:00", "amina") + &failed("01:00", "amina") + &failed("01:30", "noor"));
    rig.file("b.ndjson", failed("02:00", "amina"));
    rig.file("c.ndjson", failed("05:30", "amina"));
    same_as_scan(&rig, "rules", &["a.ndjson", "b.ndjson", "c.ndjson"], &[]);
    // The third failed logon is in the range, the two before it are not.
    let ran = hunt(&rig, "rules", &["--from", "2026-11-21T08:04:00Z", "--to", "2026-11-21T08:05:00Z"]);
    let found = alerts(&ran);
    assert_eq!(found.len(), 1, "{ran:?}");
    assert_eq!(
        (&found[0]["rule"], &found[0]["time"]),
        (&"Many failed logons".into(), &"2026-11-21T08:04:00.000000Z".into())
    );
    assert_eq!(found[0]["correlation"]["events"].as_array().unwrap().len(), 3);
    assert_eq!(found[0]["correlation"]["events"][0]["table"], "SecurityEvent");
    // One that is in the run, but not its first, still counts when the first is before the range.
    let ran = hunt(&rig, "rules", &["--from", "2026-11-21T08:05:00Z"]);
    assert_eq!(alerts(&ran).len(), 1, "{ran:?}");
    assert!(summary(&ran)["lake"]["before_range"].as_u64().unwrap() > 0);
}

#[test]
fn a_change_of_rules_is_judged_by_the_alerts_gained_and_lost() {
    let rig = Rig::new();
    let rule = |id: u32, name: &str, user: &str| {
        format!(
            "title: {name}\nid: {id}0000000-0000-0000-0000-000000000000\nlevel: low\nlogsource: {{ product: windows, service: security }}\ndetection: {{ s: {{ EventID: 4625, TargetUserName|startswith: {user} }}, condition: s }}\n"
        )
    };
    rig.file("old/kept.yml", rule(1, "Kept", "a"));
    rig.file("new/kept.yml", rule(1, "Kept", "a"));
    rig.file("old/changed.yml", rule(2, "Changed", "am"));
    rig.file("new/changed.yml", rule(2, "Changed", "n"));
    rig.file("old/gone.yml", rule(3, "Gone", "noor"));
    rig.file("new/new.yml", rule(4, "New", "b"));
    rig.file(
        "a.ndjson",
        failed("01:00", "amina") + &failed("02:00", "noor") + &failed("03:00", "bao") + &failed("04:00", "ali"),
    );
    rig.ok(&["ingest", "a.ndjson"]);
    let compare = |format: &str| {
        let range = ["--from", "2026-11-21T00:00:00Z", "--to", "2026-11-22T00:00:00Z"];
        rig.run(
            &[&["hunt", "--rules", "new", "--compare", "old", "--format", format, "--summary", "none"], &range[..]]
                .concat(),
        )
    };
    let ran = compare("jsonl");
    assert_eq!(ran.code, 1, "{ran:?}");
    let found: BTreeMap<String, (String, u64, u64, u64)> = alerts(&ran)
        .iter()
        .map(|rule| {
            let number = |name: &str| rule[name].as_u64().unwrap();
            let change = rule["change"].as_str().unwrap().to_owned();
            (rule["rule"].as_str().unwrap().to_owned(), (change, number("gained"), number("lost"), number("unchanged")))
        })
        .collect();
    let expected = [
        ("Changed", ("changed", 1, 1, 0)),
        ("Gone", ("gone", 0, 1, 0)),
        ("Kept", ("same", 0, 0, 2)),
        ("New", ("new", 1, 0, 0)),
    ];
    let expected =
        expected.map(|(rule, (change, gained, lost, same))| (rule.to_owned(), (change.to_owned(), gained, lost, same)));
    assert_eq!(found, BTreeMap::from(expected));
    let table = compare("table").out;
    assert!(
        table.contains("alerts: 2 gained, 2 lost, 2 unchanged; rules: 1 new, 1 gone, 1 changed, 1 the same"),
        "{table}"
    );
    assert!(table.contains("+ 2026-11-21T08:02:00 Changed · dc-1.irco.example · SecurityEvent"), "{table}");
    let nothing =
        rig.run(&["hunt", "--rules", "new", "--compare", "new", "--from", "2026-11-21T00:00:00Z", "--summary", "none"]);
    assert_eq!(nothing.code, 0, "{nothing:?}");
}

#[test]
fn evtx_of_attacks_give_the_same_from_files_and_from_the_lake() {
    let Some(folder) = testkit::shared_data("evtx/DeepBlueCLI") else { return };
    let Some(rules) = testkit::shared_data("sigma/rules/windows/builtin") else { return };
    let rig = Rig::new();
    let hunted = same_as_scan(&rig, &rules.display().to_string(), &[&folder.display().to_string()], &[]);
    let counts = &summary(&hunted)["lake"];
    assert_eq!((&counts["not_hunted"], &counts["by_columns"]), (&0.into(), &0.into()), "{counts}");
    assert!(alerts(&hunted).len() > 50, "{counts}");
}
