//! `editor SCHEMAS.json QUERIES.jsonl`: how long an editor waits for its answer, one JSON object.
//!
//! One answer is what the server gives after a key was pressed: findings, colours, completions and the word under the caret,
//! each from the whole text. The caret stands behind every bar of every query, and at its end.
#![expect(clippy::print_stdout, reason = "it prints what it measured")]

use std::collections::HashMap;
use std::hint::black_box;
use std::time::Instant;

use kernel::schema::{ColumnSchema, TableSchema};
use kql::catalog::Catalog;
use serde_json::{Map, Value, json};

/// The allocator of the program.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [schemas, queries] = arguments.as_slice() else { return Err("editor SCHEMAS.json QUERIES.jsonl".into()) };
    let catalog = catalog(&std::fs::read_to_string(schemas)?)?;
    let lines = std::fs::read_to_string(queries)?;
    let (mut answers_ms, mut longest) = (Vec::new(), 0);
    for line in lines.lines() {
        let record: Value = serde_json::from_str(line)?;
        let text = record["query"].as_str().unwrap_or_default();
        longest = longest.max(text.len());
        let bars = text.match_indices('|').map(|(at, _)| at + 1);
        for caret in bars.chain([text.len()]) {
            let start = stopwatch();
            answer(text, caret, &catalog);
            answers_ms.push(start.elapsed().as_secs_f64() * 1e3);
        }
    }
    answers_ms.sort_by(f64::total_cmp);
    let at = |share: f64| answers_ms[((answers_ms.len() - 1) as f64 * share) as usize];
    let found = json!({
        "queries": lines.lines().count(),
        "tables": catalog.tables().count(),
        "longest_bytes": longest,
        "answers": answers_ms.len(),
        "median_ms": at(0.5),
        "p99_ms": at(0.99),
        "worst_ms": at(1.0),
    });
    println!("{found}");
    Ok(())
}

fn answer(text: &str, caret: usize, catalog: &Catalog) {
    black_box(kql::compile(text, catalog));
    black_box(kql::classify(text, catalog));
    black_box(kql::complete(text, caret, catalog));
    black_box(kql::hover(text, caret, catalog));
}

fn catalog(schemas: &str) -> serde_json::Result<Catalog> {
    let tables: HashMap<String, Map<String, Value>> = serde_json::from_str(schemas)?;
    let typed = |(name, scalar)| Some(ColumnSchema { name, scalar: serde_json::from_value(scalar).ok()? });
    let tables = tables
        .into_iter()
        .map(|(name, columns)| TableSchema { name, columns: columns.into_iter().filter_map(typed).collect() });
    Ok(Catalog::new(tables).with_shipped_functions())
}

#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
fn stopwatch() -> Instant {
    Instant::now()
}
