//! Garmin inReach: IPC Outbound, JSON of versions 2 to 4, as the Garmin portal posts it.
//!
//! Source: Garmin, *IPC Outbound*: the message codes and the schema.

use base64::Engine;
use kernel::message::Means;
use serde_json::Value as Json;

use super::{course, not_negative, number, of_number, text};
use crate::arrival::{Call, Distress, Item, Position, Reading, Text, on_globe};

const SOURCE: &str = "inreach";
const KMH_MPS: f64 = 1.0 / 3.6;

/// Reads a post.
pub fn read(body: &[u8]) -> Reading {
    let json: Json = match serde_json::from_slice(body) {
        Ok(json) => json,
        Err(error) => return Reading::only(format!("the body is not JSON: {error}")),
    };
    let mut reading = Reading::default();
    let version = text(json.get("Version")).unwrap_or_default();
    if !matches!(version.split('.').next(), Some("2" | "3" | "4")) {
        reading.note(format!("Version `{version}` is not known; read as version 4"));
    }
    let Some(events) = json.get("Events").and_then(Json::as_array) else {
        reading.note("there are no `Events`");
        return reading;
    };
    for (at, event) in events.iter().enumerate() {
        read_event(at, event, &mut reading);
    }
    reading
}

fn read_event(at: usize, event: &Json, reading: &mut Reading) {
    let Some(imei) = text(event.get("imei")) else {
        reading.note(format!("event {at} has no imei"));
        return;
    };
    let Some(code) = event.get("messageCode").and_then(Json::as_i64) else {
        reading.note(format!("event {at} of {imei} has no messageCode"));
        return;
    };
    let time = event.get("timeStamp").and_then(Json::as_i64).and_then(of_number);
    if time.is_none() {
        reading.note(format!("event {at} of {imei} has no timeStamp that is an instant; the time of receipt is taken"));
    }
    let place = read_point(&imei, event, time, reading);
    let words = text(event.get("freeText"));
    let name = name_of(code);
    match code {
        4 | 6 | 7 => reading.items.push(Item::Distress(Distress {
            call: match code {
                4 => Call::Declare,
                6 => Call::Confirm,
                _ => Call::Cancel,
            },
            device: imei.clone(),
            label: None,
            source: SOURCE,
            code: format!("{code} {name}"),
            signalled: time,
            place,
            text: words.clone(),
            exercise: false,
        })),
        0..=2 | 8 | 10..=12 | 17 | 20 | 21 | 65 => {}
        3 | 14..=16 | 24..=63 => {}
        64 | 66 => binary(&imei, event, reading),
        _ => reading
            .note(format!("event {at} of {imei}: messageCode {code} is not known; its text and position are kept")),
    }
    // Presets say in their text what they mean; without one, the number is all that there is.
    let said = match (words, code) {
        (Some(words), _) => Some(words),
        (None, 14..=16 | 24..=63) => Some(format!("[{name} {code}]")),
        (None, _) => None,
    };
    if let Some(said) = said {
        let mut message = Text::plain(Means::Satellite, imei.clone(), recipients(event), said);
        message.sent = time;
        // The portal repeats what was not answered; the same words at the same second of the device are the same message.
        message.provider_id = time.map(|time| format!("{imei}-{}-{code}-{}", time.micros(), message.text));
        reading.items.push(Item::Text(message));
    }
}

/// The words of a code.
fn name_of(code: i64) -> &'static str {
    match code {
        0 => "position report",
        2 => "locate response",
        3 => "free text",
        4 => "declare SOS",
        6 => "confirm SOS",
        7 => "cancel SOS",
        8 => "reference point",
        10 => "start track",
        11 => "track interval",
        12 => "stop track",
        14..=16 => "quick message",
        17 => "map share",
        20 => "mail check",
        21 => "am I alive",
        24..=63 => "preset message",
        64 => "encrypted binary",
        65 => "pingback",
        66 => "generic binary",
        _ => "reserved",
    }
}

fn recipients(event: &Json) -> String {
    let addresses = event.get("addresses").and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    let all: Vec<String> = addresses.iter().filter_map(|one| text(one.get("address"))).collect();
    if all.is_empty() { SOURCE.to_owned() } else { all.join(", ") }
}

