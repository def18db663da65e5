//! Lighter sets of roles: moves that keep the cover exact and lower roles + assignments + permissions.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;

use super::Budget;
use super::matrix::{Biclique, Reduced};

/// Whether moves may make another role.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) struct MayAddRoles(pub(super) bool);

/// The lightest of several starts.
pub(super) fn lightest(reduced: &Reduced, few: Vec<Biclique>, budget: Budget) -> Vec<Biclique> {
    let by_user = starts_by_user(reduced);
    let by_permission = starts_by_permission(reduced);
    let third = Budget { steps: budget.steps / 3, ..budget };
    let fewest = lighten(reduced, few.clone(), third, MayAddRoles(false));
    let found = [few, by_user, by_permission].map(|start| lighten(reduced, start, third, MayAddRoles(true)));
    found.into_iter().chain([fewest]).min_by_key(|roles| weight(reduced, roles)).unwrap_or_default()
}

/// One role for each distinct row.
fn starts_by_user(reduced: &Reduced) -> Vec<Biclique> {
    let role = |(user, row): (usize, &FixedBitSet)| {
        let mut users = reduced.no_users();
        users.insert(user);
        Biclique { users, permissions: row.clone() }
    };
    reduced.rows.iter().enumerate().map(role).collect()
}

/// One role for each distinct column.
fn starts_by_permission(reduced: &Reduced) -> Vec<Biclique> {
    let role = |(permission, column): (usize, &FixedBitSet)| {
        let mut permissions = reduced.no_permissions();
        permissions.insert(permission);
        Biclique { users: column.clone(), permissions }
    };
    reduced.columns.iter().enumerate().map(role).collect()
}

fn weight(reduced: &Reduced, roles: &[Biclique]) -> usize {
    let of = |role: &Biclique| {
        let users: usize = role.users.ones().map(|user| reduced.user_weight(user)).sum();
        let permissions: usize = role.permissions.ones().map(|permission| reduced.permission_weight(permission)).sum();
        1 + users + permissions
    };
    roles.iter().map(of).sum()
}

/// Makes a cover lighter until no move helps or the budget is used.
pub(super) fn lighten(reduced: &Reduced, roles: Vec<Biclique>, budget: Budget, may: MayAddRoles) -> Vec<Biclique> {
    let mut state = State::new(reduced, roles, budget.steps);
    state.prune();
    loop {
        let before = weight(reduced, &state.roles);
        state.pairs(may);
        state.prune();
        state.dissolve();
        state.prune();
        if weight(reduced, &state.roles) >= before || state.steps_left == 0 {
            return state.roles;
        }
    }
}

struct State<'a> {
    reduced: &'a Reduced,
    roles: Vec<Biclique>,
    /// How many roles give each grant, by row and column.
    times: Vec<u16>,
    steps_left: u64,
}

/// A move that two roles allow, with what it saves.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Move {
    /// Same users: one role with both sets of permissions.
    MergePermissions,
    /// Same permissions: one role with both sets of users.
    MergeUsers,
    /// The permissions of the first lie within those of the second, whose users get the first role too.
    TakePermissionsOut,
    /// The users of the first lie within those of the second: the first gives what the second gave them.
    TakeUsersOut,
    /// What both give becomes a role of its own.
    SharePermissions,
    /// Who has both gets a role of their own.
    ShareUsers,
}

impl<'a> State<'a> {
    fn new(reduced: &'a Reduced, roles: Vec<Biclique>, steps_left: u64) -> State<'a> {
        let mut state = State { reduced, roles: Vec::new(), times: Vec::new(), steps_left };
        state.times = vec![0; reduced.rows.len() * reduced.columns.len()];
        for role in roles {
            state.count(&role, 1);
            state.roles.push(role);
        }
        state
    }

    fn place(&self, user: usize, permission: usize) -> usize {
        user * self.reduced.columns.len() + permission
    }

    fn count(&mut self, role: &Biclique, change: i32) {
        for user in role.users.ones() {
            for permission in role.permissions.ones() {
                let place = self.place(user, permission);
                self.times[place] = (i32::from(self.times[place]) + change) as u16;
            }
        }
    }

    fn users_weight(&self, users: impl Iterator<Item = usize>) -> i64 {
        users.map(|user| self.reduced.user_weight(user) as i64).sum()
    }

    fn permissions_weight(&self, permissions: impl Iterator<Item = usize>) -> i64 {
        permissions.map(|permission| self.reduced.permission_weight(permission) as i64).sum()
    }

    fn spend(&mut self, steps: usize) {
        self.steps_left = self.steps_left.saturating_sub(steps as u64);
    }

    /// Takes away assignments, permissions and roles that others make needless.
    fn prune(&mut self) {
        let mut order: Vec<usize> = (0..self.roles.len()).collect();
        order.sort_by_key(|role| (self.roles[*role].permissions.count_ones(..), *role));
        for place in order {
            self.prune_role(place);
        }
        self.roles.retain(|role| !role.users.is_clear() && !role.permissions.is_clear());
    }

    fn prune_role(&mut self, place: usize) {
        let nothing = self.nothing();
        let mut role = std::mem::replace(&mut self.roles[place], nothing);
        let needless_user = |state: &State<'_>, role: &Biclique, user: usize| {
            role.permissions.ones().all(|permission| state.times[state.place(user, permission)] > 1)
        };
        for user in role.users.clone().ones() {
            if needless_user(self, &role, user) {
                let mut alone = self.reduced.no_users();
                alone.insert(user);
                self.count(&Biclique { users: alone, permissions: role.permissions.clone() }, -1);
                role.users.remove(user);
            }
        }
        for permission in role.permissions.clone().ones() {
            if role.users.ones().all(|user| self.times[self.place(user, permission)] > 1) {
                let mut alone = self.reduced.no_permissions();
                alone.insert(permission);
                self.count(&Biclique { users: role.users.clone(), permissions: alone }, -1);
                role.permissions.remove(permission);
            }
        }
        self.spend(role.users.count_ones(..) * role.permissions.count_ones(..) / 64 + 1);
        self.roles[place] = role;
    }

