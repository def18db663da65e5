//! What people mean who answer in a few words, in the languages of the room. Pure.
//!
//! A cry stands anywhere in a text and in any spelling; it is taken back only by words of the same breath that deny it, and
//! only where the text says besides that they are safe. `I need help` and `no, I need help` differ from `I need no help` by
//! what a frightened hand leaves out, so a denial alone is a cry, too: a person asks. Specs: `specs/5_words.md`.

use std::sync::LazyLock;

use super::tongue::{TONGUES, Tongue};
use crate::spelling::{self, Spelled};

/// What an answer means.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Answer {
    Safe,
    Help,
    Sos,
    /// They take it: an acknowledgement.
    Yes,
    /// They do not.
    No,
    /// Somebody else is safe or needs help, by key or call sign.
    Other {
        who: String,
        safe: bool,
    },
}

impl Answer {
    /// Somebody is in need.
    pub const fn is_cry(&self) -> bool {
        matches!(self, Answer::Help | Answer::Sos | Answer::Other { safe: false, .. })
    }
}

/// A negation turns a word of being well into a cry from so many words before it.
const NEAR: usize = 3;
/// One that may be another word, from so many.
const NEARER: usize = 2;
/// A negation turns `safe` from so many words before it.
const FAR: usize = 12;
/// What people send who have no time for words.
const SOS_SIGN: char = '\u{1f198}';

/// Reads an answer. `knows` tells keys and call signs from other words. `None`: it has to be read by somebody.
///
/// A cry is never `None`. Where a text says both, the worse is taken.
pub fn answer_of(text: &str, knows: &dyn Fn(&str) -> bool) -> Option<Answer> {
    let said = said(text);
    let Some(about) = text.split_whitespace().next().map(bare).filter(|about| knows(about)) else {
        return answer(text, &said);
    };
    let lead = text.len() - text.trim_start().len() + text.split_whitespace().next().map_or(0, str::len);
    let rest: Vec<Word> = said.into_iter().filter(|word| word.spelled.from >= lead).collect();
    match answer(text.get(lead..).unwrap_or_default(), &rest)? {
        Answer::Safe | Answer::Yes => Some(Answer::Other { who: about, safe: true }),
        Answer::Help | Answer::Sos => Some(Answer::Other { who: about, safe: false }),
        Answer::No | Answer::Other { .. } => None,
    }
}

/// The first word as the register may know it.
fn bare(word: &str) -> String {
    word.trim_matches(|c: char| !c.is_alphanumeric()).to_lowercase()
}

/// A word and the breath in which it is said, counted up from 0.
#[derive(Debug, Clone)]
struct Word {
    spelled: Spelled,
    /// Its letters without those that are drawn out.
    squeezed: String,
    breath: usize,
    /// A question mark stands behind it.
    asks: bool,
}

fn said(text: &str) -> Vec<Word> {
    let mut breath = 0;
    let words = spelling::words(text);
    let ends: Vec<usize> = words.iter().skip(1).map(|next| next.from).chain([text.len()]).collect();
    let read = |(spelled, end): (Spelled, usize)| {
        let gap = text.get(spelled.to..end).unwrap_or_default();
        let spelled = Spelled { letters: one_spelling(&spelled.letters), ..spelled };
        let squeezed = squeezed(spelled.letters.trim_matches(char::is_numeric));
        let word = Word { spelled, squeezed, breath, asks: gap.contains(['?', '؟']) };
        let ends_breath = |c: char| "?؟!.,;:،؛…\n—–()/".contains(c);
        breath += usize::from(gap.contains(ends_breath) || gap.contains(" - "));
        word
    };
    words.into_iter().zip(ends).map(read).collect()
}

/// Letters that are written one for another in Arabic.
fn one_spelling(letters: &str) -> String {
    let one = |c| match c {
        'ة' => 'ه',
        'ى' => 'ي',
        'ٱ' => 'ا',
        other => other,
    };
    letters.chars().map(one).collect()
}

