//! An aggregate without groups, as an aggregate of one group.

use arrow_array::ArrayRef;
use datafusion::common::ScalarValue;
use datafusion::error::Result;
use datafusion::logical_expr::{Accumulator, EmitTo, GroupsAccumulator};

/// Runs a [`GroupsAccumulator`] over the one group that holds every row.
pub struct Single<G> {
    groups: G,
    zeros: Vec<usize>,
}

impl<G: GroupsAccumulator> Single<G> {
    /// Over `groups`, which is empty.
    pub fn new(groups: G) -> Single<G> {
        Single { groups, zeros: Vec::new() }
    }

    fn one_group(&mut self, rows: usize) -> &[usize] {
        if self.zeros.len() < rows {
            self.zeros.resize(rows, 0);
        }
        &self.zeros[..rows]
    }
}

impl<G> std::fmt::Debug for Single<G> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Single")
    }
}

impl<G: GroupsAccumulator + Sync + 'static> Accumulator for Single<G> {
    fn update_batch(&mut self, values: &[ArrayRef]) -> Result<()> {
        let rows = values.first().map_or(0, |column| column.len());
        self.one_group(rows);
        self.groups.update_batch(values, &self.zeros[..rows], None, 1)
    }

    fn evaluate(&mut self) -> Result<ScalarValue> {
        ScalarValue::try_from_array(&self.groups.evaluate(EmitTo::All)?, 0)
    }

    fn size(&self) -> usize {
        self.groups.size() + self.zeros.len() * size_of::<usize>()
    }

    fn state(&mut self) -> Result<Vec<ScalarValue>> {
        self.groups.state(EmitTo::All)?.iter().map(|column| ScalarValue::try_from_array(column, 0)).collect()
    }

    fn merge_batch(&mut self, states: &[ArrayRef]) -> Result<()> {
        let rows = states.first().map_or(0, |column| column.len());
        self.one_group(rows);
        self.groups.merge_batch(states, &self.zeros[..rows], 1)
    }
}
