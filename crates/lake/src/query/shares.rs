//! Which thread reads which rows of which file.

use std::sync::Arc;

use datafusion::datasource::physical_plan::parquet::ParquetRowSelection;
use parquet::arrow::arrow_reader::{RowSelection, RowSelector};

use crate::snapshot::DataFile;

/// Rows of a file that are worth a thread of their own: it opens the file, too, and reads the dictionaries again.
const LEAST_PART_ROWS: u64 = 8_192;

/// A file to be read.
pub(super) struct Chosen {
    pub file: Arc<DataFile>,
    /// `None`: all of its rows.
    pub rows: Option<ParquetRowSelection>,
}

/// `files`, or parts of them, in at most `count` groups that have about as many rows to read.
pub(super) fn shared_out(mut files: Vec<Chosen>, count: usize) -> Vec<Vec<Chosen>> {
    let mut groups: Vec<Vec<Chosen>> = (0..count.max(1)).map(|_| Vec::new()).collect();
    let mut rows = vec![0_u64; groups.len()];
    files.sort_by_key(|chosen| std::cmp::Reverse(chosen.rows()));
    for chosen in files {
        if let Some(least) = (0..rows.len()).min_by_key(|at| rows[*at]) {
            // A file of another writer need not say how many rows it has.
            rows[least] += chosen.rows().max(1);
            groups[least].push(chosen);
        }
    }
    even_out(&mut groups);
    groups.retain(|group| !group.is_empty());
    groups
}

/// Moves parts of files from the fullest group to the emptiest, until it does not pay: the one file of a day is read by as
/// many threads as the files of a year.
fn even_out(groups: &mut [Vec<Chosen>]) {
    // Each round brings one group to the mean.
    for _ in 1..groups.len() {
        let rows: Vec<u64> = groups.iter().map(|group| rows_of(group)).collect();
        let mean = rows.iter().sum::<u64>() / rows.len() as u64;
        let by_rows = |at: &usize| rows[*at];
        let (fullest, emptiest) = ((0..rows.len()).max_by_key(by_rows), (0..rows.len()).min_by_key(by_rows));
        let (Some(fullest), Some(emptiest)) = (fullest, emptiest) else { return };
        let moved = (rows[fullest] - mean).min(mean - rows[emptiest]);
        let largest = groups[fullest].iter_mut().max_by_key(|chosen| chosen.rows());
        let Some(largest) = largest.filter(|file| moved >= LEAST_PART_ROWS && file.rows() > moved) else { return };
        let Some(part) = largest.split_off(moved) else { return };
        groups[emptiest].push(part);
    }
}

fn rows_of(group: &[Chosen]) -> u64 {
    group.iter().map(Chosen::rows).sum()
}

impl Chosen {
    /// How many rows are to be read.
    pub fn rows(&self) -> u64 {
        self.rows.as_ref().map_or(self.file.rows, |rows| rows.selection().row_count() as u64)
    }

    /// Leaves the last `count` rows to the part that is returned; `None`: it is not known how many rows the file has.
    fn split_off(&mut self, count: u64) -> Option<Chosen> {
        let all = usize::try_from(self.file.rows).ok().filter(|rows| *rows > 0)?;
        let mut stays = usize::try_from(self.rows().checked_sub(count)?).ok()?;
        let every = [RowSelector::select(all)];
        let own = self.rows.as_ref().map(|rows| rows.selection().iter().copied().collect::<Vec<_>>());
        let (mut first, mut last) = (Vec::new(), Vec::new());
        for selector in own.as_deref().unwrap_or(&every) {
            let kept = if selector.skip { 0 } else { stays.min(selector.row_count) };
            let given = if selector.skip { 0 } else { selector.row_count - kept };
            stays -= kept;
            first.extend([RowSelector::select(kept), RowSelector::skip(selector.row_count - kept)]);
            last.extend([RowSelector::skip(selector.row_count - given), RowSelector::select(given)]);
        }
        let selection = |selectors: Vec<RowSelector>| Some(ParquetRowSelection::new(RowSelection::from(selectors)));
        self.rows = selection(first);
        Some(Chosen { file: Arc::clone(&self.file), rows: selection(last) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    /// Whether rows are skipped, and how many.
    type Selectors = Vec<(bool, usize)>;

    fn chosen(at: usize, rows: u64, selected: Option<Selectors>) -> Chosen {
        let file = DataFile { path: format!("{at}").into(), bytes: 1, rows, day: None, time: None, received: None };
        let selection = selected.map(|selectors| {
            let of = |(skip, row_count)| RowSelector { row_count, skip };
            ParquetRowSelection::new(RowSelection::from(selectors.into_iter().map(of).collect::<Vec<_>>()))
        });
        Chosen { file: Arc::new(file), rows: selection }
    }

    /// Each row that is read, with its file; the slow twin of selections.
    fn read(files: &[Chosen]) -> Vec<(String, usize)> {
        let mut read = Vec::new();
        for chosen in files {
            let every = vec![RowSelector::select(usize::try_from(chosen.file.rows).unwrap())];
            let own = chosen.rows.as_ref().map(|rows| rows.selection().iter().copied().collect());
            let (mut row, selectors) = (0, own.unwrap_or(every));
            for RowSelector { row_count, skip } in selectors {
                let rows = row..row + row_count;
                read.extend(rows.filter(|_| !skip).map(|row| (chosen.file.path.to_string(), row)));
                row += row_count;
            }
            assert!(chosen.rows.is_none() || row as u64 == chosen.file.rows, "a selection speaks of the whole file");
        }
        read.sort();
        read
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(48))]
        #[test]
        fn every_row_is_read_once_and_no_thread_has_much_more_than_another(
            files in proptest::collection::vec(
                (0..60_000_u64, proptest::option::of(proptest::collection::vec((any::<bool>(), 1..9_000_usize), 1..9))),
                0..5,
            ),
            count in 1..5_usize,
        ) {
            let of = |(at, (rows, selected)): (usize, (u64, Option<Selectors>))| {
                let rows = selected.as_ref().map_or(rows, |all| all.iter().map(|(_, count)| *count as u64).sum());
                chosen(at, rows, selected)
            };
            let before = || files.iter().cloned().enumerate().map(of).collect::<Vec<_>>();
            let groups = shared_out(before(), count);
            prop_assert_eq!(read(&groups.iter().flatten().map(same).collect::<Vec<_>>()), read(&before()));
            let most = groups.iter().map(|group| rows_of(group)).max().unwrap_or(0);
            let least = if groups.len() < count { 0 } else { groups.iter().map(|group| rows_of(group)).min().unwrap_or(0) };
            prop_assert!(most - least <= count as u64 * (LEAST_PART_ROWS + 1), "{most} and {least}");
        }
    }

    fn same(chosen: &Chosen) -> Chosen {
        Chosen { file: Arc::clone(&chosen.file), rows: chosen.rows.clone() }
    }
}
