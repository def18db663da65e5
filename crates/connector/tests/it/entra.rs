//! Entra ID against a service of our own making that answers as Graph's documentation says.

use std::collections::BTreeSet;

use connector::entra::{Entra, EntraConfig};
use connector::{
    Attributes, Change, Connector, Cursor, Delta, Effect, ErrorKind, NewObject, ObjectClass, ObjectId, ObjectKey,
    Operation, Protection, ProtectionRules, Retry, Revocation, Search, Secret, WhatChanged,
};
use serde_json::json;

use crate::servers::graph::Graph;

fn connect(graph: &Graph, secret: &str) -> Entra {
    let settings = json!({
        "tenant": "relief.example", "client_id": "app-1", "url": format!("{}/v1.0", graph.url), "login_url": graph.url,
    });
    let mut config: EntraConfig = serde_json::from_value(settings).unwrap();
    config.client_secret = Secret::new(secret);
    Entra::new(config, ProtectionRules { listed: vec!["break@relief.example".into()], ..Default::default() }).unwrap()
}

fn person(number: &str) -> ObjectKey {
    ObjectKey::correlation(ObjectClass::Account, "employeeId", number)
}

fn join(number: &str, login: &str) -> Operation {
    let new = NewObject {
        name: format!("{login}@relief.example"),
        attributes: Attributes::new().with("displayName", login).with("jobTitle", "Analyst"),
        enabled: Some(true),
        password: Some(Secret::new("Correct-horse-7")),
        ..NewObject::default()
    };
    Operation::new(format!("join-{number}"), person(number), Change::Create(new))
}

async fn effect(target: &Entra, on: &ObjectKey, change: Change) -> Effect {
    target.write(&Operation::new("op", on.clone(), change)).await.unwrap().effect
}

#[tokio::test]
async fn a_joiner_moves_and_leaves_and_comes_back() {
    let graph = Graph::start(100).await;
    let error = connect(&graph, "wrong").identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(error.to_string().contains("AADSTS7000215"), "{error}");
    let target = connect(&graph, "a-secret");
    assert_eq!(target.identity().await.unwrap().directory, "t-1");
    let id = target.write(&join("7", "amina")).await.unwrap().id;
    graph.tenant.lock().token += 1; // What was issued ends; nobody notices.
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.write(&join("8", "amina")).await.unwrap_err().kind, ErrorKind::Conflict, "the name is taken");
    graph.tenant.lock().index_lags = true;
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::AlreadyDone, "found by name");
    graph.tenant.lock().index_lags = false;
    let account = ObjectKey::id(ObjectClass::Account, id.0.clone());
    let wanted = Attributes::new().with("jobTitle", "Chief").with("usageLocation", "CH");
    let assign = Change::Assign { attributes: wanted, if_version: None };
    for (change, first) in [
        (assign, Effect::Applied),
        (Change::SetEnabled { enabled: false }, Effect::Applied),
        (Change::Rename { name: "amina.d@relief.example".into() }, Effect::Applied),
    ] {
        assert_eq!(effect(&target, &account, change.clone()).await, first);
        assert_eq!(effect(&target, &account, change).await, Effect::AlreadyDone);
    }
    let group = ObjectKey::correlation(ObjectClass::Group, "displayName", "Readers");
    effect(&target, &group, Change::Create(NewObject { name: "Readers".into(), ..NewObject::default() })).await;
    let group = ObjectKey { key: connector::Key::Id(target.read(&group).await.unwrap().unwrap().id), ..group };
    let licence = ObjectKey::id(ObjectClass::Licence, "sku-1");
    let role = ObjectKey::id(ObjectClass::Role, "role-1");
    for on in [&group, &licence, &role] {
        // A role makes the account privileged: from then on an approval has to stand behind what is written to it.
        for change in
            [Change::AddMember { member: id.clone(), until: None }, Change::RemoveMember { member: id.clone() }]
        {
            assert_eq!(effect(&target, on, change.clone()).await, Effect::Applied, "{on}: {change:?}");
            assert_eq!(effect(&target, on, change).await, Effect::AlreadyDone, "{on}");
        }
    }
    let revoked = target.revoke_sessions(&account).await.unwrap();
    assert!(matches!(revoked, Revocation::Verified { .. }), "{revoked:?}");
    for wanted in [Effect::Applied, Effect::AlreadyDone] {
        assert_eq!(effect(&target, &account, Change::Delete).await, wanted);
    }
    assert_eq!(target.tombstones(ObjectClass::Account, None).await.unwrap().objects.len(), 1);
    assert_eq!(effect(&target, &account, Change::Restore).await, Effect::Applied);
    assert!(target.read(&person("7")).await.unwrap().is_some());
}

