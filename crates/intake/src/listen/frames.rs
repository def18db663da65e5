//! Syslog over a byte stream (RFC 6587): messages with their length before them, or ended by a newline; each frame
//! shows by its first byte which it is.

/// Longest length that a frame may announce and still be skipped; beyond, the stream is not syslog.
const SKIPPED_BYTES: u64 = 64 << 20;

/// What the stream holds next.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum FrameEvent {
    Message(Vec<u8>),
    /// A message longer than the limit was left out.
    Oversize,
    /// The framing cannot be followed; close the connection.
    Broken,
}

/// Cuts a stream into messages. Pure: give it bytes, take events.
#[derive(Debug)]
pub struct FrameDecoder {
    buffer: Vec<u8>,
    /// Where the unread part of the buffer begins.
    start: usize,
    state: State,
    /// The stream has used counted frames, so that a number must be a length.
    counts: bool,
    message_bytes: usize,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    Between,
    /// Leaving out a counted message.
    SkipBytes(u64),
    /// Leaving out a line.
    SkipLine,
    Broken,
}

impl FrameDecoder {
    /// `message_bytes` is the longest message.
    pub fn new(message_bytes: usize) -> FrameDecoder {
        FrameDecoder { buffer: Vec::new(), start: 0, state: State::Between, counts: false, message_bytes }
    }

    /// Adds what was read from the stream.
    pub fn push(&mut self, bytes: &[u8]) {
        if self.start > 0 {
            self.buffer.drain(..self.start);
            self.start = 0;
        }
        self.buffer.extend_from_slice(bytes);
    }

    /// The next event; `None`: more bytes are needed.
    pub fn next_event(&mut self) -> Option<FrameEvent> {
        loop {
            match self.state {
                State::Broken => return None,
                State::SkipBytes(left) => {
                    let here = (self.unread().len() as u64).min(left);
                    self.start += here as usize;
                    if here < left {
                        self.state = State::SkipBytes(left - here);
                        return None;
                    }
                    self.state = State::Between;
                }
                State::SkipLine => match memchr::memchr(b'\n', self.unread()) {
                    Some(end) => {
                        self.start += end + 1;
                        self.state = State::Between;
                    }
                    None => {
                        self.start = self.buffer.len();
                        return None;
                    }
                },
                State::Between => return self.frame(),
            }
        }
    }

    /// What is left when the stream ends: a last line without its newline, or the beginning of a counted message.
    pub fn finish(self) -> Option<FrameEvent> {
        let rest = self.unread().trim_ascii();
        let left = self.state == State::Between && !rest.is_empty();
        left.then(|| FrameEvent::Message(rest.to_vec()))
    }

    fn unread(&self) -> &[u8] {
        &self.buffer[self.start..]
    }

    fn frame(&mut self) -> Option<FrameEvent> {
        while matches!(self.unread().first(), Some(b'\n' | b'\r' | 0 | b' ')) {
            self.start += 1;
        }
        match self.unread().first()? {
            b'0'..=b'9' => self.counted(),
            _ => self.line(),
        }
    }

    fn counted(&mut self) -> Option<FrameEvent> {
        let digits = self.unread().iter().take(11).take_while(|byte| byte.is_ascii_digit()).count();
        let text = std::str::from_utf8(&self.unread()[..digits]).unwrap_or("");
        let length: Option<u64> = text.parse().ok().filter(|length| digits <= 10 && *length <= SKIPPED_BYTES);
        match (self.unread().get(digits), length) {
            (None, Some(_)) => None,
            (Some(b' '), Some(length)) if length <= self.message_bytes as u64 => {
                let from = digits + 1;
                let message = self.unread().get(from..from + length as usize)?.to_vec();
                self.start += from + message.len();
                self.counts = true;
                Some(FrameEvent::Message(message))
            }
            (Some(b' '), Some(length)) => {
                self.start += digits + 1;
                self.state = State::SkipBytes(length);
                self.counts = true;
                Some(FrameEvent::Oversize)
            }
            (_, None) if self.counts => {
                self.state = State::Broken;
                Some(FrameEvent::Broken)
            }
            // A line that happens to begin with a digit.
            _ => self.line(),
        }
    }

    fn line(&mut self) -> Option<FrameEvent> {
        match memchr::memchr(b'\n', self.unread()) {
            Some(end) if end > self.message_bytes => {
                self.start += end + 1;
                Some(FrameEvent::Oversize)
            }
            Some(end) => {
                let line = self.unread()[..end].trim_ascii_end().to_vec();
                self.start += end + 1;
                Some(FrameEvent::Message(line))
            }
            None if self.unread().len() > self.message_bytes => {
                self.state = State::SkipLine;
                Some(FrameEvent::Oversize)
            }
            None => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever way the stream is cut, the events are the same.
    fn check(stream: &str, expected: &[&str]) {
        for step in [1, 2, 3, 7, stream.len().max(1)] {
            let mut decoder = FrameDecoder::new(20);
            let mut found = Vec::new();
            let mut note = |event: FrameEvent| {
                found.push(match event {
                    FrameEvent::Message(bytes) => String::from_utf8_lossy(&bytes).into_owned(),
                    FrameEvent::Oversize => "(oversize)".to_owned(),
                    FrameEvent::Broken => "(broken)".to_owned(),
                });
            };
            for piece in stream.as_bytes().chunks(step) {
                decoder.push(piece);
                while let Some(event) = decoder.next_event() {
                    note(event);
                }
            }
            if let Some(event) = decoder.finish() {
                note(event);
            }
            assert_eq!(found, expected, "{stream:?} by {step}");
        }
    }

    #[test]
    fn both_framings_and_their_accidents() {
        check("5 <1>ab7 <1>a\nbc<1>line\n<1>last", &["<1>ab", "<1>a\nbc", "<1>line", "<1>last"]);
        check("\n\n<1>a\r\n", &["<1>a"]);
        check("30 <1>aaaaaaaaaaaaaaaaaaaaaaaaaaa5 <1>ab", &["(oversize)", "<1>ab"]);
        check("<1>aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa\n<1>b\n", &["(oversize)", "<1>b"]);
        check("5 <1>ab99999999999 <1>a", &["<1>ab", "(broken)"]);
        check("20261121081500 host\n", &["20261121081500 host"]);
        check("5 <1>", &["5 <1>"]);
        check("2026-11-21 line\n", &["2026-11-21 line"]);
        check("", &[]);
    }
}
