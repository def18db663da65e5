//! The rules in force: loaded at the start, and again when their files change, somebody asks, or an exception begins or
//! ends. What detection remembers goes on.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use anyhow::{Context, Result};
use detect::{Detect, RuleFilter, RuleKind, RuleState, SigmaPack};
use sigma::correlation::Settings;
use sigma::{Lists, Mappings, RuleSet};
use store::Store;
use tokio::sync::watch;

use crate::config::Config;
use crate::platform::revision;
use crate::shipped_rules;

/// How often the folders are looked at.
const LOOK: Duration = Duration::from_secs(5);
/// After a change is seen, files must be quiet for so long: a checkout writes many.
const QUIET: Duration = Duration::from_secs(2);

/// Loads Sigma and scheduled rules: those that come with Vigie, those of the configured folders, and the exceptions.
async fn load(detect: &Detect, config: &Config) -> Result<()> {
    let exceptions = detect.exception_filters().await.context("reading the exceptions")?;
    let (folders, lists) = (config.sigma_rules.clone(), lists(config.placeholders.as_deref())?);
    let set = tokio::task::spawn_blocking(move || shipped_rules::sigma(&folders, &exceptions, &lists)).await?;
    let revisions = revision::of_folders(&config.sigma_rules);
    let pack = SigmaPack {
        set,
        mappings: Mappings::shipped(),
        revision: &|file| revision::of_file(file, &revisions),
        correlation: Settings {
            lateness_us: i64::try_from(config.lateness_s).unwrap_or(i64::MAX).saturating_mul(1_000_000),
            max_hits: usize::try_from(config.correlation_hits).unwrap_or(usize::MAX),
            ..Settings::default()
        },
    };
    let loaded = detect.load_sigma(pack).await?;
    tracing::info!(
        rules = loaded.rules,
        correlations = loaded.correlations,
        refused = loaded.refused,
        unreachable = loaded.unreachable,
        switched_off = loaded.switched_off,
        "Sigma rules are in force"
    );
    let scheduled = shipped_rules::scheduled(&config.kql_rules)?;
    let states = detect.sync_rules(RuleKind::Kql, &scheduled).await?;
    tracing::info!(rules = states.len(), "scheduled rules are in force");
    Ok(())
}

/// The rules as a server of this configuration has them in force.
pub struct InForce {
    /// With the exceptions, at their overridden severities; without correlations that are switched off.
    pub set: RuleSet,
    /// Rules that are switched off; correlations may still look at their hits.
    pub off: BTreeSet<String>,
}

/// What [`keep_loaded`] would put in force, with the rules of further `folders` beside it.
///
/// # Errors
/// When the state database fails or the placeholders cannot be read.
pub async fn in_force(store: Store, config: &Config, folders: &[PathBuf]) -> Result<InForce> {
    let detect = Detect::new(store);
    let exceptions = detect.exception_filters().await.context("reading the exceptions")?;
    let known = detect.rules(&RuleFilter { limit: u32::MAX, ..RuleFilter::default() }).await?;
    let folders: Vec<PathBuf> = config.sigma_rules.iter().chain(folders).cloned().collect();
    let mut set = shipped_rules::sigma(&folders, &exceptions, &lists(config.placeholders.as_deref())?);
    let off: BTreeSet<String> =
        known.iter().filter(|rule| rule.state == RuleState::Disabled).map(|rule| rule.id.clone()).collect();
    set.correlations.retain(|correlation| !off.contains(&correlation.id));
    for rule in known {
        let Some(severity) = rule.severity_override else { continue };
        for found in set.rules.iter_mut().filter(|found| found.id == rule.id) {
            Arc::make_mut(found).severity = severity;
        }
        for found in set.correlations.iter_mut().filter(|found| found.id == rule.id) {
            Arc::make_mut(found).severity = severity;
        }
    }
    Ok(InForce { set, off })
}

/// Loads the rules, says so by `ready`, and loads them again whenever there is a reason to. When that fails, those
/// before stay in force.
pub async fn keep_loaded(detect: Detect, config: Config, ready: watch::Sender<bool>) {
    take(&detect, &config, &ready).await;
    let mut hangup = tokio::signal::unix::signal(tokio::signal::unix::SignalKind::hangup()).ok();
    let mut known = files(&config).await;
    loop {
        let why = tokio::select! {
            () = detect.reload_wanted() => "asked for",
            () = hung_up(&mut hangup) => "hangup signal",
            () = tokio::time::sleep(LOOK) => {
                let mut now = files(&config).await;
                if now == known {
                    continue;
                }
                loop {
                    tokio::time::sleep(QUIET).await;
                    let later = files(&config).await;
                    if later == now {
                        break;
                    }
                    now = later;
                }
                "files changed"
            }
        };
        known = files(&config).await;
        tracing::info!(why, "loading rules again");
        take(&detect, &config, &ready).await;
    }
}

async fn take(detect: &Detect, config: &Config, ready: &watch::Sender<bool>) {
    match load(detect, config).await {
        // Nobody waits any more when the house is closing.
        Ok(()) => drop(ready.send(true)),
        Err(error) if *ready.borrow() => {
            tracing::error!("rules could not be loaded; those before stay in force: {error:#}");
        }
        Err(error) => tracing::error!("rules could not be loaded; detection waits until they can be: {error:#}"),
    }
}

async fn hung_up(signal: &mut Option<tokio::signal::unix::Signal>) {
    match signal {
        Some(signal) => drop(signal.recv().await),
        None => std::future::pending().await,
    }
}

type Files = BTreeMap<PathBuf, (Option<SystemTime>, u64)>;

/// Every rule file with time and size, by which a change is seen.
async fn files(config: &Config) -> Files {
    let folders: Vec<PathBuf> =
        config.sigma_rules.iter().chain(&config.kql_rules).chain(&config.placeholders).cloned().collect();
    tokio::task::spawn_blocking(move || files_below(&folders)).await.unwrap_or_default()
}

fn files_below(folders: &[PathBuf]) -> Files {
    let mut found = Files::new();
    for folder in folders {
        // What cannot be read is told when it is loaded.
        for entry in walkdir::WalkDir::new(folder).into_iter().filter_map(Result::ok) {
            let metadata = entry.metadata().ok().filter(std::fs::Metadata::is_file);
            if let Some(metadata) =
                metadata.filter(|_| !entry.path().components().any(|part| part.as_os_str() == ".git"))
            {
                found.insert(entry.into_path(), (metadata.modified().ok(), metadata.len()));
            }
        }
    }
    found
}

/// The values of placeholders: a YAML file of names, each with a list.
pub fn lists(file: Option<&Path>) -> Result<Lists> {
    let Some(file) = file else { return Ok(Lists::default()) };
    let text = std::fs::read_to_string(file).with_context(|| format!("detect.placeholders: {}", file.display()))?;
    yaml_serde::from_str(&text).with_context(|| {
        format!(
            "detect.placeholders: {} must give each name a list of texts: `Administrators: [amina.diallo]`",
            file.display()
        )
    })
}
