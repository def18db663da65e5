//! The arithmetic of the chain.

use std::fmt;
use std::str::FromStr;

use kernel::Timestamp;
use sha2::{Digest, Sha256};

/// A SHA-256 digest; its text form is 64 hexadecimal digits.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct Hash(pub [u8; 32]);

impl fmt::Display for Hash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&hex::encode(self.0))
    }
}

impl FromStr for Hash {
    type Err = String;

    fn from_str(text: &str) -> Result<Hash, String> {
        let mut hash = Hash::default();
        hex::decode_to_slice(text, &mut hash.0)
            .map_err(|error| format!("`{text}` is not a SHA-256 digest: {error}"))?;
        Ok(hash)
    }
}

/// Everything that the hash of one entry covers.
#[derive(Debug, Clone, Copy)]
pub struct Link<'a> {
    pub previous: Hash,
    pub seq: i64,
    pub time: Timestamp,
    pub actor: &'a str,
    pub verb: &'a str,
    pub entity: &'a str,
    pub commitment: Hash,
}

impl Link<'_> {
    /// The hash of the entry. Texts carry their length, so that no two entries have the same bytes.
    pub fn hash(&self) -> Hash {
        let mut digest = Sha256::new_with_prefix("vigie ledger 1\n");
        digest.update(self.previous.0);
        digest.update(self.seq.to_be_bytes());
        digest.update(self.time.micros().to_be_bytes());
        for text in [self.actor, self.verb, self.entity] {
            digest.update((text.len() as u64).to_be_bytes());
            digest.update(text);
        }
        digest.update(self.commitment.0);
        Hash(digest.finalize().into())
    }
}

/// Binds an entry to its payload without telling anything about it: without the salt, a short payload cannot be
/// found by trying.
pub fn commitment(salt: &[u8; 32], payload: &str) -> Hash {
    let mut digest = Sha256::new_with_prefix("vigie payload 1\n");
    digest.update(salt);
    digest.update(payload);
    Hash(digest.finalize().into())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn link() -> Link<'static> {
        Link {
            previous: Hash([1; 32]),
            seq: 7,
            time: Timestamp(42),
            actor: "user:a",
            verb: "incident.close",
            entity: "incident:1",
            commitment: Hash([2; 32]),
        }
    }

    /// Entries written by earlier versions must verify for ever.
    #[test]
    fn the_format_is_frozen() {
        let expected = Sha256::new()
            .chain_update("vigie ledger 1\n")
            .chain_update([1; 32])
            .chain_update([0, 0, 0, 0, 0, 0, 0, 7, 0, 0, 0, 0, 0, 0, 0, 42])
            .chain_update([0, 0, 0, 0, 0, 0, 0, 6])
            .chain_update("user:a")
            .chain_update([0, 0, 0, 0, 0, 0, 0, 14])
            .chain_update("incident.close")
            .chain_update([0, 0, 0, 0, 0, 0, 0, 10])
            .chain_update("incident:1")
            .chain_update([2; 32])
            .finalize();
        assert_eq!(link().hash(), Hash(expected.into()));
    }

    #[test]
    fn every_part_counts() {
        let base = link().hash();
        let others = [
            Link { previous: Hash([9; 32]), ..link() },
            Link { seq: 8, ..link() },
            Link { time: Timestamp(43), ..link() },
            Link { actor: "user:b", ..link() },
            Link { verb: "incident.open", ..link() },
            Link { entity: "incident:2", ..link() },
            Link { commitment: Hash([9; 32]), ..link() },
            // The same bytes, cut elsewhere.
            Link { actor: "user:ai", verb: "ncident.close", ..link() },
        ];
        for other in others {
            assert_ne!(other.hash(), base, "{other:?}");
        }
    }
}
