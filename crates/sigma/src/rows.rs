//! Sets of rows of a batch: a list while they are few, bits when they are many.
//!
//! Most tests hold in a handful of the million rows of a segment. Bits for each of them would be hundreds of megabytes
//! of zeros, and clearing those costs more than all the rest; a list costs what is in it.

use crate::bitmap::{Bitmap, count, full, numbers};

/// Batches of so few words have bits only: these are then as small as lists, and faster.
const ALWAYS_BITS_WORDS: usize = 128;

/// A set of rows.
#[derive(Debug, Clone)]
pub(crate) enum Rows {
    /// Ascending, each once.
    Few(Vec<u32>),
    Many(Bitmap),
}

/// More rows than this are kept as bits, where all rows are so many words: the list would be larger.
pub(crate) fn list_limit(words: usize) -> usize {
    if words <= ALWAYS_BITS_WORDS { 0 } else { words * 2 }
}

impl Rows {
    /// No rows.
    pub(crate) fn none() -> Rows {
        Rows::Few(Vec::new())
    }

    /// All rows of a batch.
    pub(crate) fn all(rows: usize) -> Rows {
        Rows::Many(full(rows))
    }

    /// How many there are.
    pub(crate) fn len(&self) -> usize {
        match self {
            Rows::Few(rows) => rows.len(),
            Rows::Many(words) => count(words),
        }
    }

    /// Whether there are none.
    pub(crate) fn is_empty(&self) -> bool {
        match self {
            Rows::Few(rows) => rows.is_empty(),
            Rows::Many(words) => words.iter().all(|word| *word == 0),
        }
    }

    /// Whether `row` is among them.
    pub(crate) fn has(&self, row: u32) -> bool {
        match self {
            Rows::Few(rows) => rows.binary_search(&row).is_ok(),
            Rows::Many(words) => has_bit(words, row),
        }
    }

    /// Calls `each` with every row, ascending.
    pub(crate) fn for_each(&self, mut each: impl FnMut(u32)) {
        match self {
            Rows::Few(rows) => rows.iter().for_each(|row| each(*row)),
            Rows::Many(words) => numbers(words.iter().copied()).for_each(|row| each(row_number(row))),
        }
    }

    /// Those that are in both.
    pub(crate) fn and(&self, other: &Rows) -> Rows {
        let (mut left, right) = match (self, other) {
            (Rows::Few(left), Rows::Few(right)) if left.len() > right.len() => (other.clone(), self),
            (Rows::Many(_), Rows::Few(_)) => (other.clone(), self),
            _ => (self.clone(), other),
        };
        left.keep(right);
        left
    }

    /// Leaves only those that are in `other` too.
    pub(crate) fn keep(&mut self, other: &Rows) {
        match (&mut *self, other) {
            (Rows::Few(rows), Rows::Few(others)) => {
                let mut others = Ahead(others);
                rows.retain(|row| others.reaches(*row));
            }
            (Rows::Few(rows), Rows::Many(words)) => rows.retain(|row| has_bit(words, *row)),
            (Rows::Many(words), Rows::Few(others)) => {
                *self = Rows::Few(others.iter().copied().filter(|row| has_bit(words, *row)).collect());
            }
            (Rows::Many(words), Rows::Many(others)) => {
                words.iter_mut().zip(others).for_each(|(word, other)| *word &= other);
                self.thin_out();
            }
        }
    }

    /// Takes away those that are in `other`.
    pub(crate) fn remove(&mut self, other: &Rows) {
        match (&mut *self, other) {
            (Rows::Few(rows), Rows::Few(others)) => {
                let mut others = Ahead(others);
                rows.retain(|row| !others.reaches(*row));
            }
            (Rows::Few(rows), Rows::Many(words)) => rows.retain(|row| !has_bit(words, *row)),
            (Rows::Many(words), Rows::Few(others)) => {
                others.iter().for_each(|row| words[*row as usize / 64] &= !(1 << (row % 64)));
            }
            (Rows::Many(words), Rows::Many(others)) => {
                words.iter_mut().zip(others).for_each(|(word, other)| *word &= !other);
                self.thin_out();
            }
        }
    }

