//! One organisation, in which everything goes wrong once.

use super::*;
use crate::object::ObjectClass;
use crate::protection::Protection;
use crate::value::{AttributeValue, Attributes};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

const NOON: Timestamp = Timestamp(1_796_040_000_000_000);

fn guid(number: u8) -> String {
    format!("00000000-0000-0000-0000-0000000000{number:02x}")
}

fn anchor(number: u8) -> String {
    STANDARD.encode(crate::active_directory::value::guid_bytes(&guid(number)).unwrap())
}

fn person(number: u8) -> Object {
    let name = format!("p{number}@vigie.test");
    let mut object = Object::new(ObjectClass::Account, guid(number), format!("P{number}"));
    object.container = Some("OU=Staff,DC=vigie,DC=test".into());
    object.attributes = Attributes::new()
        .with("userPrincipalName", name.as_str())
        .with("mail", name.as_str())
        .with("title", "Analyst")
        .with("whenChanged", "20261101080000.0Z");
    object.enabled = Some(true);
    object
}

fn cloud(number: u8, synced: bool) -> Object {
    let name = format!("P{number}@vigie.test");
    let mut object = Object::new(ObjectClass::Account, format!("c{number}"), name.clone());
    object.attributes = Attributes::new()
        .with("userPrincipalName", name.as_str())
        .with("jobTitle", "Analyst")
        .with("onPremisesLastSyncDateTime", "2026-11-30T08:00:00Z");
    if synced {
        object.attributes.set("onPremisesImmutableId", vec![anchor(number).into()]);
    }
    object
}

fn unit(name: &str) -> Object {
    let mut object = Object::new(ObjectClass::OrganizationalUnit, guid(200), "Staff");
    object.attributes = Attributes::new().with("distinguishedName", name);
    object
}

fn rules(objects: usize) -> HybridRules {
    let pair = |directory: &str, cloud: &str, authority| AttributePair {
        directory: directory.into(),
        cloud: cloud.into(),
        authority,
        matching: Matching::Exact,
    };
    HybridRules {
        anchor: "mS-DS-ConsistencyGuid".into(),
        attributes: vec![pair("title", "jobTitle", Side::Directory), pair("mobile", "mobilePhone", Side::Cloud)],
        scopes: vec![Scope { id: ObjectId::new(guid(200)), name: "ou=staff,dc=vigie,dc=test".into(), objects }],
        lag_limit_ms: 3_600_000,
        scope_drop_percent: 20,
    }
}

fn look(directory: Vec<Object>, cloud: Vec<Object>, rules: &HybridRules) -> HybridReport {
    let snapshot = |objects| Snapshot { at: NOON, objects };
    examine(&snapshot(directory), &snapshot(cloud), rules, &History::default())
}

#[test]
fn health_is_silent() {
    let left = vec![unit("OU=Staff, DC=vigie,DC=test"), person(1), person(2)];
    let report = look(left, vec![cloud(1, true), cloud(2, true)], &rules(2));
    assert_eq!((report.pairs.len(), report.findings, report.scopes_sound), (2, vec![], true));
}

#[test]
fn a_renamed_or_shrunken_unit_is_a_fault_and_nobody_is_called_a_leaver() {
    for (directory, state) in [
        (
            vec![unit("OU=Personnel,DC=vigie,DC=test")],
            ScopeState::Renamed { name_now: "OU=Personnel,DC=vigie,DC=test".into() },
        ),
        (vec![unit("OU=Staff,DC=vigie,DC=test"), person(1)], ScopeState::Shrunk),
        (vec![person(1)], ScopeState::Gone),
    ] {
        let report = look(directory, vec![cloud(1, true), cloud(2, true), cloud(3, true)], &rules(3));
        assert!(!report.scopes_sound);
        assert!(matches!(&report.findings[0].kind, FindingKind::ScopeLost { state: found, .. } if *found == state));
        let orphans = report.findings.iter().filter(|one| matches!(one.kind, FindingKind::SourceMissing { .. }));
        assert_eq!(orphans.count(), 0, "nothing follows from a scope that is at fault");
    }
}

