//! Seasons of a series: the lags at which it resembles itself.
//!
//! A period is a peak of the autocorrelation, between four elements and half the series, that no higher peak nearby
//! overshadows and that repeats at its double. Its score is the smaller of both correlations, between 0 and 1.

use kernel::Value;
use serde_json::{Value as Json, json};

use super::series::{element, numbers};
use super::{BadValue, Entry, tried};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] =
    &[tried("series_periods_detect", detected), tried("series_periods_validate", validated)];

/// The shortest period that can be told from noise.
const SHORTEST: usize = 4;
/// A multiple of a period is one of its own only if it scores better by more than this.
const BETTER_MULTIPLE: f64 = 1.05;
/// Periods that one call may ask for.
const MOST_PERIODS: i64 = 1_024;

/// A period of a series and how well the series keeps it.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(super) struct Period {
    /// In elements.
    pub length: usize,
    /// 0 to 1.
    pub score: f64,
}

/// All periods of `series`, best first. Missing elements count as average ones.
pub(super) fn periods(series: &[Option<f64>]) -> Vec<Period> {
    let correlation = autocorrelation(series);
    let mut found: Vec<Period> = Vec::new();
    for length in SHORTEST..correlation.len() {
        let score = score(&correlation, length);
        let repeats =
            |shorter: &Period| length.is_multiple_of(shorter.length) && score <= shorter.score * BETTER_MULTIPLE;
        if score > 0.0 && !found.iter().any(repeats) {
            found.push(Period { length, score });
        }
    }
    found.sort_by(|left, right| right.score.total_cmp(&left.score).then(left.length.cmp(&right.length)));
    found
}

/// 0 where `length` is no period.
fn score(correlation: &[f64], length: usize) -> f64 {
    let Some(&next) = correlation.get(length + 1) else { return 0.0 };
    let own = correlation[length];
    if length < SHORTEST || own <= 0.0 || own <= correlation[length - 1] || own < next {
        return 0.0;
    }
    let score = correlation.get(2 * length).map_or(own, |double| own.min(*double)).clamp(0.0, 1.0);
    let reach = length / 4;
    let nearby = &correlation[length - reach..(length + reach + 1).min(correlation.len())];
    if score > 0.0 && nearby.iter().all(|other| *other <= own) { score } else { 0.0 }
}

/// Correlation of `series` with itself, for lags up to half its length; each lag over the pairs that it has.
fn autocorrelation(series: &[Option<f64>]) -> Vec<f64> {
    let known: Vec<f64> = series.iter().flatten().copied().collect();
    let mean = known.iter().sum::<f64>() / known.len() as f64;
    let centred: Vec<f64> = series.iter().map(|element| element.map_or(0.0, |number| number - mean)).collect();
    let greatest = known.iter().fold(0.0_f64, |greatest, number| greatest.max(number.abs()));
    let spread = centred.iter().fold(0.0_f64, |greatest, number| greatest.max(number.abs()));
    // What is left of a constant series is rounding.
    if known.is_empty() || spread <= greatest * 1e-12 {
        return Vec::new();
    }
    let scaled: Vec<f64> = centred.iter().map(|number| number / spread).collect();
    let sums = lagged_sums(&scaled);
    let count = scaled.len();
    let variance = sums[0] / count as f64;
    (0..=count / 2).map(|lag| sums[lag] / (count - lag) as f64 / variance).collect()
}

/// `sum(x[i] * x[i + lag])` for every lag, through the spectrum: a season of a long series must not cost its square.
fn lagged_sums(series: &[f64]) -> Vec<f64> {
    let size = (2 * series.len()).next_power_of_two();
    let mut wave: Vec<(f64, f64)> = series.iter().map(|number| (*number, 0.0)).collect();
    wave.resize(size, (0.0, 0.0));
    transform(&mut wave);
    wave.iter_mut().for_each(|(re, im)| (*re, *im) = (*re * *re + *im * *im, 0.0));
    // The power spectrum is real and even, so the forward transform is the inverse but for the scale.
    transform(&mut wave);
    wave.iter().take(series.len()).map(|(re, _)| re / size as f64).collect()
}

