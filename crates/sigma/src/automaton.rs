//! Literals in an Aho-Corasick automaton, and every place where one occurs.
//!
//! Each step of an automaton waits for the memory that the step before named. A long text is therefore walked in
//! several parts at once: while one part waits, the others go on.

use aho_corasick::automaton::{Automaton, StateID};
use aho_corasick::{Anchored, dfa, nfa::contiguous};

/// Literals up to so many bytes together go into a DFA, which takes some 300 bytes of memory for each.
const MAX_DFA_BYTES: usize = 6 << 10;

/// So many parts of a text are walked at once.
const PARTS: usize = 4;

/// A part is at least so many times as long as the longest literal, which it repeats from the part before.
const PART_LITERALS: usize = 4;

/// An automaton over literals, which are told by their number.
pub(crate) enum Literals {
    /// Small ones afford the faster form.
    Dfa(Box<dfa::DFA>),
    /// In the faster form large ones would leave the processor's cache.
    Nfa(Box<contiguous::NFA>),
}

impl Literals {
    /// The automaton of `texts`; `None` when there are none.
    pub(crate) fn build(texts: &[String]) -> Option<Literals> {
        const FITS: &str = "rules hold far fewer than 2^31 bytes of literals";
        if texts.is_empty() {
            return None;
        }
        let bytes: usize = texts.iter().map(String::len).sum();
        Some(if bytes <= MAX_DFA_BYTES {
            Literals::Dfa(Box::new(dfa::DFA::builder().prefilter(false).build(texts).expect(FITS)))
        } else {
            Literals::Nfa(Box::new(contiguous::NFA::builder().prefilter(false).build(texts).expect(FITS)))
        })
    }

    /// Calls `each` with the number of a literal and where it begins and ends, for every occurrence, in no order.
    pub(crate) fn for_each(&self, text: &str, each: &mut dyn FnMut(usize, usize, usize)) {
        match self {
            Literals::Dfa(automaton) => walk(&**automaton, text.as_bytes(), each),
            Literals::Nfa(automaton) => walk_on(&**automaton, start(&**automaton), text.as_bytes(), 0, each),
        }
    }

    /// Memory held, in bytes.
    pub(crate) fn memory_bytes(&self) -> usize {
        match self {
            Literals::Dfa(automaton) => automaton.memory_usage(),
            Literals::Nfa(automaton) => automaton.memory_usage(),
        }
    }
}

/// Walks a long text in parts.
fn walk<A: Automaton>(automaton: &A, text: &[u8], each: &mut dyn FnMut(usize, usize, usize)) {
    let part = text.len() / PARTS;
    if part < automaton.max_pattern_len() * PART_LITERALS {
        walk_on(automaton, start(automaton), text, 0, each);
        return;
    }
    let mut states: [StateID; PARTS] = std::array::from_fn(|number| {
        // A literal that ends in this part may begin in the one before, which tells what ends there.
        let begin = number * part;
        let before = begin.saturating_sub(automaton.max_pattern_len());
        let step = |state, byte: &u8| automaton.next_state(Anchored::No, state, *byte);
        text[before..begin].iter().fold(start(automaton), step)
    });
    for at in 0..part {
        for (number, state) in states.iter_mut().enumerate() {
            *state = automaton.next_state(Anchored::No, *state, text[number * part + at]);
            if automaton.is_special(*state) {
                tell(automaton, *state, number * part + at + 1, each);
            }
        }
    }
    walk_on(automaton, states[PARTS - 1], text, PARTS * part, each);
}

/// Walks a text from `from` to its end; `state` is what the text before came to.
fn walk_on<A: Automaton>(
    automaton: &A,
    mut state: StateID,
    text: &[u8],
    from: usize,
    each: &mut dyn FnMut(usize, usize, usize),
) {
    for (at, byte) in text.iter().enumerate().skip(from) {
        state = automaton.next_state(Anchored::No, state, *byte);
        if automaton.is_special(state) {
            tell(automaton, state, at + 1, each);
        }
    }
}

fn start<A: Automaton>(automaton: &A) -> StateID {
    automaton.start_state(Anchored::No).expect("both forms are built for unanchored search")
}

/// Tells of every literal that ends at `end`, if any.
#[inline(never)]
fn tell<A: Automaton>(automaton: &A, state: StateID, end: usize, each: &mut dyn FnMut(usize, usize, usize)) {
    if automaton.is_match(state) {
        for number in 0..automaton.match_len(state) {
            let literal = automaton.match_pattern(state, number);
            each(literal.as_usize(), end - automaton.pattern_len(literal), end);
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn every_occurrence_is_told_once(
            literals in prop::collection::btree_set("[ab]{1,4}", 1..8),
            text in "[abc]{0,200}",
        ) {
            let literals: Vec<String> = literals.into_iter().collect();
            let mut expected = Vec::new();
            for (number, literal) in literals.iter().enumerate() {
                let begins = (0..text.len()).filter(|begin| text[*begin..].starts_with(literal.as_str()));
                expected.extend(begins.map(|begin| (number, begin, begin + literal.len())));
            }
            let mut found = Vec::new();
            let automaton = Literals::build(&literals).expect("there are literals");
            automaton.for_each(&text, &mut |number, begin, end| found.push((number, begin, end)));
            found.sort_unstable();
            prop_assert_eq!(found, expected);
        }
    }
}