fn answer(text: &str, said: &[Word]) -> Option<Answer> {
    let left = without_denials(said);
    if let Some(cry) = cry(text, &left) {
        return Some(cry);
    }
    let denied = cry(text, said).is_some();
    match stated(&left, denied) {
        Some(Stated { answer: Answer::Safe | Answer::Yes, .. }) if is_turned(&left) => Some(Answer::Help),
        Some(Stated { answer: answer @ (Answer::Safe | Answer::Yes), asks: false }) => Some(answer),
        _ if denied || is_safe_denied(&left) || is_not_well(&left) => Some(Answer::Help),
        // `Safe?` asks.
        stated => stated.filter(|stated| !stated.asks).map(|stated| stated.answer),
    }
}

/// The words that are left when those are gone by which nobody is in need.
fn without_denials(said: &[Word]) -> Vec<Word> {
    let mut left = Vec::new();
    let mut at = 0;
    while at < said.len() {
        let one_breath = |count: &usize| said[at].breath == said[at + count - 1].breath;
        let denied =
            of(|tongue| &tongue.denials).filter_map(|phrase| phrase.begins(&said[at..])).filter(one_breath).max();
        match denied {
            Some(count) => at += count,
            None => {
                left.push(said[at].clone());
                at += 1;
            }
        }
    }
    left
}

/// A cry anywhere, the worse of several.
fn cry(text: &str, said: &[Word]) -> Option<Answer> {
    let cries = |phrases: fn(&Phrases) -> &Vec<Phrase>| {
        (0..said.len()).any(|at| of(phrases).any(|phrase| phrase.is_cried(&said[at..])))
    };
    if text.contains(SOS_SIGN) || cries(|tongue| &tongue.sos) {
        return Some(Answer::Sos);
    }
    cries(|tongue| &tongue.help).then_some(Answer::Help)
}

/// What a text states, or asks.
struct Stated {
    answer: Answer,
    asks: bool,
}

/// What a text states where it begins; where a cry was denied, at the beginning of any breath.
fn stated(left: &[Word], anywhere: bool) -> Option<Stated> {
    let begins = |at: &usize| *at == 0 || (anywhere && left[*at].breath != left[at - 1].breath);
    (0..left.len()).filter(begins).find_map(|at| statement(&left[at..]))
}

/// The longest phrase that is known decides: `no, I am safe` begins with `no`.
fn statement(words: &[Word]) -> Option<Stated> {
    let longest = |phrases: fn(&Phrases) -> &Vec<Phrase>| of(phrases).filter_map(|phrase| phrase.begins(words)).max();
    let ends_there = |count: &usize| words.get(*count).is_none_or(|next| next.breath != words[0].breath);
    let found = [
        (longest(|tongue| &tongue.safe), Answer::Safe),
        (longest(|tongue| &tongue.safe_alone).filter(ends_there), Answer::Safe),
        (longest(|tongue| &tongue.yes), Answer::Yes),
        (longest(|tongue| &tongue.no), Answer::No),
    ];
    let (count, answer) =
        found.into_iter().filter_map(|(count, answer)| Some((count?, answer))).max_by_key(|one| one.0)?;
    Some(Stated { answer, asks: words[count - 1].asks })
}

/// `safe? no, not at all`: a negation anywhere in a text that states that they are safe.
fn is_turned(left: &[Word]) -> bool {
    let strong = (0..left.len()).any(|at| of(|tongue| &tongue.negations).any(|no| no.begins(&left[at..]).is_some()));
    strong || is_safe_denied(left) || is_not_well(left) || {
        let states_it = |tongue: &&Phrases| tongue.safe.iter().any(|safe| safe.begins(left).is_some());
        let joins = |at: usize| WORDS.iter().filter(states_it).any(|tongue| tongue.joins(&left[at]));
        let at_end = |at: &usize| {
            let breath = left[*at].breath;
            *at > 0 && (left[at - 1].breath != breath || left.get(at + 1).is_none_or(|next| next.breath != breath))
        };
        let weak = |at: usize| of(|tongue| &tongue.weak_negations).any(|no| no.begins(&left[at..]).is_some());
        (0..left.len()).filter(at_end).any(|at| weak(at) && !joins(at))
    }
}

