//! Aggregates that fold values: collections, distinct counts, percentiles, variance, bits.

use std::sync::Arc;

use arrow_array::cast::AsArray;
use arrow_array::{Array, ArrayRef, BinaryArray, BooleanArray};
use arrow_buffer::i256;
use datafusion::error::Result;
use datafusion::logical_expr::{EmitTo, GroupsAccumulator};
use kernel::{ScalarType, Value};
use serde_json::{Map, Value as Json};

use super::super::cells::{Cells, CellsBuilder};
use super::super::{convert, decimal};
use super::distinct::Distinct;
use super::elements::{better, combine, hash_of, merge_bag, ordered, push_element};
use super::folds::Fold;
use super::shape::Shape;
use super::sketch::{Digest, distinct_of, of_distinct};

/// Elements of a collection at most, when the query names no limit.
const MOST_ELEMENTS: usize = 1_048_576;

/// What one group has so far.
#[derive(Debug, Clone)]
enum State {
    Elements {
        all: Vec<Json>,
        seen: Option<hashbrown::HashSet<u64>>,
    },
    Bag(Map<String, Json>),
    Shape(Shape),
    Distinct(Distinct),
    Digest(Digest),
    Numbers(Vec<f64>),
    Ticks(Vec<i64>),
    /// Values in their order as whole numbers (see [`ordered`]), with weights.
    Weighted(Vec<(i64, i64)>),
    Moments {
        count: f64,
        mean: f64,
        squares: f64,
    },
    /// Means of both values and the sum of the products of their distances from them.
    Paired {
        count: f64,
        left: f64,
        right: f64,
        products: f64,
    },
    Total {
        count: i64,
        sum: i256,
    },
    Bits(Option<i64>),
    One(Value),
    Bins(Map<String, Json>),
}

/// The groups of one fold.
#[derive(Debug)]
pub struct FoldGroups {
    fold: Fold,
    args: Vec<ScalarType>,
    parameters: Vec<f64>,
    returns: ScalarType,
    groups: Vec<State>,
    /// Bytes of the groups when they were last added up, and rows since. With many groups, adding up takes as long as a
    /// batch of rows.
    measured: (usize, usize),
}

impl FoldGroups {
    /// No groups yet.
    pub fn new(fold: Fold, args: &[ScalarType], parameters: &[f64], returns: ScalarType) -> FoldGroups {
        FoldGroups {
            fold,
            args: args.to_vec(),
            parameters: parameters.to_vec(),
            returns,
            groups: Vec::new(),
            measured: (0, 0),
        }
    }

    /// Adds up the bytes of the groups when as many rows have come as there are groups.
    fn measure(&mut self, rows: usize) {
        self.measured.1 += rows;
        if self.measured.1 >= self.groups.len() {
            self.measured = (self.bytes(), 0);
        }
    }

    fn bytes(&self) -> usize {
        let state = |state: &State| match state {
            State::Elements { all, .. } => all.len() * 64,
            State::Bag(bag) | State::Bins(bag) => bag.len() * 96,
            State::Shape(shape) => shape.size(),
            State::Distinct(distinct) => distinct.size(),
            State::Digest(digest) => digest.size(),
            State::Numbers(numbers) => numbers.capacity() * 8,
            State::Ticks(ticks) => ticks.capacity() * 8,
            State::Weighted(all) => all.capacity() * 16,
            State::Paired { .. } | State::Moments { .. } | State::Total { .. } | State::Bits(_) | State::One(_) => 0,
        };
        self.groups.iter().map(|group| size_of::<State>() + state(group)).sum()
    }

    fn fresh(&self) -> State {
        let ticks = matches!(
            self.args.first(),
            Some(ScalarType::Long | ScalarType::Int | ScalarType::DateTime | ScalarType::TimeSpan)
        );
        match self.fold {
            Fold::Set => State::Elements { all: Vec::new(), seen: Some(hashbrown::HashSet::new()) },
            Fold::List | Fold::ListWithNulls => State::Elements { all: Vec::new(), seen: None },
            Fold::Bag => State::Bag(Map::new()),
            Fold::Schema => State::Shape(Shape::default()),
            Fold::DistinctCount | Fold::Hll | Fold::HllMerge => State::Distinct(Distinct::default()),
            Fold::Digest | Fold::DigestMerge => State::Digest(Digest::default()),
            Fold::Percentiles | Fold::PercentilesArray if ticks => State::Ticks(Vec::new()),
            Fold::Percentiles | Fold::PercentilesArray => State::Numbers(Vec::new()),
            Fold::WeightedPercentiles | Fold::WeightedPercentilesArray => State::Weighted(Vec::new()),
            Fold::Covariance | Fold::CovarianceP => State::Paired { count: 0.0, left: 0.0, right: 0.0, products: 0.0 },
            Fold::Variance | Fold::VarianceP | Fold::Stdev | Fold::StdevP => {
                State::Moments { count: 0.0, mean: 0.0, squares: 0.0 }
            }
            Fold::MeanTicks => State::Total { count: 0, sum: i256::ZERO },
            Fold::BitAnd | Fold::BitOr | Fold::BitXor => State::Bits(None),
            Fold::Least | Fold::Greatest => State::One(Value::Null),
            Fold::Series => State::Bins(Map::new()),
        }
    }

