//! Finds members and elements in JSON text without building a tree.
//!
//! Malformed text yields `None` at the point where it stops making sense; it never panics and never reads
//! outside the text.

use std::borrow::Cow;

use memchr::memchr2;

/// Words that are looked through in place; most strings end in them, and a call costs more than that.
const WORDS: usize = 4;

/// The end of the string literal whose opening quote is at `at`.
fn string_end(bytes: &[u8], at: usize) -> Option<usize> {
    let mut from = at + 1;
    loop {
        let found = from + quote_or_backslash(bytes.get(from..)?)?;
        if bytes[found] == b'"' {
            return Some(found + 1);
        }
        from = found + 2;
    }
}

/// The first quote or backslash.
fn quote_or_backslash(bytes: &[u8]) -> Option<usize> {
    let (words, _) = bytes.as_chunks::<8>();
    for (at, word) in words.iter().take(WORDS).enumerate() {
        let word = u64::from_le_bytes(*word);
        let found = equal(word, b'"') | equal(word, b'\\');
        if found != 0 {
            return Some(at * 8 + found.trailing_zeros() as usize / 8);
        }
    }
    let passed = words.len().min(WORDS) * 8;
    memchr2(b'"', b'\\', &bytes[passed..]).map(|at| passed + at)
}

/// The upper bit of each byte of `word` that is `byte`, and perhaps of bytes after the first of them (Warren, Hacker's
/// Delight, 6-1).
fn equal(word: u64, byte: u8) -> u64 {
    const ONES: u64 = 0x0101_0101_0101_0101;
    let different = word ^ (ONES * u64::from(byte));
    different.wrapping_sub(ONES) & !different & (ONES << 7)
}

fn skip_blanks(bytes: &[u8], mut at: usize) -> usize {
    while matches!(bytes.get(at), Some(b' ' | b'\t' | b'\n' | b'\r')) {
        at += 1;
    }
    at
}

/// The end of the value that starts at `at`.
fn value_end(bytes: &[u8], at: usize) -> Option<usize> {
    match bytes.get(at)? {
        b'"' => string_end(bytes, at),
        b'{' | b'[' => {
            let mut depth = 0_usize;
            let mut at = at;
            loop {
                match bytes.get(at)? {
                    b'"' => {
                        at = string_end(bytes, at)?;
                        continue;
                    }
                    b'{' | b'[' => depth += 1,
                    b'}' | b']' => {
                        depth -= 1;
                        if depth == 0 {
                            return Some(at + 1);
                        }
                    }
                    _ => {}
                }
                at += 1;
            }
        }
        _ => {
            let rest = &bytes[at..];
            let length = rest
                .iter()
                .position(|byte| matches!(byte, b',' | b'}' | b']' | b' ' | b'\t' | b'\n' | b'\r'))
                .unwrap_or(rest.len());
            (length > 0).then_some(at + length)
        }
    }
}

/// Walks the members of the bag `text`; stops when `visit` says so.
pub fn walk_members<'a>(text: &'a str, mut visit: impl FnMut(&'a str, &'a str) -> bool) -> Option<()> {
    let bytes = text.as_bytes();
    let mut at = skip_blanks(bytes, 0);
    if bytes.get(at) != Some(&b'{') {
        return None;
    }
    at = skip_blanks(bytes, at + 1);
    while bytes.get(at) == Some(&b'"') {
        let key_end = string_end(bytes, at)?;
        let key = text.get(at..key_end)?;
        at = skip_blanks(bytes, key_end);
        if bytes.get(at) != Some(&b':') {
            return None;
        }
        at = skip_blanks(bytes, at + 1);
        let end = value_end(bytes, at)?;
        if visit(key, text.get(at..end)?) {
            return Some(());
        }
        at = skip_blanks(bytes, end);
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at = skip_blanks(bytes, at + 1);
    }
    None
}

/// Walks the elements of the array `text`; stops when `visit` says so.
fn walk_elements<'a>(text: &'a str, mut visit: impl FnMut(&'a str) -> bool) -> Option<()> {
    let bytes = text.as_bytes();
    let mut at = skip_blanks(bytes, 0);
    if bytes.get(at) != Some(&b'[') {
        return None;
    }
    at = skip_blanks(bytes, at + 1);
    while at < bytes.len() && bytes[at] != b']' {
        let end = value_end(bytes, at)?;
        if visit(text.get(at..end)?) {
            return Some(());
        }
        at = skip_blanks(bytes, end);
        if bytes.get(at) != Some(&b',') {
            return None;
        }
        at = skip_blanks(bytes, at + 1);
    }
    None
}

/// Whether the quoted literal `quoted` reads as `name`.
pub fn names(quoted: &str, name: &str) -> bool {
    let inner = quoted.get(1..quoted.len().saturating_sub(1)).unwrap_or_default();
    if inner.contains('\\') { unquote(quoted).is_some_and(|key| key == name) } else { inner == name }
}

/// The text that a JSON string literal stands for.
pub fn unquote(quoted: &str) -> Option<Cow<'_, str>> {
    let inner = quoted.strip_prefix('"')?.strip_suffix('"')?;
    if inner.contains('\\') {
        serde_json::from_str::<String>(quoted).ok().map(Cow::Owned)
    } else {
        Some(Cow::Borrowed(inner))
    }
}

/// The value of the member `name` of the bag `text`.
pub fn member<'a>(text: &'a str, name: &str) -> Option<&'a str> {
    let mut found = None;
    walk_members(text, |key, value| {
        let hit = names(key, name);
        if hit {
            found = Some(value);
        }
        hit
    });
    found
}

/// The element at `index` of the array `text`; negative counts from the end.
pub fn element(text: &str, index: i64) -> Option<&str> {
    if index < 0 {
        let all = elements(text);
        let back = usize::try_from(index.unsigned_abs()).ok()?;
        return all.len().checked_sub(back).map(|at| all[at]);
    }
    let mut left = index;
    let mut found = None;
    walk_elements(text, |value| {
        let hit = left == 0;
        if hit {
            found = Some(value);
        }
        left -= 1;
        hit
    });
    found
}

/// All elements of the array `text`.
pub fn elements(text: &str) -> Vec<&str> {
    let mut all = Vec::new();
    walk_elements(text, |value| {
        all.push(value);
        false
    });
    all
}

/// All members of the bag `text`, keys still quoted.
pub fn members(text: &str) -> Vec<(&str, &str)> {
    let mut all = Vec::new();
    walk_members(text, |key, value| {
        all.push((key, value));
        false
    });
    all
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        /// The slow twin looks at each byte.
        #[test]
        fn quotes_and_backslashes_are_found(bytes in proptest::collection::vec(prop_oneof![
            20 => any::<u8>(), 1 => Just(b'"'), 1 => Just(b'\\'), 1 => Just(b'#'), 1 => Just(b'!'), 1 => Just(0xa2_u8)
        ], 0..80)) {
            let twin = bytes.iter().position(|byte| matches!(byte, b'"' | b'\\'));
            prop_assert_eq!(quote_or_backslash(&bytes), twin);
        }
    }
}
