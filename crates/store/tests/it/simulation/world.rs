//! What is true in a simulated history: time, clocks, and what the database holds.

use std::collections::BTreeMap;
use std::sync::Arc;

use kernel::{Clock, Fact, Timestamp};
use parking_lot::Mutex;
use store::{Cursor, HouseTime};

use super::{DAY, SECOND};

/// True time at the start of every history.
const START: Timestamp = testkit::TestClock::NOON;
/// Wall clock differences that house time slews, and the minute after which it follows a clock that is ahead.
const SLACK: i64 = 2 * SECOND;
const CONFIRM: i64 = 60 * SECOND;

/// The whole world outside the process. It survives crashes.
pub struct World {
    pub time: Mutex<Time>,
    pub disk: Mutex<Disk>,
    pub totals: Mutex<Totals>,
}

pub struct Time {
    /// True microseconds since the start.
    passed: i64,
    /// What the wall clock is off by; `i64::MIN`: it says 1970.
    wall_error: i64,
    /// True time at which the wall clock became what it is.
    wall_since: i64,
    /// True time of the first turn since the wall clock is right and the process runs.
    right_since: Option<i64>,
    /// A clock in the future was believed: deadlines may fire before their true time.
    future_believed: bool,
}

/// The durable state.
#[derive(Default)]
pub struct Disk {
    pub deadlines: Vec<Record>,
    pub facts: Vec<Fact>,
    pub cursor: Cursor,
    pub markers: BTreeMap<i64, ()>,
    /// How often each fact had its effect, and in which order first.
    pub effects: BTreeMap<i64, u32>,
    pub order: Vec<i64>,
    pub parked: Vec<i64>,
    pub house_time: Option<Timestamp>,
}

pub struct Record {
    pub due: i64,
    pub set: i64,
    pub version: i64,
    pub state: State,
    pub fired: u32,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum State {
    Pending,
    Ended,
    Expired,
}

/// What happened, so that a simulation that exercises nothing is noticed.
#[derive(Debug, Default, Clone)]
pub struct Totals {
    pub fired: u64,
    pub while_down: u64,
    pub crashes: u64,
    pub clock_faults: u64,
    pub handled_again: u64,
    pub failures: u64,
}

impl Totals {
    pub fn add(&mut self, other: &Totals) {
        self.fired += other.fired;
        self.while_down += other.while_down;
        self.crashes += other.crashes;
        self.clock_faults += other.clock_faults;
        self.handled_again += other.handled_again;
        self.failures += other.failures;
    }
}

impl World {
    pub fn new() -> Arc<World> {
        let time = Time { passed: 0, wall_error: 0, wall_since: 0, right_since: None, future_believed: false };
        Arc::new(World { time: Mutex::new(time), disk: Mutex::default(), totals: Mutex::default() })
    }

    /// True time.
    pub fn truth(&self) -> i64 {
        self.time.lock().passed
    }

    pub fn pass(&self, micros: i64) {
        self.time.lock().passed += micros;
    }

    pub fn set_wall_error(&self, error: i64) {
        let mut time = self.time.lock();
        if time.wall_error != error {
            (time.wall_error, time.wall_since) = (error, time.passed);
        }
        time.right_since = None;
        self.totals.lock().clock_faults += u64::from(error != 0);
    }

    fn wall(&self) -> Timestamp {
        let time = self.time.lock();
        match time.wall_error {
            i64::MIN => Timestamp(time.passed),
            error => START.plus_micros(time.passed + error),
        }
    }

    /// Sets a deadline at an instant of house time.
    pub fn promise(&self, due: i64) {
        let set = self.disk.lock().house_time.map_or(0, |time| time.micros() - START.micros());
        self.disk.lock().deadlines.push(Record { due, set, version: 1, state: State::Pending, fired: 0 });
    }

    /// Keeps, cancels or moves a pending deadline.
    pub fn end_or_move(&self, which: u32, way: u32, due: i64) {
        let mut disk = self.disk.lock();
        let pending: Vec<usize> =
            (0..disk.deadlines.len()).filter(|&at| disk.deadlines[at].state == State::Pending).collect();
        let Some(&at) = pending.get(which as usize % pending.len().max(1)) else { return };
        let record = &mut disk.deadlines[at];
        record.version += 1;
        if way == 0 {
            record.due = due;
        } else {
            record.state = State::Ended;
        }
    }

