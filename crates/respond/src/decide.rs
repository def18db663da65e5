//! What may happen to an incident: the state machine, without input or output.

use kernel::id::{CommentId, TaskId};

use crate::commands::Command;
use crate::happening::Happening;
use crate::incident::{Incident, Status};
use crate::task::Task;

/// Longest title of an incident or a task, in characters.
pub(crate) const LONGEST_TITLE: usize = 300;
/// Longest description or comment, in characters.
const LONGEST_TEXT: usize = 20_000;

/// Why a command is not carried out. The caller is to blame; nothing was written.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Refusal {
    #[error("`{command}` is not possible while the incident is {status}; possible are: {}", .allowed.join(", "))]
    NotNow { command: &'static str, status: Status, allowed: Vec<&'static str> },
    #[error("`{command}` would change nothing")]
    NoChange { command: &'static str },
    #[error("{field} is empty; say something")]
    Empty { field: &'static str },
    #[error("{field} has {length} characters; the limit is {limit}")]
    TooLong { field: &'static str, length: usize, limit: usize },
    #[error("the incident has no task {task}")]
    NoSuchTask { task: TaskId },
    #[error("alert {alert} belongs to {incident} already; an alert belongs to one incident")]
    AlertElsewhere { alert: String, incident: String },
}

/// Names of the commands that the state allows.
pub fn allowed_commands(status: Status) -> Vec<&'static str> {
    Command::NAMES.iter().copied().filter(|name| is_allowed(name, status)).collect()
}

fn is_allowed(command: &str, status: Status) -> bool {
    match (command, status) {
        // What was learned later is still worth keeping.
        ("comment" | "describe" | "rename", _) => true,
        ("reopen", status) => status == Status::Closed,
        (_, Status::Closed) => false,
        ("activate", status) => status != Status::Active,
        ("contain", status) => status == Status::Active,
        _ => true,
    }
}

/// What an accepted command makes happen. `fresh` supplies the ids of what it creates.
///
/// # Errors
/// [`Refusal`], which says what is in the way.
pub fn decide(
    incident: &Incident,
    tasks: &[Task],
    command: &Command,
    fresh: (CommentId, TaskId),
) -> Result<Vec<Happening>, Refusal> {
    let name = command.name();
    if !is_allowed(name, incident.status) {
        let allowed = allowed_commands(incident.status);
        return Err(Refusal::NotNow { command: name, status: incident.status, allowed });
    }
    let happening = match command {
        Command::Assign { owner } => Happening::Assigned { from: incident.owner.clone(), to: owner.clone() },
        Command::Activate => Happening::StatusChanged { from: incident.status, to: Status::Active },
        Command::Contain => Happening::StatusChanged { from: incident.status, to: Status::Contained },
        Command::Close { classification } => {
            Happening::Closed { from: incident.status, classification: *classification }
        }
        Command::Reopen => Happening::Reopened,
        Command::SetSeverity { severity } => Happening::SeverityChanged { from: incident.severity, to: *severity },
        Command::Rename { title } => {
            Happening::Renamed { from: incident.title.clone(), to: said("title", title, LONGEST_TITLE)? }
        }
        Command::Describe { description } => {
            Happening::Described { to: fits("description", description, LONGEST_TEXT)? }
        }
        Command::Comment { text } => Happening::Commented { comment: fresh.0, text: said("text", text, LONGEST_TEXT)? },
        Command::AddTask { title, assignee } => {
            let title = said("title", title, LONGEST_TITLE)?;
            Happening::TaskAdded { task: fresh.1, title, assignee: assignee.clone() }
        }
        Command::SetTask { task, state } => {
            let known = tasks.iter().find(|known| known.id == *task).ok_or(Refusal::NoSuchTask { task: *task })?;
            Happening::TaskChanged { task: *task, title: known.title.clone(), from: known.state, to: *state }
        }
        Command::AddAlerts { alerts } => {
            if alerts.is_empty() {
                return Err(Refusal::Empty { field: "alerts" });
            }
            return Ok(crate::alerts::join_all(incident, alerts));
        }
    };
    if changes_nothing(incident, &happening) { Err(Refusal::NoChange { command: name }) } else { Ok(vec![happening]) }
}

fn changes_nothing(incident: &Incident, happening: &Happening) -> bool {
    match happening {
        Happening::Assigned { from, to } => from == to,
        Happening::SeverityChanged { from, to } => from == to,
        Happening::Renamed { from, to } => from == to,
        Happening::Described { to } => *to == incident.description,
        Happening::TaskChanged { from, to, .. } => from == to,
        Happening::StatusChanged { from, to } => from == to,
        Happening::Opened { .. }
        | Happening::AlertAdded(_)
        | Happening::AlertWithdrawn { .. }
        | Happening::Closed { .. }
        | Happening::Reopened
        | Happening::Commented { .. }
        | Happening::TaskAdded { .. } => false,
    }
}

/// The text without blanks around it; it must not be empty.
pub(crate) fn said(field: &'static str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = fits(field, text, limit)?;
    if text.is_empty() { Err(Refusal::Empty { field }) } else { Ok(text) }
}

fn fits(field: &'static str, text: &str, limit: usize) -> Result<String, Refusal> {
    let text = text.trim();
    let length = text.chars().count();
    if length > limit { Err(Refusal::TooLong { field, length, limit }) } else { Ok(text.to_owned()) }
}

/// The title that an incident may have.
pub(crate) fn title(text: &str) -> Result<String, Refusal> {
    said("title", text, LONGEST_TITLE)
}

/// The description that an incident may have.
pub(crate) fn description(text: &str) -> Result<String, Refusal> {
    fits("description", text, LONGEST_TEXT)
}
