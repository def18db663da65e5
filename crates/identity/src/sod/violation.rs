//! Violations as records: found, excused, open again, gone.

use std::collections::{BTreeMap, BTreeSet};

use entitlements::sod::{Conflict, analyse, explain};
use kernel::id::{ExceptionId, PersonId, ViolationId};
use kernel::{Actor, Fact, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use sha2::{Digest, Sha256};
use store::{Deadline, Due, Read, Row, params};

use super::exception::{self, SodException};
use super::rules::Rules;
use crate::duty_sql as sql;
use crate::error::Error;
use crate::inventory::{self, Inventory, Scope};
use crate::room::{Identity, Turn};
use crate::system::Risk;

/// The deadline at which everybody is looked at again.
pub(crate) const ANALYSIS: &str = "identity.sod-analysis";
const ANALYSIS_US: i64 = 3_600_000_000;
/// Violations that are kept one by one; more are counted.
const MOST: usize = 100_000;

kernel::words! {
    /// Where a violation is in its life.
    ViolationState {
        Open = "open",
        /// An exception covers it.
        Excused = "excused",
        /// The keys are apart again.
        Gone = "gone",
        /// Of a transaction: the owner of the risk looked at it and said what became of it.
        Resolved = "resolved",
    }
}

/// One side, as people read it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SideShown {
    /// The key of the function that is met.
    pub function: String,
    pub title: String,
    /// Each way from what the person is in to the entitlement: `role:finance-officer`, `ad/GRP-Finance`.
    pub ways: Vec<Vec<String>>,
    /// The part of a request that brings it; `None`: it is held already.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub part: Option<usize>,
    /// Of a rule over transactions: which one, and each way is a row of evidence.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub transaction: Option<String>,
}

/// Keys that must stay apart and do not.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Violation {
    pub id: ViolationId,
    /// The rule's key.
    pub rule: String,
    /// The value of the rule's scope: the station, the vendor.
    pub scope: Option<String>,
    pub person: PersonId,
    pub risk: Risk,
    pub state: ViolationState,
    pub sides: Vec<SideShown>,
    pub exception: Option<ExceptionId>,
    pub found: Timestamp,
    pub gone: Option<Timestamp>,
    pub version: i64,
}

impl Violation {
    /// Whether it is of what somebody did, and not of what they hold.
    pub fn is_of_a_transaction(&self) -> bool {
        self.sides.iter().any(|side| side.transaction.is_some())
    }
}

/// What an analysis of everybody found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Summary {
    pub rules: usize,
    pub people: usize,
    /// Violations there are.
    pub violations: u64,
    /// Found for the first time, or again.
    pub new: usize,
    /// Apart again.
    pub resolved: usize,
    /// Beyond what is kept one by one.
    pub not_kept: u64,
    /// Circles of nesting, each as a list of names.
    pub cycles: Vec<Vec<String>>,
}

/// The sides of a conflict in names.
pub(crate) fn shown(inventory: &Inventory, rules: &Rules, conflict: &Conflict) -> Vec<SideShown> {
    let side = |held: &entitlements::sod::Held| {
        let (function, title) = rules
            .functions
            .get(held.function)
            .map_or_else(Default::default, |(key, function)| (key.clone(), function.title.clone()));
        let ways = held.ways.iter().map(|path| inventory.words(path)).collect();
        SideShown { function, title, ways, part: held.part, transaction: None }
    };
    conflict.held.iter().map(side).collect()
}

pub(super) fn id_of(rule: &str, scope: Option<&str>, person: PersonId) -> ViolationId {
    let digest = Sha256::digest(format!("violation\n{rule}\n{}\n{person}", scope.unwrap_or_default()));
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    ViolationId::derived(bytes)
}

pub(super) fn violation(row: &Row) -> Result<Violation, Error> {
    Ok(Violation {
        id: row.id("id")?,
        rule: row.text("rule")?.to_owned(),
        scope: row.text_opt("scope")?.map(str::to_owned),
        person: row.id("person_id")?,
        risk: row.parse("risk")?,
        state: row.parse("state")?,
        sides: row.json("sides")?,
        exception: row.id_opt("exception_id")?,
        found: row.time("found_us")?,
        gone: row.time_opt("gone_us")?,
        version: row.int("version")?,
    })
}

