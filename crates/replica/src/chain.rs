//! Entries of a lane, each chained to the one before it. Pure.
//!
//! Chained is a commitment to the body, SHA-256 over a salt and the body, and not the body itself: what is erased goes, and the
//! chain still verifies. The salt keeps anybody from guessing an erased body by its commitment.

use kernel::Timestamp;
use sha2::{Digest, Sha256};
use store::Hash;

use crate::lane::Lane;

/// Random bytes of a salt. Positions have none: a time to the microsecond and a place are guessed by nobody, and they are many.
pub(crate) const SALT_BYTES: usize = 8;

/// How the body of an entry is bound into the chain.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Seal {
    /// By itself: of a program before commitments. It cannot be erased.
    Plain,
    /// By a commitment with this salt, in base64 without padding.
    Salted(String),
    /// The body is gone; its commitment, in hexadecimal, stays.
    Erased(String),
}

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
    /// JSON: the whole, or what has changed of it since the last entry about the same (RFC 7396). Empty: erased.
    pub body: String,
    pub seal: Seal,
}

impl Entry {
    /// The hash of this entry after `previous`; zeros before the first. Every part is preceded by its length, so that no two
    /// entries are written alike.
    pub fn hash(&self, node: &str, previous: Hash) -> Hash {
        let commitment = self.commitment();
        let body = commitment.as_deref().unwrap_or(&self.body);
        let mut sha = Sha256::new();
        sha.update(previous.0);
        for part in [node, self.lane.as_str(), &self.kind, &self.subject, body] {
            sha.update((part.len() as u64).to_be_bytes());
            sha.update(part.as_bytes());
        }
        sha.update(self.seq.to_be_bytes());
        sha.update(self.time.micros().to_be_bytes());
        Hash(sha.finalize().into())
    }

    /// What stands for the body in the chain; `None`: the body itself.
    pub(crate) fn commitment(&self) -> Option<String> {
        match &self.seal {
            Seal::Plain => None,
            Seal::Salted(salt) => Some(commitment(salt, &self.body)),
            Seal::Erased(commitment) => Some(commitment.clone()),
        }
    }

    /// The body is gone.
    pub fn is_erased(&self) -> bool {
        matches!(self.seal, Seal::Erased(_))
    }
}

fn commitment(salt: &str, body: &str) -> String {
    let mut sha = Sha256::new();
    sha.update((salt.len() as u64).to_be_bytes());
    sha.update(salt.as_bytes());
    sha.update(body.as_bytes());
    Hash(sha.finalize().into()).to_string()
}
