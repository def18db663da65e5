//! Office days under restarts, crashes between engine and outbox, sleeping machines and wrong wall clocks.
//!
//! The room, the engine and the database are the real ones. Beside them runs a model of a few lines: a contact that was
//! due and did not come is one alarm, raised once, until somebody is heard. `VIGIE_SIMULATION_SEED=n` runs one day,
//! `VIGIE_SIMULATION_RUNS=n` that many.

use field::LogFilter;
use field::mission::{ContactState, Leg, RequestMission};
use kernel::{Actor, Timestamp};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use store::OutboxPort;
use testkit::sqlite;

use crate::rig::{self, Rig, operator};

const RUNS: u64 = 6;
const MINUTE: i64 = 60_000_000;
const DAY: i64 = 24 * 60 * MINUTE;

/// What should be true of one mission.
struct Expected {
    sign: &'static str,
    interval: i64,
    last: Timestamp,
    /// `None`: it has arrived.
    due: Option<Timestamp>,
    overdue: bool,
}

struct OfficeDay {
    seed: u64,
    random: ChaCha8Rng,
    rig: Rig,
    missions: Vec<Expected>,
    raised: usize,
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
}

#[tokio::test]
async fn office_days() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let only = number("VIGIE_SIMULATION_SEED");
    let runs = number("VIGIE_SIMULATION_RUNS").unwrap_or(RUNS);
    let mut total = Totals::default();
    for seed in only.map_or(0..runs, |seed| seed..seed + 1) {
        let database = sqlite();
        let day = OfficeDay::begin(seed, &database.url).await.run().await;
        total.raised += day.raised;
        total.heard += day.heard;
        total.restarts += day.restarts;
        total.crashes += day.crashes;
        total.clock_faults += day.clock_faults;
        total.again += day.again;
    }
    println!("{total:?}");
    if only.is_none() {
        let runs = usize::try_from(runs).unwrap();
        assert!(total.raised > 3 * runs && total.heard > 3 * runs && total.restarts > runs, "too tame: {total:?}");
        assert!(total.crashes > 0 && total.clock_faults > runs && total.again > runs, "too tame: {total:?}");
    }
}

impl OfficeDay {
    async fn begin(seed: u64, url: &str) -> OfficeDay {
        let mut day = OfficeDay {
            seed,
            random: ChaCha8Rng::seed_from_u64(seed),
            rig: rig::open(url).await,
            missions: Vec::new(),
            raised: 0,
            totals: Totals::default(),
        };
        for (vehicle, sign, area, minutes) in
            [("UN-1", "BF11", "LOW", 60), ("UN-2", "BF12", "MED", 30), ("RL-1", "RL3", "HIGH", 15)]
        {
            day.depart(vehicle, sign, area, minutes * MINUTE).await;
        }
        day
    }

    async fn depart(&mut self, vehicle: &str, sign: &'static str, area: &str, interval: i64) {
        use field::mission::{Command, MissionOrder};
        let order = RequestMission {
            title: "Round".to_owned(),
            legs: vec![Leg {
                from: "BASE".to_owned(),
                to: "COMORO".to_owned(),
                area: area.to_owned(),
                corridor: None,
                began: None,
            }],
            vehicles: vec![vehicle.to_owned()],
            people: Vec::new(),
            leader: None,
            deputy: None,
            planned_departure: None,
            exercise: false,
            actor: operator(),
            reason: "asked for".to_owned(),
        };
        let mut mission = self.rig.field.request_mission(&order).await.unwrap().mission;
        for command in [Command::Clear, Command::Brief, Command::Depart] {
            let (actor, reason) = (operator(), "as asked".to_owned());
            let (id, version) = (mission.id, mission.version);
            let order = MissionOrder { mission: id, version, at: None, actor, reason, command };
            mission = self.rig.field.command_mission(&order).await.unwrap().mission;
        }
        let last = mission.last_contact.unwrap();
        let due = Some(last.plus_micros(interval));
        self.missions.push(Expected { sign, interval, last, due, overdue: false });
    }

    fn below(&mut self, end: u32) -> u32 {
        self.random.next_u32() % end
    }

    fn micros(&mut self, end: i64) -> i64 {
        i64::try_from(self.random.next_u64() % u64::try_from(end).unwrap()).unwrap()
    }

    async fn run(mut self) -> Totals {
        for _ in 0..50 {
            match self.below(10) {
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
                _ => self.deliver_again().await,
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
            return;
        }
        mission.last = mission.last.max(now);
        mission.due = (!arrives).then(|| mission.last.plus_micros(mission.interval));
        mission.overdue = false;
        self.totals.heard += 1;
    }

    /// Facts that were delivered before come again, as after a crash before the cursor moved.
    async fn deliver_again(&mut self) {
        let subscriber = self.rig.field.subscriber();
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
        }
        let seed = self.seed;
        let missions = self.rig.field.missions(true).await.unwrap();
        let alarms = self.rig.field.alarms(true, &Actor::system("test")).await.unwrap();
        for (number, expected) in (1..).zip(&self.missions) {
            let mission = missions.iter().find(|mission| mission.number == number).unwrap();
            let overdue = matches!(mission.contact, ContactState::Overdue | ContactState::Lost);
            assert_eq!(overdue, expected.overdue, "seed {seed}: {} at {now}", expected.sign);
            assert_eq!(mission.due, expected.due, "seed {seed}: {} at {now}", expected.sign);
            let open = alarms.iter().filter(|alarm| alarm.is_open() && alarm.mission == Some(mission.id)).count();
            assert_eq!(open, usize::from(expected.overdue), "seed {seed}: alarms of {} at {now}", expected.sign);
        }
        let mut entries = Vec::new();
        let mut before = None;
        loop {
            let page = self.rig.field.duty_log(&LogFilter { before, ..LogFilter::default() }, 500).await.unwrap();
            let Some(last) = page.last() else { break };
            before = Some(last.number);
            entries.extend(page);
        }
        let raised = entries.iter().filter(|entry| entry.kind == "alarm" && entry.meaning.contains(" raise: ")).count();
        assert_eq!(raised, self.raised, "seed {seed}: alarms raised by {now}");
        assert!(entries.iter().rev().map(|entry| entry.number).eq(1..=i64::try_from(entries.len()).unwrap()));
    }
}
