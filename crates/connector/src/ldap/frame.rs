//! The guard between the network and the LDAP library: whole messages only, of bearable size and depth.
//!
//! The library reads messages into nested structures by recursion, so a server that sends a message nested a million deep
//! would end the process. Pure: bytes in, verdicts out.

use super::ber;

/// The largest message: a page of a thousand entries with photos is far below.
pub const LARGEST_MESSAGE: usize = 64 << 20;
/// LDAP's own messages nest eight deep; referrals and controls a little more.
pub const DEEPEST: usize = 32;
/// Bytes of a tag and its length.
const HEADER: usize = 6;

/// Why a message is not passed on; the connection ends.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum BadFrame {
    #[error("the server sent something that is no LDAP message (it begins with byte {0:#04x})")]
    NoMessage(u8),
    #[error("the server sent a message of {0} bytes; the limit is {LARGEST_MESSAGE}")]
    TooLarge(usize),
    #[error("the server sent a message that is nested deeper than {DEEPEST}")]
    TooDeep,
    #[error("the server sent a message whose parts do not fit into each other")]
    Torn,
}

/// How many bytes the first message in `buffer` has; `None`: not all of its header is there yet.
///
/// # Errors
/// It is no message, or a too large one.
pub fn message_length(buffer: &[u8]) -> Result<Option<usize>, BadFrame> {
    let Some(first) = buffer.first() else { return Ok(None) };
    if *first != ber::SEQUENCE {
        return Err(BadFrame::NoMessage(*first));
    }
    match ber::length(&buffer[1..]) {
        Some((length, header)) => {
            let whole = length.saturating_add(header + 1);
            if whole > LARGEST_MESSAGE { Err(BadFrame::TooLarge(whole)) } else { Ok(Some(whole)) }
        }
        None if buffer.len() >= HEADER => Err(BadFrame::Torn),
        None if buffer.get(1) == Some(&0x80) => Err(BadFrame::Torn),
        None => Ok(None),
    }
}

/// Looks through a whole message. Iterative: depth costs no stack.
///
/// # Errors
/// [`BadFrame::TooDeep`] or [`BadFrame::Torn`].
pub fn inspect(message: &[u8]) -> Result<(), BadFrame> {
    // The ends of the structures that are open.
    let mut open: Vec<usize> = Vec::with_capacity(DEEPEST);
    let mut at = 0;
    let mut limit = message.len();
    loop {
        while at == limit {
            match open.pop() {
                Some(outer) => limit = outer,
                None => return Ok(()),
            }
        }
        let tag = message[at];
        if tag & 0x1f == 0x1f {
            return Err(BadFrame::Torn);
        }
        let (length, header) = ber::length(&message[at + 1..limit]).ok_or(BadFrame::Torn)?;
        let start = at + 1 + header;
        let end = start.checked_add(length).filter(|end| *end <= limit).ok_or(BadFrame::Torn)?;
        if tag & 0x20 == 0 {
            at = end;
            continue;
        }
        if open.len() + 1 > DEEPEST {
            return Err(BadFrame::TooDeep);
        }
        open.push(limit);
        (at, limit) = (start, end);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn nested(depth: usize) -> Vec<u8> {
        (0..depth).fold(ber::value(ber::OCTETS, b"x"), |inner, _| ber::value(ber::SEQUENCE, &inner))
    }

    #[test]
    fn depth_and_size_have_limits() {
        assert_eq!(inspect(&nested(DEEPEST)), Ok(()));
        assert_eq!(inspect(&nested(DEEPEST + 1)), Err(BadFrame::TooDeep));
        assert_eq!(inspect(&nested(20_000)), Err(BadFrame::TooDeep));
        assert_eq!(message_length(b"\x30\x84\x7f\xff\xff\xff"), Err(BadFrame::TooLarge(0x7fff_ffff + 6)));
        assert_eq!(message_length(b"HTTP/1.1 400"), Err(BadFrame::NoMessage(b'H')));
        assert_eq!(message_length(b"\x30\x82\x01"), Ok(None));
        assert_eq!(message_length(b"\x30\x80"), Err(BadFrame::Torn), "LDAP forbids lengths without end");
    }

    proptest! {
        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..200)) {
            let _ = message_length(&bytes);
            let _ = inspect(&bytes);
        }
    }
}
