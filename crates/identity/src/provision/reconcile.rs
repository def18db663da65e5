//! Reading systems: everything now and then, what changed in between, and what is done about what others changed.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use connector::{
    Attribution, Capability, Cursor, Delta, Key, NativeChange, Object, ObjectClass, ObjectId, ObjectKey, Search,
    WhatChanged,
};
use kernel::Actor;
use kernel::id::AccountId;
use serde::Serialize;
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::params;

use super::Targets;
use super::drift::drifted;
use super::engine::{Working, ids_of, short_name};
use super::groups;
use super::observe::{Difference, Memberships, differences, off_standard, seen, status};
use super::times::{READ, READ_ALL, promise};
use crate::account::{self, Account, AccountKind, Progress, Protection, Status, WantedState};
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::room::{Identity, Turn};
use crate::saying::saying;
use crate::sql;
use crate::system::DriftPolicy;

/// Fewer objects than this say nothing of a lost scope.
const FEW: i64 = 20;

kernel::words! {
    /// What a reading may do.
    Mode {
        /// Findings, and what the drift policy says.
        Ordinary = "ordinary",
        /// Nothing; it is only told.
        Simulation = "simulation",
    }
}

/// What a reading found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct Reconciled {
    pub objects: u64,
    pub groups: u64,
    pub matched: u64,
    pub orphans: u64,
    pub drifted: u64,
    pub missing: u64,
    pub reverted: u64,
    pub adopted: u64,
    /// Why nothing of it was believed.
    pub fault: Option<String>,
    pub differences: Vec<(String, Difference)>,
}

/// Everything that was read of a system.
pub(super) struct Reading {
    accounts: Vec<Object>,
    pub(super) groups: Vec<Object>,
    memberships: Option<Memberships>,
    pub(super) nesting: BTreeSet<(ObjectId, ObjectId)>,
    /// Members that are neither an account nor a group of what was read, by group. `None`: members were not read.
    pub(super) outside: Option<BTreeMap<ObjectId, Vec<connector::Member>>>,
    cursor: Option<Cursor>,
}

impl Identity {
    /// Reads everything that a system holds and compares it with what is wanted.
    ///
    /// # Errors
    /// [`Error::NotFound`] for an unknown system, [`Error::Refused`] when it does not answer or is not connected.
    pub async fn reconcile(&self, key: &str, mode: Mode, targets: &dyn Targets) -> Result<Reconciled, Error> {
        let known = self.known().await?;
        let system = known.policy.systems.get(key).ok_or_else(|| Error::missing("system", key))?;
        let away = |error: connector::ConnectorError| Error::from(Refusal::rule(format!("{key}: {error}")));
        let mut working = self.working(key, system, &known, targets, &[]).await.map_err(away)?;
        let reading = working.read_everything().await.map_err(away)?;
        for group in &reading.groups {
            working.groups.entry(short_name(group)).or_insert_with(|| group.id.clone());
        }
        let mut turn = self.turn(&Actor::system("identity"), &format!("{key} was read")).await?;
        let mut found = take(&mut turn, &working, &reading, mode).await?;
        found.objects = reading.accounts.len() as u64;
        found.groups = reading.groups.len() as u64;
        if mode == Mode::Simulation {
            return Ok(found);
        }
        let state = if found.fault.is_some() { "scope-lost" } else { "healthy" };
        let now = turn.now();
        let objects =
            if found.fault.is_some() { self.objects_before(key).await? } else { reading.accounts.len() as i64 };
        let cursor = reading.cursor.as_ref().map(|cursor| cursor.0.clone());
        turn.tx.execute(&sql::SAVE_CURSOR, params![key, cursor, state, found.fault.clone(), now, objects]).await?;
        promise(&mut turn, READ_ALL, key, system.reconcile_hours.saturating_mul(60)).await?;
        if reading.cursor.is_some() {
            promise(&mut turn, READ, key, system.delta_minutes).await?;
        }
        turn.record("system.read", format!("system:{key}"), Json::Null, json!(found));
        turn.finish().await?;
        Ok(found)
    }

