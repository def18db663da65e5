//! Answers on their way out: NDJSON lines for the console, files for export. Dropping one cancels its query.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use futures::stream::BoxStream;
use kernel::port::{QueryError, QueryLimits, QueryRequest, RowChunk, TimeRange};
use kernel::{ColumnSchema, Timestamp, Value};
use kql::catalog::Catalog;
use serde_json::Value as Json;
use tokio::sync::OwnedSemaphorePermit;

use crate::api::query::readable_tables;
use crate::api::query::{
    AnswerColumns, AnswerDone, AnswerError, AnswerLine, AnswerRows, AnswerSummary, ExportFormat, Question,
};
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::query_problem;
use crate::problem::Problem;

/// Rows in one line of NDJSON.
const ROWS_PER_LINE: usize = 1_000;

/// A query that has begun to answer.
pub struct Answering {
    app: Arc<App>,
    text: String,
    tables: Catalog,
    chunks: BoxStream<'static, Result<RowChunk, QueryError>>,
    /// Rows that may still be sent.
    left: u64,
    sent: u64,
    /// The first chunk, which tells the columns, has come.
    begun: bool,
    truncated: bool,
    started_us: u64,
    _place: OwnedSemaphorePermit,
}

impl Answering {
    /// Checks the question and hands it to the lake.
    ///
    /// # Errors
    /// What the lake says against it, or 429 when too many queries are running.
    pub async fn start(
        app: Arc<App>,
        caller: &Caller,
        question: Question,
        most_rows: u64,
    ) -> Result<Answering, Problem> {
        let Question { query, from, to, rows } = question;
        let range = range(from.map(|at| at.0), to.map(|at| at.0))?;
        let place = app.queries.clone().try_acquire_owned().map_err(|_| {
            let detail = format!("{} queries are running, which is the limit", app.config.queries);
            Problem::too_many(detail, 2).with("limit", app.config.queries)
        })?;
        let left = rows.unwrap_or(most_rows).min(most_rows);
        let limits = QueryLimits {
            time_ms: app.config.query_ms,
            memory_bytes: app.config.query_memory_bytes,
            // One more tells whether there are more.
            rows: left.saturating_add(1),
        };
        let started_us = app.clock.monotonic_us();
        let tables = readable_tables(&app, caller);
        let names: Arc<[String]> = tables.iter().map(|table| table.name.clone()).collect();
        let tables = Catalog::new(tables);
        let request =
            QueryRequest { range, limits, tables: Some(names), ..QueryRequest::new(query.clone(), app.store.now()) };
        let chunks = app.lake.stream(request).await.map_err(|error| query_problem(&error, &query))?;
        Ok(Answering {
            app,
            text: query,
            tables,
            chunks,
            left,
            sent: 0,
            begun: false,
            truncated: false,
            started_us,
            _place: place,
        })
    }

    /// The next rows within the limit; `None` at the end.
    async fn next(&mut self) -> Option<Result<RowChunk, QueryError>> {
        if self.truncated {
            return None;
        }
        let mut chunk = match self.chunks.next().await? {
            Ok(chunk) => chunk,
            Err(error) => return Some(Err(error)),
        };
        self.begun = true;
        if chunk.rows.len() as u64 > self.left {
            chunk.rows.truncate(usize::try_from(self.left).unwrap_or(usize::MAX));
            self.truncated = true;
        }
        self.left -= chunk.rows.len() as u64;
        self.sent += chunk.rows.len() as u64;
        Some(Ok(chunk))
    }

    fn problem(&self, error: &QueryError) -> Problem {
        query_problem(error, &self.text)
    }

    fn summary(&self) -> AnswerSummary {
        let (visualization, warnings) = crate::api::kql::presentation(&self.tables, &self.text);
        AnswerSummary {
            elapsed_ms: self.app.elapsed_ms(self.started_us),
            rows: self.sent,
            rows_scanned: None,
            truncated: self.truncated,
            visualization,
            warnings,
        }
    }
}

