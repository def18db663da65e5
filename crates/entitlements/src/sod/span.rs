//! Stretches of time: when somebody holds something, over all the ways in which they do.

use crate::holdings::Window;

/// Disjoint stretches, ascending, none of them touching the next.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Spans(Vec<Window>);

impl Spans {
    /// All of time.
    pub fn always() -> Spans {
        Spans(vec![Window::ALWAYS])
    }

    /// One stretch; nothing if it is empty.
    pub fn one(window: Window) -> Spans {
        Spans(if window.is_empty() { Vec::new() } else { vec![window] })
    }

    /// The stretches.
    pub fn windows(&self) -> &[Window] {
        &self.0
    }

    /// Never.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    /// What lies within the window.
    #[must_use]
    pub fn within(&self, window: Window) -> Spans {
        let cut = self.0.iter().map(|span| span.intersect(window));
        Spans(cut.filter(|span| !span.is_empty()).collect())
    }

    /// What lies in both.
    #[must_use]
    pub fn intersect(&self, other: &Spans) -> Spans {
        other.0.iter().fold(Spans::default(), |mut both, window| {
            both.add(&self.within(*window));
            both
        })
    }

    /// Takes in the other's stretches. True: it grew.
    pub fn add(&mut self, other: &Spans) -> bool {
        let mut all: Vec<Window> = self.0.iter().chain(&other.0).copied().collect();
        all.sort_unstable();
        let mut merged: Vec<Window> = Vec::with_capacity(all.len());
        for window in all {
            match merged.last_mut() {
                Some(last) if window.from_us <= last.until_us => last.until_us = last.until_us.max(window.until_us),
                _ => merged.push(window),
            }
        }
        let grew = merged != self.0;
        self.0 = merged;
        grew
    }

    /// Instants at which at least `count` of the spans hold: the first stretch of them.
    pub fn overlap(of: &[Spans], count: usize) -> Option<Window> {
        let starts = of.iter().flat_map(|spans| &spans.0).map(|window| window.from_us);
        let mut starts: Vec<i64> = starts.collect();
        starts.sort_unstable();
        starts.dedup();
        starts.into_iter().find_map(|from_us| {
            let running = of.iter().filter_map(|spans| spans.at(from_us));
            let mut ends: Vec<i64> = running.map(|window| window.until_us).collect();
            ends.sort_unstable();
            // It lasts until so many have ended that fewer than `count` are left.
            let last = ends.len().checked_sub(count)?;
            Some(Window { from_us, until_us: ends[last] })
        })
    }

    fn at(&self, instant_us: i64) -> Option<Window> {
        self.0.iter().copied().find(|window| (window.from_us..window.until_us).contains(&instant_us))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spans(windows: &[(i64, i64)]) -> Spans {
        let mut all = Spans::default();
        for (from_us, until_us) in windows {
            all.add(&Spans::one(Window { from_us: *from_us, until_us: *until_us }));
        }
        all
    }

    #[test]
    fn stretches_that_touch_are_one() {
        assert_eq!(spans(&[(5, 9), (1, 5), (20, 30)]).windows().len(), 2);
        assert_eq!(spans(&[(1, 4), (8, 9)]).intersect(&spans(&[(3, 9)])), spans(&[(3, 4), (8, 9)]));
        assert!(spans(&[(4, 4)]).is_empty());
    }

    #[test]
    fn the_end_is_outside() {
        let check = |left: &[(i64, i64)], right: &[(i64, i64)], expected: Option<(i64, i64)>| {
            let found = Spans::overlap(&[spans(left), spans(right)], 2);
            assert_eq!(found.map(|window| (window.from_us, window.until_us)), expected);
        };
        check(&[(0, 10)], &[(10, 20)], None);
        check(&[(0, 10)], &[(9, 20)], Some((9, 10)));
        check(&[(0, 2), (15, 40)], &[(5, 20)], Some((15, 20)));
    }

    #[test]
    fn two_of_three_suffice() {
        let three = [spans(&[(0, 5)]), spans(&[(4, 9)]), spans(&[(8, 12)])];
        assert_eq!(Spans::overlap(&three, 2), Some(Window { from_us: 4, until_us: 5 }));
        assert_eq!(Spans::overlap(&three, 3), None);
    }
}
