//! Everybody against every rule, as bitmaps; times are looked at for those alone whom they concern.

use std::num::NonZeroUsize;

use roaring::{MultiOps, RoaringBitmap};

use super::explain::meets;
use super::reach::Reach;
use super::rule::{Check, Key, RuleBook};
use crate::holdings::{Edge, Entitlement, User, at};
use crate::nesting::Closure;
use crate::workers;

/// Who violates a rule within one value of its scope.
#[derive(Debug, Clone, PartialEq)]
pub struct Violations {
    pub rule: usize,
    /// The duty station, the vendor; `None` for a rule without scope.
    pub scope_value: Option<u32>,
    pub users: RoaringBitmap,
}

/// Every violation there is at or after `from` (microseconds), by rule and value of scope; nobody is no entry.
pub fn analyse(closure: &Closure, book: &RuleBook, from: i64, workers: NonZeroUsize) -> Vec<Violations> {
    let holders = workers::map(book.keys.len(), workers, |key| holders(closure, &book.keys[key]));
    let windowed = windowed_users(closure);
    let found = workers::map(book.checks.len(), workers, |number| {
        let check = &book.checks[number];
        let users = candidates(check, &holders);
        Violations {
            rule: check.rule,
            scope_value: check.scope_value,
            users: timely(closure, book, check, users, &windowed, from),
        }
    });
    found.into_iter().filter(|violations| !violations.users.is_empty()).collect()
}

/// Whether one user violates one rule, in any value of its scope, at or after `from`.
pub fn violates(closure: &Closure, book: &RuleBook, rule: usize, user: User, from: i64) -> bool {
    let reach = Reach::of(closure.holdings(), user, &[]);
    let times = reach.times(false);
    book.checks.iter().any(|check| check.rule == rule && meets(book, check, &times, from).is_some())
}

/// Who meets a function.
fn holders(closure: &Closure, key: &Key) -> RoaringBitmap {
    let of = |entitlement: &u32| closure.holders(Entitlement(*entitlement));
    match key.all {
        true => key.entitlements.iter().map(of).intersection(),
        false => key.entitlements.iter().map(of).union(),
    }
}

/// Who meets enough sides, whenever.
fn candidates(check: &Check, holders: &[RoaringBitmap]) -> RoaringBitmap {
    let side = |keys: &Vec<u32>| keys.iter().map(|key| &holders[at(*key)]).union();
    if let ([left, right], 2) = (check.sides.as_slice(), check.at_least) {
        return match (left.as_slice(), right.as_slice()) {
            ([left], [right]) => &holders[at(*left)] & &holders[at(*right)],
            _ => side(left) & side(right),
        };
    }
    // `reached[k]`: users who meet more than k of the sides so far.
    let mut reached = vec![RoaringBitmap::new(); check.at_least];
    for keys in &check.sides {
        let users = side(keys);
        for count in (1..check.at_least).rev() {
            let one_more = &reached[count - 1] & &users;
            reached[count] |= one_more;
        }
        reached[0] |= users;
    }
    reached.pop().unwrap_or_default()
}

/// Users for whom an edge with a limited time is on some way: all others hold what they hold always.
fn windowed_users(closure: &Closure) -> RoaringBitmap {
    let mut users = RoaringBitmap::new();
    for edge in closure.holdings().windows.keys() {
        match edge {
            Edge::Member(user, _) | Edge::Direct(user, _) => {
                users.insert(user.0);
            }
            Edge::Nested(group, _) | Edge::Grants(group, _) => users |= closure.members(*group),
        }
    }
    users
}

fn timely(
    closure: &Closure,
    book: &RuleBook,
    check: &Check,
    mut users: RoaringBitmap,
    windowed: &RoaringBitmap,
    from: i64,
) -> RoaringBitmap {
    if windowed.is_empty() {
        return users;
    }
    let doubtful = &users & windowed;
    for user in doubtful {
        let reach = Reach::of(closure.holdings(), User(user), &[]);
        if meets(book, check, &reach.times(false), from).is_none() {
            users.remove(user);
        }
    }
    users
}
