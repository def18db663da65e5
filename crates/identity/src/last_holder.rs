//! The last who holds what is privileged keeps it, on every path.
//!
//! A person's command that would take it away is refused with the remedy. Where nobody asks (the clock, a feed, a lock-out)
//! the account closes as it must, the membership stays with it, and a finding asks for somebody else; once somebody else
//! holds it, or may borrow it, it goes. Just before the engine takes a member out of a privileged group it asks the system
//! itself, which may know better.

use std::collections::{BTreeMap, BTreeSet};

use kernel::id::{AccountId, AssignmentId, EntitlementId, PersonId};
use kernel::{Actor, Timestamp};
use serde_json::json;
use store::{Read, Statement, params};

use crate::account::{self, Account, AccountKind, Status, Wanted, WantedState};
use crate::assignment::{Assignment, Mode, Target};
use crate::compute::{Catalog, Phase};
use crate::entitlement;
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::policy::Policy;
use crate::role::Grant;
use crate::room::{Identity, Turn};
use crate::saying::saying;

const MOST: u32 = 10_000;

const HOLDERS: Statement = Statement::new(
    "identity.holders_of",
    "SELECT h.account_id FROM identity_holding h JOIN identity_account a ON a.id = h.account_id WHERE h.entitlement_id = $1 \
     AND a.status = 'enabled' ORDER BY h.account_id LIMIT $2",
);
/// Who may borrow something and is here.
const ELIGIBLE: Statement = Statement::new(
    "identity.eligible_and_here",
    "SELECT s.id, s.person_id, s.target_kind, s.target FROM identity_assignment s JOIN identity_person p ON p.id = s.person_id \
     WHERE s.mode = 'eligible' AND s.ended_us IS NULL AND s.valid_from_us <= $1 AND (s.valid_until_us IS NULL OR \
     s.valid_until_us > $1) AND p.blocked_us IS NULL AND EXISTS (SELECT 1 FROM identity_engagement e WHERE e.person_id = \
     s.person_id AND e.state = 'active') ORDER BY s.id LIMIT $2",
);
const WAITING: Statement = Statement::new(
    "identity.last_holders",
    "SELECT subject, person_id FROM identity_finding WHERE kind = 'last-holder' AND state = 'open' AND person_id IS NOT NULL",
);

/// All of them, for the test that prepares each on both engines.
pub const LAST_HOLDER_STATEMENTS: &[Statement] = &[HOLDERS, ELIGIBLE, WAITING];

/// Something that stays with an account although nothing gives it any more.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Kept {
    pub(crate) account: AccountId,
    pub(crate) entitlement: EntitlementId,
    /// `ad/Domain-Admins`.
    pub(crate) name: String,
    /// False: somebody else holds it by now, and it goes.
    pub(crate) stays: bool,
}

/// Who loses what in one run: two who leave together are not each other's successor.
#[derive(Debug, Default)]
pub(crate) struct LastHolders {
    losing: BTreeMap<EntitlementId, BTreeSet<AccountId>>,
    nesting: Option<Vec<(EntitlementId, EntitlementId)>>,
}

/// Whose account changes, and how.
pub(crate) struct Losing<'a> {
    pub(crate) account: &'a Account,
    pub(crate) person: PersonId,
    pub(crate) phase: Phase,
    pub(crate) now: Timestamp,
}

impl LastHolders {
    /// Leaves what nobody else holds in what is wanted of an account, and tells what was judged.
    pub(crate) async fn keep(
        &mut self,
        read: &mut impl Read,
        (policy, catalog): (&Policy, &Catalog),
        losing: &Losing<'_>,
        wanted: &mut Wanted,
    ) -> Result<Vec<Kept>, Error> {
        let Some(before) = &losing.account.wanted else { return Ok(Vec::new()) };
        let system = &losing.account.system;
        let gone = wanted.state == WantedState::Absent;
        let lost: Vec<String> =
            before.entitlements.iter().filter(|name| gone || !wanted.entitlements.contains(*name)).cloned().collect();
        let mut judged = Vec::new();
        for name in lost {
            let entitlement = catalog.id(system, &name);
            if !catalog.entitlement(entitlement).is_some_and(|one| one.privileged) {
                continue;
            }
            let works = matches!(losing.phase, Phase::Here { .. });
            let person = (!works).then_some(losing.person);
            let but = But { account: Some(losing.account.id), person, ..But::nobody(losing.now) };
            let stays = !self.others(read, policy, entitlement, &but).await?;
            if stays {
                wanted.entitlements.insert(name.clone());
                if gone {
                    wanted.state = WantedState::Disabled;
                }
            } else {
                self.losing.entry(entitlement).or_default().insert(losing.account.id);
            }
            judged.push(Kept { account: losing.account.id, entitlement, name: format!("{system}/{name}"), stays });
        }
        Ok(judged)
    }

