//! The queue under simulation: channels that fail, refuse, lose, take long, and programs that end at the worst moment.
//!
//! What must hold in every world: nothing is lost, nothing goes out twice but what a crash cut off, the desk hears of each end
//! once, and distress goes first.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use courier::arrival::{Item, Receipt, Said};
use courier::{Channel, Limits, Outcome, Outgoing, Piece, Reading, Sender};
use kernel::id::MessageId;
use kernel::message::{Address, DeliveryState, Dispatch, Means, Precedence};
use parking_lot::Mutex;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use tokio::sync::Notify;

use crate::rig::{Rig, dispatch};

/// Takes a message and never answers: as if the program ended then.
#[derive(Default)]
pub struct Cut {
    pub cut: Notify,
    pub sent: Mutex<Vec<MessageId>>,
}

#[async_trait]
impl Channel for Cut {
    fn name(&self) -> &str {
        "sms"
    }

    fn means(&self) -> Means {
        Means::Sms
    }

    fn limits(&self) -> Limits {
        Limits { per_second: 0.0, at_once: 1 }
    }

    async fn send(&self, message: &Outgoing, _taken: &[Piece]) -> Outcome {
        self.sent.lock().push(message.id);
        self.cut.notify_one();
        std::future::pending().await
    }
}

/// What the outside world knows, whatever happens to the program.
#[derive(Default)]
struct Outside {
    /// Accepted, by key and place in its addresses.
    accepted: BTreeMap<(String, usize), u32>,
    /// Accepted, and then the program ended before it could know.
    cut_off: BTreeMap<(String, usize), u32>,
    /// Lanes in the order of the sends of one pass.
    pass: Vec<Precedence>,
    receipts: Vec<Receipt>,
    tries: u32,
}

struct Weather {
    means: Means,
    chance: Mutex<ChaCha8Rng>,
    outside: Arc<Mutex<Outside>>,
    crash: Arc<Notify>,
}

impl Weather {
    fn below(&self, most: u32) -> u32 {
        self.chance.lock().next_u32() % most
    }
}

#[async_trait]
impl Channel for Weather {
    fn name(&self) -> &str {
        self.means.as_str()
    }

    fn means(&self) -> Means {
        self.means
    }

    fn limits(&self) -> Limits {
        Limits { per_second: 0.0, at_once: 1 }
    }

    async fn send(&self, message: &Outgoing, _taken: &[Piece]) -> Outcome {
        let dice = self.below(100);
        let at = (message.key.clone(), message.place);
        {
            let mut outside = self.outside.lock();
            outside.tries += 1;
            outside.pass.push(message.precedence);
        }
        match dice {
            // Ends before anything went out.
            0..4 => {
                self.crash.notify_one();
                std::future::pending().await
            }
            // Ends after it went out.
            4..8 => {
                *self.outside.lock().accepted.entry(at.clone()).or_default() += 1;
                *self.outside.lock().cut_off.entry(at).or_default() += 1;
                self.crash.notify_one();
                std::future::pending().await
            }
            8..13 => Outcome::Refused { problem: "refused".to_owned() },
            13..40 => Outcome::failed("down"),
            40..45 => Outcome::Failed { pieces: Vec::new(), problem: "slow down".to_owned(), retry_after_s: Some(30) },
            _ => {
                let mut outside = self.outside.lock();
                let provider_id = format!("{}-{}", message.key, outside.tries);
                *outside.accepted.entry(at).or_default() += 1;
                let said = match dice {
                    45..55 => None,
                    55..65 => Some(Said::Lost),
                    65..70 => Some(Said::Underway),
                    _ => Some(Said::Delivered),
                };
                let receipt = |said| Receipt { provider_id: provider_id.clone(), said, problem: None };
                outside.receipts.extend(said.map(receipt));
                let pieces = vec![Piece { number: 1, total: 1, provider_id }];
                Outcome::Accepted { pieces, receipts_follow: self.means == Means::Sms }
            }
        }
    }
}

fn any_dispatch(number: u32, chance: &mut ChaCha8Rng) -> Dispatch {
    let (sms, mail) = (Address::new(Means::Sms, format!("+670{number}")), Address::new(Means::Email, "a@b.example"));
    let addresses = match chance.next_u32() % 4 {
        0 => vec![sms],
        1 => vec![mail],
        2 => vec![mail, sms],
        _ => vec![sms, mail],
    };
    let precedence = Precedence::ALL[(chance.next_u32() % 4) as usize];
    Dispatch { addresses, precedence, ..dispatch(&format!("k{number}"), &[]) }
}

struct World {
    rig: Rig,
    outside: Arc<Mutex<Outside>>,
    chance: ChaCha8Rng,
    channels: Vec<Arc<Weather>>,
    crash: Arc<Notify>,
    asked: Vec<Dispatch>,
    told: BTreeMap<String, Vec<DeliveryState>>,
    crashes: u32,
}

impl World {
    async fn new(url: &str, seed: u64) -> World {
        let rig = Rig::seeded(url, seed).await;
        let (outside, crash) = (Arc::new(Mutex::new(Outside::default())), Arc::new(Notify::new()));
        let channel = |means, stream| {
            let chance = Mutex::new(ChaCha8Rng::seed_from_u64(seed ^ stream));
            Arc::new(Weather { means, chance, outside: outside.clone(), crash: crash.clone() })
        };
        let channels = vec![channel(Means::Sms, 0x51), channel(Means::Email, 0xe1)];
        let chance = ChaCha8Rng::seed_from_u64(seed);
        let (asked, told) = (Vec::new(), BTreeMap::new());
        World { rig, outside: outside.clone(), chance, channels, crash, asked, told, crashes: 0 }
    }