/// `no estoy a salvo`: a negation before `safe`, in one breath.
fn is_safe_denied(left: &[Word]) -> bool {
    WORDS.iter().any(|tongue| {
        let stands = |safe: &Phrase, at: &usize| safe.begins(&left[*at..]).is_some();
        let mut safe = tongue.safe.iter().chain(&tongue.safe_alone);
        safe.any(|safe| {
            let mut at = (0..left.len()).filter(|at| stands(safe, at));
            at.any(|at| negations_before(left, at).any(|no| !(no.weak && tongue.joins(&left[no.at]))))
        })
    })
}

/// `I am not ok`: a negation shortly before a word of being well.
fn is_not_well(left: &[Word]) -> bool {
    (0..left.len())
        .filter(|at| of(|tongue| &tongue.well).any(|well| well.begins(&left[*at..]).is_some()))
        .any(|at| negations_before(left, at).any(|no| at - no.at <= if no.weak { NEARER } else { NEAR }))
}

/// A negation, and whether it may be another word.
struct Negation {
    at: usize,
    weak: bool,
}

/// Negations before a word, in its breath.
fn negations_before(left: &[Word], before: usize) -> impl Iterator<Item = Negation> {
    let breath = left[before].breath;
    (before.saturating_sub(FAR)..before).filter(move |at| left[*at].breath == breath).filter_map(move |at| {
        let is = |phrases: fn(&Phrases) -> &Vec<Phrase>| of(phrases).any(|no| no.begins(&left[at..before]).is_some());
        let (strong, weak) = (is(|tongue| &tongue.negations), is(|tongue| &tongue.weak_negations));
        (strong || weak).then_some(Negation { at, weak: !strong })
    })
}

/// Words that are said together, as they are compared.
struct Phrase {
    words: Vec<String>,
    squeezed: Vec<String>,
}

impl Phrase {
    fn new(written: &str) -> Phrase {
        let words: Vec<String> = spelling::words(written).iter().map(|word| one_spelling(&word.letters)).collect();
        let squeezed = words.iter().map(|word| squeezed(word)).collect();
        Phrase { words, squeezed }
    }

    /// How many words it has, if a text begins with it.
    fn begins(&self, said: &[Word]) -> Option<usize> {
        let count = self.words.len();
        let same = |(wanted, word): (&String, &Word)| *wanted == word.spelled.letters;
        (said.len() >= count && self.words.iter().zip(said).all(same)).then_some(count)
    }

    /// The same as it is cried: drawn out, with digits at its ends, in Arabic with what is written together with it.
    fn is_cried(&self, said: &[Word]) -> bool {
        let wanted = self.words.iter().zip(&self.squeezed);
        said.len() >= self.words.len()
            && wanted.zip(said).all(|((plain, squeezed), word)| is_cried(plain, squeezed, word))
    }
}

fn is_cried(wanted: &str, squeezed: &str, word: &Word) -> bool {
    const ARTICLES: [&str; 14] = ["ال", "لل", "وال", "بال", "فال", "كال", "ول", "وب", "و", "ف", "ب", "ل", "ك", "ولل"];
    let letters = word.spelled.letters.trim_matches(char::is_numeric);
    letters == wanted
        || (letters.len() > wanted.len() && wanted.chars().count() > 2 && word.squeezed == squeezed)
        || letters.strip_suffix(wanted).is_some_and(|before| ARTICLES.contains(&before))
}

/// `heeelp` is `help`.
fn squeezed(word: &str) -> String {
    let mut last = None;
    word.chars().filter(|c| last.replace(*c) != Some(*c)).collect()
}

