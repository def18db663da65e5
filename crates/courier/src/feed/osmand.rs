//! OsmAnd and Traccar Client over HTTP: parameters of a query, or the JSON of newer clients.
//!
//! Source: the documentation of Traccar's protocol `osmand`. Speed of a query is in knots, of JSON in metres per second.

use serde_json::Value as Json;

use super::{course, instant, not_negative, number, text};
use crate::arrival::{Call, Distress, Item, Position, Reading, on_globe};

const SOURCE: &str = "osmand";
const KNOT_MPS: f64 = 1_852.0 / 3_600.0;
/// A device has no more parameters; what is beyond is left out, and said.
const MOST_PARAMETERS: usize = 500;

/// Reads a request: its query, and its body, which is JSON or a form.
pub fn read(query: &str, body: &[u8]) -> Reading {
    let body = String::from_utf8_lossy(body);
    let trimmed = body.trim();
    if trimmed.starts_with(['{', '[']) {
        return match serde_json::from_str::<Json>(trimmed) {
            Ok(json) => read_json(&json),
            Err(error) => Reading::only(format!("the body is not JSON: {error}")),
        };
    }
    let whole = if trimmed.is_empty() { query.to_owned() } else { format!("{query}&{trimmed}") };
    read_query(&whole)
}

#[derive(Default)]
struct Parameters {
    device: Option<String>,
    time: Option<String>,
    latitude: Option<f64>,
    longitude: Option<f64>,
    altitude_m: Option<f64>,
    accuracy_m: Option<f64>,
    speed_knots: Option<f64>,
    course_deg: Option<f64>,
    battery_percent: Option<f64>,
    invalid: bool,
    alarm: Option<String>,
    note: Option<String>,
}

fn read_query(query: &str) -> Reading {
    let mut reading = Reading::default();
    let mut found = Parameters::default();
    for (at, (name, value)) in url::form_urlencoded::parse(query.as_bytes()).enumerate() {
        if at >= MOST_PARAMETERS {
            reading.note(format!("there are more than {MOST_PARAMETERS} parameters; the rest is left out"));
            break;
        }
        take_parameter(&mut found, &name, &value, &mut reading);
    }
    give(found, &mut reading);
    reading
}

fn take_parameter(found: &mut Parameters, name: &str, value: &str, reading: &mut Reading) {
    let mut degrees = |value: &str, what: &str| {
        let parsed = value.trim().parse::<f64>().ok().filter(|number| number.is_finite());
        if parsed.is_none() {
            reading.note(format!("{what}: `{}` is not a number", short(value)));
        }
        parsed
    };
    match name {
        "id" | "deviceid" => found.device = Some(value.trim().to_owned()).filter(|id| !id.is_empty()),
        "timestamp" => found.time = Some(value.to_owned()),
        "lat" => found.latitude = degrees(value, "lat"),
        "lon" => found.longitude = degrees(value, "lon"),
        "location" => {
            if let Some((latitude, longitude)) = value.split_once(',') {
                found.latitude = degrees(latitude, "location");
                found.longitude = degrees(longitude, "location");
            }
        }
        "altitude" => found.altitude_m = degrees(value, "altitude"),
        "accuracy" | "hacc" => found.accuracy_m = degrees(value, name).filter(|metres| *metres > 0.0),
        "speed" => found.speed_knots = degrees(value, "speed"),
        "bearing" | "heading" => found.course_deg = degrees(value, name),
        "batt" => found.battery_percent = degrees(value.trim_end_matches('%'), "batt"),
        "valid" => found.invalid = matches!(value, "false" | "0"),
        "alarm" => found.alarm = Some(value.to_owned()),
        "message" | "note" => found.note = Some(value.to_owned()).filter(|note| !note.trim().is_empty()),
        // Networks around, counters of engines, …: kept in the raw bytes.
        _ => {}
    }
}

