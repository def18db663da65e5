//! Correlations at work: hits in any order, alerts as if they had come in order.
//!
//! An alert is raised as soon as its events are there. A late event raises what it completes and withdraws what it
//! undoes. Once the watermark has passed a time, nothing before it changes any more.

use std::collections::BTreeMap;
use std::collections::hash_map::HashMap;
use std::sync::Arc;

use kernel::Timestamp;

use super::compile::Node;
use super::group::{Change, Group, Key, Place, Verdict};
use super::{Alert, AlertKey, Correlations, Observation, Part};

/// How much is waited for and how much is kept.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Settings {
    /// An event may come this much later than the newest; what comes later still is counted and left out.
    pub lateness_us: i64,
    /// Hits kept over all groups. When there are more, whole groups go, those first that have been quiet longest.
    pub max_hits: usize,
    /// Hits kept of one group. When there are more, the earliest go.
    pub max_group_hits: usize,
}

impl Default for Settings {
    /// Five minutes; a million hits, which take some 400 MB; a hundred thousand of one group.
    fn default() -> Settings {
        Settings { lateness_us: 300_000_000, max_hits: 1_000_000, max_group_hits: 100_000 }
    }
}

/// What some hits have changed.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct Changes {
    /// New alerts, and those that say something else than before, by key.
    pub raised: Vec<Alert>,
    /// Alerts that no longer hold, by key.
    pub withdrawn: Vec<AlertKey>,
    /// Hits beyond the lateness bound, left out.
    pub late: u64,
    /// Hits without the value that a correlation counts or computes with; they take no part in that one.
    pub without_value: u64,
    /// Groups forgotten before their time, for want of room. What they would have raised is lost.
    pub evicted_groups: u64,
    /// Hits forgotten before their time, those of evicted groups included.
    pub evicted_hits: u64,
}

/// How much is kept at the moment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Stored {
    pub groups: usize,
    pub hits: usize,
}

/// Correlations and what they remember.
#[derive(Debug)]
pub struct Correlator {
    pub(super) rules: Arc<Correlations>,
    pub(super) settings: Settings,
    /// The greatest event time, in microseconds since 1970.
    pub(super) newest: Option<i64>,
    pub(super) groups: Vec<Groups>,
    pub(super) hits: usize,
}

/// The groups of one correlation.
#[derive(Debug, Default)]
pub(super) struct Groups {
    pub by_key: HashMap<Key, Group>,
    /// The watermark when they were last searched for what can be forgotten.
    swept: Option<i64>,
}

type Pending = Vec<BTreeMap<Key, Vec<Change>>>;

impl Correlator {
    /// Remembers nothing yet.
    pub fn new(rules: Arc<Correlations>, settings: Settings) -> Correlator {
        let groups = rules.nodes.iter().map(|_| Groups::default()).collect();
        Correlator { rules, settings, newest: None, groups, hits: 0 }
    }

    /// The correlations at work.
    pub fn rules(&self) -> &Arc<Correlations> {
        &self.rules
    }

    /// The newest event time that it was told of.
    pub fn newest(&self) -> Option<Timestamp> {
        self.newest.map(Timestamp)
    }

    /// Times before this are settled; `None`: no event has been seen.
    pub fn watermark(&self) -> Option<Timestamp> {
        self.newest.map(|newest| Timestamp(newest.saturating_sub(self.settings.lateness_us)))
    }

    /// How much is kept.
    pub fn stored(&self) -> Stored {
        Stored { groups: self.groups.iter().map(|groups| groups.by_key.len()).sum(), hits: self.hits }
    }

    /// Takes hits in. They are put in order among themselves and with those before; each is counted once, however
    /// often it comes. The watermark stays where it is: see [`Correlator::advance`].
    pub fn push(&mut self, observations: Vec<Observation>) -> Changes {
        let rules = Arc::clone(&self.rules);
        let mut changes = Changes::default();
        let mut pending: Pending = rules.nodes.iter().map(|_| BTreeMap::new()).collect();
        let watermark = self.watermark();
        let nothing: Arc<[Part]> = Arc::new([]);
        for observation in observations {
            let feeds = rules.feeds(observation.rule);
            if feeds.is_empty() {
                continue;
            }
            if watermark.is_some_and(|watermark| observation.time < watermark) {
                changes.late += 1;
                continue;
            }
            for (node, slot) in feeds {
                let event = Arc::clone(&observation.event);
                let place = Place { time: observation.time.0, event, slot: *slot, via: None };
                match rules.nodes[*node].hit(place, &observation.values, Arc::clone(&nothing)) {
                    Some((key, hit)) => pending[*node].entry(key).or_default().push(Change::Put(hit)),
                    None => changes.without_value += 1,
                }
            }
        }
        for number in 0..rules.nodes.len() {
            for (key, group_changes) in std::mem::take(&mut pending[number]) {
                self.settle(&rules, number, key, group_changes, &mut pending, &mut changes);
            }
        }
        self.make_room(&mut changes);
        changes.raised.sort_by(|one, other| one.key.cmp(&other.key));
        changes.withdrawn.sort();
        changes
    }

