//! What a delivery changes. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::Timestamp;
use kernel::id::PersonId;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::mapping::Mapped;
use super::matching::{Index, is_another};
use super::{Feed, Scope};
use crate::engagement::{Engagement, Standing, day_after};
use crate::person::{Anchor, Person};
use crate::policy::Policy;

/// What is known before a delivery.
pub struct Held {
    pub anchors: BTreeMap<Anchor, PersonId>,
    pub people: HashMap<PersonId, Person>,
    /// Contracts of this feed by what it calls them.
    pub engagements: HashMap<String, Engagement>,
}

kernel::words! {
    /// What happens to a contract.
    FeedChange {
        /// A contract that was not known.
        Join = "join",
        /// Duty station, unit, job or manager.
        Move = "move",
        /// It ends at once, or has ended.
        Leave = "leave",
        /// It is no longer in the delivery.
        Absent = "absent",
        /// An end was taken back, or it is in the delivery again.
        Reopen = "reopen",
        /// Anything else.
        Update = "update",
    }
}

/// A change of one contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub kind: FeedChange,
    pub person: PersonId,
    /// The person is not known yet.
    pub is_new: bool,
    /// `None` for contracts that are absent.
    pub mapped: Option<Mapped>,
    /// What the feed calls the contract.
    pub key: String,
}

kernel::words! {
    /// Why a record waits for a person.
    Suspicion {
        /// It may be somebody who is known.
        Match = "match",
        /// Its number was another human being's.
        NumberReused = "number-reused",
        /// It cannot be used.
        Bad = "bad",
    }
}

/// A record that waits for a person to decide.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Quarantined {
    pub suspicion: Suspicion,
    pub line: u64,
    pub reason: String,
    pub mapped: Option<Mapped>,
    pub candidates: Vec<PersonId>,
}

/// What a delivery changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    pub changes: Vec<Change>,
    pub quarantine: Vec<Quarantined>,
    pub unchanged: u64,
    /// Contracts that were live before, by unit.
    pub live_by_unit: BTreeMap<String, u64>,
    /// Contracts that end at once, by unit.
    pub leavers_by_unit: BTreeMap<String, u64>,
}

impl Delta {
    /// How many changes of a kind.
    pub fn count(&self, kinds: &[FeedChange]) -> u64 {
        self.changes.iter().filter(|change| kinds.contains(&change.kind)).count() as u64
    }

    /// Contracts that end at once.
    pub fn leavers(&self) -> u64 {
        self.leavers_by_unit.values().sum()
    }

    /// Contracts that were live before.
    pub fn live(&self) -> u64 {
        self.live_by_unit.values().sum()
    }
}

/// Compares a delivery with what is known.
pub fn delta(
    policy: &Policy,
    source: &str,
    feed: &Feed,
    held: &Held,
    mapped: Vec<Mapped>,
    bad: Vec<(u64, String)>,
    now: Timestamp,
) -> Delta {
    let mut delta = Delta::default();
    let live = |engagement: &&Engagement| engagement.state.is_live();
    for engagement in held.engagements.values().filter(live) {
        *delta.live_by_unit.entry(unit(engagement)).or_default() += 1;
    }
    let bad = bad.into_iter().map(|(line, reason)| Quarantined {
        suspicion: Suspicion::Bad,
        line,
        reason,
        mapped: None,
        candidates: Vec::new(),
    });
    delta.quarantine.extend(bad);
    let twice = told_twice(&mapped);
    let mut seen: HashSet<String> = HashSet::with_capacity(mapped.len());
    let mut comparing = Comparing { policy, source, held, now, index: None, new_people: HashMap::new() };
    for record in mapped {
        seen.insert(record.key.clone());
        if twice.contains(&record.key) {
            let reason = format!("the contract {} is in the delivery more than once", record.key);
            delta.quarantine.push(quarantined(Suspicion::Bad, record, reason, Vec::new()));
            continue;
        }
        comparing.record(record, &mut delta);
    }
    if feed.scope == Scope::Full {
        absent(held, &seen, &mut delta);
    }
    delta
}

fn unit(engagement: &Engagement) -> String {
    engagement.sheet.org_unit.clone().unwrap_or_default()
}

fn told_twice(mapped: &[Mapped]) -> HashSet<String> {
    let mut seen = HashSet::new();
    mapped.iter().filter(|record| !seen.insert(&record.key)).map(|record| record.key.clone()).collect()
}

fn absent(held: &Held, seen: &HashSet<String>, delta: &mut Delta) {
    let mut gone: Vec<&Engagement> =
        held.engagements.values().filter(|engagement| !seen.contains(&engagement.source_key)).collect();
    gone.sort_by(|left, right| left.source_key.cmp(&right.source_key));
    for engagement in gone {
        let matters = engagement.state.is_live() || engagement.state == crate::engagement::EngagementState::Future;
        if !matters {
            continue;
        }
        if engagement.state.is_live() {
            *delta.leavers_by_unit.entry(unit(engagement)).or_default() += 1;
        }
        delta.changes.push(Change {
            kind: FeedChange::Absent,
            person: engagement.person,
            is_new: false,
            mapped: None,
            key: engagement.source_key.clone(),
        });
    }
}

