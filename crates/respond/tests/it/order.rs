//! The order in which alerts of a batch arrive does not matter where it should not.

use kernel::Severity;
use kernel::fact::AlertRaised;
use proptest::prelude::*;
use testkit::sqlite;

use crate::rig;

/// What must not depend on the order: per group, who is in it and what it amounts to.
async fn outcome(alerts: &[AlertRaised]) -> Vec<String> {
    let database = sqlite();
    let rig = rig::open(&database.url).await;
    rig.raise(alerts).await;
    let mut outcome = Vec::new();
    for incident in rig.queue().await {
        let members = rig.respond.alerts(incident.id, 100).await.unwrap();
        let members: Vec<_> = members.iter().map(|member| (member.alert, member.group, member.severity)).collect();
        let entities = rig.respond.entities(incident.id, 100).await.unwrap();
        let entities: Vec<_> =
            entities.iter().map(|of| (&of.entity.key, of.alert_count, of.first_seen, of.last_seen)).collect();
        let events = (incident.first_event, incident.last_event);
        let sum = (incident.severity, incident.worst_alert, incident.alert_count, &incident.techniques);
        outcome.push(format!("{members:?} {entities:?} {events:?} {sum:?}"));
    }
    outcome.sort();
    outcome
}

fn alerts() -> impl Strategy<Value = Vec<AlertRaised>> {
    let one = (1..30_u8, 1..4_u8, prop::sample::select(&Severity::ALL[..]));
    prop::collection::btree_map(0..30_u8, one, 1..9).prop_map(|alerts| {
        alerts.into_iter().map(|(number, (_, group, severity))| rig::alert(number, group, severity)).collect()
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(12))]
    #[test]
    fn arrival_order_does_not_matter((alerts, shuffled) in alerts().prop_flat_map(|alerts| (Just(alerts.clone()), Just(alerts).prop_shuffle()))) {
        let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
        let (one, other) = runtime.block_on(async { (outcome(&alerts).await, outcome(&shuffled).await) });
        prop_assert_eq!(one, other);
    }
}
