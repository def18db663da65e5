//! `rows_near`: rows around those that meet a condition.

use arrow_array::{RecordBatch, UInt64Array};
use datafusion::error::Result;
use kernel::ColumnSchema;

use super::{Budget, Table, batch};

pub(super) fn rows_near(
    before: u64,
    after: u64,
    input: &Table,
    schema: &[ColumnSchema],
    budget: &mut Budget<'_>,
) -> Result<RecordBatch> {
    budget.spend(input.rows as u64)?;
    let condition = input.columns.len() - 1;
    let mut kept: Vec<u64> = Vec::new();
    let mut next = 0_u64;
    for row in (0..input.rows).filter(|row| input.is_true(condition, *row)) {
        let row = row as u64;
        let last = row.saturating_add(after).min(input.rows as u64 - 1);
        kept.extend(row.saturating_sub(before).max(next)..=last);
        next = next.max(last + 1);
    }
    budget.keep(kept.len() * 8)?;
    let kept = UInt64Array::from(kept);
    let columns = input.columns[..condition]
        .iter()
        .map(|cells| arrow_select::take::take(cells.array(), &kept, None))
        .collect::<std::result::Result<Vec<_>, _>>()?;
    batch(columns, kept.len(), schema)
}
