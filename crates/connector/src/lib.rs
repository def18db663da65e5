//! The systems in which accounts live, and one way to read and write them all.
//!
//! **Owns** the trait [`Connector`] with its words (object, attribute, operation, outcome, change, capability), the pure
//! decisions that every connector shares ([`diff`](plan::diff): which modifications lead from what is to what should be;
//! [`settle`](settle::settle): what is left to do when an operation may have been done before), the connectors
//! themselves, and the emergency stop across all of them.
//!
//! **Never does** decide who should have what: the Access desk does. Never keeps state between calls that a restart would
//! miss: page tokens and cursors are texts that the caller keeps. Never reads a clock.
//!
//! **Invariants**
//! - An object is known by the id that its target never changes (objectGUID, entryUUID, SCIM id, primary key), not by name.
//! - A write is preceded by a read and is safe to repeat: done twice it has the effect of once
//!   ([`Effect::AlreadyDone`]). Dropping the future of a write leaves it done or not done; repeating it tells which.
//! - What is protected ([`Protection`]) is never written, whatever asks for it.
//! - What a server sends is hostile until it is parsed: bounded, never a panic.
//! - Secrets are in no log, no error, no `Debug`.

pub mod active_directory;
mod capability;
pub mod confined;
mod connector;
pub mod csv_file;
pub mod emergency;
pub mod entra;
mod error;
mod http;
pub mod hybrid;
pub mod ldap;
pub mod memory;
mod object;
mod operation;
pub mod plan;
mod protection;
mod reading;
mod schema;
pub mod scim;
mod secret;
pub mod settle;
pub mod source;
pub mod sql_table;
mod trust;
mod value;

pub use capability::{Capabilities, Capability};
pub use connector::{Connector, Revocation, TargetIdentity};
pub use error::{ConnectorError, ErrorKind, RawAnswer, Retry};
pub use object::{Attribution, Object, ObjectClass, ObjectId};
pub use operation::{Change, Effect, NewObject, ObjectKey, Operation, Outcome};
pub use plan::{Modification, ValueChange};
pub use protection::{Protection, ProtectionRules};
pub use reading::{
    Cursor, Delta, DeltaPage, Key, Member, MemberPage, NativeChange, Page, PageToken, Search, WhatChanged,
};
pub use schema::{AttributeSchema, ClassSchema, Matching, Schema};
pub use secret::Secret;
pub use trust::Trust;
pub use value::{AttributeName, AttributeValue, Attributes};
