//! What people hold, duties, mined roles and outliers from outside.
#![expect(clippy::unwrap_used, reason = "a check that cannot go on fails")]

mod mining;
mod nesting;
mod separation;
mod strange;
mod world;
