//! Sketches as values: what `hll()` and `tdigest()` give, to be merged and asked later.
//!
//! In the language they are opaque. Ours are dynamic arrays whose first element tells the kind: `["hll", bytes]` with the
//! bytes of [`Distinct`] in base64, and `["tdigest", type, values, weights]`, values in order.

use kernel::{ScalarType, Value};
use serde_json::{Value as Json, json};

use super::super::convert;
use super::super::functions::{decode_base64, encode_base64, scalar_named};
use super::distinct::Distinct;

/// Values that a digest keeps apart; beyond, neighbours share one.
const CENTROIDS: usize = 2_000;

/// A count of distinct values as a value.
pub fn of_distinct(distinct: &Distinct) -> Value {
    Value::Dynamic(json!(["hll", encode_base64(&distinct.to_bytes())]))
}

/// The reverse of [`of_distinct`]; `None` for any other value.
pub fn distinct_of(value: &Value) -> Option<Distinct> {
    let Value::Dynamic(Json::Array(parts)) = value else { return None };
    let [Json::String(kind), Json::String(bytes)] = parts.as_slice() else { return None };
    if kind != "hll" {
        return None;
    }
    let mut distinct = Distinct::default();
    distinct.merge(&decode_base64(bytes)?);
    Some(distinct)
}

/// Values with weights, in order. Exact while there are few different ones.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct Digest {
    /// The type of the values; `None` while there is none.
    scalar: Option<ScalarType>,
    points: Vec<(Place, f64)>,
    /// Points that were sorted and merged; the rest came later.
    settled: usize,
}

/// A value in its order.
#[derive(Debug, Clone, Copy, PartialEq, PartialOrd)]
enum Place {
    Whole(i64),
    Real(f64),
}

impl Place {
    fn of(value: &Value) -> Option<Place> {
        Some(match value {
            Value::Long(number) | Value::DateTime(number) | Value::TimeSpan(number) => Place::Whole(*number),
            Value::Int(number) => Place::Whole(i64::from(*number)),
            other => Place::Real(convert::to_real(other).filter(|number| !number.is_nan())?),
        })
    }

    fn real(self) -> f64 {
        match self {
            Place::Whole(number) => number as f64,
            Place::Real(number) => number,
        }
    }

    fn order(&self, other: &Place) -> std::cmp::Ordering {
        match (self, other) {
            (Place::Whole(left), Place::Whole(right)) => left.cmp(right),
            (left, right) => left.real().total_cmp(&right.real()),
        }
    }

    /// The mean of two values with weights.
    fn between(self, weight: f64, other: Place, other_weight: f64) -> Place {
        let share = other_weight / (weight + other_weight);
        match (self, other) {
            (Place::Whole(left), Place::Whole(right)) => {
                let distance = (i128::from(right) - i128::from(left)) as f64;
                Place::Whole(left.saturating_add((distance * share).round() as i64))
            }
            (left, right) => Place::Real(left.real() + (right.real() - left.real()) * share),
        }
    }
}

impl Digest {
    /// Adds a value of type `scalar` that counts `weight` times; null and weights that are not above 0 count nothing.
    pub fn add(&mut self, value: &Value, scalar: ScalarType, weight: f64) {
        if let Some(place) = Place::of(value).filter(|_| weight > 0.0) {
            self.scalar.get_or_insert(scalar);
            self.points.push((place, weight));
            if self.points.len() > self.settled + 2 * CENTROIDS {
                self.settle();
            }
        }
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Digest) {
        self.scalar = self.scalar.or(other.scalar);
        self.points.extend(&other.points);
        self.settle();
    }

    /// Sorts, puts equal values together, and has neighbours share a value where there are too many: the less the closer
    /// they are to an end, so that extreme percentiles stay sharp.
    pub fn settle(&mut self) {
        self.points.sort_by(|(left, _), (right, _)| left.order(right));
        self.points.dedup_by(|(place, weight), (kept, kept_weight)| {
            let same = place.order(kept).is_eq();
            if same {
                *kept_weight += *weight;
            }
            same
        });
        if self.points.len() > CENTROIDS {
            self.compress();
        }
        self.settled = self.points.len();
    }

    fn compress(&mut self) {
        let total: f64 = self.points.iter().map(|(_, weight)| weight).sum();
        // The scale function k1 of T. Dunning's t-digest.
        let scale = |share: f64| {
            CENTROIDS as f64 / 2.0 * ((2.0 * share - 1.0).clamp(-1.0, 1.0).asin() / std::f64::consts::PI + 0.5)
        };
        let mut merged: Vec<(Place, f64)> = Vec::with_capacity(CENTROIDS);
        let mut before = 0.0;
        for (place, weight) in std::mem::take(&mut self.points) {
            match merged.last_mut() {
                Some((last, own)) if scale((before + *own + weight) / total) - scale(before / total) <= 1.0 => {
                    *last = last.between(*own, place, weight);
                    *own += weight;
                }
                last => {
                    before += last.map_or(0.0, |(_, own)| *own);
                    merged.push((place, weight));
                }
            }
        }
        self.points = merged;
    }