    /// After a turn that ran through: nothing may be left that is due.
    pub fn check_after_turn(&self, seed: u64, house_us: i64) {
        let mut time = self.time.lock();
        if time.wall_error == 0 {
            time.right_since = time.right_since.or(Some(time.passed));
        }
        let confirmed = time.right_since.is_some_and(|since| time.passed - since >= CONFIRM);
        // A house that lives in the future has nothing to catch up with.
        if confirmed {
            assert!(house_us >= time.passed - SLACK, "seed {seed}: house time is {} µs behind", time.passed - house_us);
        }
        let late = self
            .disk
            .lock()
            .deadlines
            .iter()
            .filter(|record| record.state == State::Pending && record.due <= house_us)
            .count();
        assert_eq!(late, 0, "seed {seed}: {late} deadlines are due and have not fired");
    }

    /// When a deadline fires: not before its time, unless the house was led to believe in the future.
    pub fn check_not_early(&self, due: i64) {
        let time = self.time.lock();
        assert!(due <= time.passed + SLACK || time.future_believed, "fired {} µs early", due - time.passed);
    }

    /// House time may be ahead of true time only after a clock that was a day ahead at a start, or for a minute.
    fn check_belief(&self, house: Timestamp, starting: bool) {
        let mut time = self.time.lock();
        if since_start(house) > time.passed + SLACK && !time.future_believed {
            let steady = time.passed - time.wall_since >= CONFIRM;
            assert!(time.wall_error == DAY && (starting || steady), "a brief jump was believed at {} µs", time.passed);
            time.future_believed = true;
        }
    }

    /// At the end of a history, with every clock right and everything due.
    pub fn check_at_end(&self, seed: u64) -> Totals {
        let disk = self.disk.lock();
        let mut expired = 0;
        for record in &disk.deadlines {
            let once = match record.state {
                State::Expired => 1,
                State::Ended => 0,
                State::Pending => panic!("seed {seed}: missed a deadline due at {} µs", record.due),
            };
            assert_eq!(record.fired, once, "seed {seed}: {:?} and fired {} times", record.state, record.fired);
            expired += once as usize;
        }
        assert_eq!(disk.facts.len(), expired, "seed {seed}: one fact for each");
        for seq in 1..=i64::try_from(expired).unwrap() {
            assert_eq!(disk.effects.get(&seq), Some(&1), "seed {seed}: effects of fact {seq}");
        }
        assert!(disk.order.is_sorted(), "seed {seed}: out of order: {:?}", disk.order);
        assert_eq!(disk.parked, [0; 0], "seed {seed}: parked");
        self.totals.lock().clone()
    }
}

/// House time of one process.
pub struct House {
    world: Arc<World>,
    time: Mutex<HouseTime>,
    /// Monotonic time starts anew with the process.
    born: i64,
    pub started: Timestamp,
}

impl House {
    pub fn start(world: &Arc<World>) -> Arc<House> {
        let lived = world.disk.lock().house_time;
        let born = world.truth();
        let time = HouseTime::start(&Machine { world, born }, lived);
        world.time.lock().right_since = None;
        let house =
            House { world: world.clone(), time: Mutex::new(time), born, started: lived.unwrap_or(Timestamp::MIN) };
        let started = house.now();
        Arc::new(House { started, ..house })
    }

    /// Microseconds since the start of the history.
    pub fn now_us(&self) -> i64 {
        self.now().micros() - START.micros()
    }
}

impl Clock for House {
    fn now(&self) -> Timestamp {
        let machine = Machine { world: &self.world, born: self.born };
        let house = self.time.lock().observe(&machine);
        self.world.check_belief(house, machine.monotonic_us() == 0);
        house
    }

    fn monotonic_us(&self) -> u64 {
        Machine { world: &self.world, born: self.born }.monotonic_us()
    }
}

/// The clocks of the machine, for a process that began at `born`.
struct Machine<'a> {
    world: &'a World,
    born: i64,
}

impl Clock for Machine<'_> {
    fn now(&self) -> Timestamp {
        self.world.wall()
    }

    fn monotonic_us(&self) -> u64 {
        u64::try_from(self.world.truth() - self.born).unwrap()
    }
}

/// An instant as microseconds since the start, and back.
pub fn since_start(instant: Timestamp) -> i64 {
    instant.micros() - START.micros()
}

pub fn instant(micros: i64) -> Timestamp {
    START.plus_micros(micros)
}
