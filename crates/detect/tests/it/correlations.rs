//! Correlations over live batches: any order of arrival, any restart, the same alerts.

use std::collections::BTreeSet;
use std::sync::Arc;

use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, DictionaryArray, RecordBatch};
use detect::{AlertFilter, Detect, Rows};
use kernel::Timestamp;
use sigma::correlation::Settings;
use store::OutboxPort;
use testkit::TestClock;

use crate::rig::{Rig, load_with, rig};

const RULES: &str = "
title: Failed sign-in
id: failed
logsource: { product: windows, service: security }
detection:
    selection: { EventID: 4625 }
    condition: selection
---
title: Successful sign-in
id: success
logsource: { product: windows, service: security }
detection:
    selection: { EventID: 4624 }
    condition: selection
---
title: Guessing
id: guessing
level: high
correlation:
    type: event_count
    rules: [failed]
    group-by: [TargetUserName]
    timespan: 1m
    condition: { gte: 3 }
---
title: Guessed
id: guessed
level: critical
correlation:
    type: temporal_ordered
    rules: [guessing, success]
    group-by: [TargetUserName]
    timespan: 5m
";

const QUIET: &str = "
title: A quiet pair
id: quiet
level: low
correlation:
    type: event_count
    rules: [success]
    group-by: [TargetUserName]
    timespan: 1m
    condition: { gte: 2, lte: 2 }
";

/// Long enough for every delay in these tests.
const PATIENT: Settings = Settings { lateness_us: 3_600_000_000, max_hits: 10_000, max_group_hits: 1_000 };

/// User, event, second after noon.
type Event = (&'static str, &'static str, i64);

const STORY: &[Event] = &[
    ("amina", "4625", 0),
    ("amina", "4625", 10),
    ("joao", "4625", 12),
    ("amina", "4625", 20),
    ("amina", "4625", 30),
    ("amina", "4624", 45),
    ("joao", "4625", 50),
    ("joao", "4624", 55),
    ("amina", "4624", 70),
    ("amina", "4624", 80),
    ("amina", "4625", 200),
    ("amina", "4625", 210),
    ("amina", "4625", 220),
];

/// Events of people of one `house`, so that each house is a story of its own.
struct Batch<'a> {
    house: &'a str,
    events: &'a [Event],
    names: Vec<String>,
}

impl<'a> Batch<'a> {
    fn new(house: &'a str, events: &'a [Event]) -> Batch<'a> {
        let names = events.iter().map(|(user, kind, second)| format!("{house}-{user}-{kind}-{second}"));
        Batch { house, events, names: names.collect() }
    }

    fn columns(&self) -> RecordBatch {
        let column = |of: &dyn Fn(&Event) -> String| {
            let texts: Vec<String> = self.events.iter().map(of).collect();
            Arc::new(texts.iter().map(String::as_str).collect::<DictionaryArray<UInt32Type>>()) as ArrayRef
        };
        RecordBatch::try_from_iter([
            ("Channel", column(&|_| "Security".to_owned())),
            ("EventID", column(&|event| event.1.to_owned())),
            ("TargetUserName", column(&|event| format!("{}-{}", self.house, event.0))),
            ("Computer", column(&|_| "dc-1.irco.example".to_owned())),
            ("@product", column(&|_| "windows".to_owned())),
        ])
        .unwrap()
    }
}

impl Rows for Batch<'_> {
    fn item_id(&self, row: usize) -> &str {
        &self.names[row]
    }
    fn time(&self, row: usize) -> Timestamp {
        Timestamp(TestClock::NOON.micros() + self.events[row].2 * 1_000_000)
    }
    fn raw(&self, row: usize) -> &str {
        &self.names[row]
    }
}

async fn load_all(detect: &Detect) {
    load_with(detect, RULES, &[("pack/quiet.yml".into(), QUIET.to_owned())], PATIENT).await;
}

/// What detection does with a delivery.
async fn deliver(detect: &Detect, house: &str, name: &str, events: &[Event]) {
    let batch = Batch::new(house, events);
    let found = detect.in_force().evaluate(&batch.columns(), &batch);
    assert!(found.hits.is_empty(), "correlated rules do not alert alone");
    let correlated = detect.correlate(&found).await;
    detect.record_with(name, &found.hits, &correlated).await.unwrap();
    // The same again, as after a break between storing and acknowledging.
    let again = detect.correlate(&found).await;
    detect.record_with(name, &[], &again).await.unwrap();
    detect.save_correlations(false).await.unwrap();
}

/// What stands: title, first and last event in seconds, count, the kept events with their records.
type Standing = BTreeSet<(String, i64, i64, u64, Vec<String>)>;

