//! This node: what it writes into its own logs.

use std::sync::Arc;

use base64::Engine;
use base64::engine::general_purpose::STANDARD_NO_PAD;
use kernel::Timestamp;
use parking_lot::Mutex;
use serde_json::Value as Json;
use store::{Hash, Read, Row, Store, Tx, params};
use tokio::sync::Notify;

use crate::chain::{Entry, SALT_BYTES, Seal};
use crate::error::Error;
use crate::exchange::Packed;
use crate::lane::{Lane, Lanes};
use crate::{merge, sql};

/// A handle to this node's logs and to what others have told. Cloning is cheap.
#[derive(Clone)]
pub struct Replica {
    pub(crate) store: Store,
    node: Arc<str>,
    /// Rings when this node has written something.
    pub(crate) written: Arc<Notify>,
    /// The batch of each lane that was packed last.
    pub(crate) packed: Arc<Mutex<[Option<Arc<Packed>>; 4]>>,
}

/// What is to be written.
#[derive(Debug, Clone, PartialEq)]
pub struct NewEntry {
    pub lane: Lane,
    pub kind: &'static str,
    pub subject: String,
    pub body: Json,
    /// It is a thing that changes: only what has changed of it goes over the link.
    pub changes: bool,
}

/// The end of a lane.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Head {
    pub(crate) seq: i64,
    pub(crate) hash: Hash,
    pub(crate) time: Timestamp,
}

/// Why a name cannot be that of a node; `None`: it can.
pub fn node_fault(name: &str) -> Option<String> {
    let fits = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    let ok = (1..=32).contains(&name.len()) && name.bytes().all(fits);
    (!ok).then(|| format!("`{name}` cannot be the name of a node: 1 to 32 of A-Z, a-z, 0-9 and -"))
}

impl Replica {
    /// This node on its state database.
    ///
    /// # Errors
    /// [`Error::Misused`] when `node` cannot be its name.
    pub fn new(store: Store, node: &str) -> Result<Replica, Error> {
        match node_fault(node) {
            Some(fault) => Err(Error::Misused(fault)),
            None => Ok(Replica { store, node: node.into(), written: Arc::default(), packed: Arc::default() }),
        }
    }

    /// The name of this node.
    pub fn node(&self) -> &str {
        &self.node
    }

    /// Writes entries at the ends of their lanes, in a transaction of whoever tells them. Call [`Replica::ring`] when it is
    /// committed.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn append(&self, tx: &mut Tx, entries: Vec<NewEntry>) -> Result<usize, Error> {
        tx.lock("replica.append").await?;
        let mut heads = heads(tx, &self.node).await?;
        let mut written = 0;
        for new in entries {
            let Some(entry) = self.entry(tx, &new, heads[new.lane.index()].seq + 1).await? else { continue };
            let head = &mut heads[new.lane.index()];
            *head = Head { seq: entry.seq, hash: entry.hash(&self.node, head.hash), time: entry.time };
            insert(tx, &self.node, &entry, head.hash).await?;
            save_record(tx, &self.node, &entry, &new.body).await?;
            save_head(tx, &self.node, new.lane, head).await?;
            written += 1;
        }
        Ok(written)
    }

    /// `None`: nothing has changed.
    async fn entry(&self, tx: &mut Tx, new: &NewEntry, seq: i64) -> Result<Option<Entry>, Error> {
        let mut body = new.body.clone();
        if new.changes {
            let before = tx.fetch_optional(&sql::RECORD, params![self.node(), new.kind, &new.subject]).await?;
            let before = before.map_or(Ok(Json::Null), |row| row.json("body"))?;
            if before.is_object() {
                body = merge::patch(&before, &new.body);
            }
            if body.as_object().is_some_and(serde_json::Map::is_empty) {
                return Ok(None);
            }
        }
        let (lane, kind, subject) = (new.lane, new.kind.to_owned(), new.subject.clone());
        let seal = Seal::Salted(match lane {
            Lane::Bulk => String::new(),
            Lane::Distress | Lane::Deadline | Lane::Log => STANDARD_NO_PAD.encode(self.store.random::<SALT_BYTES>()),
        });
        Ok(Some(Entry { lane, seq, time: tx.now(), kind, subject, body: body.to_string(), seal }))
    }

    /// Tells the links that something was written.
    pub fn ring(&self) {
        self.written.notify_waiters();
    }

    /// How far the logs of a node go here.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn lanes(&self, node: &str) -> Result<Lanes, Error> {
        let heads = heads(&mut self.store.clone(), node).await?;
        Ok(Lanes(heads.map(|head| head.seq)))
    }

    /// The hash at the end of each lane of a node: equal at both ends when both have everything.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn hashes(&self, node: &str) -> Result<[Hash; 4], Error> {
        let heads = heads(&mut self.store.clone(), node).await?;
        Ok(heads.map(|head| head.hash))
    }

    /// Entries of a lane after one number up to another.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn entries(&self, node: &str, lane: Lane, after: i64, last: i64) -> Result<Vec<Entry>, Error> {
        let rows = self.store.fetch_all(&sql::ENTRIES, params![node, lane.as_str(), after, last]).await?;
        rows.iter().map(entry).collect()
    }

    /// Follows the chain of a lane from its beginning and names the first entry that is not what it was: `None` when all
    /// are.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn first_fault(&self, node: &str, lane: Lane) -> Result<Option<String>, Error> {
        const PAGE: i64 = 5_000;
        let end = self.lanes(node).await?.of(lane);
        let (mut hash, mut seq) = (Hash::default(), 0);
        while seq < end {
            let wanted = params![node, lane.as_str(), seq, seq + PAGE];
            let rows = self.store.fetch_all(&sql::ENTRIES, wanted).await?;
            for row in &rows {
                let entry = entry(row)?;
                hash = entry.hash(node, hash);
                if entry.seq != seq + 1 || row.text("hash")? != hash.to_string() {
                    return Ok(Some(format!("entry {} of lane {lane} of {node} is not what was written", seq + 1)));
                }
                seq = entry.seq;
            }
            if rows.is_empty() {
                return Ok(Some(format!("entry {} of lane {lane} of {node} is missing", seq + 1)));
            }
        }
        Ok(None)
    }
}

