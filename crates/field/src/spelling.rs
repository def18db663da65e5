//! Words as they are compared, however they were written. Pure.
//!
//! People write as their handset lets them: without accents, with them apart from their letters (NFD), in capitals, with
//! hyphens, full stops and marks of direction. So only letters and digits are compared, without case and marks.

use unicode_normalization::UnicodeNormalization;
use unicode_normalization::char::is_combining_mark;

/// A word and where it stands, in bytes.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Spelled {
    /// Small letters and digits, without marks.
    pub(crate) letters: String,
    pub(crate) from: usize,
    pub(crate) to: usize,
}

/// The words of a text: what stands between anything that is neither letter nor digit.
pub(crate) fn words(text: &str) -> Vec<Spelled> {
    let mut words: Vec<Spelled> = Vec::new();
    let mut inside = false;
    for (at, c) in text.char_indices() {
        let goes_on = inside && (is_combining_mark(c) || is_joiner(c));
        if !c.is_alphanumeric() && !goes_on {
            inside = false;
            continue;
        }
        if !inside {
            words.push(Spelled { letters: String::new(), from: at, to: at });
            inside = true;
        }
        if let Some(word) = words.last_mut() {
            word.letters.extend(letters(c));
            word.to = at + c.len_utf8();
        }
    }
    words
}

/// `Ç` is `c`, `أ` is `ا`, `ﬁ` is `fi`.
fn letters(c: char) -> impl Iterator<Item = char> {
    let plain = std::iter::once(c).nfkd().filter(|c| c.is_alphanumeric() && !is_combining_mark(*c) && !is_joiner(*c));
    plain.flat_map(char::to_lowercase)
}

/// What stands in a word and is not seen, or only draws it out: soft hyphen, tatweel, joiners, marks of direction.
const fn is_joiner(c: char) -> bool {
    matches!(c, '\u{ad}' | '\u{640}' | '\u{200b}'..='\u{200f}' | '\u{2060}' | '\u{feff}')
}