async fn standing(rig: &Rig, house: &str) -> Standing {
    let filter = AlertFilter { limit: 500, ..AlertFilter::default() };
    let seconds = |time: Timestamp| (time.micros() - TestClock::NOON.micros()) / 1_000_000;
    let mut standing = Standing::new();
    for alert in rig.detect.alerts(&filter).await.unwrap() {
        if alert.withdrawn.is_none() {
            let detail = rig.detect.alert(alert.id).await.unwrap();
            assert_eq!(detail.rule_revision.as_deref(), Some("1a2b3c4"));
            assert!(detail.events.iter().all(|event| event.raw == event.item_id), "{detail:?}");
            if !detail.events[0].item_id.starts_with(house) {
                continue;
            }
            let events = detail.events.into_iter().map(|event| event.item_id.replace(house, "")).collect();
            standing.insert((
                alert.title,
                seconds(alert.first_event),
                seconds(alert.last_event),
                alert.event_count,
                events,
            ));
        }
    }
    standing
}

fn titles(standing: &Standing) -> Vec<(&str, i64, i64, u64)> {
    standing.iter().map(|(title, first, last, count, _)| (title.as_str(), *first, *last, *count)).collect()
}

pub async fn any_order_and_any_restart_give_the_same_alerts(url: String) {
    let mut rig = rig(&url).await;
    let mut wanted: Option<Standing> = None;
    for (round, step) in [1_usize, 5, 7, 11].into_iter().enumerate() {
        let house = format!("house{round}");
        load_all(&rig.detect).await;
        let order: Vec<Event> = (0..STORY.len()).map(|at| STORY[at * step % STORY.len()]).collect();
        for (number, part) in order.chunks(2).enumerate() {
            if number % 3 == round % 3 {
                // The process ends here, and another one goes on.
                if number % 2 == 0 {
                    rig.detect.save_correlations(true).await.unwrap();
                }
                rig.detect = Detect::new(rig.store.clone());
                load_all(&rig.detect).await;
            }
            deliver(&rig.detect, &house, &format!("{house}-{number}"), part).await;
        }
        let stands = standing(&rig, &house).await;
        assert_eq!(titles(&stands), [("A quiet pair", 45, 70, 2), ("Guessed", 0, 220, 10)], "order {step}");
        assert_eq!(*wanted.get_or_insert_with(|| stands.clone()), stands, "order {step}");
    }
}

pub async fn what_is_undone_is_withdrawn(url: String) {
    let rig = rig(&url).await;
    load_all(&rig.detect).await;
    deliver(&rig.detect, "house", "a", &[("amina", "4624", 10), ("amina", "4624", 30)]).await;
    assert_eq!(titles(&standing(&rig, "house").await), [("A quiet pair", 10, 30, 2)]);
    // Three are no pair: the one at 20 makes another pair before, and undoes the one that was told.
    deliver(&rig.detect, "house", "b", &[("amina", "4624", 20)]).await;
    assert_eq!(titles(&standing(&rig, "house").await), [("A quiet pair", 10, 20, 2)]);
    let all = rig.detect.alerts(&AlertFilter { limit: 10, ..AlertFilter::default() }).await.unwrap();
    assert_eq!(all.iter().filter(|alert| alert.withdrawn.is_some()).count(), 1);
    let facts = rig.store.facts_after(0, 100).await.unwrap();
    assert_eq!(facts.iter().filter(|fact| fact.topic == "alert-withdrawn").count(), 1);
}

pub async fn rules_change_and_what_is_remembered_goes_on(url: String) {
    let rig = rig(&url).await;
    let changed = [("pack/quiet.yml".into(), QUIET.replace("A quiet pair", "A pair"))];
    load_all(&rig.detect).await;
    deliver(&rig.detect, "house", "a", &[("amina", "4625", 0), ("amina", "4625", 10)]).await;
    let loaded = load_with(&rig.detect, RULES, &changed, PATIENT).await;
    assert_eq!((loaded.rules, loaded.correlations), (2, 3));
    deliver(&rig.detect, "house", "b", &[("amina", "4625", 20)]).await;
    deliver(&rig.detect, "house", "c", &[("amina", "4624", 30)]).await;
    assert_eq!(
        titles(&standing(&rig, "house").await),
        [("Guessed", 0, 30, 4)],
        "what was begun before the change is completed"
    );
    let rule = rig.detect.rule("guessing").await.unwrap();
    assert_eq!(
        (rule.log_source.as_deref(), rule.revision.as_deref()),
        (Some("correlation/event_count"), Some("1a2b3c4"))
    );
    let status = rig.detect.correlation_status().await.unwrap();
    assert_eq!((status.correlations, status.late), (3, 0));
    // A correlation that is off does not silence its rules.
    let actor = kernel::Actor::User("user-1".to_owned());
    for id in ["guessed", "quiet"] {
        rig.detect
            .switch_rule(id, false, rig.detect.rule(id).await.unwrap().version, &actor, "too noisy")
            .await
            .unwrap();
    }
    load_with(&rig.detect, RULES, &changed, PATIENT).await;
    let batch = Batch::new("house", &[("joao", "4624", 40)]);
    assert_eq!(rig.detect.in_force().evaluate(&batch.columns(), &batch).hits.len(), 1);
}
