//! A change to facts, with its ledger entry or not at all.

use std::collections::BTreeSet;

use kernel::id::{Id, Kind};
use kernel::{Fact, Timestamp};

use crate::database::Transact;
use crate::deadlines::Deadline;
use crate::error::Error;
use crate::ledger::entry::{Committed, Entry};
use crate::outbox::Delivery;
use crate::param::Param;
use crate::row::Row;
use crate::statement::{Effect, Statement};
use crate::store::Store;
use crate::{ledger, outbox, params, sql};

/// A change in progress. Dropping it rolls back; only [`Tx::commit`] writes, and it takes the ledger entry.
#[must_use = "a transaction that is dropped is rolled back"]
pub struct Tx {
    store: Store,
    transact: Transact,
    now: Timestamp,
    entries: Vec<Entry>,
    facts: Vec<Fact>,
    deadlines_changed: bool,
    written: BTreeSet<&'static str>,
}

impl Tx {
    pub(crate) fn new(store: Store, transact: Transact) -> Tx {
        let now = store.now();
        let (entries, facts, written) = (Vec::new(), Vec::new(), BTreeSet::new());
        Tx { store, transact, now, entries, facts, deadlines_changed: false, written }
    }

    /// The one instant of this transaction, in house time.
    pub fn now(&self) -> Timestamp {
        self.now
    }

    /// A fresh id for something created in this transaction.
    pub fn id<K: Kind>(&self) -> Id<K> {
        self.store.inner.randomness.id(self.now)
    }

    /// Runs a statement and tells how many records it changed.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database refuses or fails, [`Error::Misuse`] when it writes the ledger.
    pub async fn execute(&mut self, statement: &Statement, params: Vec<Param>) -> Result<u64, Error> {
        spare_the_ledger(statement)?;
        self.execute_own(statement, params).await
    }

    /// For the store's own statements, which may write the ledger.
    pub(crate) async fn execute_own(&mut self, statement: &Statement, params: Vec<Param>) -> Result<u64, Error> {
        let changed = self.execute_quietly(statement, params).await?;
        self.note_written(statement, changed > 0)?;
        Ok(changed)
    }

    /// For locks and markers of deliveries, which are not missed when the transaction is dropped.
    async fn execute_quietly(&mut self, statement: &Statement, params: Vec<Param>) -> Result<u64, Error> {
        self.transact.execute(statement.name, statement.sql, params).await
    }

    fn note_written(&mut self, statement: &Statement, changed: bool) -> Result<(), Error> {
        if changed && matches!(statement.effect()?, Effect::Writes(_)) {
            self.written.insert(statement.name);
        }
        Ok(())
    }