    fn nothing(&self) -> Biclique {
        Biclique { users: self.reduced.no_users(), permissions: self.reduced.no_permissions() }
    }

    /// Makes the best move of each role with any other, as long as there are moves that save something.
    fn pairs(&mut self, may: MayAddRoles) {
        let mut first = 0;
        while first < self.roles.len() && self.steps_left > 0 {
            let mut best: Option<(i64, usize, Move)> = None;
            for second in 0..self.roles.len() {
                let Some((saved, movement)) = self.best_move(first, second, may) else { continue };
                if best.is_none_or(|(held, _, _)| saved > held) {
                    best = Some((saved, second, movement));
                }
            }
            let words = self.reduced.columns.len() / 64 + self.reduced.rows.len() / 64 + 2;
            self.spend(self.roles.len() * words / 64 + 1);
            match best {
                Some((_, second, movement)) => self.make(first, second, movement),
                None => first += 1,
            }
        }
        self.roles.retain(|role| !role.users.is_clear() && !role.permissions.is_clear());
    }

    fn best_move(&self, first: usize, second: usize, may: MayAddRoles) -> Option<(i64, Move)> {
        if first == second {
            return None;
        }
        let (one, two) = (&self.roles[first], &self.roles[second]);
        let no_shared_users = one.users.is_disjoint(&two.users);
        let no_shared_permissions = one.permissions.is_disjoint(&two.permissions);
        if no_shared_users && no_shared_permissions || one.users.is_clear() || two.users.is_clear() {
            return None;
        }
        let shared_users = self.users_weight(one.users.intersection(&two.users));
        let shared_permissions = self.permissions_weight(one.permissions.intersection(&two.permissions));
        let (users_one, users_two) = (self.users_weight(one.users.ones()), self.users_weight(two.users.ones()));
        let permissions_one = self.permissions_weight(one.permissions.ones());
        let permissions_two = self.permissions_weight(two.permissions.ones());
        let mut moves: Vec<(i64, Move)> = Vec::with_capacity(6);
        if shared_users == users_one && shared_users == users_two {
            moves.push((1 + users_one + shared_permissions, Move::MergePermissions));
        }
        if shared_permissions == permissions_one && shared_permissions == permissions_two {
            moves.push((1 + permissions_one + shared_users, Move::MergeUsers));
        }
        if shared_permissions == permissions_one {
            moves.push((permissions_one - (users_two - shared_users), Move::TakePermissionsOut));
        }
        if shared_users == users_one {
            moves.push((users_one - (permissions_two - shared_permissions), Move::TakeUsersOut));
        }
        if may.0 {
            let all_users = users_one + users_two - shared_users;
            let all_permissions = permissions_one + permissions_two - shared_permissions;
            moves.push((shared_permissions - 1 - all_users, Move::SharePermissions));
            moves.push((shared_users - 1 - all_permissions, Move::ShareUsers));
        }
        moves.into_iter().filter(|(saved, _)| *saved > 0).max_by_key(|(saved, _)| *saved)
    }

