//! Effective membership: the closure over nested groups and roles, whatever their shape.
//!
//! Groups that are nested in each other in a circle have the same members; they are one *component*. Components have no
//! circles, so their members are found bottom-up, each once, as bitmaps. The slow twin in the tests walks from every
//! user.

mod change;
mod components;
mod paths;

use std::num::NonZeroUsize;
use std::sync::LazyLock;

use roaring::{MultiOps, RoaringBitmap};

use crate::holdings::{Entitlement, Group, Holdings, User, at};
use crate::workers;
use components::Components;

pub use change::{Change, Effect};
pub use paths::Path;

/// Of a number that is not known.
static NOBODY: LazyLock<RoaringBitmap> = LazyLock::new(RoaringBitmap::new);

/// Who holds what, with the edges it follows from.
#[derive(Debug, Clone)]
pub struct Closure {
    holdings: Holdings,
    components: Components,
    /// Of each component, all users.
    members: Vec<RoaringBitmap>,
    /// Of each entitlement, all users.
    holders: Vec<RoaringBitmap>,
}

/// Groups that are nested in each other in a circle: harmless to compute, and a fault of whoever nested them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Cycle {
    /// All groups of the component, ascending.
    pub groups: Vec<Group>,
    /// One way round: each is nested in the next, the last in the first.
    pub round: Vec<Group>,
}

impl Closure {
    /// Computes it, on up to `workers` threads.
    pub fn of(holdings: Holdings, workers: NonZeroUsize) -> Closure {
        let components = Components::of(&holdings);
        let mut members: Vec<RoaringBitmap> = vec![RoaringBitmap::new(); components.len()];
        for level in components.levels(&holdings) {
            let found =
                workers::map(level.len(), workers, |index| members_of(&holdings, &components, &members, level[index]));
            for (component, users) in level.into_iter().zip(found) {
                members[at(component)] = users;
            }
        }
        let holders = workers::map(holdings.entitlements(), workers, |entitlement| {
            holders_of(&holdings, &components, &members, entitlement)
        });
        Closure { holdings, components, members, holders }
    }

    /// The edges.
    pub fn holdings(&self) -> &Holdings {
        &self.holdings
    }

    /// All members of a group, direct or not.
    pub fn members(&self, group: Group) -> &RoaringBitmap {
        self.components.of_group(group).and_then(|component| self.members.get(at(component))).unwrap_or(&NOBODY)
    }

    /// All who hold an entitlement, by whatever way.
    pub fn holders(&self, entitlement: Entitlement) -> &RoaringBitmap {
        self.holders.get(at(entitlement.0)).unwrap_or(&NOBODY)
    }

    /// Whether a user holds an entitlement.
    pub fn holds(&self, user: User, entitlement: Entitlement) -> bool {
        self.holders(entitlement).contains(user.0)
    }

    /// Everything that a user holds, ascending.
    pub fn entitlements_of(&self, user: User) -> Vec<Entitlement> {
        let mut found = RoaringBitmap::new();
        found.extend(self.holdings.direct_of(user).iter().copied());
        for group in self.groups_of(user) {
            found.extend(self.holdings.grants_of(group.0).iter().copied());
        }
        found.into_iter().map(Entitlement).collect()
    }

    /// Every group that a user is in, direct or not, ascending.
    pub fn groups_of(&self, user: User) -> Vec<Group> {
        let mut seen = RoaringBitmap::new();
        let mut open: Vec<u32> = self.holdings.groups_of(user).to_vec();
        while let Some(group) = open.pop() {
            if seen.insert(group) {
                open.extend_from_slice(self.holdings.parents_of(group));
            }
        }
        seen.into_iter().map(Group).collect()
    }

    /// How many memberships there are after closing, over all groups.
    pub fn membership_count(&self) -> u64 {
        let of = |(component, users): (usize, &RoaringBitmap)| users.len() * self.components.size(component) as u64;
        self.members.iter().enumerate().map(of).sum()
    }

    /// Every circle of nesting, as findings.
    pub fn cycles(&self) -> Vec<Cycle> {
        let groups = self.components.cyclic(&self.holdings);
        groups.map(|groups| self.cycle(groups)).collect()
    }

    fn cycle(&self, groups: &[u32]) -> Cycle {
        let mut sorted: Vec<Group> = groups.iter().copied().map(Group).collect();
        sorted.sort_unstable();
        let round = components::way_round(&self.holdings, groups).into_iter().map(Group).collect();
        Cycle { groups: sorted, round }
    }
}

/// The union of what is below and the direct members of the component's groups.
fn members_of(
    holdings: &Holdings,
    components: &Components,
    members: &[RoaringBitmap],
    component: u32,
) -> RoaringBitmap {
    let below = components.children(holdings, component).map(|child| &members[at(child)]);
    let direct = components.groups(component).iter().map(|group| &holdings.group_users[at(*group)]);
    below.chain(direct).collect::<Vec<&RoaringBitmap>>().union()
}

fn holders_of(
    holdings: &Holdings,
    components: &Components,
    members: &[RoaringBitmap],
    entitlement: usize,
) -> RoaringBitmap {
    let through = holdings.entitlement_groups[entitlement].iter().map(|group| &members[at(components.number(*group))]);
    let all = std::iter::once(&holdings.entitlement_users[entitlement]).chain(through);
    all.collect::<Vec<&RoaringBitmap>>().union()
}
