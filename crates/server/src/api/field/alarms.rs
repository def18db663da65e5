//! Alarms and whom to tell, and the words that raise one silently.

use std::sync::Arc;

use crate::action::Action;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::{Names, all};
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::reader::told;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use field::alarm;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parse_id;
use crate::api::words::{Instant, Reason, UserRef, same_words};

/// What an alarm is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmKind {
    ContactOverdue,
    NotDeparted,
    /// Who is in has not gone on, or nobody has closed the mission.
    Waiting,
    Sos,
    /// Somebody on the net whose mission is over.
    UnexpectedTraffic,
    RoundOpen,
    HeadcountOpen,
    /// Somebody answered or wrote that they need help.
    NeedsHelp,
    /// In an area where nobody is to be.
    NoGo,
    /// Stands still there, unannounced.
    NoGoStop,
    /// Has left the corridor of its leg.
    OffRoute,
    /// Power, a channel or a repeater fails.
    Equipment,
    /// Somebody reported an incident: every organisation concerned has to know.
    Incident,
    /// Silent: only those who are to be told see it.
    Duress,
}

/// Where an alarm stands.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AlarmState {
    Open,
    /// Somebody sees to it; the ladder goes on until it is settled.
    Acknowledged,
    Closed,
}

/// What became of an attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "kebab-case")]
pub enum AttemptState {
    Pending,
    Acknowledged,
    Unanswered,
    /// The alarm was settled before.
    Withdrawn,
}

/// Somebody is to be told.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct AlarmAttempt {
    pub number: i64,
    /// `desk`, `focal-point`, …
    pub role: String,
    pub organisation: Option<String>,
    pub name: String,
    /// `radio`, `phone`, …
    pub means: String,
    pub address: String,
    pub state: AttemptState,
    pub begun: Instant,
    pub answer_by: Instant,
    pub ended: Option<Instant>,
    pub answered_by: Option<String>,
}

/// An alarm as it stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldAlarm {
    pub id: String,
    /// `A-0042`.
    pub label: String,
    pub kind: AlarmKind,
    pub title: String,
    pub state: AlarmState,
    pub mission: Option<String>,
    /// The time from which the ladder counts.
    pub missed: Instant,
    pub raised: Instant,
    /// The promise expired while the program was down.
    pub expired_while_down: bool,
    /// Who sees to it.
    pub owner: Option<String>,
    /// Nobody is left to call: send a runner.
    pub all_means_failed: bool,
    /// Only some people see it.
    pub silent: bool,
    /// The steps of its ladder, as they are written, and how many have been taken.
    pub ladder: String,
    pub steps_taken: usize,
    pub attempts: Vec<AlarmAttempt>,
    /// How often it was brought back to mind after its last step.
    pub reminders: usize,
    pub closed: Option<Instant>,
    pub outcome: Option<String>,
    /// Nothing of it is real.
    pub exercise: bool,
    pub version: i64,
}

/// Alarms, the oldest promise first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldAlarms {
    pub now: Instant,
    pub alarms: Vec<FieldAlarm>,
}

/// Which alarms.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FieldAlarmFilter {
    /// Also those that are closed.
    pub all: Option<bool>,
}

/// A command with what every command needs.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
pub struct AlarmCommand {
    /// The version that was read; a later one is a conflict.
    pub version: i64,
    pub reason: String,
    #[serde(flatten)]
    pub act: AlarmAct,
}

/// What is to be done.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(tag = "command", rename_all = "kebab-case")]
pub enum AlarmAct {
    /// Somebody has answered, by name; without an attempt, takes an alarm that nobody has.
    Acknowledge { attempt: Option<i64>, name: String },
    /// The next person or means, without waiting.
    NoAnswer { attempt: i64 },
    /// It is settled; the reason says how.
    Close,
}

/// A phrase that means duress, without its words.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DuressPhrase {
    pub id: String,
    /// What the log shows in its place.
    pub shown_as: String,
    /// Who is told.
    pub tell: Vec<UserRef>,
    /// The accounts of whoever uses it are locked everywhere.
    pub lock_accounts: bool,
    /// An incident is opened, for what they have access to; of duress it says nothing.
    pub open_incident: bool,
    pub set: Instant,
}

/// All phrases.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DuressPhrases {
    pub phrases: Vec<DuressPhrase>,
}

/// A phrase to agree on. Its words are not kept.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct NewDuressPhrase {
    pub phrase: String,
    pub shown_as: String,
    /// Ids of users.
    pub tell: Vec<String>,
    /// Lock the accounts of whoever uses it, everywhere.
    #[serde(default)]
    pub lock_accounts: bool,
    /// Open an incident for what they have access to.
    #[serde(default)]
    pub open_incident: bool,
    pub reason: String,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_field_alarms, Action::ReadField, list_field_alarms);
    routes.add(__path_command_field_alarm, Action::OperateField, command_field_alarm);
    routes.add(__path_list_duress_phrases, Action::ManageField, list_duress_phrases);
    routes.add(__path_set_duress_phrase, Action::ManageField, set_duress_phrase);
    routes.add(__path_drop_duress_phrase, Action::ManageField, drop_duress_phrase);
}

/// Alarms that the caller may see.
#[utoipa::path(get, path = "/api/v1/field/alarms", tag = "field", params(FieldAlarmFilter), responses((status = 200, body = FieldAlarms)))]
async fn list_field_alarms(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(filter): Filter<FieldAlarmFilter>,
) -> Result<Json<FieldAlarms>, Problem> {
    let alarms = app.field.alarms(filter.all.unwrap_or(false), &caller.actor()).await?;
    Ok(Json(FieldAlarms { now: app.field.now().into(), alarms: alarms.into_iter().map(to_api).collect() }))
}

