//! Roles found in the access that people have (role mining).
//!
//! The problem is to cover a 0/1 matrix exactly by rectangles of ones, known as minimum biclique cover or Boolean rank
//! (NP-hard). What is done, in order:
//!
//! 1. Users with the same access, and permissions with the same holders, become one (`matrix`).
//! 2. The *kernel*: a grant whose possible companions all fit into one role makes that role certain, and a grant that
//!    fits wherever another fits need not be looked at (`kernel`; Ene, Horne, Milosavljevic, Rao, Schreiber, Tarjan,
//!    "Fast exact and heuristic methods for role minimization problems", SACMAT 2008). Both keep the optimum; on data
//!    of organisations little or nothing is left.
//! 3. What is left is covered greedily and improved by taking some roles out and covering again, until the budget of
//!    steps is used or a bound from below is reached (`cover`).
//! 4. Weight (weighted structural complexity: roles + assignments + permissions of roles) is lowered by moves that keep
//!    the cover exact (`weight`).
//!
//! Every result is expanded and compared with the input, bit by bit, before it is returned.

mod cover;
mod kernel;
pub(crate) mod matrix;
mod name;
mod quality;
mod weight;

use serde::Serialize;

pub use matrix::Access;
pub use name::{RoleName, name};
pub use quality::{Difference, RoleQuality, compare, quality};

/// What makes one set of roles better than another.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, serde::Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Goal {
    /// As few roles as can be found; among equals the lighter set.
    FewestRoles,
    /// The least weight that can be found, with however many roles.
    LeastWeight,
}

/// How long to look, in steps of about a microsecond each on an ordinary machine; not seconds, so that the same input
/// gives the same roles everywhere.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Budget {
    pub steps: u64,
    pub seed: u64,
}

impl Default for Budget {
    fn default() -> Budget {
        Budget { steps: 10_000_000, seed: 1 }
    }
}

/// Permissions that are given together, and to whom.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Role {
    /// Ascending.
    pub permissions: Vec<u32>,
    /// Ascending.
    pub users: Vec<u32>,
}

/// Roles that give exactly the access that they were mined from.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct RoleSet {
    pub roles: Vec<Role>,
    /// No set of fewer roles exists. Equal to the number of roles: it is proven to be the least.
    pub at_least: usize,
}

/// Weighted structural complexity with unit weights.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Weight {
    pub roles: usize,
    /// User assignments (UA).
    pub assignments: usize,
    /// Permission assignments (PA).
    pub permissions: usize,
}

impl Weight {
    /// The sum.
    pub fn total(&self) -> usize {
        self.roles + self.assignments + self.permissions
    }
}

impl RoleSet {
    /// What the set weighs.
    pub fn weight(&self) -> Weight {
        Weight {
            roles: self.roles.len(),
            assignments: self.roles.iter().map(|role| role.users.len()).sum(),
            permissions: self.roles.iter().map(|role| role.permissions.len()).sum(),
        }
    }

    /// What the roles give, user by user: the input again, or something is wrong.
    pub fn expand(&self, access: &Access) -> Access {
        let mut rows: Vec<Vec<u32>> = vec![Vec::new(); access.users()];
        for role in &self.roles {
            for user in &role.users {
                rows[*user as usize].extend_from_slice(&role.permissions);
            }
        }
        Access::new(rows)
    }
}

/// The roles that were found would not give the access that they were mined from: a fault of this crate.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("the mined roles give user {user} other permissions than they have; nothing is proposed")]
pub struct NotExact {
    pub user: usize,
}

/// Mines roles.
///
/// # Errors
/// [`NotExact`] when the check of the result fails, which would be a fault of this crate.
pub fn mine(access: &Access, goal: Goal, budget: Budget) -> Result<RoleSet, NotExact> {
    let reduced = matrix::Reduced::of(access);
    let found = cover::cover(&reduced, budget);
    let bicliques = match goal {
        Goal::FewestRoles => weight::lighten(&reduced, found.roles, budget, weight::MayAddRoles(false)),
        Goal::LeastWeight => weight::lightest(&reduced, found.roles, budget),
    };
    let roles = bicliques.iter().map(|biclique| reduced.role(biclique)).filter(|role| !role.users.is_empty()).collect();
    let set = RoleSet { roles, at_least: found.at_least };
    match access.first_difference(&set.expand(access)) {
        None => Ok(set),
        Some(user) => Err(NotExact { user }),
    }
}
