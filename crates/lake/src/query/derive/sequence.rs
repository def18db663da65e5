//! `sequence_detect`: rows that fit conditions one after another, within each combination of dimensions.

use std::collections::BTreeMap;

use arrow_array::RecordBatch;
use datafusion::error::Result;
use kernel::{ColumnSchema, Value};

use super::{Budget, Rows, Table, on_axis};

/// Where the steps of a sequence were taken.
type Places = Vec<i64>;

/// A row for each way that ends with the last step: each step before it is the nearest before the step after it.
///
/// Two steps of a sequence are two rows, no further apart than the first of `limits`; the first and the last no further
/// than the second.
pub(super) fn detect(
    dimensions: usize,
    limits: (i64, i64),
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let steps = input.columns.len() - dimensions - 1;
    let mut rows = Rows::new(schema);
    let mut groups: BTreeMap<Vec<String>, Vec<(i64, usize)>> = BTreeMap::new();
    for row in 0..input.rows {
        let Some(place) = input.columns[dimensions].long(row) else { continue };
        budget.keep(32)?;
        groups.entry(input.keys(0..dimensions, row)).or_default().push((place, row));
    }
    let scalar = input.columns[dimensions].scalar();
    for mut group in groups.into_values() {
        group.sort_unstable();
        let mut reached: Vec<Option<Places>> = vec![None; steps];
        for (place, row) in &group {
            budget.spend(steps as u64)?;
            // From the last step down, so that a row is not two steps of one sequence.
            for step in (0..steps).rev() {
                if !input.is_true(dimensions + 1 + step, *row) {
                    continue;
                }
                let Some(places) = way(step, *place, &reached, limits) else { continue };
                if step + 1 == steps {
                    let (first, last) = (places[0], *place);
                    let dimension = |at: usize| input.columns[at].value(group[0].1);
                    let mut found: Vec<Value> = (0..dimensions).map(dimension).collect();
                    found.extend(places.iter().map(|place| on_axis(*place, scalar)));
                    found.push(on_axis(last.saturating_sub(first), schema[schema.len() - 1].scalar));
                    rows.push(found, budget)?;
                }
                reached[step] = Some(places);
            }
        }
    }
    rows.finish(schema)
}

/// The places of the steps up to `step` at `place`, when the one before is near enough.
fn way(step: usize, place: i64, reached: &[Option<Places>], limits: (i64, i64)) -> Option<Places> {
    let mut places = match step.checked_sub(1) {
        None => Vec::new(),
        Some(before) => {
            let places = reached[before].as_ref()?;
            let (first, last) = (*places.first()?, *places.last()?);
            let near = place.saturating_sub(last) <= limits.0 && place.saturating_sub(first) <= limits.1;
            near.then(|| places.clone())?
        }
    };
    places.push(place);
    Some(places)
}
