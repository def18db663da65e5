//! One event: read as XML, told as what it says, written as XML.

use kernel::Timestamp;
use kernel::message::Means;

use crate::arrival::{Call, Distress, Item, Position, Reading, Text, on_globe};
use crate::xml::{Element, Pen};

const SOURCE: &str = "cot";
/// What TAK says for "not known".
const UNKNOWN: f64 = 9_999_999.0;

/// An event. Base schema 2.0; the detail that matters here.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Event {
    pub uid: String,
    /// `a-f-G-U-C`: an atom; `b-t-f`: chat; `b-a-o-tbl`: a call for help.
    pub kind: String,
    pub how: String,
    pub time: Option<Timestamp>,
    pub start: Option<Timestamp>,
    pub stale: Option<Timestamp>,
    pub latitude: f64,
    pub longitude: f64,
    pub altitude_m: Option<f64>,
    /// Circular error.
    pub accuracy_m: Option<f64>,
    pub call_sign: Option<String>,
    pub course_deg: Option<f64>,
    pub speed_mps: Option<f64>,
    pub battery_percent: Option<f64>,
    pub remarks: Option<String>,
    /// Room, sender's call sign and id of a chat.
    pub chat: Option<(String, String, String)>,
    /// The type of a call for help, or its end.
    pub emergency: Option<String>,
    pub emergency_ends: bool,
}

/// Reads an event of XML.
///
/// # Errors
/// What is wrong, in words.
pub fn read_event(bytes: &[u8]) -> Result<Event, String> {
    let root = Element::read(bytes)?;
    if root.name != "event" {
        return Err(format!("the root is `{}`; Cursor-on-Target has `event`", root.name));
    }
    let needed = |name: &str| root.attribute(name).map(str::to_owned).ok_or_else(|| format!("the event has no {name}"));
    let point = root.child("point").ok_or("the event has no point")?;
    let degrees = |name: &str| point.number(name).ok_or_else(|| format!("the point has no {name} that is a number"));
    let instant = |name: &str| root.attribute(name).and_then(|text| text.parse().ok());
    let known = |value: Option<f64>| value.filter(|value| value.abs() < UNKNOWN);
    let mut event = Event {
        uid: needed("uid")?,
        kind: needed("type")?,
        how: root.attribute("how").unwrap_or_default().to_owned(),
        time: instant("time"),
        start: instant("start"),
        stale: instant("stale"),
        latitude: degrees("lat")?,
        longitude: degrees("lon")?,
        altitude_m: known(point.number("hae")),
        accuracy_m: known(point.number("ce")).filter(|metres| *metres > 0.0),
        ..Event::default()
    };
    if let Some(detail) = root.child("detail") {
        read_detail(&mut event, detail);
    }
    Ok(event)
}

/// Takes what matters of a detail.
pub(super) fn read_detail(event: &mut Event, detail: &Element) {
    let attribute =
        |element: &str, name: &str| detail.child(element).and_then(|found| found.attribute(name)).map(str::to_owned);
    event.call_sign = attribute("contact", "callsign").or(event.call_sign.take());
    if let Some(track) = detail.child("track") {
        event.course_deg = crate::feed::course(track.number("course")).or(event.course_deg);
        event.speed_mps = crate::feed::not_negative(track.number("speed")).or(event.speed_mps);
    }
    let battery = detail.child("status").and_then(|status| status.number("battery"));
    event.battery_percent = battery.filter(|percent| (0.0..=100.0).contains(percent)).or(event.battery_percent);
    event.remarks = detail.said("remarks").map(str::to_owned).or(event.remarks.take());
    if let Some(chat) = detail.child("__chat").or_else(|| detail.child("chat")) {
        let said = |name: &str| chat.attribute(name).unwrap_or_default().to_owned();
        let id = attribute("__chat", "messageId").unwrap_or_default();
        event.chat = Some((said("chatroom"), said("senderCallsign"), id));
    }
    if let Some(emergency) = detail.child("emergency") {
        event.emergency_ends = emergency.attribute("cancel") == Some("true");
        event.emergency = Some(emergency.attribute("type").unwrap_or("emergency").to_owned());
    }
}

