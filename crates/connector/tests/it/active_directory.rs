//! The connector to Active Directory against a real domain controller of Samba: one server for all checks.

use std::collections::BTreeSet;
use std::sync::Arc;
use std::time::Duration;

use connector::active_directory::{ActiveDirectory, ActiveDirectoryConfig};
use connector::emergency::{EmergencyAccount, EmergencyResult, disable_everywhere};
use connector::{
    Attributes, Change, Connector, Cursor, Delta, DeltaPage, Effect, ErrorKind, Key, NewObject, ObjectClass, ObjectId,
    ObjectKey, Operation, ProtectionRules, Search, Secret, WhatChanged,
};
use serde_json::json;

use crate::servers::samba::{ADMIN, BASE, PASSWORD, Samba};

const STAFF: &str = "OU=Staff,DC=vigie,DC=test";
const FIRST: &str = "Corr3ct-horse!";
const SECOND: &str = "Other-2-staple!";

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_domain() {
    let Some(server) = Samba::start() else { return };
    server.ldif(
        "ldapadd",
        &format!(
            "dn: {STAFF}\nobjectClass: organizationalUnit\n\ndn: OU=Left,{STAFF}\nobjectClass: organizationalUnit\n"
        ),
    );
    let target = connect(&server, ADMIN, PASSWORD);
    println!("the server and its certificate");
    only_the_right_server(&server).await;
    println!("a joiner moves and leaves");
    a_joiner_moves_and_leaves(&server, &target).await;
    println!("what was deleted");
    what_was_deleted_comes_back_whole(&server, &target).await;
    println!("what is protected");
    what_is_protected(&target).await;
    println!("groups");
    groups_and_their_chain(&target).await;
    println!("pages");
    pages_and_ranges(&server, &target).await;
    println!("changes beside us");
    changes_beside_us(&server, &target).await;
    println!("emergency");
    emergency(&server, target).await;
}

fn config(server: &Samba, name: &str, password: &str) -> ActiveDirectoryConfig {
    let mut config: ActiveDirectoryConfig = serde_json::from_value(json!({
        "server": {
            "url": format!("ldaps://{}", server.address), "server_name": "dc1.vigie.test",
            "trust": { "authorities": server.authority }, "bind_name": name,
        },
        "container": STAFF, "attributes": ["proxyAddresses"],
    }))
    .unwrap();
    config.server.password = Secret::new(password);
    config
}

fn connect(server: &Samba, name: &str, password: &str) -> ActiveDirectory {
    ActiveDirectory::new(config(server, name, password), ProtectionRules::default()).unwrap()
}

async fn signs_in(server: &Samba, login: &str, password: &str) -> bool {
    match connect(server, &format!("{login}@vigie.test"), password).identity().await {
        Err(error) if error.kind == ErrorKind::Auth => false,
        // Whether this account may see everything that we want is another matter.
        _ => true,
    }
}

fn person(number: &str) -> ObjectKey {
    ObjectKey::correlation(ObjectClass::Account, "employeeID", number)
}

fn by_id(class: ObjectClass, id: &ObjectId) -> ObjectKey {
    ObjectKey { class, key: Key::Id(id.clone()) }
}

fn join(number: &str, login: &str) -> Operation {
    let attributes = Attributes::new()
        .with("sAMAccountName", login)
        .with("userPrincipalName", format!("{login}@vigie.test"))
        .with("title", "Analyst");
    let new = NewObject {
        name: format!("Person, {login}"),
        attributes,
        enabled: Some(true),
        password: Some(Secret::new(FIRST)),
        ..NewObject::default()
    };
    Operation::new(format!("join-{number}"), person(number), Change::Create(new))
}

async fn write(target: &ActiveDirectory, object: &ObjectKey, change: Change) -> Result<Effect, ErrorKind> {
    let outcome = target.write(&Operation::new("op", object.clone(), change)).await;
    outcome.map(|outcome| outcome.effect).map_err(|error| error.kind)
}

async fn only_the_right_server(server: &Samba) {
    let identity = connect(server, ADMIN, PASSWORD).identity().await.unwrap();
    assert!(identity.product.contains("Samba") && identity.directory.starts_with(BASE), "{identity:?}");
    let mut other = config(server, ADMIN, PASSWORD);
    other.server.server_name = Some("dc2.vigie.test".into());
    let error = ActiveDirectory::new(other, ProtectionRules::default()).unwrap().identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth, "{error}");
    let error = connect(server, ADMIN, "wrong-password").identity().await.unwrap_err();
    assert_eq!(error.kind, ErrorKind::Auth, "{error}");
    assert!(!format!("{error:?}").contains("wrong-password"));
}

