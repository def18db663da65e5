//! How a text is cut into short messages: 160 or 153 characters of the default alphabet, 70 or 67 of UCS-2.
//!
//! A segment of a longer text begins with a header that says which message it belongs to (3GPP TS 23.040, 9.2.3.24.1). No
//! character is cut in two: neither an escape from its code, nor a surrogate from its partner.

use serde::Serialize;

use super::alphabet::gsm7_codes;

/// The alphabet of a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Coding {
    Gsm7,
    Ucs2,
}

impl Coding {
    /// Units (codes, or 16-bit units) of a message that is alone.
    pub const fn single(self) -> usize {
        match self {
            Coding::Gsm7 => 160,
            Coding::Ucs2 => 70,
        }
    }

    /// Units of a segment with a header of six bytes.
    pub const fn segment(self) -> usize {
        match self {
            Coding::Gsm7 => 153,
            Coding::Ucs2 => 67,
        }
    }

    /// The `data_coding` of SMPP 3.4, 5.2.19.
    pub const fn data_coding(self) -> u8 {
        match self {
            Coding::Gsm7 => 0,
            Coding::Ucs2 => 8,
        }
    }
}

/// A text as it will travel.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Plan {
    pub coding: Coding,
    /// The bytes of each segment, without header: codes in a byte each, or big-endian units.
    pub segments: Vec<Vec<u8>>,
}

/// More segments than this are refused: the header counts them in a byte, and no network takes so many.
pub const MOST_SEGMENTS: usize = 255;

/// Cuts a text. The default alphabet is taken when it has every character.
pub fn plan(text: &str) -> Plan {
    let gsm7: Option<Vec<Vec<u8>>> = text.chars().map(gsm7_unit).collect();
    match gsm7 {
        Some(units) => Plan { coding: Coding::Gsm7, segments: cut(&units, 1, Coding::Gsm7) },
        None => {
            let units: Vec<Vec<u8>> = text.chars().map(ucs2_unit).collect();
            Plan { coding: Coding::Ucs2, segments: cut(&units, 2, Coding::Ucs2) }
        }
    }
}

fn gsm7_unit(character: char) -> Option<Vec<u8>> {
    gsm7_codes(character).map(|(escape, code)| escape.into_iter().chain([code]).collect())
}

fn ucs2_unit(character: char) -> Vec<u8> {
    let mut buffer = [0; 2];
    character.encode_utf16(&mut buffer).iter().flat_map(|unit| unit.to_be_bytes()).collect()
}

/// Fills segments with whole characters.
fn cut(characters: &[Vec<u8>], unit_bytes: usize, coding: Coding) -> Vec<Vec<u8>> {
    let bytes: usize = characters.iter().map(Vec::len).sum();
    if bytes <= coding.single() * unit_bytes {
        return vec![characters.concat()];
    }
    let room = coding.segment() * unit_bytes;
    let mut segments = vec![Vec::with_capacity(room)];
    for character in characters {
        let full = segments.last().is_none_or(|segment| segment.len() + character.len() > room);
        if full {
            segments.push(Vec::with_capacity(room));
        }
        if let Some(segment) = segments.last_mut() {
            segment.extend_from_slice(character);
        }
    }
    segments
}

/// What a text costs.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
pub struct Count {
    pub coding: Coding,
    pub segments: usize,
    /// Units in the last segment that are still free.
    pub left: usize,
}

/// Counts the segments of a text.
pub fn count(text: &str) -> Count {
    let plan = plan(text);
    let unit_bytes = if plan.coding == Coding::Gsm7 { 1 } else { 2 };
    let used = plan.segments.last().map_or(0, |segment| segment.len() / unit_bytes);
    let room = if plan.segments.len() > 1 { plan.coding.segment() } else { plan.coding.single() };
    Count { coding: plan.coding, segments: plan.segments.len(), left: room.saturating_sub(used) }
}

/// The header of a segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Header {
    pub reference: u16,
    pub total: u8,
    /// From 1.
    pub number: u8,
}

impl Header {
    /// With an 8-bit reference, which every phone understands.
    pub const fn bytes(reference: u8, total: u8, number: u8) -> [u8; 6] {
        [5, 0, 3, reference, total, number]
    }
}

