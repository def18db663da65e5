//! The closure against walking, computed anew and kept up to date.

use std::collections::BTreeSet;

use entitlements::{Change, Closure, Edge, Entitlement, Group, Holdings, User};
use proptest::prelude::*;

use crate::world::{self, ENTITLEMENTS, GROUPS, USERS};

fn check_against_walk(closure: &Closure, edges: &[Edge]) {
    let edges = world::timeless(edges);
    for user in 0..USERS {
        let (groups, held) = world::walk(&edges, user, None);
        let found: BTreeSet<u32> = closure.entitlements_of(User(user)).iter().map(|held| held.0).collect();
        assert_eq!(found, held, "what user {user} holds");
        for group in 0..GROUPS {
            assert_eq!(closure.members(Group(group)).contains(user), groups.contains(&group), "{user} in {group}");
        }
        for entitlement in 0..ENTITLEMENTS {
            let holds = held.contains(&entitlement);
            assert_eq!(closure.holds(User(user), Entitlement(entitlement)), holds, "{user} holds {entitlement}");
            check_paths(closure, User(user), Entitlement(entitlement), holds);
        }
    }
}

fn check_paths(closure: &Closure, user: User, entitlement: Entitlement, holds: bool) {
    let path = closure.path(user, entitlement);
    assert_eq!(path.is_some(), holds);
    let (paths, more) = closure.paths(user, entitlement, 1_000);
    assert!(!more);
    assert_eq!(paths.iter().map(|path| path.groups.len()).min(), path.as_ref().map(|path| path.groups.len()));
    for edge in paths.iter().flat_map(entitlements::Path::edges) {
        assert!(closure.holdings().contains(edge), "{edge:?} is on a path and not stored");
    }
    let first: BTreeSet<Edge> = paths.iter().map(|path| path.edges()[0]).collect();
    assert_eq!(first, closure.sources(user, entitlement).into_iter().collect::<BTreeSet<Edge>>());
}

/// Groups from which a walk of one step or more comes back.
fn on_circles(edges: &[Edge]) -> BTreeSet<u32> {
    let nested: Vec<(u32, u32)> = edges
        .iter()
        .filter_map(|edge| match edge {
            Edge::Nested(child, parent) => Some((child.0, parent.0)),
            _ => None,
        })
        .collect();
    let comes_back = |start: u32| {
        let mut seen = BTreeSet::new();
        let mut open = vec![start];
        while let Some(group) = open.pop() {
            for (_, parent) in nested.iter().filter(|(child, _)| *child == group) {
                if seen.insert(*parent) {
                    open.push(*parent);
                }
            }
        }
        seen.contains(&start)
    };
    (0..GROUPS).filter(|group| comes_back(*group)).collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(96))]
    #[test]
    fn the_closure_is_what_walking_finds(edges in prop::collection::vec(world::edges(), 0..60)) {
        check_against_walk(&world::closure(&edges), &edges);
    }

    #[test]
    fn cycles_are_found_and_go_round(edges in prop::collection::vec(world::edges(), 0..60)) {
        let closure = world::closure(&edges);
        let cycles = closure.cycles();
        let found: BTreeSet<u32> = cycles.iter().flat_map(|cycle| &cycle.groups).map(|group| group.0).collect();
        prop_assert_eq!(found, on_circles(&edges));
        for cycle in cycles {
            for (place, group) in cycle.round.iter().enumerate() {
                let next = cycle.round[(place + 1) % cycle.round.len()];
                prop_assert!(closure.holdings().contains(Edge::Nested(*group, next)));
            }
        }
    }

    #[test]
    fn one_change_after_the_other_is_as_computed_anew(
        start in prop::collection::vec(world::edges(), 0..40),
        changes in prop::collection::vec((any::<bool>(), world::edges(), any::<prop::sample::Index>()), 1..12),
    ) {
        let mut closure = world::closure(&start);
        let mut edges: BTreeSet<Edge> = start.into_iter().collect();
        for (add, edge, index) in changes {
            let stored: Vec<Edge> = edges.iter().copied().collect();
            // Taking away something that is not there is the rarer case.
            let edge = if add || stored.is_empty() { edge } else { stored[index.index(stored.len())] };
            let change = if add { Change::Add(edge) } else { Change::Remove(edge) };
            let before = closure.clone();
            let foreseen = closure.what_if(change);
            for user in 0..USERS {
                prop_assert_eq!(closure.entitlements_of(User(user)), before.entitlements_of(User(user)));
            }
            let effect = closure.apply(change);
            prop_assert_eq!(&foreseen, &effect, "{:?}", change);
            let changed = if add { edges.insert(edge) } else { edges.remove(&edge) };
            prop_assert_eq!(effect.changed, changed);
            let now: Vec<Edge> = edges.iter().copied().collect();
            check_against_walk(&closure, &now);
            for entitlement in (0..ENTITLEMENTS).map(Entitlement) {
                let list = |of: &[(Entitlement, _)]| of.iter().find(|(other, _)| *other == entitlement).cloned();
                let gained = closure.holders(entitlement) - before.holders(entitlement);
                let lost = before.holders(entitlement) - closure.holders(entitlement);
                prop_assert_eq!(list(&effect.gained).map(|(_, users)| users).unwrap_or_default(), gained);
                prop_assert_eq!(list(&effect.lost).map(|(_, users)| users).unwrap_or_default(), lost);
            }
        }
    }
}

#[test]
fn a_chain_of_twenty_thousand_groups_ends() {
    let mut holdings = Holdings::new(1, 20_000, 1);
    holdings.insert(Edge::Member(User(0), Group(0)));
    for group in 1..20_000 {
        holdings.insert(Edge::Nested(Group(group - 1), Group(group)));
    }
    holdings.insert(Edge::Grants(Group(19_999), Entitlement(0)));
    let closure = Closure::of(holdings, world::two());
    assert!(closure.holds(User(0), Entitlement(0)));
    assert_eq!(closure.path(User(0), Entitlement(0)).unwrap().groups.len(), 20_000);
}

#[test]
fn numbers_that_were_never_seen_hold_nothing() {
    let mut closure = Closure::of(Holdings::default(), world::two());
    assert!(closure.entitlements_of(User(7)).is_empty());
    assert!(closure.holders(Entitlement(7)).is_empty());
    let effect = closure.apply(Change::Add(Edge::Direct(User(3), Entitlement(4))));
    assert_eq!(effect.people().iter().collect::<Vec<u32>>(), [3]);
    closure.apply(Change::Add(Edge::Member(User(5), Group(6))));
    assert!(closure.members(Group(6)).contains(5));
}

#[test]
fn revoking_a_nested_grant_reaches_others() {
    let edges = [
        Edge::Member(User(0), Group(0)),
        Edge::Member(User(1), Group(0)),
        Edge::Nested(Group(0), Group(1)),
        Edge::Grants(Group(1), Entitlement(0)),
    ];
    let mut closure = world::closure(&edges);
    let cut = closure.what_if(Change::Remove(Edge::Nested(Group(0), Group(1))));
    assert_eq!(cut.people().len(), 2, "the nesting is how both have it");
    assert_eq!(closure.sources(User(0), Entitlement(0)), [Edge::Member(User(0), Group(0))]);
}