    /// Whether anybody else holds it with an account that can be used, or may borrow it.
    async fn others(
        &mut self,
        read: &mut impl Read,
        policy: &Policy,
        entitlement: EntitlementId,
        but: &But,
    ) -> Result<bool, Error> {
        let leading = self.leading(read, entitlement).await?;
        for (one, grant) in &leading {
            for row in read.rows(&HOLDERS, params![*one, MOST]).await? {
                let id: AccountId = row.id("account_id")?;
                let loses = self.losing.get(&entitlement).is_some_and(|losing| losing.contains(&id));
                if Some(id) == but.account || loses {
                    continue;
                }
                if account::find(read, id).await?.is_some_and(|account| stands(&account, grant)) {
                    return Ok(true);
                }
            }
        }
        may_borrow(read, policy, &leading, but).await
    }

    /// What gives it: itself, and every group that lies in it.
    async fn leading(&mut self, read: &mut impl Read, id: EntitlementId) -> Result<Leading, Error> {
        if self.nesting.is_none() {
            self.nesting = Some(entitlement::nesting(read).await?);
        }
        let nesting = self.nesting.as_deref().unwrap_or_default();
        let mut leading = BTreeSet::from([id]);
        let mut open = vec![id];
        while let Some(parent) = open.pop() {
            let children = nesting.iter().filter(|(other, _)| *other == parent).map(|(_, child)| *child);
            open.extend(children.filter(|child| leading.insert(*child)));
        }
        let mut named = Leading::new();
        for id in leading {
            named.extend(entitlement::find(read, id).await?.map(|one| (id, one.grant())));
        }
        Ok(named)
    }
}

/// Entitlements that give one, with how roles name them.
type Leading = BTreeMap<EntitlementId, Grant>;

/// Who is not looked at.
#[derive(Debug)]
struct But {
    account: Option<AccountId>,
    person: Option<PersonId>,
    given: Option<AssignmentId>,
    now: Timestamp,
}

impl But {
    const fn nobody(now: Timestamp) -> But {
        But { account: None, person: None, given: None, now }
    }
}

/// Whether an account that holds something goes on holding it, and somebody can act with it.
fn stands(account: &Account, grant: &Grant) -> bool {
    if account.kind == AccountKind::Service || account.status != Status::Enabled {
        return false;
    }
    let Some(wanted) = &account.wanted else { return true };
    let is_in = |names: &BTreeSet<String>| grant.entitlement.as_ref().is_some_and(|name| names.contains(name));
    let given_up = account.seen.as_ref().is_some_and(|seen| is_in(&seen.ours)) && !is_in(&wanted.entitlements);
    wanted.state == WantedState::Enabled && !given_up
}

async fn may_borrow(read: &mut impl Read, policy: &Policy, leading: &Leading, but: &But) -> Result<bool, Error> {
    for row in read.rows(&ELIGIBLE, params![but.now, MOST]).await? {
        let (person, assignment): (PersonId, AssignmentId) = (row.id("person_id")?, row.id("id")?);
        if Some(person) == but.person || Some(assignment) == but.given {
            continue;
        }
        let reaches = match Target::parse(row.text("target_kind")?, row.text("target")?)? {
            Target::Entitlement(id) => leading.contains_key(&id),
            Target::Role(role) => {
                policy.reached(&role).iter().any(|one| leading.values().any(|grant| *grant == one.grant))
            }
        };
        if reaches {
            return Ok(true);
        }
    }
    Ok(false)
}

fn refusal(names: &[String]) -> Refusal {
    let names = names.join(", ");
    Refusal::rule(format!(
        "{names} would have nobody left who holds it: appoint somebody else first, and wait until the system shows it"
    ))
}

