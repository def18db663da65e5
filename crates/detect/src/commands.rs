//! What changes rules and alerts: load, decide, write in one transaction.

mod alerts;
mod rules;

pub use alerts::Recorded;
