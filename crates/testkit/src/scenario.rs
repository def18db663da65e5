//! The seeded scenario *a bad day at a duty station*: what demo, tests, screenshots and documentation show.
//!
//! The organisation is fictional: the *International Relief Coordination Office* (IRCO, `irco.example`), 300 people in
//! three duty stations. Among their ordinary day, one finance assistant is phished, a session token is stolen, and an
//! intruder works from the mailbox to the file server and out. Every record is what a real source would send, in the
//! framing of that source; [`Truth`] says which belong to the attack. The same seed and start give the same bytes.
//!
//! A later room adds its part as a module beside [`attack`] and one line in [`Scenario::new`].

mod attack;
mod cloud;
mod network;
mod noise;
mod organisation;
mod truth;
mod windows;

use kernel::Timestamp;
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};

pub use organisation::{Organisation, Person, STATIONS, Station};
pub use truth::{Step, Truth};

/// How a record reaches Vigie.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Channel {
    /// `POST /api/v1/ingest/{source}`: the Windows event collector of the two well-connected stations.
    WindowsCollector,
    /// A compressed file that the third station's collector uploads when its link is up.
    WindowsFile,
    /// `POST /api/v1/ingest/{table}`: the connector for cloud sign-ins, mail and audit.
    Cloud(&'static str),
    /// Syslog RFC 3164 over UDP: firewalls (CEF).
    SyslogUdp,
    /// Syslog RFC 5424 over TCP: Linux servers and the web proxy.
    SyslogTcp,
}

/// One record as its source sends it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Record {
    /// When it happened, which is when a live source sends it.
    pub at: Timestamp,
    pub channel: Channel,
    /// The line or JSON object, without the newline or frame.
    pub body: String,
    /// The attack step that it belongs to; `None`: ordinary work.
    pub step: Option<Step>,
}

/// The whole day, in order of time.
#[derive(Debug)]
pub struct Scenario {
    pub organisation: Organisation,
    pub records: Vec<Record>,
}

/// Hours that the scenario covers; the attack begins in the last one.
pub const HOURS: i64 = 6;

const MINUTE_US: i64 = 60_000_000;

/// Minutes from the start at which the phishing mail arrives.
pub const ATTACK_STARTS_AFTER_MINUTES: i64 = (HOURS - 1) * 60 + 12;

impl Scenario {
    /// The day that ends at `end`. `people` scales the noise (300 is the organisation's size).
    pub fn new(seed: u64, end: Timestamp, people: usize) -> Scenario {
        let start = end.plus_micros(-HOURS * 60 * MINUTE_US);
        let mut dice = Dice::new(seed);
        let organisation = Organisation::new(&mut dice, people);
        let mut records = noise::day(&mut dice, &organisation, start);
        records.extend(attack::day(
            &mut dice,
            &organisation,
            start.plus_micros(ATTACK_STARTS_AFTER_MINUTES * MINUTE_US),
        ));
        records.sort_by(|a, b| (a.at, a.channel, &a.body).cmp(&(b.at, b.channel, &b.body)));
        Scenario { organisation, records }
    }

    /// Which records belong to which step, for judging detections.
    pub fn truth(&self) -> Truth {
        Truth::of(&self.records)
    }
}

/// Seeded chance.
pub(crate) struct Dice(ChaCha8Rng);

impl Dice {
    fn new(seed: u64) -> Dice {
        Dice(ChaCha8Rng::seed_from_u64(seed))
    }

    /// A number in `0..bound`.
    pub(crate) fn below(&mut self, bound: usize) -> usize {
        (self.0.next_u64() % bound.max(1) as u64) as usize
    }

    /// A number in `low..high`.
    pub(crate) fn between(&mut self, low: i64, high: i64) -> i64 {
        low + self.below(usize::try_from(high - low).unwrap_or(1)) as i64
    }

    /// One of `items`.
    pub(crate) fn pick<'a, T>(&mut self, items: &'a [T]) -> &'a T {
        &items[self.below(items.len())]
    }

    /// `true` in `percent` of 100 cases.
    pub(crate) fn percent(&mut self, percent: usize) -> bool {
        self.below(100) < percent
    }

    /// Random hexadecimal digits.
    pub(crate) fn hex(&mut self, digits: usize) -> String {
        (0..digits).map(|_| char::from(b"0123456789abcdef"[self.below(16)])).collect()
    }

    /// A random GUID.
    pub(crate) fn guid(&mut self) -> String {
        format!("{}-{}-4{}-9{}-{}", self.hex(8), self.hex(4), self.hex(3), self.hex(3), self.hex(12))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const END: Timestamp = Timestamp(1_795_276_800_000_000);

    #[test]
    fn the_same_seed_gives_the_same_day_and_another_seed_another() {
        let day = Scenario::new(7, END, 30);
        assert_eq!(day.records, Scenario::new(7, END, 30).records);
        assert_ne!(day.records, Scenario::new(8, END, 30).records);
    }

    #[test]
    fn every_step_of_the_attack_is_there_and_small_among_the_noise() {
        let day = Scenario::new(7, END, 300);
        let truth = day.truth();
        for step in Step::ALL {
            assert!(truth.records(step).count() > 0, "{step:?}");
        }
        let hostile = day.records.iter().filter(|record| record.step.is_some()).count();
        assert!(hostile * 50 < day.records.len(), "{hostile} of {}", day.records.len());
        assert!(day.records.iter().all(|record| record.at <= END), "nothing lies in the future");
    }

    #[test]
    fn json_channels_carry_json_and_syslog_channels_one_line() {
        for record in Scenario::new(7, END, 40).records {
            match record.channel {
                Channel::WindowsCollector | Channel::WindowsFile | Channel::Cloud(_) => {
                    serde_json::from_str::<serde_json::Map<_, _>>(&record.body).expect(&record.body);
                }
                Channel::SyslogUdp | Channel::SyslogTcp => {
                    assert!(record.body.starts_with('<') && !record.body.contains('\n'), "{}", record.body);
                }
            }
        }
    }
}
