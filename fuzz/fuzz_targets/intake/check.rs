//! What must hold for every input.
#![allow(dead_code, reason = "each target uses one of these")]

use intake::listen::{FrameDecoder, FrameEvent};
use intake::{DecodeRequest, Format};
use kernel::Timestamp;
use kernel::id::EntryId;

/// Never a panic; each record is an event or unparsed; the second reading gives what the first gave.
pub fn decode(format: Format, bytes: &[u8]) {
    let received = Timestamp(1_795_248_900_000_000);
    let request = DecodeRequest::new(EntryId::new(received, [7; 10]), "fuzz", format, received, bytes);
    let found = intake::decode(&request);
    assert_eq!(found.accepted, found.events.columns.num_rows() as u64 + found.unparsed);
    let again = intake::decode(&request);
    assert_eq!(found.events.columns, again.events.columns);
    let _ = intake::sniff(bytes);
}

/// However the stream is cut, the messages are the same.
pub fn frames(bytes: &[u8]) {
    let read = |step: usize| -> Vec<FrameEvent> {
        let mut decoder = FrameDecoder::new(64);
        let mut events = Vec::new();
        for piece in bytes.chunks(step) {
            decoder.push(piece);
            while let Some(event) = decoder.next_event() {
                events.push(event);
            }
        }
        events.extend(decoder.finish());
        events
    };
    assert_eq!(read(1), read(bytes.len().max(1)));
}
