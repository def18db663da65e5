//! Conditional access: who signs in where, under which circumstances, and what is asked of them first.
//!
//! **Owns** the schema of a sign-in in Cedar, the judgement of a sign-in under a set of policies, the what-if over sign-ins
//! that were recorded, the gaps that policies leave, the check that no policy denies an account of the last resort, and the
//! translation to and from the policies of Entra ID (Microsoft Graph, resource `conditionalAccessPolicy`).
//!
//! **Never does** read a lake, a tenant or a clock: sign-ins, policies and instants come in, judgements go out.
//!
//! A policy is one or more `forbid` statements of Cedar. What none forbids is permitted, as Entra has it. A sign-in that is
//! forbidden as it came and permitted with a second factor or a compliant device is *asked for* these; what nothing helps is
//! *blocked*.
//!
//! **Invariants**
//! - A policy that does not fit the schema is refused with the place; nothing is judged by a policy that was not checked.
//! - A policy that fails while it judges counts as forbidding.
//! - What a translation cannot say is named, and the translation says whether it is wider or narrower for that.

pub mod break_glass;
pub mod entra;
mod gaps;
mod judge;
mod policy;
mod sign_in;
mod variants;
mod what_if;

pub use gaps::{Gap, GapKind, Gaps, gaps};
pub use judge::{Control, Judgement, Outcome};
pub use policy::{Fault, Policies, PolicyState, PolicyText, SCHEMA};
pub use sign_in::{Application, Client, Device, Place, SignIn, Strength, Subject};
pub use what_if::{Affected, PolicyEffect, Recorded, Tally, WhatIf, what_if};