fn read_point(imei: &str, event: &Json, time: Option<kernel::Timestamp>, reading: &mut Reading) -> Option<(f64, f64)> {
    let point = event.get("point")?;
    let (latitude, longitude) = number(point.get("latitude")).zip(number(point.get("longitude")))?;
    if let Err(problem) = on_globe(latitude, longitude) {
        reading.note(format!("{imei}: {problem}"));
        return None;
    }
    let fix = number(point.get("gpsFix"));
    let low = event.pointer("/status/lowBattery").and_then(Json::as_i64) == Some(1);
    reading.items.push(Item::Position(Position {
        fix_time: time,
        altitude_m: number(point.get("altitude")),
        speed_mps: not_negative(number(point.get("speed"))).map(|kmh| kmh * KMH_MPS),
        course_deg: course(number(point.get("course"))),
        no_fix: fix == Some(0.0),
        // The portal says no more than that it is low.
        battery_percent: low.then_some(10.0),
        ..Position::at(SOURCE, imei, latitude, longitude)
    }));
    (fix != Some(0.0)).then_some((latitude, longitude))
}

fn binary(imei: &str, event: &Json, reading: &mut Reading) {
    let payload = text(event.get("payload")).unwrap_or_default();
    match base64::engine::general_purpose::STANDARD.decode(payload.as_bytes()) {
        Ok(bytes) => {
            reading.note(format!("{imei} sent {} bytes that only its own program can read; they are kept", bytes.len()))
        }
        Err(error) => reading.note(format!("{imei}: payload is not base64: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn post(code: i64, words: &str, fix: i64) -> String {
        let json = serde_json::json!({ "Version": "2.0", "Events": [{ "imei": "300434030000000", "messageCode": code,
            "freeText": words, "timeStamp": 1_795_262_400_000_i64, "addresses": [{ "address": "desk@una.example" }],
            "point": { "latitude": -8.5, "longitude": 125.6, "altitude": 99, "gpsFix": fix, "course": 45, "speed": 36 },
            "status": { "autonomous": 0, "lowBattery": 1, "intervalChange": 0 } }] });
        json.to_string()
    }

    fn kinds(body: &str) -> Vec<String> {
        let reading = read(body.as_bytes());
        let items = reading.items.iter().map(|item| match item {
            Item::Position(at) => {
                format!("position {:?}{}", at.speed_mps.map(f64::round), if at.no_fix { " no fix" } else { "" })
            }
            Item::Distress(call) => format!("{:?} {} {:?}", call.call, call.code, call.place),
            Item::Text(text) => format!("text {} to {}", text.text, text.recipient),
            other => format!("{other:?}"),
        });
        items.chain(reading.findings.iter().map(|finding| format!("! {finding}"))).collect()
    }

    #[test]
    fn every_code_says_what_it_is() {
        let at = "position Some(10.0)".to_owned();
        for code in [0, 1, 2, 8, 10, 11, 12, 17, 20, 21, 65] {
            assert_eq!(kinds(&post(code, "", 2)), std::slice::from_ref(&at), "{code}");
        }
        for (code, call) in [(4, "Declare 4 declare SOS"), (6, "Confirm 6 confirm SOS"), (7, "Cancel 7 cancel SOS")] {
            assert_eq!(kinds(&post(code, "", 2)), [at.clone(), format!("{call} Some((-8.5, 125.6))")]);
        }
        assert_eq!(
            kinds(&post(4, "broken leg", 0)),
            ["position Some(10.0) no fix", "Declare 4 declare SOS None", "text broken leg to desk@una.example",]
        );
        assert_eq!(kinds(&post(3, "On my way", 2)), [at.clone(), "text On my way to desk@una.example".to_owned()]);
        assert_eq!(kinds(&post(15, "", 2))[1], "text [quick message 15] to desk@una.example");
        for code in [24, 63] {
            assert_eq!(kinds(&post(code, "", 2))[1], format!("text [preset message {code}] to desk@una.example"));
        }
        assert!(kinds(&post(66, "", 2))[1].contains("0 bytes that only its own program can read"));
        assert!(kinds(&post(99, "", 2))[1].contains("messageCode 99 is not known"));
    }

    #[test]
    fn what_is_broken_is_said_and_the_rest_is_read() {
        let two = r#"{"Version":"4.0","Events":[{"messageCode":4},{"imei":"3","messageCode":4}]}"#;
        let told = kinds(two);
        assert_eq!(told[0], "Declare 4 declare SOS None", "a call for help counts without time and place");
        assert!(told.iter().any(|one| one == "! event 0 has no imei"), "{told:?}");
        assert!(kinds(r#"{"Version":"9"}"#)[0].contains("Version `9`"));
        assert!(kinds("[]").iter().any(|one| one.contains("no `Events`")));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let reading = read(&body);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
