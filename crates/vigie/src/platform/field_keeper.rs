//! Keeps the fields of stored events beside them while the server runs, so that a hunt finds them ready.

use std::sync::Arc;
use std::time::Duration;

use anyhow::Result;
use kernel::Clock;
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

/// What it works on.
pub struct FieldKeeper {
    pub lake: Lake,
    pub store: Store,
    pub clock: Arc<dyn Clock>,
}

impl FieldKeeper {
    /// Looks at all tables again and again, until it is told to stop.
    pub async fn run(self, stop: CancellationToken) {
        while stop.run_until_cancelled(tokio::time::sleep(ROUND)).await.is_some() {
            if let Some(Err(error)) = stop.run_until_cancelled(self.round()).await {
                tracing::warn!(%error, "the fields of stored events could not be kept; hunts decode their records");
            }
        }
    }

    async fn round(&self) -> Result<()> {
        let log_sources = history::log_sources(&self.store, None).await?;
        for history in history::histories(&self.lake, &[], None, None, 0).await? {
            self.table(history, &log_sources).await?;
        }
        Ok(())
    }

    async fn table(&self, mut history: History, log_sources: &LogSources) -> Result<()> {
        while let Some(piece) = history.next().await {
            let piece = piece?;
            if piece.rows() < LEAST_ROWS {
                continue;
            }
            let (lake, log_sources, handle) = (self.lake.clone(), log_sources.clone(), Handle::current());
            let begun_us = self.clock.monotonic_us();
            let work = move || history::keep_fields(&lake, &handle, &log_sources, &piece);
            if tokio::task::spawn_blocking(work).await?? {
                let worked = Duration::from_micros(self.clock.monotonic_us() - begun_us);
                tokio::time::sleep(worked * REST).await;
            }
        }
        Ok(())
    }
}