    /// Names of the statements that changed something so far, with `outbox.emit` where a fact waits to be told; without locks
    /// and markers of deliveries. Empty: dropping the transaction loses nothing.
    pub fn written(&self) -> Vec<&'static str> {
        let told = (!self.facts.is_empty()).then_some("outbox.emit");
        self.written.iter().copied().chain(told).collect()
    }

    /// Runs a statement that must change exactly one record: an update `WHERE id = … AND version = …`.
    ///
    /// # Errors
    /// [`Error::Stale`] when it changed another number; reload and answer with [`Error::conflict`].
    pub async fn execute_one(&mut self, statement: &Statement, params: Vec<Param>) -> Result<(), Error> {
        match self.execute(statement, params).await? {
            1 => Ok(()),
            changed => Err(Error::Stale { statement: statement.name, changed }),
        }
    }

    /// Runs a statement and returns its rows, as this transaction sees them.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database refuses or fails.
    pub async fn fetch_all(&mut self, statement: &Statement, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        spare_the_ledger(statement)?;
        let rows = self.transact.fetch(statement.name, statement.sql, params).await?;
        self.note_written(statement, !rows.is_empty())?;
        Ok(rows)
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Tx::fetch_all`].
    pub async fn fetch_optional(&mut self, statement: &Statement, params: Vec<Param>) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(statement, params).await?.into_iter().next())
    }

    /// Holds the lock `name` until the end of the transaction: for decisions that read many records and must not
    /// interleave, such as grouping. Costs nothing on SQLite, where a transaction is alone anyway.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn lock(&mut self, name: &'static str) -> Result<(), Error> {
        match self.transact {
            Transact::Sqlite(_) => Ok(()),
            Transact::Postgres(_) => self.execute_quietly(&sql::TAKE_LOCK, params![name]).await.map(drop),
        }
    }

    /// Tells other rooms of something that this transaction makes true.
    pub fn emit(&mut self, fact: Fact) {
        self.facts.push(fact);
    }

    /// Sets a deadline, or moves the pending one of the same kind and subject.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn deadline(&mut self, deadline: Deadline) -> Result<kernel::id::DeadlineId, Error> {
        self.deadlines_changed = true;
        let due = deadline.due.at(self.now);
        let id: kernel::id::DeadlineId = self.id();
        let row = params![id, deadline.kind, deadline.subject, deadline.owes, due, deadline.otherwise, self.now];
        let set = self.fetch_optional(&sql::SET_DEADLINE, row).await?;
        set.map_or(Ok(id), |row| row.id("id"))
    }

    /// Ends the pending deadline of a kind and subject because the promise was kept. False: none was pending.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn keep_deadline(&mut self, kind: &str, subject: &str) -> Result<bool, Error> {
        self.end_deadline(kind, subject, "kept").await
    }

    /// Ends the pending deadline of a kind and subject because it no longer matters. False: none was pending.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn cancel_deadline(&mut self, kind: &str, subject: &str) -> Result<bool, Error> {
        self.end_deadline(kind, subject, "cancelled").await
    }

    async fn end_deadline(&mut self, kind: &str, subject: &str, state: &str) -> Result<bool, Error> {
        let now = self.now;
        Ok(self.execute(&sql::END_DEADLINE, params![kind, subject, state, now]).await? > 0)
    }

    /// Marks a delivery as handled in this transaction. False: it was handled before; change nothing and return.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn acknowledge(&mut self, delivery: &Delivery) -> Result<bool, Error> {
        let marker = params![delivery.subscriber, delivery.seq];
        Ok(self.execute_quietly(&sql::MARK_DELIVERED, marker).await? > 0)
    }

    /// Puts a fact that says less in the place of one that was delivered, because what it told is to be kept nowhere. Who has
    /// not heard of it yet hears this one.
    ///
    /// # Errors
    /// [`Error::Misuse`] for a fact of another topic, [`Error::Unavailable`] when the database fails.
    pub async fn replace_fact(&mut self, delivery: &Delivery, fact: &Fact) -> Result<(), Error> {
        if fact.topic() != delivery.fact.topic() {
            return Err(Error::misuse(&sql::REPLACE_FACT, "it is of another topic"));
        }
        let row = params![delivery.seq, serde_json::json!(fact).to_string()];
        self.execute(&sql::REPLACE_FACT, row).await.map(drop)
    }

    /// Adds an entry beside the one that [`Tx::commit`] takes, for a transaction that does several things.
    pub fn record(&mut self, entry: Entry) {
        self.entries.push(entry);
    }

    /// Writes the change, its ledger entries and its facts, all or nothing.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: nothing was written, except that when the connection broke during the last step the
    /// outcome is not known.
    pub async fn commit(mut self, entry: Entry) -> Result<Committed, Error> {
        self.entries.push(entry);
        let facts = std::mem::take(&mut self.facts);
        let entries = std::mem::take(&mut self.entries);
        let head = ledger::append::append(&mut self.transact, &self.store, self.now, entries, facts.len()).await?;
        outbox::append(&mut self.transact, &self.store, self.now, head.first_fact_seq, &facts).await?;
        self.transact.commit().await?;
        if !facts.is_empty() {
            self.store.inner.facts_committed.send_modify(|commits| *commits += 1);
        }
        if self.deadlines_changed {
            self.store.inner.deadlines_changed.send_modify(|commits| *commits += 1);
        }
        Ok(head.committed)
    }
}

/// Only the store appends to the ledger; no room writes there.
fn spare_the_ledger(statement: &Statement) -> Result<(), Error> {
    match statement.effect()? {
        Effect::Writes("ledger" | "ledger_head" | "ledger_payload") => {
            Err(Error::misuse(statement, "the ledger is written by committing, and erased by `erase_ledger_payload`"))
        }
        Effect::Reads | Effect::Writes(_) => Ok(()),
    }
}