    fn grow(&mut self, total: usize) {
        let fresh = self.fresh();
        if self.groups.len() < total {
            self.groups.resize(total, fresh);
        }
    }

    fn limit(&self) -> usize {
        self.parameters
            .first()
            .map_or(MOST_ELEMENTS, |limit| if *limit < 0.0 { MOST_ELEMENTS } else { *limit as usize })
    }

    fn add(&self, state: &mut State, cells: &[Cells], row: usize) {
        match state {
            State::Elements { all, seen } => self.collect(all, seen, &cells[0], row),
            State::Bag(bag) => {
                if let Value::Dynamic(Json::Object(members)) = cells[0].value(row) {
                    merge_bag(bag, members, self.limit());
                }
            }
            State::Shape(shape) => {
                if let Value::Dynamic(json) = cells[0].value(row) {
                    shape.admit(&json);
                }
            }
            State::Distinct(_) | State::Digest(_) => self.add_to_sketch(state, cells, row),
            State::Numbers(numbers) => numbers.extend(convert::to_real(&cells[0].value(row))),
            State::Ticks(ticks) => ticks.extend(cells[0].long(row)),
            State::Moments { count, mean, squares } => {
                if let Some(number) = convert::to_real(&cells[0].value(row)) {
                    *count += 1.0;
                    let delta = number - *mean;
                    *mean += delta / *count;
                    *squares += delta * (number - *mean);
                }
            }
            State::Weighted(all) => {
                let value = cells[0].long(row).or_else(|| convert::to_real(&cells[0].value(row)).map(ordered));
                if let (Some(value), Some(weight)) = (value, cells[1].long(row).filter(|weight| *weight > 0)) {
                    all.push((value, weight));
                }
            }
            State::Paired { count, left, right, products } => {
                let pair = (convert::to_real(&cells[0].value(row)), convert::to_real(&cells[1].value(row)));
                if let (Some(x), Some(y)) = pair {
                    *count += 1.0;
                    let from_left = x - *left;
                    *left += from_left / *count;
                    *right += (y - *right) / *count;
                    *products += from_left * (y - *right);
                }
            }
            State::Total { count, sum } => {
                let number = match cells[0].value(row) {
                    Value::Decimal(text) => decimal::parse(&text),
                    _ => cells[0].long(row).map(|ticks| i256::from_i128(i128::from(ticks))),
                };
                if let Some(number) = number {
                    *count += 1;
                    *sum = sum.wrapping_add(number);
                }
            }
            State::Bits(bits) => {
                if let Some(number) = cells[0].long(row) {
                    *bits = Some(bits.map_or(number, |bits| combine(self.fold, bits, number)));
                }
            }
            State::One(best) => better(self.fold, best, cells[0].value(row)),
            State::Bins(bins) => {
                if let Some(bin) = cells[0].long(row) {
                    let json = convert::to_dynamic(&cells[1].value(row)).unwrap_or(Json::Null);
                    bins.insert(bin.to_string(), json);
                }
            }
        }
    }

    fn collect(&self, all: &mut Vec<Json>, seen: &mut Option<hashbrown::HashSet<u64>>, cells: &Cells, row: usize) {
        if all.len() >= self.limit() || cells.is_null(row) && self.fold != Fold::ListWithNulls {
            return;
        }
        match convert::to_dynamic(&cells.value(row)).unwrap_or(Json::Null) {
            // Of arrays, the elements are collected.
            Json::Array(elements) if self.fold != Fold::ListWithNulls => {
                let mut elements = elements.into_iter();
                while let Some(json) = elements.next().filter(|_| all.len() < self.limit()) {
                    push_element(all, seen, json, self.fold);
                }
            }
            json => push_element(all, seen, json, self.fold),
        }
    }

