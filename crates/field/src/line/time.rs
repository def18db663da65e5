//! A time of day as it is said on the radio or written on paper, and the instant that it means.

use crate::speech::{Sentence, say};
use jiff::civil::{Date, DateTime};
use jiff::tz::{AmbiguousOffset, TimeZone};
use kernel::{Span, Timestamp};

use super::day::DaySaid;
use super::statement::Word;

/// A clock may be ahead of ours by so much before its time is taken as yesterday's.
const AHEAD_US: i64 = 120_000_000;

/// A time of day as it is said, on the day that is said with it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct TimeSaid {
    pub day: DaySaid,
    /// 0 to 23.
    pub hour: i8,
    /// 0 to 59.
    pub minute: i8,
    pub utc: bool,
    pub span: Span,
}

impl TimeSaid {
    /// Reads a time of day and the day that stands before or after it, where a text begins with them: `1425`, `14:25z`,
    /// `14h25`, `29/11 1425`, `1425 yesterday`, `29/1425`, `291425Z NOV 26`, `2026-11-29T14:25`. Gives how many words they are.
    pub fn read(words: &[Word]) -> Option<(TimeSaid, usize)> {
        let first = words.first()?;
        let bare = plain(&first.text);
        let (time, count) = stamp(&bare)
            .map(|time| (time, 1))
            .or_else(|| date_time_group(&bare, words))
            .or_else(|| {
                let (day, lead) = DaySaid::read(words)?;
                let at = usize::from(words.get(lead).is_some_and(|word| word.text.eq_ignore_ascii_case("at")));
                let (time, count) = of_day(words.get(lead + at..)?)?;
                Some((TimeSaid { day, ..time }, lead + at + count))
            })
            .or_else(|| {
                let (time, count) = of_day(words)?;
                let (day, more) = DaySaid::read(words.get(count..)?).unwrap_or((DaySaid::Unsaid, 0));
                Some((TimeSaid { day, ..time }, count + more))
            })?;
        let span = first.span.to(words.get(count - 1)?.span);
        Some((TimeSaid { span, ..time }, count))
    }

    /// The instant: on the day that is said; without one the latest such time that is not in the future.
    ///
    /// # Errors
    /// When clocks were put forward past it on that day, so that it never was; when it lies ahead.
    pub fn instant(self, now: Timestamp, zone: &TimeZone) -> Result<Timestamp, Sentence> {
        let zone = if self.utc { &TimeZone::UTC } else { zone };
        let today = local(now, zone).date();
        let is_past = |at: Timestamp| at.micros() <= now.micros() + AHEAD_US;
        if self.day == DaySaid::Unsaid {
            let at = self.on(today, zone)?;
            return if is_past(at) { Ok(at) } else { self.on(today.yesterday().unwrap_or(today), zone) };
        }
        for date in self.day.candidates(today) {
            let at = self.on(date, zone)?;
            if is_past(at) {
                return Ok(at);
            }
        }
        Err(say!("{time} lies in the future", time = self.text()))
    }

    fn on(self, date: Date, zone: &TimeZone) -> Result<Timestamp, Sentence> {
        let civil = date.at(self.hour, self.minute, 0, 0);
        let ambiguous = zone.to_ambiguous_timestamp(civil);
        let instant = match ambiguous.offset() {
            AmbiguousOffset::Gap { .. } => {
                return Err(say!(
                    "clocks were put forward: there was no {time} on {date}",
                    time = self.text(),
                    date = date.to_string()
                ));
            }
            // The hour came twice; the first is taken, so that nothing seems fresher than it is.
            AmbiguousOffset::Unambiguous { .. } | AmbiguousOffset::Fold { .. } => ambiguous.earlier(),
        };
        instant.map(|instant| Timestamp(instant.as_microsecond())).map_err(|error| error.to_string().into())
    }

    /// `14:25`, `14:25z`.
    pub fn text(self) -> String {
        format!("{:02}:{:02}{}", self.hour, self.minute, if self.utc { "z" } else { "" })
    }
}

/// Whether a word looks like a time of day, or a date, that none is: `2560`, `14:75`, `31/02`. Whoever wrote it meant one.
pub(super) fn looks_like_time(word: &str) -> bool {
    let plain = plain(word);
    let digits = |text: &str, least: usize, most: usize| {
        (least..=most).contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_digit())
    };
    let four = digits(plain.strip_suffix('z').unwrap_or(&plain), 4, 4);
    let parted = |mark: char| {
        plain.split_once(mark).is_some_and(|(hour, minute)| {
            digits(hour, 1, 2) && digits(minute.strip_suffix('z').unwrap_or(minute), 2, 2)
        })
    };
    four || parted(':') || parted('h') || looks_like_date(&plain)
}

