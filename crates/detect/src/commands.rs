//! What changes rules and alerts: load, decide, write in one transaction.

mod alerts;
mod correlations;
mod exceptions;
mod kinds;
mod rules;

pub use alerts::Recorded;
pub use kinds::Covered;
