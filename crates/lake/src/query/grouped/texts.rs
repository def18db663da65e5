//! The distinct texts of a column, numbered.

use std::hash::BuildHasher;
use std::sync::Arc;

use arrow_array::builder::StringViewBuilder;
use arrow_array::{Array, ArrayRef, StringViewArray};
use hashbrown::{DefaultHashBuilder, HashTable};

use super::codes::next;
use super::places::Places;
use super::recent::Recent;

/// Texts up to this length lie in the view itself (Arrow's columnar format, "Variable-size Binary View Layout").
const INLINE: u32 = 12;
/// No view has a text of this length: Arrow counts it in 31 bits.
const NULL: u32 = u32::MAX;
/// Rows whose texts are looked for together, so that one waits for memory while the others do. Few, so that a text that
/// is new in a file is looked for once or twice and no more.
const TOGETHER: usize = 128;

/// Texts and their numbers.
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

impl TextCodes {
    pub fn number(&mut self, column: &StringViewArray, codes: &mut Vec<u32>) {
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

    pub fn values(&self, codes: &[u32]) -> ArrayRef {
        let mut values = StringViewBuilder::with_capacity(codes.len());
        for code in codes {
            let text = self.texts[*code as usize];
            values.append_option((text.length != NULL).then(|| text_of(&self.bytes, text)));
        }
        Arc::new(values.finish())
    }

    /// How many there are, null among them.
    pub fn len(&self) -> usize {
        self.texts.len()
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        let table = self.known.capacity() * 2 * size_of::<Text>();
        let texts = self.bytes.capacity() + self.texts.capacity() * size_of::<Text>();
        texts + table + self.short.size() + self.long.size()
    }
}

fn text_of(bytes: &str, text: Text) -> &str {
    &bytes[text.start..text.start + text.length as usize]
}
