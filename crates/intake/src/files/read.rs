//! From a file to its chunks: compression and archives are looked through, by content and not by name.

use std::fs::File;
use std::io::{BufReader, Cursor, Read, Seek};
use std::path::PathBuf;
use std::sync::atomic::Ordering;

use super::chunk::{Chunker, Stop};
use super::{FileChunk, Progress, walk};
use crate::error::IntakeError;
use crate::limits::FileLimits;
use crate::request::Format;

/// An archive inside of an archive is held in memory up to this size.
const NESTED_BYTES: u64 = 256 << 20;

/// Reads files and hands out chunks until `emit` says that nobody listens.
pub(super) struct Reader<'p, E> {
    format: Option<Format>,
    limits: FileLimits,
    progress: &'p Progress,
    emit: E,
}

/// How the bytes of a file are packed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Packing {
    Plain,
    Gzip,
    Zstd,
    Zip,
}

fn packing(head: &[u8]) -> Packing {
    if head.starts_with(&[0x1F, 0x8B]) {
        Packing::Gzip
    } else if head.starts_with(&[0x28, 0xB5, 0x2F, 0xFD]) {
        Packing::Zstd
    } else if head.starts_with(b"PK\x03\x04") || head.starts_with(b"PK\x05\x06") {
        Packing::Zip
    } else {
        Packing::Plain
    }
}

impl<E: FnMut(Result<FileChunk, IntakeError>) -> bool> Reader<'_, E> {
    pub(super) fn new(format: Option<Format>, limits: FileLimits, progress: &Progress, emit: E) -> Reader<'_, E> {
        Reader { format, limits, progress, emit }
    }

    pub(super) fn paths(&mut self, paths: &[PathBuf]) {
        let files = walk::files(paths, &self.limits);
        let total = files.iter().flatten().map(|(_, bytes)| bytes).sum();
        self.progress.bytes_total.store(total, Ordering::Relaxed);
        let mut before = 0;
        for found in files {
            let outcome = match found {
                Ok((path, bytes)) => {
                    let outcome = self.file(&path);
                    before += bytes;
                    self.progress.files.fetch_add(1, Ordering::Relaxed);
                    self.progress.bytes_read.store(before, Ordering::Relaxed);
                    outcome
                }
                Err(error) => Err(Stop::Because(error)),
            };
            match outcome {
                Ok(()) => {}
                Err(Stop::Because(error)) => {
                    if !(self.emit)(Err(error)) {
                        return;
                    }
                }
                Err(Stop::NobodyListens) => return,
            }
        }
    }

    fn file(&mut self, path: &std::path::Path) -> Result<(), Stop> {
        let label = path.display().to_string();
        let mut file = File::open(path).map_err(|error| IntakeError::io(format!("open {label}"), error))?;
        let mut head = [0; 4];
        let length =
            read_full(&mut file, &mut head).map_err(|error| IntakeError::io(format!("read {label}"), error))?;
        file.rewind().map_err(|error| IntakeError::io(format!("read {label}"), error))?;
        match packing(&head[..length]) {
            Packing::Zip => self.zip(&label, BufReader::new(file), 1),
            _ => {
                let counted = Counted { inner: file, progress: Some(self.progress) };
                self.stream(&label, BufReader::with_capacity(256 << 10, counted), 0)
            }
        }
    }

    /// A stream that may be compressed.
    fn stream(&mut self, label: &str, mut stream: impl Read, depth: usize) -> Result<(), Stop> {
        let mut head = [0; 4];
        let length =
            read_full(&mut stream, &mut head).map_err(|error| IntakeError::io(format!("read {label}"), error))?;
        let whole = Cursor::new(head[..length].to_vec()).chain(stream);
        match packing(&head[..length]) {
            Packing::Plain => self.plain(label, whole),
            Packing::Gzip => {
                self.check_depth(label, depth)?;
                let limited = Unpacked::gzip(whole, self.limits);
                self.inside(&unpacked_label(label, &[".gz"]), limited, depth + 1)
            }
            Packing::Zstd => {
                self.check_depth(label, depth)?;
                let limited = Unpacked::zstd(whole, self.limits)
                    .map_err(|error| IntakeError::io(format!("read {label}"), error))?;
                self.inside(&unpacked_label(label, &[".zst", ".zstd"]), limited, depth + 1)
            }
            Packing::Zip => {
                self.check_depth(label, depth)?;
                self.nested_zip(label, whole, depth + 1)
            }
        }
    }

    /// What lies in a compressed stream. (Dynamic, because streams nest in streams.)
    fn inside(&mut self, label: &str, mut stream: impl Read, depth: usize) -> Result<(), Stop> {
        let stream: &mut dyn Read = &mut stream;
        self.stream(label, stream, depth)
    }

    fn check_depth(&self, label: &str, depth: usize) -> Result<(), Stop> {
        if depth < self.limits.archive_depth {
            return Ok(());
        }
        Err(Stop::Because(IntakeError::Limit {
            label: label.to_owned(),
            limit: format!("{} archives within one another", self.limits.archive_depth),
            remedy: "unpack it by hand if it is what it claims to be",
        }))
    }

    fn nested_zip(&mut self, label: &str, stream: impl Read, depth: usize) -> Result<(), Stop> {
        let mut bytes = Vec::new();
        let read = stream.take(NESTED_BYTES + 1).read_to_end(&mut bytes);
        read.map_err(|error| IntakeError::io(format!("read {label}"), error))?;
        if bytes.len() as u64 > NESTED_BYTES {
            return Err(Stop::Because(IntakeError::Limit {
                label: label.to_owned(),
                limit: format!("{NESTED_BYTES} bytes of a zip inside of an archive"),
                remedy: "give the inner archive as a file of its own",
            }));
        }
        self.zip(label, Cursor::new(bytes), depth)
    }

    /// Every member of a zip archive; a bad member is reported and the next one read.
    fn zip(&mut self, label: &str, source: impl Read + Seek, depth: usize) -> Result<(), Stop> {
        let malformed = |label: &str, reason: String| IntakeError::Malformed { label: label.to_owned(), reason };
        let mut archive = zip::ZipArchive::new(source)
            .map_err(|error| malformed(label, format!("not a whole zip archive: {error}")))?;
        let members = archive.len();
        if members > self.limits.archive_members {
            return Err(Stop::Because(IntakeError::Limit {
                label: label.to_owned(),
                limit: format!("{members} members; the limit is {}", self.limits.archive_members),
                remedy: "split the archive",
            }));
        }
        for number in 0..members {
            let outcome = match archive.by_index(number) {
                // What the Finder adds beside each file is about the file and no part of it.
                Ok(member) if member.name().is_ok_and(|name| name.starts_with("__MACOSX/")) => Ok(()),
                Ok(member) if member.is_file() => {
                    let name = member
                        .name()
                        .map_or_else(|_| format!("member {number}"), |name| name.replace(char::is_control, "?"));
                    let label = format!("{label}!{name}");
                    let packed = member.compressed_size();
                    self.inside(&label, Unpacked::member(member, packed, self.limits), depth)
                }
                Ok(_) => Ok(()),
                Err(error) => Err(Stop::Because(malformed(&format!("{label}!member {number}"), error.to_string()))),
            };
            if let Err(Stop::Because(error)) = outcome {
                if !(self.emit)(Err(error)) {
                    return Err(Stop::NobodyListens);
                }
            } else {
                outcome?;
            }
        }
        Ok(())
    }

    fn plain(&mut self, label: &str, stream: impl Read) -> Result<(), Stop> {
        let mut chunker = Chunker::new(label, self.format, &self.limits, stream);
        while let Some(chunk) = chunker.next_chunk()? {
            if !(self.emit)(Ok(chunk)) {
                return Err(Stop::NobodyListens);
            }
        }
        Ok(())
    }
}

