//! Tukey's fence: how far each element of a series lies outside the range of the normal ones.
//!
//! The score of an element above (below) the quartiles is its distance from the upper (lower) quartile of the normal
//! elements, in units of their interquartile range; elements between the quartiles score 0. For `tukey` all elements
//! are normal. For `ctukey` those above (below) the custom percentile are not, when the element lies above (below):
//! a crowd of outliers on one side does not hide itself.

use kernel::Value;
use serde_json::Value as Json;

use super::periods::finite;
use super::series::element;
use super::{BadValue, Entry, tried};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[tried("series_outliers", |args| {
    let Some(mut series) = finite(args, 0) else { return Ok(Value::Null) };
    let fence = Fence::given("series_outliers", args, 1, Some((3, 4)))?;
    if let Some(ignored) = args.get(2).and_then(convert::to_real) {
        series.iter_mut().filter(|element| **element == Some(ignored)).for_each(|element| *element = None);
    }
    let scores: Json = fence.scores(&series).into_iter().map(|score| element(Some(score))).collect();
    Ok(Value::Dynamic(scores))
})];

/// Which elements are normal.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) enum Fence {
    Plain,
    /// Percentiles.
    Custom {
        low: f64,
        high: f64,
    },
}

impl Fence {
    /// The fence that the arguments of `function` name: its kind at `kind`, its percentiles at `percentiles`.
    pub(super) fn given(
        function: &str,
        args: &[Value],
        kind: usize,
        percentiles: Option<(usize, usize)>,
    ) -> Result<Fence, BadValue> {
        match args.get(kind) {
            Some(Value::String(name)) if name == "tukey" => return Ok(Fence::Plain),
            Some(Value::String(name)) if !name.is_empty() && name != "ctukey" => {
                return Err(BadValue(format!("{function}: the kind is 'ctukey' or 'tukey', not '{name}'")));
            }
            _ => {}
        }
        let given = |at: usize| args.get(at).and_then(convert::to_real);
        let low = percentiles.and_then(|(low, _)| given(low)).unwrap_or(10.0);
        let high = percentiles.and_then(|(_, high)| given(high)).unwrap_or(90.0);
        if !(2.0 <= low && low < high && high <= 98.0) {
            return Err(BadValue(format!(
                "{function}: percentiles lie between 2 and 98, the lower before the higher; these are {low} and {high}"
            )));
        }
        Ok(Fence::Custom { low, high })
    }

    /// The score of each element; 0 where it is missing.
    pub(super) fn scores(self, series: &[Option<f64>]) -> Vec<f64> {
        let mut sorted: Vec<f64> = series.iter().flatten().copied().collect();
        sorted.sort_by(f64::total_cmp);
        let all = Quartiles::of(&sorted);
        let (for_low, for_high) = match self {
            Fence::Plain => (all, all),
            Fence::Custom { low, high } => {
                // A hair more, so that 90 % of ten elements are nine.
                let before = |percentile: f64| (sorted.len() as f64 * percentile / 100.0 + 1e-9) as usize;
                let above = sorted.get(before(low)..).unwrap_or_default();
                let below = sorted.get(..before(high)).unwrap_or_default();
                (Quartiles::of(above).or(all), Quartiles::of(below).or(all))
            }
        };
        let (Some(all), Some(for_low), Some(for_high)) = (all, for_low, for_high) else {
            return vec![0.0; series.len()];
        };
        let score = |number: f64| {
            if number > all.upper {
                (number - for_high.upper) / (for_high.upper - for_high.lower)
            } else if number < all.lower {
                (number - for_low.lower) / (for_low.upper - for_low.lower)
            } else {
                0.0
            }
        };
        series.iter().map(|element| element.map_or(0.0, score)).collect()
    }
}

#[derive(Debug, Clone, Copy)]
struct Quartiles {
    lower: f64,
    upper: f64,
}

impl Quartiles {
    fn of(sorted: &[f64]) -> Option<Quartiles> {
        let last = sorted.len().checked_sub(1)?;
        let at = |share: f64| {
            let place = last as f64 * share;
            let (low, rest) = (place as usize, place.fract());
            sorted[low] + rest * (sorted[(low + 1).min(last)] - sorted[low])
        };
        Some(Quartiles { lower: at(0.25), upper: at(0.75) })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const PRINTED: [f64; 11] = [30.0, 28.0, 5.0, 27.0, 31.0, 38.0, 29.0, 80.0, 25.0, 37.0, 30.0];

    #[test]
    fn scores_are_those_that_the_documentation_printed() {
        let series: Vec<Option<f64>> = PRINTED.iter().copied().map(Some).collect();
        let scores = Fence::Custom { low: 10.0, high: 90.0 }.scores(&series);
        let printed = [
            0.0,
            0.0,
            -3.206_896_551_724_138,
            -0.172_413_793_103_448_3,
            0.0,
            2.666_666_666_666_666_7,
            0.0,
            16.666_666_666_666_67,
            -0.448_275_862_068_965_5,
            2.333_333_333_333_333_3,
            0.0,
        ];
        for (score, printed) in scores.iter().zip(printed) {
            assert!((score - printed).abs() < 1e-12, "{score} for {printed}");
        }
    }

    proptest! {
        #[test]
        fn scores_do_not_depend_on_unit_or_place(series in prop::collection::vec(-50.0_f64..50.0, 8..60), shift in -9.0_f64..9.0) {
            for fence in [Fence::Plain, Fence::Custom { low: 10.0, high: 90.0 }] {
                let given: Vec<Option<f64>> = series.iter().copied().map(Some).collect();
                let moved: Vec<Option<f64>> = series.iter().map(|number| Some(number * 4.0 + shift)).collect();
                for (left, right) in fence.scores(&given).iter().zip(fence.scores(&moved)) {
                    prop_assert!((left - right).abs() < 1e-6);
                }
            }
        }
    }
}
