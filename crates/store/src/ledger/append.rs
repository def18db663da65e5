//! Writes entries at the end of the chain.

use kernel::Timestamp;

use super::chain::{Hash, Link, commitment};
use super::entry::{Committed, Entry};
use crate::database::Transact;
use crate::error::Error;
use crate::store::Store;
use crate::{params, sql};

/// What was appended.
pub(crate) struct Appended {
    pub(crate) committed: Committed,
    /// Sequence number for the first fact of the transaction.
    pub(crate) first_fact_seq: i64,
}

/// Appends `entries` and reserves numbers for `facts` facts.
///
/// Taking the head locks it until the transaction ends, so writers queue here and numbers are given in the order of
/// commits. This is the last thing that a transaction does, so the queue is short.
pub(crate) async fn append(
    transact: &mut Transact,
    store: &Store,
    now: Timestamp,
    entries: Vec<Entry>,
    facts: usize,
) -> Result<Appended, Error> {
    let take = params![entries.len(), facts];
    let head = transact.fetch(sql::TAKE_HEAD.name, sql::TAKE_HEAD.sql, take).await?;
    let head = head.first().ok_or_else(|| Error::NotFound("the ledger has no head: the database is damaged".into()))?;
    let last = head.int("seq")?;
    let mut hash: Hash = head.parse("hash")?;
    let count = i64::try_from(entries.len()).unwrap_or(i64::MAX);
    for (seq, entry) in (last - count + 1..).zip(entries) {
        hash = write(transact, store, now, seq, hash, &entry).await?;
    }
    transact.execute(sql::SET_HEAD.name, sql::SET_HEAD.sql, params![hash.to_string()]).await?;
    let facts = i64::try_from(facts).unwrap_or(i64::MAX);
    let first_fact_seq = head.int("fact_seq")? - facts + 1;
    Ok(Appended { committed: Committed { seq: last, time: now }, first_fact_seq })
}

async fn write(
    transact: &mut Transact,
    store: &Store,
    time: Timestamp,
    seq: i64,
    previous: Hash,
    entry: &Entry,
) -> Result<Hash, Error> {
    let payload = serde_json::json!(entry.payload).to_string();
    let salt: [u8; 32] = store.random();
    let commitment = commitment(&salt, &payload);
    let actor = entry.actor.to_string();
    let link = Link { previous, seq, time, actor: &actor, verb: &entry.verb, entity: &entry.entity, commitment };
    let hash = link.hash();
    let row = params![
        seq,
        time,
        &actor,
        &entry.verb,
        &entry.entity,
        commitment.to_string(),
        previous.to_string(),
        hash.to_string()
    ];
    transact.execute(sql::INSERT_ENTRY.name, sql::INSERT_ENTRY.sql, row).await?;
    let beside = params![seq, hex::encode(salt), payload];
    transact.execute(sql::INSERT_PAYLOAD.name, sql::INSERT_PAYLOAD.sql, beside).await?;
    Ok(hash)
}