/// Every violation that is known, of a person or of all.
pub(super) async fn known(
    read: &mut impl Read,
    person: Option<PersonId>,
) -> Result<BTreeMap<ViolationId, Violation>, Error> {
    let rows = read.rows(&sql::VIOLATIONS, params![person, None::<String>, MOST * 4]).await?;
    rows.iter().map(|row| violation(row).map(|one| (one.id, one))).collect()
}

pub(super) async fn save(turn: &mut Turn, one: &mut Violation) -> Result<(), Error> {
    one.version += 1;
    let row = params![
        one.id,
        &one.rule,
        one.scope.clone(),
        one.person,
        one.risk.as_str(),
        one.state.as_str(),
        &json!(one.sides),
        one.exception,
        one.found,
        one.gone,
        one.version,
    ];
    Ok(turn.tx.execute_one(&sql::SAVE_VIOLATION, row).await?)
}

/// What there is against what is known: a pure step. `None`: nothing changes.
fn step(before: Option<&Violation>, found: Option<Found>, now: Timestamp) -> Option<Violation> {
    match (before, found) {
        (None, None) => None,
        (Some(before), None) => {
            let gone = Violation { state: ViolationState::Gone, gone: Some(now), exception: None, ..before.clone() };
            (before.state != ViolationState::Gone).then_some(gone)
        }
        (before, Some(found)) => {
            let state = if found.exception.is_some() { ViolationState::Excused } else { ViolationState::Open };
            let was_there = before.filter(|before| before.state != ViolationState::Gone);
            let after = Violation {
                id: found.id,
                rule: found.rule,
                scope: found.scope,
                person: found.person,
                risk: found.risk,
                state,
                sides: found.sides,
                exception: found.exception,
                found: was_there.map_or(now, |before| before.found),
                gone: None,
                version: before.map_or(0, |before| before.version),
            };
            (before != Some(&after)).then_some(after)
        }
    }
}

/// A violation that there is now.
struct Found {
    id: ViolationId,
    rule: String,
    scope: Option<String>,
    person: PersonId,
    risk: Risk,
    sides: Vec<SideShown>,
    exception: Option<ExceptionId>,
}

type Exceptions = BTreeMap<(String, PersonId), SodException>;

fn of_person(
    inventory: &Inventory,
    rules: &Rules,
    exceptions: &Exceptions,
    person: PersonId,
    now: Timestamp,
) -> Vec<Found> {
    let Some(user) = inventory.user(person) else { return Vec::new() };
    let conflicts = explain(&inventory.closure, &rules.book, user, now.micros());
    let found = |conflict: Conflict| {
        let (key, rule) = rules.rules.get(conflict.rule)?;
        let scope = rules.value(conflict.scope_value);
        Some(Found {
            id: id_of(key, scope.as_deref(), person),
            rule: key.clone(),
            scope,
            person,
            risk: rule.risk,
            sides: shown(inventory, rules, &conflict),
            exception: exceptions.get(&(key.clone(), person)).map(|one| one.id),
        })
    };
    conflicts.into_iter().filter_map(found).collect()
}

/// Looks at one person again and writes what changed. Returns what is open.
pub(crate) async fn analyse_person(turn: &mut Turn, person: PersonId) -> Result<Vec<Violation>, Error> {
    let now = turn.now();
    let inventory = Inventory::load(&mut turn.tx, Scope::One(person), now).await?;
    let rules = Rules::of(&inventory)?;
    let exceptions = exception::in_force(&mut turn.tx, now).await?;
    let found = of_person(&inventory, &rules, &exceptions, person, now);
    let known = known(&mut turn.tx, Some(person)).await?;
    write(turn, known, found).await?;
    let open = self::known(&mut turn.tx, Some(person)).await?;
    Ok(open.into_values().filter(|one| one.state == ViolationState::Open).collect())
}

/// As [`analyse_person`]; a rule that cannot be read does not stop what it is called for.
pub(super) async fn reassess(turn: &mut Turn, person: PersonId) -> Result<(), Error> {
    match analyse_person(turn, person).await {
        Err(Error::Refused(refusal)) => {
            tracing::warn!(%refusal, "duties could not be looked at again");
            Ok(())
        }
        other => other.map(drop),
    }
}

