//! Which segments exist and how far each has come. Pure bookkeeping under one lock; decides when a segment may go.

use std::collections::BTreeMap;
use std::path::PathBuf;

use kernel::Timestamp;
use uuid::Uuid;

/// One segment of the log.
#[derive(Debug, Clone)]
pub struct Segment {
    pub number: u64,
    pub node: Uuid,
    pub path: PathBuf,
    /// Acknowledged bytes, header included.
    pub bytes: u64,
    pub entries: u64,
    pub created: Timestamp,
    /// The same on the monotonic clock, for its age in this process.
    pub begun_us: u64,
    /// No more entries will come.
    pub sealed: bool,
    /// Its rows are committed in every table.
    pub flushed: bool,
    /// Tickets not done yet.
    pub open_tickets: u64,
    /// Digests of its entries' keys with their time, for the key log.
    pub keys: Vec<(crate::keys::KeyDigest, Timestamp)>,
}

/// All segments, by number.
#[derive(Debug, Default)]
pub struct Segments(BTreeMap<u64, Segment>);

impl Segments {
    pub fn insert(&mut self, segment: Segment) {
        self.0.insert(segment.number, segment);
    }

    pub fn get_mut(&mut self, number: u64) -> Option<&mut Segment> {
        self.0.get_mut(&number)
    }

    pub fn iter(&self) -> impl Iterator<Item = &Segment> {
        self.0.values()
    }

    /// The next segments to flush together: the oldest unflushed ones while they are sealed, of one node and within
    /// `max_bytes` (at least one).
    pub fn next_flush(&self, max_bytes: u64) -> Option<(Uuid, u64)> {
        let mut pending = self.0.values().filter(|segment| !segment.flushed);
        let first = pending.next().filter(|segment| segment.sealed)?;
        let (mut last, mut bytes) = (first.number, first.bytes);
        for segment in pending {
            bytes += segment.bytes;
            if !segment.sealed || segment.node != first.node || bytes > max_bytes {
                break;
            }
            last = segment.number;
        }
        Some((first.node, last))
    }

    /// Rows of `node` up to and including segment `last` are committed everywhere.
    pub fn flushed(&mut self, node: Uuid, last: u64) {
        for segment in self.0.range_mut(..=last).map(|(_, segment)| segment) {
            if segment.node == node && segment.sealed {
                segment.flushed = true;
            }
        }
    }

    /// Segments that nobody needs any more.
    pub fn retirable(&self) -> Vec<Segment> {
        let free = |segment: &&Segment| segment.sealed && segment.flushed && segment.open_tickets == 0;
        self.0.values().filter(free).cloned().collect()
    }

    pub fn remove(&mut self, number: u64) {
        self.0.remove(&number);
    }
}
