//! What goes into the decoder and what comes out.

use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

use arrow_array::{RecordBatch, StringArray, TimestampMicrosecondArray};
use kernel::id::EntryId;
use kernel::{LogSource, TableSchema, Timestamp};

use crate::error::IntakeError;
use crate::limits::DecodeLimits;
use crate::time::SourceZone;

/// How the bytes of a delivery are to be read.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub enum Format {
    /// Windows events as JSON: flat (NXLog and the like), `{"Event": …}` or Elastic's `winlog`.
    WindowsJson,
    /// Windows event log: a whole file or its 64 KiB chunks.
    Evtx,
    /// JSON objects: one for each line, concatenated, or in one array.
    Json,
    /// Comma-separated text with a header; the separator is found.
    Csv,
    /// Zeek's tab-separated logs with their `#fields` header.
    Zeek,
    /// RFC 3164 and 5424, with CEF and auditd inside.
    Syslog,
    /// Entra sign-in and audit logs as JSON.
    Entra,
    /// AWS CloudTrail: `{"Records": […]}` or one event for each line.
    CloudTrail,
    /// Lines of text.
    Text,
}

impl Format {
    /// Every format, in the order in which they are documented.
    pub const ALL: [Format; 9] = [
        Format::WindowsJson,
        Format::Evtx,
        Format::Json,
        Format::Csv,
        Format::Zeek,
        Format::Syslog,
        Format::Entra,
        Format::CloudTrail,
        Format::Text,
    ];

    /// The name in configuration and in the API.
    pub const fn as_str(self) -> &'static str {
        match self {
            Format::WindowsJson => "windows-json",
            Format::Evtx => "evtx",
            Format::Json => "json",
            Format::Csv => "csv",
            Format::Zeek => "zeek",
            Format::Syslog => "syslog",
            Format::Entra => "entra",
            Format::CloudTrail => "cloudtrail",
            Format::Text => "text",
        }
    }
}

impl fmt::Display for Format {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

impl FromStr for Format {
    type Err = IntakeError;

    fn from_str(text: &str) -> Result<Format, IntakeError> {
        Format::ALL.into_iter().find(|format| format.as_str() == text).ok_or_else(|| IntakeError::Unknown {
            kind: "format",
            value: text.chars().take(64).collect(),
            known: Format::ALL.map(Format::as_str).join(", "),
        })
    }
}

/// One delivery to decode.
#[derive(Debug, Clone)]
pub struct DecodeRequest<'a> {
    /// The delivery's id; `_ItemId` is made of it and the record's number.
    pub entry: EntryId,
    /// The connected source; becomes `_SourceName`.
    pub source: &'a str,
    pub format: Format,
    /// The table that the sender named. Needed for JSON, CSV and text that no parser recognises; without it such
    /// records go to a table named after the source (`door-badges` -> `DoorBadges_CL`).
    pub table: Option<&'a str>,
    /// The columns that the named table has already, when it is not one of the shipped ones: values are typed by
    /// them, and what does not fit goes to `AdditionalFields`.
    pub schema: Option<&'a TableSchema>,
    pub received: Timestamp,
    /// How to read times without an offset.
    pub zone: SourceZone,
    /// What Sigma calls the log, for records that do not say it themselves.
    pub log_source: Option<&'a LogSource>,
    /// Whether rows for tables are wanted. Detection over files asks for the events alone: [`Decoded::tables`] stays
    /// empty, and so do the problems of values that do not fit a column; all else is the same.
    pub rows: bool,
    pub limits: DecodeLimits,
    pub payload: &'a [u8],
}

impl<'a> DecodeRequest<'a> {
    /// A delivery with no named table, local times read as UTC, default limits.
    pub fn new(
        entry: EntryId,
        source: &'a str,
        format: Format,
        received: Timestamp,
        payload: &'a [u8],
    ) -> DecodeRequest<'a> {
        DecodeRequest {
            entry,
            source,
            format,
            table: None,
            log_source: None,
            schema: None,
            received,
            zone: SourceZone::default(),
            rows: true,
            limits: DecodeLimits::default(),
            payload,
        }
    }
}

/// Rows of one table in its stored schema ([`kernel::schema::stored_type`]).
#[derive(Debug, Clone)]
pub struct TableRows {
    pub table: String,
    pub batch: RecordBatch,
}

/// One row for each source record that parsed, as Sigma reads it.
#[derive(Debug, Clone)]
pub struct EventBatch {
    /// One column for each source field name, `Dictionary(UInt32, Utf8)`, or `List<Utf8>` where a row has several
    /// values; absent is null. `@product`, `@category` and `@service` carry the log source where it is known.
    pub columns: RecordBatch,
    /// `_ItemId` of each row.
    pub item_ids: StringArray,
    /// Event time of each row.
    pub times: TimestampMicrosecondArray,
    /// The record as it arrived; EVTX as JSON.
    pub raw: StringArray,
}

/// Something that was wrong, and where.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Problem {
    /// Where in the delivery: `record 17, byte 4200`, `chunk 3, record 88, byte 66048`.
    pub position: String,
    pub reason: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", self.position, self.reason)
    }
}

/// What a delivery holds.
#[derive(Debug, Clone)]
pub struct Decoded {
    /// In order of table name; no table twice, none without rows.
    pub tables: Vec<TableRows>,
    pub events: Arc<EventBatch>,
    /// Records found, those in `_Unparsed` included.
    pub accepted: u64,
    /// Of these, how many lie in `_Unparsed`.
    pub unparsed: u64,
    /// The first problems, up to [`DecodeLimits::problems`].
    pub problems: Vec<Problem>,
    /// How many problems there were.
    pub problem_count: u64,
    /// The newest event time.
    pub newest_event: Option<Timestamp>,
}
