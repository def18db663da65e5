//! Ticks (100 ns since 0001-01-01) to and from the proleptic Gregorian calendar, and the texts of time.

/// Ticks in a second.
pub const SECOND: i64 = 10_000_000;
/// Ticks in a minute.
pub const MINUTE: i64 = 60 * SECOND;
/// Ticks in an hour.
pub const HOUR: i64 = 60 * MINUTE;
/// Ticks in a day.
pub const DAY: i64 = 24 * HOUR;
/// The last tick of the year 9999.
pub const LAST: i64 = 3_155_378_975_999_999_999;
/// Days from 0001-01-01 to 1970-01-01.
const EPOCH_DAYS: i64 = 719_162;

/// An instant taken apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Civil {
    pub year: i64,
    pub month: i64,
    pub day: i64,
    /// Ticks since midnight.
    pub time: i64,
}

impl Civil {
    /// Takes `ticks` apart.
    pub fn of(ticks: i64) -> Civil {
        let (year, month, day) = date_of(ticks.div_euclid(DAY));
        Civil { year, month, day, time: ticks.rem_euclid(DAY) }
    }

    /// Back to ticks; `None` when the date does not exist or lies outside years 1 to 9999.
    pub fn ticks(self) -> Option<i64> {
        let in_range = (1..=9999).contains(&self.year) && (1..=12).contains(&self.month);
        if !in_range || self.day < 1 || self.day > days_in_month(self.year, self.month) {
            return None;
        }
        Some(days_of(self.year, self.month, self.day) * DAY + self.time)
    }

    /// 1 for 1 January.
    pub fn day_of_year(self) -> i64 {
        days_of(self.year, self.month, self.day) - days_of(self.year, 1, 1) + 1
    }

    /// `months` later (earlier when negative), the day cut to the length of the month.
    pub fn plus_months(self, months: i64) -> Option<i64> {
        let count = self.year * 12 + self.month - 1 + months;
        let (year, month) = (count.div_euclid(12), count.rem_euclid(12) + 1);
        Civil { year, month, day: self.day.min(days_in_month(year, month)), time: self.time }.ticks()
    }

    /// ISO 8601 week of the year.
    pub fn iso_week(self) -> i64 {
        let days = days_of(self.year, self.month, self.day);
        let monday_based = days.rem_euclid(7);
        let thursday = date_of(days - monday_based + 3);
        let first = days_of(thursday.0, 1, 1);
        (days - monday_based + 3 - first) / 7 + 1
    }
}

/// 0 for Sunday.
pub fn day_of_week(ticks: i64) -> i64 {
    (ticks.div_euclid(DAY) + 1).rem_euclid(7)
}

/// The length of a month.
pub fn days_in_month(year: i64, month: i64) -> i64 {
    match month {
        2 if year % 4 == 0 && (year % 100 != 0 || year % 400 == 0) => 29,
        2 => 28,
        4 | 6 | 9 | 11 => 30,
        _ => 31,
    }
}

/// Days since 0001-01-01.
fn days_of(year: i64, month: i64, day: i64) -> i64 {
    let year = if month <= 2 { year - 1 } else { year };
    let era = year.div_euclid(400);
    let year_of_era = year.rem_euclid(400);
    let day_of_year = (153 * ((month + 9) % 12) + 2) / 5 + day - 1;
    era * 146_097 + year_of_era * 365 + year_of_era / 4 - year_of_era / 100 + day_of_year - 719_468 + EPOCH_DAYS
}

fn date_of(days: i64) -> (i64, i64, i64) {
    let shifted = days - EPOCH_DAYS + 719_468;
    let era = shifted.div_euclid(146_097);
    let day_of_era = shifted.rem_euclid(146_097);
    let year_of_era = (day_of_era - day_of_era / 1_460 + day_of_era / 36_524 - day_of_era / 146_096) / 365;
    let day_of_year = day_of_era - (365 * year_of_era + year_of_era / 4 - year_of_era / 100);
    let shifted_month = (5 * day_of_year + 2) / 153;
    let day = day_of_year - (153 * shifted_month + 2) / 5 + 1;
    let month = if shifted_month < 10 { shifted_month + 3 } else { shifted_month - 9 };
    (year_of_era + era * 400 + i64::from(month <= 2), month, day)
}

/// Reads an instant: ISO 8601 with or without time, offset and fraction, RFC 1123, `MM/dd/yyyy HH:mm:ss`.
pub fn parse_datetime(text: &str) -> Option<i64> {
    let text = text.trim();
    let bytes = text.as_bytes();
    if bytes.len() >= 5 && bytes[..4].iter().all(u8::is_ascii_digit) && matches!(bytes[4], b'-' | b'/') {
        return parse_iso(text);
    }
    if bytes.len() == 8 && bytes.iter().all(u8::is_ascii_digit) {
        let number = |range: std::ops::Range<usize>| text[range].parse().ok();
        return Civil { year: number(0..4)?, month: number(4..6)?, day: number(6..8)?, time: 0 }.ticks();
    }
    if bytes.len() == 4 && bytes.iter().all(u8::is_ascii_digit) {
        return Civil { year: text.parse().ok()?, month: 1, day: 1, time: 0 }.ticks();
    }
    parse_american(text).or_else(|| parse_named_month(text))
}

