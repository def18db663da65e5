//! Iridium Short Burst Data by DirectIP: messages of devices as the gateway pushes them over TCP.
//!
//! Source: Iridium, *Short Burst Data Developers Guide*, DirectIP protocol: a message is its revision, its length and
//! information elements. The gateway's own location of a device is good to 10 km for 80 % of fixes: a circle, never a pin.

use kernel::Timestamp;
use kernel::message::Means;

use crate::arrival::{Item, Position, Reading, Text};

const SOURCE: &str = "iridium";
/// The revision of the protocol.
const REVISION: u8 = 1;
/// What the network promises of its location at best.
const BEST_ACCURACY_M: f64 = 10_000.0;

/// How many bytes the message that begins here has. `None`: not enough of it is there to say.
///
/// # Errors
/// It is not a DirectIP message.
pub fn frame(bytes: &[u8]) -> Result<Option<usize>, String> {
    match bytes {
        [] => Ok(None),
        [REVISION, high, low, ..] => Ok(Some(3 + usize::from(u16::from_be_bytes([*high, *low])))),
        [REVISION, ..] => Ok(None),
        [other, ..] => Err(format!("the message begins with revision {other}; DirectIP has 1")),
    }
}

#[derive(Default)]
struct Parts<'a> {
    header: Option<Header>,
    payload: Option<&'a [u8]>,
    location: Option<(f64, f64, f64)>,
}

struct Header {
    imei: String,
    reference: u32,
    status: u8,
    number: u16,
    time: Option<Timestamp>,
}

/// Reads one message. Bytes beyond its declared length are not part of it.
pub fn read(bytes: &[u8]) -> Reading {
    let length = match frame(bytes) {
        Ok(Some(length)) => length,
        Ok(None) => return Reading::only("the message is cut off before its length"),
        Err(problem) => return Reading::only(problem),
    };
    let mut reading = Reading::default();
    if bytes.len() > length {
        reading.note(format!(
            "{} bytes follow after the declared length of {length}; they are left out",
            bytes.len() - length
        ));
    }
    if bytes.len() < length {
        reading.note(format!("the message is cut off: {length} bytes are declared, {} are there", bytes.len()));
    }
    let parts = elements(&bytes[3..length.min(bytes.len())], &mut reading);
    give(&parts, &mut reading);
    reading
}

fn elements<'a>(mut rest: &'a [u8], reading: &mut Reading) -> Parts<'a> {
    let mut parts = Parts::default();
    while let [id, high, low, after @ ..] = rest {
        let length = usize::from(u16::from_be_bytes([*high, *low]));
        let Some(element) = after.get(..length) else {
            reading.note(format!("element 0x{id:02x} declares {length} bytes, {} are left", after.len()));
            break;
        };
        match id {
            0x01 => match header(element) {
                Some(header) => parts.header = Some(header),
                None => reading.note(format!("the header has {length} bytes; 28 are needed")),
            },
            0x02 => parts.payload = Some(element),
            0x03 => match location(element) {
                Ok(location) => parts.location = Some(location),
                Err(problem) => reading.note(problem),
            },
            0x05 => {}
            other => reading.note(format!("element 0x{other:02x} is not known")),
        }
        rest = &after[length..];
    }
    parts
}

fn header(element: &[u8]) -> Option<Header> {
    let element: &[u8; 28] = element.first_chunk()?;
    let word = |at: usize| u32::from_be_bytes([element[at], element[at + 1], element[at + 2], element[at + 3]]);
    let imei = String::from_utf8_lossy(&element[4..19]).trim_matches(['\0', ' ']).to_owned();
    let time = word(24);
    Some(Header {
        imei,
        reference: word(0),
        status: element[19],
        number: u16::from_be_bytes([element[20], element[21]]),
        time: (time > 0).then(|| Timestamp(i64::from(time) * 1_000_000)),
    })
}

/// Degrees, thousandths of minutes, and the radius of the circle in kilometres.
fn location(element: &[u8]) -> Result<(f64, f64, f64), String> {
    let Some(element) = element.first_chunk::<11>() else {
        return Err(format!("the location has {} bytes; 11 are needed", element.len()));
    };
    let degrees = |at: usize| {
        let minutes = f64::from(u16::from_be_bytes([element[at + 1], element[at + 2]])) / 1_000.0;
        f64::from(element[at]) + minutes / 60.0
    };
    let flags = element[0];
    let latitude = if flags & 0b10 != 0 { -degrees(1) } else { degrees(1) };
    let longitude = if flags & 0b01 != 0 { -degrees(4) } else { degrees(4) };
    crate::arrival::on_globe(latitude, longitude)?;
    let radius_km = u32::from_be_bytes([element[7], element[8], element[9], element[10]]);
    Ok((latitude, longitude, f64::from(radius_km)))
}

