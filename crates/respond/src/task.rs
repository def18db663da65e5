//! A step of work in an incident.

use kernel::id::TaskId;
use kernel::{Timestamp, words};
use serde::{Deserialize, Serialize};

words! {
    /// Where a task stands.
    TaskState {
        Open = "open",
        Done = "done",
        /// Nobody will do it.
        Dropped = "dropped",
    }
}

/// A step of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Task {
    pub id: TaskId,
    pub title: String,
    /// The text of a user id.
    pub assignee: Option<String>,
    pub state: TaskState,
    /// The text of an actor.
    pub created_by: String,
    pub created: Timestamp,
    pub ended: Option<Timestamp>,
}
