//! Before it is granted: what a request, or a change of nesting, would make toxic.

use std::num::NonZeroUsize;

use roaring::RoaringBitmap;

use super::analysis::{Violations, analyse};
use super::explain::{Conflict, conflict, meets};
use super::reach::{Proposed, Reach};
use super::rule::RuleBook;
use crate::holdings::{Edge, Entitlement, Group, User, Window};
use crate::nesting::{Change, Closure};

/// One thing that is asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Asked {
    /// Membership of a group, a role or a package.
    Group(Group),
    Entitlement(Entitlement),
}

/// One part of a request: what is asked for and for how long.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Part {
    pub asked: Vec<Asked>,
    pub window: Window,
}

/// A rule that would be violated.
#[derive(Debug, Clone, PartialEq)]
pub struct Toxic {
    pub conflict: Conflict,
    /// The request brings it; false: it is there already, and the request gives yet another way to it.
    pub is_new: bool,
    /// Two parts of the request are toxic to each other, whatever is held already.
    pub is_within_request: bool,
}

/// What the request would violate at or after `from`. Looks at the person and the rules that the gained entitlements
/// matter to, at nothing else.
pub fn check_request(closure: &Closure, book: &RuleBook, user: User, parts: &[Part], from: i64) -> Vec<Toxic> {
    let proposed = proposed(user, parts);
    let reach = Reach::of(closure.holdings(), user, &proposed);
    // An asked entitlement that is held already still counts: its time may grow.
    let asked = proposed.iter().filter_map(|proposed| match proposed.edge {
        Edge::Direct(_, entitlement) => Some(entitlement.0),
        _ => None,
    });
    let limited = !closure.holdings().windows.is_empty() || parts.iter().any(|part| part.window != Window::ALWAYS);
    let mut touched = book.touched(reach.gained().chain(asked));
    if limited {
        touched.extend(book.touched(closure.entitlements_of(user).into_iter().map(|held| held.0)));
    }
    let may_be_met = |number: &u32| {
        let check = &book.checks[*number as usize];
        let is_met = |key: &u32| {
            let key = &book.keys[*key as usize];
            let mut entitlements = key.entitlements.iter();
            if key.all {
                entitlements.all(|held| reach.holds(*held))
            } else {
                entitlements.any(|held| reach.holds(*held))
            }
        };
        check.sides.iter().filter(|keys| keys.iter().any(is_met)).count() >= check.at_least
    };
    let doubtful: Vec<u32> = touched.into_iter().filter(may_be_met).collect();
    if doubtful.is_empty() {
        return Vec::new();
    }
    let (with, without) = (reach.times(true), reach.times(false));
    let alone = Reach::of(closure.holdings(), NOBODY, &proposed);
    let alone_times = alone.times(true);
    let toxic = |number: u32| {
        let check = &book.checks[number as usize];
        let is_new = meets(book, check, &without, from).is_none();
        let conflict = conflict(book, number, &reach, &with, from)?;
        let brings = conflict.held.iter().any(|held| held.part.is_some());
        let is_within_request = meets(book, check, &alone_times, from).is_some();
        (is_new || brings || is_within_request).then_some(Toxic { conflict, is_new, is_within_request })
    };
    doubtful.into_iter().filter_map(toxic).collect()
}

/// A number that no user has: what a request gives to somebody who has nothing.
const NOBODY: User = User(u32::MAX);

fn proposed(user: User, parts: &[Part]) -> Vec<Proposed> {
    let of_part = |(part, asked): (usize, &Part)| {
        let window = asked.window;
        let edge = move |asked: Asked| match asked {
            Asked::Group(group) => Edge::Member(user, group),
            Asked::Entitlement(entitlement) => Edge::Direct(user, entitlement),
        };
        asked.asked.iter().map(move |one| Proposed { part, edge: edge(*one), window }).collect::<Vec<_>>()
    };
    parts.iter().enumerate().flat_map(of_part).collect()
}

/// Whom a change of groups (nesting, a grant, a member) would make violate what: only violations that are not there
/// now. The closure is as before when this returns.
pub fn check_change(
    closure: &mut Closure,
    book: &RuleBook,
    change: Change,
    from: i64,
    workers: NonZeroUsize,
) -> Vec<Violations> {
    // Taking away makes nothing toxic.
    let (Change::Add(edge) | Change::AddFor(edge, _)) = change else { return Vec::new() };
    let undo = match closure.holdings().contains(edge) {
        true => Change::AddFor(edge, closure.holdings().window(edge)),
        false => Change::Remove(edge),
    };
    // Also what is held already counts: it may be held for longer.
    let touched = book.touched(closure.given_by(edge).into_iter());
    if touched.is_empty() {
        return Vec::new();
    }
    let book = book.only(&touched);
    let before = analyse(closure, &book, from, workers);
    closure.apply(change);
    let after = analyse(closure, &book, from, workers);
    closure.apply(undo);
    let old = |violations: &Violations| {
        let same = |other: &&Violations| (other.rule, other.scope_value) == (violations.rule, violations.scope_value);
        before.iter().find(same).map_or_else(RoaringBitmap::new, |old| old.users.clone())
    };
    let fresh =
        after.iter().map(|violations| Violations { users: &violations.users - old(violations), ..violations.clone() });
    fresh.filter(|violations| !violations.users.is_empty()).collect()
}
