//! What came of an attempt on one account, as it is remembered.

use std::collections::BTreeSet;

use connector::{ConnectorError, ErrorKind, Object, ObjectId, Retry};
use kernel::id::{AccountId, EntitlementId};
use kernel::{Fact, Timestamp};
use serde_json::{Value as Json, json};

use super::steps::{Given, Step, Stop, attributes, held, object_name};
use crate::account::{self, Account, Progress, Protection, Seen, Status, Wanted, WantedState};
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::room::Turn;
use crate::saying::saying;
use crate::system::System;
use crate::{last_holder, names};

const DAY_US: i64 = 86_400_000_000;
const FIRST_PAUSE_US: i64 = 30_000_000;
const LONGEST_PAUSE_US: i64 = 3_600_000_000;
/// Nothing works before somebody mends it; it is looked at this often.
const MENDING_PAUSE_US: i64 = 300_000_000;

/// What happened to one account.
pub(super) struct Attempt {
    pub(super) account: Account,
    pub(super) object: Option<Object>,
    pub(super) done: Vec<Step>,
    pub(super) made: Option<ObjectId>,
    pub(super) failure: Option<Failure>,
    /// The system shows that the account is closed; `None`: it was not to be closed now.
    pub(super) closed: Option<bool>,
    /// What the system said of the sessions of an account that was closed.
    pub(super) sessions: Option<Json>,
}

/// Why it is not as wanted.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum Failure {
    Connector(ConnectorError),
    Stop(Stop),
}

/// The pause after so many attempts: doubled each time, an hour at most, and spread so that accounts do not come together.
pub fn backoff_us(attempts: i64, account: AccountId) -> i64 {
    let doubled = FIRST_PAUSE_US.saturating_mul(1_i64 << attempts.clamp(0, 20));
    let pause = doubled.min(LONGEST_PAUSE_US);
    let spread = account.uuid().as_bytes()[15];
    pause + pause / 5 * i64::from(spread) / 255
}

/// Remembers an attempt.
pub(super) async fn remember(turn: &mut Turn, attempt: Attempt, given: &Given<'_>) -> Result<Progress, Error> {
    let before = &attempt.account;
    let mut after = account::must(&mut turn.tx, before.id).await?;
    // Somebody may have wished otherwise meanwhile: what was seen counts, and the next attempt does the rest.
    let superseded = after.version != before.version;
    let Some(wanted) = before.wanted.clone() else { return Ok(Progress::Settled) };
    note_seen(&mut after, &attempt, &wanted, given, turn.now());
    match &attempt.failure {
        None => {
            after.progress = if superseded { Progress::Queued } else { Progress::Settled };
            after.attempts = 0;
            after.retry = None;
            after.problem = None;
        }
        Some(failure) => fail(turn, &mut after, failure, superseded).await?,
    }
    let known = turn.known.clone();
    let ids = |names: &BTreeSet<String>| names.iter().map(|name| known.catalog.id(&after.system, name)).collect();
    let held: BTreeSet<EntitlementId> = after.seen.as_ref().map(|seen| ids(&seen.entitlements)).unwrap_or_default();
    let was: BTreeSet<EntitlementId> = before.seen.as_ref().map(|seen| ids(&seen.entitlements)).unwrap_or_default();
    account::save_holdings(&mut turn.tx, after.id, &was, &held).await?;
    let is_power = |id: &EntitlementId| known.catalog.entitlement(*id).is_some_and(|one| one.privileged);
    let gained = held.difference(&was).copied().filter(is_power).collect();
    last_holder::look_again(turn, Some(&gained)).await?;
    account::save(&mut turn.tx, &mut after).await?;
    report_made_anew(turn, before, &after, &attempt).await?;
    announce(turn, &attempt, &after, &wanted).await?;
    let done: Vec<Json> = attempt.done.iter().map(shown).collect();
    let entry =
        json!({ "done": done, "progress": after.progress, "problem": after.problem, "native_id": after.native_id });
    let entry = match (&attempt.sessions, entry) {
        (Some(sessions), Json::Object(mut fields)) => {
            fields.insert("sessions".to_owned(), sessions.clone());
            Json::Object(fields)
        }
        (_, entry) => entry,
    };
    turn.record("account.provision", after.id, Json::Null, entry);
    Ok(after.progress)
}

