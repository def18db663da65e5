//! `vigie lake`: what lies where.

use std::process::ExitCode;

use anyhow::Result;

use crate::cli;
use crate::platform::Ground;
use crate::terminal::{self, bytes, thousands};

/// Shows the lake, or tidies it.
pub async fn run(command: &cli::Lake, ground: Ground) -> Result<ExitCode> {
    let (lake, replay) = ground.lake().await?;
    let waiting = replay.entries;
    drop(replay);
    if matches!(command, cli::Lake::Compact) {
        lake.flush().await?;
        lake.maintain().await?;
    }
    let status = lake.status().await?;
    lake.close().await?;
    let mut table = terminal::table(&["table", "rows", "hot", "files", "size", "kept for"]);
    for one in &status.tables {
        let kept = one.retention_days.map_or_else(|| "ever".to_owned(), |days| format!("{days} days"));
        table.add_row([
            one.name.clone(),
            thousands(one.rows),
            thousands(one.hot_rows),
            thousands(one.files),
            bytes(one.file_bytes),
            kept,
        ]);
    }
    terminal::print(&format!(
        "{table}\n\nwrite-ahead log: {} segments, {}; {} deliveries wait for detection\ndisk: {} free, intake stops below {}\n",
        thousands(status.log_segments),
        bytes(status.log_bytes),
        thousands(waiting),
        bytes(status.free_bytes),
        bytes(status.min_free_bytes),
    ))?;
    if let Some(error) = &status.flush_error {
        eprintln!("the last flush failed: {error}");
    }
    Ok(ExitCode::SUCCESS)
}
