//! Decisions that only people take: whose an account is, that two records are one human being, that a hand-made change is
//! done.

use std::collections::BTreeSet;

use kernel::id::{AccountId, AssignmentId, EngagementId, MergeId, PersonId};
use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Deadline, Due, params};

use crate::account::{self, Account, AccountKind, Progress, Status, Wanted, WantedState};
use crate::error::{Error, Refusal, said};
use crate::finding::{FindingKind, NewFinding};
use crate::person::{self, PersonState};
use crate::room::{Identity, Turn};
use crate::saying::{Saying, saying};
use crate::{assignment, compute, engagement, merge, owner, sql};

/// Term, secret or owner of an account that is nobody's own.
pub(crate) const ACCOUNT: &str = "identity.account";
const DAY_US: i64 = 86_400_000_000;
const LONGEST: usize = 2_000;

/// What an account that is nobody's own is for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ServiceAccount {
    /// `service` or `shared`.
    pub kind: AccountKind,
    /// The number of the person who answers for it.
    pub owner: String,
    pub purpose: String,
    pub expires: Timestamp,
    /// Days after which its secret is changed.
    pub rotate_days: Option<i64>,
}

/// What was moved when two records were put together.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
struct Moved {
    anchors: Vec<(String, String)>,
    engagements: Vec<EngagementId>,
    assignments: Vec<AssignmentId>,
    accounts: Vec<AccountId>,
}