#[test]
fn an_account_of_the_cloud_alone_with_a_privileged_name_is_never_joined_silently() {
    let mut admin = person(1);
    admin.protection = Some(Protection::PrivilegedMark);
    let mut stranger = cloud(9, false);
    stranger.attributes.set("userPrincipalName", vec!["x@vigie.test".into()]);
    stranger.attributes.set("proxyAddresses", vec!["SMTP:P1@VIGIE.TEST".into()]);
    let report = look(vec![unit("OU=Staff,DC=vigie,DC=test"), admin], vec![stranger], &rules(1));
    assert_eq!(report.pairs, []);
    let FindingKind::SoftMatchTrap(trap) = &report.findings[0].kind else { panic!("{:?}", report.findings) };
    assert!(trap.privileged);
    assert_eq!((trap.by.as_str(), trap.value.as_str()), ("proxyAddresses", "p1@vigie.test"));
    let link = |proposal: &Proposal| matches!(proposal, Proposal::Link { needs_approval: true, .. });
    assert!(report.findings[0].proposals.iter().any(link));
}

#[test]
fn conflicts_name_winner_and_loser_and_late_is_late() {
    let mut left = person(1);
    left.attributes.set("title", vec!["Chief".into()]);
    left.attributes.set("whenChanged", vec!["20261130090000.0Z".into()]);
    let mut right = cloud(1, true);
    right.attributes.set("mobilePhone", vec!["+41 1".into()]);
    right.attributes.set("onPremisesProvisioningErrors", vec!["PropertyConflict: proxyAddresses".into()]);
    let report = look(vec![unit("OU=Staff,DC=vigie,DC=test"), left], vec![right], &rules(1));
    let conflicts: Vec<_> = report
        .findings
        .iter()
        .filter_map(|one| match &one.kind {
            FindingKind::Conflict(conflict) => {
                Some((conflict.winner.clone(), conflict.loser.clone(), &one.proposals[0]))
            }
            _ => None,
        })
        .collect();
    assert_eq!(conflicts[0].0, vec![AttributeValue::from("Chief")]);
    assert_eq!(conflicts[0].1, vec![AttributeValue::from("Analyst")]);
    assert!(matches!(conflicts[0].2, Proposal::Assign { side: Side::Cloud, .. }));
    assert!(matches!(conflicts[1].2, Proposal::Assign { side: Side::Directory, .. }));
    assert!(
        report.findings.iter().any(|one| matches!(&one.kind, FindingKind::Late { lag_ms: 10_800_000, .. })),
        "{report:?}"
    );
    assert!(
        report
            .findings
            .iter()
            .any(|one| matches!(&one.kind, FindingKind::ExportError { code, .. } if code == "PropertyConflict"))
    );
}

#[test]
fn duplicates_orphans_and_those_who_wait() {
    let mut twin = person(2);
    twin.attributes.set("mail", vec!["p1@vigie.test".into()]);
    let left = vec![unit("OU=Staff,DC=vigie,DC=test"), person(1), twin];
    let report = look(left, vec![cloud(1, true), cloud(7, true)], &rules(2));
    let has = |wanted: fn(&FindingKind) -> bool| report.findings.iter().any(|one| wanted(&one.kind));
    assert!(has(|kind| matches!(kind, FindingKind::Duplicate { side: Side::Directory, .. })));
    assert!(has(|kind| matches!(kind, FindingKind::SourceMissing { .. })));
    assert!(has(|kind| matches!(kind, FindingKind::NotExported)));
}

#[test]
fn going_back_and_forth_is_seen_and_going_back_once_is_not() {
    let observe = |values: &[&str]| History {
        observations: values
            .iter()
            .enumerate()
            .map(|(at, value)| Observation {
                at: Timestamp(i64::try_from(at).unwrap()),
                side: Side::Cloud,
                object: ObjectId::new("c1"),
                attribute: "jobTitle".into(),
                value: (*value).to_owned(),
            })
            .collect(),
    };
    assert_eq!(flaps(&observe(&["A", "B", "A", "A"])), vec![]);
    let flap = flaps(&observe(&["A", "B", "B", "A", "B"])).remove(0);
    assert_eq!((flap.returns, flap.values), (2, vec!["A".to_owned(), "B".to_owned()]));
}
