//! `series_fit_2lines`: where a trend breaks.
//!
//! A series is split in two so that the lines of least squares through both parts together explain the most. Each
//! line counts its places from the start of its part, as `series_fit_line` of the part would.

use kernel::Value;
use serde_json::{Value as Json, json};

use super::series::element;
use super::signals::{Line, whole_series};
use super::{Entry, rows};

pub(super) const ENTRIES: &[Entry] = &[
    rows("series_fit_2lines", |args| match whole_series(args, 0).as_deref().and_then(TwoLines::through) {
        Some(fit) => {
            let mut all = vec![
                element(Some(fit.rsquare)),
                json!(fit.split),
                element(Some(fit.variance)),
                element(Some(fit.residual_variance)),
                fit.points(),
            ];
            for line in [&fit.right, &fit.left] {
                let numbers = [line.rsquare, line.slope, line.interception, line.variance, line.residual_variance];
                all.extend(numbers.map(|number| element(Some(number))));
            }
            Value::Dynamic(all.into())
        }
        None => Value::Null,
    }),
    rows("series_fit_2lines_dynamic", |args| match whole_series(args, 0).as_deref().and_then(TwoLines::through) {
        Some(fit) => {
            let side = |line: &Line| {
                json!({
                    "rsquare": element(Some(line.rsquare)),
                    "slope": element(Some(line.slope)),
                    "interception": element(Some(line.interception)),
                    "variance": element(Some(line.variance)),
                    "rvariance": element(Some(line.residual_variance)),
                })
            };
            Value::Dynamic(json!({
                "rsquare": element(Some(fit.rsquare)),
                "split_idx": fit.split,
                "variance": element(Some(fit.variance)),
                "rvariance": element(Some(fit.residual_variance)),
                "line_fit": fit.points(),
                "right": side(&fit.right),
                "left": side(&fit.left),
            }))
        }
        None => Value::Null,
    }),
];

/// Fewest elements of a part.
const LEAST: usize = 2;

#[derive(Debug)]
struct TwoLines {
    /// Elements of the left part, so the place of the first one of the right.
    split: usize,
    rsquare: f64,
    variance: f64,
    residual_variance: f64,
    left: Line,
    right: Line,
}

impl TwoLines {
    fn through(series: &[f64]) -> Option<TwoLines> {
        let points: Vec<(f64, f64)> = series.iter().enumerate().map(|(at, number)| (at as f64, *number)).collect();
        let whole = Line::over(&points)?;
        let sums = Sums::of(&points);
        let split = (LEAST..=series.len().checked_sub(LEAST)?)
            .map(|split| (split, sums.residue(0, split) + sums.residue(split, series.len())))
            .reduce(|best, next| if next.1 < best.1 { next } else { best })?
            .0;
        let left = Line::over(&points[..split])?;
        // Places of the right part start anew.
        let right = Line::over(
            &series[split..].iter().copied().zip(0_u32..).map(|(y, x)| (f64::from(x), y)).collect::<Vec<_>>(),
        )?;
        let last = series.len() as f64 - 1.0;
        let residue = left.residual_variance * (split as f64 - 1.0)
            + right.residual_variance * ((series.len() - split) as f64 - 1.0);
        let total = whole.variance * last;
        Some(TwoLines {
            split,
            rsquare: if total == 0.0 { 1.0 } else { 1.0 - residue / total },
            variance: whole.variance,
            residual_variance: residue / last,
            left,
            right,
        })
    }

    fn points(&self) -> Json {
        self.left.points().chain(self.right.points()).map(|number| element(Some(number))).collect()
    }
}

/// Running sums, so that the residue of every part takes constant time.
struct Sums(Vec<[f64; 5]>);

impl Sums {
    /// Sums over places and numbers, both taken from their means.
    fn of(points: &[(f64, f64)]) -> Sums {
        let count = points.len() as f64;
        let middle = (count - 1.0) / 2.0;
        let mean = points.iter().map(|(_, number)| number).sum::<f64>() / count;
        let mut sums = vec![[0.0; 5]];
        let mut so_far = [0.0; 5];
        for (at, number) in points {
            let (x, y) = (at - middle, number - mean);
            for (sum, term) in so_far.iter_mut().zip([x, y, x * x, x * y, y * y]) {
                *sum += term;
            }
            sums.push(so_far);
        }
        Sums(sums)
    }

    /// What the best line over the elements `from..to` leaves, squared.
    fn residue(&self, from: usize, to: usize) -> f64 {
        let count = (to - from) as f64;
        let [x, y, xx, xy, yy] = std::array::from_fn(|at| self.0[to][at] - self.0[from][at]);
        let (along, across, total) = (xx - x * x / count, xy - x * y / count, yy - y * y / count);
        if along <= 0.0 { total.max(0.0) } else { (total - across * across / along).max(0.0) }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn no_other_split_leaves_less(series in prop::collection::vec(-50.0_f64..50.0, 4..40)) {
            let fit = TwoLines::through(&series).unwrap();
            let residue = |part: &[f64]| {
                let points: Vec<(f64, f64)> = part.iter().enumerate().map(|(at, y)| (at as f64, *y)).collect();
                Line::over(&points).unwrap().residual_variance * (part.len() as f64 - 1.0)
            };
            let chosen = fit.residual_variance * (series.len() as f64 - 1.0);
            for split in LEAST..=series.len() - LEAST {
                prop_assert!(chosen <= residue(&series[..split]) + residue(&series[split..]) + 1e-6);
            }
        }
    }
}