impl Identity {
    /// Says that an account that was found belongs to somebody.
    ///
    /// # Errors
    /// [`Error::Refused`] when it is protected, already somebody's, or the person has one in that system.
    pub async fn join_account(
        &self,
        id: AccountId,
        owner: PersonId,
        why: &str,
        actor: &Actor,
    ) -> Result<Account, Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut account = account::must(&mut turn.tx, id).await?;
        person::must(&mut turn.tx, owner).await?;
        if !account.may_be_changed() {
            return Err(Refusal::rule(format!("{} is kept out of every rule", account.login)).into());
        }
        if let Some(person) = account.person {
            return Err(Refusal::rule(format!("{} belongs to {person} already", account.login)).into());
        }
        let others = account::of_person(&mut turn.tx, owner).await?;
        let planned = others.into_iter().find(|other| other.system == account.system);
        if let Some(planned) = planned {
            if planned.native_id.is_some() {
                return Err(
                    Refusal::rule(format!("the person has {} in {} already", planned.login, planned.system)).into()
                );
            }
            // What was planned for the person becomes what is wanted of this account.
            account.wanted.clone_from(&planned.wanted);
            if let Some(wanted) = &mut account.wanted {
                // It was there before, whatever it was for.
                wanted.ahead = false;
            }
            turn.tx.execute(&sql::DELETE_ACCOUNT, params![planned.id]).await?;
        }
        account.person = Some(owner);
        account.kind = AccountKind::Person;
        if account.wanted.is_some() {
            account.progress = Progress::Queued;
        }
        account::save(&mut turn.tx, &mut account).await?;
        for kind in [FindingKind::Orphan, FindingKind::JoinRefused] {
            turn.settle_finding(kind, &id.to_string(), &why).await?;
        }
        turn.touch(owner);
        let (plan, at) = (account.plan.unwrap_or(kernel::id::PlanId::derived([0; 16])), turn.now());
        turn.tx.emit(kernel::Fact::ProvisioningDue { plan, at });
        turn.record("account.join", id, Json::Null, json!({ "person": owner }));
        turn.finish().await?;
        self.account(id).await
    }

    /// Says what an account is for that is nobody's own: owner, purpose and term.
    ///
    /// # Errors
    /// [`Error::Refused`] for a term in the past or an owner who is not known.
    pub async fn describe_account(
        &self,
        id: AccountId,
        service: &ServiceAccount,
        why: &str,
        actor: &Actor,
    ) -> Result<Account, Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut account = account::must(&mut turn.tx, id).await?;
        if !matches!(service.kind, AccountKind::Service | AccountKind::Shared) || account.person.is_some() {
            return Err(Refusal::rule("only an account that is nobody's own has an owner and a purpose").into());
        }
        if service.expires <= turn.now() {
            return Err(Refusal::bad("expires", "it lies in the past").into());
        }
        let owner = turn.tx.fetch_optional(&sql::PERSON_BY_NUMBER, params![&service.owner]).await?;
        if owner.is_none() {
            return Err(Refusal::bad("owner", format!("nobody who is known has the number {}", service.owner)).into());
        }
        account.kind = service.kind;
        account.owner = Some(service.owner.clone());
        account.purpose = Some(said("purpose", &service.purpose, LONGEST)?);
        account.expires = Some(service.expires);
        account.rotate_days = service.rotate_days;
        account.rotated.get_or_insert(turn.now());
        account::save(&mut turn.tx, &mut account).await?;
        for kind in [FindingKind::Orphan, FindingKind::ServiceAccount] {
            turn.settle_finding(kind, &id.to_string(), &why).await?;
        }
        promise(&mut turn, &account).await?;
        turn.record("account.describe", id, Json::Null, json!(service));
        turn.finish().await?;
        Ok(account)
    }

    /// Says that the secret of an account was changed.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn note_rotation(&self, id: AccountId, why: &str, actor: &Actor) -> Result<Account, Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut account = account::must(&mut turn.tx, id).await?;
        account.rotated = Some(turn.now());
        account::save(&mut turn.tx, &mut account).await?;
        turn.settle_finding(FindingKind::ServiceAccount, &id.to_string(), &why).await?;
        promise(&mut turn, &account).await?;
        turn.record("account.rotate", id, Json::Null, Json::Null);
        turn.finish().await?;
        Ok(account)
    }

    /// Has an account disabled that is nobody's, or no longer; or, with `false`, enabled again.
    ///
    /// # Errors
    /// [`Error::Refused`] when rules decide on it or when it is protected.
    pub async fn close_account(&self, id: AccountId, close: bool, why: &str, actor: &Actor) -> Result<Account, Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut account = account::must(&mut turn.tx, id).await?;
        if let Some(person) = account.person {
            let accounts = account::of_person(&mut turn.tx, person).await?;
            if !close || compute::seconds(&accounts, person).all(|second| second.id != id) {
                let text = "what a person has follows from contracts and assignments; lock the person out";
                return Err(Refusal::rule(text).into());
            }
        }
        if close {
            turn.must_not_be_last(&account).await?;
        }
        let kept = account.wanted.clone().filter(|_| account.person.is_some());
        want_closed(&mut turn, &mut account, close).await?;
        if let Some(kept) = kept {
            // A second account stays the one it was, closed.
            account.wanted = Some(Wanted { state: WantedState::Disabled, entitlements: BTreeSet::new(), ..kept });
            account::save(&mut turn.tx, &mut account).await?;
        }
        turn.settle_finding(FindingKind::SecondAccount, &id.to_string(), &why).await?;
        turn.record("account.close", id, Json::Null, json!({ "close": close }));
        turn.finish().await?;
        Ok(account)
    }

    /// Has the engine work on an account again that was refused or put aside.
    ///
    /// # Errors
    /// [`Error::NotFound`] when there is none of that id.
    pub async fn retry_account(&self, id: AccountId, why: &str, actor: &Actor) -> Result<Account, Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut account = account::must(&mut turn.tx, id).await?;
        if account.wanted.is_none() || !account.may_be_changed() {
            return Err(Refusal::rule("nothing is wanted of this account").into());
        }
        account.progress = Progress::Queued;
        account.attempts = 0;
        account.retry = None;
        account::save(&mut turn.tx, &mut account).await?;
        let at = turn.now();
        if let Some(plan) = account.plan {
            turn.tx.emit(kernel::Fact::ProvisioningDue { plan, at });
        }
        turn.record("account.retry", id, Json::Null, Json::Null);
        turn.finish().await?;
        Ok(account)
    }

    /// Says that what was wanted was done by hand, in a system that nothing connects.
    ///
    /// # Errors
    /// [`Error::Refused`] when the engine works on that system.
    pub async fn done_by_hand(&self, id: AccountId, why: &str, actor: &Actor) -> Result<Account, Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let mut account = account::must(&mut turn.tx, id).await?;
        let (Progress::Manual, Some(wanted)) = (account.progress, account.wanted.clone()) else {
            let state = account.progress.to_string();
            return Err(Refusal::NotNow { what: "account", command: "done", state, allowed: Vec::new() }.into());
        };
        account.progress = Progress::Settled;
        account.status = match wanted.state {
            WantedState::Enabled => Status::Enabled,
            WantedState::Disabled => Status::Disabled,
            WantedState::Absent => Status::Absent,
        };
        account.seen_at = Some(turn.now());
        account::save(&mut turn.tx, &mut account).await?;
        turn.record("account.done-by-hand", id, Json::Null, json!({ "wanted": wanted }));
        turn.finish().await?;
        Ok(account)
    }

    /// Puts two records of one human being together. Contracts, accounts and assignments move to the one that stays; it can
    /// be undone.
    ///
    /// # Errors
    /// [`Error::Refused`] for one and the same record, one that was merged before, or the officer's own; when one was given
    /// something by the other's user, or when together they hold what must stay apart.
    pub async fn merge(
        &self,
        survivor: PersonId,
        absorbed: PersonId,
        why: &str,
        actor: &Actor,
    ) -> Result<MergeId, Error> {
        let why = said("reason", why, LONGEST)?;
        if survivor == absorbed {
            return Err(Refusal::rule("one record cannot be merged with itself").into());
        }
        let mut turn = self.turn(actor, &why).await?;
        let mut kept = person::must(&mut turn.tx, survivor).await?;
        let mut gone = person::must(&mut turn.tx, absorbed).await?;
        if kept.state == PersonState::Merged || gone.state == PersonState::Merged {
            return Err(Refusal::rule("one of them was merged with another record already").into());
        }
        merge::must_be_permitted(&mut turn, &kept, &gone, actor).await?;
        let moved = Moved {
            anchors: anchors_of(&mut turn, absorbed).await?,
            engagements: engagement::of_person(&mut turn.tx, absorbed).await?.iter().map(|one| one.id).collect(),
            assignments: assignment::of_person(&mut turn.tx, absorbed).await?.iter().map(|one| one.id).collect(),
            accounts: account::of_person(&mut turn.tx, absorbed).await?.iter().map(|one| one.id).collect(),
        };
        let id: MergeId = turn.tx.id();
        merge::report_brought(&mut turn, id, &kept, absorbed).await?;
        move_all(&mut turn, &moved, survivor).await?;
        gone.state = PersonState::Merged;
        gone.merged_into = Some(survivor);
        person::save(&mut turn.tx, &mut gone).await?;
        merge::carry_locks(&mut turn, &gone, &mut kept);
        person::save(&mut turn.tx, &mut kept).await?;
        merge::carry_exclusions(&mut turn, absorbed, survivor).await?;
        let (now, by) = (turn.now(), turn.actor.to_string());
        turn.tx.execute(&sql::INSERT_MERGE, params![id, survivor, absorbed, &json!(moved), now, by]).await?;
        turn.tx.cancel_deadline(crate::plan::PERSON, &absorbed.to_string()).await?;
        turn.touch(survivor);
        turn.record("person.merge", survivor, Json::Null, json!({ "absorbed": absorbed, "moved": moved }));
        turn.finish().await?;
        Ok(id)
    }

    /// Takes a merge back: what came with the record goes back to it. Whoever is locked out stays so under both records, until
    /// each is let in.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was undone before.
    pub async fn unmerge(&self, id: MergeId, why: &str, actor: &Actor) -> Result<(), Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        let row = turn.tx.fetch_optional(&sql::MERGE, params![id]).await?;
        let row = row.ok_or_else(|| Error::missing("merge", id))?;
        let (survivor, absorbed): (PersonId, PersonId) = (row.id("survivor")?, row.id("absorbed")?);
        merge::must_be_somebody_elses(&mut turn, &[survivor, absorbed], actor).await?;
        let moved: Moved = row.json("moved")?;
        let (now, by) = (turn.now(), turn.actor.to_string());
        if turn.tx.execute(&sql::UNDO_MERGE, params![id, now, by]).await? == 0 {
            return Err(Refusal::rule("the merge was undone already").into());
        }
        move_all(&mut turn, &moved, absorbed).await?;
        turn.settle_finding(FindingKind::Other, &merge::subject(id), &why).await?;
        for account in &moved.accounts {
            turn.settle_finding(FindingKind::SecondAccount, &account.to_string(), &why).await?;
        }
        let mut back = person::must(&mut turn.tx, absorbed).await?;
        back.state = PersonState::Active;
        back.merged_into = None;
        let stayed = person::must(&mut turn.tx, survivor).await?;
        merge::carry_locks(&mut turn, &stayed, &mut back);
        person::save(&mut turn.tx, &mut back).await?;
        merge::carry_exclusions(&mut turn, survivor, absorbed).await?;
        turn.touch(survivor);
        turn.touch(absorbed);
        turn.record("person.unmerge", survivor, Json::Null, json!({ "absorbed": absorbed, "moved": moved }));
        turn.finish().await?;
        Ok(())
    }

    /// Merges of a person that can be undone: id and the record that was absorbed.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn merges_of(&self, survivor: PersonId) -> Result<Vec<(MergeId, PersonId)>, Error> {
        let rows = self.store.fetch_all(&sql::MERGES_OF, params![survivor]).await?;
        rows.iter().map(|row| Ok((row.id("id")?, row.id("absorbed")?))).collect()
    }

    /// Decides a finding that needs no more than words.
    ///
    /// # Errors
    /// [`Error::Refused`] when it was decided already.
    pub async fn close_finding(&self, id: kernel::id::FindingId, why: &str, actor: &Actor) -> Result<(), Error> {
        let why = said("reason", why, LONGEST)?;
        let mut turn = self.turn(actor, &why).await?;
        turn.decide_finding(id, &why).await?;
        turn.finish().await?;
        Ok(())
    }
}

