//! The term index: for each block of rows of a data file, a filter of the terms in its texts, so that a question after a
//! rare term reads the blocks that may hold it and no others.
//!
//! A *term* is what `has` means by it: a maximal run of letters and digits of any script, case folded
//! ([`words`]). One filter holds the terms of all text columns of a block ([`filter`]): a term that is rare in a table is
//! rare in every column of it, and `search` asks them all at once. A filter can say that a term may be there when it is
//! not; it never says the reverse. So the index decides which rows are read, never which rows are in the answer.
//!
//! The index of a data file lies beside it as a companion whose name ends in `.terms.companion`, written with the file
//! and again when it is found missing or damaged ([`file`]). Its bytes are described there.

pub(crate) mod build;
pub(crate) mod file;
mod filter;
pub(crate) mod wanted;
pub(crate) mod words;

pub(crate) use file::TermIndex;
pub(crate) use wanted::Wanted;

/// Rows of a block. Row groups begin at multiples of it.
pub(crate) const BLOCK_ROWS: usize = 1_024;
