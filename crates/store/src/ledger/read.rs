//! The ledger for people to read.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::entry::Payload;
use crate::error::Error;
use crate::row::Row;
use crate::store::Store;
use crate::{params, sql};

/// One entry with its payload, unless that was erased.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct LedgerEntry {
    pub seq: i64,
    pub time: Timestamp,
    /// `user:…`, `token:…`, `system:…`.
    pub actor: String,
    pub verb: String,
    pub entity: String,
    pub hash: String,
    pub erased: bool,
    pub reason: Option<String>,
    pub before: Option<serde_json::Value>,
    pub after: Option<serde_json::Value>,
}

/// Which entries to read, newest first. Empty: all.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct LedgerFilter {
    /// Only entries before this one: the last of the page before.
    pub before: Option<i64>,
    pub entity: Option<String>,
    pub actor: Option<String>,
    /// The verb or its room: `incident` finds `incident.close`.
    pub verb: Option<String>,
}

impl Store {
    /// At most `limit` entries, newest first.
    ///
    /// # Errors
    /// [`Error::Unavailable`] when the database fails.
    pub async fn ledger(&self, filter: &LedgerFilter, limit: u32) -> Result<Vec<LedgerEntry>, Error> {
        let LedgerFilter { before, entity, actor, verb } = filter;
        let wanted = params![before.unwrap_or(i64::MAX), entity.as_deref(), actor.as_deref(), verb.as_deref(), limit];
        let rows = self.fetch_all(&sql::READ_LEDGER, wanted).await?;
        rows.iter().map(entry).collect()
    }
}

fn entry(row: &Row) -> Result<LedgerEntry, Error> {
    let payload: Option<Payload> = row.json_opt("payload")?;
    let erased = payload.is_none();
    let Payload { reason, before, after } = payload.unwrap_or_default();
    Ok(LedgerEntry {
        seq: row.int("seq")?,
        time: row.time("time_us")?,
        actor: row.text("actor")?.to_owned(),
        verb: row.text("verb")?.to_owned(),
        entity: row.text("entity")?.to_owned(),
        hash: row.text("hash")?.to_owned(),
        erased,
        reason,
        before,
        after,
    })
}
