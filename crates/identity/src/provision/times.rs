//! When systems are read: promises of the deadline engine.

use store::{Deadline, Due};

use crate::error::Error;
use crate::room::Turn;
use crate::system::System;

/// When a system is asked for what changed.
pub(crate) const READ: &str = "identity.read";
/// When everything of a system is read.
pub(crate) const READ_ALL: &str = "identity.read-all";
const MINUTE_US: i64 = 60_000_000;

/// Sets the deadlines at which a system is asked for what changed, and read as a whole.
pub(crate) async fn read_again(turn: &mut Turn, key: &str, system: &System) -> Result<(), Error> {
    promise(turn, READ, key, system.delta_minutes).await?;
    promise(turn, READ_ALL, key, system.reconcile_hours.saturating_mul(60)).await
}

/// Sets one of them.
pub(super) async fn promise(turn: &mut Turn, kind: &str, key: &str, minutes: i64) -> Result<(), Error> {
    let deadline = Deadline {
        kind: kind.to_owned(),
        subject: key.to_owned(),
        owes: "system:identity".to_owned(),
        due: Due::After(minutes.max(1).saturating_mul(MINUTE_US)),
        otherwise: format!("{key} is read again"),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}
