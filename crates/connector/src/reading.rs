//! Questions to a target and their answers.

use serde::{Deserialize, Serialize};

use crate::object::{Attribution, Object, ObjectClass, ObjectId};
use crate::value::{AttributeName, AttributeValue};

/// By what an object is found.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Key {
    /// The target's own id.
    Id(ObjectId),
    /// A value that only one object has; two are a [conflict](crate::ErrorKind::Conflict).
    Attribute { name: AttributeName, value: AttributeValue },
}

/// Objects of one class.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Search {
    pub class: ObjectClass,
    /// All of these hold; empty: every object of the class.
    pub equals: Vec<(AttributeName, AttributeValue)>,
    /// Attributes to read; empty: all that the connector is set up for.
    pub attributes: Vec<AttributeName>,
    /// Objects of a page at most; the target may give fewer.
    pub limit: usize,
}

impl Search {
    /// Every object of a class.
    pub fn all(class: ObjectClass) -> Search {
        Search { class, equals: Vec::new(), attributes: Vec::new(), limit: 1_000 }
    }
}

/// Where the next page begins. Texts that outlive process and connection.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct PageToken(pub String);

/// Some objects.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Page {
    pub objects: Vec<Object>,
    /// `None`: that was all. An empty page may have a next one.
    pub next: Option<PageToken>,
    /// What was there and could not be understood, with its name: shown, never silently left out.
    pub faults: Vec<String>,
}

/// A member of a group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Member {
    pub id: ObjectId,
    pub name: String,
    /// `None`: the target does not tell here.
    pub class: Option<ObjectClass>,
}

/// Some members.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct MemberPage {
    pub members: Vec<Member>,
    /// `None`: that was all.
    pub next: Option<PageToken>,
}

/// Up to where changes have been seen.
#[derive(Debug, Clone, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Cursor(pub String);

/// What changed since a cursor.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "delta", rename_all = "kebab-case")]
pub enum Delta {
    Changes(DeltaPage),
    /// The target cannot say: cursor too old, directory restored from a backup, another server. Read everything and compare
    /// in simulation before any write; take a new [`Connector::cursor`](crate::Connector::cursor) *first*.
    CursorLost {
        reason: String,
    },
}

/// Changes, oldest first where the target orders them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct DeltaPage {
    pub changes: Vec<NativeChange>,
    /// To be kept once the changes have been dealt with.
    pub next: Cursor,
    /// More are waiting: ask again at once.
    pub more: bool,
    /// The target cannot name what was deleted, but knows what there is: of the classes named here, every object whose id is
    /// not listed is gone. Empty: `changes` names deletions itself.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub still_there: Vec<(ObjectClass, Vec<ObjectId>)>,
    /// What was there and could not be understood.
    pub faults: Vec<String>,
}

/// One change at the target, ours or somebody else's.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct NativeChange {
    pub class: ObjectClass,
    pub id: ObjectId,
    pub what: WhatChanged,
    pub attribution: Option<Attribution>,
}

/// What became of an object.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "what", rename_all = "kebab-case")]
pub enum WhatChanged {
    /// It was created or changed; this is what it is now.
    Upserted(Object),
    /// It is gone; the name is the last one known.
    Deleted { name: Option<String> },
    /// Members of a group came and went.
    Members { added: Vec<ObjectId>, removed: Vec<ObjectId> },
}