#[tokio::test]
async fn what_is_privileged_or_listed_is_not_written_by_the_way() {
    let graph = Graph::start(100).await;
    let target = connect(&graph, "a-secret");
    let id = target.write(&join("1", "admin")).await.unwrap().id;
    graph
        .tenant
        .lock()
        .roles
        .push(json!({ "id": "ra", "principalId": id.0, "roleDefinitionId": "global", "directoryScopeId": "/" }));
    let account = ObjectKey::id(ObjectClass::Account, id.0.clone());
    let off = Operation::new("op", account, Change::SetEnabled { enabled: false });
    assert_eq!(target.write(&off).await.unwrap_err().kind, ErrorKind::Protected);
    let seen = target.search(&Search::all(ObjectClass::Account), None).await.unwrap();
    assert_eq!(seen.objects[0].protection, Some(Protection::PrivilegedMark));
    assert_eq!(seen.objects[0].attributes.text("assignedRoles"), Some("global"));
    assert_eq!(target.write(&Operation { privileged: true, ..off }).await.unwrap().effect, Effect::Applied);
    let glass = target.write(&join("2", "break")).await.unwrap().id;
    let off = Change::SetEnabled { enabled: false };
    let off = Operation { privileged: true, ..Operation::new("op", ObjectKey::id(ObjectClass::Account, glass.0), off) };
    assert_eq!(target.write(&off).await.unwrap_err().kind, ErrorKind::Protected, "nothing lifts a listing");
}

#[tokio::test]
async fn pages_batches_and_patience() {
    let graph = Graph::start(7).await;
    let target = connect(&graph, "a-secret");
    let mut ids = Vec::new();
    for number in 0..45 {
        ids.push(target.write(&join(&number.to_string(), &format!("p{number}"))).await.unwrap().id);
    }
    let (mut seen, mut next) = (BTreeSet::new(), None);
    loop {
        let page = target.search(&Search::all(ObjectClass::Account), next.as_ref()).await.unwrap();
        seen.extend(page.objects.into_iter().map(|object| object.id));
        next = page.next;
        if next.is_none() {
            break;
        }
    }
    assert_eq!(seen.len(), 45);
    let off = |id: &ObjectId| {
        Operation::new("op", ObjectKey::id(ObjectClass::Account, id.0.clone()), Change::SetEnabled { enabled: false })
    };
    let mut operations: Vec<Operation> = ids.iter().map(off).collect();
    operations.push(off(&ObjectId::new("nobody")));
    let outcomes = target.write_all(&operations).await;
    assert!(outcomes[..45].iter().all(|one| one.as_ref().is_ok_and(|done| done.effect == Effect::Applied)));
    assert_eq!(outcomes[45].as_ref().unwrap_err().kind, ErrorKind::NotFound, "one that fails does not stop the others");
    let patches = graph.tenant.lock().users.iter().filter(|user| user["accountEnabled"] == false).count();
    assert_eq!(patches, 45);
    graph.tenant.lock().refusals.push_back((429, 17));
    let error = target.read(&person("3")).await.unwrap_err();
    assert_eq!(error.retry(), Retry::Later { not_before_ms: Some(17_000) });
    graph.tenant.lock().refusals.push_back((412, 0));
    assert_eq!(target.read(&person("3")).await.unwrap_err().kind, ErrorKind::Conflict);
}