fn parse_iso(text: &str) -> Option<i64> {
    let separator = text.as_bytes()[4] as char;
    let split = text.find(['T', 't', ' ']).unwrap_or(text.len());
    let mut date = text[..split].split(separator);
    let mut number = || date.next().map_or(Some(1), |part| digits(part, 4));
    let (year, month, day) = (number()?, number()?, number()?);
    let rest = text.get(split + 1..).unwrap_or_default();
    let (time, offset) = parse_time(rest.trim())?;
    Civil { year, month, day, time: 0 }
        .ticks()?
        .checked_add(time)?
        .checked_sub(offset)
        .filter(|at| (0..=LAST).contains(at))
}

fn digits(text: &str, most: usize) -> Option<i64> {
    let good = !text.is_empty() && text.len() <= most && text.bytes().all(|byte| byte.is_ascii_digit());
    if good { text.parse().ok() } else { None }
}

/// `HH:mm[:ss[.fffffff]] [AM|PM] [Z|GMT|+hh:mm]` as ticks of the day and of the offset.
fn parse_time(text: &str) -> Option<(i64, i64)> {
    if text.is_empty() {
        return Some((0, 0));
    }
    let upper = text.to_ascii_uppercase();
    let mut rest = upper.as_str();
    let mut offset = 0;
    if let Some(body) = ["UTC", "GMT", "Z"].iter().find_map(|zone| rest.strip_suffix(zone)) {
        rest = body.trim_end();
    } else if let Some(at) = rest.rfind(['+', '-']) {
        let zone = rest[at + 1..].replace(':', "");
        let hours = digits(zone.get(..2)?, 2)?;
        let minutes = zone.get(2..).filter(|text| !text.is_empty()).map_or(Some(0), |text| digits(text, 2))?;
        offset = (hours * HOUR + minutes * MINUTE) * if rest.as_bytes()[at] == b'-' { -1 } else { 1 };
        rest = rest[..at].trim_end();
    }
    let half = ["AM", "PM"].iter().position(|half| rest.ends_with(half));
    if half.is_some() {
        rest = rest[..rest.len() - 2].trim_end();
    }
    let (clock, fraction) = rest.split_once('.').unwrap_or((rest, ""));
    let mut parts = clock.split(':');
    let mut hour = digits(parts.next()?, 2)?;
    let minute = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    let second = parts.next().map_or(Some(0), |part| digits(part, 2))?;
    match half {
        Some(0) if hour == 12 => hour = 0,
        Some(1) if hour < 12 => hour += 12,
        _ => {}
    }
    if parts.next().is_some() || hour > 23 || minute > 59 || second > 59 {
        return None;
    }
    Some((hour * HOUR + minute * MINUTE + second * SECOND + parse_fraction(fraction)?, offset))
}

fn parse_fraction(text: &str) -> Option<i64> {
    if !text.bytes().all(|byte| byte.is_ascii_digit()) {
        return None;
    }
    format!("{:0<7}", &text[..text.len().min(7)]).parse().ok()
}

fn parse_american(text: &str) -> Option<i64> {
    let split = text.find(' ').unwrap_or(text.len());
    // Between hyphens only a whole year tells that the month comes first.
    let hyphens = !text[..split].contains('/');
    let mut date = text[..split].split(if hyphens { '-' } else { '/' });
    let (month, day) = (digits(date.next()?, 2)?, digits(date.next()?, 2)?);
    let year = digits(date.next().filter(|year| !hyphens || year.len() == 4)?, 4)?;
    let (time, offset) = parse_time(text[split..].trim())?;
    Some(Civil { year, month, day, time: 0 }.ticks()? + time - offset)
}

/// English month names, in order.
pub const MONTHS: [&str; 12] = [
    "January",
    "February",
    "March",
    "April",
    "May",
    "June",
    "July",
    "August",
    "September",
    "October",
    "November",
    "December",
];

/// `Sat, 08 Nov 2014 15:05:02 GMT`, `08 Nov 14 15:05`, `November 8, 2014`.
fn parse_named_month(text: &str) -> Option<i64> {
    let cleaned = text.replace(',', " ");
    let mut words: Vec<&str> = cleaned.split_whitespace().collect();
    if words
        .first()
        .is_some_and(|word| word.len() >= 3 && word.to_ascii_lowercase().ends_with("day") || is_weekday(word))
    {
        words.remove(0);
    }
    let at = words.iter().take(2).position(|word| month_named(word).is_some())?;
    let month = month_named(words[at])?;
    let (day, year) = if at == 0 { (words.get(1)?, words.get(2)?) } else { (&words[0], words.get(2)?) };
    let mut year_number = digits(year, 4)?;
    if year.len() == 2 {
        year_number += if year_number < 50 { 2000 } else { 1900 };
    }
    let (time, offset) = parse_time(&words.get(3..).unwrap_or_default().join(" "))?;
    Some(Civil { year: year_number, month, day: digits(day, 2)?, time: 0 }.ticks()? + time - offset)
}

