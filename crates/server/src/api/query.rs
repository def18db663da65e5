//! Asking in KQL: answers as a stream, exports, the tables that there are.

use std::sync::Arc;

use crate::action::Action;
use crate::answer::{Answering, Export, Lines};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::{Body, Filter};
use crate::edge::RequestId;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::table_rights::readable;
use axum::Json;
use axum::extract::{Extension, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use kernel::TableSchema;
use serde::{Deserialize, Serialize};
use serde_json::Value;
use utoipa::{IntoParams, ToSchema};

use crate::api::words::{ColumnWord, DiagnosticWord, Instant};
use crate::problem::ProblemBody;

/// How often the answer tells how far the query is.
const PROGRESS_MS: u64 = 250;

/// A question.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct Question {
    /// KQL.
    pub query: String,
    /// Only events at or after this time.
    pub from: Option<Instant>,
    /// Only events before this time.
    pub to: Option<Instant>,
    /// At most this many rows; the server's own limit holds, too.
    pub rows: Option<u64>,
}

/// One line of the answer (NDJSON): columns first, then rows in pieces, progress between them, then `done` or `error`.
/// Where there are several tables, the columns of each come before its rows.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[serde(untagged)]
pub enum AnswerLine {
    Columns(AnswerColumns),
    Rows(AnswerRows),
    Progress(AnswerProgress),
    Done(AnswerDone),
    Error(Box<AnswerError>),
}

/// The first line of a table; the rows that follow are its rows. An answer of several tables (`fork`, `facet`, …) has
/// one of them for each.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerColumns {
    pub columns: Vec<ColumnWord>,
    /// What the table is called, where there are several.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table: Option<String>,
}

/// Some rows, each with one value per column. Instants and timespans are text as KQL prints them.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerRows {
    pub rows: Vec<Vec<Value>>,
}

/// How far the query is: sent four times a second while it runs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerProgress {
    pub progress: ProgressWord,
}

/// What a query has read, of what times and indexes of files leave to be read. It can end below what was planned.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
#[schema(as = QueryProgress)]
pub struct ProgressWord {
    pub elapsed_ms: f64,
    /// Files that have been opened.
    pub files: u64,
    pub files_planned: u64,
    pub rows: u64,
    pub rows_planned: u64,
    pub bytes: u64,
    pub bytes_planned: u64,
}

/// The last line of a whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerDone {
    pub done: AnswerSummary,
}

/// The last line of an answer that broke off.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerError {
    pub error: ProblemBody,
}

/// What is to be said of a whole answer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct AnswerSummary {
    pub elapsed_ms: f64,
    pub rows: u64,
    /// Rows that the engine read; absent where it does not count them.
    pub rows_scanned: Option<u64>,
    /// What was read for it, subqueries included.
    pub read: ProgressWord,
    /// More rows existed than the limit allows.
    pub truncated: bool,
    /// What `render` asked for: `timechart`, `barchart`, …
    pub visualization: Option<String>,
    pub warnings: Vec<DiagnosticWord>,
}

/// The form of an export.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(rename_all = "lowercase")]
pub enum ExportFormat {
    /// RFC 4180, UTF-8 with a header line; several tables one after another with an empty line between; cells that a spreadsheet would run as a formula start with an apostrophe.
    Csv,
    /// One array of objects; of several tables an object of arrays by name.
    Json,
    /// One object a line; before the rows of each of several tables a line `{"$table": "name"}`.
    Ndjson,
}

/// Where an export goes.
#[derive(Debug, Clone, Serialize, Deserialize, IntoParams)]
#[into_params(parameter_in = Query)]
#[serde(deny_unknown_fields)]
pub struct ExportOptions {
    pub format: ExportFormat,
}

/// A table that KQL can name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Table {
    pub name: String,
    pub columns: Vec<ColumnWord>,
}

/// Every table: those of the lake, then those of facts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
pub struct Tables {
    pub tables: Vec<Table>,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_run_query, Action::Query, run_query);
    routes.add(__path_export_query, Action::Query, export_query);
    routes.add(__path_list_tables, Action::Query, list_tables);
}

/// Asks in KQL. The answer is a stream of lines; closing the connection cancels the query.
#[utoipa::path(post, path = "/api/v1/query", tag = "query", request_body = Question, responses((status = 200, body = AnswerLine, content_type = "application/x-ndjson")))]
async fn run_query(
    State(app): State<Arc<App>>,
    caller: Caller,
    Extension(RequestId(id)): Extension<RequestId>,
    Body(question): Body<Question>,
) -> Result<Response, Problem> {
    let progress_ms = Some(PROGRESS_MS);
    let answering = Answering::start(app.clone(), &caller, question, app.config.query_rows, progress_ms).await?;
    let lines = futures::stream::unfold(Lines::Open(answering, id), Lines::next);
    let kind = [(header::CONTENT_TYPE, "application/x-ndjson")];
    Ok((kind, axum::body::Body::from_stream(lines)).into_response())
}

/// The whole answer as a file.
#[utoipa::path(post, path = "/api/v1/query/export", tag = "query", request_body = Question, params(ExportOptions), responses((status = 200, body = String, content_type = "text/csv")))]
async fn export_query(
    State(app): State<Arc<App>>,
    caller: Caller,
    Filter(ExportOptions { format }): Filter<ExportOptions>,
    Body(question): Body<Question>,
) -> Result<Response, Problem> {
    let answering = Answering::start(app.clone(), &caller, question, app.config.export_rows, None).await?;
    let (kind, extension) = match format {
        ExportFormat::Csv => ("text/csv; charset=utf-8", "csv"),
        ExportFormat::Json => ("application/json; charset=utf-8", "json"),
        ExportFormat::Ndjson => ("application/x-ndjson", "ndjson"),
    };
    let file = format!("attachment; filename=\"vigie-{}.{extension}\"", app.store.now().date_text());
    let pieces = futures::stream::unfold(Some(Export::new(answering, format)), Export::next);
    let headers = [(header::CONTENT_TYPE, kind.to_owned()), (header::CONTENT_DISPOSITION, file)];
    Ok((headers, axum::body::Body::from_stream(pieces)).into_response())
}

/// Tables that KQL can name.
#[utoipa::path(get, path = "/api/v1/tables", tag = "query", responses((status = 200, body = Tables)))]
async fn list_tables(State(app): State<Arc<App>>, caller: Caller) -> Result<Json<Tables>, Problem> {
    let to_api = |table: &TableSchema| Table {
        name: table.name.clone(),
        columns: table.columns.iter().map(Into::into).collect(),
    };
    let readable = readable(&app, &caller).await?;
    Ok(Json(Tables { tables: readable.tables.iter().map(to_api).collect() }))
}
