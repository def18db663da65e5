//! Rows as bits, and Boolean expressions over them, a word at a time.

use crate::matcher::Predicate;
use crate::program::Node;

/// Rows of a batch, one bit each.
pub(crate) type Bitmap = Vec<u64>;

const UNUSED: u32 = u32::MAX;

/// For each predicate the rows where it holds. A predicate that holds nowhere takes no memory.
pub(crate) struct Verdicts {
    words: usize,
    /// Where in `bits` each predicate's words begin.
    starts: Vec<u32>,
    bits: Vec<u64>,
}

impl Verdicts {
    pub(crate) fn new(predicates: usize, rows: usize) -> Verdicts {
        Verdicts { words: rows.div_ceil(64), starts: vec![UNUSED; predicates], bits: Vec::new() }
    }

    /// Where the words of `predicate` begin; they are made if need be.
    pub(crate) fn start(&mut self, predicate: Predicate) -> u32 {
        let start = &mut self.starts[predicate as usize];
        if *start == UNUSED {
            *start = u32::try_from(self.bits.len()).expect("a batch has fewer than 2^38 predicate bits");
            self.bits.resize(self.bits.len() + self.words, 0);
        }
        *start
    }

    /// Sets the bit of `row` in the words that begin at `start`.
    pub(crate) fn set(&mut self, start: u32, row: usize) {
        self.bits[start as usize + row / 64] |= 1 << (row % 64);
    }

    fn get(&self, predicate: Predicate) -> Option<&[u64]> {
        let start = self.starts[predicate as usize];
        (start != UNUSED).then(|| &self.bits[start as usize..start as usize + self.words])
    }

    /// The rows of `within` where `node` holds; `None`: none.
    pub(crate) fn rows(&self, node: &Node, within: &[u64]) -> Option<Bitmap> {
        match node {
            Node::False => None,
            Node::True => Some(within.to_vec()),
            Node::Any(predicates) => {
                let mut found: Option<Bitmap> = None;
                for words in predicates.iter().filter_map(|predicate| self.get(*predicate)) {
                    match &mut found {
                        None => found = Some(words.to_vec()),
                        Some(found) => found.iter_mut().zip(words).for_each(|(word, more)| *word |= more),
                    }
                }
                some(intersect(found?, within))
            }
            Node::Every(predicates) => {
                if predicates.iter().any(|predicate| self.get(*predicate).is_none()) {
                    return None;
                }
                let mut left = within.to_vec();
                for predicate in predicates {
                    left = intersect(left, self.get(*predicate)?);
                }
                some(left)
            }
            Node::And(parts) => {
                let mut left = self.rows(parts.first()?, within)?;
                for part in &parts[1..] {
                    left = self.rows(part, &left)?;
                }
                Some(left)
            }
            Node::Or(parts) => {
                let mut found: Option<Bitmap> = None;
                for rows in parts.iter().filter_map(|part| self.rows(part, within)) {
                    match &mut found {
                        None => found = Some(rows),
                        Some(found) => found.iter_mut().zip(&rows).for_each(|(word, more)| *word |= more),
                    }
                }
                found
            }
            Node::Not(inner) => match self.rows(inner, within) {
                None => Some(within.to_vec()),
                Some(rows) => some(within.iter().zip(&rows).map(|(word, less)| word & !less).collect()),
            },
            Node::AtLeast(least, parts) => {
                let held: Vec<Bitmap> = parts.iter().filter_map(|part| self.rows(part, within)).collect();
                let mut enough = vec![0; self.words];
                for row in set_rows(within) {
                    let count = held.iter().filter(|rows| rows[row / 64] >> (row % 64) & 1 == 1).count();
                    enough[row / 64] |= u64::from(count >= *least) << (row % 64);
                }
                some(enough)
            }
        }
    }
}

fn intersect(mut rows: Bitmap, with: &[u64]) -> Bitmap {
    rows.iter_mut().zip(with).for_each(|(word, other)| *word &= other);
    rows
}

fn some(rows: Bitmap) -> Option<Bitmap> {
    rows.iter().any(|word| *word != 0).then_some(rows)
}

/// All rows.
pub(crate) fn full(rows: usize) -> Bitmap {
    let mut words = vec![u64::MAX; rows.div_ceil(64)];
    if let (Some(last), true) = (words.last_mut(), !rows.is_multiple_of(64)) {
        *last = (1 << (rows % 64)) - 1;
    }
    words
}

/// How many rows are set.
pub(crate) fn count(words: &[u64]) -> usize {
    words.iter().map(|word| word.count_ones() as usize).sum()
}

/// The numbers of the rows that are set.
pub(crate) fn set_rows(words: &[u64]) -> impl Iterator<Item = usize> {
    words.iter().enumerate().flat_map(|(number, word)| {
        let mut left = *word;
        std::iter::from_fn(move || {
            let bit = left.trailing_zeros() as usize;
            (left != 0).then(|| {
                left &= left - 1;
                number * 64 + bit
            })
        })
    })
}
