//! Office days under restarts, crashes between engine and outbox, sleeping machines and wrong wall clocks, with messages and
//! positions that are lost, late, doubled and out of order.
//!
//! The room, the engine and the database are the real ones. Beside them runs a model of a few lines: a contact that was
//! due and did not come is one alarm, raised once, until somebody is heard. The morning, until three missions have departed, is
//! the same every day: it is made once, and each day begins on a copy of its database. `VIGIE_SIMULATION_SEED=n` runs one day,
//! `VIGIE_SIMULATION_RUNS=n` that many, from day `VIGIE_SIMULATION_FIRST=n` on.

use std::rc::Rc;

use field::LogFilter;
use field::alarm::AlarmKind;
use field::mission::ContactState;
use kernel::message::{Means, MessageReceived};
use kernel::{Actor, Fact, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use store::OutboxPort;
use testkit::{TestDatabase, sqlite};
use tokio::task::{JoinSet, LocalSet};

use crate::rig::{self, Rig};

const RUNS: u64 = 6;
/// Days side by side on one thread: while the database of one works, others go on.
const AT_ONCE: usize = 8;
/// Entries of the log that are read at a time: a little more than what a step leaves.
const PAGE: u32 = 24;
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// What should be true of one mission.
#[derive(Clone)]
struct Expected {
    sign: &'static str,
    interval: i64,
    last: Timestamp,
    /// `None`: it has arrived.
    due: Option<Timestamp>,
    overdue: bool,
    /// It is in for long, and somebody was asked: when.
    waiting: Option<Timestamp>,
}

/// Whoever is in, and has said nothing for so long, is asked after.
const UNCLOSED: i64 = 12 * 60 * MINUTE;

impl Expected {
    /// Heard from where they arrived.
    fn heard_in(&mut self, at: Timestamp) {
        self.last = self.last.max(at);
        self.waiting = self.waiting.filter(|raised| self.last < *raised);
    }
}

/// The office at noon, with three missions on the road.
struct Morning {
    database: TestDatabase,
    missions: Vec<Expected>,
}

struct OfficeDay {
    seed: u64,
    random: ChaCha8Rng,
    rig: Rig,
    missions: Vec<Expected>,
    raised: usize,
    /// Entries of alarms that were raised, and the last entry that was looked at.
    logged: (usize, i64),
    /// Check-ins on their way: which mission, when they were written.
    in_the_air: Vec<(usize, MessageReceived)>,
    totals: Totals,
}

#[derive(Debug, Default)]
struct Totals {
    raised: usize,
    heard: usize,
    restarts: usize,
    crashes: usize,
    clock_faults: usize,
    again: usize,
    messages: usize,
    positions: usize,
}

#[test]
fn office_days() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let only = number("VIGIE_SIMULATION_SEED");
    let runs = number("VIGIE_SIMULATION_RUNS").unwrap_or(RUNS);
    let first = number("VIGIE_SIMULATION_FIRST").unwrap_or(0);
    let seeds = only.map_or(first..first + runs, |seed| seed..seed + 1);
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    let mut total = Totals::default();
    std::thread::scope(|scope| {
        // Days know nothing of each other.
        let shares = (0..threads).map(|first| seeds.clone().skip(first).step_by(threads));
        let works: Vec<_> = shares.map(|share| scope.spawn(move || days(share))).collect();
        for work in works {
            total.add(&work.join().unwrap());
        }
    });
    println!("{total:?}");
    if only.is_none() {
        let runs = usize::try_from(runs).unwrap();
        assert!(total.raised > 3 * runs && total.heard > 3 * runs && total.restarts > runs, "too tame: {total:?}");
        assert!(total.crashes > 0 && total.clock_faults > runs && total.again > runs, "too tame: {total:?}");
    }
}

fn days(seeds: impl Iterator<Item = u64>) -> Totals {
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    let several = LocalSet::new();
    runtime.block_on(several.run_until(async {
        let morning = Rc::new(Morning::make().await);
        let (mut total, mut running) = (Totals::default(), JoinSet::new());
        for seed in seeds {
            if running.len() == AT_ONCE {
                total.add(&running.join_next().await.unwrap().unwrap());
            }
            let morning = morning.clone();
            running.spawn_local(async move {
                let database = sqlite();
                morning.copy_to(&database);
                OfficeDay::begin(seed, &database.url, &morning.missions).await.run().await
            });
        }
        while let Some(day) = running.join_next().await {
            total.add(&day.unwrap());
        }
        total
    }))
}

impl Totals {
    fn add(&mut self, day: &Totals) {
        self.raised += day.raised;
        self.heard += day.heard;
        self.restarts += day.restarts;
        self.crashes += day.crashes;
        self.clock_faults += day.clock_faults;
        self.again += day.again;
        self.messages += day.messages;
        self.positions += day.positions;
    }
}

