//! Answers on their way out: NDJSON lines for the console, files for export. Dropping one cancels its query.

use std::sync::Arc;

use bytes::Bytes;
use futures::StreamExt;
use kernel::port::{
    AnswerEnd, AnswerPart, AnswerStream, QueryError, QueryLimits, QueryRequest, ScanProgress, TimeRange,
};
use kernel::{ColumnSchema, Timestamp, Value};
use serde_json::Value as Json;
use tokio::sync::OwnedSemaphorePermit;

use crate::api::query::{
    AnswerColumns, AnswerDone, AnswerError, AnswerLine, AnswerProgress, AnswerRows, AnswerSummary, ExportFormat,
    ProgressWord, Question,
};
use crate::api::words::DiagnosticWord;
use crate::app::App;
use crate::auth::caller::Caller;
use crate::error::query_problem;
use crate::problem::Problem;
use crate::table_rights::readable;

/// Rows in one line of NDJSON.
const ROWS_PER_LINE: usize = 1_000;

/// A query that has begun to answer.
pub struct Answering {
    app: Arc<App>,
    text: String,
    answer: AnswerStream,
    /// The answer has several tables.
    several: bool,
    sent: u64,
    /// The columns have been told.
    begun: bool,
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
        progress_ms: Option<u64>,
    ) -> Result<Answering, Problem> {
        let Question { query, from, to, rows } = question;
        let range = range(from.map(|at| at.0), to.map(|at| at.0))?;
        let place = app.queries.clone().try_acquire_owned().map_err(|_| {
            let detail = format!("{} queries are running, which is the limit", app.config.queries);
            Problem::too_many(detail, 2).with("limit", app.config.queries)
        })?;
        let limits = QueryLimits {
            time_ms: app.config.query_ms,
            memory_bytes: app.config.query_memory_bytes,
            rows: rows.unwrap_or(most_rows).min(most_rows),
        };
        let started_us = app.clock.monotonic_us();
        let grants = readable(&app, caller).await?.grants;
        let asked = QueryRequest::new(query.clone(), app.store.now());
        let request = QueryRequest { range, limits, tables: Some(grants), progress_ms, ..asked };
        let answer = app.lake.stream(request).await.map_err(|error| query_problem(&error, &query))?;
        let several = answer.table.is_some();
        Ok(Answering { app, text: query, answer, several, sent: 0, begun: false, started_us, _place: place })
    }

    /// The first table, when it has not been told yet.
    fn first(&mut self) -> Option<AnswerColumns> {
        (!std::mem::replace(&mut self.begun, true)).then(|| self.table())
    }

    /// The table whose rows come.
    fn table(&self) -> AnswerColumns {
        let columns = self.answer.columns.iter().map(Into::into).collect();
        AnswerColumns { columns, table: self.answer.table.clone() }
    }

    /// The next rows, or the end.
    async fn next(&mut self) -> Result<AnswerPart, QueryError> {
        let part = self.answer.parts.next().await.unwrap_or(Err(QueryError::Cancelled))?;
        match &part {
            AnswerPart::Rows(rows) => self.sent += rows.len() as u64,
            AnswerPart::Table { name, columns } => {
                self.answer.columns = Arc::clone(columns);
                self.answer.table = Some(name.clone());
            }
            AnswerPart::Progress(_) | AnswerPart::End(_) => {}
        }
        Ok(part)
    }

    fn problem(&self, error: &QueryError) -> Problem {
        query_problem(error, &self.text)
    }

    fn progress(&self, stand: ScanProgress) -> ProgressWord {
        let ScanProgress { files, files_planned, rows, rows_planned, bytes, bytes_planned } = stand;
        let elapsed_ms = self.app.elapsed_ms(self.started_us);
        ProgressWord { elapsed_ms, files, files_planned, rows, rows_planned, bytes, bytes_planned }
    }

    fn summary(&self, end: AnswerEnd) -> AnswerSummary {
        let warning = |warning| DiagnosticWord::of(warning, &self.text);
        AnswerSummary {
            elapsed_ms: self.app.elapsed_ms(self.started_us),
            rows: self.sent,
            rows_scanned: Some(end.rows_scanned),
            read: self.progress(end.read),
            truncated: end.truncated,
            visualization: self.answer.visualization.clone(),
            warnings: self.answer.warnings.iter().map(warning).collect(),
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
    /// The next lines.
    pub async fn next(self) -> Option<(Result<Bytes, std::convert::Infallible>, Lines)> {
        let Lines::Open(mut answering, id) = self else { return None };
        if let Some(first) = answering.first() {
            let line = line_bytes(&AnswerLine::Columns(first));
            return Some((Ok(line.into()), Lines::Open(answering, id)));
        }
        let last = match answering.next().await {
            Ok(AnswerPart::Table { .. }) => {
                let line = line_bytes(&AnswerLine::Columns(answering.table()));
                return Some((Ok(line.into()), Lines::Open(answering, id)));
            }
            Ok(AnswerPart::Rows(rows)) => return Some((Ok(row_lines(&rows).into()), Lines::Open(answering, id))),
            Ok(AnswerPart::Progress(stand)) => {
                let line = AnswerLine::Progress(AnswerProgress { progress: answering.progress(stand) });
                return Some((Ok(line_bytes(&line).into()), Lines::Open(answering, id)));
            }
            Ok(AnswerPart::End(end)) => AnswerLine::Done(AnswerDone { done: answering.summary(end) }),
            Err(error) => {
                let error = answering.problem(&error).into_body(&id);
                AnswerLine::Error(Box::new(AnswerError { error }))
            }
        };
        Some((Ok(line_bytes(&last).into()), Lines::Closed))
    }
}

fn row_lines(rows: &[Vec<Value>]) -> Vec<u8> {
    let mut lines = Vec::new();
    for rows in rows.chunks(ROWS_PER_LINE) {
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
    /// How many tables have begun.
    tables: usize,
    /// Of the table that is being written.
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
        Export { answering, format, tables: 0, rows_written: false }
    }

    /// The next piece of the file; the state is empty when there is no more.
    pub async fn next(export: Option<Export>) -> Option<(Result<Bytes, BrokenOff>, Option<Export>)> {
        let mut export = export?;
        if export.answering.first().is_some() {
            return Some((Ok(export.start().into()), Some(export)));
        }
        match export.answering.next().await {
            Ok(AnswerPart::Table { .. }) => {
                let border = export.border();
                Some((Ok((border + &export.start()).into()), Some(export)))
            }
            Ok(AnswerPart::Rows(rows)) => Some((Ok(export.piece(&rows).into()), Some(export))),
            Ok(AnswerPart::End(AnswerEnd { truncated: true, .. })) => {
                tracing::warn!(rows = export.answering.sent, "an export broke off at the limit");
                Some((Err(BrokenOff::Limit(export.answering.sent)), None))
            }
            Ok(AnswerPart::Progress(_)) => Some((Ok(Bytes::new()), Some(export))),
            Ok(AnswerPart::End(_)) => Some((Ok(export.end().into()), None)),
            Err(error) => {
                tracing::warn!(%error, "an export broke off");
                Some((Err(error.into()), None))
            }
        }
    }

    /// What stands before the rows of a table. Of several tables, each begins with its name.
    fn start(&mut self) -> String {
        let mut out = String::new();
        self.rows_written = false;
        let answer = &self.answering.answer;
        let name = answer.table.as_ref().map(|name| Json::String(name.clone()).to_string());
        match (self.format, name) {
            (ExportFormat::Csv, _) => csv_line(&mut out, answer.columns.iter().map(|column| csv_text(&column.name))),
            (ExportFormat::Json, None) => out.push('['),
            (ExportFormat::Json, Some(name)) => {
                out.push_str(if self.tables == 0 { "{" } else { ",\n" });
                out.push_str(&format!("{name}: ["));
            }
            (ExportFormat::Ndjson, None) => {}
            (ExportFormat::Ndjson, Some(name)) => out.push_str(&format!("{{\"$table\":{name}}}\n")),
        }
        self.tables += 1;
        out
    }

    /// What stands between the rows of one table and the next.
    fn border(&self) -> String {
        match self.format {
            ExportFormat::Csv => "\r\n".to_owned(),
            ExportFormat::Json => "\n]".to_owned(),
            ExportFormat::Ndjson => String::new(),
        }
    }

    fn piece(&mut self, rows: &[Vec<Value>]) -> String {
        let mut out = String::new();
        let columns = Arc::clone(&self.answering.answer.columns);
        for row in rows {
            match self.format {
                ExportFormat::Csv => csv_line(&mut out, row.iter().map(csv_cell)),
                ExportFormat::Ndjson => {
                    out.push_str(&object(&columns, row).to_string());
                    out.push('\n');
                }
                ExportFormat::Json => {
                    out.push_str(if self.rows_written { ",\n" } else { "\n" });
                    out.push_str(&object(&columns, row).to_string());
                }
            }
            self.rows_written = true;
        }
        out
    }

    fn end(&self) -> &'static str {
        match self.format {
            ExportFormat::Csv | ExportFormat::Ndjson => "",
            ExportFormat::Json if self.answering.several => "\n]}\n",
            ExportFormat::Json => "\n]\n",
        }
    }
}

fn object(columns: &[ColumnSchema], row: &[Value]) -> Json {
    let fields = columns.iter().zip(row).map(|(column, value)| (column.name.clone(), value.to_json()));
    Json::Object(fields.collect())
}

pub(crate) fn csv_line(out: &mut String, cells: impl Iterator<Item = String>) {
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
pub(crate) fn csv_text(text: &str) -> String {
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
