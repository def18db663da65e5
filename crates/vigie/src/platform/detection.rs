//! Detection runs behind acceptance: a bounded queue of decoded events, and one task that puts the rules to them.

use std::sync::Arc;
use std::time::Duration;

use detect::{Detect, Found, Rows};
use intake::EventBatch;
use kernel::Timestamp;
use lake::{Replay, Ticket};
use tokio::sync::mpsc::{Receiver, Sender, channel};
use tokio::sync::{OwnedSemaphorePermit, Semaphore, watch};

use super::decoding::Decoding;

/// Deliveries that may wait for detection, and their records as they came, in KiB (decoded they take about four times
/// as much); more make senders wait, so that memory stays bounded.
const WAITING: usize = 1_024;
const WAITING_KIB: u32 = 32 << 10;
/// Deliveries whose hits are stored together.
const TOGETHER: usize = 16;
/// Pause after the state database failed.
const RETRY: Duration = Duration::from_secs(1);

/// The entrance of the queue.
#[derive(Clone)]
pub struct DetectionQueue {
    sender: Sender<Work>,
    room_kib: Arc<Semaphore>,
}

/// One delivery.
struct Work {
    entry: String,
    events: Arc<EventBatch>,
    ticket: Ticket,
    /// Its share of what may wait.
    _room: Option<OwnedSemaphorePermit>,
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
        let room_kib = Arc::new(Semaphore::new(WAITING_KIB as usize));
        (DetectionQueue { sender, room_kib }, Detection { receiver, detect, ready })
    }

    /// Hands over a delivery, which came as `bytes`; waits while the queue is full.
    pub async fn push(&self, entry: String, events: Arc<EventBatch>, bytes: usize, ticket: Ticket) {
        let kib = u32::try_from(bytes >> 10).unwrap_or(u32::MAX).clamp(1, WAITING_KIB);
        let room = self.room_kib.clone().acquire_many_owned(kib).await.ok();
        // When detection has stopped, the ticket is dropped undone, and the next start hands the delivery out again.
        let _ = self.sender.send(Work { entry, events, ticket, _room: room }).await;
    }

    /// Hands over what the last run accepted and did not get to.
    pub async fn replay(self, mut replay: Replay, decoding: Arc<Decoding>) {
        loop {
            let decoding = decoding.clone();
            let next = tokio::task::spawn_blocking(move || {
                let entry = replay.next_entry();
                let decoded =
                    entry.map(|entry| entry.map(|(entry, ticket)| (decoding.decode_logged(&entry), entry, ticket)));
                (decoded, replay)
            });
            let Ok((decoded, rest)) = next.await else { return };
            replay = rest;
            match decoded {
                Ok(Some((Some(decoded), entry, ticket))) => {
                    self.push(entry.id.to_string(), decoded.events.clone(), entry.payload.len(), ticket).await
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
            let (in_force, detect) = (self.detect.in_force(), self.detect.clone());
            let evaluated = tokio::task::spawn_blocking(move || {
                let evaluate = |work: Work| {
                    detect.note_events(&work.events.columns);
                    let found = in_force.evaluate(&work.events.columns, &BatchRows(&work.events));
                    (work.entry, found, work.ticket)
                };
                batch.into_iter().map(evaluate).collect::<Vec<_>>()
            });
            match evaluated.await {
                Ok(evaluated) => {
                    for (entry, found, ticket) in evaluated {
                        self.record(&entry, found).await;
                        ticket.done();
                    }
                    if let Err(error) = self.detect.save_correlations(false).await {
                        tracing::warn!(%error, "the state of correlations could not be saved; a restart takes longer");
                    }
                }
                // The tickets were dropped with the panic: the next start tries these deliveries again.
                Err(error) => {
                    tracing::error!(%error, "evaluating rules broke off; the deliveries are tried again at the next start")
                }
            }
        }
    }

    /// Stores what was found; tries again until the state database takes it.
    async fn record(&self, entry: &str, found: Found) {
        // Once: what it changes in memory is not changed again by trying again.
        let correlated = self.detect.correlate(&found).await;
        loop {
            match self.detect.record_with(entry, &found.hits, &correlated).await {
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
