//! KQL over the lake with DuckDB over the same files, measured by the crate `querybench`.

use std::path::{Path, PathBuf};
use std::process::Command;

use anyhow::{Context, Result, bail};
use serde_json::Value;

use super::input::Scratch;
use super::report::Section;
use crate::{platform, shell};

/// Process events unless `--rows` says otherwise.
const ROWS: u64 = 5_000_000;
/// Warm rounds, of which the fastest counts.
const ROUNDS: u64 = 5;

/// `bench kql [--rows N] [--rounds N] [--keep FOLDER]`: fills a lake, or takes the one in the folder, and asks both.
pub fn run(arguments: &[String]) -> Result<Section> {
    let option = |name: &str| {
        let at = arguments.iter().position(|argument| argument == name);
        at.and_then(|at| arguments.get(at + 1)).cloned()
    };
    let number = |name: &str, usual: u64| match option(name) {
        Some(text) => text.parse::<u64>().with_context(|| format!("{name} takes a number")),
        None => Ok(usual),
    };
    let (rows, rounds) = (number("--rows", ROWS)?, number("--rounds", ROUNDS)?);
    let root = shell::root();
    let scratch = Scratch::new("kql")?;
    let folder = option("--keep").map_or_else(|| scratch.0.clone(), PathBuf::from);
    std::fs::create_dir_all(&folder).with_context(|| format!("making {}", folder.display()))?;
    let build = ["build", "--release", "--locked", "-p", "querybench", "--example", "kql"];
    shell::run(&root, &shell::cargo(), &build)?;
    let output = Command::new(platform::target(&root).join("release/examples/kql"))
        .arg(&folder)
        .args([rows.to_string(), rounds.to_string()])
        .arg(python(&root)?)
        .arg(root.join("xtask/src/bench/kql/duckdb_peer.py"))
        .stderr(std::process::Stdio::inherit())
        .output()
        .context("starting the measurement")?;
    if !output.status.success() {
        bail!("the measurement failed; its message is above");
    }
    let found = serde_json::from_slice(&output.stdout).context("the measurement prints one line of JSON")?;
    Ok(section(&found))
}

/// The Python of a virtual environment under the target folder that has DuckDB, made when it is not there.
fn python(root: &Path) -> Result<PathBuf> {
    let folder = platform::target(root).join("bench/duckdb-venv");
    let python = folder.join("bin/python");
    let has_peer = |python: &Path| {
        Command::new(python).args(["-c", "import duckdb"]).status().is_ok_and(|status| status.success())
    };
    if !python.is_file() || !has_peer(&python) {
        let place = folder.display().to_string();
        shell::run(root, "python3", &["-m", "venv", &place])?;
        shell::run(root, &python.display().to_string(), &["-m", "pip", "install", "--quiet", "duckdb"])?;
    }
    Ok(python)
}

fn section(found: &Value) -> Section {
    let lines = found["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    let megabytes = |bytes: &Value| bytes.as_f64().unwrap_or(f64::NAN) / 1e6;
    let companions = found["companions"].as_object().into_iter().flatten();
    let companions: Vec<String> =
        companions.map(|(kind, bytes)| format!("{:.1} MB of {kind}", megabytes(bytes))).collect();
    Section {
        name: "kql",
        what: format!(
            "{} process events, a fifth of that sign-ins, 20,000 identities in {} files of {:.0} MB, beside them {}. Writing \
             and merging the files took {:.1} s of processor time; reading them again to make their companions {:.1} s. Each \
             question to the query engine and to DuckDB {} (`read_parquet` of the same files, result into a temporary table) \
             in turn, {} threads each, answers compared. Wall time of the fastest warm round, processor time, and cold: \
             a new engine, the files' pages dropped.",
            found["rows"],
            found["files"],
            megabytes(&found["bytes"]),
            if companions.is_empty() { "nothing".to_owned() } else { companions.join(", ") },
            found["filled"]["filled_s"].as_f64().unwrap_or(f64::NAN),
            found["filled"]["companions_s"].as_f64().unwrap_or(f64::NAN),
            found["peer"].as_str().unwrap_or_default(),
            found["threads"],
        ),
        rows: lines.iter().map(row).collect(),
    }
}

fn row(line: &Value) -> [String; 3] {
    let ms = |name: &str| line[name].as_f64().unwrap_or(f64::NAN) * 1e3;
    let times = |ours: &str, peer: &str| ms(peer) / ms(ours);
    let answers = if line["same"] == true { "" } else { "; ANSWERS DIFFER" };
    [
        line["name"].as_str().unwrap_or_default().to_owned(),
        format!("≥ {} ×", line["target"]),
        format!(
            "{:.1} × ({:.1} ms, DuckDB {:.1} ms); processor {:.1} × ({:.0} ms, {:.0} ms); cold {:.1} × ({:.0} ms, {:.0} ms){answers}",
            times("wall_s", "peer_wall_s"),
            ms("wall_s"),
            ms("peer_wall_s"),
            times("processor_s", "peer_processor_s"),
            ms("processor_s"),
            ms("peer_processor_s"),
            times("cold_s", "peer_cold_s"),
            ms("cold_s"),
            ms("peer_cold_s"),
        ),
    ]
}
