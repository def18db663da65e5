//! Special functions of statistics: error function, beta distribution, Welch's test.

use kernel::Value;

use super::{Entry, strict};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    strict("erf", |args| of(args, |[x]| libm::erf(x))),
    strict("erfc", |args| of(args, |[x]| libm::erfc(x))),
    strict("beta_pdf", |args| of(args, |[x, alpha, beta]| beta_pdf(x, alpha, beta))),
    strict("beta_cdf", |args| of(args, |[x, alpha, beta]| beta_cdf(x, alpha, beta))),
    strict("welch_test", |args| of(args, welch_test)),
    strict("beta_inv", |args| of(args, |[p, alpha, beta]| beta_inv(p, alpha, beta))),
];

/// Parameters of the beta distribution beyond which the language answers NaN.
const MOST_SHAPE: f64 = 10_000.0;

fn of<const N: usize>(args: &[Value], function: impl Fn([f64; N]) -> f64) -> Value {
    let numbers: Option<Vec<f64>> = args.iter().map(convert::to_real).collect();
    match numbers.and_then(|numbers| <[f64; N]>::try_from(numbers).ok()) {
        Some(numbers) => Value::Real(function(numbers)),
        None => Value::Null,
    }
}

fn is_shape(number: f64) -> bool {
    number > 0.0 && number <= MOST_SHAPE
}

/// Logarithm of the beta function.
fn log_beta(alpha: f64, beta: f64) -> f64 {
    libm::lgamma(alpha) + libm::lgamma(beta) - libm::lgamma(alpha + beta)
}

fn beta_pdf(x: f64, alpha: f64, beta: f64) -> f64 {
    if !(x > 0.0 && x < 1.0 && is_shape(alpha) && is_shape(beta)) {
        return f64::NAN;
    }
    ((alpha - 1.0) * x.ln() + (beta - 1.0) * (-x).ln_1p() - log_beta(alpha, beta)).exp()
}

/// Distribution of the beta distribution.
fn beta_cdf(x: f64, alpha: f64, beta: f64) -> f64 {
    if !((0.0..=1.0).contains(&x) && is_shape(alpha) && is_shape(beta)) {
        return f64::NAN;
    }
    incomplete_beta(x, alpha, beta)
}

/// The regularized incomplete beta function over 0 to 1.
fn incomplete_beta(x: f64, alpha: f64, beta: f64) -> f64 {
    if x == 0.0 || x == 1.0 {
        return x;
    }
    let front = (alpha * x.ln() + beta * (-x).ln_1p() - log_beta(alpha, beta)).exp();
    // The continued fraction converges fast on this side; the other is its mirror image.
    if x < (alpha + 1.0) / (alpha + beta + 2.0) {
        front * beta_fraction(x, alpha, beta) / alpha
    } else {
        1.0 - front * beta_fraction(1.0 - x, beta, alpha) / beta
    }
}

/// The continued fraction of the incomplete beta function, by Lentz's method.
fn beta_fraction(x: f64, alpha: f64, beta: f64) -> f64 {
    const TINY: f64 = 1e-300;
    let away = |number: f64| if number.abs() < TINY { TINY } else { number };
    let mut c = 1.0;
    let mut d = 1.0 / away(1.0 - (alpha + beta) * x / (alpha + 1.0));
    let mut result = d;
    for step in 1..1_000 {
        let m = f64::from(step);
        let even = m * (beta - m) * x / ((alpha + 2.0 * m - 1.0) * (alpha + 2.0 * m));
        let odd = -(alpha + m) * (alpha + beta + m) * x / ((alpha + 2.0 * m) * (alpha + 2.0 * m + 1.0));
        let mut change = 1.0;
        for term in [even, odd] {
            d = 1.0 / away(1.0 + term * d);
            c = away(1.0 + term / c);
            change = c * d;
            result *= change;
        }
        if (change - 1.0).abs() < 1e-16 {
            break;
        }
    }
    result
}

/// By bisection: the distribution is monotone.
fn beta_inv(probability: f64, alpha: f64, beta: f64) -> f64 {
    if !(probability > 0.0 && probability <= 1.0 && is_shape(alpha) && is_shape(beta)) {
        return f64::NAN;
    }
    let (mut low, mut high) = (0.0_f64, 1.0_f64);
    for _ in 0..1_100 {
        let middle = low + (high - low) / 2.0;
        if middle <= low || middle >= high {
            break;
        }
        if beta_cdf(middle, alpha, beta) < probability { low = middle } else { high = middle }
    }
    high
}

/// Probability that samples of the same mean differ as much as these two: Student's t with the degrees of freedom of
/// Welch and Satterthwaite, on both sides.
fn welch_test([mean1, variance1, count1, mean2, variance2, count2]: [f64; 6]) -> f64 {
    let (error1, error2) = (variance1 / count1, variance2 / count2);
    let t = (mean1 - mean2) / (error1 + error2).sqrt();
    let freedom = (error1 + error2).powi(2) / (error1 * error1 / (count1 - 1.0) + error2 * error2 / (count2 - 1.0));
    // Also where a count is below 2, or nothing varies.
    if !(t.is_finite() && freedom > 0.0 && freedom.is_finite()) {
        return f64::NAN;
    }
    incomplete_beta(freedom / (freedom + t * t), freedom / 2.0, 0.5)
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_inverse_undoes_the_distribution(x in 0.01_f64..0.99, alpha in 0.5_f64..20.0, beta in 0.5_f64..20.0) {
            let probability = beta_cdf(x, alpha, beta);
            prop_assume!(probability > 1e-9 && probability < 1.0 - 1e-9);
            prop_assert!((beta_inv(probability, alpha, beta) - x).abs() < 1e-6);
        }

        #[test]
        fn the_density_is_the_slope_of_the_distribution(x in 0.05_f64..0.95, alpha in 1.0_f64..20.0, beta in 1.0_f64..20.0) {
            let step = 1e-5;
            let slope = (beta_cdf(x + step, alpha, beta) - beta_cdf(x - step, alpha, beta)) / (2.0 * step);
            prop_assert!((slope - beta_pdf(x, alpha, beta)).abs() < 1e-3);
        }
    }
}
