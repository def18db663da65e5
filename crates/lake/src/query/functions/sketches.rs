//! What sketches tell: `dcount_hll`, `percentile_tdigest` and their kin.

use kernel::Value;
use serde_json::Value as Json;

use super::{Entry, rows};
use crate::query::aggregate::distinct::Distinct;
use crate::query::aggregate::sketch::{Digest, distinct_of, of_distinct};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    rows("dcount_hll", |args| {
        args.first().and_then(distinct_of).map_or(Value::Null, |distinct| Value::Long(distinct.count()))
    }),
    rows("hll_merge", |args| {
        let mut merged = Distinct::default();
        for distinct in args.iter().filter_map(distinct_of) {
            merged.merge(&distinct.to_bytes());
        }
        of_distinct(&merged)
    }),
    rows("op_hll_common", |args| {
        let all: Option<Vec<Distinct>> = args.iter().map(distinct_of).collect();
        all.map_or(Value::Null, |all| Value::Long(Distinct::common(&all)))
    }),
    rows("tdigest_merge", |args| {
        let mut merged = Digest::default();
        args.iter().filter_map(Digest::of).for_each(|digest| merged.merge(&digest));
        merged.to_value()
    }),
    rows("percentile_tdigest", |args| {
        match (args.first().and_then(Digest::of), args.get(1).and_then(convert::to_real)) {
            (Some(digest), Some(percent)) => {
                convert::to_dynamic(&digest.percentile(percent)).map_or(Value::Null, Value::Dynamic)
            }
            _ => Value::Null,
        }
    }),
    rows("percentiles_array_tdigest", |args| {
        let Some(digest) = args.first().and_then(Digest::of) else { return Value::Null };
        let percents = args[1..].iter().flat_map(|percent| match percent {
            Value::Dynamic(Json::Array(percents)) => percents.iter().filter_map(Json::as_f64).collect(),
            other => convert::to_real(other).into_iter().collect::<Vec<f64>>(),
        });
        let found = percents.map(|percent| convert::to_dynamic(&digest.percentile(percent)).unwrap_or(Json::Null));
        Value::Dynamic(found.collect())
    }),
    rows("rank_tdigest", |args| ranked(args, |below, _| below)),
    rows("percentrank_tdigest", |args| ranked(args, |below, total| below / total * 100.0)),
];

fn ranked(args: &[Value], of: fn(f64, f64) -> f64) -> Value {
    let found = args.first().and_then(Digest::of).and_then(|digest| digest.rank(args.get(1)?));
    found.filter(|(_, total)| *total > 0.0).map_or(Value::Null, |(below, total)| Value::Real(of(below, total)))
}