    /// Reads what changed at a system since the last reading. When the system cannot say, everything is read in
    /// simulation, and a person decides.
    ///
    /// # Errors
    /// As [`Identity::reconcile`].
    pub async fn read_changes(&self, key: &str, targets: &dyn Targets) -> Result<Reconciled, Error> {
        let row = self.store.fetch_optional(&sql::CURSOR, params![key]).await?;
        let cursor = row.as_ref().map(|row| row.text_opt("cursor")).transpose()?.flatten().map(str::to_owned);
        let state = row.as_ref().map(|row| row.text("state")).transpose()?.unwrap_or("new").to_owned();
        let Some(cursor) = cursor.filter(|_| state != "lost") else {
            let mode = if state == "lost" { Mode::Simulation } else { Mode::Ordinary };
            return self.reconcile(key, mode, targets).await;
        };
        let known = self.known().await?;
        let system = known.policy.systems.get(key).ok_or_else(|| Error::missing("system", key))?;
        let away = |error: connector::ConnectorError| Error::from(Refusal::rule(format!("{key}: {error}")));
        let working = self.working(key, system, &known, targets, &[]).await.map_err(away)?;
        let mut cursor = Cursor(cursor);
        let mut found = Reconciled::default();
        loop {
            match working.target.delta(&cursor).await.map_err(away)? {
                Delta::CursorLost { reason } => return self.cursor_lost(key, &reason, targets).await,
                Delta::Changes(page) => {
                    let mut turn = self.turn(&Actor::system("identity"), &format!("changes of {key}")).await?;
                    for change in &page.changes {
                        take_change(&mut turn, &working, change, &mut found).await?;
                    }
                    let (now, next) = (turn.now(), page.next.0.clone());
                    turn.tx.execute(&sql::MOVE_CURSOR, params![key, next, now]).await?;
                    promise(&mut turn, READ, key, system.delta_minutes).await?;
                    // What lies in a unit that was renamed or moved is told by no change of its own.
                    if page.changes.iter().any(|change| change.class == ObjectClass::OrganizationalUnit) {
                        promise(&mut turn, READ_ALL, key, 1).await?;
                    }
                    let entry = json!({ "changes": page.changes.len(), "faults": page.faults });
                    turn.record("system.delta", format!("system:{key}"), Json::Null, entry);
                    turn.finish().await?;
                    cursor = page.next;
                    if !page.more {
                        return Ok(found);
                    }
                }
            }
        }
    }

    /// Reads everything at its time. Of a system that forgot what was seen, nothing is written before a person has looked.
    pub(crate) async fn read_all(&self, key: &str, targets: &dyn Targets) -> Result<Reconciled, Error> {
        let row = self.store.fetch_optional(&sql::CURSOR, params![key]).await?;
        let lost = row.map(|row| Ok::<_, Error>(row.text("state")? == "lost")).transpose()?.unwrap_or(false);
        self.reconcile(key, if lost { Mode::Simulation } else { Mode::Ordinary }, targets).await
    }

    async fn cursor_lost(&self, key: &str, reason: &str, targets: &dyn Targets) -> Result<Reconciled, Error> {
        let mut found = self.reconcile(key, Mode::Simulation, targets).await?;
        let mut turn = self.turn(&Actor::system("identity"), reason).await?;
        let text = format!("{key} cannot say what changed ({reason}); read it anew after a look at what that would do");
        let finding = NewFinding {
            system: Some(key.to_owned()),
            detail: json!({ "reason": reason, "would": found }),
            ..NewFinding::new(FindingKind::ScopeLost, format!("system:{key}"), text.clone())
        };
        turn.find(finding).await?;
        turn.tx.execute(&sql::SAVE_CURSOR_PROBLEM, params![key, "lost", &text]).await?;
        turn.finish().await?;
        found.fault = Some(text);
        Ok(found)
    }