    fn add_to_sketch(&self, state: &mut State, cells: &[Cells], row: usize) {
        match state {
            State::Distinct(distinct) if self.fold == Fold::HllMerge => {
                distinct_of(&cells[0].value(row)).iter().for_each(|other| distinct.merge(&other.to_bytes()));
            }
            State::Distinct(_) if cells[0].is_null(row) => {}
            State::Distinct(distinct) => distinct.add(hash_of(&cells[0], row)),
            State::Digest(digest) if self.fold == Fold::DigestMerge => {
                Digest::of(&cells[0].value(row)).iter().for_each(|other| digest.merge(other));
            }
            State::Digest(digest) => {
                let weight = cells.get(1).map_or(Some(1.0), |weight| convert::to_real(&weight.value(row)));
                digest.add(&cells[0].value(row), cells[0].scalar(), weight.unwrap_or(0.0));
            }
            _ => {}
        }
    }

    /// What a group has, for another machine or the disk; read by [`Self::merge`].
    fn save(state: &State) -> Vec<u8> {
        let json = |json: &Json| json.to_string().into_bytes();
        match state {
            State::Elements { all, .. } => json(&Json::Array(all.clone())),
            State::Bag(bag) | State::Bins(bag) => json(&Json::Object(bag.clone())),
            State::Shape(shape) => shape.write().map(|shape| json(&shape)).unwrap_or_default(),
            State::Distinct(distinct) => distinct.to_bytes(),
            State::Digest(digest) => match digest.to_value() {
                Value::Dynamic(value) => json(&value),
                _ => Vec::new(),
            },
            State::Numbers(numbers) => numbers.iter().flat_map(|number| number.to_le_bytes()).collect(),
            State::Ticks(ticks) => ticks.iter().flat_map(|number| number.to_le_bytes()).collect(),
            State::Moments { count, mean, squares } => {
                [count, mean, squares].iter().flat_map(|number| number.to_le_bytes()).collect()
            }
            State::Weighted(all) => {
                all.iter().flat_map(|(value, weight)| [*value, *weight]).flat_map(i64::to_le_bytes).collect()
            }
            State::Paired { count, left, right, products } => {
                [count, left, right, products].iter().flat_map(|number| number.to_le_bytes()).collect()
            }
            State::Total { count, sum } => count.to_le_bytes().into_iter().chain(sum.to_le_bytes()).collect(),
            State::Bits(bits) => bits.map(|bits| bits.to_le_bytes().to_vec()).unwrap_or_default(),
            State::One(value) => convert::to_dynamic(value).map(|value| json(&value)).unwrap_or_default(),
        }
    }

    fn merge(&self, state: &mut State, bytes: &[u8]) {
        let reals = |bytes: &[u8]| -> Vec<f64> {
            bytes.chunks_exact(8).map(|part| f64::from_le_bytes(part.try_into().unwrap_or_default())).collect()
        };
        let longs = |bytes: &[u8]| -> Vec<i64> {
            bytes.chunks_exact(8).map(|part| i64::from_le_bytes(part.try_into().unwrap_or_default())).collect()
        };
        let json = || serde_json::from_slice::<Json>(bytes).ok();
        match state {
            State::Elements { all, seen } => {
                if let Ok(Json::Array(more)) = serde_json::from_slice(bytes) {
                    for json in more {
                        if all.len() < self.limit() {
                            push_element(all, seen, json, self.fold);
                        }
                    }
                }
            }
            State::Bag(bag) | State::Bins(bag) => {
                if let Ok(Json::Object(members)) = serde_json::from_slice(bytes) {
                    merge_bag(bag, members, usize::MAX);
                }
            }
            State::Shape(shape) => json().iter().for_each(|other| shape.merge(other)),
            State::Distinct(distinct) => distinct.merge(bytes),
            State::Digest(digest) => {
                let other = serde_json::from_slice(bytes).ok().and_then(|json| Digest::of(&Value::Dynamic(json)));
                other.iter().for_each(|other| digest.merge(other));
            }
            State::Numbers(numbers) => numbers.extend(reals(bytes)),
            State::Ticks(ticks) => ticks.extend(longs(bytes)),
            State::Moments { count, mean, squares } => {
                let [more, their_mean, their_squares] = reals(bytes)[..] else { return };
                let total = *count + more;
                if total > 0.0 {
                    let delta = their_mean - *mean;
                    *squares += their_squares + delta * delta * *count * more / total;
                    *mean += delta * more / total;
                    *count = total;
                }
            }
            State::Weighted(all) => all.extend(longs(bytes).chunks_exact(2).map(|pair| (pair[0], pair[1]))),
            State::Paired { count, left, right, products } => {
                let [more, their_left, their_right, their_products] = reals(bytes)[..] else { return };
                let total = *count + more;
                if total > 0.0 {
                    let (x, y) = (their_left - *left, their_right - *right);
                    *products += their_products + x * y * *count * more / total;
                    *left += x * more / total;
                    *right += y * more / total;
                    *count = total;
                }
            }
            State::Total { count, sum } => {
                if let Some((more, rest)) = bytes.split_first_chunk::<8>() {
                    *count += i64::from_le_bytes(*more);
                    let more = rest.first_chunk::<32>().map_or(i256::ZERO, |sum| i256::from_le_bytes(*sum));
                    *sum = sum.wrapping_add(more);
                }
            }
            State::Bits(bits) => {
                if let Some(number) = longs(bytes).first() {
                    *bits = Some(bits.map_or(*number, |bits| combine(self.fold, bits, *number)));
                }
            }
            State::One(best) => json().into_iter().for_each(|json| better(self.fold, best, Value::Dynamic(json))),
        }
    }

