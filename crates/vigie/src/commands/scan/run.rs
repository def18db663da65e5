//! Chunks of files through decoder and engine on all cores, alerts out in the order of the files.

use std::collections::BTreeMap;
use std::sync::mpsc::sync_channel;
use std::sync::{Arc, Mutex};

use anyhow::Result;
use arrow_array::cast::AsArray;
use arrow_array::types::UInt32Type;
use arrow_array::{Array, RecordBatch};
use intake::files::{FileChunk, FileChunks};
use intake::{DecodeRequest, Decoded, IntakeError};
use kernel::id::EntryId;
use kernel::{LogSource, Severity, Timestamp};
use sigma::Engine;
use sigma::correlation::Correlations;

use super::alert::Alert;
use super::correlate::{Correlating, Gathered, Seen};
use super::summary::Summary;

/// Problems that are described; further ones are counted.
const DESCRIBED_PROBLEMS: usize = 20;
/// Chunks that may wait for an earlier one to be written.
const AHEAD: usize = 16;

/// What a scan needs to know.
pub struct Scanning<'a> {
    pub engine: &'a Engine,
    pub correlations: Arc<Correlations>,
    /// Alerts below it are left out.
    pub min_level: Severity,
    pub now: Timestamp,
    /// What Sigma calls the logs, where the records do not say it.
    pub log_source: Option<&'a LogSource>,
}

/// What one chunk gave.
#[derive(Default)]
struct Part {
    alerts: Vec<Alert>,
    gathered: Gathered,
    counts: Summary,
}

impl Scanning<'_> {
    /// Scans every chunk and hands out the alerts in the order of files and records, then those of correlations.
    pub fn all(&self, chunks: FileChunks, write: &mut dyn FnMut(&Alert) -> Result<()>) -> Result<Summary> {
        let workers = std::thread::available_parallelism().map_or(1, usize::from);
        let source = Mutex::new(chunks.enumerate());
        let (sender, receiver) = sync_channel::<(usize, Part)>(AHEAD);
        let mut total = Summary::default();
        let mut correlating = Correlating::new(Arc::clone(&self.correlations), self.min_level);
        std::thread::scope(|scope| {
            for _ in 0..workers {
                let (sender, source) = (sender.clone(), &source);
                scope.spawn(move || {
                    loop {
                        let next = source.lock().ok().and_then(|mut source| source.next());
                        let Some((number, chunk)) = next else { return };
                        // Nobody listens any more when writing failed.
                        if sender.send((number, self.part(chunk))).is_err() {
                            return;
                        }
                    }
                });
            }
            drop(sender);
            in_order(receiver.into_iter(), |part| {
                for alert in &part.alerts {
                    total.count(alert);
                    write(alert)?;
                }
                total.add(part.counts);
                correlating.gather(part.gathered);
                Ok(())
            })
        })?;
        for alert in correlating.finish(&mut total) {
            total.count(&alert);
            write(&alert)?;
        }
        Ok(total)
    }

    fn part(&self, chunk: Result<FileChunk, IntakeError>) -> Part {
        let chunk = match chunk {
            Ok(chunk) => chunk,
            Err(error) => {
                return Part {
                    counts: Summary { failed: vec![error.to_string()], ..Summary::default() },
                    ..Part::default()
                };
            }
        };
        let decoded = decode(&chunk, self.log_source, self.now);
        let hits = self.engine.evaluate(&decoded.events.columns);
        let alone = hits.hits.iter().filter(|hit| self.alerts_alone(hit.rule));
        let alerts = alone.map(|hit| self.alert(&chunk, &decoded.events, hit)).collect();
        let gathered = self.gathered(&chunk, &decoded.events, &hits.hits);
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
        Part { alerts, gathered, counts }
    }

    fn alerts_alone(&self, rule: u32) -> bool {
        self.correlations.alerts_alone(rule) && self.engine.rules()[rule as usize].severity >= self.min_level
    }

    fn gathered(&self, chunk: &FileChunk, events: &intake::EventBatch, hits: &[sigma::Hit]) -> Gathered {
        let event = |row: usize| (Timestamp(events.times.value(row)), events.item_ids.value(row).to_owned());
        let observations = self.correlations.observe(self.engine, &events.columns, hits, &event);
        let file: Arc<str> = chunk.label.as_str().into();
        let mut rows: Vec<usize> = hits
            .iter()
            .filter(|hit| self.correlations.fields(hit.rule).is_some())
            .map(|hit| hit.row as usize)
            .collect();
        rows.dedup();
        let seen = rows.into_iter().map(|row| {
            let record = events.raw.value(row).to_owned();
            let seen = Seen { file: Arc::clone(&file), host: host(&events.columns, row), record };
            (events.item_ids.value(row).into(), seen)
        });
        Gathered { observations, seen: seen.collect() }
    }

    fn alert(&self, chunk: &FileChunk, events: &Arc<intake::EventBatch>, hit: &sigma::Hit) -> Alert {
        let (row, number) = (hit.row as usize, hit.rule as usize);
        let rule = &self.engine.rules()[number];
        Alert {
            time: Timestamp(events.times.value(row)),
            level: rule.severity,
            rule: rule.title.clone(),
            rule_id: rule.id.clone(),
            host: host(&events.columns, row),
            techniques: rule.techniques(),
            file: chunk.label.clone(),
            item: events.item_ids.value(row).to_owned(),
            reasons: self.engine.explain(number, &events.columns, row).ok().flatten().unwrap_or_default(),
            record: events.raw.value(row).to_owned(),
            correlation: None,
        }
    }
}

fn host(columns: &RecordBatch, row: usize) -> Option<String> {
    let names = ["Computer", "Hostname", "host.name"];
    names.iter().find_map(|name| text(columns, name, row)).map(str::to_owned)
}

impl Summary {
    /// Adds the counts of a part; alerts are counted one by one.
    pub fn add(&mut self, part: Summary) {
        self.files += part.files;
        self.records += part.records;
        self.unparsed += part.unparsed;
        self.bytes += part.bytes;
        self.problem_count += part.problem_count;
        self.failed.extend(part.failed);
        let room = DESCRIBED_PROBLEMS.saturating_sub(self.problems.len());
        self.problems.extend(part.problems.into_iter().take(room));
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

/// The text of a dictionary column.
fn text<'a>(columns: &'a RecordBatch, name: &str, row: usize) -> Option<&'a str> {
    let column = columns.column_by_name(name)?;
    if column.is_null(row) {
        return None;
    }
    let dictionary = column.as_dictionary_opt::<UInt32Type>()?;
    let values = dictionary.values().as_string_opt::<i32>()?;
    Some(values.value(dictionary.keys().value(row) as usize))
}

/// Hands parts on in the order of their numbers.
fn in_order(parts: impl Iterator<Item = (usize, Part)>, mut take: impl FnMut(Part) -> Result<()>) -> Result<()> {
    let mut waiting = BTreeMap::new();
    let mut next = 0;
    for (number, part) in parts {
        waiting.insert(number, part);
        while let Some(part) = waiting.remove(&next) {
            take(part)?;
            next += 1;
        }
    }
    Ok(())
}
