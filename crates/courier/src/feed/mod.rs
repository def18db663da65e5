//! Feeds of trackers and satellite messengers, each a pure function from bytes to what they say.

pub mod inreach;
pub mod iridium;
pub mod meshtastic;
pub mod nmea;
pub mod osmand;
pub mod owntracks;
pub mod webhook;

use kernel::Timestamp;

use crate::arrival::Reading;

/// A format that is delivered over HTTP, under its name.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Feed {
    OsmAnd,
    InReach,
    OwnTracks,
    Meshtastic,
    Webhook,
    Cap,
    Gpx,
    Kml,
    GeoJson,
}

/// What came with a request.
#[derive(Debug, Clone, Copy, Default)]
pub struct FeedRequest<'a> {
    /// Without what served to authenticate.
    pub query: &'a str,
    /// The device that the request itself names, for formats that do not.
    pub device: Option<&'a str>,
    pub body: &'a [u8],
}

impl Feed {
    /// All of them.
    pub const ALL: [Feed; 9] = [
        Feed::OsmAnd,
        Feed::InReach,
        Feed::OwnTracks,
        Feed::Meshtastic,
        Feed::Webhook,
        Feed::Cap,
        Feed::Gpx,
        Feed::Kml,
        Feed::GeoJson,
    ];

    /// The name in the address, and of the channel.
    pub const fn as_str(self) -> &'static str {
        match self {
            Feed::OsmAnd => "osmand",
            Feed::InReach => "inreach",
            Feed::OwnTracks => "owntracks",
            Feed::Meshtastic => "meshtastic",
            Feed::Webhook => "webhook",
            Feed::Cap => "cap",
            Feed::Gpx => "gpx",
            Feed::Kml => "kml",
            Feed::GeoJson => "geojson",
        }
    }

    /// By its name.
    pub fn named(name: &str) -> Option<Feed> {
        Feed::ALL.into_iter().find(|feed| feed.as_str() == name)
    }

    /// Reads a request.
    pub fn read(self, request: FeedRequest<'_>) -> Reading {
        match self {
            Feed::OsmAnd => osmand::read(request.query, request.body),
            Feed::InReach => inreach::read(request.body),
            Feed::OwnTracks => owntracks::read(request.device, request.body),
            Feed::Meshtastic => meshtastic::read(request.body),
            Feed::Webhook => webhook::read(request.body),
            Feed::Cap => crate::cap::read_feed(request.body),
            Feed::Gpx => crate::track::read_gpx(request.device, request.body),
            Feed::Kml => crate::track::read_kml(request.device, request.body),
            Feed::GeoJson => crate::track::read_geojson(request.device, request.body),
        }
    }
}

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
