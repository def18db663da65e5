//! Where one JSON record ends and the next begins.

use std::ops::Range;

use super::scan::Scanner;

/// Finds the starts of records in a payload: lines, objects one after another, or the elements of one array.
///
/// It does not scan records: whoever parses one says where it [ended](Self::ended); only when that failed,
/// [`broken`](Self::broken) looks for the place to go on from.
#[derive(Debug)]
pub(crate) struct Splitter<'a> {
    bytes: &'a [u8],
    at: usize,
    /// Inside the one array that holds all records.
    in_array: bool,
    /// Bytes that recovery may still look at, so that hostile input costs no more than a few passes.
    recovery_bytes: usize,
}

impl<'a> Splitter<'a> {
    pub(crate) fn new(bytes: &'a [u8]) -> Splitter<'a> {
        let at = if bytes.starts_with(b"\xEF\xBB\xBF") { 3 } else { 0 };
        let mut splitter =
            Splitter { bytes, at, in_array: false, recovery_bytes: bytes.len().saturating_mul(4).saturating_add(4096) };
        splitter.enter_array();
        splitter
    }

    /// An array at the very start whose first element is an object holds the records.
    fn enter_array(&mut self) {
        let mut scanner = Scanner::starting_at(self.bytes, self.at);
        if scanner.peek() == Some(b'[') {
            scanner.bump();
            if matches!(scanner.peek(), Some(b'{' | b']')) {
                self.in_array = true;
                self.at = scanner.at();
            }
        }
    }

    /// Where the next record begins.
    pub(crate) fn next_start(&mut self) -> Option<usize> {
        while let Some(&byte) = self.bytes.get(self.at) {
            // 0x1E separates records in RFC 7464; 0 is padding that writers leave after a crash.
            let between = matches!(byte, b' ' | b'\n' | b'\r' | b'\t' | 0x1E | 0);
            let in_list = self.in_array && matches!(byte, b',' | b']');
            if !between && !in_list {
                return Some(self.at);
            }
            self.at += 1;
        }
        None
    }

    /// The record that began at [`next_start`](Self::next_start) ends before `at`.
    pub(crate) fn ended(&mut self, at: usize) {
        self.at = at.max(self.at + 1);
    }

    /// The record at [`next_start`](Self::next_start) is broken: its likely extent, which is skipped. That is its
    /// line, unless the record goes on over lines and closes its brackets.
    pub(crate) fn broken(&mut self) -> Range<usize> {
        let start = self.at;
        let line_end = memchr::memchr(b'\n', &self.bytes[start..]).map_or(self.bytes.len(), |length| start + length);
        let next = self.bytes[line_end..].iter().find(|byte| !byte.is_ascii_whitespace());
        let line_alone = next.is_none_or(|&byte| byte == b'{') && !self.in_array;
        let end = match self.bytes[start] {
            b'{' if !line_alone => self.balanced_end(start).unwrap_or(line_end),
            _ => line_end,
        };
        self.ended(end);
        start..self.at.min(self.bytes.len())
    }

    /// The end of the value that begins at `start`, by brackets alone.
    fn balanced_end(&mut self, start: usize) -> Option<usize> {
        let limit = self.bytes.len().min(start.saturating_add(self.recovery_bytes));
        let end = balanced_end(&self.bytes[..limit], start);
        self.recovery_bytes -= end.unwrap_or(limit) - start;
        end
    }

    /// The extent of the record at [`next_start`](Self::next_start) by brackets, else its line. For payloads that
    /// are not UTF-8, whose records must be cut out before they can be read as text.
    pub(crate) fn extent(&mut self) -> Range<usize> {
        let start = self.at;
        if self.bytes[start] != b'{' {
            return self.broken();
        }
        match self.balanced_end(start) {
            Some(end) => {
                self.ended(end);
                start..end
            }
            None => self.broken(),
        }
    }
}

fn balanced_end(bytes: &[u8], start: usize) -> Option<usize> {
    let mut depth = 0_usize;
    let mut at = start;
    while let Some(&byte) = bytes.get(at) {
        match byte {
            b'"' => at = string_end(bytes, at + 1)?,
            b'{' | b'[' => depth += 1,
            b'}' | b']' => {
                depth = depth.saturating_sub(1);
                if depth == 0 {
                    return Some(at + 1);
                }
            }
            _ => {}
        }
        at += 1;
    }
    None
}

/// The closing quote of the string whose inside begins at `at`.
fn string_end(bytes: &[u8], mut at: usize) -> Option<usize> {
    loop {
        at += memchr::memchr2(b'"', b'\\', bytes.get(at..)?)?;
        if bytes[at] == b'"' {
            return Some(at);
        }
        at += 2;
    }
}
