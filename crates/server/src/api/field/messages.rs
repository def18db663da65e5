//! Messages of the radio room: what came in, what went out, and what somebody writes.

use std::sync::Arc;

use crate::action::Action;
use crate::api::ledger::page_size;
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::routes::Routes;
use axum::Json;
use axum::extract::{Path, State};
use axum::http::StatusCode;
use field::message::{Compose, MessageFilter, Outgoing, Received};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::parse_id;
use crate::api::words::{Instant, Reason};

/// A message that came in.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldMessage {
    pub id: String,
    /// `sms`, `email`, `satellite`, …
    pub means: String,
    pub sender: String,
    /// Key of the person, where the register knows one.
    pub person: Option<String>,
    pub name: String,
    pub organisation: Option<String>,
    pub subject: Option<String>,
    pub text: String,
    /// `distress`, `immediate`, `routine`, `bulk`.
    pub precedence: Option<String>,
    /// Who passed it on, the first first.
    pub relayed_by: Vec<String>,
    pub sent: Option<Instant>,
    pub received: Instant,
    /// `contact`, `headcount`, `answer`, `distress`, `automatic`, or `unread`: somebody has to read it.
    pub taken_as: String,
    /// Its entry in the duty log.
    pub entry: i64,
    pub seen: Option<Instant>,
}

/// Messages, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct FieldMessages {
    pub messages: Vec<FieldMessage>,
}

/// Which messages.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct FieldMessageFilter {
    /// Only those that somebody has to read.
    pub unread: Option<bool>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
}

/// A message that went out.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentMessage {
    pub key: String,
    /// The id of the alarm, headcount or report that it is about.
    pub about: String,
    pub recipient: String,
    /// Empty where it is secret.
    pub text: String,
    pub asked: Instant,
    /// `queued`, `sent`, `delivered`, `failed`, `undeliverable`, `expired` or `withdrawn`.
    pub state: String,
    pub state_at: Instant,
    pub means: Option<String>,
    pub problem: Option<String>,
}

/// Messages that went out, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct SentMessages {
    pub messages: Vec<SentMessage>,
}

/// About what.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct SentMessageFilter {
    /// The id of an alarm, a headcount or a report.
    pub about: Option<String>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
}

/// A message that somebody at the desk writes or relays.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct WriteMessage {
    /// Key of a person or contact, a telephone number, or a mail address.
    pub to: String,
    pub subject: Option<String>,
    pub text: String,
    /// `distress`, `immediate`, `routine` (when absent) or `bulk`.
    pub precedence: Option<String>,
    /// For whom it is relayed, as they gave it: `BF12`.
    pub relayed_for: Option<String>,
    /// It is an exercise: the text says so.
    #[serde(default)]
    pub exercise: bool,
}

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_field_messages, Action::ReadField, list_field_messages);
    routes.add(__path_see_field_message, Action::OperateField, see_field_message);
    routes.add(__path_list_sent_messages, Action::ReadField, list_sent_messages);
    routes.add(__path_write_field_message, Action::OperateField, write_field_message);
}

/// Messages that came in, the latest first.
#[utoipa::path(get, path = "/api/v1/field/messages", tag = "field", params(FieldMessageFilter), responses((status = 200, body = FieldMessages)))]
async fn list_field_messages(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<FieldMessageFilter>,
) -> Result<Json<FieldMessages>, Problem> {
    let wanted = MessageFilter { unread: filter.unread.unwrap_or(false) };
    let found = app.field.received(&wanted, page_size(filter.limit)?).await?;
    Ok(Json(FieldMessages { messages: found.into_iter().map(received_word).collect() }))
}

/// Somebody has read a message and seen to it; the reason says how.
#[utoipa::path(post, path = "/api/v1/field/messages/{id}/seen", tag = "field", params(("id" = String, Path)), request_body = Reason, responses((status = 204)))]
async fn see_field_message(
    State(app): State<Arc<App>>,
    caller: Caller,
    Path(id): Path<String>,
    Body(request): Body<Reason>,
) -> Result<StatusCode, Problem> {
    let reason = clean_reason(&request.reason)?;
    app.field.see_message(parse_id("message", &id)?, &caller.actor(), &reason).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Messages that went out, the latest first.
#[utoipa::path(get, path = "/api/v1/field/messages/sent", tag = "field", params(SentMessageFilter), responses((status = 200, body = SentMessages)))]
async fn list_sent_messages(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<SentMessageFilter>,
) -> Result<Json<SentMessages>, Problem> {
    let mut found = app.field.outgoing(filter.about.as_deref(), page_size(filter.limit)?).await?;
    // What is written about a silent alarm is shown to nobody here.
    found.retain(|one| !one.about.is_empty());
    Ok(Json(SentMessages { messages: found.into_iter().map(sent_word).collect() }))
}

/// Writes or relays a message; it is in the duty log.
#[utoipa::path(post, path = "/api/v1/field/messages/sent", tag = "field", request_body = WriteMessage, responses((status = 201, body = SentMessage)))]
async fn write_field_message(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<WriteMessage>,
) -> Result<(StatusCode, Json<SentMessage>), Problem> {
    let WriteMessage { to, subject, text, precedence, relayed_for, exercise } = request;
    let order = Compose { to, subject, text, precedence, relayed_for, exercise, actor: caller.actor() };
    let sent = app.field.write_message(&order).await?;
    Ok((StatusCode::CREATED, Json(sent_word(sent))))
}

fn received_word(one: Received) -> FieldMessage {
    FieldMessage {
        id: one.id.to_string(),
        means: one.means,
        sender: one.sender,
        person: one.person,
        name: one.name,
        organisation: one.organisation,
        subject: one.subject,
        text: one.text,
        precedence: one.precedence,
        relayed_by: one.relayed_by,
        sent: one.sent.map(Into::into),
        received: one.received.into(),
        taken_as: one.taken_as,
        entry: one.entry,
        seen: one.seen.map(Into::into),
    }
}

fn sent_word(one: Outgoing) -> SentMessage {
    SentMessage {
        key: one.key,
        about: one.about,
        recipient: one.recipient,
        text: one.text,
        asked: one.asked.into(),
        state: one.state,
        state_at: one.state_at.into(),
        means: one.means,
        problem: one.problem,
    }
}
