//! The engine: takes accounts that are not as wanted, system by system, and works on them until they are.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use connector::{
    Capability, Change, Connector, ConnectorError, ErrorKind, Key, Object, ObjectClass, ObjectId, ObjectKey, Operation,
    Outcome, Search, Secret,
};
use futures::stream::{self, StreamExt};
use kernel::id::{AccountId, EntitlementId};
use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::json;
use store::{Deadline, Due, params};

use super::Targets;
use super::outcome::{Attempt, Failure, remember};
use super::steps::{Given, Step, Stop, steps};
use crate::account::{self, Account, Progress, Wanted, WantedState};
use crate::entitlement::{self, Entitlement};
use crate::error::Error;
use crate::room::{Identity, Known};
use crate::sql;
use crate::system::{Risk, System};

/// When a system that was away is tried again.
pub(crate) const RETRY: &str = "identity.retry";
/// Accounts that are worked on together.
const BATCH: usize = 100;
/// Reads of one system at once.
const READS: usize = 8;
const LETTERS: &[u8] = b"ABCDEFGHJKLMNPQRSTUVWXYZabcdefghijkmnopqrstuvwxyz23456789-_.!";

/// What a run of the engine did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize)]
pub struct Provisioned {
    pub settled: u64,
    /// To be tried again.
    pub retrying: u64,
    /// A person has to look.
    pub refused: u64,
}

impl Provisioned {
    fn add(&mut self, progress: Progress) {
        match progress {
            Progress::Settled | Progress::Manual => self.settled += 1,
            Progress::Queued | Progress::Retrying => self.retrying += 1,
            Progress::Refused | Progress::Quarantined => self.refused += 1,
        }
    }

    const fn plus(self, other: Provisioned) -> Provisioned {
        Provisioned {
            settled: self.settled + other.settled,
            retrying: self.retrying + other.retrying,
            refused: self.refused + other.refused,
        }
    }
}

/// One system while it is worked on.
pub(super) struct Working<'a> {
    pub(super) key: &'a str,
    pub(super) system: &'a System,
    pub(super) target: Arc<dyn Connector>,
    pub(super) groups: BTreeMap<String, ObjectId>,
    pub(super) managed: BTreeSet<String>,
    /// Privileged groups, by the names that policy uses.
    pub(super) privileged: BTreeMap<String, EntitlementId>,
}

impl Identity {
    /// Works on every account that is due, all systems at the same time.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails. What systems refuse is remembered with the account.
    pub async fn provision(&self, targets: &dyn Targets) -> Result<Provisioned, Error> {
        let rows = self.store.fetch_all(&sql::SYSTEMS_DUE, params![]).await?;
        let keys = rows.iter().map(|row| Ok(row.text("system")?.to_owned())).collect::<Result<Vec<_>, Error>>()?;
        let runs = keys.iter().map(|key| self.provision_system(key, targets));
        let mut all = Provisioned::default();
        for run in futures::future::join_all(runs).await {
            all = all.plus(run?);
        }
        let mut turn = self.turn(&Actor::system("identity"), "").await?;
        if crate::plan::finish_plans(&mut turn.tx).await? > 0 {
            turn.record("plan.end", "plans", serde_json::Value::Null, serde_json::json!(all));
        }
        turn.finish().await?;
        Ok(all)
    }