/// Answers an attempt, goes on to the next, or closes.
#[utoipa::path(post, path = "/api/v1/field/alarms/{id}/commands", tag = "field", params(("id" = String, Path)), request_body = AlarmCommand, responses((status = 200, body = FieldAlarm)))]
async fn command_field_alarm(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<AlarmCommand>,
) -> Result<Json<FieldAlarm>, Problem> {
    let command = match request.act {
        AlarmAct::Acknowledge { attempt, name } => alarm::AlarmCommand::Acknowledge { attempt, name },
        AlarmAct::NoAnswer { attempt } => alarm::AlarmCommand::NoAnswer { attempt },
        AlarmAct::Close => alarm::AlarmCommand::Close,
    };
    let order = alarm::AlarmOrder {
        alarm: parse_id("alarm", &id)?,
        version: request.version,
        actor: caller.actor(),
        reason: clean_reason(&request.reason)?,
        command,
    };
    Ok(Json(to_api(app.field.command_alarm(&order).await?)))
}

/// The phrases that mean duress, without their words.
#[utoipa::path(get, path = "/api/v1/field/duress", tag = "field", responses((status = 200, body = DuressPhrases)))]
async fn list_duress_phrases(State(app): State<Arc<App>>) -> Result<Json<DuressPhrases>, Problem> {
    let names = Names::load(&app.store).await?;
    let phrases = app.field.duress_phrases().await?;
    Ok(Json(DuressPhrases { phrases: phrases.into_iter().map(|phrase| phrase_word(phrase, &names)).collect() }))
}

/// Agrees on a phrase. Only its digest is kept.
#[utoipa::path(post, path = "/api/v1/field/duress", tag = "field", request_body = NewDuressPhrase, responses((status = 201, body = DuressPhrase)))]
async fn set_duress_phrase(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<NewDuressPhrase>,
) -> Result<(StatusCode, Json<DuressPhrase>), Problem> {
    let NewDuressPhrase { phrase, shown_as, tell, lock_accounts, open_incident, reason } = request;
    let reason = clean_reason(&reason)?;
    let users = all(&app.store).await?;
    for id in &tell {
        if !users.iter().any(|user| user.id.to_string() == *id && !user.disabled) {
            return Err(Problem::not_found("user", id));
        }
    }
    let follows = field::Follows { lock_accounts, open_incident };
    let set = app.field.set_duress(&phrase, &shown_as, tell, follows, &caller.actor(), &reason).await?;
    let names = Names::load(&app.store).await?;
    Ok((StatusCode::CREATED, Json(phrase_word(set, &names))))
}

/// Forgets a phrase.
#[utoipa::path(post, path = "/api/v1/field/duress/{id}/delete", tag = "field", params(("id" = String, Path)), request_body = Reason, responses((status = 204)))]
async fn drop_duress_phrase(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<StatusCode, Problem> {
    let reason = clean_reason(&request.reason)?;
    app.field.drop_duress(parse_id("phrase", &id)?, &caller.actor(), &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

fn phrase_word(phrase: field::DuressPhrase, names: &Names) -> DuressPhrase {
    DuressPhrase {
        id: phrase.id.to_string(),
        shown_as: phrase.shown_as,
        tell: phrase.tell.iter().map(|user| names.user(user)).collect(),
        lock_accounts: phrase.follows.lock_accounts,
        open_incident: phrase.follows.open_incident,
        set: phrase.set.into(),
    }
}

fn to_api(alarm: alarm::Alarm) -> FieldAlarm {
    let attempt = |one: &alarm::Attempt| AlarmAttempt {
        number: one.number,
        role: one.role.to_string(),
        organisation: one.organisation.clone(),
        name: told(&one.called()),
        means: one.means.to_string(),
        address: one.address.clone(),
        state: one.state.into(),
        begun: one.begun.into(),
        answer_by: one.answer_by.into(),
        ended: one.ended.map(Into::into),
        answered_by: one.answered_by.clone(),
    };
    FieldAlarm {
        id: alarm.id.to_string(),
        label: alarm.label(),
        kind: alarm.kind.into(),
        state: alarm.state.into(),
        mission: alarm.mission.map(|mission| mission.to_string()),
        missed: alarm.missed.into(),
        raised: alarm.raised.into(),
        expired_while_down: alarm.while_down,
        all_means_failed: alarm.all_failed,
        silent: alarm.silent,
        exercise: alarm.course.drill,
        ladder: alarm::ladder::to_text(&alarm.course.steps),
        steps_taken: alarm.course.next,
        attempts: alarm.course.attempts.iter().map(attempt).collect(),
        reminders: alarm.course.reminders,
        closed: alarm.closed.map(Into::into),
        title: told(&alarm.title),
        owner: alarm.owner,
        outcome: alarm.outcome.as_ref().map(told),
        version: alarm.version,
    }
}

same_words! {
    AlarmKind = alarm::AlarmKind {
        ContactOverdue, NotDeparted, Waiting, Sos, UnexpectedTraffic, RoundOpen, HeadcountOpen, NeedsHelp, NoGo, NoGoStop,
        OffRoute, Equipment, Incident, Duress
    }
    AlarmState = alarm::AlarmState { Open, Acknowledged, Closed }
    AttemptState = alarm::AttemptState { Pending, Acknowledged, Unanswered, Withdrawn }
}
