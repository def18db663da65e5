//! What can go wrong when a batch is put to the rules.

/// Why a batch could not be evaluated.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Error {
    /// The caller is at fault.
    #[error("rule number {rule} does not exist; the engine has {rules}")]
    NoSuchRule { rule: usize, rules: usize },
    /// The caller is at fault.
    #[error("row {row} does not exist; the batch has {rows}")]
    NoSuchRow { row: usize, rows: usize },
}