    fn make(&mut self, first: usize, second: usize, movement: Move) {
        let (mut one, mut two) = (self.roles[first].clone(), self.roles[second].clone());
        let mut made = self.nothing();
        self.count(&one, -1);
        self.count(&two, -1);
        match movement {
            Move::MergePermissions => {
                one.permissions.union_with(&two.permissions);
                two = self.nothing();
            }
            Move::MergeUsers => {
                one.users.union_with(&two.users);
                two = self.nothing();
            }
            Move::TakePermissionsOut => {
                two.permissions.difference_with(&one.permissions);
                one.users.union_with(&two.users);
            }
            Move::TakeUsersOut => {
                two.users.difference_with(&one.users);
                one.permissions.union_with(&two.permissions);
            }
            Move::SharePermissions => {
                made.permissions.clone_from(&one.permissions);
                made.permissions.intersect_with(&two.permissions);
                made.users.clone_from(&one.users);
                made.users.union_with(&two.users);
                one.permissions.difference_with(&made.permissions);
                two.permissions.difference_with(&made.permissions);
            }
            Move::ShareUsers => {
                made.users.clone_from(&one.users);
                made.users.intersect_with(&two.users);
                made.permissions.clone_from(&one.permissions);
                made.permissions.union_with(&two.permissions);
                one.users.difference_with(&made.users);
                two.users.difference_with(&made.users);
            }
        }
        for role in [&one, &two, &made] {
            self.count(&role.clone(), 1);
        }
        self.roles[first] = one;
        self.roles[second] = two;
        if !made.users.is_clear() && !made.permissions.is_clear() {
            self.roles.push(made);
        }
    }

    /// Takes a role out where others can give what only it gave at less than it weighs: by being assigned to more users
    /// or by holding more permissions.
    fn dissolve(&mut self) {
        for place in 0..self.roles.len() {
            if self.steps_left == 0 {
                return;
            }
            let nothing = self.nothing();
            let role = std::mem::replace(&mut self.roles[place], nothing);
            self.count(&role, -1);
            let budget = 1 + self.users_weight(role.users.ones()) + self.permissions_weight(role.permissions.ones());
            if let Some(plan) = self.replacements(&role, budget) {
                for (other, widened) in plan {
                    let before = self.roles[other].clone();
                    self.count(&before, -1);
                    self.count(&widened, 1);
                    self.roles[other] = widened;
                }
            } else {
                self.count(&role, 1);
                self.roles[place] = role;
            }
        }
    }

    /// Other roles, widened, that together give what is open without `role`; `None`: that would weigh `budget` or more.
    fn replacements(&mut self, role: &Biclique, budget: i64) -> Option<HashMap<usize, Biclique>> {
        let mut open: Vec<(usize, FixedBitSet)> = Vec::new();
        for user in role.users.ones() {
            let mut missing = self.reduced.no_permissions();
            missing.extend(role.permissions.ones().filter(|held| self.times[self.place(user, *held)] == 0));
            if !missing.is_clear() {
                open.push((user, missing));
            }
        }
        let mut widened: HashMap<usize, Biclique> = HashMap::new();
        let mut spent = 0;
        while let Some((user, missing)) = open.first().cloned() {
            let (cost, other, wider) = self.cheapest(user, &missing, &widened)?;
            spent += cost;
            if spent >= budget {
                return None;
            }
            for (user, missing) in &mut open {
                if wider.users.contains(*user) {
                    missing.difference_with(&wider.permissions);
                }
            }
            open.retain(|(_, missing)| !missing.is_clear());
            widened.insert(other, wider);
        }
        Some(widened)
    }

    /// The role whose widening gives one user some of what is missing at the least weight for each permission.
    fn cheapest(
        &mut self,
        user: usize,
        missing: &FixedBitSet,
        widened: &HashMap<usize, Biclique>,
    ) -> Option<(i64, usize, Biclique)> {
        let mut best: Option<(f64, i64, usize, Biclique)> = None;
        self.spend(self.roles.len() / 16 + 1);
        for other in 0..self.roles.len() {
            let role = widened.get(&other).unwrap_or(&self.roles[other]);
            if role.users.is_clear() {
                continue;
            }
            let (cost, wider) = if role.users.contains(user) {
                let mut added = missing.clone();
                for holder in role.users.ones() {
                    added.intersect_with(&self.reduced.rows[holder]);
                }
                let cost = self.permissions_weight(added.difference(&role.permissions));
                let mut wider = role.clone();
                wider.permissions.union_with(&added);
                (cost, wider)
            } else if !role.permissions.is_disjoint(missing) && role.permissions.is_subset(&self.reduced.rows[user]) {
                let mut wider = role.clone();
                wider.users.insert(user);
                (self.reduced.user_weight(user) as i64, wider)
            } else {
                continue;
            };
            let given = wider.permissions.intersection_count(missing);
            if given == 0 {
                continue;
            }
            let rate = cost as f64 / given as f64;
            if best.as_ref().is_none_or(|(held, ..)| rate < *held) {
                best = Some((rate, cost, other, wider));
            }
        }
        best.map(|(_, cost, other, wider)| (cost, other, wider))
    }
}
