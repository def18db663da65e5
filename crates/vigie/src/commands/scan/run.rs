//! Chunks of files through decoder and engine on all cores, alerts out in the order of the files.

use std::sync::Arc;

use anyhow::Result;
use intake::files::{FileChunk, FileChunks};
use intake::{DecodeRequest, Decoded, IntakeError};
use kernel::id::EntryId;
use kernel::{LogSource, Timestamp};

use crate::commands::find::alert::{Alert, Place};
use crate::commands::find::correlate::Correlating;
use crate::commands::find::summary::Summary;
use crate::commands::find::{Finder, Found, pool};

/// What a scan needs to know.
pub struct Scanning<'a> {
    pub finder: &'a Finder,
    pub now: Timestamp,
    /// What Sigma calls the logs, where the records do not say it.
    pub log_source: Option<&'a LogSource>,
}

impl Scanning<'_> {
    /// Scans every chunk and hands out the alerts in the order of files and records, then those of correlations.
    pub fn all(&self, chunks: FileChunks, write: &mut dyn FnMut(&Alert) -> Result<()>) -> Result<Summary> {
        let mut total = Summary::default();
        let correlations = Arc::clone(&self.finder.correlations);
        let mut correlating = Correlating::new(correlations, self.finder.min_level, Timestamp::MIN);
        pool::in_order(
            chunks,
            |chunk| self.part(chunk),
            |(found, counts)| {
                for alert in &found.alerts {
                    total.count(alert);
                    write(alert)?;
                }
                total.add(counts);
                correlating.gather(found.gathered);
                Ok(())
            },
        )?;
        for alert in correlating.finish(&mut total) {
            total.count(&alert);
            write(&alert)?;
        }
        Ok(total)
    }

    fn part(&self, chunk: Result<FileChunk, IntakeError>) -> (Found, Summary) {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                let counts = Summary { failed: vec![error.to_string()], ..Summary::default() };
                return (Found::default(), counts);
            }
        };
        let decoded = decode(&chunk, self.log_source, self.now);
        let found = self.finder.find(&Place::File(chunk.label.as_str().into()), &decoded.events);
        let problems = decoded.problems.iter().map(|problem| format!("{}: {problem}", chunk.label));
        let counts = Summary {
            files: u64::from(chunk.chunk_no == 0),
            records: decoded.accepted,
            unparsed: decoded.unparsed,
            bytes: chunk.payload.len() as u64,
            problems: problems.collect(),
            problem_count: decoded.problem_count,
            ..Summary::default()
        };
        (found, counts)
    }
}

/// The events of a piece of a file, of the log that its records are said to be of. Nothing is stored, so there are no
/// rows. The same file gives the same item ids every time.
pub fn decode(chunk: &FileChunk, log_source: Option<&LogSource>, now: Timestamp) -> Decoded {
    let mut digest = [0; 16];
    digest.copy_from_slice(&chunk.key[..16]);
    let entry = EntryId::derived(digest);
    let request = DecodeRequest::new(entry, &chunk.label, chunk.format, now, &chunk.payload);
    intake::decode(&DecodeRequest { log_source, rows: false, ..request })
}
