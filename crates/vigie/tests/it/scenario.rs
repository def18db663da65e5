//! The scenario's attack is found by the rules that come with Vigie, and its noise is left alone.

use std::collections::BTreeSet;

use testkit::TestClock;
use testkit::scenario::{Channel, Scenario, Step};

use crate::rig::{Rig, own_rules};

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
