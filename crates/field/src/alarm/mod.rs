//! Alarms: missed promises and calls for help, until somebody has seen to them.

mod again;
mod alarms;
mod climb;
mod commands;
pub mod ladder;
mod notify;
mod records;

pub use alarms::{Alarm, AlarmKind, AlarmState, Attempt, AttemptState, Course};
pub use climb::{ANSWER, REMINDER, STEP};
pub use commands::{AlarmCommand, AlarmOrder};

pub(crate) use again::{Call, call_for_help, open_call};
pub(crate) use commands::{
    Cause, Concerned, Waiting, answered_by_message, climb_on, close_about, concerned, note, of_mission, open_about,
    raise, raise_for, remind_of, settle, unanswered, waiting_for,
};
pub(crate) use notify::of_key;
pub(crate) use records::open_in;