    async fn objects_before(&self, key: &str) -> Result<i64, Error> {
        let row = self.store.fetch_optional(&sql::CURSOR, params![key]).await?;
        Ok(row.map(|row| row.int("objects")).transpose()?.unwrap_or(0))
    }
}

impl Working<'_> {
    async fn read_everything(&self) -> Result<Reading, connector::ConnectorError> {
        let can = |capability| self.target.capabilities().has(capability);
        // Before everything else: what changes while it is read is then told by the next delta.
        let cursor = if can(Capability::Delta) { Some(self.target.cursor().await?) } else { None };
        let groups = if can(Capability::Groups) { self.all(ObjectClass::Group).await? } else { Vec::new() };
        let accounts = self.all(ObjectClass::Account).await?;
        let told = accounts.iter().all(|account| account.memberships.is_some());
        let mut reading =
            Reading { accounts, groups, memberships: None, nesting: BTreeSet::new(), outside: None, cursor };
        if !reading.groups.is_empty() && (!told || can(Capability::NestedGroups)) {
            self.members(&mut reading, !told).await?;
        }
        Ok(reading)
    }

    async fn all(&self, class: ObjectClass) -> Result<Vec<Object>, connector::ConnectorError> {
        let mut objects = Vec::new();
        let mut from = None;
        loop {
            let page = self.target.search(&Search::all(class), from.as_ref()).await?;
            objects.extend(page.objects);
            from = page.next;
            if from.is_none() {
                return Ok(objects);
            }
        }
    }

    async fn members(&self, reading: &mut Reading, accounts_too: bool) -> Result<(), connector::ConnectorError> {
        let groups: HashMap<ObjectId, String> =
            reading.groups.iter().map(|group| (group.id.clone(), self.name_of(group))).collect();
        let mut memberships = Memberships::new();
        let inside: BTreeSet<&ObjectId> = reading.accounts.iter().map(|account| &account.id).collect();
        let mut outside: BTreeMap<ObjectId, Vec<connector::Member>> = BTreeMap::new();
        for group in &reading.groups {
            let key = ObjectKey { class: ObjectClass::Group, key: Key::Id(group.id.clone()) };
            let mut from = None;
            loop {
                let page = self.target.members(&key, from.as_ref(), 1_000).await?;
                for member in page.members {
                    if groups.contains_key(&member.id) {
                        reading.nesting.insert((group.id.clone(), member.id));
                    } else {
                        if !inside.contains(&member.id) {
                            outside.entry(group.id.clone()).or_default().push(member.clone());
                        }
                        memberships.entry(member.id).or_default().insert(self.name_of(group));
                    }
                }
                from = page.next;
                if from.is_none() {
                    break;
                }
            }
        }
        reading.outside = Some(outside);
        if accounts_too {
            reading.memberships = Some(memberships);
        }
        Ok(())
    }

    /// The name under which policy knows a group, whatever it is called now.
    fn name_of(&self, group: &Object) -> String {
        let known = self.groups.iter().find(|(_, id)| **id == group.id).map(|(name, _)| name.clone());
        known.unwrap_or_else(|| short_name(group))
    }
}

