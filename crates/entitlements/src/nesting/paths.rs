//! Why somebody holds something: ways along stored edges, rebuilt when somebody asks.

use std::collections::{HashMap, HashSet, VecDeque};

use super::Closure;
use crate::holdings::{Edge, Entitlement, Group, Holdings, User};

/// One way from a user to an entitlement.
#[derive(Debug, Clone, PartialEq, Eq, Hash, serde::Serialize)]
pub struct Path {
    pub user: User,
    /// From the group that the user is in to the one that grants; empty: held directly.
    pub groups: Vec<Group>,
    pub entitlement: Entitlement,
}

impl Path {
    /// The stored edges that it is made of, from the user on.
    pub fn edges(&self) -> Vec<Edge> {
        let (Some(first), Some(last)) = (self.groups.first(), self.groups.last()) else {
            return vec![Edge::Direct(self.user, self.entitlement)];
        };
        let nested = self.groups.windows(2).map(|pair| Edge::Nested(pair[0], pair[1]));
        let first = std::iter::once(Edge::Member(self.user, *first));
        first.chain(nested).chain([Edge::Grants(*last, self.entitlement)]).collect()
    }
}

impl Closure {
    /// A shortest way. `None`: the user does not hold it.
    pub fn path(&self, user: User, entitlement: Entitlement) -> Option<Path> {
        let direct = self.holdings.direct_of(user).contains(&entitlement.0);
        if direct {
            return Some(Path { user, groups: Vec::new(), entitlement });
        }
        let granting: HashSet<u32> = self.holdings.granted_by(entitlement.0).iter().copied().collect();
        let mut came_from: HashMap<u32, Option<u32>> = HashMap::new();
        let mut queue: VecDeque<(u32, Option<u32>)> =
            self.holdings.groups_of(user).iter().map(|group| (*group, None)).collect();
        while let Some((group, from)) = queue.pop_front() {
            if came_from.contains_key(&group) {
                continue;
            }
            came_from.insert(group, from);
            if granting.contains(&group) {
                return Some(Path { user, groups: walk_back(&came_from, group), entitlement });
            }
            queue.extend(self.holdings.parents_of(group).iter().map(|parent| (*parent, Some(group))));
        }
        None
    }

    /// All ways that pass no group twice, shortest first; at most `limit`, and true when there are more.
    pub fn paths(&self, user: User, entitlement: Entitlement, limit: usize) -> (Vec<Path>, bool) {
        let leading = self.leading_to(entitlement);
        let mut found = Vec::new();
        if self.holdings.direct_of(user).contains(&entitlement.0) {
            found.push(Path { user, groups: Vec::new(), entitlement });
        }
        let starts = self.holdings.groups_of(user).iter().filter(|group| leading.contains(group));
        let mut queue: VecDeque<Vec<u32>> = starts.map(|group| vec![*group]).collect();
        while let Some(way) = queue.pop_front() {
            if found.len() > limit {
                break;
            }
            let Some(&last) = way.last() else { continue };
            if self.holdings.grants_of(last).contains(&entitlement.0) {
                found.push(Path { user, groups: way.iter().copied().map(Group).collect(), entitlement });
            }
            let onward = self.holdings.parents_of(last).iter();
            // The queue is held to what can still be shown, so that a dense mesh of groups costs no more than a sparse one.
            for parent in onward.filter(|parent| leading.contains(parent) && !way.contains(parent)) {
                if queue.len() <= limit * 4 {
                    queue.push_back(way.iter().copied().chain([*parent]).collect());
                }
            }
        }
        let more = found.len() > limit;
        found.truncate(limit);
        (found, more)
    }

    /// The user's own edges that lead to an entitlement: where it really comes from. Taking all of them away is what
    /// takes the entitlement from this user and nothing from anybody else.
    pub fn sources(&self, user: User, entitlement: Entitlement) -> Vec<Edge> {
        let leading = self.leading_to(entitlement);
        let direct = self.holdings.direct_of(user).iter().filter(|held| **held == entitlement.0);
        let groups = self.holdings.groups_of(user).iter().filter(|group| leading.contains(group));
        direct
            .map(|_| Edge::Direct(user, entitlement))
            .chain(groups.map(|group| Edge::Member(user, Group(*group))))
            .collect()
    }

    /// Groups whose members hold the entitlement.
    fn leading_to(&self, entitlement: Entitlement) -> HashSet<u32> {
        let mut open: Vec<u32> = self.holdings.granted_by(entitlement.0).to_vec();
        let mut seen = HashSet::new();
        while let Some(group) = open.pop() {
            if seen.insert(group) {
                open.extend_from_slice(children_of(&self.holdings, group));
            }
        }
        seen
    }
}

fn children_of(holdings: &Holdings, group: u32) -> &[u32] {
    holdings.group_children.get(group as usize).map_or(&[], Vec::as_slice)
}

fn walk_back(came_from: &HashMap<u32, Option<u32>>, last: u32) -> Vec<Group> {
    let mut way = vec![Group(last)];
    let mut at = last;
    while let Some(Some(before)) = came_from.get(&at) {
        way.push(Group(*before));
        at = *before;
    }
    way.reverse();
    way
}
