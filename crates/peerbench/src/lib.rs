//! The Sigma engine measured beside its peer, rsigma-eval, on the same rules and events in the same run.
//!
//! **Owns** what each figure feeds and counts. **Never does** anything that the program needs: it is for development
//! only, and linked by nothing.
//!
//! **Invariants**
//! - Both engines run on one thread, and what counts is the time that this thread spent on a processor.
//! - A figure says what it was measured on: rules, events, rows of a batch, distinct values.

mod curve;
mod events;
mod footprint;
mod history;
mod measure;
mod peer;
mod raw;
mod regression;
mod rules;
mod segment;
mod streaming;

use std::path::Path;

use anyhow::{Result, bail};
use serde_json::Value;

/// The names of all figures, in the order in which they are told.
pub const FIGURES: [&str; 6] = ["regression", "streaming", "history", "raw", "curve", "footprint"];

/// Measures one figure on the data set in `data`. Each runs in a process of its own, so that none finds the memory or
/// the caches of another.
pub fn figure(name: &str, data: &Path) -> Result<Value> {
    match name {
        "regression" => regression::measure(data),
        "streaming" => streaming::measure(data),
        "history" => history::measure(data),
        "raw" => raw::measure(data),
        "curve" => curve::measure(data),
        "footprint" => footprint::measure(data),
        _ => bail!("name a figure: {}", FIGURES.join(", ")),
    }
}
