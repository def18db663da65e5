//! The words that every room shares.
//!
//! **Owns** typed ids, time, severity, markings, entity references, actors, refusals, diagnostics, values and
//! schemas of the one query language, the facts that travel between rooms, and the ports through which rooms
//! reach what they may not import.
//!
//! **Never does** input or output, never reads a clock, never spawns a task.
//!
//! **Invariants**
//! - An instant is UTC; a wall clock is always a parameter ([`time::Clock`]).
//! - An id names its kind in its text form, so a log line can be read without its schema.
//! - A port is implemented in the binary or by a lower room, never by its caller.

pub mod actor;
pub mod diagnostic;
pub mod entity;
pub mod fact;
pub mod id;
pub mod library;
pub mod log_source;
pub mod marking;
pub mod message;
pub mod port;
pub mod schema;
pub mod severity;
pub mod time;
pub mod value;
mod words;

pub use actor::Actor;
pub use diagnostic::{Diagnostic, Span};
pub use entity::{Entity, EntityKind};
pub use fact::Fact;
pub use library::StoredFunction;
pub use log_source::LogSource;
pub use marking::Tlp;
pub use schema::{ColumnSchema, TableSchema};
pub use severity::Severity;
pub use time::{Clock, Timestamp};
pub use value::{ScalarType, Value};
