//! What correlations say becomes alerts, and what they remember is kept.

use std::collections::BTreeSet;

use kernel::id::{AlertGroupId, AlertId};
use kernel::{Fact, Timestamp};
use store::{Housekeeping, Tx, params};

use crate::commands::Recorded;
use crate::commands::alerts::{Bundle, derived, json, raise};
use crate::correlating::{Correlated, CorrelationStatus, RunAlert, SavedState, Taken, Told};
use crate::error::Error;
use crate::in_force::Found;
use crate::{Detect, sql};

/// The state is saved after so many entries or sightings, so that a restart has little to take in again.
const ENTRIES_BETWEEN_SAVES: i64 = 256;
const SIGHTINGS_BETWEEN_SAVES: usize = 20_000;

impl Detect {
    /// Gives what the rules found in a batch to the correlations. To be called once for each batch, in the order in
    /// which they are recorded with [`Detect::record_with`].
    pub async fn correlate(&self, found: &Found) -> Correlated {
        let now = self.store.now();
        match self.correlating.lock().await.as_mut() {
            Some(correlating) => correlating.take(found.sightings.clone(), found.newest, now),
            None => Correlated::default(),
        }
    }

    /// How correlations are doing; `None`: no rules are in force yet.
    pub async fn correlation_status(&self) -> Option<CorrelationStatus> {
        self.correlating.lock().await.as_ref().map(|correlating| correlating.status())
    }

    /// Keeps what a batch gave to correlations when it made no alert.
    pub(super) async fn keep_entry(&self, correlated: &Correlated) -> Result<(), Error> {
        if correlated.taken.sightings.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.housekeeping(Housekeeping::CorrelationState).await?;
        tx.execute(&sql::ADD_CORRELATION_ENTRY, params![correlated.number, json(&correlated.taken)]).await?;
        Ok(tx.commit().await?)
    }

    /// Saves what correlations remember, if there is much to take in again without; `always`: in any case.
    ///
    /// # Errors
    /// [`Error::Store`]: nothing is lost, the entries are there.
    pub async fn save_correlations(&self, always: bool) -> Result<(), Error> {
        let mut correlating = self.correlating.lock().await;
        let Some(correlating) = correlating.as_mut() else { return Ok(()) };
        let unsaved = correlating.unsaved();
        let much = unsaved.entries >= ENTRIES_BETWEEN_SAVES || unsaved.sightings >= SIGHTINGS_BETWEEN_SAVES;
        if unsaved.entries == 0 || !(much || always) {
            return Ok(());
        }
        let saved = correlating.saved();
        let mut tx = self.store.housekeeping(Housekeeping::CorrelationState).await?;
        let now = self.store.now();
        tx.execute(&sql::SAVE_CORRELATION_STATE, params![saved.number, json(&saved), now]).await?;
        tx.execute(&sql::FORGET_CORRELATION_ENTRIES, params![saved.number]).await?;
        tx.commit().await?;
        correlating.note_saved();
        Ok(())
    }

    /// What was saved last, and the entries since.
    pub(crate) async fn saved_correlations(&self) -> Result<(Option<SavedState>, Vec<(i64, Taken)>), Error> {
        let row = self.store.fetch_optional(&sql::CORRELATION_STATE, params![]).await?;
        let saved: Option<SavedState> = row.as_ref().and_then(|row| match row.json("state") {
            Ok(saved) => Some(saved),
            Err(error) => {
                tracing::error!(%error, "what correlations remembered cannot be read by this version; they begin anew");
                None
            }
        });
        let since = saved.as_ref().map_or(0, |saved| saved.number);
        let mut entries = Vec::new();
        for row in self.store.fetch_all(&sql::CORRELATION_ENTRIES, params![since]).await? {
            entries.push((row.int("number")?, row.json("entry")?));
        }
        Ok((saved, entries))
    }
}

pub(super) async fn add_entry(tx: &mut Tx, correlated: &Correlated) -> Result<(), Error> {
    if !correlated.taken.sightings.is_empty() {
        tx.execute(&sql::ADD_CORRELATION_ENTRY, params![correlated.number, json(&correlated.taken)]).await?;
    }
    Ok(())
}

/// Brings one alert to what the correlation says; tells its group.
pub(super) async fn tell(
    tx: &mut Tx,
    batch: &str,
    told: &Told,
    recorded: &mut Recorded,
) -> Result<BTreeSet<AlertGroupId>, Error> {
    let id = alert_id(match told {
        Told::Holds(alert) => &alert.identity,
        Told::Withdrawn { identity } => identity,
    });
    let known = tx.fetch_optional(&sql::ALERT_GROUP, params![id]).await?;
    let group: Option<AlertGroupId> = known.as_ref().map(|row| row.id("group_id")).transpose()?;
    match (told, known) {
        (Told::Holds(alert), Some(_)) => {
            let (from, to) = span(alert);
            let (events, kept) = (json(&alert.events), alert.events.len());
            tx.execute(&sql::RESTATE_ALERT, params![id, from, to, alert.count, events, kept]).await?;
            recorded.grown += 1;
        }
        (Told::Holds(alert), None) => {
            let group = raise(tx, batch, id, &bundle(alert)).await?;
            recorded.raised.push(id);
            return Ok(BTreeSet::from([group]));
        }
        (Told::Withdrawn { .. }, Some(row)) => {
            let now = tx.now();
            if tx.execute(&sql::WITHDRAW_ALERT, params![id, now]).await? > 0 {
                let (group, title) = (row.id("group_id")?, row.text("title")?.to_owned());
                tx.emit(Fact::AlertWithdrawn { alert: id, group, title, at: now });
                recorded.withdrawn += 1;
            }
        }
        // It was undone before it was stored.
        (Told::Withdrawn { .. }, None) => {}
    }
    Ok(group.into_iter().collect())
}

fn alert_id(identity: &[String]) -> AlertId {
    let parts: Vec<&str> = identity.iter().map(String::as_str).collect();
    derived(&parts)
}

fn span(alert: &RunAlert) -> (Timestamp, Timestamp) {
    (alert.hit.event.time, alert.hit.until)
}

fn bundle(alert: &RunAlert) -> Bundle {
    let (from, to) = span(alert);
    Bundle {
        likeness: alert.likeness.clone(),
        first: alert.hit.clone(),
        events: alert.events.clone(),
        count: alert.count,
        from,
        to,
    }
}