fn is_weekday(word: &str) -> bool {
    ["mon", "tue", "wed", "thu", "fri", "sat", "sun"].contains(&word.to_ascii_lowercase().as_str())
}

fn month_named(word: &str) -> Option<i64> {
    let at = MONTHS
        .iter()
        .position(|name| word.eq_ignore_ascii_case(name) || word.len() == 3 && word.eq_ignore_ascii_case(&name[..3]))?;
    i64::try_from(at + 1).ok()
}

/// Reads a timespan: `[-][d.]hh:mm[:ss[.fffffff]]`, a number of days, or a number with a KQL unit (`2h`, `5 min`).
pub fn parse_timespan(text: &str) -> Option<i64> {
    let text = text.trim();
    let (sign, body) = match text.strip_prefix('-') {
        Some(rest) => (-1, rest),
        None => (1, text),
    };
    if !body.contains(':') {
        return unit_timespan(body).map(|ticks| sign * ticks);
    }
    let (first, rest) = body.split_once(':')?;
    let (days, hours) = first.split_once('.').unwrap_or(("0", first));
    let (days, hours) = (digits(days, 8)?, digits(hours, 2)?);
    let (minutes, seconds) = rest.split_once(':').unwrap_or((rest, "0"));
    let (seconds, fraction) = seconds.split_once('.').unwrap_or((seconds, ""));
    let (minutes, seconds) = (digits(minutes, 2)?, digits(seconds, 2)?);
    if hours > 23 || minutes > 59 || seconds > 59 {
        return None;
    }
    let fraction = parse_fraction(fraction)?;
    Some(sign * (days * DAY + hours * HOUR + minutes * MINUTE + seconds * SECOND + fraction))
}

fn unit_timespan(text: &str) -> Option<i64> {
    let split = text.find(|c: char| !c.is_ascii_digit() && c != '.').unwrap_or(text.len());
    let number: f64 = text[..split].parse().ok()?;
    let unit = match text[split..].trim() {
        "" | "d" | "day" | "days" => DAY,
        "h" | "hr" | "hour" | "hours" => HOUR,
        "m" | "min" | "minute" | "minutes" => MINUTE,
        "s" | "sec" | "second" | "seconds" => SECOND,
        "ms" | "milli" | "millis" | "millisecond" | "milliseconds" => SECOND / 1_000,
        "micro" | "micros" | "microsecond" | "microseconds" => 10,
        "tick" | "ticks" => 1,
        _ => return None,
    };
    let ticks = number * unit as f64;
    (ticks.abs() < 9.2e18).then_some(ticks.round() as i64)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(text: &str, printed: &str) {
        assert_eq!(parse_datetime(text).map(kernel::value::datetime_text).as_deref(), Some(printed), "{text}");
    }

    #[test]
    fn instants_in_every_documented_spelling() {
        check("2014-05-25T08:20:03.123456Z", "2014-05-25T08:20:03.1234560Z");
        check("2014-05-25 08:20", "2014-05-25T08:20:00.0000000Z");
        check("2014-11-08 15:05:02.5+02:00", "2014-11-08T13:05:02.5000000Z");
        check("Sat, 08 Nov 2014 15:05:02 GMT", "2014-11-08T15:05:02.0000000Z");
        check("08 Nov 14 15:05", "2014-11-08T15:05:00.0000000Z");
        check("12/31/2022 5:04:09 PM", "2022-12-31T17:04:09.0000000Z");
        check("20221231", "2022-12-31T00:00:00.0000000Z");
        assert_eq!(parse_datetime("yesterday"), None);
        assert_eq!(parse_datetime("2023-02-29"), None);
    }

    #[test]
    fn every_tenth_day_of_the_calendar_round_trips() {
        for day in (0..=3_652_058).step_by(10) {
            assert_eq!(Civil::of(day * DAY + 7).ticks(), Some(day * DAY + 7));
        }
        assert_eq!(Civil::of(LAST), Civil { year: 9999, month: 12, day: 31, time: DAY - 1 });
        assert_eq!(Civil::of(0), Civil { year: 1, month: 1, day: 1, time: 0 });
    }

    #[test]
    fn timespans() {
        assert_eq!(parse_timespan("1.02:03:04.5"), Some(DAY + 2 * HOUR + 3 * MINUTE + 45_000_000));
        assert_eq!(parse_timespan("-00:00:01"), Some(-SECOND));
        assert_eq!(parse_timespan("2h"), Some(2 * HOUR));
        assert_eq!(parse_timespan("x"), None);
    }
}
