//! Deadlines: who owes what, about what, by when, and what happens otherwise.

mod engine;
mod record;
mod stored;

pub use engine::{DeadlineEngine, DeadlinePort, Expiring, Pending, Tick};
pub use record::{Deadline, DeadlineRecord, DeadlineState, Due};