/// An account that was there before and had to be made again is another one to its system.
async fn report_made_anew(turn: &mut Turn, before: &Account, after: &Account, attempt: &Attempt) -> Result<(), Error> {
    let (Some(made), Some(old)) = (&attempt.made, &before.native_id) else { return Ok(()) };
    if made.as_str() == old {
        return Ok(());
    }
    let title = saying!(
        "{login} in {system} was deleted at the system and made anew: rights that were given to the old one are gone",
        login = after.login,
        system = after.system
    );
    let finding = NewFinding {
        person: after.person,
        account: Some(after.id),
        system: Some(after.system.clone()),
        detail: json!({ "login": after.login, "before": old, "now": made.as_str() }),
        ..NewFinding::new(FindingKind::MadeAnew, after.id, title)
    };
    turn.find(finding).await.map(drop)
}

fn shown(step: &Step) -> Json {
    let change = match &step.change {
        connector::Change::Create(new) => json!({ "create": new.name }),
        connector::Change::Assign { attributes, .. } => {
            json!({ "assign": attributes.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>() })
        }
        other => json!(other),
    };
    json!({ "change": change, "entitlement": step.entitlement })
}

/// What the system holds now, as far as this attempt knows.
fn note_seen(after: &mut Account, attempt: &Attempt, wanted: &Wanted, given: &Given<'_>, now: Timestamp) {
    let was = attempt.account.seen.clone().unwrap_or_default();
    if let Some(id) = attempt.made.as_ref().or(attempt.object.as_ref().map(|object| &object.id)) {
        after.native_id = Some(id.0.clone());
    }
    let deleted = attempt.done.iter().any(|step| matches!(step.change, connector::Change::Delete));
    let there = attempt.made.is_some() || attempt.object.is_some();
    if deleted || !there {
        let gone = wanted.state == WantedState::Absent || deleted;
        if gone {
            after.status = Status::Absent;
            after.seen = None;
            after.native_id = None;
            after.seen_at = Some(now);
        }
        return;
    }
    let mut held: BTreeSet<String> = match &attempt.object {
        Some(object) => held(object, given).unwrap_or_else(|| was.entitlements.clone()),
        None => BTreeSet::new(),
    };
    let mut ours: BTreeSet<String> = was.ours.intersection(&held).cloned().collect();
    if attempt.object.is_none() && given.system.entitlement_attribute.is_some() {
        held.extend(wanted.entitlements.iter().cloned());
    }
    for (name, joined) in attempt.done.iter().filter_map(|step| step.entitlement.as_ref()) {
        if *joined {
            held.insert(name.clone())
        } else {
            held.remove(name)
        };
    }
    if given.system.entitlement_attribute.is_some() && attempt.failure.is_none() {
        held = texts_of(&attributes(wanted, &attempt.account, attempt.object.as_ref(), given), given.system);
    }
    ours.extend(wanted.entitlements.intersection(&held).cloned());
    ours.retain(|name| held.contains(name));
    let mut enabled = attempt.object.as_ref().and_then(|object| object.enabled);
    let mut container = attempt.object.as_ref().and_then(|object| object.container.clone());
    let called = attempt.object.as_ref().map(|object| object.name.clone());
    let mut name = called.unwrap_or_else(|| object_name(wanted, given.system));
    let mut written = was.attributes;
    for step in &attempt.done {
        match &step.change {
            connector::Change::Create(new) => {
                enabled = new.enabled;
                container.clone_from(&new.container);
                written.clone_from(&wanted.attributes);
            }
            connector::Change::SetEnabled { enabled: now } => enabled = Some(*now),
            connector::Change::Move { container: to } => container = Some(to.clone()),
            connector::Change::Rename { name: to } => name.clone_from(to),
            connector::Change::Assign { .. } => written.clone_from(&wanted.attributes),
            _ => {}
        }
    }
    if attempt.failure.is_none() {
        written.clone_from(&wanted.attributes);
    }
    enabled = if attempt.closed == Some(true) { Some(false) } else { enabled };
    after.status = match enabled {
        Some(true) => Status::Enabled,
        Some(false) => Status::Disabled,
        None if wanted.state == WantedState::Enabled => Status::Enabled,
        None => Status::Disabled,
    };
    after.seen = Some(Seen { name, enabled, container, attributes: written, entitlements: held, ours });
    after.seen_at = Some(now);
}