fn range(from: Option<Timestamp>, to: Option<Timestamp>) -> Result<Option<TimeRange>, Problem> {
    if from.is_none() && to.is_none() {
        return Ok(None);
    }
    let (from, to) = (from.unwrap_or(Timestamp::MIN), to.unwrap_or(Timestamp::MAX));
    if from >= to {
        return Err(Problem::invalid(format!("`from` ({from}) is not before `to` ({to})")).with("field", "from"));
    }
    Ok(Some(TimeRange { from, to }))
}

/// The lines of an answer, as states of the stream that sends them.
pub enum Lines {
    /// With the request's id, for an error after the status line has gone.
    Open(Answering, Arc<str>),
    Closed,
}

impl Lines {
    /// The next line or two.
    pub async fn next(self) -> Option<(Result<Bytes, std::convert::Infallible>, Lines)> {
        let Lines::Open(mut answering, id) = self else { return None };
        loop {
            let first = !answering.begun;
            match answering.next().await {
                Some(Ok(chunk)) => {
                    let lines = chunk_lines(&chunk, first);
                    if !lines.is_empty() {
                        return Some((Ok(lines.into()), Lines::Open(answering, id)));
                    }
                }
                Some(Err(error)) => {
                    let error = answering.problem(&error).into_body(&id);
                    let line = AnswerLine::Error(Box::new(AnswerError { error }));
                    return Some((Ok(line_bytes(&line).into()), Lines::Closed));
                }
                None => {
                    let line = AnswerLine::Done(AnswerDone { done: answering.summary() });
                    return Some((Ok(line_bytes(&line).into()), Lines::Closed));
                }
            }
        }
    }
}

fn chunk_lines(chunk: &RowChunk, first: bool) -> Vec<u8> {
    let mut lines = Vec::new();
    if first {
        let columns = chunk.columns.iter().map(Into::into).collect();
        lines = line_bytes(&AnswerLine::Columns(AnswerColumns { columns }));
    }
    for rows in chunk.rows.chunks(ROWS_PER_LINE) {
        let rows = rows.iter().map(|row| row.iter().map(Value::to_json).collect()).collect();
        lines.extend(line_bytes(&AnswerLine::Rows(AnswerRows { rows })));
    }
    lines
}

fn line_bytes(line: &AnswerLine) -> Vec<u8> {
    let mut bytes = serde_json::to_vec(line).unwrap_or_default();
    bytes.push(b'\n');
    bytes
}

/// A file on its way out.
///
/// When the query fails or exceeds the limit on the way, the connection is broken off: a file must not look whole
/// when it is not.
pub struct Export {
    answering: Answering,
    format: ExportFormat,
    rows_written: bool,
}

/// Why a file broke off.
#[derive(Debug, thiserror::Error)]
pub enum BrokenOff {
    #[error(transparent)]
    Query(#[from] QueryError),
    #[error("the export has more rows than the limit of {0}")]
    Limit(u64),
}

impl Export {
    /// A file of an answer.
    pub fn new(answering: Answering, format: ExportFormat) -> Export {
        Export { answering, format, rows_written: false }
    }

    /// The next piece of the file; the state is empty when there is no more.
    pub async fn next(export: Option<Export>) -> Option<(Result<Bytes, BrokenOff>, Option<Export>)> {
        let mut export = export?;
        loop {
            let first = !export.answering.begun;
            let piece = match export.answering.next().await {
                Some(Ok(chunk)) => export.piece(&chunk, first),
                Some(Err(error)) => {
                    tracing::warn!(%error, "an export broke off");
                    return Some((Err(error.into()), None));
                }
                None if export.answering.truncated => {
                    tracing::warn!(rows = export.answering.sent, "an export broke off at the limit");
                    return Some((Err(BrokenOff::Limit(export.answering.sent)), None));
                }
                None => return Some((Ok(export.end().into()), None)),
            };
            if !piece.is_empty() {
                return Some((Ok(piece.into()), Some(export)));
            }
        }
    }

