//! The small part of BER (X.690) that controls of LDAP need. Pure; refuses what it does not understand, never panics.

/// Universal tags in use.
pub const BOOLEAN: u8 = 0x01;
pub const INTEGER: u8 = 0x02;
pub const OCTETS: u8 = 0x04;
pub const ENUMERATED: u8 = 0x0a;
pub const SEQUENCE: u8 = 0x30;
pub const SET: u8 = 0x31;

/// Why bytes are no BER of the expected form.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("byte {at}: {what}")]
pub struct BadBer {
    pub at: usize,
    pub what: &'static str,
}

/// Reads values one after the other.
#[derive(Debug, Clone)]
pub struct Reader<'a> {
    bytes: &'a [u8],
    at: usize,
}

impl<'a> Reader<'a> {
    /// From the beginning.
    pub fn new(bytes: &'a [u8]) -> Reader<'a> {
        Reader { bytes, at: 0 }
    }

    fn bad(&self, what: &'static str) -> BadBer {
        BadBer { at: self.at, what }
    }

    /// Nothing is left.
    pub fn is_empty(&self) -> bool {
        self.at >= self.bytes.len()
    }

    /// The tag of the next value.
    pub fn peek(&self) -> Option<u8> {
        self.bytes.get(self.at).copied()
    }

    /// The next value, whatever its tag.
    ///
    /// # Errors
    /// It is cut off, or its length is written in more than four bytes or without end.
    pub fn any(&mut self) -> Result<(u8, &'a [u8]), BadBer> {
        let tag = self.peek().ok_or_else(|| self.bad("a value is missing"))?;
        if tag & 0x1f == 0x1f {
            return Err(self.bad("a tag of several bytes"));
        }
        let (length, header) =
            length(&self.bytes[self.at + 1..]).ok_or_else(|| self.bad("a length that makes no sense"))?;
        let start = self.at + 1 + header;
        let end = start.checked_add(length).filter(|end| *end <= self.bytes.len());
        let end = end.ok_or_else(|| self.bad("a value that is cut off"))?;
        self.at = end;
        Ok((tag, &self.bytes[start..end]))
    }

    /// The next value, which has this tag.
    ///
    /// # Errors
    /// As [`Reader::any`], or it has another tag.
    pub fn expect(&mut self, tag: u8, what: &'static str) -> Result<&'a [u8], BadBer> {
        let at = self.at;
        let (found, content) = self.any()?;
        if found == tag { Ok(content) } else { Err(BadBer { at, what }) }
    }

    /// The next value when it has this tag.
    ///
    /// # Errors
    /// As [`Reader::any`].
    pub fn optional(&mut self, tag: u8) -> Result<Option<&'a [u8]>, BadBer> {
        if self.peek() == Some(tag) { self.any().map(|(_, content)| Some(content)) } else { Ok(None) }
    }

    /// The next value as a whole number.
    ///
    /// # Errors
    /// As [`Reader::expect`], or it is longer than eight bytes.
    pub fn integer(&mut self, tag: u8) -> Result<i64, BadBer> {
        let at = self.at;
        let content = self.expect(tag, "a whole number is missing")?;
        if content.is_empty() || content.len() > 8 {
            return Err(BadBer { at, what: "a whole number of 0 or more than 8 bytes" });
        }
        let sign = if content[0] & 0x80 == 0 { 0 } else { -1 };
        Ok(content.iter().fold(sign, |number, byte| (number << 8) | i64::from(*byte)))
    }
}

/// A length and how many bytes it took; `None`: none, indefinite, or longer than four bytes.
pub fn length(bytes: &[u8]) -> Option<(usize, usize)> {
    let first = *bytes.first()?;
    if first < 0x80 {
        return Some((usize::from(first), 1));
    }
    let count = usize::from(first & 0x7f);
    if count == 0 || count > 4 {
        return None;
    }
    let digits = bytes.get(1..=count)?;
    Some((digits.iter().fold(0, |length, byte| (length << 8) | usize::from(*byte)), count + 1))
}

/// One value with its tag and length.
pub fn value(tag: u8, content: &[u8]) -> Vec<u8> {
    let mut bytes = vec![tag];
    let length = content.len();
    if length < 0x80 {
        bytes.push(u8::try_from(length).unwrap_or(0x7f));
    } else {
        let digits: Vec<u8> = length.to_be_bytes().into_iter().skip_while(|byte| *byte == 0).collect();
        bytes.push(0x80 | u8::try_from(digits.len()).unwrap_or(8));
        bytes.extend(digits);
    }
    bytes.extend_from_slice(content);
    bytes
}

/// A whole number in the fewest bytes.
pub fn integer(tag: u8, number: i64) -> Vec<u8> {
    let bytes = number.to_be_bytes();
    let sign = if number < 0 { 0xff } else { 0 };
    let redundant = |pair: &&[u8]| pair[0] == sign && (pair[1] & 0x80) == (sign & 0x80);
    let skip = bytes.windows(2).take_while(redundant).count();
    value(tag, &bytes[skip..])
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn what_is_written_is_read(number: i64, content in proptest::collection::vec(any::<u8>(), 0..300)) {
            let mut bytes = integer(INTEGER, number);
            bytes.extend(value(OCTETS, &content));
            let mut reader = Reader::new(&bytes);
            prop_assert_eq!(reader.integer(INTEGER), Ok(number));
            prop_assert_eq!(reader.expect(OCTETS, "octets"), Ok(content.as_slice()));
            prop_assert!(reader.is_empty());
        }

        #[test]
        fn no_bytes_make_it_panic(bytes in proptest::collection::vec(any::<u8>(), 0..64)) {
            let mut reader = Reader::new(&bytes);
            while reader.any().is_ok() {}
        }
    }
}
