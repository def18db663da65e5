//! Delivers facts to one subscriber.
//!
//! As the deadlines engine, it keeps nothing in memory that matters: the place in the outbox, the tries and what was
//! parked are in the port. A crash between handling and moving on repeats the delivery, which the subscriber's own
//! marker makes harmless.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use futures::FutureExt;
use kernel::{Clock, Fact, Timestamp};

use super::subscriber::{Delivery, HandlerError, Subscriber};

/// Facts read at a time.
const BATCH: u32 = 100;
const FIRST_PAUSE_US: i64 = 1_000_000;
const LONGEST_PAUSE_US: i64 = 300_000_000;

/// A fact in the outbox.
#[derive(Debug, Clone, PartialEq)]
pub struct StoredFact {
    pub seq: i64,
    pub time: Timestamp,
    pub topic: String,
    /// `Err`: its text cannot be read; the problem.
    pub fact: Result<Fact, String>,
}

/// A subscriber's place.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Cursor {
    /// The last fact that is done with.
    pub seq: i64,
    /// Failed tries of the fact after it.
    pub attempts: u32,
    /// Not before then.
    pub next_attempt: Timestamp,
    /// Somebody asked to deliver parked facts again.
    pub retries: bool,
}

/// What the postman needs of a database. Each method is all or nothing.
pub trait OutboxPort: Send + Sync {
    /// Why the database did not do it.
    type Error: Send;

