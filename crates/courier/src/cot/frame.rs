//! Where one event ends and the next begins: XML up to `</event>` or to where another begins, protobuf by its length.

/// A longer event is dropped.
pub const MOST_BYTES: usize = 256 << 10;
const START: &[u8] = b"<event";
const END: &[u8] = b"</event>";
/// Begins a message of the TAK protocol.
const MAGIC: u8 = 0xbf;

/// One event as it came.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Frame {
    Xml(Vec<u8>),
    Proto(Vec<u8>),
}

/// Bytes that have come and are not yet an event.
#[derive(Debug, Default)]
pub struct Frames {
    bytes: Vec<u8>,
    /// How far an end was looked for.
    looked: usize,
    /// Events that were too long to be one.
    pub dropped: u64,
}

impl Frames {
    /// Adds what came.
    pub fn push(&mut self, bytes: &[u8]) {
        self.bytes.extend_from_slice(bytes);
    }

    /// The next event, if it is whole.
    pub fn next_frame(&mut self) -> Option<Frame> {
        let blank = self.bytes.iter().take_while(|byte| byte.is_ascii_whitespace() || **byte == 0).count();
        if blank > 0 {
            self.bytes.drain(..blank);
            self.looked = 0;
        }
        match self.bytes.first()? {
            &MAGIC => self.proto(),
            _ => self.xml(),
        }
    }

    fn xml(&mut self) -> Option<Frame> {
        let from = self.looked.saturating_sub(END.len());
        let found = self.bytes[from..].windows(END.len()).position(|window| window == END);
        if let Some(at) = found {
            let whole = from + at + END.len();
            // Events do not lie in one another: a broken one must not take along the good one behind it.
            let end = second_start(&self.bytes[..whole]).unwrap_or(whole);
            self.looked = (from + at).saturating_sub(end);
            return Some(Frame::Xml(self.bytes.drain(..end).collect()));
        }
        self.looked = self.bytes.len();
        if self.bytes.len() > MOST_BYTES {
            self.drop_all();
        }
        None
    }

    /// Stream framing: the magic byte, the length as a varint, the payload. A mesh header has its version between two magic bytes.
    fn proto(&mut self) -> Option<Frame> {
        if self.bytes.get(2) == Some(&MAGIC) && self.bytes.get(1) == Some(&1) {
            // A datagram in a stream has no length: it is all that is there.
            let payload = self.bytes.split_off(3);
            self.bytes.clear();
            return Some(Frame::Proto(payload));
        }
        let mut length = 0_usize;
        for (at, byte) in self.bytes.iter().skip(1).take(4).enumerate() {
            length |= usize::from(byte & 0x7f) << (7 * at);
            if byte & 0x80 != 0 {
                continue;
            }
            if length > MOST_BYTES {
                break;
            }
            let start = 2 + at;
            if self.bytes.len() < start + length {
                return None;
            }
            let rest = self.bytes.split_off(start + length);
            let payload = self.bytes.split_off(start);
            self.bytes = rest;
            self.looked = 0;
            return Some(Frame::Proto(payload));
        }
        if self.bytes.len() > 5 || length > MOST_BYTES {
            self.drop_all();
        }
        None
    }

    fn drop_all(&mut self) {
        self.bytes.clear();
        self.looked = 0;
        self.dropped += 1;
    }
}

/// Where another event begins in what was thought to be one.
fn second_start(bytes: &[u8]) -> Option<usize> {
    let begins = |at: &usize| {
        let rest = &bytes[*at..];
        rest.starts_with(START)
            && rest.get(START.len()).is_some_and(|next| next.is_ascii_whitespace() || matches!(next, b'>' | b'/'))
    };
    (0..bytes.len()).filter(begins).nth(1)
}

/// A payload with its stream framing.
pub(super) fn framed(payload: &[u8]) -> Vec<u8> {
    let mut all = vec![MAGIC];
    let mut length = payload.len();
    loop {
        #[expect(clippy::cast_possible_truncation, reason = "seven bits")]
        let low = (length & 0x7f) as u8;
        length >>= 7;
        all.push(if length > 0 { low | 0x80 } else { low });
        if length == 0 {
            break;
        }
    }
    all.extend_from_slice(payload);
    all
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn all(frames: &mut Frames) -> Vec<Frame> {
        std::iter::from_fn(|| frames.next_frame()).collect()
    }

    proptest! {
        /// However the network cuts it, the same events come out.
        #[test]
        fn cuts_do_not_matter(sizes in proptest::collection::vec(1_usize..40, 1..60), payload in proptest::collection::vec(any::<u8>(), 0..300)) {
            let xml = b"<?xml version='1.0'?>\n<event uid='1'><point/></event>".to_vec();
            let mut stream = xml.clone();
            stream.extend(b"\n\0");
            stream.extend(framed(&payload));
            stream.extend(b"<event/><event></event>");
            let mut frames = Frames::default();
            let mut found = Vec::new();
            let mut at = 0;
            let mut sizes = sizes.into_iter().cycle();
            while at < stream.len() {
                let end = (at + sizes.next().unwrap_or(1)).min(stream.len());
                frames.push(&stream[at..end]);
                found.extend(all(&mut frames));
                at = end;
            }
            let last = [b"<event/>".to_vec(), b"<event></event>".to_vec()].map(Frame::Xml);
            let proto_like_mesh = payload.first() == Some(&0xbf) && payload.len() == 1;
            if !proto_like_mesh {
                let expected: Vec<Frame> = [Frame::Xml(xml), Frame::Proto(payload)].into_iter().chain(last).collect();
                prop_assert_eq!(found, expected);
            }
        }

        #[test]
        fn any_bytes_are_framed_or_dropped(bytes in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut frames = Frames::default();
            frames.push(&bytes);
            let _ = all(&mut frames);
        }
    }

    #[test]
    fn a_broken_event_takes_no_good_one_along() {
        let mut frames = Frames::default();
        frames.push(b"<event garbage <<<>><event uid=\"COT-7\"><point/></event>\n<event uid=\"8\"></event>");
        let texts: Vec<String> = all(&mut frames)
            .into_iter()
            .map(|frame| match frame {
                Frame::Xml(bytes) | Frame::Proto(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
            })
            .collect();
        let expected = ["<event garbage <<<>>", "<event uid=\"COT-7\"><point/></event>", "<event uid=\"8\"></event>"];
        assert_eq!(texts, expected);
    }

    #[test]
    fn an_event_without_end_is_dropped_and_counted() {
        let mut frames = Frames::default();
        frames.push(&vec![b'x'; MOST_BYTES + 1]);
        assert_eq!((frames.next_frame(), frames.dropped), (None, 1));
        frames.push(b"<event></event>");
        assert!(frames.next_frame().is_some());
    }
}
