//! Times as sources write them.
//!
//! The hot path is ISO 8601 in ASCII, read without a library; everything else goes through `jiff`.

use jiff::civil::{Date, DateTime};
use jiff::tz::TimeZone;
use kernel::Timestamp;

use crate::error::IntakeError;

/// The zone in which a source writes times that carry no offset.
#[derive(Debug, Clone, Default, PartialEq)]
pub struct SourceZone(Option<TimeZone>);

impl SourceZone {
    /// A zone by its IANA name (`Africa/Nairobi`).
    pub fn named(name: &str) -> Result<SourceZone, IntakeError> {
        TimeZone::get(name).map(|zone| SourceZone(Some(zone))).map_err(|_| IntakeError::Unknown {
            kind: "time zone",
            value: name.chars().take(64).collect(),
            known: "IANA names such as UTC, Europe/Paris, Africa/Nairobi".to_owned(),
        })
    }

    /// The instant at which a clock on the wall of this zone shows `local`; in the hour that repeats in autumn, the
    /// first; in the hour that is skipped in spring, as if it had not been.
    fn instant(&self, local: DateTime) -> Option<Timestamp> {
        let zone = self.0.clone().unwrap_or(TimeZone::UTC);
        zone.to_timestamp(local).ok().map(|instant| Timestamp(instant.as_microsecond()))
    }
}

/// A time that was read, or why it was not.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Moment {
    At(Timestamp),
    /// Outside of what KQL can name; the nearest instant that it can.
    Clamped(Timestamp),
    Unreadable,
}

impl Moment {
    /// The instant, when there is one.
    pub(crate) fn instant(self) -> Option<Timestamp> {
        match self {
            Moment::At(at) | Moment::Clamped(at) => Some(at),
            Moment::Unreadable => None,
        }
    }

    fn of(instant: Option<Timestamp>) -> Moment {
        instant.map_or(Moment::Unreadable, Moment::At)
    }
}

/// Reads an instant: ISO 8601 with or without offset, seconds or milliseconds since 1970, RFC 2822, FILETIME in hex.
pub(crate) fn parse(text: &str, zone: &SourceZone) -> Moment {
    let text = text.trim();
    match iso(text.as_bytes(), zone) {
        Some(moment) => moment,
        None => epoch(text).unwrap_or_else(|| slow(text, zone)),
    }
}

/// `2026-11-21[T ]08:15:00[.123456789][Z|+01:00|+0100]`, also a bare date.
fn iso(text: &[u8], zone: &SourceZone) -> Option<Moment> {
    let date = text.get(..10)?;
    if date[4] != b'-' || date[7] != b'-' {
        return None;
    }
    let (year, month, day) = (digits(&date[..4])?, digits(&date[5..7])?, digits(&date[8..])?);
    if text.len() == 10 {
        return Some(civil(year, month, day, [0; 4], zone, Offset::None));
    }
    let clock = text.get(10..19)?;
    if !matches!(clock[0], b'T' | b't' | b' ') || clock[3] != b':' || clock[6] != b':' {
        return None;
    }
    let (hour, minute, second) = (digits(&clock[1..3])?, digits(&clock[4..6])?, digits(&clock[7..])?);
    let (micros, rest) = fraction(&text[19..]);
    let offset = offset(rest)?;
    Some(civil(year, month, day, [hour, minute, second, micros], zone, offset))
}

fn digits(text: &[u8]) -> Option<i64> {
    text.iter().try_fold(0, |sum, byte| byte.is_ascii_digit().then(|| sum * 10 + i64::from(byte - b'0')))
}

/// Microseconds of `.123456789…`, and what follows.
fn fraction(text: &[u8]) -> (i64, &[u8]) {
    let Some(rest) = text.strip_prefix(b".").or_else(|| text.strip_prefix(b",")) else { return (0, text) };
    let end = rest.iter().position(|byte| !byte.is_ascii_digit()).unwrap_or(rest.len());
    let mut micros = 0;
    for place in 0..6 {
        micros = micros * 10 + rest[..end].get(place).map_or(0, |byte| i64::from(byte - b'0'));
    }
    (micros, &rest[end..])
}

enum Offset {
    None,
    /// Seconds east of Greenwich.
    East(i64),
}

