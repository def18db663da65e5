//! Small random worlds, and the slow twin: a walk from every user along every edge.

use std::collections::{BTreeMap, BTreeSet};
use std::num::NonZeroUsize;

use entitlements::{Closure, Edge, Entitlement, Group, Holdings, User, Window};
use proptest::prelude::*;

pub const USERS: u32 = 9;
pub const GROUPS: u32 = 8;
pub const ENTITLEMENTS: u32 = 10;

pub fn two() -> NonZeroUsize {
    NonZeroUsize::new(2).unwrap()
}

pub fn edges() -> impl Strategy<Value = Edge> {
    let (user, group, entitlement) = (0..USERS, 0..GROUPS, 0..ENTITLEMENTS);
    prop_oneof![
        3 => (user.clone(), group.clone()).prop_map(|(user, group)| Edge::Member(User(user), Group(group))),
        4 => (group.clone(), group.clone()).prop_map(|(child, parent)| Edge::Nested(Group(child), Group(parent))),
        4 => (group, entitlement.clone()).prop_map(|(group, held)| Edge::Grants(Group(group), Entitlement(held))),
        1 => (user, entitlement).prop_map(|(user, held)| Edge::Direct(User(user), Entitlement(held))),
    ]
}

pub fn windows() -> impl Strategy<Value = Window> {
    let limited = (0_i64..20, 1_i64..12).prop_map(|(from_us, length)| Window { from_us, until_us: from_us + length });
    prop_oneof![3 => Just(Window::ALWAYS), 1 => limited]
}

pub fn closure(edges: &[Edge]) -> Closure {
    let mut holdings = Holdings::new(USERS as usize, GROUPS as usize, ENTITLEMENTS as usize);
    for edge in edges {
        holdings.insert(*edge);
    }
    Closure::of(holdings, two())
}

/// Everything that a user reaches, by walking, and the groups on the way; with the instants at which they do when
/// `at` is given.
pub fn walk(edges: &BTreeMap<Edge, Window>, user: u32, at: Option<i64>) -> (BTreeSet<u32>, BTreeSet<u32>) {
    let holds = |window: &Window| at.is_none_or(|at| (window.from_us..window.until_us).contains(&at));
    let (mut groups, mut held) = (BTreeSet::new(), BTreeSet::new());
    loop {
        let before = (groups.len(), held.len());
        for (edge, _) in edges.iter().filter(|(_, window)| holds(window)) {
            match edge {
                Edge::Member(member, group) if member.0 == user => {
                    groups.insert(group.0);
                }
                Edge::Direct(member, entitlement) if member.0 == user => {
                    held.insert(entitlement.0);
                }
                Edge::Nested(child, parent) if groups.contains(&child.0) => {
                    groups.insert(parent.0);
                }
                Edge::Grants(group, entitlement) if groups.contains(&group.0) => {
                    held.insert(entitlement.0);
                }
                _ => {}
            }
        }
        if before == (groups.len(), held.len()) {
            return (groups, held);
        }
    }
}

pub fn timeless(edges: &[Edge]) -> BTreeMap<Edge, Window> {
    edges.iter().map(|edge| (*edge, Window::ALWAYS)).collect()
}