async fn a_joiner_moves_and_leaves(server: &Samba, target: &ActiveDirectory) {
    let id = target.write(&join("7", "amina")).await.unwrap().id;
    assert_eq!(target.write(&join("7", "amina")).await.unwrap().effect, Effect::AlreadyDone);
    assert_eq!(target.write(&join("8", "amina")).await.unwrap_err().kind, ErrorKind::Conflict, "the login is taken");
    assert!(signs_in(server, "amina", FIRST).await);
    let account = by_id(ObjectClass::Account, &id);
    let read = target.read(&account).await.unwrap().unwrap();
    assert_eq!((read.name.as_str(), read.enabled, read.expires), ("Person, amina", Some(true), None));
    assert_eq!(read.container.as_deref(), Some(STAFF));
    let mut wanted = Attributes::new().with("title", "Chief");
    wanted.set("proxyAddresses", vec!["SMTP:amina@vigie.test".into(), "smtp:old@vigie.test".into()]);
    let assign = Change::Assign { attributes: wanted, if_version: read.version };
    assert_eq!(write(target, &account, assign.clone()).await, Ok(Effect::Applied));
    assert_eq!(write(target, &account, assign).await, Ok(Effect::AlreadyDone));
    assert_eq!(write(target, &account, Change::SetEnabled { enabled: false }).await, Ok(Effect::Applied));
    assert!(!signs_in(server, "amina", FIRST).await, "disabled is disabled");
    assert_eq!(write(target, &account, Change::SetEnabled { enabled: false }).await, Ok(Effect::AlreadyDone));
    assert_eq!(write(target, &account, Change::SetEnabled { enabled: true }).await, Ok(Effect::Applied));
    let password = Change::SetPassword { password: Some(Secret::new(SECOND)), must_change: false };
    assert_eq!(write(target, &account, password).await, Ok(Effect::Applied));
    // The one before it still signs in for an hour (OldPasswordAllowedPeriod): only disabling closes an account at once.
    assert!(signs_in(server, "amina", SECOND).await && !signs_in(server, "amina", "Neither-3!").await);
    let short = Change::SetPassword { password: Some(Secret::new("zq7-short")), must_change: false };
    let short = Operation::new("op", account.clone(), short);
    if let Err(error) = target.write(&short).await {
        assert_eq!(error.kind, ErrorKind::Refused);
        assert!(!format!("{error:?}").contains("zq7-short"), "{error:?}");
    }
    let at = "2026-01-31T22:59:59Z".parse().unwrap();
    assert_eq!(write(target, &account, Change::SetExpiry { at: Some(at) }).await, Ok(Effect::Applied));
    assert_eq!(write(target, &account, Change::SetExpiry { at: Some(at) }).await, Ok(Effect::AlreadyDone));
    assert!(!signs_in(server, "amina", SECOND).await, "an account that has ended");
    assert_eq!(write(target, &account, Change::SetExpiry { at: None }).await, Ok(Effect::Applied));
    assert_eq!(write(target, &account, Change::Rename { name: "Diallo #1 + Cie".into() }).await, Ok(Effect::Applied));
    let left = format!("OU=Left,{STAFF}");
    assert_eq!(write(target, &account, Change::Move { container: left.clone() }).await, Ok(Effect::Applied));
    assert_eq!(write(target, &account, Change::Move { container: left.to_uppercase() }).await, Ok(Effect::AlreadyDone));
    let moved = target.read(&account).await.unwrap().unwrap();
    assert_eq!((moved.id, moved.name.as_str(), moved.container), (id.clone(), "Diallo #1 + Cie", Some(left.clone())));
    assert_eq!(write(target, &account, Change::Delete).await, Ok(Effect::Applied));
    assert_eq!(write(target, &account, Change::Delete).await, Ok(Effect::AlreadyDone));
    assert!(target.read(&account).await.unwrap().is_none());
    let tombstones = target.tombstones(ObjectClass::Account, None).await.unwrap().objects;
    assert!(tombstones.iter().any(|object| object.id == id), "{tombstones:?}");
    assert_eq!(write(target, &account, Change::Restore).await, Ok(Effect::Applied));
    let back = target.read(&account).await.unwrap().expect("it is back");
    assert_eq!(back.container, Some(left));
    assert_eq!(write(target, &account, Change::Restore).await, Ok(Effect::AlreadyDone));
}

