//! What is to be done at a target, and what came of it.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::object::{ObjectClass, ObjectId};
use crate::reading::Key;
use crate::secret::Secret;
use crate::value::{AttributeName, Attributes};

/// Which object.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ObjectKey {
    pub class: ObjectClass,
    pub key: Key,
}

impl ObjectKey {
    /// By the target's own id.
    pub fn id(class: ObjectClass, id: impl Into<String>) -> ObjectKey {
        ObjectKey { class, key: Key::Id(ObjectId::new(id)) }
    }

    /// By a value that is ours and unique at the target: `employeeID`, `externalId`.
    pub fn correlation(class: ObjectClass, attribute: &str, value: &str) -> ObjectKey {
        ObjectKey { class, key: Key::Attribute { name: attribute.into(), value: value.into() } }
    }
}

impl std::fmt::Display for ObjectKey {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match &self.key {
            Key::Id(id) => write!(f, "{} `{id}`", self.class),
            Key::Attribute { name, value } => write!(f, "{} with {name} `{value}`", self.class),
        }
    }
}

/// One thing to do. It may be done again after a crash: the connector reads first and does only what is missing.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Operation {
    /// The caller's name for it; kept at the target where it has a place for one.
    pub id: String,
    /// For [`Change::Create`]: the correlation by which a second attempt recognises the first.
    pub object: ObjectKey,
    pub change: Change,
    /// An approval stands behind it that allows writing what the target marks as privileged
    /// ([`Protection::PrivilegedMark`](crate::Protection::PrivilegedMark)); nothing allows the other protections.
    pub privileged: bool,
}

impl Operation {
    /// An ordinary operation.
    pub fn new(id: impl Into<String>, object: ObjectKey, change: Change) -> Operation {
        Operation { id: id.into(), object, change, privileged: false }
    }
}

/// What an operation does.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "change", rename_all = "kebab-case")]
pub enum Change {
    /// An object that is not there yet. When its correlation is there already, what is missing is written.
    Create(NewObject),
    /// These attributes shall have these values; others are left.
    Assign {
        attributes: Attributes,
        /// Only while the object has this version; `None`: whatever it is.
        if_version: Option<String>,
    },
    SetEnabled {
        enabled: bool,
    },
    /// The account ends by itself then; `None`: never.
    SetExpiry {
        at: Option<Timestamp>,
    },
    SetPassword {
        /// Never stored: an operation that was read back has none and is refused.
        #[serde(skip)]
        password: Option<Secret>,
        /// Its owner has to choose another at the next sign-in.
        must_change: bool,
    },
    /// Another name in the same container.
    Rename {
        name: String,
    },
    /// The same name in another container.
    Move {
        container: String,
    },
    /// The object is a group; somebody shall be in it, until then when given.
    AddMember {
        member: ObjectId,
        until: Option<Timestamp>,
    },
    RemoveMember {
        member: ObjectId,
    },
    Delete,
    /// Brings a deleted object back.
    Restore,
}

/// An object to create.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct NewObject {
    /// What people will call it: the common name, the user name.
    pub name: String,
    pub container: Option<String>,
    pub attributes: Attributes,
    /// `None`: as the target does it by itself.
    pub enabled: Option<bool>,
    pub expires: Option<Timestamp>,
    /// Never stored.
    #[serde(skip)]
    pub password: Option<Secret>,
}

/// How much of an operation this call did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Effect {
    /// All of it.
    Applied,
    /// The rest of it: an earlier attempt had begun.
    Completed,
    /// Nothing: everything was so already.
    AlreadyDone,
}

/// What came of an operation.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Outcome {
    pub id: ObjectId,
    /// What people call it now.
    pub name: String,
    pub effect: Effect,
    /// Attributes that this call wrote.
    pub changed: Vec<AttributeName>,
    pub version: Option<String>,
}
