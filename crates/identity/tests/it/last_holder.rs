//! The last who holds what is privileged, and the last owner, stay on every path until there is somebody else.

use connector::{Change, Connector, ObjectClass, ObjectKey, Operation};
use identity::Error;
use identity::account::AccountKind;
use identity::assignment::{Assignment, Mode, NewAssignment, Source, Target};
use identity::finding::{FindingKind, FindingState};
use identity::plan::Proposal;
use identity::provision::Mode as Reading;

use crate::rig::{self, DAY_US, Rig, officer, record};

const ADMINS: &str = "Domain-Admins";

fn person(number: &str, family: &str, fields: &[(&str, &str)]) -> String {
    let given = ("given", family);
    record(
        &[&[("person", number), ("contract", number), ("family", family), given, ("born", "1980-02-03")], fields]
            .concat(),
    )
}

/// Amina runs the directory; Bram is there.
async fn open(url: &str) -> (Rig, Assignment) {
    let mut rig = rig::open(url).await;
    let noted = rig::POLICY.replace(
        "[system.ad.login]",
        "[system.ad.entitlements.Domain-Admins]\nprivileged = true\nowner = \"P-1\"\n[system.ad.login]",
    );
    rig.save(&noted).await.unwrap();
    rig.deliver(&[person("P-1", "Amina", &[]), person("P-2", "Bram", &[])]).await;
    rig.work().await;
    let given = give(&rig, "Amina", Mode::Active).await;
    rig.work().await;
    assert!(holds(&rig, "Amina").await);
    (rig, given)
}

async fn give(rig: &Rig, family: &str, mode: Mode) -> Assignment {
    let new = NewAssignment {
        person: rig.person(family).await.id,
        target: Target::Role("administrator".to_owned()),
        mode,
        source: Source::Adopted,
        source_ref: None,
        reason: "runs the directory".to_owned(),
        approver: None,
        from: None,
        until: None,
    };
    rig.identity.give(new, &officer()).await.unwrap()
}

async fn at(rig: &Rig, family: &str) -> rig::At {
    let login = rig.account(family, "ad").await.unwrap().login;
    rig.at("ad", &login).await.unwrap()
}

async fn holds(rig: &Rig, family: &str) -> bool {
    at(rig, family).await.groups.contains(ADMINS)
}

async fn findings(rig: &Rig, kind: FindingKind) -> Vec<String> {
    let open = rig.identity.findings(Some(kind), Some(FindingState::Open)).await.unwrap();
    open.into_iter().map(|one| one.title).collect()
}

fn refused<T: std::fmt::Debug>(result: Result<T, Error>) -> String {
    match result {
        Err(Error::Refused(refusal)) => refusal.to_string(),
        other => panic!("it should be refused: {other:?}"),
    }
}

pub async fn a_command_that_would_take_the_last_is_refused(url: String) {
    let (mut rig, given) = open(&url).await;
    let why = refused(rig.identity.end(given.id, "no longer", &officer()).await);
    assert!(why.contains("ad/Domain-Admins") && why.contains("appoint somebody else first"), "{why}");
    let without = rig::POLICY.replace("grants = [\"ad/Domain-Admins\"]", "grants = [\"ad/Old-Team\"]");
    let without = without.replace(
        "[system.ad.login]",
        "[system.ad.entitlements.Domain-Admins]\nprivileged = true\nowner = \"P-1\"\n[system.ad.login]",
    );
    assert!(refused(rig.save(&without).await).contains("nobody left"), "nor by a change of the role");
    rig.work().await;
    assert!(holds(&rig, "Amina").await);
    // Who was appointed and is not there yet is no successor; who is, is.
    give(&rig, "Bram", Mode::Active).await;
    assert!(
        refused(rig.identity.end(given.id, "too early", &officer()).await).contains("wait until the system shows it")
    );
    rig.work().await;
    assert!(rig.identity.end(given.id, "Bram has it", &officer()).await.unwrap());
    rig.work().await;
    assert_eq!((holds(&rig, "Amina").await, holds(&rig, "Bram").await), (false, true));
}

