//! The state database, opened.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use kernel::id::{Id, Kind, Randomness};
use kernel::{Clock, Timestamp};
use parking_lot::RwLock;
use tokio::sync::watch;

use crate::clock::{ClockDoubt, HouseClock};
use crate::database::{Database, Engine};
use crate::error::Error;
use crate::fact_tables::FactTable;
use crate::housekeeping::{Housekeeping, HousekeepingTx};
use crate::ledger::entry::{Committed, Entry};
use crate::param::Param;
use crate::reserve::Reserve;
use crate::row::Row;
use crate::statement::Statement;
use crate::tx::Tx;
use crate::{migrate, params, sql};

/// A handle to the state database. Cloning is cheap.
#[derive(Clone)]
pub struct Store {
    pub(crate) inner: Arc<Inner>,
}

pub(crate) struct Inner {
    pub(crate) database: Database,
    pub(crate) clock: Arc<HouseClock>,
    pub(crate) randomness: Arc<dyn Randomness>,
    /// House time at which this process took over.
    pub(crate) opened: Timestamp,
    pub(crate) fact_tables: RwLock<Vec<FactTable>>,
    /// Room on the disk for what is urgent, where the operator keeps some.
    reserve: OnceLock<Reserve>,
    /// Wakes the outbox.
    pub(crate) facts_committed: watch::Sender<u64>,
    /// Wakes the deadlines engine.
    pub(crate) deadlines_changed: watch::Sender<u64>,
}

impl Store {
    /// Opens `sqlite:PATH` (created when missing) or `postgres://USER@HOST/DATABASE` and brings its schema up to date.
    ///
    /// # Errors
    /// [`Error::Configuration`] when the URL cannot be used, [`Error::Schema`] when the database belongs to another
    /// version of the program, [`Error::Unavailable`] when it fails.
    pub async fn open(url: &str, clock: Arc<dyn Clock>, randomness: Arc<dyn Randomness>) -> Result<Store, Error> {
        let database = Database::open(url).await?;
        migrate::migrate(&database, clock.now()).await?;
        let lived = database.fetch(sql::LIVED.name, sql::LIVED.sql, params![]).await?;
        let lived = lived.first().map(|row| row.time_opt("time_us")).transpose()?.flatten();
        let clock = Arc::new(HouseClock::start(clock, lived));
        let inner = Inner {
            database,
            opened: clock.now(),
            clock,
            randomness,
            fact_tables: RwLock::new(crate::fact_tables::own_tables()),
            reserve: OnceLock::new(),
            facts_committed: watch::Sender::new(0),
            deadlines_changed: watch::Sender::new(0),
        };
        Ok(Store { inner: Arc::new(inner) })
    }

    /// Which engine holds the state.
    pub fn engine(&self) -> Engine {
        self.inner.database.engine()
    }

    /// House time: see the `clock` module. Use it for everything that is stored.
    pub fn now(&self) -> Timestamp {
        self.inner.clock.now()
    }

    /// House time as a clock to hand on.
    pub fn clock(&self) -> Arc<dyn Clock> {
        self.inner.clock.clone()
    }

    /// By how many microseconds the wall clock is ahead of house time; negative: behind.
    pub fn wall_clock_error_us(&self) -> i64 {
        self.inner.clock.wall().micros() - self.now().micros()
    }

    /// The wall clock and house time are so far apart that a person has to say which is right.
    pub fn clock_doubt(&self) -> Option<ClockDoubt> {
        self.inner.clock.doubt()
    }

    /// A fresh id.
    pub fn id<K: Kind>(&self) -> Id<K> {
        self.inner.randomness.id(self.now())
    }

    /// Random bytes, for secrets and salts.
    pub fn random<const N: usize>(&self) -> [u8; N] {
        let mut bytes = [0; N];
        self.inner.randomness.fill(&mut bytes);
        bytes
    }

    /// Begins a change. It is rolled back unless [`Tx::commit`] is called.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection or write lock is to be had within the time limit, [`Error::DiskFull`] while
    /// the disk has room for what is urgent alone.
    pub async fn begin(&self) -> Result<Tx, Error> {
        if self.inner.reserve.get().is_some_and(|reserve| reserve.is_spent(&self.inner.clock)) {
            return Err(Error::DiskFull);
        }
        self.begin_urgent().await
    }

    /// Takes up room on the disk of the database, which what is urgent has when the disk is full.
    ///
    /// # Errors
    /// When the file cannot be written for another reason than a full disk.
    pub fn keep_reserve(&self, path: &Path, bytes: u64) -> std::io::Result<()> {
        let reserve = Reserve::keep(path, bytes)?;
        // Who keeps one twice keeps the first.
        let _ = self.inner.reserve.set(reserve);
        Ok(())
    }

    /// Gives the reserve up because something urgent found no room. True: it is worth another try, urgently.
    pub fn spend_reserve(&self) -> bool {
        self.inner.reserve.get().is_some_and(|reserve| {
            reserve.spend();
            true
        })
    }

    /// Begins a change that lives depend on: a call for help, a missed contact. It may use the reserve.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when no connection or write lock is to be had within the time limit.
    pub async fn begin_urgent(&self) -> Result<Tx, Error> {
        let transact = self.inner.database.begin().await?;
        Ok(Tx::new(self.clone(), transact))
    }

    /// Begins a write of machinery that leaves no ledger entry.
    ///
    /// # Errors
    /// As [`Store::begin`].
    pub async fn housekeeping(&self, reason: Housekeeping) -> Result<HousekeepingTx, Error> {
        Ok(HousekeepingTx::new(reason, self.inner.database.begin().await?))
    }

    /// Reads outside a transaction: the last committed state.
    ///
    /// # Errors
    /// [`Error::Misuse`] when the statement writes, [`Error::Unavailable`] when the database fails.
    pub async fn fetch_all(&self, statement: &Statement, params: Vec<Param>) -> Result<Vec<Row>, Error> {
        statement.must_read()?;
        self.inner.database.fetch(statement.name, statement.sql, params).await
    }

    /// The first row, if there is one.
    ///
    /// # Errors
    /// As [`Store::fetch_all`].
    pub async fn fetch_optional(&self, statement: &Statement, params: Vec<Param>) -> Result<Option<Row>, Error> {
        Ok(self.fetch_all(statement, params).await?.into_iter().next())
    }

    /// Has the engine check a statement without running it. Tests do this for every statement of every room.
    ///
    /// # Errors
    /// What the engine says against it.
    pub async fn prepare(&self, statement: &Statement) -> Result<(), Error> {
        statement.effect()?;
        self.inner.database.prepare(statement.name, statement.sql).await
    }

    /// Sets house time to the wall clock, even backwards. For an operator who knows that the wall clock is right now
    /// and was wrong before.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails; house time then follows the wall clock until the next start.
    pub async fn trust_wall_clock(&self, entry: Entry) -> Result<Committed, Error> {
        let before = self.now();
        let wall = self.inner.clock.trust_wall();
        let mut tx = self.begin().await?;
        tx.execute(&sql::SET_HOUSE_TIME, params![wall]).await?;
        tx.commit(entry.before(serde_json::json!(before)).after(serde_json::json!(wall))).await
    }

    /// Closes all connections; pending transactions are rolled back.
    pub async fn close(&self) {
        self.inner.database.close().await;
    }
}
