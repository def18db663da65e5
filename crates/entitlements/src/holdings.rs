//! The edges as they are stored somewhere: who is in which group, which group is in which, what each one grants.

use std::collections::HashMap;

use roaring::RoaringBitmap;

/// Declares the numbered things.
macro_rules! numbered {
    ($($(#[$doc:meta])* $name:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, serde::Serialize, serde::Deserialize)]
        #[serde(transparent)]
        pub struct $name(pub u32);
    )*};
}

numbered! {
    /// Whoever can hold something: a person or a service account, as the caller numbers them.
    User;
    /// What can have members and give on what it grants: a group, a role, a package.
    Group;
    /// What can be held and has an effect in a system: an application role, a licence, a permission.
    Entitlement;
}

/// One stored fact of access.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Edge {
    /// The user is a direct member of the group.
    Member(User, Group),
    /// Members of the first group are members of the second: the first is nested in the second.
    Nested(Group, Group),
    /// Members of the group hold the entitlement.
    Grants(Group, Entitlement),
    /// The user holds the entitlement without a group.
    Direct(User, Entitlement),
}

/// When an edge is in force, in microseconds: from the first instant up to, but not at, the second.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub struct Window {
    pub from_us: i64,
    pub until_us: i64,
}

impl Window {
    /// Without beginning and end.
    pub const ALWAYS: Window = Window { from_us: i64::MIN, until_us: i64::MAX };

    /// Nothing lies within.
    pub const fn is_empty(self) -> bool {
        self.from_us >= self.until_us
    }

    /// What both cover; maybe nothing.
    #[must_use]
    pub fn intersect(self, other: Window) -> Window {
        Window { from_us: self.from_us.max(other.from_us), until_us: self.until_us.min(other.until_us) }
    }
}

/// All edges. Numbers that were never seen are taken in as they come.
#[derive(Debug, Clone, Default)]
pub struct Holdings {
    pub(crate) user_groups: Vec<Vec<u32>>,
    pub(crate) user_direct: Vec<Vec<u32>>,
    pub(crate) group_users: Vec<RoaringBitmap>,
    pub(crate) group_parents: Vec<Vec<u32>>,
    pub(crate) group_children: Vec<Vec<u32>>,
    pub(crate) group_grants: Vec<Vec<u32>>,
    pub(crate) entitlement_groups: Vec<Vec<u32>>,
    pub(crate) entitlement_users: Vec<RoaringBitmap>,
    /// Edges that are not in force always.
    pub(crate) windows: HashMap<Edge, Window>,
}

impl Holdings {
    /// No edges between so many users, groups and entitlements.
    pub fn new(users: usize, groups: usize, entitlements: usize) -> Holdings {
        let mut holdings = Holdings::default();
        holdings.make_room_for_users(users);
        holdings.make_room_for_groups(groups);
        holdings.make_room_for_entitlements(entitlements);
        holdings
    }

    /// How many users there are numbers for.
    pub fn users(&self) -> usize {
        self.user_groups.len()
    }

    /// How many groups there are numbers for.
    pub fn groups(&self) -> usize {
        self.group_users.len()
    }

    /// How many entitlements there are numbers for.
    pub fn entitlements(&self) -> usize {
        self.entitlement_users.len()
    }

    /// Adds an edge that is in force always. False: it was there.
    pub fn insert(&mut self, edge: Edge) -> bool {
        self.make_room(edge);
        if self.contains(edge) {
            return false;
        }
        match edge {
            Edge::Member(user, group) => {
                self.user_groups[at(user.0)].push(group.0);
                self.group_users[at(group.0)].insert(user.0);
            }
            Edge::Nested(child, parent) => {
                self.group_parents[at(child.0)].push(parent.0);
                self.group_children[at(parent.0)].push(child.0);
            }
            Edge::Grants(group, entitlement) => {
                self.group_grants[at(group.0)].push(entitlement.0);
                self.entitlement_groups[at(entitlement.0)].push(group.0);
            }
            Edge::Direct(user, entitlement) => {
                self.user_direct[at(user.0)].push(entitlement.0);
                self.entitlement_users[at(entitlement.0)].insert(user.0);
            }
        }
        true
    }

    /// Adds an edge that is in force for a time; of an edge that is there, the time is replaced. What is over is left
    /// out by the caller: an edge that will be in force counts as held, and [`sod`](crate::sod) looks at the times.
    pub fn insert_for(&mut self, edge: Edge, window: Window) -> bool {
        if window == Window::ALWAYS {
            self.windows.remove(&edge);
        } else {
            self.windows.insert(edge, window);
        }
        self.insert(edge)
    }

