//! All rules, and then single rules, over a large segment with dictionaries.

use std::path::Path;

use anyhow::Result;
use arrow_array::RecordBatch;
use serde_json::{Value, json};
use sigma::{Engine, Mappings};

use crate::{events, measure, peer, rules, segment};

/// Rows of a segment.
const ROWS: usize = 1_000_000;

/// Every so many events the peer gets one: it would take minutes over all.
const PEER_STEP: usize = 10;

/// Every so many rules one is taken as the new rule.
const RULE_STEP: usize = 101;

/// Rows of the history that the time of one new rule is told for.
const STORED: f64 = 100e6;

/// Every published simulation as one day of one estate, as it is and repeated to [`ROWS`] rows.
pub fn measure(data: &Path) -> Result<Value> {
    let rules = rules::core(data)?.rules;
    let (mut batches, mut sample, mut seen) = (Vec::new(), Vec::new(), 0);
    for archive in events::archives(data) {
        let mut lines = Vec::new();
        events::read_archive(&archive, &mut lines)?;
        batches.extend(events::batches(&lines));
        for line in &lines {
            if seen % PEER_STEP == 0 {
                sample.push(peer::Event::read(line)?);
            }
            seen += 1;
        }
    }
    let engine = Engine::compile(rules.clone(), &Mappings::shipped());
    let once = segment::merge(&batches, batches.iter().map(RecordBatch::num_rows).sum())?;
    let plain = measure::rate(|| Ok(engine.evaluate(&once.batch)).map(|_| once.events))?;
    let day = segment::merge(&batches, ROWS)?;
    let repeated = measure::rate(|| Ok(engine.evaluate(&day.batch)).map(|_| ROWS))?;
    let mut seconds = Vec::new();
    for rule in rules.iter().step_by(RULE_STEP) {
        let engine = Engine::compile(vec![rule.clone()], &Mappings::shipped());
        seconds.push(STORED / measure::rate(|| Ok(engine.evaluate(&day.batch)).map(|_| ROWS))?);
    }
    seconds.sort_by(f64::total_cmp);
    let engine = peer::engine(&rules)?;
    let theirs = measure::rate(|| {
        peer::matches_routed(&engine, &sample);
        Ok(sample.len())
    })?;
    Ok(json!({
        "rules": rules.len(), "events": once.events, "rows": ROWS, "columns": day.batch.num_columns(),
        "values": once.values, "distinct_texts": once.distinct_texts,
        "events_per_second": plain, "repeated_events_per_second": repeated,
        "single_rules": seconds.len(), "single_median_s": seconds[seconds.len() / 2],
        "single_worst_s": seconds[seconds.len() - 1],
        "peer_events": sample.len(), "peer_events_per_second": theirs,
    }))
}
