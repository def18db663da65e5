//! Fires deadlines exactly once.
//!
//! The engine is a loop over four steps on a port, each of which is atomic and may be the last before a crash. It
//! keeps nothing that matters in memory: what has to fire is a question to the port, and firing, of many at a time,
//! checks again that each deadline is still pending at the version that was seen. So a crash at any point, or a second
//! engine, changes only when a deadline fires, never whether or how often.

use std::sync::Arc;

use kernel::{Clock, Timestamp};

/// Deadlines fired per question to the port, in one transaction. More would let who writes meanwhile wait for long.
const BATCH: u32 = 100;
/// House time is saved at least this often.
const SAVE_US: i64 = 10_000_000;

/// A deadline that may have to fire.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Pending {
    pub id: kernel::id::DeadlineId,
    pub kind: String,
    pub subject: String,
    pub owes: String,
    pub otherwise: String,
    pub due: Timestamp,
    pub set: Timestamp,
    pub version: i64,
}

/// A deadline that fires now.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Expiring {
    pub pending: Pending,
    /// It came due while no engine was running.
    pub while_down: bool,
}

/// What the engine needs of a database. Each method is all or nothing.
pub trait DeadlinePort: Send + Sync {
    /// Why the database did not do it.
    type Error: Send;

    /// Pending deadlines due at `now`, earliest first, at most `limit`.
    fn due(&self, now: Timestamp, limit: u32) -> impl Future<Output = Result<Vec<Pending>, Self::Error>> + Send;
    /// Expires those that are still pending at the version that was seen, each with its ledger entry and its fact, all in
    /// one transaction. Returns how many they were.
    fn fire(&self, expiring: &[Expiring], now: Timestamp) -> impl Future<Output = Result<u32, Self::Error>> + Send;
    /// When the next pending deadline is due.
    fn next_due(&self) -> impl Future<Output = Result<Option<Timestamp>, Self::Error>> + Send;
    /// Remembers that the house has lived until `now`.
    fn save_time(&self, now: Timestamp) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What one turn did.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Tick {
    pub fired: u32,
    /// When the next deadline is due, as far as is known now.
    pub next_due: Option<Timestamp>,
}

/// The engine. One per process.
pub struct DeadlineEngine<P> {
    port: P,
    /// House time.
    clock: Arc<dyn Clock>,
    /// What was due by then expired while no engine was running.
    started: Timestamp,
    saved: Option<Timestamp>,
}

impl<P: DeadlinePort> DeadlineEngine<P> {
    /// An engine that takes over at `started`.
    pub fn new(port: P, clock: Arc<dyn Clock>, started: Timestamp) -> DeadlineEngine<P> {
        DeadlineEngine { port, clock, started, saved: None }
    }

    /// Fires everything that is due now.
    ///
    /// # Errors
    /// The port's; what has fired before stays fired, and the next turn goes on.
    pub async fn tick(&mut self) -> Result<Tick, P::Error> {
        let now = self.clock.now();
        if self.saved.is_none_or(|saved| now.micros() - saved.micros() >= SAVE_US) {
            self.port.save_time(now).await?;
            self.saved = Some(now);
        }
        // Mostly nothing is due, and one question tells.
        let next_due = self.port.next_due().await?;
        if next_due.is_none_or(|due| due > now) {
            return Ok(Tick { fired: 0, next_due });
        }
        let mut fired = 0;
        loop {
            let due = self.port.due(now, BATCH).await?;
            let full = due.len() == BATCH as usize;
            let expiring: Vec<Expiring> = due.into_iter().map(|pending| self.expiring(pending)).collect();
            if !expiring.is_empty() {
                fired += self.port.fire(&expiring, now).await?;
            }
            if !full {
                break;
            }
        }
        Ok(Tick { fired, next_due: self.port.next_due().await? })
    }

    /// It was down when what was set before came due before this engine took over.
    fn expiring(&self, pending: Pending) -> Expiring {
        let while_down = pending.due <= self.started && pending.set < self.started;
        Expiring { pending, while_down }
    }
}
