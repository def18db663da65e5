//! A clock that is turned by hand, and randomness that repeats.

use std::sync::Arc;

use kernel::id::Randomness;
use kernel::{Clock, Timestamp};
use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

/// A clock that stands still until a test turns it. Wall and monotonic time can be turned apart.
#[derive(Debug)]
pub struct TestClock {
    hands: Mutex<Hands>,
}

#[derive(Debug, Clone, Copy)]
struct Hands {
    wall: Timestamp,
    monotonic_us: u64,
}

impl TestClock {
    /// 2026-11-21T12:00:00Z, when nothing else matters.
    pub const NOON: Timestamp = Timestamp(1_795_262_400_000_000);

    /// Stands at `wall`, the monotonic clock at zero.
    pub fn at(wall: Timestamp) -> Arc<TestClock> {
        Arc::new(TestClock { hands: Mutex::new(Hands { wall, monotonic_us: 0 }) })
    }

    /// Stands at [`TestClock::NOON`].
    pub fn noon() -> Arc<TestClock> {
        TestClock::at(TestClock::NOON)
    }

    /// Lets time pass on both clocks.
    pub fn advance_us(&self, micros: u64) {
        let mut hands = self.hands.lock();
        hands.monotonic_us += micros;
        hands.wall = hands.wall.plus_micros(i64::try_from(micros).unwrap_or(i64::MAX));
    }

    /// Lets seconds pass on both clocks.
    pub fn advance_s(&self, seconds: u64) {
        self.advance_us(seconds * 1_000_000);
    }

    /// Sets the wall clock alone, as an operator or a time server would.
    pub fn set_wall(&self, wall: Timestamp) {
        self.hands.lock().wall = wall;
    }
}

impl Clock for TestClock {
    fn now(&self) -> Timestamp {
        self.hands.lock().wall
    }

    fn monotonic_us(&self) -> u64 {
        self.hands.lock().monotonic_us
    }
}

/// Bits that are the same in every run with the same seed.
#[derive(Debug)]
pub struct CountingRandomness {
    stream: Mutex<ChaCha8Rng>,
}

impl CountingRandomness {
    /// The stream of `seed`.
    pub fn seeded(seed: u64) -> Arc<CountingRandomness> {
        Arc::new(CountingRandomness { stream: Mutex::new(ChaCha8Rng::seed_from_u64(seed)) })
    }
}

impl Randomness for CountingRandomness {
    fn fill(&self, bytes: &mut [u8]) {
        self.stream.lock().fill_bytes(bytes);
    }
}
