//! A sentence and its values.

use std::collections::BTreeMap;
use std::fmt;
use std::ops::Deref;

use serde::{Deserialize, Serialize};

use super::catalogue::{Marks, fill};
use super::language::Language;

/// RIGHT-TO-LEFT MARK.
const RIGHT_TO_LEFT: char = '\u{200f}';

/// What is said. It reads as its English words wherever a text is asked for.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(from = "Form", into = "Form")]
pub struct Sentence {
    english: String,
    said: Option<Box<Said>>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
struct Said {
    words: String,
    values: BTreeMap<String, Value>,
}

/// What a name in a sentence stands for.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(untagged)]
pub enum Value {
    /// How many; forms of words go by it.
    Count(i64),
    /// A sign, a name, an instant as it is told, what somebody typed.
    Text(String),
    /// One after the other.
    List(Vec<Value>),
    Sentence(Sentence),
}

/// A sentence as it is kept: what was typed is a text.
#[derive(Serialize, Deserialize)]
#[serde(untagged)]
enum Form {
    Text(String),
    Said { say: String, with: BTreeMap<String, Value> },
}

impl From<Form> for Sentence {
    fn from(form: Form) -> Sentence {
        match form {
            Form::Text(text) => Sentence::from(text),
            Form::Said { say, with } => Sentence::of(say, with),
        }
    }
}

impl From<Sentence> for Form {
    fn from(sentence: Sentence) -> Form {
        match sentence.said {
            None => Form::Text(sentence.english),
            Some(said) => Form::Said { say: said.words, with: said.values },
        }
    }
}

impl Sentence {
    /// The words with the values of their names; see `say!`, which checks them.
    pub fn new<const N: usize>(words: &'static str, values: [(&'static str, Value); N]) -> Sentence {
        Sentence::of(words.to_owned(), values.into_iter().map(|(name, value)| (name.to_owned(), value)).collect())
    }

    /// A word of the room: a state, a role, a means.
    pub fn word(word: &str) -> Sentence {
        Sentence::of(word.to_owned(), BTreeMap::new())
    }

    fn of(words: String, values: BTreeMap<String, Value>) -> Sentence {
        let english = fill(&words, &values, Language::English, Marks::Isolates);
        Sentence { english, said: Some(Box::new(Said { words, values })) }
    }

    /// What is kept as `text`, with the sentence that was kept beside it. When the two say different things (a name was erased,
    /// somebody changed one of them), the text counts, which the ledger vouches for.
    pub(crate) fn kept(text: &str, beside: Option<Sentence>) -> Sentence {
        beside.filter(|sentence| sentence.english == text).unwrap_or_else(|| Sentence::from(text))
    }

    /// Several, one after the other, with this between them.
    pub(crate) fn joined(parts: impl IntoIterator<Item = Sentence>) -> Option<Sentence> {
        let join = |before, next| {
            Sentence::new("{before}; {next}", [("before", Value::Sentence(before)), ("next", Value::Sentence(next))])
        };
        parts.into_iter().reduce(join)
    }

    /// In English, as it is kept and as programs read it.
    pub fn english(&self) -> &str {
        &self.english
    }

    /// In a language, for a screen or paper: in Arabic, what is written from left to right stands in isolates.
    pub fn in_language(&self, language: Language) -> String {
        self.begun(language, Marks::Isolates)
    }

    /// In a language, for a short message or mail: older handsets show isolates as boxes, and know the mark of direction.
    pub fn in_message(&self, language: Language) -> String {
        self.begun(language, Marks::Direction)
    }

    /// What finds the direction of a text by its first letter (`dir="auto"`, a handset) finds that of the language, although a
    /// call sign stands first.
    fn begun(&self, language: Language, marks: Marks) -> String {
        let told = self.told(language, marks);
        let begins_latin = told.chars().find(|c| c.is_alphabetic()).is_some_and(|c| c.is_ascii());
        let is_arabic = language == Language::Arabic && told.chars().any(|c| matches!(c, '\u{600}'..='\u{6ff}'));
        if is_arabic && begins_latin { format!("{RIGHT_TO_LEFT}{told}") } else { told }
    }

    pub(super) fn told(&self, language: Language, marks: Marks) -> String {
        match &self.said {
            Some(said) if language != Language::English => fill(&said.words, &said.values, language, marks),
            _ => self.english.clone(),
        }
    }
}

impl Value {
    pub(super) fn told(&self, language: Language, marks: Marks) -> String {
        match self {
            Value::Count(count) => count.to_string(),
            Value::Text(text) => marks.around(text, language),
            Value::List(values) => {
                let comma = if language == Language::Arabic { "، " } else { ", " };
                values.iter().map(|value| value.told(language, marks)).collect::<Vec<_>>().join(comma)
            }
            Value::Sentence(sentence) if sentence.said.is_none() => marks.around(&sentence.english, language),
            Value::Sentence(sentence) => sentence.told(language, marks),
        }
    }
}

impl Deref for Sentence {
    type Target = str;

    fn deref(&self) -> &str {
        &self.english
    }
}

impl fmt::Display for Sentence {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(&self.english)
    }
}

impl From<String> for Sentence {
    fn from(text: String) -> Sentence {
        Sentence { english: text, said: None }
    }
}

impl From<&str> for Sentence {
    fn from(text: &str) -> Sentence {
        Sentence::from(text.to_owned())
    }
}

impl PartialEq<str> for Sentence {
    fn eq(&self, other: &str) -> bool {
        self.english == other
    }
}

impl PartialEq<&str> for Sentence {
    fn eq(&self, other: &&str) -> bool {
        self.english == *other
    }
}

impl PartialEq<String> for Sentence {
    fn eq(&self, other: &String) -> bool {
        self.english == *other
    }
}

/// What a name in a sentence may stand for.
pub trait Speaks {
    /// It as a value.
    fn value(&self) -> Value;
}

impl Speaks for str {
    fn value(&self) -> Value {
        Value::Text(self.to_owned())
    }
}

impl Speaks for String {
    fn value(&self) -> Value {
        Value::Text(self.clone())
    }
}

impl Speaks for i64 {
    fn value(&self) -> Value {
        Value::Count(*self)
    }
}

impl Speaks for usize {
    fn value(&self) -> Value {
        Value::Count(i64::try_from(*self).unwrap_or(i64::MAX))
    }
}

impl Speaks for Sentence {
    fn value(&self) -> Value {
        Value::Sentence(self.clone())
    }
}

impl<T: Speaks> Speaks for [T] {
    fn value(&self) -> Value {
        Value::List(self.iter().map(Speaks::value).collect())
    }
}

impl<T: Speaks> Speaks for Vec<T> {
    fn value(&self) -> Value {
        self.as_slice().value()
    }
}

impl<T: Speaks + ?Sized> Speaks for &T {
    fn value(&self) -> Value {
        (*self).value()
    }
}

/// Words of the room that every language has its own for.
macro_rules! words_of_the_room {
    ($($word:ty),* $(,)?) => {
        $(impl Speaks for $word {
            fn value(&self) -> Value {
                Value::Sentence(Sentence::word(self.as_str()))
            }
        })*
    };
}
words_of_the_room!(
    crate::alarm::ladder::Means,
    crate::alarm::ladder::Role,
    crate::equipment::EquipmentState,
    crate::headcount::Means,
    crate::mission::ContactState,
    crate::mission::MissionState,
    kernel::Severity,
    kernel::message::Means,
    kernel::message::Precedence,
);
