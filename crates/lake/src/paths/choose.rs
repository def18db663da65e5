//! Which paths are worth a column, judged by some rows. Pure.

use std::collections::{BTreeMap, HashSet};

use arrow_array::cast::AsArray;
use arrow_array::{Array, RecordBatch};

use super::DynamicPath;
use crate::query::dynamic::{Dynamic, Kind, Step};

/// Rows that are looked at.
const SAMPLE_ROWS: usize = 512;
/// Bags within bags that are looked into.
const MOST_DEPTH: usize = 4;
/// Paths of one column that are counted.
const MOST_PATHS: usize = 256;
/// Paths of one file that are promoted.
pub(super) const MOST_PROMOTED: usize = 24;
/// A value that is longer is left where it is.
const MOST_BYTES: usize = 256;
/// So often a path must occur.
const LEAST_COUNT: usize = 8;

#[derive(Default)]
struct Tally<'a> {
    count: usize,
    values: HashSet<&'a str>,
    is_long: bool,
}

/// The paths into the dynamic columns `columns` of `batch` that occur in many rows and repeat few values.
pub(super) fn choose(batch: &RecordBatch, columns: &[usize]) -> Vec<DynamicPath> {
    let mut chosen: Vec<(usize, DynamicPath)> = Vec::new();
    for column in columns {
        let Some(texts) = batch.column(*column).as_string_opt::<i32>() else { continue };
        let mut tallies = BTreeMap::new();
        let mut values = 0;
        let step = (batch.num_rows() / SAMPLE_ROWS).max(1);
        for row in (0..batch.num_rows()).step_by(step).filter(|row| texts.is_valid(*row)) {
            values += 1;
            look(Dynamic::new(texts.value(row)), &mut Vec::new(), &mut tallies);
        }
        let name = batch.schema_ref().field(*column).name();
        chosen.extend(tallies.into_iter().filter(|(_, tally)| tally.is_worth(values)).map(|(keys, tally)| {
            let steps: Vec<Step> = keys.into_iter().map(Step::Member).collect();
            (tally.count, DynamicPath::new(name, &steps))
        }));
    }
    chosen.sort_by(|left, right| right.0.cmp(&left.0).then_with(|| left.1.cmp(&right.1)));
    chosen.truncate(MOST_PROMOTED);
    chosen.into_iter().map(|(_, path)| path).collect()
}

fn look<'a>(value: Dynamic<'a>, keys: &mut Vec<String>, tallies: &mut BTreeMap<Vec<String>, Tally<'a>>) {
    for (key, member) in value.members() {
        keys.push(key.into_owned());
        match member.kind() {
            Kind::Bag if keys.len() < MOST_DEPTH => look(member, keys, tallies),
            Kind::Bag | Kind::Null => {}
            Kind::Array | Kind::Bool | Kind::Number | Kind::String => {
                if tallies.len() < MOST_PATHS || tallies.contains_key(keys.as_slice()) {
                    let tally = tallies.entry(keys.clone()).or_default();
                    tally.count += 1;
                    tally.values.insert(member.stored());
                    tally.is_long |= member.stored().len() > MOST_BYTES;
                }
            }
        }
        keys.pop();
    }
}

impl Tally<'_> {
    /// Whether the path occurs in a tenth of `values` values, and each of its own values four times or more.
    fn is_worth(&self, values: usize) -> bool {
        let is_common = self.count >= LEAST_COUNT && self.count * 10 >= values;
        is_common && !self.is_long && self.values.len() * 4 <= self.count
    }
}
