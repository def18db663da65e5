//! Load, decide, write in one transaction.

use kernel::fact::AlertRaised;
use kernel::id::{IncidentId, TaskId};
use kernel::{Actor, Fact, Severity};
use serde::{Deserialize, Serialize};
use serde_json::json;
use store::{Entry, Store, Tx};

use crate::alerts;
use crate::decide::{self, Refusal};
use crate::error::Error;
use crate::fact_tables::FACT_TABLES;
use crate::happening::Happening;
use crate::incident::{Classification, Incident, Status};
use crate::records;
use crate::task::TaskState;

/// What somebody wants done with an incident.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum Command {
    /// Gives it to somebody (the text of a user id), or to nobody.
    Assign {
        owner: Option<String>,
    },
    /// Work begins, or begins again after containment.
    Activate,
    /// The harm has been stopped.
    Contain,
    Close {
        classification: Classification,
    },
    Reopen,
    SetSeverity {
        severity: Severity,
    },
    Rename {
        title: String,
    },
    Describe {
        description: String,
    },
    Comment {
        text: String,
    },
    AddTask {
        title: String,
        assignee: Option<String>,
    },
    SetTask {
        task: TaskId,
        state: TaskState,
    },
    /// Alerts that belong to it in somebody's judgement; those that it has already are passed over.
    AddAlerts {
        alerts: Vec<AlertRaised>,
    },
}

impl Command {
    /// Every command by name.
    pub const NAMES: &'static [&'static str] = &[
        "assign",
        "activate",
        "contain",
        "close",
        "reopen",
        "set-severity",
        "rename",
        "describe",
        "comment",
        "add-task",
        "set-task",
        "add-alerts",
    ];

    /// The name in code and API.
    pub const fn name(&self) -> &'static str {
        match self {
            Command::Assign { .. } => "assign",
            Command::Activate => "activate",
            Command::Contain => "contain",
            Command::Close { .. } => "close",
            Command::Reopen => "reopen",
            Command::SetSeverity { .. } => "set-severity",
            Command::Rename { .. } => "rename",
            Command::Describe { .. } => "describe",
            Command::Comment { .. } => "comment",
            Command::AddTask { .. } => "add-task",
            Command::SetTask { .. } => "set-task",
            Command::AddAlerts { .. } => "add-alerts",
        }
    }

    /// Whether it replaces something that another person may have replaced meanwhile. Others only add.
    const fn is_edit(&self) -> bool {
        !matches!(
            self,
            Command::Comment { .. } | Command::AddTask { .. } | Command::SetTask { .. } | Command::AddAlerts { .. }
        )
    }
}

/// A command with who, why, and what it was based on.
#[derive(Debug, Clone, PartialEq)]
pub struct Order {
    pub incident: IncidentId,
    /// The version that was read.
    pub version: i64,
    pub actor: Actor,
    /// For the timeline and the ledger; the closing comment of a close.
    pub reason: String,
    pub command: Command,
}

/// An incident opened by hand.
#[derive(Debug, Clone, PartialEq)]
pub struct OpenIncident {
    pub title: String,
    pub severity: Severity,
    pub description: String,
    pub alerts: Vec<AlertRaised>,
    pub actor: Actor,
    pub reason: String,
}

/// What the organisation has decided about incidents.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Policy {
    /// Milder alerts open no incident; they join the one that a worse alert of their group opens.
    pub open_from: Severity,
}

impl Default for Policy {
    fn default() -> Policy {
        Policy { open_from: Severity::Low }
    }
}

/// The room.
#[derive(Clone)]
pub struct Respond {
    pub(crate) store: Store,
    pub(crate) policy: Policy,
}

/// What is to be written about an incident.
pub(crate) struct Change<'a> {
    pub(crate) actor: &'a Actor,
    pub(crate) reason: Option<&'a str>,
    pub(crate) happenings: Vec<Happening>,
}

impl Respond {
    /// The room on a state database. Makes its tables known to KQL.
    pub fn new(store: Store, policy: Policy) -> Respond {
        store.register_fact_tables(FACT_TABLES);
        Respond { store, policy }
    }

    /// Opens an incident by hand.
    ///
    /// # Errors
    /// [`Error::Refused`] when words are missing or too long or an alert belongs to another incident.
    pub async fn open(&self, order: OpenIncident) -> Result<Incident, Error> {
        let title = decide::title(&order.title)?;
        let description = decide::description(&order.description)?;
        let mut tx = self.store.begin().await?;
        tx.lock(records::GROUPS).await?;
        let mut incident = records::create(&mut tx, title, order.severity).await?;
        incident.description = description;
        let added = records::not_yet(&mut tx, incident.id, &order.alerts).await?;
        let mut happenings = vec![Happening::Opened { previous: None }];
        happenings.extend(alerts::join_all(&incident, &added));
        let change = Change { actor: &order.actor, reason: Some(&order.reason), happenings };
        commit(tx, None, incident, change).await
    }

