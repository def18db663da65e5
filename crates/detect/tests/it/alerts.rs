//! Hits become alerts and groups.

use std::collections::BTreeSet;

use detect::{Alert, AlertFilter};
use kernel::{Fact, Severity};
use store::LedgerFilter;

use crate::rig::{Rig, hit, rig};

async fn all(rig: &Rig) -> Vec<Alert> {
    rig.detect.alerts(&AlertFilter { limit: 500, ..AlertFilter::default() }).await.unwrap()
}

async fn groups(rig: &Rig) -> usize {
    all(rig).await.iter().map(|alert| alert.group).collect::<BTreeSet<_>>().len()
}

pub async fn the_same_batch_again_changes_nothing(url: String) {
    let rig = rig(&url).await;
    let hits = vec![hit("r1", "i1", 0, &["ws-1"]), hit("r2", "i1", 0, &["ws-1"])];
    let first = rig.detect.record("entry-1", hits.clone()).await.unwrap();
    assert_eq!((first.raised.len(), first.repeated), (2, false));
    let before = all(&rig).await;
    let again = rig.detect.record("entry-1", hits).await.unwrap();
    assert!(again.repeated && again.raised.is_empty());
    assert_eq!(all(&rig).await, before);
    let entries = rig.store.ledger(&LedgerFilter::default(), 100).await.unwrap();
    assert_eq!(entries.iter().filter(|entry| entry.verb == "alerts.record").count(), 1);
    assert!(rig.store.verify_ledger().await.unwrap().fault.is_none());
    let nothing = rig.detect.record("entry-2", Vec::new()).await.unwrap();
    assert_eq!(nothing, detect::Recorded::default());
}

pub async fn likeness_makes_one_alert_grow(url: String) {
    let rig = rig(&url).await;
    let mut many: Vec<_> = (0..30).map(|number| hit("r1", &format!("i{number:02}"), 0, &["ws-1"])).collect();
    many.push(hit("r1", "other host", 0, &["ws-2"]));
    rig.detect.record("a", many).await.unwrap();
    let grown = rig.detect.record("b", vec![hit("r1", "late", 1, &["ws-1"])]).await.unwrap();
    assert_eq!((grown.grown, grown.raised.len()), (1, 0), "within the rule's quiet time");
    let fresh = rig.detect.record("c", vec![hit("r1", "next day", 20, &["ws-1"])]).await.unwrap();
    assert_eq!(fresh.raised.len(), 1, "after the quiet time it is news");
    let alerts = all(&rig).await;
    let counts: BTreeSet<u64> = alerts.iter().map(|alert| alert.event_count).collect();
    assert_eq!(counts, BTreeSet::from([1, 31]));
    let large = alerts.iter().find(|alert| alert.event_count == 31).unwrap();
    let detail = rig.detect.alert(large.id).await.unwrap();
    assert_eq!(detail.events.len(), 20, "the first are kept, the rest is counted");
    assert_eq!(detail.events[0].reasons[0].predicate, "ends with x");
}

pub async fn strong_things_tie_groups_across_batches(url: String) {
    let rig = rig(&url).await;
    rig.detect.record("a", vec![hit("r1", "1", 0, &["ws-1", "amina@irco"])]).await.unwrap();
    rig.detect.record("b", vec![hit("r2", "2", 2, &["srv-1", "amina@irco"])]).await.unwrap();
    assert_eq!(groups(&rig).await, 1, "through the account");
    rig.detect.record("c", vec![hit("r3", "3", 3, &["srv-1"])]).await.unwrap();
    assert_eq!(groups(&rig).await, 1, "through the host that came with the second");
    rig.detect.record("d", vec![hit("r3", "4", 3, &["ws-9"])]).await.unwrap();
    assert_eq!(groups(&rig).await, 2);
    rig.detect
        .record("e", vec![hit("r4", "5", 0, &["ws-7", "system@"]), hit("r5", "6", 0, &["ws-8", "system@"])])
        .await
        .unwrap();
    assert_eq!(groups(&rig).await, 4, "an account that every machine has ties nothing");
}

