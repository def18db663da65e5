//! The radio room: who is where, who has to be heard by when, and what happens otherwise.
//!
//! **Owns** the register (people, call signs, vehicles, areas, contacts, devices, fences, facilities, roads, equipment), the
//! duty log and the grammar of its lines, missions, alarms and their ladders, radio checks, headcounts, shifts and their
//! hand-over; what messages mean and what positions are worth; reports of incidents; whose people somebody sees; the words of all
//! that in six languages.
//!
//! **Never does** run a timer (the deadlines of `store` do), send or receive a message itself (`courier` does: the room says
//! who is to be told, by what), or decide what an incident is (`respond` does, from `IncidentReported`).
//!
//! **Invariants**
//! - Every promise is a deadline, and what a mission owes is a function of its sheet: a cancelled mission owes nothing.
//! - The duty log is append-only and numbered without gaps; what was logged under a call sign stays with who held it.
//! - An entry and everything that follows from it are one transaction.
//! - People are in only when somebody says so: no position, time or silence makes an arrival.
//! - A duress word is stored nowhere in clear, but in a line while it is being typed, and a silent alarm is seen by nobody but those who are told.
//! - Who was to be counted does not change after a headcount began.
//! - What positions and fences say does not depend on the order in which positions came.
//! - The more worrying of two states stands until a person resolves it.
//! - What is kept in words is kept as code and values, too, and the English words count where the two differ.
//! - A mission that passes from room to room is never without one that follows it.
//!
//! **Tables** `field_*`.
//!
//! **Facts** hears `DeadlineExpired`, `MessageReceived`, `MessageDelivery`, `PositionsReported`, `DistressSignalled`,
//! `DistressCancelled`, `ReportTaken`, `NodeRecordChanged`; tells `DutyLogged`, `MissionChanged`, `AlarmChanged`, `SilentAlarmChanged`,
//! `IncidentReported`, `MessageConcealed`, `MessagesRequested`, `MessagesWithdrawn`.

pub mod alarm;
mod correct;
pub mod custody;
mod draft;
mod duress;
mod earnest;
mod enter;
pub mod equipment;
mod error;
mod fact_tables;
mod finding;
pub mod headcount;
mod hindrance;
pub mod line;
mod log;
pub mod message;
pub mod mission;
mod paper;
pub mod position;
mod possible;
mod proof;
pub mod register;
pub mod replicate;
pub mod report;
mod reporter;
pub mod retention;
pub mod road;
mod room;
pub mod round;
mod shift;
pub mod sight;
pub mod speech;
mod spelling;
pub mod sql;
mod subscriber;
mod told_alarm;
pub mod traces;
mod traffic;

pub use draft::{Draft, DraftKey, Kept, Taken};
pub use duress::{DuressPhrase, Follows};
pub use enter::{Entering, Reading};
pub use error::{Error, Refusal};
pub use fact_tables::FACT_TABLES;
pub use finding::Finding;
pub use log::{DeviceNote, LogEntry, LogFilter};
pub use proof::{LogFault, LogProof};
pub use room::Field;
pub use shift::{DeskCommand, SheetItem, Shift};
