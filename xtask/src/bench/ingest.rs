//! NDJSON over HTTP until durable and queryable, with every Sigma rule on.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::Duration;

use anyhow::{Context, Result};

use super::input::{self, Scratch};
use super::report::Section;
use crate::api::{Api, SourceToken};
use crate::platform::{self, Platform, Profile};

const SECONDS: u64 = 30;
const BATCH_LINES: usize = 2_000;
const CLIENTS: usize = 2;

/// Delivers the input over and over for half a minute, then measures how soon one more batch can be asked for.
pub fn run() -> Result<Section> {
    let binary = platform::build(Profile::Release)?;
    let scratch = Scratch::new("ingest")?;
    let events = input::windows_events()?;
    let rules: Vec<String> = input::sigma_rules().iter().map(|path| path.display().to_string()).collect();
    let config = scratch.0.join("vigie.toml");
    std::fs::write(&config, format!("[detect]\nsigma_rules = {rules:?}\n"))?;
    let mut running = Platform::start(&binary, &scratch.0, 0)?;
    running.setup()?;
    let token = running.api.connect_source("bench", "windows-json")?;
    let batches: Vec<String> = events.lines.chunks(BATCH_LINES).map(|lines| lines.join("\n") + "\n").collect();
    let sent = AtomicUsize::new(0);
    let started = input::stopwatch();
    std::thread::scope(|scope| {
        let clients: Vec<_> =
            (0..CLIENTS).map(|_| scope.spawn(|| client(&running.url, &token, &batches, &sent))).collect();
        clients.into_iter().try_for_each(|client| client.join().expect("a client does not panic"))
    })?;
    let seconds = started.elapsed().as_secs_f64();
    let accepted = sent.load(Ordering::Relaxed);
    let (_, peak_mib) = input::memory_mib(running.process_id());
    let delay_ms = queryable_after_ms(&running.api, &token)?;
    Ok(Section {
        name: "ingest",
        what: format!(
            "{} ({} bytes an event) posted in batches of {BATCH_LINES} by {CLIENTS} clients on the same machine for {SECONDS} s, {} folders of Sigma rules on. \
             An event counts when its receipt came: durable and queryable.",
            events.name,
            events.mean_bytes(),
            rules.len()
        ),
        rows: vec![
            ["events/s, sustained".into(), "≥ 40,000".into(), format!("{:.0}", accepted as f64 / seconds)],
            ["queryable after".into(), "≤ 1 s".into(), format!("{delay_ms} ms")],
            ["peak resident memory".into(), "≤ 1.5 GB".into(), format!("{peak_mib} MiB")],
        ],
    })
}

fn client(url: &str, token: &SourceToken, batches: &[String], sent: &AtomicUsize) -> Result<()> {
    let api = Api::new(url);
    let started = input::stopwatch();
    while started.elapsed() < Duration::from_secs(SECONDS) {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let body = &batches[number % batches.len()];
        let receipt = api.ingest_plain("bench", token, body.as_bytes(), &format!("bench-{number}"))?;
        sent.fetch_add(usize::try_from(receipt.accepted)?, Ordering::Relaxed);
    }
    Ok(())
}

static NEXT: AtomicUsize = AtomicUsize::new(0);

/// From the request to the answer of a query that finds the event.
fn queryable_after_ms(api: &Api, token: &SourceToken) -> Result<u128> {
    let marker = "bench-needle-7f3a";
    let line = format!(
        "{{\"Channel\":\"Security\",\"EventID\":4688,\"Hostname\":\"{marker}\",\"@timestamp\":\"{}\",\"SourceName\":\"Microsoft-Windows-Security-Auditing\"}}\n",
        crate::play::now()
    );
    let started = input::stopwatch();
    api.ingest_plain("bench", token, line.as_bytes(), marker)?;
    for _ in 0..100 {
        let rows =
            api.query(&format!("SecurityEvent | where TimeGenerated > ago(5m) and Computer == '{marker}' | count"))?;
        if rows.first().and_then(|row| row.first()).and_then(serde_json::Value::as_i64) == Some(1) {
            return Ok(started.elapsed().as_millis());
        }
        std::thread::sleep(Duration::from_millis(20));
    }
    None.context("the event was acknowledged but no query found it")
}
