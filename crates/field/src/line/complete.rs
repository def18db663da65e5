//! What may come next, from who is on duty.

use kernel::{Span, Timestamp};

use super::parse::{INCIDENT_KEYS, VERBS};
use crate::register::Directory;
use crate::speech::{Sentence, say};

/// Most proposals.
const MOST: usize = 20;

/// A proposal.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Completion {
    /// What to put in place of the span.
    pub text: String,
    /// What it is, for people.
    pub says: Sentence,
    /// The word that it replaces, in bytes.
    pub span: Span,
}

/// Proposals at a byte offset. `on_air` are the signs of missions on the road and of the round that is open: they come
/// first.
pub fn complete(
    text: &str,
    offset: usize,
    directory: &Directory,
    on_air: &[String],
    now: Timestamp,
) -> Vec<Completion> {
    let mut end = offset.min(text.len());
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    let start = text[..end]
        .rfind(char::is_whitespace)
        .map_or(0, |blank| blank + text[blank..].chars().next().map_or(1, char::len_utf8));
    let before: Vec<String> = text[..start].split_whitespace().map(str::to_lowercase).collect();
    let typed = text[start..end].to_lowercase();
    let place = |at: usize| u32::try_from(at).unwrap_or(u32::MAX);
    let span = Span::new(place(start), place(end));
    let mut found: Vec<(String, Sentence)> = Vec::new();
    let words: Vec<&str> = before.iter().map(String::as_str).collect();
    match words.as_slice() {
        [] => {
            found.extend(signs(directory, on_air, now));
            found.extend(HEADS.iter().map(|(word, says)| ((*word).to_owned(), Sentence::word(says))));
        }
        ["rc"] => {
            found.extend(signs(directory, on_air, now));
            found.extend(["start", "end", "fault"].map(|word| (word.to_owned(), say!("radio check"))));
        }
        ["rc", "start"] => found.extend(crate::round::KINDS.iter().map(|kind| ((*kind).to_owned(), say!("kind")))),
        ["rc", ..] => found.extend(signs(directory, on_air, now)),
        ["hc"] => {
            found.extend(["start", "end", "join"].map(|word| (word.to_owned(), say!("headcount"))));
            found.extend(signs(directory, on_air, now));
        }
        ["hc", "start"] => {
            found.extend(["all", "zone", "org", "mission"].map(|word| (word.to_owned(), Sentence::default())))
        }
        ["hc", "start", "zone"] => found.extend(named(directory, "zone")),
        ["hc", "start", "org"] => found.extend(named(directory, "organisation")),
        ["hc", _] => found.extend(ANSWERS.map(|word| (word.to_owned(), say!("answer")))),
        ["sys"] => found.extend(named(directory, "equipment")),
        ["sys", _] => found.extend(["ok", "degraded", "failed"].map(|word| (word.to_owned(), say!("state")))),
        ["misuse"] => found.extend(signs(directory, on_air, now)),
        ["inc", ..] => {
            found.extend(INCIDENT_KEYS.iter().map(|key| (format!("{key}:"), say!("incident"))));
            found.extend(signs(directory, on_air, now));
        }
        [sign] if directory.knows_sign(sign) => {
            found.extend(VERBS.iter().map(|verb| ((*verb).to_owned(), say!("what they say"))));
        }
        [_, "arr" | "dep" | "at" | "halt"] => {
            found.push(("same".to_owned(), say!("where the sheet says")));
            found.extend(named(directory, "premises"));
        }
        _ => {}
    }
    let fitting = found.into_iter().filter(|(word, says)| fits(&typed, word, says));
    fitting.take(MOST).map(|(text, says)| Completion { text, says, span }).collect()
}

const HEADS: &[(&str, &str)] = &[
    ("rc", "radio check"),
    ("hc", "headcount"),
    ("inc", "incident"),
    ("sit", "situation report"),
    ("sys", "equipment"),
    ("misuse", "of the net"),
    ("cor", "correct an entry"),
];
const ANSWERS: [&str; 4] = ["safe", "help", "unreachable", "excused"];

/// By the beginning of the word or of any word that says what it is.
fn fits(typed: &str, word: &str, says: &str) -> bool {
    let named = || says.to_lowercase().split_whitespace().any(|one| one.starts_with(typed));
    word.to_lowercase().starts_with(typed) || (typed.chars().count() > 1 && named())
}

fn signs(directory: &Directory, on_air: &[String], now: Timestamp) -> Vec<(String, Sentence)> {
    let mut holders = directory.holders(now, None);
    holders.sort_by_key(|holder| !on_air.contains(&holder.sign));
    holders.into_iter().map(|holder| (holder.sign, holder.name.into())).collect()
}

fn named(directory: &Directory, noun: &str) -> Vec<(String, Sentence)> {
    directory.records(noun).map(|record| (record.key.to_lowercase(), record.text("name").into())).collect()
}