async fn take(turn: &mut Turn, working: &Working<'_>, reading: &Reading, mode: Mode) -> Result<Reconciled, Error> {
    let mut found = Reconciled::default();
    let accounts = account::of_system(&mut turn.tx, working.key).await?;
    if let Some(fault) = lost_scope(turn, working, &accounts, reading).await? {
        let finding = NewFinding {
            system: Some(working.key.to_owned()),
            ..NewFinding::new(FindingKind::ScopeLost, format!("system:{}", working.key), fault.clone())
        };
        turn.find(finding).await?;
        found.fault = Some(fault);
        return Ok(found);
    }
    if mode == Mode::Ordinary {
        let subject = format!("system:{}", working.key);
        turn.settle_finding(FindingKind::ScopeLost, &subject, "everything was read, and nothing is lost").await?;
    }
    groups::take(turn, working, reading).await?;
    let mut by_native: HashMap<String, Account> = HashMap::new();
    let mut by_anchor: HashMap<String, Account> = HashMap::new();
    for account in accounts {
        match (&account.native_id, &account.wanted) {
            (Some(native), _) => drop(by_native.insert(native.clone(), account)),
            (None, Some(wanted)) => drop(by_anchor.insert(wanted.anchor.clone(), account)),
            (None, None) => {}
        }
    }
    for object in &reading.accounts {
        let anchor = object.attributes.text(&working.system.anchor).unwrap_or_default();
        let account = by_native.remove(object.id.as_str()).or_else(|| by_anchor.remove(anchor));
        let memberships = reading.memberships.as_ref().map(|all| all.get(&object.id).cloned().unwrap_or_default());
        match account {
            Some(account) => {
                found.matched += 1;
                let sight = Sight { object, memberships: memberships.as_ref(), attribution: None };
                take_account(turn, working, account, &sight, mode, &mut found).await?;
            }
            None => orphan(turn, working, object, memberships.as_ref(), &mut found).await?,
        }
    }
    // What was found gone before, and is to be put back by now, is looked at again.
    let reverts = working.system.drift == DriftPolicy::Revert && mode == Mode::Ordinary;
    let again = |account: &Account| {
        reverts
            && account.progress == Progress::Settled
            && account.wanted.as_ref().is_some_and(|wanted| wanted.state != WantedState::Absent)
    };
    for account in by_native.into_values().filter(|one| one.status != Status::Absent || again(one)) {
        found.missing += 1;
        gone(turn, working, account, mode, &mut found).await?;
    }
    Ok(found)
}

/// A system that shows far less than before is not believed: its scope was renamed, or a permission was lost.
async fn lost_scope(
    turn: &mut Turn,
    working: &Working<'_>,
    accounts: &[Account],
    reading: &Reading,
) -> Result<Option<String>, Error> {
    let row = turn.tx.fetch_optional(&sql::CURSOR, params![working.key]).await?;
    let before = row.map(|row| row.int("objects")).transpose()?.unwrap_or(0);
    let there =
        accounts.iter().filter(|account| account.native_id.is_some() && account.status != Status::Absent).count();
    let before = before.max(there as i64);
    let now = reading.accounts.len() as i64;
    let floor = working.system.scope_floor_percent;
    if before >= FEW && now * 100 < before * floor {
        return Ok(Some(format!(
            "{} shows {now} accounts of {before}; less than {floor} % is taken as a fault: look at its scope and permissions",
            working.key
        )));
    }
    Ok(None)
}

/// What was seen of one account.
struct Sight<'a> {
    object: &'a Object,
    memberships: Option<&'a BTreeSet<String>>,
    attribution: Option<&'a Attribution>,
}

