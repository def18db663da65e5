//! OwnTracks, over HTTP or MQTT: JSON with `_type`. Source: the booklet of OwnTracks, *JSON*.

use kernel::message::Means;
use serde_json::Value as Json;

use super::{course, not_negative, number, of_number, text};
use crate::arrival::{Item, Position, Reading, Text, on_globe};

const SOURCE: &str = "owntracks";
const KMH_MPS: f64 = 1.0 / 3.6;

/// Reads a payload. `device` is what the transport says: the topic without its root, or user and device of the request.
pub fn read(device: Option<&str>, body: &[u8]) -> Reading {
    match serde_json::from_slice::<Json>(body) {
        Ok(Json::Array(all)) => {
            let mut reading = Reading::default();
            for one in &all {
                read_one(device, one, &mut reading);
            }
            if all.is_empty() {
                reading.note("the list is empty");
            }
            reading
        }
        Ok(one) => {
            let mut reading = Reading::default();
            read_one(device, &one, &mut reading);
            reading
        }
        Err(error) => Reading::only(format!("the payload is not JSON: {error}")),
    }
}

fn read_one(device: Option<&str>, json: &Json, reading: &mut Reading) {
    let topic = text(json.get("topic")).map(|topic| device_of_topic(&topic).to_owned());
    let label = text(json.get("tid"));
    let named = device.map(str::to_owned).or(topic).or_else(|| label.clone());
    let Some(device) = named else {
        reading.note("neither the transport nor `topic` or `tid` says which device it is");
        return;
    };
    match json.get("_type").and_then(Json::as_str) {
        Some("location") => location(device, label, json, reading),
        Some("transition") => {
            let event = text(json.get("event")).unwrap_or_else(|| "crossed".to_owned());
            let region = text(json.get("desc")).unwrap_or_else(|| "a region".to_owned());
            let mut told = Text::plain(Means::Mqtt, device.clone(), SOURCE, format!("{event} {region}"));
            told.automatic = true;
            told.sent = json.get("tst").and_then(Json::as_i64).and_then(of_number);
            told.provider_id = told.sent.map(|at| format!("{device}-{}-{}", at.micros(), told.text));
            reading.items.push(Item::Text(told));
            location(device, label, json, reading);
        }
        Some("encrypted") => reading.note(format!("{device} encrypts its payload; switch that off and use TLS")),
        Some(
            "lwt" | "waypoint" | "waypoints" | "card" | "cmd" | "configuration" | "beacon" | "steps" | "status"
            | "request",
        ) => {
            reading.note("nothing of this kind is needed here; it is kept");
        }
        Some(other) => reading.note(format!("_type `{}` is not known", other.chars().take(40).collect::<String>())),
        None => reading.note("there is no _type: this is not OwnTracks"),
    }
}

fn location(device: String, label: Option<String>, json: &Json, reading: &mut Reading) {
    let Some((latitude, longitude)) = number(json.get("lat")).zip(number(json.get("lon"))) else {
        if json.get("_type").and_then(Json::as_str) == Some("location") {
            reading.note("there is no lat and lon");
        }
        return;
    };
    if let Err(problem) = on_globe(latitude, longitude) {
        reading.note(problem);
        return;
    }
    reading.items.push(Item::Position(Position {
        label,
        fix_time: json.get("tst").and_then(Json::as_i64).and_then(of_number),
        altitude_m: number(json.get("alt")),
        accuracy_m: number(json.get("acc")).filter(|metres| *metres > 0.0),
        speed_mps: not_negative(number(json.get("vel"))).map(|kmh| kmh * KMH_MPS),
        course_deg: course(number(json.get("cog"))),
        battery_percent: number(json.get("batt")).filter(|percent| (0.0..=100.0).contains(percent)),
        ..Position::at(SOURCE, device, latitude, longitude)
    }));
}

/// `owntracks/user/device` without its root.
pub fn device_of_topic(topic: &str) -> &str {
    topic.strip_prefix("owntracks/").unwrap_or(topic).trim_end_matches("/event")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_location_has_its_device_and_its_circle() {
        let body = r#"{"_type":"location","lat":-8.55,"lon":125.57,"tst":1795262400,"acc":12,"alt":40,"vel":36,"cog":361,"batt":55,"tid":"b2"}"#;
        let reading = read(Some("ana/phone"), body.as_bytes());
        let [Item::Position(at)] = reading.items.as_slice() else { panic!("{reading:?}") };
        assert_eq!((at.device.as_str(), at.label.as_deref(), at.accuracy_m), ("ana/phone", Some("b2"), Some(12.0)));
        assert_eq!(
            (at.speed_mps.map(f64::round), at.course_deg, at.battery_percent),
            (Some(10.0), Some(1.0), Some(55.0))
        );
    }

    #[test]
    fn other_kinds_are_told_or_kept() {
        let crossed = r#"{"_type":"transition","event":"enter","desc":"Gate","tst":1795262400,"lat":1,"lon":2,"topic":"owntracks/ana/phone/event"}"#;
        let reading = read(None, crossed.as_bytes());
        assert!(
            matches!(&reading.items[0], Item::Text(text) if text.text == "enter Gate" && text.sender == "ana/phone" && text.automatic)
        );
        for body in [
            r#"{"_type":"lwt","tid":"x"}"#,
            r#"{"_type":"encrypted","tid":"x"}"#,
            r#"{"_type":"location","tid":"x"}"#,
            "[]",
            "{}",
            "7",
        ] {
            let reading = read(None, body.as_bytes());
            assert!(reading.items.is_empty() && reading.findings.len() == 1, "{body}: {reading:?}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let reading = read(None, &body);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
