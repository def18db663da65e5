//! One exchange: take what the other says, and say what it has not got.

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use kernel::message::{DistressCancelled, DistressSignalled};
use kernel::{Actor, Fact, Timestamp};
use serde_json::{Value as Json, json};
use store::{Entry as LedgerEntry, Tx, params};

use crate::batch;
use crate::chain::Entry;
use crate::erase::{self, ERASED, Thing};
use crate::error::Error;
use crate::frame::{Frame, Head, MOST_BATCH_BYTES, MOST_PIECE_BYTES, Piece};
use crate::lane::{Lane, Lanes};
use crate::peers::{self, Heard};
use crate::relay::{self, RELAYED};
use crate::replica::{self, Replica};
use crate::{merge, sql};

/// Entries whose body is a call for help as the kernel has it, and one that takes it back.
pub const DISTRESS: &str = "distress";
pub const DISTRESS_CANCELLED: &str = "distress-cancelled";

/// What was taken of a frame, and what is to do after.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Exchanged {
    /// How far the other has our logs, and what it waits for.
    pub(crate) have: Lanes,
    pub(crate) waiting: Vec<Piece>,
    /// Entries that the other has and we have not.
    pub behind: i64,
    /// Entries that we have and the other has not.
    pub owed: i64,
    /// One of us has distress to tell.
    pub distress: bool,
}

/// What another node is to this one.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Standing {
    /// This node dials it, and it speaks for others, too.
    Headquarters,
    /// It dials this node, and speaks for itself.
    Office,
}

/// A batch, ready to go.
#[derive(Debug)]
pub(crate) struct Packed {
    /// After which entry, and up to which at most.
    asked: (i64, i64),
    last: i64,
    digest: String,
    bytes: Vec<u8>,
}

impl Replica {
    /// The frame for a node of which nothing is known but what it said last; with at most so many bytes of a batch.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails.
    pub async fn frame(&self, peer: &str, heard: Option<&Exchanged>, piece_bytes: usize) -> Result<Frame, Error> {
        let own = self.lanes(self.node()).await?;
        let have = self.lanes(peer).await?;
        let waiting = self.waiting(peer).await?;
        let (piece, bytes) = match heard {
            Some(heard) => self.piece(&own, heard, piece_bytes.clamp(256, MOST_PIECE_BYTES)).await?,
            // Where the other stands is not known yet.
            None => (None, Vec::new()),
        };
        let head = Head { node: self.node().to_owned(), now: self.store.now(), own, have, waiting, piece };
        Ok(Frame { head, bytes })
    }

    /// Takes a frame of `peer`, which this node dials: its news, and its piece if that follows what is here.
    ///
    /// # Errors
    /// [`Error::Refused`]: what it says cannot be; nothing of it was written.
    pub async fn take(&self, peer: &str, frame: &Frame) -> Result<Exchanged, Error> {
        self.take_from(peer, frame, Standing::Headquarters).await
    }

    async fn take_from(&self, peer: &str, frame: &Frame, standing: Standing) -> Result<Exchanged, Error> {
        let head = &frame.head;
        if head.node != peer {
            return Err(Error::refused(peer, format!("the node that answers calls itself {}", head.node)));
        }
        let own = self.lanes(self.node()).await?;
        if Lane::ALL.iter().any(|lane| head.have.of(*lane) > own.of(*lane)) {
            let problem = "it has entries of this node that this node does not have: was this node's data restored from a \
                           backup? Give this node another name";
            return Err(Error::refused(peer, problem));
        }
        if let Some(piece) = &head.piece
            && let Some(packed) = self.keep_piece(peer, piece, &frame.bytes).await?
            && let Err(error) = self.take_batch(peer, piece, &packed, standing).await
        {
            self.drop_pieces(peer, piece.lane).await?;
            return Err(error);
        }
        let heads = replica::heads(&mut self.store.clone(), peer).await?;
        let have = Lanes(heads.map(|head| head.seq));
        let heard = Heard { head, own: &own, have: &have, heads: &heads, at: self.store.now() };
        peers::heard(self, peer, &heard).await?;
        let urgent = |ahead: &Lanes, held: &Lanes| ahead.of(Lane::Distress) > held.of(Lane::Distress);
        Ok(Exchanged {
            have: head.have,
            waiting: head.waiting.clone(),
            behind: head.own.beyond(&have),
            owed: own.beyond(&head.have),
            distress: urgent(&head.own, &have) || urgent(&own, &head.have),
        })
    }

    /// The server's side: takes a frame and answers with one. Which node speaks was checked before.
    ///
    /// # Errors
    /// As [`Replica::take`].
    pub async fn answer(&self, peer: &str, bytes: &[u8], piece_bytes: usize) -> Result<Vec<u8>, Error> {
        let frame = Frame::read(bytes).map_err(|problem| Error::refused(peer, problem))?;
        let heard = self.take_from(peer, &frame, Standing::Office).await?;
        Ok(self.frame(peer, Some(&heard), piece_bytes).await?.write())
    }

