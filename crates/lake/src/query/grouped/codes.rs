//! Values as small numbers, in the order in which they first came.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::cast::AsArray;
use arrow_array::types::{Int32Type, Int64Type};
use arrow_array::{Array, ArrayRef, BooleanArray, Int32Array, Int64Array, StringViewArray};
use arrow_buffer::Buffer;
use arrow_schema::DataType;
use hashbrown::{DefaultHashBuilder, HashTable};

/// Sets of a [`Recent`] at first, as a power of two.
const FIRST_SETS: u32 = 8;
/// Sets beyond which none is added: 2 MB, what a core has near it.
const MOST_SETS: u32 = 15;
/// Values in one set.
const WAYS: usize = 4;
/// Bytes of buffers that are kept so that their addresses stay theirs.
const HELD_BYTES: usize = 16 << 20;
/// Buffers that are kept.
const HELD_BUFFERS: usize = 64;
/// Texts up to this length lie in the view itself (Arrow's columnar format, "Variable-size Binary View Layout").
const INLINE: u32 = 12;

/// The distinct values of one column, numbered.
#[derive(Debug)]
pub(super) enum Codes {
    Texts(TextCodes),
    Numbers(NumberCodes, DataType),
}

impl Codes {
    /// For columns of `data_type`; `None`: such columns are not numbered here.
    pub fn of(data_type: &DataType) -> Option<Codes> {
        match data_type {
            DataType::Utf8View => Some(Codes::Texts(TextCodes::default())),
            DataType::Int64 | DataType::Int32 | DataType::Boolean => {
                Some(Codes::Numbers(NumberCodes::default(), data_type.clone()))
            }
            _ => None,
        }
    }

    /// The number of each value of `column` goes into `codes`, which is emptied before.
    pub fn number(&mut self, column: &ArrayRef, codes: &mut Vec<u32>) {
        codes.clear();
        codes.reserve(column.len());
        match self {
            Codes::Texts(texts) => texts.number(column.as_string_view(), codes),
            Codes::Numbers(numbers, data_type) => match data_type {
                DataType::Int64 => {
                    let column = column.as_primitive::<Int64Type>();
                    numbers.number(column, column.values().iter().copied(), codes);
                }
                DataType::Int32 => {
                    let column = column.as_primitive::<Int32Type>();
                    numbers.number(column, column.values().iter().map(|value| i64::from(*value)), codes);
                }
                _ => {
                    let column = column.as_boolean();
                    numbers.number(column, column.values().iter().map(i64::from), codes);
                }
            },
        }
    }

    /// The values that `codes` stand for.
    pub fn values(&self, codes: &[u32]) -> ArrayRef {
        match self {
            Codes::Texts(texts) => texts.values(codes),
            Codes::Numbers(numbers, data_type) => {
                let values = codes.iter().map(|code| numbers.value(*code));
                match data_type {
                    DataType::Int64 => Arc::new(values.collect::<Int64Array>()),
                    DataType::Int32 => {
                        let narrow = |value: Option<i64>| value.and_then(|value| i32::try_from(value).ok());
                        Arc::new(values.map(narrow).collect::<Int32Array>())
                    }
                    _ => Arc::new(values.map(|value| value.map(|value| value != 0)).collect::<BooleanArray>()),
                }
            }
        }
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        match self {
            Codes::Texts(texts) => texts.texts.len(),
            Codes::Numbers(numbers, _) => numbers.values.len(),
        }
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        match self {
            Codes::Texts(texts) => texts.size(),
            Codes::Numbers(numbers, _) => numbers.size(),
        }
    }
}

/// The distinct texts of a column, numbered.
#[derive(Debug, Default)]
pub(super) struct TextCodes {
    /// All of them, one after the other.
    bytes: String,
    texts: Vec<Text>,
    hasher: DefaultHashBuilder,
    /// What is compared lies in the table itself.
    known: HashTable<Text>,
    null: Option<u32>,
    /// Short texts by themselves.
    short: Recent<u128>,
    /// Long texts by where they lie.
    long: Places,
    /// Rows at hand whose numbers have to be looked for, with the hash of their text.
    sought: Vec<(usize, u64)>,
}

/// Where a text lies in [`TextCodes::bytes`].
#[derive(Debug, Clone, Copy)]
struct Text {
    start: usize,
    /// [`NULL`]: there is none.
    length: u32,
    code: u32,
}

