//! The second factor: a code of six digits that changes every thirty seconds (RFC 6238), from an authenticator of the person's
//! own. It is asked for where privileged access is borrowed, each time anew.
//!
//! A code counts once; five wrong ones in a row close the door for a quarter of an hour. The secret lies in the state database,
//! sealed with a key that lies beside it in a file of its own, and in nothing that can be asked in KQL.

mod commands;
mod judge;
mod seal;

pub use commands::{Enrolment, SecondFactor};
pub use judge::{Kept, Verdict, judge};
pub use seal::{KEY_BYTES, Seal};