impl Event {
    /// What it says.
    pub fn tell(&self) -> Reading {
        let mut reading = Reading::default();
        // Pings, pongs and what routers tell each other.
        if self.kind.starts_with("t-") || self.uid == "takPing" || self.uid == "takPong" {
            return reading;
        }
        let place = on_globe(self.latitude, self.longitude);
        if let Err(problem) = &place {
            reading.note(format!("{}: {problem}", self.uid));
        }
        let help = self.kind.starts_with("b-a-o") || self.emergency.is_some();
        let device = self.device();
        if place.is_ok() && (self.kind.starts_with("a-") || help) {
            reading.items.push(Item::Position(Position {
                label: self.call_sign.clone(),
                fix_time: self.time,
                altitude_m: self.altitude_m,
                accuracy_m: self.accuracy_m,
                speed_mps: self.speed_mps,
                course_deg: self.course_deg,
                battery_percent: self.battery_percent,
                ..Position::at(SOURCE, device.clone(), self.latitude, self.longitude)
            }));
        }
        if help {
            let ends = self.emergency_ends || self.kind == "b-a-o-can";
            let words = self.emergency.clone().unwrap_or_default();
            reading.items.push(Item::Distress(Distress {
                call: if ends { Call::Cancel } else { Call::Declare },
                device: device.clone(),
                label: self.call_sign.clone(),
                source: SOURCE,
                code: format!("{} {words}", self.kind).trim().to_owned(),
                signalled: self.time,
                place: place.is_ok().then_some((self.latitude, self.longitude)),
                text: self.remarks.clone(),
                exercise: words.to_lowercase().contains("test"),
            }));
        }
        if self.kind.starts_with("b-t-f") {
            self.tell_chat(&mut reading);
        }
        if reading.items.is_empty() && reading.findings.is_empty() {
            reading.note(format!("an event of type {} is not needed here; it is kept", self.kind));
        }
        reading
    }

    /// The device behind an event that has a uid of its own, such as `ANDROID-1-9-1-1`.
    fn device(&self) -> String {
        self.uid.strip_suffix("-9-1-1").unwrap_or(&self.uid).to_owned()
    }

    fn tell_chat(&self, reading: &mut Reading) {
        let words = self.remarks.clone().unwrap_or_default();
        let (room, sender, id) = self.chat.clone().unwrap_or_default();
        if words.is_empty() {
            reading.note(format!("{}: the chat says nothing", self.uid));
            return;
        }
        let sender = Some(sender).filter(|sender| !sender.is_empty()).or_else(|| self.call_sign.clone());
        let mut text = Text::plain(Means::Cot, sender.unwrap_or_else(|| self.uid.clone()), room, words);
        // `GeoChat.SENDER.ROOM.ID` is unique.
        text.provider_id = Some(if id.is_empty() { self.uid.clone() } else { id });
        text.sent = self.time;
        reading.items.push(Item::Text(text));
    }

    /// As XML, in one line after its declaration.
    pub fn write(&self) -> String {
        let at = |time: Option<Timestamp>| time.map_or_else(|| "1970-01-01T00:00:00.000Z".to_owned(), millis);
        let number = |value: Option<f64>| value.unwrap_or(UNKNOWN).to_string();
        let (time, start, stale) = (at(self.time), at(self.start.or(self.time)), at(self.stale.or(self.time)));
        let mut pen = Pen::line_of_document();
        pen.begin(
            "event",
            &[
                ("version", "2.0"),
                ("uid", &self.uid),
                ("type", &self.kind),
                ("time", &time),
                ("start", &start),
                ("stale", &stale),
                ("how", &self.how),
            ],
        );
        pen.full(
            "point",
            &[
                ("lat", &self.latitude.to_string()),
                ("lon", &self.longitude.to_string()),
                ("hae", &number(self.altitude_m)),
                ("ce", &number(self.accuracy_m)),
                ("le", &number(None)),
            ],
            "",
        );
        pen.begin("detail", &[]);
        self.write_detail(&mut pen);
        pen.finish()
    }

    pub(super) fn write_detail(&self, pen: &mut Pen) {
        if let Some(call_sign) = self.call_sign.as_deref().filter(|_| self.chat.is_none()) {
            pen.full("contact", &[("callsign", call_sign)], "");
        }
        if self.course_deg.is_some() || self.speed_mps.is_some() {
            let (course, speed) =
                (self.course_deg.unwrap_or(0.0).to_string(), self.speed_mps.unwrap_or(0.0).to_string());
            pen.full("track", &[("course", &course), ("speed", &speed)], "");
        }
        if let Some(battery) = self.battery_percent {
            pen.full("status", &[("battery", &battery.round().to_string())], "");
        }
        if let Some((room, sender, id)) = &self.chat {
            let chat = [
                ("parent", "RootContactGroup"),
                ("groupOwner", "false"),
                ("chatroom", room.as_str()),
                ("id", room.as_str()),
                ("senderCallsign", sender.as_str()),
                ("messageId", id.as_str()),
            ];
            pen.begin("__chat", &chat);
            pen.full("chatgrp", &[("uid0", sender), ("uid1", room), ("id", room)], "").end();
            pen.full("link", &[("uid", sender), ("type", "a-f-G-U-C"), ("relation", "p-p")], "");
        }
        if let Some(kind) = &self.emergency {
            let ends = if self.emergency_ends { "true" } else { "false" };
            pen.full("emergency", &[("type", kind), ("cancel", ends)], self.call_sign.as_deref().unwrap_or_default());
        }
        if let Some(remarks) = &self.remarks {
            let source = self.chat.as_ref().map_or("", |(_, sender, _)| sender.as_str());
            let time = self.time.map(millis).unwrap_or_default();
            pen.full("remarks", &[("source", source), ("time", &time)], remarks);
        }
    }
}

