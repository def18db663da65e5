//! What stands between a delivery and a write: limits on how many leave at once, and slowly, and on what may be believed
//! of when a delivery was made. Pure.

use std::collections::HashSet;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::FeedChange;
use super::delta::Delta;

/// A day begins at the date line before it begins anywhere else.
const DAY_US: i64 = 86_400_000_000;
/// So many people may move at once whatever their share.
const FEW_MOVERS: u64 = 10;
/// So many may leave within the window.
const FEW_LEAVERS: u64 = 3;

/// Limits of a feed. A *leaver* is who works today and would not by the delivery, now or within the horizon.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct Guards {
    /// Fewer records than this are not believed.
    pub records_min: u64,
    /// More people than this do not leave at once.
    pub leavers_max: u64,
    /// Nor a larger share of everybody.
    pub leavers_percent: f64,
    /// Nor a larger share of a unit that is at least as large as `unit_smallest`.
    pub unit_leavers_percent: f64,
    pub unit_smallest: u64,
    /// Nor more than this over so many days, delivery by delivery.
    pub window_days: i64,
    pub window_leavers_max: u64,
    /// Nor a larger share of those who worked when the window began; three people may.
    pub window_leavers_percent: f64,
    /// An end that a delivery sets, and that comes within so many days, counts today: then the clock alone carries it out,
    /// and nobody is asked.
    pub horizon_days: i64,
    /// A larger share of everybody does not move at once: unit, job, station or manager of many are seldom changed in a day,
    /// and often by a column that slipped. Ten people may.
    pub movers_percent: f64,
    /// A larger share of records that cannot be used spoils the whole delivery; one alone does not.
    pub bad_percent: f64,
    /// Deliveries of which nothing says that they are whole are believed all the same, but for who is missing in them.
    pub believe_unmarked: bool,
}

impl Default for Guards {
    fn default() -> Guards {
        Guards {
            records_min: 1,
            leavers_max: 50,
            leavers_percent: 5.0,
            unit_leavers_percent: 30.0,
            unit_smallest: 10,
            window_days: 14,
            window_leavers_max: 150,
            window_leavers_percent: 15.0,
            horizon_days: 90,
            movers_percent: 30.0,
            bad_percent: 2.0,
            believe_unmarked: false,
        }
    }
}

/// What a delivery says of itself.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Told {
    pub records: u64,
    /// Something says that nothing is missing.
    pub is_whole: bool,
    pub snapshot: Option<Timestamp>,
}

/// What earlier deliveries did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// The latest of which a delivery that was applied tells.
    pub snapshot: Option<Timestamp>,
    /// Who left within the window.
    pub window_leavers: u64,
    /// When the same bytes were applied, if others were applied since.
    pub repeats: Option<Timestamp>,
}

/// What becomes of a delivery.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Verdict {
    Apply,
    /// A person has to look first.
    Hold(Vec<String>),
    /// Nothing of it can be used.
    Reject(Vec<String>),
}

/// Decides on a delivery that could be read.
pub fn guard(guards: &Guards, delta: &Delta, told: &Told, past: &Past, now: Timestamp) -> Verdict {
    let mut reject = Vec::new();
    if let Some(snapshot) = told.snapshot.filter(|snapshot| *snapshot > now.plus_micros(DAY_US)) {
        reject.push(format!("it tells of {snapshot}, which is yet to come: the source's clock is wrong, or its date"));
    }
    if let (Some(told), Some(applied)) = (told.snapshot, past.snapshot)
        && told < applied
    {
        reject.push(format!("it tells of {told}; what was applied last tells of {applied}"));
    }
    let bad = delta.quarantine.iter().filter(|one| one.suspicion == super::Suspicion::Bad).count() as u64;
    if told.records < guards.records_min {
        reject.push(format!("it has {} records; fewer than {} are not believed", told.records, guards.records_min));
    }
    if bad > 1 && share(bad, told.records) > guards.bad_percent {
        let (records, limit) = (told.records, guards.bad_percent);
        reject.push(format!("{bad} of {records} records cannot be used; the limit is {limit} %"));
    }
    if !reject.is_empty() {
        return Verdict::Reject(reject);
    }
    let mut hold = leaving(guards, delta, past);
    hold.extend(moving(guards, delta));
    hold.extend(repeated(told, past));
    hold.extend(missing(guards, delta, told.is_whole));
    if hold.is_empty() { Verdict::Apply } else { Verdict::Hold(hold) }
}

