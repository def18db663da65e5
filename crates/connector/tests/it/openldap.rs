//! The LDAP connector against a real slapd.

use connector::ldap::{Ldap, LdapConfig};
use connector::{
    Attributes, Change, Connector, Cursor, Delta, Effect, ErrorKind, NewObject, ObjectClass, ObjectKey, Operation,
    ProtectionRules, Search, Secret, WhatChanged,
};
use serde_json::json;

use crate::servers::openldap::{OpenLdap, PASSWORD, SUFFIX};

fn config(url: &str, trust: serde_json::Value) -> LdapConfig {
    let mut config: LdapConfig = serde_json::from_value(json!({
        "url": url, "server_name": "ldap.vigie.test", "trust": trust, "bind_name": format!("cn=root,{SUFFIX}"),
        "accounts": {
            "base": format!("ou=people,{SUFFIX}"), "filter": "(objectClass=inetOrgPerson)",
            "object_classes": ["inetOrgPerson", "posixAccount"], "naming": "uid",
            "attributes": ["cn", "sn", "title", "mail", "employeeNumber", "uidNumber", "gidNumber", "homeDirectory", "loginShell"],
            "enabled": { "attribute": "loginShell", "disabled": "/usr/sbin/nologin", "enabled": "/bin/bash" },
        },
        "groups": {
            "base": format!("ou=groups,{SUFFIX}"), "filter": "(objectClass=groupOfNames)",
            "object_classes": ["groupOfNames"], "naming": "cn", "attributes": ["description"],
            "placeholder": format!("cn=nobody,{SUFFIX}"),
        },
    }))
    .unwrap();
    config.server.password = Secret::new(PASSWORD);
    config
}

fn connect(server: &OpenLdap) -> Ldap {
    let url = format!("ldap://127.0.0.1:{}", server.port);
    Ldap::new(config(&url, json!("system")), ProtectionRules::default()).unwrap()
}

fn person(number: &str) -> ObjectKey {
    ObjectKey::correlation(ObjectClass::Account, "employeeNumber", number)
}

fn join(number: &str, uid: &str) -> Operation {
    let mut attributes = Attributes::new()
        .with("cn", "Amina Diallo, PhD")
        .with("sn", "Diallo")
        .with("uidNumber", 5000)
        .with("gidNumber", 5000)
        .with("homeDirectory", "/nowhere");
    attributes.set("mail", vec!["a@vigie.test".into(), "b@vigie.test".into()]);
    let password = Some(Secret::new("Corr3ct-horse"));
    let new = NewObject { name: uid.into(), attributes, enabled: Some(true), password, ..NewObject::default() };
    Operation::new(format!("join-{number}"), person(number), Change::Create(new))
}

