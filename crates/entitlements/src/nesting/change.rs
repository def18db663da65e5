//! One edge more or less, and who gains or loses what by it. Only what can change is computed again.

use roaring::RoaringBitmap;

use super::components::Components;
use super::{Closure, holders_of, members_of};
use crate::holdings::{Edge, Entitlement, Group, User, Window, at};

/// What is to be changed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Change {
    Add(Edge),
    /// With the time during which it is in force.
    AddFor(Edge, Window),
    Remove(Edge),
}

/// What a change does to whom.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Effect {
    /// False: the edge was there (or was not) already, and nothing changed.
    pub changed: bool,
    /// Ascending by entitlement; nobody is in the list of an entitlement that they held before.
    pub gained: Vec<(Entitlement, RoaringBitmap)>,
    /// Ascending by entitlement; nobody is in the list of an entitlement that they still hold by another way.
    pub lost: Vec<(Entitlement, RoaringBitmap)>,
}

impl Effect {
    /// Everybody who gains or loses anything: how far the change reaches.
    pub fn people(&self) -> RoaringBitmap {
        use roaring::MultiOps;
        self.gained.iter().chain(&self.lost).map(|(_, users)| users).union()
    }
}

impl Closure {
    /// Makes the change.
    pub fn apply(&mut self, change: Change) -> Effect {
        let edge = match change {
            Change::Add(edge) | Change::AddFor(edge, _) | Change::Remove(edge) => edge,
        };
        match edge {
            Edge::Member(user, _) | Edge::Direct(user, _) => self.change_user(user, change),
            Edge::Grants(_, entitlement) => {
                let changed = self.change_edge(change);
                self.grow();
                self.renew_holders(changed, [entitlement.0].into_iter().collect())
            }
            Edge::Nested(_, parent) => self.change_nesting(parent, change),
        }
    }

    /// What the change would do; nothing is changed.
    pub fn what_if(&mut self, change: Change) -> Effect {
        let (edge, undo) = match change {
            Change::Add(edge) | Change::AddFor(edge, _) => (edge, Change::Remove(edge)),
            Change::Remove(edge) => (edge, Change::AddFor(edge, self.holdings.window(edge))),
        };
        let is_there = self.holdings.contains(edge);
        if is_there != matches!(change, Change::Remove(_)) {
            return Effect::default();
        }
        let effect = self.apply(change);
        self.apply(undo);
        effect
    }

    fn change_edge(&mut self, change: Change) -> bool {
        match change {
            Change::Add(edge) => self.holdings.insert(edge),
            Change::AddFor(edge, window) => self.holdings.insert_for(edge, window),
            Change::Remove(edge) => self.holdings.remove(edge),
        }
    }

    /// New numbers get their places: groups as components of their own that nothing is nested in.
    fn grow(&mut self) {
        if self.components.group_count() < self.holdings.groups() {
            self.rebuild_components(&RoaringBitmap::new());
        }
        self.holders.resize_with(self.holdings.entitlements(), RoaringBitmap::new);
    }

    /// One user's own edges concern nobody else: single bits change.
    fn change_user(&mut self, user: User, change: Change) -> Effect {
        let (groups_before, held_before) = (self.groups_of(user), self.entitlements_of(user));
        let changed = self.change_edge(change);
        self.grow();
        for group in groups_before {
            self.members[at(self.components.number(group.0))].remove(user.0);
        }
        for group in self.groups_of(user) {
            self.members[at(self.components.number(group.0))].insert(user.0);
        }
        let held_now = self.entitlements_of(user);
        let mut effect = Effect { changed, ..Effect::default() };
        for entitlement in &held_before {
            if held_now.binary_search(entitlement).is_err() {
                self.holders[at(entitlement.0)].remove(user.0);
                effect.lost.push((*entitlement, [user.0].into_iter().collect()));
            }
        }
        for entitlement in held_now {
            if held_before.binary_search(&entitlement).is_err() {
                self.holders[at(entitlement.0)].insert(user.0);
                effect.gained.push((entitlement, [user.0].into_iter().collect()));
            }
        }
        effect
    }

    /// What is nested in `parent` changes the members of `parent` and of everything above it.
    fn change_nesting(&mut self, parent: Group, change: Change) -> Effect {
        let mut above = self.above(parent);
        let changed = self.change_edge(change);
        above |= self.above(parent);
        self.rebuild_components(&above);
        let granted = above.iter().flat_map(|group| self.holdings.grants_of(group).iter().copied()).collect();
        self.renew_holders(changed, granted)
    }

    /// Entitlements that come along an edge, ascending.
    pub fn given_by(&self, edge: Edge) -> RoaringBitmap {
        let group = match edge {
            Edge::Member(_, group) | Edge::Nested(_, group) => group,
            Edge::Grants(_, entitlement) | Edge::Direct(_, entitlement) => {
                return [entitlement.0].into_iter().collect();
            }
        };
        self.above(group).iter().flat_map(|group| self.holdings.grants_of(group).iter().copied()).collect()
    }

    /// A group and every group that it is nested in, however deep.
    fn above(&self, group: Group) -> RoaringBitmap {
        let mut seen = RoaringBitmap::new();
        let mut open = vec![group.0];
        while let Some(group) = open.pop() {
            if seen.insert(group) {
                open.extend_from_slice(self.holdings.parents_of(group));
            }
        }
        seen
    }

    /// Components anew; the members of those with a group in `dirty` too, the others keep theirs.
    fn rebuild_components(&mut self, dirty: &RoaringBitmap) {
        let components = Components::of(&self.holdings);
        let mut members: Vec<RoaringBitmap> = Vec::with_capacity(components.len());
        for component in 0..components.len() as u32 {
            let groups = components.groups(component);
            let kept = groups.first().copied().filter(|_| groups.iter().all(|group| !dirty.contains(*group)));
            let users = match kept.and_then(|group| self.components.of_group(Group(group))) {
                Some(old) => std::mem::take(&mut self.members[at(old)]),
                None => members_of(&self.holdings, &components, &members, component),
            };
            members.push(users);
        }
        self.components = components;
        self.members = members;
    }

    fn renew_holders(&mut self, changed: bool, entitlements: RoaringBitmap) -> Effect {
        let mut effect = Effect { changed, ..Effect::default() };
        for entitlement in entitlements {
            let now = holders_of(&self.holdings, &self.components, &self.members, at(entitlement));
            let before = std::mem::replace(&mut self.holders[at(entitlement)], now);
            let now = &self.holders[at(entitlement)];
            let (gained, lost) = (now - &before, &before - now);
            if !gained.is_empty() {
                effect.gained.push((Entitlement(entitlement), gained));
            }
            if !lost.is_empty() {
                effect.lost.push((Entitlement(entitlement), lost));
            }
        }
        effect
    }
}