fn leaving(guards: &Guards, delta: &Delta, past: &Past) -> Vec<String> {
    let mut hold = Vec::new();
    let (leavers, live) = (delta.leavers.people, delta.live.people);
    let (lose, how) = (lose(guards), how(delta));
    if leavers > guards.leavers_max {
        hold.push(format!("{leavers} people {lose}{how}; the limit is {}", guards.leavers_max));
    }
    // One of three is a third, and yet one person.
    if leavers > 1 && share(leavers, live) > guards.leavers_percent {
        hold.push(format!("{leavers} of {live} people {lose}{how}; the limit is {} %", guards.leavers_percent));
    }
    for (unit, leaving) in &delta.leavers.by_unit {
        let of_unit = delta.live.by_unit.get(unit).copied().unwrap_or(0);
        if of_unit >= guards.unit_smallest && share(*leaving, of_unit) > guards.unit_leavers_percent {
            let named = if unit.is_empty() { "no unit" } else { unit };
            let limit = guards.unit_leavers_percent;
            hold.push(format!("{leaving} of {of_unit} people of {named} {lose}; the limit is {limit} %"));
        }
    }
    let window = past.window_leavers + leavers;
    if leavers > 0 && window > guards.window_leavers_max {
        hold.push(format!(
            "{window} people would have left within {} days; the limit is {}",
            guards.window_days, guards.window_leavers_max
        ));
    }
    let worked = live + past.window_leavers;
    if leavers > 0 && window > FEW_LEAVERS && share(window, worked) > guards.window_leavers_percent {
        let (days, limit) = (guards.window_days, guards.window_leavers_percent);
        hold.push(format!("{window} of {worked} people would have left within {days} days; the limit is {limit} %"));
    }
    hold
}

fn moving(guards: &Guards, delta: &Delta) -> Option<String> {
    let moves = delta.changes.iter().filter(|change| change.kind == FeedChange::Move);
    let movers = moves.map(|change| change.person).collect::<HashSet<_>>().len() as u64;
    let (live, limit) = (delta.live.people, guards.movers_percent);
    let is_many = movers > FEW_MOVERS && share(movers, live) > limit;
    is_many.then(|| format!("{movers} of {live} people would move at once; the limit is {limit} %"))
}

fn lose(guards: &Guards) -> String {
    format!("would leave, at once or within {} days", guards.horizon_days)
}

/// By which changes they leave, as far as it is not by an end alone.
fn how(delta: &Delta) -> String {
    let told = |kind: &FeedChange| {
        let by = delta.changes.iter().filter(|change| change.leaver && change.kind == *kind).count();
        (by > 0).then(|| format!("{kind} {by}"))
    };
    let ways: Vec<String> = FeedChange::ALL.iter().filter_map(told).collect();
    if ways.is_empty() { String::new() } else { format!(" ({})", ways.join(", ")) }
}

fn repeated(told: &Told, past: &Past) -> Option<String> {
    let is_newer = told.snapshot.is_some_and(|told| past.snapshot.is_none_or(|applied| told > applied));
    let since = past.repeats.filter(|_| !is_newer)?;
    Some(format!(
        "it is byte for byte what was applied on {since}, and others were applied since: an old file was sent again, or \
         everything since is taken back"
    ))
}

