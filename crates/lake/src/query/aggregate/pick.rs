//! `arg_max`, `arg_min`, `take_any`: whole rows of a group.
//!
//! Chosen rows stay in the batches that they came with; when too many batches are held for too few rows, the rows
//! are copied together.

use std::sync::Arc;

use arrow::row::{OwnedRow, RowConverter, Rows, SortField};
use arrow_array::cast::AsArray;
use arrow_array::types::Int64Type;
use arrow_array::{Array, ArrayRef, BooleanArray, Int64Array, StructArray, new_null_array};
use arrow_schema::SortOptions;
use arrow_select::interleave::interleave;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kernel::ScalarType;

use super::super::cells::plan_type;
use super::picked_fields;

/// Which row of a group.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Extreme {
    /// With the greatest first argument.
    Max,
    /// With the least first argument.
    Min,
    /// The first that comes along.
    Any,
}

impl Extreme {
    /// As in function names.
    pub const fn name(self) -> &'static str {
        match self {
            Extreme::Max => "arg_max",
            Extreme::Min => "arg_min",
            Extreme::Any => "take_any",
        }
    }

    /// The reverse of [`Self::name`].
    pub fn named(name: &str) -> Option<Extreme> {
        [Extreme::Max, Extreme::Min, Extreme::Any].into_iter().find(|extreme| extreme.name() == name)
    }
}

/// Rows held beyond the chosen ones before they are copied together.
const SLACK_ROWS: usize = 65_536;

/// The chosen row of each group.
#[derive(Debug)]
pub struct PickGroups {
    args: Vec<ScalarType>,
    held: Vec<Vec<ArrayRef>>,
    held_rows: usize,
    /// Batch and row of the choice; `None`: no row yet.
    chosen: Vec<Option<(usize, usize)>>,
    /// Its first argument in comparable form.
    keys: Keys,
}

/// The first argument of each choice; the greater wins.
#[derive(Debug)]
enum Keys {
    /// Whatever came first stays.
    First,
    /// Whole numbers, instants and spans, negated for the least. Null is less than all.
    Numbers {
        values: Vec<Option<i128>>,
        sign: i128,
    },
    Rows {
        values: Vec<Option<OwnedRow>>,
        converter: RowConverter,
    },
}

impl Keys {
    fn new(extreme: Extreme, by: Option<ScalarType>) -> Keys {
        let Some(by) = by.filter(|_| extreme != Extreme::Any) else { return Keys::First };
        if matches!(by, ScalarType::Long | ScalarType::DateTime | ScalarType::TimeSpan) {
            return Keys::Numbers { values: Vec::new(), sign: if extreme == Extreme::Min { -1 } else { 1 } };
        }
        // Nulls are the least in either order, so that they never win against a value.
        let options = SortOptions { descending: extreme == Extreme::Min, nulls_first: true };
        match RowConverter::new(vec![SortField::new_with_options(plan_type(by), options)]) {
            Ok(converter) => Keys::Rows { values: Vec::new(), converter },
            Err(_) => Keys::First,
        }
    }

    /// Notes the key of `group` when it wins against the one before; true: it does. `fresh`: there is none before.
    fn offer(&mut self, offered: &Offered<'_>, row: usize, group: usize, fresh: bool) -> bool {
        match (self, offered) {
            (Keys::Numbers { values, sign }, Offered::Numbers(numbers)) => {
                let key = numbers.is_valid(row).then(|| i128::from(numbers.value(row)) * *sign);
                let wins = fresh || key > values[group];
                if wins {
                    values[group] = key;
                }
                wins
            }
            (Keys::Rows { values, .. }, Offered::Rows(rows)) => {
                let wins = fresh || values[group].as_ref().is_none_or(|key| rows.row(row) > key.row());
                if wins {
                    values[group] = Some(rows.row(row).owned());
                }
                wins
            }
            _ => fresh,
        }
    }

    fn offered<'a>(&self, values: &'a [ArrayRef]) -> Result<Offered<'a>> {
        Ok(match self {
            Keys::First => Offered::Nothing,
            Keys::Numbers { .. } => Offered::Numbers(values[0].as_primitive::<Int64Type>()),
            Keys::Rows { converter, .. } => Offered::Rows(converter.convert_columns(&values[..1])?),
        })
    }

    fn grow(&mut self, total: usize) {
        match self {
            Keys::First => {}
            Keys::Numbers { values, .. } => values.resize(total, None),
            Keys::Rows { values, .. } => values.resize(total, None),
        }
    }

    fn forget(&mut self, emit_to: EmitTo) {
        match self {
            Keys::First => {}
            Keys::Numbers { values, .. } => drop(emit_to.take_needed(values)),
            Keys::Rows { values, .. } => drop(emit_to.take_needed(values)),
        }
    }
}