    /// The value at or below which `percent` of the weights lie (nearest rank); null of nothing. Settled.
    pub fn percentile(&self, percent: f64) -> Value {
        let total: f64 = self.points.iter().map(|(_, weight)| weight).sum();
        let rank = (percent / 100.0 * total).ceil().max(f64::MIN_POSITIVE);
        let mut below = 0.0;
        let found = self.points.iter().find(|(_, weight)| {
            below += weight;
            below >= rank
        });
        match (found.or(self.points.last()), self.scalar) {
            (Some((Place::Whole(place), _)), Some(ScalarType::DateTime)) => Value::DateTime(*place),
            (Some((Place::Whole(place), _)), Some(ScalarType::TimeSpan)) => Value::TimeSpan(*place),
            (Some((Place::Whole(place), _)), _) => Value::Long(*place),
            (Some((Place::Real(place), _)), _) => Value::Real(*place),
            (None, _) => Value::Null,
        }
    }

    /// The weight of the values up to `value`, and of all; a value between two stands as far as the lower one.
    pub fn rank(&self, value: &Value) -> Option<(f64, f64)> {
        let wanted = Place::of(value)?;
        let total = self.points.iter().map(|(_, weight)| weight).sum();
        let below = self.points.iter().take_while(|(place, _)| place.order(&wanted).is_le()).map(|(_, weight)| weight);
        Some((below.sum(), total))
    }

    /// Was nothing added?
    pub fn is_empty(&self) -> bool {
        self.points.is_empty()
    }

    /// The digest as a value.
    pub fn to_value(&self) -> Value {
        let mut settled = self.clone();
        settled.settle();
        let place = |(place, _): &(Place, f64)| match place {
            Place::Whole(number) => Json::from(*number),
            Place::Real(number) => Json::from(*number),
        };
        let places: Vec<Json> = settled.points.iter().map(place).collect();
        let weights: Vec<Json> = settled.points.iter().map(|(_, weight)| Json::from(*weight)).collect();
        let scalar = settled.scalar.map_or("null", ScalarType::as_str);
        Value::Dynamic(json!(["tdigest", scalar, places, weights]))
    }

    /// The reverse of [`Self::to_value`]; `None` for any other value.
    pub fn of(value: &Value) -> Option<Digest> {
        let Value::Dynamic(Json::Array(parts)) = value else { return None };
        let [Json::String(kind), Json::String(scalar), Json::Array(places), Json::Array(weights)] = parts.as_slice()
        else {
            return None;
        };
        if kind != "tdigest" || places.len() != weights.len() {
            return None;
        }
        let whole = !matches!(scalar.as_str(), "real" | "decimal");
        let mut points = Vec::with_capacity(places.len());
        for (place, weight) in places.iter().zip(weights) {
            let place = match place.as_i64().filter(|_| whole) {
                Some(number) => Place::Whole(number),
                None => Place::Real(place.as_f64()?),
            };
            points.push((place, weight.as_f64()?));
        }
        Some(Digest { scalar: scalar_named(scalar), settled: points.len(), points })
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.points.capacity() * size_of::<(Place, f64)>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// The slow twin: all values, sorted.
    fn exact(values: &[(f64, u8)], percent: f64) -> f64 {
        let mut all: Vec<f64> = values.iter().flat_map(|(value, weight)| vec![*value; usize::from(*weight)]).collect();
        all.sort_by(f64::total_cmp);
        let rank = (percent / 100.0 * all.len() as f64).ceil().max(1.0);
        all[rank as usize - 1]
    }

    proptest! {
        #[test]
        fn a_digest_of_few_values_is_exact(
            values in proptest::collection::vec((-1e6..1e6_f64, 1_u8..5), 1..200),
            split in 0_usize..200,
            percent in 0.0..100.0_f64,
        ) {
            let mut parts = [Digest::default(), Digest::default()];
            for (at, (value, weight)) in values.iter().enumerate() {
                parts[usize::from(at >= split)].add(&Value::Real(*value), ScalarType::Real, f64::from(*weight));
            }
            let mut whole = Digest::of(&parts[0].to_value()).unwrap();
            whole.merge(&parts[1]);
            prop_assert_eq!(whole.percentile(percent), Value::Real(exact(&values, percent)));
        }
    }

    #[test]
    fn a_digest_of_many_values_is_near_and_sharp_at_the_ends() {
        let mut digest = Digest::default();
        for number in 0..200_000_i64 {
            digest.add(&Value::Long(number * 7_919 % 200_000), ScalarType::Long, 1.0);
        }
        let digest = Digest::of(&digest.to_value()).unwrap();
        for (percent, within) in [(0.1, 40), (1.0, 120), (50.0, 600), (99.0, 120), (99.9, 40)] {
            let Value::Long(found) = digest.percentile(percent) else { panic!("a long") };
            let exact = (percent / 100.0 * 200_000.0) as i64;
            assert!((found - exact).abs() < within, "{percent}: {found} {exact}");
        }
    }
}
