//! Groups: nesting with its ways and circles, reading in pages, finding members, owners, and how one goes and comes back.

use std::collections::BTreeSet;

use connector::memory::{Fault, Memory};
use connector::{Change, Connector, ConnectorError, NewObject, ObjectClass, ObjectId, ObjectKey, Operation};
use identity::Error;
use identity::entitlement::id_of;
use identity::finding::{FindingKind, FindingState};
use identity::group::{
    Appointment, GroupCommand, GroupMembers, GroupView, LifeState, MemberHolder, MemberQuestion, MemberWay,
};
use identity::provision::Mode;
use kernel::id::EntitlementId;

use crate::rig::{self, Rig, officer, record};

async fn native(rig: &Rig, group: &str) -> ObjectId {
    let target = rig.targets.get("ad");
    let key = ObjectKey::correlation(ObjectClass::Group, "name", group);
    target.read(&key).await.unwrap().unwrap().id
}

async fn member(target: &Memory, group: &ObjectId, member: &ObjectId, joins: bool) {
    let (key, member) = (ObjectKey::id(ObjectClass::Group, group.as_str()), member.clone());
    let change = if joins { Change::AddMember { member, until: None } } else { Change::RemoveMember { member } };
    target.write(&Operation::new("native", key, change)).await.unwrap();
}

async fn nest(rig: &Rig, child: &str, parent: &str, joins: bool) {
    let (child, parent) = (native(rig, child).await, native(rig, parent).await);
    member(&rig.targets.get("ad"), &parent, &child, joins).await;
}

async fn read_all(rig: &Rig) {
    rig.identity.reconcile("ad", Mode::Ordinary, rig.targets.as_ref()).await.unwrap();
}

async fn group(rig: &Rig, name: &str) -> GroupView {
    let all = rig.identity.groups(Some("ad")).await.unwrap();
    all.into_iter().find(|one| one.name == name).unwrap()
}

async fn members(rig: &Rig, id: EntitlementId, question: MemberQuestion) -> Result<GroupMembers, Error> {
    let question = MemberQuestion { limit: question.limit.max(10), ..question };
    rig.identity.group_members(id, &question, &BTreeSet::new()).await
}

/// An office with Amina in All-Staff.
async fn open(url: &str) -> Rig {
    let mut rig = rig::open(url).await;
    rig.deliver(&[record(&[("person", "P-7"), ("contract", "C-7")])]).await;
    rig.work().await;
    rig
}

pub async fn members_are_shown_by_any_way_and_circles_are_findings(url: String) {
    let rig = open(&url).await;
    nest(&rig, "All-Staff", "NBO-Site", true).await;
    nest(&rig, "NBO-Site", "Old-Team", true).await;
    nest(&rig, "Old-Team", "All-Staff", true).await;
    read_all(&rig).await;
    let old = group(&rig, "Old-Team").await;
    assert_eq!((old.direct, old.effective), (0, 1));
    assert_eq!(
        (old.children.as_slice(), old.parents.as_slice()),
        (&["ad/NBO-Site".to_owned()][..], &["ad/All-Staff".to_owned()][..])
    );
    assert_eq!(old.cycle.len(), 3, "{:?}", old.cycle);
    let found = members(&rig, old.id, MemberQuestion::default()).await.unwrap();
    assert_eq!((found.total, found.next), (1, None));
    assert_eq!(found.members[0].path.last().map(String::as_str), Some("ad/Old-Team"));
    assert!(found.members[0].path.len() > 1, "a member by a way, not itself");
    let open_cycles =
        async || rig.identity.findings(Some(FindingKind::NestingCycle), Some(FindingState::Open)).await.unwrap();
    assert_eq!(open_cycles().await.len(), 1);
    read_all(&rig).await;
    assert_eq!(open_cycles().await.len(), 1, "one finding for one circle");
    nest(&rig, "Old-Team", "All-Staff", false).await;
    read_all(&rig).await;
    assert_eq!(open_cycles().await.len(), 0, "it went away when the circle was opened");
    assert!(group(&rig, "Old-Team").await.cycle.is_empty());
    let missing = members(&rig, id_of("ad", "Nothing"), MemberQuestion::default()).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
}