    /// Changes one group, and hands on what that means for the correlations above.
    fn settle(
        &mut self,
        rules: &Correlations,
        number: usize,
        key: Key,
        group_changes: Vec<Change>,
        pending: &mut Pending,
        changes: &mut Changes,
    ) {
        let node = &rules.nodes[number];
        let group = self.groups[number].by_key.entry(Arc::clone(&key)).or_default();
        let before = group.hits.len();
        let verdicts = group.apply(&node.rule, group_changes);
        // Some more go than must, so that a full group is not cut at each event.
        let most = self.settings.max_group_hits.max(1);
        let cut = if group.hits.len() > most { group.forget(group.hits.len() - most + most / 8) } else { 0 };
        changes.evicted_hits += cut as u64;
        self.hits = self.hits + group.hits.len() - before;
        if group.hits.is_empty() {
            self.groups[number].by_key.remove(&key);
        }
        for verdict in verdicts {
            hand_on(rules, node, &key, &verdict, pending, changes);
            match verdict {
                Verdict::Raised(raised) if node.alone => changes.raised.push(Alert::new(&node.rule, &key, &raised)),
                Verdict::Withdrawn(moment, _) if node.alone => {
                    changes.withdrawn.push(AlertKey::new(&node.rule, &key, &moment));
                }
                Verdict::Raised(_) | Verdict::Withdrawn(..) => {}
            }
        }
    }

    /// An event of time `newest` has been seen, of whatever kind. Moves the watermark and forgets what no event can
    /// concern any more. A time that cannot be, such as one years ahead, makes all that follows late: the caller holds
    /// it against a clock first.
    pub fn advance(&mut self, newest: Timestamp) {
        self.newest = Some(self.newest.map_or(newest.0, |known| known.max(newest.0)));
        let Some(watermark) = self.watermark() else { return };
        for (groups, node) in self.groups.iter_mut().zip(&self.rules.nodes) {
            // Now and then, so that an event costs the same however many groups there are.
            let pause_us = (node.rule.timespan_us / 8).max(1_000_000);
            if groups.swept.is_some_and(|swept| watermark.0 < swept.saturating_add(pause_us)) {
                continue;
            }
            groups.swept = Some(watermark.0);
            let oldest = watermark.0.saturating_sub(node.rule.timespan_us);
            let hits = &mut self.hits;
            groups.by_key.retain(|_, group| {
                *hits -= group.forget_before(oldest);
                !group.hits.is_empty()
            });
        }
    }

    /// Holds the bound over all groups.
    fn make_room(&mut self, changes: &mut Changes) {
        if self.hits <= self.settings.max_hits {
            return;
        }
        let mut by_age: Vec<(i64, usize, Key)> = Vec::new();
        for (number, groups) in self.groups.iter().enumerate() {
            let last = |group: &Group| group.hits.back().map_or(i64::MIN, |hit| hit.place.time);
            by_age.extend(groups.by_key.iter().map(|(key, group)| (last(group), number, Arc::clone(key))));
        }
        by_age.sort();
        let enough = self.settings.max_hits - self.settings.max_hits / 8;
        for (_, number, key) in by_age {
            if self.hits <= enough {
                return;
            }
            if let Some(group) = self.groups[number].by_key.remove(&key) {
                self.hits -= group.hits.len();
                changes.evicted_groups += 1;
                changes.evicted_hits += group.hits.len() as u64;
            }
        }
    }
}

/// A correlation that fires is an event to those above it; one that fires no more is taken from them.
fn hand_on(
    rules: &Correlations,
    node: &Node,
    key: &Key,
    verdict: &Verdict,
    pending: &mut Pending,
    changes: &mut Changes,
) {
    let (moment, was, now) = match verdict {
        Verdict::Raised(raised) => (&raised.moment, raised.was.as_ref(), Some(raised)),
        Verdict::Withdrawn(moment, was) => (moment, Some(was), None),
    };
    for (parent, slot) in &node.parents {
        let hit = |carried: &[Option<Arc<str>>], parts: Arc<[Part]>| {
            let place = Place { time: moment.0, event: Arc::clone(&moment.1), slot: *slot, via: Some(Arc::clone(key)) };
            let outputs: Vec<Option<Arc<str>>> = key.iter().chain(carried).cloned().collect();
            rules.nodes[*parent].hit(place, &outputs, parts)
        };
        let old = was.and_then(|was| hit(&was.carried, Arc::new([])));
        let new = now.and_then(|raised| hit(&raised.fired.carried, raised.parts.clone().into()));
        if now.is_some() && new.is_none() {
            changes.without_value += 1;
        }
        if let Some((group, old)) = old
            && new.as_ref().is_none_or(|(new_group, _)| *new_group != group)
        {
            pending[*parent].entry(group).or_default().push(Change::Take(old.place));
        }
        if let Some((group, new)) = new {
            pending[*parent].entry(group).or_default().push(Change::Put(new));
        }
    }
}
