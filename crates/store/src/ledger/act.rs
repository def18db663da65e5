//! Remote or long acts: an entry before, an entry after, and a sweeper for those that never ended.
//!
//! The ledger must not claim that an account was locked on a remote system before it was, nor keep silent when the
//! program died in between. So the intention is committed first, and the outcome after.

use kernel::{Actor, Timestamp};
use serde_json::Value as Json;

use super::entry::Entry;
use crate::error::Error;
use crate::row::Row;
use crate::store::Store;
use crate::{params, sql};

/// An act that was opened. It must be completed with its outcome.
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "an act that is not completed is swept up as an orphan"]
pub struct Act {
    /// Sequence number of the entry that opened it, as text: its name in later entries.
    pub id: String,
    pub actor: Actor,
    pub verb: String,
    pub entity: String,
}

/// How an act ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Outcome {
    Done,
    Failed,
    /// Nobody knows: the program ended in between.
    Orphaned,
}

impl Outcome {
    /// The word in storage; the ledger's verb ends in it.
    pub const fn as_str(self) -> &'static str {
        match self {
            Outcome::Done => "done",
            Outcome::Failed => "failed",
            Outcome::Orphaned => "orphaned",
        }
    }
}

impl Store {
    /// Records that `entry` is about to be done, and that its outcome is expected within `within_us`. Its verb gets
    /// the suffix `.open`.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: do not begin the act.
    pub async fn open_act(&self, entry: Entry, within_us: i64) -> Result<Act, Error> {
        let mut tx = self.begin().await?;
        let id = format!("act-{}", hex::encode(self.random::<16>()));
        let act = Act { id, actor: entry.actor.clone(), verb: entry.verb.clone(), entity: entry.entity.clone() };
        let (opened, expected) = (tx.now(), tx.now().plus_micros(within_us));
        let row = params![&act.id, &act.actor, &act.verb, &act.entity, opened, expected];
        tx.execute(&sql::INSERT_ACT, row).await?;
        tx.commit(Entry { verb: format!("{}.open", act.verb), ..entry }).await?;
        Ok(act)
    }

    /// Records how an act ended. False: it was already swept up or completed; nothing was written.
    ///
    /// # Errors
    /// [`Error::Unavailable`]: the outcome is not recorded; the sweeper will call the act an orphan.
    pub async fn complete_act(&self, act: &Act, outcome: Outcome, result: Json) -> Result<bool, Error> {
        let mut tx = self.begin().await?;
        let now = tx.now();
        if tx.execute(&sql::END_ACT, params![&act.id, outcome.as_str(), now]).await? == 0 {
            return Ok(false);
        }
        let entry = Entry::new(&act.actor, &format!("{}.{}", act.verb, outcome.as_str()), &act.entity).after(result);
        tx.commit(entry.reason(format!("outcome of {}", act.id))).await?;
        Ok(true)
    }

    /// Marks acts whose outcome is overdue as orphans, each with an entry, and tells which they are.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails; what was swept before stays swept.
    pub async fn sweep_acts(&self) -> Result<Vec<Act>, Error> {
        let overdue = self.fetch_all(&sql::OVERDUE_ACTS, params![self.now()]).await?;
        let mut orphans = Vec::new();
        for row in &overdue {
            let act = read(row)?;
            let opened: Timestamp = row.time("opened_us")?;
            let finding = serde_json::json!({ "opened": opened, "finding": "the outcome was never recorded" });
            if self.complete_act(&act, Outcome::Orphaned, finding).await? {
                orphans.push(act);
            }
        }
        Ok(orphans)
    }
}

fn read(row: &Row) -> Result<Act, Error> {
    Ok(Act {
        id: row.text("id")?.to_owned(),
        // Whoever opened it, the finding is the sweeper's.
        actor: Actor::system("store"),
        verb: row.text("verb")?.to_owned(),
        entity: row.text("entity")?.to_owned(),
    })
}
