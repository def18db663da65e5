//! Instants and spans: parts, starts and ends of periods, differences, construction, Unix time.

use kernel::Value;

use super::strings::{number, text};
use super::{Entry, rows, strict};
use crate::query::calendar::{Civil, DAY, HOUR, LAST, MINUTE, SECOND, day_of_week, days_in_month};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("datetime_list_timezones", |_| {
        let zones = jiff::tz::db().available().map(|zone| zone.as_str().to_owned());
        let zones: std::collections::BTreeSet<String> = zones.collect();
        Value::Dynamic(zones.into_iter().collect())
    }),
    strict("datetime_part", |args| instant(&args[1]).map_or(Value::Null, |ticks| part(text(args, 0), ticks))),
    strict("getyear", |args| of(args, |civil| civil.year)),
    strict("getmonth", |args| of(args, |civil| civil.month)),
    strict("monthofyear", |args| of(args, |civil| civil.month)),
    strict("dayofmonth", |args| of(args, |civil| civil.day)),
    strict("dayofyear", |args| of(args, Civil::day_of_year)),
    strict("hourofday", |args| of(args, |civil| civil.time / HOUR)),
    strict("week_of_year", |args| of(args, Civil::iso_week)),
    strict("weekofyear", |args| of(args, Civil::iso_week)),
    strict("dayofweek", |args| instant(&args[0]).map_or(Value::Null, |at| Value::TimeSpan(day_of_week(at) * DAY))),
    strict("startofday", |args| period(args, Period::Day, false)),
    strict("startofweek", |args| period(args, Period::Week, false)),
    strict("startofmonth", |args| period(args, Period::Month, false)),
    strict("startofyear", |args| period(args, Period::Year, false)),
    strict("endofday", |args| period(args, Period::Day, true)),
    strict("endofweek", |args| period(args, Period::Week, true)),
    strict("endofmonth", |args| period(args, Period::Month, true)),
    strict("endofyear", |args| period(args, Period::Year, true)),
    strict("datetime_add", |args| match (number(args, 1), instant(&args[2])) {
        (Some(amount), Some(at)) => dated(add(text(args, 0), amount, at)),
        _ => Value::Null,
    }),
    strict("datetime_diff", |args| match (instant(&args[1]), instant(&args[2])) {
        (Some(left), Some(right)) => difference(text(args, 0), left, right).map_or(Value::Null, Value::Long),
        _ => Value::Null,
    }),
    strict("make_datetime", make_datetime),
    strict("make_timespan", make_timespan),
    strict("unixtime_seconds_todatetime", |args| unix(args, SECOND as f64)),
    strict("unixtime_milliseconds_todatetime", |args| unix(args, 10_000.0)),
    strict("unixtime_microseconds_todatetime", |args| unix(args, 10.0)),
    strict("unixtime_nanoseconds_todatetime", |args| unix(args, 0.01)),
    rows("datetime_utc_to_local", |args| zoned(args, true)),
    rows("datetime_local_to_utc", |args| zoned(args, false)),
];

/// The ticks of a datetime.
fn instant(value: &Value) -> Option<i64> {
    match value {
        Value::DateTime(ticks) => Some(*ticks),
        Value::TimeSpan(ticks) => Some(*ticks),
        _ => None,
    }
}

/// A datetime, if it lies in years 1 to 9999.
fn dated(ticks: Option<i64>) -> Value {
    ticks.filter(|ticks| (0..=LAST).contains(ticks)).map_or(Value::Null, Value::DateTime)
}

fn of(args: &[Value], part: fn(Civil) -> i64) -> Value {
    instant(&args[0]).map_or(Value::Null, |ticks| Value::Long(part(Civil::of(ticks))))
}