fn texts_of(attributes: &connector::Attributes, system: &System) -> BTreeSet<String> {
    let name = system.entitlement_attribute.as_deref().unwrap_or_default();
    attributes.values(name).iter().map(ToString::to_string).collect()
}

async fn fail(turn: &mut Turn, after: &mut Account, failure: &Failure, superseded: bool) -> Result<(), Error> {
    after.attempts += 1;
    let now = turn.now();
    let (progress, kind, text) = match failure {
        Failure::Stop(Stop::Protected(why)) => {
            after.protection = Protection::Protected;
            (Progress::Settled, Some(FindingKind::JoinRefused), format!("it is never written: {why}"))
        }
        Failure::Stop(Stop::NoSuchEntitlement(names)) => {
            let names: Vec<&str> = names.iter().map(String::as_str).collect();
            let text = format!("there is no {} at the system; the rest was done", names.join(", "));
            (Progress::Refused, Some(FindingKind::Refused), text)
        }
        Failure::Stop(Stop::LastHolder(name)) => {
            after.retry = Some(now.plus_micros(LONGEST_PAUSE_US));
            let text = format!("nobody else is in {name}: the membership stays until somebody is");
            (Progress::Retrying, Some(FindingKind::LastHolder), text)
        }
        Failure::Connector(error) => match (error.retry(), error.kind) {
            (Retry::Later { not_before_ms }, _) => {
                let asked = not_before_ms.map_or(0, |ms| i64::try_from(ms).unwrap_or(0).saturating_mul(1_000));
                after.retry = Some(now.plus_micros(backoff_us(after.attempts - 1, after.id).max(asked)));
                (Progress::Retrying, None, error.to_string())
            }
            (Retry::WhenMended, _) => {
                after.retry = Some(now.plus_micros(MENDING_PAUSE_US));
                (Progress::Retrying, None, error.to_string())
            }
            (Retry::Never, ErrorKind::Protected) => {
                after.protection = Protection::Protected;
                (Progress::Settled, Some(FindingKind::JoinRefused), error.to_string())
            }
            (Retry::Never, ErrorKind::Conflict) => {
                (Progress::Quarantined, Some(FindingKind::JoinRefused), error.to_string())
            }
            (Retry::Never, _) => (Progress::Refused, Some(FindingKind::Refused), error.to_string()),
        },
    };
    after.progress = if superseded { Progress::Queued } else { progress };
    after.problem = Some(text.clone());
    if let Some(kind) = kind {
        let existing = match failure {
            Failure::Connector(error) => error.existing.as_ref().map(|id| id.0.clone()),
            Failure::Stop(_) => None,
        };
        let finding = NewFinding {
            person: after.person,
            account: Some(after.id),
            system: Some(after.system.clone()),
            detail: json!({ "problem": text, "existing": existing, "login": after.login }),
            ..NewFinding::new(kind, after.id, format!("{} in {}: {text}", after.login, after.system))
        };
        turn.find(finding).await?;
    }
    Ok(())
}

async fn announce(turn: &mut Turn, attempt: &Attempt, after: &Account, wanted: &Wanted) -> Result<(), Error> {
    let was_open = attempt.account.status != Status::Disabled && attempt.account.status != Status::Absent;
    let now = turn.now();
    if after.status == Status::Disabled && was_open && attempt.account.seen.is_some() {
        turn.tx.emit(Fact::AccountDisabled {
            account: after.id,
            system: after.system.clone(),
            login: after.login.clone(),
            person: after.person,
            at: now,
        });
    }
    if after.status == Status::Absent && attempt.account.status != Status::Absent {
        let known = turn.known.clone();
        let days = known.policy.systems.get(&after.system).map_or(0, |system| system.hold_days);
        let until = now.plus_micros(days.saturating_mul(DAY_US));
        names::hold(&mut turn.tx, &known.policy, &after.system, wanted, until).await?;
    }
    if after.progress == Progress::Settled && attempt.failure.is_none() {
        for kind in [
            FindingKind::Refused,
            FindingKind::JoinRefused,
            FindingKind::Drift,
            FindingKind::OffStandard,
            FindingKind::LastHolder,
        ] {
            turn.settle_finding(kind, &after.id.to_string(), "the account is as wanted").await?;
        }
    }
    Ok(())
}
