//! A violation with the ways by which each side is met.

use super::reach::{Reach, Times};
use super::rule::{Check, Key, RuleBook, TimeOverlap};
use super::span::Spans;
use crate::holdings::{Entitlement, User, Window};
use crate::nesting::{Closure, Path};

/// One person, one rule, one value of its scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Conflict {
    pub rule: usize,
    pub scope_value: Option<u32>,
    /// The sides that are met, in the rule's order.
    pub held: Vec<Held>,
    /// The first stretch of time during which enough sides are held together; the whole of time for rules that do not
    /// ask.
    pub together: Window,
}

/// A side that is met.
#[derive(Debug, Clone, PartialEq)]
pub struct Held {
    pub side: usize,
    /// The function that meets it, by its place in the book.
    pub function: usize,
    /// The entitlement, or all of them when the function needs all.
    pub ways: Vec<Path>,
    /// The part of a request that brings it; `None`: it is held already.
    pub part: Option<usize>,
}

/// What somebody violates now, with paths.
pub fn explain(closure: &Closure, book: &RuleBook, user: User, from: i64) -> Vec<Conflict> {
    let reach = Reach::of(closure.holdings(), user, &[]);
    let times = reach.times(false);
    let of_user = closure.entitlements_of(user).into_iter().map(|entitlement| entitlement.0);
    let touched = book.touched(of_user);
    touched.into_iter().filter_map(|number| conflict(book, number, &reach, &times, from)).collect()
}

/// The check against what a person reaches and when. `from`: nothing before it counts.
pub(super) fn conflict(
    book: &RuleBook,
    number: u32,
    reach: &Reach<'_>,
    times: &Times<'_>,
    from: i64,
) -> Option<Conflict> {
    let check = &book.checks[number as usize];
    let together = meets(book, check, times, from)?;
    let side = |(side, keys): (usize, &Vec<u32>)| {
        let met = keys.iter().map(|key| &book.keys[*key as usize]).filter(|key| !when(key, times).is_empty());
        // What is held already is shown before what is only asked for.
        let ways = met.filter_map(|key| ways(key, reach)).min_by_key(|(_, _, part)| part.map_or(0, |part| part + 1));
        ways.map(|(function, ways, part)| Held { side, function, ways, part })
    };
    let held = check.sides.iter().enumerate().filter_map(side).collect();
    Some(Conflict { rule: check.rule, scope_value: check.scope_value, held, together })
}

/// When enough sides are met.
pub(super) fn meets(book: &RuleBook, check: &Check, times: &Times<'_>, from: i64) -> Option<Window> {
    let ahead = Window { from_us: from, until_us: i64::MAX };
    let of_side = |keys: &Vec<u32>| {
        keys.iter().fold(Spans::default(), |mut side, key| {
            side.add(&when(&book.keys[*key as usize], times).within(ahead));
            side
        })
    };
    let sides: Vec<Spans> = check.sides.iter().map(of_side).collect();
    match check.overlap {
        TimeOverlap::Simultaneous => Spans::overlap(&sides, check.at_least),
        TimeOverlap::Ever => {
            let met = sides.iter().filter(|side| !side.is_empty()).count();
            (met >= check.at_least).then_some(Window::ALWAYS)
        }
    }
}

/// When a function is met.
fn when(key: &Key, times: &Times<'_>) -> Spans {
    let of = |entitlement: &u32| times.of(*entitlement);
    if key.all {
        return key.entitlements.iter().map(of).fold(Spans::always(), |all, one| all.intersect(&one));
    }
    key.entitlements.iter().fold(Spans::default(), |mut any, entitlement| {
        any.add(&of(entitlement));
        any
    })
}

fn ways(key: &Key, reach: &Reach<'_>) -> Option<(usize, Vec<Path>, Option<usize>)> {
    let found = key.entitlements.iter().filter_map(|entitlement| reach.way(*entitlement));
    if key.all {
        let all: Vec<(Path, Option<usize>)> = found.collect();
        let part = all.iter().filter_map(|(_, part)| *part).max();
        return Some((key.function, all.into_iter().map(|(path, _)| path).collect(), part));
    }
    let rank = |part: &Option<usize>, path: &Path| (part.map_or(0, |part| part + 1), path.groups.len());
    let (path, part) = found.min_by_key(|(path, part)| rank(part, path))?;
    Some((key.function, vec![path], part))
}

impl Held {
    /// The entitlements that meet the side.
    pub fn entitlements(&self) -> Vec<Entitlement> {
        self.ways.iter().map(|path| path.entitlement).collect()
    }
}
