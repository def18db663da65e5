//! `vigie hunt`: Sigma rules over the history in the lake, with the alerts that live detection would have given.

mod compare;

use std::collections::BTreeSet;
use std::io::IsTerminal;
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;

use anyhow::{Result, ensure};
use arrow_array::RecordBatch;
use indicatif::{ProgressBar, ProgressStyle};
use intake::EventBatch;
use kernel::Timestamp;
use tokio::runtime::Handle;

use super::find::alert::{Alert, AlertWriter, Place};
use super::find::correlate::Correlating;
use super::find::summary::Summary;
use super::find::{self, Finder, Found};
use crate::cli::Hunt;
use crate::history::{self, Hunting, Look};
use crate::platform::Ground;
use crate::platform::rules::{self, InForce};

/// How far back a comparison looks when no time is given.
const COMPARED_DAYS: i64 = 90;
const DAY_US: i64 = 86_400_000_000;

/// Hunts and reports. Alerts go to the standard output, everything else to the error output.
pub async fn run(arguments: &Hunt, ground: Ground) -> Result<ExitCode> {
    let clock = Arc::clone(&ground.clock);
    let started = clock.monotonic_us();
    let since = |start: u64| (clock.monotonic_us() - start) / 1_000;
    if let Some(old) = &arguments.compare {
        return compared(arguments, old, ground).await;
    }
    let InForce { set, off } = rule_set(&arguments.rules, &ground).await?;
    let finder = Finder::new(set, arguments.min_level)?.without(off);
    let rules_ms = since(started);
    let mut writer = AlertWriter::new(arguments.format, find::output(arguments.output.as_deref())?);
    let look_back_us = history::look_back_us(&finder.correlations);
    let outcome = hunted(arguments, arguments.from, look_back_us, &ground, |hunting| {
        hunt(&finder, hunting, &mut |alert| writer.write(alert))
    });
    let mut summary = match outcome.await {
        Err(error) if find::is_broken_pipe(&error) => return Ok(ExitCode::SUCCESS),
        outcome => outcome?,
    };
    writer.finish()?;
    finder.count_rules(&mut summary);
    summary.rules_ms = rules_ms;
    summary.elapsed_ms = since(started);
    find::report(arguments.summary, &summary)?;
    Ok(find::exit_code(&summary))
}

/// What other rules would have said: the difference, rule by rule.
async fn compared(arguments: &Hunt, old: &[PathBuf], ground: Ground) -> Result<ExitCode> {
    let clock = Arc::clone(&ground.clock);
    let started = clock.monotonic_us();
    let (new, old) = (rule_set(&arguments.rules, &ground).await?, rule_set(old, &ground).await?);
    let sides = compare::Sides::new(new, old, arguments.min_level)?;
    let rules_ms = (clock.monotonic_us() - started) / 1_000;
    let from = arguments.from.unwrap_or_else(|| {
        let until = arguments.to.unwrap_or_else(|| clock.now());
        until.plus_micros(-COMPARED_DAYS * DAY_US)
    });
    let outcome = hunted(arguments, Some(from), sides.look_back_us(), &ground, |hunting| sides.hunt(hunting));
    let (mut summary, difference) = outcome.await?;
    let mut output = find::output(arguments.output.as_deref())?;
    difference.write(arguments.format, &mut output)?;
    output.flush()?;
    summary.rules = sides.rules();
    summary.rules_ms = rules_ms;
    summary.elapsed_ms = (clock.monotonic_us() - started) / 1_000;
    find::report(arguments.summary, &summary)?;
    if !summary.failed.is_empty() {
        return Ok(ExitCode::from(find::FAILED));
    }
    Ok(if difference.is_empty() { ExitCode::SUCCESS } else { ExitCode::from(find::FOUND) })
}

/// How the rules are named that the server has in force.
const IN_FORCE: &str = "in-force";