pub async fn the_order_within_a_batch_does_not_matter(url: String) {
    let rig = rig(&url).await;
    let hits = |prefix: &str| {
        let thing = |name: &str| format!("{prefix}{name}");
        vec![
            hit("r1", "1", 0, &[&thing("ws-1")]),
            hit("r2", "2", 1, &[&thing("ws-1"), &thing("srv")]),
            hit("r1", "3", 2, &[&thing("srv")]),
            hit("r1", "4", 2, &[&thing("ws-2")]),
        ]
    };
    rig.detect.record("forwards", hits("a-")).await.unwrap();
    let mut backwards = hits("b-");
    backwards.reverse();
    rig.detect.record("backwards", backwards).await.unwrap();
    let alerts = all(&rig).await;
    let sizes = |prefix: &str| {
        let mut sizes = std::collections::BTreeMap::<_, usize>::new();
        for alert in alerts.iter().filter(|alert| alert.entities.iter().any(|entity| entity.key.starts_with(prefix))) {
            *sizes.entry(alert.group).or_default() += 1;
        }
        let mut sizes: Vec<usize> = sizes.into_values().collect();
        sizes.sort_unstable();
        sizes
    };
    assert_eq!(sizes("a-"), [1, 3]);
    assert_eq!(sizes("a-"), sizes("b-"));
}

pub async fn filters_and_pages(url: String) {
    let rig = rig(&url).await;
    for number in 0..5 {
        let mut one = hit(&format!("r{number}"), "i", 0, &[&format!("ws-{number}")]);
        one.severity = if number == 0 { Severity::Low } else { Severity::High };
        rig.detect.record(&format!("b{number}"), vec![one]).await.unwrap();
        rig.clock.advance_s(1);
    }
    let list = async |filter: AlertFilter| rig.detect.alerts(&filter).await.unwrap();
    let page = || AlertFilter { limit: 2, ..AlertFilter::default() };
    let first = list(page()).await;
    assert_eq!(first.iter().map(|alert| alert.rule_id.as_str()).collect::<Vec<_>>(), ["r4", "r3"]);
    let next = list(AlertFilter { before: first.last().map(|alert| (alert.raised, alert.id)), ..page() }).await;
    assert_eq!(next.iter().map(|alert| alert.rule_id.as_str()).collect::<Vec<_>>(), ["r2", "r1"]);
    let wide = || AlertFilter { limit: 100, ..AlertFilter::default() };
    assert_eq!(list(AlertFilter { severity: Some(Severity::Medium), ..wide() }).await.len(), 4);
    assert_eq!(list(AlertFilter { entity: Some(("host".into(), "ws-3".into())), ..wide() }).await.len(), 1);
    assert_eq!(list(AlertFilter { technique: Some("t1003".into()), ..wide() }).await.len(), 5);
    assert_eq!(list(AlertFilter { technique: Some("T1059".into()), ..wide() }).await.len(), 0);
    assert_eq!(list(AlertFilter { group: Some(first[0].group), ..wide() }).await.len(), 1);
    let (from, to) = (testkit::TestClock::NOON, rig.store.now());
    let rules = rig.detect.top_rules(from, to, 10).await.unwrap();
    assert_eq!(rules.iter().map(|count| count.alerts).sum::<u64>(), 5);
    assert_eq!(rig.detect.techniques(from, to).await.unwrap()[0].alerts, 5);
    assert_eq!(rig.detect.alerts_by_step(from, to, 1_000_000).await.unwrap().len(), 5);
    assert_eq!(rig.detect.top_entities(from, to, 3).await.unwrap().len(), 3);
    let facts = rig
        .store
        .fetch_all(&store::Statement::new("test.facts", "SELECT fact FROM outbox ORDER BY seq"), vec![])
        .await
        .unwrap();
    let first: Fact = facts[0].json("fact").unwrap();
    assert!(matches!(first, Fact::AlertRaised(raised) if raised.rule_id == "r0"));
}
