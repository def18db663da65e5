//! Proof that a delivery is stored, and the promise that detection will run on it.

use std::collections::HashSet;
use std::fmt;
use std::path::PathBuf;
use std::sync::Arc;

use kernel::id::EntryId;

use crate::core::Core;
use crate::entry::Entry;
use crate::error::LakeError;
use crate::wal::read::{Found, SegmentReader};

/// What became of an append.
#[derive(Debug)]
pub enum Appended {
    /// Durable and visible. Call [`Ticket::done`] when detection has run.
    New(Ticket),
    /// A delivery with this key is durable already; nothing was stored.
    Duplicate,
}

/// Holds the log segment of one delivery until detection has run on it. Dropped without [`Ticket::done`], the
/// delivery is handed out again at the next start.
#[must_use = "a ticket that is not done keeps its log segment and runs detection again at the next start"]
pub struct Ticket {
    core: Arc<Core>,
    segment: u64,
    done: bool,
}

impl Ticket {
    pub(crate) fn new(core: Arc<Core>, segment: u64) -> Ticket {
        Ticket { core, segment, done: false }
    }

    /// Detection ran and its alerts are stored.
    pub fn done(mut self) {
        self.done = true;
        self.core.ticket_done(self.segment);
    }
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if !self.done {
            self.core.ticket_dropped();
        }
    }
}

impl fmt::Debug for Ticket {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Ticket(segment {})", self.segment)
    }
}

/// One thing that was wrong with the log when the lake was opened.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    pub path: PathBuf,
    pub text: String,
    /// Acknowledged deliveries may be lost: somebody must look.
    pub severe: bool,
}

/// Deliveries whose detection had not been recorded as done when the lake was last closed, oldest first. Read from
/// disk as they are asked for. Deliveries that are not taken stay for the next start.
pub struct Replay {
    pub(crate) core: Arc<Core>,
    pub(crate) segments: std::collections::VecDeque<(u64, SegmentReader)>,
    pub(crate) repeated: HashSet<EntryId>,
    /// What was wrong with the log.
    pub problems: Vec<Problem>,
    /// Deliveries to come.
    pub entries: u64,
}

impl Replay {
    /// The next delivery; `None`: no more. Blocks on the disk.
    pub fn next_entry(&mut self) -> Result<Option<(Entry, Ticket)>, LakeError> {
        while let Some((number, reader)) = self.segments.front_mut() {
            match reader.next().map_err(|error| LakeError::io(&self.core.config.data_dir, error))? {
                None | Some(Found::Torn { .. }) => {
                    self.segments.pop_front();
                }
                Some(Found::Hole { .. }) => {}
                Some(Found::Entry(entry)) if self.repeated.contains(&entry.id) => {}
                Some(Found::Entry(entry)) => {
                    let ticket = Ticket::new(Arc::clone(&self.core), *number);
                    return Ok(Some((*entry, ticket)));
                }
            }
        }
        Ok(None)
    }
}

impl fmt::Debug for Replay {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Replay({} entries in {} segments, {:?})", self.entries, self.segments.len(), self.problems)
    }
}
