//! Rows with the same values in all key columns get the same group.

use arrow_array::ArrayRef;
use arrow_schema::{DataType, SchemaRef};

use super::codes::Codes;
use super::words::PairCodes;

/// The groups of rows by one or more columns, in the order in which they first came.
#[derive(Debug)]
pub struct GroupKeys {
    schema: SchemaRef,
    columns: Vec<Codes>,
    /// One less than columns: each numbers what the columns before made, and the next column.
    joined: Vec<PairCodes>,
    /// Numbers of the rows at hand: of all columns so far, and of the next one.
    codes: [Vec<u32>; 2],
}

impl GroupKeys {
    /// For the key columns of `schema`; `None`: one of them is of a type that is not numbered here, or there is none.
    pub fn of(schema: &SchemaRef) -> Option<GroupKeys> {
        let columns: Option<Vec<Codes>> = schema.fields().iter().map(|field| Codes::of(field.data_type())).collect();
        let columns = columns.filter(|columns| !columns.is_empty())?;
        let joined = (1..columns.len()).map(|_| PairCodes::default()).collect();
        Some(GroupKeys { schema: schema.clone(), columns, joined, codes: Default::default() })
    }

    /// Whether texts are among the columns, which are what this is faster for.
    pub fn suits(schema: &SchemaRef) -> bool {
        let text = schema.fields().iter().any(|field| *field.data_type() == DataType::Utf8View);
        text && GroupKeys::of(schema).is_some()
    }

    /// The group of each row of `columns` goes into `groups`, which is emptied before.
    pub fn group(&mut self, columns: &[ArrayRef], groups: &mut Vec<usize>) {
        let [codes, next] = &mut self.codes;
        for (at, (column, numbers)) in columns.iter().zip(&mut self.columns).enumerate() {
            match at.checked_sub(1) {
                None => numbers.number(column, codes),
                Some(before) => {
                    numbers.number(column, next);
                    self.joined[before].number(codes, next);
                }
            }
        }
        groups.clear();
        groups.extend(codes.iter().map(|code| *code as usize));
    }

    /// How many groups there are.
    pub fn len(&self) -> usize {
        match self.joined.last() {
            Some(joined) => joined.len(),
            None => self.columns[0].len(),
        }
    }

    /// The key columns of all groups, which are then forgotten.
    pub fn take(&mut self) -> Vec<ArrayRef> {
        let mut codes: Vec<u32> = (0..u32::try_from(self.len()).unwrap_or(u32::MAX)).collect();
        let mut values = Vec::with_capacity(self.columns.len());
        for at in (0..self.columns.len()).rev() {
            let own = match at.checked_sub(1) {
                None => std::mem::take(&mut codes),
                Some(before) => {
                    let pairs = &self.joined[before];
                    let own = codes.iter().map(|code| pairs.pair(*code).1).collect();
                    codes.iter_mut().for_each(|code| *code = pairs.pair(*code).0);
                    own
                }
            };
            values.push(self.columns[at].values(&own));
        }
        values.reverse();
        self.forget();
        values
    }