/// Says what stays with whom. A person's own command is refused instead, the first time.
pub(crate) async fn report(turn: &mut Turn, person: PersonId, name: &str, judged: &[Kept]) -> Result<(), Error> {
    for one in judged {
        let subject = format!("{}/{}", one.entitlement, one.account);
        if !one.stays {
            turn.settle_finding(FindingKind::LastHolder, &subject, "somebody else holds it").await?;
            continue;
        }
        let row = params![FindingKind::LastHolder.as_str(), &subject];
        let known = turn.tx.fetch_optional(&crate::sql::OPEN_FINDING, row).await?.is_some();
        let commanded = matches!(turn.actor, Actor::User(_) | Actor::Token(_));
        if !known && commanded && matches!(turn.cause.0.as_str(), "person" | "documents") {
            return Err(refusal(std::slice::from_ref(&one.name)).into());
        }
        let title = saying!("{name} is the last who holds {what}: appoint somebody else", name = name, what = one.name);
        let finding = NewFinding {
            person: Some(person),
            account: Some(one.account),
            detail: json!({ "entitlement": one.name, "why": turn.reason }),
            ..NewFinding::new(FindingKind::LastHolder, subject, title)
        };
        turn.find(finding).await?;
    }
    Ok(())
}

/// Has those computed anew who keep something only because nobody else held it.
pub(crate) async fn look_again(turn: &mut Turn, gained: Option<&BTreeSet<EntitlementId>>) -> Result<(), Error> {
    if gained.is_some_and(BTreeSet::is_empty) {
        return Ok(());
    }
    for row in turn.tx.fetch_all(&WAITING, params![]).await? {
        let subject = row.text("subject")?.to_owned();
        let concerned = |id: &EntitlementId| subject.starts_with(&format!("{id}/"));
        if gained.is_none_or(|gained| gained.iter().any(concerned)) {
            turn.touch(row.id("person_id")?);
        }
    }
    Ok(())
}

impl Turn {
    /// Refuses to close an account that is the last to hold something privileged.
    pub(crate) async fn must_not_be_last(&mut self, account: &Account) -> Result<(), Error> {
        let held = account.seen.as_ref().map(|seen| seen.entitlements.clone()).unwrap_or_default();
        let known = self.known.clone();
        let mut last = Vec::new();
        for name in held {
            let id = known.catalog.id(&account.system, &name);
            if !known.catalog.entitlement(id).is_some_and(|one| one.privileged) {
                continue;
            }
            let but = But { account: Some(account.id), ..But::nobody(self.now()) };
            if !LastHolders::default().others(&mut self.tx, &known.policy, id, &but).await? {
                last.push(format!("{}/{name}", account.system));
            }
        }
        if last.is_empty() { Ok(()) } else { Err(refusal(&last).into()) }
    }

    /// Refuses to end the eligibility of the last who may borrow something that nobody holds.
    pub(crate) async fn must_not_be_last_eligible(&mut self, given: &Assignment) -> Result<(), Error> {
        if given.mode != Mode::Eligible || given.ended.is_some() {
            return Ok(());
        }
        let known = self.known.clone();
        let reached: BTreeSet<EntitlementId> = match &given.target {
            Target::Entitlement(id) => BTreeSet::from([*id]),
            Target::Role(role) => {
                let named = known.policy.reached(role).iter().filter_map(|one| known.catalog.named(&one.grant));
                named.map(|one| one.id).collect()
            }
        };
        let mut last = Vec::new();
        for id in reached {
            let Some(one) = known.catalog.entitlement(id).filter(|one| one.privileged) else { continue };
            let but = But { given: Some(given.id), ..But::nobody(self.now()) };
            if !LastHolders::default().others(&mut self.tx, &known.policy, id, &but).await? {
                last.push(one.grant().to_string());
            }
        }
        if last.is_empty() { Ok(()) } else { Err(refusal(&last).into()) }
    }
}

impl Identity {
    /// Whether somebody may borrow it, so that a group of its name may be empty for a while.
    pub(crate) async fn may_be_empty(&self, entitlement: EntitlementId) -> Result<bool, Error> {
        let known = self.known().await?;
        let mut read = self.store.clone();
        let leading = LastHolders::default().leading(&mut read, entitlement).await?;
        may_borrow(&mut read, &known.policy, &leading, &But::nobody(self.now())).await
    }
}
