//! The words of each language, and how values are put into them.
//!
//! A catalogue is one object of JSON: English words as they stand in the program, and the words of the language. Both may hold
//! `{name}`; the catalogue also `{name, plural, one {# person} other {# people}}`, in the notation of ICU, where `#` is the
//! number. Words without letters of their own (`{who}: {what}`) need no entry.

use std::collections::{BTreeMap, HashMap};
use std::sync::LazyLock;

use super::language::Language;
use super::sentence::Value;

type Words = HashMap<String, String>;

static CATALOGUES: LazyLock<Vec<Words>> = LazyLock::new(|| {
    let read = |language: &Language| {
        let text = match language {
            Language::English => include_str!("../../messages/en.json"),
            Language::French => include_str!("../../messages/fr.json"),
            Language::Spanish => include_str!("../../messages/es.json"),
            Language::Portuguese => include_str!("../../messages/pt.json"),
            Language::Arabic => include_str!("../../messages/ar.json"),
            Language::Tetum => include_str!("../../messages/tet.json"),
        };
        serde_json::from_str(text).unwrap_or_default()
    };
    Language::ALL.iter().map(read).collect()
});

/// What a language has for English words.
pub(super) fn entry(english: &str, language: Language) -> Option<&'static str> {
    CATALOGUES.get(language as usize)?.get(english).map(String::as_str)
}

/// What keeps left-to-right words in order among Arabic ones.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Marks {
    /// U+2066 or U+2068, and U+2069 (UAX #9): the words around cannot disturb them.
    Isolates,
    /// U+200E before and after.
    Direction,
}

impl Marks {
    pub(super) fn around(self, text: &str, language: Language) -> String {
        let is_mixed = text.chars().any(|c| c.is_ascii_alphanumeric());
        if language != Language::Arabic || !is_mixed {
            return text.to_owned();
        }
        let begins_latin = text.chars().find(|c| c.is_alphanumeric()).is_some_and(|c| c.is_ascii());
        match (self, begins_latin) {
            (Marks::Isolates, true) => format!("\u{2066}{text}\u{2069}"),
            (Marks::Isolates, false) => format!("\u{2068}{text}\u{2069}"),
            (Marks::Direction, true) => format!("\u{200e}{text}\u{200e}"),
            (Marks::Direction, false) => text.to_owned(),
        }
    }
}

/// The words of a language with the values in them. What the catalogue does not have, or names otherwise, is told in English.
pub(super) fn fill(english: &str, values: &BTreeMap<String, Value>, language: Language, marks: Marks) -> String {
    let told = entry(english, language);
    told.and_then(|words| filled(words, values, language, marks))
        .or_else(|| filled(english, values, language, marks))
        .unwrap_or_else(|| english.to_owned())
}

fn filled(words: &str, values: &BTreeMap<String, Value>, language: Language, marks: Marks) -> Option<String> {
    let mut text = String::with_capacity(words.len() + 32);
    for part in parts(words) {
        match part {
            Part::Words(words) => text.push_str(words),
            Part::Name(name) => text.push_str(&values.get(name)?.told(language, marks)),
            Part::Plural(name, cases) => {
                let Value::Count(count) = values.get(name)? else { return None };
                let case = |wanted: &str| cases.iter().find(|(case, _)| *case == wanted).map(|(_, words)| *words);
                let words = case(language.plural(*count)).or_else(|| case("other"))?;
                text.push_str(&filled(&words.replace('#', &count.to_string()), values, language, marks)?);
            }
        }
    }
    Some(text)
}

/// A part of a catalogue's words.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Part<'a> {
    Words(&'a str),
    Name(&'a str),
    /// The name of the number, and the words for each case.
    Plural(&'a str, Vec<(&'a str, &'a str)>),
}

pub(super) fn parts(words: &str) -> Vec<Part<'_>> {
    let mut parts = Vec::new();
    let mut rest = words;
    while let Some((before, braced)) = rest.split_once('{') {
        if !before.is_empty() {
            parts.push(Part::Words(before));
        }
        let (inner, after) = until_closed(braced);
        parts.push(match inner.split_once(',') {
            None => Part::Name(inner.trim()),
            Some((name, cases)) => Part::Plural(name.trim(), plural_cases(cases)),
        });
        rest = after;
    }
    if !rest.is_empty() {
        parts.push(Part::Words(rest));
    }
    parts
}

/// What stands before the brace that closes, and what stands behind it.
fn until_closed(braced: &str) -> (&str, &str) {
    let mut depth = 1_i32;
    for (at, c) in braced.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            _ => {}
        }
        if depth == 0 {
            return (&braced[..at], &braced[at + 1..]);
        }
    }
    (braced, "")
}