pub async fn a_leaver_is_closed_and_the_key_stays_until_somebody_has_it(url: String) {
    let (mut rig, _) = open(&url).await;
    // Both who could hold it leave in one file.
    give(&rig, "Bram", Mode::Active).await;
    rig.work().await;
    let ended = [("ends", "2026-11-19")];
    let others = || (10..70).map(|n| person(&format!("P-{n}"), &format!("Other{n}"), &[]));
    let both = [person("P-1", "Amina", &[]), person("P-2", "Bram", &[])];
    rig.deliver(&both.into_iter().chain(others()).collect::<Vec<_>>()).await;
    rig.work().await;
    let leavers = [person("P-1", "Amina", &ended), person("P-2", "Bram", &ended), person("P-3", "Cyril", &[])];
    rig.deliver(&leavers.into_iter().chain(others()).collect::<Vec<_>>()).await;
    rig.work().await;
    let (amina, bram) = (at(&rig, "Amina").await, at(&rig, "Bram").await);
    assert_eq!((amina.enabled, bram.enabled), (Some(false), Some(false)), "nobody signs in for that");
    let left = [amina, bram].iter().filter(|one| one.groups.contains(ADMINS)).count();
    assert_eq!(left, 1, "of two who go together one stays in the group");
    assert_eq!(findings(&rig, FindingKind::LastHolder).await.len(), 1);
    rig.pass_days(40).await;
    let left = [at(&rig, "Amina").await, at(&rig, "Bram").await];
    assert_eq!(left.iter().filter(|one| one.groups.contains(ADMINS)).count(), 1, "nor after the grace");
    let simulated = rig.identity.simulate("look", &Proposal::Everybody, &officer()).await.unwrap();
    assert_eq!(simulated.items.len(), 0, "a simulation agrees with what is done");
    give(&rig, "Cyril", Mode::Active).await;
    rig.work().await;
    let left = [at(&rig, "Amina").await, at(&rig, "Bram").await];
    assert!(left.iter().all(|one| !one.groups.contains(ADMINS)), "somebody else holds it: it goes by itself");
    assert_eq!(findings(&rig, FindingKind::LastHolder).await, Vec::<String>::new());
}

pub async fn an_emergency_closes_the_account_and_says_so(url: String) {
    let (mut rig, _) = open(&url).await;
    let person = rig.person("Amina").await.id;
    rig.identity.lock_out(person, false, "stolen laptop", &officer(), rig.targets.clone().as_ref()).await.unwrap();
    rig.work().await;
    let amina = at(&rig, "Amina").await;
    assert_eq!((amina.enabled, amina.groups.contains(ADMINS)), (Some(false), true));
    assert!(findings(&rig, FindingKind::LastHolder).await[0].contains("appoint somebody else"));
}

pub async fn who_may_borrow_it_counts_and_the_last_of_them_stays(url: String) {
    let (mut rig, given) = open(&url).await;
    let eligible = give(&rig, "Bram", Mode::Eligible).await;
    assert!(rig.identity.end(given.id, "it is borrowed from now on", &officer()).await.unwrap());
    rig.work().await;
    assert!(!holds(&rig, "Amina").await, "a group that may be borrowed may be empty");
    let why = refused(rig.identity.end(eligible.id, "no longer", &officer()).await);
    assert!(why.contains("ad/Domain-Admins"), "{why}");
    give(&rig, "Amina", Mode::Eligible).await;
    assert!(rig.identity.end(eligible.id, "Amina may", &officer()).await.unwrap());
}

/// The desk's knowledge is a day old: the other administrator was taken out at the directory itself.
pub async fn the_system_itself_is_asked_before_a_member_goes(url: String) {
    let (mut rig, given) = open(&url).await;
    give(&rig, "Bram", Mode::Active).await;
    rig.work().await;
    let (target, bram) = (rig.targets.get("ad"), at(&rig, "Bram").await.object.id);
    let key = ObjectKey::correlation(ObjectClass::Group, "name", ADMINS);
    target.write(&Operation::new("native", key.clone(), Change::RemoveMember { member: bram.clone() })).await.unwrap();
    assert!(rig.identity.end(given.id, "Bram has it", &officer()).await.unwrap(), "as far as the desk knows");
    rig.work().await;
    assert!(holds(&rig, "Amina").await, "the directory knows better");
    assert!(findings(&rig, FindingKind::LastHolder).await[0].contains("nobody else is in Domain-Admins"));
    let account = rig.account("Amina", "ad").await.unwrap();
    assert_eq!(account.progress, identity::account::Progress::Retrying, "{:?}", account.problem);
    target.write(&Operation::new("native", key, Change::AddMember { member: bram, until: None })).await.unwrap();
    rig.pass_until(rig.store.now().plus_micros(DAY_US / 8)).await;
    assert!(!holds(&rig, "Amina").await, "it is tried again, and goes once somebody is there");
    assert_eq!(findings(&rig, FindingKind::LastHolder).await, Vec::<String>::new());
}

