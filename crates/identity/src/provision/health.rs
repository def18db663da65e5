//! How systems are: read when, with what outcome, and how many accounts wait.

use std::collections::BTreeMap;

use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::{Value as Json, json};
use store::params;

use super::times::read_again;
use crate::error::Error;
use crate::room::Identity;
use crate::sql;

/// How far each system has been read.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct SystemHealth {
    pub system: String,
    /// `new`, `healthy`, `away`, `lost` or `scope-lost`.
    pub state: String,
    pub problem: Option<String>,
    pub read: Option<Timestamp>,
    pub objects: i64,
    /// Accounts by how far they are from what is wanted.
    pub progress: BTreeMap<String, i64>,
}

impl Identity {
    /// How each system is.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn health(&self) -> Result<Vec<SystemHealth>, Error> {
        let known = self.known().await?;
        let mut health: BTreeMap<String, SystemHealth> = BTreeMap::new();
        for key in known.policy.systems.keys() {
            let new = SystemHealth {
                system: key.clone(),
                state: "new".to_owned(),
                problem: None,
                read: None,
                objects: 0,
                progress: BTreeMap::new(),
            };
            health.insert(key.clone(), new);
        }
        for row in self.store.fetch_all(&sql::CURSORS, params![]).await? {
            let Some(one) = health.get_mut(row.text("system")?) else { continue };
            one.state = row.text("state")?.to_owned();
            one.problem = row.text_opt("problem")?.map(str::to_owned);
            one.read = row.time_opt("read_us")?;
            one.objects = row.int("objects")?;
        }
        for row in self.store.fetch_all(&sql::PROGRESS, params![]).await? {
            let Some(one) = health.get_mut(row.text("system")?) else { continue };
            one.progress.insert(row.text("progress")?.to_owned(), row.int("accounts")?);
        }
        Ok(health.into_values().collect())
    }
}

impl Identity {
    /// Remembers that a system could not be read, and when it is tried again.
    pub(crate) async fn note_away(&self, key: &str, problem: &str) -> Result<(), Error> {
        let known = self.known().await?;
        let Some(system) = known.policy.systems.get(key) else { return Ok(()) };
        let mut turn = self.turn(&Actor::system("identity"), problem).await?;
        turn.tx.execute(&sql::SAVE_CURSOR_PROBLEM, params![key, "away", problem]).await?;
        read_again(&mut turn, key, system).await?;
        turn.record("system.away", format!("system:{key}"), Json::Null, json!({ "problem": problem }));
        turn.finish().await?;
        Ok(())
    }
}
