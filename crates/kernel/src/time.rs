//! Instants and the clock port.

use std::fmt;
use std::str::FromStr;

use jiff::SignedDuration;
use jiff::civil::DateTime;
use serde::{Deserialize, Serialize};

/// 1970-01-01T00:00:00.
const EPOCH: DateTime = DateTime::constant(1970, 1, 1, 0, 0, 0, 0);

/// An instant: microseconds since 1970-01-01T00:00:00Z.
///
/// This is the resolution of the state database (BIGINT) and of Delta Lake timestamps. KQL's 100 ns ticks
/// ([`ticks`](Timestamp::ticks)) exist only inside queries.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash, Default, Serialize, Deserialize)]
#[serde(transparent)]
pub struct Timestamp(pub i64);

/// Ticks (100 ns) between 0001-01-01 and 1970-01-01.
pub const UNIX_EPOCH_TICKS: i64 = 621_355_968_000_000_000;

impl Timestamp {
    /// 0001-01-01T00:00:00Z, the first instant that KQL can name.
    pub const MIN: Timestamp = Timestamp(-62_135_596_800_000_000);
    /// 9999-12-31T23:59:59.999999Z, the last instant that KQL can name, cut to microseconds.
    pub const MAX: Timestamp = Timestamp(253_402_300_799_999_999);

    /// Microseconds since 1970.
    pub const fn micros(self) -> i64 {
        self.0
    }

    /// KQL ticks: 100 ns since 0001-01-01.
    pub const fn ticks(self) -> i64 {
        self.0 * 10 + UNIX_EPOCH_TICKS
    }

    /// From KQL ticks, rounding towards the past.
    pub const fn from_ticks(ticks: i64) -> Timestamp {
        Timestamp((ticks - UNIX_EPOCH_TICKS).div_euclid(10))
    }

    /// Later by `micros` (earlier when negative), held within [`MIN`](Self::MIN)..=[`MAX`](Self::MAX).
    pub fn plus_micros(self, micros: i64) -> Timestamp {
        Timestamp(self.0.saturating_add(micros).clamp(Self::MIN.0, Self::MAX.0))
    }

    /// Days since 1970-01-01, rounding towards the past: the partition of the lake.
    pub const fn epoch_day(self) -> i64 {
        self.0.div_euclid(86_400_000_000)
    }

    /// `2026-11-21` for the day of this instant in UTC.
    pub fn date_text(self) -> String {
        self.to_string()[..10].to_owned()
    }

    /// Date and time of day in UTC. By civil time, because `jiff`'s own instants end a day before ours.
    fn civil(self) -> DateTime {
        let held = self.0.clamp(Self::MIN.0, Self::MAX.0);
        EPOCH.checked_add(SignedDuration::from_micros(held)).unwrap_or(EPOCH)
    }
}

/// ISO 8601 in UTC with six decimals: `2026-11-21T08:15:00.000000Z`.
impl fmt::Display for Timestamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let civil = self.civil();
        write!(
            f,
            "{:04}-{:02}-{:02}T{:02}:{:02}:{:02}.{:06}Z",
            civil.year(),
            civil.month(),
            civil.day(),
            civil.hour(),
            civil.minute(),
            civil.second(),
            civil.subsec_nanosecond() / 1_000
        )
    }
}

/// The text is not an instant of ISO 8601 / RFC 3339 with an offset.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("`{text}` is not an instant; write it as 2026-11-21T08:15:00Z")]
pub struct NotAnInstant {
    /// What was given, cut to 64 characters.
    pub text: String,
}

impl FromStr for Timestamp {
    type Err = NotAnInstant;

    fn from_str(text: &str) -> Result<Timestamp, NotAnInstant> {
        let trimmed = text.trim();
        match trimmed.parse::<jiff::Timestamp>() {
            Ok(instant) => Ok(Timestamp(instant.as_microsecond())),
            Err(_) => last_day(trimmed).ok_or_else(|| NotAnInstant { text: text.chars().take(64).collect() }),
        }
    }
}

/// An instant in UTC that `jiff`'s own instants do not reach.
fn last_day(text: &str) -> Option<Timestamp> {
    let civil: DateTime = text.strip_suffix(['Z', 'z'])?.parse().ok()?;
    let micros = civil.duration_since(EPOCH).as_micros();
    i64::try_from(micros).ok().map(|micros| Timestamp(micros.min(Timestamp::MAX.0)))
}

/// Where the time comes from. Production reads the machine; tests turn it by hand.
pub trait Clock: Send + Sync {
    /// What the wall clock says. It can jump in either direction.
    fn now(&self) -> Timestamp;
    /// Microseconds on a clock that never goes back while the process lives.
    fn monotonic_us(&self) -> u64;
    /// Microseconds since the machine was switched on, those included in which it slept. `None` where the system does
    /// not tell: then nobody knows a sleep from a wall clock that was set.
    fn since_boot_us(&self) -> Option<u64> {
        None
    }
}

/// The machine's clocks.
#[derive(Debug)]
pub struct SystemClock {
    start: std::time::Instant,
}

impl SystemClock {
    /// Starts the monotonic clock at zero.
    #[expect(clippy::disallowed_methods, reason = "this is the one place where the monotonic clock is read")]
    pub fn new() -> SystemClock {
        SystemClock { start: std::time::Instant::now() }
    }
}

impl Default for SystemClock {
    fn default() -> SystemClock {
        SystemClock::new()
    }
}

impl Clock for SystemClock {
    /// Linux alone tells (`proc_uptime(5)`: seconds, to the hundredth).
    fn since_boot_us(&self) -> Option<u64> {
        let uptime = std::fs::read_to_string("/proc/uptime").ok()?;
        let seconds: f64 = uptime.split_whitespace().next()?.parse().ok()?;
        Some((seconds * 1e6) as u64)
    }

    #[expect(clippy::disallowed_methods, reason = "this is the one place where the wall clock is read")]
    fn now(&self) -> Timestamp {
        let since = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap_or_default();
        Timestamp(i64::try_from(since.as_micros()).unwrap_or(i64::MAX))
    }

    fn monotonic_us(&self) -> u64 {
        u64::try_from(self.start.elapsed().as_micros()).unwrap_or(u64::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trips_over_the_whole_range() {
        for micros in [Timestamp::MIN.0, -1, 0, 1, 1_795_248_000_123_456, Timestamp::MAX.0] {
            let text = Timestamp(micros).to_string();
            assert_eq!(text.parse::<Timestamp>(), Ok(Timestamp(micros)), "{text}");
        }
    }

    #[test]
    fn ticks_round_trip_and_floor() {
        assert_eq!(Timestamp::MIN.ticks(), 0);
        assert_eq!(Timestamp::from_ticks(UNIX_EPOCH_TICKS - 1), Timestamp(-1));
        assert_eq!(Timestamp::from_ticks(Timestamp(42).ticks()), Timestamp(42));
    }
}
