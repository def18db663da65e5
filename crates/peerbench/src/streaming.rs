//! Field columns that are already built, batch by batch.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use sigma::{Engine, Mappings};

use crate::{events, measure, peer, rules};

/// Both engines on the standard events, ours as columns, the peer's as parsed JSON.
pub fn measure(data: &Path) -> Result<Value> {
    let lines = events::standard(data)?;
    let rules = rules::core(data)?.rules;
    let batches = events::batches(&lines);
    let engine = Engine::compile(rules.clone(), &Mappings::shipped());
    let mut hits = 0;
    let ours = measure::rate(|| {
        hits = batches.iter().map(|batch| engine.evaluate(batch).hits.len()).sum();
        Ok(lines.len())
    })?;
    let engine = peer::engine(&rules)?;
    let parsed: Vec<peer::Event> = lines.iter().map(|line| peer::Event::read(line)).collect::<Result<_>>()?;
    let mut matches = 0;
    let theirs = measure::rate(|| {
        matches = peer::matches(&engine, &parsed);
        Ok(lines.len())
    })?;
    let routed = measure::rate(|| {
        peer::matches_routed(&engine, &parsed);
        Ok(lines.len())
    })?;
    Ok(json!({
        "rules": rules.len(), "events": lines.len(), "batch_rows": events::BATCH_ROWS,
        "hits": hits, "events_per_second": ours,
        "peer_matches": matches, "peer_events_per_second": theirs, "peer_routed_events_per_second": routed,
    }))
}
