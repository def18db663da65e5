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
        let negative = head.own.0.iter().chain(&head.have.0).any(|seq| *seq < 0);
        if negative {
            return Err("a lane ends before its beginning".to_owned());
        }
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
    if piece.first < 1 || piece.last < piece.first {
        return Err(format!("a batch cannot go from {} to {}", piece.first, piece.last));
    }
    if !(1..=MOST_BATCH_BYTES).contains(&piece.total) {
        return Err(format!("a batch has {} bytes; 1 to {MOST_BATCH_BYTES} are taken", piece.total));
    }
    if piece.offset < 0 || piece.offset > piece.total - bytes {
        return Err(format!("a piece of {bytes} bytes at {} goes beyond {}", piece.offset, piece.total));
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
