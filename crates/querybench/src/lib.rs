//! KQL over the lake measured beside SQL over the same files, and what the lake could be otherwise.
//!
//! **Owns** the events of the benchmark, the thirteen questions in both languages, and how each is timed.
//!
//! **Never does** anything that a user has not: events go into a lake by its own writer and are merged by its own
//! maintenance; questions are put to the query engine as the server puts them.

mod age;
mod duel;
mod dynamic;
mod events;
mod fill;
mod measure;
mod peer;
mod questions;

pub use age::age;
pub use duel::duel;
pub use dynamic::dynamic;
pub use fill::Size;
