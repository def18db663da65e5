//! The duty log: lines are read while they are typed, and entered.

use std::sync::Arc;

use crate::action::Action;
use crate::api::ledger::page_size;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::auth::users::Names;
use crate::body::{Body, Filter};
use crate::problem::Problem;
use crate::reader::{reads, told};
use crate::routes::Routes;
use axum::Json;
use axum::extract::State;
use axum::http::{HeaderMap, StatusCode};
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use super::drafts::DraftKey;
use super::parse_id;
use crate::api::words::{DiagnosticWord, Instant, byte_offset, utf16_offset};

/// One entry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DutyEntry {
    /// Counts up from 1 without a gap.
    pub number: i64,
    pub id: String,
    /// `contact`, `arrival`, `position`, `radio-check`, `headcount`, `incident`, `mission`, `alarm`, `shift`, `note`, …
    pub kind: String,
    /// When it happened, as it was said.
    pub happened: Instant,
    /// When it was entered.
    pub entered: Instant,
    /// The wall clock could not be believed then.
    pub clock_suspect: bool,
    pub author: String,
    /// The name to show for the author.
    pub author_name: String,
    pub sign: Option<String>,
    /// Who held the sign then.
    pub holder_name: Option<String>,
    pub mission: Option<String>,
    /// As it was typed; empty for what nobody typed.
    pub line: String,
    /// What it means.
    pub meaning: String,
    /// What followed from it.
    pub outcome: Vec<String>,
    /// The entry that this one corrects.
    pub corrects: Option<i64>,
    /// The latest entry that corrects this one.
    pub corrected_by: Option<i64>,
}

/// A page, the latest first.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct DutyLog {
    pub entries: Vec<DutyEntry>,
    /// To send as `before` for the next page; absent on the last.
    pub next: Option<i64>,
}

/// Which entries.
#[derive(Debug, Clone, Default, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct DutyLogFilter {
    /// Only entries before this number.
    pub before: Option<i64>,
    /// Only entries after this number: what a console does not have yet.
    pub after: Option<i64>,
    pub mission: Option<String>,
    pub sign: Option<String>,
    /// 1 to 500; 100 when absent.
    pub limit: Option<u32>,
}

/// A line to be entered.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct DutyLine {
    pub line: String,
    /// The draft that it was: no draft is left of it, and a change of it that comes late makes none.
    pub draft: Option<DraftKey>,
    /// When it was typed, for one that waited for a link: a time that it says is told from there, and where it says none, it
    /// happened then. What lies ahead of the server's clock is taken as now.
    pub typed: Option<Instant>,
}

/// A line that is being typed.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct TypedLine {
    pub line: String,
    /// Where the cursor is, in UTF-16 code units.
    pub offset: u32,
}

/// What a line means, before it is entered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineReading {
    pub meaning: String,
    /// It can be entered.
    pub usable: bool,
    pub findings: Vec<DiagnosticWord>,
    pub completions: Vec<LineCompletion>,
}

/// A proposal. Offsets count UTF-16 code units.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct LineCompletion {
    pub text: String,
    /// What it is: the name behind a call sign.
    pub says: String,
    pub start: u32,
    pub end: u32,
}

/// The sender's own name for a line.
const IDEMPOTENCY_KEY: &str = "idempotency-key";

/// Registers the operations of this page.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_duty_log, Action::ReadField, list_duty_log);
    routes.add(__path_enter_duty_line, Action::OperateField, enter_duty_line);
    routes.add(__path_read_duty_line, Action::OperateField, read_duty_line);
}

/// Entries, the latest first.
#[utoipa::path(get, path = "/api/v1/field/log", tag = "field", params(DutyLogFilter), responses((status = 200, body = DutyLog)))]
async fn list_duty_log(
    State(app): State<Arc<App>>,
    Filter(filter): Filter<DutyLogFilter>,
) -> Result<Json<DutyLog>, Problem> {
    let limit = page_size(filter.limit)?;
    let mission = filter.mission.as_deref().map(|id| parse_id("mission", id)).transpose()?;
    let wanted = field::LogFilter { before: filter.before, after: filter.after, mission, sign: filter.sign };
    let mut found = app.field.duty_log(&wanted, limit + 1).await?;
    let more = found.len() > limit as usize;
    found.truncate(limit as usize);
    let next = found.last().filter(|_| more).map(|entry| entry.number);
    let names = Names::load(&app.store).await?;
    Ok(Json(DutyLog { entries: found.into_iter().map(|entry| to_api(entry, &names)).collect(), next }))
}

