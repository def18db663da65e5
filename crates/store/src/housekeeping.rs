//! Writes of machinery that leave no ledger entry.

use crate::database::Transact;
use crate::error::Error;
use crate::param::Param;
use crate::row::Row;
use crate::statement::{Effect, Statement};

/// The only reasons for which something is written without a ledger entry. None of them is a decision of anybody.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Housekeeping {
    /// A subscriber's place in the outbox, its retries and what it could not handle.
    OutboxCursor,
    /// How far the house has lived.
    HouseClock,
    /// When a session or a token was last seen, and sessions that have expired.
    SessionTouch,
    /// Failed logins, for the rate limit.
    LoginAttempt,
    /// Counters and last sight of a source.
    SourceCounters,
    /// When a scheduled rule ran and when it runs next.
    RuleSchedule,
    /// What correlations remember between events.
    CorrelationState,
    /// Which kinds of events have arrived.
    EventKinds,
    /// Tries of the courier, how often something was delivered, how far a channel has read, and raw bytes past their time.
    Courier,
    /// What is on its way from another node and not yet whole, and when that node was last heard.
    Replica,
    /// What is being typed at a console and not entered.
    FieldDraft,
}

impl Housekeeping {
    /// All of them.
    pub const ALL: [Housekeeping; 11] = [
        Housekeeping::OutboxCursor,
        Housekeeping::HouseClock,
        Housekeeping::SessionTouch,
        Housekeeping::LoginAttempt,
        Housekeeping::SourceCounters,
        Housekeeping::RuleSchedule,
        Housekeeping::CorrelationState,
        Housekeeping::EventKinds,
        Housekeeping::Courier,
        Housekeeping::Replica,
        Housekeeping::FieldDraft,
    ];

    /// The tables that it may write.
    pub const fn tables(self) -> &'static [&'static str] {
        match self {
            Housekeeping::OutboxCursor => &["subscriber", "delivered", "parked", "outbox"],
            Housekeeping::HouseClock => &["house_clock"],
            Housekeeping::SessionTouch => &["session", "token_use"],
            Housekeeping::LoginAttempt => &["login_attempt"],
            Housekeeping::SourceCounters => &["source_counter"],
            Housekeeping::RuleSchedule => &["rule_schedule"],
            Housekeeping::CorrelationState => &["correlation_state", "correlation_entry"],
            Housekeeping::EventKinds => &["event_kinds"],
            Housekeeping::Courier => &["courier_try", "courier_seen", "courier_cursor", "courier_raw"],
            Housekeeping::Replica => &["replica_part", "replica_peer", "replica_refusal"],
            Housekeeping::FieldDraft => &["field_draft"],
        }
    }
}

/// A transaction of machinery. Dropping it rolls back.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct HousekeepingTx {
    reason: Housekeeping,
    transact: Transact,
}

impl HousekeepingTx {
    pub(crate) fn new(reason: Housekeeping, transact: Transact) -> HousekeepingTx {
        HousekeepingTx { reason, transact }
    }

    fn permit(&self, statement: &Statement) -> Result<(), Error> {
        match statement.effect()? {
            Effect::Writes(table) if !self.reason.tables().contains(&table) => {
                Err(Error::misuse(statement, format!("{:?} may not write table {table}", self.reason)))
            }
            Effect::Reads | Effect::Writes(_) => Ok(()),
        }
    }

    /// Runs a statement and tells how many records it changed.
    ///
    /// # Errors
    /// [`Error::Misuse`] when it writes a table that is not listed for the reason.
    pub async fn execute(&mut self, statement: &Statement, params: Vec<Param>) -> Result<u64, Error> {
        self.permit(statement)?;
        self.transact.execute(statement.name, statement.sql, params).await
    }

    /// Runs a statement and returns its rows.
    ///
    /// # Errors
    /// As [`HousekeepingTx::execute`].
    pub async fn fetch_all(&mut self, statement: &Statement, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        self.permit(statement)?;
        self.transact.fetch(statement.name, statement.sql, params).await
    }

    /// Makes it durable.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: whether it was written is not known when the connection broke.
    pub async fn commit(self) -> Result<(), Error> {
        self.transact.commit().await
    }
}
