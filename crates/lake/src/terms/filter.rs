//! The filter of one block: a Bloom filter in words of 64 bits, four bits of one word for each term.
//!
//! It is filled at its largest size, and then folded: a filter whose words are counted modulo `m` is the union of the words
//! of a larger one modulo `m`, when `m` divides the larger size. So no set of terms has to be kept to learn how many there
//! are, and a repeated term costs as much as a look.

/// Words while a block is filled: 2^14 · 3.
const MOST_WORDS: usize = 49_152;
/// Of a hundred bits so many at most are set in a filter that is kept; the more, the more often it errs: at 30 about once
/// in 100 questions.
const FULL_PERCENT: usize = 30;
/// Up to so many words a filter costs next to nothing, and may be emptier: at 20 it errs about once in 400.
const SMALL_WORDS: usize = 128;
const SMALL_FULL_PERCENT: usize = 20;

/// A filter that is being filled.
#[derive(Debug)]
pub(super) struct Filling {
    words: Vec<u64>,
    /// Something was in the block whose terms are not known.
    unclear: bool,
}

impl Filling {
    pub fn new() -> Filling {
        Filling { words: vec![0; MOST_WORDS], unclear: false }
    }

    /// Adds a term.
    pub fn add(&mut self, term: u64) {
        self.words[word_of(term, MOST_WORDS)] |= bits_of(term);
    }

    /// Makes the filter say yes to every question.
    pub fn give_up(&mut self) {
        self.unclear = true;
    }

    /// The smallest words that err seldom, and an empty filter again. No words: the block has no terms.
    pub fn take(&mut self) -> Vec<u64> {
        let filled = std::mem::replace(&mut self.words, vec![0; MOST_WORDS]);
        if std::mem::take(&mut self.unclear) {
            return vec![u64::MAX];
        }
        if filled.iter().all(|word| *word == 0) {
            return Vec::new();
        }
        let mut words = filled;
        // By two as often as that serves, at last by three.
        for divisor in std::iter::repeat_n(2, 14).chain([3]) {
            if !words.len().is_multiple_of(divisor) {
                continue;
            }
            let folded = folded(&words, divisor);
            let full = if folded.len() <= SMALL_WORDS { SMALL_FULL_PERCENT } else { FULL_PERCENT };
            if set_bits(&folded) * 100 > folded.len() * 64 * full {
                if divisor == 3 {
                    break;
                }
                continue;
            }
            words = folded;
        }
        words
    }
}

fn folded(words: &[u64], divisor: usize) -> Vec<u64> {
    let (first, rest) = words.split_at(words.len() / divisor);
    let mut folded = first.to_vec();
    for part in rest.chunks(folded.len()) {
        folded.iter_mut().zip(part).for_each(|(word, other)| *word |= other);
    }
    folded
}

fn set_bits(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

fn word_of(term: u64, words: usize) -> usize {
    ((term >> 32) % words as u64) as usize
}

/// Four bits, two of which may be the same.
fn bits_of(term: u64) -> u64 {
    1 << (term & 63) | 1 << (term >> 6 & 63) | 1 << (term >> 12 & 63) | 1 << (term >> 18 & 63)
}

/// Whether the block whose filter is `words` may have the term.
pub(super) fn may_have(words: &[u64], term: u64) -> bool {
    let bits = bits_of(term);
    !words.is_empty() && words[word_of(term, words.len())] & bits == bits
}

#[cfg(test)]
mod tests {
    use super::*;

    fn hashes(from: u64, count: u64) -> impl Iterator<Item = u64> {
        (from..from + count).map(|number| {
            let mixed = number.wrapping_mul(0x9E37_79B9_7F4A_7C15);
            let mixed = (mixed ^ mixed >> 30).wrapping_mul(0xBF58_476D_1CE4_E5B9);
            mixed ^ mixed >> 31
        })
    }

    #[test]
    fn what_was_added_is_found_and_little_else() {
        for count in [0, 1, 7, 100, 3_000, 20_000, 200_000] {
            let mut filling = Filling::new();
            hashes(0, count).for_each(|term| filling.add(term));
            let words = filling.take();
            assert!(hashes(0, count).all(|term| may_have(&words, term)), "{count}");
            let wrong = hashes(1 << 40, 10_000).filter(|term| may_have(&words, *term)).count();
            assert!(wrong < 300, "{count} terms: {wrong} of 10,000 in error");
            assert!(words.len() as u64 * 64 <= 21 * count + 64 * 128, "{count} terms in {} words", words.len());
            assert!(filling.take().is_empty());
        }
    }

    #[test]
    fn an_unclear_block_may_have_everything() {
        let mut filling = Filling::new();
        filling.give_up();
        let words = filling.take();
        assert!(hashes(0, 1_000).all(|term| may_have(&words, term)));
    }
}
