//! Entries of a lane, each chained to the one before it. Pure.

use kernel::Timestamp;
use sha2::{Digest, Sha256};
use store::Hash;

use crate::lane::Lane;

/// What a node wrote.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub lane: Lane,
    /// Counts up from 1 without a gap, in its lane.
    pub seq: i64,
    /// House time of the node that wrote it.
    pub time: Timestamp,
    /// `mission`, `log`, `position`, …: desks say what that is.
    pub kind: String,
    /// About what, within its kind.
    pub subject: String,
    /// JSON: the whole, or what has changed of it since the last entry about the same (RFC 7396).
    pub body: String,
}

impl Entry {
    /// The hash of this entry after `previous`; zeros before the first. Every part is preceded by its length, so that no two
    /// entries are written alike.
    pub fn hash(&self, node: &str, previous: Hash) -> Hash {
        let mut sha = Sha256::new();
        sha.update(previous.0);
        for part in [node, self.lane.as_str(), &self.kind, &self.subject, &self.body] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part.as_bytes());
        }
        sha.update(self.seq.to_be_bytes());
        sha.update(self.time.micros().to_be_bytes());
        Hash(sha.finalize().into())
    }
}
