//! Running programs and finding the repository.

use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use anyhow::{Context, Result, bail};

/// The repository's root: the parent of this package.
pub fn root() -> PathBuf {
    let here = Path::new(env!("CARGO_MANIFEST_DIR"));
    here.parent().unwrap_or(here).to_path_buf()
}

/// Where the shared test data is, when this machine has it.
pub fn shared_data() -> Option<PathBuf> {
    let path = std::env::var_os("VIGIE_SHARED_DATA").map_or_else(|| root().join("../shared/data"), PathBuf::from);
    path.is_dir().then_some(path)
}

/// A program with the environment that a terminal would give it. `cargo run` tells us about the package `xtask` in
/// variables that build scripts watch (ring's does): handed on, they would make every call of cargo from here rebuild
/// what a call from the terminal has built, the data engine included.
pub fn command(program: &str) -> Command {
    let mut command = Command::new(program);
    let names = std::env::vars_os().map(|(name, _)| name);
    let ours = |name: &str| {
        ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_CRATE_", "CARGO_BIN_"].iter().any(|start| name.starts_with(start))
    };
    for name in names.filter(|name| name.to_str().is_some_and(ours)) {
        command.env_remove(name);
    }
    command
}

/// Runs `program` in `folder`, its output going to ours; fails with the command line when it does.
pub fn run(folder: &Path, program: &str, arguments: &[&str]) -> Result<()> {
    let status = command(program)
        .args(arguments)
        .current_dir(folder)
        .status()
        .with_context(|| format!("{program} could not be started; is it installed?"))?;
    if !status.success() {
        bail!("`{program} {}` failed in {} ({status})", arguments.join(" "), folder.display());
    }
    Ok(())
}

/// Runs `program` and returns what it printed.
pub fn capture(folder: &Path, program: &str, arguments: &[&str]) -> Result<String> {
    let output = command(program)
        .args(arguments)
        .current_dir(folder)
        .stderr(Stdio::inherit())
        .output()
        .with_context(|| format!("{program} could not be started; is it installed?"))?;
    if !output.status.success() {
        bail!("`{program} {}` failed ({})", arguments.join(" "), output.status);
    }
    String::from_utf8(output.stdout).with_context(|| format!("{program} printed text that is not UTF-8"))
}

/// Whether `program` answers `--version`.
pub fn has(program: &str) -> bool {
    Command::new(program)
        .arg("--version")
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|s| s.success())
}

/// Cargo, as it was called.
pub fn cargo() -> String {
    std::env::var("CARGO").unwrap_or_else(|_| "cargo".to_owned())
}