pub async fn members_are_found_by_text_way_and_holder(url: String) {
    let mut rig = open(&url).await;
    let people = [("P-7", "Diallo"), ("P-8", "Ōkubo"), ("P-9", "Smith")];
    let born = |number: &str| format!("19{}0-01-01", &number[2..]);
    let record = |(number, family): (&str, &str)| {
        record(&[
            ("person", number),
            ("contract", &number.replace('P', "C")),
            ("family", family),
            ("born", &born(number)),
        ])
    };
    rig.deliver(&people.map(record)).await;
    rig.work().await;
    nest(&rig, "All-Staff", "Old-Team", true).await;
    let (target, old) = (rig.targets.get("ad"), native(&rig, "Old-Team").await);
    for number in 0..30 {
        let key = ObjectKey::correlation(ObjectClass::Account, "number", &number.to_string());
        let new = NewObject { name: format!("svc-{number:02}"), ..NewObject::default() };
        let made = target.write(&Operation::new("make", key, Change::Create(new))).await.unwrap().id;
        member(&target, &old, &made, true).await;
    }
    read_all(&rig).await;
    let id = group(&rig, "Old-Team").await.id;
    let all = members(&rig, id, MemberQuestion { limit: 100, ..MemberQuestion::default() }).await.unwrap();
    assert_eq!((all.total, all.found, all.members.len(), all.next), (33, 33, 33, None));
    let text = |text: &str| MemberQuestion { text: Some(text.to_owned()), ..MemberQuestion::default() };
    let (direct, nested) = (Some(MemberWay::Direct), Some(MemberWay::Nested));
    let cases = [
        (text("SVC-1"), 10),
        (text("svc-07"), 1),
        (text(" smith "), 1),
        (text("P-9"), 1),
        (text("nobody at all"), 0),
        (MemberQuestion { way: direct, ..MemberQuestion::default() }, 30),
        (MemberQuestion { way: nested, ..MemberQuestion::default() }, 3),
        (MemberQuestion { way: nested, ..text("svc") }, 0),
        (MemberQuestion { holder: Some(MemberHolder::Person), ..MemberQuestion::default() }, 3),
        (MemberQuestion { holder: Some(MemberHolder::Account), ..text("svc-2") }, 10),
    ];
    for (question, found) in cases {
        let answer = members(&rig, id, question.clone()).await.unwrap();
        assert_eq!((answer.total, answer.found), (33, found), "{question:?}");
        // The slow twin: page by page it is the same as among all.
        let (mut paged, mut after) = (Vec::new(), None);
        loop {
            let question = MemberQuestion { after, limit: 4, ..question.clone() };
            let page = rig.identity.group_members(id, &question, &BTreeSet::new()).await.unwrap();
            paged.extend(page.members.into_iter().map(|one| one.account));
            after = page.next;
            if after.is_none() {
                break;
            }
        }
        assert_eq!(paged.len() as u64, found, "{question:?}");
        assert!(paged.is_sorted_by(|left, right| left < right), "nobody twice");
    }
    let smith = rig.person("Smith").await.id;
    let hidden = rig.identity.group_members(id, &text("smith"), &BTreeSet::from([smith])).await.unwrap();
    assert_eq!((hidden.found, hidden.members), (0, vec![]), "who is hidden is not found either");
}