/// What a desk does to have back what somebody deleted: a tombstone keeps the identifier and forgets the rest.
async fn what_was_deleted_comes_back_whole(server: &Samba, target: &ActiveDirectory) {
    let id = target.write(&join("90", "wiped")).await.unwrap().id;
    let account = by_id(ObjectClass::Account, &id);
    let before = target.read(&account).await.unwrap().unwrap();
    assert_eq!(write(target, &account, Change::Delete).await, Ok(Effect::Applied));
    assert_eq!(write(target, &account, Change::Restore).await, Ok(Effect::Applied));
    let password = Change::SetPassword { password: Some(Secret::new(SECOND)), must_change: false };
    assert_eq!(write(target, &account, password).await, Ok(Effect::Applied));
    let again = Attributes::new().with("employeeID", "90").with("title", "Analyst");
    assert_eq!(
        write(target, &account, Change::Assign { attributes: again, if_version: None }).await,
        Ok(Effect::Applied)
    );
    write(target, &account, Change::SetEnabled { enabled: true }).await.unwrap();
    assert!(signs_in(server, "wiped", SECOND).await, "it opens again");
    let after = target.read(&account).await.unwrap().unwrap();
    assert_eq!((&after.id, after.attributes.text("objectSid")), (&before.id, before.attributes.text("objectSid")));

    let (archive, above) = (group(target, "archive").await, group(target, "above").await);
    let id = target.read(&archive).await.unwrap().unwrap().id;
    let (archive, words) =
        (by_id(ObjectClass::Group, &id), [("mail", "archive@vigie.test"), ("description", "Who files")]);
    let mut attributes = words.into_iter().fold(Attributes::new(), |all, (name, value)| all.with(name, value));
    attributes.set("proxyAddresses", vec!["SMTP:archive@vigie.test".into(), "smtp:old@vigie.test".into()]);
    let assign = Change::Assign { attributes, if_version: None };
    let nest = Change::AddMember { member: id.clone(), until: None };
    assert_eq!(write(target, &archive, assign.clone()).await, Ok(Effect::Applied));
    assert_eq!(write(target, &above, nest.clone()).await, Ok(Effect::Applied));
    let kept = target.read(&archive).await.unwrap().unwrap();
    assert_eq!(kept.memberships.as_ref().map(Vec::len), Some(1), "what it lies in is read");
    let schema = target.schema().await.unwrap().class(ObjectClass::Group);
    for (name, value) in words {
        assert_eq!(kept.attributes.text(name), Some(value));
        assert!(!schema.attribute(&name.into()).unwrap().read_only, "{name}");
    }
    assert_eq!(write(target, &archive, Change::Delete).await, Ok(Effect::Applied));
    assert_eq!(write(target, &archive, Change::Restore).await, Ok(Effect::Applied));
    let bare = target.read(&archive).await.unwrap().unwrap();
    assert_eq!(
        (bare.attributes.text("mail"), bare.memberships.as_deref()),
        (None, Some(&[][..])),
        "a tombstone forgets"
    );
    assert_eq!(write(target, &archive, assign).await, Ok(Effect::Applied));
    assert_eq!(write(target, &above, nest).await, Ok(Effect::Applied));
    let whole = target.read(&archive).await.unwrap().unwrap();
    assert_eq!((whole.memberships, whole.attributes.values("proxyAddresses").len()), (kept.memberships, 2));
}

async fn what_is_protected(target: &ActiveDirectory) {
    for login in ["krbtgt", "Administrator", "Guest"] {
        let key = ObjectKey::correlation(ObjectClass::Account, "sAMAccountName", login);
        for change in
            [Change::SetEnabled { enabled: login == "Guest" }, Change::Delete, Change::Rename { name: "x".into() }]
        {
            let operation = Operation { privileged: true, ..Operation::new("op", key.clone(), change) };
            let error = target.write(&operation).await.unwrap_err();
            assert_eq!(error.kind, ErrorKind::Protected, "{login}: {error}");
        }
    }
    let admins = ObjectKey::correlation(ObjectClass::Group, "sAMAccountName", "Domain Admins");
    let id = target.write(&join("70", "aspirant")).await.unwrap().id;
    let add = Operation::new("op", admins, Change::AddMember { member: id.clone(), until: None });
    assert_eq!(target.write(&add).await.unwrap_err().kind, ErrorKind::Protected, "not without an approval");
    let approved = Operation { privileged: true, ..add };
    assert_eq!(target.write(&approved).await.unwrap().effect, Effect::Applied);
    assert_eq!(target.write(&approved).await.unwrap().effect, Effect::AlreadyDone);
}

