//! Ports: what a room may ask of rooms that it does not import.

use std::sync::Arc;

use async_trait::async_trait;
use bytes::Bytes;
use futures::stream::BoxStream;
use serde::{Deserialize, Serialize};

use crate::diagnostic::Diagnostic;
use crate::log_source::LogSource;
use crate::schema::{ColumnSchema, TableSchema};
use crate::time::Timestamp;
use crate::value::Value;

/// A half-open range of event time.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct TimeRange {
    pub from: Timestamp,
    /// Exclusive.
    pub to: Timestamp,
}

/// What a query may cost before it is stopped with [`QueryError::Limit`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub struct QueryLimits {
    pub time_ms: u64,
    pub memory_bytes: u64,
    /// Rows returned; when there are more, the answer says that it was truncated.
    pub rows: u64,
}

impl Default for QueryLimits {
    fn default() -> QueryLimits {
        QueryLimits { time_ms: 120_000, memory_bytes: 512 << 20, rows: 100_000 }
    }
}

/// A question in KQL.
#[derive(Debug, Clone)]
pub struct QueryRequest {
    pub text: String,
    /// The one `now()` of the query.
    pub now: Timestamp,
    /// Restricts `TimeGenerated` of every lake table, as the time picker does.
    pub range: Option<TimeRange>,
    pub limits: QueryLimits,
    /// Tables that the asker may read; `None`: all.
    pub tables: Option<Arc<[TableGrant]>>,
    /// How often a streamed answer tells of [`AnswerPart::Progress`], in milliseconds; `None`: never.
    pub progress_ms: Option<u64>,
}

/// A table that an asker may read.
#[derive(Debug, Clone, PartialEq)]
pub struct TableGrant {
    pub name: String,
    /// Which of its rows; `None`: all.
    pub rows: Option<RowScope>,
}

/// The rows of a table of facts that are the asker's own.
#[derive(Debug, Clone, PartialEq)]
pub struct RowScope {
    /// A column of the table.
    pub column: String,
    /// What it holds in those rows; with none, there are none.
    pub values: Vec<Value>,
}

impl TableGrant {
    /// Every row of the table.
    pub fn whole(name: impl Into<String>) -> TableGrant {
        TableGrant { name: name.into(), rows: None }
    }
}

impl QueryRequest {
    /// `text` at `now` with default limits over everything.
    pub fn new(text: impl Into<String>, now: Timestamp) -> QueryRequest {
        let limits = QueryLimits::default();
        QueryRequest { text: text.into(), now, range: None, limits, tables: None, progress_ms: None }
    }
}

/// An answer on its way.
pub struct AnswerStream {
    pub columns: Arc<[ColumnSchema]>,
    /// What the first table is called, where there are several.
    pub table: Option<String>,
    /// What `render` asked for: `timechart`, `barchart`, …
    pub visualization: Option<String>,
    pub warnings: Vec<Diagnostic>,
    /// Rows as they come, [`QueryLimits::rows`] of each table at most, then one [`AnswerPart::End`]; or an error, which is the last
    /// item. Dropping it cancels the query.
    pub parts: BoxStream<'static, Result<AnswerPart, QueryError>>,
}

/// One piece of an [`AnswerStream`].
#[derive(Debug, Clone, PartialEq)]
pub enum AnswerPart {
    Rows(Vec<Vec<Value>>),
    /// The rows so far were all of their table; what follows belongs to this one.
    Table {
        name: String,
        columns: Arc<[ColumnSchema]>,
    },
    /// Sent between rows, as often as [`QueryRequest::progress_ms`] asks; left out while the reader is behind.
    Progress(ScanProgress),
    End(AnswerEnd),
}

/// How far a query has come in reading. What is planned is what indexes and times of files leave to be read; a query that
/// needs few columns, or finds its rows early, ends below it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub struct ScanProgress {
    /// Files that have been opened.
    pub files: u64,
    pub files_planned: u64,
    /// Rows that scans have given.
    pub rows: u64,
    pub rows_planned: u64,
    /// Bytes that have been fetched from files.
    pub bytes: u64,
    pub bytes_planned: u64,
}

