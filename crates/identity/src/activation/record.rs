//! An activation as it is stored.

use kernel::Timestamp;
use kernel::id::{ActivationId, AssignmentId, PersonId};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Read, Row, params};

use super::sessions::SessionEnd;
use crate::approver::Candidate;
use crate::assignment::Target;
use crate::duty_sql as sql;
use crate::error::{Error, Refusal};
use crate::room::Turn;

kernel::words! {
    /// Where an activation is in its life.
    ActivationState {
        /// Somebody is asked.
        Waiting = "waiting",
        Active = "active",
        /// It has ended and is looked for at the target.
        Ending = "ending",
        /// It has ended, and the target showed so.
        Ended = "ended",
        /// The target still shows it.
        NotRevoked = "not-revoked",
        Refused = "refused",
        /// Nobody answered within the window, or what it was based on went away first.
        Void = "void",
    }
}

impl ActivationState {
    /// Whether anything can still happen to it.
    pub const fn is_open(self) -> bool {
        match self {
            ActivationState::Waiting
            | ActivationState::Active
            | ActivationState::Ending
            | ActivationState::NotRevoked => true,
            ActivationState::Ended | ActivationState::Refused | ActivationState::Void => false,
        }
    }
}

kernel::words! {
    /// Why an activation ended.
    EndCause {
        /// Its time was over.
        Time = "time",
        /// Whoever had it gave it back.
        Person = "person",
        /// Somebody took it away.
        Officer = "officer",
        /// The incident or mission was closed.
        Ticket = "ticket",
        /// The mission went elsewhere, or they are no longer aboard.
        Place = "place",
        /// They are no longer eligible.
        Eligibility = "eligibility",
    }
}

/// Borrowed access.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Activation {
    pub id: ActivationId,
    pub person: PersonId,
    /// The eligible assignment that it stands on.
    pub eligible: AssignmentId,
    pub target_kind: String,
    pub target: String,
    pub reason: String,
    pub ticket: Option<String>,
    pub hours: i64,
    /// Whether a second factor was shown.
    pub second_factor: bool,
    pub state: ActivationState,
    /// Who is asked, in order.
    pub candidates: Vec<Candidate>,
    pub decided_by: Option<PersonId>,
    pub comment: Option<String>,
    pub asked: Timestamp,
    /// Until when an approval counts.
    pub window: Option<Timestamp>,
    /// The assignment that it made.
    pub assignment: Option<AssignmentId>,
    pub began: Option<Timestamp>,
    pub until: Option<Timestamp>,
    pub ended: Option<Timestamp>,
    pub end_cause: Option<EndCause>,
    /// For how long it lasted beyond its time, because the server was down, in microseconds.
    pub exposure_us: i64,
    /// When the target was seen without it.
    pub verified: Option<Timestamp>,
    /// How often it was looked for in vain.
    pub looked: i64,
    pub verify_minutes: i64,
    /// What became of sessions at its end, for each account that held it.
    #[serde(default)]
    pub sessions: Vec<SessionEnd>,
    #[serde(default)]
    pub version: i64,
}

impl Activation {
    /// What is borrowed.
    ///
    /// # Errors
    /// When the record is damaged.
    pub fn target(&self) -> Result<Target, Refusal> {
        Target::parse(&self.target_kind, &self.target)
    }
}

fn activation(row: &Row) -> Result<Activation, Error> {
    let mut activation: Activation = row.json("sheet")?;
    activation.version = row.int("version")?;
    Ok(activation)
}

pub(crate) async fn find(read: &mut impl Read, id: ActivationId) -> Result<Activation, Error> {
    let rows = read.rows(&sql::ACTIVATION, params![id]).await?;
    rows.first().map(activation).transpose()?.ok_or_else(|| Error::missing("activation", id))
}

pub(crate) async fn list(
    read: &mut impl Read,
    person: Option<PersonId>,
    open: bool,
    limit: u32,
) -> Result<Vec<Activation>, Error> {
    read.rows(&sql::ACTIVATIONS, params![person, open, limit]).await?.iter().map(activation).collect()
}

pub(super) async fn of_ticket(read: &mut impl Read, ticket: &str) -> Result<Vec<Activation>, Error> {
    read.rows(&sql::ACTIVATIONS_OF_TICKET, params![ticket]).await?.iter().map(activation).collect()
}

/// Writes an activation over the version that was read: of two at once, one wins.
pub(super) async fn save(turn: &mut Turn, activation: &mut Activation) -> Result<(), Error> {
    activation.version += 1;
    let row = params![
        activation.id,
        activation.person,
        activation.eligible,
        &activation.target_kind,
        &activation.target,
        activation.ticket.clone(),
        &activation.reason,
        activation.state.as_str(),
        activation.state.is_open(),
        activation.assignment,
        activation.asked,
        activation.began,
        activation.until,
        activation.ended,
        activation.end_cause.map(EndCause::as_str),
        activation.exposure_us,
        activation.verified,
        &json!(activation),
        activation.version,
    ];
    Ok(turn.tx.execute_one(&sql::SAVE_ACTIVATION, row).await?)
}
