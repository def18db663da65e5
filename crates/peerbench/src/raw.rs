//! Raw bytes in, explained alerts out.

use std::path::Path;

use anyhow::Result;
use intake::Format;
use serde_json::{Value, json};
use sigma::{Engine, Mappings};

use crate::{events, measure, peer, rules};

/// Lines of a delivery, 2 MB: what a busy collector sends at once.
const DELIVERY_LINES: usize = 1_000;

/// Ours: decode to field columns, evaluate, explain each hit; and the same with the rows for the lake's tables. The
/// peer's: serde_json and evaluate.
pub fn measure(data: &Path) -> Result<Value> {
    let lines = events::standard(data)?;
    let rules = rules::core(data)?.rules;
    let deliveries = events::deliveries(&lines, DELIVERY_LINES);
    let engine = Engine::compile(rules.clone(), &Mappings::shipped());
    let mut alerts = 0;
    let mut all = |rows: bool| {
        measure::rate(|| {
            alerts = deliveries.iter().map(|delivery| alerts_of(&engine, delivery, rows)).sum::<Result<usize>>()?;
            Ok(lines.len())
        })
    };
    let (ours, with_rows) = (all(false)?, all(true)?);
    let decoding = measure::rate(|| {
        let records = |delivery: &String| events::decoded(delivery.as_bytes(), Format::WindowsJson, false).accepted;
        Ok(usize::try_from(deliveries.iter().map(records).sum::<u64>())?)
    })?;
    let engine = peer::engine(&rules)?;
    let theirs = measure::rate(|| {
        for line in &lines {
            peer::matches_routed(&engine, &[peer::Event::read(line)?]);
        }
        Ok(lines.len())
    })?;
    Ok(json!({
        "rules": rules.len(), "events": lines.len(), "delivery_lines": DELIVERY_LINES,
        "event_bytes": lines.iter().map(String::len).sum::<usize>() / lines.len(),
        "alerts": alerts, "events_per_second": ours, "rows_events_per_second": with_rows,
        "decode_events_per_second": decoding,
        "peer_events_per_second": theirs,
    }))
}

fn alerts_of(engine: &Engine, delivery: &str, rows: bool) -> Result<usize> {
    let decoded = events::decoded(delivery.as_bytes(), Format::WindowsJson, rows);
    let columns = &decoded.events.columns;
    let mut alerts = 0;
    for hit in engine.evaluate(columns).hits {
        alerts += usize::from(engine.explain(hit.rule as usize, columns, hit.row as usize)?.is_some());
    }
    Ok(alerts)
}
