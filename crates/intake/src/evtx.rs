//! Windows event log files: every record that can be read, and the place of each that could not.
//!
//! Chunks are found by their signature and size, not by the file header, so that a file that was cut, is dirty or
//! lost its head still gives what it holds.

use std::panic::AssertUnwindSafe;
use std::sync::Arc;

use evtx::{EvtxChunkData, ParserSettings};

/// Bytes of a chunk.
pub(crate) const CHUNK_BYTES: usize = 0x1_0000;
/// Bytes of the file header's block.
pub(crate) const FILE_HEADER_BYTES: usize = 0x1000;
/// The first bytes of a file.
pub(crate) const FILE_MAGIC: &[u8; 8] = b"ElfFile\0";
/// Offsets of names in a chunk's header.
const STRING_TABLE: std::ops::Range<usize> = 128..384;
const CHUNK_MAGIC: &[u8; 8] = b"ElfChnk\0";

/// What became of a place that should hold a record.
pub(crate) enum Outcome<'a> {
    Record {
        json: &'a str,
        position: String,
    },
    Broken {
        bytes: &'a [u8],
        position: String,
        reason: String,
    },
    /// Records that the chunk's header counts and that are not there.
    Missing {
        position: String,
        reason: String,
    },
}

/// Reads every record of `payload`, a file or chunks of one.
pub(crate) fn records(payload: &[u8], mut each: impl FnMut(Outcome<'_>)) {
    let mut at = if payload.starts_with(FILE_MAGIC) { FILE_HEADER_BYTES } else { 0 };
    let mut number = 0;
    if payload.len() < at {
        each(Outcome::Broken {
            bytes: payload,
            position: "file header, byte 0".to_owned(),
            reason: format!("the file ends after {} bytes, before its first chunk", payload.len()),
        });
    }
    while at < payload.len() {
        let end = payload.len().min(at + CHUNK_BYTES);
        let block = &payload[at..end];
        if block.starts_with(CHUNK_MAGIC) {
            chunk(block, number, at, &mut each);
        } else if block.iter().any(|byte| *byte != 0) {
            at = not_a_chunk(payload, at, number, &mut each);
            number += 1;
            continue;
        }
        number += 1;
        at = end;
    }
}

/// Something stands where a chunk should: reported, and the next chunk's signature looked for.
fn not_a_chunk(payload: &[u8], at: usize, number: usize, each: &mut impl FnMut(Outcome<'_>)) -> usize {
    let next = memchr::memmem::find(&payload[at + 1..], CHUNK_MAGIC).map_or(payload.len(), |found| at + 1 + found);
    each(Outcome::Broken {
        bytes: &payload[at..next],
        position: format!("chunk {number}, byte {at}"),
        reason: format!("{} bytes are no chunk of an event log: the signature is missing", next - at),
    });
    next
}

/// One chunk; the crate's panics on hostile input, should there be any, end this chunk and nothing else.
fn chunk(block: &[u8], number: usize, at: usize, each: &mut impl FnMut(Outcome<'_>)) {
    let mut data = block.to_vec();
    // A file that was cut in the middle of its last chunk: the rest reads as free space.
    data.resize(CHUNK_BYTES, 0);
    let place = || format!("chunk {number}, byte {at}");
    let mut read = Vec::new();
    if let Some(missing) = cut_off(block) {
        each(Outcome::Missing {
            position: format!("chunk {number}, byte {}", at + block.len()),
            reason: format!("the file ends here; {missing} more bytes of records should follow"),
        });
    }
    let outcome = std::panic::catch_unwind(AssertUnwindSafe(|| read_chunk(data, &mut read)));
    for item in read {
        match item {
            Ok((id, json)) => {
                let json =
                    String::from_utf8(json).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned());
                each(Outcome::Record { json: &json, position: format!("{}, record {id}", place()) });
            }
            Err((offset, reason)) => {
                let offset = offset.unwrap_or(0).min(block.len());
                each(Outcome::Broken {
                    bytes: record_at(block, offset),
                    position: format!("chunk {number}, byte {}", at + offset),
                    reason,
                });
            }
        }
    }
    let reason = match outcome {
        Ok(Ok(())) => return,
        Ok(Err(reason)) => reason,
        Err(_) => "the rest of the chunk is damaged in a way that the reader does not survive".to_owned(),
    };
    each(Outcome::Broken { bytes: block, position: place(), reason });
}

/// Bytes of records that should follow the end of a block that is no whole chunk.
fn cut_off(block: &[u8]) -> Option<usize> {
    const FREE_SPACE: std::ops::Range<usize> = 48..52;
    let free_space = u32::from_le_bytes(block.get(FREE_SPACE)?.try_into().ok()?) as usize;
    (block.len() < CHUNK_BYTES && free_space <= CHUNK_BYTES)
        .then(|| free_space.saturating_sub(block.len()))
        .filter(|missing| *missing > 0)
}

type Item = Result<(u64, Vec<u8>), (Option<usize>, String)>;

fn read_chunk(data: Vec<u8>, read: &mut Vec<Item>) -> Result<(), String> {
    let settings = Arc::new(ParserSettings::new().indent(false));
    let mut data = EvtxChunkData::new(data, false).map_err(|error| chain(&error))?;
    if data.parse(Arc::clone(&settings)).is_err() {
        // The table of names is damaged; records can be read without it, as it only saves reading names twice.
        data.data[STRING_TABLE].fill(0);
        data = EvtxChunkData::new(data.data, false).map_err(|error| chain(&error))?;
    }
    let mut chunk = data.parse(settings).map_err(|error| chain(&error))?;
    for record in chunk.iter() {
        let item = record.and_then(|record| {
            let (id, offset) = (record.event_record_id, record.binxml_offset);
            record.into_json_bytes().map(|rendered| (id, rendered.data)).map_err(|error| {
                evtx::err::EvtxError::FailedToReadRecordAt { chunk: None, offset, source: Box::new(error) }
            })
        });
        read.push(item.map_err(|error| (offset_of(&error), chain(&error))));
    }
    Ok(())
}

fn offset_of(error: &evtx::err::EvtxError) -> Option<usize> {
    match error {
        evtx::err::EvtxError::FailedToReadRecordAt { offset, .. } => usize::try_from(*offset).ok(),
        _ => None,
    }
}

/// An error and what caused it, in one line.
fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        text.push_str(": ");
        text.push_str(&error.to_string());
        cause = error.source();
    }
    text
}

/// The bytes of the record at `offset` (or just before it), as far as its size can be believed.
fn record_at(block: &[u8], offset: usize) -> &[u8] {
    const RECORD_MAGIC: &[u8; 4] = b"\x2a\x2a\0\0";
    let start = [offset, offset.saturating_sub(24)]
        .into_iter()
        .find(|start| block[(*start).min(block.len())..].starts_with(RECORD_MAGIC))
        .unwrap_or(offset);
    let size = block.get(start + 4..start + 8).and_then(|size| size.try_into().ok()).map_or(0, u32::from_le_bytes);
    let size = if (28..=CHUNK_BYTES as u32).contains(&size) { size as usize } else { 256 };
    &block[start..block.len().min(start + size)]
}
