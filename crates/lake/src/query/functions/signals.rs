//! Series as signals: gaps, filters, regression, statistics.

use kernel::Value;
use serde_json::{Value as Json, json};

use super::series::{element, numbers};
use super::strings::array;
use super::{Entry, rows};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("series_fill_const", |args| match (array(args, 0), args.get(1)) {
        (Some(series), Some(value)) => {
            let missing = placeholder(args, 2);
            let value = convert::to_dynamic(value).unwrap_or(Json::Null);
            let filled = series.iter().map(|element| if missing(element) { value.clone() } else { element.clone() });
            Value::Dynamic(filled.collect())
        }
        _ => Value::Null,
    }),
    rows("series_fill_forward", |args| match array(args, 0) {
        Some(series) => Value::Dynamic(carried(series.iter(), &placeholder(args, 1)).into()),
        None => Value::Null,
    }),
    rows("series_fill_backward", |args| match array(args, 0) {
        Some(series) => {
            let mut filled = carried(series.iter().rev(), &placeholder(args, 1));
            filled.reverse();
            Value::Dynamic(filled.into())
        }
        None => Value::Null,
    }),
    rows("series_fill_linear", fill_linear),
    rows("series_fir", fir),
    rows("series_iir", iir),
    rows("series_stats", |args| match stats(args) {
        Some(stats) => Value::Dynamic(json!([
            element(Some(stats.least.1)),
            stats.least.0,
            element(Some(stats.greatest.1)),
            stats.greatest.0,
            element(Some(stats.mean)),
            element(Some(stats.variance.sqrt())),
            element(Some(stats.variance)),
        ])),
        None => Value::Null,
    }),
    rows("series_stats_dynamic", |args| match stats(args) {
        Some(stats) => Value::Dynamic(json!({
            "min": element(Some(stats.least.1)),
            "min_idx": stats.least.0,
            "max": element(Some(stats.greatest.1)),
            "max_idx": stats.greatest.0,
            "avg": element(Some(stats.mean)),
            "stdev": element(Some(stats.variance.sqrt())),
            "variance": element(Some(stats.variance)),
            "sum": element(Some(stats.sum)),
            "len": stats.count,
        })),
        None => Value::Null,
    }),
    rows("series_fit_line", |args| match Line::through(args) {
        Some(line) => Value::Dynamic(json!([
            element(Some(line.rsquare)),
            element(Some(line.slope)),
            element(Some(line.variance)),
            element(Some(line.residual_variance)),
            element(Some(line.interception)),
            points_of(&line),
        ])),
        None => Value::Null,
    }),
    rows("series_fit_line_dynamic", |args| match Line::through(args) {
        Some(line) => Value::Dynamic(json!({
            "rsquare": element(Some(line.rsquare)),
            "slope": element(Some(line.slope)),
            "variance": element(Some(line.variance)),
            "rvariance": element(Some(line.residual_variance)),
            "interception": element(Some(line.interception)),
            "line_fit": points_of(&line),
        })),
        None => Value::Null,
    }),
];

/// Which elements are missing: null, or the value given as the argument `at`.
fn placeholder(args: &[Value], at: usize) -> impl Fn(&Json) -> bool {
    let given = args.get(at).and_then(convert::to_dynamic).filter(|json| !json.is_null());
    move |element| match &given {
        None => element.is_null(),
        Some(given) => element == given || element.as_f64().is_some_and(|number| Some(number) == given.as_f64()),
    }
}

/// Each missing element takes the value that came before it.
fn carried<'a>(series: impl Iterator<Item = &'a Json>, missing: &impl Fn(&Json) -> bool) -> Vec<Json> {
    let mut last: Option<&Json> = None;
    let mut filled = Vec::new();
    for element in series {
        if !missing(element) {
            last = Some(element);
        }
        filled.push(last.unwrap_or(element).clone());
    }
    filled
}

/// `series_fill_linear(series, missing, fill edges, constant for empty series)`. Whole series stay whole.
fn fill_linear(args: &[Value]) -> Value {
    let Some(series) = array(args, 0) else { return Value::Null };
    let missing = placeholder(args, 1);
    let edges = !matches!(args.get(2), Some(Value::Bool(false)));
    let known: Vec<(usize, f64)> = series
        .iter()
        .enumerate()
        .filter(|(_, element)| !missing(element))
        .filter_map(|(at, element)| Some((at, element.as_f64()?)))
        .collect();
    let (Some(first), Some(last)) = (known.first(), known.last()) else {
        let constant = match args.get(3) {
            None => json!(0.0),
            Some(constant) => convert::to_dynamic(constant).unwrap_or(Json::Null),
        };
        return Value::Dynamic(vec![constant; series.len()].into());
    };
    let whole = series.iter().all(|element| missing(element) || element.is_i64());
    let filled = |number: f64| if whole { json!(number.trunc() as i64) } else { element(Some(number)) };
    let mut next = 0;
    let mut result = Vec::with_capacity(series.len());
    for (at, own) in series.iter().enumerate() {
        next += usize::from(known.get(next).is_some_and(|(place, _)| *place < at));
        result.push(match (missing(own), known.get(next)) {
            (false, _) => own.clone(),
            (true, Some(after)) if at > first.0 => {
                let before = known[next - 1];
                let share = (at - before.0) as f64 / (after.0 - before.0) as f64;
                filled(before.1 + (after.1 - before.1) * share)
            }
            (true, _) if !edges => own.clone(),
            (true, Some(_)) => filled(first.1),
            (true, None) => filled(last.1),
        });
    }
    Value::Dynamic(result.into())
}

fn flag(args: &[Value], at: usize) -> Option<bool> {
    match args.get(at) {
        Some(Value::Bool(flag)) => Some(*flag),
        _ => None,
    }
}

