//! Detection runs behind acceptance: a bounded queue of decoded events, and one task that puts the rules to them.

use std::sync::Arc;
use std::time::Duration;

use detect::{Detect, Hit, Rows};
use intake::EventBatch;
use kernel::Timestamp;
use lake::{Replay, Ticket};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::watch;

use super::decoding::Decoding;

/// Deliveries that may wait for detection; more make senders wait, so that memory stays bounded.
const WAITING: usize = 64;
/// Deliveries whose hits are stored together.
const TOGETHER: usize = 16;
/// Pause after the state database failed.
const RETRY: Duration = Duration::from_secs(1);

/// The entrance of the queue.
#[derive(Clone)]
pub struct DetectionQueue(Sender<Work>);

/// One delivery.
struct Work {
    entry: String,
    events: Arc<EventBatch>,
    ticket: Ticket,
}

/// The other end.
pub struct Detection {
    receiver: Receiver<Work>,
    detect: Detect,
    /// Turns true when rules are in force; before that nothing may be called clean.
    ready: watch::Receiver<bool>,
}

impl DetectionQueue {
    /// A queue for `detect`.
    pub fn new(detect: Detect, ready: watch::Receiver<bool>) -> (DetectionQueue, Detection) {
        let (sender, receiver) = channel(WAITING);
        (DetectionQueue(sender), Detection { receiver, detect, ready })
    }

    /// Hands over a delivery; waits while the queue is full.
    pub async fn push(&self, entry: String, events: Arc<EventBatch>, ticket: Ticket) {
        // When detection has stopped, the ticket is dropped undone, and the next start hands the delivery out again.
        let _ = self.0.send(Work { entry, events, ticket }).await;
    }

    /// Hands over what the last run accepted and did not get to.
    pub async fn replay(self, mut replay: Replay, decoding: Arc<Decoding>) {
        loop {
            let decoding = decoding.clone();
            let next = tokio::task::spawn_blocking(move || {
                let entry = replay.next_entry();
                let decoded =
                    entry.map(|entry| entry.map(|(entry, ticket)| (decoding.decode_logged(&entry), entry.id, ticket)));
                (decoded, replay)
            });
            let Ok((decoded, rest)) = next.await else { return };
            replay = rest;
            match decoded {
                Ok(Some((Some(decoded), id, ticket))) => {
                    self.push(id.to_string(), decoded.events.clone(), ticket).await
                }
                // It cannot be decoded; that was logged, and the log keeps it.
                Ok(Some((None, _, _))) => {}
                Ok(None) => return,
                Err(error) => {
                    tracing::error!(%error, "deliveries of the last run could not be read; detection over them is left for the next start");
                    return;
                }
            }
        }
    }
}

impl Detection {
    /// Runs until every entrance of the queue is gone.
    pub async fn run(mut self) {
        if self.ready.wait_for(|ready| *ready).await.is_err() {
            return;
        }
        let mut together = Vec::with_capacity(TOGETHER);
        while self.receiver.recv_many(&mut together, TOGETHER).await > 0 {
            let batch = std::mem::take(&mut together);
            let in_force = self.detect.in_force();
            let evaluated = tokio::task::spawn_blocking(move || {
                let evaluate = |work: Work| {
                    let hits = in_force.hits(&work.events.columns, &BatchRows(&work.events));
                    (work.entry, hits, work.ticket)
                };
                batch.into_iter().map(evaluate).collect::<Vec<_>>()
            });
            match evaluated.await {
                Ok(evaluated) => {
                    for (entry, hits, ticket) in evaluated {
                        self.record(&entry, hits).await;
                        ticket.done();
                    }
                }
                // The tickets were dropped with the panic: the next start tries these deliveries again.
                Err(error) => {
                    tracing::error!(%error, "evaluating rules broke off; the deliveries are tried again at the next start")
                }
            }
        }
    }

    /// Stores the hits; tries again until the state database takes them.
    async fn record(&self, entry: &str, hits: Vec<Hit>) {
        loop {
            match self.detect.record(entry, hits.clone()).await {
                Ok(recorded) => {
                    if !recorded.raised.is_empty() {
                        tracing::info!(entry, alerts = recorded.raised.len(), grown = recorded.grown, "alerts raised");
                    }
                    return;
                }
                Err(error) => {
                    tracing::error!(entry, %error, "alerts could not be stored; trying again");
                    tokio::time::sleep(RETRY).await;
                }
            }
        }
    }
}

struct BatchRows<'a>(&'a EventBatch);

impl Rows for BatchRows<'_> {
    fn item_id(&self, row: usize) -> &str {
        self.0.item_ids.value(row)
    }

    fn time(&self, row: usize) -> Timestamp {
        Timestamp(self.0.times.value(row))
    }

    fn raw(&self, row: usize) -> &str {
        self.0.raw.value(row)
    }
}
