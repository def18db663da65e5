//! How soon the server answers over a lake of ten million rows, and what it takes in memory before the first query.

use anyhow::Result;

use super::input::{self, Scratch};
use super::report::Section;
use crate::platform::{self, Platform, Profile};

const ROWS: usize = 10_000_000;
const BATCH_ROWS: usize = 50_000;

/// Fills a lake with small rows, stops the server, starts it again.
pub fn run() -> Result<Section> {
    let binary = platform::build(Profile::Release)?;
    let scratch = Scratch::new("coldstart")?;
    let mut running = Platform::start(&binary, &scratch.0, 0)?;
    running.setup()?;
    let token = running.api.connect_source("door-badges", "json")?;
    let start = crate::play::now().micros() - 30 * 86_400_000_000;
    for batch in 0..ROWS / BATCH_ROWS {
        let body: String = (0..BATCH_ROWS).map(|row| line(start, batch * BATCH_ROWS + row)).collect();
        running.api.ingest_plain("door-badges", &token, body.as_bytes(), &format!("batch-{batch}"))?;
        if batch % 20 == 19 {
            println!("{} rows", (batch + 1) * BATCH_ROWS);
        }
    }
    running.terminate()?;
    let started = input::stopwatch();
    let mut again = Platform::start(&binary, &scratch.0, 0)?;
    let seconds = started.elapsed().as_secs_f64();
    let (memory_mib, _) = input::memory_mib(again.process_id());
    again.api.login(platform::ADMINISTRATOR, platform::PASSWORD)?;
    let asked = input::stopwatch();
    let rows = again.api.query("DoorBadges_CL | count")?;
    Ok(Section {
        name: "coldstart",
        what: format!("`vigie serve` over a lake with {ROWS} rows (the first query afterwards counts them: {rows:?})."),
        rows: vec![
            ["until the server answers".into(), "≤ 3 s".into(), format!("{seconds:.2} s")],
            ["resident memory before the first query".into(), "≤ 300 MB".into(), format!("{memory_mib} MiB")],
            ["first query, a count".into(), String::new(), format!("{:.2} s", asked.elapsed().as_secs_f64())],
        ],
    })
}

/// A badge at a door, one every quarter of a second over 30 days.
fn line(start: i64, row: usize) -> String {
    let at = kernel::Timestamp(start + row as i64 * 259_000);
    format!(
        "{{\"TimeGenerated\":\"{at}\",\"Door\":\"D{:03}\",\"Badge\":{},\"Granted\":{}}}\n",
        row % 180,
        row * 7919 % 3000,
        !row.is_multiple_of(97)
    )
}
