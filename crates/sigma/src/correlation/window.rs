//! What the events of a window are together, kept up to date as events come and go.

use std::collections::VecDeque;
use std::sync::Arc;

use hashbrown::HashMap;

use super::group::{Hit, Value};
use super::{Metric, Occurrence, Together};

/// The running result over a window. Adding and removing cost the same however many events the window holds, but for
/// median and percentile, which move memory.
#[derive(Debug)]
pub(super) enum Fold {
    Count(u64),
    /// How often each value occurs.
    Distinct(HashMap<Arc<str>, u32>),
    /// How often each rule occurs.
    Occurred(Vec<u32>),
    /// When each rule occurred.
    Times(Vec<VecDeque<i64>>),
    Sum(ExactSum, u64),
    Sorted(Vec<f64>),
}

impl Fold {
    /// Of an empty window of a correlation of so many rules.
    pub fn new(test: &Together, rules: usize) -> Fold {
        match test {
            Together::EventCount(_) => Fold::Count(0),
            Together::ValueCount { .. } => Fold::Distinct(HashMap::new()),
            Together::Temporal { ordered: false, .. } => Fold::Occurred(vec![0; rules]),
            Together::Temporal { ordered: true, .. } => Fold::Times(vec![VecDeque::new(); rules]),
            Together::Metric { metric: Metric::Sum | Metric::Average, .. } => Fold::Sum(ExactSum::default(), 0),
            Together::Metric { metric: Metric::Median | Metric::Percentile(_), .. } => Fold::Sorted(Vec::new()),
        }
    }

    /// An event comes, later than those before.
    pub fn add(&mut self, hit: &Hit) {
        let slot = hit.place.slot as usize;
        match (self, &hit.value) {
            (Fold::Count(count), _) => *count += u64::from(hit.counted),
            (Fold::Occurred(counts), _) => counts[slot] += 1,
            (Fold::Times(times), _) => times[slot].push_back(hit.place.time),
            (Fold::Distinct(values), Value::Text(text)) => *values.entry_ref(text).or_insert(0) += 1,
            (Fold::Sum(sum, count), Value::Number(number)) if hit.counted => {
                sum.add(*number);
                *count += 1;
            }
            (Fold::Sorted(sorted), Value::Number(number)) if hit.counted => {
                let at = sorted.partition_point(|one| one.total_cmp(number).is_lt());
                sorted.insert(at, *number);
            }
            (Fold::Distinct(_) | Fold::Sum(..) | Fold::Sorted(_), _) => {}
        }
    }

    /// The earliest event goes.
    pub fn remove(&mut self, hit: &Hit) {
        let slot = hit.place.slot as usize;
        match (self, &hit.value) {
            (Fold::Count(count), _) => *count -= u64::from(hit.counted),
            (Fold::Occurred(counts), _) => counts[slot] -= 1,
            (Fold::Times(times), _) => drop(times[slot].pop_front()),
            (Fold::Distinct(values), Value::Text(text)) => {
                if let Some(count) = values.get_mut(text) {
                    *count -= 1;
                    if *count == 0 {
                        values.remove(text);
                    }
                }
            }
            (Fold::Sum(sum, count), Value::Number(number)) if hit.counted => {
                sum.add(-number);
                *count -= 1;
            }
            (Fold::Sorted(sorted), Value::Number(number)) if hit.counted => {
                let at = sorted.partition_point(|one| one.total_cmp(number).is_lt());
                sorted.remove(at);
            }
            (Fold::Distinct(_) | Fold::Sum(..) | Fold::Sorted(_), _) => {}
        }
    }

    /// Which rules occur, where the condition asks for that.
    pub fn occurred(&self) -> Vec<bool> {
        match self {
            Fold::Occurred(counts) => counts.iter().map(|count| *count > 0).collect(),
            Fold::Times(times) => times.iter().map(|times| !times.is_empty()).collect(),
            Fold::Count(_) | Fold::Distinct(_) | Fold::Sum(..) | Fold::Sorted(_) => Vec::new(),
        }
    }