    fn piece(&mut self, chunk: &RowChunk, first: bool) -> String {
        let mut out = String::new();
        match (self.format, first) {
            (ExportFormat::Csv, true) => {
                csv_line(&mut out, chunk.columns.iter().map(|column| csv_text(&column.name)));
            }
            (ExportFormat::Json, true) => out.push('['),
            _ => {}
        }
        for row in &chunk.rows {
            match self.format {
                ExportFormat::Csv => csv_line(&mut out, row.iter().map(csv_cell)),
                ExportFormat::Ndjson => {
                    out.push_str(&object(&chunk.columns, row).to_string());
                    out.push('\n');
                }
                ExportFormat::Json => {
                    out.push_str(if self.rows_written { ",\n" } else { "\n" });
                    out.push_str(&object(&chunk.columns, row).to_string());
                }
            }
            self.rows_written = true;
        }
        out
    }

    fn end(&self) -> &'static str {
        match self.format {
            ExportFormat::Csv | ExportFormat::Ndjson => "",
            ExportFormat::Json => "\n]\n",
        }
    }
}

fn object(columns: &[ColumnSchema], row: &[Value]) -> Json {
    let fields = columns.iter().zip(row).map(|(column, value)| (column.name.clone(), value.to_json()));
    Json::Object(fields.collect())
}

fn csv_line(out: &mut String, cells: impl Iterator<Item = String>) {
    for (at, cell) in cells.enumerate() {
        if at > 0 {
            out.push(',');
        }
        out.push_str(&cell);
    }
    out.push_str("\r\n");
}

fn csv_cell(value: &Value) -> String {
    match value {
        Value::Null => String::new(),
        Value::String(text) => csv_text(text),
        Value::Dynamic(Json::String(text)) => csv_text(text),
        Value::Dynamic(json) => csv_text(&json.to_string()),
        other => match other.to_json() {
            Json::String(text) => quoted(&text),
            json => json.to_string(),
        },
    }
}

/// Text from logs may be written by an attacker: what a spreadsheet would run as a formula gets an apostrophe.
fn csv_text(text: &str) -> String {
    if text.starts_with(['=', '+', '-', '@', '\t', '\r']) { quoted(&format!("'{text}")) } else { quoted(text) }
}

fn quoted(text: &str) -> String {
    if text.contains([',', '"', '\n', '\r']) || text.starts_with(' ') || text.ends_with(' ') {
        format!("\"{}\"", text.replace('"', "\"\""))
    } else {
        text.to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(value: Value, cell: &str) {
        assert_eq!(csv_cell(&value), cell);
    }

    #[test]
    fn cells_are_quoted_and_never_formulas() {
        check(Value::Null, "");
        check(Value::Long(-5), "-5");
        check(Value::String("a,b".into()), "\"a,b\"");
        check(Value::String("say \"hi\"".into()), "\"say \"\"hi\"\"\"");
        check(Value::String("=HYPERLINK(1)".into()), "'=HYPERLINK(1)");
        check(Value::String("-cmd, x".into()), "\"'-cmd, x\"");
        check(Value::Dynamic(serde_json::json!({"a": 1})), "\"{\"\"a\"\":1}\"");
        check(Value::DateTime(0), "0001-01-01T00:00:00.0000000Z");
    }

    #[test]
    fn a_range_needs_a_beginning_before_its_end() {
        assert_eq!(range(None, None).unwrap(), None);
        let open = range(Some(Timestamp(5)), None).unwrap().unwrap();
        assert_eq!((open.from, open.to), (Timestamp(5), Timestamp::MAX));
        assert!(range(Some(Timestamp(5)), Some(Timestamp(5))).is_err());
    }
}
