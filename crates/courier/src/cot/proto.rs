//! The TAK protocol, version 1: the messages of `takmessage.proto`, written as types, so that no compiler of schemas is needed.

use kernel::Timestamp;
use prost::Message;

use super::event::{Event, read_detail};
use super::frame::framed;
use crate::xml::{Element, Pen};

#[derive(Clone, PartialEq, Message)]
struct TakMessage {
    #[prost(message, optional, tag = "2")]
    event: Option<CotEvent>,
}

#[derive(Clone, PartialEq, Message)]
struct CotEvent {
    #[prost(string, tag = "1")]
    kind: String,
    #[prost(string, tag = "5")]
    uid: String,
    /// Milliseconds since 1970, as the other two.
    #[prost(uint64, tag = "6")]
    send_time: u64,
    #[prost(uint64, tag = "7")]
    start_time: u64,
    #[prost(uint64, tag = "8")]
    stale_time: u64,
    #[prost(string, tag = "9")]
    how: String,
    #[prost(double, tag = "10")]
    latitude: f64,
    #[prost(double, tag = "11")]
    longitude: f64,
    #[prost(double, tag = "12")]
    altitude_m: f64,
    #[prost(double, tag = "13")]
    circular_error_m: f64,
    #[prost(double, tag = "14")]
    linear_error_m: f64,
    #[prost(message, optional, tag = "15")]
    detail: Option<Detail>,
}

#[derive(Clone, PartialEq, Message)]
struct Detail {
    /// Everything that has no place below.
    #[prost(string, tag = "1")]
    xml: String,
    #[prost(message, optional, tag = "2")]
    contact: Option<Contact>,
    #[prost(message, optional, tag = "5")]
    status: Option<Status>,
    #[prost(message, optional, tag = "7")]
    track: Option<Track>,
}

#[derive(Clone, PartialEq, Message)]
struct Contact {
    #[prost(string, tag = "1")]
    endpoint: String,
    #[prost(string, tag = "2")]
    call_sign: String,
}

#[derive(Clone, PartialEq, Message)]
struct Status {
    #[prost(uint32, tag = "1")]
    battery: u32,
}

#[derive(Clone, PartialEq, Message)]
struct Track {
    #[prost(double, tag = "1")]
    speed: f64,
    #[prost(double, tag = "2")]
    course: f64,
}

const UNKNOWN: f64 = 9_999_999.0;

/// Reads the payload of a frame.
///
/// # Errors
/// What is wrong, in words.
pub fn from_proto(payload: &[u8]) -> Result<Event, String> {
    let message = TakMessage::decode(payload).map_err(|error| format!("this is not a TAK message: {error}"))?;
    let cot = message.event.ok_or("the TAK message has no event")?;
    if cot.uid.is_empty() || cot.kind.is_empty() {
        return Err("the event has no uid or no type".to_owned());
    }
    let instant = |millis: u64| {
        let micros = i64::try_from(millis).ok()?.checked_mul(1_000)?;
        Some(Timestamp(micros)).filter(|at| micros > 0 && *at <= Timestamp::MAX)
    };
    let known = |value: f64| Some(value).filter(|value| value.is_finite() && value.abs() < UNKNOWN);
    let mut event = Event {
        uid: cot.uid,
        kind: cot.kind,
        how: cot.how,
        time: instant(cot.send_time),
        start: instant(cot.start_time),
        stale: instant(cot.stale_time),
        latitude: cot.latitude,
        longitude: cot.longitude,
        altitude_m: known(cot.altitude_m),
        accuracy_m: known(cot.circular_error_m).filter(|metres| *metres > 0.0),
        ..Event::default()
    };
    let Some(detail) = cot.detail else { return Ok(event) };
    event.call_sign = detail.contact.map(|contact| contact.call_sign).filter(|name| !name.is_empty());
    event.battery_percent = detail.status.map(|status| f64::from(status.battery)).filter(|percent| *percent <= 100.0);
    if let Some(track) = detail.track {
        event.speed_mps = crate::feed::not_negative(known(track.speed));
        event.course_deg = crate::feed::course(known(track.course));
    }
    // The rest of the detail comes without a root of its own.
    if !detail.xml.trim().is_empty() {
        let whole = format!("<detail>{}</detail>", detail.xml);
        read_detail(&mut event, &Element::read(whole.as_bytes()).map_err(|problem| format!("its detail: {problem}"))?);
    }
    Ok(event)
}

/// Writes an event with its stream framing.
pub fn to_proto(event: &Event) -> Vec<u8> {
    let millis = |at: Option<Timestamp>| at.and_then(|at| u64::try_from(at.micros() / 1_000).ok()).unwrap_or(0);
    let mut rest = event.clone();
    (rest.call_sign, rest.course_deg, rest.speed_mps, rest.battery_percent) = (None, None, None, None);
    let mut pen = Pen::fragment();
    rest.write_detail(&mut pen);
    let track = Track { speed: event.speed_mps.unwrap_or(0.0), course: event.course_deg.unwrap_or(0.0) };
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "0 to 100")]
    let battery = event.battery_percent.map(|percent| Status { battery: percent.clamp(0.0, 100.0) as u32 });
    let contact = |call_sign: &String| Contact { endpoint: String::new(), call_sign: call_sign.clone() };
    let detail = Detail {
        xml: pen.finish(),
        contact: event.call_sign.as_ref().filter(|_| event.chat.is_none()).map(contact),
        status: battery,
        track: (event.speed_mps.is_some() || event.course_deg.is_some()).then_some(track),
    };
    let message = TakMessage {
        event: Some(CotEvent {
            kind: event.kind.clone(),
            uid: event.uid.clone(),
            send_time: millis(event.time),
            start_time: millis(event.start.or(event.time)),
            stale_time: millis(event.stale.or(event.time)),
            how: event.how.clone(),
            latitude: event.latitude,
            longitude: event.longitude,
            altitude_m: event.altitude_m.unwrap_or(UNKNOWN),
            circular_error_m: event.accuracy_m.unwrap_or(UNKNOWN),
            linear_error_m: UNKNOWN,
            detail: Some(detail),
        }),
    };
    framed(&message.encode_to_vec())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cot::{Frame, Frames, chat};
    use proptest::prelude::*;

    #[test]
    fn what_is_written_is_read() {
        let chat = chat("7", "Radio room", "All Chat Rooms", "closed & guarded", Timestamp(1_795_262_400_000_000));
        let position = Event {
            uid: "ANDROID-1".to_owned(),
            kind: "a-f-G-U-C".to_owned(),
            how: "m-g".to_owned(),
            time: Some(Timestamp(1_795_262_400_000_000)),
            start: Some(Timestamp(1_795_262_400_000_000)),
            stale: Some(Timestamp(1_795_262_460_000_000)),
            latitude: -8.55,
            longitude: 125.57,
            accuracy_m: Some(12.0),
            call_sign: Some("BF12".to_owned()),
            speed_mps: Some(3.0),
            course_deg: Some(90.0),
            battery_percent: Some(50.0),
            ..Event::default()
        };
        for event in [chat, position] {
            let mut frames = Frames::default();
            frames.push(&to_proto(&event));
            let Some(Frame::Proto(payload)) = frames.next_frame() else { panic!() };
            let mut read = from_proto(&payload).unwrap();
            if event.chat.is_some() {
                read.call_sign = event.call_sign.clone();
            }
            assert_eq!(read, event);
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(event) = from_proto(&bytes) {
                let _ = event.tell();
            }
        }
    }
}
