//! Erasing what a node has told: the bodies go, here and at the other node, and the chains still verify.

use kernel::Actor;
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Entry as LedgerEntry, Tx, params};

use crate::chain::{Entry, Seal};
use crate::error::Error;
use crate::lane::{Lane, Lanes};
use crate::relay::RELAYED;
use crate::replica::{self, NewEntry, Replica};
use crate::sql;

/// Entries that ask the other node to erase a thing. Their subject is its kind and subject.
pub const ERASED: &str = "erased";

/// A thing that was told.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub struct Thing {
    pub kind: String,
    pub subject: String,
}

/// Which thing, and up to which entry of each lane.
#[derive(Debug, Serialize, Deserialize)]
struct Request {
    kind: String,
    subject: String,
    until: Lanes,
}

impl Replica {
    /// Erases every thing of this node of which an entry has one of these words, and these things besides, in a transaction of
    /// the desk, and has the other node do the same. Returns the things: what is still to be known of one is to be told anew,
    /// after this, as it may be told.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn erase(&self, tx: &mut Tx, words: &[&str], besides: &[Thing]) -> Result<Vec<Thing>, Error> {
        let mut things = besides.to_vec();
        for word in words {
            // As it stands in JSON.
            let written = json!(word).to_string();
            for row in tx.fetch_all(&sql::THINGS_WITH, params![self.node(), written.trim_matches('"')]).await? {
                things.push(Thing { kind: row.text("kind")?.to_owned(), subject: row.text("subject")?.to_owned() });
            }
        }
        // What others said is theirs to erase.
        things.retain(|thing| thing.kind != RELAYED || besides.contains(thing));
        things.sort_unstable();
        things.dedup();
        things.retain(|thing| thing.kind != ERASED);
        let heads = replica::heads(tx, self.node()).await?;
        let until = Lanes(heads.map(|head| head.seq));
        let mut asked = Vec::new();
        for thing in &things {
            erase_entries(tx, self.node(), thing, &until).await?;
            let request = Request { kind: thing.kind.clone(), subject: thing.subject.clone(), until };
            asked.push(NewEntry {
                lane: Lane::Deadline,
                kind: ERASED,
                subject: format!("{}/{}", thing.kind, thing.subject),
                body: json!(request),
                changes: false,
            });
        }
        self.append(tx, asked).await?;
        // A batch that is packed has them still.
        *self.packed.lock() = Default::default();
        Ok(things)
    }
}

/// Does what another node asks for about its own entries. One that cannot be read asks for nothing.
pub(crate) async fn as_asked(tx: &mut Tx, peer: &str, entry: &Entry) -> Result<Option<Thing>, Error> {
    let Ok(request) = serde_json::from_str::<Request>(&entry.body) else { return Ok(None) };
    let thing = Thing { kind: request.kind, subject: request.subject };
    let erased = erase_entries(tx, peer, &thing, &request.until).await?;
    let what = LedgerEntry::new(&Actor::system("replica"), "replica.erase", peer);
    tx.record(what.after(json!({ "kind": thing.kind, "entries": erased })));
    Ok(Some(thing))
}

/// The bodies of a thing's entries up to these go; their commitments stay.
async fn erase_entries(tx: &mut Tx, node: &str, thing: &Thing, until: &Lanes) -> Result<u64, Error> {
    let mut erased = 0;
    for row in tx.fetch_all(&sql::ENTRIES_ABOUT, params![node, &thing.kind, &thing.subject]).await? {
        let entry = replica::entry(&row)?;
        // What was chained by itself has to stay, or nothing after it would verify.
        let salted = matches!(entry.seal, Seal::Salted(_)) && entry.seq <= until.of(entry.lane);
        if let (true, Some(commitment)) = (salted, entry.commitment()) {
            let which = params![node, entry.lane.as_str(), entry.seq, commitment];
            erased += tx.execute(&sql::ERASE_ENTRY, which).await?;
        }
    }
    let row = tx.fetch_optional(&sql::RECORD, params![node, &thing.kind, &thing.subject]).await?;
    if let Some(row) = row
        && row.int("seq")? <= until.of(row.parse("lane")?)
    {
        tx.execute(&sql::DELETE_RECORD, params![node, &thing.kind, &thing.subject]).await?;
    }
    Ok(erased)
}
