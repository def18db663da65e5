//! Questions: KQL algebra to DataFusion plans, and their answers.
//!
//! **Owns** every scalar and aggregate function, the lowering of each operator, limits and results.
//!
//! **Never does** name resolution, coercion or overload choice: the algebra of `kql` has settled them; and it never
//! relies on DataFusion's own, only on types that [`cells::plan_type`] fixes.

pub mod aggregate;
pub mod answer;
pub mod batch;
pub mod calendar;
pub mod cells;
pub mod codec;
pub mod convert;
pub mod decimal;
pub mod declared;
mod derive;
pub mod dynamic;
pub mod engine;
pub mod expansion;
mod facts;
mod file_cache;
pub mod functions;
mod grouped;
pub mod kept;
pub mod lower;
pub mod needle;
pub mod places;
mod planning;
pub mod progress;
mod promote;
mod promoted;
pub mod reference;
mod resolve;
mod shares;
pub mod source;
mod threads;
pub mod walk;

pub use declared::DeclaredTables;
pub use engine::{EngineConfig, QueryEngine};
pub use kept::EmptyLibrary;