async fn group(target: &ActiveDirectory, login: &str) -> ObjectKey {
    let key = ObjectKey::correlation(ObjectClass::Group, "sAMAccountName", login);
    let new = NewObject { name: login.into(), ..NewObject::default() };
    target.write(&Operation::new("g", key.clone(), Change::Create(new))).await.unwrap();
    key
}

async fn all_members(target: &ActiveDirectory, group: &ObjectKey, limit: usize) -> Vec<ObjectId> {
    let (mut seen, mut next) = (Vec::new(), None);
    loop {
        let page = target.members(group, next.as_ref(), limit).await.unwrap();
        seen.extend(page.members.into_iter().map(|member| member.id));
        next = page.next;
        if next.is_none() {
            return seen;
        }
    }
}

/// A > B > C > A: the server's own answer is what our closure over direct members gives.
async fn groups_and_their_chain(target: &ActiveDirectory) {
    let mut groups = Vec::new();
    for name in ["ring-a", "ring-b", "ring-c"] {
        let key = group(target, name).await;
        let id = target.read(&key).await.unwrap().unwrap().id;
        groups.push((key, id));
    }
    for at in 0..3 {
        let person = target.write(&join(&format!("20{at}"), &format!("ring{at}"))).await.unwrap().id;
        for member in [&groups[(at + 1) % 3].1, &person] {
            let add = Change::AddMember { member: member.clone(), until: None };
            assert_eq!(write(target, &groups[at].0, add.clone()).await, Ok(Effect::Applied));
            assert_eq!(write(target, &groups[at].0, add).await, Ok(Effect::AlreadyDone));
        }
    }
    let (mut closure, mut open) = (BTreeSet::new(), vec![groups[0].0.clone()]);
    while let Some(next) = open.pop() {
        for id in all_members(target, &next, 100).await {
            if closure.insert(id.clone()) && target.read(&by_id(ObjectClass::Group, &id)).await.unwrap().is_some() {
                open.push(by_id(ObjectClass::Group, &id));
            }
        }
    }
    let chain = target.effective_members(&groups[0].0).await.unwrap();
    let chain: BTreeSet<ObjectId> = chain.into_iter().map(|member| member.id).collect();
    assert_eq!(chain, closure);
    assert_eq!(chain.len(), 6, "three people and the three groups, the first by way of itself");
    let member = target.read(&person("200")).await.unwrap().unwrap();
    assert_eq!(member.memberships, Some(vec![groups[0].1.clone()]));
    let remove = Change::RemoveMember { member: member.id };
    assert_eq!(write(target, &groups[0].0, remove.clone()).await, Ok(Effect::Applied));
    assert_eq!(write(target, &groups[0].0, remove).await, Ok(Effect::AlreadyDone));
}

async fn pages_and_ranges(server: &Samba, target: &ActiveDirectory) {
    let key = group(target, "many").await;
    let mut ldif = String::new();
    let mut ids = BTreeSet::new();
    for number in 0..120 {
        let login = format!("many{number:03}");
        ldif.push_str(&format!(
            "dn: CN={login},{STAFF}\nobjectClass: user\nsAMAccountName: {login}\nemployeeID: m{number}\n\n"
        ));
    }
    server.ldif("ldapadd", &ldif);
    let search = Search { limit: 50, ..Search::all(ObjectClass::Account) };
    let first = target.search(&search, None).await.unwrap();
    // Another process goes on where this one stopped.
    let other = connect(server, ADMIN, PASSWORD);
    let (mut seen, mut next) = (first.objects, first.next);
    while let Some(token) = next {
        let page = other.search(&search, Some(&token)).await.unwrap();
        seen.extend(page.objects);
        next = page.next;
    }
    let all: BTreeSet<_> = seen.iter().map(|object| object.id.clone()).collect();
    assert_eq!(all.len(), seen.len(), "each once");
    ids.extend(seen.iter().filter(|object| object.name.starts_with("many")).map(|object| object.id.clone()));
    assert_eq!(ids.len(), 120);
    let members: String = (0..120).map(|number| format!("member: CN=many{number:03},{STAFF}\n")).collect();
    server.ldif("ldapmodify", &format!("dn: CN=many,{STAFF}\nchangetype: modify\nadd: member\n{members}"));
    let listed = all_members(target, &key, 50).await;
    assert_eq!(listed.len(), 120);
    assert_eq!(listed.into_iter().collect::<BTreeSet<_>>(), ids);
}

