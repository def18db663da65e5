//! Sources: who sends records, and whether they still do.

use std::sync::Arc;

use crate::action::Action;
use crate::api::tokens::{self, CreateToken, Scope};
use crate::api::users::clean_reason;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::body::Body;
use crate::error::delivery_problem;
use crate::problem::Problem;
use crate::routes::Routes;
use crate::sql;
use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use kernel::LogSource;
use kernel::id::SourceId;
use kernel::port::{SourceDefinition, SourceStatus};
use serde::{Deserialize, Serialize};
use store::{Entry, Row, params};
use utoipa::ToSchema;

use crate::api::tokens::NewToken;
use crate::api::words::Instant;

/// A source and its counters since the server started.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Source {
    pub name: String,
    /// The parser: `windows-json`, `syslog`, `evtx`, …
    pub format: String,
    /// The table of its records, where it was fixed.
    pub table: Option<String>,
    pub time_zone: Option<String>,
    /// What Sigma rules call its log, where the records do not say it.
    pub log_source: LogSourceWords,
    /// It was connected here, and not in the configuration file.
    pub registered: bool,
    pub first_seen: Option<Instant>,
    pub last_seen: Option<Instant>,
    /// Event time of the newest record.
    pub last_event: Option<Instant>,
    pub records: u64,
    pub bytes: u64,
    /// Records that lie in `_Unparsed` with the reason.
    pub unparsed: u64,
    /// Records dropped before acceptance.
    pub dropped: u64,
    pub duplicates: u64,
    /// Records per second over the last minute.
    pub rate_per_s: f64,
    /// Receipt minus event time of the newest record.
    pub lag_ms: Option<i64>,
    /// It has not spoken for longer than it usually does.
    pub silent: bool,
}

/// Sigma's words for a log.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct LogSourceWords {
    pub product: Option<String>,
    /// Such as `proxy`, `webserver`, `firewall`.
    pub category: Option<String>,
    pub service: Option<String>,
}

/// Every source, and what can be connected.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct Sources {
    pub sources: Vec<Source>,
    /// Formats that a source can have.
    pub formats: Vec<String>,
}

/// Connects a source that delivers over HTTP.
#[derive(Debug, Clone, Serialize, Deserialize, ToSchema)]
#[serde(deny_unknown_fields)]
pub struct ConnectSource {
    /// 1 to 64 of `A-Z a-z 0-9 . _ -`; the address of its deliveries.
    pub name: String,
    pub format: String,
    pub table: Option<String>,
    /// The IANA zone of instants that carry none.
    pub time_zone: Option<String>,
    /// What Sigma rules call its log, where the records do not say it: rules for proxies see the records of a source
    /// of the category `proxy`.
    #[serde(default)]
    pub log_source: LogSourceWords,
    /// 1 to 730; 365 when absent.
    pub token_expires_in_days: Option<u32>,
    pub reason: String,
}

/// A new source and the token with which it delivers.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize, ToSchema)]
pub struct ConnectedSource {
    pub source: Source,
    pub token: NewToken,
    /// Where it delivers: `/api/v1/ingest/…`.
    pub path: String,
}

/// Registers the operations of this room.
pub fn routes(routes: &mut Routes) {
    routes.add(__path_list_sources, Action::ReadSources, list_sources);
    routes.add(__path_connect_source, Action::ManageSources, connect_source);
}

/// Every source and whether it still speaks.
#[utoipa::path(get, path = "/api/v1/sources", tag = "sources", responses((status = 200, body = Sources)))]
async fn list_sources(State(app): State<Arc<App>>) -> Result<Json<Sources>, Problem> {
    let registered = registered(&app).await?;
    let mut sources: Vec<Source> = app.intake.sources().iter().map(|status| merge(status, &registered)).collect();
    for definition in &registered {
        if sources.iter().all(|source| source.name != definition.name) {
            sources.push(unheard(definition));
        }
    }
    sources.sort_by(|left, right| left.name.cmp(&right.name));
    Ok(Json(Sources { sources, formats: app.intake.formats() }))
}

/// Connects a source that delivers over HTTP, with its token.
#[utoipa::path(post, path = "/api/v1/sources", tag = "sources", request_body = ConnectSource, responses((status = 201, body = ConnectedSource)))]
async fn connect_source(
    State(app): State<Arc<App>>,
    caller: Caller,
    Body(request): Body<ConnectSource>,
) -> Result<(StatusCode, Json<ConnectedSource>), Problem> {
    let reason = clean_reason(&request.reason)?;
    let definition = definition(&app, &request)?;
    let mut tx = app.store.begin().await?;
    let (id, now): (SourceId, _) = (tx.id(), tx.now());
    let SourceDefinition { name, format, table, time_zone, log_source } = &definition;
    let log_source = (!log_source.is_empty()).then(|| serde_json::json!(log_source).to_string());
    let row = params![name, id, format, table.as_deref(), time_zone.as_deref(), log_source.as_deref(), now];
    let known = app.intake.sources().iter().any(|status| status.name == *name);
    if known || tx.execute(&sql::INSERT_SOURCE, row).await? == 0 {
        return Err(Problem::invalid(format!("a source is already called `{name}`")).with("field", "name"));
    }
    let token = CreateToken {
        name: format!("source {name}"),
        scopes: vec![Scope::Ingest],
        target: Some(name.clone()),
        expires_in_days: request.token_expires_in_days.unwrap_or(365),
        reason: reason.clone(),
    };
    let token = tokens::insert(&mut tx, &app, caller.person()?, &token).await?;
    // The intake is asked before the commit: what it cannot use is not kept.
    app.intake.connect(definition.clone()).await.map_err(|error| delivery_problem(&error))?;
    tx.record(Entry::new(&caller.actor(), "token.create", &token.token.id).reason(reason.clone()));
    let entry = Entry::new(&caller.actor(), "source.connect", id).reason(reason);
    tx.commit(entry.after(serde_json::json!(definition))).await?;
    let path = format!("/api/v1/ingest/{name}");
    Ok((StatusCode::CREATED, Json(ConnectedSource { source: unheard(&definition), token, path })))
}

