//! What is known of each source: counters, rate, lag, silence.
//!
//! Pure: every method is told the time.

use std::collections::{BTreeMap, VecDeque};

use kernel::Timestamp;
use kernel::port::SourceStatus;
use parking_lot::Mutex;

use crate::request::Decoded;

/// Records of the last minute are counted in slots of this length.
const SLOT_MICROS: i64 = 5_000_000;
const MINUTE_MICROS: i64 = 60_000_000;
/// A source is silent at the earliest after this long.
const SILENT_MICROS: i64 = 5 * MINUTE_MICROS;
/// How many times its usual interval a source may stay quiet.
const SILENT_FACTOR: f64 = 6.0;
/// Weight of the newest interval in the usual one.
const CADENCE_WEIGHT: f64 = 0.1;

/// Why records were dropped before they reached a delivery.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Drop {
    /// The queue to the lake was full.
    QueueFull,
    /// A frame or line was longer than the limit.
    Oversize,
    /// The framing could not be followed any further.
    BadFrame,
    /// The lake refused the delivery.
    Refused,
    /// The operating system lost packets.
    System,
}

impl Drop {
    /// The reason in words, for the console and logs.
    pub const fn as_str(self) -> &'static str {
        match self {
            Drop::QueueFull => "the queue was full",
            Drop::Oversize => "longer than the limit",
            Drop::BadFrame => "the framing was broken",
            Drop::Refused => "the lake refused it",
            Drop::System => "lost by the operating system",
        }
    }
}

#[derive(Debug, Default)]
struct Source {
    format: String,
    first_seen: Option<Timestamp>,
    last_seen: Option<Timestamp>,
    last_event: Option<Timestamp>,
    lag_ms: Option<i64>,
    records: u64,
    bytes: u64,
    unparsed: u64,
    duplicates: u64,
    drops: BTreeMap<Drop, u64>,
    /// Start of the slot and records in it, oldest first.
    recent: VecDeque<(i64, u64)>,
    /// Microseconds that usually lie between deliveries; smoothed.
    cadence_us: Option<f64>,
}

/// Counters of all sources. Cheap to call from any thread.
#[derive(Debug, Default)]
pub struct SourceRegistry {
    sources: Mutex<BTreeMap<String, Source>>,
}

impl SourceRegistry {
    pub fn new() -> SourceRegistry {
        SourceRegistry::default()
    }

    /// Makes a source known before it has sent anything, so that it can be seen to be missing.
    pub fn register(&self, source: &str, format: &str, now: Timestamp) {
        let mut sources = self.sources.lock();
        let known = sources.entry(source.to_owned()).or_default();
        format.clone_into(&mut known.format);
        known.first_seen.get_or_insert(now);
    }

    /// Counts a delivery that was accepted.
    pub fn accepted(&self, source: &str, format: &str, bytes: u64, decoded: &Decoded, now: Timestamp) {
        self.count(source, format, bytes, [decoded.accepted, decoded.unparsed], decoded.newest_event, now);
    }

    /// The same from bare numbers: records (unparsed included) and unparsed.
    pub fn count(
        &self,
        source: &str,
        format: &str,
        bytes: u64,
        [records, unparsed]: [u64; 2],
        newest_event: Option<Timestamp>,
        now: Timestamp,
    ) {
        let mut sources = self.sources.lock();
        let known = sources.entry(source.to_owned()).or_default();
        if known.format != format {
            format.clone_into(&mut known.format);
        }
        known.heard(now);
        known.records += records;
        known.bytes += bytes;
        known.unparsed += unparsed;
        if let Some(event) = newest_event {
            known.last_event = known.last_event.max(Some(event));
            known.lag_ms = Some(now.micros().saturating_sub(event.micros()) / 1_000);
        }
        let slot = now.micros().div_euclid(SLOT_MICROS) * SLOT_MICROS;
        match known.recent.back_mut() {
            Some((start, count)) if *start == slot => *count += records,
            _ => known.recent.push_back((slot, records)),
        }
        known.forget_before(now);
    }

    /// Counts a delivery that had been accepted before.
    pub fn duplicate(&self, source: &str, now: Timestamp) {
        let mut sources = self.sources.lock();
        let known = sources.entry(source.to_owned()).or_default();
        known.heard(now);
        known.duplicates += 1;
    }

    /// Counts records of which nothing was kept.
    pub fn dropped(&self, source: &str, reason: Drop, records: u64) {
        let mut sources = self.sources.lock();
        *sources.entry(source.to_owned()).or_default().drops.entry(reason).or_default() += records;
    }

