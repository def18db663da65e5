//! What the room says, in the language of whoever reads it.
//!
//! A sentence is its English words with `{names}` for what they are about, and the values of those names. The English words
//! are its code, as in gettext: they stand where it is said, and the catalogue of each language (`crates/field/messages`) has
//! its own words for them. What is computed at a reading is told in the reader's language; what is kept, keeps the code and
//! the values beside the English words, so that every reader has it in theirs, whenever it was written. What people typed is
//! a value, and stays as it was typed.
//!
//! Words that a catalogue does not have are told in English.

mod catalogue;
mod language;
#[cfg(test)]
mod scan;
mod sentence;

pub use language::{LANGUAGES, Language};
pub use sentence::{Sentence, Speaks, Value};

/// A sentence: its English words, then each name in them with its value: `say!("{sign} is on {missions}, too", sign, missions =
/// labels)`. The compiler checks that the words name all that they are given, and nothing else.
macro_rules! say {
    ($words:literal $(, $name:ident $(= $value:expr)?)* $(,)?) => {{
        const _: fn() = || {
            let _ = format_args!(concat!($words, "") $(, $name = "")*);
        };
        $crate::speech::Sentence::new(
            $words,
            [$((stringify!($name), $crate::speech::Speaks::value(&$crate::speech::value_of!($name $(= $value)?)))),*],
        )
    }};
}
macro_rules! value_of {
    ($name:ident) => {
        $name
    };
    ($name:ident = $value:expr) => {
        $value
    };
}
pub(crate) use {say, value_of};