fn part(name: &str, ticks: i64) -> Value {
    let civil = Civil::of(ticks);
    let fraction = civil.time % SECOND;
    Value::Long(match name.to_ascii_lowercase().as_str() {
        "year" => civil.year,
        "quarter" => (civil.month - 1) / 3 + 1,
        "month" => civil.month,
        "week_of_year" | "weekofyear" | "week" => civil.iso_week(),
        "day" => civil.day,
        "dayofyear" => civil.day_of_year(),
        "hour" => civil.time / HOUR,
        "minute" => civil.time / MINUTE % 60,
        "second" => civil.time / SECOND % 60,
        "millisecond" => fraction / 10_000,
        "microsecond" => fraction / 10,
        "nanosecond" => fraction * 100,
        _ => return Value::Null,
    })
}

#[derive(Debug, Clone, Copy)]
enum Period {
    Day,
    Week,
    Month,
    Year,
}

/// The first (or last) tick of the period that holds the instant, moved by a number of periods.
fn period(args: &[Value], period: Period, end: bool) -> Value {
    let (Some(at), offset) = (instant(&args[0]), number(args, 1).unwrap_or(0)) else { return Value::Null };
    let start = |offset: i64| -> Option<i64> {
        let day = at - at.rem_euclid(DAY);
        match period {
            Period::Day => day.checked_add(offset.checked_mul(DAY)?),
            Period::Week => (day - day_of_week(at) * DAY).checked_add(offset.checked_mul(7 * DAY)?),
            Period::Month => Civil { day: 1, time: 0, ..Civil::of(at) }.plus_months(offset),
            Period::Year => Civil { day: 1, month: 1, time: 0, ..Civil::of(at) }.plus_months(offset.checked_mul(12)?),
        }
    };
    if !end {
        return dated(start(offset));
    }
    match start(offset.saturating_add(1)) {
        Some(next) => dated(Some(next - 1)),
        // The period after the last one of the calendar does not exist.
        None => start(offset).map_or(Value::Null, |_| Value::DateTime(LAST)),
    }
}

fn add(unit: &str, amount: i64, at: i64) -> Option<i64> {
    let months = |count: i64| Civil::of(at).plus_months(amount.checked_mul(count)?);
    let ticks = |unit: i64| at.checked_add(amount.checked_mul(unit)?);
    match unit.to_ascii_lowercase().as_str() {
        "year" => months(12),
        "quarter" => months(3),
        "month" => months(1),
        "week" => ticks(7 * DAY),
        "day" => ticks(DAY),
        "hour" => ticks(HOUR),
        "minute" => ticks(MINUTE),
        "second" => ticks(SECOND),
        "millisecond" => ticks(10_000),
        "microsecond" => ticks(10),
        "nanosecond" => at.checked_add(amount / 100),
        _ => None,
    }
}

/// Boundaries of `unit` crossed from `right` to `left`.
fn difference(unit: &str, left: i64, right: i64) -> Option<i64> {
    let months = |ticks: i64| {
        let civil = Civil::of(ticks);
        civil.year * 12 + civil.month - 1
    };
    let ticks = |unit: i64| left.div_euclid(unit) - right.div_euclid(unit);
    Some(match unit.to_ascii_lowercase().as_str() {
        "year" => Civil::of(left).year - Civil::of(right).year,
        "quarter" => months(left).div_euclid(3) - months(right).div_euclid(3),
        "month" => months(left) - months(right),
        // Weeks start on Sunday; the first day of the calendar is a Monday.
        "week" => (left + DAY).div_euclid(7 * DAY) - (right + DAY).div_euclid(7 * DAY),
        "day" => ticks(DAY),
        "hour" => ticks(HOUR),
        "minute" => ticks(MINUTE),
        "second" => ticks(SECOND),
        "millisecond" => ticks(10_000),
        "microsecond" => ticks(10),
        "nanosecond" => (left - right).checked_mul(100)?,
        _ => return None,
    })
}

