//! What a target can do, so that nobody asks it for more.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};

use crate::object::ObjectClass;

kernel::words! {
    /// One thing that a target can do.
    Capability {
        Create = "create",
        Update = "update",
        Delete = "delete",
        /// Deleted objects can be brought back.
        Restore = "restore",
        Disable = "disable",
        Rename = "rename",
        /// Objects stand in containers and can be moved.
        Move = "move",
        Groups = "groups",
        /// Groups can be members of groups.
        NestedGroups = "nested-groups",
        /// The target itself answers who is a member through nesting.
        EffectiveMembers = "effective-members",
        Passwords = "passwords",
        /// Changes since a cursor.
        Delta = "delta",
        /// Deleted objects can be seen after they went.
        Tombstones = "tombstones",
        /// Many operations travel together.
        Bulk = "bulk",
        /// An account can end by itself.
        AccountExpiry = "account-expiry",
        /// A membership can end by itself.
        MembershipExpiry = "membership-expiry",
        RevokeSessions = "revoke-sessions",
        /// The target tells who made a change.
        Attribution = "attribution",
        /// A write can be bound to the version that was read.
        ConditionalWrite = "conditional-write",
    }
}

/// What a target can do with which objects.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Capabilities {
    pub classes: BTreeSet<ObjectClass>,
    pub can: BTreeSet<Capability>,
    /// Operations that travel together, at most; 1 without [`Capability::Bulk`].
    pub bulk_operations: usize,
    /// Objects of one page, at most.
    pub page_objects: usize,
}

impl Capabilities {
    /// From lists.
    pub fn of(classes: &[ObjectClass], can: &[Capability]) -> Capabilities {
        Capabilities {
            classes: classes.iter().copied().collect(),
            can: can.iter().copied().collect(),
            bulk_operations: 1,
            page_objects: 1_000,
        }
    }

    /// Whether the target can.
    pub fn has(&self, capability: Capability) -> bool {
        self.can.contains(&capability)
    }
}
