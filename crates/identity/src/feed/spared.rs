//! Contracts that a record which waits or cannot be used may speak of: they stay as they were until a person decides,
//! and are never taken for missing. Pure.

use std::collections::{HashMap, HashSet};

use kernel::id::PersonId;

use super::delta::{Held, Quarantined, Suspicion};
use super::mapping::BadRecord;
use crate::engagement::EngagementState;

/// Contracts that a reason names.
const NAMED: usize = 5;

/// Adds records that cannot be used to those that wait, says of each what stays as it was because of it, and gives the keys
/// of all that stay. `told`: contracts of which a record that can be used tells.
pub(super) fn spare(
    source: &str,
    held: &Held,
    told: &HashSet<String>,
    bad: Vec<BadRecord>,
    waiting: &mut Vec<Quarantined>,
) -> HashSet<String> {
    let mut spared = HashSet::new();
    if bad.is_empty() && waiting.is_empty() {
        return spared;
    }
    let known = Known::new(source, held);
    let mut keep = |one: &mut Quarantined, anchor: Option<&str>, key: Option<&str>| {
        let mut kept: Vec<String> = known
            .spoken_of(anchor, key, &one.candidates)
            .filter(|key| !told.contains(*key))
            .map(str::to_owned)
            .collect();
        kept.sort();
        kept.dedup();
        if !kept.is_empty() {
            one.reason = format!("{}; {}", one.reason, stays(&kept));
        }
        spared.extend(kept.iter().cloned());
        one.kept = kept;
    };
    for one in waiting.iter_mut() {
        let names = one.mapped.as_ref().map(|mapped| (mapped.anchor.clone(), mapped.key.clone()));
        let (anchor, key) = names.unzip();
        keep(one, anchor.as_deref(), key.as_deref());
    }
    let mut unusable: Vec<Quarantined> = Vec::with_capacity(bad.len());
    for BadRecord { line, reason, anchor, key } in bad {
        let (suspicion, candidates, kept) = (Suspicion::Bad, Vec::new(), Vec::new());
        let mut one = Quarantined { suspicion, line, reason, mapped: None, candidates, kept };
        keep(&mut one, anchor.as_deref(), key.as_deref());
        unusable.push(one);
    }
    waiting.splice(0..0, unusable);
    spared
}

fn stays(kept: &[String]) -> String {
    let named = kept.iter().take(NAMED).map(String::as_str).collect::<Vec<_>>().join(", ");
    let more = if kept.len() > NAMED { " and others" } else { "" };
    format!("the contract {named}{more} stays as it was")
}

/// Open contracts of a feed as a record may name them, however it writes the number.
struct Known<'a> {
    by_key: HashMap<String, Vec<&'a str>>,
    by_anchor: HashMap<String, Vec<PersonId>>,
    by_person: HashMap<PersonId, Vec<&'a str>>,
}

impl<'a> Known<'a> {
    fn new(source: &str, held: &'a Held) -> Known<'a> {
        let mut known = Known { by_key: HashMap::new(), by_anchor: HashMap::new(), by_person: HashMap::new() };
        for engagement in held.engagements.values() {
            if engagement.state.is_live() || engagement.state == EngagementState::Future {
                let key = engagement.source_key.as_str();
                known.by_key.entry(folded(key)).or_default().push(key);
                known.by_person.entry(engagement.person).or_default().push(key);
            }
        }
        for (anchor, person) in held.anchors.iter().filter(|(anchor, _)| anchor.source == source) {
            known.by_anchor.entry(folded(&anchor.anchor)).or_default().push(*person);
        }
        known
    }

    fn spoken_of<'s>(
        &'s self,
        anchor: Option<&str>,
        key: Option<&str>,
        candidates: &'s [PersonId],
    ) -> impl Iterator<Item = &'a str> + 's {
        let by_key = key.and_then(|key| self.by_key.get(&folded(key))).into_iter().flatten();
        let by_anchor = anchor.and_then(|anchor| self.by_anchor.get(&folded(anchor))).into_iter().flatten();
        let people = by_anchor.chain(candidates);
        by_key.chain(people.filter_map(|person| self.by_person.get(person)).flatten()).copied()
    }
}

/// Without case, and without what people put between the letters of a number.
fn folded(number: &str) -> String {
    number.chars().filter(|letter| letter.is_alphanumeric()).flat_map(char::to_lowercase).collect()
}
