//! Days without a link, then a bad one: distress first, everything in time, half of the line, nothing twice.
//!
//! `VIGIE_CUT_OFF_DAYS=n` simulates so many days; `VIGIE_CUT_OFF_SEED=n` another week.

use kernel::Clock;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use replica::{Lane, Link, NewEntry, RecordFilter};
use serde_json::json;
use testkit::TestClock;

use crate::rig::{self, Line, Node, SimulatedLink, State, entry};

/// Of a busy office, a day. Unless days are asked for, one day of a tenth of it.
const ENTRIES: u64 = 3_000;
const POSITIONS: u64 = 12_000;
const QUIET: u64 = 10;
const STEPS: u64 = 20;
const DAY_US: u64 = 86_400_000_000;
const SATELLITE: Line =
    Line { bits_per_second: 64_000, round_trip_us: 600_000, lost_permille: 50, broken_permille: 10 };
/// Whole within so long after seven days.
const WHOLE_US: u64 = 15 * 60_000_000;

/// A busy office: what its people type, its missions, its devices.
struct Office {
    random: ChaCha8Rng,
    number: u64,
    places: Vec<[i64; 2]>,
}

impl Office {
    fn below(&mut self, end: u64) -> u64 {
        self.random.next_u64() % end
    }

    /// A line of the duty log, and for every other one what it did to a mission.
    fn line(&mut self) -> Vec<NewEntry> {
        const PLACES: [&str; 8] = ["Comoro", "Hera", "Manatuto", "Baucau", "Liquica", "Maubara", "Aileu", "Ermera"];
        const WORDS: [&str; 10] =
            ["the", "generator", "refuelled", "road", "blocked", "crowd", "quiet", "relief", "water", "gate"];
        self.number += 1;
        let (sign, place) = (self.below(40), PLACES[self.below(8) as usize]);
        let free: Vec<&str> = (0..self.below(9)).map(|_| WORDS[self.below(10) as usize]).collect();
        let line = format!("bf{sign} at {place} {}", free.join(" "));
        let body = json!({
            "kind": "contact", "author": format!("user:{}", self.below(6)), "sign": format!("BF{sign}"), "line": line,
            "meaning": format!("BF{sign} reports from {place}: {}", free.join(" ")),
            "mission": format!("M-{:04}", sign / 2),
        });
        let mut told = vec![entry(Lane::Log, "log", &self.number.to_string(), body)];
        if self.number.is_multiple_of(2) {
            let body = json!({
                "label": format!("M-{:04}", sign / 2), "state": "en-route", "contact": "ok", "last_place": place,
                "due": 1_700_000_000_000_000_u64 + self.below(DAY_US), "version": self.number,
                "legs": [{ "from": "Dili", "to": "Baucau", "area": "HIGH" }], "convoy": ["UN-1", "UN-2"],
            });
            told.push(entry(Lane::Deadline, "mission", &(sign / 2).to_string(), body));
        }
        told
    }

    fn position(&mut self) -> NewEntry {
        let device = self.below(self.places.len() as u64) as usize;
        let step = [self.below(400), self.below(400)].map(|step| step as i64 - 200);
        let place = &mut self.places[device];
        *place = [place[0] + step[0], place[1] + step[1]];
        #[expect(clippy::cast_precision_loss, reason = "degrees in hundred thousandths")]
        let degrees = place.map(|hundred_thousandths| hundred_thousandths as f64 / 1e5);
        let body = json!({
            "age_s": self.random.next_u32() % 40, "lat": degrees[0], "lon": degrees[1],
            "speed": self.random.next_u32() % 25, "course": self.random.next_u32() % 360,
        });
        entry(Lane::Bulk, "position", &format!("T-{device}"), body)
    }

    async fn day(&mut self, node: &Node, clock: &TestClock, of_busy: u64) {
        for _ in 0..STEPS {
            clock.advance_us(DAY_US / STEPS);
            let mut told = Vec::new();
            for _ in 0..ENTRIES / of_busy / STEPS {
                told.extend(self.line());
            }
            for _ in 0..POSITIONS / of_busy / STEPS {
                told.push(self.position());
            }
            node.write(told).await;
        }
    }
}

