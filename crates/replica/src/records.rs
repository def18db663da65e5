//! Things of other nodes as they last said they are.

use kernel::Timestamp;
use serde_json::{Value as Json, json};
use store::{Read, Row, params};

use crate::error::Error;
use crate::lane::Lane;
use crate::replica::Replica;
use crate::sql;

/// Most of one answer.
const MOST: u32 = 5_000;

/// Which things.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct RecordFilter {
    pub kind: String,
    /// `None`: of every other node.
    pub node: Option<String>,
    /// Only what changed before.
    pub before: Option<Timestamp>,
}

/// A thing of another node.
#[derive(Debug, Clone, PartialEq)]
pub struct RecordView {
    pub node: String,
    pub kind: String,
    pub subject: String,
    pub lane: Lane,
    /// The entry that said so last.
    pub seq: i64,
    /// House time there.
    pub time: Timestamp,
    pub body: Json,
}

impl Replica {
    /// Things of other nodes, those that changed last first.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn records(&self, filter: &RecordFilter, limit: u32) -> Result<Vec<RecordView>, Error> {
        let before = filter.before.unwrap_or(Timestamp::MAX);
        let wanted = params![&filter.kind, filter.node.clone(), self.node(), before, limit.min(MOST)];
        self.store.fetch_all(&sql::RECORDS, wanted).await?.iter().map(record).collect()
    }

    /// One thing of a node, from wherever it is read.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn record_in(
        &self,
        read: &mut impl Read,
        node: &str,
        kind: &str,
        subject: &str,
    ) -> Result<Option<RecordView>, Error> {
        let rows = read.rows(&sql::RECORD, params![node, kind, subject]).await?;
        rows.first().map(record).transpose()
    }

    /// One thing of a node.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn record(&self, node: &str, kind: &str, subject: &str) -> Result<Option<RecordView>, Error> {
        let row = self.store.fetch_optional(&sql::RECORD, params![node, kind, subject]).await?;
        row.map(|row| record(&row)).transpose()
    }
}

fn record(row: &Row) -> Result<RecordView, Error> {
    Ok(RecordView {
        node: row.text("node")?.to_owned(),
        kind: row.text("kind")?.to_owned(),
        subject: row.text("subject")?.to_owned(),
        lane: row.parse("lane")?,
        seq: row.int("seq")?,
        time: row.time("time_us")?,
        body: row.json_opt("body")?.unwrap_or_else(|| json!({})),
    })
}
