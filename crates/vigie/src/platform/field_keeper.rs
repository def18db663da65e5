//! Keeps the fields of stored events beside them while the server runs, so that a hunt finds them ready.

use std::time::{Duration, Instant};

use anyhow::Result;
use lake::{History, Lake};
use store::Store;
use tokio::runtime::Handle;
use tokio_util::sync::CancellationToken;

use crate::history::{self, LogSources};

/// Between two rounds over all tables.
const ROUND: Duration = Duration::from_secs(300);
/// Row groups with fewer rows wait: they are merged soon, and a hunt keeps what it had to decode anyway.
const LEAST_ROWS: u64 = 16_384;
/// Rest after a row group, in times of the work on it: intake and detection come first.
const REST: u32 = 3;

/// Looks at all tables again and again, until it is told to stop.
pub async fn run(lake: Lake, store: Store, stop: CancellationToken) {
    while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
        if let Err(error) = round(&lake, &store, &stop).await {
            tracing::warn!(%error, "the fields of stored events could not be kept; hunts decode their records");
        }
    }
}

async fn round(lake: &Lake, store: &Store, stop: &CancellationToken) -> Result<()> {
    let log_sources = history::log_sources(store, None).await?;
    for history in history::histories(lake, &[], None, None, 0).await? {
        table(lake, history, &log_sources, stop).await?;
    }
    Ok(())
}

async fn table(lake: &Lake, mut history: History, log_sources: &LogSources, stop: &CancellationToken) -> Result<()> {
    while let Some(piece) = history.next().await {
        let piece = piece?;
        if stop.is_cancelled() {
            return Ok(());
        }
        if piece.rows() < LEAST_ROWS {
            continue;
        }
        let (lake, log_sources, handle) = (lake.clone(), log_sources.clone(), Handle::current());
        let work = move || {
            let begun = Instant::now();
            let kept = history::keep_fields(&lake, &handle, &log_sources, &piece)?;
            Ok::<_, lake::LakeError>((kept, begun.elapsed()))
        };
        let (kept, worked) = tokio::task::spawn_blocking(work).await??;
        if kept && stop.run_until_cancelled(tokio::time::sleep(worked * REST)).await.is_none() {
            return Ok(());
        }
    }
    Ok(())
}
