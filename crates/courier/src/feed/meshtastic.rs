//! Meshtastic through a gateway's MQTT: its JSON, not its protobuf. Source: Meshtastic, *MQTT*, JSON packets.

use kernel::message::Means;
use serde_json::Value as Json;

use super::{course, not_negative, number, of_number, text};
use crate::arrival::{Item, Position, Reading, Text, on_globe};

const SOURCE: &str = "meshtastic";
/// Everybody on the channel.
const BROADCAST: i64 = 0xffff_ffff;

/// Reads a packet.
pub fn read(body: &[u8]) -> Reading {
    let json: Json = match serde_json::from_slice(body) {
        Ok(json) => json,
        Err(error) => return Reading::only(format!("the payload is not JSON: {error}")),
    };
    let mut reading = Reading::default();
    let Some(from) = json.get("from").and_then(Json::as_i64) else {
        reading.note("there is no `from`: this is not a packet of Meshtastic");
        return reading;
    };
    let node = node_of(from);
    let payload = json.get("payload").unwrap_or(&Json::Null);
    let heard = json.get("timestamp").and_then(Json::as_i64).and_then(of_number);
    match json.get("type").and_then(Json::as_str) {
        Some("text") => {
            let words = text(payload.get("text")).or_else(|| text(Some(payload)));
            let Some(words) = words else {
                reading.note("the text is empty");
                return reading;
            };
            let to = json.get("to").and_then(Json::as_i64).map_or(BROADCAST, |to| to & BROADCAST);
            let recipient = if to == BROADCAST { "all".to_owned() } else { node_of(to) };
            let mut message = Text::plain(Means::Mqtt, node.clone(), recipient, words);
            message.sent = heard;
            // Several gateways may hear one packet.
            message.provider_id =
                json.get("id").and_then(Json::as_i64).filter(|id| *id != 0).map(|id| format!("{node}-{id}"));
            reading.items.push(Item::Text(message));
        }
        Some("position") => position(node, payload, heard, &mut reading),
        Some(kind) => reading.note(format!(
            "packets of type `{}` are not needed here; it is kept",
            kind.chars().take(40).collect::<String>()
        )),
        None => reading.note("the packet has no type"),
    }
    reading
}

fn position(node: String, payload: &Json, heard: Option<kernel::Timestamp>, reading: &mut Reading) {
    let degrees = |name: &str| number(payload.get(name)).map(|ten_millionths| ten_millionths / 1e7);
    let Some((latitude, longitude)) = degrees("latitude_i").zip(degrees("longitude_i")) else {
        reading.note("the position has no latitude_i and longitude_i");
        return;
    };
    if let Err(problem) = on_globe(latitude, longitude) {
        reading.note(problem);
        return;
    }
    let measured = payload.get("time").or_else(|| payload.get("timestamp"));
    let measured = measured.and_then(Json::as_i64).filter(|time| *time > 0).and_then(of_number);
    reading.items.push(Item::Position(Position {
        fix_time: measured.or(heard),
        altitude_m: number(payload.get("altitude")),
        accuracy_m: accuracy_m(number(payload.get("precision_bits"))),
        speed_mps: not_negative(number(payload.get("ground_speed"))),
        course_deg: course(
            number(payload.get("ground_track")).map(|track| if track > 360.0 { track / 1e5 } else { track }),
        ),
        ..Position::at(SOURCE, node, latitude, longitude)
    }));
}

/// A channel may round positions to so many bits of a circle of 2^32 steps of 10^-7 degrees: the half side of such a cell.
fn accuracy_m(bits: Option<f64>) -> Option<f64> {
    let bits = bits.filter(|bits| (1.0..32.0).contains(bits))?;
    Some(2_f64.powf(32.0 - bits) * 1e-7 * 111_320.0 / 2.0)
}

/// `!7efeee00`, as nodes are called.
fn node_of(number: i64) -> String {
    format!("!{:08x}", number & BROADCAST)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn packets_of_a_gateway() {
        let text = br#"{"from":2130636288,"to":-1,"id":452664778,"type":"text","payload":{"text":"at the bridge"},"timestamp":1795262400}"#;
        let reading = read(text);
        assert!(matches!(&reading.items[0], Item::Text(one) if one.sender == "!7efeee00" && one.recipient == "all"
            && one.provider_id.as_deref() == Some("!7efeee00-452664778")));
        let at = br#"{"from":2130636288,"type":"position","payload":{"latitude_i":-85500000,"longitude_i":1255700000,"time":1795262400,"precision_bits":16}}"#;
        let Item::Position(at) = read(at).items.remove(0) else { panic!() };
        assert_eq!((at.latitude, at.longitude, at.accuracy_m.map(f64::round)), (-8.55, 125.57, Some(365.0)));
        let none = br#"{"from":1,"type":"telemetry","payload":{}}"#;
        assert_eq!((read(none).items.len(), read(none).findings.len()), (0, 1));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(body in proptest::collection::vec(any::<u8>(), 0..300)) {
            let reading = read(&body);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
