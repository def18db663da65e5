//! Incidents and what belongs to them as rows.

use kernel::fact::AlertRaised;
use kernel::id::{AlertGroupId, AlertId, CommentId, IncidentId};
use kernel::{Actor, Entity, EntityKind, Severity, Timestamp};
use serde::{Deserialize, Serialize};
use serde_json::{Value as Json, json};
use store::{Row, Tx, params};

use crate::commands::Change;
use crate::decide::Refusal;
use crate::error::Error;
use crate::happening::Happening;
use crate::incident::{Incident, Status};
use crate::sql;
use crate::task::{Task, TaskState};

/// The lock under which it is decided which incident takes an alert.
pub(crate) const GROUPS: &str = "respond.groups";

/// One line of an incident's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct TimelineItem {
    /// Counts from 1.
    pub seq: i64,
    pub at: Timestamp,
    /// See [`Happening::kind`].
    pub kind: String,
    /// The text of an actor.
    pub actor: String,
    /// In words.
    pub text: String,
    /// Values of the line, for translation and links.
    pub parameters: Json,
    pub reason: Option<String>,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Comment {
    pub id: CommentId,
    /// The text of an actor.
    pub author: String,
    pub at: Timestamp,
    pub text: String,
}

/// An alert that belongs to an incident.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentAlert {
    pub alert: AlertId,
    pub group: AlertGroupId,
    pub severity: Severity,
    pub event_time: Timestamp,
    pub added: Timestamp,
}

/// An entity and how many alerts of the incident name it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct IncidentEntity {
    pub entity: Entity,
    pub alert_count: u64,
    pub first_seen: Timestamp,
    pub last_seen: Timestamp,
}

/// Numbers a new incident.
pub(crate) async fn create(tx: &mut Tx, title: String, severity: Severity) -> Result<Incident, Error> {
    let counted = tx.fetch_optional(&sql::NEXT_NUMBER, params![]).await?;
    let missing = || store::Error::NotFound("the counter of incidents is missing: the database is damaged".into());
    let number = counted.ok_or_else(missing)?.int("last")?;
    Ok(Incident::blank(tx.id(), number, title, severity, tx.now()))
}

/// Reads an incident to change it; others who want to change it wait.
pub(crate) async fn hold(tx: &mut Tx, id: IncidentId) -> Result<Option<Incident>, Error> {
    tx.execute(&sql::HOLD_INCIDENT, params![id]).await?;
    let row = tx.fetch_optional(&sql::INCIDENT, params![id]).await?;
    row.map(|row| incident(&row)).transpose()
}

/// The incident that takes the alerts of a group, held.
pub(crate) async fn of_group(tx: &mut Tx, group: AlertGroupId) -> Result<Option<Incident>, Error> {
    let Some(row) = tx.fetch_optional(&sql::INCIDENT_OF_GROUP, params![group]).await? else { return Ok(None) };
    hold(tx, row.id("incident_id")?).await
}

/// The incident that an alert belongs to.
pub(crate) async fn incident_of_alert(tx: &mut Tx, alert: AlertId) -> Result<Option<IncidentId>, Error> {
    let row = tx.fetch_optional(&sql::INCIDENT_OF_ALERT, params![alert]).await?;
    Ok(row.map(|row| row.id("incident_id")).transpose()?)
}

pub(crate) async fn tasks(tx: &mut Tx, id: IncidentId) -> Result<Vec<Task>, Error> {
    tx.fetch_all(&sql::TASKS, params![id]).await?.iter().map(task).collect()
}

/// Those of `alerts` that the incident does not have yet, each once.
pub(crate) async fn not_yet(tx: &mut Tx, id: IncidentId, alerts: &[AlertRaised]) -> Result<Vec<AlertRaised>, Error> {
    let mut added: Vec<AlertRaised> = Vec::new();
    for alert in alerts {
        match incident_of_alert(tx, alert.alert).await? {
            Some(other) if other != id => {
                let (alert, incident) = (alert.alert.to_string(), other.to_string());
                return Err(Refusal::AlertElsewhere { alert, incident }.into());
            }
            Some(_) => {}
            None if added.iter().any(|known| known.alert == alert.alert) => {}
            None => added.push(alert.clone()),
        }
    }
    Ok(added)
}

