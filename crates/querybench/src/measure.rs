//! Time on the wall and on processors, and forgetting what the system keeps of files.

use std::path::Path;
use std::time::Instant;

/// The start of a measurement.
#[expect(clippy::disallowed_methods, reason = "a benchmark measures time")]
pub fn stopwatch() -> Instant {
    Instant::now()
}

/// Seconds of processor time that this process has used, on all its threads.
pub fn processor_s() -> f64 {
    cpu_time::ProcessTime::now().as_duration().as_secs_f64()
}

/// Has the system drop its copies of a file's pages, so that the next read goes to the disk.
pub fn forget(path: &Path) {
    // What cannot be opened has no pages to be dropped.
    if let Ok(file) = std::fs::File::open(path) {
        let _ = file.sync_all();
        let _ = rustix::fs::fadvise(&file, 0, None, rustix::fs::Advice::DontNeed);
    }
}
