//! Grants that are still to be covered, and the reductions that keep the optimum.
//!
//! Two grants (u, p) and (v, q) *agree* when u has q and v has p: some role can give both. A role is a set of grants
//! that all agree. Of a grant, let A and B be the users and permissions of the uncovered grants that agree with it:
//!
//! - all of A have all of B: one role covers everything that the grant can ever be covered with, so it is taken;
//! - any other uncovered grant of users that have all of B and permissions that all of A have fits into every role that
//!   the grant fits into: it need not be looked at, and joins a role of the first in the end ([`Board::close`]).
//!
//! A role is carried as its *seed*: the users and permissions of the grants that count on it. Only in the end does it
//! grow to all that it could hold, because a role that is grown too early has no room for who must join it.

use fixedbitset::FixedBitSet;

use super::matrix::{Biclique, Reduced};

/// The grants that are not covered yet.
#[derive(Debug, Clone)]
pub(super) struct Board<'a> {
    pub(super) reduced: &'a Reduced,
    /// By row.
    pub(super) left: Vec<FixedBitSet>,
    /// Grants that need not be looked at, each with the one whose role it joins, in the order of their removal.
    joins: Vec<(Grant, Grant)>,
    /// Work done, in words of 64 bits looked at.
    pub(super) words: u64,
}

/// Row and column of a one.
pub(super) type Grant = (usize, usize);

/// What agrees with a grant.
struct Agreeing {
    /// Users of uncovered grants that agree.
    users: FixedBitSet,
    /// Permissions of uncovered grants that agree.
    permissions: FixedBitSet,
    /// Users that have all of these permissions.
    shared_users: FixedBitSet,
    /// Permissions that all of these users have.
    shared_permissions: FixedBitSet,
}

impl<'a> Board<'a> {
    /// Every grant.
    pub(super) fn full(reduced: &'a Reduced) -> Board<'a> {
        Board { reduced, left: reduced.rows.clone(), joins: Vec::new(), words: 0 }
    }

    /// These grants alone.
    pub(super) fn with(reduced: &'a Reduced, grants: impl Iterator<Item = (usize, usize)>) -> Board<'a> {
        let mut left = vec![reduced.no_permissions(); reduced.rows.len()];
        for (user, permission) in grants {
            left[user].insert(permission);
        }
        Board { reduced, left, joins: Vec::new(), words: 0 }
    }

    pub(super) fn grants(&self) -> impl Iterator<Item = (usize, usize)> + '_ {
        let rows = self.left.iter().enumerate();
        rows.flat_map(|(user, left)| left.ones().map(move |permission| (user, permission)))
    }

    /// Marks what a role gives and returns its seed: whatever is marked now.
    pub(super) fn take(&mut self, role: &Biclique) -> Biclique {
        let mut seed = Biclique { users: self.reduced.no_users(), permissions: self.reduced.no_permissions() };
        for user in role.users.ones() {
            let mut taken = self.left[user].clone();
            taken.intersect_with(&role.permissions);
            if !taken.is_clear() {
                seed.users.insert(user);
                seed.permissions.union_with(&taken);
                self.left[user].difference_with(&taken);
            }
        }
        seed
    }

    /// Everything that was set aside joins the role of the grant that it was set aside for, last first; then each role
    /// grows to all that it can hold.
    pub(super) fn close(&self, mut seeds: Vec<Biclique>) -> Vec<Biclique> {
        for (gone, by) in self.joins.iter().rev() {
            let holds = |seed: &&mut Biclique| seed.users.contains(by.0) && seed.permissions.contains(by.1);
            if let Some(seed) = seeds.iter_mut().find(holds) {
                seed.users.insert(gone.0);
                seed.permissions.insert(gone.1);
            }
        }
        for seed in &mut seeds {
            seed.permissions = self.reduced.shared_permissions(&seed.users);
            seed.users = self.reduced.shared_users(&seed.permissions);
        }
        seeds
    }

    /// Reduces until nothing more follows; seeds of roles that are certain are added. Stops early when `words` runs out, which
    /// is safe: what is left is left.
    pub(super) fn reduce(&mut self, roles: &mut Vec<Biclique>, words: u64) {
        let mut open: Vec<(usize, usize)> = self.grants().collect();
        while !open.is_empty() && self.words < words {
            let (mut rows, mut columns) = (self.reduced.no_users(), self.reduced.no_permissions());
            for &(user, permission) in &open {
                if self.words >= words {
                    return;
                }
                if self.left[user].contains(permission) {
                    self.reduce_one(user, permission, roles, (&mut rows, &mut columns));
                }
            }
            // Only grants that could agree with something that went can tell anything new.
            let reduced = self.reduced;
            let concerns = |&(user, permission): &(usize, usize)| {
                !reduced.columns[permission].is_disjoint(&rows) && !reduced.rows[user].is_disjoint(&columns)
            };
            open = self.grants().filter(concerns).collect();
        }
    }

    fn reduce_one(
        &mut self,
        user: usize,
        permission: usize,
        roles: &mut Vec<Biclique>,
        (rows, columns): (&mut FixedBitSet, &mut FixedBitSet),
    ) {
        let agreeing = self.agreeing(user, permission);
        if agreeing.permissions.is_subset(&agreeing.shared_permissions) {
            let permissions = agreeing.shared_permissions;
            let users = self.reduced.shared_users(&permissions);
            rows.union_with(&agreeing.users);
            columns.union_with(&agreeing.permissions);
            let seed = self.take(&Biclique { users, permissions });
            roles.push(seed);
            return;
        }
        for other in agreeing.shared_users.ones() {
            let mut gone = self.left[other].clone();
            gone.intersect_with(&agreeing.shared_permissions);
            if other == user {
                gone.remove(permission);
            }
            if !gone.is_clear() {
                self.joins.extend(gone.ones().map(|held| ((other, held), (user, permission))));
                self.left[other].difference_with(&gone);
                rows.insert(other);
                columns.union_with(&gone);
            }
        }
    }

    fn agreeing(&mut self, user: usize, permission: usize) -> Agreeing {
        let reduced = self.reduced;
        let mut users = reduced.no_users();
        let mut permissions = reduced.no_permissions();
        let mut shared_permissions = reduced.rows[user].clone();
        let row = &reduced.rows[user];
        for other in reduced.columns[permission].ones() {
            if self.left[other].is_disjoint(row) {
                continue;
            }
            users.insert(other);
            permissions.union_with(&self.left[other]);
            shared_permissions.intersect_with(&reduced.rows[other]);
        }
        permissions.intersect_with(row);
        let mut shared_users = reduced.columns[permission].clone();
        for held in permissions.ones() {
            shared_users.intersect_with(&reduced.columns[held]);
        }
        let row_words = reduced.columns.len() as u64 / 64 + 1;
        let column_words = reduced.rows.len() as u64 / 64 + 1;
        let holders = reduced.columns[permission].count_ones(..) as u64;
        self.words += holders * row_words * 2 + permissions.count_ones(..) as u64 * column_words;
        Agreeing { users, permissions, shared_users, shared_permissions }
    }

    /// How many uncovered grants agree with this one, itself among them.
    pub(super) fn freedom(&self, user: usize, permission: usize) -> usize {
        let row = &self.reduced.rows[user];
        self.reduced.columns[permission].ones().map(|other| self.left[other].intersection_count(row)).sum()
    }
}

/// Whether one role can give both.
pub(super) fn agree(reduced: &Reduced, one: (usize, usize), other: (usize, usize)) -> bool {
    reduced.rows[one.0].contains(other.1) && reduced.rows[other.0].contains(one.1)
}
