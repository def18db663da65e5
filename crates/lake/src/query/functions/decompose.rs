//! A series as season, trend and rest; its forecast and its anomalies.
//!
//! In the order that the language documents: the season is the median of the elements in the same phase, the trend
//! is found in what the season leaves, the baseline is their sum, the residual what the baseline leaves.

use kernel::Value;
use serde_json::{Value as Json, json};

use super::outliers::Fence;
use super::periods::{finite, periods};
use super::series::element;
use super::signals::Line;
use super::{BadValue, Entry, tried};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    tried("series_decompose", |args| {
        let model = Model::given("series_decompose", args, Places { season: 1, trend: 2, held_out: 3, threshold: 4 })?;
        let Some(parts) = finite(args, 0).and_then(|series| model.parts(&series)) else { return Ok(Value::Null) };
        Ok(Value::Dynamic(json!([
            listed(&parts.baseline),
            listed(&parts.seasonal),
            listed(&parts.trend),
            parts.residual.iter().copied().map(element).collect::<Json>(),
        ])))
    }),
    tried("series_decompose_forecast", |args| {
        let places = Places { season: 2, trend: 3, held_out: 1, threshold: 4 };
        let model = Model::given("series_decompose_forecast", args, places)?;
        let parts = finite(args, 0).and_then(|series| model.parts(&series));
        Ok(parts.map_or(Value::Null, |parts| Value::Dynamic(listed(&parts.baseline))))
    }),
    tried("series_decompose_anomalies", anomalies),
    tried("series_seasonal", |args| {
        let Some(series) = finite(args, 0) else { return Ok(Value::Null) };
        let season = Season::given("series_seasonal", args.get(1))?;
        Ok(Value::Dynamic(listed(&season.of(&series, series.len(), SEASONAL_THRESHOLD))))
    }),
];

/// The least score of a season that `series_seasonal` detects.
const SEASONAL_THRESHOLD: f64 = 0.7;
/// The least score of a season that the other functions detect, unless told.
const THRESHOLD: f64 = 0.6;

/// `series_decompose_anomalies(series, threshold, season, trend, held out, method, season's threshold)`: flags, scores
/// and baseline.
fn anomalies(args: &[Value]) -> Result<Value, BadValue> {
    const NAME: &str = "series_decompose_anomalies";
    let model = Model::given(NAME, args, Places { season: 2, trend: 3, held_out: 4, threshold: 6 })?;
    let fence = Fence::given(NAME, args, 5, None)?;
    let threshold = args.get(1).and_then(convert::to_real).unwrap_or(1.5);
    let Some(series) = finite(args, 0) else { return Ok(Value::Null) };
    let Some(mut parts) = model.parts(&series) else { return Ok(Value::Null) };
    // Without this the rounding of a series that its baseline explains wholly would have outliers.
    let rounding = series.iter().flatten().fold(0.0_f64, |most, number| most.max(number.abs())) * 1e-12;
    parts.residual.iter_mut().flatten().filter(|rest| rest.abs() <= rounding).for_each(|rest| *rest = 0.0);
    let scores = fence.scores(&parts.residual);
    let flags: Json = scores
        .iter()
        .map(|score| match *score {
            score if score > threshold => 1,
            score if score < -threshold => -1,
            _ => 0,
        })
        .collect();
    Ok(Value::Dynamic(json!([flags, listed(&scores), listed(&parts.baseline)])))
}

fn listed(numbers: &[f64]) -> Json {
    numbers.iter().map(|number| element(Some(*number))).collect()
}

/// How a season is found.
#[derive(Debug, Clone, Copy)]
enum Season {
    Detected,
    None,
    /// Elements.
    Length(usize),
}

impl Season {
    fn given(function: &str, argument: Option<&Value>) -> Result<Season, BadValue> {
        match argument.and_then(convert::to_long) {
            None | Some(-1) => Ok(Season::Detected),
            Some(0) => Ok(Season::None),
            Some(length) => usize::try_from(length).map(Season::Length).map_err(|_| {
                BadValue(format!(
                    "{function}: the season is a number of elements, -1 (to be found) or 0 (none), not {length}"
                ))
            }),
        }
    }

    /// The seasonal part of `length` elements, learned from `known`.
    fn of(self, known: &[Option<f64>], length: usize, threshold: f64) -> Vec<f64> {
        let period = match self {
            Season::None => None,
            Season::Length(period) => Some(period),
            Season::Detected => {
                periods(&level(known)).first().filter(|best| best.score >= threshold).map(|best| best.length)
            }
        };
        let Some(period) = period else { return vec![0.0; length] };
        let phases: Vec<f64> = (0..period.min(length))
            .map(|phase| median(known.iter().skip(phase).step_by(period).flatten().copied().collect()))
            .collect();
        (0..length).map(|at| phases[at % period]).collect()
    }
}

/// `series` less the line through it: a trend would hide the season.
fn level(series: &[Option<f64>]) -> Vec<Option<f64>> {
    let line = Trend::Line.of(series, series.len());
    series.iter().zip(line).map(|(number, line)| Some((*number)? - line)).collect()
}