fn missing(guards: &Guards, delta: &Delta, is_whole: bool) -> Vec<String> {
    let mut hold = Vec::new();
    let absent = delta.count(&[FeedChange::Absent]);
    if absent > 0 && delta.nameless > 0 {
        hold.push(format!(
            "{} records do not say whose they are, so that which of {absent} contracts are missing is not known",
            delta.nameless
        ));
    }
    if absent > 0 && !is_whole {
        hold.push(format!(
            "{absent} contracts are not in it, and neither a count nor a checksum says that it is whole"
        ));
    } else if !is_whole && !guards.believe_unmarked && !delta.changes.is_empty() {
        hold.push(
            "neither a count nor a checksum says that it is whole: send one, or look at what it changes".to_owned(),
        );
    }
    hold
}

#[expect(clippy::cast_precision_loss, reason = "a share in percent")]
fn share(part: u64, whole: u64) -> f64 {
    if whole == 0 { 0.0 } else { part as f64 * 100.0 / whole as f64 }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::feed::Headcount;

    const NOW: Timestamp = Timestamp(1_796_040_000_000_000);
    const WHOLE: Told = Told { records: 100, is_whole: true, snapshot: None };

    fn check_verdict(delta: &Delta, told: &Told, past: &Past, stopped_because: Option<&str>) {
        match (guard(&Guards::default(), delta, told, past, NOW), stopped_because) {
            (Verdict::Apply, None) => {}
            (Verdict::Hold(reasons) | Verdict::Reject(reasons), Some(word)) => {
                assert!(reasons.iter().any(|reason| reason.contains(word)), "{word} not in {reasons:?}");
            }
            (other, _) => panic!("{other:?}, not {stopped_because:?}"),
        }
    }

    fn check(live: &[(&str, u64)], leaving: &[(&str, u64)], before: u64, held_because: Option<&str>) {
        let count = |list: &[(&str, u64)]| Headcount {
            people: list.iter().map(|(_, count)| count).sum(),
            by_unit: list.iter().map(|(unit, count)| ((*unit).to_owned(), *count)).collect(),
        };
        let delta = Delta { live: count(live), leavers: count(leaving), ..Delta::default() };
        check_verdict(&delta, &WHOLE, &Past { window_leavers: before, ..Past::default() }, held_because);
    }

    #[test]
    fn each_limit_holds_a_delivery() {
        check(&[("FIN", 2000)], &[("FIN", 50)], 0, None);
        check(&[("FIN", 2000)], &[("FIN", 51)], 0, Some("limit is 50"));
        check(&[("FIN", 100), ("LOG", 100)], &[("FIN", 11)], 0, Some("limit is 5 %"));
        check(&[("FIN", 10), ("LOG", 300)], &[("FIN", 4)], 0, Some("people of FIN"));
        check(&[("FIN", 3), ("LOG", 300)], &[("FIN", 3)], 0, None);
        check(&[("FIN", 2000)], &[("FIN", 10)], 145, Some("within 14 days"));
        check(&[("FIN", 2)], &[("FIN", 1)], 0, None);
        // A small office bleeds one by one.
        check(&[("OPS", 14)], &[("OPS", 1)], 2, None);
        check(&[("OPS", 13)], &[("OPS", 1)], 3, Some("4 of 16 people would have left within 14 days"));
        check(&[("OPS", 13)], &[], 3, None);
    }

    #[test]
    fn a_delivery_is_of_its_day() {
        let hours = |hours: i64| NOW.plus_micros(hours * 3_600_000_000);
        let check = |told: Option<i64>, applied: Option<i64>, repeats: Option<i64>, word: Option<&str>| {
            let told = Told { snapshot: told.map(hours), ..WHOLE };
            let past = Past { snapshot: applied.map(hours), repeats: repeats.map(hours), window_leavers: 0 };
            check_verdict(&Delta::default(), &told, &past, word);
        };
        check(Some(-12), Some(-36), None, None);
        check(Some(-36), Some(-12), None, Some("what was applied last"));
        // Tomorrow has begun at the date line; the day after has not.
        check(Some(23), None, None, None);
        check(Some(25), None, None, Some("yet to come"));
        check(None, None, Some(-48), Some("byte for byte"));
        check(Some(-12), Some(-12), Some(-48), Some("byte for byte"));
        check(Some(-12), Some(-36), Some(-48), None);
    }
}
