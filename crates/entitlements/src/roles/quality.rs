//! How good a role is, and what another set of roles would change for whom.

use serde::Serialize;

use super::{Role, RoleSet};

/// Figures of one role in its set.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoleQuality {
    pub users: usize,
    pub permissions: usize,
    /// Share of (user, permission) pairs that were used in the time that the caller looked at; `None`: nobody has it.
    pub usage: Option<f64>,
    /// Permissions that nobody used through it.
    pub unused_permissions: Vec<u32>,
    /// The other role with the most similar permissions (its place in the set) and their Jaccard index.
    pub most_similar: Option<(usize, f64)>,
    /// Share of (user, permission) pairs that the user also has by another role of the set: at 1 the role is needless.
    pub overlap: f64,
}

/// Figures of every role. `was_used(user, permission)` tells what the lake saw.
pub fn quality(set: &RoleSet, was_used: &dyn Fn(u32, u32) -> bool) -> Vec<RoleQuality> {
    let mut times: std::collections::HashMap<(u32, u32), u32> = std::collections::HashMap::new();
    for pair in set.roles.iter().flat_map(pairs) {
        *times.entry(pair).or_default() += 1;
    }
    let one = |(place, role): (usize, &Role)| {
        let all = role.users.len() * role.permissions.len();
        let used = pairs(role).filter(|(user, permission)| was_used(*user, *permission)).count();
        let shared = pairs(role).filter(|pair| times.get(pair).is_some_and(|times| *times > 1)).count();
        let is_unused = |permission: &&u32| !role.users.iter().any(|user| was_used(*user, **permission));
        let share = |part: usize| part as f64 / all.max(1) as f64;
        RoleQuality {
            users: role.users.len(),
            permissions: role.permissions.len(),
            usage: (all > 0).then(|| share(used)),
            unused_permissions: role.permissions.iter().filter(is_unused).copied().collect(),
            most_similar: most_similar(set, place),
            overlap: share(shared),
        }
    };
    set.roles.iter().enumerate().map(one).collect()
}

fn pairs(role: &Role) -> impl Iterator<Item = (u32, u32)> + '_ {
    role.users.iter().flat_map(|user| role.permissions.iter().map(move |permission| (*user, *permission)))
}

fn most_similar(set: &RoleSet, place: usize) -> Option<(usize, f64)> {
    let of = &set.roles[place].permissions;
    let similar = |(other, role): (usize, &Role)| {
        let both = role.permissions.iter().filter(|permission| of.binary_search(permission).is_ok()).count();
        let all = of.len() + role.permissions.len() - both;
        (other, both as f64 / all.max(1) as f64)
    };
    let others = set.roles.iter().enumerate().filter(|(other, _)| *other != place).map(similar);
    others.max_by(|left, right| left.1.total_cmp(&right.1).then(right.0.cmp(&left.0)))
}

/// What one user would gain and lose.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Difference {
    pub user: u32,
    pub gains: Vec<u32>,
    pub loses: Vec<u32>,
}

/// What-if: everybody for whom `after` gives something else than `before`.
pub fn compare(before: &RoleSet, after: &RoleSet) -> Vec<Difference> {
    let users = before.roles.iter().chain(&after.roles).flat_map(|role| &role.users).max().map_or(0, |last| last + 1);
    let of = |set: &RoleSet| {
        let mut held: Vec<Vec<u32>> = vec![Vec::new(); users as usize];
        for role in &set.roles {
            for user in &role.users {
                held[*user as usize].extend_from_slice(&role.permissions);
            }
        }
        for permissions in &mut held {
            permissions.sort_unstable();
            permissions.dedup();
        }
        held
    };
    let without = |these: &[u32], those: &[u32]| -> Vec<u32> {
        these.iter().filter(|permission| those.binary_search(permission).is_err()).copied().collect()
    };
    let rows = of(before).into_iter().zip(of(after));
    let differences = (0_u32..).zip(rows).map(|(user, (old, new))| {
        let (gains, loses) = (without(&new, &old), without(&old, &new));
        Difference { user, gains, loses }
    });
    differences.filter(|difference| !difference.gains.is_empty() || !difference.loses.is_empty()).collect()
}
