//! What one more rule costs.

use std::path::Path;

use anyhow::Result;
use serde_json::{Value, json};
use sigma::{Engine, Mappings};

use crate::{events, measure, peer, rules};

const COUNTS: [usize; 5] = [100, 300, 1_000, 3_000, 10_000];

/// The same events with more and more rules.
pub fn measure(data: &Path) -> Result<Value> {
    let lines = events::standard(data)?;
    let batches = events::batches(&lines);
    let known = rules::active(data)?.rules;
    let parsed: Vec<peer::Event> = lines.iter().map(|line| peer::Event::read(line)).collect::<Result<_>>()?;
    let mut points = Vec::new();
    for count in COUNTS {
        let rules = rules::many(&known, count);
        let engine = Engine::compile(rules.clone(), &Mappings::shipped());
        let ours = measure::rate(|| {
            batches.iter().for_each(|batch| drop(engine.evaluate(batch)));
            Ok(lines.len())
        })?;
        // The peer reads texts, and variants have none of their own.
        let theirs = if count <= known.len() {
            let engine = peer::engine(&rules)?;
            let rate = measure::rate(|| {
                peer::matches_routed(&engine, &parsed);
                Ok(lines.len())
            });
            Some(rate?)
        } else {
            None
        };
        points.push(json!({ "rules": count, "events_per_second": ours, "peer_events_per_second": theirs }));
    }
    Ok(json!({ "published_rules": known.len(), "events": lines.len(), "points": points }))
}
