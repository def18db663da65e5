//! What a network delivered by `deliver_sm`, read: a message, a segment of one, or a receipt. SMPP 3.4, 4.6.

use kernel::message::Means;

use super::alphabet::{decode_gsm7, decode_latin1, decode_ucs2};
use super::receipt::{of_state, read_receipt};
use super::segment::{Header, read_header};
use crate::arrival::{Item, Reading, Receipt, Said, Segment, Text};

/// The fields of a `deliver_sm` that matter.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Deliver {
    pub esm_class: u8,
    pub data_coding: u8,
    pub source_ton: u8,
    pub source: String,
    pub destination_ton: u8,
    pub destination: String,
    /// `short_message`, or `message_payload` when that is there.
    pub payload: Vec<u8>,
    /// `receipted_message_id`.
    pub receipted: Option<String>,
    /// `message_state`.
    pub state: Option<u8>,
    /// `sar_msg_ref_num`, `sar_total_segments`, `sar_segment_seqnum`.
    pub sar: Option<(u16, u8, u8)>,
}

/// The message carries a receipt, or word of its way: 5.2.12.
const RECEIPT_BITS: u8 = 0b0010_0100;
/// The payload begins with a header.
const HEADER_BIT: u8 = 0b0100_0000;

/// Reads it.
pub fn read(deliver: &Deliver) -> Reading {
    let mut reading = Reading::default();
    if deliver.esm_class & RECEIPT_BITS != 0 {
        match receipt(deliver) {
            Some(receipt) => reading.items.push(Item::Receipt(receipt)),
            None => reading.note("a receipt has neither receipted_message_id nor `id:… stat:…` in its text"),
        }
        return reading;
    }
    let (header, start) = header(deliver, &mut reading);
    let text = decode(deliver.data_coding, &deliver.payload[start..], &mut reading);
    let sender = number(&deliver.source, deliver.source_ton);
    let recipient = number(&deliver.destination, deliver.destination_ton);
    if sender.is_empty() {
        reading.note("the message has no source_addr; it is kept without a sender");
    }
    reading.items.push(match header {
        Some(Header { reference, total, number }) => {
            Item::Segment(Segment { sender, recipient, reference, total, number, text })
        }
        None => {
            let mut whole = Text::plain(Means::Sms, sender, recipient, text);
            whole.provider_id = deliver.receipted.clone().filter(|id| !id.is_empty());
            Item::Text(whole)
        }
    });
    reading
}

fn receipt(deliver: &Deliver) -> Option<Receipt> {
    let by_text = read_receipt(&decode_gsm7(&deliver.payload));
    let id = deliver.receipted.clone().filter(|id| !id.is_empty());
    let Some(state) = deliver.state else {
        return by_text.map(|receipt| Receipt { provider_id: id.unwrap_or(receipt.provider_id.clone()), ..receipt });
    };
    let word = match state {
        0 | 1 => "ENROUTE",
        2 => "DELIVRD",
        3 => "EXPIRED",
        4 => "DELETED",
        5 => "UNDELIV",
        6 => "ACCEPTD",
        8 | 9 => "REJECTD",
        _ => "UNKNOWN",
    };
    let said = of_state(word)?;
    let told = by_text.as_ref().and_then(|receipt| receipt.problem.clone());
    let problem = (said == Said::Lost).then(|| told.unwrap_or_else(|| format!("the network says {word}")));
    let provider_id = id.or(by_text.map(|receipt| receipt.provider_id))?;
    Some(Receipt { provider_id, said, problem })
}

/// Which segment it is, and where its text begins.
fn header(deliver: &Deliver, reading: &mut Reading) -> (Option<Header>, usize) {
    if deliver.esm_class & HEADER_BIT != 0 {
        match read_header(&deliver.payload) {
            Ok((header, start)) => return (header, start),
            Err(problem) => reading.note(format!("user data header: {problem}; read as text")),
        }
        return (None, 0);
    }
    let by_tlv = deliver.sar.filter(|(_, total, number)| *total > 1 && (1..=*total).contains(number));
    (by_tlv.map(|(reference, total, number)| Header { reference, total, number }), 0)
}

fn decode(data_coding: u8, bytes: &[u8], reading: &mut Reading) -> String {
    // Message classes (TS 23.038, 4): bits 3 and 2 are the alphabet.
    let group = data_coding & 0xf0;
    let coding = if group == 0xf0 || (group & 0xc0 == 0 && group != 0) { data_coding & 0x0c } else { data_coding };
    match coding {
        0 => decode_gsm7(bytes),
        1 => decode_ascii(bytes, reading),
        3 => decode_latin1(bytes),
        8 => decode_ucs2(bytes),
        2 | 4 => {
            reading.note("the message is binary; it is shown in hexadecimal");
            hex::encode(bytes)
        }
        other => {
            reading.note(format!("data_coding {other} is not known; read as text if it is one"));
            std::str::from_utf8(bytes).map_or_else(|_| decode_gsm7(bytes), str::to_owned)
        }
    }
}