/// The label without the compression's ending.
fn unpacked_label(label: &str, endings: &[&str]) -> String {
    endings.iter().find_map(|ending| label.strip_suffix(ending)).unwrap_or(label).to_owned()
}

/// Reads until the buffer is full or the stream ends.
pub(super) fn read_full(stream: &mut impl Read, buffer: &mut [u8]) -> std::io::Result<usize> {
    let mut filled = 0;
    while filled < buffer.len() {
        match stream.read(&mut buffer[filled..]) {
            Ok(0) => break,
            Ok(read) => filled += read,
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            Err(error) => return Err(error),
        }
    }
    Ok(filled)
}

/// Counts what is read, for the progress and for the ratio of compression.
struct Counted<'p, R> {
    inner: R,
    progress: Option<&'p Progress>,
}

impl<R: Read> Read for Counted<'_, R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        if let Some(progress) = self.progress {
            progress.bytes_read.fetch_add(read as u64, Ordering::Relaxed);
        }
        Ok(read)
    }
}

/// A source that knows how many packed bytes it has given.
struct Packed<R> {
    inner: R,
    given: std::rc::Rc<std::cell::Cell<u64>>,
}

impl<R: Read> Read for Packed<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.given.set(self.given.get() + read as u64);
        Ok(read)
    }
}

/// An unpacking stream that refuses to become a bomb.
struct Unpacked<R> {
    inner: R,
    packed: std::rc::Rc<std::cell::Cell<u64>>,
    unpacked: u64,
    limits: FileLimits,
}

impl<S: Read> Unpacked<flate2::read::MultiGzDecoder<Packed<S>>> {
    fn gzip(stream: S, limits: FileLimits) -> Self {
        let packed = std::rc::Rc::default();
        let source = Packed { inner: stream, given: std::rc::Rc::clone(&packed) };
        Unpacked { inner: flate2::read::MultiGzDecoder::new(source), packed, unpacked: 0, limits }
    }
}

impl<S: Read> Unpacked<zstd::Decoder<'static, BufReader<Packed<S>>>> {
    fn zstd(stream: S, limits: FileLimits) -> std::io::Result<Self> {
        let packed = std::rc::Rc::default();
        let source = Packed { inner: stream, given: std::rc::Rc::clone(&packed) };
        Ok(Unpacked { inner: zstd::Decoder::new(source)?, packed, unpacked: 0, limits })
    }
}

impl<R: Read> Unpacked<R> {
    fn member(inner: R, packed: u64, limits: FileLimits) -> Self {
        Unpacked { inner, packed: std::rc::Rc::new(std::cell::Cell::new(packed)), unpacked: 0, limits }
    }
}

impl<R: Read> Read for Unpacked<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.unpacked += read as u64;
        if self.unpacked > self.limits.unpacked_bytes {
            return Err(std::io::Error::other(format!(
                "it unpacks to more than {} bytes; what came before was read; unpack it by hand if that is right",
                self.limits.unpacked_bytes
            )));
        }
        let ratio = self.unpacked / self.packed.get().max(1);
        if self.unpacked > self.limits.ratio_from_bytes && ratio > self.limits.ratio {
            return Err(std::io::Error::other(format!(
                "it unpacks to {ratio} times its size, as a bomb does (the limit is {}); unpack it by hand if that is right",
                self.limits.ratio
            )));
        }
        Ok(read)
    }
}
