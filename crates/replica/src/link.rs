//! The side that dials: exchanges one after the other, as fast as the link may be used.

use std::time::Duration;

use async_trait::async_trait;

use crate::error::Error;
use crate::exchange::Exchanged;
use crate::frame::Frame;
use crate::replica::Replica;

/// Bytes of a batch in one frame: a second at 64 kbit/s, which is the longest that distress waits for what has begun.
pub const PIECE_BYTES: usize = 8 << 10;
/// Without news the other is asked so often.
const IDLE_US: u64 = 5_000_000;
/// After a failure, doubling.
const FIRST_RETRY_US: u64 = 1_000_000;
const LONGEST_RETRY_US: u64 = 60_000_000;

/// Takes a frame to the other node and brings its answer.
#[async_trait]
pub trait Carrier: Send + Sync {
    /// What went wrong, in words for people.
    async fn exchange(&self, frame: Vec<u8>) -> Result<Vec<u8>, String>;
}

/// What one turn came to.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Turned {
    /// When to turn again, at the latest.
    pub pause_us: u64,
    /// Nothing is left to tell on either side.
    pub idle: bool,
    pub problem: Option<String>,
}

/// The link to one node.
pub struct Link<C> {
    replica: Replica,
    peer: String,
    carrier: C,
    heard: Option<Exchanged>,
    /// The shortest exchange so far: the way there and back.
    quickest_us: u64,
    failures: u32,
}

impl<C: Carrier> Link<C> {
    /// The link to `peer`.
    pub fn new(replica: Replica, peer: &str, carrier: C) -> Link<C> {
        Link { replica, peer: peer.to_owned(), carrier, heard: None, quickest_us: u64::MAX, failures: 0 }
    }

    /// One exchange.
    ///
    /// # Errors
    /// [`Error::Store`] when the database fails; what the other side or the link does wrong is told in [`Turned`].
    pub async fn turn(&mut self, clock: &dyn kernel::Clock) -> Result<Turned, Error> {
        let frame = self.replica.frame(&self.peer, self.heard.as_ref(), PIECE_BYTES).await?.write();
        let began_us = clock.monotonic_us();
        let answer = self.carrier.exchange(frame).await;
        let took_us = clock.monotonic_us().saturating_sub(began_us);
        let answer = match answer {
            Ok(answer) => answer,
            Err(problem) => {
                self.replica.note_failure(&self.peer, &problem).await?;
                return Ok(self.failed(problem));
            }
        };
        let taken = match Frame::read(&answer) {
            Ok(answer) => self.replica.take(&self.peer, &answer).await,
            Err(problem) => Err(Error::refused(&self.peer, problem)),
        };
        match taken {
            Ok(heard) => Ok(self.went_well(heard, took_us)),
            Err(Error::Refused { problem, .. }) => {
                self.replica.note_refusal(&self.peer, &problem).await?;
                Ok(self.failed(problem))
            }
            Err(error) => Err(error),
        }
    }

    fn went_well(&mut self, heard: Exchanged, took_us: u64) -> Turned {
        self.failures = 0;
        self.quickest_us = self.quickest_us.min(took_us);
        let idle = heard.behind == 0 && heard.owed == 0;
        let pause_us = if idle { IDLE_US } else { pause_us(took_us, self.quickest_us, heard.distress) };
        self.heard = Some(heard);
        Turned { pause_us, idle, problem: None }
    }

    fn failed(&mut self, problem: String) -> Turned {
        // What was in flight may have arrived or not: ask before anything is told again.
        self.heard = None;
        let pause_us = FIRST_RETRY_US.saturating_mul(1 << self.failures.min(10)).min(LONGEST_RETRY_US);
        self.failures += 1;
        Turned { pause_us, idle: false, problem: Some(problem) }
    }

    /// Keeps the other node up to date until it is dropped, which is safe at any moment.
    pub async fn run(mut self) {
        let clock = self.replica.store.clock();
        let written = self.replica.written.clone();
        loop {
            let ring = written.notified();
            let (pause_us, idle) = match self.turn(&*clock).await {
                Ok(turned) => {
                    if let Some(problem) = &turned.problem {
                        tracing::debug!(peer = self.peer, problem, "the link is down");
                    }
                    (turned.pause_us, turned.idle)
                }
                Err(error) => {
                    tracing::error!(%error, peer = self.peer, "what is told between nodes could not be kept");
                    (LONGEST_RETRY_US, false)
                }
            };
            let pause = tokio::time::sleep(Duration::from_micros(pause_us));
            if idle {
                tokio::select! {
                    () = pause => {}
                    () = ring => {}
                }
            } else {
                pause.await;
            }
        }
    }
}

/// How long to leave the link to others after an exchange: as long as it was busy, less the time that it was idle anyway
/// because the frame was on its way. Distress waits for nobody.
fn pause_us(took_us: u64, quickest_us: u64, distress: bool) -> u64 {
    if distress {
        return 0;
    }
    let busy_us = took_us.saturating_sub(quickest_us);
    (2 * busy_us).saturating_sub(took_us)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn half_of_the_link_is_left_to_others() {
        // 1.6 s of which 0.6 s are the way: busy for one second, so one second of two.
        assert_eq!(pause_us(1_600_000, 600_000, false), 400_000);
        assert_eq!(pause_us(3_000_000, 600_000, false), 1_800_000);
        assert_eq!(pause_us(600_000, 600_000, false), 0);
        assert_eq!(pause_us(3_000_000, 600_000, true), 0);
    }
}
