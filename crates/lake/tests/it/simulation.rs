//! A seeded world: appends, flushes, merges, full disks and power cuts in any order, against a model. No
//! acknowledged row may be lost and no row may be there twice.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::sync::Arc;

use lake::disk::DiskStore;
use lake::{Appended, Lake, LakeConfig, LakeError, Ports, Ticket};

use crate::support::sim_disk::{Fault, SimDisk};
use crate::support::{DAY_US, Dice, HandClock, Lines, TODAY_US, append, config, entry, rows};

const TABLES: [&str; 2] = ["Sim_A", "Sim_B"];

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Fate {
    /// It was told `New` or `Duplicate`.
    Acknowledged,
    /// It was told an error, or nothing: there or not there, but whole.
    Unknown,
}

struct World {
    disk: SimDisk,
    clock: Arc<HandClock>,
    config: LakeConfig,
    sent: BTreeMap<u64, Fate>,
    tickets: Vec<Ticket>,
}

impl World {
    fn new() -> World {
        let settings = LakeConfig { segment_bytes: 1_500, ..config("/sim") };
        World {
            disk: SimDisk::default(),
            clock: HandClock::new(TODAY_US),
            config: settings,
            sent: BTreeMap::new(),
            tickets: Vec::new(),
        }
    }

    async fn open(&self) -> Result<(Lake, lake::Replay), LakeError> {
        let ports = Ports {
            disk: Arc::new(self.disk.clone()),
            clock: self.clock.clone(),
            decoder: Arc::new(Lines),
            // The Delta library looks for `file:` URLs on the machine's own disk.
            store: Some((Arc::new(DiskStore::new(Arc::new(self.disk.clone()))), "memory:///sim/tables".to_owned())),
        };
        Lake::open_on(self.config.clone(), ports).await
    }

    /// Lines of delivery `number`: it says itself what is in it.
    fn lines(number: u64) -> String {
        let mut dice = Dice(number);
        let line = |row: u64| {
            let table = TABLES[(dice.roll(3) / 2) as usize];
            let time = TODAY_US - dice.roll(3) as i64 * DAY_US + dice.roll(1_000_000) as i64;
            format!("{table}|{time}|delivery {number} row {row}\n")
        };
        (0..1 + number % 4).map(line).collect()
    }

    async fn send(&mut self, lake: &Lake, number: u64) {
        self.sent.entry(number).or_insert(Fate::Unknown);
        let was = self.sent[&number];
        match append(lake, entry(number, &World::lines(number))).await {
            Ok(Appended::New(ticket)) => {
                assert_eq!(was, Fate::Unknown, "delivery {number} was stored before and is new again");
                self.tickets.push(ticket);
                self.sent.insert(number, Fate::Acknowledged);
            }
            Ok(Appended::Duplicate) => {
                self.sent.insert(number, Fate::Acknowledged);
            }
            Err(error) => {
                let honest = self.disk.crashed() || matches!(error, LakeError::DiskFull { .. });
                assert!(honest, "delivery {number}: {error}");
            }
        }
    }

    async fn check(&self, lake: &Lake, when: &str) {
        let mut found: BTreeMap<String, usize> = BTreeMap::new();
        for table in TABLES {
            for (_, text) in rows(lake, table).await {
                *found.entry(text).or_default() += 1;
            }
        }
        let twice: Vec<_> = found.iter().filter(|(_, count)| **count > 1).collect();
        assert!(twice.is_empty(), "{when}: repeated {twice:?}");
        for (number, fate) in &self.sent {
            let wanted: BTreeSet<String> =
                World::lines(*number).lines().map(|line| line.splitn(3, '|').nth(2).unwrap().to_owned()).collect();
            let there = wanted.iter().filter(|text| found.contains_key(*text)).count();
            let whole = there == wanted.len() || (*fate == Fate::Unknown && there == 0);
            assert!(whole, "{when}: delivery {number} ({fate:?}) has {there} of {} rows", wanted.len());
        }
        let known = self.sent.keys().map(|number| 1 + number % 4).sum::<u64>();
        assert!(found.len() as u64 <= known, "{when}: rows that nobody sent");
    }

    /// One life of the process, up to `steps` acts or a crash.
    async fn live(&mut self, dice: &mut Dice, steps: u64) {
        let opened = self.open().await;
        let Ok((lake, mut replay)) = opened else {
            assert!(self.disk.crashed() || self.disk.is_full(), "{:?}", opened.err());
            self.disk.free_up();
            return;
        };
        for _ in 0..steps {
            if self.disk.crashed() {
                break;
            }
            let next = self.sent.keys().next_back().map_or(1, |last| last + 1);
            match dice.roll(12) {
                0..=5 => self.send(&lake, next).await,
                6 => self.send(&lake, 1 + dice.roll(next)).await,
                7 => drop(lake.flush().await),
                8 => drop(lake.maintain().await),
                9 => self.tickets.drain(..).for_each(Ticket::done),
                10 => {
                    if let Ok(Some((_, ticket))) = replay.next_entry() {
                        ticket.done();
                    }
                }
                _ => self.disk.free_up(),
            }
        }
        if !self.disk.crashed() {
            self.disk.free_up();
            self.check(&lake, "alive").await;
        }
        self.tickets.clear();
    }
}