async fn take_account(
    turn: &mut Turn,
    working: &Working<'_>,
    mut account: Account,
    sight: &Sight<'_>,
    mode: Mode,
    found: &mut Reconciled,
) -> Result<(), Error> {
    let given = working.given(None);
    let before = account.clone();
    let mut object = sight.object.clone();
    if let Some(names) = sight.memberships {
        object.memberships = Some(names.iter().filter_map(|name| working.groups.get(name).cloned()).collect());
    }
    account.native_id = Some(object.id.0.clone());
    account.seen = Some(seen(&account, &object, &given, sight.memberships));
    account.status = status(&object);
    account.seen_at = Some(turn.now());
    if object.protection.is_some() && account.protection == Protection::None {
        account.protection = Protection::Protected;
    }
    let mut drift = match &account.wanted {
        Some(wanted) if account.progress == Progress::Settled && account.may_be_changed() => {
            let mut drift = differences(&before, wanted, &object, &given);
            drift.extend(off_standard(wanted, &object, &given));
            drift
        }
        _ => Vec::new(),
    };
    if !drift.is_empty() {
        found.drifted += 1;
        found.differences.extend(drift.iter().take(20).map(|one| (account.login.clone(), one.clone())));
        drifted(turn, working, &mut account, &mut drift, sight.attribution, mode, found).await?;
    }
    let held = account.seen.as_ref().map(|seen| seen.entitlements.clone()).unwrap_or_default();
    let was = before.seen.as_ref().map(|seen| seen.entitlements.clone()).unwrap_or_default();
    let known = turn.known.clone();
    account::save_holdings(
        &mut turn.tx,
        account.id,
        &ids_of(&known, working.key, &was),
        &ids_of(&known, working.key, &held),
    )
    .await?;
    let unchanged = Account { seen_at: before.seen_at, ..account.clone() } == before;
    if !unchanged {
        account::save(&mut turn.tx, &mut account).await?;
    }
    Ok(())
}

/// An account that nobody knows. It is never deleted for that, and joined to nobody by itself.
async fn orphan(
    turn: &mut Turn,
    working: &Working<'_>,
    object: &Object,
    memberships: Option<&BTreeSet<String>>,
    found: &mut Reconciled,
) -> Result<(), Error> {
    let now = turn.now();
    let login = short_name(object);
    let digest = Sha256::digest(format!("orphan\n{}\n{}", working.key, object.id));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    let id = AccountId::derived(bytes);
    let nobody = kernel::id::PersonId::derived([0; 16]);
    let mut account = Account::of_person(id, working.key, nobody, &login, now);
    account.person = None;
    account.kind = AccountKind::Unknown;
    account.native_id = Some(object.id.0.clone());
    account.seen = Some(seen(&account, object, &working.given(None), memberships));
    account.seen_at = Some(now);
    account.status = status(object);
    account.protection = turn.known.policy.protection(working.key, &login);
    if object.protection.is_some() && account.protection == Protection::None {
        account.protection = Protection::Protected;
    }
    let held = account.seen.as_ref().map(|seen| seen.entitlements.clone()).unwrap_or_default();
    let known = turn.known.clone();
    account::save_holdings(&mut turn.tx, id, &BTreeSet::new(), &ids_of(&known, working.key, &held)).await?;
    account::save(&mut turn.tx, &mut account).await?;
    if account.protection != Protection::None {
        return Ok(());
    }
    found.orphans += 1;
    let mail = object.attributes.text("mail").unwrap_or_default().to_lowercase();
    let rows = turn.tx.fetch_all(&sql::MAYBE_OWNERS, params![login.to_lowercase(), mail]).await?;
    let candidates = rows.iter().map(|row| Ok(row.text("id")?.to_owned())).collect::<Result<Vec<_>, Error>>()?;
    let title = saying!("{login} in {system} belongs to nobody who is known", login = login, system = working.key);
    let finding = NewFinding {
        account: Some(id),
        system: Some(working.key.to_owned()),
        detail: json!({ "name": object.name, "candidates": candidates, "entitlements": held }),
        ..NewFinding::new(FindingKind::Orphan, id, title)
    };
    turn.find(finding).await.map(drop)
}

/// An account that was there and is not any more.
async fn gone(
    turn: &mut Turn,
    working: &Working<'_>,
    mut account: Account,
    mode: Mode,
    found: &mut Reconciled,
) -> Result<(), Error> {
    account.status = Status::Absent;
    account.seen_at = Some(turn.now());
    let wanted = account.wanted.as_ref().is_some_and(|wanted| wanted.state != WantedState::Absent);
    if wanted {
        let mut drift =
            vec![Difference { what: "account".to_owned(), ours: "there".to_owned(), theirs: "gone".to_owned() }];
        found.differences.push((account.login.clone(), drift[0].clone()));
        drifted(turn, working, &mut account, &mut drift, None, mode, found).await?;
    } else {
        turn.settle_finding(FindingKind::Orphan, &account.id.to_string(), "it is gone").await?;
    }
    account::save(&mut turn.tx, &mut account).await
}

