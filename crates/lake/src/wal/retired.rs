//! The key log: what must outlive a segment. Its node, the highest number used, and the keys of its entries.
//!
//! Appended before a segment is deleted, rewritten whole when most of it has expired.

use std::collections::HashSet;
use std::io::{self, IoSlice};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use kernel::Timestamp;
use uuid::Uuid;

use crate::disk::{Disk, DiskFile, replace_file};
use crate::keys::KeyDigest;

const MAGIC: &[u8; 8] = b"VIGIEKEY";
const HEADER_LEN: usize = 32;
const BLOCK_HEAD_LEN: usize = 24;
const KEY_LEN: usize = 24;

/// What a block says of its segment.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    /// It is about to be deleted; its keys follow.
    Retired = 1,
    /// It and all before it are committed in every table.
    Flushed = 2,
    /// Numbers up to it are used; keys of segments long gone follow.
    Used = 3,
}

/// What the key log said when it was opened.
#[derive(Debug, Default)]
pub struct Past {
    pub node: Option<Uuid>,
    /// Numbers up to this one are used.
    pub highest: u64,
    /// Segments up to this one are committed in every table.
    pub flushed: u64,
    pub keys: Vec<(KeyDigest, Timestamp)>,
    /// Segments whose file may be deleted, if it is still there.
    pub retired: HashSet<u64>,
    /// Bytes at the end that were cut off, being torn.
    pub torn_bytes: u64,
}

/// The key log, open for appending.
pub struct RetiredLog {
    disk: Arc<dyn Disk>,
    path: PathBuf,
    node: Uuid,
    file: Option<Box<dyn DiskFile>>,
    len: u64,
    highest: u64,
    flushed: u64,
}

impl RetiredLog {
    /// Reads `path`, cuts a torn end, and makes a new log when there is none, with `fresh_node` as its node.
    pub fn open(disk: Arc<dyn Disk>, path: &Path, fresh_node: Uuid) -> io::Result<(RetiredLog, Past)> {
        let bytes = match disk.read(path, 0..u64::MAX) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => Default::default(),
            bytes => bytes?,
        };
        let (past, good) = parse(&bytes);
        let node = past.node.unwrap_or(fresh_node);
        let (highest, flushed) = (past.highest, past.flushed);
        let path = path.to_owned();
        let mut log = RetiredLog { disk, path, node, file: None, len: good as u64, highest, flushed };
        if past.node.is_none() {
            log.rewrite(&[])?;
        } else {
            let mut file = log.disk.append(&log.path)?;
            if good < bytes.len() {
                file.truncate(good as u64)?;
                file.sync()?;
            }
            log.file = Some(file);
        }
        Ok((log, past))
    }

    /// The node that new segments name.
    pub fn node(&self) -> Uuid {
        self.node
    }

    /// Makes the end of a segment durable; after this its file may be deleted.
    pub fn retire(&mut self, segment: u64, keys: &[(KeyDigest, Timestamp)]) -> io::Result<()> {
        self.highest = self.highest.max(segment);
        self.add(&block(Kind::Retired, segment, keys), true)
    }

    /// Notes that segments up to `segment` need no decoding at the next start. Not urgent: losing it costs time only.
    pub fn note_flushed(&mut self, segment: u64) -> io::Result<()> {
        self.flushed = self.flushed.max(segment);
        self.add(&block(Kind::Flushed, segment, &[]), false)
    }

    /// Whether the file is much larger than `live_keys` need.
    pub fn wants_rewrite(&self, live_keys: usize) -> bool {
        self.len > (1 << 20) + 2 * (live_keys * KEY_LEN) as u64
    }

    /// Replaces the file by one with only `keys`.
    pub fn rewrite(&mut self, keys: &[(KeyDigest, Timestamp)]) -> io::Result<()> {
        let mut bytes = Vec::with_capacity(HEADER_LEN + 2 * BLOCK_HEAD_LEN + keys.len() * KEY_LEN);
        bytes.extend_from_slice(MAGIC);
        bytes.extend_from_slice(self.node.as_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
        bytes.extend(block(Kind::Flushed, self.flushed, &[]));
        bytes.extend(block(Kind::Used, self.highest, keys));
        self.file = None;
        replace_file(self.disk.as_ref(), &self.path, &bytes)?;
        self.file = Some(self.disk.append(&self.path)?);
        self.len = bytes.len() as u64;
        Ok(())
    }

    fn add(&mut self, bytes: &[u8], sync: bool) -> io::Result<()> {
        let file = match &mut self.file {
            Some(file) => file,
            None => {
                let mut file = self.disk.append(&self.path)?;
                file.truncate(self.len)?;
                self.file.insert(file)
            }
        };
        let written = file.write_all_vectored(&[IoSlice::new(bytes)]);
        match written.and_then(|()| if sync { file.sync() } else { Ok(()) }) {
            Ok(()) => {
                self.len += bytes.len() as u64;
                Ok(())
            }
            Err(error) => {
                // The next attempt opens the file again and cuts what this one left.
                self.file = None;
                Err(error)
            }
        }
    }
}

