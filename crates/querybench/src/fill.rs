//! A lake with the events in it, written and merged as a server does.

use std::path::Path;
use std::sync::Arc;

use anyhow::{Context, Result, bail};
use arrow_array::RecordBatch;
use kernel::id::EntryId;
use kernel::time::SystemClock;
use kernel::{Clock, Timestamp};
use lake::{Appended, Decoder, Entry, Lake, LakeConfig, TableRows};

use crate::events::{DAY_US, DAYS, Generator, START_US};

/// How many process events there are; sign-ins are a fifth of them.
#[derive(Debug, Clone, Copy)]
pub struct Size {
    pub process_rows: usize,
}

/// In so many flushes a day arrives, before its files are merged.
const FLUSHES_A_DAY: usize = 10;

/// Everything that was appended is flushed before the lake is closed: there is nothing to decode again.
struct NothingLeft;

impl Decoder for NothingLeft {
    fn decode(&self, _: &Entry) -> Vec<TableRows> {
        Vec::new()
    }
}

/// The settings of a lake that the benchmark drives by itself.
pub fn config(folder: &Path) -> LakeConfig {
    LakeConfig { background: false, min_free_bytes: 0, grace_ms: 0, hot_bytes: 2 << 30, ..LakeConfig::new(folder) }
}

/// Opens the lake in `folder`.
pub async fn open(folder: &Path) -> Result<Lake> {
    let clock: Arc<dyn Clock> = Arc::new(SystemClock::new());
    let (lake, _) = Lake::open(config(folder), clock, Arc::new(NothingLeft)).await.context("opening the lake")?;
    Ok(lake)
}

/// Seconds of processor time.
#[derive(Debug, Clone, Copy)]
pub struct Cost {
    /// From rows in memory to merged files.
    pub filled_s: f64,
    /// Reading the files again and making their companions.
    pub companions_s: f64,
}

/// Fills the empty lake in `folder`, merges its files, and makes their companions a second time, to see what they cost.
pub async fn fill(folder: &Path, size: Size, seed: u64) -> Result<Cost> {
    let filled_s = rows(folder, size, seed).await?;
    crate::duel::each_companion(folder, &mut |path| drop(std::fs::remove_file(path)));
    let lake = open(folder).await?;
    let begun = crate::measure::processor_s();
    // A round reads so many bytes at most.
    for _ in 0..1 + size.process_rows / 1_000_000 {
        lake.maintain().await.context("making companions")?;
    }
    let companions_s = crate::measure::processor_s() - begun;
    lake.close().await.context("closing the lake")?;
    Ok(Cost { filled_s, companions_s })
}

async fn rows(folder: &Path, size: Size, seed: u64) -> Result<f64> {
    let lake = open(folder).await?;
    let mut generator = Generator::new(seed);
    let mut number = 0;
    let mut spent = 0.0;
    let parts = usize::try_from(DAYS).unwrap_or(1) * FLUSHES_A_DAY;
    append(&lake, &mut number, "Identities_CL", generator.identities()).await?;
    for part in 0..parts {
        let share = |rows: usize| rows * (part + 1) / parts - rows * part / parts;
        let from = START_US + DAYS * DAY_US * part as i64 / parts as i64;
        let to = START_US + DAYS * DAY_US * (part as i64 + 1) / parts as i64;
        let processes = generator.processes(share(size.process_rows), from, to);
        let signins = generator.signins(share(size.process_rows / 5), from, to);
        let begun = crate::measure::processor_s();
        append(&lake, &mut number, "ProcessEvents_CL", processes).await?;
        append(&lake, &mut number, "SignIns_CL", signins).await?;
        lake.flush().await.context("flushing")?;
        spent += crate::measure::processor_s() - begun;
    }
    let begun = crate::measure::processor_s();
    // The second round deletes what the first has replaced.
    for _ in 0..2 {
        lake.maintain().await.context("merging files")?;
    }
    spent += crate::measure::processor_s() - begun;
    lake.close().await.context("closing the lake")?;
    Ok(spent)
}

/// Appends `batch`, and sees to it that nobody waits for its detection.
pub async fn append(lake: &Lake, number: &mut u64, table: &str, batch: RecordBatch) -> Result<()> {
    if batch.num_rows() == 0 {
        return Ok(());
    }
    *number += 1;
    let mut random = [0; 10];
    random[..8].copy_from_slice(&number.to_le_bytes());
    let entry = Entry {
        id: EntryId::new(Timestamp(START_US), random),
        source: "bench".to_owned(),
        format: "bench".to_owned(),
        table: None,
        received: Timestamp(START_US),
        key: Entry::NO_KEY,
        payload: format!("{table} {number}").into(),
    };
    match lake.append(entry, vec![TableRows { table: table.to_owned(), batch }]).await.context("appending")? {
        Appended::New(ticket) => ticket.done(),
        Appended::Duplicate => bail!("a delivery without a key was taken for a repetition"),
    }
    Ok(())
}
