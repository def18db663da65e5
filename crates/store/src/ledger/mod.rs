//! The ledger: who did what to what, when and why, in a chain that shows tampering.

pub(crate) mod act;
pub(crate) mod append;
pub(crate) mod chain;
pub(crate) mod entry;
pub(crate) mod erase;
pub(crate) mod read;
pub(crate) mod verify;