/// No view has a text of this length: Arrow counts it in 31 bits.
const NULL: u32 = u32::MAX;
/// Rows whose texts are looked for together, so that one waits for memory while the others do. Few, so that a text that
/// is new in a file is looked for once or twice and no more.
const TOGETHER: usize = 128;

impl TextCodes {
    fn number(&mut self, column: &StringViewArray, codes: &mut Vec<u32>) {
        self.long.hold(column.data_buffers());
        let nulls = column.nulls().filter(|nulls| nulls.null_count() > 0);
        let is_null = |row: usize| nulls.is_some_and(|nulls| nulls.is_null(row));
        for views in column.views().chunks(TOGETHER) {
            self.sought.clear();
            for view in views {
                let row = codes.len();
                let code = if is_null(row) {
                    self.null
                } else if *view as u32 <= INLINE {
                    self.short.get(*view)
                } else {
                    self.long.get(*view)
                };
                if code.is_none() {
                    self.sought.push((row, 0));
                }
                codes.push(code.unwrap_or_default());
            }
            for (row, hash) in &mut self.sought {
                *hash = self.hasher.hash_one(column.value(*row));
            }
            for at in 0..self.sought.len() {
                let (row, hash) = self.sought[at];
                codes[row] = if is_null(row) {
                    self.code_of_null()
                } else {
                    let code = self.code_of(column.value(row), hash);
                    self.keep(column.views()[row], code);
                    code
                };
            }
        }
        self.short.fit(self.texts.len());
    }

    fn keep(&mut self, view: u128, code: u32) {
        if view as u32 <= INLINE { self.short.put(view, code) } else { self.long.put(view, code) }
    }

    fn code_of(&mut self, text: &str, hash: u64) -> u32 {
        let bytes = self.bytes.as_bytes();
        let same = |known: &Text| bytes[known.start..known.start + known.length as usize] == *text.as_bytes();
        if let Some(known) = self.known.find(hash, same) {
            return known.code;
        }
        let code = next(self.texts.len());
        let length = u32::try_from(text.len()).unwrap_or(NULL - 1);
        let added = Text { start: self.bytes.len(), length, code };
        self.texts.push(added);
        self.bytes.push_str(text);
        let (bytes, hasher) = (&self.bytes, &self.hasher);
        self.known.insert_unique(hash, added, |known| hasher.hash_one(text_of(bytes, *known)));
        code
    }

    fn code_of_null(&mut self) -> u32 {
        *self.null.get_or_insert_with(|| {
            let code = next(self.texts.len());
            self.texts.push(Text { start: 0, length: NULL, code });
            code
        })
    }

    fn values(&self, codes: &[u32]) -> ArrayRef {
        let mut values = StringViewBuilder::with_capacity(codes.len());
        for code in codes {
            let text = self.texts[*code as usize];
            values.append_option((text.length != NULL).then(|| text_of(&self.bytes, text)));
        }
        Arc::new(values.finish())
    }

    fn size(&self) -> usize {
        let table = self.known.capacity() * 2 * size_of::<Text>();
        let texts = self.bytes.capacity() + self.texts.capacity() * size_of::<Text>();
        texts + table + self.short.size() + self.long.bytes
    }
}

fn text_of(bytes: &str, text: Text) -> &str {
    &bytes[text.start..text.start + text.length as usize]
}

/// Numbers of long texts by their place in a buffer.
///
/// A dictionary's texts lie one behind the other, so that each piece of [`PIECE`] bytes has the beginning of one long text
/// at most: a row costs one look at the table of its buffer, which is as large as the dictionary at hand and no larger.
#[derive(Debug, Default)]
struct Places {
    buffers: Vec<Placed>,
    /// For each buffer of the column at hand, its place in `buffers`.
    at: Vec<usize>,
    bytes: usize,
}

/// A buffer, kept so that its address stays its own, and the numbers of the texts that begin in its pieces.
#[derive(Debug)]
struct Placed {
    buffer: Buffer,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    offset: u32,
    /// 0: nothing is known of this piece, for no long text has this length.
    length: u32,
    code: u32,
}

