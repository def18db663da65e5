//! Events of the lake as Sigma sees them: the fields that rows had on arrival, got back from their records or from what
//! was kept of an earlier reading.

mod again;
mod columns;
mod hunting;
mod keeping;
mod reading;
mod rows;
mod zeek;

pub use hunting::{Hunting, Look, histories, keep_fields, log_sources, look_back_us};
pub use rows::LogSources;