/// The same of a date alone.
pub(super) fn looks_like_date(plain: &str) -> bool {
    let by = |mark: char| {
        let parts: Vec<&str> = plain.split(mark).collect();
        let numbers = parts.iter().all(|part| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit()));
        numbers && (parts.len() == 3 || (mark == '/' && parts.len() == 2 && plain.len() >= 4))
    };
    by('/') || by('-') || by('.')
}

/// Small letters and western digits, without what closes a sentence.
pub(super) fn plain(word: &str) -> String {
    let western = |c: char| match c {
        '٠'..='٩' => char::from_digit(c as u32 - '٠' as u32, 10).unwrap_or(c),
        '۰'..='۹' => char::from_digit(c as u32 - '۰' as u32, 10).unwrap_or(c),
        other => other,
    };
    word.trim_end_matches([',', '.', ';', '،', '؛']).to_lowercase().chars().map(western).collect()
}

/// `1425`, `14:25`, `14h25`, each with `z` behind it, or `hrs`, `local`, `utc` as a word of its own.
fn of_day(words: &[Word]) -> Option<(TimeSaid, usize)> {
    let bare = plain(&words.first()?.text);
    let (digits, mut utc) = match bare.strip_suffix('z') {
        Some(digits) => (digits, true),
        None => (bare.strip_suffix("hrs").or(bare.strip_suffix('h')).unwrap_or(&bare), false),
    };
    let (hour, minute) = match digits.split_once([':', 'h']) {
        Some((hour, minute)) if (1..=2).contains(&hour.len()) && minute.len() == 2 => (hour, minute),
        None if digits.len() == 4 && digits.is_ascii() => digits.split_at(2),
        _ => return None,
    };
    let mut count = 1;
    match words.get(1).map(|word| plain(&word.text)).as_deref() {
        Some("z" | "utc" | "gmt") => (utc, count) = (true, 2),
        Some("hrs" | "local") => count = 2,
        _ => {}
    }
    Some((TimeSaid { day: DaySaid::Unsaid, ..time(hour, minute, utc)? }, count))
}

fn time(hour: &str, minute: &str, utc: bool) -> Option<TimeSaid> {
    let (hour, minute) = (number(hour)?, number(minute)?);
    let is_one = (0..24).contains(&hour) && (0..60).contains(&minute);
    is_one.then_some(TimeSaid { day: DaySaid::Unsaid, hour, minute, utc, span: Span::default() })
}

pub(super) fn number(text: &str) -> Option<i8> {
    text.bytes().all(|byte| byte.is_ascii_digit()).then(|| text.parse().ok()).flatten()
}

/// `2026-11-29T14:25`, with seconds, `Z` or an offset (ISO 8601).
fn stamp(bare: &str) -> Option<TimeSaid> {
    let (date, clock) = bare.split_once('t')?;
    if let Ok(instant) = bare.to_uppercase().parse::<jiff::Timestamp>() {
        let there = TimeZone::UTC.to_datetime(instant);
        let (hour, minute) = (there.hour(), there.minute());
        return Some(TimeSaid { day: DaySaid::On(there.date()), hour, minute, utc: true, span: Span::default() });
    }
    let civil: DateTime = format!("{date}T{clock}").parse().ok()?;
    let (hour, minute) = (civil.hour(), civil.minute());
    (date.len() == 10).then_some(TimeSaid {
        day: DaySaid::On(civil.date()),
        hour,
        minute,
        utc: false,
        span: Span::default(),
    })
}