impl Turn {
    /// Takes an entitlement from an account at its system although no assignment gives it: a review said so. The engine
    /// removes it, whatever the drift policy says; what is seen afterwards tells whether it is gone.
    pub(crate) async fn deny(&mut self, id: AccountId, entitlement: &str, why: &str) -> Result<(), Error> {
        let mut account = account::must(&mut self.tx, id).await?;
        if !account.may_be_changed() {
            return Err(Refusal::rule(format!("{} is kept out of every rule", account.login)).into());
        }
        if account.wanted.as_ref().is_some_and(|wanted| wanted.entitlements.contains(entitlement)) {
            let text = format!("{entitlement} is given by a contract or an assignment: end that");
            return Err(Refusal::rule(text).into());
        }
        if account.wanted.is_none() {
            let close = account.status != Status::Enabled;
            want_closed(self, &mut account, close).await?;
            if let Some(wanted) = &mut account.wanted {
                wanted.entitlements.remove(entitlement);
            }
        }
        // What is held, not wanted and counted as given here is what the engine takes back.
        account.seen.get_or_insert_default().ours.insert(entitlement.to_owned());
        account.progress = Progress::Queued;
        account::save(&mut self.tx, &mut account).await?;
        let (plan, at) = (account.plan.unwrap_or(kernel::id::PlanId::derived([0; 16])), self.now());
        self.tx.emit(kernel::Fact::ProvisioningDue { plan, at });
        self.record("account.deny", id, Json::Null, json!({ "entitlement": entitlement, "why": why }));
        Ok(())
    }
}

