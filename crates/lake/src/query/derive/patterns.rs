//! `autocluster`, `basket`, `diffpatterns`: combinations of values that many rows share.
//!
//! Frequent combinations are found level by level (R. Agrawal, R. Srikant, "Fast Algorithms for Mining Association
//! Rules", 1994): a combination is frequent only if each of its parts is. Rows are sets of items, an item being a value of
//! a column.

use std::collections::{BTreeMap, HashMap};

use arrow_array::RecordBatch;
use datafusion::error::Result;
use kernel::{ColumnSchema, Value};
use kql::algebra::{ExprKind, PatternKind, Patterns};

use super::{Budget, Rows, Table, bad, long};
use crate::query::convert;

/// Combinations of one size that are followed further.
const MOST_COMBINATIONS: usize = 20_000;
/// The smallest share that `autocluster` looks at.
const LEAST_CLUSTER: f64 = 0.02;

/// A value of a column.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
struct Item {
    column: usize,
    /// A row that has it.
    row: usize,
}

/// Rows that share values.
#[derive(Debug, Clone)]
struct Pattern {
    items: Vec<Item>,
    rows: Vec<u32>,
    /// Weights of the rows, of the first set and of the second (`diffpatterns`) or of all.
    weight: [f64; 2],
}

/// The input as items.
struct Baskets {
    /// For each column that counts, the item of each row.
    items: Vec<(usize, Vec<Item>)>,
    weights: Vec<f64>,
    /// Which of the two sets a row belongs to.
    sides: Vec<usize>,
    totals: [f64; 2],
}

impl Baskets {
    fn of(input: &Table, weight: Option<usize>, first: usize, budget: &mut Budget<'_>) -> Result<Baskets> {
        budget.keep(input.rows * (16 * input.columns.len() + 16))?;
        let mut items = Vec::new();
        for column in (first..input.columns.len()).filter(|column| Some(*column) != weight) {
            let mut known = HashMap::<String, usize>::new();
            budget.spend(input.rows as u64)?;
            let of_row =
                (0..input.rows).map(|row| Item { column, row: *known.entry(input.key(column, row)).or_insert(row) });
            items.push((column, of_row.collect()));
        }
        let weights: Vec<f64> = (0..input.rows)
            .map(|row| {
                weight.map_or(Some(1.0), |column| convert::to_real(&input.columns[column].value(row))).unwrap_or(0.0)
            })
            .collect();
        let sides: Vec<usize> = (0..input.rows).map(|row| usize::from(first > 0 && !input.is_true(0, row))).collect();
        let mut totals = [0.0; 2];
        sides.iter().zip(&weights).for_each(|(side, weight)| totals[*side] += weight);
        Ok(Baskets { items, weights, sides, totals })
    }

    fn weight(&self, rows: &[u32]) -> [f64; 2] {
        let mut weight = [0.0; 2];
        rows.iter().for_each(|row| weight[self.sides[*row as usize]] += self.weights[*row as usize]);
        weight
    }

    /// Every combination of at most `most` columns that `frequent` takes.
    fn frequent(
        &self,
        most: usize,
        frequent: impl Fn([f64; 2]) -> bool,
        budget: &mut Budget<'_>,
    ) -> Result<Vec<Pattern>> {
        let mut all: Vec<Pattern> = Vec::new();
        let mut level: Vec<Pattern> = Vec::new();
        for (_, items) in &self.items {
            let mut rows: BTreeMap<Item, Vec<u32>> = BTreeMap::new();
            for (row, item) in items.iter().enumerate() {
                rows.entry(*item).or_default().push(u32::try_from(row).unwrap_or(u32::MAX));
            }
            for (item, rows) in rows {
                let weight = self.weight(&rows);
                if frequent(weight) {
                    level.push(Pattern { items: vec![item], rows, weight });
                }
            }
        }
        let singles = level.clone();
        for _ in 1..most.max(1) {
            let mut next = Vec::new();
            for pattern in &level {
                let last = pattern.items.last().map_or(0, |item| item.column);
                for single in singles.iter().filter(|single| single.items[0].column > last) {
                    budget.spend(pattern.rows.len() as u64 + 1)?;
                    let of_column = self.items.iter().find(|(column, _)| *column == single.items[0].column);
                    let Some((_, of_row)) = of_column else { continue };
                    let rows: Vec<u32> =
                        pattern.rows.iter().copied().filter(|row| of_row[*row as usize] == single.items[0]).collect();
                    let weight = self.weight(&rows);
                    if frequent(weight) {
                        let items = pattern.items.iter().copied().chain([single.items[0]]).collect();
                        budget.keep(rows.len() * 4 + 64)?;
                        next.push(Pattern { items, rows, weight });
                    }
                }
                if next.len() > MOST_COMBINATIONS {
                    return Err(bad(format!(
                        "more than {MOST_COMBINATIONS} combinations of values are frequent; take fewer columns with `project`, \
                         or a higher threshold"
                    )));
                }
            }
            all.append(&mut level);
            level = next;
        }
        all.append(&mut level);
        Ok(all)
    }
}

