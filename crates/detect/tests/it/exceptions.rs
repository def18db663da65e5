//! An exception is tried, made, counts, and ends by itself.

use std::sync::Arc;

use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch};
use detect::{Detect, Error, ExceptionState, NewException, RuleException, Samples, Trial};
use kernel::{Actor, Timestamp};
use sigma::correlation::Settings;
use testkit::TestClock;

use crate::rig::{HOUR_US, Rig, hit, load_with, rig};

const RULE: &str = "
title: Copying tool
id: copying
logsource: { product: windows, category: process_creation }
detection:
    selection: { Image|endswith: '\\robocopy.exe' }
    condition: selection
";

/// A process start by `user`.
fn start(user: &str) -> RecordBatch {
    let column = |value: &str| Arc::new([value].into_iter().collect::<DictionaryArray<UInt32Type>>()) as ArrayRef;
    RecordBatch::try_from_iter([
        ("Channel", column("Microsoft-Windows-Sysmon/Operational")),
        ("EventID", column("1")),
        ("Image", column("C:\\Windows\\System32\\robocopy.exe")),
        ("User", column(user)),
        ("@product", column("windows")),
    ])
    .unwrap()
}

/// The rule is known by one start of amina and one of joao; a raw record is the name of the user.
struct TwoStarts;

impl Samples for TwoStarts {
    fn positives(&self, rule_id: &str, _origin: &str) -> Vec<RecordBatch> {
        if rule_id == "copying" { vec![start("amina"), start("joao")] } else { Vec::new() }
    }
    fn record(&self, raw: &str) -> Option<RecordBatch> {
        raw.contains("svc").then(|| start("svc-backup"))
    }
}

fn backup(detection: &str) -> NewException {
    NewException {
        rule_id: "copying".into(),
        title: "Nightly backup".into(),
        detection: detection.into(),
        owner: "storage team".into(),
        expires: Timestamp(TestClock::NOON.micros() + 24 * HOUR_US),
        accept_blind: false,
    }
}

async fn house(url: &str) -> Rig {
    let mut rig = rig(url).await;
    rig.detect = Detect::new(rig.store.clone()).with_samples(Arc::new(TwoStarts));
    reload(&rig).await;
    rig
}

async fn reload(rig: &Rig) {
    let filters = rig.detect.exception_filters().await.unwrap();
    load_with(&rig.detect, RULE, &filters, Settings::default()).await;
}

fn fires(rig: &Rig, user: &str) -> bool {
    struct Row;
    impl detect::Rows for Row {
        fn item_id(&self, _row: usize) -> &str {
            "item"
        }
        fn time(&self, _row: usize) -> Timestamp {
            TestClock::NOON
        }
        fn raw(&self, _row: usize) -> &str {
            "{}"
        }
    }
    !rig.detect.in_force().evaluate(&start(user), &Row).hits.is_empty()
}

async fn only(rig: &Rig, also_over: bool) -> Option<RuleException> {
    rig.detect.exceptions(Some("copying"), also_over).await.unwrap().pop()
}

pub async fn from_trial_to_expiry(url: String) {
    let rig = house(&url).await;
    let actor = Actor::User("user-1".to_owned());
    let mut alerted = hit("copying", "svc item", 0, &["ws-1"]);
    alerted.event.raw = "svc".into();
    rig.detect.record("a", vec![alerted]).await.unwrap();
    let new = backup("selection:\n  User: svc-backup\n");
    let trial = rig.detect.try_exception("copying", &new.title, &new.detection).await.unwrap();
    assert_eq!(trial, Trial { samples: 2, samples_silenced: 0, alerted: 1, alerted_silenced: 1 });
    let made = rig.detect.create_exception(&new, &actor, "agreed with storage").await.unwrap();
    assert_eq!((made.state, made.trial), (ExceptionState::Active, trial));
    rig.detect.reload_wanted().await;
    reload(&rig).await;
    assert!(!fires(&rig, "svc-backup") && fires(&rig, "amina"));
    let later = Timestamp(made.expires.micros() + 24 * HOUR_US);
    let prolonged = rig.detect.prolong_exception(made.id, later, 1, &actor, "the contract goes on").await.unwrap();
    assert!(rig.detect.end_exception(made.id, 1, &actor, "old version").await.is_err());
    // The first end passes, and nothing happens; the second ends it.
    for (hours, state) in [(25, ExceptionState::Active), (24, ExceptionState::Expired)] {
        rig.clock.advance_s(hours * 3_600);
        rig.store.deadline_engine().tick().await.unwrap();
        let progress = rig.store.postman(rig.detect.subscriber()).round().await.unwrap();
        assert_eq!((progress.parked, progress.waiting_until), (0, None), "the subscriber failed");
        assert_eq!(only(&rig, true).await.map(|one| one.state), Some(state), "{hours} hours later");
    }
    assert!(only(&rig, false).await.is_none());
    reload(&rig).await;
    assert!(fires(&rig, "svc-backup"), "it fires again");
    let over = rig.detect.end_exception(prolonged.id, 3, &actor, "too late").await;
    assert!(matches!(over, Err(Error::Refused(_))), "{over:?}");
}

pub async fn a_new_text_that_an_exception_blinds_says_so(url: String) {
    let rig = house(&url).await;
    let actor = Actor::User("user-1".to_owned());
    let new = backup("selection:\n  User: joao\n");
    rig.detect.create_exception(&new, &actor, "one of two is left").await.unwrap();
    reload(&rig).await;
    assert!(rig.detect.rule("copying").await.unwrap().problems.is_empty());
    let filters = rig.detect.exception_filters().await.unwrap();
    let narrowed = RULE.replace("Image|endswith", "User: joao, Image|endswith");
    load_with(&rig.detect, &narrowed, &filters, Settings::default()).await;
    let problems = rig.detect.rule("copying").await.unwrap().problems;
    assert!(
        problems.len() == 1 && problems[0].contains("`Nightly backup` of storage team silences all 1"),
        "{problems:?}"
    );
    reload(&rig).await;
    assert!(rig.detect.rule("copying").await.unwrap().problems.is_empty(), "mended");
}

pub async fn what_cannot_be_an_exception(url: String) {
    let rig = house(&url).await;
    let actor = Actor::User("user-1".to_owned());
    let blind = backup("selection:\n  Image|endswith: copy.exe\n");
    for (new, reason, why) in [
        (blind.clone(), "r", "on none of the 2 events"),
        (blind.clone(), "  ", "give the reason"),
        (NewException { owner: " ".into(), ..blind.clone() }, "r", "give the owner"),
        (NewException { rule_id: "gone".into(), ..blind.clone() }, "r", "no rule is called `gone`"),
        (NewException { expires: TestClock::NOON, ..blind.clone() }, "r", "lies in the past"),
        (
            NewException { expires: Timestamp(TestClock::NOON.micros() + 9_000 * HOUR_US), ..blind.clone() },
            "r",
            "366 days at most",
        ),
        (backup("selection:\n  User|fancy: x\n"), "r", "fancy"),
        (backup("User: x\n"), "r", "`User` stands alone"),
    ] {
        let refused = rig.detect.create_exception(&new, &actor, reason).await.unwrap_err().to_string();
        assert!(refused.contains(why), "{refused}");
    }
    assert!(only(&rig, true).await.is_none(), "nothing was written");
    let accepted = NewException { accept_blind: true, ..blind };
    rig.detect.create_exception(&accepted, &actor, "the tool is banned by other means").await.unwrap();
}
