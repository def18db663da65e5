//! Funnels: ids that went through states in an order.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use arrow_array::RecordBatch;
use datafusion::error::Result;
use kernel::{ColumnSchema, Value};
use kql::algebra::{Bins, FunnelSides};

use super::bins::Axis;
use super::{Budget, Rows, Table, long, on_axis};
use crate::query::convert;

/// Ids that are shown beside their number.
const MOST_SAMPLES: usize = 128;

/// What one id did: places and states in their order, and one of its rows.
struct Trail {
    row: usize,
    steps: Vec<(i64, String)>,
}

/// Trails of all ids within the axis, by bin of each row.
fn trails(input: &Table, axis: Axis, budget: &mut Budget<'_>) -> Result<Vec<Trail>> {
    let mut places = HashMap::<String, usize>::new();
    let mut trails: Vec<Trail> = Vec::new();
    for row in 0..input.rows {
        let Some(place) = input.columns[1].long(row).filter(|place| axis.holds(*place)) else { continue };
        budget.keep(64)?;
        let next = trails.len();
        let at = *places.entry(input.key(0, row)).or_insert(next);
        if at == next {
            trails.push(Trail { row, steps: Vec::new() });
        }
        trails[at].steps.push((place, convert::to_text(&input.columns[2].value(row))));
    }
    trails.iter_mut().for_each(|trail| trail.steps.sort_by_key(|(place, _)| *place));
    Ok(trails)
}

/// How far an id came in each bin of its first state: the states in order, all within a period from the first.
pub(super) fn completion(
    span: &Bins,
    states: &[String],
    periods: &[i64],
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let mut rows = Rows::new(schema);
    let axis = Axis::of(span)?;
    let trails = trails(input, axis, budget)?;
    let scalar = input.columns[1].scalar();
    for period in periods {
        let mut reached: BTreeMap<i64, Vec<usize>> = BTreeMap::new();
        for trail in &trails {
            let mut best: BTreeMap<i64, usize> = BTreeMap::new();
            for (at, (start, state)) in trail.steps.iter().enumerate() {
                if states.first() != Some(state) {
                    continue;
                }
                let mut depth = 1;
                for (place, state) in &trail.steps[at + 1..] {
                    budget.spend(1)?;
                    if depth == states.len() || place.saturating_sub(*start) > *period {
                        break;
                    }
                    depth += usize::from(states[depth] == *state);
                }
                let known = best.entry(axis.bin(*start)).or_default();
                *known = (*known).max(depth);
            }
            for (bin, depth) in best {
                let counts = reached.entry(bin).or_insert_with(|| vec![0; states.len()]);
                counts[..depth].iter_mut().for_each(|count| *count += 1);
            }
        }
        for (bin, counts) in reached {
            for (state, count) in states.iter().zip(counts).filter(|(_, count)| *count > 0) {
                let place = on_axis(axis.place(bin), scalar);
                let row = [place, Value::String(state.clone()), on_axis(*period, schema[2].scalar), long(count)];
                rows.push(row, budget)?;
            }
        }
    }
    rows.finish(schema)
}

/// What is looked for: states one after another, no two of them further apart than `most_between`.
pub(super) struct Sequence<'a> {
    pub span: &'a Bins,
    pub states: &'a [String],
    pub most_between: i64,
    pub sides: FunnelSides,
}

/// What ids did before and after they went through all states.
pub(super) fn sequence(
    wanted: &Sequence<'_>,
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let Sequence { span, states, most_between, sides } = *wanted;
    let mut rows = Rows::new(schema);
    let axis = Axis::of(span)?;
    let trails = trails(input, axis, budget)?;
    let scalar = input.columns[1].scalar();
    let mut found: BTreeMap<(i64, String, String), BTreeSet<usize>> = BTreeMap::new();
    for (number, trail) in trails.iter().enumerate() {
        // Rows one after another in the same state are one stay.
        let mut stays: Vec<(i64, &str)> = Vec::new();
        for (place, state) in &trail.steps {
            if stays.last().is_none_or(|(_, last)| last != state) {
                stays.push((*place, state));
            }
        }
        budget.spend((stays.len() * states.len().max(1)) as u64)?;
        for (at, window) in stays.windows(states.len().max(1)).enumerate() {
            let fits = window.iter().zip(states).all(|((_, state), wanted)| state == wanted)
                && window.windows(2).all(|pair| pair[1].0.saturating_sub(pair[0].0) <= most_between);
            if !fits {
                continue;
            }
            let (first, last) = (window[0].0, window[window.len() - 1].0);
            let near = |known: &&(i64, &str), from: i64| known.0.saturating_sub(from).saturating_abs() <= most_between;
            let before = at.checked_sub(1).and_then(|at| stays.get(at)).filter(|stay| near(stay, first));
            let after = stays.get(at + window.len()).filter(|stay| near(stay, last));
            let (before, after) = (before.map_or("", |stay| stay.1), after.map_or("", |stay| stay.1));
            let (before, after) = match sides {
                FunnelSides::Both => (before, after),
                FunnelSides::Before => (before, ""),
                FunnelSides::After => ("", after),
            };
            found.entry((axis.bin(first), before.to_owned(), after.to_owned())).or_default().insert(number);
        }
    }
    for ((bin, before, after), ids) in found {
        let sample = |id: &usize| convert::to_dynamic(&input.columns[0].value(trails[*id].row)).unwrap_or_default();
        let samples = Value::Dynamic(ids.iter().take(MOST_SAMPLES).map(sample).collect());
        let place = on_axis(axis.place(bin), scalar);
        let mut row = vec![place];
        if sides != FunnelSides::After {
            row.push(Value::String(before));
        }
        if sides != FunnelSides::Before {
            row.push(Value::String(after));
        }
        row.extend([long(ids.len()), samples]);
        rows.push(row, budget)?;
    }
    rows.finish(schema)
}
