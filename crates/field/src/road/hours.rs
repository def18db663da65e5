//! Opening hours: `24/7`, `Mo-Fr 08:00-17:00; Sa 09:00-12:00`, `Mo-Su 18:00-06:00` over midnight. Pure.

use jiff::civil::{Time, Weekday};
use jiff::tz::TimeZone;
use kernel::Timestamp;

use crate::line::local;

const DAYS: [&str; 7] = ["Mo", "Tu", "We", "Th", "Fr", "Sa", "Su"];

/// When something is open.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Hours(Vec<Span>);

/// Days, from and until. Ends before it begins: on the next day.
#[derive(Debug, Clone, PartialEq, Eq)]
struct Span {
    days: [bool; 7],
    from: Time,
    until: Time,
}

impl Hours {
    /// Reads them.
    ///
    /// # Errors
    /// The part that cannot be read, and how it is written.
    pub fn parse(text: &str) -> Result<Hours, String> {
        if text.trim() == "24/7" {
            let span = Span { days: [true; 7], from: Time::midnight(), until: Time::midnight() };
            return Ok(Hours(vec![span]));
        }
        let spans = text.split(';').map(str::trim).filter(|part| !part.is_empty()).map(span);
        let spans: Vec<Span> = spans.collect::<Result<_, _>>()?;
        if spans.is_empty() {
            return Err("it says nothing; write `24/7` or `Mo-Fr 08:00-17:00; Sa 09:00-12:00`".to_owned());
        }
        Ok(Hours(spans))
    }

    /// Whether it is open at an instant in a zone.
    pub fn is_open(&self, at: Timestamp, zone: &TimeZone) -> bool {
        let there = local(at, zone);
        let today = day(there.weekday());
        let yesterday = (today + 6) % 7;
        let now = there.time();
        self.0.iter().any(|span| {
            if span.from == span.until {
                span.days[today]
            } else if span.from < span.until {
                span.days[today] && span.from <= now && now < span.until
            } else {
                (span.days[today] && span.from <= now) || (span.days[yesterday] && now < span.until)
            }
        })
    }
}

fn day(weekday: Weekday) -> usize {
    usize::try_from(weekday.to_monday_zero_offset()).unwrap_or(0)
}

fn span(text: &str) -> Result<Span, String> {
    let refuse = || format!("`{text}` cannot be read; write it as `Mo-Fr 08:00-17:00`");
    let (names, times) = text.split_once(' ').ok_or_else(refuse)?;
    let named = |name: &str| DAYS.iter().position(|known| known.eq_ignore_ascii_case(name.trim()));
    let mut days = [false; 7];
    for part in names.split(',') {
        let (from, to) = part.split_once('-').unwrap_or((part, part));
        let (from, to) = (named(from).ok_or_else(refuse)?, named(to).ok_or_else(refuse)?);
        let mut at = from;
        days[at] = true;
        while at != to {
            at = (at + 1) % 7;
            days[at] = true;
        }
    }
    let (from, until) = times.trim().split_once('-').ok_or_else(refuse)?;
    let time = |text: &str| -> Option<Time> {
        let (hour, minute) = text.trim().split_once(':')?;
        Time::new(hour.parse().ok()?, minute.parse().ok()?, 0, 0).ok()
    };
    // Midnight at the end of a day is written 24:00.
    let until = if until.trim() == "24:00" { Some(Time::midnight()) } else { time(until) };
    Ok(Span { days, from: time(from).ok_or_else(refuse)?, until: until.ok_or_else(refuse)? })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(hours: &str, at: &str, open: bool) {
        let zone = TimeZone::get("Asia/Dili").unwrap();
        assert_eq!(Hours::parse(hours).unwrap().is_open(at.parse().unwrap(), &zone), open, "{hours} at {at}");
    }

    #[test]
    fn hours_are_those_of_the_place() {
        // A Saturday, 14:00 in Dili.
        check("24/7", "2026-11-21T05:00:00Z", true);
        check("Mo-Fr 08:00-17:00", "2026-11-21T05:00:00Z", false);
        check("Mo-Fr 08:00-17:00; Sa 09:00-15:00", "2026-11-21T05:00:00Z", true);
        check("Mo-Fr 08:00-17:00; Sa 09:00-14:00", "2026-11-21T05:00:00Z", false);
        check("Fr 22:00-06:00", "2026-11-20T20:00:00Z", true);
        check("Sa 22:00-06:00", "2026-11-20T20:00:00Z", false);
        check("Sa-Mo,We 00:00-24:00", "2026-11-21T05:00:00Z", true);
    }

    #[test]
    fn what_cannot_be_read_is_said() {
        for wrong in ["", "always", "Mo 8-17", "Xx 08:00-17:00", "Mo-Fr 25:00-26:00", "Mo-Fr"] {
            assert!(Hours::parse(wrong).is_err(), "{wrong}");
        }
    }
}
