//! Which deliveries were seen before. Keys survive restarts through the log and the key log ([`crate::wal`]).

use std::collections::hash_map::{Entry as Slot, HashMap};
use std::collections::{HashSet, VecDeque};

use kernel::Timestamp;
use parking_lot::Mutex;
use sha2::{Digest, Sha256};
use tokio::sync::watch;

/// What is kept of a key: 128 bits of its SHA-256.
pub type KeyDigest = [u8; 16];

/// The digest of an entry's key.
pub fn digest(key: &[u8; 32]) -> KeyDigest {
    let mut short = [0; 16];
    short.copy_from_slice(&Sha256::digest(key)[..16]);
    short
}

/// How a delivery stands to those before it.
#[derive(Debug)]
pub enum Claim {
    /// It is the first; the claimant must [`KeyIndex::settle`] it.
    First,
    /// It is durable already.
    Known,
    /// The same delivery is being written; the sender drops when it is settled.
    Pending(watch::Receiver<()>),
}

enum State {
    /// The sender is dropped when the claim is settled, which wakes all who wait.
    Pending(watch::Sender<()>),
    Known,
}

/// Keys in force.
#[derive(Default)]
pub struct KeyIndex(Mutex<Inner>);

#[derive(Default)]
struct Inner {
    states: HashMap<KeyDigest, State>,
    by_age: VecDeque<(KeyDigest, Timestamp)>,
}

impl KeyIndex {
    /// Asks for a key.
    pub fn claim(&self, key: KeyDigest) -> Claim {
        match self.0.lock().states.entry(key) {
            Slot::Vacant(slot) => {
                slot.insert(State::Pending(watch::Sender::new(())));
                Claim::First
            }
            Slot::Occupied(slot) => match slot.get() {
                State::Known => Claim::Known,
                State::Pending(sender) => Claim::Pending(sender.subscribe()),
            },
        }
    }

    /// Ends a claim: the delivery is durable since `stored`, or was not stored.
    pub fn settle(&self, key: KeyDigest, stored: Option<Timestamp>) {
        let mut inner = self.0.lock();
        match stored {
            Some(at) => inner.remember(key, at),
            None => {
                inner.states.remove(&key);
            }
        }
    }

    /// Adds a key read back from disk; false: it was there.
    pub fn restore(&self, key: KeyDigest, at: Timestamp) -> bool {
        let mut inner = self.0.lock();
        let fresh = !inner.states.contains_key(&key);
        if fresh {
            inner.remember(key, at);
        }
        fresh
    }

    /// Forgets keys older than `oldest` and all but the newest `count`.
    pub fn expire(&self, oldest: Timestamp, count: usize) {
        let mut inner = self.0.lock();
        while let Some(&(key, at)) = inner.by_age.front() {
            if at >= oldest && inner.by_age.len() <= count {
                break;
            }
            inner.by_age.pop_front();
            inner.states.remove(&key);
        }
    }

    /// Keys remembered.
    pub fn len(&self) -> usize {
        self.0.lock().by_age.len()
    }

    /// All remembered keys but those in `except`, oldest first.
    pub fn known_except(&self, except: &HashSet<KeyDigest>) -> Vec<(KeyDigest, Timestamp)> {
        self.0.lock().by_age.iter().filter(|(key, _)| !except.contains(key)).copied().collect()
    }
}

impl Inner {
    fn remember(&mut self, key: KeyDigest, at: Timestamp) {
        self.states.insert(key, State::Known);
        self.by_age.push_back((key, at));
    }
}
