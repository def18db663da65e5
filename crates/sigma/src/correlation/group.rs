//! The events of one group of one correlation, in order, and at which of them it fires.
//!
//! Events may come in any order: what a late one changes is computed again, from its time on.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;

use kernel::Timestamp;

use super::window::Fold;
use super::{Correlation, Part};

/// The values of the `group-by` fields.
pub(super) type Key = Arc<[Option<Arc<str>>]>;

/// Events that an alert names; further ones are counted.
const NAMED: usize = 100;

/// Where a hit stands among those of its group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Place {
    /// Microseconds since 1970.
    pub time: i64,
    pub event: Arc<str>,
    /// The number of the rule within the correlation.
    pub slot: u16,
    /// The group of the correlation that fired; `None` for a rule.
    pub via: Option<Key>,
}

/// A rule of the correlation, or a correlation below it, fired.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Hit {
    pub place: Place,
    pub value: Value,
    /// What correlations above want to know besides the group.
    pub carried: Arc<[Option<Arc<str>>]>,
    /// The events of the correlation that fired; none for a rule.
    pub parts: Arc<[Part]>,
    /// Whether it counts as an event; the second rule that matches the same event does not. Follows from its
    /// neighbours.
    pub counted: bool,
}

#[derive(Debug, Clone, PartialEq)]
pub(super) enum Value {
    None,
    Text(Arc<str>),
    Number(f64),
}

/// An event: the condition is asked once at each.
pub(super) type Moment = (i64, Arc<str>);

/// The condition held.
#[derive(Debug, Clone, PartialEq)]
pub(super) struct Fired {
    pub value: f64,
    /// It held at the event before, too, which is in the same window.
    pub continues: bool,
    /// What correlations above know of it besides the group.
    pub carried: Arc<[Option<Arc<str>>]>,
}

/// A hit comes, or the correlation below that made it has been taken back.
#[derive(Debug)]
pub(super) enum Change {
    Put(Hit),
    Take(Place),
}

impl Change {
    pub fn place(&self) -> &Place {
        match self {
            Change::Put(hit) => &hit.place,
            Change::Take(place) => place,
        }
    }
}

/// What the changes made of a moment.
pub(super) enum Verdict {
    Raised(Raised),
    /// It fired like this, and does not any more.
    Withdrawn(Moment, Fired),
}

/// The correlation fires at this moment, and did not, or not like this, before.
pub(super) struct Raised {
    pub moment: Moment,
    pub fired: Fired,
    pub was: Option<Fired>,
    /// Earliest first; those beyond [`NAMED`] are left out, from the earliest on.
    pub parts: Vec<Part>,
    /// Hits in the window.
    pub hits: u64,
    /// Which rules occur in the window, where the condition asks for that.
    pub occurred: Vec<bool>,
}

#[derive(Debug, Default)]
pub(super) struct Group {
    pub hits: VecDeque<Hit>,
    pub fired: BTreeMap<Moment, Fired>,
    /// The window at the last hit; made again when it is needed and not there.
    window: Option<Window>,
}

#[derive(Debug)]
struct Window {
    /// The place in `hits` of the earliest.
    start: usize,
    fold: Fold,
}

impl Hit {
    fn moment(&self) -> Moment {
        (self.place.time, Arc::clone(&self.place.event))
    }

    fn is_at(&self, moment: &Moment) -> bool {
        self.place.time == moment.0 && self.place.event == moment.1
    }
}

impl Group {
    /// The group as it was kept.
    pub fn restored(hits: VecDeque<Hit>, fired: BTreeMap<Moment, Fired>) -> Group {
        Group { hits, fired, window: None }
    }

    /// Takes changes in and says what they made of moments.
    pub fn apply(&mut self, rule: &Correlation, mut changes: Vec<Change>) -> Vec<Verdict> {
        changes.retain(|change| match (self.find(change.place()), change) {
            // The same again: a replay.
            (Ok(at), Change::Put(hit)) => !same(&self.hits[at], hit),
            (Err(_), Change::Take(_)) => false,
            (Ok(_), Change::Take(_)) | (Err(_), Change::Put(_)) => true,
        });
        changes.sort_by(|one, other| one.place().cmp(other.place()));
        changes.dedup_by(|later, earlier| later.place() == earlier.place());
        let (Some(first), Some(last)) = (changes.first(), changes.last()) else { return Vec::new() };
        let from: Moment = (first.place().time, Arc::clone(&first.place().event));
        let last_changed = last.place().time;
        let appends = self.hits.back().is_none_or(|back| back.moment() < from);
        let begin = if appends {
            let begin = self.hits.len();
            self.hits.extend(changes.into_iter().filter_map(|change| match change {
                Change::Put(hit) => Some(hit),
                Change::Take(_) => None,
            }));
            begin
        } else {
            self.window = None;
            self.splice(changes);
            self.hits.partition_point(|hit| hit.moment() < from)
        };
        let window = self.window.take().unwrap_or_else(|| self.window_before(rule, begin, from.0));
        self.walk(rule, window, begin, &from, last_changed)
    }

    fn find(&self, place: &Place) -> Result<usize, usize> {
        self.hits.binary_search_by(|hit| hit.place.cmp(place))
    }

