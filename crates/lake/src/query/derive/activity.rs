//! Plugins over who was active when: ids in bins of an axis, within each combination of dimensions.

use std::collections::{BTreeMap, BTreeSet, HashMap, HashSet};

use arrow_array::RecordBatch;
use datafusion::error::Result;
use kernel::{ColumnSchema, ScalarType, Value};
use kql::algebra::{Activity, ActivityMeasure, Expr, ExprKind};

use super::bins::{Axis, length, ticks};
use super::{Budget, Rows, Table, long, on_axis};

/// Who was seen where on the axis, within one combination of dimensions.
struct Group {
    /// A row with these dimensions.
    first: usize,
    /// Number of the id and place, in the order of the rows.
    seen: Vec<(usize, i64)>,
}

/// What every measure needs.
struct Context<'a, 'b, 'r> {
    axis: Axis,
    scalar: ScalarType,
    dimensions: Vec<Value>,
    rows: &'a mut Rows,
    budget: &'b mut Budget<'r>,
}

impl Context<'_, '_, '_> {
    /// A row of `bin`: its place, the dimensions, the measures.
    fn push(&mut self, bin: i64, measures: impl IntoIterator<Item = Value>) -> Result<()> {
        let place = on_axis(self.axis.place(bin), self.scalar);
        let row: Vec<Value> = std::iter::once(place).chain(self.dimensions.iter().cloned()).chain(measures).collect();
        self.rows.push(row, self.budget)
    }
}

pub(super) fn activity(
    activity: &Activity,
    input: &Table,
    left_out: Option<&Table>,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let dimensions = input.columns.len() - 2;
    let mut rows = Rows::new(schema);
    let Some(axis) = axis_of(activity, input, dimensions + 1, budget)? else { return rows.finish(schema) };
    let scalar = input.columns[dimensions + 1].scalar();
    let known: HashSet<String> =
        left_out.iter().flat_map(|table| (0..table.rows).map(|row| table.key(0, row))).collect();
    let mut numbers = HashMap::<String, usize>::new();
    let mut groups: BTreeMap<Vec<String>, Group> = BTreeMap::new();
    let mut kept = HashSet::new();
    for row in 0..input.rows {
        let Some(place) = input.columns[dimensions + 1].long(row) else { continue };
        budget.keep(32)?;
        let id = input.key(dimensions, row);
        let next = numbers.len();
        let old = known.contains(&id);
        let id = *numbers.entry(id).or_insert(next);
        if old {
            kept.insert(id);
        }
        let group =
            groups.entry(input.keys(0..dimensions, row)).or_insert_with(|| Group { first: row, seen: Vec::new() });
        group.seen.push((id, place));
    }
    for group in groups.into_values() {
        let values = (0..dimensions).map(|column| input.columns[column].value(group.first)).collect();
        let mut context = Context { axis, scalar, dimensions: values, rows: &mut rows, budget };
        match &activity.measure {
            ActivityMeasure::Counts => counts(&group, &mut context)?,
            ActivityMeasure::Metrics => metrics(&group, &mut context)?,
            ActivityMeasure::NewMetrics { cohort } => {
                let cohort = cohort.as_ref().map(ticks).transpose()?;
                new_metrics(&group, cohort, &kept, &mut context)?;
            }
            ActivityMeasure::ActiveUsers { lookback, period, least } => {
                active_users(group, length(lookback)?, length(period)?, *least, &mut context)?;
            }
            ActivityMeasure::Engagement { outer } => engagement(&group, length(outer)?, &mut context)?,
            ActivityMeasure::Sessions { lookback } => sessions(group, length(lookback)?, &mut context)?,
            ActivityMeasure::SlidingWindow { lookback } => sliding_window(&group, length(lookback)?, &mut context)?,
        }
    }
    rows.finish(schema)
}

