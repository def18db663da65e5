//! The figures of `docs/benchmarks.md`, on the machine's own clock: `cargo xtask bench field` runs them. Each line that
//! begins with `figure` is a measure, its target and its result, apart by `|`.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

use field::Field;
use field::mission::{Command, Leg, MissionOrder, RequestMission};
use field::register::Import;
use field::road::{Need, Season};
use kernel::time::SystemClock;
use kernel::{Actor, Clock, Fact};
use store::{Deadline, Due, Entry, OutboxPort, Store};
use testkit::CountingRandomness;

const MINUTE: i64 = 60_000_000;

fn actor() -> Actor {
    Actor::User("user-operator".to_owned())
}

struct Room {
    store: Store,
    field: Field,
    clock: Arc<SystemClock>,
}

fn figure(measure: &str, target: &str, result: impl std::fmt::Display) {
    println!("figure|{measure}|{target}|{result}");
}

/// The value below which 99 of 100 lie.
fn p99(mut values: Vec<i64>) -> i64 {
    values.sort_unstable();
    values.get(values.len().saturating_sub(1) * 99 / 100).copied().unwrap_or(0)
}

impl Room {
    async fn open(url: &str, seed: u64) -> Room {
        let clock = Arc::new(SystemClock::new());
        let store = Store::open(url, clock.clone(), CountingRandomness::seeded(seed)).await.unwrap();
        Room { field: Field::new(store.clone()), store, clock }
    }

    fn elapsed_ms(&self, since_us: u64) -> u64 {
        (self.clock.monotonic_us() - since_us) / 1_000
    }

    async fn import(&self, noun: &str, csv: String) {
        let import = Import { noun: noun.to_owned(), csv, trial: false, actor: actor(), reason: "figures".to_owned() };
        let done = self.field.import(&import).await.unwrap();
        assert!(done.written, "{:?}", done.findings);
    }

    async fn office(&self, vehicles: usize) {
        self.import("organisation", "key,name,kind\nUNA,Agency,un\n".to_owned()).await;
        self.import("area", "key,name,risk\nHIGH,Highlands,high\n".to_owned()).await;
        let rows: String = (0..vehicles).map(|at| format!("V-{at},Car {at},UNA,no\n")).collect();
        self.import("vehicle", format!("key,name,organisation,armoured\n{rows}")).await;
    }

    /// A mission whose contact is due so long from now.
    async fn due_in(&self, vehicle: usize, due_us: i64) {
        let leg = Leg {
            from: "A".to_owned(),
            to: "B".to_owned(),
            area: "HIGH".to_owned(),
            corridor: None,
            began: None,
            planned: None,
        };
        let order = RequestMission {
            title: "Round".to_owned(),
            legs: vec![leg],
            vehicles: vec![format!("V-{vehicle}")],
            people: Vec::new(),
            leader: None,
            deputy: None,
            planned_departure: None,
            exercise: false,
            actor: actor(),
            reason: "figures".to_owned(),
        };
        let mut mission = self.field.request_mission(&order).await.unwrap().mission;
        for command in [Command::Clear, Command::Brief, Command::Depart] {
            let at = (command == Command::Depart).then(|| self.store.now().plus_micros(due_us - 15 * MINUTE));
            let (actor, reason, id, version) = (actor(), "figures".to_owned(), mission.id, mission.version);
            let order = MissionOrder { mission: id, version, at, actor, reason, command };
            mission = self.field.command_mission(&order).await.unwrap().mission;
        }
    }

