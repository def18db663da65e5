//! Time and memory of this process.

use anyhow::{Context, Result};

/// Rounds of which the fastest counts: on a machine with other work the others measure that work.
const ROUNDS: usize = 3;

/// The system counts a thread's time in ticks of some milliseconds: a round lasts many of them.
const ROUND_NS: u64 = 300_000_000;

/// Events a second of processor time, of the fastest of some rounds. `pass` gives back how many events it handled.
pub fn rate(mut pass: impl FnMut() -> Result<usize>) -> Result<f64> {
    let mut best: f64 = 0.0;
    for _ in 0..ROUNDS {
        let start_ns = processor_ns()?;
        let (mut events, mut spent_ns) = (0, 0);
        while spent_ns < ROUND_NS {
            events += pass()?;
            spent_ns = processor_ns()? - start_ns;
        }
        best = best.max(events as f64 * 1e9 / spent_ns as f64);
    }
    Ok(best)
}

fn processor_ns() -> Result<u64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat")
        .context("this measurement reads /proc/thread-self/schedstat, which only Linux has")?;
    text.split_whitespace().next().and_then(|spent| spent.parse().ok()).context("schedstat begins with a number")
}

/// Resident memory of this process in bytes.
pub fn resident_bytes() -> Result<u64> {
    let status = std::fs::read_to_string("/proc/self/status").context("reading /proc/self/status")?;
    let line = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).context("VmRSS of this process")?;
    let kilobytes: u64 = line.trim().trim_end_matches(" kB").parse().context("VmRSS is a number of kB")?;
    Ok(kilobytes * 1024)
}