    fn finish(&self, state: State) -> Value {
        match state {
            State::Elements { all, .. } => Value::Dynamic(Json::Array(all)),
            State::Bag(bag) => Value::Dynamic(Json::Object(bag)),
            State::Shape(shape) => shape.write().map_or(Value::Null, Value::Dynamic),
            State::Distinct(distinct) if self.fold != Fold::DistinctCount => match distinct.count() {
                0 => Value::Null,
                _ => of_distinct(&distinct),
            },
            State::Distinct(distinct) => Value::Long(distinct.count()),
            State::Digest(digest) if digest.is_empty() => Value::Null,
            State::Digest(digest) => digest.to_value(),
            State::Numbers(mut numbers) => {
                numbers.sort_by(f64::total_cmp);
                self.percentiles(numbers.len(), |at| Value::Real(numbers[at]))
            }
            State::Ticks(mut ticks) => {
                ticks.sort_unstable();
                self.percentiles(ticks.len(), |at| self.of_order(ticks[at]))
            }
            State::Moments { count, squares, .. } => {
                let population = matches!(self.fold, Fold::VarianceP | Fold::StdevP);
                let divisor = if population { count } else { count - 1.0 };
                let variance = if divisor > 0.0 { squares / divisor } else { 0.0 };
                let root = matches!(self.fold, Fold::Stdev | Fold::StdevP);
                Value::Real(if root { variance.sqrt() } else { variance })
            }
            State::Weighted(all) => self.weighted(all),
            State::Paired { count, products, .. } => {
                let divisor = if self.fold == Fold::CovarianceP { count } else { count - 1.0 };
                match (count, divisor) {
                    (0.0, _) => Value::Real(f64::NAN),
                    (_, 0.0) => Value::Real(0.0),
                    _ => Value::Real(products / divisor),
                }
            }
            State::Total { count: 0, .. } => Value::Null,
            State::Total { count, sum } => {
                let mean = sum.wrapping_div(i256::from_i128(i128::from(count)));
                // The mean of ticks is a number of ticks.
                let ticks = || mean.to_i128().and_then(|mean| i64::try_from(mean).ok()).unwrap_or(i64::MAX);
                match self.returns {
                    ScalarType::Decimal => Value::Decimal(decimal::text(mean)),
                    ScalarType::TimeSpan => Value::TimeSpan(ticks()),
                    _ => Value::DateTime(ticks()),
                }
            }
            State::Bits(bits) => bits.map_or(Value::Null, Value::Long),
            State::One(value) => value,
            State::Bins(bins) => self.series(&bins),
        }
    }

    /// The value that lies at this place of the order.
    fn of_order(&self, place: i64) -> Value {
        match self.args.first() {
            Some(ScalarType::DateTime) => Value::DateTime(place),
            Some(ScalarType::TimeSpan) => Value::TimeSpan(place),
            Some(ScalarType::Int | ScalarType::Long) => Value::Long(place),
            _ => Value::Real(f64::from_bits((place ^ (place >> 63 & i64::MAX)) as u64)),
        }
    }

    /// Nearest rank where each value counts as often as its weight says.
    fn weighted(&self, mut all: Vec<(i64, i64)>) -> Value {
        all.sort_unstable();
        let total: i128 = all.iter().map(|(_, weight)| i128::from(*weight)).sum();
        let at = |percent: f64| {
            let rank = (percent / 100.0 * total as f64).ceil().max(1.0);
            let mut below = 0.0;
            let found = all.iter().find(|(_, weight)| {
                below += *weight as f64;
                below >= rank
            });
            found.or(all.last()).map_or(Value::Null, |(value, _)| self.of_order(*value))
        };
        match (self.fold, self.parameters.as_slice()) {
            _ if all.is_empty() => Value::Null,
            (Fold::WeightedPercentiles, [percent]) => at(*percent),
            (_, percents) => Value::Dynamic(
                percents.iter().map(|percent| convert::to_dynamic(&at(*percent)).unwrap_or(Json::Null)).collect(),
            ),
        }
    }