async fn take_change(
    turn: &mut Turn,
    working: &Working<'_>,
    change: &NativeChange,
    found: &mut Reconciled,
) -> Result<(), Error> {
    found.objects += 1;
    match (change.class, &change.what) {
        (ObjectClass::Account, WhatChanged::Upserted(object)) => {
            let sight = Sight { object, memberships: None, attribution: change.attribution.as_ref() };
            match account_of(turn, working, object).await? {
                Some(account) => {
                    found.matched += 1;
                    take_account(turn, working, account, &sight, Mode::Ordinary, found).await
                }
                None => orphan(turn, working, object, None, found).await,
            }
        }
        (ObjectClass::Account, WhatChanged::Deleted { .. }) => {
            let Some(account) = by_native(turn, working.key, &change.id).await? else { return Ok(()) };
            if account.status == Status::Absent {
                return Ok(());
            }
            found.missing += 1;
            gone(turn, working, account, Mode::Ordinary, found).await
        }
        (ObjectClass::Group, WhatChanged::Members { added, removed }) => {
            for (members, joined) in [(added, true), (removed, false)] {
                for member in members {
                    take_member(turn, working, change, member, joined, found).await?;
                }
            }
            Ok(())
        }
        (ObjectClass::Group, WhatChanged::Upserted(object)) => groups::take_one(turn, working, object).await,
        (ObjectClass::Group, WhatChanged::Deleted { .. }) => groups::take_gone(turn, working, &change.id).await,
        _ => Ok(()),
    }
}

async fn take_member(
    turn: &mut Turn,
    working: &Working<'_>,
    change: &NativeChange,
    member: &ObjectId,
    joined: bool,
    found: &mut Reconciled,
) -> Result<(), Error> {
    let Some(account) = by_native(turn, working.key, member).await? else { return Ok(()) };
    let group = working.groups.iter().find(|(_, id)| **id == change.id).map(|(name, _)| name.clone());
    let Some(group) = group else { return Ok(()) };
    let mut held = account.seen.as_ref().map(|seen| seen.entitlements.clone()).unwrap_or_default();
    let known_so = if joined { !held.insert(group) } else { !held.remove(&group) };
    if known_so {
        return Ok(());
    }
    let Some(object) = working.read(&account).await.ok().flatten() else { return Ok(()) };
    let sight = Sight { object: &object, memberships: Some(&held), attribution: change.attribution.as_ref() };
    take_account(turn, working, account, &sight, Mode::Ordinary, found).await
}

async fn by_native(turn: &mut Turn, system: &str, id: &ObjectId) -> Result<Option<Account>, Error> {
    let row = turn.tx.fetch_optional(&sql::ACCOUNT_BY_NATIVE, params![system, &id.0]).await?;
    match row {
        Some(row) => account::find(&mut turn.tx, row.id("id")?).await,
        None => Ok(None),
    }
}

async fn account_of(turn: &mut Turn, working: &Working<'_>, object: &Object) -> Result<Option<Account>, Error> {
    if let Some(account) = by_native(turn, working.key, &object.id).await? {
        return Ok(Some(account));
    }
    let anchor = object.attributes.text(&working.system.anchor).unwrap_or_default().to_owned();
    if anchor.is_empty() {
        return Ok(None);
    }
    let accounts = account::of_system(&mut turn.tx, working.key).await?;
    Ok(accounts.into_iter().find(|account| {
        account.native_id.is_none() && account.wanted.as_ref().is_some_and(|wanted| wanted.anchor == anchor)
    }))
}