/// The bins that were asked for; those of the rows where no ends were given, and none without rows.
fn axis_of(activity: &Activity, input: &Table, column: usize, budget: &mut Budget<'_>) -> Result<Option<Axis>> {
    let is_open = |end: &Expr| matches!(end.kind, ExprKind::Literal(Value::Null));
    if is_open(&activity.span.start) && is_open(&activity.span.end) {
        return Axis::around(length(&activity.span.step)?, input, column, budget);
    }
    Axis::of(&activity.span).map(Some)
}

/// Rows and ids of each bin within the axis.
fn by_bin(group: &Group, axis: Axis) -> BTreeMap<i64, (usize, BTreeSet<usize>)> {
    let mut bins: BTreeMap<i64, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for (id, place) in group.seen.iter().filter(|(_, place)| axis.holds(*place)) {
        let (rows, ids) = bins.entry(axis.bin(*place)).or_default();
        *rows += 1;
        ids.insert(*id);
    }
    bins
}

fn counts(group: &Group, context: &mut Context<'_, '_, '_>) -> Result<()> {
    let mut all = BTreeSet::new();
    for (bin, (rows, ids)) in by_bin(group, context.axis) {
        context.budget.spend(ids.len() as u64)?;
        let new = ids.iter().filter(|id| all.insert(**id)).count();
        context.push(bin, [long(rows), long(ids.len()), long(new), long(all.len())])?;
    }
    Ok(())
}

/// Each bin against the one before it.
fn metrics(group: &Group, context: &mut Context<'_, '_, '_>) -> Result<()> {
    let bins = by_bin(group, context.axis);
    for (bin, (_, ids)) in &bins {
        let nobody = BTreeSet::new();
        let before = bins.get(&(bin - 1)).map_or(&nobody, |(_, ids)| ids);
        context.budget.spend((ids.len() + before.len()) as u64)?;
        let stayed = before.intersection(ids).count();
        let share = stayed as f64 / before.len() as f64;
        let measures = [long(ids.len()), long(ids.len() - stayed), Value::Real(share), Value::Real(1.0 - share)];
        context.push(*bin, measures)?;
    }
    Ok(())
}

/// Those first seen in a bin, in every bin from there on.
fn new_metrics(
    group: &Group,
    cohort: Option<i64>,
    left_out: &HashSet<usize>,
    context: &mut Context<'_, '_, '_>,
) -> Result<()> {
    let axis = context.axis;
    let bins = by_bin(group, axis);
    let mut first_seen = BTreeMap::<usize, i64>::new();
    for (bin, (_, ids)) in &bins {
        ids.iter().filter(|id| !left_out.contains(id)).for_each(|id| {
            first_seen.entry(*id).or_insert(*bin);
        });
    }
    let wanted = cohort.map(|place| axis.bin(place));
    for from in (0..axis.count()).filter(|bin| wanted.is_none_or(|wanted| wanted == *bin)) {
        let fresh: BTreeSet<usize> = first_seen.iter().filter(|(_, bin)| **bin == from).map(|(id, _)| *id).collect();
        context.budget.spend(first_seen.len() as u64)?;
        if fresh.is_empty() {
            continue;
        }
        for to in from..axis.count() {
            let nobody = BTreeSet::new();
            let ids = bins.get(&to).map_or(&nobody, |(_, ids)| ids);
            context.budget.spend((ids.len() + fresh.len()) as u64)?;
            let kept = fresh.intersection(ids).count();
            let new = if to == from {
                fresh.len()
            } else {
                ids.iter().filter(|id| first_seen.get(id).is_some_and(|bin| *bin > from)).count()
            };
            let share = kept as f64 / fresh.len() as f64;
            let place = on_axis(axis.place(to), context.scalar);
            let mut row = vec![on_axis(axis.place(from), context.scalar), place];
            row.extend(context.dimensions.iter().cloned());
            row.extend([long(new), long(kept), long(fresh.len() - kept), Value::Real(share), Value::Real(1.0 - share)]);
            context.rows.push(row, context.budget)?;
        }
    }
    Ok(())
}

