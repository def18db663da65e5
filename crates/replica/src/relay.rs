//! What a node in the middle tells of a third: headquarters tells one office what another says of a thing that is between the
//! two, because they do not speak to each other.
//!
//! An entry of kind `relayed` holds the thing as headquarters has it, in headquarters' own log and under its chain. It is
//! believed from the node that this one dials, and from no other: an office cannot speak for headquarters' other offices.

use kernel::{Fact, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Tx, params};

use crate::chain::Entry;
use crate::erase::Thing;
use crate::error::Error;
use crate::lane::Lane;
use crate::records::RecordView;
use crate::replica::{self, NewEntry, Replica};
use crate::sql;

/// Entries that tell what a third node says.
pub(crate) const RELAYED: &str = "relayed";

/// A thing of a third node.
#[derive(Debug, Serialize, Deserialize)]
struct Relayed {
    node: String,
    kind: String,
    subject: String,
    /// The entry there that said so last.
    seq: i64,
    time: Timestamp,
    body: Json,
}

/// What stands for a thing of a third node among one's own.
pub(crate) fn thing(node: &str, told: &Thing) -> Thing {
    Thing { kind: RELAYED.to_owned(), subject: format!("{node}/{}/{}", told.kind, told.subject) }
}

/// The thing of a third node that a subject stands for. Names of nodes and kinds have no slash.
fn of_subject(subject: &str) -> Option<(&str, &str, &str)> {
    let (node, rest) = subject.split_once('/')?;
    let (kind, subject) = rest.split_once('/')?;
    Some((node, kind, subject))
}

impl Replica {
    /// Tells a thing of another node to the others, as `body` says it. Call [`Replica::ring`] when it is committed.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn relay(&self, tx: &mut Tx, record: &RecordView, body: Json) -> Result<usize, Error> {
        let told = Thing { kind: record.kind.clone(), subject: record.subject.clone() };
        let relayed = Relayed {
            node: record.node.clone(),
            kind: told.kind.clone(),
            subject: told.subject.clone(),
            seq: record.seq,
            time: record.time,
            body,
        };
        let subject = thing(&record.node, &told).subject;
        let entry = NewEntry { lane: Lane::Deadline, kind: RELAYED, subject, body: json!(relayed), changes: true };
        self.append(tx, vec![entry]).await
    }

    /// Whether a thing of another node was told to the others.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn is_relayed(&self, tx: &mut Tx, record: &RecordView) -> Result<bool, Error> {
        let told = Thing { kind: record.kind.clone(), subject: record.subject.clone() };
        let found = self.record_in(tx, self.node(), RELAYED, &thing(&record.node, &told).subject).await?;
        Ok(found.is_some())
    }

    /// Nodes of which only another one tells.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn relayed_nodes(&self) -> Result<Vec<String>, Error> {
        let rows = self.store.fetch_all(&sql::RELAYED_NODES, params![self.node()]).await?;
        rows.iter().map(|row| Ok(row.text("node")?.to_owned())).collect()
    }

    /// Takes what headquarters tells of a third node: the picture of that node, where it is newer and this node does not
    /// hear it itself.
    pub(crate) async fn take_relayed(&self, tx: &mut Tx, peer: &str, entry: &Entry, body: &Json) -> Result<(), Error> {
        let told: Relayed = serde_json::from_value(body.clone()).map_err(|error| {
            Error::refused(
                peer,
                format!("entry {} of lane {} relays nothing that can be read: {error}", entry.seq, entry.lane),
            )
        })?;
        if let Some(fault) = replica::node_fault(&told.node) {
            return Err(Error::refused(peer, format!("entry {} of lane {}: {fault}", entry.seq, entry.lane)));
        }
        let direct = replica::heads(tx, &told.node).await?.iter().any(|head| head.seq > 0);
        let known = self.record_in(tx, &told.node, &told.kind, &told.subject).await?;
        if told.node == self.node() || direct || known.is_some_and(|known| known.seq > told.seq) {
            return Ok(());
        }
        let as_told = Entry {
            kind: told.kind.clone(),
            subject: told.subject.clone(),
            seq: told.seq,
            time: told.time,
            ..entry.clone()
        };
        replica::save_record(tx, &told.node, &as_told, &told.body).await?;
        let (node, kind, subject, at) = (told.node, told.kind, told.subject, tx.now());
        tx.emit(Fact::NodeRecordChanged { node, kind, subject, at });
        Ok(())
    }
}

/// What was erased of a thing that was relayed is no part of the picture of its node either.
pub(crate) async fn forget(tx: &mut Tx, thing: &Thing) -> Result<(), Error> {
    if let Some((node, kind, subject)) = of_subject(&thing.subject).filter(|_| thing.kind == RELAYED) {
        tx.execute(&sql::DELETE_RECORD, params![node, kind, subject]).await?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_subject_names_the_thing_of_its_node() {
        let told = Thing { kind: "mission".to_owned(), subject: "a/b".to_owned() };
        assert_eq!(of_subject(&thing("DILI", &told).subject), Some(("DILI", "mission", "a/b")));
        assert_eq!(of_subject("DILI/mission"), None);
    }
}
