//! Reads a segment from start to end, step by step, so that a large one does not fill the memory.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::{Bytes, BytesMut};

use super::format::{self, HEADER_LEN, Parsed, SegmentHeader};
use crate::disk::Disk;
use crate::entry::Entry;

const CHUNK: u64 = 4 << 20;

/// One thing found in a segment.
#[derive(Debug, PartialEq, Eq)]
pub enum Found {
    Entry(Box<Entry>),
    /// Bytes that are no frame, with good frames after them: the disk changed them.
    Hole {
        offset: u64,
        len: u64,
    },
    /// The rest is no frame: a write that was cut off before it was acknowledged.
    Torn {
        offset: u64,
        len: u64,
    },
}

/// A segment being read.
pub struct SegmentReader {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    salt: u32,
    limit: u64,
    /// Where `buffer` begins in the file.
    offset: u64,
    /// Bytes of the file that count.
    end: u64,
    buffer: Bytes,
}

/// Reads the header; `None`: torn or foreign.
pub fn read_header(disk: &dyn Disk, path: &Path) -> io::Result<Option<SegmentHeader>> {
    Ok(SegmentHeader::decode(&disk.read(path, 0..HEADER_LEN as u64)?))
}

impl SegmentReader {
    /// Reads the entries of `path` up to the byte `end`.
    pub fn new(disk: Arc<dyn Disk>, path: PathBuf, salt: u32, end: u64, limit: u64) -> SegmentReader {
        SegmentReader { disk, path, salt, limit, offset: HEADER_LEN as u64, end, buffer: Bytes::new() }
    }

    /// What comes next; `None` at the end.
    pub fn next(&mut self) -> io::Result<Option<Found>> {
        loop {
            if self.offset >= self.end {
                return Ok(None);
            }
            match format::parse_frame(&self.buffer, self.salt, self.limit) {
                Parsed::Frame { entry, len } => {
                    self.skip(len);
                    return Ok(Some(Found::Entry(Box::new(entry))));
                }
                Parsed::NeedMore(needed) if self.fill(needed)? => {}
                Parsed::NeedMore(_) | Parsed::Bad => return self.resume().map(Some),
            }
        }
    }

    /// Reads on until `needed` bytes are there; false: the file has no more.
    fn fill(&mut self, needed: usize) -> io::Result<bool> {
        let have = self.offset + self.buffer.len() as u64;
        if have >= self.end {
            return Ok(false);
        }
        let want = (self.offset + needed as u64).max(have + CHUNK).min(self.end);
        let more = self.disk.read(&self.path, have..want)?;
        if more.is_empty() {
            self.end = have;
            return Ok(false);
        }
        let mut joined = BytesMut::with_capacity(self.buffer.len() + more.len());
        joined.extend_from_slice(&self.buffer);
        joined.extend_from_slice(&more);
        self.buffer = joined.freeze();
        Ok(true)
    }

    /// Looks for the next good frame after damage.
    fn resume(&mut self) -> io::Result<Found> {
        let offset = self.offset;
        let rest = self.disk.read(&self.path, offset..self.end)?;
        match format::find_frame(&rest, 1, self.salt, self.limit) {
            Some(at) => {
                self.buffer = rest;
                self.skip(at);
                Ok(Found::Hole { offset, len: at as u64 })
            }
            None => {
                self.offset = self.end;
                Ok(Found::Torn { offset, len: self.end - offset })
            }
        }
    }

    fn skip(&mut self, len: usize) {
        self.buffer = self.buffer.slice(len..);
        self.offset += len as u64;
    }
}
