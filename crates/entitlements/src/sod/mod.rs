//! Separation of duties: keys that nobody may hold together.
//!
//! A [`Rule`] names *sides*; each side is met by any of its *functions*; a function is a set of entitlements, in one
//! system or several. Who meets at least N of the M sides violates the rule. Terms are those of the NIST RBAC standard
//! (INCITS 359, static separation of duty: role set and cardinality).
//!
//! [`analyse`] looks at everybody: sides as bitmaps of their holders. [`check_request`] looks at one person and what
//! they ask for, before anybody approves it. Both can say by which ways each side is met.

mod analysis;
mod explain;
mod reach;
mod request;
mod rule;
mod span;

pub use analysis::{Violations, analyse, violates};
pub use explain::{Conflict, Held, explain};
pub use request::{Asked, Part, Toxic, check_change, check_request};
pub use rule::{BadRule, Function, Needs, Rule, RuleBook, Scoped, Side, TimeOverlap};
pub use span::Spans;
