//! Finds a needle in text by KQL's rules: whole terms, parts of terms, anywhere, with or without case.

use std::borrow::Cow;

use memchr::{memchr, memchr2, memmem};

/// Where a needle must stand.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Place {
    /// The text is the needle.
    Whole,
    Start,
    End,
    Anywhere,
    /// As a whole term (`has`).
    Term,
    /// From the start of a term (`hasprefix`).
    TermStart,
    /// Up to the end of a term (`hassuffix`).
    TermEnd,
}

/// A needle made ready for many texts.
#[derive(Debug)]
pub struct Needle {
    /// Folded unless case counts.
    text: String,
    place: Place,
    /// Case counts.
    case: bool,
    /// Whether the needle's first and last characters are letters or digits, so need a term boundary.
    edges: (bool, bool),
    search: Search,
}

#[derive(Debug)]
enum Search {
    /// Case counts: exact bytes.
    Exact(memmem::Finder<'static>),
    /// An ASCII needle without regard to case: the position and both forms of its rarest byte.
    Ascii { offset: usize, lower: u8, upper: u8 },
    /// A needle beyond ASCII: the text is folded first.
    Folded(memmem::Finder<'static>),
}

impl Needle {
    /// Prepares `needle`.
    pub fn new(needle: &str, place: Place, case: bool) -> Needle {
        let text = if case { needle.to_owned() } else { fold(needle).into_owned() };
        let finder = || memmem::Finder::new(text.as_bytes()).into_owned();
        let search = if case {
            Search::Exact(finder())
        } else if text.is_ascii() {
            let rarest = (0..text.len()).min_by_key(|at| commonness(text.as_bytes()[*at])).unwrap_or(0);
            let byte = text.as_bytes().get(rarest).copied().unwrap_or(0);
            Search::Ascii { offset: rarest, lower: byte, upper: byte.to_ascii_uppercase() }
        } else {
            Search::Folded(finder())
        };
        let is_term = |c: Option<char>| c.is_some_and(char::is_alphanumeric);
        let edges = (is_term(text.chars().next()), is_term(text.chars().next_back()));
        Needle { text, place, case, edges, search }
    }

    /// Whether `text` has the needle at its place.
    pub fn matches(&self, text: &str) -> bool {
        if self.text.is_empty() {
            return self.place != Place::Whole || text.is_empty();
        }
        match self.place {
            Place::Whole | Place::Start | Place::End => self.at_an_edge(text),
            Place::Anywhere | Place::Term | Place::TermStart | Place::TermEnd => match &self.search {
                Search::Folded(finder) => {
                    let folded = fold(text);
                    self.occurs(&folded, |from| finder.find(&folded.as_bytes()[from..]).map(|at| from + at))
                }
                Search::Exact(finder) => {
                    self.occurs(text, |from| finder.find(&text.as_bytes()[from..]).map(|at| from + at))
                }
                Search::Ascii { offset, lower, upper } => {
                    self.occurs(text, |from| self.find_ascii(text.as_bytes(), from, *offset, *lower, *upper))
                }
            },
        }
    }

    /// Whether one of `needles` matches.
    pub fn any(needles: &[Needle], text: &str) -> bool {
        needles.iter().any(|needle| needle.matches(text))
    }

    fn at_an_edge(&self, text: &str) -> bool {
        let fits = |text: &str| match self.place {
            Place::Start => text.starts_with(&self.text),
            Place::End => text.ends_with(&self.text),
            _ => text == self.text,
        };
        if self.case {
            return fits(text);
        }
        if !self.text.is_ascii() {
            return fits(&fold(text));
        }
        let (text, needle) = (text.as_bytes(), self.text.as_bytes());
        let part = match self.place {
            Place::Start => text.get(..needle.len()),
            Place::End => text.len().checked_sub(needle.len()).map(|from| &text[from..]),
            _ => (text.len() == needle.len()).then_some(text),
        };
        part.is_some_and(|part| part.eq_ignore_ascii_case(needle))
    }

    /// Whether an occurrence that `find` gives (from a byte offset on) has the boundaries that the place asks for.
    fn occurs(&self, text: &str, find: impl Fn(usize) -> Option<usize>) -> bool {
        let mut from = 0;
        while let Some(at) = find(from) {
            let end = at + self.text.len();
            let starts = matches!(self.place, Place::Anywhere | Place::TermEnd)
                || !self.edges.0
                || !text[..at].chars().next_back().is_some_and(char::is_alphanumeric);
            let ends = matches!(self.place, Place::Anywhere | Place::TermStart)
                || !self.edges.1
                || !text[end..].chars().next().is_some_and(char::is_alphanumeric);
            if starts && ends {
                return true;
            }
            from = at + text[at..].chars().next().map_or(1, char::len_utf8);
        }
        false
    }

    /// The next occurrence at or after `from`, found through the rarest byte of the needle.
    fn find_ascii(&self, text: &[u8], from: usize, offset: usize, lower: u8, upper: u8) -> Option<usize> {
        let needle = self.text.as_bytes();
        let mut from = from + offset;
        while from < text.len() {
            let rest = &text[from..];
            let hit = from + if lower == upper { memchr(lower, rest) } else { memchr2(lower, upper, rest) }?;
            let start = hit - offset;
            if text.get(start..start + needle.len()).is_some_and(|part| part.eq_ignore_ascii_case(needle)) {
                return Some(start);
            }
            from = hit + 1;
        }
        None
    }
}

/// `text` with case removed: simple lower case, one character for one. A letter beyond ASCII never becomes ASCII
/// (`K` the Kelvin sign stays), so an ASCII needle can be searched in the bytes.
pub fn fold(text: &str) -> Cow<'_, str> {
    if text.is_ascii() {
        return if text.bytes().any(|byte| byte.is_ascii_uppercase()) {
            Cow::Owned(text.to_ascii_lowercase())
        } else {
            Cow::Borrowed(text)
        };
    }
    Cow::Owned(text.chars().map(fold_char).collect())
}

/// One character without case.
pub fn fold_char(c: char) -> char {
    if c.is_ascii() {
        return c.to_ascii_lowercase();
    }
    let mut lower = c.to_lowercase();
    match (lower.next(), lower.next()) {
        (Some(folded), None) if !folded.is_ascii() => folded,
        _ => c,
    }
}

/// How common a byte is in logs: the search starts at the least common one.
fn commonness(byte: u8) -> u8 {
    match byte.to_ascii_lowercase() {
        b'e' | b' ' | b's' | b't' | b'i' | b'o' | b'a' | b'n' | b'r' | b'\\' => 9,
        b'c' | b'd' | b'l' | b'm' | b'p' | b'u' | b'.' | b'-' | b'/' | b'0' | b'1' | b':' | b'"' => 7,
        b'f' | b'g' | b'h' | b'w' | b'b' | b'v' | b'2'..=b'9' | b'_' | b',' => 5,
        b'x' | b'y' | b'k' => 3,
        _ => 1,
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// The rule as the reference words it, character by character.
    fn naive(text: &str, needle: &str, place: Place, case: bool) -> bool {
        let ready = |text: &str| -> Vec<char> { text.chars().map(|c| if case { c } else { fold_char(c) }).collect() };
        let (text, needle) = (ready(text), ready(needle));
        (0..=text.len()).any(|at| {
            if !text[at..].starts_with(&needle) {
                return false;
            }
            let end = at + needle.len();
            let inside = |neighbour: Option<&char>, edge: Option<&char>| {
                neighbour.is_some_and(|c| c.is_alphanumeric()) && edge.is_some_and(|c| c.is_alphanumeric())
            };
            let before = at.checked_sub(1).and_then(|at| text.get(at));
            let starts = !inside(before, needle.first());
            let ends = !inside(text.get(end), needle.last());
            match place {
                Place::Whole => at == 0 && end == text.len(),
                Place::Start => at == 0,
                Place::End => end == text.len(),
                Place::Anywhere => true,
                Place::Term => starts && ends || needle.is_empty(),
                Place::TermStart => starts || needle.is_empty(),
                Place::TermEnd => ends || needle.is_empty(),
            }
        })
    }

    const PLACES: [Place; 7] =
        [Place::Whole, Place::Start, Place::End, Place::Anywhere, Place::Term, Place::TermStart, Place::TermEnd];

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(4_000))]
        #[test]
        fn prepared_search_agrees_with_the_rule(
            text in "[abABkK_ .éÉжЖßİ\u{212a}]{0,12}",
            needle in "[abAkK_.éжЖß\u{212a}]{0,3}",
            case: bool,
        ) {
            for place in PLACES {
                let fast = Needle::new(&needle, place, case).matches(&text);
                prop_assert_eq!(fast, naive(&text, &needle, place, case), "{:?}", place);
            }
        }
    }

    #[test]
    fn terms_are_runs_of_letters_and_digits() {
        let has = |text: &str, needle: &str| Needle::new(needle, Place::Term, false).matches(text);
        assert!(has("C:\\Tools\\MIMIKATZ.exe", "mimikatz"));
        assert!(has("user_name", "user"));
        assert!(!has("mimikatz64", "mimikatz"));
        assert!(has("mimikatz64 mimikatz", "mimikatz"));
        assert!(has("a.exe", ".exe"));
        assert!(!has("Жук1", "жук"));
        assert!(has("Жук!", "жук"));
    }
}
