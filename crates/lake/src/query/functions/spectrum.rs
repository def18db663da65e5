//! `series_fft`, `series_ifft`: a series in the domain of frequencies, and back.
//!
//! Lengths that are powers of two by Cooley and Tukey's halving, others by Bluestein's convolution of such a length.

use std::f64::consts::{PI, TAU};

use kernel::Value;

use super::series::element;
use super::signals::whole_series;
use super::{Entry, rows};

pub(super) const ENTRIES: &[Entry] =
    &[rows("series_fft", |args| transformed(args, false)), rows("series_ifft", |args| transformed(args, true))];

/// An array of the real and the imaginary parts; null for what is no series without gaps, or for two of different
/// lengths.
fn transformed(args: &[Value], inverse: bool) -> Value {
    let Some(real) = whole_series(args, 0) else { return Value::Null };
    let imaginary = match args.get(1) {
        None => vec![0.0; real.len()],
        Some(_) => match whole_series(args, 1).filter(|imaginary| imaginary.len() == real.len()) {
            Some(imaginary) => imaginary,
            None => return Value::Null,
        },
    };
    let mut numbers: Vec<Complex> = real.into_iter().zip(imaginary).map(|(re, im)| Complex { re, im }).collect();
    let count = numbers.len();
    // The way back is the way there of the mirrored numbers; divided by their count it undoes it.
    let scale = if inverse { count as f64 } else { 1.0 };
    if inverse {
        numbers.iter_mut().for_each(|number| *number = number.mirrored());
    }
    let mut numbers = transform(numbers);
    if inverse {
        numbers.iter_mut().for_each(|number| *number = number.mirrored());
    }
    let part = |of: fn(&Complex) -> f64| -> serde_json::Value {
        numbers.iter().map(|number| element(Some(of(number) / scale))).collect()
    };
    Value::Dynamic(vec![part(|number| number.re), part(|number| number.im)].into())
}

#[derive(Debug, Clone, Copy, Default)]
struct Complex {
    re: f64,
    im: f64,
}

impl Complex {
    /// On the unit circle.
    fn at(angle: f64) -> Complex {
        Complex { re: angle.cos(), im: angle.sin() }
    }

    fn plus(self, other: Complex) -> Complex {
        Complex { re: self.re + other.re, im: self.im + other.im }
    }

    fn minus(self, other: Complex) -> Complex {
        Complex { re: self.re - other.re, im: self.im - other.im }
    }

    fn times(self, other: Complex) -> Complex {
        Complex { re: self.re * other.re - self.im * other.im, im: self.re * other.im + self.im * other.re }
    }

    /// Its conjugate.
    fn mirrored(self) -> Complex {
        Complex { re: self.re, im: -self.im }
    }
}

/// The discrete Fourier transform.
fn transform(numbers: Vec<Complex>) -> Vec<Complex> {
    match numbers.len() {
        0 | 1 => numbers,
        count if count.is_power_of_two() => halved(numbers),
        _ => convolved(&numbers),
    }
}

/// Of a length that is a power of two.
fn halved(mut numbers: Vec<Complex>) -> Vec<Complex> {
    let count = numbers.len();
    let unused = usize::BITS - count.trailing_zeros();
    for at in 0..count {
        let mirrored = at.reverse_bits() >> unused;
        if at < mirrored {
            numbers.swap(at, mirrored);
        }
    }
    let mut width = 2;
    while width <= count {
        let turns: Vec<Complex> = (0..width / 2).map(|at| Complex::at(-TAU * at as f64 / width as f64)).collect();
        for part in numbers.chunks_exact_mut(width) {
            let (left, right) = part.split_at_mut(width / 2);
            for ((left, right), turn) in left.iter_mut().zip(right).zip(&turns) {
                let turned = right.times(*turn);
                (*left, *right) = (left.plus(turned), left.minus(turned));
            }
        }
        width *= 2;
    }
    numbers
}

/// Of any length: k·n is (k² + n² - (k - n)²) / 2, so the sum is a convolution.
fn convolved(numbers: &[Complex]) -> Vec<Complex> {
    let count = numbers.len();
    let width = (2 * count - 1).next_power_of_two();
    // Squares count modulo twice the length, which keeps the angles exact.
    let turn = |at: usize| Complex::at(-PI * ((at as u128 * at as u128) % (2 * count as u128)) as f64 / count as f64);
    let turns: Vec<Complex> = (0..count).map(turn).collect();
    let mut left = vec![Complex::default(); width];
    let mut right = vec![Complex::default(); width];
    for (at, (number, turn)) in numbers.iter().zip(&turns).enumerate() {
        left[at] = number.times(*turn);
        right[at] = turn.mirrored();
        right[(width - at) % width] = turn.mirrored();
    }
    let product = halved(left).into_iter().zip(halved(right)).map(|(left, right)| left.times(right).mirrored());
    let back = halved(product.collect());
    let scaled = |number: Complex| Complex { re: number.re / width as f64, im: -number.im / width as f64 };
    back.into_iter().zip(&turns).map(|(number, turn)| scaled(number).times(*turn)).collect()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use serde_json::json;

    use super::*;

    fn parts(value: &Value) -> [Vec<f64>; 2] {
        let Value::Dynamic(value) = value else { return [vec![], vec![]] };
        [0, 1].map(|at| value[at].as_array().unwrap().iter().map(|number| number.as_f64().unwrap()).collect())
    }

    proptest! {
        #[test]
        fn the_transform_is_the_sum_that_defines_it(series in prop::collection::vec(-9.0_f64..9.0, 1..40)) {
            let [real, imaginary] = parts(&transformed(&[Value::Dynamic(json!(series))], false));
            let count = series.len() as f64;
            for (at, (re, im)) in real.iter().zip(&imaginary).enumerate() {
                let angle = |place: usize| -std::f64::consts::TAU * (at * place) as f64 / count;
                let sum = |of: fn(f64) -> f64| series.iter().enumerate().map(|(n, x)| x * of(angle(n))).sum::<f64>();
                prop_assert!((re - sum(f64::cos)).abs() < 1e-9 && (im - sum(f64::sin)).abs() < 1e-9);
            }
        }

        #[test]
        fn the_way_back_undoes_the_way_there(
            series in prop::collection::vec((-9.0_f64..9.0, -9.0_f64..9.0), 1..40),
        ) {
            let (real, imaginary): (Vec<f64>, Vec<f64>) = series.into_iter().unzip();
            let there = transformed(&[Value::Dynamic(json!(real)), Value::Dynamic(json!(imaginary))], false);
            let [re, im] = parts(&there);
            let [again, also] = parts(&transformed(&[Value::Dynamic(json!(re)), Value::Dynamic(json!(im))], true));
            let near = |left: &[f64], right: &[f64]| left.iter().zip(right).all(|(l, r)| (l - r).abs() < 1e-9);
            prop_assert!(near(&real, &again) && near(&imaginary, &also));
        }
    }
}
