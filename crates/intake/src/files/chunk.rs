//! Cutting a stream into chunks that end where a record ends.

use std::io::Read;

use bytes::Bytes;
use sha2::{Digest, Sha256};

use super::FileChunk;
use crate::error::IntakeError;
use crate::evtx::{CHUNK_BYTES, FILE_HEADER_BYTES, FILE_MAGIC};
use crate::limits::FileLimits;
use crate::request::Format;
use crate::sniff::sniff;

/// Why reading ends before the end.
pub(super) enum Stop {
    Because(IntakeError),
    /// Nobody takes chunks any more.
    NobodyListens,
}

impl From<IntakeError> for Stop {
    fn from(error: IntakeError) -> Stop {
        Stop::Because(error)
    }
}

/// Cuts one stream.
pub(super) struct Chunker<'a, R> {
    label: &'a str,
    forced: Option<Format>,
    format: Format,
    limits: &'a FileLimits,
    stream: R,
    /// Read, not yet cut.
    buffer: Vec<u8>,
    ended: bool,
    chunk_no: u32,
    offset: u64,
    /// Over every byte that was cut so far.
    digest: Sha256,
    /// Lines that every chunk needs at its start: a CSV header, Zeek's `#` lines.
    preamble: Vec<u8>,
}

impl<'a, R: Read> Chunker<'a, R> {
    pub(super) fn new(label: &'a str, forced: Option<Format>, limits: &'a FileLimits, stream: R) -> Chunker<'a, R> {
        Chunker {
            label,
            forced,
            format: forced.unwrap_or(Format::Text),
            limits,
            stream,
            buffer: Vec::new(),
            ended: false,
            chunk_no: 0,
            offset: 0,
            digest: Sha256::new(),
            preamble: Vec::new(),
        }
    }

    /// The next chunk; `None` at the end.
    pub(super) fn next_chunk(&mut self) -> Result<Option<FileChunk>, IntakeError> {
        let first = self.chunk_no == 0;
        let mut wanted = self.limits.chunk_bytes;
        let end = loop {
            // What was read before a failure (a bomb, a damaged archive) is still handed out; then the failure is.
            let failure = self.fill(wanted).err();
            if failure.is_some() && self.buffer.is_empty() {
                return failure.map_or(Ok(None), Err);
            }
            if self.buffer.is_empty() {
                return Ok(None);
            }
            if first && self.offset == 0 && self.forced.is_none() {
                self.format = sniff(&self.buffer);
                self.refuse_binary()?;
            }
            match self.cut() {
                Some(end) => break end,
                None if self.ended || failure.is_some() || self.buffer.len() >= self.longest() => {
                    break self.buffer.len();
                }
                None => wanted = (self.buffer.len() * 2).min(self.longest()),
            }
        };
        Ok(Some(self.take(end)))
    }

    /// How long a chunk may become in search of its end.
    fn longest(&self) -> usize {
        match self.format {
            Format::WindowsJson | Format::Json | Format::Entra | Format::CloudTrail => self.limits.document_bytes,
            _ => self.limits.record_bytes,
        }
        .max(self.limits.chunk_bytes)
    }

    /// Text has no zero bytes; what has them and is no event log is not for this program.
    fn refuse_binary(&self) -> Result<(), IntakeError> {
        let head = &self.buffer[..self.buffer.len().min(4096)];
        if self.format == Format::Evtx || !head.contains(&0) {
            return Ok(());
        }
        let reason = if head.starts_with(&[0xFF, 0xFE]) || head.starts_with(&[0xFE, 0xFF]) {
            "it is UTF-16; convert it to UTF-8 (iconv -f UTF-16 -t UTF-8) and give it again"
        } else {
            "it is neither text nor a Windows event log; if it is, name its format"
        };
        Err(IntakeError::Malformed { label: self.label.to_owned(), reason: reason.to_owned() })
    }

    fn fill(&mut self, wanted: usize) -> Result<(), IntakeError> {
        if self.ended || self.buffer.len() >= wanted {
            return Ok(());
        }
        // Grows with what there is: most files are far smaller than a chunk may be.
        let missing = wanted - self.buffer.len();
        let before = self.buffer.len();
        match (&mut self.stream).take(missing as u64).read_to_end(&mut self.buffer) {
            Ok(read) => {
                self.ended = read < missing;
                Ok(())
            }
            Err(error) => {
                self.buffer.truncate(before);
                Err(IntakeError::io(format!("read {} after byte {}", self.label, self.offset), error))
            }
        }
    }

    /// Where the chunk may end; `None`: more must be read first.
    fn cut(&self) -> Option<usize> {
        if self.ended && self.buffer.len() <= self.limits.chunk_bytes {
            return Some(self.buffer.len());
        }
        match self.format {
            Format::Evtx => {
                let header = if self.buffer.starts_with(FILE_MAGIC) { FILE_HEADER_BYTES } else { 0 };
                let chunks = self.buffer.len().saturating_sub(header) / CHUNK_BYTES;
                (chunks > 0).then_some(header + chunks * CHUNK_BYTES)
            }
            Format::WindowsJson | Format::Json | Format::Entra | Format::CloudTrail => self.json_cut(),
            Format::Csv => self.csv_cut(),
            Format::Zeek | Format::Syslog | Format::Text => self.last_line(),
        }
    }

    fn last_line(&self) -> Option<usize> {
        memchr::memrchr(b'\n', &self.buffer).map(|newline| newline + 1)
    }

    /// NDJSON ends at a line after which an object begins. One array or one object with all records cannot be cut and
    /// is read whole, up to its own limit.
    fn json_cut(&self) -> Option<usize> {
        let mut end = self.buffer.len();
        while let Some(newline) = memchr::memrchr(b'\n', &self.buffer[..end]) {
            let (before, after) = self.buffer.split_at(newline + 1);
            if after.first() == Some(&b'{') && before.trim_ascii_end().last() == Some(&b'}') {
                return Some(newline + 1);
            }
            end = newline;
        }
        None
    }

    /// The last line end outside of quotes.
    fn csv_cut(&self) -> Option<usize> {
        let mut quoted = false;
        let mut last = None;
        for (at, byte) in self.buffer.iter().enumerate() {
            match byte {
                b'"' => quoted = !quoted,
                b'\n' if !quoted => last = Some(at + 1),
                _ => {}
            }
        }
        last
    }

    fn take(&mut self, end: usize) -> FileChunk {
        let rest = self.buffer.split_off(end);
        let cut = std::mem::replace(&mut self.buffer, rest);
        self.digest.update(&cut);
        let mut key = self.digest.clone();
        key.update(b"vigie chunk");
        key.update(self.chunk_no.to_le_bytes());
        let chunk_no = self.chunk_no;
        let offset = self.offset;
        self.chunk_no += 1;
        self.offset += cut.len() as u64;
        let payload = if chunk_no == 0 {
            self.preamble = preamble(self.format, &cut);
            cut
        } else {
            let mut whole = self.preamble.clone();
            whole.extend_from_slice(&cut);
            whole
        };
        FileChunk {
            label: self.label.to_owned(),
            format: self.format,
            chunk_no,
            offset,
            key: key.finalize().into(),
            payload: Bytes::from(payload),
        }
    }
}

/// What later chunks of a file need from its start.
fn preamble(format: Format, start: &[u8]) -> Vec<u8> {
    match format {
        Format::Csv => {
            let mut quoted = false;
            let end = start.iter().position(|byte| {
                quoted ^= *byte == b'"';
                *byte == b'\n' && !quoted
            });
            start[..end.map_or(0, |end| end + 1)].to_vec()
        }
        Format::Zeek => start
            .split_inclusive(|byte| *byte == b'\n')
            .take_while(|line| line.starts_with(b"#"))
            .collect::<Vec<_>>()
            .concat(),
        _ => Vec::new(),
    }
}
