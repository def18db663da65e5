//! `format_datetime`, `format_timespan`, `format_bytes`.

use kernel::Value;

use super::strings::{number, text};
use super::{Entry, rows, strict};
use crate::query::calendar::{Civil, DAY, HOUR, MINUTE, SECOND};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    strict("format_datetime", |args| match &args[0] {
        Value::DateTime(ticks) => Value::String(format_datetime(*ticks, text(args, 1))),
        _ => Value::Null,
    }),
    strict("format_timespan", |args| match &args[0] {
        Value::TimeSpan(ticks) => Value::String(format_timespan(*ticks, text(args, 1))),
        _ => Value::Null,
    }),
    rows("format_bytes", format_bytes),
];

/// Splits a format into runs of one letter and literal characters.
fn runs(format: &str) -> Vec<(char, usize)> {
    let mut runs: Vec<(char, usize)> = Vec::new();
    for c in format.chars() {
        match runs.last_mut() {
            Some((last, count)) if *last == c && c.is_ascii_alphabetic() => *count += 1,
            _ => runs.push((c, 1)),
        }
    }
    runs
}

/// `number` with at least `width` digits.
fn padded(number: i64, width: usize) -> String {
    format!("{number:0width$}")
}

/// The fraction of a second with `width` digits; `F` drops trailing zeros.
fn fraction(ticks: i64, width: usize, trims: bool) -> String {
    let digits = format!("{:07}", ticks.rem_euclid(SECOND));
    let digits = &digits[..width.min(7)];
    if trims { digits.trim_end_matches('0').to_owned() } else { digits.to_owned() }
}

fn format_datetime(ticks: i64, format: &str) -> String {
    let civil = Civil::of(ticks);
    let hour = civil.time / HOUR;
    let mut result = String::new();
    for (c, count) in runs(format) {
        match c {
            'y' if count <= 2 => result.push_str(&padded(civil.year % 100, count)),
            'y' => result.push_str(&padded(civil.year, count)),
            'M' => result.push_str(&padded(civil.month, count.min(2))),
            'd' => result.push_str(&padded(civil.day, count.min(2))),
            'H' => result.push_str(&padded(hour, count)),
            'h' => result.push_str(&padded(if hour % 12 == 0 { 12 } else { hour % 12 }, count)),
            'm' => result.push_str(&padded(civil.time / MINUTE % 60, count)),
            's' => result.push_str(&padded(civil.time / SECOND % 60, count)),
            'f' | 'F' => result.push_str(&fraction(civil.time, count, c == 'F')),
            't' => result.push_str(&["AM", "PM"][usize::from(hour >= 12)][..count.min(2)]),
            other => result.extend(std::iter::repeat_n(other, count)),
        }
    }
    result
}

fn format_timespan(ticks: i64, format: &str) -> String {
    let size = i64::try_from(ticks.unsigned_abs()).unwrap_or(i64::MAX);
    let mut result = String::new();
    if ticks < 0 {
        result.push('-');
    }
    for (c, count) in runs(format) {
        match c {
            'd' => result.push_str(&padded(size / DAY, count)),
            'H' | 'h' => result.push_str(&padded(size / HOUR % 24, count)),
            'm' => result.push_str(&padded(size / MINUTE % 60, count)),
            's' => result.push_str(&padded(size / SECOND % 60, count)),
            'f' | 'F' => result.push_str(&fraction(size, count, c == 'F')),
            other => result.extend(std::iter::repeat_n(other, count)),
        }
    }
    result
}

/// `format_bytes(size[, digits[, unit]])`.
fn format_bytes(args: &[Value]) -> Value {
    const UNITS: [&str; 7] = ["Bytes", "KB", "MB", "GB", "TB", "PB", "EB"];
    let Some(size) = args.first().and_then(convert::to_real) else { return Value::String(String::new()) };
    let digits = usize::try_from(number(args, 1).unwrap_or(0).clamp(0, 15)).unwrap_or(0);
    let wanted = UNITS.iter().position(|unit| unit.eq_ignore_ascii_case(text(args, 2)));
    let mut scaled = size;
    let mut unit = 0;
    while wanted.map_or(scaled.abs() >= 1_024.0 && unit + 1 < UNITS.len(), |wanted| unit < wanted) {
        scaled /= 1_024.0;
        unit += 1;
    }
    let scale = 10_f64.powi(i32::try_from(digits).unwrap_or(0));
    let rounded = (scaled * scale).round() / scale;
    Value::String(format!("{} {}", convert::real_text(rounded), UNITS[unit]))
}
