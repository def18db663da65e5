//! What every connector promises, shown on the one in memory.

use connector::memory::{Fault, Memory};
use connector::{
    Attributes, Change, Connector, ConnectorError, Delta, Effect, ErrorKind, NewObject, ObjectClass, ObjectKey,
    Operation, Protection, ProtectionRules, Retry, Schema, Search, WhatChanged,
};
use kernel::Timestamp;

fn amina() -> ObjectKey {
    ObjectKey::correlation(ObjectClass::Account, "employeeID", "1001")
}

fn create(enabled: bool) -> Operation {
    let new = NewObject {
        name: "amina".into(),
        attributes: Attributes::new().with("title", "Analyst"),
        enabled: Some(enabled),
        ..NewObject::default()
    };
    Operation::new("op-1", amina(), Change::Create(new))
}

#[tokio::test]
async fn an_answer_that_was_lost_makes_no_second_account() {
    let target = Memory::new("one");
    target.next(Fault::ApplyThenFail(ConnectorError::transient("the connection broke")));
    let error = target.write(&create(true)).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later { not_before_ms: None });
    assert_eq!(target.write(&create(true)).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.write(&create(false)).await.unwrap().effect, Effect::Completed, "what differs is written");
    assert_eq!(target.counters().creates, 1);
    assert_eq!(target.count(ObjectClass::Account), 1);
}

#[tokio::test]
async fn changes_are_told_once_and_a_restored_directory_says_so() {
    let target = Memory::new("one");
    let id = target.write(&create(true)).await.unwrap().id;
    let cursor = target.cursor().await.unwrap();
    let backup = target.backup();
    target.native_edit(&id, "CORP\\operator", Timestamp(5), |object| {
        object.attributes.set("title", vec!["Chief".into()]);
    });
    let Delta::Changes(page) = target.delta(&cursor).await.unwrap() else { panic!("the cursor holds") };
    let [change] = page.changes.as_slice() else { panic!("{page:?}") };
    assert!(matches!(&change.what, WhatChanged::Upserted(object) if object.attributes.text("title") == Some("Chief")));
    assert_eq!(change.attribution.as_ref().unwrap().actor.as_deref(), Some("CORP\\operator"));
    let Delta::Changes(rest) = target.delta(&page.next).await.unwrap() else { panic!("the cursor holds") };
    assert_eq!(rest.changes, []);
    target.restore(backup);
    assert!(matches!(target.delta(&page.next).await.unwrap(), Delta::CursorLost { .. }));
}

#[tokio::test]
async fn what_is_protected_is_not_written_and_a_mark_needs_an_approval() {
    let rules = ProtectionRules { listed: vec!["amina".into()], ..ProtectionRules::default() };
    let capabilities = Memory::new("x").capabilities().clone();
    let target = Memory::with("one", capabilities, Schema::default(), rules);
    target.write(&create(true)).await.unwrap();
    let off = Operation::new("op-2", amina(), Change::SetEnabled { enabled: false });
    assert_eq!(target.write(&off).await.unwrap_err().kind, ErrorKind::Protected);
    let approved = Operation { privileged: true, ..off.clone() };
    assert_eq!(target.write(&approved).await.unwrap_err().kind, ErrorKind::Protected, "nothing lifts a listing");
    let target = Memory::new("two");
    let id = target.write(&create(true)).await.unwrap().id;
    target.native_edit(&id, "x", Timestamp(1), |object| object.protection = Some(Protection::PrivilegedMark));
    assert_eq!(target.write(&off).await.unwrap_err().kind, ErrorKind::Protected);
    assert_eq!(target.write(&approved).await.unwrap().effect, Effect::Applied);
}

#[tokio::test]
async fn pages_hold_every_object_and_memberships_are_sets() {
    let target = Memory::new("one");
    for number in 0..25 {
        let key = ObjectKey::correlation(ObjectClass::Account, "employeeID", &number.to_string());
        let new = NewObject { name: format!("person-{number}"), ..NewObject::default() };
        target.write(&Operation::new("op", key, Change::Create(new))).await.unwrap();
    }
    let search = Search { limit: 10, ..Search::all(ObjectClass::Account) };
    let (mut seen, mut next) = (Vec::new(), None);
    loop {
        let page = target.search(&search, next.as_ref()).await.unwrap();
        seen.extend(page.objects.into_iter().map(|object| object.id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 25);
    let group = ObjectKey::correlation(ObjectClass::Group, "code", "g1");
    let new = NewObject { name: "readers".into(), ..NewObject::default() };
    target.write(&Operation::new("op", group.clone(), Change::Create(new))).await.unwrap();
    let join = Operation::new("op", group.clone(), Change::AddMember { member: seen[0].clone(), until: None });
    assert_eq!(target.write(&join).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&join).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.members(&group, None, 10).await.unwrap().members.len(), 1);
    let leave = Operation::new("op", group, Change::RemoveMember { member: seen[0].clone() });
    assert_eq!(target.write(&leave).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&leave).await.unwrap().effect, Effect::AlreadyDone);
}