    /// The subscriber's place; the start of the outbox for a new one.
    fn cursor(&self, subscriber: &'static str) -> impl Future<Output = Result<Cursor, Self::Error>> + Send;
    /// Facts after a place, in order, at most `limit`.
    fn facts_after(&self, seq: i64, limit: u32) -> impl Future<Output = Result<Vec<StoredFact>, Self::Error>> + Send;
    /// Parked facts that somebody asked to deliver again.
    fn retries(&self, subscriber: &'static str) -> impl Future<Output = Result<Vec<StoredFact>, Self::Error>> + Send;
    /// Moves on to `seq`, forgetting tries and old markers.
    fn advance(&self, subscriber: &'static str, seq: i64) -> impl Future<Output = Result<(), Self::Error>> + Send;
    /// Waits with the fact after the cursor.
    fn postpone(
        &self,
        subscriber: &'static str,
        attempts: u32,
        next_attempt: Timestamp,
        error: &str,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
    /// Puts a fact aside where people see it, and moves on past it.
    fn park(
        &self,
        subscriber: &'static str,
        seq: i64,
        attempts: u32,
        error: &str,
        now: Timestamp,
    ) -> impl Future<Output = Result<(), Self::Error>> + Send;
    /// A parked fact was handled after all.
    fn unpark(&self, subscriber: &'static str, seq: i64) -> impl Future<Output = Result<(), Self::Error>> + Send;
}

/// What one round did.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Progress {
    pub delivered: u32,
    pub parked: u32,
    /// The subscriber failed; nothing more before then.
    pub waiting_until: Option<Timestamp>,
}

/// Delivers to one subscriber.
pub struct Postman<P> {
    port: P,
    clock: Arc<dyn Clock>,
    subscriber: Arc<dyn Subscriber>,
}

impl<P: OutboxPort> Postman<P> {
    /// A postman for one subscriber.
    pub fn new(port: P, clock: Arc<dyn Clock>, subscriber: Arc<dyn Subscriber>) -> Postman<P> {
        Postman { port, clock, subscriber }
    }

    /// Delivers everything that is there, until the subscriber fails.
    ///
    /// # Errors
    /// The port's; the next round goes on where this one ended.
    pub async fn round(&mut self) -> Result<Progress, P::Error> {
        let name = self.subscriber.name();
        let mut progress = Progress::default();
        let mut cursor = self.port.cursor(name).await?;
        // Hardly ever: not worth a question each time.
        let retries = if cursor.retries { self.port.retries(name).await? } else { Vec::new() };
        for parked in retries {
            match self.hand_over(std::slice::from_ref(&parked)).await {
                Ok(_) => self.port.unpark(name, parked.seq).await?,
                Err(error) => {
                    self.port.park(name, parked.seq, 1, &error.to_string(), self.clock.now()).await?;
                }
            }
        }
        loop {
            if cursor.attempts > 0 && self.clock.now() < cursor.next_attempt {
                progress.waiting_until = Some(cursor.next_attempt);
                return Ok(progress);
            }
            let facts = self.port.facts_after(cursor.seq, BATCH).await?;
            let full = facts.len() == BATCH as usize;
            if !self.deliver(cursor, facts, &mut progress).await? || !full {
                return Ok(progress);
            }
            cursor = self.port.cursor(name).await?;
        }
    }

    /// Delivers one batch. False: the subscriber failed and has to wait.
    async fn deliver(&self, cursor: Cursor, facts: Vec<StoredFact>, progress: &mut Progress) -> Result<bool, P::Error> {
        let name = self.subscriber.name();
        let last = facts.last().map_or(cursor.seq, |stored| stored.seq);
        let wanted: Vec<StoredFact> =
            facts.into_iter().filter(|stored| self.subscriber.topics().contains(&stored.topic.as_str())).collect();
        let (mut at, mut done, mut attempts) = (0, cursor.seq, cursor.attempts);
        // Where several have failed together, or one has before, each is told alone.
        let mut alone = attempts > 0;
        while let Some(first) = wanted.get(at) {
            let offered = if alone { &wanted[at..=at] } else { &wanted[at..] };
            match self.hand_over(offered).await {
                Ok(handled) => {
                    at += handled;
                    done = wanted[at - 1].seq;
                    self.port.advance(name, done).await?;
                    progress.delivered += u32::try_from(handled).unwrap_or(u32::MAX);
                    attempts = 0;
                }
                Err(_) if first.fact.is_ok() && offered.len() > 1 => alone = true,
                Err(error) if attempts + 1 >= self.subscriber.tries() || first.fact.is_err() => {
                    let problem = error.to_string();
                    self.port.park(name, first.seq, attempts + 1, &problem, self.clock.now()).await?;
                    self.tell_parked(first, &problem).await;
                    progress.parked += 1;
                    (at, done, attempts) = (at + 1, first.seq, 0);
                }
                Err(error) => {
                    let next = self.clock.now().plus_micros(pause_us(attempts + 1));
                    self.port.postpone(name, attempts + 1, next, &error.to_string()).await?;
                    progress.waiting_until = Some(next);
                    return Ok(false);
                }
            }
        }
        if last > done {
            self.port.advance(name, last).await?;
        }
        Ok(true)
    }

    /// Offers these facts, up to the first that cannot be read, and tells how many of them were handled: at least one.
    async fn hand_over(&self, offered: &[StoredFact]) -> Result<usize, HandlerError> {
        let mut deliveries = Vec::with_capacity(offered.len());
        for stored in offered {
            match &stored.fact {
                Ok(fact) => deliveries.push(Delivery {
                    subscriber: self.subscriber.name(),
                    seq: stored.seq,
                    fact: fact.clone(),
                    time: stored.time,
                }),
                Err(problem) if deliveries.is_empty() => return Err(problem.clone().into()),
                Err(_) => break,
            }
        }
        // A handler that panics on one fact must not stop the others.
        let handled = AssertUnwindSafe(self.subscriber.handle_some(&deliveries)).catch_unwind().await;
        let handled = handled.unwrap_or_else(|_| Err("the subscriber panicked; see the log".into()))?;
        Ok(handled.clamp(1, deliveries.len()))
    }
}

impl<P: OutboxPort> Postman<P> {
    /// That a fact is parked is known from its row in any case.
    async fn tell_parked(&self, stored: &StoredFact, problem: &str) {
        let Ok(fact) = stored.fact.clone() else { return };
        let (subscriber, seq, time) = (self.subscriber.name(), stored.seq, stored.time);
        let delivery = Delivery { subscriber, seq, fact, time };
        let told = AssertUnwindSafe(self.subscriber.parked(&delivery, problem)).catch_unwind().await;
        match told {
            Ok(Ok(())) => {}
            Ok(Err(error)) => tracing::error!(subscriber, seq, %error, "nobody could be told of the parked fact"),
            Err(_) => tracing::error!(subscriber, seq, "nobody could be told of the parked fact: a panic"),
        }
    }
}

/// Doubles from one second to five minutes.
fn pause_us(attempts: u32) -> i64 {
    FIRST_PAUSE_US.saturating_mul(1 << (attempts - 1).min(20)).min(LONGEST_PAUSE_US)
}