/// Series with no gap.
pub(super) fn whole_series(args: &[Value], at: usize) -> Option<Vec<f64>> {
    numbers(args, at)?.into_iter().collect()
}

/// `series_fir(series, filter, normalize, center)`: each output is the filter over the elements up to (or around) it.
fn fir(args: &[Value]) -> Value {
    let (Some(series), Some(filter)) = (whole_series(args, 0), whole_series(args, 1)) else { return Value::Null };
    let negative = filter.iter().any(|weight| *weight < 0.0);
    let normalize = flag(args, 2).unwrap_or(!negative);
    if normalize && negative {
        return Value::Null;
    }
    let divisor = if normalize { filter.iter().sum() } else { 1.0 };
    let ahead = if flag(args, 3) == Some(true) { filter.len() / 2 } else { 0 };
    let output = (0..series.len()).map(|at| {
        let weighted = filter.iter().enumerate().map(|(lag, weight)| {
            let place = (at + ahead).checked_sub(lag);
            weight * place.and_then(|place| series.get(place)).copied().unwrap_or(0.0)
        });
        element(Some(weighted.sum::<f64>() / divisor))
    });
    Value::Dynamic(output.collect())
}

/// `series_iir(series, b, a)`: `a[0]*y[n] = sum(b[i]*x[n-i]) - sum(a[i]*y[n-i])`.
fn iir(args: &[Value]) -> Value {
    let (Some(series), Some(b), Some(a)) = (whole_series(args, 0), whole_series(args, 1), whole_series(args, 2)) else {
        return Value::Null;
    };
    let Some((first, rest)) = a.split_first().filter(|(first, _)| **first != 0.0) else { return Value::Null };
    let mut output: Vec<f64> = Vec::with_capacity(series.len());
    for at in 0..series.len() {
        let fed: f64 =
            b.iter().enumerate().filter_map(|(lag, weight)| Some(weight * series[at.checked_sub(lag)?])).sum();
        let back: f64 =
            rest.iter().enumerate().filter_map(|(lag, weight)| Some(weight * output[at.checked_sub(lag + 1)?])).sum();
        output.push((fed - back) / first);
    }
    Value::Dynamic(output.into_iter().map(|number| element(Some(number))).collect())
}

struct Stats {
    least: (usize, f64),
    greatest: (usize, f64),
    mean: f64,
    sum: f64,
    variance: f64,
    count: usize,
}

/// Statistics of `series_stats(series, ignore_nonfinite)`; `None` where values are not finite and not ignored.
fn stats(args: &[Value]) -> Option<Stats> {
    let all = numbers(args, 0)?;
    let finite = |number: &Option<f64>| number.filter(|number| number.is_finite());
    let present: Vec<(usize, f64)> =
        all.iter().enumerate().filter_map(|(at, number)| Some((at, finite(number)?))).collect();
    if present.is_empty() || present.len() < all.len() && flag(args, 1) != Some(true) {
        return None;
    }
    let count = present.len() as f64;
    let sum: f64 = present.iter().map(|(_, number)| number).sum();
    let mean = sum / count;
    let squares: f64 = present.iter().map(|(_, number)| (number - mean).powi(2)).sum();
    let pick = |better: fn(f64, f64) -> bool| {
        present.iter().copied().reduce(|best, next| if better(next.1, best.1) { next } else { best })
    };
    Some(Stats {
        least: pick(|next, best| next < best)?,
        greatest: pick(|next, best| next > best)?,
        mean,
        sum,
        variance: if present.len() > 1 { squares / (count - 1.0) } else { 0.0 },
        count: present.len(),
    })
}

fn points_of(line: &Line) -> Json {
    line.points().map(|number| element(Some(number))).collect()
}

/// The straight line of least squares over the positions of a series.
#[derive(Debug, Clone, Copy)]
pub(super) struct Line {
    pub rsquare: f64,
    pub slope: f64,
    pub interception: f64,
    pub variance: f64,
    pub residual_variance: f64,
    count: usize,
}

impl Line {
    fn through(args: &[Value]) -> Option<Line> {
        let series = whole_series(args, 0)?;
        let points: Vec<(f64, f64)> = series.iter().enumerate().map(|(at, number)| (at as f64, *number)).collect();
        Line::over(&points)
    }

    /// The line through points (place, number); `None` for fewer than two.
    pub(super) fn over(points: &[(f64, f64)]) -> Option<Line> {
        if points.len() < 2 {
            return None;
        }
        let count = points.len() as f64;
        let middle = points.iter().map(|(at, _)| at).sum::<f64>() / count;
        let mean = points.iter().map(|(_, number)| number).sum::<f64>() / count;
        let (mut across, mut along, mut total) = (0.0, 0.0, 0.0);
        for (at, number) in points {
            let offset = at - middle;
            across += offset * (number - mean);
            along += offset * offset;
            total += (number - mean).powi(2);
        }
        let slope = across / along;
        let interception = mean - slope * middle;
        let left: f64 = points.iter().map(|(at, number)| (number - interception - slope * at).powi(2)).sum();
        Some(Line {
            rsquare: if total == 0.0 { 1.0 } else { 1.0 - left / total },
            slope,
            interception,
            variance: total / (count - 1.0),
            residual_variance: left / (count - 1.0),
            count: points.len(),
        })
    }

    /// Its height at a place.
    pub(super) fn at(&self, place: f64) -> f64 {
        self.interception + self.slope * place
    }

    pub(super) fn points(&self) -> impl Iterator<Item = f64> {
        let line = *self;
        (0..self.count).map(move |at| line.at(at as f64))
    }
}
