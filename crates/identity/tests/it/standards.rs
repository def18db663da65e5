//! Names and places by the standard of a system, and what guards the record of everything.

use connector::{Change, Connector, ObjectClass, ObjectKey, Operation};
use identity::finding::{FindingKind, FindingState};
use identity::provision::Mode;
use store::{Statement, params};

use crate::rig::{self, record};

/// Somebody renamed and moved an account by hand: the finding says what it is, what it should be, and putting it back is one
/// order away.
pub async fn an_object_off_standard_is_a_finding_with_its_fix(url: String) {
    let mut rig = rig::open(&url).await;
    rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10")])]).await;
    rig.work().await;
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let object = rig.at("ad", "adiallo").await.unwrap().object;
    let target = rig.targets.get("ad");
    let key = ObjectKey::id(ObjectClass::Account, object.id.as_str());
    for change in
        [Change::Rename { name: "Diallo TEMP".to_owned() }, Change::Move { container: "OU=Temp,DC=office".to_owned() }]
    {
        target.write(&Operation::new("native", key.clone(), change)).await.unwrap();
    }
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
    let open = rig.identity.findings(None, Some(FindingState::Open)).await.unwrap();
    let standard = |kind: FindingKind| open.iter().find(|one| one.kind == kind).cloned();
    let finding = standard(FindingKind::OffStandard).unwrap_or_else(|| panic!("{open:?}"));
    let differences = finding.detail["differences"].as_array().unwrap();
    let fix = |what: &str| {
        let one =
            differences.iter().find(|one| one["what"] == what).unwrap_or_else(|| panic!("{what}: {differences:?}"));
        (one["theirs"].as_str().unwrap().to_owned(), one["ours"].as_str().unwrap().to_owned())
    };
    assert_eq!(fix("name"), ("Diallo TEMP".to_owned(), "adiallo".to_owned()), "what it is, what it should be");
    assert_eq!(fix("container"), ("OU=Temp,DC=office".to_owned(), "OU=NBO,DC=office".to_owned()));
    assert!(finding.title.contains("name") && finding.title.contains("container"), "{}", finding.title);
    // The fix is the engine's ordinary work, and the finding goes with it.
    rig.identity.retry_account(finding.account.unwrap(), "put it back", &rig::officer()).await.unwrap();
    rig.work().await;
    let back = rig.at("ad", "adiallo").await.unwrap();
    assert_eq!((back.object.name.as_str(), back.container.as_str()), ("adiallo", "OU=NBO,DC=office"));
    let open = rig.identity.findings(Some(FindingKind::OffStandard), Some(FindingState::Open)).await.unwrap();
    assert_eq!(open.len(), 0, "{open:?}");
}

const ANY_ROW: Statement =
    Statement::new("test.any_ledger_row", "SELECT seq FROM ledger WHERE verb = 'assignment.give' ORDER BY seq LIMIT 1");

/// Somebody with the database in their hands takes away the row that says who gave access.
pub async fn a_deleted_row_of_the_audit_is_detected(url: String) {
    let rig = rig::open(&url).await;
    rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10")])]).await;
    let new = identity::assignment::NewAssignment {
        person: rig.person("Diallo").await.id,
        target: identity::assignment::Target::Role("old-team".to_owned()),
        mode: identity::assignment::Mode::Active,
        source: identity::assignment::Source::Person,
        source_ref: None,
        reason: "a favour".to_owned(),
        approver: None,
        from: None,
        until: None,
    };
    rig.identity.give(new, &rig::officer()).await.unwrap();
    rig.deliver(&[record(&[("person", "P-10"), ("contract", "C-10"), ("job", "Chief")])]).await;
    let sound = rig.store.verify_ledger().await.unwrap();
    assert!(sound.fault.is_none(), "{sound:?}");
    let row = rig.store.fetch_optional(&ANY_ROW, params![]).await.unwrap().unwrap();
    let seq = row.int("seq").unwrap();
    rig.tamper(&format!("DELETE FROM ledger_payload WHERE seq = {seq}; DELETE FROM ledger WHERE seq = {seq}")).await;
    let fault = rig.store.verify_ledger().await.unwrap().fault;
    let fault = fault.unwrap_or_else(|| panic!("the gap must show"));
    assert_eq!(fault.seq, seq, "the place is named: {}", fault.problem);
}
