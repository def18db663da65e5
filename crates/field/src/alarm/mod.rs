//! Alarms: missed promises and calls for help, until somebody has seen to them.

mod alarms;
mod climb;
mod commands;
pub mod ladder;
mod records;

pub use alarms::{Alarm, AlarmKind, AlarmState, Attempt, AttemptState, Course};
pub use climb::{ANSWER, STEP};
pub use commands::{AlarmCommand, AlarmOrder};

pub(crate) use commands::{Cause, climb_on, close_about, of_mission, raise, settle, unanswered};
pub(crate) use records::open_in;