fn changes(delta: Delta) -> connector::DeltaPage {
    match delta {
        Delta::Changes(page) => page,
        Delta::CursorLost { reason } => panic!("the cursor was lost: {reason}"),
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_joiner_moves_and_leaves() {
    let Some(mut server) = OpenLdap::start(true) else { return };
    let target = connect(&server);
    assert_eq!(target.identity().await.unwrap().product, "OpenLDAP");
    let schema = target.schema().await.unwrap().class(ObjectClass::Account);
    assert!(!schema.attribute(&"uidNumber".into()).unwrap().multi_valued, "the server's own schema is read");
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.write(&join("8", "amina")).await.unwrap_err().kind, ErrorKind::Conflict, "the name is taken");
    let read = target.read(&person("7")).await.unwrap().unwrap();
    assert_eq!((read.name.as_str(), read.enabled), ("amina", Some(true)));
    assert_eq!(read.container.as_deref(), Some(format!("ou=people,{SUFFIX}").as_str()));
    let write = async |change| target.write(&Operation::new("op", person("7"), change)).await;
    let mut wanted = Attributes::new().with("title", "Chief");
    wanted.set("mail", vec!["A@vigie.test".into()]);
    let assign = Change::Assign { attributes: wanted, if_version: read.version };
    assert_eq!(write(assign.clone()).await.unwrap().changed.len(), 2);
    assert_eq!(write(assign).await.unwrap().effect, Effect::AlreadyDone, "done is done, also at a newer version");
    write(Change::SetEnabled { enabled: false }).await.unwrap();
    assert_eq!(write(Change::SetEnabled { enabled: false }).await.unwrap().effect, Effect::AlreadyDone);
    write(Change::Rename { name: "amina,d+1".into() }).await.unwrap();
    let left = format!("ou=left,ou=people,{SUFFIX}");
    write(Change::Move { container: left.clone() }).await.unwrap();
    server.restart();
    let moved = target.read(&person("7")).await.expect("a lost connection is made again").unwrap();
    assert_eq!((&moved.id, moved.name.as_str(), moved.enabled), (&read.id, "amina,d+1", Some(false)));
    assert_eq!(moved.container, Some(left));
    let outside = write(Change::Move { container: SUFFIX.into() }).await.unwrap_err();
    assert_eq!(outside.kind, ErrorKind::Invalid, "it would not be found again");
    let delete = Operation::new("d", ObjectKey::id(ObjectClass::Account, moved.id.0.clone()), Change::Delete);
    assert_eq!(target.write(&delete).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&delete).await.unwrap().effect, Effect::AlreadyDone);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn changes_beside_us_are_seen_and_attributed() {
    for session_log in [true, false] {
        let Some(server) = OpenLdap::start(session_log) else { return };
        let target = connect(&server);
        for number in 0..5 {
            target.write(&join(&number.to_string(), &format!("p{number}"))).await.unwrap();
        }
        let cursor = target.cursor().await.unwrap();
        assert_eq!(changes(target.delta(&cursor).await.unwrap()).changes, []);
        server.ldif(
            "ldapmodify",
            &format!("dn: uid=p1,ou=people,{SUFFIX}\nchangetype: modify\nreplace: title\ntitle: Boss\n"),
        );
        server.ldif("ldapmodify", &format!("dn: uid=p2,ou=people,{SUFFIX}\nchangetype: delete\n"));
        let gone = ObjectKey::correlation(ObjectClass::Account, "employeeNumber", "2");
        assert!(target.read(&gone).await.unwrap().is_none());
        let page = changes(target.delta(&cursor).await.unwrap());
        assert_eq!(page.faults, Vec::<String>::new());
        let changed = page.changes.iter().find_map(|change| match &change.what {
            WhatChanged::Upserted(object) => Some((object, change.attribution.clone())),
            _ => None,
        });
        let (object, attribution) = changed.expect("the change is told");
        assert_eq!((object.name.as_str(), object.attributes.text("title")), ("p1", Some("Boss")));
        let attribution = attribution.unwrap();
        assert_eq!(attribution.actor.as_deref(), Some(format!("cn=root,{SUFFIX}").as_str()));
        assert!(attribution.at.is_some());
        let named = page.changes.iter().any(|change| matches!(change.what, WhatChanged::Deleted { .. }));
        let listed = page.still_there.iter().any(|(class, ids)| *class == ObjectClass::Account && ids.len() == 4);
        assert!(named || listed, "a deletion is named or follows from what is still there: {page:?}");
        assert_eq!(changes(target.delta(&page.next).await.unwrap()).changes, []);
        let nonsense = Cursor("{\"accounts\":\"bm9uc2Vuc2U=\",\"groups\":null}".to_owned());
        let answer = target.delta(&nonsense).await;
        assert!(answer.is_err() || matches!(answer, Ok(Delta::CursorLost { .. })) || session_log, "{answer:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn groups_and_pages() {
    let Some(mut server) = OpenLdap::start(true) else { return };
    let target = connect(&server);
    let mut ids = Vec::new();
    for number in 0..60 {
        ids.push(target.write(&join(&number.to_string(), &format!("p{number}"))).await.unwrap().id);
    }
    let search = Search { limit: 25, ..Search::all(ObjectClass::Account) };
    let first = target.search(&search, None).await.unwrap();
    let second = target.search(&search, first.next.as_ref()).await.unwrap();
    // The connection and its cookie are gone: by another process, and by a restart.
    let other = connect(&server);
    let resumed = other.search(&search, first.next.as_ref()).await.unwrap();
    assert_eq!(resumed.objects, second.objects[..resumed.objects.len()]);
    server.restart();
    let mut seen: Vec<_> = first.objects.iter().chain(&second.objects).map(|object| object.id.clone()).collect();
    let mut next = second.next;
    while let Some(token) = next {
        let page = target.search(&search, Some(&token)).await.unwrap();
        seen.extend(page.objects.into_iter().map(|object| object.id));
        next = page.next;
    }
    seen.sort();
    ids.sort();
    assert_eq!(seen, ids, "each once");
    let team = ObjectKey::correlation(ObjectClass::Group, "cn", "readers");
    let new = NewObject { name: "readers".into(), ..NewObject::default() };
    target.write(&Operation::new("g", team.clone(), Change::Create(new))).await.unwrap();
    assert_eq!(target.members(&team, None, 10).await.unwrap().members, []);
    for effect in [Effect::Applied, Effect::AlreadyDone] {
        for id in &ids[..15] {
            let add = Change::AddMember { member: id.clone(), until: None };
            assert_eq!(target.write(&Operation::new("m", team.clone(), add)).await.unwrap().effect, effect);
        }
    }
    let first = target.members(&team, None, 10).await.unwrap();
    let second = target.members(&team, first.next.as_ref(), 10).await.unwrap();
    assert_eq!((first.members.len(), second.members.len(), second.next), (10, 5, None));
    for effect in [Effect::Applied, Effect::AlreadyDone] {
        let remove = Change::RemoveMember { member: ids[0].clone() };
        assert_eq!(target.write(&Operation::new("m", team.clone(), remove)).await.unwrap().effect, effect);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn only_the_right_server_gets_our_password() {
    let Some(server) = OpenLdap::start(true) else { return };
    let url = format!("ldaps://127.0.0.1:{}", server.tls_port);
    let trusted = config(&url, json!({ "authorities": server.authority }));
    let target = Ldap::new(trusted.clone(), ProtectionRules::default()).unwrap();
    target.identity().await.unwrap();
    let mut start_tls =
        config(&format!("ldap://127.0.0.1:{}", server.port), json!({ "authorities": server.authority }));
    start_tls.server.start_tls = true;
    Ldap::new(start_tls, ProtectionRules::default()).unwrap().identity().await.unwrap();
    let mut other_name = trusted.clone();
    other_name.server.server_name = Some("dc1.elsewhere.test".into());
    let wrong = json!({ "fingerprint": "00".repeat(32) });
    for refused in [other_name, config(&url, wrong), config(&url, json!("system"))] {
        let error = Ldap::new(refused, ProtectionRules::default()).unwrap().identity().await.unwrap_err();
        assert!(matches!(error.kind, ErrorKind::Auth | ErrorKind::Invalid), "{error:?}");
    }
    let mut wrong_password = trusted;
    wrong_password.server.password = Secret::new("not-the-password");
    let error = Ldap::new(wrong_password.clone(), ProtectionRules::default()).unwrap().identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth);
    assert!(!format!("{error:?}{wrong_password:?}").contains("not-the-password"));
}