/// Long texts have at least one byte more than [`INLINE`]; in a dictionary page each has four bytes of length before it
/// (Parquet, encoding PLAIN).
const PIECE: usize = 16;

impl Places {
    /// Makes `buffers` those that views speak of from now on.
    fn hold(&mut self, buffers: &[Buffer]) {
        if self.bytes > HELD_BYTES || self.buffers.len() > HELD_BUFFERS {
            self.buffers.clear();
            self.bytes = 0;
        }
        self.at.clear();
        for buffer in buffers {
            let same = |held: &Placed| held.buffer.as_ptr() == buffer.as_ptr() && held.buffer.len() == buffer.len();
            // The one that was used last is most likely the one that is meant.
            let known = self.buffers.iter().rposition(same);
            let at = known.unwrap_or_else(|| self.add(buffer));
            self.at.push(at);
        }
    }

    fn add(&mut self, buffer: &Buffer) -> usize {
        let pieces = vec![Piece { offset: 0, length: 0, code: 0 }; buffer.len() / PIECE + 1];
        self.bytes += buffer.capacity() + pieces.len() * size_of::<Piece>();
        self.buffers.push(Placed { buffer: buffer.clone(), pieces });
        self.buffers.len() - 1
    }

    fn get(&self, view: u128) -> Option<u32> {
        let (length, buffer, offset) = parts(view);
        let piece = self.buffers[self.at[buffer]].pieces[offset as usize / PIECE];
        (piece.length == length && piece.offset == offset).then_some(piece.code)
    }

    fn put(&mut self, view: u128, code: u32) {
        let (length, buffer, offset) = parts(view);
        self.buffers[self.at[buffer]].pieces[offset as usize / PIECE] = Piece { offset, length, code };
    }
}

/// Length, buffer and offset of a long text (Arrow's columnar format, "Variable-size Binary View Layout").
fn parts(view: u128) -> (u32, usize, u32) {
    (view as u32, (view >> 64) as u32 as usize, (view >> 96) as u32)
}

/// The distinct whole numbers of a column, numbered.
#[derive(Debug, Default)]
pub(super) struct NumberCodes {
    values: Vec<Option<i64>>,
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
    null: Option<u32>,
    recent: Recent<u64>,
}

impl NumberCodes {
    fn number(&mut self, column: &dyn Array, values: impl Iterator<Item = i64>, codes: &mut Vec<u32>) {
        // Times of a file are in order: most rows have the value of the row before.
        let mut last: Option<(i64, u32)> = None;
        for (row, value) in values.enumerate() {
            if let Some((_, code)) = last.filter(|(before, _)| *before == value)
                && column.is_valid(row)
            {
                codes.push(code);
                continue;
            }
            if column.is_null(row) {
                codes.push(self.code_of_null());
                continue;
            }
            let key = value.cast_unsigned();
            let code = match self.recent.get(key) {
                Some(code) => code,
                None => {
                    let code = self.code_of(value);
                    self.recent.put(key, code);
                    code
                }
            };
            last = Some((value, code));
            codes.push(code);
        }
        self.recent.fit(self.values.len());
    }

    fn code_of(&mut self, value: i64) -> u32 {
        let hash = self.hasher.hash_one(value);
        let values = &self.values;
        if let Some(code) = self.places.find(hash, |code| values[*code as usize] == Some(value)) {
            return *code;
        }
        let code = next(self.values.len());
        self.values.push(Some(value));
        let (values, hasher) = (&self.values, &self.hasher);
        self.places.insert_unique(hash, code, |code| hasher.hash_one(values[*code as usize].unwrap_or_default()));
        code
    }

    fn code_of_null(&mut self) -> u32 {
        *self.null.get_or_insert_with(|| {
            self.values.push(None);
            next(self.values.len() - 1)
        })
    }

    fn value(&self, code: u32) -> Option<i64> {
        self.values[code as usize]
    }

    fn size(&self) -> usize {
        let table = self.places.capacity() * 2 * size_of::<u32>();
        self.values.capacity() * size_of::<Option<i64>>() + table + self.recent.size()
    }
}

/// Pairs of numbers, numbered.
#[derive(Debug, Default)]
pub(super) struct PairCodes {
    pub pairs: Vec<(u32, u32)>,
    hasher: DefaultHashBuilder,
    places: HashTable<u32>,
    recent: Recent<u64>,
}

