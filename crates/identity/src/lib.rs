//! The Access desk: who may do what, why, until when, and proof that it is so.
//!
//! **Owns** people and their contracts as sources tell them, what is known of systems and what they can give, roles and
//! the rules that give them, accounts with what is wanted of them and what was seen, plans, and the engine that brings
//! the one to the other.
//!
//! **Never does** speak a system's protocol (`connector` does), run a timer (the deadlines of `store` do), send a message
//! itself, or decide on a merge, a join or a held batch: people do.
//!
//! **Invariants**
//! - What an account should be is a function of contracts, assignments, policy and the clock; nothing is provisioned that
//!   this function did not give, and each access names the chain that gave it.
//! - A batch that is held, rejected or cut short writes nothing but its own record.
//! - The anchor of a person and the id of an account never change, whatever happens to names and numbers.
//! - A system is read before it is written, so that what is done twice has the effect of once.
//! - Protected and break-glass accounts are changed by no rule, plan or review.
//! - No account is deleted because it was not seen, and none is joined to a person on a name alone.
//! - What was known of a contract, when, and for which time, can be asked for any past day.
//! - Nobody decides on what they gain by: not as approver, delegate, appointee, reviewer or owner of a risk, nor by giving
//!   directly or by saying who signs in as whom, on no path.
//! - Silence is never a yes. Who does not answer is passed over, and when nobody is left a finding says so.
//! - The last who holds something privileged keeps it until somebody else holds it, or may borrow it; on every path.
//! - Access counts as taken away when the target was read after the decision and shows it no longer, not before.
//!
//! **Tables** `identity_*`.
//!
//! **Facts** hears `DeadlineExpired`, `ProvisioningDue`, `IncidentClosed`, `MissionChanged`, `MessageDelivery`, its own
//! `RequestChanged`, `ActivationChanged`, `CampaignChanged`, `PersonLeft`; tells `MessagesRequested`, `MessagesWithdrawn`, `SodViolationFound`,
//! `RequestChanged`, `ActivationChanged`, `CampaignChanged`, `PersonJoined`, `PersonMoved`, `PersonLeft`,
//! `ProvisioningDue`, `AccountDisabled`.

#![allow(dead_code, reason = "the nouns stand before the commands that use them")]

pub mod account;
mod account_sql;
pub mod activation;
pub mod approver;
pub mod assignment;
mod batch_sql;
pub mod compute;
pub mod conditional;
pub mod consent;
mod desk;
mod direct;
pub mod document;
mod duties;
mod duty_documents;
pub mod duty_sql;
mod duty_tables;
pub mod engagement;
pub mod entitlement;
mod error;
pub mod exclusion;
mod fact_tables;
pub mod feed;
pub mod finding;
pub mod group;
pub mod hybrid;
mod inventory;
mod labels;
mod last_holder;
pub mod last_use;
mod licence;
mod login;
mod merge;
pub mod mining;
mod names;
pub mod notice;
mod owner;
mod past_report;
pub mod person;
pub mod plan;
pub mod policy;
mod protect;
pub mod provision;
mod queries;
pub mod request;
pub mod review;
pub mod role;
mod room;
pub mod saying;
pub mod second_factor;
pub mod slice;
pub mod sod;
pub mod sql;
mod subscriber;
pub mod system;

pub use desk::ServiceAccount;
pub use duty_documents::DUTY_KINDS;
pub use duty_sql::DUTY_STATEMENTS;
pub use duty_tables::DUTY_TABLES;
pub use error::{Error, Refusal};
pub use fact_tables::FACT_TABLES;
pub use last_holder::LAST_HOLDER_STATEMENTS;
pub use licence::LICENCE_STATEMENTS;
pub use owner::OWNER_STATEMENTS;
pub use past_report::{PAST_COLUMNS, PastQuestion};
pub use queries::{IdleLicence, LicenceCost, PastView, PersonView, RestrictedRecord};
pub use room::Identity;