struct Comparing<'a> {
    policy: &'a Policy,
    source: &'a str,
    held: &'a Held,
    now: Timestamp,
    /// Made when the first unknown anchor comes.
    index: Option<Index>,
    /// People that this delivery tells of for the first time, by anchor.
    new_people: HashMap<String, PersonId>,
}

impl Comparing<'_> {
    fn record(&mut self, record: Mapped, delta: &mut Delta) {
        let anchor = Anchor { source: self.source.to_owned(), anchor: record.anchor.clone() };
        let known = self.held.anchors.get(&anchor).copied();
        match known.and_then(|id| self.held.people.get(&id)) {
            Some(person) if is_another(&person.sheet, &record.person) => {
                let reason = format!(
                    "the number {} was that of {}; this is {}",
                    record.anchor,
                    person.sheet.display_name(),
                    record.person.display_name()
                );
                delta.quarantine.push(quarantined(Suspicion::NumberReused, record, reason, vec![person.id]));
            }
            Some(person) => self.known(person, record, delta),
            None => self.unknown(record, delta),
        }
    }

    fn known(&self, person: &Person, record: Mapped, delta: &mut Delta) {
        let Some(engagement) = self.held.engagements.get(&record.key) else {
            delta.changes.push(change(FeedChange::Join, person.id, false, record));
            return;
        };
        if engagement.person != person.id {
            let reason = format!("the contract {} belongs to another person", record.key);
            delta.quarantine.push(quarantined(Suspicion::Bad, record, reason, vec![engagement.person]));
            return;
        }
        let same = engagement.row_digest.as_deref() == Some(record.digest.as_str());
        if same && person.sheet == record.person {
            delta.unchanged += 1;
            return;
        }
        let kind = self.kind(engagement, &record);
        if kind == FeedChange::Leave {
            *delta.leavers_by_unit.entry(unit(engagement)).or_default() += 1;
        }
        delta.changes.push(change(kind, person.id, false, record));
    }

    fn kind(&self, engagement: &Engagement, record: &Mapped) -> FeedChange {
        let (before, after) = (&engagement.sheet, &record.engagement);
        let zone = self.policy.zone(after.station.as_deref());
        let over =
            after.standing == Standing::Cancelled || after.ends.is_some_and(|last| day_after(last, zone) <= self.now);
        match (engagement.state.is_live(), over) {
            (true, true) => FeedChange::Leave,
            (false, false) if engagement.state != crate::engagement::EngagementState::Future => FeedChange::Reopen,
            _ => {
                let place = |sheet: &crate::engagement::EngagementSheet| {
                    (sheet.station.clone(), sheet.org_unit.clone(), sheet.job.clone(), sheet.manager.clone())
                };
                if place(before) == place(after) { FeedChange::Update } else { FeedChange::Move }
            }
        }
    }

    fn unknown(&mut self, record: Mapped, delta: &mut Delta) {
        if let Some(id) = self.new_people.get(&record.anchor) {
            delta.changes.push(change(FeedChange::Join, *id, false, record));
            return;
        }
        let index = self.index.get_or_insert_with(|| Index::new(self.held.people.values()));
        let candidates: Vec<PersonId> = index.candidates(&record.person).into_iter().collect();
        if !candidates.is_empty() {
            let reason = format!(
                "{} under the new number {} may be somebody who is known",
                record.person.display_name(),
                record.anchor
            );
            delta.quarantine.push(quarantined(Suspicion::Match, record, reason, candidates));
            return;
        }
        let id = new_person_id(self.source, &record);
        self.new_people.insert(record.anchor.clone(), id);
        delta.changes.push(change(FeedChange::Join, id, true, record));
    }
}

fn change(kind: FeedChange, person: PersonId, is_new: bool, record: Mapped) -> Change {
    Change { kind, person, is_new, key: record.key.clone(), mapped: Some(record) }
}

fn quarantined(suspicion: Suspicion, record: Mapped, reason: String, candidates: Vec<PersonId>) -> Quarantined {
    Quarantined { suspicion, line: record.line, reason, mapped: Some(record), candidates }
}

/// The id of somebody who is told of for the first time: the same whenever the delivery is compared, another when the
/// number is another human being's.
pub(super) fn new_person_id(source: &str, record: &Mapped) -> PersonId {
    let person = &record.person;
    let who = format!(
        "person\n{source}\n{}\n{}\n{}\n{:?}",
        record.anchor, person.given_name, person.family_name, person.birth_date
    );
    let digest = Sha256::digest(who);
    let mut bytes = [0; 16];
    bytes.copy_from_slice(&digest[..16]);
    PersonId::derived(bytes)
}
