//! Policies of Entra ID: written from ours, read as ours, and compared with ours (Microsoft Graph 1.0, resource
//! `conditionalAccessPolicy`).
//!
//! The two do not say the same things. What cannot be said on the other side is named; nothing is left out silently.

mod compare;
mod condition;
mod export;
mod import;

pub use compare::{Comparison, Difference, Pair, Relation, compare};
pub use export::{Exported, LeftOut, Names, export};
pub use import::{Imported, import};

/// Entra's own authentication strengths, the same in every tenant.
pub(crate) const SECOND_FACTOR_STRENGTH: &str = "00000000-0000-0000-0000-000000000002";
pub(crate) const PASSWORDLESS_STRENGTH: &str = "00000000-0000-0000-0000-000000000003";
pub(crate) const PHISHING_RESISTANT_STRENGTH: &str = "00000000-0000-0000-0000-000000000004";
