//! Nodes, and a link of which time, loss and breaks are known.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::{Actor, Clock};
use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use replica::frame::Frame;
use replica::{Carrier, Lane, NewEntry, Replica};
use serde_json::Value as Json;
use store::{Entry, Store};
use testkit::{CountingRandomness, TestClock};

pub struct Node {
    pub store: Store,
    pub replica: Replica,
}

pub async fn node(url: &str, name: &str, clock: &Arc<TestClock>, seed: u64) -> Node {
    let store = Store::open(url, clock.clone(), CountingRandomness::seeded(seed)).await.unwrap();
    let replica = Replica::new(store.clone(), name).unwrap();
    Node { store, replica }
}

impl Node {
    pub async fn write(&self, entries: Vec<NewEntry>) {
        let mut tx = self.store.begin().await.unwrap();
        self.replica.append(&mut tx, entries).await.unwrap();
        tx.commit(Entry::new(&Actor::system("test"), "test.tell", "entries")).await.unwrap();
    }
}

pub fn entry(lane: Lane, kind: &'static str, subject: &str, body: Json) -> NewEntry {
    NewEntry { lane, kind, subject: subject.to_owned(), body, changes: lane == Lane::Deadline }
}

/// A link in simulated time.
pub struct SimulatedLink {
    pub there: Replica,
    /// The name of who dials.
    pub dials: String,
    pub clock: Arc<TestClock>,
    pub state: Arc<Mutex<State>>,
    pub line: Line,
}

/// What a line is like.
#[derive(Clone, Copy)]
pub struct Line {
    pub bits_per_second: u64,
    pub round_trip_us: u64,
    /// Of a thousand segments.
    pub lost_permille: u32,
    /// Of a thousand exchanges: the connection breaks in it.
    pub broken_permille: u32,
}

pub struct State {
    random: ChaCha8Rng,
    pub exchanges: u64,
    pub breaks: u64,
    /// Bytes that went over the line, lost segments included.
    pub bytes: u64,
    /// What each exchange carried there: lane, and when it had arrived.
    pub carried: Vec<(Lane, u64)>,
}

impl State {
    pub fn seeded(seed: u64) -> Arc<Mutex<State>> {
        let random = ChaCha8Rng::seed_from_u64(seed);
        Arc::new(Mutex::new(State { random, exchanges: 0, breaks: 0, bytes: 0, carried: Vec::new() }))
    }

    fn happens(&mut self, permille: u32) -> bool {
        self.random.next_u32() % 1_000 < permille
    }
}

const SEGMENT: u64 = 1_400;
/// Headers of IP, TCP, TLS and HTTP that a frame costs, and of each segment.
const FRAME_OVERHEAD: u64 = 300;
const SEGMENT_OVERHEAD: u64 = 52;

impl SimulatedLink {
    /// How long so many bytes take one way: each lost segment is sent again, and what is behind it waits a round trip.
    fn way_us(&self, bytes: usize) -> u64 {
        let bytes = bytes as u64 + FRAME_OVERHEAD;
        let mut state = self.state.lock();
        let mut time_us = self.line.round_trip_us / 2;
        for at in 0..bytes.div_ceil(SEGMENT) {
            let size = SEGMENT.min(bytes - at * SEGMENT) + SEGMENT_OVERHEAD;
            let send_us = size * 8 * 1_000_000 / self.line.bits_per_second;
            (state.bytes, time_us) = (state.bytes + size, time_us + send_us);
            while state.happens(self.line.lost_permille) {
                (state.bytes, time_us) = (state.bytes + size, time_us + send_us + self.line.round_trip_us);
            }
        }
        time_us
    }

    fn breaks(&self) -> bool {
        let mut state = self.state.lock();
        let breaks = state.happens(self.line.broken_permille);
        state.breaks += u64::from(breaks);
        breaks
    }
}

#[async_trait]
impl Carrier for SimulatedLink {
    async fn exchange(&self, frame: Vec<u8>) -> Result<Vec<u8>, String> {
        self.state.lock().exchanges += 1;
        self.clock.advance_us(self.way_us(frame.len()));
        if self.breaks() {
            return Err("the line broke on the way there".to_owned());
        }
        if let Some(piece) = Frame::read(&frame).unwrap().head.piece {
            self.state.lock().carried.push((piece.lane, self.clock.monotonic_us()));
        }
        let answer = self.there.answer(&self.dials, &frame, replica::link::PIECE_BYTES).await;
        let answer = answer.map_err(|error| error.to_string())?;
        self.clock.advance_us(self.way_us(answer.len()));
        if self.breaks() {
            return Err("the line broke on the way back".to_owned());
        }
        Ok(answer)
    }
}