pub async fn an_owner_is_appointed_and_the_last_is_never_taken_away(url: String) {
    let mut rig = open(&url).await;
    let other = [("person", "P-8"), ("contract", "C-8"), ("family", "Okubo"), ("born", "1970-01-01")];
    rig.deliver(&[record(&[("person", "P-7"), ("contract", "C-7")]), record(&other)]).await;
    rig.work().await;
    read_all(&rig).await;
    let id = group(&rig, "Old-Team").await.id;
    let identity = rig.identity.clone();
    let appoint = async |owner: &str, instead_of: Option<&str>| {
        let appointment = Appointment { owner: owner.to_owned(), instead_of: instead_of.map(str::to_owned) };
        identity.appoint_owner(id, &appointment, "she runs it", &officer()).await
    };
    assert_eq!(appoint("P-7", None).await.unwrap().owner.as_deref(), Some("P-7"));
    assert_eq!(group(&rig, "Old-Team").await.owner.as_deref(), Some("P-7"));
    let read_before = appoint("P-8", None).await.unwrap_err();
    assert!(matches!(&read_before, Error::Conflict(now) if now.theirs == "P-7"), "{read_before}");
    for (owner, word) in [
        (" ", "P-7 is its last owner and cannot be taken away"),
        ("P-99", "nobody who works here has the number `P-99`"),
    ] {
        let refused = appoint(owner, Some("P-7")).await.unwrap_err();
        assert!(matches!(&refused, Error::Refused(why) if why.to_string().contains(word)), "{word}: {refused}");
    }
    assert_eq!(appoint("P-8", Some("P-7")).await.unwrap().owner.as_deref(), Some("P-8"));
    let plain = rig.identity.document(identity::document::DocumentKind::System, "ad").await.unwrap();
    assert_eq!(plain.body["entitlements"]["Old-Team"]["owner"], "P-8", "the document of the system says so");
    // Who appointed whom is in the ledger, with the reason; who leaves is replaced.
    let rows = rig.ledger("group.owner").await;
    assert_eq!(rows, 2);
    rig.deliver(&[
        record(&[("person", "P-7"), ("contract", "C-7")]),
        record(&[&other[..], &[("ends", "2026-11-18")]].concat()),
    ])
    .await;
    rig.work().await;
    let left = async || {
        let open = identity.findings(Some(FindingKind::OwnerLeft), Some(FindingState::Open)).await.unwrap();
        open.into_iter().filter(|one| one.title.contains("entitlement:ad/Old-Team")).count()
    };
    assert_eq!(left().await, 1);
    assert!(matches!(appoint("P-8", Some("P-8")).await, Err(Error::Refused(_))), "she left");
    appoint("P-7", Some("P-8")).await.unwrap();
    assert_eq!(left().await, 0);
}

pub async fn a_large_group_is_read_in_pages_by_whoever_goes_on(url: String) {
    let mut rig = open(&url).await;
    read_all(&rig).await;
    let (target, big) = (rig.targets.get("ad"), native(&rig, "Old-Team").await);
    let mut strangers = Vec::new();
    for number in 0..2_500 {
        let key = ObjectKey::correlation(ObjectClass::Account, "number", &number.to_string());
        let new = NewObject { name: format!("stranger-{number}"), ..NewObject::default() };
        strangers.push(target.write(&Operation::new("make", key, Change::Create(new))).await.unwrap().id);
        member(&target, &big, &strangers[number], true).await;
    }
    let id = group(&rig, "Old-Team").await.id;
    let first = rig.identity.read_group(id, 1, rig.targets.as_ref()).await.unwrap();
    assert_eq!((first.pages, first.members, first.done), (1, 1_000, None));
    target.next(Fault::Fail(ConnectorError::transient("away")));
    assert!(rig.identity.read_group(id, 5, rig.targets.as_ref()).await.is_err());
    rig.restart().await;
    let last = rig.identity.read_group(id, 5, rig.targets.as_ref()).await.unwrap();
    assert_eq!((last.pages, last.members), (3, 2_500), "what was read before the stop was not read again");
    assert!(last.done.is_some());
    member(&target, &big, &strangers[7], false).await;
    let anew = rig.identity.read_group(id, 50, rig.targets.as_ref()).await.unwrap();
    assert_eq!((anew.pages, anew.members), (3, 2_499), "who left is not counted any more");
}