/// The rules of `paths`, among which may be `shipped` and `in-force`.
async fn rule_set(paths: &[PathBuf], ground: &Ground) -> Result<InForce> {
    if !paths.iter().any(|path| path.as_os_str() == IN_FORCE) {
        return Ok(InForce { set: find::rule_set(paths)?, off: BTreeSet::new() });
    }
    // Those that are shipped are in force.
    let named = |path: &&PathBuf| path.as_os_str() != IN_FORCE && path.as_os_str() != find::SHIPPED;
    let folders: Vec<PathBuf> = paths.iter().filter(named).cloned().collect();
    for path in &folders {
        ensure!(path.exists(), "{} does not exist", path.display());
    }
    rules::in_force(ground.store().await?, &ground.config, &folders).await
}

/// Opens the lake, lets `work` hunt, and closes it again.
async fn hunted<T>(
    arguments: &Hunt,
    from: Option<Timestamp>,
    look_back_us: i64,
    ground: &Ground,
    work: impl FnOnce(Hunting) -> Result<T>,
) -> Result<T> {
    let (lake, replay) = ground.lake().await?;
    // What the last server left for detection stays for the next server.
    drop(replay);
    let histories = history::histories(&lake, &arguments.table, from, arguments.to, look_back_us).await?;
    let bar = progress_bar();
    let hunting = Hunting {
        lake: lake.clone(),
        handle: Handle::current(),
        histories,
        from: from.unwrap_or(Timestamp::MIN),
        log_sources: history::log_sources(&ground.store().await?, arguments.log_source.clone()).await?,
        bar: bar.clone(),
    };
    // The work is on threads of its own; this one waits for them.
    let outcome = tokio::task::block_in_place(|| work(hunting));
    bar.finish_and_clear();
    lake.close().await?;
    outcome
}

/// Puts the rules to the history and hands out the alerts in the order of tables and times, then those of correlations.
fn hunt(finder: &Finder, hunting: Hunting, write: &mut dyn FnMut(&Alert) -> Result<()>) -> Result<Summary> {
    let from = hunting.from;
    let mut counted = Summary::default();
    let mut correlating = Correlating::new(Arc::clone(&finder.correlations), finder.min_level, from);
    let mut total = hunting.all(&Finding { finder, from }, |mut part| {
        part.alerts.sort_by(|one, other| (one.time, &one.item).cmp(&(other.time, &other.item)));
        for alert in &part.alerts {
            counted.count(alert);
            write(alert)?;
        }
        correlating.gather(part.gathered);
        Ok(())
    })?;
    for alert in correlating.finish(&mut total) {
        counted.count(&alert);
        write(&alert)?;
    }
    total.alerts = counted.alerts;
    (total.by_rule, total.by_host, total.by_technique) = (counted.by_rule, counted.by_host, counted.by_technique);
    Ok(total)
}

/// The rules, put to the events at and after `from`; correlations also look at those before.
struct Finding<'a> {
    finder: &'a Finder,
    from: Timestamp,
}

impl Look for Finding<'_> {
    type Part = Found;

    fn columns(&self) -> Option<BTreeSet<&str>> {
        self.finder.engine.columns()
    }

    fn sieve(&self, columns: &RecordBatch) -> Vec<u32> {
        self.finder.rows(columns)
    }

    fn look(&self, place: &Place, events: &EventBatch, part: &mut Found) {
        let found = self.finder.find(place, events);
        part.alerts.extend(found.alerts.into_iter().filter(|alert| alert.time >= self.from));
        part.gathered.add(found.gathered);
    }
}

/// A bar on a terminal, nothing elsewhere.
fn progress_bar() -> ProgressBar {
    if !std::io::stderr().is_terminal() {
        return ProgressBar::hidden();
    }
    let style = ProgressStyle::with_template("{bar:30} {human_pos}/{human_len} rows {per_sec}");
    ProgressBar::new(0).with_style(style.unwrap_or_else(|_| ProgressStyle::default_bar()))
}
