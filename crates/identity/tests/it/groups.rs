//! Groups: nesting with its ways and circles, reading in pages, and how one goes and comes back.

use connector::memory::{Fault, Memory};
use connector::{Change, Connector, ConnectorError, NewObject, ObjectClass, ObjectId, ObjectKey, Operation};
use identity::Error;
use identity::entitlement::id_of;
use identity::finding::{FindingKind, FindingState};
use identity::group::{GroupCommand, GroupView, LifeState};
use identity::provision::Mode;

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
    let members = rig.identity.group_members(old.id, None, 10).await.unwrap();
    assert_eq!((members.total, members.next), (1, None));
    assert_eq!(members.members[0].path.last().map(String::as_str), Some("ad/Old-Team"));
    assert!(members.members[0].path.len() > 1, "a member by a way, not itself");
    let open_cycles =
        async || rig.identity.findings(Some(FindingKind::NestingCycle), Some(FindingState::Open)).await.unwrap();
    assert_eq!(open_cycles().await.len(), 1);
    read_all(&rig).await;
    assert_eq!(open_cycles().await.len(), 1, "one finding for one circle");
    nest(&rig, "Old-Team", "All-Staff", false).await;
    read_all(&rig).await;
    assert_eq!(open_cycles().await.len(), 0, "it went away when the circle was opened");
    assert!(group(&rig, "Old-Team").await.cycle.is_empty());
    let missing = rig.identity.group_members(id_of("ad", "Nothing"), None, 10).await;
    assert!(matches!(missing, Err(Error::NotFound { .. })));
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
    let now = native(&rig, "FIN-Approve").await;
    let members = target.members(&ObjectKey::id(ObjectClass::Group, now.as_str()), None, 10).await.unwrap().members;
    assert_eq!(members.iter().map(|one| one.id.as_str()).collect::<Vec<_>>(), [amina.as_str()]);
    read_all(&rig).await;
    assert_eq!(group(&rig, "FIN-Approve").await.id, id, "the desk knows it as the same");
    rig.work().await;
}
