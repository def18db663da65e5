//! SCIM 2.0 (RFC 7643, RFC 7644): users and groups that another system provisions to us.
//!
//! **Owns** the language of filters and of PATCH paths, the resource schemas, what a PATCH does to a resource (with the
//! dialect that Microsoft Entra ID really speaks), and the resources themselves.
//!
//! **Never does** HTTP, and never decides what a provisioned user means for a person: the Access desk reads the resources
//! as a source.
//!
//! **Invariants**
//! - What cannot be understood is refused with the standard's own error; nothing of a request is dropped silently.
//! - A request is carried out whole or not at all; each change is an entry of the ledger in the same transaction.
//! - A user name belongs to one user, without case; an id is never used again.
//! - Filters, paths and bodies are hostile: bounded in size and depth, never a panic.
//!
//! **Tables** `scim_resource`, `scim_member`, `scim_client`.

pub mod bulk;
mod client;
mod error;
mod fact_tables;
pub mod filter;
pub mod patch;
pub mod path;
mod queries;
pub mod reading;
pub mod resource;
mod room;
pub mod schema;
pub mod sql;

pub use client::{ClientState, Provisioned};
pub use error::{Error, ScimType};
pub use fact_tables::FACT_TABLES;
pub use filter::Filter;
pub use queries::{ListRequest, Listed, MOST_RESULTS, SortOrder};
pub use room::{Client, Kind, Precondition, Scim, Stored};
