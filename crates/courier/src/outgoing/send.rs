//! The senders: one for each channel, most urgent first, so many at once, not faster than the network wants it.
//!
//! A try is written down before it is made. A crash in between means that it is made again, with the same ids.

use std::collections::HashSet;
use std::panic::AssertUnwindSafe;
use std::sync::Arc;
use std::time::Duration;

use futures::FutureExt;
use kernel::Timestamp;
use kernel::id::MessageId;
use store::{Housekeeping, Row, params};
use tokio::task::JoinSet;

use super::decide::{Happening, after};
use super::pace::Pace;
use super::record::Outgoing;
use super::{rows, settle};
use crate::channel::{Channel, Outcome, Piece};
use crate::error::Error;
use crate::room::Courier;
use crate::sql;

/// A sender looks at least this often.
const LONGEST_SLEEP: Duration = Duration::from_secs(1);
/// Longer than any channel may take.
const LONGEST_TRY: Duration = Duration::from_secs(90);

/// Sends by one channel.
pub struct Sender {
    courier: Courier,
    channel: Arc<dyn Channel>,
    pace: Pace,
    /// Each a task of its own: one that has the database's writer must go on while the sender looks for the next.
    under_way: JoinSet<(MessageId, bool)>,
    busy: HashSet<MessageId>,
    /// Of these, distress.
    urgent: usize,
}

impl Courier {
    /// Sends by a channel until it is dropped, which is safe at any moment.
    pub async fn run_sender(&self, channel: Arc<dyn Channel>) {
        Sender::new(self.clone(), channel).run().await;
    }

    /// What was begun by an earlier run and has no end was cut off; it is tried again.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn resume(&self) -> Result<u64, Error> {
        let mut tx = self.store.housekeeping(Housekeeping::Courier).await?;
        let problem = "the program ended during the try; it may have been sent, and is sent again";
        let cut_off = tx.execute(&sql::CUT_OFF, params![self.now(), problem]).await?;
        tx.commit().await?;
        Ok(cut_off)
    }
}

impl Sender {
    /// For one channel.
    pub fn new(courier: Courier, channel: Arc<dyn Channel>) -> Sender {
        let now_us = courier.store.clock().monotonic_us();
        let pace = Pace::new(channel.limits().per_second, now_us);
        Sender { courier, channel, pace, under_way: JoinSet::new(), busy: HashSet::new(), urgent: 0 }
    }

    async fn run(mut self) {
        loop {
            // Registered before looking, so that nothing that comes meanwhile is slept over.
            let courier = self.courier.clone();
            let woken = courier.shared.wake.notified();
            let sleep = match self.start_due().await {
                Ok(wait) => wait.map_or(LONGEST_SLEEP, |us| Duration::from_micros(us).min(LONGEST_SLEEP)),
                Err(error) => {
                    tracing::error!(%error, channel = self.channel.name(), "due messages could not be read; trying again");
                    LONGEST_SLEEP
                }
            };
            tokio::select! {
                Some(Ok(ended)) = self.under_way.join_next() => self.end(ended),
                () = woken => {}
                () = tokio::time::sleep(sleep) => {}
            }
        }
    }

    /// Sends everything that is due and waits for it: for tests and tools. Returns how many tries were made.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn drain(&mut self) -> Result<usize, Error> {
        let mut tries = 0;
        loop {
            self.start_due().await?;
            let Some(Ok(ended)) = self.under_way.join_next().await else { return Ok(tries) };
            self.end(ended);
            tries += 1;
        }
    }

    fn end(&mut self, (id, urgent): (MessageId, bool)) {
        self.busy.remove(&id);
        self.urgent -= usize::from(urgent);
    }

    /// Begins what is due, as far as there is room. Returns how long the pace holds it back, if it does.
    async fn start_due(&mut self) -> Result<Option<u64>, Error> {
        let at_once = self.channel.limits().at_once.max(1);
        let room = at_once + 1;
        if self.under_way.len() >= room {
            return Ok(None);
        }
        let now = self.courier.now();
        let row = params![self.channel.means().as_str(), now, room + self.busy.len()];
        let due = self.courier.store.fetch_all(&sql::DUE_DISPATCHES, row).await?;
        for row in &due {
            let (id, urgent) = (row.id("id")?, row.int("lane")? == 0);
            // One place is for distress alone.
            let full =
                if urgent { self.under_way.len() >= room } else { self.under_way.len() - self.urgent >= at_once };
            if self.busy.contains(&id) || full {
                continue;
            }
            if let Err(wait_us) = self.pace.take(self.courier.store.clock().monotonic_us()) {
                return Ok(Some(wait_us));
            }
            self.busy.insert(id);
            self.urgent += usize::from(urgent);
            let (courier, channel) = (self.courier.clone(), self.channel.clone());
            self.under_way.spawn(async move {
                let tried = AssertUnwindSafe(attempt(&courier, channel.as_ref(), id)).catch_unwind().await;
                match tried {
                    Ok(Ok(())) => {}
                    Ok(Err(error)) => {
                        tracing::error!(%error, message = %id, "a try could not be recorded; it is made again");
                    }
                    Err(_) => tracing::error!(message = %id, "a try panicked; it is made again"),
                }
                (id, urgent)
            });
        }
        Ok(None)
    }
}

