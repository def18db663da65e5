//! What a change says about itself.

use kernel::{Actor, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

/// The ledger entry of a change.
///
/// Actor, verb and entity go into the chain for ever: ids, never names of persons. Reason, before and after are the
/// payload, which lies beside the chain and can be erased.
#[derive(Debug, Clone, PartialEq)]
pub struct Entry {
    pub(crate) actor: Actor,
    pub(crate) verb: String,
    pub(crate) entity: String,
    pub(crate) payload: Payload,
}

/// What can be erased.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub(crate) struct Payload {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) before: Option<Json>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub(crate) after: Option<Json>,
}

impl Entry {
    /// `actor` did `verb` (`incident.close`) to `entity` (the text of an id).
    pub fn new(actor: &Actor, verb: &str, entity: impl std::fmt::Display) -> Entry {
        let entity = entity.to_string();
        Entry { actor: actor.clone(), verb: verb.to_owned(), entity, payload: Payload::default() }
    }

    /// Why.
    #[must_use]
    pub fn reason(mut self, reason: impl Into<String>) -> Entry {
        self.payload.reason = Some(reason.into());
        self
    }

    /// The record as it was.
    #[must_use]
    pub fn before(mut self, before: Json) -> Entry {
        self.payload.before = Some(before);
        self
    }

    /// The record as it is now.
    #[must_use]
    pub fn after(mut self, after: Json) -> Entry {
        self.payload.after = Some(after);
        self
    }
}

/// A change that is durable.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Committed {
    /// Sequence number of its last ledger entry.
    pub seq: i64,
    pub time: Timestamp,
}
