//! Bins of an axis, both ends included.

use datafusion::error::Result;
use kernel::Value;
use kql::algebra::{Bins, Expr, ExprKind};

use super::{Budget, Table, bad};

/// Bins of one axis at most.
const MOST_BINS: i64 = 100_000;

/// A constant in ticks, or a whole number.
pub(super) fn ticks(expr: &Expr) -> Result<i64> {
    match &expr.kind {
        ExprKind::Literal(Value::DateTime(ticks) | Value::TimeSpan(ticks) | Value::Long(ticks)) => Ok(*ticks),
        ExprKind::Literal(Value::Int(number)) => Ok(i64::from(*number)),
        _ => Err(bad("a constant instant, span or whole number is needed here, and this has no value".to_owned())),
    }
}

/// A constant above 0.
pub(super) fn length(expr: &Expr) -> Result<i64> {
    let length = ticks(expr)?;
    if length <= 0 {
        return Err(bad("steps and windows must be above 0".to_owned()));
    }
    Ok(length)
}

/// Bins from a start on.
#[derive(Debug, Clone, Copy)]
pub(super) struct Axis {
    pub start: i64,
    pub end: i64,
    pub step: i64,
}

impl Axis {
    /// The bins of `span`.
    pub(super) fn of(span: &Bins) -> Result<Axis> {
        Axis::checked(ticks(&span.start)?, ticks(&span.end)?, length(&span.step)?)
    }

    /// The bins of `step` that hold all of `column`, laid as by `bin()`; `None` where there is no value.
    pub(super) fn around(step: i64, input: &Table, column: usize, budget: &mut Budget<'_>) -> Result<Option<Axis>> {
        budget.spend(input.rows as u64)?;
        let places = || (0..input.rows).filter_map(|row| input.columns[column].long(row));
        let (Some(start), Some(end)) = (places().min(), places().max()) else { return Ok(None) };
        Axis::checked(start.div_euclid(step).saturating_mul(step), end, step).map(Some)
    }

    fn checked(start: i64, end: i64, step: i64) -> Result<Axis> {
        let axis = Axis { start, end, step };
        if axis.count() > MOST_BINS {
            return Err(bad(format!("{} bins are more than {MOST_BINS}; take wider ones", axis.count())));
        }
        Ok(axis)
    }

    /// How many bins there are. The last one may begin at the end.
    pub(super) fn count(&self) -> i64 {
        if self.end < self.start { 0 } else { (self.end.saturating_sub(self.start)) / self.step + 1 }
    }

    /// The number of the bin of `place`: below 0 before the start.
    pub(super) fn bin(&self, place: i64) -> i64 {
        place.saturating_sub(self.start).div_euclid(self.step)
    }

    /// Where bin `number` begins.
    pub(super) fn place(&self, number: i64) -> i64 {
        self.start.saturating_add(number.saturating_mul(self.step))
    }

    pub(super) fn holds(&self, place: i64) -> bool {
        (self.start..=self.end).contains(&place)
    }
}
