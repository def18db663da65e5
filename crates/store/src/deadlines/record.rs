//! A deadline as rooms set it and as people see it.

use kernel::Timestamp;
use kernel::id::DeadlineId;
use serde::Serialize;

use crate::error::Error;
use crate::row::Row;
use crate::store::Store;
use crate::{params, sql};

/// A promise with a time. One is pending per kind and subject; setting it again moves it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Deadline {
    /// What is owed: `mission.radio-check`. The room's prefix tells whose it is.
    pub kind: String,
    /// About what: the text of an id.
    pub subject: String,
    /// Who owes it: the text of an actor, or a role.
    pub owes: String,
    pub due: Due,
    /// What happens otherwise, for people and for the room that acts on the expiry.
    pub otherwise: String,
}

/// By when.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Due {
    /// At an instant of house time.
    At(Timestamp),
    /// So many microseconds after the transaction's instant.
    After(i64),
}

impl Due {
    pub(crate) fn at(self, now: Timestamp) -> Timestamp {
        match self {
            Due::At(instant) => instant,
            Due::After(micros) => now.plus_micros(micros),
        }
    }
}

/// Where a deadline is in its life. Every state but the first is final.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum DeadlineState {
    Pending,
    Kept,
    Cancelled,
    Expired,
}

impl std::str::FromStr for DeadlineState {
    type Err = String;

    fn from_str(text: &str) -> Result<DeadlineState, String> {
        match text {
            "pending" => Ok(DeadlineState::Pending),
            "kept" => Ok(DeadlineState::Kept),
            "cancelled" => Ok(DeadlineState::Cancelled),
            "expired" => Ok(DeadlineState::Expired),
            other => Err(format!("`{other}` is not a state of a deadline")),
        }
    }
}

/// A deadline as it is stored.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct DeadlineRecord {
    pub id: DeadlineId,
    pub kind: String,
    pub subject: String,
    pub owes: String,
    pub due: Timestamp,
    pub otherwise: String,
    pub state: DeadlineState,
    pub set: Timestamp,
    pub ended: Option<Timestamp>,
    pub expired_while_down: bool,
}

impl Store {
    /// All deadlines about a subject, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn deadlines(&self, subject: &str) -> Result<Vec<DeadlineRecord>, Error> {
        self.fetch_all(&sql::DEADLINES_ABOUT, params![subject]).await?.iter().map(record).collect()
    }

    /// Pending deadlines whose kind begins with `prefix` (`field.`), earliest first; at most 10,000.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn pending_deadlines(&self, prefix: &str) -> Result<Vec<DeadlineRecord>, Error> {
        self.fetch_all(&sql::PENDING_DEADLINES, params![prefix]).await?.iter().map(record).collect()
    }
}

fn record(row: &Row) -> Result<DeadlineRecord, Error> {
    Ok(DeadlineRecord {
        id: row.id("id")?,
        kind: row.text("kind")?.to_owned(),
        subject: row.text("subject")?.to_owned(),
        owes: row.text("owes")?.to_owned(),
        due: row.time("due_us")?,
        otherwise: row.text("otherwise")?.to_owned(),
        state: row.parse("state")?,
        set: row.time("set_us")?,
        ended: row.time_opt("ended_us")?,
        expired_while_down: row.flag("expired_while_down")?,
    })
}