impl Morning {
    async fn make() -> Morning {
        let database = sqlite();
        let rig = rig::open(&database.url).await;
        rig.reach().await;
        let mut missions = Vec::new();
        for (vehicle, sign, area, minutes) in
            [("UN-1", "BF11", "LOW", 60), ("UN-2", "BF12", "MED", 30), ("RL-1", "RL3", "HIGH", 15)]
        {
            missions.push(depart(&rig, vehicle, sign, area, minutes * MINUTE).await);
        }
        // All of it is in the one file then.
        rig.store.close().await;
        Morning { database, missions }
    }

    fn copy_to(&self, database: &TestDatabase) {
        let path = |database: &TestDatabase| database.url.trim_start_matches("sqlite:").to_owned();
        std::fs::copy(path(&self.database), path(database)).unwrap();
    }
}

async fn depart(rig: &Rig, vehicle: &str, sign: &'static str, area: &str, interval: i64) -> Expected {
    let mission = rig.depart(vehicle, None, area).await;
    let last = mission.last_contact.unwrap();
    let due = Some(last.plus_micros(interval));
    Expected { sign, interval, last, due, overdue: false, waiting: None }
}

impl OfficeDay {
    async fn begin(seed: u64, url: &str, missions: &[Expected]) -> OfficeDay {
        OfficeDay {
            seed,
            random: ChaCha8Rng::seed_from_u64(seed),
            rig: rig::again(url).await,
            missions: missions.to_vec(),
            raised: 0,
            logged: (0, 0),
            in_the_air: Vec::new(),
            totals: Totals::default(),
        }
    }

    fn below(&mut self, end: u32) -> u32 {
        self.random.next_u32() % end
    }

    fn micros(&mut self, end: i64) -> i64 {
        i64::try_from(self.random.next_u64() % u64::try_from(end).unwrap()).unwrap()
    }

    async fn run(mut self) -> Totals {
        for _ in 0..50 {
            match self.below(14) {
                0..=3 => {
                    let time = self.micros(25 * MINUTE);
                    let until = self.rig.store.now().plus_micros(time);
                    self.rig.pass_until(until).await;
                }
                4 | 5 => self.hear().await,
                6 => {
                    // The machine slept through it.
                    let time = self.micros(90 * MINUTE);
                    self.rig.clock.advance_us(u64::try_from(time).unwrap());
                }
                7 => {
                    let down = u64::try_from(self.micros(120 * MINUTE)).unwrap();
                    if self.below(2) == 0 {
                        // Deadlines fired, and the program ended before anybody heard of it.
                        self.rig.clock.advance_us(down / 2);
                        self.rig.store.deadline_engine().tick().await.unwrap();
                        self.totals.crashes += 1;
                    }
                    self.rig.restart(down).await;
                    self.totals.restarts += 1;
                }
                8 => {
                    let fault = [0, -600 * MINUTE, -40 * 365 * DAY, 10 * MINUTE][self.below(4) as usize];
                    self.rig.clock.set_wall(self.rig.store.now().plus_micros(fault));
                    self.totals.clock_faults += usize::from(fault != 0);
                }
                9 => self.deliver_again().await,
                10 | 11 => self.write(),
                12 => self.arrives().await,
                _ => self.positions().await,
            }
            self.rig.work().await;
            self.check().await;
        }
        self.rig.clock.set_wall(self.rig.store.now());
        let until = self.rig.store.now().plus_micros(2 * 60 * MINUTE);
        self.rig.pass_until(until).await;
        self.check().await;
        self.totals.raised = self.raised;
        self.totals
    }

    /// Somebody is heard, now or (as it is typed later) a little earlier; or arrives.
    async fn hear(&mut self) {
        self.rig.work().await;
        self.check().await;
        let which = self.below(3) as usize;
        let arrives = self.below(12) == 0;
        let now = self.rig.store.now();
        let mission = &mut self.missions[which];
        let line = format!("{} {}", mission.sign, if arrives { "arr" } else { "ok" });
        self.rig.enter(&line).await.unwrap();
        if mission.due.is_none() {
            // That they are in is known; that they are well is a word.
            if !arrives {
                mission.heard_in(now);
            }
            return;
        }
        mission.last = mission.last.max(now);
        mission.due = (!arrives).then(|| mission.last.plus_micros(mission.interval));
        mission.overdue = false;
        self.totals.heard += 1;
    }

    /// Somebody writes that they are well; it is on its way, or lost.
    fn write(&mut self) {
        let which = self.below(2) as usize;
        let message =
            MessageReceived { means: Means::Satellite, ..self.rig.text(["T-1", "T-2"][which], "OK", 0, None) };
        if self.below(5) > 0 {
            self.in_the_air.push((which, message));
        }
    }