fn page(delta: Delta) -> DeltaPage {
    match delta {
        Delta::Changes(page) => page,
        Delta::CursorLost { reason } => panic!("the cursor was lost: {reason}"),
    }
}

async fn changes_beside_us(server: &Samba, target: &ActiveDirectory) {
    let cursor = target.cursor().await.unwrap();
    assert_eq!(page(target.delta(&cursor).await.unwrap()).changes, []);
    server.ldif("ldapmodify", &format!("dn: CN=many001,{STAFF}\nchangetype: modify\nreplace: title\ntitle: Boss\n"));
    server.ldif("ldapmodify", &format!("dn: CN=many002,{STAFF}\nchangetype: delete\n"));
    server.ldif("ldapmodify", &format!("dn: CN=many003,{STAFF}\nchangetype: moddn\nnewrdn: CN=many003\ndeleteoldrdn: 1\nnewsuperior: OU=Left,{STAFF}\n"));
    let changes = page(target.delta(&cursor).await.unwrap());
    assert_eq!(changes.faults, Vec::<String>::new());
    let upserted: Vec<_> = changes
        .changes
        .iter()
        .filter_map(|change| match &change.what {
            WhatChanged::Upserted(object) => Some((object, change.attribution.as_ref())),
            _ => None,
        })
        .collect();
    let boss = upserted.iter().find(|(object, _)| object.attributes.text("title") == Some("Boss")).expect("the change");
    assert!(boss.1.unwrap().at.is_some(), "the directory tells when, not who");
    assert!(upserted.iter().any(|(object, _)| object.container == Some(format!("OU=Left,{STAFF}"))), "the move");
    let deleted = |change: &connector::NativeChange| {
        change.class == ObjectClass::Account
            && matches!(&change.what, WhatChanged::Deleted { name } if name.as_deref() == Some("many002"))
    };
    assert!(changes.changes.iter().any(deleted), "{:?}", changes.changes);
    assert_eq!(page(target.delta(&changes.next).await.unwrap()).changes, []);
    let mut place: serde_json::Value = serde_json::from_str(&changes.next.0).unwrap();
    place["usn"] = json!(place["usn"].as_i64().unwrap() + 1_000_000);
    let restored = target.delta(&Cursor(place.to_string())).await.unwrap();
    assert!(matches!(&restored, Delta::CursorLost { reason } if reason.contains("went back")), "{restored:?}");
    place["invocation"] = json!("00000000-0000-0000-0000-000000000001");
    assert!(matches!(target.delta(&Cursor(place.to_string())).await.unwrap(), Delta::CursorLost { .. }));
}

async fn emergency(server: &Samba, target: ActiveDirectory) {
    target.write(&join("900", "leaver")).await.unwrap();
    assert!(signs_in(server, "leaver", FIRST).await);
    let account = |connector: Arc<dyn Connector>| EmergencyAccount {
        system: "ad".into(),
        connector,
        account: person("900"),
        privileged: true,
    };
    let mut away = config(server, ADMIN, PASSWORD);
    away.server.url = "ldaps://127.0.0.1:1".into();
    let away = ActiveDirectory::new(away, ProtectionRules::default()).unwrap();
    let accounts = [account(Arc::new(target)), account(Arc::new(away))];
    let outcomes = disable_everywhere("stop", &accounts, Duration::from_secs(30)).await;
    assert!(matches!(outcomes[0].result, EmergencyResult::Disabled { .. }), "{outcomes:?}");
    assert!(matches!(outcomes[1].result, EmergencyResult::Unreachable { .. }), "{outcomes:?}");
    assert!(!signs_in(server, "leaver", FIRST).await);
}