    /// The next piece of the most urgent batch that the other has not got.
    async fn piece(&self, own: &Lanes, heard: &Exchanged, most: usize) -> Result<(Option<Piece>, Vec<u8>), Error> {
        let Some(lane) = own.most_urgent_beyond(&heard.have) else { return Ok((None, Vec::new())) };
        let after = heard.have.of(lane);
        let waiting = heard.waiting.iter().find(|piece| piece.lane == lane && piece.first == after + 1);
        // What has begun goes on as it began, though more has been written since.
        let last = waiting.map_or(i64::MAX, |piece| piece.last).min(own.of(lane)).min(after + lane.batch_entries());
        let packed = self.pack(lane, after, last).await?;
        let total = i64::try_from(packed.bytes.len()).unwrap_or(i64::MAX);
        let digest = packed.digest.clone();
        let mut piece = Piece { lane, first: after + 1, last: packed.last, total, offset: 0, digest };
        if let Some(waiting) = waiting.filter(|waiting| waiting.is_of(&piece)) {
            piece.offset = waiting.offset.clamp(0, total - 1);
        }
        let from = usize::try_from(piece.offset).unwrap_or(0);
        let until = packed.bytes.len().min(from + most);
        Ok((Some(piece), packed.bytes[from..until].to_vec()))
    }

    /// Entries of a lane as a batch; fewer than asked for when they would be too large. It is packed once: a batch goes in
    /// many pieces, and logs never change.
    async fn pack(&self, lane: Lane, after: i64, last: i64) -> Result<Arc<Packed>, Error> {
        let known = self.packed.lock()[lane.index()].clone();
        if let Some(known) = known.filter(|known| known.asked == (after, last)) {
            return Ok(known);
        }
        let rows = self.store.fetch_all(&sql::ENTRIES, params![self.node(), lane.as_str(), after, last]).await?;
        let mut entries = rows.iter().map(replica::entry).collect::<Result<Vec<Entry>, Error>>()?;
        loop {
            let bytes = batch::pack(&entries).map_err(Error::Misused)?;
            if bytes.len() as u64 > MOST_BATCH_BYTES.unsigned_abs() && entries.len() > 1 {
                entries.truncate(entries.len() / 2);
                continue;
            }
            let end = rows.get(entries.len().saturating_sub(1));
            let end = end.ok_or_else(|| Error::Misused(format!("lane {lane} has no entry {last}")))?;
            let (last_seq, digest) = (end.int("seq")?, end.text("hash")?.to_owned());
            let packed = Arc::new(Packed { asked: (after, last), last: last_seq, digest, bytes });
            self.packed.lock()[lane.index()] = Some(packed.clone());
            return Ok(packed);
        }
    }

    /// What a node has erased goes where this one told it on, and where this one has it from who told it on.
    async fn erase_relayed(
        &self,
        tx: &mut Tx,
        peer: &str,
        erased: Option<&Thing>,
        standing: Standing,
    ) -> Result<(), Error> {
        let Some(thing) = erased else { return Ok(()) };
        if standing == Standing::Headquarters {
            relay::forget(tx, thing).await?;
        }
        let told_on = relay::thing(peer, thing);
        if !tx.fetch_all(&sql::ENTRIES_ABOUT, params![self.node(), &told_on.kind, &told_on.subject]).await?.is_empty() {
            self.erase(tx, &[], &[told_on]).await?;
        }
        Ok(())
    }

