//! Sources of people that are asked: a query of a database, an address on the web, a SCIM service. They are read, never
//! written.
//!
//! What comes back is a whole delivery in bytes or an error: half an answer is an error. What the bytes mean is decided by
//! whoever asked.

mod download;
mod link;
mod pages;
mod query;
mod reader;
mod scim;

pub use download::{Address, Download, check_address, download};
pub use pages::{Listing, Next};
pub use query::{Question, query};
pub use scim::{ScimList, scim_users};

/// A delivery that was taken.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Taken {
    pub body: Vec<u8>,
    /// How many records it has, where the source tells.
    pub records: Option<u64>,
    /// What the source calls this state of it (RFC 9110, section 8.8.3).
    pub etag: Option<String>,
    /// When it was last modified, in the source's own words (RFC 9110, section 8.8.2).
    pub last_modified: Option<String>,
}
