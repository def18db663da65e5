//! How segments and entries lie in bytes. Pure: bytes in, values out.
//!
//! A segment is a header of [`HEADER_LEN`] bytes, then frames. A frame is marker, body length, checksum, body. The
//! checksum is XORed with a salt that only the segment's header knows, so that a payload that imitates a frame does
//! not become one when a damaged segment is searched for the next good frame.

use bytes::Bytes;
use kernel::Timestamp;
use kernel::id::EntryId;
use uuid::Uuid;

use crate::entry::Entry;
use crate::error::LakeError;

/// Bytes of a segment's header.
pub const HEADER_LEN: usize = 80;
/// Bytes before a frame's body.
pub const FRAME_HEAD_LEN: usize = 12;
const MAGIC: &[u8; 8] = b"VIGIEWAL";
const VERSION: u32 = 1;
const MARKER: u32 = 0x7647_4C57;
const NO_TABLE: u16 = u16::MAX;

/// What a segment says of itself and of the one before it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct SegmentHeader {
    pub number: u64,
    /// Names the writer in Delta's application transactions.
    pub node: Uuid,
    pub created: Timestamp,
    pub salt: u32,
    /// The segment written before, and how much of it was acknowledged: bytes after that do not count.
    pub previous: Option<(u64, u64)>,
}

impl SegmentHeader {
    /// The header's bytes.
    pub fn encode(&self) -> Vec<u8> {
        let (previous, previous_len) = self.previous.unwrap_or_default();
        let mut bytes = Vec::with_capacity(HEADER_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(&VERSION.to_le_bytes());
        bytes.extend_from_slice(&self.salt.to_le_bytes());
        bytes.extend_from_slice(&self.number.to_le_bytes());
        bytes.extend_from_slice(self.node.as_bytes());
        bytes.extend_from_slice(&self.created.micros().to_le_bytes());
        bytes.extend_from_slice(&previous.to_le_bytes());
        bytes.extend_from_slice(&previous_len.to_le_bytes());
        bytes.resize(HEADER_LEN - 4, 0);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes
    }

    /// Reads a header; `None`: it is torn or not a header.
    pub fn decode(bytes: &[u8]) -> Option<SegmentHeader> {
        let (content, crc) = bytes.get(..HEADER_LEN)?.split_at(HEADER_LEN - 4);
        if crc32fast::hash(content).to_le_bytes() != crc {
            return None;
        }
        let mut at = Cursor(content);
        if at.take(8)? != MAGIC || at.u32()? != VERSION {
            return None;
        }
        let (salt, number) = (at.u32()?, at.u64()?);
        let node = Uuid::from_slice(at.take(16)?).ok()?;
        let created = Timestamp(at.i64()?);
        let (previous, previous_len) = (at.u64()?, at.u64()?);
        let previous = (previous != 0).then_some((previous, previous_len));
        Some(SegmentHeader { number, node, created, salt, previous })
    }
}

/// An entry made ready for writing by the thread that appends it; the payload is not copied.
#[derive(Debug)]
pub struct Frame {
    fields: Vec<u8>,
    payload: Bytes,
    crc: u32,
}

impl Frame {
    /// Lays out `entry` and computes its checksum. Fails when it is larger than `limit` or a name is over 64 kB.
    pub fn new(entry: &Entry, limit: u64) -> Result<Frame, LakeError> {
        let mut fields = Vec::with_capacity(160);
        fields.extend_from_slice(entry.id.uuid().as_bytes());
        fields.extend_from_slice(&entry.key);
        fields.extend_from_slice(&entry.received.micros().to_le_bytes());
        for text in [Some(&entry.source), Some(&entry.format), entry.table.as_ref()] {
            let Some(text) = text else {
                fields.extend_from_slice(&NO_TABLE.to_le_bytes());
                continue;
            };
            let len = u16::try_from(text.len()).ok().filter(|len| *len != NO_TABLE).ok_or(LakeError::BadName {
                name: text.chars().take(80).collect(),
                reason: "it is longer than 65534 bytes",
            })?;
            fields.extend_from_slice(&len.to_le_bytes());
            fields.extend_from_slice(text.as_bytes());
        }
        let bytes = (fields.len() + entry.payload.len()) as u64;
        if bytes > limit {
            return Err(LakeError::TooLarge { bytes, limit_bytes: limit });
        }
        let mut hasher = crc32fast::Hasher::new();
        // `limit` is at most u32::MAX / 2, by LakeConfig::check.
        hasher.update(&(bytes as u32).to_le_bytes());
        hasher.update(&fields);
        hasher.update(&entry.payload);
        Ok(Frame { fields, payload: entry.payload.clone(), crc: hasher.finalize() })
    }

    /// Bytes in the segment.
    pub fn len(&self) -> u64 {
        (FRAME_HEAD_LEN + self.fields.len() + self.payload.len()) as u64
    }

    /// The bytes before the body, for a segment with this salt.
    pub fn head(&self, salt: u32) -> [u8; FRAME_HEAD_LEN] {
        let mut head = [0; FRAME_HEAD_LEN];
        let body_len = (self.fields.len() + self.payload.len()) as u32;
        head[..4].copy_from_slice(&MARKER.to_le_bytes());
        head[4..8].copy_from_slice(&body_len.to_le_bytes());
        head[8..].copy_from_slice(&(self.crc ^ salt).to_le_bytes());
        head
    }

    /// The body, in two parts.
    pub fn body(&self) -> (&[u8], &[u8]) {
        (&self.fields, &self.payload)
    }
}

/// What begins at a place in a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Parsed {
    /// A good frame of `len` bytes.
    Frame { entry: Entry, len: usize },
    /// It may be good; this many bytes are needed to know.
    NeedMore(usize),
    /// No frame begins here.
    Bad,
}