/// Tells the intake of every source that was connected over the API: at start.
///
/// # Errors
/// [`store::Error::Unavailable`] when the database fails. A source that the intake cannot use any more is logged, and
/// its deliveries are refused until it is connected anew.
pub async fn connect_registered(app: &App) -> Result<(), store::Error> {
    for definition in registered(app).await? {
        let name = definition.name.clone();
        if let Err(error) = app.intake.connect(definition).await {
            tracing::error!(source = name, %error, "a registered source cannot be used");
        }
    }
    Ok(())
}

async fn registered(app: &App) -> Result<Vec<SourceDefinition>, store::Error> {
    app.store.fetch_all(&sql::SOURCES, params![]).await?.iter().map(from_row).collect()
}

fn from_row(row: &Row) -> Result<SourceDefinition, store::Error> {
    Ok(SourceDefinition {
        name: row.text("name")?.to_owned(),
        format: row.text("format")?.to_owned(),
        table: row.text_opt("table_name")?.map(str::to_owned),
        time_zone: row.text_opt("time_zone")?.map(str::to_owned),
        log_source: row.json_opt("log_source")?.unwrap_or_default(),
    })
}

fn definition(app: &App, request: &ConnectSource) -> Result<SourceDefinition, Problem> {
    let name = request.name.trim();
    let allowed = |c: char| c.is_ascii_alphanumeric() || matches!(c, '.' | '_' | '-');
    if name.is_empty() || name.len() > 64 || !name.chars().all(allowed) {
        let rule = "a source's name has 1 to 64 of the characters A-Z a-z 0-9 . _ -";
        return Err(Problem::invalid(rule).with("field", "name"));
    }
    let formats = app.intake.formats();
    if !formats.contains(&request.format) {
        let detail = format!("there is no format `{}`; choose from {}", request.format, formats.join(", "));
        return Err(Problem::invalid(detail).with("field", "format"));
    }
    Ok(SourceDefinition {
        name: name.to_owned(),
        format: request.format.clone(),
        table: request.table.clone().filter(|table| !table.trim().is_empty()),
        time_zone: request.time_zone.clone().filter(|zone| !zone.trim().is_empty()),
        log_source: log_source(&request.log_source)?,
    })
}

fn log_source(words: &LogSourceWords) -> Result<LogSource, Problem> {
    let named = [("product", &words.product), ("category", &words.category), ("service", &words.service)];
    let given = named.iter().filter_map(|(name, word)| Some((name, word.as_deref()?.trim())));
    let text: Vec<String> =
        given.filter(|(_, word)| !word.is_empty()).map(|(name, word)| format!("{name}={word}")).collect();
    text.join(",").parse().map_err(|error: String| Problem::invalid(error).with("field", "log_source"))
}

impl From<LogSource> for LogSourceWords {
    fn from(source: LogSource) -> LogSourceWords {
        let LogSource { product, category, service } = source;
        LogSourceWords { product, category, service }
    }
}

fn merge(status: &SourceStatus, registered: &[SourceDefinition]) -> Source {
    let definition = registered.iter().find(|definition| definition.name == status.name);
    Source {
        name: status.name.clone(),
        format: status.format.clone(),
        table: definition.and_then(|definition| definition.table.clone()),
        time_zone: definition.and_then(|definition| definition.time_zone.clone()),
        log_source: definition.map(|definition| definition.log_source.clone().into()).unwrap_or_default(),
        registered: definition.is_some(),
        first_seen: status.first_seen.map(Into::into),
        last_seen: status.last_seen.map(Into::into),
        last_event: status.last_event.map(Into::into),
        records: status.records,
        bytes: status.bytes,
        unparsed: status.unparsed,
        dropped: status.dropped,
        duplicates: status.duplicates,
        rate_per_s: status.rate_per_s,
        lag_ms: status.lag_ms,
        silent: status.silent,
    }
}

/// A source of which nothing has come yet.
fn unheard(definition: &SourceDefinition) -> Source {
    let status = SourceStatus {
        name: definition.name.clone(),
        format: definition.format.clone(),
        first_seen: None,
        last_seen: None,
        last_event: None,
        records: 0,
        bytes: 0,
        unparsed: 0,
        dropped: 0,
        duplicates: 0,
        rate_per_s: 0.0,
        lag_ms: None,
        silent: false,
    };
    merge(&status, std::slice::from_ref(definition))
}