/// The words of a language, as they are compared.
struct Phrases {
    safe: Vec<Phrase>,
    safe_alone: Vec<Phrase>,
    yes: Vec<Phrase>,
    no: Vec<Phrase>,
    sos: Vec<Phrase>,
    help: Vec<Phrase>,
    negations: Vec<Phrase>,
    weak_negations: Vec<Phrase>,
    denials: Vec<Phrase>,
    well: Vec<Phrase>,
    and: Vec<Phrase>,
}

impl Phrases {
    /// In this language the word is an `and`.
    fn joins(&self, word: &Word) -> bool {
        self.and.iter().any(|and| and.begins(std::slice::from_ref(word)).is_some())
    }
}

static WORDS: LazyLock<Vec<Phrases>> = LazyLock::new(|| {
    let read = |written: &str| written.split(';').map(Phrase::new).filter(|phrase| !phrase.words.is_empty()).collect();
    let read = |tongue: &&Tongue| Phrases {
        safe: read(tongue.safe),
        safe_alone: read(tongue.safe_alone),
        yes: read(tongue.yes),
        no: read(tongue.no),
        sos: read(tongue.sos),
        help: read(tongue.help),
        negations: read(tongue.negations),
        weak_negations: read(tongue.weak_negations),
        denials: read(tongue.denials),
        well: read(tongue.well),
        and: read(tongue.and),
    };
    TONGUES.iter().map(read).collect()
});

/// Phrases of one sort in every language.
fn of(phrases: fn(&Phrases) -> &Vec<Phrase>) -> impl Iterator<Item = &'static Phrase> {
    WORDS.iter().flat_map(phrases)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Words that are no answer in any language, and one that is somebody's sign.
    const OTHERS: [&str; 10] = ["the", "bridge", "we", "at", "3621", "por", "les", "كلنا", "iha", "please"];
    /// Words that turn others, or are answers themselves.
    const TURNS: [&str; 12] = ["safe", "ok", "no", "not", "yes", "não", "pas", "a", "salvo", "seguru", "لا", "بخير"];

    fn knows(word: &str) -> bool {
        word == "3621"
    }

    fn cries() -> impl Strategy<Value = &'static str> {
        let all = TONGUES.iter().flat_map(|tongue| tongue.sos.split(';').chain(tongue.help.split(';')));
        let all = all.map(str::trim).filter(|cry| !cry.is_empty());
        prop::sample::select(all.chain(["🆘"]).collect::<Vec<_>>())
    }

    fn between() -> impl Strategy<Value = &'static str> {
        prop::sample::select(vec![" ", ", ", "! ", "... ", " - ", "\n", "?! ", ": "])
    }

    /// A cry in somebody's spelling.
    fn spelled() -> impl Strategy<Value = String> {
        (cries(), 0..4, prop::sample::select(vec![" ", "-", ".", "  ", " ,"])).prop_map(|(cry, case, gap)| {
            let cased = match case {
                0 => cry.to_uppercase(),
                1 => cry.chars().take(1).flat_map(char::to_uppercase).chain(cry.chars().skip(1)).collect(),
                _ => cry.to_owned(),
            };
            cased.replace(' ', gap)
        })
    }

    fn text(words: &'static [&'static str]) -> impl Strategy<Value = String> {
        prop::collection::vec((prop::sample::select(words), between()), 0..6)
            .prop_map(|words| words.into_iter().map(|(word, gap)| format!("{word}{gap}")).collect())
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(3_000))]

        #[test]
        fn a_cry_is_a_cry_in_any_spelling(before in text(&OTHERS), cry in spelled(), gap in between(), after in text(&OTHERS)) {
            let text = format!("{before}{cry}{gap}{after}");
            let answer = answer_of(&text, &knows);
            prop_assert!(answer.as_ref().is_some_and(Answer::is_cry), "{}: {:?}", text, answer);
        }

        #[test]
        fn a_cry_is_never_left_unread(before in text(&TURNS), cry in spelled(), gap in between(), after in text(&TURNS)) {
            let text = format!("{before}{cry}{gap}{after}");
            let answer = answer_of(&text, &knows);
            prop_assert!(!matches!(answer, None | Some(Answer::No)), "{}: {:?}", text, answer);
        }
    }
}
