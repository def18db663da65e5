//! `vigie ingest`: files into the lake.

use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use kernel::port::IntakePort;
use kernel::port::SourceDefinition;

use crate::cli::Ingest;
use crate::platform::Ground;
use crate::platform::file_parts::{FileParts, Taken};
use crate::platform::intake_port::Pipeline;
use crate::terminal;

/// What was read.
#[derive(Default)]
struct Counts {
    chunks: u64,
    known_chunks: u64,
    records: u64,
    unparsed: u64,
    failed: Vec<String>,
}

/// Reads every file. Exit code 2 when one could not be read whole.
pub async fn run(arguments: &Ingest, ground: Ground) -> Result<ExitCode> {
    for path in &arguments.paths {
        ensure!(path.exists(), "{} does not exist", path.display());
    }
    let (lake, replay) = ground.lake().await?;
    // What the last server left for detection stays for the next server.
    drop(replay);
    let pipeline = Arc::new(Pipeline::new(
        lake.clone(),
        ground.decoding.clone(),
        None,
        ground.clock.clone(),
        ground.randomness.clone(),
    ));
    let format = arguments.as_format.map_or("json", intake::Format::as_str).to_owned();
    let log_source = arguments.log_source.clone().unwrap_or_default();
    let source = SourceDefinition { name: arguments.source.clone(), format, table: None, time_zone: None, log_source };
    pipeline.connect(source).await?;
    let counts = read(arguments, &pipeline).await;
    lake.close().await?;
    terminal::print(&format!(
        "{} records from {} parts of files into the lake ({} not parsed, in _Unparsed); {} parts were there already\n",
        terminal::thousands(counts.records),
        terminal::thousands(counts.chunks),
        terminal::thousands(counts.unparsed),
        terminal::thousands(counts.known_chunks),
    ))?;
    for failed in &counts.failed {
        eprintln!("not read: {}", terminal::one_line(failed, 400));
    }
    Ok(if counts.failed.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(2) })
}

async fn read(arguments: &Ingest, pipeline: &Pipeline) -> Counts {
    let mut counts = Counts::default();
    let mut parts = FileParts::open(arguments.paths.clone(), arguments.as_format);
    while let Some(outcome) = parts.take_next(pipeline, &arguments.source, arguments.table.as_deref()).await {
        match outcome {
            Ok(Taken { receipt, .. }) if receipt.duplicate => counts.known_chunks += 1,
            Ok(Taken { label, receipt }) => {
                counts.chunks += 1;
                counts.records += receipt.accepted;
                counts.unparsed += receipt.unparsed;
                for problem in receipt.problems {
                    eprintln!("{label}: {}", terminal::one_line(&problem, 300));
                }
            }
            Err(error) => counts.failed.push(error.to_string()),
        }
    }
    counts
}
