//! The scenario's attack is found by the rules that come with Vigie, and its noise is left alone.

use std::collections::BTreeSet;

use detect::scheduled::parse_sentinel;
use testkit::TestClock;
use testkit::scenario::{Channel, Scenario, Step};

use crate::rig::{Rig, content, own_rules};

/// The scheduled rules that come with Vigie, and what each finds in the scenario.
const BY_KQL: [(&str, Step); 3] = [
    ("lookalike_sender_many_recipients.yaml", Step::Phishing),
    ("sign_in_from_new_country_unmanaged.yaml", Step::TokenTheft),
    ("large_upload_to_one_address.yaml", Step::Exfiltration),
];

/// Steps whose records a Sigma rule can see; the others are found by scheduled KQL.
const BY_SIGMA: [Step; 4] = [Step::PowerShell, Step::CredentialDump, Step::LateralMovement, Step::Exfiltration];

#[test]
fn every_step_that_leaves_windows_events_is_found_and_nothing_else_is() {
    let rig = Rig::new();
    let day = Scenario::new(7, TestClock::NOON, 60);
    let windows = |channel| matches!(channel, Channel::WindowsCollector | Channel::WindowsFile);
    let lines: Vec<&str> =
        day.records.iter().filter(|record| windows(record.channel)).map(|record| record.body.as_str()).collect();
    rig.file("events.ndjson", lines.join("\n"));
    let ran = rig.run(&["scan", "events.ndjson", "--rules", &own_rules(), "--format", "jsonl", "--summary", "none"]);
    assert_eq!(ran.code, 1, "{}", ran.err);
    let mut found = BTreeSet::new();
    for line in ran.out.lines() {
        let alert: serde_json::Value = serde_json::from_str(line).unwrap();
        let record = alert["record"].clone();
        let step = day.records.iter().find_map(|known| {
            let body: serde_json::Value = serde_json::from_str(&known.body).ok()?;
            (body == record).then_some(known.step).flatten()
        });
        found.insert(step.unwrap_or_else(|| panic!("an alert on ordinary work: {line}")));
    }
    assert_eq!(found, BTreeSet::from(BY_SIGMA));
}

/// Ingests the records of each channel as files, under the table or format that their source has.
fn ingest(rig: &Rig, day: &Scenario) {
    let channels: BTreeSet<Channel> = day.records.iter().map(|record| record.channel).collect();
    for (number, channel) in channels.into_iter().enumerate() {
        let name = format!("channel-{number}.log");
        let bodies = day.records.iter().filter(|record| record.channel == channel).map(|record| record.body.as_str());
        rig.file(&name, bodies.collect::<Vec<_>>().join("\n") + "\n");
        let known_as: &[&str] = match channel {
            Channel::WindowsCollector | Channel::WindowsFile => &[],
            Channel::Cloud(table) => &["--table", table],
            Channel::SyslogUdp | Channel::SyslogTcp => &["--as-format", "syslog"],
        };
        rig.ok(&[&["ingest", &name], known_as].concat());
    }
}

#[test]
fn each_scheduled_rule_finds_its_step_and_nothing_else() {
    let rig = Rig::new();
    let day = Scenario::new(7, TestClock::NOON, 60);
    ingest(&rig, &day);
    let truth = day.truth();
    let shipped: BTreeSet<String> = std::fs::read_dir(content("rules/kql"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .collect();
    assert_eq!(shipped, BY_KQL.iter().map(|(file, _)| (*file).to_owned()).collect(), "every rule has its case here");
    for (file, step) in BY_KQL {
        let path = content("rules/kql").join(file);
        let (_, rule) = parse_sentinel(&path, &std::fs::read_to_string(&path).unwrap()).unwrap();
        let until = TestClock::NOON;
        let from = until.plus_micros(-1_000_000 * i64::try_from(rule.period_s).unwrap());
        let window = ["--from", &from.to_string(), "--to", &until.to_string()];
        let answered = rig.ok(&[&["query", &rule.query, "--format", "json"], window.as_slice()].concat()).out;
        let rows: Vec<serde_json::Value> = answered.lines().map(|line| serde_json::from_str(line).unwrap()).collect();
        assert_eq!(rows.len(), 1, "{file}: {answered}");
        for column in rule.entities.iter().map(|entity| entity.column.as_str()) {
            let value = rows[0][column].as_str().unwrap_or_else(|| panic!("{file}: {column} in {answered}"));
            let hostile = truth.records(step).any(|record| record.body.contains(value));
            assert!(!value.is_empty() && hostile, "{file}: {column} is {value}, which is nothing of {step:?}");
        }
    }
}
