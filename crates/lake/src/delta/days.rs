//! Which partition each row goes to. Pure.

use std::collections::HashMap;

use arrow_array::cast::AsArray;
use arrow_array::types::TimestampMicrosecondType;
use arrow_array::{Array, RecordBatch};

const DAY_US: i64 = 86_400_000_000;
/// 1990-01-01: event logs of anything still running are younger.
const EARLIEST_US: i64 = 631_152_000_000_000;

/// Limits to the partitions of one flush.
#[derive(Debug, Clone, Copy)]
pub struct DayLimits {
    pub days: usize,
    pub future_days: u32,
}

/// Where one row lies: (batch, row).
pub type RowAt = (usize, usize);

/// Rows by day, each list in order of time (rows of equal time in order of arrival). `None` holds rows without a
/// time, with one before 1990 or too far after their receipt, and those of the rarest days beyond the limit.
pub fn split(batches: &[RecordBatch], limits: DayLimits) -> Vec<(Option<i32>, Vec<RowAt>)> {
    let mut by_day: HashMap<Option<i32>, Vec<(i64, RowAt)>> = HashMap::new();
    for (index, batch) in batches.iter().enumerate() {
        let times = time_values(batch, "TimeGenerated");
        let received = time_values(batch, "_TimeReceived");
        for row in 0..batch.num_rows() {
            let time = times.and_then(|times| times.is_valid(row).then(|| times.value(row)));
            let received = received.and_then(|times| times.is_valid(row).then(|| times.value(row)));
            let day = time.and_then(|time| usable_day(time, received, limits.future_days));
            by_day.entry(day).or_default().push((time.unwrap_or(i64::MIN), (index, row)));
        }
    }
    fold_rare_days(&mut by_day, limits.days);
    let mut parts: Vec<_> = by_day.into_iter().map(|(day, rows)| (day, in_time_order(rows))).collect();
    parts.sort_by_key(|(day, _)| *day);
    parts
}

fn usable_day(time: i64, received: Option<i64>, future_days: u32) -> Option<i32> {
    let latest = received.map_or(i64::MAX, |received| received.saturating_add(i64::from(future_days) * DAY_US));
    let usable = (EARLIEST_US..=latest).contains(&time);
    usable.then(|| i32::try_from(time.div_euclid(DAY_US)).ok()).flatten()
}

fn fold_rare_days(by_day: &mut HashMap<Option<i32>, Vec<(i64, RowAt)>>, days: usize) {
    let mut sizes: Vec<(usize, i32)> =
        by_day.iter().filter_map(|(day, rows)| day.map(|day| (rows.len(), day))).collect();
    if sizes.len() <= days {
        return;
    }
    sizes.sort_unstable_by(|left, right| right.cmp(left));
    for (_, day) in &sizes[days..] {
        let rows = by_day.remove(&Some(*day)).unwrap_or_default();
        by_day.entry(None).or_default().extend(rows);
    }
}

fn in_time_order(mut rows: Vec<(i64, RowAt)>) -> Vec<RowAt> {
    if !rows.is_sorted() {
        rows.sort_unstable();
    }
    rows.into_iter().map(|(_, at)| at).collect()
}

/// Values of a stored datetime column.
pub fn time_values<'a>(batch: &'a RecordBatch, column: &str) -> Option<&'a arrow_array::TimestampMicrosecondArray> {
    batch.column_by_name(column)?.as_primitive_opt::<TimestampMicrosecondType>()
}
