//! Where the texts of a column lie.

use arrow_buffer::Buffer;

/// Bytes of buffers, and of what is known of them, that are kept.
const HELD_BYTES: usize = 16 << 20;
/// Buffers that are kept.
const HELD_BUFFERS: usize = 64;
/// Long texts have at least one byte more than a view holds by itself; in a dictionary page each has four bytes of length before it
/// (Parquet, encoding PLAIN).
const PIECE: usize = 16;

/// Numbers of long texts by their place in a buffer.
///
/// A dictionary's texts lie one behind the other, so that each piece of [`PIECE`] bytes has the beginning of one long text
/// at most: a row costs one look at the table of its buffer, which is as large as the dictionary at hand and no larger.
#[derive(Debug, Default)]
pub(super) struct Places {
    buffers: Vec<Placed>,
    /// For each buffer of the column at hand, its place in `buffers`.
    at: Vec<usize>,
    bytes: usize,
}

/// A buffer, kept so that its address stays its own, and the numbers of the texts that begin in its pieces.
#[derive(Debug)]
struct Placed {
    buffer: Buffer,
    pieces: Vec<Piece>,
}

#[derive(Debug, Clone, Copy)]
struct Piece {
    offset: u32,
    /// 0: nothing is known of this piece, for no long text has this length.
    length: u32,
    code: u32,
}

impl Places {
    /// Makes `buffers` those that views speak of from now on.
    pub fn hold(&mut self, buffers: &[Buffer]) {
        if self.bytes > HELD_BYTES || self.buffers.len() > HELD_BUFFERS {
            self.buffers.clear();
            self.bytes = 0;
        }
        self.at.clear();
        for buffer in buffers {
            let same = |held: &Placed| held.buffer.as_ptr() == buffer.as_ptr() && held.buffer.len() == buffer.len();
            // The one that was used last is most likely the one that is meant.
            let known = self.buffers.iter().rposition(same);
            let at = known.unwrap_or_else(|| self.add(buffer));
            self.at.push(at);
        }
    }

    fn add(&mut self, buffer: &Buffer) -> usize {
        let pieces = vec![Piece { offset: 0, length: 0, code: 0 }; buffer.len() / PIECE + 1];
        self.bytes += buffer.capacity() + pieces.len() * size_of::<Piece>();
        self.buffers.push(Placed { buffer: buffer.clone(), pieces });
        self.buffers.len() - 1
    }

    /// The number of the long text that `view` is, if it was met at this place.
    pub fn get(&self, view: u128) -> Option<u32> {
        let (length, buffer, offset) = parts(view);
        let piece = self.buffers[self.at[buffer]].pieces[offset as usize / PIECE];
        (piece.length == length && piece.offset == offset).then_some(piece.code)
    }

    /// Keeps the number of the long text that `view` is.
    pub fn put(&mut self, view: u128, code: u32) {
        let (length, buffer, offset) = parts(view);
        self.buffers[self.at[buffer]].pieces[offset as usize / PIECE] = Piece { offset, length, code };
    }

    /// Bytes in memory.
    pub fn size(&self) -> usize {
        self.bytes
    }
}

/// Length, buffer and offset of a long text (Arrow's columnar format, "Variable-size Binary View Layout").
fn parts(view: u128) -> (u32, usize, u32) {
    (view as u32, (view >> 64) as u32 as usize, (view >> 96) as u32)
}
