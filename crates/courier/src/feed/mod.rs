//! Feeds of trackers and satellite messengers, each a pure function from bytes to what they say.

pub mod inreach;
pub mod iridium;
pub mod meshtastic;
pub mod nmea;
pub mod osmand;
pub mod owntracks;
pub mod webhook;

use kernel::Timestamp;

/// Instants as devices write them: seconds or milliseconds since 1970, ISO 8601, or `2026-11-30 14:25:00` in UTC.
pub(crate) fn instant(text: &str) -> Option<Timestamp> {
    let text = text.trim();
    if let Ok(number) = text.parse::<i64>() {
        return of_number(number);
    }
    if let Ok(at) = text.parse::<Timestamp>() {
        return Some(at);
    }
    let civil: jiff::civil::DateTime = text.replace('+', " ").trim().parse().ok()?;
    let zoned = civil.to_zoned(jiff::tz::TimeZone::UTC).ok()?;
    Some(Timestamp(zoned.timestamp().as_microsecond()))
}

/// Seconds, or milliseconds where seconds would be beyond the year 5000.
pub(crate) fn of_number(number: i64) -> Option<Timestamp> {
    let micros = if number.abs() < 100_000_000_000 { number.checked_mul(1_000_000) } else { number.checked_mul(1_000) };
    micros.map(Timestamp).filter(|at| (Timestamp::MIN..=Timestamp::MAX).contains(at))
}

/// A number of JSON, also where it is written as a text.
pub(crate) fn number(value: Option<&serde_json::Value>) -> Option<f64> {
    let value = value?;
    value.as_f64().or_else(|| value.as_str()?.trim().parse().ok()).filter(|number| number.is_finite())
}

/// What devices say in place of "not known": a negative number.
pub(crate) fn not_negative(number: Option<f64>) -> Option<f64> {
    number.filter(|number| *number >= 0.0)
}

/// Degrees clockwise from north.
pub(crate) fn course(number: Option<f64>) -> Option<f64> {
    not_negative(number).map(|degrees| degrees.rem_euclid(360.0))
}

/// A text of JSON, also where it is written as a number.
pub(crate) fn text(value: Option<&serde_json::Value>) -> Option<String> {
    match value? {
        serde_json::Value::String(text) => Some(text.trim().to_owned()).filter(|text| !text.is_empty()),
        serde_json::Value::Number(number) => Some(number.to_string()),
        _ => None,
    }
}
