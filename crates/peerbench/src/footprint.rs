//! Time and memory to load all rules.

use std::path::Path;

use anyhow::Result;
use kernel::Clock;
use kernel::time::SystemClock;
use serde_json::{Value, json};
use sigma::{Engine, Mappings};

use crate::{measure, rules};

/// Loads and compiles every active rule; what the process has grown by when all that is temporary is gone.
pub fn measure(data: &Path) -> Result<Value> {
    let clock = SystemClock::new();
    let before_bytes = measure::resident_bytes()?;
    let start_us = clock.monotonic_us();
    let set = rules::active(data)?;
    let load_us = clock.monotonic_us() - start_us;
    let loaded_bytes = measure::resident_bytes()?.saturating_sub(before_bytes);
    let (files, refused) = (set.files, set.refused().count());
    let rules = set.rules;
    let start_us = clock.monotonic_us();
    let engine = Engine::compile(rules, &Mappings::shipped());
    let compile_us = clock.monotonic_us() - start_us;
    let grown_bytes = measure::resident_bytes()?.saturating_sub(before_bytes);
    Ok(json!({
        "files": files, "rules": engine.rules().len(), "refused": refused,
        "load_ms": load_us / 1_000, "compile_ms": compile_us / 1_000, "loaded_bytes": loaded_bytes, "grown_bytes": grown_bytes,
        "text_bytes": engine.rules().iter().map(|rule| rule.text.len()).sum::<usize>(),
        "size": engine.size(),
    }))
}