/// Reads the frame at the start of `bytes`.
pub fn parse_frame(bytes: &[u8], salt: u32, limit: u64) -> Parsed {
    let mut at = Cursor(bytes);
    let (Some(marker), Some(body_len), Some(crc)) = (at.u32(), at.u32(), at.u32()) else {
        return Parsed::NeedMore(FRAME_HEAD_LEN);
    };
    if marker != MARKER || u64::from(body_len) > limit {
        return Parsed::Bad;
    }
    let Some(body) = at.take(body_len as usize) else {
        return Parsed::NeedMore(FRAME_HEAD_LEN + body_len as usize);
    };
    let mut hasher = crc32fast::Hasher::new();
    hasher.update(&body_len.to_le_bytes());
    hasher.update(body);
    if hasher.finalize() ^ salt != crc {
        return Parsed::Bad;
    }
    match parse_body(body) {
        Some(entry) => Parsed::Frame { entry, len: FRAME_HEAD_LEN + body.len() },
        None => Parsed::Bad,
    }
}

/// The first place at or after `from` where a good frame begins.
pub fn find_frame(bytes: &[u8], from: usize, salt: u32, limit: u64) -> Option<usize> {
    let marker = MARKER.to_le_bytes();
    (from..bytes.len().saturating_sub(FRAME_HEAD_LEN - 1))
        .filter(|&at| bytes[at..].starts_with(&marker))
        .find(|&at| matches!(parse_frame(&bytes[at..], salt, limit), Parsed::Frame { .. }))
}

fn parse_body(body: &[u8]) -> Option<Entry> {
    let mut at = Cursor(body);
    let id = EntryId::from_uuid(Uuid::from_slice(at.take(16)?).ok()?);
    let key = at.take(32)?.try_into().ok()?;
    let received = Timestamp(at.i64()?);
    let (source, format) = (at.text()??, at.text()??);
    let table = at.text()?;
    Some(Entry { id, source, format, table, received, key, payload: Bytes::copy_from_slice(at.0) })
}

struct Cursor<'a>(&'a [u8]);

impl<'a> Cursor<'a> {
    fn take(&mut self, len: usize) -> Option<&'a [u8]> {
        let (taken, rest) = self.0.split_at_checked(len)?;
        self.0 = rest;
        Some(taken)
    }

    fn u32(&mut self) -> Option<u32> {
        Some(u32::from_le_bytes(self.take(4)?.try_into().ok()?))
    }

    fn u64(&mut self) -> Option<u64> {
        Some(u64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    fn i64(&mut self) -> Option<i64> {
        Some(i64::from_le_bytes(self.take(8)?.try_into().ok()?))
    }

    /// The outer `None`: malformed; the inner: no text.
    fn text(&mut self) -> Option<Option<String>> {
        let len = u16::from_le_bytes(self.take(2)?.try_into().ok()?);
        if len == NO_TABLE {
            return Some(None);
        }
        let text = std::str::from_utf8(self.take(usize::from(len))?).ok()?;
        Some(Some(text.to_owned()))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    const LIMIT: u64 = 1 << 20;

    fn entry(payload: Vec<u8>, table: Option<String>) -> Entry {
        Entry {
            id: EntryId::new(Timestamp(1_000_000), [3; 10]),
            source: "dc-01".into(),
            format: "windows-json".into(),
            table,
            received: Timestamp(1_795_248_000_000_000),
            key: [9; 32],
            payload: payload.into(),
        }
    }

    fn bytes_of(entry: &Entry, salt: u32) -> Vec<u8> {
        let frame = Frame::new(entry, LIMIT).unwrap();
        let (fields, payload) = frame.body();
        [&frame.head(salt)[..], fields, payload].concat()
    }

    proptest! {
        #[test]
        fn frames_round_trip_and_no_changed_byte_passes(
            payload in prop::collection::vec(any::<u8>(), 0..200),
            table in prop::option::of("[A-Za-z]{1,9}"),
            salt: u32,
            flip in any::<prop::sample::Index>(),
            bit in 0u8..8,
        ) {
            let entry = entry(payload, table);
            let mut bytes = bytes_of(&entry, salt);
            let len = bytes.len();
            prop_assert_eq!(parse_frame(&bytes, salt, LIMIT), Parsed::Frame { entry, len });
            bytes[flip.index(len)] ^= 1 << bit;
            let changed = parse_frame(&bytes, salt, LIMIT);
            prop_assert!(!matches!(changed, Parsed::Frame { .. }), "{:?}", changed);
        }

        #[test]
        fn hostile_bytes_never_panic(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
            let _ = SegmentHeader::decode(&bytes);
            let _ = find_frame(&bytes, 0, 0, LIMIT);
            let marked = [&MARKER.to_le_bytes()[..], &bytes].concat();
            let _ = parse_frame(&marked, 0, LIMIT);
        }
    }

    #[test]
    fn a_payload_cannot_forge_a_frame() {
        let forged = bytes_of(&entry(b"forged".to_vec(), None), 0);
        let mut segment = bytes_of(&entry(forged, None), 0x5EED);
        segment[5] ^= 1;
        assert_eq!(find_frame(&segment, 0, 0x5EED, LIMIT), None);
    }

    #[test]
    fn headers_round_trip() {
        let header = SegmentHeader {
            number: 7,
            node: Uuid::from_u128(5),
            created: Timestamp(12),
            salt: 99,
            previous: Some((6, 4096)),
        };
        let mut bytes = header.encode();
        assert_eq!(bytes.len(), HEADER_LEN);
        assert_eq!(SegmentHeader::decode(&bytes), Some(header));
        bytes[20] ^= 1;
        assert_eq!(SegmentHeader::decode(&bytes), None);
    }
}