    fn splice(&mut self, changes: Vec<Change>) {
        let mut new = Vec::new();
        for change in changes {
            match (self.find(change.place()), change) {
                (Ok(at), Change::Put(hit)) => self.hits[at] = hit,
                (Ok(at), Change::Take(_)) => drop(self.hits.remove(at)),
                (Err(_), Change::Put(hit)) => new.push(hit),
                (Err(_), Change::Take(_)) => {}
            }
        }
        if !new.is_empty() {
            self.hits.extend(new);
            // Two sorted runs: the sort merges them.
            self.hits.make_contiguous().sort_by(|one, other| one.place.cmp(&other.place));
        }
    }

    /// The window as it stands before the hit in place `begin`, which is of time `time`.
    fn window_before(&self, rule: &Correlation, begin: usize, time: i64) -> Window {
        let oldest = time.saturating_sub(rule.timespan_us);
        let start = self.hits.partition_point(|hit| hit.place.time < oldest);
        let mut fold = Fold::new(&rule.test, rule.rules.len());
        self.hits.range(start..begin).for_each(|hit| fold.add(hit));
        Window { start, fold }
    }

    /// Asks the condition at each moment from place `begin` on. Up to a timespan after `last_changed` the events in
    /// the window are others than before.
    fn walk(
        &mut self,
        rule: &Correlation,
        mut window: Window,
        begin: usize,
        from: &Moment,
        last_changed: i64,
    ) -> Vec<Verdict> {
        let mut verdicts = Vec::new();
        let mut before = self.fired.split_off(from);
        let mut at = begin;
        while let Some(first) = self.hits.get(at) {
            let moment = first.moment();
            let end = at + self.hits.range(at..).take_while(|hit| hit.is_at(&moment)).count();
            let oldest = moment.0.saturating_sub(rule.timespan_us);
            while window.start < at && self.hits[window.start].place.time < oldest {
                window.fold.remove(&self.hits[window.start]);
                window.start += 1;
            }
            self.take_run(&mut window.fold, at, end);
            let fired = window.fold.ask(&rule.test).map(|value| Fired {
                value,
                continues: at > 0
                    && self.hits[at - 1].place.time >= oldest
                    && self.fired.contains_key(&self.hits[at - 1].moment()),
                carried: Arc::clone(&self.hits[end - 1].carried),
            });
            let was = before.remove(&moment);
            match (fired, was) {
                (Some(fired), was) => {
                    self.fired.insert(moment.clone(), fired.clone());
                    if was.as_ref() != Some(&fired) || moment.0 <= last_changed.saturating_add(rule.timespan_us) {
                        // A run would otherwise name each of its events over and over.
                        let named = if fired.continues { at } else { window.start };
                        verdicts.push(Verdict::Raised(Raised {
                            parts: self.parts(rule, named, end),
                            hits: (end - window.start) as u64,
                            occurred: window.fold.occurred(),
                            moment,
                            fired,
                            was,
                        }));
                    }
                }
                (None, Some(was)) => verdicts.push(Verdict::Withdrawn(moment, was)),
                (None, None) => {}
            }
            at = end;
        }
        self.window = Some(window);
        // Moments whose last hit was taken.
        verdicts.extend(before.into_iter().map(|(moment, was)| Verdict::Withdrawn(moment, was)));
        verdicts
    }

    /// Adds the hits of one event, of which one counts for all rules; a correlation that fired counts for itself.
    fn take_run(&mut self, fold: &mut Fold, at: usize, end: usize) {
        let mut counted = false;
        for hit in self.hits.range_mut(at..end) {
            hit.counted = hit.place.via.is_some() || !std::mem::replace(&mut counted, true);
            fold.add(hit);
        }
    }

    /// The events of the hits in these places, the latest [`NAMED`] of them.
    fn parts(&self, rule: &Correlation, start: usize, end: usize) -> Vec<Part> {
        let mut parts: Vec<Part> = Vec::new();
        for hit in self.hits.range(start..end).rev() {
            let room = NAMED - parts.len();
            if hit.parts.is_empty() && room > 0 {
                parts.push(Part {
                    time: Timestamp(hit.place.time),
                    event: hit.place.event.to_string(),
                    rule: rule.rules[hit.place.slot as usize].name.clone(),
                });
            }
            parts.extend(hit.parts.iter().rev().take(room).cloned());
            if parts.len() == NAMED {
                break;
            }
        }
        parts.reverse();
        parts
    }

    /// Forgets the hits before `time`.
    pub fn forget_before(&mut self, time: i64) -> usize {
        let count = self.hits.partition_point(|hit| hit.place.time < time);
        self.forget(count)
    }

    /// Forgets the earliest hits.
    pub fn forget(&mut self, count: usize) -> usize {
        let count = count.min(self.hits.len());
        for _ in 0..count {
            let Some(hit) = self.hits.pop_front() else { break };
            if let Some(window) = &mut self.window {
                match window.start.checked_sub(1) {
                    Some(start) => window.start = start,
                    None => window.fold.remove(&hit),
                }
            }
        }
        match self.hits.front() {
            Some(first) => self.fired = self.fired.split_off(&first.moment()),
            None => self.fired.clear(),
        }
        count
    }
}

/// Whether two hits of one place say the same.
fn same(one: &Hit, other: &Hit) -> bool {
    one.value == other.value && one.carried == other.carried && one.parts == other.parts
}
