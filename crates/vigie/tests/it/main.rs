//! The binary as its users run it.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod config;
mod data;
mod hostile;
mod rig;
mod rule_life;
mod running;
mod scan;
mod scenario;
mod serve;
mod why;