fn offset(text: &[u8]) -> Option<Offset> {
    let text = text.strip_prefix(b" ").unwrap_or(text);
    match text {
        [] => Some(Offset::None),
        b"Z" | b"z" | b"UTC" | b"GMT" => Some(Offset::East(0)),
        [sign @ (b'+' | b'-'), rest @ ..] => {
            let (hours, minutes) = match rest {
                [h1, h2] => (digits(&[*h1, *h2])?, 0),
                [h1, h2, m1, m2] | [h1, h2, b':', m1, m2] => (digits(&[*h1, *h2])?, digits(&[*m1, *m2])?),
                _ => return None,
            };
            let east = (hours * 60 + minutes) * 60;
            Some(Offset::East(if *sign == b'-' { -east } else { east }))
        }
        _ => None,
    }
}

fn civil(year: i64, month: i64, day: i64, clock: [i64; 4], zone: &SourceZone, offset: Offset) -> Moment {
    let [hour, minute, second, micros] = clock;
    let valid_clock = hour < 24 && minute < 60 && second <= 60;
    let (Ok(year), Ok(month), Ok(day)) = (i16::try_from(year), i8::try_from(month), i8::try_from(day)) else {
        return Moment::Unreadable;
    };
    let Some(date) = Date::new(year, month, day).ok().filter(|_| valid_clock) else { return Moment::Unreadable };
    let in_day = (hour * 3_600 + minute * 60 + second) * 1_000_000 + micros;
    let local = days_from_civil(year.into(), month.into(), day.into()) * 86_400_000_000 + in_day;
    match (offset, &zone.0) {
        (Offset::East(seconds), _) => in_range(local - seconds * 1_000_000),
        (Offset::None, None) => in_range(local),
        (Offset::None, Some(_)) => Moment::of(zone.instant(date.at(
            i8::try_from(hour).unwrap_or(0),
            i8::try_from(minute).unwrap_or(0),
            i8::try_from(second.min(59)).unwrap_or(0),
            i32::try_from(micros * 1_000).unwrap_or(0),
        ))),
    }
}

/// Days since 1970-01-01 (Howard Hinnant's algorithm).
fn days_from_civil(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * (month + if month > 2 { -3 } else { 9 }) + 2) / 5 + day - 1;
    let day_of_era = year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year;
    era * 146_097 + day_of_era - 719_468
}

/// Holds microseconds since 1970 within what KQL can name.
pub(crate) fn in_range(micros: i64) -> Moment {
    let clamped = micros.clamp(Timestamp::MIN.0, Timestamp::MAX.0);
    if clamped == micros { Moment::At(Timestamp(micros)) } else { Moment::Clamped(Timestamp(clamped)) }
}

/// Seconds (with or without fraction), milliseconds, microseconds or nanoseconds since 1970, by magnitude.
fn epoch(text: &str) -> Option<Moment> {
    let (whole, rest) = text.split_once('.').unwrap_or((text, ""));
    if !(9..=19).contains(&whole.len()) || !whole.bytes().chain(rest.bytes()).all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    let value: i64 = whole.parse().ok()?;
    let micros = match whole.len() {
        9..=11 => value.checked_mul(1_000_000)? + fraction(&text.as_bytes()[whole.len()..]).0,
        12..=14 => value.checked_mul(1_000)?,
        15..=17 => value,
        _ => value / 1_000,
    };
    Some(in_range(micros))
}

/// What is rare enough to be slow: RFC 2822, jiff's own forms, `11/21/2026 08:15:00 AM`.
fn slow(text: &str, zone: &SourceZone) -> Moment {
    if let Ok(instant) = text.parse::<jiff::Timestamp>() {
        return in_range(instant.as_microsecond());
    }
    if let Ok(zoned) = jiff::fmt::rfc2822::parse(text) {
        return in_range(zoned.timestamp().as_microsecond());
    }
    const LOCAL: [&str; 5] = [
        "%m/%d/%Y %I:%M:%S %p",
        "%m/%d/%Y, %I:%M:%S %p",
        "%m/%d/%Y %H:%M:%S",
        "%Y/%m/%d %H:%M:%S",
        "%d/%b/%Y:%H:%M:%S",
    ];
    for format in LOCAL {
        if let Ok(local) = DateTime::strptime(format, text) {
            return Moment::of(zone.instant(local));
        }
    }
    match jiff::Timestamp::strptime("%d/%b/%Y:%H:%M:%S %z", text) {
        Ok(instant) => in_range(instant.as_microsecond()),
        Err(_) => Moment::Unreadable,
    }
}

