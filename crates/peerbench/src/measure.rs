//! Time and memory of this process.

use anyhow::{Context, Result};

/// Rounds of which the fastest counts: on a machine with other work the others measure that work.
const ROUNDS: usize = 3;

/// Events a second of processor time, of the fastest of some rounds. `round` gives back how many events it handled.
pub fn rate(mut round: impl FnMut() -> Result<usize>) -> Result<f64> {
    let mut best: f64 = 0.0;
    for _ in 0..ROUNDS {
        let (events, seconds) = timed(&mut round)?;
        best = best.max(events as f64 / seconds);
    }
    Ok(best)
}

/// What `work` gives back, and the seconds that this thread spent on a processor.
pub fn timed<T>(work: impl FnOnce() -> Result<T>) -> Result<(T, f64)> {
    let start_ns = processor_ns()?;
    let value = work()?;
    Ok((value, (processor_ns()? - start_ns).max(1) as f64 / 1e9))
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