/// `291425Z NOV 26`, `291425z`, `29/1425`: day of the month and time, with month and year behind them or without.
fn date_time_group(bare: &str, words: &[Word]) -> Option<(TimeSaid, usize)> {
    let (day, clock, joined) = match bare.split_once('/') {
        Some((day, clock)) => (day, clock.to_owned(), ""),
        None if bare.is_char_boundary(6) && bare.len() > 6 => {
            let (group, rest) = bare.split_at(6);
            let rest = rest.strip_prefix('z')?;
            (group.get(..2)?, format!("{}z", group.get(2..)?), rest)
        }
        None => return None,
    };
    let digits = clock.strip_suffix('z').unwrap_or(&clock);
    if digits.len() != 4 || !digits.is_ascii() || !(1..=2).contains(&day.len()) {
        return None;
    }
    let said = time(&digits[..2], &digits[2..], clock.ends_with('z'))?;
    let day = number(day).filter(|day| (1..=31).contains(day))?;
    let behind = |from: usize| words.get(from..).unwrap_or_default();
    let (day, count) = if joined.is_empty() {
        let month = words.get(1).map(|word| plain(&word.text)).unwrap_or_default();
        DaySaid::month_and_year(day, &month, behind(2), 2).unwrap_or((DaySaid::OfMonth(day), 1))
    } else {
        DaySaid::month_and_year(day, joined, behind(1), 1)?
    };
    Some((TimeSaid { day, ..said }, count))
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

    fn words(said: &str) -> Vec<Word> {
        said.split(' ').map(|text| Word { text: text.to_owned(), span: Span::default() }).collect()
    }

    /// What is said, when, where; the instant that is meant.
    fn check(said: &str, now: &str, zone: &str, meant: Result<&str, &str>) {
        let words = words(said);
        let (time, count) = TimeSaid::read(&words).unwrap_or_else(|| panic!("{said} is a time"));
        assert_eq!(count, words.len(), "{said} is read as a whole");
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
        check("29/03/2026 0230", "2026-11-21T05:30:00Z", "Europe/Paris", Err("no 02:30 on 2026-03-29"));
    }

    #[test]
    fn times_as_rooms_write_them() {
        for said in ["14:25", "14h25", "14H25", "1425hrs", "1425 hrs", "1425h", "1425.", "1425 local", "١٤٢٥", "۱۴:۲۵"]
        {
            check(said, "2026-11-21T05:30:00Z", "Asia/Dili", Ok("2026-11-21T05:25:00Z"));
        }
        for said in ["0525Z", "05:25z", "0525 utc", "0525 Z"] {
            check(said, "2026-11-21T05:30:00Z", "Asia/Dili", Ok("2026-11-21T05:25:00Z"));
        }
    }

    #[test]
    fn a_day_that_is_said_is_the_day() {
        let two_days_ago = [
            "29/11 1425",
            "1425 29/11",
            "29/11/2026 1425",
            "29/11/26 14:25",
            "29.11.2026 1425",
            "29-11-2026 1425",
            "2026-11-29 1425",
            "1425 2026-11-29",
            "2026-11-29T14:25",
            "2026-11-29T05:25:00Z",
            "2026-11-29T14:25:00+09:00",
            "29/1425",
            "29/0525z",
            "290525Z",
            "290525Z NOV",
            "290525Z NOV 26",
            "290525ZNOV26",
            "290525z nov 2026",
            "29 nov 1425",
            "29nov26 1425",
            "29 novembre 1425",
            "29/11 at 1425",
            "٢٩/١١ ١٤٢٥",
        ];
        for said in two_days_ago {
            check(said, "2026-12-01T05:30:00Z", "Asia/Dili", Ok("2026-11-29T05:25:00Z"));
        }
        for said in
            ["yesterday 1425", "1425 yesterday", "hier 14h25", "ayer 1425", "ontem 14:25", "أمس ١٤٢٥", "horiseik 1425"]
        {
            check(said, "2026-12-01T05:00:00Z", "Asia/Dili", Ok("2026-11-30T05:25:00Z"));
        }
        check("today 1425", "2026-12-01T05:30:00Z", "Asia/Dili", Ok("2026-12-01T05:25:00Z"));
    }

    #[test]
    fn a_day_without_its_month_or_year_is_the_latest_such_day() {
        check("29/1425", "2026-12-01T05:30:00Z", "Asia/Dili", Ok("2026-11-29T05:25:00Z"));
        check("31/1425", "2026-12-01T05:30:00Z", "Asia/Dili", Ok("2026-10-31T05:25:00Z"));
        check("31/12 1425", "2027-01-02T05:30:00Z", "Asia/Dili", Ok("2026-12-31T05:25:00Z"));
        check("29/02 1425", "2026-12-01T05:30:00Z", "Asia/Dili", Err("lies in the future"));
    }

    #[test]
    fn what_lies_ahead_is_no_time_of_what_happened() {
        for said in ["2026-12-02 1425", "03/12 1425", "today 1700", "021425Z DEC 26"] {
            check(said, "2026-12-01T05:30:00Z", "Asia/Dili", Err("lies in the future"));
        }
    }

    #[test]
    fn other_words_are_no_times() {
        let others = [
            "2460",
            "1460",
            "14:5",
            "142",
            "14250",
            "1a25",
            "+125",
            "٣٣٣٣",
            ":",
            "1:00:00",
            "z",
            "",
            "1/2",
            "yesterday",
            "29/11",
            "31/02 1425",
            "29/13 1425",
            "291425",
            "991425z",
            "2026-11-29",
            "29 market 1425",
            "éé1425z",
            "12345éz",
        ];
        for said in others {
            assert_eq!(TimeSaid::read(&words(said)), None, "{said}");
        }
        for (said, looks) in [
            ("9999", true),
            ("2560", true),
            ("14:75", true),
            ("25h10", true),
            ("31/02", true),
            ("29.11.26", true),
            ("2560z", true),
            ("12", false),
            ("bf12", false),
            ("1/2", false),
            ("-8.55", false),
            ("12345", false),
            ("", false),
        ] {
            assert_eq!(looks_like_time(said), looks, "{said}");
        }
    }
}
