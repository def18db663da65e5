//! What folds do with single values.

use kernel::{ScalarType, Value};
use serde_json::{Map, Value as Json};

use super::super::cells::Cells;
use super::super::convert;
use super::super::functions::compare_values;
use super::distinct::xxhash64;
use super::folds::Fold;

/// A whole number that lies in the order of whole numbers as `number` in that of reals.
pub(super) fn ordered(number: f64) -> i64 {
    let bits = number.to_bits() as i64;
    bits ^ (bits >> 63 & i64::MAX)
}

pub(super) fn push_element(all: &mut Vec<Json>, seen: &mut Option<hashbrown::HashSet<u64>>, json: Json, fold: Fold) {
    match seen {
        None => {
            if !json.is_null() || fold == Fold::ListWithNulls {
                all.push(json);
            }
        }
        Some(seen) => {
            if !json.is_null() && seen.insert(xxhash64(json.to_string().as_bytes(), 0)) {
                all.push(json);
            }
        }
    }
}

pub(super) fn merge_bag(bag: &mut Map<String, Json>, members: Map<String, Json>, limit: usize) {
    for (key, value) in members {
        if bag.len() < limit {
            bag.entry(key).or_insert(value);
        }
    }
}

/// Equal values have equal hashes, whatever the batch.
pub(super) fn hash_of(cells: &Cells, row: usize) -> u64 {
    match cells.scalar() {
        ScalarType::String | ScalarType::Guid | ScalarType::Dynamic => xxhash64(cells.text(row).as_bytes(), 0),
        ScalarType::Int | ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan => {
            xxhash64(&cells.long(row).unwrap_or_default().to_le_bytes(), 0)
        }
        _ => xxhash64(convert::to_text(&cells.value(row)).as_bytes(), 0),
    }
}

pub(super) fn combine(fold: Fold, left: i64, right: i64) -> i64 {
    match fold {
        Fold::BitAnd => left & right,
        Fold::BitOr => left | right,
        _ => left ^ right,
    }
}

pub(super) fn better(fold: Fold, best: &mut Value, value: Value) {
    let order = compare_values(&value, best);
    let wins = if fold == Fold::Least { order.is_lt() } else { order.is_gt() };
    if !matches!(value, Value::Null) && (matches!(best, Value::Null) || wins) {
        *best = value;
    }
}
