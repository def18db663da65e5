//! The scanner: strict JSON (RFC 8259) over a byte slice, no allocation.

use std::fmt;

/// Why a text is not JSON, or not within the limits.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Fault {
    /// Byte offset in the text that was scanned.
    pub(crate) at: usize,
    pub(crate) what: &'static str,
}

impl fmt::Display for Fault {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} at byte {} of the record", self.what, self.at)
    }
}

/// The inside of a string literal, quotes excluded.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct RawString {
    pub(crate) start: usize,
    pub(crate) end: usize,
    /// It has escapes, so that its text is not its bytes.
    pub(crate) escaped: bool,
}

/// A place in a text.
#[derive(Debug, Clone)]
pub(crate) struct Scanner<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Scanner<'a> {
    pub(crate) fn starting_at(bytes: &'a [u8], at: usize) -> Scanner<'a> {
        Scanner { bytes, at }
    }

    pub(crate) fn at(&self) -> usize {
        self.at
    }

    pub(crate) fn fault(&self, what: &'static str) -> Fault {
        Fault { at: self.at, what }
    }

    /// The next byte that is not white space, not consumed.
    #[inline]
    pub(crate) fn peek(&mut self) -> Option<u8> {
        while let Some(&byte) = self.bytes.get(self.at) {
            if !matches!(byte, b' ' | b'\n' | b'\r' | b'\t') {
                return Some(byte);
            }
            self.at += 1;
        }
        None
    }

    /// Consumes the byte that [`peek`](Self::peek) has shown.
    #[inline]
    pub(crate) fn bump(&mut self) {
        self.at += 1;
    }

    /// Consumes `wanted` after white space.
    #[inline]
    pub(crate) fn expect(&mut self, wanted: u8, what: &'static str) -> Result<(), Fault> {
        if self.peek() == Some(wanted) {
            self.at += 1;
            Ok(())
        } else {
            Err(self.fault(what))
        }
    }

    /// A string whose opening quote is next.
    #[inline]
    pub(crate) fn string(&mut self) -> Result<RawString, Fault> {
        self.expect(b'"', "a string was expected")?;
        let start = self.at;
        let mut escaped = false;
        loop {
            self.at = next_special(self.bytes, self.at);
            match self.bytes.get(self.at) {
                Some(b'"') => {
                    let end = self.at;
                    self.at += 1;
                    return Ok(RawString { start, end, escaped });
                }
                Some(b'\\') => {
                    escaped = true;
                    self.escape()?;
                }
                Some(_) => return Err(self.fault("a control character inside a string")),
                None => return Err(self.fault("the text ends inside a string")),
            }
        }
    }

    fn escape(&mut self) -> Result<(), Fault> {
        match self.bytes.get(self.at + 1) {
            Some(&byte) if MEANINGS[byte as usize] != 0 => {
                self.at += 2;
                Ok(())
            }
            Some(b'u') => {
                let unit = self.hex_unit(self.at + 2)?;
                self.at += 6;
                if (0xDC00..0xE000).contains(&unit) {
                    return Err(self.fault("half of a surrogate pair"));
                }
                if (0xD800..0xDC00).contains(&unit) {
                    let low = match self.bytes.get(self.at..self.at + 2) {
                        Some(b"\\u") => self.hex_unit(self.at + 2)?,
                        _ => return Err(self.fault("half of a surrogate pair")),
                    };
                    if !(0xDC00..0xE000).contains(&low) {
                        return Err(self.fault("half of a surrogate pair"));
                    }
                    self.at += 6;
                }
                Ok(())
            }
            _ => Err(self.fault("an escape that JSON does not know")),
        }
    }

    fn hex_unit(&self, at: usize) -> Result<u32, Fault> {
        let digits = self.bytes.get(at..at + 4);
        digits.and_then(hex4).ok_or_else(|| self.fault("\\u without four hexadecimal digits"))
    }

    /// A number; its span.
    pub(crate) fn number(&mut self) -> Result<(usize, usize), Fault> {
        let start = self.at;
        if self.bytes.get(self.at) == Some(&b'-') {
            self.at += 1;
        }
        match self.bytes.get(self.at) {
            Some(b'0') => self.at += 1,
            Some(b'1'..=b'9') => self.digits(),
            _ => return Err(self.fault("a value was expected")),
        }
        if self.bytes.get(self.at) == Some(&b'.') {
            self.at += 1;
            self.some_digits()?;
        }
        if matches!(self.bytes.get(self.at), Some(b'e' | b'E')) {
            self.at += 1;
            if matches!(self.bytes.get(self.at), Some(b'+' | b'-')) {
                self.at += 1;
            }
            self.some_digits()?;
        }
        Ok((start, self.at))
    }

    fn digits(&mut self) {
        while self.bytes.get(self.at).is_some_and(u8::is_ascii_digit) {
            self.at += 1;
        }
    }

    fn some_digits(&mut self) -> Result<(), Fault> {
        let start = self.at;
        self.digits();
        if self.at == start { Err(self.fault("a digit was expected")) } else { Ok(()) }
    }

    /// `true`, `false` or `null`.
    pub(crate) fn literal(&mut self, word: &'static [u8]) -> Result<(), Fault> {
        if self.bytes[self.at..].starts_with(word) {
            self.at += word.len();
            Ok(())
        } else {
            Err(self.fault("a value was expected"))
        }
    }
}

fn hex4(digits: &[u8]) -> Option<u32> {
    digits.iter().try_fold(0, |sum, &digit| Some(sum * 16 + char::from(digit).to_digit(16)?))
}

