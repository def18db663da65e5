//! Rules come, change, are switched and go.

use std::sync::Arc;

use arrow_array::{ArrayRef, DictionaryArray, RecordBatch, types::UInt32Type};
use detect::{Error, Rows, RuleFilter, RuleState, ScheduledRule};
use kernel::{Actor, Severity, Timestamp};

use crate::rig::{Rig, load, rig};

const RULE: &str = "
title: Shell from a mail client
id: 8f6b2c6e-0000-4000-8000-000000000001
status: stable
level: high
tags: [attack.t1059.001]
logsource:
    product: windows
    category: process_creation
detection:
    selection:
        Image|endswith: '\\cmd.exe'
    condition: selection
";

struct OneRow;

impl Rows for OneRow {
    fn item_id(&self, _row: usize) -> &str {
        "item-0"
    }
    fn time(&self, _row: usize) -> Timestamp {
        testkit::TestClock::NOON
    }
    fn raw(&self, _row: usize) -> &str {
        "{}"
    }
}

fn process_start() -> RecordBatch {
    let column = |value: &str| Arc::new([value].into_iter().collect::<DictionaryArray<UInt32Type>>()) as ArrayRef;
    RecordBatch::try_from_iter([
        ("Channel", column("Microsoft-Windows-Sysmon/Operational")),
        ("EventID", column("1")),
        ("Computer", column("ws-1.irco.example")),
        ("Image", column("C:\\Windows\\System32\\cmd.exe")),
        ("@product", column("windows")),
    ])
    .unwrap()
}

async fn states(rig: &Rig) -> Vec<(String, RuleState)> {
    let rules = rig.detect.rules(&RuleFilter { limit: 100, ..RuleFilter::default() }).await.unwrap();
    rules.into_iter().map(|rule| (rule.title, rule.state)).collect()
}

pub async fn packs_come_change_and_go(url: String) {
    let rig = rig(&url).await;
    let loaded = load(&rig, RULE).await;
    assert_eq!((loaded.rules, loaded.refused), (1, 0));
    let title = || "Shell from a mail client".to_owned();
    assert_eq!(states(&rig).await, [(title(), RuleState::Enabled)]);
    load(&rig, RULE).await;
    let rule = rig.detect.rule("8f6b2c6e-0000-4000-8000-000000000001").await.unwrap();
    assert_eq!(rule.version, 1, "the same text again is no change");
    assert_eq!((rule.severity, rule.techniques), (Severity::High, vec!["T1059.001".to_owned()]));
    load(&rig, &RULE.replace("level: high", "level: low")).await;
    assert_eq!(rig.detect.rule(&rule.id).await.unwrap().severity, Severity::Low);
    let broken = load(&rig, "title: no detection\nlogsource:\n    product: windows\n").await;
    assert_eq!((broken.rules, broken.refused), (0, 1));
    let now = states(&rig).await;
    assert!(now.contains(&(title(), RuleState::Disabled)), "gone from the pack: {now:?}");
    assert!(now.iter().any(|(_, state)| *state == RuleState::Broken), "a refused text is shown: {now:?}");
}

pub async fn a_switch_counts_from_the_next_batch(url: String) {
    let rig = rig(&url).await;
    load(&rig, RULE).await;
    let hits = rig.detect.in_force().evaluate(&process_start(), &OneRow).hits;
    assert_eq!(hits.len(), 1);
    assert_eq!(hits[0].event.reasons[0].field, "Image");
    assert!(hits[0].entities.iter().any(|entity| entity.key == "ws-1"), "{:?}", hits[0].entities);
    let actor = Actor::User("user-1".to_owned());
    let id = &hits[0].rule_id;
    assert!(matches!(rig.detect.switch_rule(id, false, 1, &actor, "  ").await, Err(Error::Refused(_))));
    let off = rig.detect.switch_rule(id, false, 1, &actor, "too noisy in the finance unit").await.unwrap();
    assert_eq!((off.state, off.version), (RuleState::Disabled, 2));
    assert!(rig.detect.in_force().evaluate(&process_start(), &OneRow).hits.is_empty());
    load(&rig, RULE).await;
    assert!(
        rig.detect.in_force().evaluate(&process_start(), &OneRow).hits.is_empty(),
        "a reload does not switch it on"
    );
    rig.detect.switch_rule(id, true, 2, &actor, "filter added").await.unwrap();
    assert_eq!(rig.detect.in_force().evaluate(&process_start(), &OneRow).hits.len(), 1);
}

pub async fn a_severity_of_ones_own(url: String) {
    let rig = rig(&url).await;
    load(&rig, RULE).await;
    let actor = Actor::User("user-1".to_owned());
    let id = "8f6b2c6e-0000-4000-8000-000000000001";
    let severity = || rig.detect.in_force().evaluate(&process_start(), &OneRow).hits[0].severity;
    assert_eq!(severity(), Severity::High);
    let low = rig.detect.override_severity(id, Some(Severity::Low), 1, &actor, "a lab network").await.unwrap();
    assert_eq!((low.severity, low.severity_override), (Severity::High, Some(Severity::Low)));
    assert_eq!(severity(), Severity::Low);
    load(&rig, &RULE.replace("level: high", "level: critical")).await;
    assert_eq!(severity(), Severity::Low, "a new text does not take it back");
    let filter = RuleFilter { severity: Some(Severity::Medium), limit: 10, ..RuleFilter::default() };
    assert!(rig.detect.rules(&filter).await.unwrap().is_empty(), "lists go by the severity in force");
    rig.detect.override_severity(id, None, 3, &actor, "the lab is gone").await.unwrap();
    assert_eq!(severity(), Severity::Critical);
    assert_eq!(rig.detect.rules(&filter).await.unwrap().len(), 1);
}

pub async fn two_editors_meet(url: String) {
    let rig = rig(&url).await;
    let actor = Actor::User("user-1".to_owned());
    let rule = ScheduledRule {
        title: "Failed sign-ins".into(),
        description: String::new(),
        severity: Severity::Medium,
        query: "SigninLogs | where ResultType != '0'".into(),
        frequency_s: 300,
        period_s: 3_600,
        operator: detect::scheduled::TriggerOperator::GreaterThan,
        threshold: 10,
        entities: Vec::new(),
        techniques: Vec::new(),
        suppression_s: None,
        enabled: true,
    };
    let made = rig.detect.create_scheduled(&rule, &actor, "asked for by finance").await.unwrap();
    let mine = ScheduledRule { threshold: 20, ..rule.clone() };
    rig.detect.replace_scheduled(&made.id, &mine, made.version, &actor, "less noise").await.unwrap();
    let yours = ScheduledRule { threshold: 5, ..rule.clone() };
    let conflict = rig.detect.replace_scheduled(&made.id, &yours, made.version, &actor, "more").await;
    match conflict {
        Err(Error::Store(store::Error::Conflict(both))) => {
            assert_eq!((&both.yours["threshold"], &both.theirs["schedule"]["threshold"]), (&5.into(), &20.into()));
            assert_eq!(both.version, 2);
        }
        other => panic!("{other:?}"),
    }
    let wrong = ScheduledRule { period_s: 60, ..rule };
    assert!(matches!(rig.detect.create_scheduled(&wrong, &actor, "x").await, Err(Error::BadRule { .. })));
    rig.detect.delete_scheduled(&made.id, 2, &actor, "not needed").await.unwrap();
    assert!(matches!(rig.detect.rule(&made.id).await, Err(Error::NotFound { .. })));
}
