//! Events: appended for ever, never edited, asked in KQL.
//!
//! **Owns** the data directory: the write-ahead log, the hot rows, the Delta tables (local or on an object store),
//! their compaction and retention, and the one query engine over them.
//!
//! **Never does** parsing of deliveries (it asks a [`Decoder`]), detection, HTTP, or changes to facts.
//!
//! **Invariants**
//! - A row is durable, then visible, then acknowledged, in that order.
//! - A row is hot or in a Delta file, never both and never neither, in every [`TableSnapshot`].
//! - A log segment goes only when its rows are committed in every table *and* every [`Ticket`] of it is done.
//! - A commit to Delta names the node and the last segment in its application transaction, so replay is harmless.
//! - All durable I/O goes through the [`disk::Disk`] port or an object store, so that tests can break it anywhere.

pub mod companion;
pub mod config;
mod core;
mod delta;
pub mod disk;
pub mod entry;
pub mod error;
mod flush;
pub mod history;
mod keys;
pub mod lake;
mod maintain;
mod open;
mod paths;
pub mod query;
pub mod snapshot;
pub mod status;
mod table;
mod terms;
mod ticket;
mod wal;

pub use companion::Companion;
pub use config::{LakeConfig, Retention};
pub use delta::DAY_COLUMN;
pub use entry::{Decoder, Entry, TableRows};
pub use error::LakeError;
pub use history::{History, Piece};
pub use lake::Lake;
pub use open::Ports;
pub use paths::DynamicPath;
pub use query::{EngineConfig, QueryEngine};
pub use snapshot::{DataFile, TableSnapshot, Tables};
pub use status::{LakeStatus, TableStatus};
pub use ticket::{Appended, Problem, Replay, Ticket};