async fn anchors_of(turn: &mut Turn, person: PersonId) -> Result<Vec<(String, String)>, Error> {
    let rows = turn.tx.fetch_all(&sql::ANCHORS_OF, params![person]).await?;
    rows.iter().map(|row| Ok((row.text("source")?.to_owned(), row.text("anchor")?.to_owned()))).collect()
}

async fn move_all(turn: &mut Turn, moved: &Moved, to: PersonId) -> Result<(), Error> {
    let now = turn.now();
    for (source, anchor) in &moved.anchors {
        turn.tx.execute(&sql::SAVE_ANCHOR, params![source, anchor, to, now]).await?;
    }
    for id in &moved.engagements {
        turn.tx.execute(&sql::MOVE_ENGAGEMENT, params![*id, to]).await?;
        turn.tx.execute(&sql::MOVE_SLICES, params![id.to_string(), to]).await?;
    }
    for id in &moved.assignments {
        turn.tx.execute(&sql::MOVE_ASSIGNMENT, params![*id, to]).await?;
    }
    for id in &moved.accounts {
        turn.tx.execute(&sql::MOVE_ACCOUNT, params![*id, to]).await?;
    }
    Ok(())
}

/// Sets the wish of an account that no rule decides on.
async fn want_closed(turn: &mut Turn, account: &mut Account, close: bool) -> Result<(), Error> {
    if !account.may_be_changed() {
        return Err(Refusal::rule(format!("{} is kept out of every rule", account.login)).into());
    }
    let seen = account.seen.clone().unwrap_or_default();
    let state = if close { WantedState::Disabled } else { WantedState::Enabled };
    account.wanted = Some(Wanted { entitlements: seen.entitlements, ..Wanted::unnamed(state, &account.login) });
    let connected = turn.known.policy.systems.get(&account.system).is_some_and(|one| one.connector.is_some());
    account.progress = if connected { Progress::Queued } else { Progress::Manual };
    account::save(&mut turn.tx, account).await?;
    let at = turn.now();
    let plan = account.plan.unwrap_or(kernel::id::PlanId::derived([0; 16]));
    turn.tx.emit(kernel::Fact::ProvisioningDue { plan, at });
    Ok(())
}

