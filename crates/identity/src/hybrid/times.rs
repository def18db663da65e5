//! When a pair of systems is looked at: a promise of the deadline engine.

use store::{Deadline, Due};

use super::Hybrid;
use crate::error::Error;
use crate::room::Turn;

/// When both systems are read and compared.
pub(crate) const LOOK: &str = "identity.hybrid";
const MINUTE_US: i64 = 60_000_000;

/// Sets the next look.
pub(crate) async fn begin(turn: &mut Turn, key: &str, hybrid: &Hybrid, minutes: i64) -> Result<(), Error> {
    let deadline = Deadline {
        kind: LOOK.to_owned(),
        subject: key.to_owned(),
        owes: "system:identity".to_owned(),
        due: Due::After(minutes.max(1).saturating_mul(MINUTE_US)),
        otherwise: format!("{} and {} are compared", hybrid.directory, hybrid.cloud),
    };
    turn.tx.deadline(deadline).await?;
    Ok(())
}
