//! Receipts, and what happens when time passes: patience ends, validity ends, nobody can send by a means.

use std::time::Duration;

use kernel::message::{DeliveryState, Means};
use store::{Entry, Housekeeping, Tx, params};

use super::decide::{Happening, after};
use super::rows;
use crate::arrival::{Receipt, Said};
use crate::channel::Piece;
use crate::error::Error;
use crate::room::Courier;
use crate::sql;

const TICK: Duration = Duration::from_secs(1);
const BATCH: u32 = 200;
/// What is only there to recognise repetitions.
const FORGET_SEEN_US: i64 = 180 * 86_400_000_000;
const BETWEEN_PRUNINGS: u32 = 3_600;

impl Courier {
    /// Looks after everything that has to happen by time alone, until it is dropped, which is safe at any moment.
    pub async fn run_keeper(&self, keep_raw_days: u32) {
        let mut ticks = 0_u32;
        loop {
            let woken = self.shared.wake.notified();
            if let Err(error) = self.tend().await {
                tracing::error!(%error, "messages could not be tended; trying again");
            }
            if ticks.is_multiple_of(BETWEEN_PRUNINGS)
                && let Err(error) = self.prune(keep_raw_days).await
            {
                tracing::warn!(%error, "old raw bytes could not be dropped; trying again");
            }
            ticks = ticks.wrapping_add(1);
            tokio::select! {
                () = woken => {}
                () = tokio::time::sleep(TICK) => {}
            }
        }
    }

    /// Does once what time demands.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn tend(&self) -> Result<(), Error> {
        let due = self.store.fetch_all(&sql::SETTLING, params![self.now(), BATCH]).await?;
        for row in &due {
            self.happen(row.id("id")?, &Happening::Due).await?;
        }
        self.refuse_what_nobody_sends().await?;
        self.complete_old_segments().await
    }

    /// A means without a channel cannot be waited for.
    async fn refuse_what_nobody_sends(&self) -> Result<(), Error> {
        for row in self.store.fetch_all(&sql::QUEUED_MEANS, params![]).await? {
            let word = row.text("means")?.to_owned();
            if word.parse::<Means>().is_ok_and(|means| self.channel(means).is_some()) {
                continue;
            }
            let problem = format!("no channel for {word} is configured: see [courier] in the configuration");
            for row in self.store.fetch_all(&sql::QUEUED_BY_MEANS, params![&word, BATCH]).await? {
                self.happen(row.id("id")?, &Happening::Refused { problem: problem.clone() }).await?;
            }
        }
        Ok(())
    }

    async fn happen(&self, id: kernel::id::MessageId, happening: &Happening) -> Result<(), Error> {
        let mut tx = self.store.begin_urgent().await?;
        let Some(before) = rows::find(&mut tx, id).await? else { return Ok(()) };
        let decided = after(&before, happening, tx.now(), 0);
        if let Some(entry) = rows::save(&mut tx, &before, decided).await? {
            tx.commit(entry).await?;
            self.wake();
        }
        Ok(())
    }

    /// Drops raw bytes past their time, and what only served to recognise repetitions.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn prune(&self, keep_raw_days: u32) -> Result<(), Error> {
        let mut tx = self.store.housekeeping(Housekeeping::Courier).await?;
        let now = self.now();
        tx.execute(&sql::PRUNE_RAW, params![now.plus_micros(-i64::from(keep_raw_days) * 86_400_000_000)]).await?;
        tx.execute(&sql::PRUNE_SEEN, params![now.plus_micros(-FORGET_SEEN_US)]).await?;
        Ok(tx.commit().await?)
    }
}

/// A provider's id as it is compared: without case and leading zeros.
pub(crate) fn normal(provider_id: &str) -> String {
    let trimmed = provider_id.trim().trim_start_matches('0').to_lowercase();
    if trimmed.is_empty() { "0".to_owned() } else { trimmed }
}

/// How else a network may write the same id: some answer in hexadecimal and send receipts in decimal.
fn other_forms(normal: &str) -> Vec<String> {
    let decimal = normal.parse::<u64>().ok().map(|number| format!("{number:x}"));
    let hexadecimal = u64::from_str_radix(normal, 16).ok().map(|number| number.to_string());
    decimal.into_iter().chain(hexadecimal).filter(|form| form != normal).collect()
}

