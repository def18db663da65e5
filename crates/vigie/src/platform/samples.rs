//! Events that rules are known by: those of their tests, and records of their alerts.

use std::path::{Path, PathBuf};

use anyhow::{Context, Result};
use arrow_array::RecordBatch;
use detect::Samples;
use intake::{DecodeLimits, DecodeRequest, FileLimits, Format};
use kernel::Timestamp;
use kernel::id::EntryId;
use rust_embed::RustEmbed;
use sigma::regression::{self, EventFormat, Wanted};
use sigma::{Lists, Rule};

use crate::platform::decoding::Decoding;
use crate::shipped_rules::SHIPPED;

/// The tests of the rules that come with Vigie.
#[derive(RustEmbed)]
#[folder = "../../content/regression_data"]
struct ShippedTests;

/// Folder of these tests as rules name it.
const TESTS: &str = "regression_data/";

/// Reads samples from files and from records.
pub struct RecordSamples {
    limits: DecodeLimits,
}

/// A file of events.
struct EventFile {
    format: EventFormat,
    place: Place,
}

enum Place {
    Disk(PathBuf),
    /// In the binary.
    Shipped(Vec<u8>),
}

impl RecordSamples {
    /// With the limits of live decoding.
    pub fn new(decoding: &Decoding) -> RecordSamples {
        RecordSamples { limits: decoding.limits }
    }

    fn decode(&self, format: Format, payload: &[u8]) -> RecordBatch {
        let entry = EntryId::derived([0; 16]);
        let request = DecodeRequest::new(entry, "samples", format, Timestamp(0), payload);
        intake::decode(&DecodeRequest { limits: self.limits, rows: false, ..request }).events.columns.clone()
    }

    /// Each event of a file alone.
    fn events(&self, file: EventFile) -> Result<Vec<RecordBatch>> {
        let mut batches = Vec::new();
        match file.place {
            Place::Shipped(bytes) => batches.push(self.decode(intake::sniff(&bytes), &bytes)),
            Place::Disk(path) => {
                let format = (file.format == EventFormat::Evtx).then_some(Format::Evtx);
                for chunk in intake::files::open(vec![path], format, FileLimits::default()) {
                    let chunk = chunk?;
                    batches.push(self.decode(chunk.format, &chunk.payload));
                }
            }
        }
        Ok(batches.iter().flat_map(|batch| (0..batch.num_rows()).map(|row| batch.slice(row, 1))).collect())
    }

    fn positive_events(&self, rule_id: &str, origin: &Path) -> Result<Vec<RecordBatch>> {
        let text = match shipped_text(origin) {
            Some(text) => text,
            None => std::fs::read_to_string(origin).with_context(|| format!("reading {}", origin.display()))?,
        };
        let set = sigma::load_text(origin, &text, &Lists::default());
        let Some(rule) = set.rules.iter().find(|rule| rule.id == rule_id) else { return Ok(Vec::new()) };
        let mut events = Vec::new();
        for file in positive_files(rule)? {
            events.append(&mut self.events(file)?);
        }
        Ok(events)
    }
}

impl Samples for RecordSamples {
    fn positives(&self, rule_id: &str, origin: &str) -> Vec<RecordBatch> {
        self.positive_events(rule_id, Path::new(origin)).unwrap_or_else(|error| {
            tracing::warn!(rule_id, "the tests of a rule cannot be read: {error:#}");
            Vec::new()
        })
    }

    fn record(&self, raw: &str) -> Option<RecordBatch> {
        let columns = self.decode(intake::sniff(raw.as_bytes()), raw.as_bytes());
        (columns.num_rows() > 0).then_some(columns)
    }
}

/// The files of the tests in which the rule must fire; none when it names no tests.
fn positive_files(rule: &Rule) -> Result<Vec<EventFile>> {
    let Some(info) = regression::tests_path(rule) else { return Ok(Vec::new()) };
    let (place, text) = match shipped_test(rule, info) {
        Some(bytes) => (PathBuf::new(), String::from_utf8_lossy(&bytes).into_owned()),
        None => {
            let place = above(&rule.file, info)
                .with_context(|| format!("no folder above {} has {info}", rule.file.display()))?;
            let text = std::fs::read_to_string(&place).with_context(|| format!("reading {}", place.display()))?;
            (place, text)
        }
    };
    let tests = regression::tests(&text, rule).map_err(|reason| anyhow::anyhow!("{info}: {reason}"))?;
    let positive = tests.into_iter().filter(|test| test.wanted != Wanted::None);
    let files = positive.map(|test| {
        let place = match shipped_test(rule, &test.path) {
            Some(bytes) => Place::Shipped(bytes),
            None => Place::Disk(
                above(&place, &test.path)
                    .with_context(|| format!("no folder above {} has {}", place.display(), test.path))?,
            ),
        };
        Ok(EventFile { format: test.format, place })
    });
    files.collect()
}

fn shipped_text(origin: &Path) -> Option<String> {
    origin.starts_with(SHIPPED).then(|| crate::shipped_rules::text(origin)).flatten()
}

fn shipped_test(rule: &Rule, path: &str) -> Option<Vec<u8>> {
    let name = path.strip_prefix(TESTS).filter(|_| rule.file.starts_with(SHIPPED))?;
    ShippedTests::get(name).map(|file| file.data.into_owned())
}

/// `path` below the nearest folder above `from` that has it.
pub fn above(from: &Path, path: &str) -> Option<PathBuf> {
    from.ancestors().skip(1).map(|folder| folder.join(path)).find(|file| file.is_file())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules_in_the_binary_and_on_disk_are_known_by_the_same_events() {
        let samples = RecordSamples { limits: DecodeLimits::default() };
        let id = "c1d6a0d2-58a0-4b1f-9d59-3a3b8a0f1c07";
        let on_disk = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../content/rules/sigma/admin_share_write.yml");
        let known = |origin: &Path| samples.positive_events(id, origin).expect("its tests can be read").len();
        assert_eq!(known(Path::new("vigie/sigma/admin_share_write.yml")), 2);
        assert_eq!(known(&on_disk), 2);
        assert_eq!(samples.positives(id, "nowhere.yml").len(), 0);
    }
}
