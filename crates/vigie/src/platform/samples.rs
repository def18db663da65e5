//! Events that rules are known by: those of their tests, and records of their alerts.

use std::path::{Path, PathBuf};

use arrow_array::RecordBatch;
use detect::Samples;
use intake::{DecodeLimits, DecodeRequest, FileLimits, Format};
use kernel::Timestamp;
use kernel::id::EntryId;

use crate::platform::decoding::Decoding;
use crate::rule_tests::{self, Expected};

/// Reads samples from files and from records.
pub struct RecordSamples {
    limits: DecodeLimits,
}

impl RecordSamples {
    /// With the limits of live decoding.
    pub fn new(decoding: &Decoding) -> RecordSamples {
        RecordSamples { limits: decoding.limits }
    }

    fn decode(&self, format: Format, payload: &[u8]) -> RecordBatch {
        let entry = EntryId::derived([0; 16]);
        let request = DecodeRequest::new(entry, "samples", format, Timestamp(0), payload);
        intake::decode(&DecodeRequest { limits: self.limits, ..request }).events.columns.clone()
    }

    fn of_file(&self, file: PathBuf) -> Vec<RecordBatch> {
        let chunks = intake::files::open(vec![file], None, FileLimits::default());
        let mut events = Vec::new();
        for chunk in chunks {
            match chunk {
                Ok(chunk) => {
                    let columns = self.decode(chunk.format, &chunk.payload);
                    events.extend((0..columns.num_rows()).map(|row| columns.slice(row, 1)));
                }
                Err(error) => tracing::warn!(%error, "a sample of a rule cannot be read"),
            }
        }
        events
    }
}

impl Samples for RecordSamples {
    fn positives(&self, rule_id: &str, origin: &str) -> Vec<RecordBatch> {
        let origin = Path::new(origin);
        // Rules inside the binary have no file.
        let Ok(text) = std::fs::read_to_string(origin) else { return Vec::new() };
        match rule_tests::of_rule(origin, &text) {
            Ok(tests) => {
                let positive = tests.into_iter().filter(|test| test.expected != Expected::Never);
                positive.flat_map(|test| self.of_file(test.file)).collect()
            }
            Err(error) => {
                tracing::warn!(rule_id, "the tests of a rule cannot be read: {error:#}");
                Vec::new()
            }
        }
    }

    fn record(&self, raw: &str) -> Option<RecordBatch> {
        let columns = self.decode(intake::sniff(raw.as_bytes()), raw.as_bytes());
        (columns.num_rows() > 0).then_some(columns)
    }
}