/// When something about an account that is nobody's own has to be looked at.
async fn promise(turn: &mut Turn, account: &Account) -> Result<(), Error> {
    let rotation = account.rotate_days.zip(account.rotated).map(|(days, at)| at.plus_micros(days * DAY_US));
    let due = [account.expires, rotation].into_iter().flatten().filter(|due| *due > turn.now()).min();
    let subject = account.id.to_string();
    match due {
        Some(due) => {
            let deadline = Deadline {
                kind: ACCOUNT.to_owned(),
                subject,
                owes: format!("person:{}", account.owner.as_deref().unwrap_or("nobody")),
                due: Due::At(due),
                otherwise: "an account beyond its term is disabled; an old secret is a finding".to_owned(),
            };
            turn.tx.deadline(deadline).await?;
        }
        None => drop(turn.tx.cancel_deadline(ACCOUNT, &subject).await?),
    }
    Ok(())
}

/// Term or secret of an account has come to its day, or its owner has been gone for too long.
pub(crate) async fn account_due(turn: &mut Turn, id: AccountId) -> Result<(), Error> {
    let Some(mut account) = account::find(&mut turn.tx, id).await? else { return Ok(()) };
    let now = turn.now();
    let over = account.expires.is_some_and(|expires| expires <= now);
    let owner = account.owner.clone().unwrap_or_default();
    let owned = turn.tx.fetch_optional(&sql::PERSON_HERE, params![&owner]).await?.is_some();
    let login = account.login.clone();
    let title = match (over, owned) {
        (true, _) => {
            saying!("the term of {login} in {system} is over: it is disabled", login = login, system = account.system)
        }
        (false, false) => saying!(
            "{login} in {system} has no owner who is here: it is disabled",
            login = login,
            system = account.system
        ),
        (false, true) => {
            saying!("the secret of {login} in {system} is due to be changed", login = login, system = account.system)
        }
    };
    if (over || !owned) && account.may_be_changed() && account.status == Status::Enabled {
        want_closed(turn, &mut account, true).await?;
    }
    let finding = NewFinding {
        account: Some(id),
        system: Some(account.system.clone()),
        ..NewFinding::new(FindingKind::ServiceAccount, id, title)
    };
    turn.find(finding).await?;
    promise(turn, &account).await
}