    /// Dropped records of a source by reason.
    pub fn drops(&self, source: &str) -> Vec<(Drop, u64)> {
        let sources = self.sources.lock();
        sources
            .get(source)
            .map_or_else(Vec::new, |known| known.drops.iter().map(|(why, count)| (*why, *count)).collect())
    }

    /// The state of every source, by name.
    pub fn statuses(&self, now: Timestamp) -> Vec<SourceStatus> {
        let mut sources = self.sources.lock();
        sources
            .iter_mut()
            .map(|(name, source)| {
                source.forget_before(now);
                source.status(name, now)
            })
            .collect()
    }
}

impl Source {
    /// A sign of life at `now`.
    fn heard(&mut self, now: Timestamp) {
        self.first_seen.get_or_insert(now);
        if let Some(last) = self.last_seen {
            let interval = now.micros().saturating_sub(last.micros()).max(0) as f64;
            let usual = self.cadence_us.unwrap_or(interval);
            self.cadence_us = Some(usual + (interval - usual) * CADENCE_WEIGHT);
        }
        self.last_seen = self.last_seen.max(Some(now));
    }

    fn forget_before(&mut self, now: Timestamp) {
        let oldest = now.micros().saturating_sub(MINUTE_MICROS);
        while self.recent.front().is_some_and(|(start, _)| *start < oldest) {
            self.recent.pop_front();
        }
    }

    /// Quiet for much longer than usual, and for some minutes at least. A source that never spoke is silent as soon
    /// as it could have been expected to.
    fn silent(&self, now: Timestamp) -> bool {
        let Some(last) = self.last_seen.or(self.first_seen) else { return false };
        let usual = self.cadence_us.unwrap_or(0.0) * SILENT_FACTOR;
        let quiet = now.micros().saturating_sub(last.micros());
        quiet > SILENT_MICROS && quiet as f64 > usual
    }

    fn status(&self, name: &str, now: Timestamp) -> SourceStatus {
        let recent: u64 = self.recent.iter().map(|(_, count)| count).sum();
        SourceStatus {
            name: name.to_owned(),
            format: self.format.clone(),
            first_seen: self.first_seen,
            last_seen: self.last_seen,
            last_event: self.last_event,
            records: self.records,
            bytes: self.bytes,
            unparsed: self.unparsed,
            dropped: self.drops.values().sum(),
            duplicates: self.duplicates,
            rate_per_s: recent as f64 * 1e6 / MINUTE_MICROS as f64,
            lag_ms: self.lag_ms,
            silent: self.silent(now),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const START: i64 = 1_795_248_000_000_000;

    fn at(seconds: i64) -> Timestamp {
        Timestamp(START + seconds * 1_000_000)
    }

    #[test]
    fn rate_and_lag() {
        let registry = SourceRegistry::new();
        for second in 0..120 {
            registry.count("fw", "syslog", 100, [10, 1], Some(at(second - 3)), at(second));
        }
        let status = registry.statuses(at(120)).remove(0);
        assert_eq!((status.records, status.unparsed, status.bytes), (1200, 120, 12_000));
        assert!((status.rate_per_s - 10.0).abs() < 1.0, "{}", status.rate_per_s);
        assert_eq!(status.lag_ms, Some(3_000));
        assert!(registry.statuses(at(300)).remove(0).rate_per_s < f64::EPSILON);
    }

    #[test]
    fn silence_is_judged_by_habit() {
        let registry = SourceRegistry::new();
        registry.register("never", "syslog", at(0));
        for hour in 0..5 {
            registry.count("hourly", "json", 1, [1, 0], None, at(hour * 3_600));
        }
        for second in 0..600 {
            registry.count("busy", "json", 1, [1, 0], None, at(second));
        }
        let silent = |seconds: i64| -> Vec<String> {
            let statuses = registry.statuses(at(seconds));
            statuses.into_iter().filter(|status| status.silent).map(|status| status.name).collect()
        };
        assert!(silent(100).is_empty());
        assert_eq!(silent(1_000), ["busy", "never"]);
        assert_eq!(silent(4 * 3_600 + 7 * 3_600), ["busy", "hourly", "never"]);
    }

    #[test]
    fn drops_keep_their_reason() {
        let registry = SourceRegistry::new();
        registry.dropped("udp", Drop::QueueFull, 5);
        registry.dropped("udp", Drop::Oversize, 1);
        assert_eq!(registry.drops("udp"), [(Drop::QueueFull, 5), (Drop::Oversize, 1)]);
        assert_eq!(registry.statuses(at(0))[0].dropped, 6);
    }
}
