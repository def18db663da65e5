//! A time of day as it is said on the radio, and the instant that it means.

use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use kernel::{Span, Timestamp};

/// A clock may be ahead of ours by so much before its time is taken as yesterday's.
const AHEAD_US: i64 = 120_000_000;

/// `1425`, `14:25`, `1425z`.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSaid {
    /// 0 to 23.
    pub hour: i8,
    /// 0 to 59.
    pub minute: i8,
    pub utc: bool,
    pub span: Span,
}

impl TimeSaid {
    /// Reads `1425`, `14:25` and both with `z`. `None`: it does not look like a time of day.
    pub fn read(text: &str, span: Span) -> Option<TimeSaid> {
        let (digits, utc) = match text.strip_suffix(['z', 'Z']) {
            Some(digits) => (digits, true),
            None => (text, false),
        };
        let (hour, minute) = match digits.split_once(':') {
            Some((hour, minute)) if (1..=2).contains(&hour.len()) && minute.len() == 2 => (hour, minute),
            None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
            _ => return None,
        };
        let number =
            |text: &str| text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse::<i8>().ok()).flatten();
        let (hour, minute) = (number(hour)?, number(minute)?);
        ((0..24).contains(&hour) && (0..60).contains(&minute)).then_some(TimeSaid { hour, minute, utc, span })
    }

    /// The latest such instant that is not in the future.
    ///
    /// # Errors
    /// When clocks were put forward past it on that day, so that it never was.
    pub fn instant(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, String> {
        let zone = if self.utc { &TimeZone::UTC } else { zone };
        let today = local(now, zone).date();
        let mut date = today;
        for _ in 0..2 {
            let at = self.on(date, zone)?;
            if at.micros() <= now.micros() + AHEAD_US {
                return Ok(at);
            }
            date = date.yesterday().map_err(|error| error.to_string())?;
        }
        self.on(date, zone)
    }

    fn on(self, date: Date, zone: &TimeZone) -> Result<Timestamp, String> {
        let civil = date.at(self.hour, self.minute, 0, 0);
        let ambiguous = zone.to_ambiguous_timestamp(civil);
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => {
                return Err(format!("clocks were put forward: there was no {} on {date}", self.text()));
            }
            // The hour came twice; the first is taken, so that nothing seems fresher than it is.
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier(),
        };
        instant.map(|instant| Timestamp(instant.as_microsecond())).map_err(|error| error.to_string())
    }

    /// `14:25`, `14:25z`.
    pub fn text(self) -> String {
        format!("{:02}:{:02}{}", self.hour, self.minute, if self.utc { "z" } else { "" })
    }
}

/// Date and time of day in a zone.
pub(crate) fn local(at: Timestamp, zone: &TimeZone) -> DateTime {
    let instant = jiff::Timestamp::from_microsecond(at.micros()).unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    zone.to_datetime(instant)
}

/// `14:25 (05:25z)`, with the date where it is not that of `now`.
pub(crate) fn both(at: Timestamp, now: Timestamp, zone: &TimeZone) -> String {
    let (there, here, utc) = (local(at, zone), local(now, zone), local(at, &TimeZone::UTC));
    let date = if there.date() == here.date() { String::new() } else { format!("{} ", there.date()) };
    let utc = format!("{:02}:{:02}z", utc.hour(), utc.minute());
    if *zone == TimeZone::UTC {
        return format!("{date}{utc}");
    }
    format!("{date}{:02}:{:02} ({utc})", there.hour(), there.minute())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// What is said, when, where; the instant that is meant.
    fn check(said: &str, now: &str, zone: &str, meant: Result<&str, &str>) {
        let time = TimeSaid::read(said, Span::default()).unwrap_or_else(|| panic!("{said} is a time"));
        let got = time.instant(now.parse().unwrap(), &TimeZone::get(zone).unwrap());
        match meant {
            Ok(meant) => assert_eq!(got, Ok(meant.parse().unwrap()), "{said} at {now} in {zone}"),
            Err(problem) => assert!(got.as_ref().is_err_and(|error| error.contains(problem)), "{said}: {got:?}"),
        }
    }

    #[test]
    fn a_time_is_the_latest_that_is_not_in_the_future() {
        check("1425", "2026-11-21T05:30:00Z", "Asia/Dili", Ok("2026-11-21T05:25:00Z"));
        check("14:25", "2026-11-21T05:24:00Z", "Asia/Dili", Ok("2026-11-21T05:25:00Z"));
        check("1425", "2026-11-21T05:00:00Z", "Asia/Dili", Ok("2026-11-20T05:25:00Z"));
        check("2350", "2026-11-21T15:05:00Z", "Asia/Dili", Ok("2026-11-21T14:50:00Z"));
        check("0525z", "2026-11-21T05:30:00Z", "Asia/Dili", Ok("2026-11-21T05:25:00Z"));
    }

    #[test]
    fn clocks_that_were_put_forward_or_back() {
        check("0230", "2026-03-29T02:00:00Z", "Europe/Paris", Err("no 02:30 on 2026-03-29"));
        check("0230", "2026-10-25T06:00:00Z", "Europe/Paris", Ok("2026-10-25T00:30:00Z"));
        check("0330", "2026-10-25T06:00:00Z", "Europe/Paris", Ok("2026-10-25T02:30:00Z"));
    }

    #[test]
    fn other_words_are_no_times() {
        for text in ["2460", "1460", "14:5", "142", "14250", "1a25", "+125", "٣٣٣٣", ":", "1:00:00", "z", ""] {
            assert_eq!(TimeSaid::read(text, Span::default()), None, "{text}");
        }
    }
}