    /// Takes an edge away. False: it was not there.
    pub fn remove(&mut self, edge: Edge) -> bool {
        self.make_room(edge);
        self.windows.remove(&edge);
        match edge {
            Edge::Member(user, group) => {
                self.group_users[at(group.0)].remove(user.0);
                take(&mut self.user_groups[at(user.0)], group.0)
            }
            Edge::Nested(child, parent) => {
                take(&mut self.group_children[at(parent.0)], child.0);
                take(&mut self.group_parents[at(child.0)], parent.0)
            }
            Edge::Grants(group, entitlement) => {
                take(&mut self.entitlement_groups[at(entitlement.0)], group.0);
                take(&mut self.group_grants[at(group.0)], entitlement.0)
            }
            Edge::Direct(user, entitlement) => {
                self.entitlement_users[at(entitlement.0)].remove(user.0);
                take(&mut self.user_direct[at(user.0)], entitlement.0)
            }
        }
    }

    /// Whether the edge is stored.
    pub fn contains(&self, edge: Edge) -> bool {
        match edge {
            Edge::Member(user, group) => self.group_users.get(at(group.0)).is_some_and(|users| users.contains(user.0)),
            Edge::Nested(child, parent) => list(&self.group_parents, child.0).contains(&parent.0),
            Edge::Grants(group, entitlement) => list(&self.group_grants, group.0).contains(&entitlement.0),
            Edge::Direct(user, entitlement) => {
                self.entitlement_users.get(at(entitlement.0)).is_some_and(|users| users.contains(user.0))
            }
        }
    }

    /// When the edge is in force.
    pub fn window(&self, edge: Edge) -> Window {
        self.windows.get(&edge).copied().unwrap_or(Window::ALWAYS)
    }

    /// Users that are in the group without another group between.
    pub fn direct_members(&self, group: Group) -> RoaringBitmap {
        self.group_users.get(at(group.0)).cloned().unwrap_or_default()
    }

    pub(crate) fn groups_of(&self, user: User) -> &[u32] {
        list(&self.user_groups, user.0)
    }

    pub(crate) fn direct_of(&self, user: User) -> &[u32] {
        list(&self.user_direct, user.0)
    }

    /// Numbers of the groups that a group lies in itself.
    pub fn parents_of(&self, group: u32) -> &[u32] {
        list(&self.group_parents, group)
    }

    /// Numbers of the groups that lie in a group themselves.
    pub fn children_of(&self, group: u32) -> &[u32] {
        list(&self.group_children, group)
    }

    pub(crate) fn grants_of(&self, group: u32) -> &[u32] {
        list(&self.group_grants, group)
    }

    pub(crate) fn granted_by(&self, entitlement: u32) -> &[u32] {
        list(&self.entitlement_groups, entitlement)
    }

    fn make_room(&mut self, edge: Edge) {
        match edge {
            Edge::Member(user, group) => {
                self.make_room_for_users(at(user.0) + 1);
                self.make_room_for_groups(at(group.0) + 1);
            }
            Edge::Nested(child, parent) => self.make_room_for_groups(at(child.0.max(parent.0)) + 1),
            Edge::Grants(group, entitlement) => {
                self.make_room_for_groups(at(group.0) + 1);
                self.make_room_for_entitlements(at(entitlement.0) + 1);
            }
            Edge::Direct(user, entitlement) => {
                self.make_room_for_users(at(user.0) + 1);
                self.make_room_for_entitlements(at(entitlement.0) + 1);
            }
        }
    }

    fn make_room_for_users(&mut self, count: usize) {
        grow(&mut self.user_groups, count);
        grow(&mut self.user_direct, count);
    }

    fn make_room_for_groups(&mut self, count: usize) {
        grow(&mut self.group_users, count);
        grow(&mut self.group_parents, count);
        grow(&mut self.group_children, count);
        grow(&mut self.group_grants, count);
    }

    fn make_room_for_entitlements(&mut self, count: usize) {
        grow(&mut self.entitlement_groups, count);
        grow(&mut self.entitlement_users, count);
    }
}

/// A number as an index.
pub(crate) const fn at(number: u32) -> usize {
    number as usize
}

fn list(lists: &[Vec<u32>], number: u32) -> &[u32] {
    lists.get(at(number)).map_or(&[], Vec::as_slice)
}

fn grow<T: Default>(list: &mut Vec<T>, count: usize) {
    if list.len() < count {
        list.resize_with(count, T::default);
    }
}

fn take(list: &mut Vec<u32>, number: u32) -> bool {
    let found = list.iter().position(|other| *other == number);
    found.map(|position| list.swap_remove(position)).is_some()
}
