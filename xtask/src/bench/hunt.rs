//! `vigie hunt` over millions of stored events: decoding them once, then by the fields that were kept.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail, ensure};
use serde_json::Value;

use super::input::{self, Scratch};
use super::report::Section;
use crate::platform::{self, Platform, Profile};

/// Events that are stored.
const EVENTS: usize = 3_000_000;
const BATCH_LINES: usize = 2_000;
/// Of so many rules one is taken as the new rule.
const RULE_STEP: usize = 301;
/// Stored events for which the time of one new rule is told.
const STORED: f64 = 100e6;

/// Fills a lake through a server, stops it, hunts.
pub fn run() -> Result<Section> {
    let binary = platform::build(Profile::Release)?;
    let scratch = Scratch::new("hunt")?;
    let events = input::simulations()?;
    let mut running = Platform::start(&binary, &scratch.0, 0)?;
    running.setup()?;
    let token = running.api.connect_source("bench", "windows-json")?;
    let batches: Vec<String> = events.lines.chunks(BATCH_LINES).map(|lines| lines.join("\n") + "\n").collect();
    let mut stored = 0;
    for number in 0.. {
        let body = &batches[number % batches.len()];
        let receipt = running.api.ingest_plain("bench", &token, body.as_bytes(), &format!("hunt-{number}"))?;
        stored += usize::try_from(receipt.accepted)?;
        if number % 100 == 99 {
            println!("{stored} events stored");
        }
        if stored >= EVENTS {
            break;
        }
    }
    running.terminate()?;
    let rules = sample_rules();
    let first = rules.first().context("there are Sigma rules to hunt with")?;
    let hunting = Hunting { binary: &binary, folder: &scratch.0 };
    let decoding = hunting.run(std::slice::from_ref(first), Cores::All)?;
    ensure!(decoding.records == stored as u64, "{stored} events were stored, {} were hunted", decoding.records);
    let mut single = Vec::new();
    for rule in &rules {
        single.push(hunting.run(std::slice::from_ref(rule), Cores::One)?);
    }
    single.sort_by(|one, other| one.seconds.total_cmp(&other.seconds));
    let (median, worst) = (&single[single.len() / 2], &single[single.len() - 1]);
    let all = hunting.run(&input::sigma_rules(), Cores::One)?;
    let stored_for = |found: &Found| format!("{:.1} s", STORED / found.rate());
    Ok(Section {
        name: "hunt",
        what: format!(
            "`vigie hunt` over {} events of {} ({} bytes an event) in the lake, {} MB on disk of which {} MB are kept fields. \
             Seconds are those of the command, opening lake and rules included. One new rule: {} rules of the folders, \
             one at a time, on one core.",
            decoding.records,
            events.name,
            events.mean_bytes(),
            megabytes(&scratch.0, &|_| true),
            megabytes(&scratch.0, &|path| path.extension().is_some_and(|extension| extension == "companion")),
            rules.len(),
        ),
        rows: vec![
            ["the first hunt, which decodes and keeps, all cores, events/s".into(), String::new(), decoding.text()],
            [
                "one new rule, one core, events/s".into(),
                String::new(),
                format!("{} median, {} worst", median.text(), worst.text()),
            ],
            [
                "one new rule over 100 M stored events, one core, derived".into(),
                "≤ 60 s".into(),
                format!("{} median, {} worst", stored_for(median), stored_for(worst)),
            ],
            [
                format!("all {} rules, one core, events/s", all.rules),
                "≥ 5,000,000 (solid 1,000,000)".into(),
                format!("{}, {} alerts", all.text(), all.alerts),
            ],
        ],
    })
}

/// On what a hunt runs.
#[derive(Clone, Copy)]
enum Cores {
    One,
    All,
}

struct Hunting<'a> {
    binary: &'a Path,
    folder: &'a Path,
}

/// What a hunt says of itself.
struct Found {
    records: u64,
    rules: u64,
    alerts: u64,
    seconds: f64,
}

impl Found {
    fn rate(&self) -> f64 {
        self.records as f64 / self.seconds
    }

    fn text(&self) -> String {
        format!("{:.0} ({:.2} s)", self.rate(), self.seconds)
    }
}

impl Hunting<'_> {
    fn run(&self, rules: &[PathBuf], cores: Cores) -> Result<Found> {
        let mut command = match cores {
            Cores::All => Command::new(self.binary),
            Cores::One => {
                let mut command = Command::new("taskset");
                command.args(["-c", "0"]).arg(self.binary);
                command
            }
        };
        let output = command
            .current_dir(self.folder)
            .env("VIGIE_DATA_DIR", self.folder)
            .args(["hunt", "--format", "jsonl", "--output", "/dev/null", "--summary", "json", "--rules"])
            .args(rules)
            .output()
            .context("starting the hunt; is taskset installed?")?;
        let text = String::from_utf8_lossy(&output.stderr);
        let summary = text.lines().rev().find_map(|line| serde_json::from_str::<Value>(line).ok());
        let Some(summary) = summary.filter(Value::is_object) else { bail!("the hunt printed no summary: {text}") };
        let number = |name: &str| summary[name].as_u64().unwrap_or(0);
        Ok(Found {
            records: number("records"),
            rules: number("rules"),
            alerts: number("alerts"),
            seconds: number("elapsed_ms") as f64 / 1000.0,
        })
    }
}

/// The rule files that are tried one at a time.
fn sample_rules() -> Vec<PathBuf> {
    let folders = input::sigma_rules();
    let files = folders.iter().flat_map(|folder| walkdir::WalkDir::new(folder).sort_by_file_name());
    let files = files.flatten().map(walkdir::DirEntry::into_path);
    files.filter(|path| path.extension().is_some_and(|extension| extension == "yml")).step_by(RULE_STEP).collect()
}

/// Megabytes of the files below `folder` that `counts` holds for.
fn megabytes(folder: &Path, counts: &dyn Fn(&Path) -> bool) -> u64 {
    let files = walkdir::WalkDir::new(folder).into_iter().flatten().filter(|entry| counts(entry.path()));
    files
        .filter_map(|entry| entry.metadata().ok())
        .filter(std::fs::Metadata::is_file)
        .map(|file| file.len())
        .sum::<u64>()
        / 1_000_000
}
