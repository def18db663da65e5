//! Who leaves by a delivery. A leaver is somebody who works today and, if the delivery were written, would not, or would
//! have less: their contract is over or missing, suspended, put off, or comes to an end within the guards' horizon although
//! nothing was known of it. One notion, which every guard counts. Pure.
//!
//! Somebody with two contracts leaves when neither is left to work under, and a pause that the house takes for a pause
//! (`gap_days`) between one contract and the next is no leaving.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use kernel::Timestamp;
use kernel::id::PersonId;

use super::delta::{Change, Delta, FeedChange, Held};
use super::mapping::Mapped;
use crate::compute::{state_in_term, term};
use crate::engagement::{Engagement, EngagementState, day_begins};
use crate::person::PersonKind;
use crate::policy::Policy;

const DAY_US: i64 = 86_400_000_000;

/// People, and how many of them in each unit. Somebody of two units is counted in both.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Headcount {
    pub people: u64,
    pub by_unit: BTreeMap<String, u64>,
}

impl Headcount {
    fn add(&mut self, units: &BTreeSet<&str>) {
        self.people += 1;
        for unit in units {
            *self.by_unit.entry((*unit).to_owned()).or_default() += 1;
        }
    }
}

/// What decides on where a contract is in its life, beside its own words.
#[derive(Clone, Copy)]
pub(super) struct Sight<'a> {
    pub policy: &'a Policy,
    pub held: &'a Held,
    pub now: Timestamp,
    /// An end that is nearer than this is looked at today.
    pub horizon_days: i64,
}

impl Sight<'_> {
    /// The state at an instant of a contract that is known. Today's is the one that was written.
    fn known(&self, engagement: &Engagement, at: Timestamp) -> EngagementState {
        if at == self.now {
            return engagement.state;
        }
        state_in_term(self.policy, self.kind_of(engagement.person), &engagement.sheet, at)
    }

    fn kind_of(&self, person: PersonId) -> PersonKind {
        self.held.people.get(&person).map_or(PersonKind::Staff, |person| person.sheet.kind)
    }

    /// From when on a record holds.
    fn from(&self, told: &Mapped) -> Timestamp {
        let zone = self.policy.zone(told.engagement.station.as_deref());
        told.effective.map_or(self.now, |day| day_begins(day, zone).max(self.now))
    }

    fn horizon(&self) -> Timestamp {
        self.now.plus_micros(self.horizon_days.saturating_mul(DAY_US))
    }

    /// What a record does to a contract that is known.
    pub(super) fn change(&self, engagement: &Engagement, told: &Mapped) -> FeedChange {
        let at = self.from(told);
        let before = self.known(engagement, at);
        let after = state_in_term(self.policy, told.person.kind, &told.engagement, at);
        let is_over = matches!(after, EngagementState::Ended | EngagementState::Cancelled);
        if before.is_live() && is_over {
            return FeedChange::Leave;
        }
        if before.is_live() && after == EngagementState::Future {
            return FeedChange::Postpone;
        }
        if before.is_live() && weight(after) < weight(before) {
            return FeedChange::Suspend;
        }
        if before.is_live() && self.is_shortened(engagement, told) {
            return FeedChange::Shorten;
        }
        if matches!(before, EngagementState::Ended | EngagementState::Cancelled) && !is_over {
            return FeedChange::Reopen;
        }
        if engagement.sheet.place() == told.engagement.place() { FeedChange::Update } else { FeedChange::Move }
    }

    fn is_shortened(&self, engagement: &Engagement, told: &Mapped) -> bool {
        let (_, before) = term(self.policy, self.kind_of(engagement.person), &engagement.sheet);
        let (_, after) = term(self.policy, told.person.kind, &told.engagement);
        after.is_some_and(|after| after <= self.horizon() && before.is_none_or(|before| after < before))
    }

    fn leaves(&self, contracts: &[Contract]) -> bool {
        let had = |at| contracts.iter().map(|one| one.before(self, at)).max().unwrap_or(0);
        let has = |at| contracts.iter().map(|one| one.after(self, at)).max().unwrap_or(0);
        let today = had(self.now);
        if has(self.now) < today {
            return true;
        }
        let steps: BTreeSet<Timestamp> =
            contracts.iter().flat_map(|one| one.steps(self)).filter(|at| *at > self.now).collect();
        let pause_us = self.policy.settings.gap_days.saturating_mul(DAY_US);
        steps.range(..=self.horizon()).any(|at| {
            let soon = steps.range(*at..=at.plus_micros(pause_us)).map(|at| has(*at)).max().unwrap_or(0);
            soon < today.min(had(*at))
        })
    }
}

