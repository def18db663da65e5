//! Four lanes, the most urgent first.

use kernel::words;
use serde::{Deserialize, Serialize};

words! {
    /// In which order things are told.
    Lane {
        /// Calls for help, and what follows from them.
        Distress = "distress",
        /// Missions, promises, alarms, who has acknowledged and who follows.
        Deadline = "deadline",
        /// The duty log.
        Log = "log",
        /// Positions, and what is large.
        Bulk = "bulk",
    }
}

impl Lane {
    /// The place in [`Lanes`].
    pub const fn index(self) -> usize {
        self as usize
    }

    /// Entries of one batch: many are packed better, few are there sooner.
    pub const fn batch_entries(self) -> i64 {
        match self {
            Lane::Distress => 20,
            Lane::Deadline => 500,
            Lane::Log => 4_000,
            Lane::Bulk => 20_000,
        }
    }
}

/// A number for each lane: how far its log goes.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct Lanes(pub [i64; 4]);

impl Lanes {
    /// That of a lane.
    pub const fn of(&self, lane: Lane) -> i64 {
        self.0[lane.index()]
    }

    /// Changes that of a lane.
    pub const fn set(&mut self, lane: Lane, seq: i64) {
        self.0[lane.index()] = seq;
    }

    /// How many entries of `self` are beyond `held`.
    pub fn beyond(&self, held: &Lanes) -> i64 {
        self.0.iter().zip(held.0).map(|(own, held)| (own - held).max(0)).sum()
    }

    /// The most urgent lane in which `held` is behind.
    pub fn most_urgent_beyond(&self, held: &Lanes) -> Option<Lane> {
        Lane::ALL.iter().copied().find(|lane| self.of(*lane) > held.of(*lane))
    }
}
