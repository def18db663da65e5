//! The bytes of an index, and reading them.
//!
//! All numbers are little-endian. `VTI1`, then four bytes each: rows of the file, rows of a block, number of blocks, CRC-32
//! of all that follows. Then four bytes for each block: how many words its filter has. Then the words, of eight bytes
//! each, block after block.

use std::sync::Arc;

use bytes::Bytes;
use object_store::path::Path;
use object_store::{ObjectStore, ObjectStoreExt};
use parquet::arrow::arrow_reader::RowSelection;

use super::filter::may_have;
use super::{BLOCK_ROWS, Wanted};
use crate::companion;

const MAGIC: &[u8; 4] = b"VTI1";
const HEAD_BYTES: usize = 20;

/// The index of one data file.
#[derive(Debug)]
pub(crate) struct TermIndex {
    rows: usize,
    block_rows: usize,
    blocks: Vec<Vec<u64>>,
}

/// What is wrong with the bytes of an index.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("the term index {0}")]
pub(crate) struct BadIndex(&'static str);

/// Where the index of a data file lies.
pub(crate) fn path(data_file: &Path) -> Path {
    companion::named(data_file, "terms")
}

/// The bytes of an index.
pub(super) fn encode(rows: usize, blocks: &[Vec<u64>]) -> Vec<u8> {
    let number = |number: usize| u32::try_from(number).unwrap_or(u32::MAX).to_le_bytes();
    let mut body: Vec<u8> = blocks.iter().flat_map(|words| number(words.len())).collect();
    body.extend(blocks.iter().flatten().flat_map(|word| word.to_le_bytes()));
    let mut bytes = MAGIC.to_vec();
    for part in [number(rows), number(BLOCK_ROWS), number(blocks.len()), crc32fast::hash(&body).to_le_bytes()] {
        bytes.extend(part);
    }
    bytes.extend(body);
    bytes
}

impl TermIndex {
    /// Reads the bytes of an index.
    pub fn decode(bytes: &[u8]) -> Result<TermIndex, BadIndex> {
        let number = |at: usize| {
            let four = bytes.get(at..at + 4).and_then(|four| four.try_into().ok());
            four.map(|four| u32::from_le_bytes(four) as usize).ok_or(BadIndex("is cut short"))
        };
        if bytes.get(..4) != Some(MAGIC) {
            return Err(BadIndex("does not begin as one"));
        }
        let (rows, block_rows, count, sum) = (number(4)?, number(8)?, number(12)?, number(16)?);
        let body = bytes.get(HEAD_BYTES..).unwrap_or_default();
        if crc32fast::hash(body) as usize != sum {
            return Err(BadIndex("is damaged"));
        }
        if block_rows == 0 || rows.div_ceil(block_rows) != count {
            return Err(BadIndex("has another number of blocks than its rows have"));
        }
        let mut words_at = HEAD_BYTES + 4 * count;
        let mut blocks = Vec::with_capacity(count.min(bytes.len()));
        for block in 0..count {
            let end = words_at + 8 * number(HEAD_BYTES + 4 * block)?;
            let words = bytes.get(words_at..end).ok_or(BadIndex("is cut short"))?;
            let word = |eight: &[u8]| u64::from_le_bytes(eight.try_into().unwrap_or_default());
            blocks.push(words.chunks_exact(8).map(word).collect());
            words_at = end;
        }
        Ok(TermIndex { rows, block_rows, blocks })
    }

    /// Rows of the file that it is of.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Bytes in memory, about.
    pub fn size(&self) -> usize {
        self.blocks.iter().map(|words| 8 * words.len() + 24).sum()
    }

    /// The rows of blocks that may have a row that fits; `None`: all blocks may.
    pub fn selection(&self, wanted: &Wanted) -> Option<RowSelection> {
        let fits: Vec<bool> = self.blocks.iter().map(|words| wanted.may_fit(&|term| may_have(words, term))).collect();
        if fits.iter().all(|fits| *fits) {
            return None;
        }
        let ranges = fits.iter().enumerate().filter(|(_, fits)| **fits).map(|(block, _)| {
            let start = block * self.block_rows;
            start..(start + self.block_rows).min(self.rows)
        });
        Some(RowSelection::from_consecutive_ranges(ranges, self.rows))
    }
}

/// Reads the index of a data file of `rows` rows. `None`: there is none of it that could be used, which the log says
/// when it is damaged.
pub(crate) async fn open(store: &dyn ObjectStore, data_file: &Path, rows: u64) -> Option<Arc<TermIndex>> {
    let path = path(data_file);
    let bytes: Bytes = match store.get(&path).await {
        Ok(found) => found.bytes().await.ok()?,
        Err(error) => {
            tracing::debug!(%path, %error, "no term index; the whole file is read");
            return None;
        }
    };
    match TermIndex::decode(&bytes) {
        Ok(index) if index.rows() as u64 == rows => Some(Arc::new(index)),
        Ok(_) => {
            tracing::warn!(%path, "the term index is of another file; it is not used");
            None
        }
        Err(error) => {
            tracing::warn!(%path, %error, "the whole file is read until the index is made anew");
            None
        }
    }
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn an_index_is_read_as_it_was_written() {
        let blocks = vec![vec![1, 2, 3], Vec::new(), vec![u64::MAX]];
        let index = TermIndex::decode(&encode(2 * BLOCK_ROWS + 5, &blocks)).unwrap();
        assert_eq!((index.rows, index.block_rows, index.blocks), (2 * BLOCK_ROWS + 5, BLOCK_ROWS, blocks));
    }

    proptest! {
        #[test]
        fn damage_is_noticed(at in 0_usize..64, bits in 1_u8.., cut in 0_usize..64) {
            let bytes = encode(BLOCK_ROWS + 1, &[vec![7, 8], vec![9]]);
            let mut changed = bytes.clone();
            let place = at % bytes.len();
            changed[place] ^= bits;
            // The number of rows is compared with that of the file.
            let rows_alone = (4..12).contains(&place);
            prop_assert!(rows_alone || TermIndex::decode(&changed).is_err());
            prop_assert!(TermIndex::decode(&bytes[..cut % bytes.len()]).is_err());
        }

        #[test]
        fn any_bytes_are_read_without_panic(bytes: Vec<u8>, with_magic: bool) {
            let bytes = if with_magic { [MAGIC.as_slice(), &bytes].concat() } else { bytes };
            let _ = TermIndex::decode(&bytes);
        }
    }
}