    /// Works on every account of a system that is due.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn provision_system(&self, key: &str, targets: &dyn Targets) -> Result<Provisioned, Error> {
        let mut done = Provisioned::default();
        loop {
            let known = self.known().await?;
            let Some(system) = known.policy.systems.get(key) else { return Ok(done) };
            let mut due = account::due(&mut self.store.clone(), key, self.now(), BATCH).await?;
            due.retain(Account::may_be_changed);
            if due.is_empty() {
                return Ok(done);
            }
            let working = match self.working(key, system, &known, targets, &due).await {
                Ok(working) => working,
                Err(error) => {
                    self.pause(key, &error).await?;
                    return Ok(done);
                }
            };
            let attempts = working.attempt(self, due).await;
            let away = attempts.iter().all(|attempt| is_away(attempt.failure.as_ref()));
            let reason = attempts.first().and_then(|attempt| match &attempt.failure {
                Some(Failure::Connector(error)) => Some(error.clone()),
                _ => None,
            });
            done = done.plus(self.remember_all(&working, attempts).await?);
            if let (true, Some(error)) = (away, reason) {
                self.pause(key, &error).await?;
                return Ok(done);
            }
        }
    }

    pub(super) async fn working<'a>(
        &self,
        key: &'a str,
        system: &'a System,
        known: &Known,
        targets: &dyn Targets,
        accounts: &[Account],
    ) -> Result<Working<'a>, ConnectorError> {
        let target = targets.target(key, system).await?;
        let mut working = Working {
            key,
            system,
            target,
            groups: BTreeMap::new(),
            managed: managed(known, key),
            privileged: privileged(known, key),
        };
        let wanted: BTreeSet<&String> = accounts
            .iter()
            .filter_map(|account| account.wanted.as_ref())
            .flat_map(|wanted| &wanted.entitlements)
            .collect();
        let catalog = entitlement::all(&mut self.store.clone()).await.map_err(broken)?;
        let of_system: Vec<Entitlement> = catalog.into_iter().filter(|one| one.system == key).collect();
        for one in of_system.iter().filter(|one| one.gone.is_none()) {
            if let Some(native) = &one.native_id {
                working.groups.insert(one.name.clone(), ObjectId::new(native.as_str()));
            }
        }
        let unknown = wanted.iter().any(|name| !working.groups.contains_key(*name));
        if unknown && system.entitlement_attribute.is_none() {
            let found = working.read_groups().await?;
            self.learn_groups(key, &of_system, &found).await.map_err(broken)?;
            for (name, id) in found {
                working.groups.entry(name).or_insert(id);
            }
        }
        if unknown && system.entitlement_attribute.is_some() {
            let named: Vec<(String, ObjectId)> =
                wanted.iter().map(|name| ((*name).clone(), ObjectId::new(name.as_str()))).collect();
            self.learn_groups(key, &of_system, &named).await.map_err(broken)?;
        }
        Ok(working)
    }

    /// Keeps groups that were seen for the first time.
    pub(super) async fn learn_groups(
        &self,
        system: &str,
        known: &[Entitlement],
        found: &[(String, ObjectId)],
    ) -> Result<(), Error> {
        let mut turn = self.turn(&Actor::system("identity"), "seen at the system").await?;
        let now = turn.now();
        let mut learnt = 0;
        for (name, id) in found {
            let before = known.iter().find(|one| one.native_id.as_deref() == Some(id.as_str()) || one.name == *name);
            let mut one = match before {
                Some(one) if one.native_id.is_some() && one.gone.is_none() => continue,
                Some(one) => one.clone(),
                None => match Entitlement::named(&crate::role::Grant::entitlement(system, name), now) {
                    Some(one) => one,
                    None => continue,
                },
            };
            one.native_id = Some(id.0.clone());
            one.seen = Some(now);
            one.gone = None;
            entitlement::save(&mut turn.tx, &mut one).await?;
            learnt += 1;
        }
        if learnt > 0 {
            turn.tx.execute(&sql::TOUCH_REVISION, params![]).await?;
            turn.record(
                "system.learn",
                format!("system:{system}"),
                serde_json::Value::Null,
                serde_json::json!({ "groups": learnt }),
            );
        }
        turn.finish().await?;
        Ok(())
    }

    /// A system that is away is left alone for a while; everything that waits for it is tried again then.
    async fn pause(&self, key: &str, error: &ConnectorError) -> Result<(), Error> {
        let mut turn = self.turn(&Actor::system("identity"), &format!("{key} does not answer")).await?;
        let now = turn.now();
        let at = now.plus_micros(super::backoff_us(2, AccountId::derived([0; 16])));
        let text = error.to_string();
        turn.tx.execute(&sql::PAUSE_SYSTEM, params![key, at, &text, now]).await?;
        turn.tx.execute(&sql::SAVE_CURSOR_PROBLEM, params![key, "away", &text]).await?;
        turn.record(
            "system.away",
            format!("system:{key}"),
            serde_json::Value::Null,
            serde_json::json!({ "problem": text }),
        );
        self.again(&mut turn, key).await?;
        turn.finish().await?;
        Ok(())
    }

    /// Sets the deadline at which a system is tried again.
    async fn again(&self, turn: &mut crate::room::Turn, key: &str) -> Result<(), Error> {
        let row = turn.tx.fetch_optional(&sql::NEXT_RETRY, params![key]).await?;
        let next: Option<Timestamp> = row.map(|row| row.time_opt("retry_us")).transpose()?.flatten();
        match next {
            Some(at) => {
                let deadline = Deadline {
                    kind: RETRY.to_owned(),
                    subject: key.to_owned(),
                    owes: "system:identity".to_owned(),
                    due: Due::At(at),
                    otherwise: format!("what waits for {key} is tried again"),
                };
                turn.tx.deadline(deadline).await?;
            }
            None => drop(turn.tx.cancel_deadline(RETRY, key).await?),
        }
        Ok(())
    }

    async fn remember_all(&self, working: &Working<'_>, attempts: Vec<Attempt>) -> Result<Provisioned, Error> {
        let mut turn = self.turn(&Actor::system("identity"), "").await?;
        let given = working.given(None);
        let mut done = Provisioned::default();
        for attempt in attempts {
            done.add(remember(&mut turn, attempt, &given).await?);
        }
        self.again(&mut turn, working.key).await?;
        turn.finish().await?;
        Ok(done)
    }

    fn password(&self) -> Secret {
        let bytes: [u8; 24] = self.store.random();
        let text: String = bytes.iter().map(|byte| char::from(LETTERS[usize::from(*byte) % LETTERS.len()])).collect();
        // Directories ask for several kinds of characters.
        Secret::new(format!("{text}aA1!"))
    }
}

