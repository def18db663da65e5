//! The deadlines engine on the real database, and its loop.

use std::time::Duration;

use kernel::{Actor, Fact, Timestamp};

use super::engine::{DeadlineEngine, DeadlinePort, Expiring, Pending};
use crate::error::Error;
use crate::housekeeping::Housekeeping;
use crate::ledger::entry::Entry;
use crate::row::Row;
use crate::store::Store;
use crate::{params, sql};

/// The engine looks at the clock at least this often: the wall clock may jump, and other processes set deadlines too.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// After an error of the database.
const PAUSE: Duration = Duration::from_secs(5);

impl DeadlinePort for Store {
    type Error = Error;

    async fn due(&self, now: Timestamp, limit: u32) -> Result<Vec<Pending>, Error> {
        self.fetch_all(&sql::DUE_DEADLINES, params![now, limit]).await?.iter().map(pending).collect()
    }

    async fn fire(&self, expiring: &[Expiring], now: Timestamp) -> Result<u32, Error> {
        let mut tx = self.begin_urgent().await?;
        let mut entries = Vec::new();
        for one in expiring {
            let pending = &one.pending;
            let expire = params![pending.id, pending.version, now, one.while_down];
            if tx.execute(&sql::EXPIRE_DEADLINE, expire).await? > 0 {
                tx.emit(expired(one));
                entries.push(entry(one));
            }
        }
        let fired = u32::try_from(entries.len()).unwrap_or(u32::MAX);
        let Some(last) = entries.pop() else { return Ok(0) };
        entries.into_iter().for_each(|entry| tx.record(entry));
        tx.commit(last).await?;
        Ok(fired)
    }

    async fn next_due(&self) -> Result<Option<Timestamp>, Error> {
        let row = self.fetch_optional(&sql::NEXT_DUE, params![]).await?;
        Ok(row.map(|row| row.time_opt("due_us")).transpose()?.flatten())
    }

    async fn save_time(&self, now: Timestamp) -> Result<(), Error> {
        let mut tx = self.housekeeping(Housekeeping::HouseClock).await?;
        tx.execute(&sql::SAVE_HOUSE_TIME, params![now]).await?;
        tx.commit().await
    }
}

impl Store {
    /// The deadlines engine of this process, to be turned by hand: tests and tools.
    pub fn deadline_engine(&self) -> DeadlineEngine<Store> {
        DeadlineEngine::new(self.clone(), self.clock(), self.inner.opened)
    }

    /// Fires deadlines and sweeps up orphaned acts until it is dropped, which is safe at any moment.
    pub async fn run_deadlines(&self) {
        let mut engine = self.deadline_engine();
        let mut changes = self.inner.deadlines_changed.subscribe();
        loop {
            let sleep = match self.turn(&mut engine).await {
                Ok(next_due) => self.sleep_until(next_due),
                Err(error) if error.is_disk_full() && self.spend_reserve() => Duration::from_millis(100),
                Err(error) => {
                    tracing::error!(%error, "deadlines could not be fired; trying again");
                    PAUSE
                }
            };
            // A timeout is the ordinary end of the wait.
            let _ = tokio::time::timeout(sleep, changes.changed()).await;
        }
    }

    async fn turn(&self, engine: &mut DeadlineEngine<Store>) -> Result<Option<Timestamp>, Error> {
        for orphan in self.sweep_acts().await? {
            tracing::warn!(act = %orphan.id, verb = %orphan.verb, entity = %orphan.entity, "the outcome of an act is not known");
        }
        Ok(engine.tick().await?.next_due)
    }

    fn sleep_until(&self, next_due: Option<Timestamp>) -> Duration {
        let Some(due) = next_due else { return LONGEST_SLEEP };
        let left_us = u64::try_from(due.micros() - self.now().micros()).unwrap_or(0);
        Duration::from_micros(left_us).clamp(Duration::from_millis(1), LONGEST_SLEEP)
    }
}

fn expired(expiring: &Expiring) -> Fact {
    let pending = &expiring.pending;
    Fact::DeadlineExpired {
        deadline: pending.id.to_string(),
        kind: pending.kind.clone(),
        subject: pending.subject.clone(),
        due: pending.due,
        expired_while_down: expiring.while_down,
    }
}

fn entry(expiring: &Expiring) -> Entry {
    let pending = &expiring.pending;
    let after = serde_json::json!({
        "deadline": pending.id,
        "kind": pending.kind,
        "owes": pending.owes,
        "due": pending.due.to_string(),
        "otherwise": pending.otherwise,
        "expired_while_down": expiring.while_down,
    });
    Entry::new(&Actor::system("store"), "deadline.expire", &pending.subject).after(after)
}

fn pending(row: &Row) -> Result<Pending, Error> {
    Ok(Pending {
        id: row.id("id")?,
        kind: row.text("kind")?.to_owned(),
        subject: row.text("subject")?.to_owned(),
        owes: row.text("owes")?.to_owned(),
        otherwise: row.text("otherwise")?.to_owned(),
        due: row.time("due_us")?,
        set: row.time("set_us")?,
        version: row.int("version")?,
    })
}
