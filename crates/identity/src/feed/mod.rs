//! Feeds: what a source says of people and contracts, and everything that stands between a file and a write.
//!
//! A delivery is decoded, checked to be whole, mapped, correlated with people who are known, and compared; only then, and
//! only when no guard objects, is anything written. A batch that is held waits with all it would do until a person decides.

mod apply;
mod ask;
mod batch;
mod decide;
mod decode;
mod delta;
mod fetch;
mod folder;
mod guard;
mod leaver;
mod mapping;
mod matching;
mod scim_users;
mod source;
mod spared;
mod undo;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use batch::{Batch, BatchState, Delivery};
pub use decide::RecordDecision;
pub(crate) use decide::must_be_latest;
pub use decode::{Manifest, decode};
pub use delta::{Change, Delta, FeedChange, Held, Quarantined, Suspicion, delta};
pub use fetch::{FEED_SOURCE_STATEMENTS, FeedView, FetchState, SourceState};
pub(crate) use fetch::{FETCH, begin as begin_asking};
pub use guard::{Guards, Past, Told, Verdict, guard};
pub use leaver::Headcount;
pub use mapping::{BadRecord, Mapped, Mapper};
pub use source::FeedSource;
pub use undo::{UNDO_STATEMENTS, Undone};

use crate::error::Refusal;

kernel::words! {
    /// How a delivery is written.
    FeedFormat {
        /// RFC 4180, with a header.
        Csv = "csv",
        /// An array of objects, or an object with `Resources` as SCIM answers; nested names are joined by dots.
        Json = "json",
        /// One JSON object a line.
        NdJson = "ndjson",
        /// Users as SCIM lists them (RFC 7644 §3.4.2); the mapping names values by SCIM's own paths.
        Scim = "scim",
    }
}

kernel::words! {
    /// What a delivery covers.
    Scope {
        /// Everybody: who is not in it is gone.
        Full = "full",
        /// Only who changed.
        Partial = "partial",
    }
}

/// A feed document.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Feed {
    pub title: String,
    /// The number of the person who answers for it.
    pub owner: String,
    pub format: FeedFormat,
    #[serde(default = "comma")]
    pub delimiter: char,
    #[serde(default = "full")]
    pub scope: Scope,
    /// The header that is expected, in this order; empty: the columns that the mapping names, in any order.
    #[serde(default)]
    pub header: Vec<String>,
    /// The last line of a CSV file: this word, the number of records, and perhaps the day and the SHA-256 of what is before.
    #[serde(default)]
    pub trailer: Option<String>,
    /// Field → column, or a template over `row`.
    pub map: BTreeMap<String, String>,
    /// Field → word of the source → our word.
    #[serde(default)]
    pub values: BTreeMap<String, BTreeMap<String, String>>,
    /// How dates are written, as strftime says it; ISO 8601 otherwise.
    #[serde(default)]
    pub date_format: Option<String>,
    /// What must hold of a record: an expression over `row`, and what to say when it does not.
    #[serde(default)]
    pub checks: Vec<Check>,
    #[serde(default)]
    pub guards: Guards,
    /// Below the drop folder: files that appear here are deliveries of this feed.
    #[serde(default)]
    pub folder: Option<String>,
    /// Where it is asked for by itself.
    #[serde(default)]
    pub source: Option<FeedSource>,
}

/// Something that must hold of a record.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Check {
    pub holds: String,
    pub otherwise: String,
}

const fn comma() -> char {
    ','
}
const fn full() -> Scope {
    Scope::Full
}

impl Feed {
    /// Whether its mapping can be used.
    ///
    /// # Errors
    /// The field that there is not, the template that cannot be read, or what is wrong with its source.
    pub fn check(&self, key: &str) -> Result<(), Refusal> {
        if let Some(source) = &self.source {
            source.check(key, self.format)?;
        }
        Mapper::new(key, self).map(drop)
    }
}
