//! How a logged delivery is decoded: the same on its way in and at replay.

use intake::{DecodeLimits, DecodeRequest, Decoded, IntakeError, SourceZone};
use kernel::{LogSource, TableSchema};
use lake::{Decoder, Entry, TableRows};
use serde::{Deserialize, Serialize};

/// What decoding depends on besides the bytes. It is logged with the delivery, in [`Entry::format`], so that replay
/// decodes as it was decoded, whatever the source's settings or the table's columns are by then.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Recipe {
    pub format: String,
    /// IANA name; `None`: UTC.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub zone: Option<String>,
    /// What Sigma calls the log, where the records do not say it.
    #[serde(skip_serializing_if = "LogSource::is_empty", default)]
    pub log_source: LogSource,
    /// The columns that the named table had, when it is not a shipped one.
    #[serde(skip_serializing_if = "Option::is_none", default)]
    pub schema: Option<TableSchema>,
}

impl Recipe {
    /// The form in which it is logged.
    pub fn to_text(&self) -> String {
        serde_json::to_string(self).expect("names and types are always JSON")
    }
}

/// Decodes deliveries for the lake and for detection.
#[derive(Debug, Default)]
pub struct Decoding {
    pub limits: DecodeLimits,
}

impl Decoding {
    /// Rows and field columns of a delivery. The error names a format or zone that does not exist.
    pub fn decode(&self, entry: &Entry, recipe: &Recipe) -> Result<Decoded, IntakeError> {
        let zone = recipe.zone.as_deref().map_or_else(|| Ok(SourceZone::default()), SourceZone::named)?;
        Ok(intake::decode(&DecodeRequest {
            table: entry.table.as_deref(),
            schema: recipe.schema.as_ref(),
            zone,
            log_source: Some(&recipe.log_source),
            limits: self.limits,
            ..DecodeRequest::new(entry.id, &entry.source, recipe.format.parse()?, entry.received, &entry.payload)
        }))
    }

    /// As [`decode`](Self::decode), for a delivery that was logged.
    pub fn decode_logged(&self, entry: &Entry) -> Option<Decoded> {
        let recipe = serde_json::from_str::<Recipe>(&entry.format).map_err(|error| error.to_string());
        match recipe.and_then(|recipe| self.decode(entry, &recipe).map_err(|error| error.to_string())) {
            Ok(decoded) => Some(decoded),
            Err(reason) => {
                tracing::error!(entry = %entry.id, source = entry.source, reason, "a logged delivery cannot be decoded by this version");
                None
            }
        }
    }
}

impl Decoder for Decoding {
    fn decode(&self, entry: &Entry) -> Vec<TableRows> {
        self.decode_logged(entry).map(|decoded| rows(&decoded)).unwrap_or_default()
    }
}

/// The decoder's rows as the lake takes them.
pub fn rows(decoded: &Decoded) -> Vec<TableRows> {
    let tables = decoded.tables.iter();
    tables.map(|rows| TableRows { table: rows.table.clone(), batch: rows.batch.clone() }).collect()
}