    fn connect(&self) {
        for channel in &self.channels {
            self.rig.courier.connect(channel.clone());
        }
    }

    /// One pass of a channel, which a crash may end.
    async fn pass(&mut self, channel: &Arc<Weather>) {
        self.outside.lock().pass.clear();
        let crash = self.crash.clone();
        let crashed = {
            let mut sender = Sender::new(self.rig.courier.clone(), channel.clone());
            tokio::select! {
                done = sender.drain() => { done.unwrap(); false }
                () = crash.notified() => true
            }
        };
        let lanes = self.outside.lock().pass.clone();
        // Distress has a place of its own, beside one of the others.
        let others: Vec<_> = lanes.iter().filter(|lane| **lane != Precedence::Distress).collect();
        assert!(others.is_sorted(), "a lower lane went before a higher one: {lanes:?}");
        let late = lanes.iter().rposition(|lane| *lane == Precedence::Distress);
        let before = late.map_or(0, |late| lanes[..late].iter().filter(|lane| **lane != Precedence::Distress).count());
        assert!(before <= 1, "distress waited for others: {lanes:?}");
        if crashed {
            self.crashes += 1;
            self.rig.restart().await;
            self.connect();
        }
    }

    async fn deliver_receipts(&mut self) {
        let receipts = std::mem::take(&mut self.outside.lock().receipts);
        for receipt in receipts {
            let channel = self.channels[(self.chance.next_u32() % 2) as usize].clone();
            // A network repeats itself, and the other one's receipts mean nothing here.
            for _ in 0..=self.chance.next_u32() % 2 {
                let reading = Reading { items: vec![Item::Receipt(receipt.clone())], findings: Vec::new() };
                self.rig.courier.take(channel.name(), b"receipt", reading).await.unwrap();
            }
        }
    }

    async fn step(&mut self, number: u32) {
        if !self.chance.next_u32().is_multiple_of(3) && number < 40 {
            let dispatch = any_dispatch(number, &mut self.chance);
            self.asked.push(dispatch.clone());
            let again = self.chance.next_u32().is_multiple_of(5);
            self.rig.ask(vec![dispatch.clone()]).await;
            if again {
                self.rig.ask(vec![dispatch]).await;
            }
        }
        for channel in self.channels.clone() {
            self.pass(&channel).await;
        }
        self.deliver_receipts().await;
        self.rig.courier.tend().await.unwrap();
        self.rig.clock.advance_s(u64::from(self.chance.next_u32() % 200));
        for (key, state) in self.rig.states().await {
            self.told.entry(key).or_default().push(state);
        }
    }

    /// A day later nothing is open any more.
    async fn check(&mut self, seed: u64) {
        let outside = self.outside.lock();
        for asked in &self.asked {
            let key = &asked.key;
            let told = self.told.get(key).cloned().unwrap_or_default();
            let ends = told.iter().filter(|state| state.is_final()).count();
            let sent = told.contains(&DeliveryState::Sent) || told.contains(&DeliveryState::Delivered);
            assert!(ends <= 2 && (ends > 0 || sent), "seed {seed}, {key}: {told:?}");
            let delivered = told.iter().filter(|state| **state == DeliveryState::Delivered).count();
            assert!(delivered <= 1, "seed {seed}, {key}: {told:?}");
            for place in 0..asked.addresses.len() {
                let at = (key.clone(), place);
                let accepted = outside.accepted.get(&at).copied().unwrap_or_default();
                let cut_off = outside.cut_off.get(&at).copied().unwrap_or_default();
                assert!(accepted <= 1 + cut_off, "seed {seed}, {at:?}: sent {accepted} times, cut off {cut_off}");
            }
        }
    }
}

async fn simulate(seed: u64) -> (u32, u32) {
    let database = testkit::sqlite();
    let mut world = World::new(&database.url, seed).await;
    world.connect();
    for number in 0..60 {
        world.step(number).await;
    }
    for _ in 0..30 {
        world.rig.clock.advance_s(3_600);
        world.step(u32::MAX).await;
    }
    world.check(seed).await;
    for asked in &world.asked {
        let (record, tries) = world.rig.courier.dispatch(&asked.key).await.unwrap();
        assert!(!record.open, "seed {seed}: {record:?}");
        assert!(tries.iter().all(|one| one.ended.is_some()), "seed {seed}: {tries:?}");
    }
    let tries = world.outside.lock().tries;
    (world.crashes, tries)
}

#[tokio::test]
async fn nothing_is_lost_and_nothing_goes_out_twice_in_any_weather() {
    let (mut crashes, mut tries) = (0, 0);
    let seeds = std::env::var("VIGIE_COURIER_SEEDS").ok().and_then(|text| text.parse().ok()).unwrap_or(12);
    for seed in 0..seeds {
        let (more_crashes, more_tries) = simulate(seed).await;
        crashes += more_crashes;
        tries += more_tries;
    }
    println!("{seeds} worlds: {tries} tries, {crashes} crashes");
    assert!(crashes > 10, "the weather was too good: {crashes} crashes");
}
