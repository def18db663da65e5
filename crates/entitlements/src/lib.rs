//! Who really holds what, and what follows from it.
//!
//! **Owns** effective membership through nested groups and roles ([`nesting`]), separation of duties ([`sod`]), roles
//! mined from access that people have ([`roles`]), and grants that are unlike those of a person's peers ([`outliers`]).
//!
//! **Never does** input or output, never knows a name, a database or a clock: people, groups and entitlements are
//! numbers that the caller gives out densely from 0, and instants are microseconds that the caller compares.
//!
//! **Invariants**
//! - Nesting may be cyclic; the closure ends, is the least fixed point, and the cycle is a finding.
//! - What is updated in place equals what is computed anew.
//! - An answer of the analysis of duties comes with a path for each side that the caller can check edge by edge.
//! - Mined roles give back exactly the access that they were mined from, or nothing is returned.
//! - The same input and the same seed give the same roles on every machine: budgets are steps, not seconds.

pub mod holdings;
pub mod nesting;
pub mod outliers;
pub mod roles;
pub mod sod;
mod workers;

pub use holdings::{Edge, Entitlement, Group, Holdings, User, Window};
pub use nesting::{Change, Closure, Cycle, Effect, Path};