/// ` plural, one {…} other {…}`.
fn plural_cases(text: &str) -> Vec<(&str, &str)> {
    let mut cases = Vec::new();
    let mut rest = text.split_once(',').map_or("", |(_, cases)| cases);
    while let Some((case, braced)) = rest.split_once('{') {
        let (words, after) = until_closed(braced);
        cases.push((case.trim(), words));
        rest = after;
    }
    cases
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;
    use crate::speech::Sentence;
    use crate::speech::scan::{said_in_source, words_of_the_room};

    /// The names in words, in each of their cases.
    fn names(words: &str) -> BTreeSet<String> {
        let of = |part: Part<'_>| match part {
            Part::Words(_) => BTreeSet::new(),
            Part::Name(name) => BTreeSet::from([name.to_owned()]),
            Part::Plural(name, cases) => {
                cases.iter().flat_map(|(_, words)| names(words)).chain([name.to_owned()]).collect()
            }
        };
        parts(words).into_iter().flat_map(of).collect()
    }

    fn has_letters(words: &str) -> bool {
        parts(words).iter().any(|part| matches!(part, Part::Words(words) if words.contains(char::is_alphabetic)))
    }

    fn wanted() -> BTreeSet<String> {
        let said = said_in_source().into_iter().filter(|words| has_letters(words));
        said.chain(words_of_the_room()).collect()
    }

    #[test]
    fn every_language_says_everything_with_the_same_values() {
        let wanted = wanted();
        assert!(wanted.len() > 400, "the sentences of the source are found: {}", wanted.len());
        for language in Language::ALL.iter().copied().filter(|language| *language != Language::English) {
            for english in &wanted {
                let told = entry(english, language).unwrap_or_else(|| panic!("{language} has nothing for {english:?}"));
                assert_eq!(names(told), names(english), "{language}: {told:?}");
            }
        }
    }

    #[test]
    fn no_language_keeps_what_nobody_says_any_more() {
        let wanted: BTreeSet<String> = wanted().into_iter().chain(said_in_source()).collect();
        for language in Language::ALL {
            let kept = CATALOGUES[*language as usize].keys();
            let unsaid: Vec<&String> = kept.filter(|english| !wanted.contains(*english)).collect();
            assert!(unsaid.is_empty(), "{language}: {unsaid:?}");
        }
    }

    /// What stays as it is in every language: lines of the grammar, names of protocols.
    fn is_no_language(english: &str) -> bool {
        let grammar = ["bf12 ", "rc ", "hc ", "where:", "29/11"];
        let protocols = ["webhook", "cot", "mqtt", "sms"];
        grammar.iter().any(|lead| english.starts_with(lead)) || protocols.contains(&english)
    }

    #[test]
    fn no_english_is_left_by_mistake() {
        for language in Language::ALL.iter().copied().filter(|language| *language != Language::English) {
            let same: Vec<String> = wanted()
                .into_iter()
                .filter(|english| !is_no_language(english) && entry(english, language) == Some(english.as_str()))
                .collect();
            // Words that are the same in both; sentences never are.
            assert!(same.iter().all(|words| !words.trim().contains(' ')), "{language}: {same:?}");
            let arabic = language == Language::Arabic;
            assert!(!arabic || same.is_empty(), "{same:?}");
        }
    }

    #[test]
    fn numbers_choose_the_forms_of_words() {
        let table = [
            (Language::English, 1, "1 day old"),
            (Language::English, 3, "3 days old"),
            (Language::French, 1, "pas vérifié depuis 1 jour"),
            (Language::French, 90, "pas vérifié depuis 90 jours"),
            (Language::Arabic, 2, "لم يُتحقق منه منذ يومين"),
            (Language::Arabic, 5, "لم يُتحقق منه منذ 5 أيام"),
            (Language::Arabic, 91, "لم يُتحقق منه منذ 91 يوماً"),
            (Language::Arabic, 100, "لم يُتحقق منه منذ 100 يوم"),
        ];
        for (language, days, told) in table {
            let sentence = match language {
                Language::English => say_old(days),
                _ => crate::speech::say!("not verified for {days} days", days),
            };
            assert_eq!(sentence.in_language(language), told);
        }
    }

    fn say_old(days: i64) -> Sentence {
        crate::speech::say!("{days} days old", days)
    }

    #[test]
    fn call_signs_keep_their_order_among_arabic_words() {
        let told = crate::speech::say!("{who} is at {place}", who = "BF12 (Ana Soares)", place = "8.55° S 125.57° E");
        let arabic = "\u{200f}\u{2066}BF12 (Ana Soares)\u{2069} في \u{2066}8.55° S 125.57° E\u{2069}";
        assert_eq!(told.in_language(Language::Arabic), arabic);
        assert_eq!(told.in_message(Language::Arabic), arabic.replace(['\u{2066}', '\u{2069}'], "\u{200e}"));
        let name = crate::speech::say!("{who} is well", who = "نور (P-7)");
        assert_eq!(name.in_language(Language::Arabic), "\u{2068}نور (P-7)\u{2069} بخير");
    }

    proptest! {
        /// Whatever people typed stands in every language as they typed it, braces and marks of the notation included.
        #[test]
        fn no_value_is_lost(at in 0..10_000usize, typed in "[A-Z]{3}[{}#, ]{1,6}", count in 200..900i64) {
            let wanted: Vec<String> = wanted().into_iter().collect();
            let english = &wanted[at % wanted.len()];
            let counts: BTreeSet<&str> =
                Language::ALL.iter().filter_map(|language| entry(english, *language)).flat_map(counted).collect();
            let value = |at: usize, name: &str| {
                if counts.contains(name) { Value::Count(count) } else { Value::Text(format!("{typed}{at}")) }
            };
            let names = names(english);
            let values: BTreeMap<String, Value> =
                names.iter().enumerate().map(|(at, name)| (name.clone(), value(at, name))).collect();
            for language in Language::ALL {
                let told = fill(english, &values, *language, Marks::Isolates);
                for value in values.values() {
                    let typed = value.told(Language::English, Marks::Isolates);
                    prop_assert!(told.contains(&typed), "{language}: {typed} in {told}");
                }
            }
        }

        /// Any words and values are told without panic: what cannot be filled is told as it stands.
        #[test]
        fn any_words_are_told(words in "[a-z{}#, ]{0,40}", value in ".{0,10}") {
            let values = BTreeMap::from([("a".to_owned(), Value::Text(value)), ("b".to_owned(), Value::Count(2))]);
            for language in Language::ALL {
                fill(&words, &values, *language, Marks::Direction);
            }
        }
    }

    /// The names by which forms of words go.
    fn counted(words: &str) -> Vec<&str> {
        parts(words)
            .iter()
            .filter_map(|part| if let Part::Plural(name, _) = part { Some(*name) } else { None })
            .collect()
    }
}
