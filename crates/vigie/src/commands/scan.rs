//! `vigie scan`: Sigma rules over files, without a server.

mod run;

use std::io::IsTerminal;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use intake::files::Progress;
use kernel::Clock;

use super::find::alert::AlertWriter;
use super::find::summary::Summary;
use super::find::{self, Finder};
use crate::cli::Scan;
use run::Scanning;
pub use run::decode;

/// Scans and reports. Alerts go to the standard output, everything else to the error output.
pub fn run(arguments: &Scan, clock: &dyn Clock) -> Result<ExitCode> {
    for path in &arguments.paths {
        ensure!(path.exists(), "{} does not exist", path.display());
    }
    let started = clock.monotonic_us();
    let finder = Finder::new(find::rule_set(&arguments.rules)?, arguments.min_level)?;
    let rules_ms = (clock.monotonic_us() - started) / 1_000;
    let mut writer = AlertWriter::new(arguments.format, find::output(arguments.output.as_deref())?);
    let chunks = intake::files::open(arguments.paths.clone(), arguments.as_format, intake::FileLimits::default());
    let bar = progress_bar(chunks.progress());
    let scanning = Scanning { finder: &finder, now: clock.now(), log_source: arguments.log_source.as_ref() };
    let outcome = scanning.all(chunks, &mut |alert| writer.write(alert));
    bar.finish_and_clear();
    let mut summary: Summary = match outcome {
        Err(error) if find::is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
        outcome => outcome?,
    };
    writer.finish()?;
    finder.count_rules(&mut summary);
    summary.rules_ms = rules_ms;
    summary.elapsed_ms = (clock.monotonic_us() - started) / 1_000;
    find::report(arguments.summary, &summary)?;
    Ok(find::exit_code(&summary))
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar(progress: Arc<Progress>) -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {bytes}/{total_bytes} {bytes_per_sec} {msg}");
    let bar = ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()));
    let shared = bar.clone();
    std::thread::spawn(move || {
        while !shared.is_finished() {
            shared.set_length(progress.bytes_total());
            shared.set_position(progress.bytes_read());
            shared.set_message(format!("{} files", progress.files()));
            std::thread::sleep(Duration::from_millis(100));
        }
    });
    bar
}
