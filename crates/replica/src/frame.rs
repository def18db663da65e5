//! What nodes say to each other: one frame there, one back, alike in both directions. Pure.
//!
//! A frame is four bytes `VGR1`, the length of the head in two bytes (big-endian), the head as JSON with short names, and the
//! piece of the batch that the head speaks of. There is no more state in a conversation than what frames say.

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::lane::{Lane, Lanes};

const MAGIC: &[u8; 4] = b"VGR1";
/// A batch is no larger when packed; a larger one is refused before it is taken.
pub const MOST_BATCH_BYTES: i64 = 8 << 20;
/// No log is longer: what is counted beyond is not a number of an entry.
const MOST_ENTRIES: i64 = 1 << 53;
/// A piece is no larger.
pub const MOST_PIECE_BYTES: usize = 64 << 10;

/// What one node tells the other.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Frame {
    pub head: Head,
    /// The bytes of [`Head::piece`]; empty without one.
    pub bytes: Vec<u8>,
}

/// What it says of itself.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Head {
    /// Who speaks.
    #[serde(rename = "n")]
    pub node: String,
    /// House time there.
    #[serde(rename = "t")]
    pub now: Timestamp,
    /// How far its own logs go.
    #[serde(rename = "o")]
    pub own: Lanes,
    /// How far it has those of the other: the version vector.
    #[serde(rename = "h")]
    pub have: Lanes,
    /// What it has of batches that are not whole.
    #[serde(rename = "w", default, skip_serializing_if = "Vec::is_empty")]
    pub waiting: Vec<Piece>,
    /// The piece that comes with this frame.
    #[serde(rename = "p", default, skip_serializing_if = "Option::is_none")]
    pub piece: Option<Piece>,
}

/// Part of a batch. Of one that waits, `offset` is how much is there.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Piece {
    #[serde(rename = "l")]
    pub lane: Lane,
    /// Numbers of its first and last entry.
    #[serde(rename = "f")]
    pub first: i64,
    #[serde(rename = "u")]
    pub last: i64,
    /// Bytes of the whole batch.
    #[serde(rename = "s")]
    pub total: i64,
    #[serde(rename = "a")]
    pub offset: i64,
    /// The hash of the last entry: what both ends must come to.
    #[serde(rename = "d")]
    pub digest: String,
}

impl Piece {
    /// Both are of the same batch.
    pub fn is_of(&self, other: &Piece) -> bool {
        (self.lane, self.first, self.last, self.total) == (other.lane, other.first, other.last, other.total)
            && self.digest == other.digest
    }
}

impl Frame {
    /// As bytes.
    pub fn write(&self) -> Vec<u8> {
        let head = serde_json::json!(self.head).to_string();
        let length = u16::try_from(head.len()).unwrap_or(u16::MAX);
        let mut out = Vec::with_capacity(6 + head.len() + self.bytes.len());
        out.extend_from_slice(MAGIC);
        out.extend_from_slice(&length.to_be_bytes());
        out.extend_from_slice(head.as_bytes());
        out.extend_from_slice(&self.bytes);
        out
    }

    /// Reads one.
    ///
    /// # Errors
    /// What is wrong with it, in words; whoever sent it is to blame.
    pub fn read(frame: &[u8]) -> Result<Frame, String> {
        let rest = frame.strip_prefix(MAGIC).ok_or("it does not begin as a frame of a Vigie node does")?;
        let (length, rest) = rest.split_at_checked(2).ok_or("it ends before its head")?;
        let length = usize::from(length[0]) << 8 | usize::from(length[1]);
        let (head, bytes) = rest.split_at_checked(length).ok_or("it ends in its head")?;
        let head: Head = serde_json::from_slice(head).map_err(|error| format!("its head cannot be read: {error}"))?;
        if let Some(seq) = head.own.0.iter().chain(&head.have.0).find(|seq| !(0..=MOST_ENTRIES).contains(*seq)) {
            return Err(format!("a lane cannot end at {seq}"));
        }
        head.waiting.iter().try_for_each(check_batch)?;
        match &head.piece {
            None if bytes.is_empty() => {}
            None => return Err(format!("{} bytes follow of which the head says nothing", bytes.len())),
            Some(piece) => check(piece, bytes.len())?,
        }
        Ok(Frame { bytes: bytes.to_vec(), head })
    }
}