    /// Nearest rank: the value below or at which the given share of values lies.
    fn percentiles(&self, count: usize, value: impl Fn(usize) -> Value) -> Value {
        let at = |percent: f64| {
            let rank = (percent / 100.0 * count as f64).ceil().clamp(1.0, count as f64);
            value(rank as usize - 1)
        };
        if count == 0 {
            return Value::Null;
        }
        match (self.fold, self.parameters.as_slice()) {
            (Fold::Percentiles, [percent]) => at(*percent),
            (_, percents) => Value::Dynamic(
                percents.iter().map(|percent| convert::to_dynamic(&at(*percent)).unwrap_or(Json::Null)).collect(),
            ),
        }
    }

    /// Parameters: number of bins, then the default (absent: null).
    fn series(&self, bins: &Map<String, Json>) -> Value {
        let count = self.parameters.first().map_or(0, |count| *count as i64);
        let whole = matches!(self.args.get(1), Some(ScalarType::Long | ScalarType::Int));
        let default = match self.parameters.get(1) {
            None => Json::Null,
            Some(number) if whole && number.fract() == 0.0 => Json::from(*number as i64),
            Some(number) => convert::to_dynamic(&Value::Real(*number)).unwrap_or(Json::Null),
        };
        let bin = |at: i64| bins.get(&at.to_string()).filter(|json| !json.is_null()).unwrap_or(&default).clone();
        Value::Dynamic((0..count).map(bin).collect())
    }
}

impl GroupsAccumulator for FoldGroups {
    fn update_batch(
        &mut self,
        values: &[ArrayRef],
        group_indices: &[usize],
        opt_filter: Option<&BooleanArray>,
        total_num_groups: usize,
    ) -> Result<()> {
        self.grow(total_num_groups);
        let cells = values
            .iter()
            .zip(&self.args)
            .map(|(array, scalar)| Cells::column(Arc::clone(array), *scalar))
            .collect::<Result<Vec<_>>>()?;
        let mut groups = std::mem::take(&mut self.groups);
        for (row, group) in group_indices.iter().enumerate() {
            if opt_filter.is_none_or(|filter| filter.is_valid(row) && filter.value(row)) {
                self.add(&mut groups[*group], &cells, row);
            }
        }
        self.groups = groups;
        self.measure(group_indices.len());
        Ok(())
    }

    fn evaluate(&mut self, emit_to: EmitTo) -> Result<ArrayRef> {
        if self.groups.is_empty() {
            self.grow(1);
        }
        let states = emit_to.take_needed(&mut self.groups);
        let mut builder = CellsBuilder::new(self.returns);
        states.into_iter().for_each(|state| builder.push(self.finish(state)));
        Ok(builder.finish())
    }

    fn state(&mut self, emit_to: EmitTo) -> Result<Vec<ArrayRef>> {
        if self.groups.is_empty() {
            self.grow(1);
        }
        let states = emit_to.take_needed(&mut self.groups);
        let saved: BinaryArray = states.iter().map(|state| Some(FoldGroups::save(state))).collect();
        Ok(vec![Arc::new(saved)])
    }

    fn merge_batch(&mut self, values: &[ArrayRef], group_indices: &[usize], total_num_groups: usize) -> Result<()> {
        self.grow(total_num_groups);
        let saved = values[0].as_binary::<i32>().clone();
        let mut groups = std::mem::take(&mut self.groups);
        for (row, group) in group_indices.iter().enumerate().filter(|(row, _)| saved.is_valid(*row)) {
            self.merge(&mut groups[*group], saved.value(row));
        }
        self.groups = groups;
        self.measure(group_indices.len());
        Ok(())
    }

    fn convert_to_state(&self, values: &[ArrayRef], opt_filter: Option<&BooleanArray>) -> Result<Vec<ArrayRef>> {
        let rows = values.first().map_or(0, |column| column.len());
        let each: Vec<usize> = (0..rows).collect();
        let mut single = FoldGroups::new(self.fold, &self.args, &self.parameters, self.returns);
        single.update_batch(values, &each, opt_filter, rows)?;
        if rows == 0 {
            return Ok(vec![Arc::new(BinaryArray::from_iter_values(std::iter::empty::<&[u8]>()))]);
        }
        single.state(EmitTo::All)
    }

    fn size(&self) -> usize {
        self.measured.0
    }
}