/// The first quote, backslash or control character at or after `at`; eight bytes at a time.
#[inline]
fn next_special(bytes: &[u8], mut at: usize) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = 0x8080_8080_8080_8080;
    while let Some(word) = bytes.get(at..at + 8).and_then(|word| word.try_into().ok()) {
        let word = u64::from_le_bytes(word);
        let quote = word ^ (ONES * b'"' as u64);
        let slash = word ^ (ONES * b'\\' as u64);
        // A byte that is zero in `quote` or `slash`, or below 0x20 in `word`, borrows into its high bit. A borrow can
        // also mark a byte *after* a true hit, never before one, so the first mark is exact.
        let hit = (quote.wrapping_sub(ONES) & !quote)
            | (slash.wrapping_sub(ONES) & !slash)
            | (word.wrapping_sub(ONES * 0x20) & !word);
        let hit = hit & HIGHS;
        if hit != 0 {
            return at + (hit.trailing_zeros() / 8) as usize;
        }
        at += 8;
    }
    while bytes.get(at).is_some_and(|&byte| byte != b'"' && byte != b'\\' && byte >= 0x20) {
        at += 1;
    }
    at
}

/// What the byte after a backslash means; 0: no character of its own. A table, since no branch on the kinds of escape
/// in a text of many lines is guessed right.
const MEANINGS: [u8; 256] = {
    let mut meanings = [0; 256];
    let known = *b"\"\"\\\\//b\x08f\x0Cn\nr\rt\t";
    let mut at = 0;
    while at < known.len() {
        meanings[known[at] as usize] = known[at + 1];
        at += 2;
    }
    meanings
};

/// The same as [`unescape`] for long texts with many escapes, such as messages of several lines: `buffer` takes eight
/// bytes at a time, and gives back what comes from the first backslash among them.
pub(crate) fn unescape_long(raw: &str, buffer: &mut Vec<u8>, out: &mut String) {
    buffer.clear();
    let bytes = raw.as_bytes();
    let mut at = 0;
    while let Some(word) = bytes.get(at..at + 8).and_then(|word| <[u8; 8]>::try_from(word).ok()) {
        buffer.extend_from_slice(&word);
        let plain = plain_bytes(word);
        if plain == 8 {
            at += 8;
            continue;
        }
        buffer.truncate(buffer.len() - 8 + plain);
        at += plain;
        match bytes.get(at + 1).map(|&byte| MEANINGS[byte as usize]) {
            // `\u` is rare: from there on the other way.
            None | Some(0) => break,
            Some(meant) => buffer.push(meant),
        }
        at += 2;
    }
    // The last word may end inside a character.
    while !raw.is_char_boundary(at) {
        buffer.pop();
        at -= 1;
    }
    out.push_str(std::str::from_utf8(buffer).expect("whole characters were copied, and ASCII put between them"));
    unescape(&raw[at..], out);
}

/// How many bytes there are before the first backslash.
fn plain_bytes(word: [u8; 8]) -> usize {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let slash = u64::from_le_bytes(word) ^ (ONES * b'\\' as u64);
    // A borrow can mark a byte after a true hit, never before one.
    let hit = slash.wrapping_sub(ONES) & !slash & (ONES << 7);
    (hit.trailing_zeros() / 8) as usize
}

/// Appends the text of a string literal whose escapes the scanner has checked.
pub(crate) fn unescape(raw: &str, out: &mut String) {
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest.as_bytes()) {
        out.push_str(&rest[..at]);
        let code = rest.as_bytes().get(at + 1).copied().unwrap_or(b'\\');
        let mut used = at + 2;
        match MEANINGS[code as usize] {
            0 => {
                let (character, length) = unicode(&rest.as_bytes()[at + 2..]);
                out.push(character);
                used += length;
            }
            meant => out.push(char::from(meant)),
        }
        rest = rest.get(used..).unwrap_or("");
    }
    out.push_str(rest);
}

/// The character of `XXXX` or of `XXXX\uXXXX`, and how many bytes it took.
fn unicode(digits: &[u8]) -> (char, usize) {
    let high = digits.get(..4).and_then(hex4).unwrap_or(0xFFFD);
    if !(0xD800..0xDC00).contains(&high) {
        return (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), 4);
    }
    let low = digits.get(6..10).and_then(hex4).unwrap_or(0xDC00);
    let scalar = 0x10000 + ((high - 0xD800) << 10) + (low.wrapping_sub(0xDC00) & 0x3FF);
    (char::from_u32(scalar).unwrap_or(char::REPLACEMENT_CHARACTER), 10)
}

/// Appends `text` as a JSON string, quotes included.
pub(crate) fn quote(text: &str, out: &mut String) {
    use std::fmt::Write as _;
    out.push('"');
    let mut start = 0;
    for (at, byte) in text.bytes().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.push_str(&text[start..at]);
        match byte {
            b'"' => out.push_str("\\\""),
            b'\\' => out.push_str("\\\\"),
            b'\n' => out.push_str("\\n"),
            b'\r' => out.push_str("\\r"),
            b'\t' => out.push_str("\\t"),
            other => write!(out, "\\u{other:04x}").expect("a String takes all"),
        }
        start = at + 1;
    }
    out.push_str(&text[start..]);
    out.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn long_texts_are_unescaped_like_short_ones(raw in r#"([a-zé®😀 ]|\\[nrt"\\/bf]|\\u00e9|\\ud83d\\ude00){0,60}"#) {
            let (mut slow, mut fast) = (String::new(), String::new());
            unescape(&raw, &mut slow);
            unescape_long(&raw, &mut vec![1, 2, 3], &mut fast);
            prop_assert_eq!(&fast, &slow);
            let known: String = serde_json::from_str(&format!("\"{raw}\"")).expect("a literal");
            prop_assert_eq!(fast, known);
        }
    }
}