/// Ids that, at one of their rows, had been seen in enough periods of the time before.
fn active_users(
    mut group: Group,
    lookback: i64,
    period: i64,
    least: i64,
    context: &mut Context<'_, '_, '_>,
) -> Result<()> {
    let axis = context.axis;
    group.seen.sort_unstable();
    let mut bins: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    let mut start = 0;
    for (at, (id, place)) in group.seen.iter().enumerate() {
        while group.seen[start].0 != *id || group.seen[start].1 <= place.saturating_sub(lookback) {
            start += 1;
        }
        if !axis.holds(*place) {
            continue;
        }
        context.budget.spend((at - start + 1) as u64)?;
        let mut periods: Vec<i64> = group.seen[start..=at]
            .iter()
            .map(|(_, place)| place.saturating_sub(axis.start).div_euclid(period))
            .collect();
        periods.dedup();
        if i64::try_from(periods.len()).unwrap_or(i64::MAX) >= least {
            bins.entry(axis.bin(*place)).or_default().insert(*id);
        }
    }
    for (bin, ids) in bins {
        context.push(bin, [long(ids.len())])?;
    }
    Ok(())
}

/// Sessions of an id have no pause longer than `lookback`; one counts in every bin where it has a row.
fn sessions(mut group: Group, lookback: i64, context: &mut Context<'_, '_, '_>) -> Result<()> {
    let axis = context.axis;
    group.seen.sort_unstable();
    context.budget.spend(group.seen.len() as u64)?;
    let mut bins: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    let (mut session, mut before) = (0, None);
    for (id, place) in group.seen {
        let goes_on =
            before.is_some_and(|(known, last): (usize, i64)| known == id && place.saturating_sub(last) <= lookback);
        session += usize::from(!goes_on);
        before = Some((id, place));
        if axis.holds(place) {
            bins.entry(axis.bin(place)).or_default().insert(session);
        }
    }
    for (bin, sessions) in bins {
        context.push(bin, [long(sessions.len())])?;
    }
    Ok(())
}

/// Ids of a bin beside those of the bins before it too, as far as `outer` reaches.
fn engagement(group: &Group, outer: i64, context: &mut Context<'_, '_, '_>) -> Result<()> {
    let axis = context.axis;
    let mut bins: BTreeMap<i64, BTreeSet<usize>> = BTreeMap::new();
    for (id, place) in group.seen.iter().filter(|(_, place)| *place <= axis.end) {
        bins.entry(axis.bin(*place)).or_default().insert(*id);
    }
    let reach = (outer / axis.step).max(1);
    for (bin, inner) in bins.range(0..) {
        let mut around = BTreeSet::new();
        for (_, seen) in bins.range(bin.saturating_sub(reach - 1)..=*bin) {
            context.budget.spend(seen.len() as u64)?;
            around.extend(seen.iter().copied());
        }
        let share = inner.len() as f64 / around.len() as f64;
        context.push(*bin, [long(inner.len()), long(around.len()), Value::Real(share)])?;
    }
    Ok(())
}

/// Rows and ids of a bin and of those before it, as far as `lookback` reaches.
fn sliding_window(group: &Group, lookback: i64, context: &mut Context<'_, '_, '_>) -> Result<()> {
    let axis = context.axis;
    let mut bins: BTreeMap<i64, (usize, BTreeSet<usize>)> = BTreeMap::new();
    for (id, place) in group.seen.iter().filter(|(_, place)| *place <= axis.end) {
        let (rows, ids) = bins.entry(axis.bin(*place)).or_default();
        *rows += 1;
        ids.insert(*id);
    }
    let reach = (lookback / axis.step).max(1);
    for bin in 0..axis.count() {
        let (mut rows, mut ids) = (0, BTreeSet::new());
        for (more, seen) in bins.range(bin.saturating_sub(reach - 1)..=bin).map(|(_, found)| found) {
            context.budget.spend(seen.len() as u64)?;
            rows += more;
            ids.extend(seen.iter().copied());
        }
        if rows > 0 {
            context.push(bin, [long(rows), long(ids.len())])?;
        }
    }
    Ok(())
}
