//! Values that modifiers rewrite: UTF-16, Base64 at any offset, Windows dashes.

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use crate::pattern::{Part, Pattern};

/// Which UTF-16 a modifier asks for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Utf16 {
    /// `wide`, `utf16le`.
    LittleEndian,
    /// `utf16be`.
    BigEndian,
    /// `utf16`: little-endian behind a byte order mark.
    WithMark,
}

/// `text` in UTF-16.
pub(crate) fn utf16(text: &str, form: Utf16) -> Vec<u8> {
    let mark: &[u8] = if form == Utf16::WithMark { &[0xFF, 0xFE] } else { &[] };
    let units = text.encode_utf16().flat_map(|unit| match form {
        Utf16::BigEndian => unit.to_be_bytes(),
        Utf16::LittleEndian | Utf16::WithMark => unit.to_le_bytes(),
    });
    mark.iter().copied().chain(units).collect()
}

/// Base64 of the whole value.
pub(crate) fn base64(bytes: &[u8]) -> String {
    STANDARD.encode(bytes)
}

/// What Base64 shows of `bytes` wherever they stand in a longer text: one form for each of the three alignments,
/// without the characters at either end that depend on the neighbours. `None`: the value is a single byte, which leaves
/// nothing certain.
pub(crate) fn base64_offsets(bytes: &[u8]) -> Option<Vec<String>> {
    const FIRST: [usize; 3] = [0, 2, 3];
    const DROPPED: [usize; 3] = [0, 3, 2];
    let forms = (0..3).map(|shift| {
        let shifted: Vec<u8> = std::iter::repeat_n(b' ', shift).chain(bytes.iter().copied()).collect();
        let encoded = STANDARD.encode(&shifted);
        let end = encoded.len().checked_sub(DROPPED[shifted.len() % 3])?;
        encoded.get(FIRST[shift]..end).filter(|form| !form.is_empty()).map(str::to_owned)
    });
    forms.collect()
}

const DASHES: [char; 5] = ['-', '/', '\u{2013}', '\u{2014}', '\u{2015}'];

/// More variants than this are a mistake, not a rule.
pub(crate) const MAX_DASH_VARIANTS: usize = 3_125;

/// Every way to write the options in `pattern`: each `-` or `/` that begins an option (no letter, digit or `_`
/// before it, one after it) as any of the five dashes. `None`: more than [`MAX_DASH_VARIANTS`].
pub(crate) fn windash(pattern: &Pattern) -> Option<Vec<Pattern>> {
    let mut variants: Vec<Vec<Part>> = vec![Vec::new()];
    for part in pattern.parts() {
        let Part::Text(text) = part else {
            variants.iter_mut().for_each(|variant| variant.push(part.clone()));
            continue;
        };
        let mut characters = text.chars().peekable();
        let mut before: Option<char> = None;
        while let Some(character) = characters.next() {
            let opens = matches!(character, '-' | '/')
                && !before.is_some_and(is_word)
                && characters.peek().copied().is_some_and(is_word);
            let forms: &[char] = if opens { &DASHES } else { std::slice::from_ref(&character) };
            if variants.len() * forms.len() > MAX_DASH_VARIANTS {
                return None;
            }
            variants = variants
                .into_iter()
                .flat_map(|variant| {
                    forms.iter().map(move |form| {
                        let mut longer = variant.clone();
                        longer.push(Part::Text(form.to_string()));
                        longer
                    })
                })
                .collect();
            before = Some(character);
        }
    }
    Some(variants.into_iter().map(Pattern::new).collect())
}

fn is_word(character: char) -> bool {
    character.is_alphanumeric() || character == '_'
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn base64_offsets_occur_at_every_alignment() {
        assert_eq!(base64_offsets(b"a"), None);
        for needle in ["ab", "foo", "http://", "Invoke-"] {
            let forms = base64_offsets(needle.as_bytes()).expect("long enough");
            for before in 0..6 {
                for after in 0..4 {
                    let text = format!("{}{needle}{}", "x".repeat(before), "\u{7f}".repeat(after));
                    let encoded = base64(text.as_bytes());
                    assert!(forms.iter().any(|form| encoded.contains(form)), "{needle} in {text}: {forms:?}");
                }
            }
        }
    }

    #[test]
    fn dashes_vary_only_where_an_option_begins() {
        let variants = windash(&Pattern::parse(" -foo-bar")).expect("few variants");
        let sources: Vec<String> = variants.iter().map(Pattern::source).collect();
        assert_eq!(sources, [" -foo-bar", " /foo-bar", " –foo-bar", " —foo-bar", " ―foo-bar"]);
        assert_eq!(windash(&Pattern::parse("a - b")).map(|all| all.len()), Some(1));
        assert!(windash(&Pattern::parse("-a -b -c -d -e -f")).is_none());
    }

    #[test]
    fn utf16_forms() {
        assert_eq!(utf16("a", Utf16::LittleEndian), [b'a', 0]);
        assert_eq!(utf16("a", Utf16::BigEndian), [0, b'a']);
        assert_eq!(utf16("a", Utf16::WithMark), [0xFF, 0xFE, b'a', 0]);
    }
}
