//! The columns of a batch as distinct texts and, for each row, which of them it has.

use std::borrow::Cow;
use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::{
    Float32Type, Float64Type, Int8Type, Int16Type, Int32Type, Int64Type, UInt8Type, UInt16Type, UInt32Type, UInt64Type,
};
use arrow_array::{Array, ArrayRef, ArrowPrimitiveType, PrimitiveArray, StringArray};
use arrow_buffer::NullBuffer;
use arrow_schema::DataType;

use crate::bitmap::numbers;
use crate::rows::{Rows, row_number};

/// The code of an absent value.
const ABSENT: u32 = u32::MAX;

/// One field over the rows of a batch.
pub(crate) struct Column<'a> {
    texts: Texts<'a>,
    /// For each slot the number of its text; where there is none, [`ABSENT`] or anything that `present` leaves out.
    codes: Cow<'a, [u32]>,
    /// The slots that have a text, as far as Arrow's own mask tells.
    present: Option<&'a NullBuffer>,
    /// For each row its slots, where a row may have several; otherwise row and slot are the same.
    slots: Option<Vec<(u32, u32)>>,
}

enum Texts<'a> {
    Array(&'a StringArray),
    Owned(Vec<Cow<'a, str>>),
}

impl<'a> Column<'a> {
    /// Reads a column; `None` for a type that has no text.
    pub(crate) fn read(array: &'a ArrayRef) -> Option<Column<'a>> {
        let DataType::List(_) = array.data_type() else { return Column::flat(array) };
        let list = array.as_list::<i32>();
        let inner = Column::flat(list.values())?;
        let offsets = list.value_offsets();
        let slots = (0..list.len()).map(|row| {
            if list.is_null(row) {
                return (0, 0);
            }
            // Offsets of a valid list are not negative.
            (offsets[row].cast_unsigned(), offsets[row + 1].cast_unsigned())
        });
        Some(Column { slots: Some(slots.collect()), ..inner })
    }

    fn flat(array: &'a ArrayRef) -> Option<Column<'a>> {
        match array.data_type() {
            DataType::Dictionary(key, value) if **key == DataType::UInt32 && **value == DataType::Utf8 => {
                Some(Column::dictionary(array))
            }
            DataType::Utf8 => Some(Column::texts(array.as_string::<i32>().iter())),
            DataType::LargeUtf8 => Some(Column::texts(array.as_string::<i64>().iter())),
            DataType::Utf8View => Some(Column::texts(array.as_string_view().iter())),
            DataType::Boolean => Some(Column::displayed(array.as_boolean().iter())),
            DataType::Int8 => Some(Column::numbers::<Int8Type>(array.as_primitive())),
            DataType::Int16 => Some(Column::numbers::<Int16Type>(array.as_primitive())),
            DataType::Int32 => Some(Column::numbers::<Int32Type>(array.as_primitive())),
            DataType::Int64 => Some(Column::numbers::<Int64Type>(array.as_primitive())),
            DataType::UInt8 => Some(Column::numbers::<UInt8Type>(array.as_primitive())),
            DataType::UInt16 => Some(Column::numbers::<UInt16Type>(array.as_primitive())),
            DataType::UInt32 => Some(Column::numbers::<UInt32Type>(array.as_primitive())),
            DataType::UInt64 => Some(Column::numbers::<UInt64Type>(array.as_primitive())),
            DataType::Float32 => Some(Column::numbers::<Float32Type>(array.as_primitive())),
            DataType::Float64 => Some(Column::numbers::<Float64Type>(array.as_primitive())),
            DataType::Null => Some(Column {
                texts: Texts::Owned(Vec::new()),
                codes: Cow::Owned(vec![ABSENT; array.len()]),
                present: None,
                slots: None,
            }),
            _ => None,
        }
    }

    fn dictionary(array: &'a ArrayRef) -> Column<'a> {
        let dictionary = array.as_dictionary::<UInt32Type>();
        let texts: &StringArray = dictionary.values().as_string::<i32>();
        let keys = dictionary.keys();
        let (codes, present) = if texts.null_count() == 0 {
            (Cow::Borrowed(&keys.values()[..]), keys.nulls())
        } else {
            let code = |key: Option<u32>| key.filter(|key| !texts.is_null(*key as usize)).unwrap_or(ABSENT);
            (Cow::Owned(keys.iter().map(code).collect()), None)
        };
        Column { texts: Texts::Array(texts), codes, present, slots: None }
    }

    fn texts(values: impl Iterator<Item = Option<&'a str>>) -> Column<'a> {
        let mut known: HashMap<&str, u32> = HashMap::new();
        let mut texts = Vec::new();
        let codes = values.map(|value| {
            let Some(value) = value else { return ABSENT };
            *known.entry(value).or_insert_with(|| next_code(&mut texts, Cow::Borrowed(value)))
        });
        let codes = Cow::Owned(codes.collect());
        Column { texts: Texts::Owned(texts), codes, present: None, slots: None }
    }

    fn displayed(values: impl Iterator<Item = Option<impl std::fmt::Display>>) -> Column<'a> {
        let mut known: HashMap<String, u32> = HashMap::new();
        let mut texts = Vec::new();
        let codes = values.map(|value| {
            let Some(value) = value else { return ABSENT };
            let text = value.to_string();
            *known.entry(text).or_insert_with_key(|text| next_code(&mut texts, Cow::Owned(text.clone())))
        });
        let codes = Cow::Owned(codes.collect());
        Column { texts: Texts::Owned(texts), codes, present: None, slots: None }
    }

    fn numbers<T>(values: &PrimitiveArray<T>) -> Column<'a>
    where
        T: ArrowPrimitiveType,
        T::Native: std::fmt::Display,
    {
        Column::displayed(values.iter())
    }

    /// The number of distinct texts; some may not occur.
    pub(crate) fn distinct(&self) -> usize {
        match &self.texts {
            Texts::Array(texts) => texts.len(),
            Texts::Owned(texts) => texts.len(),
        }
    }

    /// The text of a code other than [`ABSENT`].
    pub(crate) fn text(&self, code: u32) -> &str {
        match &self.texts {
            Texts::Array(texts) => texts.value(code as usize),
            Texts::Owned(texts) => &texts[code as usize],
        }
    }

    /// All texts as they lie in memory, and where each begins and the last ends; `None` where they lie apart.
    pub(crate) fn end_to_end(&self) -> Option<(&[u8], &[i32])> {
        match &self.texts {
            Texts::Array(texts) => Some((texts.value_data(), texts.value_offsets())),
            Texts::Owned(_) => None,
        }
    }

    /// The codes of a row; none where the field is absent.
    pub(crate) fn codes(&self, row: usize) -> impl Iterator<Item = u32> + Clone {
        let (start, end) = self.slots.as_ref().map_or((row, row + 1), |slots| {
            let (start, end) = slots[row];
            (start as usize, end as usize)
        });
        (start..end).filter(|slot| self.has(*slot)).map(|slot| self.codes[slot]).filter(|code| *code != ABSENT)
    }

    fn has(&self, slot: usize) -> bool {
        self.present.is_none_or(|present| present.is_valid(slot))
    }

    /// Calls `each` with every row of `rows` and each of its codes.
    pub(crate) fn for_each_code(&self, rows: &Rows, mut each: impl FnMut(u32, u32)) {
        match (rows, &self.slots, self.present) {
            // Most fields are absent from most rows: those are passed over a word at a time.
            (Rows::Many(rows), None, Some(present)) => {
                let words = rows.iter().zip(words(present)).map(|(wanted, present)| wanted & present);
                numbers(words).for_each(|row| each(row_number(row), self.codes[row]));
            }
            _ => rows.for_each(|row| self.codes(row as usize).for_each(|code| each(row, code))),
        }
    }

    /// Those of `rows` where the field has a value.
    pub(crate) fn with_value(&self, rows: &Rows) -> Rows {
        let mut found = rows.clone();
        match (&mut found, &self.slots, self.present) {
            (Rows::Many(rows), None, Some(present)) => {
                rows.iter_mut().zip(words(present)).for_each(|(wanted, present)| *wanted &= present);
            }
            (Rows::Many(words), ..) => {
                let absent = |row: &u32| self.codes(*row as usize).next().is_none();
                let mut left = Vec::new();
                rows.for_each(|row| left.extend(Some(row).filter(absent)));
                left.iter().for_each(|row| words[*row as usize / 64] &= !(1 << (row % 64)));
            }
            (Rows::Few(rows), ..) => rows.retain(|row| self.codes(*row as usize).next().is_some()),
        }
        found
    }

    /// The values of a row.
    pub(crate) fn values(&self, row: usize) -> impl Iterator<Item = &str> {
        self.codes(row).map(|code| self.text(code))
    }
}

/// The mask of an array, 64 slots to a word.
fn words(present: &NullBuffer) -> impl Iterator<Item = u64> {
    let chunks = present.inner().bit_chunks();
    chunks.iter().chain([chunks.remainder_bits()])
}

fn next_code<'a>(texts: &mut Vec<Cow<'a, str>>, text: Cow<'a, str>) -> u32 {
    let code = u32::try_from(texts.len()).expect("a batch has fewer than 2^32 rows");
    texts.push(text);
    code
}