fn broken(error: Error) -> ConnectorError {
    ConnectorError::transient(format!("the state database failed: {error}"))
}

/// Entitlements of a system of which the desk speaks: roles give them, its document names them, or they give power. Who has
/// one of them without having it from here has it from somebody else.
fn managed(known: &Known, system: &str) -> BTreeSet<String> {
    let of_system = known.policy.grants().into_iter().filter(|grant| grant.system == system);
    let given = of_system.filter_map(|grant| grant.entitlement.clone());
    let named = known.policy.systems.get(system).into_iter().flat_map(|system| system.entitlements.keys().cloned());
    let powerful = known.catalog.all().filter(|one| one.system == system && (one.privileged || one.risk >= Risk::High));
    given.chain(named).chain(powerful.map(|one| one.name.clone())).collect()
}

/// Groups of a system that give power.
fn privileged(known: &Known, system: &str) -> BTreeMap<String, EntitlementId> {
    let of_system = known.catalog.all().filter(|one| one.system == system && one.privileged);
    of_system.map(|one| (one.name.clone(), one.id)).collect()
}

fn is_away(failure: Option<&Failure>) -> bool {
    matches!(failure, Some(Failure::Connector(error)) if matches!(error.kind, ErrorKind::Transient | ErrorKind::Auth))
}

/// One account on its way.
pub(super) struct OnItsWay {
    pub(super) attempt: Attempt,
    wanted: Wanted,
    pub(super) steps: Vec<Step>,
}