/// What is known when the last row has been given.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct AnswerEnd {
    /// More rows of a table existed than the limit allows.
    pub truncated: bool,
    pub elapsed_us: u64,
    pub rows_scanned: u64,
    /// What was read for it, subqueries included.
    pub read: ScanProgress,
}

/// A whole answer.
#[derive(Debug, Clone, PartialEq)]
pub struct Answer {
    pub columns: Arc<[ColumnSchema]>,
    pub rows: Vec<Vec<Value>>,
    /// More rows existed than the limit allows.
    pub truncated: bool,
    /// What the first table is called, where there are several.
    pub table: Option<String>,
    /// The tables after the first: of `fork`, `facet`, `funnel_sequence`, and of several queries in one text.
    pub further: Vec<FurtherTable>,
    /// What `render` asked for: `timechart`, `barchart`, …
    pub visualization: Option<String>,
    pub warnings: Vec<Diagnostic>,
    pub elapsed_us: u64,
    pub rows_scanned: u64,
}

impl Answer {
    /// An answer of one table that cost nothing.
    pub fn of(columns: Arc<[ColumnSchema]>, rows: Vec<Vec<Value>>) -> Answer {
        Answer {
            columns,
            rows,
            truncated: false,
            table: None,
            further: Vec::new(),
            visualization: None,
            warnings: Vec::new(),
            elapsed_us: 0,
            rows_scanned: 0,
        }
    }
}

/// A result table after the first.
#[derive(Debug, Clone, PartialEq)]
pub struct FurtherTable {
    /// Unique in the answer.
    pub name: String,
    pub columns: Arc<[ColumnSchema]>,
    pub rows: Vec<Vec<Value>>,
    /// More rows existed than the limit allows.
    pub truncated: bool,
}

/// Why a question has no answer.
#[derive(Debug, Clone, PartialEq, thiserror::Error)]
pub enum QueryError {
    /// The asker's text is at fault; each diagnostic has a place in it.
    #[error("the query is not valid: {}", first_message(.0))]
    Invalid(Vec<Diagnostic>),
    /// The query was stopped at a limit; the text says which and what to do.
    #[error("{0}")]
    Limit(String),
    #[error("the query was cancelled")]
    Cancelled,
    /// Vigie or its storage is at fault.
    #[error("the lake could not answer: {0}")]
    Engine(String),
}

fn first_message(diagnostics: &[Diagnostic]) -> &str {
    diagnostics.first().map_or("no reason given", |diagnostic| &diagnostic.message)
}

/// The lake as desks see it: append records, run KQL, stream results.
#[async_trait]
pub trait EventLake: Send + Sync {
    /// Appends rows, each a JSON object, to a table as the source `vigie`. Returns when they are durable.
    async fn append(
        &self,
        table: &str,
        rows: Vec<serde_json::Map<String, serde_json::Value>>,
    ) -> Result<(), DeliveryError>;
    /// Runs a query and collects its answer.
    async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError>;
    /// Runs a query and hands out rows as they come. Dropping the stream cancels the query.
    async fn stream(&self, request: QueryRequest) -> Result<AnswerStream, QueryError>;
    /// Every table that KQL can name now: lake tables, then fact tables.
    fn tables(&self) -> Vec<TableSchema>;
}

/// Records as a source sent them.
#[derive(Debug, Clone)]
pub struct Delivery {
    /// The connected source that sent it; decides parser, table and time zone.
    pub source: String,
    /// The table, when the sender named one instead of leaving it to the source.
    pub table: Option<String>,
    /// The records, decompressed, in the framing of the source (NDJSON over HTTP).
    pub body: Bytes,
    /// The sender's own name for this delivery; a second one with the same key is recognised. `None`: the digest of
    /// the body is the key.
    pub key: Option<String>,
}

/// What became of a delivery. It is durable when this is returned.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Receipt {
    /// Records accepted, those in `_Unparsed` included.
    pub accepted: u64,
    /// Of these, how many could not be parsed and lie in `_Unparsed` with the reason.
    pub unparsed: u64,
    /// The delivery was seen before; nothing was stored again.
    pub duplicate: bool,
    /// Up to ten things that were wrong, with their place in the delivery.
    pub problems: Vec<String>,
}