fn give(found: Parameters, reading: &mut Reading) {
    let Some(device) = found.device else {
        reading.note("there is no id: set the device identifier in the client");
        return;
    };
    let fix_time = match &found.time {
        None => None,
        Some(text) => {
            let at = instant(text);
            if at.is_none() {
                reading.note(format!("timestamp: `{}` is not an instant; the time of receipt is taken", short(text)));
            }
            at
        }
    };
    let place = found.latitude.zip(found.longitude);
    let mut given = None;
    match place.map(|(latitude, longitude)| (latitude, longitude, on_globe(latitude, longitude))) {
        None => reading.note("there is no lat and lon; nothing to show of it"),
        Some((_, _, Err(problem))) => reading.note(problem),
        Some((latitude, longitude, Ok(()))) => {
            given = Some((latitude, longitude));
            reading.items.push(Item::Position(Position {
                fix_time,
                altitude_m: found.altitude_m,
                accuracy_m: found.accuracy_m,
                speed_mps: not_negative(found.speed_knots).map(|knots| knots * KNOT_MPS),
                course_deg: course(found.course_deg),
                battery_percent: found.battery_percent.filter(|percent| (0.0..=100.0).contains(percent)),
                no_fix: found.invalid,
                ..Position::at(SOURCE, device.clone(), latitude, longitude)
            }));
        }
    }
    if let Some(alarm) = found.alarm.filter(|alarm| alarm.eq_ignore_ascii_case("sos")) {
        reading.items.push(Item::Distress(Distress {
            call: Call::Declare,
            device,
            label: None,
            source: SOURCE,
            code: format!("alarm {alarm}"),
            signalled: fix_time,
            place: given,
            text: found.note,
            exercise: false,
        }));
    }
}

fn read_json(json: &Json) -> Reading {
    let mut reading = Reading::default();
    let device = text(json.get("device_id")).or_else(|| text(json.get("id")));
    let locations = match json.get("location") {
        Some(Json::Array(all)) => all.iter().collect(),
        Some(one) => vec![one],
        None => {
            reading.note("there is no `location`");
            Vec::new()
        }
    };
    for location in locations {
        let coordinates = location.get("coords").unwrap_or(location);
        let coordinate = |name: &str| number(coordinates.get(name));
        let extras = location.get("extras");
        let alarm = text(location.get("alarm")).or_else(|| text(extras.and_then(|extras| extras.get("alarm"))));
        // Clients say -1 for what they do not know.
        let found = Parameters {
            device: device.clone(),
            time: text(location.get("timestamp")),
            latitude: coordinate("latitude"),
            longitude: coordinate("longitude"),
            altitude_m: coordinate("altitude"),
            accuracy_m: coordinate("accuracy").filter(|metres| *metres > 0.0),
            speed_knots: not_negative(coordinate("speed")).map(|mps| mps / KNOT_MPS),
            course_deg: coordinate("heading"),
            battery_percent: not_negative(number(location.pointer("/battery/level"))).map(|level| level * 100.0),
            invalid: location.get("mock").and_then(Json::as_bool).unwrap_or(false),
            alarm: alarm.or_else(|| text(location.get("event")).filter(|event| event == "sos")),
            note: None,
        };
        give(found, &mut reading);
    }
    reading
}

