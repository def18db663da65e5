//! What a target holds: accounts, groups and what they stand in.

use std::fmt;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::protection::Protection;
use crate::value::Attributes;

kernel::words! {
    /// What an object is.
    ObjectClass {
        /// What a person or a service signs in with.
        Account = "account",
        /// Members with a name: security group, distribution list, SCIM group.
        Group = "group",
        /// A container that policy hangs on.
        OrganizationalUnit = "organizational-unit",
        /// A role of the target itself (Entra directory role, application role).
        Role = "role",
        /// A part of a tenant that is administered apart (Entra).
        AdministrativeUnit = "administrative-unit",
        /// Something that is paid for per account.
        Licence = "licence",
        /// An application that people consent to or are assigned to.
        Application = "application",
        /// A consent that lets an application act for somebody.
        ConsentGrant = "consent-grant",
        /// A policy of the target on sign-ins.
        ConditionalAccessPolicy = "conditional-access-policy",
    }
}

/// The id that the target gave to an object and never changes: objectGUID, entryUUID, SCIM or Graph id, primary key.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct ObjectId(pub String);

impl ObjectId {
    /// From the text that the target shows.
    pub fn new(text: impl Into<String>) -> ObjectId {
        ObjectId(text.into())
    }

    /// The text.
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for ObjectId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

/// An object as it was read.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Object {
    pub class: ObjectClass,
    pub id: ObjectId,
    /// What people call it at the target, and what may change: distinguished name, user name.
    pub name: String,
    /// What it stands in: organisational unit, tenant. `None`: the target knows no containers.
    pub container: Option<String>,
    /// Without those that have a field of their own here.
    pub attributes: Attributes,
    /// Whether one can sign in with it; `None`: the target has no such state.
    pub enabled: Option<bool>,
    /// When it ends at the target by itself.
    pub expires: Option<Timestamp>,
    /// Changes with every write: entity tag, uSNChanged, entryCSN.
    pub version: Option<String>,
    /// Groups that it is a direct member of; `None`: the target does not tell here, ask the groups.
    pub memberships: Option<Vec<ObjectId>>,
    /// Why it must not be written.
    pub protection: Option<Protection>,
}

impl Object {
    /// An object without attributes.
    pub fn new(class: ObjectClass, id: impl Into<String>, name: impl Into<String>) -> Object {
        Object {
            class,
            id: ObjectId::new(id),
            name: name.into(),
            container: None,
            attributes: Attributes::new(),
            enabled: None,
            expires: None,
            version: None,
            memberships: None,
            protection: None,
        }
    }
}

/// Who made a change at the target, as far as the target tells.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Attribution {
    /// The target's name for who did it; `None`: it keeps no names.
    pub actor: Option<String>,
    pub at: Option<Timestamp>,
    /// Where that was read: `modifiersName`, `msDS-ReplAttributeMetaData`, `initiatedBy`.
    pub evidence: String,
}
