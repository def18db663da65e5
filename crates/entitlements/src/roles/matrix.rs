//! Who has which permission, as given and with doubles merged.

use std::collections::HashMap;

use fixedbitset::FixedBitSet;

use super::Role;

/// The permissions of each user, ascending, each once.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    rows: Vec<Vec<u32>>,
}

impl Access {
    /// Sorts and merges each user's permissions.
    pub fn new(mut rows: Vec<Vec<u32>>) -> Access {
        for row in &mut rows {
            row.sort_unstable();
            row.dedup();
        }
        Access { rows }
    }

    /// How many users.
    pub fn users(&self) -> usize {
        self.rows.len()
    }

    /// One more than the highest permission.
    pub fn permissions(&self) -> usize {
        self.rows.iter().filter_map(|row| row.last()).max().map_or(0, |last| *last as usize + 1)
    }

    /// A user's permissions.
    pub fn of(&self, user: usize) -> &[u32] {
        self.rows.get(user).map_or(&[], Vec::as_slice)
    }

    /// How many grants.
    pub fn grants(&self) -> usize {
        self.rows.iter().map(Vec::len).sum()
    }

    /// Whether a user has a permission.
    pub fn has(&self, user: usize, permission: u32) -> bool {
        self.of(user).binary_search(&permission).is_ok()
    }

    /// The first user whose permissions differ.
    pub fn first_difference(&self, other: &Access) -> Option<usize> {
        (0..self.users().max(other.users())).find(|user| self.of(*user) != other.of(*user))
    }
}

/// A rectangle of ones: every user has every permission. Numbers are those of the reduced matrix.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Biclique {
    pub(super) users: FixedBitSet,
    pub(super) permissions: FixedBitSet,
}

/// The matrix without empty lines, each distinct row and column once.
#[derive(Debug)]
pub(crate) struct Reduced {
    pub(crate) rows: Vec<FixedBitSet>,
    pub(crate) columns: Vec<FixedBitSet>,
    /// The users that a row stands for.
    pub(crate) users: Vec<Vec<u32>>,
    /// The permissions that a column stands for.
    pub(crate) permissions: Vec<Vec<u32>>,
}

impl Reduced {
    pub(crate) fn of(access: &Access) -> Reduced {
        let mut users: Vec<Vec<u32>> = Vec::new();
        let mut row_of: HashMap<&[u32], usize> = HashMap::new();
        let mut distinct: Vec<&[u32]> = Vec::new();
        for (user, row) in (0_u32..).zip(&access.rows).filter(|(_, row)| !row.is_empty()) {
            let place = *row_of.entry(row).or_insert_with(|| {
                distinct.push(row);
                users.push(Vec::new());
                distinct.len() - 1
            });
            users[place].push(user);
        }
        let mut holders: Vec<Vec<u32>> = vec![Vec::new(); access.permissions()];
        for (place, row) in (0_u32..).zip(&distinct) {
            for permission in *row {
                holders[*permission as usize].push(place);
            }
        }
        let mut permissions: Vec<Vec<u32>> = Vec::new();
        let mut column_of: HashMap<&[u32], usize> = HashMap::new();
        let mut columns: Vec<FixedBitSet> = Vec::new();
        for (permission, rows) in (0_u32..).zip(&holders).filter(|(_, rows)| !rows.is_empty()) {
            let place = *column_of.entry(rows).or_insert_with(|| {
                let mut column = FixedBitSet::with_capacity(distinct.len());
                column.extend(rows.iter().map(|row| *row as usize));
                columns.push(column);
                permissions.push(Vec::new());
                columns.len() - 1
            });
            permissions[place].push(permission);
        }
        let mut rows = vec![FixedBitSet::with_capacity(columns.len()); distinct.len()];
        for (place, column) in columns.iter().enumerate() {
            for row in column.ones() {
                rows[row].insert(place);
            }
        }
        Reduced { rows, columns, users, permissions }
    }

    /// How many users a row stands for.
    pub(super) fn user_weight(&self, row: usize) -> usize {
        self.users[row].len()
    }

    /// How many permissions a column stands for.
    pub(super) fn permission_weight(&self, column: usize) -> usize {
        self.permissions[column].len()
    }

    pub(super) fn no_users(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.rows.len())
    }

    pub(super) fn no_permissions(&self) -> FixedBitSet {
        FixedBitSet::with_capacity(self.columns.len())
    }

    /// Permissions that all these users have; all of them when there are no users.
    pub(super) fn shared_permissions(&self, users: &FixedBitSet) -> FixedBitSet {
        let mut shared = self.no_permissions();
        shared.insert_range(..);
        for user in users.ones() {
            shared.intersect_with(&self.rows[user]);
        }
        shared
    }

    /// Users that have all these permissions; all of them when there are no permissions.
    pub(super) fn shared_users(&self, permissions: &FixedBitSet) -> FixedBitSet {
        let mut shared = self.no_users();
        shared.insert_range(..);
        for permission in permissions.ones() {
            shared.intersect_with(&self.columns[permission]);
        }
        shared
    }

    /// The biclique with the numbers of the input.
    pub(super) fn role(&self, biclique: &Biclique) -> Role {
        let mut permissions: Vec<u32> =
            biclique.permissions.ones().flat_map(|column| self.permissions[column].iter().copied()).collect();
        let mut users: Vec<u32> = biclique.users.ones().flat_map(|row| self.users[row].iter().copied()).collect();
        permissions.sort_unstable();
        users.sort_unstable();
        Role { permissions, users }
    }
}
