//! How messages follow one another in a delivery.

/// One message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Frame<'a> {
    /// Byte offset in the delivery.
    pub(crate) at: usize,
    /// The sender's address, where the listener noted it.
    pub(crate) peer: Option<&'a str>,
    pub(crate) bytes: &'a [u8],
}

/// Cuts a delivery into messages. A frame is `length message` as in RFC 6587, before which the listeners write
/// `@peer `; anything else is a line.
#[derive(Debug)]
pub(crate) struct Framed<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Framed<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Framed<'a> {
        Framed { bytes, at: 0 }
    }

    fn counted(&self) -> Option<(Frame<'a>, usize)> {
        let mut rest = &self.bytes[self.at..];
        let mut peer = None;
        if rest.first() == Some(&b'@') {
            let end = memchr::memchr(b' ', &rest[..rest.len().min(64)])?;
            peer = Some(std::str::from_utf8(&rest[1..end]).ok()?);
            rest = &rest[end + 1..];
        }
        let digits = rest.iter().take(10).take_while(|byte| byte.is_ascii_digit()).count();
        if digits == 0 || rest.get(digits) != Some(&b' ') {
            return None;
        }
        let length: usize = std::str::from_utf8(&rest[..digits]).ok()?.parse().ok()?;
        let body = &rest[digits + 1..];
        // Without a peer, `12 drummers` could be a line; a frame begins its message with a priority.
        if length > body.len() || (peer.is_none() && body.first() != Some(&b'<')) {
            return None;
        }
        let at = self.bytes.len() - body.len();
        Some((Frame { at, peer, bytes: &body[..length] }, at + length))
    }
}

impl<'a> Iterator for Framed<'a> {
    type Item = Frame<'a>;

    fn next(&mut self) -> Option<Frame<'a>> {
        while matches!(self.bytes.get(self.at), Some(b'\n' | b'\r' | 0)) {
            self.at += 1;
        }
        if self.at >= self.bytes.len() {
            return None;
        }
        if let Some((frame, end)) = self.counted() {
            self.at = end;
            return Some(frame);
        }
        let at = self.at;
        let rest = &self.bytes[at..];
        let length = memchr::memchr(b'\n', rest).unwrap_or(rest.len());
        self.at = at + length + 1;
        Some(Frame { at, peer: None, bytes: &rest[..length] })
    }
}

/// Writes a message in the listeners' framing.
pub(crate) fn write_frame(peer: &str, message: &[u8], out: &mut Vec<u8>) {
    out.push(b'@');
    out.extend_from_slice(peer.as_bytes());
    out.push(b' ');
    out.extend_from_slice(itoa::Buffer::new().format(message.len()).as_bytes());
    out.push(b' ');
    out.extend_from_slice(message);
}