/// A chat to a room or a call sign, as ATAK shows it.
pub fn chat(id: &str, from: &str, room: &str, words: &str, now: Timestamp) -> Event {
    Event {
        uid: format!("GeoChat.{from}.{room}.{id}"),
        kind: "b-t-f".to_owned(),
        how: "h-g-i-g-o".to_owned(),
        time: Some(now),
        start: Some(now),
        stale: Some(now.plus_micros(86_400_000_000)),
        call_sign: Some(from.to_owned()),
        remarks: Some(words.to_owned()),
        chat: Some((room.to_owned(), from.to_owned(), id.to_owned())),
        ..Event::default()
    }
}

/// With milliseconds, as TAK writes it.
fn millis(at: Timestamp) -> String {
    format!("{}Z", &at.to_string()[..23])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn told(kind: &str, uid: &str, detail: &str) -> Vec<String> {
        let text = format!(
            "<event version='2.0' uid='{uid}' type='{kind}' how='m-g' time='2026-11-21T12:00:00.000Z' start='x' stale='x'>\
             <point lat='-8.55' lon='125.57' hae='35' ce='9999999.0' le='9999999.0'/><detail>{detail}</detail></event>"
        );
        let reading = read_event(text.as_bytes()).unwrap().tell();
        let items = reading.items.iter().map(|item| match item {
            Item::Position(at) => format!("{} at {} {:?} {:?}", at.device, at.latitude, at.accuracy_m, at.speed_mps),
            Item::Distress(call) => format!("{:?} {} {}", call.call, call.device, call.code),
            Item::Text(text) => format!("{} to {}: {}", text.sender, text.recipient, text.text),
            other => format!("{other:?}"),
        });
        items.chain(reading.findings.iter().map(|finding| format!("! {finding}"))).collect()
    }

    #[test]
    fn events_say_what_they_are() {
        let track = "<contact callsign='BF12'/><track course='90' speed='12.5'/><status battery='77'/>";
        assert_eq!(told("a-f-G-U-C", "ANDROID-1", track), ["ANDROID-1 at -8.55 None Some(12.5)"]);
        assert_eq!(told("t-x-d-d", "takPing", ""), Vec::<String>::new());
        let help = "<emergency type='911 Alert'>BF12</emergency>";
        assert_eq!(told("b-a-o-tbl", "ANDROID-1-9-1-1", help)[1], "Declare ANDROID-1 b-a-o-tbl 911 Alert");
        assert_eq!(
            told("b-a-o-can", "ANDROID-1-9-1-1", "<emergency cancel='true'/>")[1],
            "Cancel ANDROID-1 b-a-o-can emergency"
        );
        let chat = "<__chat chatroom='All Chat Rooms' senderCallsign='BF12' messageId='7'/><remarks>all well</remarks>";
        assert_eq!(told("b-t-f", "GeoChat.x", chat), ["BF12 to All Chat Rooms: all well"]);
        assert!(told("b-m-p-s-m", "spot", "")[0].starts_with("! an event of type b-m-p-s-m"));
    }

    #[test]
    fn what_is_written_is_read() {
        let event =
            chat("7", "Radio room", "All Chat Rooms", "Bridge <closed> & guarded", Timestamp(1_795_262_400_000_000));
        let read = read_event(event.write().as_bytes()).unwrap();
        assert_eq!((read.remarks, read.chat, read.time), (event.remarks, event.chat, event.time));
        for wrong in [
            "<x/>",
            "<event/>",
            "<event uid='1' type='a'/>",
            "<event uid='1' type='a'><point lat='x' lon='1'/></event>",
        ] {
            assert!(read_event(wrong.as_bytes()).is_err(), "{wrong}");
        }
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            if let Ok(event) = read_event(&bytes) {
                let _ = event.tell();
            }
        }
    }
}
