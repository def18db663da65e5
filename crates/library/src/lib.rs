//! What people keep for their queries: stored functions, watchlists, reference tables.
//!
//! **Owns** their texts and rows, who changed them when, and the rules for what can be kept under which name.
//!
//! **Never does** run a query, fetch anything from an address, or decide who may change what.
//!
//! **Invariants**
//! - A function that is kept can be read and does not call itself, directly or through others.
//! - A change names the version that it was decided on; a later one is a conflict that shows both.
//! - Every change is an entry of the ledger, in the same transaction; the rows of a list are there by their digest.
//! - An item of a watchlist keeps its id and its time for as long as its cells stay the same.
//!
//! **Tables** `kept_function`, `watchlist`, `reference_table`, `library_revision`.

mod error;
mod fact_tables;
mod function;
mod kept;
mod name;
mod reference;
pub mod sql;
mod watchlist;

use std::sync::Arc;

use kernel::Timestamp;
use kernel::library::Kept;
use parking_lot::Mutex;
use store::{Row, Store};

pub use error::{Error, What};
pub use fact_tables::FACT_TABLES;
pub use function::{Examined, Function, examine};
pub use reference::{NewReference, Reference};
pub use watchlist::{NewWatchlist, Watchlist};

/// The room.
#[derive(Clone)]
pub struct Library {
    store: Store,
    /// What was kept at its revision.
    read: Arc<Mutex<Option<Arc<Kept>>>>,
}

impl Library {
    /// Over the state database, whose queries see its tables from now on.
    pub fn new(store: Store) -> Library {
        store.register_fact_tables(FACT_TABLES);
        Library { store, read: Arc::default() }
    }
}

/// What is the same of all that is kept.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
pub struct Record {
    pub description: String,
    /// Who changed it last.
    pub changed_by: String,
    pub created: Timestamp,
    pub updated: Timestamp,
    /// To be named by the next change.
    pub version: i64,
}

impl Record {
    fn read(row: &Row) -> Result<Record, store::Error> {
        Ok(Record {
            description: row.text("description")?.to_owned(),
            changed_by: row.text("changed_by")?.to_owned(),
            created: row.time("created_us")?,
            updated: row.time("updated_us")?,
            version: row.int("version")?,
        })
    }
}

/// What became of something to keep.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Put<T> {
    Made(T),
    Changed(T),
    /// It is kept exactly so; nothing was written.
    Unchanged(T),
}

impl<T> Put<T> {
    /// What is kept now.
    pub fn into_kept(self) -> T {
        match self {
            Put::Made(kept) | Put::Changed(kept) | Put::Unchanged(kept) => kept,
        }
    }
}

/// On which state a change was decided.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Basis {
    /// There is none of this name yet.
    New,
    /// It was at this version.
    Version(i64),
    /// Whatever is there is replaced: what is kept elsewhere, such as in git, counts.
    Whatever,
}

impl Basis {
    /// Whether a change may go on, given what is there.
    fn allows(self, version: Option<i64>) -> bool {
        match (self, version) {
            (Basis::Whatever, _) | (Basis::New, None) => true,
            (Basis::Version(decided), Some(version)) => decided == version,
            (Basis::New, Some(_)) | (Basis::Version(_), None) => false,
        }
    }
}
