//! What stands between a delivery and a write: limits on how many leave at once, and slowly. Pure.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::delta::Delta;

/// Limits of a feed.
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
    /// A larger share of records that cannot be used spoils the whole delivery.
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
            bad_percent: 2.0,
            believe_unmarked: false,
        }
    }
}

/// What earlier deliveries did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Past {
    /// Of the latest delivery that was applied.
    pub snapshot: Option<Timestamp>,
    /// Who left within the window.
    pub window_leavers: u64,
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

/// Decides on a delivery that could be read. `is_whole`: something says that nothing is missing.
pub fn guard(
    guards: &Guards,
    delta: &Delta,
    records: u64,
    is_whole: bool,
    snapshot: Option<Timestamp>,
    past: &Past,
) -> Verdict {
    let mut reject = Vec::new();
    if let (Some(told), Some(applied)) = (snapshot, past.snapshot)
        && told < applied
    {
        reject.push(format!("it tells of {told}; what was applied last tells of {applied}"));
    }
    let bad = delta.quarantine.iter().filter(|one| one.suspicion == super::Suspicion::Bad).count() as u64;
    if records < guards.records_min {
        reject.push(format!("it has {records} records; fewer than {} are not believed", guards.records_min));
    }
    if share(bad, records) > guards.bad_percent {
        reject.push(format!("{bad} of {records} records cannot be used; the limit is {} %", guards.bad_percent));
    }
    if !reject.is_empty() {
        return Verdict::Reject(reject);
    }
    let hold = objections(guards, delta, is_whole, past);
    if hold.is_empty() { Verdict::Apply } else { Verdict::Hold(hold) }
}

fn objections(guards: &Guards, delta: &Delta, is_whole: bool, past: &Past) -> Vec<String> {
    let mut hold = Vec::new();
    let (leavers, live) = (delta.leavers(), delta.live());
    if leavers > guards.leavers_max {
        hold.push(format!("{leavers} people would leave at once; the limit is {}", guards.leavers_max));
    }
    // One of three is a third, and yet one person.
    if leavers > 1 && share(leavers, live) > guards.leavers_percent {
        hold.push(format!("{leavers} of {live} people would leave at once; the limit is {} %", guards.leavers_percent));
    }
    for (unit, leaving) in &delta.leavers_by_unit {
        let of_unit = delta.live_by_unit.get(unit).copied().unwrap_or(0);
        if of_unit >= guards.unit_smallest && share(*leaving, of_unit) > guards.unit_leavers_percent {
            let named = if unit.is_empty() { "no unit" } else { unit };
            hold.push(format!(
                "{leaving} of {of_unit} people of {named} would leave at once; the limit is {} %",
                guards.unit_leavers_percent
            ));
        }
    }
    let window = past.window_leavers + leavers;
    if leavers > 0 && window > guards.window_leavers_max {
        hold.push(format!(
            "{window} people would have left within {} days; the limit is {}",
            guards.window_days, guards.window_leavers_max
        ));
    }
    let absent = delta.count(&[super::FeedChange::Absent]);
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
    use std::collections::BTreeMap;

    use super::*;

    fn check(live: &[(&str, u64)], leaving: &[(&str, u64)], before: u64, held_because: Option<&str>) {
        let units = |list: &[(&str, u64)]| -> BTreeMap<String, u64> {
            list.iter().map(|(unit, count)| ((*unit).to_owned(), *count)).collect()
        };
        let delta = Delta { live_by_unit: units(live), leavers_by_unit: units(leaving), ..Delta::default() };
        let past = Past { snapshot: None, window_leavers: before };
        match (guard(&Guards::default(), &delta, 100, true, None, &past), held_because) {
            (Verdict::Apply, None) => {}
            (Verdict::Hold(reasons), Some(word)) => {
                assert!(reasons.iter().any(|reason| reason.contains(word)), "{word} not in {reasons:?}");
            }
            (other, _) => panic!("{other:?} for {live:?} {leaving:?}"),
        }
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
    }
}
