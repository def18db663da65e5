//! `rolling_percentile`: the nearest-rank percentile of a bin and of those before it.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use datafusion::error::Result;
use kernel::{ColumnSchema, Value};

use super::bins::Axis;
use super::{Budget, Rows, Table, on_axis};
use crate::query::convert;

/// The values of each bin.
type ByBin = BTreeMap<i64, Vec<f64>>;

pub(super) fn rolling_percentile(
    percent: f64,
    step: i64,
    bins: u64,
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let dimensions = input.columns.len() - 2;
    let mut rows = Rows::new(schema);
    let Some(axis) = Axis::around(step, input, dimensions, budget)? else { return rows.finish(schema) };
    let scalar = input.columns[dimensions].scalar();
    let mut groups = BTreeMap::<Vec<String>, (usize, ByBin)>::new();
    for row in 0..input.rows {
        let Some(place) = input.columns[dimensions].long(row) else { continue };
        let (_, values) = groups.entry(input.keys(0..dimensions, row)).or_insert_with(|| (row, BTreeMap::new()));
        if let Some(value) = convert::to_real(&input.columns[dimensions + 1].value(row)) {
            budget.keep(8)?;
            values.entry(axis.bin(place)).or_default().push(value);
        }
    }
    let window = i64::try_from(bins).unwrap_or(i64::MAX).max(1);
    for (first, values) in groups.into_values() {
        for bin in 0..axis.count() {
            let mut all: Vec<f64> = values
                .range(bin.saturating_sub(window - 1)..=bin)
                .flat_map(|(_, values)| values.iter().copied())
                .collect();
            budget.spend(all.len() as u64 + 1)?;
            if all.is_empty() {
                continue;
            }
            all.sort_by(f64::total_cmp);
            let rank = (percent / 100.0 * all.len() as f64).ceil().clamp(1.0, all.len() as f64);
            let place = on_axis(axis.place(bin), scalar);
            let named = (0..dimensions).map(|column| input.columns[column].value(first));
            rows.push(
                std::iter::once(place).chain(named).chain([Value::Real(all[rank as usize - 1])]).collect::<Vec<_>>(),
                budget,
            )?;
        }
    }
    rows.finish(schema)
}