    async fn deadlines(&self, count: usize) {
        let mut tx = self.store.begin().await.unwrap();
        for at in 0..count {
            let deadline = Deadline {
                kind: "other.promise".to_owned(),
                subject: at.to_string(),
                owes: "role:desk".to_owned(),
                due: Due::After(24 * 60 * MINUTE),
                otherwise: "figures".to_owned(),
            };
            tx.deadline(deadline).await.unwrap();
        }
        tx.commit(Entry::new(&actor(), "figures", "deadlines")).await.unwrap();
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
#[ignore = "figures: cargo xtask bench field"]
async fn alarms_and_entries() {
    let database = testkit::sqlite();
    let room = Room::open(&database.url, 1).await;
    room.office(1_200).await;
    room.deadlines(5_000).await;
    let (engine, outbox) = (room.store.clone(), room.store.clone());
    let subscribers = room.field.subscribers();
    let deadlines = tokio::spawn(async move { engine.run_deadlines().await });
    let postmen = tokio::spawn(async move { outbox.run_outbox(subscribers).await });
    for vehicle in 0..200 {
        room.due_in(vehicle, 20_000_000).await;
    }
    let mut entries = Vec::new();
    let mut seen: BTreeMap<String, i64> = BTreeMap::new();
    while seen.len() < 200 {
        let started = room.clock.monotonic_us();
        room.field.enter("the generator was refuelled", &actor()).await.unwrap();
        entries.push(i64::try_from(room.clock.monotonic_us() - started).unwrap());
        for alarm in room.field.alarms(false, &actor()).await.unwrap() {
            let late = room.store.now().micros() - alarm.missed.micros();
            seen.entry(alarm.label()).or_insert(late);
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    deadlines.abort();
    postmen.abort();
    let late_ms = p99(seen.into_values().collect()) / 1_000;
    figure("alarm after its promise was due, p99, 5,000 live deadlines, 200 alarms", "≤ 1 s", format!("{late_ms} ms"));
    entries.sort_unstable();
    let median = entries[entries.len() / 2];
    figure(
        "Enter until durable while alarms climb, median / p99",
        "— / ≤ 100 ms",
        format!("{} / {} ms", median / 1_000, p99(entries) / 1_000),
    );

    // The program is down while a thousand contacts fall due.
    for vehicle in 200..1_200 {
        room.due_in(vehicle, 2_000_000).await;
    }
    room.store.close().await;
    tokio::time::sleep(Duration::from_secs(3)).await;
    let room = Room::open(&database.url, 2).await;
    let started = room.clock.monotonic_us();
    let mut engine = room.store.deadline_engine();
    let promises = room.field.subscribers().into_iter().find(|one| one.topics().contains(&"deadline-expired"));
    let mut postman = room.store.postman(promises.unwrap());
    engine.tick().await.unwrap();
    postman.round().await.unwrap();
    let took = room.elapsed_ms(started);
    let alarms = room.field.alarms(false, &actor()).await.unwrap();
    let marked = alarms.iter().filter(|alarm| alarm.while_down).count();
    let missions = room.field.missions(false).await.unwrap().len();
    assert_eq!(alarms.len(), missions, "each once");
    figure(
        &format!("restart until {marked} promises that expired meanwhile are raised, once, marked"),
        "≤ 5 s",
        format!("{took} ms"),
    );
}

#[tokio::test]
#[ignore = "figures: cargo xtask bench field"]
async fn headcount_and_roads() {
    let database = testkit::sqlite();
    let room = Room::open(&database.url, 3).await;
    let organisations: String = (0..20).map(|at| format!("O{at},Organisation {at},ngo\n")).collect();
    room.import("organisation", format!("key,name,kind\n{organisations}")).await;
    let people: String =
        (0..2_000).map(|at| format!("Q-{at},Person {at},staff,O{},present,+6707{at:07}\n", at % 20)).collect();
    room.import("person", format!("key,name,category,organisation,presence,phone\n{people}")).await;
    let started = room.clock.monotonic_us();
    room.field.enter("hc start all", &actor()).await.unwrap();
    let took = room.elapsed_ms(started);
    let facts = room.store.facts_after(0, 100_000).await.unwrap();
    let asked = facts.iter().any(
        |stored| matches!(&stored.fact, Ok(Fact::MessagesRequested { dispatches, .. }) if dispatches.len() == 2_000),
    );
    assert!(asked);
    figure("headcount of 2,000 people: until all messages are the courier's", "≤ 5 s", format!("{took} ms"));
    let mut answers = Vec::new();
    for at in 0..200 {
        let started = room.clock.monotonic_us();
        room.field.enter(&format!("hc q-{at} safe"), &actor()).await.unwrap();
        answers.push(i64::try_from(room.clock.monotonic_us() - started).unwrap());
    }
    figure("an answer counted among 2,000, p99", "", format!("{} ms", p99(answers) / 1_000));

    let places = |row: u32, column: u32| {
        format!("{:.5} {:.5}", 125.0 + f64::from(column) * 0.004, -9.0 + f64::from(row) * 0.004)
    };
    let mut roads = String::new();
    for row in 0..100 {
        for column in 0..100 {
            let here = places(row, column);
            for (name, there) in [("E", places(row, column + 1)), ("N", places(row + 1, column))] {
                roads.push_str(&format!("R{row}-{column}{name},\"LINESTRING ({here}, {there})\",gravel,no\n"));
            }
        }
    }
    room.import("road", format!("key,shape,surface,one_way\n{roads}")).await;
    let facilities: String = (0..50)
        .map(|at| format!("F-{at},Hospital {at},hospital,555-{at},{},{}\n", -8.9 + f64::from(at) * 0.005, 125.1))
        .collect();
    room.import("facility", format!("key,name,kind,phone,latitude,longitude\n{facilities}")).await;
    let need = Need { latitude: -8.8, longitude: 125.2, kind: None, capability: Vec::new(), season: Season::Dry };
    let started = room.clock.monotonic_us();
    room.field.nearest_facilities(&need).await.unwrap();
    figure("nearest facilities, the first time: 20,000 roads are read", "", format!("{} ms", room.elapsed_ms(started)));
    let mut asked = Vec::new();
    for _ in 0..20 {
        let started = room.clock.monotonic_us();
        let found = room.field.nearest_facilities(&need).await.unwrap();
        assert!(found.iter().all(|one| !one.crow_flies));
        asked.push(i64::try_from(room.clock.monotonic_us() - started).unwrap());
    }
    figure("nearest of 50 facilities over 20,000 roads, p99", "≤ 200 ms", format!("{} ms", p99(asked) / 1_000));
}
