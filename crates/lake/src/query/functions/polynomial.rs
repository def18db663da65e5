//! `series_fit_poly`: the polynomial of least squares.
//!
//! Places are brought to -1…1 and the polynomials made orthogonal over them before anything is solved, because powers
//! of plain places cannot be told apart in floating point.

use kernel::Value;
use serde_json::{Value as Json, json};

use super::series::element;
use super::signals::whole_series;
use super::strings::number;
use super::{Entry, rows};

pub(super) const ENTRIES: &[Entry] = &[rows("series_fit_poly", |args| {
    let fit = || {
        let series = whole_series(args, 0)?;
        let places = match args.get(1) {
            None => (1..=series.len()).map(|at| at as f64).collect(),
            Some(_) => whole_series(args, 1)?,
        };
        let degree = args.get(2).map_or(Some(1), |_| number(args, 2))?;
        Fit::through(&places, &series, usize::try_from(degree).ok()?)
    };
    fit().map_or(Value::Null, |fit| {
        let all = |numbers: &[f64]| -> Json { numbers.iter().map(|number| element(Some(*number))).collect() };
        let one = |number: f64| element(Some(number));
        Value::Dynamic(json!([
            one(fit.rsquare),
            all(&fit.coefficients),
            one(fit.variance),
            one(fit.residual_variance),
            all(&fit.heights)
        ]))
    })
})];

/// Beyond it a polynomial says nothing in floating point.
const MOST_DEGREE: usize = 50;

#[derive(Debug)]
struct Fit {
    rsquare: f64,
    /// From the highest power to the constant.
    coefficients: Vec<f64>,
    variance: f64,
    residual_variance: f64,
    heights: Vec<f64>,
}

impl Fit {
    /// `None` for fewer places than coefficients, or two series of different lengths.
    fn through(places: &[f64], series: &[f64], degree: usize) -> Option<Fit> {
        let finite = places.iter().chain(series).all(|number| number.is_finite());
        if places.len() != series.len() || series.len() <= degree || series.len() < 2 || degree > MOST_DEGREE || !finite
        {
            return None;
        }
        let least = places.iter().copied().fold(f64::INFINITY, f64::min);
        let greatest = places.iter().copied().fold(f64::NEG_INFINITY, f64::max);
        let (middle, half) = (f64::midpoint(least, greatest), (greatest - least) / 2.0);
        let half = if half > 0.0 { half } else { 1.0 };
        let scaled: Vec<f64> = places.iter().map(|place| (place - middle) / half).collect();
        let (own, heights) = least_squares(&scaled, series, degree);
        let count = series.len() as f64;
        let mean = series.iter().sum::<f64>() / count;
        let total: f64 = series.iter().map(|number| (number - mean).powi(2)).sum();
        let left: f64 = series.iter().zip(&heights).map(|(number, height)| (number - height).powi(2)).sum();
        let mut coefficients = over_places(&own, middle, half);
        coefficients.reverse();
        Some(Fit {
            rsquare: if total == 0.0 { 1.0 } else { 1.0 - left / total },
            coefficients,
            variance: total / (count - 1.0),
            residual_variance: left / (count - 1.0),
            heights,
        })
    }
}

/// Coefficients from the constant up, and the heights at the places: Forsythe's orthogonal polynomials.
fn least_squares(places: &[f64], series: &[f64], degree: usize) -> (Vec<f64>, Vec<f64>) {
    let dot = |left: &[f64], right: &[f64]| left.iter().zip(right).map(|(l, r)| l * r).sum::<f64>();
    let mut coefficients = vec![0.0; degree + 1];
    let mut heights = vec![0.0; series.len()];
    // The polynomial of this degree and the one before it: values at the places, and coefficients.
    let (mut values, mut earlier) = (vec![1.0; places.len()], vec![0.0; places.len()]);
    let (mut powers, mut earlier_powers) = (vec![1.0], vec![0.0]);
    let mut earlier_norm = 1.0;
    for _ in 0..=degree {
        let norm = dot(&values, &values);
        // Fewer different places than powers: the rest adds nothing.
        if norm < 1e-20 {
            break;
        }
        let left: Vec<f64> = series.iter().zip(&heights).map(|(number, height)| number - height).collect();
        let weight = dot(&left, &values) / norm;
        heights.iter_mut().zip(&values).for_each(|(height, value)| *height += weight * value);
        coefficients.iter_mut().zip(&powers).for_each(|(own, power)| *own += weight * power);
        let shift = places.iter().zip(&values).map(|(place, value)| place * value * value).sum::<f64>() / norm;
        let share = norm / earlier_norm;
        let first = powers.len() == 1;
        let back = |number: f64| if first { 0.0 } else { share * number };
        let next: Vec<f64> = places
            .iter()
            .zip(&values)
            .zip(&earlier)
            .map(|((place, value), before)| (place - shift) * value - back(*before))
            .collect();
        let mut next_powers = vec![0.0; powers.len() + 1];
        for (at, power) in powers.iter().enumerate() {
            next_powers[at + 1] += power;
            next_powers[at] -= shift * power;
        }
        earlier_powers.iter().enumerate().for_each(|(at, power)| next_powers[at] -= back(*power));
        earlier = std::mem::replace(&mut values, next);
        earlier_powers = std::mem::replace(&mut powers, next_powers);
        earlier_norm = norm;
    }
    (coefficients, heights)
}

/// The coefficients of `p((x - middle) / half)` over x, from the constant up.
fn over_places(own: &[f64], middle: f64, half: f64) -> Vec<f64> {
    let mut result: Vec<f64> = Vec::with_capacity(own.len());
    // Horner's scheme over polynomials.
    for coefficient in own.iter().rev() {
        let mut next = vec![0.0; result.len() + 1];
        for (at, number) in result.iter().enumerate() {
            next[at + 1] += number / half;
            next[at] -= number * middle / half;
        }
        next[0] += coefficient;
        result = next;
    }
    result.resize(own.len(), 0.0);
    result
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn a_polynomial_is_found_again(
            coefficients in prop::collection::vec(-5.0_f64..5.0, 1..6),
            start in -20.0_f64..20.0,
        ) {
            let places: Vec<f64> = (0..30).map(|at| start + f64::from(at) / 3.0).collect();
            let height = |x: &f64| coefficients.iter().fold(0.0, |height, own| height * x + own);
            let series: Vec<f64> = places.iter().map(height).collect();
            let fit = Fit::through(&places, &series, coefficients.len() - 1).unwrap();
            let scale = series.iter().fold(1.0_f64, |most, number| most.max(number.abs()));
            for (found, wanted) in fit.heights.iter().zip(&series) {
                prop_assert!((found - wanted).abs() < 1e-9 * scale);
            }
            for x in &places {
                let found = fit.coefficients.iter().fold(0.0, |height, own| height * x + own);
                prop_assert!((found - height(x)).abs() < 1e-6 * scale);
            }
        }

        #[test]
        fn of_degree_one_it_is_the_straight_line(series in prop::collection::vec(-50.0_f64..50.0, 3..40)) {
            let points: Vec<(f64, f64)> = series.iter().enumerate().map(|(at, y)| (at as f64, *y)).collect();
            let line = super::super::signals::Line::over(&points).unwrap();
            let places: Vec<f64> = points.iter().map(|(at, _)| *at).collect();
            let fit = Fit::through(&places, &series, 1).unwrap();
            prop_assert!((fit.coefficients[0] - line.slope).abs() < 1e-9);
            prop_assert!((fit.coefficients[1] - line.interception).abs() < 1e-7);
            prop_assert!((fit.rsquare - line.rsquare).abs() < 1e-7);
        }
    }
}