#[tokio::test]
async fn days_cut_off() {
    let number = |name: &str| std::env::var(name).ok().and_then(|text| text.parse().ok());
    let asked: Option<u64> = number("VIGIE_CUT_OFF_DAYS");
    let (days, of_busy) = asked.map_or((1, QUIET), |days| (days, 1));
    let seed: u64 = number("VIGIE_CUT_OFF_SEED").unwrap_or(1);
    let (here, there, clock) = (testkit::sqlite(), testkit::sqlite(), TestClock::noon());
    let office = rig::node(&here.url, "DILI", &clock, 2 * seed).await;
    let hq = rig::node(&there.url, "HQ", &clock, 2 * seed + 1).await;
    let places = (0..30).map(|at| [-855_000 + at * 900, 12_557_000 + at * 700]).collect();
    let mut desk = Office { random: ChaCha8Rng::seed_from_u64(seed), number: 0, places };
    for _ in 0..days {
        desk.day(&office, &clock, of_busy).await;
    }
    let sos =
        |what: &str| entry(Lane::Distress, "alarm", what, json!({ "title": format!("SOS {what}"), "state": "open" }));
    office.write(vec![sos("old")]).await;

    let state = State::seeded(seed);
    let carrier = SimulatedLink {
        there: hq.replica.clone(),
        dials: "DILI".to_owned(),
        clock: clock.clone(),
        state: state.clone(),
        line: SATELLITE,
    };
    let mut link = Link::new(office.replica.clone(), "HQ", carrier);
    let began_us = clock.monotonic_us();
    let (mut fresh_us, mut turns) = (None, 0);
    loop {
        let turned = link.turn(&*clock).await.unwrap();
        turns += 1;
        if turned.idle {
            break;
        }
        clock.advance_us(turned.pause_us);
        if turns == 3 {
            // Somebody calls for help while old positions are on their way.
            office.write(vec![sos("fresh")]).await;
            fresh_us = Some(clock.monotonic_us());
        }
    }
    both_ends_agree(&office, &hq).await;
    let (took_us, state) = (clock.monotonic_us() - began_us, state.lock());
    let distress: Vec<u64> = state.carried.iter().filter(|one| one.0 == Lane::Distress).map(|one| one.1).collect();
    assert_eq!(state.carried[0].0, Lane::Distress, "distress first");
    let waited_us = distress.iter().find(|at| fresh_us.is_some_and(|fresh| **at > fresh)).unwrap() - fresh_us.unwrap();
    let busy = state.bytes * 8 * 1_000_000 / SATELLITE.bits_per_second * 100 / took_us;
    println!(
        "figure|{days} days cut off ({} entries, {} positions), then 64 kbit/s, 600 ms, 5 % loss: whole after|≤ 15 min \
         (of seven days)|{:.1} min, {} KiB, {busy} % of the line, {} exchanges, {} breaks",
        ENTRIES / of_busy * days,
        POSITIONS / of_busy * days,
        took_us as f64 / 60e6,
        state.bytes >> 10,
        state.exchanges,
        state.breaks,
    );
    println!(
        "figure|a call for help while the rest is under way: at the other end after|first|{:.1} s (the first of all after {:.1} s)",
        waited_us as f64 / 1e6,
        (distress[0] - began_us) as f64 / 1e6,
    );
    // What does not grow with the days is allowed for on top.
    assert!(took_us <= WHOLE_US * days / 7 / of_busy + 30_000_000, "{took_us} µs for {days} days");
    assert!(waited_us < 8_000_000, "distress waited {waited_us} µs");
    assert!(busy <= 55, "{busy} % of the line");
}

/// Hashes, entries and things are the same at both ends, and nothing is there twice: numbers have no gap and no double.
async fn both_ends_agree(office: &Node, hq: &Node) {
    for node in ["DILI", "HQ"] {
        assert_eq!(office.replica.hashes(node).await.unwrap(), hq.replica.hashes(node).await.unwrap(), "{node}");
        assert_eq!(office.replica.lanes(node).await.unwrap(), hq.replica.lanes(node).await.unwrap(), "{node}");
    }
    for lane in Lane::ALL {
        assert_eq!(hq.replica.first_fault("DILI", *lane).await.unwrap(), None);
    }
    let missions = RecordFilter { kind: "mission".to_owned(), node: Some("DILI".to_owned()), before: None };
    for told in hq.replica.records(&missions, 100).await.unwrap() {
        let own = office.replica.record("DILI", "mission", &told.subject).await.unwrap().unwrap();
        assert_eq!(own.body, told.body, "{}", told.subject);
    }
}