/// Writes the steps; returns how many were new and how many went.
async fn write(
    turn: &mut Turn,
    mut known: BTreeMap<ViolationId, Violation>,
    found: Vec<Found>,
) -> Result<(usize, usize), Error> {
    let now = turn.now();
    let (mut new, mut gone) = (0, 0);
    for one in found {
        let before = known.remove(&one.id);
        if let Some(mut after) = step(before.as_ref(), Some(one), now) {
            save(turn, &mut after).await?;
            let was_open = before.as_ref().is_some_and(|before| before.state == ViolationState::Open);
            if after.state == ViolationState::Open && !was_open {
                new += 1;
                let (violation, person, rule) = (after.id, after.person, after.rule.clone());
                turn.tx.emit(Fact::SodViolationFound { violation, person, rule, at: now });
            }
            turn.record("violation.find", after.id, before.map_or(Json::Null, |before| json!(before)), json!(after));
        }
    }
    // What somebody did is not undone by what they hold.
    for before in known.into_values().filter(|before| !before.is_of_a_transaction()) {
        if let Some(mut after) = step(Some(&before), None, now) {
            save(turn, &mut after).await?;
            gone += 1;
            turn.record("violation.gone", after.id, json!(before), json!(after));
        }
    }
    Ok((new, gone))
}

impl Identity {
    /// Looks at everybody against every rule, writes what changed, and sets the time at which it is done again.
    ///
    /// # Errors
    /// [`Error::Refused`] when the rules cannot be read together, [`Error::Store`] when the database fails.
    pub async fn analyse_duties(&self, actor: &Actor) -> Result<Summary, Error> {
        let mut turn = self.turn(actor, "").await?;
        let summary = analyse_all(&mut turn).await?;
        turn.record("sod.analyse", "everybody", Json::Null, json!(summary));
        turn.finish().await?;
        Ok(summary)
    }

    /// Violations, the latest first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn violations(
        &self,
        person: Option<PersonId>,
        state: Option<ViolationState>,
        limit: u32,
    ) -> Result<Vec<Violation>, Error> {
        let params = params![person, state.map(ViolationState::as_str), limit];
        self.store.fetch_all(&sql::VIOLATIONS, params).await?.iter().map(violation).collect()
    }
}

/// Sets the next time at which everybody is looked at.
pub(crate) async fn begin(turn: &mut Turn) -> Result<(), Error> {
    turn.tx
        .deadline(Deadline {
            kind: ANALYSIS.to_owned(),
            subject: "everybody".to_owned(),
            owes: "system:identity".to_owned(),
            due: Due::After(ANALYSIS_US),
            otherwise: "everybody is looked at again".to_owned(),
        })
        .await?;
    Ok(())
}

pub(crate) async fn analyse_all(turn: &mut Turn) -> Result<Summary, Error> {
    super::unknown::look(turn).await?;
    let now = turn.now();
    let inventory = Inventory::load(&mut turn.tx, Scope::Everybody, now).await?;
    let rules = Rules::of(&inventory)?;
    let exceptions = exception::in_force(&mut turn.tx, now).await?;
    let violations = analyse(&inventory.closure, &rules.book, now.micros(), inventory::workers());
    let total: u64 = violations.iter().map(|one| one.users.len()).sum();
    let people: BTreeSet<u32> = violations.iter().flat_map(|one| one.users.iter()).collect();
    let people = people.into_iter().filter_map(|user| inventory.person(user));
    let mut found: Vec<Found> =
        people.flat_map(|person| of_person(&inventory, &rules, &exceptions, person, now)).collect();
    let not_kept = found.len().saturating_sub(MOST) as u64;
    found.truncate(MOST);
    let known = known(&mut turn.tx, None).await?;
    let (new, gone) = write(turn, known, found).await?;
    begin(turn).await?;
    let cycles = inventory.closure.cycles();
    let names = |cycle: &entitlements::Cycle| cycle.round.iter().map(|group| inventory.label(*group)).collect();
    Ok(Summary {
        rules: rules.rules.len(),
        people: inventory.people.len(),
        violations: total,
        new,
        resolved: gone,
        not_kept,
        cycles: cycles.iter().map(names).collect(),
    })
}