fn check(piece: &Piece, length: usize) -> Result<(), String> {
    let bytes = i64::try_from(length).unwrap_or(i64::MAX);
    if length == 0 || length > MOST_PIECE_BYTES {
        return Err(format!("a piece has {length} bytes; 1 to {MOST_PIECE_BYTES} are taken"));
    }
    check_batch(piece)?;
    if piece.offset < 0 || piece.offset > piece.total - bytes {
        return Err(format!("a piece of {bytes} bytes at {} goes beyond {}", piece.offset, piece.total));
    }
    Ok(())
}

fn check_batch(piece: &Piece) -> Result<(), String> {
    let Piece { lane, first, last, total, .. } = piece;
    if *first < 1 || last < first || *last > MOST_ENTRIES {
        return Err(format!("a batch cannot go from {first} to {last}"));
    }
    let most = lane.batch_entries();
    if last - first >= most {
        return Err(format!("a batch of lane {lane} has {most} entries at most, not {first} to {last}"));
    }
    if !(1..=MOST_BATCH_BYTES).contains(total) {
        return Err(format!("a batch has {total} bytes; 1 to {MOST_BATCH_BYTES} are taken"));
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn frame(bytes: usize, offset: i64) -> Frame {
        let digest = "ab".repeat(32);
        let piece = Piece { lane: Lane::Log, first: 3, last: 9, total: 10, offset, digest };
        let head = Head {
            node: "DILI".to_owned(),
            now: Timestamp(1),
            own: Lanes([0, 1, 9, 4]),
            have: Lanes::default(),
            waiting: vec![piece.clone()],
            piece: Some(piece).filter(|_| bytes > 0),
        };
        Frame { head, bytes: vec![7; bytes] }
    }

    #[test]
    fn what_is_written_is_read() {
        for written in [frame(0, 0), frame(10, 0), frame(4, 6)] {
            assert_eq!(Frame::read(&written.write()), Ok(written));
        }
        assert!(Frame::read(&frame(4, 7).write()).unwrap_err().contains("goes beyond"));
    }

    #[test]
    fn numbers_that_cannot_be_are_refused() {
        let refused = |change: fn(&mut Head)| {
            let mut frame = frame(10, 0);
            change(&mut frame.head);
            Frame::read(&frame.write()).unwrap_err()
        };
        let piece = |head: &mut Head, first, last| head.waiting[0] = Piece { first, last, ..head.waiting[0].clone() };
        assert_eq!(refused(|head| head.own.0[2] = i64::MAX), format!("a lane cannot end at {}", i64::MAX));
        assert_eq!(refused(|head| head.have.0[0] = -1), "a lane cannot end at -1");
        for (first, last) in [(0, 5), (9, 3), (i64::MAX, i64::MAX)] {
            let mut frame = frame(10, 0);
            piece(&mut frame.head, first, last);
            let problem = Frame::read(&frame.write()).unwrap_err();
            assert_eq!(problem, format!("a batch cannot go from {first} to {last}"));
        }
        let problem = refused(|head| head.piece = head.piece.clone().map(|piece| Piece { last: 4_003, ..piece }));
        assert_eq!(problem, "a batch of lane log has 4000 entries at most, not 3 to 4003");
    }

    proptest! {
        #[test]
        fn anything_is_read_or_refused(bytes in prop::collection::vec(any::<u8>(), 0..300), cut in 0_usize..300) {
            let _ = Frame::read(&bytes);
            let mut known = frame(10, 0).write();
            known.truncate(cut);
            for (at, byte) in bytes.iter().enumerate().take(3) {
                if let Some(place) = known.get_mut(at * 37 + usize::from(*byte)) {
                    *place ^= byte;
                }
            }
            let _ = Frame::read(&known);
        }
    }
}
