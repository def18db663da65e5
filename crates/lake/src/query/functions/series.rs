//! Arithmetic and statistics over numeric arrays.

use kernel::Value;
use serde_json::{Value as Json, json};

use super::strings::array;
use super::{Entry, rows};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("series_add", |args| pairwise(args, |l, r| l + r)),
    rows("series_subtract", |args| pairwise(args, |l, r| l - r)),
    rows("series_multiply", |args| pairwise(args, |l, r| l * r)),
    rows("series_divide", |args| pairwise(args, |l, r| l / r)),
    rows("series_pow", |args| pairwise(args, f64::powf)),
    rows("series_equals", |args| compared(args, |l, r| l == r)),
    rows("series_not_equals", |args| compared(args, |l, r| l != r)),
    rows("series_less", |args| compared(args, |l, r| l < r)),
    rows("series_less_equals", |args| compared(args, |l, r| l <= r)),
    rows("series_greater", |args| compared(args, |l, r| l > r)),
    rows("series_greater_equals", |args| compared(args, |l, r| l >= r)),
    rows("series_abs", |args| each(args, f64::abs)),
    rows("series_ceiling", |args| each(args, f64::ceil)),
    rows("series_floor", |args| each(args, f64::floor)),
    rows("series_exp", |args| each(args, f64::exp)),
    rows("series_log", |args| each(args, f64::ln)),
    rows("series_sin", |args| each(args, f64::sin)),
    rows("series_cos", |args| each(args, f64::cos)),
    rows("series_tan", |args| each(args, f64::tan)),
    rows("series_asin", |args| each(args, f64::asin)),
    rows("series_acos", |args| each(args, f64::acos)),
    rows("series_atan", |args| each(args, f64::atan)),
    rows("series_sign", |args| each(args, |n| if n == 0.0 { 0.0 } else { n.signum() })),
    rows("series_sum", |args| total(args, |numbers| numbers.iter().sum())),
    rows("series_product", |args| total(args, |numbers| numbers.iter().product())),
    rows("series_magnitude", |args| total(args, |numbers| numbers.iter().map(|n| n * n).sum::<f64>().sqrt())),
    rows("series_dot_product", |args| {
        let product = |pairs: Vec<(Option<f64>, Option<f64>)>| {
            pairs.into_iter().map(|(left, right)| Some(left? * right?)).sum::<Option<f64>>()
        };
        match (array(args, 0), array(args, 1)) {
            (Some(left), Some(right)) if left.len() != right.len() => Value::Null,
            _ => operands(args).and_then(product).map_or(Value::Null, Value::Real),
        }
    }),
    rows("series_cosine_similarity", |args| {
        let given = |at: usize| args.get(at).and_then(convert::to_real);
        let (Some(left), Some(right)) = (plain(args, 0), plain(args, 1)) else { return Value::Null };
        if left.len() != right.len() {
            return Value::Null;
        }
        let magnitude = |at: usize, side: &[f64]| given(at).unwrap_or_else(|| dot(side, side).sqrt());
        Value::Real(dot(&left, &right) / (magnitude(2, &left) * magnitude(3, &right)))
    }),
    rows("series_pearson_correlation", |args| both(args, pearson)),
];

/// The numbers of an array argument; `None` for other things.
pub(super) fn numbers(args: &[Value], at: usize) -> Option<Vec<Option<f64>>> {
    Some(array(args, at)?.iter().map(|json| convert::to_real(&convert::scalar_of(json))).collect())
}

fn plain(args: &[Value], at: usize) -> Option<Vec<f64>> {
    numbers(args, at)?.into_iter().collect()
}

pub(super) fn element(number: Option<f64>) -> Json {
    number.map_or(Json::Null, |number| convert::to_dynamic(&Value::Real(number)).unwrap_or(Json::Null))
}

fn operands(args: &[Value]) -> Option<Vec<(Option<f64>, Option<f64>)>> {
    let side = |at: usize| numbers(args, at).ok_or_else(|| convert::to_real(&args[at]));
    match (side(0), side(1)) {
        (Ok(left), Ok(right)) => {
            let longest = left.len().max(right.len());
            let at = |side: &[Option<f64>], index: usize| side.get(index).copied().flatten();
            Some((0..longest).map(|index| (at(&left, index), at(&right, index))).collect())
        }
        (Ok(left), Err(Some(right))) => Some(left.into_iter().map(|left| (left, Some(right))).collect()),
        (Err(Some(left)), Ok(right)) => Some(right.into_iter().map(|right| (Some(left), right)).collect()),
        _ => None,
    }
}

fn pairwise(args: &[Value], function: fn(f64, f64) -> f64) -> Value {
    let Some(pairs) = operands(args) else { return Value::Null };
    Value::Dynamic(pairs.into_iter().map(|(l, r)| element(l.zip(r).map(|(l, r)| function(l, r)))).collect())
}

fn compared(args: &[Value], function: fn(f64, f64) -> bool) -> Value {
    let Some(pairs) = operands(args) else { return Value::Null };
    let truth = |pair: Option<(f64, f64)>| pair.map_or(Json::Null, |(l, r)| json!(function(l, r)));
    Value::Dynamic(pairs.into_iter().map(|(l, r)| truth(l.zip(r))).collect())
}

fn each(args: &[Value], function: fn(f64) -> f64) -> Value {
    let Some(numbers) = numbers(args, 0) else { return Value::Null };
    Value::Dynamic(numbers.into_iter().map(|number| element(number.map(function))).collect())
}

fn total(args: &[Value], function: fn(&[f64]) -> f64) -> Value {
    plain(args, 0).map_or(Value::Null, |numbers| Value::Real(function(&numbers)))
}

fn both(args: &[Value], function: fn(&[f64], &[f64]) -> f64) -> Value {
    match (plain(args, 0), plain(args, 1)) {
        (Some(left), Some(right)) if left.len() == right.len() => Value::Real(function(&left, &right)),
        _ => Value::Null,
    }
}

fn dot(left: &[f64], right: &[f64]) -> f64 {
    left.iter().zip(right).map(|(left, right)| left * right).sum()
}

fn pearson(left: &[f64], right: &[f64]) -> f64 {
    let mean = |side: &[f64]| side.iter().sum::<f64>() / side.len() as f64;
    let centred = |side: &[f64]| -> Vec<f64> {
        let mean = mean(side);
        side.iter().map(|number| number - mean).collect()
    };
    let (left, right) = (centred(left), centred(right));
    dot(&left, &right) / (dot(&left, &left) * dot(&right, &right)).sqrt()
}