#[tokio::test]
async fn changes_are_told_and_a_lost_place_is_said() {
    let graph = Graph::start(3).await;
    let target = connect(&graph, "a-secret");
    let old = target.write(&join("1", "amina")).await.unwrap().id;
    let mut cursor = target.cursor().await.unwrap();
    let new = target.write(&join("2", "bo")).await.unwrap().id;
    let group = ObjectKey::correlation(ObjectClass::Group, "displayName", "Readers");
    effect(&target, &group, Change::Create(NewObject { name: "Readers".into(), ..NewObject::default() })).await;
    effect(&target, &group, Change::AddMember { member: new.clone(), until: None }).await;
    effect(&target, &ObjectKey::id(ObjectClass::Account, old.0.clone()), Change::Delete).await;
    let (mut upserted, mut deleted, mut joined) = (BTreeSet::new(), BTreeSet::new(), BTreeSet::new());
    loop {
        let Delta::Changes(page) = target.delta(&cursor).await.unwrap() else { panic!("the cursor holds") };
        for change in page.changes {
            match change.what {
                WhatChanged::Upserted(object) => drop(upserted.insert(object.id)),
                WhatChanged::Deleted { .. } => drop(deleted.insert(change.id)),
                WhatChanged::Members { added, .. } => joined.extend(added),
            }
        }
        cursor = page.next;
        if !page.more {
            break;
        }
    }
    assert!(upserted.contains(&new) && !upserted.contains(&old));
    assert_eq!((deleted, joined), ([old].into(), [new].into()));
    graph.tenant.lock().oldest = 1_000;
    assert!(matches!(target.delta(&cursor).await.unwrap(), Delta::CursorLost { .. }), "410: read everything");
    let elsewhere = Cursor(cursor.0.replace(&graph.url, "http://127.0.0.9"));
    assert_eq!(target.delta(&elsewhere).await.unwrap_err().kind, ErrorKind::Garbled, "our token goes nowhere else");
}

#[tokio::test]
async fn nesting_in_a_circle_ends_and_consents_and_policies_are_read() {
    let graph = Graph::start(100).await;
    let target = connect(&graph, "a-secret");
    let person = target.write(&join("1", "amina")).await.unwrap().id;
    {
        let mut tenant = graph.tenant.lock();
        tenant.groups = vec![
            json!({ "id": "g-a", "displayName": "A" }),
            json!({ "id": "g-b", "displayName": "B", "groupTypes": ["DynamicMembership"], "membershipRule": "user.department -eq \"WASH\"" }),
        ];
        let pair = |group: &str, member: &str| (group.to_owned(), member.to_owned());
        tenant.members = vec![pair("g-a", "g-b"), pair("g-b", "g-a"), pair("g-b", &person.0)];
        tenant.grants = vec![
            json!({ "id": "c-1", "clientId": "sp-2", "resourceId": "sp-graph", "consentType": "AllPrincipals", "scope": "Mail.Read offline_access" }),
        ];
        tenant.policies = vec![
            json!({ "id": "ca-1", "displayName": "MFA for all", "state": "enabled", "conditions": { "users": { "includeUsers": ["All"] } } }),
        ];
    }
    let group = |id: &str| ObjectKey::id(ObjectClass::Group, id);
    let all = target.effective_members(&group("g-a")).await.unwrap();
    assert!(all.iter().any(|member| member.id == person));
    assert_eq!(target.owners(&group("g-a")).await.unwrap().len(), 1);
    let add = Operation::new("op", group("g-b"), Change::AddMember { member: person, until: None });
    assert!(target.write(&add).await.unwrap_err().to_string().contains("follows from its rule"));
    let first = target.search(&Search::all(ObjectClass::ConsentGrant), None).await.unwrap();
    assert_eq!(first.objects[0].attributes.values("scope").len(), 2);
    let second = target.search(&Search::all(ObjectClass::ConsentGrant), first.next.as_ref()).await.unwrap();
    assert_eq!(
        second.objects[0].attributes.text("scope"),
        Some("Mail.ReadWrite"),
        "what an application has for itself"
    );
    assert_eq!(second.next, None);
    let consent = ObjectKey::id(ObjectClass::ConsentGrant, "c-1");
    for wanted in [Effect::Applied, Effect::AlreadyDone] {
        assert_eq!(effect(&target, &consent, Change::Delete).await, wanted);
    }
    let policies = target.search(&Search::all(ObjectClass::ConditionalAccessPolicy), None).await.unwrap();
    assert!(policies.objects[0].attributes.text("policy").unwrap().contains("includeUsers"));
}