/// Enters a line. It is durable when this answers.
#[utoipa::path(post, path = "/api/v1/field/log", tag = "field", request_body = DutyLine, params(("Idempotency-Key" = Option<String>, Header, description = "a line that comes again with the same key is entered once, and the first entry is the answer")), responses((status = 201, body = DutyEntry)))]
async fn enter_duty_line(
    State(app): State<Arc<App>>,
    caller: Caller,
    headers: HeaderMap,
    Body(request): Body<DutyLine>,
) -> Result<(StatusCode, Json<DutyEntry>), Problem> {
    let key = idempotency_key(&headers)?;
    let draft = request.draft.as_ref().map(DraftKey::read).transpose()?;
    let entering =
        field::Entering { line: &request.line, key, draft: draft.as_ref(), typed: request.typed.map(|typed| typed.0) };
    let entry = app.field.enter_as(&entering, &caller.actor()).await;
    let entry = entry.map_err(|error| match error {
        field::Error::Line(ref findings) => {
            let words = findings.iter().map(|finding| diagnostic(finding, &request.line)).collect();
            let (status, title) = (StatusCode::UNPROCESSABLE_ENTITY, "The line cannot be used");
            Problem::new(status, "invalid-line", title, detail(findings)).diagnostics(words)
        }
        other => other.into(),
    })?;
    let names = Names::load(&app.store).await?;
    Ok((StatusCode::CREATED, Json(to_api(entry, &names))))
}

fn diagnostic(finding: &field::Finding, text: &str) -> DiagnosticWord {
    DiagnosticWord::of(&finding.in_language(reads()), text)
}

/// What is wrong with a line, as one sentence.
fn detail(findings: &[field::Finding]) -> String {
    let messages: Vec<String> = findings.iter().map(|finding| told(&finding.message)).collect();
    messages.join("; ")
}

fn idempotency_key(headers: &HeaderMap) -> Result<Option<&str>, Problem> {
    let Some(value) = headers.get(IDEMPOTENCY_KEY) else { return Ok(None) };
    let key = value.to_str().unwrap_or_default();
    if key.is_empty() || key.len() > 200 {
        return Err(Problem::invalid("Idempotency-Key has 1 to 200 visible ASCII characters"));
    }
    Ok(Some(key))
}

/// Reads a line without entering it: what it means, what is wrong with it, what may come next.
#[utoipa::path(post, path = "/api/v1/field/log/read", tag = "field", request_body = TypedLine, responses((status = 200, body = LineReading)))]
async fn read_duty_line(
    State(app): State<Arc<App>>,
    Body(request): Body<TypedLine>,
) -> Result<Json<LineReading>, Problem> {
    let text = request.line;
    let reading = app.field.read_line(&text, byte_offset(&text, request.offset) as usize).await?;
    let completion = |one: field::line::Completion| LineCompletion {
        start: utf16_offset(&text, one.span.start),
        end: utf16_offset(&text, one.span.end),
        text: one.text,
        says: told(&one.says),
    };
    Ok(Json(LineReading {
        meaning: told(&reading.meaning),
        usable: reading.usable,
        findings: reading.findings.iter().map(|finding| diagnostic(finding, &text)).collect(),
        completions: reading.completions.into_iter().map(completion).collect(),
    }))
}

pub(super) fn to_api(entry: field::LogEntry, names: &Names) -> DutyEntry {
    DutyEntry {
        number: entry.number,
        id: entry.id.to_string(),
        kind: entry.kind,
        happened: entry.happened.into(),
        entered: entry.entered.into(),
        clock_suspect: entry.clock_suspect,
        author_name: names.actor(&entry.author),
        author: entry.author,
        sign: entry.sign,
        holder_name: entry.holder.map(|(_, _, name)| name),
        mission: entry.mission.map(|mission| mission.to_string()),
        line: entry.line,
        meaning: told(&entry.meaning),
        outcome: entry.outcome.iter().map(told).collect(),
        corrects: entry.corrects,
        corrected_by: entry.corrected_by,
    }
}