/// One try, written down before and after.
async fn attempt(courier: &Courier, channel: &dyn Channel, id: MessageId) -> Result<(), Error> {
    let Some((message, number)) = begin(courier, channel, id).await? else { return Ok(()) };
    let taken = pieces(courier, id, message.place).await?;
    let outcome = tokio::time::timeout(LONGEST_TRY, channel.send(&message, &taken)).await;
    let outcome = outcome.unwrap_or_else(|_| Outcome::failed("the channel did not answer within 90 s"));
    courier.note(channel.name(), |state| match outcome {
        Outcome::Accepted { .. } => state.sent += 1,
        Outcome::Failed { .. } | Outcome::Refused { .. } => state.failed += 1,
    });
    finish(courier, channel, &message, number, outcome).await
}

/// Writes that a try begins. `None`: it is not due any more.
async fn begin(courier: &Courier, channel: &dyn Channel, id: MessageId) -> Result<Option<(Outgoing, i64)>, Error> {
    let mut tx = courier.store.housekeeping(Housekeeping::Courier).await?;
    let found = tx.fetch_all(&sql::DISPATCH, params![id]).await?;
    let Some(message) = found.first().map(rows::outgoing).transpose()? else { return Ok(None) };
    let now = courier.now();
    let due = message.open && message.state == kernel::message::DeliveryState::Queued && message.due <= now;
    if !due || message.address().means != channel.means() {
        return Ok(None);
    }
    let at = message.address();
    let row = params![id, channel.name(), at.means.as_str(), &at.address, now];
    let began = tx.fetch_all(&sql::BEGIN_TRY, row).await?;
    let number = began.first().map_or(Ok(1), |row| row.int("number"))?;
    tx.commit().await?;
    Ok(Some((message, number)))
}

async fn pieces(courier: &Courier, id: MessageId, place: usize) -> Result<Vec<Piece>, Error> {
    let rows = courier.store.fetch_all(&sql::PIECES, params![id, place]).await?;
    let piece = |row: &Row| {
        let number = |name: &str| row.count(name).map(|value| u32::try_from(value).unwrap_or(u32::MAX));
        Ok(Piece {
            number: number("number")?,
            total: number("total")?,
            provider_id: row.text("provider_id")?.to_owned(),
        })
    };
    rows.iter().map(piece).collect()
}

/// Writes how a try ended and what follows from it.
async fn finish(
    courier: &Courier,
    channel: &dyn Channel,
    tried: &Outgoing,
    number: i64,
    outcome: Outcome,
) -> Result<(), Error> {
    let chance = u32::from_be_bytes(courier.store.random::<4>()) % 1_000_001;
    let mut tx = courier.store.begin_urgent().await?;
    let now = tx.now();
    let word = outcome.as_str();
    let (pieces, problem, happening) = parts_of(outcome);
    tx.execute(&sql::END_TRY, params![tried.id, number, now, word, problem]).await?;
    for piece in &pieces {
        let row = params![
            channel.name(),
            settle::normal(&piece.provider_id),
            tried.id,
            tried.place,
            piece.number,
            piece.total,
            now
        ];
        tx.execute(&sql::INSERT_PIECE, row).await?;
    }
    let mut last = None;
    if let Some(before) = rows::find(&mut tx, tried.id).await?.filter(|found| found.place == tried.place) {
        last = rows::save(&mut tx, &before, after(&before, &happening, now, chance)).await?;
    }
    let overtaken = settle::take_strays(&mut tx, channel.name(), &pieces).await?;
    for entry in overtaken.into_iter().chain(last) {
        tx.record(entry);
    }
    tx.commit(entry_of_try(tried, number, word, now)).await?;
    courier.wake();
    Ok(())
}

fn entry_of_try(tried: &Outgoing, number: i64, word: &str, now: Timestamp) -> store::Entry {
    let after = serde_json::json!({ "try": number, "outcome": word, "ended": now });
    store::Entry::new(&rows::courier(), "message.try", tried.id).after(after)
}

fn parts_of(outcome: Outcome) -> (Vec<Piece>, Option<String>, Happening) {
    match outcome {
        Outcome::Accepted { pieces, receipts_follow } => (pieces, None, Happening::Accepted { receipts_follow }),
        Outcome::Failed { pieces, problem, retry_after_s } => {
            (pieces, Some(problem.clone()), Happening::Failed { problem, retry_after_s })
        }
        Outcome::Refused { problem } => (Vec::new(), Some(problem.clone()), Happening::Refused { problem }),
    }
}
