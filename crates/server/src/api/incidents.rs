//! Incidents: the queue, the dossier, and the commands that move one on.

use std::sync::Arc;

use crate::action::Action;
use crate::api::alerts;
use crate::api::ledger::page_size;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::{Names, all};
use crate::body::{Body, Filter};
use crate::detection;
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use kernel::fact::AlertRaised;
use kernel::id::{AlertId, IncidentId};
use respond::{Command, allowed_commands};
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::alerts::Alert;
use crate::api::words::{EntityWord, Instant, SeverityWord, UserRef};

/// Where an incident stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum IncidentStatus {
    /// Nobody has looked at it.
    New,
    /// Somebody works on it.
    Active,
    /// The harm has been stopped; work goes on.
    Contained,
    Closed,
}

/// What it turned out to be.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum Classification {
    /// A real attack or breach.
    TruePositive,
    /// Real, and allowed: a test, an administrator at work.
    BenignPositive,
    /// The rule was wrong.
    FalsePositive,
    Undetermined,
}

/// An incident in the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incident {
    pub id: String,
    /// Short, for people to say: counts up from 1.
    pub number: i64,
    pub title: String,
    pub severity: SeverityWord,
    pub status: IncidentStatus,
    pub classification: Option<Classification>,
    pub owner: Option<UserRef>,
    pub created: Instant,
    pub updated: Instant,
    pub closed: Option<Instant>,
    /// Time of the first event of its alerts.
    pub first_event: Option<Instant>,
    /// Time of the last event of its alerts.
    pub last_event: Option<Instant>,
    pub alert_count: u64,
    /// Those that most alerts share, first; at most five here.
    pub entities: Vec<EntityWord>,
    pub techniques: Vec<String>,
    pub version: i64,
}

/// A page of the queue.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Incidents {
    pub incidents: Vec<Incident>,
    /// To send as `cursor` for the next page; absent on the last.
    pub next: Option<String>,
}

/// Which incidents.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct IncidentFilter {
    pub status: Option<IncidentStatus>,
    /// All that are not closed.
    pub open: Option<bool>,
    /// At least this severity.
    pub severity: Option<SeverityWord>,
    /// A user id, or `none`.
    pub owner: Option<String>,
    /// `kind:key`, as in `Entity`.
    pub entity: Option<String>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
    pub cursor: Option<String>,
}

/// The dossier.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentDetail {
    pub incident: Incident,
    pub description: String,
    pub entities: Vec<IncidentEntity>,
    /// By event time.
    pub alerts: Vec<Alert>,
    /// Oldest first.
    pub comments: Vec<Comment>,
    /// Oldest first: alerts, acts and comments in one line.
    pub timeline: Vec<TimelineItem>,
    /// Oldest first.
    pub tasks: Vec<Task>,
    /// The closed incident whose alerts this one goes on with.
    pub previous: Option<String>,
    /// Names of the commands that this state allows.
    pub commands: Vec<String>,
}

/// An entity and how many alerts name it.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct IncidentEntity {
    pub entity: EntityWord,
    pub alert_count: u64,
    pub first_seen: Option<Instant>,
    pub last_seen: Option<Instant>,
    /// KQL that shows what else is known of it.
    pub query: Option<String>,
}

/// What somebody said.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Comment {
    pub id: String,
    pub author: UserRef,
    pub at: Instant,
    pub text: String,
}

/// Where a task stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum TaskState {
    Open,
    Done,
    /// Nobody will do it.
    Dropped,
}

/// A step of work.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Task {
    pub id: String,
    pub title: String,
    pub assignee: Option<UserRef>,
    pub state: TaskState,
    pub created: Instant,
    pub ended: Option<Instant>,
}

/// One line of an incident's history.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct TimelineItem {
    pub at: Instant,
    /// `opened`, `alert`, `assigned`, `status`, `severity`, `title`, `comment`, `closed`, `reopened`, …
    pub kind: String,
    /// `user:…`, `token:…` or `system:…`.
    pub actor: String,
    /// The name to show for the actor.
    pub actor_name: String,
    /// In words.
    pub text: String,
    /// Values of the line, for translation: `from`, `to`, `alert_id`, …
    pub parameters: Value,
    pub reason: Option<String>,
}

/// Opens an incident by hand.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct OpenIncident {
    pub title: String,
    pub severity: SeverityWord,
    #[serde(default)]
    pub description: String,
    /// Alerts that belong to it.
    #[serde(default)]
    pub alerts: Vec<String>,
    pub reason: String,
}

/// A command with what every command needs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct IncidentCommand {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    /// Becomes the ledger entry.
    pub reason: String,
    #[serde(flatten)]
    pub act: IncidentAct,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum IncidentAct {
    /// Gives it to somebody, or to nobody.
    Assign {
        owner: Option<String>,
    },
    /// Work begins.
    Activate,
    /// The harm has been stopped.
    Contain,
    Close {
        classification: Classification,
    },
    Reopen,
    SetSeverity {
        severity: SeverityWord,
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
    AddAlerts {
        alerts: Vec<String>,
    },
    AddTask {
        title: String,
        assignee: Option<String>,
    },
    SetTask {
        task: String,
        state: TaskState,
    },
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_incidents, Action::ReadIncidents, list_incidents);
    routes.add(__path_open_incident, Action::RespondIncidents, open_incident);
    routes.add(__path_get_incident, Action::ReadIncidents, get_incident);
    routes.add(__path_command_incident, Action::RespondIncidents, command_incident);
}