/// The middle of `numbers`, or between the two middle ones; 0 of nothing.
fn median(mut numbers: Vec<f64>) -> f64 {
    numbers.sort_by(f64::total_cmp);
    let Some(last) = numbers.len().checked_sub(1) else { return 0.0 };
    f64::midpoint(numbers[last / 2], numbers[numbers.len() / 2])
}

#[derive(Debug, Clone, Copy)]
enum Trend {
    Average,
    Line,
    None,
}

impl Trend {
    fn given(function: &str, argument: Option<&Value>) -> Result<Trend, BadValue> {
        match argument {
            None | Some(Value::Null) => Ok(Trend::Average),
            Some(Value::String(name)) => match name.as_str() {
                "" | "avg" => Ok(Trend::Average),
                "linefit" => Ok(Trend::Line),
                "none" => Ok(Trend::None),
                other => Err(BadValue(format!("{function}: the trend is 'avg', 'linefit' or 'none', not '{other}'"))),
            },
            Some(_) => Err(BadValue(format!("{function}: the trend is 'avg', 'linefit' or 'none'"))),
        }
    }

    /// The trend of `length` elements, learned from `known`.
    fn of(self, known: &[Option<f64>], length: usize) -> Vec<f64> {
        let points: Vec<(f64, f64)> =
            known.iter().enumerate().filter_map(|(at, number)| Some((at as f64, (*number)?))).collect();
        let average = points.iter().map(|(_, number)| number).sum::<f64>() / points.len() as f64;
        match self {
            Trend::None => vec![0.0; length],
            _ if points.is_empty() => vec![0.0; length],
            Trend::Average => vec![average; length],
            Trend::Line => match Line::over(&points) {
                Some(line) => (0..length).map(|at| line.at(at as f64)).collect(),
                None => vec![average; length],
            },
        }
    }
}

/// Where the arguments of a function lie.
struct Places {
    season: usize,
    trend: usize,
    held_out: usize,
    threshold: usize,
}

/// What is looked for.
#[derive(Debug, Clone, Copy)]
struct Model {
    season: Season,
    trend: Trend,
    /// Elements at the end that nothing is learned from.
    held_out: usize,
    threshold: f64,
}

#[derive(Debug)]
struct Parts {
    baseline: Vec<f64>,
    seasonal: Vec<f64>,
    trend: Vec<f64>,
    residual: Vec<Option<f64>>,
}

impl Model {
    fn given(function: &str, args: &[Value], places: Places) -> Result<Model, BadValue> {
        let held_out = args.get(places.held_out).and_then(convert::to_long).unwrap_or(0);
        Ok(Model {
            season: Season::given(function, args.get(places.season))?,
            trend: Trend::given(function, args.get(places.trend))?,
            held_out: usize::try_from(held_out)
                .map_err(|_| BadValue(format!("{function}: {held_out} elements cannot be left out")))?,
            threshold: args.get(places.threshold).and_then(convert::to_real).unwrap_or(THRESHOLD),
        })
    }

    /// `None` where nothing is left to learn from.
    fn parts(self, series: &[Option<f64>]) -> Option<Parts> {
        let length = series.len();
        let known = series.get(..length.checked_sub(self.held_out).filter(|known| *known > 0)?)?;
        let seasonal = self.season.of(known, length, self.threshold);
        let rest: Vec<Option<f64>> =
            known.iter().zip(&seasonal).map(|(number, season)| Some((*number)? - season)).collect();
        let trend = self.trend.of(&rest, length);
        let baseline: Vec<f64> = seasonal.iter().zip(&trend).map(|(season, trend)| season + trend).collect();
        let residual = series.iter().zip(&baseline).map(|(number, baseline)| Some((*number)? - baseline)).collect();
        Some(Parts { baseline, seasonal, trend, residual })
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    proptest! {
        #[test]
        fn the_parts_add_up(
            series in prop::collection::vec(prop::option::weighted(0.9, -50.0_f64..50.0), 1..80),
            season in -1_i64..9,
            trend in 0_usize..3,
            held_out in 0_usize..20,
        ) {
            let season = Season::given("", Some(&Value::Long(season))).unwrap();
            let trend = [Trend::Average, Trend::Line, Trend::None][trend];
            let Some(parts) = Model { season, trend, held_out, threshold: 0.6 }.parts(&series) else {
                prop_assert!(held_out >= series.len());
                return Ok(());
            };
            for (at, number) in series.iter().enumerate() {
                prop_assert_eq!(parts.baseline[at], parts.seasonal[at] + parts.trend[at]);
                prop_assert_eq!(parts.residual[at].is_some(), number.is_some());
                if let (Some(rest), Some(number)) = (parts.residual[at], number) {
                    prop_assert!((rest + parts.baseline[at] - number).abs() < 1e-9);
                }
            }
        }

        #[test]
        fn what_is_held_out_teaches_nothing(
            series in prop::collection::vec(-50.0_f64..50.0, 12..60),
            other in -500.0_f64..500.0,
        ) {
            let model = Model { season: Season::Length(3), trend: Trend::Line, held_out: 4, threshold: 0.6 };
            let given: Vec<Option<f64>> = series.iter().copied().map(Some).collect();
            let mut changed = given.clone();
            changed.iter_mut().rev().take(4).for_each(|element| *element = Some(other));
            prop_assert_eq!(model.parts(&given).unwrap().baseline, model.parts(&changed).unwrap().baseline);
        }
    }
}