    /// The value over the window, when `test` holds for it.
    pub fn ask(&self, test: &Together) -> Option<f64> {
        let (value, range) = match (self, test) {
            (Fold::Count(count), Together::EventCount(range)) => (*count as f64, range),
            (Fold::Distinct(values), Together::ValueCount { range, .. }) => (values.len() as f64, range),
            (Fold::Occurred(counts), Together::Temporal { condition, .. }) => {
                return occurs(condition, counts.len(), &|slot| counts[slot] > 0);
            }
            (Fold::Times(times), Together::Temporal { condition, .. }) => {
                let value = occurs(condition, times.len(), &|slot| !times[slot].is_empty());
                return value.filter(|_| in_order(times));
            }
            (Fold::Sum(sum, _), Together::Metric { metric: Metric::Sum, range, .. }) => (sum.value(), range),
            (Fold::Sum(sum, count), Together::Metric { range, .. }) => (sum.value() / *count as f64, range),
            (Fold::Sorted(sorted), Together::Metric { metric: Metric::Percentile(rank), range, .. }) => {
                (percentile(sorted, f64::from(*rank))?, range)
            }
            (Fold::Sorted(sorted), Together::Metric { range, .. }) => (percentile(sorted, 50.0)?, range),
            // A fold is made for its test and lives with it.
            (Fold::Count(_) | Fold::Distinct(_) | Fold::Occurred(_), _) => return None,
            (Fold::Times(_) | Fold::Sum(..) | Fold::Sorted(_), _) => return None,
        };
        range.holds(value).then_some(value)
    }
}

fn occurs(condition: &Occurrence, rules: usize, occurred: &dyn Fn(usize) -> bool) -> Option<f64> {
    let count = (0..rules).filter(|slot| occurred(*slot)).count() as f64;
    let holds = match condition {
        Occurrence::Count(range) => range.holds(count),
        Occurrence::Expression(expression) => expression.holds(occurred),
    };
    holds.then_some(count)
}

/// Whether each rule has an event that is not before the one chosen for the rule before it. Choosing the earliest such
/// event leaves the most room for the next.
fn in_order(times: &[VecDeque<i64>]) -> bool {
    let mut after = i64::MIN;
    times.iter().all(|times| {
        let at = times.partition_point(|time| *time < after);
        times.get(at).map(|time| after = *time).is_some()
    })
}

/// Between its neighbours in proportion.
fn percentile(sorted: &[f64], rank: f64) -> Option<f64> {
    let place = rank / 100.0 * sorted.len().checked_sub(1)? as f64;
    let (below, above) = (sorted[place.floor() as usize], sorted[place.ceil() as usize]);
    Some(below + place.fract() * (above - below))
}

/// A sum of floats without any error: parts that do not overlap, after Shewchuk. What was added can be taken away
/// again, and the sum does not depend on the order.
#[derive(Debug, Default)]
pub(super) struct ExactSum {
    parts: Vec<f64>,
}

impl ExactSum {
    /// Adds a finite number.
    pub fn add(&mut self, number: f64) {
        let mut high = number;
        let mut kept = 0;
        for at in 0..self.parts.len() {
            let part = self.parts[at];
            let (large, small) = if high.abs() < part.abs() { (part, high) } else { (high, part) };
            let sum = large + small;
            let lost = small - (sum - large);
            if lost != 0.0 {
                self.parts[kept] = lost;
                kept += 1;
            }
            high = sum;
        }
        self.parts.truncate(kept);
        if high != 0.0 {
            self.parts.push(high);
        }
    }

    /// The sum, rounded once to the nearest float.
    pub fn value(&self) -> f64 {
        let mut parts = self.parts.iter().rev().copied();
        let Some(mut high) = parts.next() else { return 0.0 };
        let mut lost = 0.0;
        for part in parts.by_ref() {
            let sum = high + part;
            lost = part - (sum - high);
            high = sum;
            if lost != 0.0 {
                break;
            }
        }
        // Half of the last place was lost, and what follows lies on the same side: round away.
        if let Some(next) = parts.next()
            && ((lost < 0.0 && next < 0.0) || (lost > 0.0 && next > 0.0))
        {
            let twice = lost * 2.0;
            let up = high + twice;
            if twice == up - high {
                high = up;
            }
        }
        high
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_sum_forgets_nothing_and_keeps_nothing() {
        let mut sum = ExactSum::default();
        for number in [1e100, 1.0, -1e100, 0.1, 1e-30] {
            sum.add(number);
        }
        assert_eq!(sum.value(), 1.1);
        for number in [-1.0, -0.1, -1e-30] {
            sum.add(number);
        }
        assert_eq!((sum.value(), sum.parts.len()), (0.0, 0));
        [1.0, 1e-16, 1e-16].iter().for_each(|number| sum.add(*number));
        assert_eq!(sum.value(), 1.000_000_000_000_000_2);
    }
}
