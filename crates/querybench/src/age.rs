//! Whether a question about the last hour costs more in an old lake than in a young one.

use std::path::Path;

use anyhow::{Context, Result, ensure};
use serde_json::{Value as Json, json};

use crate::duel::{Asker, Judged};
use crate::events::{DAY_US, Generator, START_US};
use crate::fill::{append, open};

/// Days of events in the lakes that are compared; every day is a file.
const AGES: [i64; 2] = [30, 300];
/// Rounds over every lake in turn.
const ROUNDS: usize = 60;

/// The questions, each about the last hour.
const QUESTIONS: [&str; 3] = [
    "ProcessEvents_CL | where TimeGenerated >= ago(1h) | summarize Total=sum(Bytes) by Host | count",
    "ProcessEvents_CL | where TimeGenerated >= ago(1h) | where CommandLine has 'renderer' | count",
    "ProcessEvents_CL | where TimeGenerated >= ago(1h) | summarize count() by tostring(AdditionalFields.process.signer)",
];

/// Fills a lake of each age in the empty `folder`, and asks them in turn.
pub fn age(folder: &Path, rows_a_day: usize) -> Result<Json> {
    let runtime = tokio::runtime::Builder::new_multi_thread().worker_threads(2).enable_all().build()?;
    let mut askers = Vec::new();
    for days in AGES {
        let place = folder.join(format!("{days}-days"));
        ensure!(!place.exists(), "{} holds another lake; name an empty folder", folder.display());
        std::fs::create_dir_all(&place)?;
        runtime.block_on(fill(&place, days, rows_a_day))?;
        let lake = runtime.block_on(open(&place))?;
        askers.push((days, Asker::start(&place, lake, START_US + days * DAY_US)?));
    }
    let mut lines = Vec::new();
    for question in QUESTIONS {
        let mut best = vec![(f64::INFINITY, f64::INFINITY); askers.len()];
        let mut cold = Vec::new();
        let mut rows = Vec::new();
        for round in 0..ROUNDS {
            for (at, (_, asker)) in askers.iter().enumerate() {
                let Judged { wall_s, processor_s, rows_scanned } = asker.judged(&runtime, question)?;
                if round == 0 {
                    cold.push(wall_s);
                    rows.push(rows_scanned);
                }
                best[at] = (best[at].0.min(wall_s), best[at].1.min(processor_s));
            }
        }
        ensure!(rows.iter().all(|read| *read < 2 * rows_a_day as u64), "the last hour lies in one file: {rows:?}");
        let per_age = askers.iter().zip(&best).zip(&cold).zip(&rows).map(|((((days, _), best), cold), rows)| {
            json!({"days": days, "wall_s": best.0, "processor_s": best.1, "first_s": cold, "rows_scanned": rows})
        });
        lines.push(json!({"question": question, "ages": per_age.collect::<Vec<_>>()}));
    }
    Ok(json!({"rows_a_day": rows_a_day, "rounds": ROUNDS, "lines": lines}))
}

/// A day is a flush, and so a file.
async fn fill(folder: &Path, days: i64, rows_a_day: usize) -> Result<()> {
    let lake = open(folder).await?;
    let mut generator = Generator::new(7);
    let mut number = 0;
    for day in 0..days {
        let from = START_US + day * DAY_US;
        let processes = generator.processes(rows_a_day, from, from + DAY_US);
        append(&lake, &mut number, "ProcessEvents_CL", processes).await?;
        lake.flush().await.context("flushing")?;
    }
    lake.close().await.context("closing the lake")
}
