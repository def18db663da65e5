//! The outbox in the real database, and its loops.

use std::sync::Arc;
use std::time::Duration;

use futures::future::{join, join_all};
use kernel::id::FactId;
use kernel::{Actor, Fact, Timestamp};
use serde::Serialize;

use super::postman::{Cursor, OutboxPort, Postman, StoredFact};
use super::subscriber::Subscriber;
use crate::database::Transact;
use crate::error::Error;
use crate::housekeeping::Housekeeping;
use crate::ledger::entry::{Committed, Entry};
use crate::row::Row;
use crate::store::Store;
use crate::{params, sql};

/// A postman looks at least this often; other processes emit facts too.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// After an error of the database.
const PAUSE: Duration = Duration::from_secs(5);
const BETWEEN_PRUNINGS: Duration = Duration::from_secs(3_600);
/// Facts that everybody has handled are kept for so long.
const KEEP_US: i64 = 30 * 86_400_000_000;

/// A fact that a subscriber could not handle.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ParkedFact {
    pub subscriber: String,
    pub seq: i64,
    pub topic: String,
    pub fact: String,
    pub attempts: u64,
    pub error: String,
    pub parked: Timestamp,
    /// It will be tried again.
    pub retry: bool,
}

/// Where a subscriber is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct SubscriberState {
    pub name: String,
    /// Facts emitted and not yet done with, of whatever topic.
    pub behind: u64,
    /// Failed tries of the next fact.
    pub attempts: u64,
    pub last_error: Option<String>,
}

/// Writes the facts of a transaction under the numbers that the ledger's head gave out.
pub(crate) async fn append(
    transact: &mut Transact,
    store: &Store,
    now: Timestamp,
    first_seq: i64,
    facts: &[Fact],
) -> Result<(), Error> {
    for (seq, fact) in (first_seq..).zip(facts) {
        let id: FactId = store.id();
        let row = params![seq, id, fact.topic(), serde_json::json!(fact).to_string(), now];
        transact.execute(sql::INSERT_FACT.name, sql::INSERT_FACT.sql, row).await?;
    }
    Ok(())
}

impl OutboxPort for Store {
    type Error = Error;

    async fn cursor(&self, subscriber: &'static str) -> Result<Cursor, Error> {
        let row = self.fetch_optional(&sql::CURSOR, params![subscriber]).await?;
        row.map_or(Ok(Cursor::default()), |row| {
            Ok(Cursor {
                seq: row.int("cursor_seq")?,
                attempts: u32::try_from(row.count("attempts")?).unwrap_or(u32::MAX),
                next_attempt: row.time("next_attempt_us")?,
                retries: row.flag("retries")?,
            })
        })
    }

    async fn facts_after(&self, seq: i64, limit: u32) -> Result<Vec<StoredFact>, Error> {
        self.fetch_all(&sql::FACTS_AFTER, params![seq, limit]).await?.iter().map(stored).collect()
    }

    async fn retries(&self, subscriber: &'static str) -> Result<Vec<StoredFact>, Error> {
        self.fetch_all(&sql::RETRIES, params![subscriber]).await?.iter().map(stored).collect()
    }

    async fn advance(&self, subscriber: &'static str, seq: i64) -> Result<(), Error> {
        let mut tx = self.housekeeping(Housekeeping::OutboxCursor).await?;
        tx.execute(&sql::ADVANCE, params![subscriber, seq]).await?;
        tx.execute(&sql::FORGET_MARKERS, params![subscriber, seq]).await?;
        tx.commit().await
    }

    async fn postpone(
        &self,
        subscriber: &'static str,
        attempts: u32,
        next_attempt: Timestamp,
        error: &str,
    ) -> Result<(), Error> {
        let mut tx = self.housekeeping(Housekeeping::OutboxCursor).await?;
        tx.execute(&sql::POSTPONE, params![subscriber, attempts, next_attempt, error]).await?;
        tx.commit().await
    }

    async fn park(
        &self,
        subscriber: &'static str,
        seq: i64,
        attempts: u32,
        error: &str,
        now: Timestamp,
    ) -> Result<(), Error> {
        tracing::error!(subscriber, seq, error, "a fact could not be handled and is parked");
        let mut tx = self.housekeeping(Housekeeping::OutboxCursor).await?;
        tx.execute(&sql::PARK, params![subscriber, seq, attempts, error, now]).await?;
        tx.execute(&sql::ADVANCE, params![subscriber, seq]).await?;
        tx.commit().await
    }

