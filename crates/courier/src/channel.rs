//! A connection to a network: what every means has in common.

use async_trait::async_trait;
use kernel::Timestamp;
use kernel::message::Means;
use serde::Serialize;

use crate::outgoing::Outgoing;

/// How fast a channel may be used.
#[derive(Debug, Clone, Copy, PartialEq)]
pub struct Limits {
    /// Messages in a second on average; 0: as fast as it goes.
    pub per_second: f64,
    /// Messages that are under way at once. One place more is kept for distress.
    pub at_once: usize,
}

/// A piece of a message that the next hop took.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Piece {
    /// From 1.
    pub number: u32,
    pub total: u32,
    /// The next hop's name of it, which its receipt will carry.
    pub provider_id: String,
}

/// What came of a try.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    /// The next hop has all of it.
    Accepted { pieces: Vec<Piece>, receipts_follow: bool },
    /// It may work later; what was taken of it is not sent again.
    Failed { pieces: Vec<Piece>, problem: String, retry_after_s: Option<u32> },
    /// It will never work.
    Refused { problem: String },
}

impl Outcome {
    /// A failure of which nothing arrived.
    pub fn failed(problem: impl Into<String>) -> Outcome {
        Outcome::Failed { pieces: Vec::new(), problem: problem.into(), retry_after_s: None }
    }

    /// The word in the state database.
    pub const fn as_str(&self) -> &'static str {
        match self {
            Outcome::Accepted { .. } => "accepted",
            Outcome::Failed { .. } => "failed",
            Outcome::Refused { .. } => "refused",
        }
    }
}

/// Sends by one means.
#[async_trait]
pub trait Channel: Send + Sync {
    /// The name in the configuration, the API and KQL.
    fn name(&self) -> &str;
    /// By what.
    fn means(&self) -> Means;
    /// How fast.
    fn limits(&self) -> Limits;
    /// Sends, or says why not. `taken` are pieces that an earlier try got through to this address. It must end within a minute.
    async fn send(&self, message: &Outgoing, taken: &[Piece]) -> Outcome;
}

/// How a channel fares, for people.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ChannelState {
    pub name: String,
    /// What it is: `sms by SMPP`, `positions by MQTT`, …
    pub kind: String,
    pub connected: bool,
    /// Since when it is as it is.
    pub since: Timestamp,
    /// Why it is not connected.
    pub problem: Option<String>,
    pub received: u64,
    pub duplicates: u64,
    pub sent: u64,
    pub failed: u64,
    /// Deliveries with something in them that could not be read.
    pub faulty: u64,
    /// What was dropped before it was kept, such as a frame without end.
    pub dropped: u64,
    pub last_received: Option<Timestamp>,
}