/// The first argument of a batch.
enum Offered<'a> {
    Nothing,
    Numbers(&'a Int64Array),
    Rows(Rows),
}

impl PickGroups {
    /// For groups of rows of `args`.
    pub fn new(extreme: Extreme, args: &[ScalarType]) -> PickGroups {
        let keys = Keys::new(extreme, args.first().copied());
        PickGroups { args: args.to_vec(), held: Vec::new(), held_rows: 0, chosen: Vec::new(), keys }
    }

    fn offer(
        &mut self,
        values: &[ArrayRef],
        groups: &[usize],
        keep: impl Fn(usize) -> bool,
        total: usize,
    ) -> Result<()> {
        self.chosen.resize(total, None);
        self.keys.grow(total);
        let offered = self.keys.offered(values)?;
        let batch = self.held.len();
        let mut taken = false;
        for (row, group) in groups.iter().enumerate().filter(|(row, _)| keep(*row)) {
            let fresh = self.chosen[*group].is_none();
            if self.keys.offer(&offered, row, *group, fresh) {
                self.chosen[*group] = Some((batch, row));
                taken = true;
            }
        }
        if taken {
            self.held_rows += groups.len();
            self.held.push(values.to_vec());
        }
        if self.held_rows > 4 * self.chosen.len() + SLACK_ROWS {
            self.compact()?;
        }
        Ok(())
    }

    /// Copies the chosen rows into one batch.
    fn compact(&mut self) -> Result<()> {
        let places: Vec<(usize, usize)> = self.chosen.iter().flatten().copied().collect();
        if places.is_empty() {
            self.held.clear();
            self.held_rows = 0;
            return Ok(());
        }
        let columns: Vec<ArrayRef> = (0..self.args.len())
            .map(|column| {
                let sources: Vec<&dyn Array> = self.held.iter().map(|batch| batch[column].as_ref()).collect();
                Ok(interleave(&sources, &places)?)
            })
            .collect::<Result<_>>()?;
        for (at, choice) in self.chosen.iter_mut().flatten().enumerate() {
            *choice = (0, at);
        }
        self.held_rows = places.len();
        self.held = vec![columns];
        Ok(())
    }

    /// The columns of the first groups, which are then forgotten; null where a group chose nothing.
    fn emit(&mut self, emit_to: EmitTo) -> Result<(Vec<bool>, Vec<ArrayRef>)> {
        self.keys.forget(emit_to);
        let mut chosen = emit_to.take_needed(&mut self.chosen);
        if chosen.is_empty() && matches!(emit_to, EmitTo::All) {
            chosen.push(None);
        }
        let columns = self
            .args
            .iter()
            .enumerate()
            .map(|(column, scalar)| {
                let nothing = match scalar {
                    ScalarType::String => super::super::cells::column_of(*scalar, [kernel::Value::Null]),
                    _ => new_null_array(&plan_type(*scalar), 1),
                };
                let mut sources: Vec<&dyn Array> = vec![nothing.as_ref()];
                sources.extend(self.held.iter().map(|batch| batch[column].as_ref()));
                let places: Vec<(usize, usize)> =
                    chosen.iter().map(|choice| choice.map_or((0, 0), |(batch, row)| (batch + 1, row))).collect();
                Ok(interleave(&sources, &places)?)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok((chosen.iter().map(Option::is_some).collect(), columns))
    }
}

impl GroupsAccumulator for PickGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        let keep = |row: usize| opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row));
        self.offer(values, group_indices, keep, total_num_groups)
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        let (_, columns) = self.emit(emit_to)?;
        Ok(Arc::new(StructArray::try_new(picked_fields(&self.args), columns, None)?))
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        let (present, columns) = self.emit(emit_to)?;
        let present: ArrayRef = Arc::new(BooleanArray::from(present));
        Ok(std::iter::once(present).chain(columns).collect())
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        let present = values[0].as_boolean().clone();
        self.offer(&values[1..], group_indices, |row| present.value(row), total_num_groups)
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |column| column.len());
        let present: BooleanArray = (0..rows)
            .map(|row| Some(opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row))))
            .collect();
        let present: ArrayRef = Arc::new(present);
        Ok(std::iter::once(present).chain(values.iter().cloned()).collect())
    }

    fn size(&self) -> usize {
        let held: usize = self.held.iter().flatten().map(|column| column.get_array_memory_size()).sum();
        held + self.chosen.len() * size_of::<(Option<(usize, usize)>, Option<OwnedRow>)>()
    }
}