    async fn unpark(&self, subscriber: &'static str, seq: i64) -> Result<(), Error> {
        let mut tx = self.housekeeping(Housekeeping::OutboxCursor).await?;
        tx.execute(&sql::UNPARK, params![subscriber, seq]).await?;
        tx.commit().await
    }
}

impl Store {
    /// The postman for one subscriber, to be turned by hand: tests and tools.
    pub fn postman(&self, subscriber: Arc<dyn Subscriber>) -> Postman<Store> {
        Postman::new(self.clone(), self.clock(), subscriber)
    }

    /// Delivers facts until it is dropped, which is safe at any moment. A slow subscriber does not hold up others.
    pub async fn run_outbox(&self, subscribers: Vec<Arc<dyn Subscriber>>) {
        let postmen = join_all(subscribers.into_iter().map(|subscriber| self.run_postman(subscriber)));
        join(postmen, self.run_pruning()).await;
    }

    async fn run_pruning(&self) {
        loop {
            match self.prune_outbox().await {
                Ok(0) => {}
                Ok(facts) => tracing::info!(facts, "old facts that everybody has handled were dropped"),
                Err(error) => tracing::warn!(%error, "old facts could not be dropped; trying again"),
            }
            tokio::time::sleep(BETWEEN_PRUNINGS).await;
        }
    }

    async fn run_postman(&self, subscriber: Arc<dyn Subscriber>) {
        let name = subscriber.name();
        let mut postman = self.postman(subscriber);
        let mut commits = self.inner.facts_committed.subscribe();
        loop {
            let sleep = match postman.round().await {
                Ok(_) => LONGEST_SLEEP,
                Err(error) => {
                    tracing::error!(%error, subscriber = name, "facts could not be delivered; trying again");
                    PAUSE
                }
            };
            // A timeout is the ordinary end of the wait.
            let _ = tokio::time::timeout(sleep, commits.changed()).await;
        }
    }

    /// What subscribers could not handle, oldest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn parked_facts(&self) -> Result<Vec<ParkedFact>, Error> {
        let rows = self.fetch_all(&sql::PARKED, params![]).await?;
        let parked = |row: &Row| {
            Ok(ParkedFact {
                subscriber: row.text("subscriber")?.to_owned(),
                seq: row.int("fact_seq")?,
                topic: row.text("topic")?.to_owned(),
                fact: row.text("fact")?.to_owned(),
                attempts: row.count("attempts")?,
                error: row.text("error")?.to_owned(),
                parked: row.time("time_us")?,
                retry: row.flag("retry")?,
            })
        };
        rows.iter().map(parked).collect()
    }

    /// Has a parked fact delivered again.
    ///
    /// # Errors
    /// [`Error::NotFound`] when it is not parked.
    pub async fn retry_parked(&self, subscriber: &str, seq: i64, actor: &Actor) -> Result<Committed, Error> {
        let mut tx = self.begin().await?;
        if tx.execute(&sql::RETRY_PARKED, params![subscriber, seq]).await? == 0 {
            return Err(Error::NotFound(format!("fact {seq} is not parked for subscriber {subscriber}")));
        }
        let committed = tx.commit(Entry::new(actor, "outbox.retry", format!("{subscriber}:{seq}"))).await?;
        self.inner.facts_committed.send_modify(|commits| *commits += 1);
        Ok(committed)
    }

    /// Where each subscriber is.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn subscribers(&self) -> Result<Vec<SubscriberState>, Error> {
        let rows = self.fetch_all(&sql::SUBSCRIBERS, params![]).await?;
        let state = |row: &Row| {
            Ok(SubscriberState {
                name: row.text("name")?.to_owned(),
                behind: row.count("behind")?,
                attempts: row.count("attempts")?,
                last_error: row.text_opt("last_error")?.map(str::to_owned),
            })
        };
        rows.iter().map(state).collect()
    }

    /// Drops facts that every subscriber has handled and that are older than thirty days; parked ones stay. Returns
    /// how many.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn prune_outbox(&self) -> Result<u64, Error> {
        let mut tx = self.housekeeping(Housekeeping::OutboxCursor).await?;
        let pruned = tx.execute(&sql::PRUNE_OUTBOX, params![self.now().plus_micros(-KEEP_US)]).await?;
        tx.commit().await?;
        Ok(pruned)
    }
}

fn stored(row: &Row) -> Result<StoredFact, Error> {
    Ok(StoredFact {
        seq: row.int("seq")?,
        time: row.time("time_us")?,
        topic: row.text("topic")?.to_owned(),
        fact: serde_json::from_str(row.text("fact")?).map_err(|error| format!("the fact cannot be read: {error}")),
    })
}
