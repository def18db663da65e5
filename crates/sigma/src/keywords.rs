//! Keywords: texts that rules look for in every field.
//!
//! Every field of every event is a lot of text, and nearly none of it holds a keyword. So a sieve runs over all
//! distinct texts of a column as they lie end to end in memory, and names the few in which one may occur; only those
//! are scanned. Each gate has its own keywords: a few dozen, which vector instructions look for together.

use std::sync::LazyLock;

use aho_corasick::packed;

use crate::bitmap::Bitmap;
use crate::column::Column;
use crate::detection::Test;
use crate::matcher::{Matcher, Predicate};

/// So much text is folded at a time: it stays in the processor's nearest cache while every sieve looks at it.
const BLOCK_BYTES: usize = 16 << 10;

/// Characters beyond ASCII that fold to ASCII: İ, ſ and the Kelvin sign. The tests hold this list to be complete.
const FOLD_TO_ASCII: [&str; 3] = ["\u{130}", "\u{17F}", "\u{212A}"];

/// The keywords of the rules behind one gate.
pub(crate) struct Keywords {
    pub matcher: Matcher,
    sieve: Option<packed::Searcher>,
}

impl Keywords {
    /// Compiles the keywords of one gate.
    pub(crate) fn build<'a>(tests: impl IntoIterator<Item = (&'a Test, Predicate)>) -> Keywords {
        let (matcher, literals) = Matcher::build_with_literals(tests);
        let plain = literals.filter(|literals| literals.iter().all(|literal| literal.is_ascii()));
        let sieve = plain.filter(|_| kin().is_some()).and_then(|literals| {
            packed::Config::new().heuristic_pattern_limits(false).builder().extend(literals).build()
        });
        Keywords { matcher, sieve }
    }

    /// Whether texts can be sieved before they are scanned.
    pub(crate) fn has_sieve(&self) -> bool {
        self.sieve.is_some()
    }
}

/// For each of `all` the texts of `column`, by code, in which one of its keywords may occur. `None`: the texts do not
/// lie together, or one of `all` has no sieve.
pub(crate) fn candidates(all: &[&Keywords], column: &Column<'_>, scratch: &mut Vec<u8>) -> Option<Vec<Bitmap>> {
    let sieves: Vec<&packed::Searcher> = all.iter().map(|keywords| keywords.sieve.as_ref()).collect::<Option<_>>()?;
    let (texts, offsets) = column.end_to_end()?;
    let count = offsets.len() - 1;
    let mut candidates = vec![vec![0; count.div_ceil(64)]; sieves.len()];
    let mut first = 0;
    while first < count {
        let from = offsets[first] as usize;
        let fitting = offsets[first + 1..].partition_point(|end| *end as usize - from <= BLOCK_BYTES);
        let ends = &offsets[first..=first + fitting.max(1)];
        let block = &texts[from..ends[ends.len() - 1] as usize];
        scratch.clear();
        scratch.extend_from_slice(block);
        scratch.make_ascii_lowercase();
        let kin = kin().filter(|_| !block.is_ascii());
        for (sieve, candidates) in sieves.iter().zip(&mut candidates) {
            let mut mark = |number: usize| candidates[(first + number) / 64] |= 1 << ((first + number) % 64);
            sift(sieve, scratch, ends, &mut mark);
            if let Some(kin) = kin {
                sift(kin, block, ends, &mut mark);
            }
        }
        first += ends.len() - 1;
    }
    Some(candidates)
}

/// Marks each text of a block in which the sieve finds something; `ends` are where the texts begin and end.
fn sift(sieve: &packed::Searcher, block: &[u8], ends: &[i32], mark: &mut dyn FnMut(usize)) {
    let end_of = |number: usize| (ends[number + 1] - ends[0]) as usize;
    let (mut from, mut number) = (0, 0);
    while let Some(found) = sieve.find_in(block, (from..block.len()).into()) {
        number += ends[number + 1..].partition_point(|end| (*end - ends[0]) as usize <= found.start());
        if found.end() <= end_of(number) {
            mark(number);
            from = end_of(number);
        } else {
            // It begins in one text and ends in the next.
            from = found.start() + 1;
        }
    }
}

/// Finds the characters whose folding the other sieves do not see. `None` where the processor has no vectors that
/// serve; there are no other sieves then.
fn kin() -> Option<&'static packed::Searcher> {
    static KIN: LazyLock<Option<packed::Searcher>> = LazyLock::new(|| packed::Searcher::new(FOLD_TO_ASCII));
    KIN.as_ref()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pattern::fold_char;

    #[test]
    fn no_other_character_folds_to_ascii() {
        let others = ('\u{80}'..=char::MAX).filter(|character| fold_char(*character).any(|folded| folded.is_ascii()));
        assert_eq!(others.map(String::from).collect::<Vec<_>>(), FOLD_TO_ASCII);
    }
}
