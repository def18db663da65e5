//! Separation of duties at the desk: rules as documents, violations with their ways, exceptions that somebody answers
//! for; and rules over what people did, which the lake is asked for.

mod exception;
mod rules;
mod transactions;
mod unknown;
mod violation;

pub use exception::{ExceptionState, NewSodException, SodException};
pub use rules::{FunctionEntitlement, SodFunction, SodRule, TransactionQuery};
pub use transactions::TransactionSummary;
pub use unknown::unknown_of;
pub use violation::{SideShown, Summary, Violation, ViolationState};

pub(crate) use exception::{EXCEPTION, expired, give, in_force};
pub(crate) use rules::{Rules, save};
pub(crate) use transactions::TRANSACTIONS;
pub(crate) use violation::{ANALYSIS, analyse_all, analyse_person, begin, shown};
