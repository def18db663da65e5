//! Which kinds of events arrive, and what the rules in force can see of them.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use store::{Housekeeping, params};

use crate::commands::alerts::json;
use crate::coverage::{self, Kinds, RuleGround, TechniqueCoverage};
use crate::error::Error;
use crate::rule::{RuleKind, RuleState};
use crate::{Detect, sql};

/// Coverage of ATT&CK by the rules in force.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Covered {
    pub techniques: Vec<TechniqueCoverage>,
    /// Kinds of events that have arrived.
    pub event_kinds: u64,
}

impl Detect {
    /// Notes the kinds of the events of a batch.
    pub fn note_events(&self, columns: &RecordBatch) {
        let mut kinds = Kinds::default();
        kinds.note(columns);
        self.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(kinds);
    }

    /// Saves the kinds of events.
    ///
    /// # Errors
    /// [`Error::Store`]: they are known again when such events arrive.
    pub async fn save_event_kinds(&self) -> Result<(), Error> {
        let kinds = self.event_kinds();
        if kinds.is_empty() {
            return Ok(());
        }
        let mut tx = self.store.housekeeping(Housekeeping::EventKinds).await?;
        let now = self.store.now();
        tx.execute(&sql::SAVE_EVENT_KINDS, params![json(&kinds), now]).await?;
        Ok(tx.commit().await?)
    }

    /// Reads the kinds that were saved.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn read_event_kinds(&self) -> Result<(), Error> {
        if let Some(row) = self.store.fetch_optional(&sql::EVENT_KINDS, params![]).await? {
            // A form of another version is forgotten: they are known again when such events arrive.
            let kinds: Kinds = row.json("kinds").unwrap_or_default();
            self.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).add(kinds);
        }
        Ok(())
    }

    fn event_kinds(&self) -> Kinds {
        self.kinds.lock().unwrap_or_else(std::sync::PoisonError::into_inner).clone()
    }

    /// How well the rules in force see each technique, given the events that have arrived.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn coverage(&self) -> Result<Covered, Error> {
        let mut known: BTreeMap<String, (bool, u64)> = BTreeMap::new();
        let mut grounds = Vec::new();
        for row in self.store.fetch_all(&sql::RULES_WITH_ALERTS, params![]).await? {
            let (id, alerts) = (row.text("id")?.to_owned(), row.count("alerts")?);
            let is_on = RuleState::parse(row.text("state")?) == RuleState::Enabled;
            if RuleKind::parse(row.text("kind")?) == RuleKind::Kql {
                grounds.push(RuleGround {
                    title: row.text("title")?.to_owned(),
                    techniques: row.json("techniques")?,
                    tactics: Vec::new(),
                    standing: coverage::scheduled_standing(is_on, alerts),
                    missing: Vec::new(),
                    alerts,
                    id,
                });
            } else {
                known.insert(id, (is_on, alerts));
            }
        }
        let (in_force, kinds) = (self.in_force(), self.event_kinds());
        let event_kinds = kinds.len() as u64;
        let covered = tokio::task::spawn_blocking(move || {
            let of = |id: &str| known.get(id).copied().unwrap_or((true, 0));
            let (engine, correlations) = (&in_force.engine, &in_force.correlations);
            grounds.extend(coverage::grounds(engine, correlations.rules(), Some(&kinds.into_list()), &of));
            coverage::by_technique(&grounds)
        });
        let techniques = covered.await.map_err(|error| Error::Refused(format!("counting was stopped: {error}")))?;
        Ok(Covered { techniques, event_kinds })
    }
}