/// A group that documents name and that is called otherwise at its system is followed and told, at the next reading of changes.
pub async fn a_renamed_group_is_followed_and_told(url: String) {
    let mut rig = open(&url).await;
    read_all(&rig).await;
    let told = async |rig: &Rig| {
        let all = rig.identity.findings(Some(FindingKind::GroupChanged), Some(FindingState::Open)).await.unwrap();
        all.into_iter().map(|one| one.title).collect::<Vec<_>>()
    };
    assert_eq!(told(&rig).await, Vec::<String>::new());
    let (target, all) = (rig.targets.get("ad"), native(&rig, "All-Staff").await);
    let call = |name: &'static str| {
        target.native_edit(&all, "admin7", rig.store.now(), |object| name.clone_into(&mut object.name));
    };
    call("Everybody");
    rig.identity.read_changes("ad", rig.targets.as_ref()).await.unwrap();
    assert!(told(&rig).await[0].contains("ad/All-Staff is called Everybody"), "{:?}", told(&rig).await);
    rig.deliver(&[
        record(&[("person", "P-7"), ("contract", "C-7")]),
        record(&[("person", "P-8"), ("contract", "C-8"), ("family", "Sow"), ("born", "1970-01-01")]),
    ])
    .await;
    rig.work().await;
    assert!(rig.at("ad", "asow").await.unwrap().groups.contains("Everybody"), "it is the same group");
    target.native_edit(&all, "admin7", rig.store.now(), |object| "All-Staff".clone_into(&mut object.name));
    rig.identity.read_changes("ad", rig.targets.as_ref()).await.unwrap();
    assert_eq!(told(&rig).await, Vec::<String>::new());
    target.native_delete(&all);
    rig.identity.read_changes("ad", rig.targets.as_ref()).await.unwrap();
    assert!(told(&rig).await[0].contains("ad/All-Staff is not at the system any more"), "{:?}", told(&rig).await);
}

/// Who is in a group and lies outside of what is read is shown, counted and, where it is privileged, told.
pub async fn a_member_from_outside_is_shown_and_counted(url: String) {
    let rig = open(&url).await;
    let power = "[system.ad.entitlements.Domain-Admins]\nprivileged = true\nowner = \"P-1\"\n\n[system.erp]";
    let target = rig.targets.get("ad");
    // Of a class that is not read: as an account above the base of the connector.
    let key = ObjectKey::correlation(ObjectClass::OrganizationalUnit, "uid", "root");
    let new = NewObject { name: "CN=Administrator,CN=Users".to_owned(), ..NewObject::default() };
    let root = target.write(&Operation::new("native", key, Change::Create(new))).await.unwrap().id;
    member(&target, &native(&rig, "Domain-Admins").await, &root, true).await;
    nest(&rig, "Domain-Admins", "Old-Team", true).await;
    read_all(&rig).await;
    let (admins, above) = (group(&rig, "Domain-Admins").await, group(&rig, "Old-Team").await);
    assert_eq!((admins.direct, admins.effective, admins.outside), (1, 1, 1));
    assert_eq!((above.direct, above.effective, above.outside), (0, 1, 1));
    let shown = members(&rig, above.id, MemberQuestion::default()).await.unwrap();
    assert_eq!((shown.total, shown.found, shown.outside[0].name.as_str()), (1, 1, "CN=Administrator,CN=Users"));
    let text = MemberQuestion { text: Some("nobody".to_owned()), ..MemberQuestion::default() };
    assert_eq!(members(&rig, above.id, text).await.unwrap().outside, []);
    let told =
        async || rig.identity.findings(Some(FindingKind::OutsideMember), Some(FindingState::Open)).await.unwrap();
    assert_eq!(told().await.len(), 0, "no document says that it gives power");
    rig.save(&rig::POLICY.replacen("[system.erp]", power, 1)).await.unwrap();
    read_all(&rig).await;
    read_all(&rig).await;
    let found = told().await;
    assert_eq!(found.len(), 1, "{found:?}");
    rig.identity.close_finding(found[0].id, "it is the directory's own", &officer()).await.unwrap();
    read_all(&rig).await;
    assert_eq!(told().await.len(), 0, "a person has looked");
    member(&target, &native(&rig, "Domain-Admins").await, &root, false).await;
    read_all(&rig).await;
    assert_eq!(group(&rig, "Old-Team").await.effective, 0);
}