    /// Carries out a command.
    ///
    /// # Errors
    /// [`Error::NotFound`], [`Error::Refused`] by the state machine, [`Error::Conflict`] when somebody edited the
    /// incident after the version that the order is based on.
    pub async fn command(&self, order: &Order) -> Result<Incident, Error> {
        let mut tx = self.store.begin().await?;
        if matches!(order.command, Command::AddAlerts { .. }) {
            tx.lock(records::GROUPS).await?;
        }
        let incident = records::hold(&mut tx, order.incident).await?.ok_or(Error::NotFound(order.incident))?;
        if order.version > incident.version || order.command.is_edit() && order.version < incident.edited_version {
            return Err(conflict(&order.command, &incident));
        }
        let tasks = match order.command {
            Command::SetTask { .. } => records::tasks(&mut tx, incident.id).await?,
            _ => Vec::new(),
        };
        let command = self.without_known_alerts(&mut tx, &incident, &order.command).await?;
        let happenings = decide::decide(&incident, &tasks, &command, (tx.id(), tx.id()))?;
        let change = Change { actor: &order.actor, reason: Some(&order.reason), happenings };
        commit(tx, Some(&incident), incident.clone(), change).await
    }

    /// Passes over alerts that the incident has; refuses when nothing is left.
    async fn without_known_alerts(
        &self,
        tx: &mut Tx,
        incident: &Incident,
        command: &Command,
    ) -> Result<Command, Error> {
        let Command::AddAlerts { alerts } = command else { return Ok(command.clone()) };
        let added = records::not_yet(tx, incident.id, alerts).await?;
        if added.is_empty() && !alerts.is_empty() {
            return Err(Refusal::NoChange { command: command.name() }.into());
        }
        Ok(Command::AddAlerts { alerts: added })
    }
}

fn conflict(command: &Command, incident: &Incident) -> Error {
    let (yours, theirs, version) = (json!(command), json!(incident), incident.version);
    Error::Conflict(Box::new(store::Conflict { yours, theirs, version }))
}

/// Writes what happened: the record, the lines, what they create, the ledger entries and the facts.
pub(crate) async fn commit(
    mut tx: Tx,
    before: Option<&Incident>,
    mut incident: Incident,
    change: Change<'_>,
) -> Result<Incident, Error> {
    let now = tx.now();
    let first_line = incident.timeline_length + 1;
    incident.version += 1;
    if change.happenings.iter().any(Happening::is_edit) {
        incident.edited_version = incident.version;
    }
    for happening in &change.happenings {
        incident.apply(happening, now);
    }
    match before {
        Some(before) => records::update(&mut tx, before.version, &incident).await?,
        None => records::insert(&mut tx, &incident).await?,
    }
    records::follow_groups(&mut tx, incident.id, &change.happenings).await?;
    for (seq, happening) in (first_line..).zip(&change.happenings) {
        records::insert_line(&mut tx, incident.id, seq, &change, happening).await?;
        records::insert_created(&mut tx, incident.id, change.actor, happening).await?;
    }
    tx.emit(Fact::IncidentChanged { incident: incident.id, version: incident.version, at: now });
    if let (Status::Closed, Some(classification)) = (incident.status, incident.classification)
        && change.happenings.iter().any(|happening| matches!(happening, Happening::Closed { .. }))
    {
        let classification = classification.to_string();
        tx.emit(Fact::IncidentClosed { incident: incident.id, classification, at: now });
    }
    let mut entries = entries(before, &incident, &change);
    let Some(last) = entries.pop() else { return Ok(incident) };
    for entry in entries {
        tx.record(entry);
    }
    tx.commit(last).await?;
    Ok(incident)
}

/// One entry for each kind of thing that happened.
fn entries(before: Option<&Incident>, incident: &Incident, change: &Change<'_>) -> Vec<Entry> {
    let mut kinds: Vec<&'static str> = Vec::new();
    for happening in &change.happenings {
        if !kinds.contains(&happening.kind()) {
            kinds.push(happening.kind());
        }
    }
    let entry = |kind: &&'static str| {
        let of_kind = change.happenings.iter().filter(|happening| happening.kind() == *kind);
        let what: Vec<_> = of_kind.map(Happening::record).collect();
        let entry = Entry::new(change.actor, &format!("incident.{kind}"), incident.id);
        let entry = entry.after(json!({ "incident": state(incident), "what": what }));
        let entry = before.into_iter().fold(entry, |entry, before| entry.before(json!({ "incident": state(before) })));
        change.reason.into_iter().fold(entry, |entry, reason| entry.reason(reason))
    };
    kinds.iter().map(entry).collect()
}

/// What the ledger keeps of an incident at each change.
fn state(incident: &Incident) -> serde_json::Value {
    json!({
        "label": incident.label(),
        "title": incident.title,
        "status": incident.status,
        "severity": incident.severity,
        "owner": incident.owner,
        "classification": incident.classification,
        "alert_count": incident.alert_count,
        "version": incident.version,
    })
}
