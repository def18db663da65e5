//! What can go wrong with incidents, by who is to blame.

use kernel::id::IncidentId;
use store::Conflict;

use crate::decide::Refusal;

/// Why nothing was done.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// There is no such incident: the caller's id is wrong or old.
    #[error("there is no incident {0}")]
    NotFound(IncidentId),
    /// The state machine or a limit is in the way: the caller asks for something else.
    #[error(transparent)]
    Refused(#[from] Refusal),
    /// Somebody else edited the incident after the version that the command was based on.
    #[error("the incident was edited meanwhile and is now at version {}; decide again on the current values", .0.version)]
    Conflict(Box<Conflict>),
    /// The state database failed.
    #[error(transparent)]
    Store(#[from] store::Error),
}