/// Reads a user data header and tells where the text begins. A header without concatenation gives `None` in its place.
///
/// # Errors
/// What is wrong, in words; the bytes are then best read as they are.
pub fn read_header(bytes: &[u8]) -> Result<(Option<Header>, usize), String> {
    let length = usize::from(*bytes.first().ok_or("the header is empty")?);
    let header = bytes.get(1..=length).ok_or_else(|| {
        format!("the header says that it is {length} bytes long, the message has {}", bytes.len() - 1)
    })?;
    let mut found = None;
    let mut at = 0;
    while at < header.len() {
        let size = usize::from(*header.get(at + 1).ok_or("an element of the header has no length")?);
        let element = header.get(at + 2..at + 2 + size).ok_or("an element of the header is cut off")?;
        match (header[at], element) {
            (0, [reference, total, number]) => {
                found = Some(Header { reference: u16::from(*reference), total: *total, number: *number });
            }
            (8, [high, low, total, number]) => {
                let reference = u16::from_be_bytes([*high, *low]);
                found = Some(Header { reference, total: *total, number: *number });
            }
            _ => {}
        }
        at += 2 + size;
    }
    if let Some(header) = found
        && (header.total == 0 || header.number == 0 || header.number > header.total)
    {
        return Err(format!("segment {} of {} cannot be", header.number, header.total));
    }
    Ok((found.filter(|header| header.total > 1), 1 + length))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sms::{decode_gsm7, decode_ucs2};
    use proptest::prelude::*;

    fn check(text: &str, coding: Coding, segments: usize, left: usize) {
        assert_eq!(count(text), Count { coding, segments, left }, "{text}");
    }

    #[test]
    fn limits_are_those_of_the_networks() {
        check("", Coding::Gsm7, 1, 160);
        check(&"a".repeat(160), Coding::Gsm7, 1, 0);
        check(&"a".repeat(161), Coding::Gsm7, 2, 153 - 8);
        check(&"a".repeat(306), Coding::Gsm7, 2, 0);
        check(&"a".repeat(307), Coding::Gsm7, 3, 152);
        check(&"€".repeat(80), Coding::Gsm7, 1, 0);
        check(&"€".repeat(81), Coding::Gsm7, 2, 153 - 10);
        check(&"س".repeat(70), Coding::Ucs2, 1, 0);
        check(&"س".repeat(71), Coding::Ucs2, 2, 67 - 4);
        check(&"س".repeat(134), Coding::Ucs2, 2, 0);
        check(&"🚀".repeat(35), Coding::Ucs2, 1, 0);
        // 33 whole rockets fit into 67 units; one unit stays free.
        check(&"🚀".repeat(36), Coding::Ucs2, 2, 67 - 6);
    }

    #[test]
    fn an_arabic_report_with_latin_call_signs_keeps_its_order_in_memory() {
        let text = "الوضع هادئ. BF12 وصل 14:25 إلى Comoro ومعه 3621.";
        let plan = plan(text);
        let bytes: Vec<u8> = plan.segments.concat();
        assert_eq!(decode_ucs2(&bytes), text);
    }

    #[test]
    fn headers_are_read_or_refused() {
        let header = Header { reference: 0x42, total: 3, number: 2 };
        assert_eq!(read_header(&Header::bytes(0x42, 3, 2)), Ok((Some(header), 6)));
        let wide = [6, 8, 4, 0x12, 0x34, 2, 1, b'x'];
        assert_eq!(read_header(&wide), Ok((Some(Header { reference: 0x1234, total: 2, number: 1 }), 7)));
        let ports = [6, 5, 4, 0x0b, 0x84, 0, 0, b'x'];
        assert_eq!(read_header(&ports), Ok((None, 7)));
        assert!(read_header(&[5, 0, 3, 1]).is_err());
        assert!(read_header(&Header::bytes(1, 2, 3)).is_err());
        assert!(read_header(&[]).is_err());
    }

    proptest! {
        #[test]
        fn nothing_is_lost_and_nothing_is_too_long(text in "(\\PC|[a-zA-Z0-9 €{}]|[ء-ي]){0,400}") {
            let plan = plan(&text);
            let whole: String = plan.segments.iter().map(|segment| match plan.coding {
                Coding::Gsm7 => decode_gsm7(segment),
                Coding::Ucs2 => decode_ucs2(segment),
            }).collect();
            prop_assert_eq!(&whole, &text);
            let unit_bytes = if plan.coding == Coding::Gsm7 { 1 } else { 2 };
            let room = if plan.segments.len() > 1 { plan.coding.segment() } else { plan.coding.single() };
            for segment in &plan.segments {
                prop_assert!(segment.len() <= room * unit_bytes);
            }
        }

        #[test]
        fn any_header_is_read_without_panic(bytes in proptest::collection::vec(any::<u8>(), 0..40)) {
            if let Ok((_, start)) = read_header(&bytes) {
                prop_assert!(start <= bytes.len());
            }
        }
    }
}
