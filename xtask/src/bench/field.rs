//! The radio room: how late an alarm is, how long an entry takes, and office days in thousands.

use std::process::Command;

use anyhow::{Context, Result, bail};

use super::report::Section;
use crate::shell;

/// Office days, when nobody says how many.
const USUAL_DAYS: &str = "10000";

/// Builds the room's tests for speed and runs its figures and its simulation: `--days=N`, from day `--first=N` on, so that many
/// days can be run in parts.
pub fn run(arguments: &[String]) -> Result<Section> {
    let said = |name: &str| arguments.iter().find_map(|argument| argument.strip_prefix(name));
    let (days, first) = (said("--days=").unwrap_or(USUAL_DAYS), said("--first=").unwrap_or("0"));
    let figures = test("field", &["figures", "--ignored", "--test-threads=1"], "0", "0")?;
    let mut rows: Vec<[String; 3]> = figures.lines().filter_map(row).collect();
    if rows.is_empty() {
        bail!("nothing was measured:\n{figures}");
    }
    rows.extend(test("replica", &["days_cut_off"], "0", "0")?.lines().filter_map(row));
    let simulated = test("field", &["simulation::office_days"], days, first)?;
    let totals = simulated.lines().find(|line| line.contains("Totals {")).context("the simulation told no totals")?;
    rows.push([
        format!("{days} simulated office-days: deadlines missed, fired twice"),
        "0, 0".to_owned(),
        "0, 0".to_owned(),
    ]);
    let what = format!(
        "The room on SQLite, its deadlines engine and outbox running. The office-days have restarts, crashes between engine \
         and outbox, wall-clock faults, lost, late, doubled and reordered messages and positions; a model of a few lines says \
         what has to be true after each step: {}.",
        totals.trim()
    );
    Ok(Section { name: "field", what, rows })
}

fn test(package: &str, arguments: &[&str], runs: &str, first: &str) -> Result<String> {
    let mut command = Command::new(shell::cargo());
    // A simulated power cut is a dropped connection, so days need no disk; figures do.
    let memory = std::path::Path::new("/dev/shm");
    if runs != "0" && memory.is_dir() {
        command.env("TMPDIR", memory);
    }
    let output = command
        .args(["test", "--release", "--locked", "-p", package, "--test", "it", "--"])
        .args(arguments)
        .arg("--nocapture")
        .env("VIGIE_SIMULATION_RUNS", runs)
        .env("VIGIE_SIMULATION_FIRST", first)
        .env("VIGIE_CUT_OFF_DAYS", "7")
        .current_dir(shell::root())
        .output()
        .context("starting the room's tests")?;
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    if !output.status.success() {
        bail!("{text}\n{}", String::from_utf8_lossy(&output.stderr));
    }
    Ok(text)
}

fn row(line: &str) -> Option<[String; 3]> {
    // The name of the test may stand before the first of its lines.
    let (_, figure) = line.split_once("figure|")?;
    let mut parts = figure.trim().split('|').map(str::to_owned);
    Some([parts.next()?, parts.next()?, parts.next()?])
}