/// Somebody left: what they answered for needs somebody else.
pub(crate) async fn owner_left(turn: &mut Turn, person: PersonId) -> Result<(), Error> {
    let left = person::must(&mut turn.tx, person).await?;
    let Some(number) = left.sheet.number.clone() else { return Ok(()) };
    let name = left.sheet.display_name();
    let days = turn.known.policy.settings.owner_days;
    owner::left(turn, &number, &name).await?;
    for row in turn.tx.fetch_all(&sql::ACCOUNTS_OWNED, params![&number]).await? {
        let id: AccountId = row.id("id")?;
        let title = saying!(
            "{name}, who answered for {what}, has left: name somebody else",
            name = name,
            what = row.text("login")?
        );
        let finding = NewFinding { account: Some(id), ..NewFinding::new(FindingKind::ServiceAccount, id, title) };
        turn.find(finding).await?;
        let deadline = Deadline {
            kind: ACCOUNT.to_owned(),
            subject: id.to_string(),
            owes: "role:access-officer".to_owned(),
            due: Due::After(days * DAY_US),
            otherwise: "without another owner it is disabled".to_owned(),
        };
        turn.tx.deadline(deadline).await?;
    }
    for row in turn.tx.fetch_all(&sql::SPONSORED, params![&number]).await? {
        let id: PersonId = row.id("id")?;
        let who = format!("{} {}", row.text("given_name")?, row.text("family_name")?);
        let title = saying!(
            "{name}, who sponsors {who}, has left: name another sponsor, or the stay ends",
            name = name,
            who = who
        );
        without_sponsor(turn, id, title, days).await?;
    }
    Ok(())
}

/// Somebody whom nobody sponsors needs another sponsor within days, or the stay ends.
async fn without_sponsor(turn: &mut Turn, id: PersonId, title: Saying, days: i64) -> Result<(), Error> {
    // Who is without one already has no more time because something else was told of them.
    if turn.open_finding(FindingKind::Sponsorship, &id.to_string()).await? {
        return Ok(());
    }
    let finding = NewFinding { person: Some(id), ..NewFinding::new(FindingKind::Sponsorship, id, title) };
    turn.find(finding).await?;
    let deadline = Deadline {
        kind: SPONSOR.to_owned(),
        subject: id.to_string(),
        owes: "role:access-officer".to_owned(),
        due: Due::After(days * DAY_US),
        otherwise: "without another sponsor the stay ends".to_owned(),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}

/// Looks whether whom a feed names as sponsor is here.
pub(crate) async fn look_at_sponsor(turn: &mut Turn, id: PersonId, name: &str, sponsor: &str) -> Result<(), Error> {
    if turn.tx.fetch_optional(&sql::PERSON_HERE, params![sponsor]).await?.is_some() {
        turn.settle_finding(FindingKind::Sponsorship, &id.to_string(), "there is a sponsor again").await?;
        return Ok(());
    }
    let days = turn.known.policy.settings.owner_days;
    let title = saying!(
        "{sponsor}, who is to sponsor {name}, is not here: name another sponsor, or the stay ends",
        sponsor = sponsor,
        name = name
    );
    without_sponsor(turn, id, title, days).await
}

/// Another sponsor for somebody whose sponsor left.
pub(crate) const SPONSOR: &str = "identity.sponsor";

/// Nobody took over as sponsor: the stay ends.
pub(crate) async fn sponsor_due(turn: &mut Turn, id: PersonId) -> Result<(), Error> {
    let mut person = person::must(&mut turn.tx, id).await?;
    let sponsor = person.sheet.sponsor.clone().unwrap_or_default();
    if turn.tx.fetch_optional(&sql::PERSON_HERE, params![&sponsor]).await?.is_some() {
        turn.settle_finding(FindingKind::Sponsorship, &id.to_string(), "there is a sponsor again").await?;
        return Ok(());
    }
    let name = person.sheet.display_name();
    person.blocked.get_or_insert(turn.now());
    person::save(&mut turn.tx, &mut person).await?;
    turn.touch(id);
    turn.record("person.sponsor-lost", id, Json::Null, json!({ "sponsor": sponsor }));
    let title = saying!("{name} has no sponsor: their access is closed", name = name);
    let finding = NewFinding { person: Some(id), ..NewFinding::new(FindingKind::Sponsorship, id, title) };
    turn.find(finding).await.map(drop)
}
