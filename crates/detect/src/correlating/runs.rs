//! Runs: a correlation fires at each event at which its condition holds; those that continue one another are one alert.
//!
//! A run is named by the moment that begins it. Late events can begin a run earlier, join two or undo one; what is told
//! of a group is always what its moments say now, so the order of arrival does not matter.

use std::collections::BTreeMap;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};
use sigma::correlation::{Alert, AlertKey, Changes, Part};

use crate::alert::KEPT_EVENTS;

/// Moments of one group that can still change; when there are more, the earliest are settled before their time.
const MOST_OPEN: usize = 2_000;

/// The first moment of a run.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Head {
    pub correlation: String,
    pub group: Vec<Option<String>>,
    pub time: Timestamp,
    /// `_ItemId` of the event at which it fired.
    pub event: String,
}

/// Moments that are one alert.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Run {
    pub head: Head,
    /// Why it fired first, in words.
    pub reason: String,
    /// The count, or the number computed, when it fired first.
    pub value: f64,
    /// The first events.
    pub parts: Vec<Part>,
    /// All events.
    pub count: u64,
    /// Time of the last moment.
    pub until: Timestamp,
}

/// What is to be told.
#[derive(Debug, Clone, PartialEq)]
pub(super) enum RunChange {
    Holds(Run),
    Withdrawn(Head),
}

/// One event at which the condition held.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
struct Moment {
    continues: bool,
    value: f64,
    reason: String,
    parts: Vec<Part>,
    hits: u64,
}

type GroupKey = (String, Vec<Option<String>>);
type Instant = (Timestamp, String);

/// The runs of all groups that can still change or grow.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Runs {
    #[serde(with = "crate::as_list")]
    groups: BTreeMap<GroupKey, Group>,
}

#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
struct Group {
    /// The run that the last settled moment belongs to.
    settled: Option<Run>,
    #[serde(with = "crate::as_list")]
    open: BTreeMap<Instant, Moment>,
    /// The runs that were told, as they were told, from the settled one on.
    told: Vec<Run>,
}

impl Head {
    /// What the id of the alert is made of.
    pub(super) fn identity(&self) -> Vec<String> {
        let group = self.group.iter().map(|value| format!("{value:?}")).collect::<Vec<_>>().join("|");
        vec!["correlation".to_owned(), self.correlation.clone(), group, self.time.to_string(), self.event.clone()]
    }
}

impl Runs {
    /// Takes in what changed; tells what that makes of the runs. Moments before `watermark` are settled; no correlation
    /// looks further back than `timespan_us`.
    pub(super) fn take(&mut self, changes: Changes, watermark: Option<Timestamp>, timespan_us: i64) -> Vec<RunChange> {
        let mut touched: BTreeMap<GroupKey, Vec<(Instant, Option<Moment>)>> = BTreeMap::new();
        let mut note = |key: AlertKey, moment: Option<Moment>| {
            touched.entry((key.correlation, key.group)).or_default().push(((key.time, key.event), moment));
        };
        changes.withdrawn.into_iter().for_each(|key| note(key, None));
        changes.raised.into_iter().for_each(|alert| note(alert.key.clone(), Some(Moment::of(alert))));
        let mut told = Vec::new();
        for (key, moments) in touched {
            let group = self.groups.entry(key.clone()).or_default();
            for (instant, moment) in moments {
                match moment {
                    Some(moment) => drop(group.open.insert(instant, moment)),
                    None => drop(group.open.remove(&instant)),
                }
            }
            group.tell(&key, &mut told);
            group.settle(&key, watermark);
        }
        if let Some(watermark) = watermark {
            self.groups.retain(|_, group| !group.is_over(watermark.plus_micros(-timespan_us)));
        }
        told
    }

    /// The correlation begins anew.
    pub(super) fn forget(&mut self, correlation: &str) {
        self.groups.retain(|(of, _), _| of != correlation);
    }
}

impl Group {
    /// Tells the difference between what the moments say and what was told.
    fn tell(&mut self, key: &GroupKey, out: &mut Vec<RunChange>) {
        let runs = self.runs(key);
        for gone in self.told.iter().filter(|told| runs.iter().all(|run| run.head != told.head)) {
            out.push(RunChange::Withdrawn(gone.head.clone()));
        }
        for run in runs.iter().filter(|run| !self.told.contains(run)) {
            out.push(RunChange::Holds(run.clone()));
        }
        self.told = runs;
    }

    /// The runs from the settled one on.
    fn runs(&self, key: &GroupKey) -> Vec<Run> {
        let mut runs: Vec<Run> = self.settled.iter().cloned().collect();
        for (instant, moment) in &self.open {
            add(&mut runs, key, instant, moment);
        }
        runs
    }