/// The queue of incidents: open ones first, worst first, newest first.
#[utoipa::path(get, path = "/api/v1/incidents", tag = "incidents", params(IncidentFilter), responses((status = 200, body = Incidents)))]
async fn list_incidents(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<IncidentFilter>,
) -> Result<Json<Incidents>, Problem> {
    let limit = page_size(filter.limit)?;
    let after = filter.cursor.as_deref().map(str::parse).transpose();
    let after = after.map_err(|detail: String| Problem::invalid(detail).with("field", "cursor"))?;
    let page = app.respond.list(&wanted(&filter)?, after, limit).await?;
    let names = Names::load(&app.store).await?;
    let mut incidents = Vec::with_capacity(page.incidents.len());
    for incident in &page.incidents {
        incidents.push(summary(&app, incident, &names).await?);
    }
    Ok(Json(Incidents { incidents, next: page.next.map(|next| next.to_string()) }))
}

/// Opens an incident by hand.
#[utoipa::path(post, path = "/api/v1/incidents", tag = "incidents", request_body = OpenIncident, responses((status = 201, body = IncidentDetail)))]
async fn open_incident(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<OpenIncident>,
) -> Result<(StatusCode, Json<IncidentDetail>), Problem> {
    let order = respond::OpenIncident {
        title: request.title,
        severity: request.severity.into(),
        description: request.description,
        alerts: raised(&app, &request.alerts).await?,
        actor: caller.actor(),
        reason: clean_reason(&request.reason)?,
    };
    let incident = app.respond.open(order).await?;
    Ok((StatusCode::CREATED, Json(dossier(&app, &incident).await?)))
}

/// The dossier.
#[utoipa::path(get, path = "/api/v1/incidents/{id}", tag = "incidents", params(("id" = String, Path)), responses((status = 200, body = IncidentDetail)))]
async fn get_incident(State(app): State<Arc<App>>, Path(id): Path<String>) -> Result<Json<IncidentDetail>, Problem> {
    let incident = app.respond.incident(parse_id(&id)?).await?;
    Ok(Json(dossier(&app, &incident).await?))
}

/// Moves an incident on.
#[utoipa::path(post, path = "/api/v1/incidents/{id}/commands", tag = "incidents", request_body = IncidentCommand, params(("id" = String, Path)), responses((status = 200, body = IncidentDetail)))]
async fn command_incident(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<IncidentCommand>,
) -> Result<Json<IncidentDetail>, Problem> {
    let order = respond::Order {
        incident: parse_id(&id)?,
        version: request.version,
        actor: caller.actor(),
        reason: clean_reason(&request.reason)?,
        command: command(&app, request.act).await?,
    };
    let incident = app.respond.command(&order).await?;
    Ok(Json(dossier(&app, &incident).await?))
}

/// Entities shown in the queue.
const ENTITIES_IN_QUEUE: u32 = 5;
/// Entities and lines shown in the dossier.
const MOST_LINES: u32 = 2_000;

fn parse_id(id: &str) -> Result<IncidentId, Problem> {
    id.parse().map_err(|_| Problem::not_found("incident", id))
}

fn wanted(filter: &IncidentFilter) -> Result<respond::Filter, Problem> {
    let entity = filter.entity.as_deref().map(parse_entity).transpose()?;
    Ok(respond::Filter {
        status: filter.status.map(Into::into),
        open: filter.open,
        severity: filter.severity.map(Into::into),
        owner: filter.owner.as_deref().map(|owner| match owner {
            "none" => respond::Owner::Nobody,
            user => respond::Owner::User(user.to_owned()),
        }),
        entity,
    })
}

/// `kind:key`.
///
/// # Errors
/// 422 that names the field.
pub fn parse_entity(text: &str) -> Result<(kernel::EntityKind, String), Problem> {
    let parsed = text.split_once(':').and_then(|(kind, key)| {
        let kind = serde_json::from_value(Value::String(kind.to_owned())).ok()?;
        Some((kind, key.to_lowercase()))
    });
    parsed.ok_or_else(|| Problem::invalid("an entity is written kind:key, as in host:ws-041").with("field", "entity"))
}

async fn raised(app: &App, ids: &[String]) -> Result<Vec<AlertRaised>, Problem> {
    let known: Vec<AlertId> =
        ids.iter().map(|id| id.parse().map_err(|_| Problem::not_found("alert", id))).collect::<Result<_, _>>()?;
    detection::raised(&app.detect, &known).await
}