/// How much somebody works, and with it how much of their access is awake.
const fn weight(state: EngagementState) -> u8 {
    match state {
        EngagementState::Active => 4,
        EngagementState::Secondment => 3,
        EngagementState::Leave => 2,
        EngagementState::Suspended => 1,
        EngagementState::Future | EngagementState::Ended | EngagementState::Cancelled => 0,
    }
}

/// What becomes of a contract.
enum Fate<'a> {
    /// The delivery changes nothing of it.
    Stays,
    /// It is not in the delivery.
    Gone,
    Told(&'a Mapped),
}

/// A contract before and after a delivery.
struct Contract<'a> {
    /// `None`: it is new.
    known: Option<&'a Engagement>,
    fate: Fate<'a>,
}

impl Contract<'_> {
    fn before(&self, sight: &Sight, at: Timestamp) -> u8 {
        self.known.map_or(0, |engagement| weight(sight.known(engagement, at)))
    }

    fn after(&self, sight: &Sight, at: Timestamp) -> u8 {
        match &self.fate {
            Fate::Stays => self.before(sight, at),
            Fate::Gone => 0,
            Fate::Told(_) if self.known.is_some() && at < self.changes_at(sight) => self.before(sight, at),
            Fate::Told(told) => weight(state_in_term(sight.policy, told.person.kind, &told.engagement, at)),
        }
    }

    fn changes_at(&self, sight: &Sight) -> Timestamp {
        match &self.fate {
            Fate::Told(told) => sight.from(told),
            Fate::Stays | Fate::Gone => sight.now,
        }
    }

    /// When it begins, ends, or becomes what the delivery says.
    fn steps(&self, sight: &Sight) -> Vec<Timestamp> {
        let (begins, ends) = match (&self.fate, self.known) {
            (Fate::Told(told), _) => term(sight.policy, told.person.kind, &told.engagement),
            (Fate::Stays, Some(known)) => term(sight.policy, sight.kind_of(known.person), &known.sheet),
            (Fate::Stays | Fate::Gone, _) => return Vec::new(),
        };
        [Some(begins), ends, Some(self.changes_at(sight))].into_iter().flatten().collect()
    }
}

/// Counts who works and who leaves, and marks the changes by which they do.
pub(super) fn count(sight: &Sight, delta: &mut Delta) {
    let mut leaving: HashSet<PersonId> = HashSet::new();
    let (mut live, mut leavers) = (Headcount::default(), Headcount::default());
    for (person, contracts) in by_person(sight.held, &delta.changes) {
        let known = contracts.iter().filter_map(|one| one.known).filter(|one| one.state.is_live());
        let units: BTreeSet<&str> = known.map(|one| one.sheet.org_unit.as_deref().unwrap_or_default()).collect();
        if units.is_empty() {
            continue;
        }
        live.add(&units);
        let is_touched = contracts.iter().any(|one| !matches!(one.fate, Fate::Stays));
        if is_touched && sight.leaves(&contracts) {
            leavers.add(&units);
            leaving.insert(person);
        }
    }
    for change in &mut delta.changes {
        change.leaver = change.kind.takes() && leaving.contains(&change.person);
    }
    (delta.live, delta.leavers) = (live, leavers);
}

fn by_person<'a>(held: &'a Held, changes: &'a [Change]) -> HashMap<PersonId, Vec<Contract<'a>>> {
    let mut people: HashMap<PersonId, Vec<Contract>> = HashMap::with_capacity(held.people.len());
    let told: HashMap<&str, &Change> = changes.iter().map(|change| (change.key.as_str(), change)).collect();
    for (key, engagement) in &held.engagements {
        let fate = match told.get(key.as_str()).map(|change| change.mapped.as_ref()) {
            None => Fate::Stays,
            Some(None) => Fate::Gone,
            Some(Some(mapped)) => Fate::Told(mapped),
        };
        people.entry(engagement.person).or_default().push(Contract { known: Some(engagement), fate });
    }
    for change in changes.iter().filter(|change| !held.engagements.contains_key(&change.key)) {
        let Some(mapped) = &change.mapped else { continue };
        people.entry(change.person).or_default().push(Contract { known: None, fate: Fate::Told(mapped) });
    }
    people
}