    /// Writes a whole batch, in one transaction, if it extends the chain that is here.
    async fn take_batch(&self, peer: &str, piece: &Piece, packed: &[u8], standing: Standing) -> Result<(), Error> {
        let refused = |problem: String| Error::refused(peer, problem);
        let entries = batch::unpack(packed, piece.lane, piece.first - 1).map_err(refused)?;
        let mut tx = self.store.begin().await?;
        tx.lock("replica.take").await?;
        let head = replica::heads(&mut tx, peer).await?[piece.lane.index()];
        if head.seq >= piece.last {
            // It came before.
            return Ok(());
        }
        if head.seq + 1 != piece.first || entries.last().map(|entry| entry.seq) != Some(piece.last) {
            let problem = format!("the batch goes from {} to {}; {} was next", piece.first, piece.last, head.seq + 1);
            return Err(refused(problem));
        }
        let hashes = batch::hashes(&entries, peer, head.hash);
        if hashes.last().map(ToString::to_string).as_ref() != Some(&piece.digest) {
            return Err(refused(format!("lane {} does not go on from entry {} as it was told", piece.lane, head.seq)));
        }
        let mut records = Records::default();
        for (entry, hash) in entries.iter().zip(&hashes) {
            replica::insert(&mut tx, peer, entry, *hash).await?;
            if entry.is_erased() {
                continue;
            }
            if entry.kind == ERASED {
                // What comes after it begins anew.
                let erased = erase::as_asked(&mut tx, peer, entry).await?;
                self.erase_relayed(&mut tx, peer, erased.as_ref(), standing).await?;
                records.forget(erased);
            }
            records.bring_up_to(&mut tx, peer, entry).await?;
        }
        for (entry, body) in records.0.into_values() {
            replica::save_record(&mut tx, peer, &entry, &body).await?;
            if entry.kind == RELAYED {
                match standing {
                    Standing::Headquarters => self.take_relayed(&mut tx, peer, &entry, &body).await?,
                    Standing::Office => {
                        peers::refuse(&mut tx, peer, "it tells what a third node says: only headquarters does").await?
                    }
                }
            }
        }
        let (Some(last), Some(hash)) = (entries.last(), hashes.last()) else { return Ok(()) };
        let head = replica::Head { seq: last.seq, hash: *hash, time: last.time };
        replica::save_head(&mut tx, peer, piece.lane, &head).await?;
        tx.execute(&sql::DROP_PARTS, params![peer, piece.lane.as_str()]).await?;
        let now = tx.now();
        for entry in entries.iter().filter(|entry| !entry.is_erased()) {
            let told = call_for_help(peer, entry, now).map_err(|error| {
                refused(format!("entry {} of lane {} is not a call for help: {error}", entry.seq, entry.lane))
            })?;
            told.into_iter().for_each(|told| tx.emit(told));
        }
        if matches!(piece.lane, Lane::Deadline | Lane::Distress) {
            let things: BTreeSet<(&str, &str)> =
                entries.iter().map(|entry| (entry.kind.as_str(), entry.subject.as_str())).collect();
            for (kind, subject) in things {
                let (node, kind, subject) = (peer.to_owned(), kind.to_owned(), subject.to_owned());
                tx.emit(Fact::NodeRecordChanged { node, kind, subject, at: now });
            }
        }
        let after = json!({ "lane": piece.lane, "first": piece.first, "last": piece.last, "hash": piece.digest });
        tx.commit(LedgerEntry::new(&Actor::system("replica"), "replica.receive", peer).after(after)).await?;
        Ok(())
    }
}

/// A call for help that another node tells is one here too: the same signal, whatever its age, so it is told once. One that
/// cannot be read is an error, not silence: both ends show what stands in the way.
fn call_for_help(peer: &str, entry: &Entry, now: Timestamp) -> Result<Option<Fact>, serde_json::Error> {
    match entry.kind.as_str() {
        DISTRESS => {
            let mut signal: DistressSignalled = serde_json::from_str(&entry.body)?;
            (signal.source, signal.received) = (format!("node {peer}"), now);
            Ok(Some(Fact::DistressSignalled(Box::new(signal))))
        }
        DISTRESS_CANCELLED => {
            let mut signal: DistressCancelled = serde_json::from_str(&entry.body)?;
            (signal.source, signal.received) = (format!("node {peer}"), now);
            Ok(Some(Fact::DistressCancelled(Box::new(signal))))
        }
        _ => Ok(None),
    }
}

/// The picture of another node, as far as a batch changes it: by kind and subject, the last entry and the thing itself.
#[derive(Default)]
struct Records(BTreeMap<(String, String), (Entry, Json)>);

impl Records {
    /// A thing that was erased.
    fn forget(&mut self, thing: Option<Thing>) {
        if let Some(thing) = thing {
            self.0.remove(&(thing.kind, thing.subject));
        }
    }

    /// Brings it up to an entry.
    async fn bring_up_to(&mut self, tx: &mut Tx, peer: &str, entry: &Entry) -> Result<(), Error> {
        let change: Json = serde_json::from_str(&entry.body).map_err(|error| {
            Error::refused(peer, format!("entry {} of lane {} is not JSON: {error}", entry.seq, entry.lane))
        })?;
        let key = (entry.kind.clone(), entry.subject.clone());
        let mut body = match self.0.remove(&key) {
            Some((_, body)) => body,
            None => {
                let before = tx.fetch_optional(&sql::RECORD, params![peer, &entry.kind, &entry.subject]).await?;
                before.map_or(Ok(Json::Null), |row| row.json("body"))?
            }
        };
        merge::apply_patch(&mut body, change);
        self.0.insert(key, (entry.clone(), body));
        Ok(())
    }
}

/// For those who ask how old a picture is.
pub(crate) fn as_of(own: &Lanes, have: &Lanes, times: [Timestamp; 4], now: Timestamp) -> Timestamp {
    let behind = Lane::ALL.iter().filter(|lane| own.of(**lane) > have.of(**lane));
    behind.map(|lane| times[lane.index()]).min().unwrap_or(now)
}