impl Working<'_> {
    pub(super) fn given(&self, password: Option<Secret>) -> Given<'_> {
        Given {
            system: self.system,
            capabilities: self.target.capabilities(),
            groups: &self.groups,
            managed: &self.managed,
            password,
        }
    }

    /// Every group with its name.
    pub(super) async fn read_groups(&self) -> Result<Vec<(String, ObjectId)>, ConnectorError> {
        let mut found = Vec::new();
        if !self.target.capabilities().has(Capability::Groups) {
            return Ok(found);
        }
        let mut from = None;
        loop {
            let page = self.target.search(&Search::all(ObjectClass::Group), from.as_ref()).await?;
            found.extend(page.objects.into_iter().map(|object| (short_name(&object), object.id)));
            from = page.next;
            if from.is_none() {
                return Ok(found);
            }
        }
    }

    async fn attempt(&self, identity: &Identity, accounts: Vec<Account>) -> Vec<Attempt> {
        let reads = stream::iter(accounts).map(|account| async {
            let read = self.read(&account).await;
            let (read, back) = self.bring_back(&account, read).await;
            (account, read, back)
        });
        let read: Vec<_> = reads.buffered(READS).collect().await;
        let mut ways: Vec<OnItsWay> =
            read.into_iter().map(|(account, read, back)| self.begin(identity, account, (read, back))).collect();
        self.spare_last(identity, &mut ways).await;
        self.create(&mut ways).await;
        self.write(&mut ways).await;
        for way in &mut ways {
            self.verify(way).await;
        }
        ways.into_iter().map(|way| way.attempt).collect()
    }

    /// By the system's own id; by the anchor when it is not known, or no longer there.
    pub(super) async fn read(&self, account: &Account) -> Result<Option<Object>, ConnectorError> {
        if let Some(id) = &account.native_id
            && let Some(object) = self.target.read(&ObjectKey::id(ObjectClass::Account, id.as_str())).await?
        {
            return Ok(Some(object));
        }
        let Some(wanted) = account.wanted.as_ref().filter(|wanted| !wanted.anchor.is_empty()) else { return Ok(None) };
        self.target.read(&ObjectKey::correlation(ObjectClass::Account, &self.system.anchor, &wanted.anchor)).await
    }

    /// An account that was there and was deleted is brought back as itself, with its rights, where the system still has it.
    async fn bring_back(
        &self,
        account: &Account,
        read: Result<Option<Object>, ConnectorError>,
    ) -> (Result<Option<Object>, ConnectorError>, bool) {
        let wanted = account.wanted.as_ref().is_some_and(|wanted| wanted.state != WantedState::Absent);
        let (Ok(None), Some(native), true) = (&read, &account.native_id, wanted) else { return (read, false) };
        if !self.target.capabilities().has(Capability::Restore) {
            return (read, false);
        }
        let key = ObjectKey::id(ObjectClass::Account, native.as_str());
        let id = format!("{}/{}/restore", account.id, account.version);
        match self.target.write(&Operation::new(id, key.clone(), Change::Restore)).await {
            Ok(_) => (self.target.read(&key).await, true),
            Err(error) if matches!(error.kind, ErrorKind::Transient | ErrorKind::Auth) => (Err(error), false),
            // It is not among what was deleted any more: it is made anew.
            Err(_) => (read, false),
        }
    }

    fn begin(
        &self,
        identity: &Identity,
        account: Account,
        (read, back): (Result<Option<Object>, ConnectorError>, bool),
    ) -> OnItsWay {
        let wanted = account.wanted.clone().unwrap_or_else(|| Wanted::unnamed(WantedState::Absent, &account.login));
        let mut attempt = Attempt {
            account,
            object: None,
            done: Vec::new(),
            made: None,
            failure: None,
            closed: None,
            sessions: None,
        };
        let object = match read {
            Ok(object) => object,
            Err(error) => {
                attempt.failure = Some(Failure::Connector(error));
                return OnItsWay { attempt, wanted, steps: Vec::new() };
            }
        };
        let takes_passwords = self.target.capabilities().has(Capability::Passwords);
        let password = ((object.is_none() || back) && takes_passwords).then(|| identity.password());
        let given = self.given(password.clone());
        let planned = steps(&attempt.account, &wanted, object.as_ref(), &given);
        let planned = planned.unwrap_or_else(|stop| {
            attempt.failure = Some(Failure::Stop(stop));
            self.without_missing(&attempt.account, &wanted, object.as_ref())
        });
        let mut planned = planned;
        if let (true, Some(object)) = (back, &object) {
            let on = ObjectKey { class: ObjectClass::Account, key: Key::Id(object.id.clone()) };
            attempt.done.push(Step { on: on.clone(), change: Change::Restore, entitlement: None });
            if password.is_some() {
                // What was deleted has no password any more, and cannot be opened without one.
                let change = Change::SetPassword { password, must_change: false };
                planned.insert(0, Step { on, change, entitlement: None });
            }
        }
        attempt.object = object;
        OnItsWay { attempt, wanted, steps: planned }
    }

    /// What can be done although some entitlements are not there.
    fn without_missing(&self, account: &Account, wanted: &Wanted, object: Option<&Object>) -> Vec<Step> {
        let mut rest = wanted.clone();
        rest.entitlements.retain(|name| self.groups.contains_key(name));
        steps(account, &rest, object, &self.given(None)).unwrap_or_default()
    }

    /// Accounts that are not there are made first, all in one go; then they are read, and the rest follows.
    async fn create(&self, ways: &mut [OnItsWay]) {
        let creates = |step: &Step| matches!(step.change, Change::Create(_));
        let places: Vec<usize> = (0..ways.len()).filter(|at| ways[*at].steps.first().is_some_and(creates)).collect();
        let operations: Vec<Operation> =
            places.iter().map(|at| operation(&ways[*at].attempt.account, &ways[*at].steps[0], 0)).collect();
        if operations.is_empty() {
            return;
        }
        let outcomes = self.target.write_all(&operations).await;
        for (at, outcome) in places.into_iter().zip(outcomes) {
            let way = &mut ways[at];
            let step = way.steps.remove(0);
            match outcome {
                Ok(Outcome { id, .. }) => {
                    way.attempt.made = Some(id.clone());
                    way.attempt.done.push(step);
                    self.follow(way, id);
                }
                Err(error) => way.attempt.failure = Some(Failure::Connector(error)),
            }
        }
    }

    /// What remains for an account that was just made: its memberships.
    fn follow(&self, way: &mut OnItsWay, id: ObjectId) {
        if way.wanted.entitlements.is_empty() || self.system.entitlement_attribute.is_some() {
            return;
        }
        let missing: BTreeSet<String> =
            way.wanted.entitlements.iter().filter(|name| !self.groups.contains_key(*name)).cloned().collect();
        for name in way.wanted.entitlements.difference(&missing) {
            let Some(group) = self.groups.get(name) else { continue };
            let on = ObjectKey { class: ObjectClass::Group, key: Key::Id(group.clone()) };
            let change = Change::AddMember { member: id.clone(), until: None };
            way.steps.push(Step { on, change, entitlement: Some((name.clone(), true)) });
        }
        if !missing.is_empty() {
            way.attempt.failure = Some(Failure::Stop(Stop::NoSuchEntitlement(missing)));
        }
    }

    /// The rest, each account's steps in their order; one that fails stops no other.
    async fn write(&self, ways: &mut [OnItsWay]) {
        let mut operations = Vec::new();
        let mut whose = Vec::new();
        for (at, way) in ways.iter().enumerate() {
            for (number, step) in way.steps.iter().enumerate() {
                operations.push(operation(&way.attempt.account, step, number + 1));
                whose.push((at, number));
            }
        }
        if operations.is_empty() {
            return;
        }
        let outcomes = self.target.write_all(&operations).await;
        for ((at, number), outcome) in whose.into_iter().zip(outcomes) {
            let way = &mut ways[at];
            match outcome {
                Ok(_) => way.attempt.done.push(way.steps[number].clone()),
                // What was to go and is gone already is as wanted.
                Err(error) if error.kind == ErrorKind::NotFound && is_end(&way.steps[number].change) => {
                    way.attempt.done.push(way.steps[number].clone());
                }
                Err(error) => {
                    if !matches!(way.attempt.failure, Some(Failure::Connector(_))) {
                        way.attempt.failure = Some(Failure::Connector(error));
                    }
                }
            }
        }
    }

    /// An account that was closed is read again: what the system shows counts, not what it answered.
    async fn verify(&self, way: &mut OnItsWay) {
        let closes = |step: &Step| matches!(step.change, Change::SetEnabled { enabled: false });
        if !way.attempt.done.iter().any(closes) {
            return;
        }
        let Some(object) = &way.attempt.object else { return };
        let key = ObjectKey { class: ObjectClass::Account, key: Key::Id(object.id.clone()) };
        way.attempt.sessions = Some(match self.target.revoke_sessions(&key).await {
            Ok(revocation) => json!(revocation),
            Err(error) => json!({ "sessions": "away", "problem": error.to_string() }),
        });
        match self.target.read(&key).await {
            Ok(Some(now)) if now.enabled == Some(true) => {
                let text = "it answered that the account is disabled, and shows it as enabled";
                way.attempt.failure = Some(Failure::Connector(ConnectorError::transient(text)));
            }
            Ok(_) => way.attempt.closed = Some(true),
            Err(error) => way.attempt.failure = Some(Failure::Connector(error)),
        }
    }
}

const fn is_end(change: &Change) -> bool {
    matches!(change, Change::Delete | Change::RemoveMember { .. })
}

fn operation(account: &Account, step: &Step, number: usize) -> Operation {
    Operation::new(format!("{}/{}/{number}", account.id, account.version), step.on.clone(), step.change.clone())
}

/// The name of a group without the path to it.
pub(super) fn short_name(object: &Object) -> String {
    let first = object.name.split_once(',').map_or(object.name.as_str(), |(first, _)| first);
    first.split_once('=').map_or(first, |(_, value)| value).replace('\\', "")
}

/// Names of held entitlements as ids.
pub(super) fn ids_of(known: &Known, system: &str, names: &BTreeSet<String>) -> BTreeSet<EntitlementId> {
    names.iter().map(|name| known.catalog.id(system, name)).collect()
}