pub async fn a_group_that_nobody_needs_is_proposed_emptied_deleted_and_brought_back_with_its_members(url: String) {
    let mut rig = open(&url).await;
    read_all(&rig).await;
    let early = rig.identity.find_stale_groups(90, &officer()).await.unwrap();
    assert_eq!(early.proposed, Vec::<String>::new(), "it is too early for anything");
    rig.clock.advance_s(91 * 86_400);
    let found = rig.identity.find_stale_groups(90, &officer()).await.unwrap();
    assert!(found.proposed.contains(&"ad/FIN-Approve".to_owned()), "{found:?}");
    assert!(!found.proposed.iter().any(|name| name == "ad/All-Staff"), "a role speaks of it");
    let again = rig.identity.find_stale_groups(90, &officer()).await.unwrap();
    assert_eq!(again.proposed, Vec::<String>::new(), "once is enough");
    let id = group(&rig, "FIN-Approve").await.id;
    let targets = rig.targets.clone();
    let identity = rig.identity.clone();
    let order =
        async |command, seen| identity.order_group(id, command, seen, "it is over", targets.as_ref(), &officer()).await;
    let too_soon = order(GroupCommand::Remove, 1).await.unwrap_err();
    assert!(matches!(too_soon, Error::Refused(_)), "only what was emptied is deleted");

    let (target, native_id) = (rig.targets.get("ad"), native(&rig, "FIN-Approve").await);
    let amina = rig.account("Diallo", "ad").await.unwrap().native_id.unwrap();
    member(&target, &native_id, &ObjectId::new(amina.clone()), true).await;
    target.native_edit(&native_id, "admin7", rig.store.now(), |object| {
        object.attributes.set("mail", vec!["approve@office.example".into()]);
        object.attributes.set("description", vec!["Who approves".into()]);
    });
    nest(&rig, "FIN-Approve", "Old-Team", true).await;
    // The system goes away while members are taken out: the same order goes on.
    for _ in 0..3 {
        target.next(Fault::Pass);
    }
    target.next(Fault::Fail(ConnectorError::transient("away")));
    let halfway = order(GroupCommand::Disable, 1).await;
    target.mend();
    let life = match halfway {
        Err(_) => {
            let version = group(&rig, "FIN-Approve").await.life.unwrap().version;
            order(GroupCommand::Disable, version).await.unwrap().life
        }
        Ok(done) => done.life,
    };
    assert_eq!((life.state, life.members), (LifeState::Disabled, 1));
    let key = ObjectKey::id(ObjectClass::Group, native_id.as_str());
    assert_eq!(target.members(&key, None, 10).await.unwrap().members, [], "nobody is in it");
    let stale = order(GroupCommand::Remove, life.version - 1).await.unwrap_err();
    assert!(matches!(stale, Error::Conflict(_)));
    let removed = order(GroupCommand::Remove, life.version).await.unwrap().life;
    assert_eq!(removed.state, LifeState::Removed);
    assert!(target.read(&key).await.unwrap().is_none());

    let back = order(GroupCommand::Restore, removed.version).await.unwrap();
    assert_eq!((back.life.state, back.lost), (LifeState::Restored, vec![]));
    let again = target.read(&key).await.unwrap().expect("it is itself");
    let text = |name: &str| again.attributes.text(name).map(str::to_owned);
    assert_eq!(text("mail").as_deref(), Some("approve@office.example"));
    assert_eq!(text("description").as_deref(), Some("Who approves"));
    let (now, above) = (native_id.clone(), native(&rig, "Old-Team").await);
    let in_above = target.members(&ObjectKey::id(ObjectClass::Group, above.as_str()), None, 10).await.unwrap().members;
    assert!(in_above.iter().any(|one| one.id == now), "it lies where it lay");
    let members = target.members(&ObjectKey::id(ObjectClass::Group, now.as_str()), None, 10).await.unwrap().members;
    assert_eq!(members.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [amina.as_str()]);
    read_all(&rig).await;
    assert_eq!(group(&rig, "FIN-Approve").await.id, id, "the desk knows it as the same");
    rig.work().await;
}