async fn command(app: &App, act: IncidentAct) -> Result<Command, Problem> {
    Ok(match act {
        IncidentAct::Assign { owner } => Command::Assign { owner: somebody(app, owner).await? },
        IncidentAct::Activate => Command::Activate,
        IncidentAct::Contain => Command::Contain,
        IncidentAct::Close { classification } => Command::Close { classification: classification.into() },
        IncidentAct::Reopen => Command::Reopen,
        IncidentAct::SetSeverity { severity } => Command::SetSeverity { severity: severity.into() },
        IncidentAct::Rename { title } => Command::Rename { title },
        IncidentAct::Describe { description } => Command::Describe { description },
        IncidentAct::Comment { text } => Command::Comment { text },
        IncidentAct::AddAlerts { alerts } => Command::AddAlerts { alerts: raised(app, &alerts).await? },
        IncidentAct::AddTask { title, assignee } => {
            Command::AddTask { title, assignee: somebody(app, assignee).await? }
        }
        IncidentAct::SetTask { task, state } => {
            Command::SetTask { task: task.parse().map_err(|_| Problem::not_found("task", &task))?, state: state.into() }
        }
    })
}

/// Work is given to people who are here.
async fn somebody(app: &App, id: Option<String>) -> Result<Option<String>, Problem> {
    let Some(id) = id else { return Ok(None) };
    let known = all(&app.store).await?.iter().any(|user| user.id.to_string() == id && !user.disabled);
    if known { Ok(Some(id)) } else { Err(Problem::not_found("user", &id)) }
}

/// An incident as the queue shows it.
///
/// # Errors
/// 503 when the database fails.
pub async fn summary(app: &App, incident: &respond::Incident, names: &Names) -> Result<Incident, Problem> {
    let entities = app.respond.entities(incident.id, ENTITIES_IN_QUEUE).await?;
    Ok(to_api(incident, &entities, names))
}

fn to_api(incident: &respond::Incident, entities: &[respond::IncidentEntity], names: &Names) -> Incident {
    Incident {
        id: incident.id.to_string(),
        number: incident.number,
        title: incident.title.clone(),
        severity: incident.severity.into(),
        status: incident.status.into(),
        classification: incident.classification.map(Into::into),
        owner: incident.owner.as_deref().map(|owner| names.user(owner)),
        created: incident.created.into(),
        updated: incident.updated.into(),
        closed: incident.closed.map(Into::into),
        first_event: incident.first_event.map(Into::into),
        last_event: incident.last_event.map(Into::into),
        alert_count: incident.alert_count,
        entities: entities.iter().take(ENTITIES_IN_QUEUE as usize).map(|named| (&named.entity).into()).collect(),
        techniques: incident.techniques.clone(),
        version: incident.version,
    }
}

async fn dossier(app: &App, incident: &respond::Incident) -> Result<IncidentDetail, Problem> {
    let (id, names) = (incident.id, Names::load(&app.store).await?);
    let entities = app.respond.entities(id, MOST_LINES).await?;
    let actor_ref =
        |actor: &str| UserRef { id: actor.strip_prefix("user:").unwrap_or(actor).to_owned(), name: names.actor(actor) };
    let comment = |comment: respond::Comment| Comment {
        id: comment.id.to_string(),
        author: actor_ref(&comment.author),
        at: comment.at.into(),
        text: comment.text,
    };
    let task = |task: respond::Task| Task {
        id: task.id.to_string(),
        title: task.title,
        assignee: task.assignee.map(|assignee| names.user(&assignee)),
        state: task.state.into(),
        created: task.created.into(),
        ended: task.ended.map(Into::into),
    };
    let line = |line: respond::TimelineItem| TimelineItem {
        at: line.at.into(),
        kind: line.kind,
        actor_name: names.actor(&line.actor),
        actor: line.actor,
        text: line.text,
        parameters: line.parameters,
        reason: line.reason,
    };
    Ok(IncidentDetail {
        incident: to_api(incident, &entities, &names),
        description: incident.description.clone(),
        entities: entities.iter().map(entity).collect(),
        alerts: alerts::of_incident(app, id).await?,
        comments: app.respond.comments(id).await?.into_iter().map(comment).collect(),
        timeline: app.respond.timeline(id, 0, MOST_LINES).await?.into_iter().map(line).collect(),
        tasks: app.respond.tasks(id).await?.into_iter().map(task).collect(),
        previous: incident.previous.map(|previous| previous.to_string()),
        commands: allowed_commands(incident.status).into_iter().map(str::to_owned).collect(),
    })
}

fn entity(named: &respond::IncidentEntity) -> IncidentEntity {
    let name = serde_json::Value::String(named.entity.name.clone()).to_string();
    IncidentEntity {
        entity: (&named.entity).into(),
        alert_count: named.alert_count,
        first_seen: Some(named.first_seen.into()),
        last_seen: Some(named.last_seen.into()),
        query: Some(format!("Alerts\n| where tostring(Entities) has {name}\n| sort by TimeGenerated asc")),
    }
}

crate::api::words::same_words! {
    IncidentStatus = respond::Status { New, Active, Contained, Closed }
    Classification = respond::Classification { TruePositive, BenignPositive, FalsePositive, Undetermined }
    TaskState = respond::TaskState { Open, Done, Dropped }
}
