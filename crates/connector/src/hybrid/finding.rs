//! What can be wrong, and what could be done about it by somebody who looked.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::values::Flap;
use crate::object::ObjectId;
use crate::value::{AttributeName, AttributeValue};

kernel::words! {
    /// One of the two.
    Side {
        Directory = "directory",
        Cloud = "cloud",
    }
}

impl Side {
    /// The other one.
    pub const fn other(self) -> Side {
        match self {
            Side::Directory => Side::Cloud,
            Side::Cloud => Side::Directory,
        }
    }
}

/// One thing that is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Finding {
    /// The objects that it is about, as `side:id`.
    pub about: Vec<String>,
    pub kind: FindingKind,
    /// For somebody to choose from; nothing of it happens by itself.
    pub proposals: Vec<Proposal>,
}

/// What is wrong.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "finding", rename_all = "kebab-case")]
pub enum FindingKind {
    /// A unit or group that says what is synchronised is not what it was.
    ScopeLost {
        name_before: String,
        state: ScopeState,
        objects_before: usize,
        objects_now: usize,
    },
    /// An account that exists in the cloud alone would be taken over by an account of the directory at the next run.
    SoftMatchTrap(Trap),
    /// Several objects of one side claim what only one can have.
    Duplicate {
        side: Side,
        attribute: String,
        value: String,
    },
    Conflict(AttributeConflict),
    /// Both sides write the same attribute by turns.
    Flapping(Flap),
    /// The cloud refused a value that the synchronisation sent.
    ExportError {
        code: String,
        detail: String,
    },
    /// The cloud has an account that came from the directory, and the directory has none.
    SourceMissing {
        immutable_id: String,
    },
    /// The directory has an account in scope, and the cloud has none.
    NotExported,
    Late {
        changed: Timestamp,
        synchronised: Option<Timestamp>,
        lag_ms: i64,
    },
}

/// What became of a unit or group.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "state", rename_all = "kebab-case")]
pub enum ScopeState {
    /// It has another name; a synchronisation that was set up by name passes it over.
    Renamed {
        name_now: String,
    },
    Gone,
    /// It is there and holds far less.
    Shrunk,
}

/// Two accounts that would become one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Trap {
    pub directory: ObjectId,
    pub cloud: ObjectId,
    /// `userPrincipalName`, `mail`, `proxyAddresses`.
    pub by: String,
    pub value: String,
    /// One of them is privileged: whoever controls the other would be.
    pub privileged: bool,
}

/// Two values of one fact.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct AttributeConflict {
    pub directory: ObjectId,
    pub cloud: ObjectId,
    pub attribute: AttributeName,
    /// Whose value counts.
    pub authority: Side,
    pub winner: Vec<AttributeValue>,
    /// Kept here, so that it can be found again.
    pub loser: Vec<AttributeValue>,
}

/// Something that could be done.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "action", rename_all = "kebab-case")]
pub enum Proposal {
    /// Writes the values that count over the others.
    Assign { side: Side, object: ObjectId, attribute: AttributeName, values: Vec<AttributeValue> },
    /// Makes the two one, by writing the anchor; never for privileged accounts without an approval.
    Link { directory: ObjectId, cloud: ObjectId, needs_approval: bool },
    /// Takes the name away from one of them, so that they cannot become one.
    Rename { side: Side, object: ObjectId, attribute: String },
    /// Stops our own writes of an attribute until somebody has decided whose it is.
    Pause { attribute: AttributeName, object: ObjectId },
    /// Points the synchronisation to the unit or group again, by its id.
    RepairScope { scope: ObjectId },
    /// Takes the account's access away in steps, as an orphan; never at once.
    TreatAsOrphan { object: ObjectId },
    /// Runs the synchronisation for this object.
    Synchronise { object: ObjectId },
}

impl Finding {
    pub(super) fn flapping(flap: Flap) -> Finding {
        let proposals = vec![Proposal::Pause { attribute: flap.attribute.clone(), object: flap.object.clone() }];
        Finding { about: vec![about(flap.side, &flap.object)], kind: FindingKind::Flapping(flap), proposals }
    }

    /// How grave it is, gravest first.
    pub fn rank(&self) -> u8 {
        match &self.kind {
            FindingKind::ScopeLost { .. } => 0,
            FindingKind::SoftMatchTrap(trap) if trap.privileged => 1,
            FindingKind::SoftMatchTrap(_) => 2,
            FindingKind::Duplicate { .. } => 3,
            FindingKind::Flapping(_) => 4,
            FindingKind::ExportError { .. } => 5,
            FindingKind::SourceMissing { .. } => 6,
            FindingKind::Conflict(_) => 7,
            FindingKind::NotExported => 8,
            FindingKind::Late { .. } => 9,
        }
    }
}

/// `cloud:26118915-…`
pub(super) fn about(side: Side, id: &ObjectId) -> String {
    format!("{side}:{id}")
}
