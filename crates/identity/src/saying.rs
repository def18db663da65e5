//! What findings say, in the language of whoever reads them.
//!
//! A title is its English words with `{names}` for what it is about, and the values of those names. The English words are its
//! code, as in gettext: they stand where it is said, and `titles.toml` has the words of the other languages. A finding keeps
//! the words and the values beside its English title, so that every reader has it in theirs, whenever it was found. Words that
//! a language does not have are told in English; what people typed is a value, and stays as it was typed.

use std::collections::BTreeMap;
use std::sync::LazyLock;

use serde::{Deserialize, Serialize};

/// By English words, then by the tag of the language.
static TITLES: LazyLock<BTreeMap<String, BTreeMap<String, String>>> =
    LazyLock::new(|| toml::from_str(include_str!("titles.toml")).unwrap_or_default());

/// English words with names in braces, and what stands for each.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Saying {
    words: String,
    values: BTreeMap<String, String>,
}

impl Saying {
    pub(crate) fn new(words: &str, values: impl IntoIterator<Item = (&'static str, String)>) -> Saying {
        let values = values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect();
        Saying { words: words.to_owned(), values }
    }

    /// In English.
    pub fn english(&self) -> String {
        self.filled(&self.words)
    }

    /// In the language of a tag (`fr`); in English where that has no words for it.
    pub fn in_language(&self, tag: &str) -> String {
        let words = TITLES.get(&self.words).and_then(|languages| languages.get(tag));
        self.filled(words.unwrap_or(&self.words))
    }

    /// Each name is looked for in the words alone, never in a value that was put in before.
    fn filled(&self, words: &str) -> String {
        let mut text = String::with_capacity(words.len());
        let mut rest = words;
        while let Some((before, after)) = rest.split_once('{') {
            let (name, after) = after.split_once('}').unwrap_or((after, ""));
            text.push_str(before);
            text.push_str(self.values.get(name).map_or("", String::as_str));
            rest = after;
        }
        text + rest
    }
}

/// A title that is given: words of which every reader has their own, or a text as it is.
#[derive(Debug, Clone, PartialEq)]
pub struct Title {
    pub(crate) text: String,
    pub(crate) saying: Option<Saying>,
}

impl From<Saying> for Title {
    fn from(saying: Saying) -> Title {
        Title { text: saying.english(), saying: Some(saying) }
    }
}

impl From<String> for Title {
    fn from(text: String) -> Title {
        Title { text, saying: None }
    }
}

impl From<&str> for Title {
    fn from(text: &str) -> Title {
        Title::from(text.to_owned())
    }
}

/// A saying: its English words, then each name in them with its value: `saying!("{login} in {system} is gone", login = name,
/// system = key)`. The compiler checks that the words name all that they are given, and nothing else.
macro_rules! saying {
    ($words:literal, $($name:ident = $value:expr),+ $(,)?) => {{
        const _: fn() = || {
            let _ = format_args!($words, $($name = ""),+);
        };
        $crate::saying::Saying::new($words, [$((stringify!($name), ($value).to_string())),+])
    }};
}
pub(crate) use saying;

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;
    use std::path::Path;

    use super::*;
    use crate::notice::LANGUAGES;

    fn names(words: &str) -> BTreeSet<&str> {
        words.split('{').skip(1).filter_map(|rest| rest.split_once('}')).map(|(name, _)| name).collect()
    }

    fn said(folder: &Path, found: &mut BTreeSet<String>) {
        for entry in std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()) {
            if entry.is_dir() {
                said(&entry, found);
            } else if entry.extension().is_some_and(|kind| kind == "rs") && !entry.ends_with("saying.rs") {
                let text = std::fs::read_to_string(&entry).unwrap();
                for rest in text.split("saying!(").skip(1) {
                    let words = rest.trim_start().strip_prefix('"').and_then(|rest| rest.split_once('"'));
                    let words = words.unwrap_or_else(|| panic!("{}: the words come first", entry.display())).0;
                    found.insert(words.replace("\\\n", "").split_whitespace().collect::<Vec<_>>().join(" "));
                }
            }
        }
    }

    #[test]
    fn whatever_is_said_is_said_in_every_language_with_the_same_names() {
        let mut found = BTreeSet::new();
        said(&Path::new(env!("CARGO_MANIFEST_DIR")).join("src"), &mut found);
        assert_eq!(found, TITLES.keys().cloned().collect::<BTreeSet<_>>(), "what is said, and what titles.toml has");
        for (words, languages) in TITLES.iter() {
            let others: BTreeSet<&str> = LANGUAGES.into_iter().filter(|tag| *tag != "en").collect();
            assert_eq!(languages.keys().map(String::as_str).collect::<BTreeSet<_>>(), others, "{words}");
            for (tag, theirs) in languages {
                assert_eq!(names(theirs), names(words), "{tag}: {theirs}");
            }
        }
    }

    #[test]
    fn a_value_is_never_taken_for_a_name() {
        let orphan = saying!("{login} in {system} belongs to nobody who is known", login = "{system}", system = "ad");
        assert_eq!(orphan.english(), "{system} in ad belongs to nobody who is known");
        assert_eq!(orphan.in_language("fr"), "{system} dans ad n’appartient à personne de connu");
        assert_eq!(orphan.in_language("xx"), orphan.english());
    }
}