/// `Nov 21 2026 08:15:00` of CEF, with an optional fraction and zone name that is not read.
pub(crate) fn cef(text: &str, zone: &SourceZone) -> Moment {
    let text = text.get(..20).unwrap_or(text);
    DateTime::strptime("%b %d %Y %H:%M:%S", text).map_or(Moment::Unreadable, |local| Moment::of(zone.instant(local)))
}

/// `Nov 21 08:15:00` of RFC 3164: the year is the one that brings it nearest to the time of receipt, so that a
/// message of 31 December that arrives on 1 January is a second old and not a year ahead.
pub(crate) fn without_year(text: &str, received: Timestamp, zone: &SourceZone) -> Option<Timestamp> {
    let zone_year: i64 = received.date_text().get(..4)?.parse().ok()?;
    (zone_year - 1..=zone_year + 1)
        .filter_map(|year| {
            let local = DateTime::strptime("%Y %b %d %H:%M:%S", format!("{year} {text}")).ok()?;
            zone.instant(local)
        })
        .min_by_key(|at| at.micros().abs_diff(received.micros()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, expected: &str) {
        let found = parse(text, &SourceZone::default()).instant().map(|at| at.to_string());
        assert_eq!(found.as_deref().unwrap_or("unreadable"), expected, "{text}");
    }

    #[test]
    fn times_as_sources_write_them() {
        check("2023-09-05T09:51:51.566Z", "2023-09-05T09:51:51.566000Z");
        check("2020-10-18 10:56:18.799", "2020-10-18T10:56:18.799000Z");
        check("2023-09-06T04:50:44.4232715Z", "2023-09-06T04:50:44.423271Z");
        check("2026-01-01T00:30:00+01:00", "2025-12-31T23:30:00.000000Z");
        check("2026-01-01T00:30:00+0530", "2025-12-31T19:00:00.000000Z");
        check("2026-11-21", "2026-11-21T00:00:00.000000Z");
        check("1652292621.986", "2022-05-11T18:10:21.986000Z");
        check("1652292621986", "2022-05-11T18:10:21.986000Z");
        check("Sat, 21 Nov 2026 08:15:00 GMT", "2026-11-21T08:15:00.000000Z");
        check("21/Nov/2026:08:15:00 +0100", "2026-11-21T07:15:00.000000Z");
        check("11/21/2026 08:15:00 PM", "2026-11-21T20:15:00.000000Z");
        check("2026-02-30T00:00:00Z", "unreadable");
        check("2026-11-21T25:00:00Z", "unreadable");
        check("yesterday", "unreadable");
        check("", "unreadable");
    }

    #[test]
    fn ends_of_time_are_held() {
        check("0001-01-01T00:00:00Z", "0001-01-01T00:00:00.000000Z");
        check("9999-12-31T23:59:59.9999999Z", "9999-12-31T23:59:59.999999Z");
        let before = parse("0001-01-01T00:00:00+14:00", &SourceZone::default());
        assert_eq!(before, Moment::Clamped(Timestamp::MIN));
        let after = parse("9999-12-31T23:59:59-01:00", &SourceZone::default());
        assert_eq!(after, Moment::Clamped(Timestamp::MAX));
    }

    #[test]
    fn a_local_time_is_read_in_its_zone() {
        let nairobi = SourceZone::named("Africa/Nairobi").unwrap();
        let at = parse("2026-11-21 08:15:00", &nairobi).instant().unwrap();
        assert_eq!(at.to_string(), "2026-11-21T05:15:00.000000Z");
        assert!(SourceZone::named("Mars/Olympus").is_err());
    }

    #[test]
    fn the_year_that_syslog_omits() {
        let check = |text: &str, received: &str, expected: &str| {
            let at = without_year(text, received.parse().unwrap(), &SourceZone::default());
            assert_eq!(at.map(|at| at.to_string()).as_deref(), Some(expected), "{text} received {received}");
        };
        check("Dec 31 23:59:59", "2027-01-01T00:00:01Z", "2026-12-31T23:59:59.000000Z");
        check("Jan  1 00:00:01", "2026-12-31T23:59:59Z", "2027-01-01T00:00:01.000000Z");
        check("Feb 29 12:00:00", "2028-03-01T00:00:00Z", "2028-02-29T12:00:00.000000Z");
    }
}
