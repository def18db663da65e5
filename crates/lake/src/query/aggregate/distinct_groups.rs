//! Distinct values of many groups at once, for `dcount`.
//!
//! With hundreds of thousands of groups a set for each is memory in small pieces. Here the values of all groups lie in one
//! log, as hashes, which is put in order and rid of repetitions when it has grown. A group with many distinct values gets
//! the registers of a sketch, as [`Distinct`] does; states are those of [`Distinct`].

use std::collections::HashMap;
use std::sync::Arc;

use arrow_array::builder::BinaryBuilder;
use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array};
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kernel::ScalarType;

use super::super::cells::Cells;
use super::distinct::{Distinct, EXACT};
use super::elements::hash_of;

/// Entries of the log before it is first looked through for repetitions.
const FIRST_LOOK: usize = 1 << 18;

/// The distinct values of each group.
#[derive(Debug)]
pub struct DistinctGroups {
    scalar: ScalarType,
    groups: usize,
    /// Group and hash; ordered and without repetition up to `clean`.
    log: Vec<(u32, u64)>,
    clean: usize,
    look_at: usize,
    /// Groups that have too many values to be counted exactly.
    many: HashMap<u32, Distinct>,
}

impl DistinctGroups {
    /// No groups yet, of values of type `scalar`.
    pub fn new(scalar: ScalarType) -> DistinctGroups {
        DistinctGroups { scalar, groups: 0, log: Vec::new(), clean: 0, look_at: FIRST_LOOK, many: HashMap::new() }
    }

    fn add(&mut self, group: usize, hash: u64) {
        let group = u32::try_from(group).unwrap_or(u32::MAX);
        if !self.many.is_empty()
            && let Some(distinct) = self.many.get_mut(&group)
        {
            distinct.add(hash);
            return;
        }
        self.log.push((group, hash));
    }

    /// Looks through the log when it has grown.
    fn tidy_if_grown(&mut self) {
        if self.log.len() >= self.look_at {
            self.tidy();
        }
    }

    /// Brings the log in order, and gives registers to groups that have grown beyond exact counting.
    fn tidy(&mut self) {
        if self.clean == self.log.len() {
            return;
        }
        let mut log = ordered(&self.log, self.groups);
        log.dedup();
        let mut kept = Vec::with_capacity(log.len());
        for run in log.chunk_by(|left, right| left.0 == right.0) {
            let group = run[0].0;
            if run.len() > EXACT || self.many.contains_key(&group) {
                let distinct = self.many.entry(group).or_default();
                run.iter().for_each(|(_, hash)| distinct.add(*hash));
            } else {
                kept.extend_from_slice(run);
            }
        }
        self.log = kept;
        self.clean = self.log.len();
        self.look_at = (2 * self.clean).max(FIRST_LOOK);
    }