/// The discrete Fourier transform in place; the length is a power of two.
fn transform(wave: &mut [(f64, f64)]) {
    let size = wave.len();
    if size < 2 {
        return;
    }
    let shift = usize::BITS - size.trailing_zeros();
    for at in 0..size {
        let other = at.reverse_bits() >> shift;
        if at < other {
            wave.swap(at, other);
        }
    }
    let mut half = 1;
    while half < size {
        let turns: Vec<(f64, f64)> = (0..half)
            .map(|at| (-std::f64::consts::PI * at as f64 / half as f64).sin_cos())
            .map(|(sin, cos)| (cos, sin))
            .collect();
        for block in wave.chunks_exact_mut(2 * half) {
            let (low, high) = block.split_at_mut(half);
            for ((a, b), (cos, sin)) in low.iter_mut().zip(high).zip(&turns) {
                let turned = (b.0 * cos - b.1 * sin, b.0 * sin + b.1 * cos);
                *b = (a.0 - turned.0, a.1 - turned.1);
                *a = (a.0 + turned.0, a.1 + turned.1);
            }
        }
        half *= 2;
    }
}

/// Scores are given with two decimals, as the documentation prints them.
fn shown(score: f64) -> f64 {
    (score * 100.0).round() / 100.0
}

/// `series_periods_detect(series, shortest, longest, how many)`: periods, and their scores; zeros where there are
/// fewer.
fn detected(args: &[Value]) -> Result<Value, BadValue> {
    let Some(series) = finite(args, 0) else { return Ok(Value::Null) };
    let number = |at: usize| args.get(at).and_then(convert::to_real);
    let (Some(shortest), Some(longest), Some(wanted)) = (number(1), number(2), args.get(3).and_then(convert::to_long))
    else {
        return Ok(Value::Null);
    };
    if !(1..=MOST_PERIODS).contains(&wanted) {
        return Err(BadValue(format!("series_periods_detect: ask for 1 to {MOST_PERIODS} periods, not {wanted}")));
    }
    let mut found = periods(&series);
    found.retain(|period| (shortest..=longest).contains(&(period.length as f64)));
    found.resize(wanted as usize, Period { length: 0, score: 0.0 });
    let lengths: Json = found.iter().map(|period| element(Some(period.length as f64))).collect();
    let scores: Json = found.iter().map(|period| element(Some(shown(period.score)))).collect();
    Ok(Value::Dynamic(json!([lengths, scores])))
}

/// `series_periods_validate(series, period, …)`: the periods as given, and the score of each.
fn validated(args: &[Value]) -> Result<Value, BadValue> {
    let Some(series) = finite(args, 0) else { return Ok(Value::Null) };
    let correlation = autocorrelation(&series);
    let given: Vec<f64> = args.iter().skip(1).filter_map(convert::to_real).collect();
    let scores: Json = given
        .iter()
        .map(|length| {
            let whole = length.round();
            let known = whole >= SHORTEST as f64 && whole < correlation.len() as f64;
            element(Some(if known { shown(score(&correlation, whole as usize)) } else { 0.0 }))
        })
        .collect();
    let lengths: Json = given.iter().map(|length| element(Some(*length))).collect();
    Ok(Value::Dynamic(json!([lengths, scores])))
}

/// The elements of an array argument; those that are no finite number are missing.
pub(super) fn finite(args: &[Value], at: usize) -> Option<Vec<Option<f64>>> {
    let numbers = numbers(args, at)?;
    Some(numbers.into_iter().map(|number| number.filter(|number| number.is_finite())).collect())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn sums_through_the_spectrum_are_the_sums(series in prop::collection::vec(-1.0_f64..1.0, 1..200)) {
            let fast = lagged_sums(&series);
            for (lag, sum) in fast.iter().enumerate() {
                let slow: f64 = series.iter().zip(&series[lag..]).map(|(left, right)| left * right).sum();
                prop_assert!((sum - slow).abs() < 1e-9, "lag {lag}: {sum} and {slow}");
            }
        }

        #[test]
        fn a_season_under_little_noise_is_found(length in 4_usize..40, noise in prop::collection::vec(0.0_f64..0.1, 200)) {
            let series: Vec<Option<f64>> = noise.iter().enumerate()
                .map(|(at, noise)| Some(if at % length == 0 { 5.0 } else { 0.0 } + noise))
                .collect();
            let best = periods(&series).first().map(|period| period.length);
            prop_assert_eq!(best, Some(length));
        }
    }

    #[test]
    fn a_constant_series_has_no_season() {
        assert_eq!(periods(&[Some(0.1); 50]), []);
        assert_eq!(periods(&[]), []);
        assert_eq!(periods(&[None; 9]), []);
    }
}
