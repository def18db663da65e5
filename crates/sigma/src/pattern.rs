//! Sigma strings: text with `*` and `?`, escapes, and how case is ignored.
//!
//! Case is ignored by folding each character alone ([`fold`]), so that "contains" holds for folded text exactly if it
//! holds for the original: the whole compiled path rests on that.

use std::borrow::Cow;

/// One piece of a pattern.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Part {
    /// These characters.
    Text(String),
    /// `*`: any number of any characters, line breaks included.
    Many,
    /// `?`: one character, whichever.
    One,
}

/// A string to match against a whole value.
///
/// Neighbouring texts are merged and neighbouring `*` collapsed, so equal patterns are equal values.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Pattern {
    parts: Vec<Part>,
}

/// The forms of pattern that need no general matcher.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Shape<'a> {
    Exact(&'a str),
    Contains(&'a str),
    StartsWith(&'a str),
    EndsWith(&'a str),
    /// Nothing but `*`: any value, the empty one included.
    Anything,
    /// `*` or `?` in the middle.
    General(&'a [Part]),
}

impl Pattern {
    /// A pattern of these parts.
    pub fn new(parts: impl IntoIterator<Item = Part>) -> Pattern {
        let mut merged: Vec<Part> = Vec::new();
        for part in parts {
            match (merged.last_mut(), part) {
                (Some(Part::Text(text)), Part::Text(more)) => text.push_str(&more),
                (Some(Part::Many), Part::Many) => {}
                (_, Part::Text(text)) if text.is_empty() => {}
                (_, part) => merged.push(part),
            }
        }
        Pattern { parts: merged }
    }

    /// Text that stands for itself.
    pub fn literal(text: &str) -> Pattern {
        Pattern::new([Part::Text(text.to_owned())])
    }

    /// Reads a Sigma string: `*` and `?` are wildcards, a backslash before `*`, `?` or a backslash takes away its
    /// meaning and before anything else is a backslash.
    pub fn parse(source: &str) -> Pattern {
        let mut parts = Vec::new();
        let mut text = String::new();
        let mut characters = source.chars().peekable();
        while let Some(character) = characters.next() {
            let wildcard = match character {
                '\\' => {
                    let escaped = characters.next_if(|next| matches!(next, '*' | '?' | '\\'));
                    text.push(escaped.unwrap_or('\\'));
                    continue;
                }
                '*' => Part::Many,
                '?' => Part::One,
                other => {
                    text.push(other);
                    continue;
                }
            };
            parts.push(Part::Text(std::mem::take(&mut text)));
            parts.push(wildcard);
        }
        parts.push(Part::Text(text));
        Pattern::new(parts)
    }

    /// The parts, in order.
    pub fn parts(&self) -> &[Part] {
        &self.parts
    }

    /// The text, when there is no wildcard.
    pub fn as_literal(&self) -> Option<&str> {
        match self.parts.as_slice() {
            [] => Some(""),
            [Part::Text(text)] => Some(text),
            _ => None,
        }
    }

    /// `*` before and/or after, as `contains`, `endswith` and `startswith` ask.
    #[must_use]
    pub fn surrounded(self, before: bool, after: bool) -> Pattern {
        let many = |wanted: bool| wanted.then_some(Part::Many);
        Pattern::new(many(before).into_iter().chain(self.parts).chain(many(after)))
    }

    /// Which simple form it has.
    pub fn shape(&self) -> Shape<'_> {
        match self.parts.as_slice() {
            [] => Shape::Exact(""),
            [Part::Text(text)] => Shape::Exact(text),
            [Part::Many] => Shape::Anything,
            [Part::Many, Part::Text(text), Part::Many] => Shape::Contains(text),
            [Part::Text(text), Part::Many] => Shape::StartsWith(text),
            [Part::Many, Part::Text(text)] => Shape::EndsWith(text),
            parts => Shape::General(parts),
        }
    }

    /// The same with every text folded.
    #[must_use]
    pub fn folded(&self) -> Pattern {
        Pattern::new(self.parts.iter().map(|part| match part {
            Part::Text(text) => Part::Text(fold(text).into_owned()),
            other => other.clone(),
        }))
    }

    /// The longest text between wildcards.
    pub fn longest_text(&self) -> Option<&str> {
        let texts = self.parts.iter().filter_map(|part| match part {
            Part::Text(text) => Some(text.as_str()),
            Part::Many | Part::One => None,
        });
        texts.max_by_key(|text| text.len())
    }

    /// Whether the whole of `value` has this form, case respected. Linear in memory, and in time but for the
    /// usual backtracking to the last `*`.
    pub fn matches(&self, value: &str) -> bool {
        let mut part = 0;
        let mut rest = value;
        // Where to resume when a part fails after a `*`: the part behind it and the text from there.
        let mut retry: Option<(usize, &str)> = None;
        loop {
            let matched = match self.parts.get(part) {
                None if rest.is_empty() => return true,
                None => None,
                Some(Part::Many) => {
                    retry = Some((part + 1, rest));
                    Some(rest)
                }
                Some(Part::Text(text)) => rest.strip_prefix(text.as_str()),
                Some(Part::One) => without_first(rest),
            };
            if let Some(after) = matched {
                rest = after;
                part += 1;
                continue;
            }
            let Some((behind, from)) = retry else { return false };
            let Some(next) = without_first(from) else { return false };
            retry = Some((behind, next));
            part = behind;
            rest = next;
        }
    }

    /// The Sigma string that reads back as this pattern.
    pub fn source(&self) -> String {
        let mut source = String::new();
        for part in &self.parts {
            match part {
                Part::Many => source.push('*'),
                Part::One => source.push('?'),
                Part::Text(text) => {
                    for character in text.chars() {
                        if matches!(character, '*' | '?' | '\\') {
                            source.push('\\');
                        }
                        source.push(character);
                    }
                }
            }
        }
        source
    }
}

fn without_first(text: &str) -> Option<&str> {
    let mut characters = text.chars();
    characters.next().map(|_| characters.as_str())
}

/// Lower case, character by character. Long s and final sigma go with their kin, as in Unicode's simple case folding.
pub fn fold_char(character: char) -> impl Iterator<Item = char> {
    let kin = match character {
        'ſ' => 's',
        'ς' => 'σ',
        other => other,
    };
    kin.to_lowercase()
}

/// `text` with case taken away.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.bytes().all(|byte| byte.is_ascii() && !byte.is_ascii_uppercase()) {
        return Cow::Borrowed(text);
    }
    let mut folded = String::with_capacity(text.len());
    fold_into(text, &mut folded);
    Cow::Owned(folded)
}

/// Writes the folded `text` into `buffer`, replacing what was there. Runs of ASCII, nearly all of any log, go by the
/// block.
pub fn fold_into(text: &str, buffer: &mut String) {
    buffer.clear();
    if text.is_ascii() {
        buffer.push_str(text);
        return buffer.make_ascii_lowercase();
    }
    let mut rest = text;
    loop {
        let plain = rest.bytes().position(|byte| !byte.is_ascii()).unwrap_or(rest.len());
        let (ascii, other) = rest.split_at(plain);
        let start = buffer.len();
        buffer.push_str(ascii);
        buffer[start..].make_ascii_lowercase();
        let mut characters = other.chars();
        let Some(character) = characters.next() else { return };
        buffer.extend(fold_char(character));
        rest = characters.as_str();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(pattern: &str, value: &str, expected: bool) {
        assert_eq!(Pattern::parse(pattern).matches(value), expected, "`{pattern}` on `{value}`");
    }

    #[test]
    fn wildcards_and_escapes_match_whole_values() {
        check("abc", "abc", true);
        check("abc", "abcd", false);
        check("a*c", "abbbc", true);
        check("a*c", "ac\nc", true);
        check("a*bc*d", "abcbcxd", true);
        check("a?c", "ac", false);
        check("a?c", "aéc", true);
        check("*", "", true);
        check("?", "", false);
        check(r"C:\Windows\*", r"C:\Windows*", true);
        check(r"C:\Windows\\*", r"C:\Windows\x", true);
        check(r"a\?b", "a?b", true);
        check(r"a\?b", "axb", false);
        check(r"\\\\srv", r"\\srv", true);
        check(r"a\b", r"a\b", true);
    }

    #[test]
    fn parse_and_source_are_inverse() {
        for source in ["", "a", "*a*", r"a\*b", r"C:\\x\\*", "?*?", "a*?b"] {
            assert_eq!(Pattern::parse(source).source(), source);
        }
    }

    #[test]
    fn folding_is_by_character() {
        assert_eq!(fold("ΟΔΟΣ"), "οδοσ");
        assert_eq!(fold("Straſe\u{212A}"), "strasek");
        assert_eq!(fold("ÀÉ"), "àé");
        let mut buffer = String::from("old");
        fold_into("ABÇÉ\u{1F600}Xy", &mut buffer);
        assert_eq!(buffer, "abçé\u{1F600}xy");
        assert_eq!(fold("ab c7"), "ab c7");
    }
}
