//! A delivery as it is logged, and the rows that it means.

use arrow_array::RecordBatch;
use bytes::Bytes;
use kernel::Timestamp;
use kernel::id::EntryId;

/// One delivery of records, exactly as a source sent it. This is what the write-ahead log keeps, so that replay
/// can decode and detect again.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    pub id: EntryId,
    /// The connected source.
    pub source: String,
    /// The parser that understands `payload`: `windows-json`, `syslog`, …
    pub format: String,
    /// The table, when the sender named one.
    pub table: Option<String>,
    /// When Vigie accepted it.
    pub received: Timestamp,
    /// Two deliveries with one key are the same delivery; see [`Entry::NO_KEY`].
    pub key: [u8; 32],
    pub payload: Bytes,
}

impl Entry {
    /// The key of deliveries that are never duplicates of one another, such as datagrams.
    pub const NO_KEY: [u8; 32] = [0; 32];
}

/// Rows for one table.
#[derive(Debug, Clone, PartialEq)]
pub struct TableRows {
    /// Letters, digits and `_`, not starting with a digit.
    pub table: String,
    /// In the stored types of [`kernel::schema::stored_type`]. Columns of the table that are missing here are null;
    /// columns that the table does not have yet are added to it.
    pub batch: RecordBatch,
}

/// Turns logged deliveries back into rows after a restart. Implemented by the binary over `intake`.
///
/// Deterministic: the same entry always gives the same rows, or replay would lose or repeat some.
pub trait Decoder: Send + Sync {
    fn decode(&self, entry: &Entry) -> Vec<TableRows>;
}
