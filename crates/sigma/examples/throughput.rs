//! How fast the engine is on columns that are already built: `throughput RULES.. -- EVENTS.ndjson [rows per batch]`.
//!
//! Prints load and compile times, the size of the engine, and events per second of processor time on one core, three
//! times over all batches.

use std::collections::BTreeMap;
use std::path::PathBuf;
use std::sync::Arc;

use arrow_array::builder::StringDictionaryBuilder;
use arrow_array::types::UInt32Type;
use arrow_array::{ArrayRef, RecordBatch};
use arrow_schema::{Field, Schema};
use kernel::Clock;
use kernel::time::SystemClock;
use serde_json::Value;
use sigma::{Engine, Lists, Mappings};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let mut halves = arguments.split(|argument| argument == "--");
    let paths: Vec<PathBuf> = halves.next().unwrap_or_default().iter().map(PathBuf::from).collect();
    let Some([events, rest @ ..]) = halves.next() else {
        return Err("usage: throughput RULES.. -- EVENTS.ndjson [rows per batch]".into());
    };
    let rows: usize = rest.first().map_or(Ok(8_192), |rows| rows.parse())?;

    let clock = SystemClock::new();
    let start = clock.monotonic_us();
    let set = sigma::load(&paths, &Lists::new());
    println!(
        "load: {} ms, {} rules, {} problems",
        (clock.monotonic_us() - start) / 1_000,
        set.rules.len(),
        set.problems.len()
    );
    let start = clock.monotonic_us();
    let engine = Engine::compile(set.rules, &Mappings::shipped());
    println!("compile: {} ms, {:?}", (clock.monotonic_us() - start) / 1_000, engine.size());

    let text = std::fs::read_to_string(events)?;
    let events: Vec<Value> = text.lines().map(serde_json::from_str).collect::<Result<_, _>>()?;
    let batches: Vec<RecordBatch> = events.chunks(rows).map(columns).collect::<Result<_, _>>()?;
    for run in 1..=3 {
        let (start, cpu_start) = (clock.monotonic_us(), cpu_us());
        let hits: usize = batches.iter().map(|batch| engine.evaluate(batch).hits.len()).sum();
        let elapsed_us = clock.monotonic_us() - start;
        let spent_us = cpu_start.zip(cpu_us()).map_or(elapsed_us, |(start, end)| end - start);
        let rate = events.len() as f64 * 1e6 / spent_us as f64;
        println!(
            "run {run}: {} events in {} batches, {hits} hits, {elapsed_us} us, of which {spent_us} us on the processor: \
             {rate:.0} events/s",
            events.len(),
            batches.len()
        );
    }
    Ok(())
}

/// Time that this thread has spent on a processor, where the system tells: on a busy machine it is what counts.
fn cpu_us() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split_whitespace().next()?.parse::<u64>().ok().map(|spent_ns| spent_ns / 1_000)
}

/// Flat events as dictionary columns.
fn columns(events: &[Value]) -> Result<RecordBatch, Box<dyn std::error::Error>> {
    let mut builders: BTreeMap<String, StringDictionaryBuilder<UInt32Type>> = BTreeMap::new();
    for (row, event) in events.iter().enumerate() {
        for (name, value) in event.as_object().into_iter().flatten() {
            let builder = builders.entry(name.replace(' ', "")).or_default();
            while arrow_array::builder::ArrayBuilder::len(builder) < row {
                builder.append_null();
            }
            if arrow_array::builder::ArrayBuilder::len(builder) > row {
                continue;
            }
            match value {
                Value::Null => builder.append_null(),
                Value::String(text) => builder.append_value(text),
                other => builder.append_value(other.to_string()),
            }
        }
    }
    let mut fields = Vec::new();
    let mut arrays: Vec<ArrayRef> = Vec::new();
    for (name, mut builder) in builders {
        while arrow_array::builder::ArrayBuilder::len(&builder) < events.len() {
            builder.append_null();
        }
        let array: ArrayRef = Arc::new(builder.finish());
        fields.push(Field::new(name, array.data_type().clone(), true));
        arrays.push(array);
    }
    Ok(RecordBatch::try_new(Arc::new(Schema::new(fields)), arrays)?)
}