/// `make_datetime(text)` or `(year, month, day[, hour, minute, second])`.
fn make_datetime(args: &[Value]) -> Value {
    if let [Value::String(_)] = args {
        return convert::convert(&args[0], kernel::ScalarType::DateTime);
    }
    let at = |index: usize, absent: i64| if index < args.len() { number(args, index) } else { Some(absent) };
    let seconds = if args.len() > 5 { convert::to_real(&args[5]) } else { Some(0.0) };
    let (Some(year), Some(month), Some(day), Some(hour), Some(minute), Some(second)) =
        (at(0, 1), at(1, 1), at(2, 1), at(3, 0), at(4, 0), seconds)
    else {
        return Value::Null;
    };
    if !(0..24).contains(&hour) || !(0..60).contains(&minute) || !(0.0..60.0).contains(&second) {
        return Value::Null;
    }
    if !(1..=12).contains(&month) || day > days_in_month(year, month) {
        return Value::Null;
    }
    let time = hour * HOUR + minute * MINUTE + (second * SECOND as f64).round() as i64;
    dated(Civil { year, month, day, time }.ticks())
}

/// `make_timespan([days, ]hours, minutes[, seconds])`.
fn make_timespan(args: &[Value]) -> Value {
    if let [Value::String(_)] = args {
        return convert::convert(&args[0], kernel::ScalarType::TimeSpan);
    }
    let (days, rest) = if args.len() == 4 { (number(args, 0), &args[1..]) } else { (Some(0), args) };
    let seconds = rest.get(2).map_or(Some(0.0), convert::to_real);
    let (Some(days), Some(hours), Some(minutes), Some(seconds)) = (days, number(rest, 0), number(rest, 1), seconds)
    else {
        return Value::Null;
    };
    if !(0..24).contains(&hours) || !(0..60).contains(&minutes) || !(0.0..60.0).contains(&seconds) {
        return Value::Null;
    }
    Value::TimeSpan(days * DAY + hours * HOUR + minutes * MINUTE + (seconds * SECOND as f64).round() as i64)
}

fn unix(args: &[Value], ticks_per_unit: f64) -> Value {
    let epoch = kernel::time::UNIX_EPOCH_TICKS;
    match &args[0] {
        Value::Int(_) | Value::Long(_) => {
            let ticks = number(args, 0).and_then(|count| {
                if ticks_per_unit >= 1.0 {
                    count.checked_mul(ticks_per_unit as i64)
                } else {
                    Some(count.div_euclid(100))
                }
            });
            dated(ticks.and_then(|ticks| ticks.checked_add(epoch)))
        }
        other => match convert::to_real(other) {
            Some(count) if (count * ticks_per_unit).abs() < 4e18 => {
                dated(((count * ticks_per_unit).round() as i64).checked_add(epoch))
            }
            _ => Value::Null,
        },
    }
}

/// To (or from) the wall clock of a zone of the IANA database.
fn zoned(args: &[Value], to_local: bool) -> Value {
    let [Value::DateTime(ticks), Value::String(zone)] = args else { return Value::Null };
    let Ok(zone) = jiff::tz::TimeZone::get(zone) else { return Value::Null };
    let epoch = kernel::time::UNIX_EPOCH_TICKS;
    let seconds = (ticks - epoch).div_euclid(SECOND);
    let Ok(instant) = jiff::Timestamp::from_second(seconds) else { return Value::Null };
    let offset = if to_local {
        zone.to_offset(instant).seconds()
    } else {
        let civil = jiff::tz::TimeZone::UTC.to_datetime(instant);
        match zone.to_ambiguous_timestamp(civil).earlier() {
            Ok(resolved) => return dated(Some(resolved.as_second() * SECOND + epoch + ticks.rem_euclid(SECOND))),
            Err(_) => return Value::Null,
        }
    };
    dated(ticks.checked_add(i64::from(offset) * SECOND))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::query::calendar::parse_datetime;

    fn check(unit: &str, left: &str, right: &str, expected: i64) {
        let (left_at, right_at) = (parse_datetime(left).unwrap(), parse_datetime(right).unwrap());
        assert_eq!(difference(unit, left_at, right_at), Some(expected), "{unit} {left} {right}");
    }

    #[test]
    fn differences_count_boundaries() {
        check("second", "2017-10-30 23:00:10.1", "2017-10-30 23:00:00.9", 10);
        check("week", "2000-11-08", "2000-11-01", 1);
        check("week", "2000-11-05", "2000-11-04", 1);
        check("year", "2017-01-01", "2000-12-31", 17);
        check("quarter", "2017-01-01", "2016-12-31", 1);
    }
}