impl PairCodes {
    /// Each of `left` becomes the number of itself and its neighbour in `right`.
    pub fn number(&mut self, left: &mut [u32], right: &[u32]) {
        for (left, right) in left.iter_mut().zip(right) {
            let key = (u64::from(*left) << 32) | u64::from(*right);
            *left = match self.recent.get(key) {
                Some(code) => code,
                None => {
                    let code = self.code_of((*left, *right));
                    self.recent.put(key, code);
                    code
                }
            };
        }
        self.recent.fit(self.pairs.len());
    }

    fn code_of(&mut self, pair: (u32, u32)) -> u32 {
        let hash = self.hasher.hash_one(pair);
        let pairs = &self.pairs;
        if let Some(code) = self.places.find(hash, |code| pairs[*code as usize] == pair) {
            return *code;
        }
        let code = next(self.pairs.len());
        self.pairs.push(pair);
        let (pairs, hasher) = (&self.pairs, &self.hasher);
        self.places.insert_unique(hash, code, |code| hasher.hash_one(pairs[*code as usize]));
        code
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.pairs.capacity() * size_of::<(u32, u32)>()
            + self.places.capacity() * 2 * size_of::<u32>()
            + self.recent.size()
    }
}

/// The number after `count` others. Groups are given away long before there are so many.
fn next(count: usize) -> u32 {
    u32::try_from(count).unwrap_or(u32::MAX)
}

/// Numbers that were looked up lately.
#[derive(Debug)]
struct Recent<K> {
    sets: Vec<Set<K>>,
    bits: u32,
}

/// Some values and their numbers, in one line of the cache.
#[derive(Debug, Clone, Copy)]
#[repr(align(64))]
struct Set<K> {
    keys: [K; WAYS],
    codes: [u32; WAYS],
    /// The place whose turn it is to be given up.
    oldest: u32,
}

/// What values are known by.
trait Key: Copy + PartialEq {
    /// What nothing is kept for: a value that is this is looked up in the whole table each time.
    const NOTHING: Self;

    fn folded(self) -> u64;
}

impl Key for u64 {
    const NOTHING: u64 = u64::MAX;

    fn folded(self) -> u64 {
        self
    }
}

impl Key for u128 {
    const NOTHING: u128 = u128::MAX;

    fn folded(self) -> u64 {
        (self as u64) ^ ((self >> 64) as u64).rotate_left(32)
    }
}

impl<K: Key> Default for Recent<K> {
    fn default() -> Recent<K> {
        Recent { sets: vec![Set::EMPTY; 1 << FIRST_SETS], bits: FIRST_SETS }
    }
}

impl<K: Key> Set<K> {
    const EMPTY: Set<K> = Set { keys: [K::NOTHING; WAYS], codes: [0; WAYS], oldest: 0 };
}

impl<K: Key> Recent<K> {
    fn get(&self, key: K) -> Option<u32> {
        let set = &self.sets[self.set(key)];
        // All are compared, without a branch for each.
        let equal =
            set.keys.iter().enumerate().fold(0_u32, |equal, (at, known)| equal | (u32::from(*known == key) << at));
        (equal != 0 && key != K::NOTHING).then(|| set.codes[equal.trailing_zeros() as usize % WAYS])
    }

    fn put(&mut self, key: K, code: u32) {
        let at = self.set(key);
        let set = &mut self.sets[at];
        let oldest = set.oldest as usize % WAYS;
        (set.keys[oldest], set.codes[oldest]) = (key, code);
        set.oldest = set.oldest.wrapping_add(1);
    }

    /// The upper bits of a product depend on all bits of its factors (Knuth, The Art of Computer Programming 3, 6.4).
    fn set(&self, key: K) -> usize {
        (key.folded().wrapping_mul(0x9e37_79b9_7f4a_7c15) >> (64 - self.bits)) as usize
    }

    /// Makes room for `count` values, most of which then find one in a set.
    fn fit(&mut self, count: usize) {
        if count > 3 * self.sets.len() && self.bits < MOST_SETS {
            self.bits = (self.bits + 2).min(MOST_SETS);
            self.sets = vec![Set::EMPTY; 1 << self.bits];
        }
    }

    fn size(&self) -> usize {
        self.sets.capacity() * size_of::<Set<K>>()
    }
}