pub(crate) async fn heads(read: &mut impl Read, node: &str) -> Result<[Head; 4], Error> {
    let mut heads = [Head::default(); 4];
    for row in read.rows(&sql::HEADS, params![node]).await? {
        let lane: Lane = row.parse("lane")?;
        heads[lane.index()] = Head { seq: row.int("seq")?, hash: row.parse("hash")?, time: row.time("time_us")? };
    }
    Ok(heads)
}

pub(crate) fn entry(row: &Row) -> Result<Entry, Error> {
    let seal = match (row.text_opt("salt")?, row.text_opt("commitment")?) {
        (Some(salt), _) => Seal::Salted(salt.to_owned()),
        (None, Some(commitment)) => Seal::Erased(commitment.to_owned()),
        (None, None) => Seal::Plain,
    };
    Ok(Entry {
        seal,
        lane: row.parse("lane")?,
        seq: row.int("seq")?,
        time: row.time("time_us")?,
        kind: row.text("kind")?.to_owned(),
        subject: row.text("subject")?.to_owned(),
        body: row.text("body")?.to_owned(),
    })
}

pub(crate) async fn insert(tx: &mut Tx, node: &str, entry: &Entry, hash: Hash) -> Result<(), Error> {
    let (salt, commitment) = match &entry.seal {
        Seal::Plain => (None, None),
        Seal::Salted(salt) => (Some(salt.clone()), None),
        Seal::Erased(commitment) => (None, Some(commitment.clone())),
    };
    let row = params![
        node,
        entry.lane.as_str(),
        entry.seq,
        entry.time,
        &entry.kind,
        &entry.subject,
        &entry.body,
        hash.to_string(),
        salt,
        commitment,
    ];
    Ok(tx.execute_one(&sql::INSERT_ENTRY, row).await?)
}

pub(crate) async fn save_record(tx: &mut Tx, node: &str, entry: &Entry, body: &Json) -> Result<(), Error> {
    let row = params![node, &entry.kind, &entry.subject, entry.lane.as_str(), entry.seq, entry.time, body];
    Ok(tx.execute_one(&sql::SAVE_RECORD, row).await?)
}

pub(crate) async fn save_head(tx: &mut Tx, node: &str, lane: Lane, head: &Head) -> Result<(), Error> {
    let row = params![node, lane.as_str(), head.seq, head.hash.to_string(), head.time];
    Ok(tx.execute_one(&sql::SAVE_HEAD, row).await?)
}
