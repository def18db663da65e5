//! Whole numbers, and pairs of numbers that columns gave, numbered.

use std::hash::BuildHasher;

use arrow_array::Array;
use hashbrown::{DefaultHashBuilder, HashTable};

use super::codes::next;
use super::recent::Recent;

/// The distinct whole numbers of a column, numbered.
#[derive(Debug, Default)]
pub(super) struct NumberCodes {
    /// The numbers' bits; 0 in the place of null.
    words: WordCodes,
    null: Option<u32>,
}

impl NumberCodes {
    /// The number of each value goes behind `codes`; `column` says which are null.
    pub fn number(&mut self, column: &dyn Array, values: impl Iterator<Item = i64>, codes: &mut Vec<u32>) {
        // Times of a file are in order: most rows have the value of the row before.
        let mut last: Option<(i64, u32)> = None;
        for (row, value) in values.enumerate() {
            let code = match last.filter(|(before, _)| *before == value) {
                _ if column.is_null(row) => *self.null.get_or_insert_with(|| self.words.push(0)),
                Some((_, code)) => code,
                None => {
                    let code = self.words.code_of(value.cast_unsigned());
                    last = Some((value, code));
                    code
                }
            };
            codes.push(code);
        }
        self.words.fit();
    }

    /// How many there are, null among them.
    pub fn len(&self) -> usize {
        self.words.words.len()
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.words.size()
    }

    /// What has this number; `None`: null has.
    pub fn value(&self, code: u32) -> Option<i64> {
        (self.null != Some(code)).then(|| self.words.word(code).cast_signed())
    }
}

/// Pairs of numbers, numbered.
#[derive(Debug, Default)]
pub(super) struct PairCodes(WordCodes);

impl PairCodes {
    /// Each of `left` becomes the number of itself and its neighbour in `right`.
    pub fn number(&mut self, left: &mut [u32], right: &[u32]) {
        for (left, right) in left.iter_mut().zip(right) {
            *left = self.0.code_of((u64::from(*left) << 32) | u64::from(*right));
        }
        self.0.fit();
    }

    /// The pair that has this number.
    pub fn pair(&self, code: u32) -> (u32, u32) {
        let word = self.0.word(code);
        ((word >> 32) as u32, word as u32)
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.0.words.len()
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.0.size()
    }
}

/// Distinct words of 64 bits, numbered.
#[derive(Debug, Default)]
struct WordCodes {
    words: Vec<u64>,
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
    recent: Recent<u64>,
}

impl WordCodes {
    fn code_of(&mut self, word: u64) -> u32 {
        self.recent.get(word).unwrap_or_else(|| {
            let code = self.look_up(word);
            self.recent.put(word, code);
            code
        })
    }

    fn look_up(&mut self, word: u64) -> u32 {
        let hash = self.hasher.hash_one(word);
        let words = &self.words;
        if let Some(code) = self.places.find(hash, |code| words[*code as usize] == word) {
            return *code;
        }
        let code = self.push(word);
        let (words, hasher) = (&self.words, &self.hasher);
        self.places.insert_unique(hash, code, |code| hasher.hash_one(words[*code as usize]));
        code
    }

    /// Gives `word` a number by which it is not found again.
    fn push(&mut self, word: u64) -> u32 {
        self.words.push(word);
        next(self.words.len() - 1)
    }

    fn word(&self, code: u32) -> u64 {
        self.words[code as usize]
    }

    /// After some rows: makes room for what has come.
    fn fit(&mut self) {
        self.recent.fit(self.words.len());
    }

    fn size(&self) -> usize {
        let table = self.places.capacity() * 2 * size_of::<u32>();
        self.words.capacity() * size_of::<u64>() + table + self.recent.size()
    }
}