    /// Moments that cannot change any more become part of the settled run; runs before that one are over.
    fn settle(&mut self, key: &GroupKey, watermark: Option<Timestamp>) {
        let excess = self.open.len().saturating_sub(MOST_OPEN);
        let past = watermark.map_or(0, |watermark| self.open.keys().take_while(|(time, _)| *time < watermark).count());
        let mut runs: Vec<Run> = self.settled.take().into_iter().collect();
        for _ in 0..excess.max(past) {
            let Some((instant, moment)) = self.open.pop_first() else { break };
            add(&mut runs, key, &instant, &moment);
        }
        self.settled = runs.pop();
        self.told.retain(|told| runs.iter().all(|run| run.head != told.head));
    }

    /// Nothing is open, and what is settled ended before `time`, so that no later moment continues it.
    fn is_over(&self, time: Timestamp) -> bool {
        self.open.is_empty() && self.settled.as_ref().is_none_or(|run| run.until < time)
    }
}

fn add(runs: &mut Vec<Run>, key: &GroupKey, instant: &Instant, moment: &Moment) {
    match runs.last_mut() {
        Some(run) if moment.continues => run.add(instant, moment),
        _ => runs.push(Run::begin(key, instant, moment)),
    }
}

impl Run {
    fn begin((correlation, group): &GroupKey, (time, event): &Instant, moment: &Moment) -> Run {
        Run {
            head: Head { correlation: correlation.clone(), group: group.clone(), time: *time, event: event.clone() },
            reason: moment.reason.clone(),
            value: moment.value,
            parts: moment.parts.iter().take(KEPT_EVENTS).cloned().collect(),
            // A hit of a correlation stands for several events.
            count: moment.hits.max(moment.parts.len() as u64),
            until: *time,
        }
    }

    fn add(&mut self, (time, _): &Instant, moment: &Moment) {
        let room = KEPT_EVENTS.saturating_sub(self.parts.len());
        self.parts.extend(moment.parts.iter().take(room).cloned());
        self.count += moment.parts.len() as u64;
        self.until = *time;
    }
}

impl Moment {
    fn of(alert: Alert) -> Moment {
        let Alert { value, continues, parts, hits, reason, .. } = alert;
        Moment { continues, value, reason, parts, hits }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn alert(second: i64, continues: bool) -> Alert {
        let (time, event) = (Timestamp(second * 1_000_000), format!("e{second}"));
        Alert {
            key: AlertKey { time, event: event.clone(), correlation: "c".into(), group: vec![Some("amina".into())] },
            value: 5.0,
            continues,
            parts: vec![Part { time, event, rule: "failed".into() }],
            hits: if continues { 6 } else { 5 },
            group: vec![],
            reason: "5 events".into(),
        }
    }

    fn raised(alerts: &[(i64, bool)]) -> Changes {
        Changes { raised: alerts.iter().map(|(at, continues)| alert(*at, *continues)).collect(), ..Changes::default() }
    }

    /// Heads and counts of what holds after all changes.
    fn standing(told: Vec<RunChange>, into: &mut BTreeMap<i64, u64>) {
        for change in told {
            match change {
                RunChange::Holds(run) => drop(into.insert(run.head.time.micros() / 1_000_000, run.count)),
                RunChange::Withdrawn(head) => drop(into.remove(&(head.time.micros() / 1_000_000))),
            }
        }
    }

    #[test]
    fn a_late_event_joins_two_runs() {
        let (mut runs, mut now) = (Runs::default(), BTreeMap::new());
        standing(runs.take(raised(&[(10, false), (11, true), (50, false), (51, true)]), None, 60_000_000), &mut now);
        assert_eq!(now, BTreeMap::from([(10, 6), (50, 6)]));
        standing(runs.take(raised(&[(30, true), (50, true)]), None, 60_000_000), &mut now);
        assert_eq!(now, BTreeMap::from([(10, 9)]));
    }

    #[test]
    fn what_is_undone_is_withdrawn_and_settled_runs_go_on() {
        let (mut runs, mut now) = (Runs::default(), BTreeMap::new());
        standing(runs.take(raised(&[(10, false)]), None, 60_000_000), &mut now);
        let undone = Changes { withdrawn: vec![alert(10, false).key], ..Changes::default() };
        standing(runs.take(undone, None, 60_000_000), &mut now);
        assert!(now.is_empty());
        standing(runs.take(raised(&[(20, false), (21, true)]), Some(Timestamp(30_000_000)), 60_000_000), &mut now);
        standing(runs.take(raised(&[(22, true)]), Some(Timestamp(30_000_000)), 60_000_000), &mut now);
        assert_eq!(now, BTreeMap::from([(20, 7)]));
    }

    #[test]
    fn a_saved_state_goes_on_as_if_nothing_had_happened() {
        let mut runs = Runs::default();
        runs.take(raised(&[(10, false), (11, true)]), Some(Timestamp(11_000_000)), 60_000_000);
        let text = serde_json::to_string(&runs).unwrap();
        let mut again: Runs = serde_json::from_str(&text).unwrap();
        assert_eq!(
            again.take(raised(&[(12, true)]), None, 60_000_000),
            runs.take(raised(&[(12, true)]), None, 60_000_000)
        );
    }
}
