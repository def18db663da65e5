//! `vigie scan`: Sigma rules over files, without a server.

mod alert;
mod correlate;
mod run;
mod summary;

use std::fs::File;
use std::io::{BufWriter, IsTerminal, Write};
use std::process::ExitCode;
use std::sync::Arc;
use std::time::Duration;

use anyhow::{Context, Result, ensure};
use indicatif::{ProgressBar, ProgressStyle};
use intake::files::Progress;
use kernel::Clock;
use sigma::correlation::Correlations;
use sigma::{Engine, Lists, Mappings};

use crate::cli::{Scan, SummaryFormat};
use alert::AlertWriter;
use run::Scanning;
pub use run::decode;
use summary::Summary;

/// Exit codes of a scan, for scripts.
const FOUND: u8 = 1;
const FAILED: u8 = 2;

/// Scans and reports. Alerts go to the standard output, everything else to the error output.
pub fn run(arguments: &Scan, clock: &dyn Clock) -> Result<ExitCode> {
    for path in arguments.paths.iter().chain(&arguments.rules) {
        ensure!(path.exists(), "{} does not exist", path.display());
    }
    let started = clock.monotonic_us();
    let mut summary = Summary::default();
    let (engine, correlations) = load_rules(arguments, &mut summary)?;
    summary.rules_ms = (clock.monotonic_us() - started) / 1_000;
    let output: Box<dyn Write + Send> = match &arguments.output {
        Some(path) => {
            Box::new(BufWriter::new(File::create(path).with_context(|| format!("writing {}", path.display()))?))
        }
        None => Box::new(BufWriter::new(std::io::stdout())),
    };
    let mut writer = AlertWriter::new(arguments.format, output);
    let chunks = intake::files::open(arguments.paths.clone(), arguments.as_format, intake::FileLimits::default());
    let bar = progress_bar(chunks.progress());
    let scanning = Scanning {
        engine: &engine,
        correlations,
        min_level: arguments.min_level,
        now: clock.now(),
        log_source: arguments.log_source.as_ref(),
    };
    let outcome = scanning.all(chunks, &mut |alert| writer.write(alert));
    bar.finish_and_clear();
    let rules = (summary.rules, summary.correlations, summary.rules_ms);
    let mut summary = match outcome {
        // Whoever read our output has gone, as `head` does: that is an end, not a failure.
        Err(error) if is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
        outcome => outcome?,
    };
    writer.finish()?;
    (summary.rules, summary.correlations, summary.rules_ms) = rules;
    summary.elapsed_ms = (clock.monotonic_us() - started) / 1_000;
    report(arguments.summary, &summary)?;
    Ok(match summary {
        Summary { ref failed, .. } if !failed.is_empty() => ExitCode::from(FAILED),
        Summary { alerts: 0, .. } => ExitCode::SUCCESS,
        _ => ExitCode::from(FOUND),
    })
}

/// Loads and compiles; what was refused is said, because a rule that is left out in silence is worse than none.
fn load_rules(arguments: &Scan, summary: &mut Summary) -> Result<(Engine, Arc<Correlations>)> {
    let mut set = sigma::load(&arguments.rules, &Lists::default());
    let refused: Vec<String> = set.refused().map(ToString::to_string).collect();
    for problem in refused.iter().take(10) {
        eprintln!("rule refused: {problem}");
    }
    if refused.len() > 10 {
        eprintln!("… and {} more; `vigie rules check` lists them all", refused.len() - 10);
    }
    ensure!(!set.rules.is_empty(), "no rule could be loaded from {} files; `vigie rules check` says why", set.files);
    let (correlations, _) = Correlations::compile(&set.correlations, &set.rules);
    // A rule that is correlated is needed whatever its level.
    let mut numbers = 0..;
    set.rules.retain(|rule| {
        let correlated = numbers.next().is_some_and(|number| correlations.fields(number).is_some());
        correlated || rule.severity >= arguments.min_level
    });
    let engine = Engine::compile(set.rules, &Mappings::shipped());
    let (correlations, problems) = Correlations::compile(&set.correlations, engine.rules());
    ensure!(problems.is_empty(), "correlations lost their rules: {problems:?}");
    summary.rules = engine.rules().len() as u64;
    summary.correlations = correlations.rules().count() as u64;
    Ok((engine, Arc::new(correlations)))
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

fn report(format: SummaryFormat, summary: &Summary) -> Result<()> {
    match format {
        SummaryFormat::Text => eprint!("{}", summary.text()),
        SummaryFormat::Json => eprintln!("{}", serde_json::to_string(summary)?),
        SummaryFormat::None => {}
    }
    Ok(())
}

fn is_broken_pipe(error: &anyhow::Error) -> bool {
    error.downcast_ref::<std::io::Error>().is_some_and(|error| error.kind() == std::io::ErrorKind::BrokenPipe)
}
