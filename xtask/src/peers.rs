//! Other people's programs that tests talk to: packages of PyPI and npm, in a folder of their own.
//!
//! The tests find them there, or say in one line what they skip.

use std::path::PathBuf;

use anyhow::{Context, Result};

use crate::shell;

/// Judges of the courier's formats and protocols, and a SCIM service, at the versions that the tests were written with.
const PYPI: [&str; 6] = [
    "aiosmtpd==1.4.6",
    "capvalidator==0.1.0.dev4",
    "pynmea2==1.19.0",
    "pytak==7.6.1",
    "smpplib==2.2.4",
    "takproto==3.0.1",
];
const NPM: [&str; 5] = ["@tak-ps/node-cot@12.23", "smpp@0.5.1", "express@4.21", "scimmy@1.3.5", "scimmy-routers@1.3.2"];

/// The folder: `VIGIE_PEERS`, else `peers` in the cache of Vigie.
fn folder() -> PathBuf {
    if let Some(folder) = std::env::var_os("VIGIE_PEERS") {
        return folder.into();
    }
    let home = || PathBuf::from(std::env::var_os("HOME").unwrap_or_default()).join(".cache");
    std::env::var_os("XDG_CACHE_HOME").map_or_else(home, PathBuf::from).join("vigie/peers")
}

/// Installs what is missing.
pub fn run() -> Result<()> {
    let folder = folder();
    std::fs::create_dir_all(folder.join("node")).with_context(|| format!("making {}", folder.display()))?;
    if !folder.join("venv/bin/python3").is_file() {
        shell::run(&folder, "python3", &["-m", "venv", "venv"])?;
    }
    let pip = ["-m", "pip", "install", "--quiet", "--disable-pip-version-check"];
    let python = folder.join("venv/bin/python3");
    shell::run(&folder, &python.to_string_lossy(), &[&pip[..], &PYPI[..]].concat())?;
    let npm = ["install", "--no-audit", "--no-fund", "--silent", "--prefix", "node"];
    shell::run(&folder, "npm", &[&npm[..], &NPM[..]].concat())?;
    println!("peers are in {}", folder.display());
    Ok(())
}