    fn forget(&mut self) {
        self.columns = self.schema.fields().iter().filter_map(|field| Codes::of(field.data_type())).collect();
        self.joined.iter_mut().for_each(|joined| *joined = PairCodes::default());
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        let rows: usize = self.codes.iter().map(|codes| codes.capacity() * size_of::<u32>()).sum();
        let columns: usize = self.columns.iter().map(Codes::size).sum();
        rows + columns + self.joined.iter().map(PairCodes::size).sum::<usize>()
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;
    use std::sync::Arc;

    use arrow_array::{Array, BooleanArray, Int32Array, Int64Array, StringViewArray};
    use arrow_cast::display::array_value_to_string;
    use arrow_schema::{Field, Schema};
    use proptest::prelude::*;

    use super::*;

    type Row = (Option<String>, Option<i64>, Option<bool>, Option<i32>);

    fn columns(rows: &[Row], dictionary: bool) -> Vec<ArrayRef> {
        let texts: StringViewArray =
            if dictionary { by_reference(rows) } else { rows.iter().map(|row| row.0.as_deref()).collect() };
        vec![
            Arc::new(texts),
            Arc::new(rows.iter().map(|row| row.1).collect::<Int64Array>()),
            Arc::new(rows.iter().map(|row| row.2).collect::<BooleanArray>()),
            Arc::new(rows.iter().map(|row| row.3).collect::<Int32Array>()),
        ]
    }

    /// Equal texts lie at one address, as the reader of files gives them.
    fn by_reference(rows: &[Row]) -> StringViewArray {
        let mut builder = arrow_array::builder::StringViewBuilder::new().with_deduplicate_strings();
        rows.iter().for_each(|row| builder.append_option(row.0.as_deref()));
        builder.finish()
    }

    fn schema() -> SchemaRef {
        let types = [DataType::Utf8View, DataType::Int64, DataType::Boolean, DataType::Int32];
        let fields: Vec<Field> =
            types.into_iter().enumerate().map(|(at, t)| Field::new(format!("k{at}"), t, true)).collect();
        Arc::new(Schema::new(fields))
    }

    fn row() -> impl Strategy<Value = Row> {
        let text = prop_oneof![
            Just(None),
            "[ab]{0,2}".prop_map(Some),
            "[ab]{12,13}".prop_map(Some),
            (0..300_u32).prop_map(|number| Some(format!("host-{number}.office.example.org"))),
        ];
        (text, proptest::option::of(-2..3_i64), proptest::option::of(any::<bool>()), proptest::option::of(0..2_i32))
    }

    proptest! {
        /// The slow twin is a map of rows. Buffers are dropped between batches, so that addresses are used again.
        #[test]
        fn groups_are_those_of_a_map(
            batches in proptest::collection::vec((proptest::collection::vec(row(), 0..200), any::<bool>()), 0..6),
            width in 1..5_usize,
        ) {
            let schema = Arc::new(schema().project(&(0..width).collect::<Vec<_>>()).unwrap());
            let mut keys = GroupKeys::of(&schema).unwrap();
            let (mut twin, mut seen) = (HashMap::new(), Vec::new());
            let mut groups = Vec::new();
            for (rows, dictionary) in &batches {
                let columns = columns(rows, *dictionary);
                keys.group(&columns[..width], &mut groups);
                let texts = |row: usize| -> Vec<Option<String>> {
                    let shown = |column: &ArrayRef| {
                        column.is_valid(row).then(|| array_value_to_string(column, row).unwrap())
                    };
                    columns[..width].iter().map(shown).collect()
                };
                for (row, group) in groups.iter().enumerate() {
                    let count = twin.len();
                    let expected = *twin.entry(texts(row)).or_insert_with(|| { seen.push(texts(row)); count });
                    prop_assert_eq!(*group, expected);
                }
            }
            prop_assert_eq!(keys.len(), seen.len());
            let values = keys.take();
            for (group, expected) in seen.iter().enumerate() {
                let shown = values.iter().map(|column| {
                    column.is_valid(group).then(|| array_value_to_string(column, group).unwrap())
                });
                prop_assert_eq!(&shown.collect::<Vec<_>>(), expected);
            }
            prop_assert_eq!(keys.len(), 0);
        }
    }

    #[test]
    fn an_address_that_is_used_again_is_not_mistaken_for_what_lay_there() {
        let schema = Arc::new(schema().project(&[0]).unwrap());
        let mut keys = GroupKeys::of(&schema).unwrap();
        let mut groups = Vec::new();
        for round in 0..2_000 {
            let text = format!("a text that does not fit into a view {round}");
            let column: ArrayRef = Arc::new(StringViewArray::from_iter_values([&text, &text]));
            keys.group(&[column], &mut groups);
            assert_eq!(groups, [round, round]);
        }
    }
}