    /// Gives the values of each of the first groups to `give`, and forgets them.
    fn take(&mut self, emit_to: EmitTo, mut give: impl FnMut(Taken<'_>)) {
        self.tidy();
        let count = match emit_to {
            EmitTo::All => self.groups.max(1),
            EmitTo::First(count) => count,
        };
        let mut at = 0;
        for group in 0..u32::try_from(count).unwrap_or(u32::MAX) {
            let end = at + self.log[at..].iter().take_while(|(other, _)| *other == group).count();
            match self.many.get(&group) {
                Some(distinct) => give(Taken::Many(distinct)),
                None => give(Taken::Few(&self.log[at..end])),
            }
            at = end;
        }
        self.log.drain(..at);
        let shift = u32::try_from(count).unwrap_or(u32::MAX);
        self.log.iter_mut().for_each(|entry| entry.0 -= shift);
        let many = std::mem::take(&mut self.many).into_iter();
        self.many = many.filter(|(group, _)| *group >= shift).map(|(group, d)| (group - shift, d)).collect();
        self.groups = self.groups.saturating_sub(count);
        self.clean = self.log.len();
    }
}

/// The distinct values of one group.
enum Taken<'a> {
    /// Their hashes, in order, each with its group.
    Few(&'a [(u32, u64)]),
    Many(&'a Distinct),
}

/// The log by group, and by hash within a group.
fn ordered(log: &[(u32, u64)], groups: usize) -> Vec<(u32, u64)> {
    let mut places = vec![0_usize; groups + 1];
    for (group, _) in log {
        places[*group as usize + 1] += 1;
    }
    for at in 1..places.len() {
        places[at] += places[at - 1];
    }
    let mut sorted = vec![(0, 0); log.len()];
    for entry in log {
        let place = &mut places[entry.0 as usize];
        sorted[*place] = *entry;
        *place += 1;
    }
    let mut start = 0;
    for end in places.into_iter().take(groups) {
        sorted[start..end].sort_unstable_by_key(|(_, hash)| *hash);
        start = end;
    }
    sorted
}

impl GroupsAccumulator for DistinctGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.groups = self.groups.max(total_num_groups);
        let cells = Cells::column(Arc::clone(&values[0]), self.scalar)?;
        for (row, group) in group_indices.iter().enumerate() {
            let counts = opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
            if counts && !cells.is_null(row) {
                self.add(*group, hash_of(&cells, row));
            }
        }
        self.tidy_if_grown();
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let mut counts = Vec::new();
        self.take(emit_to, |taken| {
            counts.push(match taken {
                Taken::Few(hashes) => i64::try_from(hashes.len()).unwrap_or(i64::MAX),
                Taken::Many(distinct) => distinct.count(),
            });
        });
        Ok(Arc::new(Int64Array::from(counts)))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let mut saved = BinaryBuilder::new();
        let mut bytes = Vec::new();
        self.take(emit_to, |taken| match taken {
            Taken::Few(hashes) => {
                bytes.clear();
                bytes.push(0);
                bytes.extend(hashes.iter().flat_map(|(_, hash)| hash.to_le_bytes()));
                saved.append_value(&bytes);
            }
            Taken::Many(distinct) => saved.append_value(distinct.to_bytes()),
        });
        Ok(vec![Arc::new(saved.finish())])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.groups = self.groups.max(total_num_groups);
        let saved = values[0].as_binary::<i32>();
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| saved.is_valid(*row)) {
            match saved.value(row).split_first() {
                Some((0, hashes)) => {
                    for hash in hashes.chunks_exact(8) {
                        self.add(*group, u64::from_le_bytes(hash.try_into().unwrap_or_default()));
                    }
                }
                Some(_) => {
                    let group = u32::try_from(*group).unwrap_or(u32::MAX);
                    self.many.entry(group).or_default().merge(saved.value(row));
                    // What the log has of the group goes to its registers.
                    self.clean = self.clean.min(self.log.len().saturating_sub(1));
                }
                None => {}
            }
        }
        self.tidy_if_grown();
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |column| column.len());
        let mut single = DistinctGroups::new(self.scalar);
        single.update_batch(values, &(0..rows).collect::<Vec<_>>(), opt_filter, rows)?;
        let state = single.state(EmitTo::All)?;
        Ok(state.into_iter().map(|column| column.slice(0, rows)).collect())
    }

    fn size(&self) -> usize {
        let registers: usize = self.many.values().map(Distinct::size).sum();
        self.log.capacity() * size_of::<(u32, u64)>() + registers
    }
}

#[cfg(test)]
mod tests {
    use arrow_array::StringViewArray;
    use arrow_array::types::Int64Type;

    use super::*;
    use crate::query::aggregate::fold::FoldGroups;
    use crate::query::aggregate::folds::Fold;

    /// Rows of `(group, value)` in two parts, merged, by the accumulator that `make` gives; in two emissions.
    fn counted<G: GroupsAccumulator>(rows: &[(usize, String)], groups: usize, make: impl Fn() -> G) -> Vec<i64> {
        let mut whole = make();
        for part in rows.chunks(rows.len().div_ceil(2).max(1)) {
            let mut one = make();
            for batch in part.chunks(1_000) {
                let values: ArrayRef = Arc::new(StringViewArray::from_iter_values(batch.iter().map(|row| &row.1)));
                let places: Vec<usize> = batch.iter().map(|row| row.0).collect();
                one.update_batch(&[values], &places, None, groups).unwrap();
            }
            let state = one.state(EmitTo::All).unwrap();
            whole.merge_batch(&state, &(0..groups).collect::<Vec<_>>(), groups).unwrap();
        }
        let mut counts = Vec::new();
        for emit_to in [EmitTo::First(groups / 3), EmitTo::All] {
            let column = whole.evaluate(emit_to).unwrap();
            counts.extend(column.as_primitive::<Int64Type>().values().iter().copied());
        }
        counts
    }

    #[test]
    fn counts_are_those_of_a_set_for_each_group() {
        let mut mixed = 7_u64;
        let mut roll = |sides: u64| {
            mixed = mixed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1_442_695_040_888_963_407);
            (mixed >> 33) % sides
        };
        for (groups, rows, values) in [(1, 9_000, 20_000), (3, 20_000, 30_000), (50, 4_000, 40), (700, 3_000, 1_000)] {
            let rows: Vec<(usize, String)> =
                (0..rows).map(|_| (roll(groups) as usize, format!("value {}", roll(values)))).collect();
            let groups = groups as usize;
            let fast = counted(&rows, groups, || DistinctGroups::new(ScalarType::String));
            let slow = counted(&rows, groups, || {
                FoldGroups::new(Fold::DistinctCount, &[ScalarType::String], &[], ScalarType::Long)
            });
            assert_eq!(fast, slow, "{groups} groups");
        }
    }
}
