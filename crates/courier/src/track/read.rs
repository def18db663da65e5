//! Reading tracks. A point that cannot be used is named; the others are taken.

use serde_json::Value as Json;

use crate::arrival::{Item, Position, Reading, on_globe};
use crate::feed::{instant, number, text};
use crate::xml::Element;

const SOURCE: &str = "import";

/// A point as a file has it.
struct Found<'a> {
    device: &'a str,
    label: Option<String>,
    time: Option<&'a str>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    altitude_m: Option<f64>,
}

fn take(found: Found<'_>, at: usize, reading: &mut Reading) {
    let Some((latitude, longitude)) = found.latitude.zip(found.longitude) else {
        reading.note(format!("point {at} has no latitude and longitude"));
        return;
    };
    if let Err(problem) = on_globe(latitude, longitude) {
        reading.note(format!("point {at}: {problem}"));
        return;
    }
    let fix_time = found.time.and_then(instant);
    if fix_time.is_none() {
        reading.note(format!("point {at} has no time: it is a place, not a position"));
        return;
    }
    reading.items.push(Item::Position(Position {
        label: found.label,
        fix_time,
        altitude_m: found.altitude_m,
        ..Position::at(SOURCE, found.device, latitude, longitude)
    }));
}

fn document(device: Option<&str>, bytes: &[u8]) -> Result<(String, Element), String> {
    let device = device.ok_or("say whose track it is: ?device=…")?;
    Ok((device.to_owned(), Element::read(bytes).map_err(|problem| format!("this is not XML: {problem}"))?))
}

fn finish(mut reading: Reading, what: &str) -> Reading {
    if reading.items.is_empty() && reading.findings.is_empty() {
        reading.note(format!("there is no {what} in it"));
    }
    reading
}

/// Reads the track points of a GPX file. Waypoints and routes are places, and said to be.
pub fn read_gpx(device: Option<&str>, bytes: &[u8]) -> Reading {
    let (device, root) = match document(device, bytes) {
        Ok(document) => document,
        Err(problem) => return Reading::only(problem),
    };
    let mut reading = Reading::default();
    let places = root.walk().into_iter().filter(|element| matches!(element.name.as_str(), "wpt" | "rtept")).count();
    if places > 0 {
        reading.note(format!("{places} waypoints are places, not positions; they are left out"));
    }
    let mut at = 0;
    for track in root.all("trk") {
        let label = track.said("name").map(str::to_owned);
        for point in track.all("trkseg").flat_map(|segment| segment.all("trkpt")) {
            at += 1;
            let found = Found {
                device: &device,
                label: label.clone(),
                time: point.said("time"),
                latitude: point.number("lat"),
                longitude: point.number("lon"),
                altitude_m: point.said("ele").and_then(|text| text.parse().ok()),
            };
            take(found, at, &mut reading);
        }
    }
    finish(reading, "track point")
}

/// Reads placemarks with a time, and tracks.
pub fn read_kml(device: Option<&str>, bytes: &[u8]) -> Reading {
    let (device, root) = match document(device, bytes) {
        Ok(document) => document,
        Err(problem) => return Reading::only(problem),
    };
    let mut reading = Reading::default();
    let mut at = 0;
    for placemark in root.walk().into_iter().filter(|element| element.name == "Placemark") {
        let label = placemark.said("name").map(str::to_owned);
        if let Some(point) = placemark.child("Point") {
            at += 1;
            let time = placemark.child("TimeStamp").and_then(|stamp| stamp.said("when"));
            let coordinates = point.said("coordinates").unwrap_or_default();
            take(of_coordinates(&device, label.clone(), time, coordinates, ','), at, &mut reading);
        }
        for track in placemark.walk().into_iter().filter(|element| element.name == "Track") {
            let times: Vec<&str> = track.all("when").map(|when| when.text.as_str()).collect();
            for (number, coordinates) in track.all("coord").enumerate() {
                at += 1;
                let time = times.get(number).copied();
                take(of_coordinates(&device, label.clone(), time, &coordinates.text, ' '), at, &mut reading);
            }
        }
        if placemark.child("LineString").is_some() || placemark.child("Polygon").is_some() {
            reading.note("a line or an area has no times: it is no track");
        }
    }
    finish(reading, "placemark")
}

fn of_coordinates<'a>(
    device: &'a str,
    label: Option<String>,
    time: Option<&'a str>,
    text: &str,
    by: char,
) -> Found<'a> {
    let mut numbers = text.split(by).map(|part| part.trim().parse::<f64>().ok().filter(|number| number.is_finite()));
    let longitude = numbers.next().flatten();
    let latitude = numbers.next().flatten();
    Found { device, label, time, latitude, longitude, altitude_m: numbers.next().flatten() }
}

/// Reads features: points with the property `time`, lines with `coordTimes`.
pub fn read_geojson(device: Option<&str>, bytes: &[u8]) -> Reading {
    let json: Json = match serde_json::from_slice(bytes) {
        Ok(json) => json,
        Err(error) => return Reading::only(format!("this is not JSON: {error}")),
    };
    let mut reading = Reading::default();
    let alone = [json.clone()];
    let features = json.get("features").and_then(Json::as_array).map_or(&alone[..], Vec::as_slice);
    let mut at = 0;
    for feature in features {
        read_feature(device, feature, &mut at, &mut reading);
    }
    finish(reading, "feature")
}

fn read_feature(device: Option<&str>, feature: &Json, at: &mut usize, reading: &mut Reading) {
    let property = |name: &str| feature.get("properties").and_then(|properties| properties.get(name));
    let Some(device) = text(property("device")).or_else(|| device.map(str::to_owned)) else {
        reading.note("a feature has no property `device`, and the request names none: ?device=…");
        return;
    };
    let label = text(property("name"));
    let coordinates = feature.pointer("/geometry/coordinates").unwrap_or(&Json::Null);
    let one = |coordinates: &Json, time: Option<&str>, at: usize, reading: &mut Reading| {
        let part = |index: usize| number(coordinates.get(index));
        let (longitude, latitude, altitude_m) = (part(0), part(1), part(2));
        take(Found { device: &device, label: label.clone(), time, latitude, longitude, altitude_m }, at, reading);
    };
    match feature.pointer("/geometry/type").and_then(Json::as_str) {
        Some("Point") => {
            *at += 1;
            let time = property("time").or_else(|| property("timestamp"));
            one(coordinates, text(time).as_deref(), *at, reading);
        }
        Some("LineString") => {
            let times = property("coordTimes").or_else(|| property("times")).and_then(Json::as_array);
            for (number, point) in coordinates.as_array().map(Vec::as_slice).unwrap_or_default().iter().enumerate() {
                *at += 1;
                let time = times.and_then(|times| text(times.get(number)));
                one(point, time.as_deref(), *at, reading);
            }
        }
        Some(other) => reading.note(format!("a feature of type `{other}` is no track")),
        None => reading.note("a feature has no geometry"),
    }
}