    /// Adds those of `other`; all rows of the batch are `words` words.
    pub(crate) fn unite(&mut self, other: &Rows, words: usize) {
        match (&mut *self, other) {
            (Rows::Few(rows), _) if rows.is_empty() => *self = other.clone(),
            (Rows::Few(rows), Rows::Few(others)) => {
                // Two ascending runs: the sort merges them.
                rows.extend_from_slice(others);
                rows.sort();
                rows.dedup();
                if rows.len() > list_limit(words) {
                    *self = Rows::Many(bits(rows, words));
                }
            }
            (Rows::Few(rows), Rows::Many(others)) => {
                let mut words = others.clone();
                rows.iter().for_each(|row| words[*row as usize / 64] |= 1 << (row % 64));
                *self = Rows::Many(words);
            }
            (Rows::Many(words), Rows::Few(others)) => {
                others.iter().for_each(|row| words[*row as usize / 64] |= 1 << (row % 64));
            }
            (Rows::Many(words), Rows::Many(others)) => {
                words.iter_mut().zip(others).for_each(|(word, other)| *word |= other);
            }
        }
    }

    /// Bits become a list where few are left of them.
    fn thin_out(&mut self) {
        let Rows::Many(words) = self else { return };
        let limit = list_limit(words.len());
        if limit > 0 && count(words) <= limit {
            *self = Rows::Few(numbers(words.iter().copied()).map(row_number).collect());
        }
    }
}

/// The bits of a list; all rows are `words` words.
pub(crate) fn bits(rows: &[u32], words: usize) -> Bitmap {
    let mut bits = vec![0; words];
    rows.iter().for_each(|row| bits[*row as usize / 64] |= 1 << (row % 64));
    bits
}

pub(crate) fn row_number(row: usize) -> u32 {
    u32::try_from(row).expect("a batch has fewer than 2^32 rows")
}

fn has_bit(words: &[u64], row: u32) -> bool {
    words[row as usize / 64] >> (row % 64) & 1 == 1
}

/// What is left of an ascending list that is asked for ascending rows.
struct Ahead<'a>(&'a [u32]);

impl Ahead<'_> {
    /// Whether the list has `row`. Passes over what is smaller in ever larger steps, for lists far longer than the
    /// questions.
    fn reaches(&mut self, row: u32) -> bool {
        let mut step = 1;
        while step < self.0.len() && self.0[step] < row {
            step *= 2;
        }
        let near = &self.0[..self.0.len().min(step + 1)];
        self.0 = &self.0[near.partition_point(|one| *one < row)..];
        self.0.first() == Some(&row)
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use proptest::prelude::*;

    use super::*;

    /// Enough that a list is allowed.
    const WORDS: usize = ALWAYS_BITS_WORDS + 1;

    fn members(rows: &Rows) -> Vec<u32> {
        let mut members = Vec::new();
        rows.for_each(|row| members.push(row));
        members
    }

    /// A set in either form, crowded or spread out.
    fn any_rows() -> impl Strategy<Value = (BTreeSet<u32>, Rows)> {
        let end = WORDS as u32 * 64;
        let crowded = prop::collection::btree_set(0..300_u32, 0..200);
        let spread = prop::collection::btree_set(0..end, 0..400);
        (prop_oneof![crowded, spread], any::<bool>()).prop_map(|(set, as_bits)| {
            let list: Vec<u32> = set.iter().copied().collect();
            let rows = if as_bits { Rows::Many(bits(&list, WORDS)) } else { Rows::Few(list) };
            (set, rows)
        })
    }

    proptest! {
        #[test]
        fn algebra_is_that_of_sets((one, left) in any_rows(), (two, right) in any_rows(), row in 0..400_u32) {
            let sorted = |rows: &mut dyn Iterator<Item = u32>| rows.collect::<Vec<u32>>();
            let check = |change: &dyn Fn(&mut Rows), expected: Vec<u32>| {
                let mut rows = left.clone();
                change(&mut rows);
                prop_assert_eq!(rows.len(), expected.len());
                prop_assert_eq!(rows.is_empty(), expected.is_empty());
                prop_assert_eq!(rows.has(row), expected.contains(&row));
                prop_assert_eq!(members(&rows), expected);
                Ok(())
            };
            check(&|rows| *rows = rows.and(&right), sorted(&mut one.intersection(&two).copied()))?;
            check(&|rows| rows.keep(&right), sorted(&mut one.intersection(&two).copied()))?;
            check(&|rows| rows.remove(&right), sorted(&mut one.difference(&two).copied()))?;
            check(&|rows| rows.unite(&right, WORDS), sorted(&mut one.union(&two).copied()))?;
        }
    }
}