async fn run(seed: u64) {
    let mut dice = Dice(seed);
    let mut world = World::new();
    for _ in 0..2 + dice.roll(3) {
        let fault = if dice.roll(3) == 0 { Fault::Full } else { Fault::Crash };
        world.disk.plan(1 + dice.roll(160), fault);
        world.live(&mut dice, 4 + seed % 13).await;
        world.disk.restart(&mut dice);
    }
    settle(&mut world).await;
}

/// After everything: open in peace, look, flush, look, merge, look.
async fn settle(world: &mut World) {
    let (lake, replay) = world.open().await.unwrap();
    let severe: Vec<_> = replay.problems.iter().filter(|problem| problem.severe).collect();
    assert!(severe.is_empty(), "{severe:?}");
    world.check(&lake, "opened").await;
    lake.flush().await.unwrap();
    world.check(&lake, "flushed").await;
    lake.maintain().await.unwrap();
    world.check(&lake, "merged").await;
    for (number, fate) in world.sent.clone() {
        if fate == Fate::Acknowledged {
            let again = append(&lake, entry(number, &World::lines(number))).await.unwrap();
            assert!(matches!(again, Appended::Duplicate), "delivery {number} was forgotten");
        }
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn seeded_lives_lose_nothing_and_repeat_nothing() {
    let runs: u64 = std::env::var("VIGIE_SIM_RUNS").ok().and_then(|runs| runs.parse().ok()).unwrap_or(40);
    for seed in 0..runs {
        let outcome = tokio::spawn(run(seed)).await;
        assert!(outcome.is_ok(), "seed {seed}: {outcome:?}");
    }
}

/// The same short day with a fault at every single operation that changes the disk.
async fn short_day(fault: Option<(u64, Fault)>) -> u64 {
    let mut world = World::new();
    if let Some((at, fault)) = fault {
        world.disk.plan(at, fault);
    }
    if let Ok((lake, _)) = world.open().await {
        for number in 1..=3 {
            world.send(&lake, number).await;
        }
        let _ = lake.flush().await;
        world.send(&lake, 4).await;
        world.tickets.drain(..).for_each(Ticket::done);
        let _ = lake.flush().await;
        let _ = lake.maintain().await;
        world.send(&lake, 5).await;
        if !world.disk.crashed() {
            world.disk.free_up();
            world.send(&lake, 6).await;
            assert_eq!(world.sent[&6], Fate::Acknowledged, "intake resumes when space returns");
            lake.flush().await.unwrap();
            world.check(&lake, "space returned").await;
        }
        world.tickets.clear();
    }
    let operations = world.disk.operations();
    world.disk.restart(&mut Dice(fault.map_or(0, |(at, _)| at)));
    settle(&mut world).await;
    operations
}

async fn at_every_operation(fault: Fault) {
    let operations = short_day(None).await;
    assert!(operations > 40, "the day has become too short to mean anything: {operations}");
    // Every one takes a minute; `VIGIE_SIM_STRIDE=1` does that.
    let stride = std::env::var("VIGIE_SIM_STRIDE").ok().and_then(|stride| stride.parse().ok()).unwrap_or(6);
    for at in (1..=operations).step_by(stride) {
        let outcome = tokio::spawn(short_day(Some((at, fault)))).await;
        assert!(outcome.is_ok(), "{fault:?} at operation {at} of {operations}: {outcome:?}");
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_power_cut_at_every_operation() {
    at_every_operation(Fault::Crash).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_full_disk_at_every_operation() {
    at_every_operation(Fault::Full).await;
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_simulated_disk_forgets_what_was_not_synced() {
    use lake::disk::Disk;
    let disk = SimDisk::default();
    disk.create_dir_all(Path::new("/d")).unwrap();
    let mut file = disk.create(Path::new("/d/f")).unwrap();
    file.write_all_vectored(&[std::io::IoSlice::new(b"kept")]).unwrap();
    file.sync().unwrap();
    disk.sync_dir(Path::new("/d")).unwrap();
    file.write_all_vectored(&[std::io::IoSlice::new(b"lost")]).unwrap();
    let lengths: BTreeSet<u64> = (0..40)
        .map(|seed| {
            disk.restart(&mut Dice(seed));
            disk.info(Path::new("/d/f")).unwrap().len
        })
        .collect();
    assert!(lengths.iter().all(|len| (4..=8).contains(len)), "{lengths:?}");
}