/// Why a delivery was not accepted. Nothing of it was stored.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum DeliveryError {
    #[error("no source or table is called `{0}`")]
    UnknownTarget(String),
    #[error("the delivery is {bytes} bytes; the limit is {limit}: send it in parts")]
    TooLarge { bytes: u64, limit: u64 },
    /// The disk is full or failing; the sender should keep the records and retry.
    #[error("the lake cannot take records now: {0}; keep them and retry")]
    Unavailable(String),
    #[error("the delivery cannot be used: {0}")]
    Malformed(String),
}

/// What a source is, as somebody connected it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct SourceDefinition {
    /// The name in the address of its deliveries and in `_SourceName`.
    pub name: String,
    /// The parser: `windows-json`, `syslog`, `evtx`, …
    pub format: String,
    /// The table of its records; `None`: the parser decides.
    pub table: Option<String>,
    /// The IANA zone of instants that carry none; `None`: UTC.
    pub time_zone: Option<String>,
    /// What Sigma rules call its log, where the records do not say it themselves: `category=proxy`.
    #[serde(default, skip_serializing_if = "LogSource::is_empty")]
    pub log_source: LogSource,
}

/// The way in for live sources.
#[async_trait]
pub trait IntakePort: Send + Sync {
    /// Connects a source, or replaces what was known of it; deliveries under its name are accepted from now on.
    /// Called for each registered source at start, too. [`DeliveryError::Malformed`] says what of it cannot be used.
    async fn connect(&self, source: SourceDefinition) -> Result<(), DeliveryError>;
    /// The formats that a source can have, in the order in which to offer them.
    fn formats(&self) -> Vec<String>;
    /// Takes a delivery; returns when its records are durable and queryable.
    async fn accept(&self, delivery: Delivery) -> Result<Receipt, DeliveryError>;
    /// The state of each source.
    fn sources(&self) -> Vec<SourceStatus>;
}

/// What is known of a connected source.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct SourceStatus {
    pub name: String,
    /// The parser: `windows-json`, `syslog`, `evtx`, …
    pub format: String,
    pub first_seen: Option<Timestamp>,
    pub last_seen: Option<Timestamp>,
    /// Event time of the newest record.
    pub last_event: Option<Timestamp>,
    pub records: u64,
    pub bytes: u64,
    pub unparsed: u64,
    /// Records dropped before acceptance (a full UDP queue, an oversize line), with nothing kept of them.
    pub dropped: u64,
    pub duplicates: u64,
    /// Records per second over the last minute.
    pub rate_per_s: f64,
    /// Receipt minus event time of the newest record, in milliseconds.
    pub lag_ms: Option<i64>,
    /// It has not spoken for longer than it usually does.
    pub silent: bool,
}

/// What is wanted of a table of facts. The conditions hold for every row that is wanted; rows for which they do not hold
/// may come, too, and the reader sorts them out.
#[derive(Debug, Clone, PartialEq, Default)]
pub struct FactScan {
    pub table: String,
    /// The columns of each row, in this order.
    pub columns: Vec<String>,
    /// All of them hold.
    pub conditions: Vec<FactCondition>,
    /// No more rows than this are read; which of them is not specified.
    pub limit: Option<u64>,
}

impl FactScan {
    /// Some columns of every row.
    pub fn of(table: &str, columns: &[&str]) -> FactScan {
        let columns = columns.iter().map(|name| (*name).to_owned()).collect();
        FactScan { table: table.to_owned(), columns, ..FactScan::default() }
    }
}

/// A condition on one column. A null never fulfils one.
#[derive(Debug, Clone, PartialEq)]
pub struct FactCondition {
    pub column: String,
    pub test: FactTest,
}

/// What a value must be.
#[derive(Debug, Clone, PartialEq)]
pub enum FactTest {
    /// One of these; texts are compared byte by byte.
    OneOf(Vec<Value>),
    /// This or more.
    AtLeast(Value),
    /// This or less.
    AtMost(Value),
}

/// The state database as KQL reads it: each table of facts under its PascalCase name.
#[async_trait]
pub trait FactTables: Send + Sync {
    fn tables(&self) -> Vec<TableSchema>;
    /// Rows of one table.
    async fn scan(&self, scan: &FactScan) -> Result<Vec<Vec<Value>>, String>;
}