/// Patterns that another one describes better: the same rows, more columns.
fn closed(mut patterns: Vec<Pattern>) -> Vec<Pattern> {
    let mut best = HashMap::<Vec<u32>, usize>::new();
    for (at, pattern) in patterns.iter().enumerate() {
        let known = best.entry(pattern.rows.clone()).or_insert(at);
        if pattern.items.len() > patterns[*known].items.len() {
            *known = at;
        }
    }
    let mut at = 0;
    patterns.retain(|pattern| {
        at += 1;
        best.get(&pattern.rows) == Some(&(at - 1))
    });
    patterns
}

pub(super) fn patterns(
    wanted: &Patterns,
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let baskets = Baskets::of(input, wanted.weight, 0, budget)?;
    let total = baskets.totals[0];
    let columns = baskets.items.len();
    let least = match wanted.kind {
        PatternKind::Basket { threshold } | PatternKind::Difference { threshold } => threshold,
        PatternKind::Clusters { .. } => LEAST_CLUSTER,
    };
    let found = baskets.frequent(
        wanted.most_columns.min(columns),
        |weight| weight[0] > 0.0 && weight[0] >= least * total,
        budget,
    )?;
    let mut found = match wanted.kind {
        PatternKind::Clusters { size } => clusters(closed(found), size, total, columns),
        PatternKind::Basket { .. } | PatternKind::Difference { .. } => found,
    };
    if matches!(wanted.kind, PatternKind::Basket { .. }) {
        found.sort_by(|left, right| {
            right.weight[0].total_cmp(&left.weight[0]).then_with(|| left.items.cmp(&right.items))
        });
    }
    let mut rows = Rows::new(schema);
    for (number, pattern) in found.iter().enumerate() {
        let count = pattern.weight[0];
        let mut row = vec![long(number), Value::Long(count.round() as i64), Value::Real(count / total * 100.0)];
        row.extend(shown(pattern, wanted, input, 0));
        rows.push(row, budget)?;
    }
    rows.finish(schema)
}

/// The best pattern by coverage and detail, then the best among rows that none before covers, as long as there are any.
fn clusters(mut patterns: Vec<Pattern>, size: f64, total: f64, columns: usize) -> Vec<Pattern> {
    let score = |pattern: &Pattern| {
        let coverage = pattern.weight[0] / total;
        let detail = pattern.items.len() as f64 / columns.max(1) as f64;
        coverage.powf(size) * detail.powf(1.0 - size)
    };
    patterns.sort_by(|left, right| score(right).total_cmp(&score(left)).then_with(|| left.items.cmp(&right.items)));
    let mut covered = std::collections::HashSet::new();
    patterns.retain(|pattern| {
        let new = pattern.rows.iter().filter(|row| !covered.contains(*row)).count();
        // A pattern that mostly repeats those before it says little.
        let tells = new * 2 > pattern.rows.len();
        if tells {
            covered.extend(pattern.rows.iter().copied());
        }
        tells
    });
    patterns
}

pub(super) fn differences(
    wanted: &Patterns,
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    let baskets = Baskets::of(input, wanted.weight, 1, budget)?;
    let PatternKind::Difference { threshold } = wanted.kind else { return Rows::new(schema).finish(schema) };
    let totals = baskets.totals;
    let share = |weight: [f64; 2], side: usize| if totals[side] > 0.0 { weight[side] / totals[side] } else { 0.0 };
    let frequent = |weight: [f64; 2]| share(weight, 0).max(share(weight, 1)) >= threshold;
    let columns = baskets.items.len();
    let mut found = closed(baskets.frequent(wanted.most_columns.min(columns), frequent, budget)?);
    let difference = |pattern: &Pattern| (share(pattern.weight, 0) - share(pattern.weight, 1)).abs();
    found.retain(|pattern| difference(pattern) >= threshold);
    found.sort_by(|left, right| {
        difference(right).total_cmp(&difference(left)).then_with(|| left.items.cmp(&right.items))
    });
    let mut rows = Rows::new(schema);
    for (number, pattern) in found.iter().enumerate() {
        let [first, second] = pattern.weight;
        let (a, b) = (share(pattern.weight, 0) * 100.0, share(pattern.weight, 1) * 100.0);
        let mut row = vec![long(number), Value::Long(first.round() as i64), Value::Long(second.round() as i64)];
        row.extend([Value::Real(a), Value::Real(b), Value::Real((a - b).abs())]);
        row.extend(shown(pattern, wanted, input, 1));
        rows.push(row, budget)?;
    }
    rows.finish(schema)
}

/// The columns of a pattern: its values, and wildcards elsewhere.
fn shown(pattern: &Pattern, wanted: &Patterns, input: &Table, first: usize) -> Vec<Value> {
    (first..input.columns.len())
        .map(|column| match pattern.items.iter().find(|item| item.column == column) {
            Some(item) => input.columns[column].value(item.row),
            None => match wanted.wildcards.get(column - first).map(|wildcard| &wildcard.kind) {
                Some(ExprKind::Literal(value)) => value.clone(),
                _ => Value::Null,
            },
        })
        .collect()
}