/// Takes a receipt. One about something unknown is kept, because it may have overtaken the answer.
pub(crate) async fn take_receipt(tx: &mut Tx, channel: &str, receipt: &Receipt) -> Result<Vec<Entry>, Error> {
    let id = normal(&receipt.provider_id);
    for form in std::iter::once(id.clone()).chain(other_forms(&id)) {
        if tx.fetch_optional(&sql::PIECE, params![channel, &form]).await?.is_some() {
            return apply(tx, channel, &form, receipt.said, receipt.problem.as_deref()).await;
        }
    }
    let now = tx.now();
    let row = params![channel, &id, receipt.said.as_str(), receipt.problem.clone(), now];
    tx.execute(&sql::INSERT_STRAY, row).await?;
    Ok(Vec::new())
}

/// Receipts that came before the pieces that they are about.
pub(crate) async fn take_strays(tx: &mut Tx, channel: &str, pieces: &[Piece]) -> Result<Vec<Entry>, Error> {
    let mut entries = Vec::new();
    for piece in pieces {
        let id = normal(&piece.provider_id);
        for form in std::iter::once(id.clone()).chain(other_forms(&id)) {
            let Some(stray) = tx.fetch_optional(&sql::TAKE_STRAY, params![channel, &form]).await? else { continue };
            let said = match stray.text("said")? {
                "delivered" => Said::Delivered,
                "lost" => Said::Lost,
                _ => Said::Underway,
            };
            let problem = stray.text_opt("problem")?.map(str::to_owned);
            entries.extend(apply(tx, channel, &id, said, problem.as_deref()).await?);
        }
    }
    Ok(entries)
}

async fn apply(
    tx: &mut Tx,
    channel: &str,
    provider_id: &str,
    said: Said,
    problem: Option<&str>,
) -> Result<Vec<Entry>, Error> {
    let now = tx.now();
    if said == Said::Underway {
        return Ok(Vec::new());
    }
    tx.execute(&sql::SAY_OF_PIECE, params![channel, provider_id, said.as_str(), now]).await?;
    let Some(piece) = tx.fetch_optional(&sql::PIECE, params![channel, provider_id]).await? else {
        return Ok(Vec::new());
    };
    let place = usize::try_from(piece.count("place")?).unwrap_or(usize::MAX);
    let Some(before) = rows::find(tx, piece.id("dispatch_id")?).await? else { return Ok(Vec::new()) };
    let happening = match said {
        Said::Lost => Happening::Lost { place, problem: problem.unwrap_or("the network lost it").to_owned() },
        Said::Delivered | Said::Underway => {
            if !whole(tx, &before, place).await? {
                return Ok(Vec::new());
            }
            Happening::Delivered { place }
        }
    };
    if before.state == DeliveryState::Delivered {
        return Ok(Vec::new());
    }
    Ok(rows::save(tx, &before, after(&before, &happening, now, 0)).await?.into_iter().collect())
}

/// Whether every piece of what went to an address was delivered.
async fn whole(tx: &mut Tx, message: &super::Outgoing, place: usize) -> Result<bool, Error> {
    let pieces = tx.fetch_all(&sql::PIECES, params![message.id, place]).await?;
    let total = pieces.first().map_or(Ok(1), |piece| piece.count("total"))?;
    let mut delivered = std::collections::BTreeSet::new();
    for piece in &pieces {
        if piece.text_opt("said")? == Some("delivered") {
            delivered.insert(piece.int("number")?);
        }
    }
    Ok(delivered.len() as u64 >= total)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_id_is_found_however_the_network_writes_it() {
        assert_eq!(normal("000A1f"), "a1f");
        assert_eq!(normal("0"), "0");
        assert_eq!(other_forms("255"), ["ff", "597"]);
        assert_eq!(other_forms("ff"), ["255"]);
        assert_eq!(other_forms("b5a6-77"), Vec::<String>::new());
    }
}