pub async fn a_shared_account_that_is_the_last_is_not_closed(url: String) {
    let (mut rig, given) = open(&url).await;
    let target = rig.targets.get("ad");
    let new = connector::NewObject { name: "adm-shared".to_owned(), ..connector::NewObject::default() };
    let key = ObjectKey::correlation(ObjectClass::Account, "uid", "adm-shared");
    let member = target.write(&Operation::new("native", key, Change::Create(new))).await.unwrap().id;
    let group = ObjectKey::correlation(ObjectClass::Group, "name", ADMINS);
    target.write(&Operation::new("native", group, Change::AddMember { member, until: None })).await.unwrap();
    rig.identity.reconcile("ad", Reading::Ordinary, rig.targets.as_ref()).await.unwrap();
    let accounts = rig.identity.accounts(Some("ad")).await.unwrap();
    let shared = accounts.iter().find(|one| one.login == "adm-shared").unwrap().id;
    let service = identity::ServiceAccount {
        kind: AccountKind::Shared,
        owner: "P-1".to_owned(),
        purpose: "the safe".to_owned(),
        expires: rig.store.now().plus_micros(300 * DAY_US),
        rotate_days: None,
    };
    rig.identity.describe_account(shared, &service, "known", &officer()).await.unwrap();
    assert!(rig.identity.end(given.id, "the shared one stays", &officer()).await.unwrap());
    rig.work().await;
    let why = refused(rig.identity.close_account(shared, true, "unused", &officer()).await);
    assert!(why.contains("nobody left"), "{why}");
}

pub async fn the_last_owner_is_replaced_and_never_removed(url: String) {
    let (mut rig, _) = open(&url).await;
    let problem = refused(rig.save(rig::POLICY).await);
    assert!(problem.contains("ad/Domain-Admins") && problem.contains("P-1 is its last owner"), "{problem}");
    let empty = rig::POLICY.replacen("owner = \"P-1\"", "owner = \" \"", 1);
    assert!(refused(rig.save(&empty).await).contains("no owner"));
    rig.deliver(&[person("P-1", "Amina", &[("ends", "2026-11-19")]), person("P-2", "Bram", &[])]).await;
    rig.work().await;
    let left = findings(&rig, FindingKind::OwnerLeft).await;
    assert!(
        left.iter().any(|title| title.contains("Amina") && title.contains("entitlement:ad/Domain-Admins")),
        "{left:?}"
    );
    assert!(left.iter().any(|title| title.contains("role:staff")), "{left:?}");
    // It was a mistake: she answers for it again. Then she does leave.
    rig.deliver(&[person("P-1", "Amina", &[]), person("P-2", "Bram", &[])]).await;
    rig.work().await;
    assert_eq!(findings(&rig, FindingKind::OwnerLeft).await, Vec::<String>::new());
    rig.deliver(&[person("P-1", "Amina", &[("ends", "2026-11-19")]), person("P-2", "Bram", &[])]).await;
    rig.work().await;
    assert_eq!(findings(&rig, FindingKind::OwnerLeft).await.len(), left.len());
    let noted = rig::POLICY.replace("owner = \"P-1\"", "owner = \"P-2\"").replace(
        "[system.ad.login]",
        "[system.ad.entitlements.Domain-Admins]\nprivileged = true\nowner = \"P-2\"\n[system.ad.login]",
    );
    rig.save(&noted).await.unwrap();
    assert_eq!(findings(&rig, FindingKind::OwnerLeft).await, Vec::<String>::new());
}
