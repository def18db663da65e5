//! What somebody should have, as a function of contracts, assignments, policy and the clock. Pure.

mod access;
mod subject;
mod wanted;

pub use access::{Access, Line, Phase, Step, StepKind, access};
pub(crate) use access::{state_in_term, term};
pub use subject::{Catalog, Contract, Subject};
pub(crate) use subject::{load, load_all};
pub use wanted::{Draft, drafts, leading, seconds, wanted, wanted_of_second};

use kernel::Timestamp;

use crate::engagement::EngagementState;
use crate::policy::Policy;

/// The state of a contract of a person, with the longest term of those who have no record behind them.
pub(crate) fn state_of(policy: &Policy, subject: &Subject, contract: &Contract, now: Timestamp) -> EngagementState {
    access::state(policy, subject, contract, now)
}

/// When a contract of a person begins and ends.
pub(crate) fn span_of(
    policy: &Policy,
    subject: &Subject,
    contract: &Contract,
    now: Timestamp,
) -> (Timestamp, Option<Timestamp>) {
    access::span(policy, subject, contract, now)
}