    /// One of those on their way arrives, perhaps twice, in whatever order.
    async fn arrives(&mut self) {
        self.rig.work().await;
        self.check().await;
        if self.in_the_air.is_empty() {
            return;
        }
        let at = self.below(u32::try_from(self.in_the_air.len()).unwrap()) as usize;
        let (which, mut message) = self.in_the_air.swap_remove(at);
        let now = self.rig.store.now();
        // A restart under a wrong wall clock goes on from the last instant that was saved, seconds ago: what was written
        // in those seconds is of the future then, and counts as of now.
        let written = message.received.min(now);
        message.received = now;
        for _ in 0..=self.below(2) {
            self.rig.tell(Fact::MessageReceived(Box::new(message.clone()))).await;
        }
        self.totals.messages += 1;
        let mission = &mut self.missions[which];
        if mission.due.is_none() {
            mission.heard_in(written);
            return;
        }
        mission.last = mission.last.max(written);
        let due = mission.last.plus_micros(mission.interval);
        mission.due = Some(due);
        // What was written before the contact was missed does not make it good.
        mission.overdue &= due <= now;
    }

    /// Devices talk: late, in heaps, doubled, at 0, 0, from the future. No contact is made by it.
    async fn positions(&mut self) {
        let mut positions = Vec::new();
        for _ in 0..=self.below(4) {
            let (device, ago) = (["T-1", "T-2", "T-9"][self.below(3) as usize], self.micros(120 * MINUTE));
            let place = [(-8.55, 125.5), (0.0, 0.0), (-8.55, 129.0)][self.below(3) as usize];
            let ago = if self.below(6) == 0 { -ago } else { ago };
            positions.push(self.rig.report(device, place, ago, None));
        }
        positions.push(positions[0].clone());
        self.totals.positions += positions.len();
        self.rig.tell(Fact::PositionsReported { positions }).await;
    }

    /// Facts that were delivered before come again, as after a crash before the cursor moved.
    async fn deliver_again(&mut self) {
        let subscriber = self.rig.who_hears("deadline-expired");
        let facts = self.rig.store.facts_after(0, 10_000).await.unwrap();
        let expired: Vec<_> = facts.into_iter().filter(|stored| stored.topic == "deadline-expired").collect();
        for stored in expired.into_iter().rev().take(3) {
            let (fact, time) = (stored.fact.unwrap(), stored.time);
            let delivery = store::Delivery { subscriber: subscriber.name(), seq: stored.seq, fact, time };
            subscriber.handle(&delivery).await.unwrap();
            self.totals.again += 1;
        }
    }

    /// Nothing that is due was missed, nothing was raised twice.
    async fn check(&mut self) {
        let now = self.rig.store.now();
        for mission in &mut self.missions {
            if !mission.overdue && mission.due.is_some_and(|due| due <= now) {
                mission.overdue = true;
                self.raised += 1;
            }
            let is_in = mission.due.is_none() && mission.waiting.is_none();
            if is_in && mission.last.plus_micros(UNCLOSED) <= now {
                mission.waiting = Some(now);
                self.raised += 1;
            }
        }
        let seed = self.seed;
        // None of these missions is ever closed, and an alarm that was raised twice is open twice or in the log twice.
        let missions = self.rig.field.missions(false).await.unwrap();
        let alarms = self.rig.field.alarms(false, &Actor::system("test")).await.unwrap();
        for (number, expected) in (1..).zip(&mut self.missions) {
            let mission = missions.iter().find(|mission| mission.number == number).unwrap();
            let overdue = matches!(mission.contact, ContactState::Overdue | ContactState::Lost);
            assert_eq!(overdue, expected.overdue, "seed {seed}: {} at {now}", expected.sign);
            assert_eq!(mission.due, expected.due, "seed {seed}: {} at {now}", expected.sign);
            let open = alarms.iter().filter(|alarm| alarm.mission == Some(mission.id));
            let (waiting, others): (Vec<_>, Vec<_>) = open.partition(|alarm| alarm.kind == AlarmKind::Waiting);
            assert_eq!(
                others.len(),
                usize::from(expected.overdue),
                "seed {seed}: alarms of {} at {now}",
                expected.sign
            );
            let raised: Vec<Timestamp> = waiting.iter().map(|alarm| alarm.raised).collect();
            assert_eq!(raised.len(), usize::from(expected.waiting.is_some()), "seed {seed}: {} waits", expected.sign);
            expected.waiting = raised.first().copied();
        }
        let mut fresh = Vec::new();
        let mut before = None;
        loop {
            let page = self.rig.field.duty_log(&LogFilter { before, ..LogFilter::default() }, PAGE).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.number);
            let known = page.iter().any(|entry| entry.number <= self.logged.1);
            fresh.extend(page.into_iter().filter(|entry| entry.number > self.logged.1));
            if known {
                break;
            }
        }
        fresh.reverse();
        for entry in fresh {
            assert_eq!(entry.number, self.logged.1 + 1, "seed {seed}: a gap in the log");
            self.logged.1 = entry.number;
            self.logged.0 += usize::from(entry.kind == "alarm" && entry.meaning.contains(" raise: "));
        }
        assert_eq!(self.logged.0, self.raised, "seed {seed}: alarms raised by {now}");
    }
}
