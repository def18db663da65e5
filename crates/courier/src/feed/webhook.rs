//! Messages and positions in our own JSON, from whatever program somebody has: the bridge to networks without a protocol here.
//!
//! ```json
//! {"messages": [{"id": "7", "sender": "+67077231234", "recipient": "desk", "text": "SAFE", "sent": "2026-11-30T14:25:00Z"}],
//!  "positions": [{"device": "bf12", "time": "2026-11-30T14:25:00Z", "latitude": -8.55, "longitude": 125.57, "accuracy_m": 12}],
//!  "distress": [{"device": "bf12", "call": "declare", "time": "2026-11-30T14:25:00Z", "text": "ambush"}],
//!  "receipts": [{"id": "message-…", "state": "delivered"}]}
//! ```

use kernel::message::Means;
use serde_json::Value as Json;

use super::{course, instant, not_negative, number, text};
use crate::arrival::{Call, Distress, Item, Position, Reading, Receipt, Said, Text, on_globe};

const SOURCE: &str = "webhook";

/// Reads a post.
pub fn read(body: &[u8]) -> Reading {
    let json: Json = match serde_json::from_slice(body) {
        Ok(json) => json,
        Err(error) => return Reading::only(format!("the body is not JSON: {error}")),
    };
    let mut reading = Reading::default();
    let list = |name: &str| json.get(name).and_then(Json::as_array).map(Vec::as_slice).unwrap_or_default();
    for (at, one) in list("messages").iter().enumerate() {
        message(at, one, &mut reading);
    }
    for (at, one) in list("positions").iter().enumerate() {
        position(at, one, &mut reading);
    }
    for (at, one) in list("distress").iter().enumerate() {
        distress(at, one, &mut reading);
    }
    for (at, one) in list("receipts").iter().enumerate() {
        receipt(at, one, &mut reading);
    }
    if reading.items.is_empty() && reading.findings.is_empty() {
        reading.note("there is nothing in `messages`, `positions`, `distress` or `receipts`");
    }
    reading
}

fn message(at: usize, json: &Json, reading: &mut Reading) {
    let Some((sender, words)) = text(json.get("sender")).zip(text(json.get("text"))) else {
        reading.note(format!("messages[{at}] needs `sender` and `text`"));
        return;
    };
    let recipient = text(json.get("recipient")).unwrap_or_else(|| SOURCE.to_owned());
    let mut message = Text::plain(Means::Webhook, sender, recipient, words);
    message.provider_id = text(json.get("id"));
    message.subject = text(json.get("subject"));
    message.sent = text(json.get("sent")).as_deref().and_then(instant);
    message.answers = text(json.get("answers"));
    message.automatic = json.get("automatic").and_then(Json::as_bool).unwrap_or(false);
    message.exercise = json.get("exercise").and_then(Json::as_bool).unwrap_or(false);
    reading.items.push(Item::Text(message));
}

fn position(at: usize, json: &Json, reading: &mut Reading) {
    let place = number(json.get("latitude")).zip(number(json.get("longitude")));
    let Some((device, (latitude, longitude))) = text(json.get("device")).zip(place) else {
        reading.note(format!("positions[{at}] needs `device`, `latitude` and `longitude`"));
        return;
    };
    if let Err(problem) = on_globe(latitude, longitude) {
        reading.note(format!("positions[{at}]: {problem}"));
        return;
    }
    reading.items.push(Item::Position(Position {
        label: text(json.get("label")),
        fix_time: text(json.get("time")).as_deref().and_then(instant),
        altitude_m: number(json.get("altitude_m")),
        accuracy_m: not_negative(number(json.get("accuracy_m"))),
        speed_mps: not_negative(number(json.get("speed_mps"))),
        course_deg: course(number(json.get("course_deg"))),
        battery_percent: number(json.get("battery_percent")).filter(|percent| (0.0..=100.0).contains(percent)),
        ..Position::at(SOURCE, device, latitude, longitude)
    }));
}

fn distress(at: usize, json: &Json, reading: &mut Reading) {
    let Some(device) = text(json.get("device")) else {
        reading.note(format!("distress[{at}] needs `device`"));
        return;
    };
    let word = text(json.get("call")).unwrap_or_else(|| "declare".to_owned());
    let call = match word.as_str() {
        "cancel" => Call::Cancel,
        "confirm" => Call::Confirm,
        // Whatever else it says, somebody calls for help.
        _ => Call::Declare,
    };
    let place = number(json.get("latitude")).zip(number(json.get("longitude")));
    reading.items.push(Item::Distress(Distress {
        call,
        device,
        label: text(json.get("label")),
        source: SOURCE,
        code: word,
        signalled: text(json.get("time")).as_deref().and_then(instant),
        place: place.filter(|(latitude, longitude)| on_globe(*latitude, *longitude).is_ok()),
        text: text(json.get("text")),
        exercise: json.get("exercise").and_then(Json::as_bool).unwrap_or(false),
    }));
}

fn receipt(at: usize, json: &Json, reading: &mut Reading) {
    let said = match text(json.get("state")).as_deref() {
        Some("delivered") => Some(Said::Delivered),
        Some("lost" | "failed") => Some(Said::Lost),
        Some("underway" | "sent") => Some(Said::Underway),
        _ => None,
    };
    match text(json.get("id")).zip(said) {
        Some((provider_id, said)) => {
            reading.items.push(Item::Receipt(Receipt { provider_id, said, problem: text(json.get("problem")) }));
        }
        None => reading.note(format!("receipts[{at}] needs `id` and `state`: delivered, lost or underway")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_is_whole_is_read_and_what_is_not_is_named() {
        let body = br#"{"messages":[{"id":"7","sender":"+670","text":"SAFE"},{"sender":"x"}],
            "positions":[{"device":"bf12","latitude":-8.55,"longitude":125.57},{"device":"bf12","latitude":99,"longitude":0}],
            "distress":[{"device":"bf12"},{"device":"bf12","call":"cancel"},{}],
            "receipts":[{"id":"message-1","state":"delivered"},{"id":"message-1","state":"?"}]}"#;
        let reading = read(body);
        assert_eq!((reading.items.len(), reading.findings.len()), (5, 4), "{reading:?}");
        assert!(matches!(&reading.items[2], Item::Distress(one) if one.call == Call::Declare));
        assert_eq!(read(b"{}").findings.len(), 1);
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let reading = read(&body);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
