//! Fires deadlines exactly once.
//!
//! The engine is a loop over four steps on a port, each of which is atomic and may be the last before a crash. It
//! keeps nothing that matters in memory: what has to fire is a question to the port, and firing checks again that the
//! deadline is still pending at the version that was seen. So a crash at any point, or a second engine, changes only
//! when a deadline fires, never whether or how often.

use std::sync::Arc;

use kernel::{Clock, Timestamp};

/// Deadlines fired per question to the port.
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

/// What the engine needs of a database. Each method is all or nothing.
pub trait DeadlinePort: Send + Sync {
    /// Why the database did not do it.
    type Error: Send;

    /// Pending deadlines due at `now`, earliest first, at most `limit`.
    fn due(&self, now: Timestamp, limit: u32) -> impl Future<Output = Result<Vec<Pending>, Self::Error>> + Send;
    /// Expires a deadline if it is still pending at that version, with its ledger entry and its fact. False: it was not.
    fn fire(
        &self,
        pending: &Pending,
        now: Timestamp,
        while_down: bool,
    ) -> impl Future<Output = Result<bool, Self::Error>> + Send;
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
        let mut fired = 0;
        loop {
            let due = self.port.due(now, BATCH).await?;
            for pending in &due {
                fired += u32::from(self.port.fire(pending, now, self.was_down(pending)).await?);
            }
            if due.len() < BATCH as usize {
                break;
            }
        }
        Ok(Tick { fired, next_due: self.port.next_due().await? })
    }

    /// Whether it came due before this engine took over. One that was set since then, already due, did not.
    fn was_down(&self, pending: &Pending) -> bool {
        pending.due <= self.started && pending.set < self.started
    }
}
