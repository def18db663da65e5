//! Deadlines and outbox under crashes and wrong clocks: 10,000 seeded histories.
//!
//! The engine and the postman are the real ones; the database is a model whose calls are all or nothing, and which
//! waits before and after each call. A crash drops the running future at one of these waits. That the real database
//! is all or nothing is what `restart` shows.
//!
//! `VIGIE_SIMULATION_SEED=n` runs one history.

mod model;
mod world;

use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::{Context, Poll, Waker};

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use store::{DeadlineEngine, Postman};

use model::Model;
use world::{House, World};

const RUNS: u64 = 10_000;
const SECOND: i64 = 1_000_000;
const HOUR: i64 = 3_600 * SECOND;
const DAY: i64 = 24 * HOUR;

#[test]
fn ten_thousand_histories() {
    let only = std::env::var("VIGIE_SIMULATION_SEED").ok().and_then(|seed| seed.parse().ok());
    let mut total = world::Totals::default();
    for seed in only.map_or(0..RUNS, |seed| seed..seed + 1) {
        total.add(&History::new(seed).run());
    }
    println!("{total:?}");
    if only.is_none() {
        assert!(total.fired > 20_000 && total.crashes > 20_000 && total.while_down > 2_000, "too tame: {total:?}");
        assert!(total.clock_faults > 10_000 && total.handled_again > 500, "too tame: {total:?}");
    }
}

/// Fifteen deadlines and their facts, which fire together and are heard three at a time, with a crash at every single wait.
#[test]
fn a_crash_at_every_wait() {
    let mut points = 0;
    loop {
        let mut history = History::new(points);
        history.restart();
        for at in 0..15 {
            history.world.promise(SECOND + at / 2 * SECOND);
        }
        history.world.pass(10 * SECOND);
        let finished = history.turn(Order::OneAfterTheOther, Some(points));
        history.restart();
        history.finish();
        if finished {
            break;
        }
        points += 1;
    }
    assert!(points > 30, "only {points} waits were tried");
}

/// Which of the processes goes on next.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Order {
    Random,
    OneAfterTheOther,
}

/// One seeded history of a house.
struct History {
    seed: u64,
    random: ChaCha8Rng,
    world: Arc<World>,
    house: Arc<House>,
}

impl History {
    fn new(seed: u64) -> History {
        let world = World::new();
        History { seed, random: ChaCha8Rng::seed_from_u64(seed), house: House::start(&world), world }
    }

    /// A number below `end`.
    fn below(&mut self, end: u32) -> u32 {
        self.random.next_u32() % end
    }

    fn micros(&mut self, from: i64, to: i64) -> i64 {
        from + i64::try_from(self.random.next_u64() % u64::try_from(to - from).unwrap()).unwrap()
    }

    fn run(mut self) -> world::Totals {
        self.restart();
        for _ in 0..24 {
            match self.below(12) {
                0..=3 => {
                    let due = self.micros(-HOUR / 2, 3 * HOUR);
                    self.world.promise(self.house.now_us() + due);
                }
                4 => {
                    let (which, way) = (self.random.next_u32(), self.below(3));
                    let due = self.house.now_us() + self.micros(0, HOUR);
                    self.world.end_or_move(which, way, due);
                }
                5 => {
                    let fault = [0, DAY, -600 * SECOND, i64::MIN][self.below(4) as usize];
                    self.world.set_wall_error(fault);
                }
                6 => {
                    self.crash();
                    let down = self.micros(0, 2 * HOUR);
                    self.world.pass(down);
                    self.restart();
                }
                _ => {
                    // A turn in time, or one that the machine slept through.
                    let longest = [SECOND, 90 * SECOND, 3 * HOUR][self.below(3) as usize];
                    let time = self.micros(0, longest);
                    self.world.pass(time);
                    let crash_at = (self.below(3) == 0).then(|| u64::from(self.below(40)));
                    if !self.turn(Order::Random, crash_at) {
                        self.crash();
                        self.restart();
                    }
                }
            }
        }
        self.restart();
        self.finish()
    }

    fn crash(&mut self) {
        self.world.totals.lock().crashes += 1;
    }

    fn restart(&mut self) {
        self.house = House::start(&self.world);
    }

    /// The engine and the postman; in random order, twice each in one turn of three: two processes on one database.
    /// False: they crashed at wait number `crash_at`.
    fn turn(&mut self, order: Order, crash_at: Option<u64>) -> bool {
        let processes = if order == Order::Random && self.below(3) == 0 { 2 } else { 1 };
        let mut work: Vec<Pin<Box<dyn Future<Output = ()>>>> = Vec::new();
        for _ in 0..processes {
            let model = Model(self.world.clone());
            let mut engine = DeadlineEngine::new(model.clone(), self.house.clone(), self.house.started);
            let failing = order == Order::Random && self.below(4) == 0;
            let subscriber = model::Subscriber::new(&self.world, failing);
            let mut postman = Postman::new(model, self.house.clone(), subscriber);
            work.push(Box::pin(async move {
                engine.tick().await.unwrap();
            }));
            work.push(Box::pin(async move {
                postman.round().await.unwrap();
            }));
        }
        let mut waits = 0;
        while !work.is_empty() {
            let next = match order {
                Order::Random => self.below(u32::try_from(work.len()).unwrap()) as usize,
                Order::OneAfterTheOther => 0,
            };
            if pin!(&mut work[next]).poll(&mut Context::from_waker(Waker::noop())) == Poll::Ready(()) {
                drop(work.remove(next));
            } else if crash_at == Some(waits) {
                return false;
            } else {
                waits += 1;
            }
        }
        self.world.check_after_turn(self.seed, self.house.now_us());
        true
    }

    /// Lets the clock be right and everything come due, and checks the books.
    fn finish(&mut self) -> world::Totals {
        self.world.set_wall_error(0);
        for _ in 0..4 {
            self.world.pass(61 * SECOND);
            self.turn(Order::Random, None);
        }
        self.world.pass(3 * DAY);
        for _ in 0..12 {
            self.world.pass(301 * SECOND);
            self.turn(Order::Random, None);
        }
        self.world.check_at_end(self.seed)
    }
}
