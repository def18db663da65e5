//! The binary as its users run it.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod config;
mod coverage;
mod data;
mod hostile;
mod hunt;
mod identity;
mod identity_rules;
mod kept;
mod kql_files;
mod kql_text;
mod nodes;
mod query_limits;
mod rig;
mod rule_life;
mod rules;
mod running;
mod scan;
mod scenario;
mod serve;
