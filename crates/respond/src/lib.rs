//! Incidents: from the first alert to the closing words.
//!
//! **Owns** incidents, their timeline, comments, tasks, the alerts and entities that belong to them, and the states
//! that they go through.
//!
//! **Never does** decide which alerts belong together (`detect` groups them), read events, or act on other systems.
//!
//! **Invariants**
//! - An alert belongs to at most one incident; the alerts of a group go to one incident, until it is closed.
//! - A closed incident takes no more alerts by itself: a new alert of its group opens a new one that names it.
//! - The timeline is append-only: everything that happens to an incident is a line with actor and time.
//! - Two people who edit the same incident: the second is shown both values. Alerts that arrive meanwhile are no
//!   conflict.
//!
//! **Tables** `incident`, `incident_group`, `incident_alert`, `waiting_alert`, `incident_entity`,
//! `incident_timeline`, `incident_comment`, `incident_task`, `incident_counter`.
//!
//! **Facts** hears `AlertRaised`, `AlertWithdrawn`, `IncidentReported`; tells `IncidentChanged`, `IncidentClosed`.

mod alerts;
mod commands;
mod decide;
mod error;
mod fact_tables;
mod happening;
mod incident;
mod queries;
mod records;
pub mod sql;
mod subscriber;
mod task;

pub use commands::{Command, OpenIncident, Order, Policy, Respond};
pub use decide::{Refusal, allowed_commands, decide};
pub use error::Error;
pub use fact_tables::FACT_TABLES;
pub use happening::Happening;
pub use incident::{Classification, Incident, Status};
pub use queries::{Cursor, Filter, OpenCount, Owner, Page};
pub use records::{Comment, IncidentAlert, IncidentEntity, TimelineItem};
pub use task::{Task, TaskState};
