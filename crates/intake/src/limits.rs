//! Bounds that keep hostile input from taking memory or time out of proportion.

/// Bounds of one [`decode`](crate::decode) call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct DecodeLimits {
    /// Longest record in bytes; a longer one goes to `_Unparsed`, cut to [`kept_bytes`](Self::kept_bytes).
    pub record_bytes: usize,
    /// Deepest nesting of JSON objects and arrays.
    pub depth: usize,
    /// Most keys of one JSON object, and most elements of one JSON array inside a record.
    pub width: usize,
    /// Most different field names in one delivery; further ones are kept in `_RawData` only.
    pub field_names: usize,
    /// Bytes of a record that `_Unparsed.RawBytes` keeps.
    pub kept_bytes: usize,
    /// Problems that are described; further ones are only counted.
    pub problems: usize,
}

impl Default for DecodeLimits {
    fn default() -> DecodeLimits {
        DecodeLimits {
            record_bytes: 16 << 20,
            depth: 128,
            width: 10_000,
            field_names: 4_096,
            kept_bytes: 64 << 10,
            problems: 100,
        }
    }
}

/// Bounds of reading files, folders and archives.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FileLimits {
    /// About how many bytes one chunk holds; a chunk ends at the end of a record.
    pub chunk_bytes: usize,
    /// Longest record before a chunk is cut in the middle of it (the decoder then reports both parts).
    pub record_bytes: usize,
    /// Largest JSON document that holds all its records in one array or object, and so cannot be cut.
    pub document_bytes: usize,
    /// Most bytes that one compressed file or archive member may unpack to.
    pub unpacked_bytes: u64,
    /// Most unpacked bytes for each compressed byte, once [`ratio_from_bytes`](Self::ratio_from_bytes) are unpacked.
    pub ratio: u64,
    /// Unpacked bytes from which on the ratio counts: small files of zeros are harmless.
    pub ratio_from_bytes: u64,
    /// Archives within archives.
    pub archive_depth: usize,
    /// Members of one archive.
    pub archive_members: usize,
    /// Folders within folders.
    pub folder_depth: usize,
}

impl Default for FileLimits {
    fn default() -> FileLimits {
        FileLimits {
            chunk_bytes: 4 << 20,
            record_bytes: 16 << 20,
            document_bytes: 256 << 20,
            unpacked_bytes: 64 << 30,
            ratio: 400,
            ratio_from_bytes: 64 << 20,
            archive_depth: 3,
            archive_members: 100_000,
            folder_depth: 64,
        }
    }
}