/// Has further alerts of the same groups join this incident, where no other open incident takes them.
pub(crate) async fn follow_groups(tx: &mut Tx, id: IncidentId, happenings: &[Happening]) -> Result<(), Error> {
    let mut groups: Vec<AlertGroupId> = happenings
        .iter()
        .filter_map(|happening| match happening {
            Happening::AlertAdded(alert) => Some(alert.group),
            _ => None,
        })
        .collect();
    groups.sort_unstable();
    groups.dedup();
    for group in groups {
        let taken = of_group(tx, group).await?.is_some_and(|incident| incident.status != Status::Closed);
        if !taken {
            tx.execute(&sql::FOLLOW_GROUP, params![group, id]).await?;
        }
    }
    Ok(())
}

pub(crate) async fn insert(tx: &mut Tx, incident: &Incident) -> Result<(), Error> {
    let row = params![
        incident.id,
        incident.number,
        &incident.title,
        &incident.description,
        incident.severity,
        rank(incident.severity),
        incident.worst_alert,
        incident.status.as_str(),
        incident.status == Status::Closed,
        incident.classification.map(|word| word.as_str()),
        incident.owner.as_ref(),
        incident.created,
        incident.updated,
        incident.closed,
        incident.first_event,
        incident.last_event,
        incident.alert_count,
        json!(incident.techniques).to_string(),
        incident.previous,
        incident.timeline_length,
        incident.version,
        incident.edited_version,
    ];
    Ok(tx.execute_one(&sql::INSERT_INCIDENT, row).await?)
}

pub(crate) async fn update(tx: &mut Tx, based_on: i64, incident: &Incident) -> Result<(), Error> {
    let row = params![
        incident.id,
        based_on,
        &incident.title,
        &incident.description,
        incident.severity,
        rank(incident.severity),
        incident.worst_alert,
        incident.status.as_str(),
        incident.status == Status::Closed,
        incident.classification.map(|word| word.as_str()),
        incident.owner.as_ref(),
        incident.updated,
        incident.closed,
        incident.first_event,
        incident.last_event,
        incident.alert_count,
        json!(incident.techniques).to_string(),
        incident.timeline_length,
        incident.version,
        incident.edited_version,
    ];
    Ok(tx.execute_one(&sql::UPDATE_INCIDENT, row).await?)
}

/// Where a severity stands in the order of the queue.
pub(crate) fn rank(severity: Severity) -> i64 {
    Severity::ALL.iter().zip(0..).find(|(known, _)| **known == severity).map_or(0, |(_, rank)| rank)
}

pub(crate) async fn insert_line(
    tx: &mut Tx,
    id: IncidentId,
    seq: i64,
    change: &Change<'_>,
    happening: &Happening,
) -> Result<(), Error> {
    let (text, parameters, now) = (happening.text(), happening.parameters(), tx.now());
    let line = params![id, seq, now, happening.kind(), change.actor, text, &parameters, change.reason];
    tx.execute(&sql::INSERT_LINE, line).await?;
    Ok(())
}

/// Writes the comment, task or alert that a happening brings.
pub(crate) async fn insert_created(
    tx: &mut Tx,
    id: IncidentId,
    actor: &Actor,
    happening: &Happening,
) -> Result<(), Error> {
    let now = tx.now();
    match happening {
        Happening::AlertAdded(alert) => insert_alert(tx, id, alert).await?,
        Happening::Commented { comment, text } => {
            tx.execute(&sql::INSERT_COMMENT, params![*comment, id, actor, now, text]).await?;
        }
        Happening::TaskAdded { task, title, assignee } => {
            tx.execute(&sql::INSERT_TASK, params![*task, id, title, assignee.as_ref(), actor, now]).await?;
        }
        Happening::TaskChanged { task, from, to, .. } => {
            let ended = (*to != TaskState::Open).then_some(now);
            tx.execute_one(&sql::SET_TASK, params![*task, from.as_str(), to.as_str(), ended]).await?;
        }
        Happening::Opened { .. }
        | Happening::AlertWithdrawn { .. }
        | Happening::Assigned { .. }
        | Happening::StatusChanged { .. }
        | Happening::Closed { .. }
        | Happening::Reopened
        | Happening::SeverityChanged { .. }
        | Happening::Renamed { .. }
        | Happening::Described { .. } => {}
    }
    Ok(())
}

async fn insert_alert(tx: &mut Tx, id: IncidentId, alert: &AlertRaised) -> Result<(), Error> {
    let now = tx.now();
    let row = params![alert.alert, id, alert.group, alert.severity, alert.event_time, now];
    tx.execute(&sql::INSERT_ALERT, row).await?;
    tx.execute(&sql::FORGET_WAITING, params![alert.alert]).await?;
    let mut seen: Vec<(EntityKind, &str)> = Vec::new();
    for entity in &alert.entities {
        if !seen.contains(&(entity.kind, &entity.key)) {
            seen.push((entity.kind, &entity.key));
            let row = params![id, entity.kind.as_str(), &entity.key, &entity.name, alert.event_time];
            tx.execute(&sql::COUNT_ENTITY, row).await?;
        }
    }
    Ok(())
}