fn give(parts: &Parts<'_>, reading: &mut Reading) {
    let Some(header) = &parts.header else {
        reading.note("there is no header: the device is not known");
        return;
    };
    if let Some((latitude, longitude, radius_km)) = parts.location {
        reading.items.push(Item::Position(Position {
            fix_time: header.time,
            accuracy_m: Some((radius_km * 1_000.0).max(BEST_ACCURACY_M)),
            by_network: true,
            // Status 2: the quality of the location was not acceptable.
            no_fix: header.status == 2,
            ..Position::at(SOURCE, header.imei.clone(), latitude, longitude)
        }));
    }
    let Some(payload) = parts.payload.filter(|payload| !payload.is_empty()) else {
        if parts.location.is_none() {
            reading
                .note(format!("{} sent neither payload nor location (session status {})", header.imei, header.status));
        }
        return;
    };
    let readable =
        std::str::from_utf8(payload).ok().filter(|text| text.chars().all(|c| !c.is_control() || c.is_whitespace()));
    let words = readable.map_or_else(
        || {
            reading.note(format!(
                "{} sent {} bytes that are no text; shown in hexadecimal",
                header.imei,
                payload.len()
            ));
            hex::encode(payload)
        },
        str::to_owned,
    );
    let mut text = Text::plain(Means::Satellite, header.imei.clone(), SOURCE, words);
    text.provider_id = Some(format!("{}-{}-{}", header.imei, header.number, header.reference));
    text.sent = header.time;
    text.automatic = readable.is_none();
    reading.items.push(Item::Text(text));
}

/// The answer to a gateway that wants one: a confirmation that the message is kept, or is not.
pub fn confirmation(kept: bool) -> [u8; 7] {
    [REVISION, 0, 4, 0x05, 0, 1, u8::from(kept)]
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// A message of one device, as the guide lays it out.
    fn message(status: u8, location: Option<[u8; 11]>, payload: &[u8]) -> Vec<u8> {
        let mut elements = vec![0x01, 0, 28, 0, 0, 0, 7];
        elements.extend(b"300434030000000");
        elements.extend([status, 0, 9, 0, 0]);
        elements.extend(1_795_262_400_u32.to_be_bytes());
        if let Some(location) = location {
            elements.extend([0x03, 0, 11]);
            elements.extend(location);
        }
        if !payload.is_empty() {
            elements.extend([0x02, 0, u8::try_from(payload.len()).unwrap()]);
            elements.extend(payload);
        }
        let mut whole = vec![1];
        whole.extend(u16::try_from(elements.len()).unwrap().to_be_bytes());
        whole.extend(elements);
        whole
    }

    /// 8° 33.000' S, 125° 34.200' E, radius 3 km.
    const DILI: [u8; 11] = [0b10, 8, 0x80, 0xe8, 125, 0x85, 0x98, 0, 0, 0, 3];

    #[test]
    fn a_message_has_its_circle_and_its_words() {
        let reading = read(&message(0, Some(DILI), b"all well"));
        let [Item::Position(at), Item::Text(text)] = reading.items.as_slice() else { panic!("{reading:?}") };
        assert_eq!((at.latitude, (at.longitude * 1e4).round() / 1e4), (-8.55, 125.57));
        assert_eq!((at.accuracy_m, at.by_network), (Some(10_000.0), true));
        assert_eq!((text.text.as_str(), text.provider_id.as_deref()), ("all well", Some("300434030000000-9-7")));
        assert!(reading.findings.is_empty());
    }

    #[test]
    fn the_declared_length_is_honoured() {
        let mut bytes = message(0, Some(DILI), b"all well");
        let length = bytes.len();
        assert_eq!(frame(&bytes), Ok(Some(length)));
        bytes.extend([9; 7]);
        let reading = read(&bytes);
        assert_eq!(reading.items.len(), 2);
        assert!(reading.findings[0].starts_with("7 bytes follow"), "{reading:?}");
        assert!(read(&bytes[..20]).findings.iter().any(|one| one.contains("cut off")));
        assert!(read(b"GET / HTTP/1.1").findings[0].contains("revision 71"));
        assert_eq!(frame(&[1, 0]), Ok(None));
    }

    #[test]
    fn binary_and_bad_quality_are_said() {
        let reading = read(&message(2, Some(DILI), &[0, 1, 0xff]));
        let [Item::Position(at), Item::Text(text)] = reading.items.as_slice() else { panic!("{reading:?}") };
        assert!(at.no_fix && text.automatic && text.text == "0001ff");
        assert!(read(&message(0, None, b"")).findings[0].contains("neither payload nor location"));
    }

    proptest! {
        #[test]
        fn any_bytes_are_read_or_refused(mut bytes in proptest::collection::vec(any::<u8>(), 0..200), real: bool) {
            if real && !bytes.is_empty() {
                bytes[0] = 1;
            }
            let reading = read(&bytes);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
