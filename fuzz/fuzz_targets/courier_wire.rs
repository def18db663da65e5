//! What comes over wires without HTTP: DirectIP, Cursor-on-Target, SMPP, NMEA.
#![no_main]

use courier::cot::{Frame, Frames, from_proto, read_event};
use courier::feed::{iridium, nmea};
use courier::sms::deliver::{self, Deliver};
use libfuzzer_sys::fuzz_target;

fuzz_target!(|bytes: &[u8]| {
    let reading = iridium::read(bytes);
    assert!(!reading.items.is_empty() || !reading.findings.is_empty(), "dropped in silence");
    let mut frames = Frames::default();
    frames.push(bytes);
    while let Some(frame) = frames.next_frame() {
        let event = match frame {
            Frame::Xml(bytes) => read_event(&bytes),
            Frame::Proto(bytes) => from_proto(&bytes),
        };
        if let Ok(event) = event {
            let _ = (event.tell(), event.write());
        }
    }
    let _ = nmea::Receiver::default().line("x", &String::from_utf8_lossy(bytes));
    if let [esm_class, data_coding, payload @ ..] = bytes {
        let (esm_class, data_coding, payload) = (*esm_class, *data_coding, payload.to_vec());
        let reading = deliver::read(&Deliver { esm_class, data_coding, payload, ..Deliver::default() });
        assert!(!reading.items.is_empty() || !reading.findings.is_empty(), "dropped in silence");
    }
});