fn short(text: &str) -> String {
    text.chars().take(40).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Reads and writes the positions as `device time lat lon speed course battery`, then what else there is.
    fn told(query: &str, body: &str) -> Vec<String> {
        let reading = read(query, body.as_bytes());
        let items = reading.items.iter().map(|item| match item {
            Item::Position(at) => format!(
                "{} {} {} {} {:?} {:?} {:?}",
                at.device,
                at.fix_time.map_or("-".to_owned(), |time| time.to_string()[..19].to_owned()),
                at.latitude,
                at.longitude,
                at.speed_mps.map(|speed| (speed * 100.0).round() / 100.0),
                at.course_deg,
                at.battery_percent
            ),
            Item::Distress(call) => format!("{:?} {} {}", call.call, call.device, call.code),
            other => format!("{other:?}"),
        });
        items.chain(reading.findings.iter().map(|finding| format!("! {finding}"))).collect()
    }

    fn check(query: &str, body: &str, expected: &[&str]) {
        assert_eq!(told(query, body), expected, "{query} {body}");
    }

    #[test]
    fn queries_of_clients() {
        check(
            "id=bf12&timestamp=1795262400&lat=-8.55&lon=125.57&speed=40&bearing=7.5&altitude=12&batt=87",
            "",
            &["bf12 2026-11-21T12:00:00 -8.55 125.57 Some(20.58) Some(7.5) Some(87.0)"],
        );
        check("id=bf12&timestamp=1795262400123&lat=60&lon=30", "", &["bf12 2026-11-21T12:00:00 60 30 None None None"]);
        check(
            "deviceid=1&timestamp=2026-11-21T12%3A00%3A00Z&location=60.5,30",
            "",
            &["1 2026-11-21T12:00:00 60.5 30 None None None"],
        );
        check(
            "lat=49.6&lon=6.1&timestamp=2026-11-21+12%3A00%3A00&id=35",
            "",
            &["35 2026-11-21T12:00:00 49.6 6.1 None None None"],
        );
        check("", "id=form&lat=1&lon=2&heading=370", &["form - 1 2 None Some(10.0) None"]);
        check(
            "id=1&timestamp=1&cell=257,02,16,2224&wifi=00-14,-80",
            "",
            &["! there is no lat and lon; nothing to show of it"],
        );
        check("timestamp=1&lat=1&lon=2", "", &["! there is no id: set the device identifier in the client"]);
        check("id=1&lat=91&lon=2", "", &["! latitude 91 is not within -90 to 90"]);
        check(
            "id=1&lat=NaN&lon=2",
            "",
            &["! lat: `NaN` is not a number", "! there is no lat and lon; nothing to show of it"],
        );
        check(
            "id=1&lat=1&lon=2&timestamp=soon",
            "",
            &["1 - 1 2 None None None", "! timestamp: `soon` is not an instant; the time of receipt is taken"],
        );
        check("id=1&lat=1&lon=2&alarm=sos", "", &["1 - 1 2 None None None", "Declare 1 alarm sos"]);
        // A call for help counts also without a position.
        check("id=1&alarm=SOS", "", &["Declare 1 alarm SOS", "! there is no lat and lon; nothing to show of it"]);
    }

    #[test]
    fn json_of_newer_clients() {
        let body = r#"{"location":{"timestamp":"2026-11-21T12:00:00.862Z","coords":{"latitude":-6.1,"longitude":106.6,"accuracy":3.8,
            "speed":18.67,"heading":63,"altitude":35.7},"event":"motionchange","battery":{"level":0.79}},"device_id":"8737"}"#;
        check("", body, &["8737 2026-11-21T12:00:00 -6.1 106.6 Some(18.67) Some(63.0) Some(79.0)"]);
        let unknown = r#"{"location":{"coords":{"latitude":1,"longitude":2,"speed":-1,"heading":-1,"accuracy":5},"battery":{"level":-1},
            "extras":{"alarm":"sos"},"timestamp":"2026-11-21T12:00:00Z"},"device_id":658765}"#;
        check("", unknown, &["658765 2026-11-21T12:00:00 1 2 None None None", "Declare 658765 alarm sos"]);
        check("", "{\"device_id\":1}", &["! there is no `location`"]);
        check("", "{", &["! the body is not JSON: EOF while parsing an object at line 1 column 1"]);
    }

    proptest! {
        #[test]
        fn any_request_is_read_or_said_to_be_unreadable(query in "\\PC{0,200}", body in proptest::collection::vec(any::<u8>(), 0..200)) {
            let reading = read(&query, &body);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