/// Data coding 1 is IA5 (ASCII) by the book. Widely used libraries say so of bytes of the GSM alphabet, which has letters where
/// ASCII has control characters (`@` is 0, the escape before `[` is 0x1b).
fn decode_ascii(bytes: &[u8], reading: &mut Reading) -> String {
    let end = bytes.iter().rposition(|byte| *byte != 0).map_or(0, |last| last + 1);
    let is_text = |byte: &u8| matches!(byte, b'\t' | b'\n' | b'\r' | 0x20..=0x7e | 0x80..);
    if bytes[..end].iter().all(is_text) {
        return std::str::from_utf8(&bytes[..end]).map_or_else(|_| decode_latin1(&bytes[..end]), str::to_owned);
    }
    reading.note("data_coding 1 (ASCII) with letters of the GSM alphabet: read as GSM");
    decode_gsm7(&bytes[..end])
}

/// A number with its plus sign where the network says that it is international.
fn number(address: &str, ton: u8) -> String {
    let address = address.trim();
    let international = ton == 1 && !address.starts_with('+') && !address.is_empty();
    if international { format!("+{address}") } else { address.to_owned() }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn from_phone(payload: &[u8]) -> Deliver {
        let (source, destination) = ("67077231234".to_owned(), "1234".to_owned());
        Deliver { source_ton: 1, source, destination, payload: payload.to_vec(), ..Deliver::default() }
    }

    #[test]
    fn a_text_has_its_sender_and_its_words() {
        let reading = read(&from_phone(b"SAFE"));
        let expected = Text::plain(Means::Sms, "+67077231234", "1234", "SAFE");
        assert_eq!(reading, Reading { items: vec![Item::Text(expected)], findings: vec![] });
    }

    #[test]
    fn arabic_flash_and_binary_are_told_apart() {
        let check = |data_coding, payload: &[u8], text: &str, findings| {
            let reading = read(&Deliver { data_coding, ..from_phone(payload) });
            let Some(Item::Text(found)) = reading.items.first() else { panic!("{reading:?}") };
            assert_eq!((found.text.as_str(), reading.findings.len()), (text, findings));
        };
        check(8, &[0x06, 0x33, 0x06, 0x44], "سل", 0);
        check(0x18, &[0x06, 0x33], "س", 0);
        check(0xf0, b"SOS", "SOS", 0);
        check(4, &[0xde, 0xad], "dead", 1);
        check(3, &[0xe9], "é", 0);
        check(0x77, "é".as_bytes(), "é", 1);
        // What the npm library `smpp` sends by default: GSM bytes under the coding of ASCII.
        check(1, b"HELP me\0irco", "HELP me@irco", 1);
        check(1, b"\x05t\x05, \x1b<a\x1b>", "été, [a]", 1);
        check(1, b"SAFE\0\0", "SAFE", 0);
        check(1, b"SAFE\r\n[a]", "SAFE\r\n[a]", 0);
        check(1, &[0xe9], "é", 0);
    }

    #[test]
    fn segments_by_header_and_by_parameters() {
        let mut payload = Header::bytes(9, 2, 2).to_vec();
        payload.extend(b"rest");
        let by_header = read(&Deliver { esm_class: 0x40, ..from_phone(&payload) });
        let by_tlv = read(&Deliver { sar: Some((9, 2, 2)), ..from_phone(b"rest") });
        assert_eq!(by_header, by_tlv);
        assert!(matches!(&by_tlv.items[0], Item::Segment(one) if one.number == 2 && one.text == "rest"));
    }

    #[test]
    fn a_receipt_by_parameters_beats_its_text() {
        let text = b"id:12 sub:001 dlvrd:001 submit date:1 done date:2 stat:ACCEPTD err:000";
        let deliver = Deliver { esm_class: 4, receipted: Some("0c".to_owned()), state: Some(2), ..from_phone(text) };
        let receipt = Receipt { provider_id: "0c".to_owned(), said: Said::Delivered, problem: None };
        assert_eq!(read(&deliver).items, [Item::Receipt(receipt)]);
        let nothing = Deliver { esm_class: 4, ..from_phone(b"hello") };
        assert_eq!((read(&nothing).items.len(), read(&nothing).findings.len()), (0, 1));
    }

    proptest! {
        #[test]
        fn nothing_makes_it_panic_and_nothing_vanishes(
            esm_class: u8, data_coding: u8, ton: u8, payload in proptest::collection::vec(any::<u8>(), 0..200)
        ) {
            let deliver = Deliver { esm_class, data_coding, source_ton: ton, ..from_phone(&payload) };
            let reading = read(&deliver);
            prop_assert!(!reading.items.is_empty() || !reading.findings.is_empty());
        }
    }
}
