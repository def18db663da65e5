//! What a delivery changes. Pure.

use std::collections::{BTreeMap, HashMap, HashSet};

use kernel::Timestamp;
use kernel::id::PersonId;
use serde::Serialize;
use sha2::{Digest, Sha256};

use super::leaver::{self, Headcount, Sight};
use super::mapping::{BadRecord, Mapped};
use super::matching::{Index, is_another};
use super::{Feed, Scope, spared};
use crate::engagement::{Engagement, EngagementState};
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
        /// It ends at once, has ended, or is cancelled.
        Leave = "leave",
        /// It is no longer in the delivery.
        Absent = "absent",
        /// It rests, or rests more than before: suspended, on leave, lent.
        Suspend = "suspend",
        /// Its first day is put off, though somebody works under it today.
        Postpone = "postpone",
        /// Its end comes nearer, and lies within the guards' horizon.
        Shorten = "shorten",
        /// An end was taken back, or it is in the delivery again.
        Reopen = "reopen",
        /// Anything else.
        Update = "update",
    }
}

impl FeedChange {
    /// Whether it may take the work from somebody, and with it access.
    pub const fn takes(self) -> bool {
        match self {
            FeedChange::Leave
            | FeedChange::Absent
            | FeedChange::Suspend
            | FeedChange::Postpone
            | FeedChange::Shorten => true,
            FeedChange::Join | FeedChange::Move | FeedChange::Reopen | FeedChange::Update => false,
        }
    }
}

/// A change of one contract.
#[derive(Debug, Clone, PartialEq)]
pub struct Change {
    pub kind: FeedChange,
    pub person: PersonId,
    /// The person is not known yet.
    pub is_new: bool,
    /// By this its person leaves: works today and would not, now or soon.
    pub leaver: bool,
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
    /// Contracts that no other record tells of and that stay as they were, because this one may speak of them.
    pub kept: Vec<String>,
}

/// What a delivery changes.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Delta {
    pub changes: Vec<Change>,
    pub quarantine: Vec<Quarantined>,
    pub unchanged: u64,
    /// Records of which not even the number can be read.
    pub nameless: u64,
    /// People who work under a contract of this feed before the delivery.
    pub live: Headcount,
    /// Those of them who would not after it, or soon.
    pub leavers: Headcount,
}

impl Delta {
    /// How many changes of a kind.
    pub fn count(&self, kinds: &[FeedChange]) -> u64 {
        self.changes.iter().filter(|change| kinds.contains(&change.kind)).count() as u64
    }
}

/// Compares a delivery with what is known.
pub fn delta(
    policy: &Policy,
    source: &str,
    feed: &Feed,
    held: &Held,
    mapped: Vec<Mapped>,
    bad: Vec<BadRecord>,
    now: Timestamp,
) -> Delta {
    let mut delta = Delta::default();
    let sight = Sight { policy, held, now, horizon_days: feed.guards.horizon_days };
    let twice = told_twice(&mapped);
    let mut told: HashSet<String> = HashSet::with_capacity(mapped.len());
    let mut comparing = Comparing { source, sight, index: None, new_people: HashMap::new() };
    for record in mapped {
        if twice.contains(&record.key) {
            let reason = format!("the contract {} is in the delivery more than once", record.key);
            delta.quarantine.push(quarantined(Suspicion::Bad, record, reason, Vec::new()));
            continue;
        }
        let key = record.key.clone();
        if comparing.record(record, &mut delta) {
            told.insert(key);
        }
    }
    delta.nameless = bad.iter().filter(|record| record.anchor.is_none() && record.key.is_none()).count() as u64;
    let spared = spared::spare(source, held, &told, bad, &mut delta.quarantine);
    if feed.scope == Scope::Full {
        absent(held, &told, &spared, &mut delta);
    }
    leaver::count(&sight, &mut delta);
    delta
}

fn told_twice(mapped: &[Mapped]) -> HashSet<String> {
    let mut seen = HashSet::new();
    mapped.iter().filter(|record| !seen.insert(&record.key)).map(|record| record.key.clone()).collect()
}

fn absent(held: &Held, told: &HashSet<String>, spared: &HashSet<String>, delta: &mut Delta) {
    let matters = |engagement: &&Engagement| {
        let key = &engagement.source_key;
        let is_open = engagement.state.is_live() || engagement.state == EngagementState::Future;
        is_open && !told.contains(key) && !spared.contains(key)
    };
    let mut gone: Vec<&Engagement> = held.engagements.values().filter(matters).collect();
    gone.sort_by(|left, right| left.source_key.cmp(&right.source_key));
    delta.changes.extend(gone.into_iter().map(|engagement| Change {
        kind: FeedChange::Absent,
        person: engagement.person,
        is_new: false,
        leaver: false,
        mapped: None,
        key: engagement.source_key.clone(),
    }));
}

struct Comparing<'a> {
    source: &'a str,
    sight: Sight<'a>,
    /// Made when the first unknown anchor comes.
    index: Option<Index>,
    /// People that this delivery tells of for the first time, by anchor.
    new_people: HashMap<String, PersonId>,
}

impl Comparing<'_> {
    /// Compares one record. `false`: it waits for a person.
    fn record(&mut self, record: Mapped, delta: &mut Delta) -> bool {
        let waiting = delta.quarantine.len();
        let anchor = Anchor { source: self.source.to_owned(), anchor: record.anchor.clone() };
        let known = self.sight.held.anchors.get(&anchor).copied();
        match known.and_then(|id| self.sight.held.people.get(&id)) {
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
        delta.quarantine.len() == waiting
    }

    fn known(&self, person: &Person, record: Mapped, delta: &mut Delta) {
        let Some(engagement) = self.sight.held.engagements.get(&record.key) else {
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
        delta.changes.push(change(self.sight.change(engagement, &record), person.id, false, record));
    }

    fn unknown(&mut self, record: Mapped, delta: &mut Delta) {
        if let Some(id) = self.new_people.get(&record.anchor) {
            delta.changes.push(change(FeedChange::Join, *id, false, record));
            return;
        }
        let index = self.index.get_or_insert_with(|| Index::new(self.sight.held.people.values()));
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
    Change { kind, person, is_new, leaver: false, key: record.key.clone(), mapped: Some(record) }
}

fn quarantined(suspicion: Suspicion, record: Mapped, reason: String, candidates: Vec<PersonId>) -> Quarantined {
    Quarantined { suspicion, line: record.line, reason, mapped: Some(record), candidates, kept: Vec::new() }
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
