//! What benchmarks feed: the shared data set where this machine has it, else the scenario.

use std::io::Read;
use std::path::{Path, PathBuf};
use std::time::Instant;

use anyhow::{Context, Result};
use testkit::scenario::{Channel, Scenario};

use crate::{play, shell};

/// Windows events as NDJSON lines.
pub struct Lines {
    pub name: String,
    pub lines: Vec<String>,
}

impl Lines {
    /// Mean length of a line in bytes.
    pub fn mean_bytes(&self) -> usize {
        self.lines.iter().map(String::len).sum::<usize>() / self.lines.len().max(1)
    }
}

/// The standard throughput input, unpacked with the machine's `unzip`.
pub fn windows_events() -> Result<Lines> {
    let set = "otrf/datasets/compound/LSASS_campaign_05/metasploit_sharpdump_lsass_memory_dump.zip";
    if let Some(archive) = shell::shared_data().map(|data| data.join(set)).filter(|path| path.is_file()) {
        let text = unzip(&archive)?;
        let lines = text.lines().filter(|line| !line.is_empty()).map(str::to_owned).collect();
        return Ok(Lines { name: "OTRF LSASS_campaign_05".to_owned(), lines });
    }
    let day = Scenario::new(play::SEED, play::now(), 300);
    let windows = day.records.into_iter().filter(|record| record.channel == Channel::WindowsCollector);
    Ok(Lines { name: "the scenario's Windows events".to_owned(), lines: windows.map(|record| record.body).collect() })
}

/// The Windows events of every published attack simulation, where they are there; else the scenario's.
pub fn simulations() -> Result<Lines> {
    let Some(folder) = shell::shared_data().map(|data| data.join("otrf/datasets")).filter(|path| path.is_dir()) else {
        return windows_events();
    };
    let files = walkdir::WalkDir::new(folder).sort_by_file_name().into_iter().flatten();
    let mut lines = Vec::new();
    for archive in files.filter(|file| file.path().extension().is_some_and(|extension| extension == "zip")) {
        // Some archives hold captures under a password, or what is no text; their events are not missed here.
        let text = unzip(archive.path()).unwrap_or_default();
        lines.extend(text.lines().filter(|line| line.starts_with('{') && line.ends_with('}')).map(str::to_owned));
    }
    Ok(Lines { name: "the OTRF simulations".to_owned(), lines })
}

fn unzip(archive: &Path) -> Result<String> {
    let mut child = std::process::Command::new("unzip")
        // No password: an archive that wants one would otherwise ask for it.
        .args(["-p", "-P", ""])
        .arg(archive)
        .arg("*.json")
        .stdout(std::process::Stdio::piped())
        .spawn()
        .context("unzip could not be started; is it installed?")?;
    let mut text = String::new();
    child.stdout.take().context("unzip's output")?.read_to_string(&mut text).context("reading the archive")?;
    child.wait()?;
    Ok(text)
}

/// Folders of Sigma rules: the shared collection where it is there, and our own.
pub fn sigma_rules() -> Vec<PathBuf> {
    let own = shell::root().join("content/rules/sigma");
    let shared = shell::shared_data().map(|data| data.join("sigma"));
    let folders = ["rules", "rules-emerging-threats", "rules-threat-hunting"];
    let collection = shared.into_iter().flat_map(|sigma| folders.map(|name| sigma.join(name)));
    std::iter::once(own).chain(collection.filter(|path| path.is_dir())).collect()
}

/// The start of a measurement.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// Resident memory of a process in MiB, now and at its peak.
pub fn memory_mib(process_id: u32) -> (u64, u64) {
    let status = std::fs::read_to_string(format!("/proc/{process_id}/status")).unwrap_or_default();
    let field = |name: &str| {
        let line = status.lines().find(|line| line.starts_with(name));
        line.and_then(|line| line.split_whitespace().nth(1)).and_then(|number| number.parse::<u64>().ok()).unwrap_or(0)
            / 1024
    };
    (field("VmRSS:"), field("VmHWM:"))
}

/// An empty folder for one benchmark, removed when dropped.
pub struct Scratch(pub PathBuf);

impl Scratch {
    /// Under the target folder, where there is room.
    pub fn new(name: &str) -> Result<Scratch> {
        let path = shell::root().join("target/bench").join(format!("{name}-{}", std::process::id()));
        std::fs::create_dir_all(&path).with_context(|| format!("making {}", path.display()))?;
        Ok(Scratch(path))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // What stays behind is under `target/` and goes with it.
        let _ = std::fs::remove_dir_all(&self.0);
    }
}
