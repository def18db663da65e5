//! Sigma rules over columns of events.
//!
//! **Owns** reading rules ([`load`]), what they mean ([`detection`]), where their log sources are found
//! ([`mapping`]), the engine that puts all rules to a batch at once ([`Engine`]), why a rule did not fire ([`near`]),
//! how a rule reads in KQL ([`kql_text`]), which tests it names ([`regression`]), and what the hits of
//! several events say together ([`correlation`]).
//!
//! **Never does** read events, read the clock, or write anything down: what a correlation remembers is handed to the
//! caller to keep.
//!
//! **Invariants**
//! - Every file that is loaded is accounted for: rules, a [`Problem`] with place and remedy, or not YAML.
//! - A rule that cannot fire says why ([`Reach::unreachable`]).
//! - The compiled engine and the tree ([`naive`]) agree on every event; a property test holds them to it.
//! - Correlations give the same alerts for any order of arrival within the lateness bound; a property test holds them
//!   to a slow twin that sees all events sorted.
//! - An event is at distance 0 from a rule exactly if the rule fires on it; the same test holds it.
//! - The KQL text of a rule finds the events on which the engine fires it, or is refused; tests of the binary, which has
//!   both engines, hold it.
//! - Case is ignored character by character, so "contains" survives folding ([`pattern`]).

mod automaton;
mod batch;
mod bitmap;
mod column;
pub mod correlation;
pub mod detection;
mod encode;
mod engine;
mod error;
mod keywords;
pub mod kql_text;
mod labelled;
pub mod lint;
mod literal;
mod load;
mod lower;
pub mod mapping;
mod matcher;
pub mod naive;
pub mod near;
pub mod pattern;
mod problem;
mod program;
mod reach;
pub mod regression;
mod rows;
mod rule;
mod run;
mod value;
mod verdicts;

pub use batch::{Batch, RAW_COLUMN, Row};
pub use engine::{Engine, Hit, Hits, Size};
pub use error::Error;
pub use kernel::LogSource;
pub use load::{Loader, RuleSet, load, load_text};
pub use mapping::{BadMapping, Gate, Mappings};
pub use naive::Reason;
pub use problem::Problem;
pub use reach::{FieldUse, OpenGate, Reach};
pub use rule::{Rule, Status};
pub use value::Lists;