/// Keeps an alert that is too mild to open an incident.
pub(crate) async fn insert_waiting(tx: &mut Tx, alert: &AlertRaised) -> Result<(), Error> {
    let row = params![alert.alert, alert.group, json!(alert).to_string()];
    tx.execute(&sql::INSERT_WAITING, row).await?;
    Ok(())
}

/// An alert that waited no longer holds.
pub(crate) async fn forget_waiting(tx: &mut Tx, alert: AlertId) -> Result<(), Error> {
    tx.execute(&sql::FORGET_WAITING, params![alert]).await?;
    Ok(())
}

/// The mild alerts of a group, in the order of their events.
pub(crate) async fn waiting(tx: &mut Tx, group: AlertGroupId) -> Result<Vec<AlertRaised>, Error> {
    let rows = tx.fetch_all(&sql::WAITING, params![group]).await?;
    let mut alerts = rows.iter().map(|row| row.json("alert")).collect::<Result<Vec<AlertRaised>, _>>()?;
    alerts.sort_by_key(|alert| (alert.event_time, alert.alert));
    Ok(alerts)
}

pub(crate) fn incident(row: &Row) -> Result<Incident, Error> {
    let worst_alert = row.text_opt("worst_alert")?.map(|_| row.severity("worst_alert")).transpose()?;
    let classification = row.text_opt("classification")?.map(|_| row.parse("classification")).transpose()?;
    Ok(Incident {
        id: row.id("id")?,
        number: row.int("number")?,
        title: row.text("title")?.to_owned(),
        description: row.text("description")?.to_owned(),
        severity: row.severity("severity")?,
        worst_alert,
        status: row.parse("status")?,
        classification,
        owner: row.text_opt("owner")?.map(str::to_owned),
        created: row.time("created_us")?,
        updated: row.time("updated_us")?,
        closed: row.time_opt("closed_us")?,
        first_event: row.time_opt("first_event_us")?,
        last_event: row.time_opt("last_event_us")?,
        alert_count: row.count("alert_count")?,
        techniques: row.json("techniques")?,
        previous: row.id_opt("previous_id")?,
        timeline_length: row.int("timeline_length")?,
        version: row.int("version")?,
        edited_version: row.int("edited_version")?,
    })
}

pub(crate) fn task(row: &Row) -> Result<Task, Error> {
    Ok(Task {
        id: row.id("id")?,
        title: row.text("title")?.to_owned(),
        assignee: row.text_opt("assignee")?.map(str::to_owned),
        state: row.parse("state")?,
        created_by: row.text("created_by")?.to_owned(),
        created: row.time("created_us")?,
        ended: row.time_opt("ended_us")?,
    })
}

pub(crate) fn line(row: &Row) -> Result<TimelineItem, Error> {
    Ok(TimelineItem {
        seq: row.int("seq")?,
        at: row.time("at_us")?,
        kind: row.text("kind")?.to_owned(),
        actor: row.text("actor")?.to_owned(),
        text: row.text("body")?.to_owned(),
        parameters: row.json("parameters")?,
        reason: row.text_opt("reason")?.map(str::to_owned),
    })
}

pub(crate) fn comment(row: &Row) -> Result<Comment, Error> {
    Ok(Comment {
        id: row.id("id")?,
        author: row.text("author")?.to_owned(),
        at: row.time("at_us")?,
        text: row.text("body")?.to_owned(),
    })
}

pub(crate) fn alert(row: &Row) -> Result<IncidentAlert, Error> {
    Ok(IncidentAlert {
        alert: row.id("alert_id")?,
        group: row.id("group_id")?,
        severity: row.severity("severity")?,
        event_time: row.time("event_us")?,
        added: row.time("added_us")?,
    })
}

pub(crate) fn entity(row: &Row) -> Result<IncidentEntity, Error> {
    let kind = serde_json::from_value(json!(row.text("kind")?));
    let kind: EntityKind = kind.map_err(|error| store::Error::Corrupt {
        statement: sql::ENTITIES.name,
        column: "kind".to_owned(),
        problem: error.to_string(),
    })?;
    Ok(IncidentEntity {
        entity: Entity { kind, name: row.text("name")?.to_owned(), key: row.text("entity_key")?.to_owned() },
        alert_count: row.count("alert_count")?,
        first_seen: row.time("first_seen_us")?,
        last_seen: row.time("last_seen_us")?,
    })
}