fn block(kind: Kind, segment: u64, keys: &[(KeyDigest, Timestamp)]) -> Vec<u8> {
    let mut bytes = vec![0; 4];
    bytes.extend_from_slice(&(kind as u32).to_le_bytes());
    bytes.extend_from_slice(&segment.to_le_bytes());
    bytes.extend_from_slice(&(keys.len() as u64).to_le_bytes());
    for (key, at) in keys {
        bytes.extend_from_slice(key);
        bytes.extend_from_slice(&at.micros().to_le_bytes());
    }
    let crc = crc32fast::hash(&bytes[4..]);
    bytes[..4].copy_from_slice(&crc.to_le_bytes());
    bytes
}

/// What the bytes say, and how many of them are good.
fn parse(bytes: &[u8]) -> (Past, usize) {
    let mut past = Past::default();
    let Some(header) = bytes.get(..HEADER_LEN) else { return (past, 0) };
    let crc = crc32fast::hash(&header[..HEADER_LEN - 4]).to_le_bytes();
    if &header[..8] != MAGIC || header[HEADER_LEN - 4..] != crc {
        return (past, 0);
    }
    past.node = Uuid::from_slice(&header[8..24]).ok();
    let mut at = HEADER_LEN;
    while let Some(len) = parse_block(&bytes[at..], &mut past) {
        at += len;
    }
    past.torn_bytes = (bytes.len() - at) as u64;
    (past, at)
}

fn parse_block(bytes: &[u8], past: &mut Past) -> Option<usize> {
    let head = bytes.get(..BLOCK_HEAD_LEN)?;
    let word = |at: usize| head[at..at + 8].try_into().ok().map(u64::from_le_bytes);
    let (segment, count) = (word(8)?, usize::try_from(word(16)?).ok()?);
    let len = count.checked_mul(KEY_LEN)?.checked_add(BLOCK_HEAD_LEN)?;
    let block = bytes.get(..len)?;
    if crc32fast::hash(&block[4..]).to_le_bytes() != block[..4] {
        return None;
    }
    match head[4] {
        kind if kind == Kind::Flushed as u8 => past.flushed = past.flushed.max(segment),
        kind if kind == Kind::Retired as u8 => {
            past.retired.insert(segment);
        }
        _ => {}
    }
    past.highest = past.highest.max(segment);
    for key in block[BLOCK_HEAD_LEN..].chunks_exact(KEY_LEN) {
        let at = Timestamp(i64::from_le_bytes(key[16..].try_into().ok()?));
        past.keys.push((key[..16].try_into().ok()?, at));
    }
    Some(len)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::disk::LocalDisk;
    use proptest::prelude::*;

    #[test]
    fn a_rewrite_keeps_what_counts_and_retires_nothing() {
        let dir = tempfile::TempDir::new().unwrap();
        let path = dir.path().join("retired.log");
        let open = |fresh: u128| RetiredLog::open(Arc::new(LocalDisk), &path, Uuid::from_u128(fresh)).unwrap();
        let (mut log, past) = open(1);
        assert_eq!((past.node, log.node()), (None, Uuid::from_u128(1)));
        log.retire(3, &[([1; 16], Timestamp(5))]).unwrap();
        log.note_flushed(4).unwrap();
        let (mut log, past) = open(2);
        assert_eq!((past.node, past.highest, past.flushed), (Some(Uuid::from_u128(1)), 4, 4));
        assert_eq!((past.retired, past.keys.clone()), (HashSet::from([3]), vec![([1; 16], Timestamp(5))]));
        log.rewrite(&past.keys).unwrap();
        let (_, past) = open(2);
        assert_eq!((past.highest, past.flushed, past.retired), (4, 4, HashSet::new()));
        assert_eq!(past.keys, [([1; 16], Timestamp(5))]);
    }

    proptest! {
        #[test]
        fn a_torn_end_costs_only_itself(cut in 0usize..200, rubbish in prop::collection::vec(any::<u8>(), 0..40)) {
            let mut bytes = Vec::from(*MAGIC);
            bytes.extend_from_slice(&[1; 16]);
            bytes.extend_from_slice(&[0; 4]);
            bytes.extend_from_slice(&crc32fast::hash(&bytes).to_le_bytes());
            let blocks = [block(Kind::Retired, 1, &[([7; 16], Timestamp(1))]), block(Kind::Flushed, 2, &[])];
            let whole = [bytes.clone(), blocks.concat()].concat();
            let cut = cut.min(whole.len());
            let torn = [&whole[..cut], &rubbish].concat();
            let (past, good) = parse(&torn);
            prop_assert!(good <= torn.len());
            prop_assert_eq!(past.retired.contains(&1), cut >= bytes.len() + blocks[0].len());
        }
    }
}
