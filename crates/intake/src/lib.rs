//! Sources of records: what they send becomes table rows and field columns.
//!
//! **Owns** the formats (Windows events as JSON or EVTX, Entra and CloudTrail logs, syslog with CEF and auditd,
//! CSV, Zeek, generic JSON, plain text), their normalisation to tables (data under `content/sources/`), reading
//! files, folders and archives, the syslog listeners, the folder watcher and the counters of each source.
//!
//! **Never does** storage, queries or detection; never reads a clock that it was not given; never writes a file;
//! never runs or unpacks anything to disk.
//!
//! **Invariants**
//! - [`decode`] is a pure function: same bytes, same entry id, same time of receipt, same source settings give the
//!   same rows, so a write-ahead log of raw deliveries can be replayed.
//! - No record is lost: what does not parse becomes a row of `_Unparsed` with the reason and the bytes; what never
//!   reached a delivery is counted as dropped with its reason.
//! - No input makes it panic or take memory or time out of proportion: [`DecodeLimits`] and [`FileLimits`] bound
//!   line size, depth, width, field names, archive ratio, archive depth.
//! - Every row that derives from one source record carries the same `_ItemId`.

mod batch;
mod cloud;
mod csv;
mod decode;
mod error;
mod evtx;
mod field_columns;
pub mod files;
mod generic;
mod json;
mod limits;
pub mod listen;
mod log_source;
mod mapping;
mod output;
mod record;
mod registry;
mod request;
mod sniff;
mod syslog;
mod table;
mod text;
mod time;
mod transform;
mod windows;

/// Changes whenever [`decode`] gives other fields for the same bytes: what was decoded under another revision and kept
/// is out of date. A test compares it with what the decoders give.
pub const FIELDS_REVISION: u32 = 1;

pub use decode::decode;
pub use error::IntakeError;
pub use field_columns::{FieldColumns, NotAField};
pub use limits::{DecodeLimits, FileLimits};
pub use registry::{Drop, SourceRegistry};
pub use request::{DecodeRequest, Decoded, EventBatch, Format, Problem, TableRows};
pub use sniff::sniff;
pub use time::SourceZone;
