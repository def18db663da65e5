//! `cargo xtask fuzz [SECONDS] [TARGET…]`: the fuzz targets with a stable compiler, each from its own corpus.
//!
//! Coverage comes from LLVM's own pass, so neither a nightly compiler nor another tool is needed; what it does not
//! bring is the address sanitizer, which code without `unsafe` does not need either.

use std::path::Path;

use anyhow::{Context, Result, bail, ensure};

use crate::shell;

/// Bytes of the longest input.
const MAX_LENGTH: u32 = 65_536;
/// A single input that takes longer than this is a finding.
const INPUT_TIMEOUT_S: u32 = 10;
const MEMORY_MIB: u32 = 3_000;

/// What instruments a target. It must not reach build scripts, hence the explicit target below.
const COVERAGE: [&str; 4] = [
    "-Cpasses=sancov-module",
    "-Cllvm-args=-sanitizer-coverage-level=4",
    "-Cllvm-args=-sanitizer-coverage-inline-8bit-counters",
    "-Cllvm-args=-sanitizer-coverage-pc-table",
];

/// Runs every target, or those named, for so many seconds each; inputs that were found interesting stay in
/// `target/fuzz/corpus`, what broke a target in `target/fuzz/findings`.
pub fn run(arguments: &[String]) -> Result<()> {
    let seconds: u32 = match arguments.first() {
        Some(text) => text.parse().with_context(|| format!("`{text}` is no number of seconds"))?,
        None => 60,
    };
    let root = shell::root();
    let (folder, home) = (root.join("fuzz"), root.join("target/fuzz"));
    let triple = host(&root)?;
    build(&folder, &home, &triple)?;
    let known = targets(&folder)?;
    let wanted: Vec<&String> = match arguments.get(1..).unwrap_or_default() {
        [] => known.iter().collect(),
        named => named.iter().collect(),
    };
    for target in wanted {
        ensure!(known.contains(target), "there is no fuzz target `{target}`; there are {}", known.join(", "));
        fuzz(target, seconds, &folder, &home, &triple)?;
    }
    Ok(())
}

/// The platform that cargo builds for here.
fn host(root: &Path) -> Result<String> {
    let version = shell::capture(root, "rustc", &["-vV"])?;
    let host = version.lines().find_map(|line| line.strip_prefix("host: "));
    Ok(host.context("`rustc -vV` names no host")?.to_owned())
}

fn build(folder: &Path, home: &Path, triple: &str) -> Result<()> {
    let status = shell::command(&shell::cargo())
        .args(["build", "--release", "--locked", "--target", triple])
        .env("CARGO_TARGET_DIR", home)
        .env("CARGO_ENCODED_RUSTFLAGS", COVERAGE.join("\u{1f}"))
        .current_dir(folder)
        .status()
        .context("building the fuzz targets")?;
    ensure!(status.success(), "the fuzz targets could not be built ({status})");
    Ok(())
}

fn targets(folder: &Path) -> Result<Vec<String>> {
    let mut names = Vec::new();
    for entry in std::fs::read_dir(folder.join("fuzz_targets")).context("reading the fuzz targets")? {
        let path = entry?.path();
        if path.extension().is_some_and(|end| end == "rs") {
            names.extend(path.file_stem().map(|name| name.to_string_lossy().into_owned()));
        }
    }
    names.sort();
    Ok(names)
}

fn fuzz(target: &str, seconds: u32, folder: &Path, home: &Path, triple: &str) -> Result<()> {
    let (found, findings) = (home.join("corpus").join(target), home.join("findings"));
    std::fs::create_dir_all(&found).and_then(|()| std::fs::create_dir_all(&findings)).context("making folders")?;
    println!("==> {target}, {seconds} s");
    let mut command = shell::command(&home.join(triple).join("release").join(target).display().to_string());
    // New inputs go to the first folder; the committed corpus is read.
    command.arg(&found);
    let committed = folder.join("corpus").join(target);
    if committed.is_dir() {
        command.arg(committed);
    }
    let status = command
        .arg(format!("-max_total_time={seconds}"))
        .arg(format!("-timeout={INPUT_TIMEOUT_S}"))
        .arg(format!("-rss_limit_mb={MEMORY_MIB}"))
        .arg(format!("-max_len={MAX_LENGTH}"))
        .arg(format!("-artifact_prefix={}/{target}-", findings.display()))
        .status()
        .with_context(|| format!("starting {target}"))?;
    if !status.success() {
        bail!("{target} broke; the input is in {} — add it to fuzz/corpus/{target} with the mend", findings.display());
    }
    Ok(())
}
