//! A directory and a cloud that hold the same people.

use connector::hybrid::{FindingKind, Proposal, Side};
use connector::memory::Memory;
use connector::{Attributes, Change, Connector, Effect, NewObject, ObjectClass, ObjectId, ObjectKey, Operation};
use identity::Error;

use crate::rig::{self, officer};

const PAIR: &str = r#"
[hybrid.people]
title = "Directory and cloud"
directory = "ad"
cloud = "erp"
attributes = [{ directory = "title", cloud = "jobTitle", authority = "directory" }]
"#;

async fn account(target: &Memory, number: &str, attributes: Attributes) -> ObjectId {
    let key = ObjectKey::correlation(ObjectClass::Account, "number", number);
    let new = NewObject { name: format!("p{number}"), attributes, enabled: Some(true), ..NewObject::default() };
    target.write(&Operation::new("make", key, Change::Create(new))).await.unwrap().id
}

async fn title(target: &Memory, id: &ObjectId, attribute: &str, value: &str) {
    let attributes = Attributes::new().with(attribute, value);
    let key = ObjectKey::id(ObjectClass::Account, id.0.clone());
    target.write(&Operation::new("edit", key, Change::Assign { attributes, if_version: None })).await.unwrap();
}

pub async fn two_sides_are_compared_and_a_conflict_is_resolved_by_a_person(url: String) {
    let mut rig = rig::open(&url).await;
    rig.save(PAIR).await.unwrap();
    let (ad, cloud) = (rig.targets.get("ad"), rig.targets.get("erp"));
    let anchor = "mS-DS-ConsistencyGuid";
    account(&ad, "1", Attributes::new().with(anchor, "a-1").with("title", "Chief")).await;
    let right =
        account(&cloud, "1", Attributes::new().with("onPremisesImmutableId", "a-1").with("jobTitle", "Aide")).await;
    // The promise of the deadline engine comes due by itself.
    rig.pass_until(rig.identity.now().plus_micros(120_000_000)).await;
    let health = rig.identity.hybrid_health().await.unwrap().remove(0);
    let report = health.report.unwrap();
    assert_eq!((report.pairs.len(), health.problem), (1, None));
    let finding = report.findings.iter().find(|one| matches!(one.kind, FindingKind::Conflict(_))).unwrap();
    let proposal = finding.proposals[0].clone();
    assert!(matches!(&proposal, Proposal::Assign { side: Side::Cloud, .. }));
    let targets = rig.targets.clone();
    let resolve = async |proposal: &Proposal| {
        rig.identity.resolve_hybrid("people", proposal, "the directory is right", targets.as_ref(), &officer()).await
    };
    assert_eq!(resolve(&proposal).await.unwrap(), Effect::Applied);
    assert!(rig.identity.hybrid_health().await.unwrap()[0].report.as_ref().unwrap().findings.is_empty());
    let again = resolve(&proposal).await.unwrap_err();
    assert!(matches!(&again, Error::Refused(refusal) if refusal.to_string().contains("moved on")), "{again:?}");
    // Somebody else writes it back, twice: both sides write by turns.
    for _ in 0..2 {
        for value in ["Aide", "Chief"] {
            rig.clock.advance_s(600);
            title(&cloud, &right, "jobTitle", value).await;
            rig.identity.look_at_hybrid("people", rig.targets.as_ref()).await.unwrap();
        }
    }
    let report = rig.identity.look_at_hybrid("people", rig.targets.as_ref()).await.unwrap();
    assert!(report.findings.iter().any(|one| matches!(one.kind, FindingKind::Flapping(_))), "{report:?}");
}
