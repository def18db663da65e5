//! Questions in bulk: one JSON line in, one JSON line out.

use std::time::Duration;

use kernel::diagnostic::Level;
use kernel::port::{Answer, QueryError, QueryLimits, QueryRequest, TimeRange};
use kernel::{ColumnSchema, Diagnostic, TableSchema, Timestamp, Value};
use serde_json::{Value as Json, json};

use super::engine::QueryEngine;

/// What a query that does not look at its clock may take beyond its limit before its line is given up.
const PATIENCE: Duration = Duration::from_secs(5);

/// How each line is asked.
#[derive(Debug, Clone, Copy)]
pub struct Asking {
    /// The one `now()` of all lines.
    pub now: Timestamp,
    pub range: Option<TimeRange>,
    pub limits: QueryLimits,
}

impl Asking {
    /// At `now`, over all time, with default limits.
    pub fn at(now: Timestamp) -> Asking {
        Asking { now, range: None, limits: QueryLimits::default() }
    }
}

/// Answers `{"id", "query", "tables"?}` with `{"id", "columns": [{"name", "type"}], "rows": [[…]]}` or
/// `{"id", "error", "span"}`, where `span` holds byte offsets into the query, or null where the text is not to blame.
///
/// `tables` declares typed, empty tables beside those of the engine: `{"T": "(a: string)"}` or any form that
/// [`kernel::schema::declared_tables`] reads. A line that is no such object is answered with an error and the id that
/// could be read, or null. Of several result tables the first stands in `columns` and `rows`, and all of them in
/// `"tables": [{"name", "columns", "rows"}]`. Whatever a query does, its line has an answer.
pub async fn answer_line(engine: &QueryEngine, line: &str, asking: &Asking) -> Json {
    let question: Json = match serde_json::from_str(line) {
        Ok(question) => question,
        Err(error) => return failure(&Json::Null, &format!("not a line of JSON: {error}")),
    };
    let id = question.get("id").cloned().unwrap_or(Json::Null);
    let Some(text) = question.get("query").and_then(Json::as_str) else {
        return failure(&id, "the line has no text called `query`");
    };
    let tables = match tables_of(&question) {
        Ok(tables) => tables,
        Err(problem) => return failure(&id, &problem),
    };
    let request = QueryRequest { range: asking.range, limits: asking.limits, ..QueryRequest::new(text, asking.now) };
    // A query that never looks up cannot be stopped by the engine's own clock.
    let patience = Duration::from_millis(asking.limits.time_ms) + PATIENCE;
    match tokio::time::timeout(patience, engine.query_beside(tables, request)).await {
        Ok(Ok(answer)) => answered(&id, &answer),
        Ok(Err(QueryError::Invalid(diagnostics))) => invalid(&id, &diagnostics),
        Ok(Err(error)) => failure(&id, &error.to_string()),
        Err(_) => failure(&id, &format!("the query was given up after {} seconds", patience.as_secs())),
    }
}

/// The tables that a line declares.
fn tables_of(question: &Json) -> Result<Vec<TableSchema>, String> {
    // A list of names declares nothing: the tables are those of the engine.
    let is_list_of_names = |tables: &Json| tables.as_array().is_some_and(|names| names.iter().all(Json::is_string));
    let declares = |tables: &&Json| !tables.is_null() && !is_list_of_names(tables);
    let Some(tables) = question.get("tables").filter(declares) else { return Ok(Vec::new()) };
    let declared = kernel::schema::declared(tables.clone()).map_err(|error| format!("`tables`: {error}"))?;
    match declared.problems.first() {
        Some(problem) => Err(format!("`tables`: {problem}")),
        None => Ok(declared.tables),
    }
}

fn answered(id: &Json, answer: &Answer) -> Json {
    let mut line = table(&answer.columns, &answer.rows, answer.truncated);
    line["id"] = id.clone();
    if !answer.further.is_empty() {
        let named = |name: &str, mut table: Json| {
            table["name"] = name.into();
            table
        };
        let first = table(&answer.columns, &answer.rows, answer.truncated);
        let mut tables = vec![named(answer.table.as_deref().unwrap_or_default(), first)];
        let further = answer.further.iter();
        tables.extend(further.map(|one| named(&one.name, table(&one.columns, &one.rows, one.truncated))));
        line["tables"] = tables.into();
    }
    line
}

fn table(columns: &[ColumnSchema], rows: &[Vec<Value>], truncated: bool) -> Json {
    let columns: Vec<Json> =
        columns.iter().map(|column| json!({ "name": column.name, "type": column.scalar })).collect();
    let rows: Vec<Json> = rows.iter().map(|row| row.iter().map(Value::to_json).collect()).collect();
    let mut table = json!({ "columns": columns, "rows": rows });
    if truncated {
        table["truncated"] = true.into();
    }
    table
}

/// The first error of the text, with its place.
fn invalid(id: &Json, diagnostics: &[Diagnostic]) -> Json {
    let errors = || diagnostics.iter().filter(|diagnostic| diagnostic.level == Level::Error);
    let Some(first) = errors().next().or(diagnostics.first()) else { return failure(id, "the query is not valid") };
    let mut line = json!({
        "id": id,
        "error": first.message,
        "span": [first.span.start, first.span.end],
        "code": first.code,
    });
    if let Some(help) = &first.help {
        line["help"] = help.as_str().into();
    }
    line
}

/// A line without an answer, where the text of the query is not to blame.
pub fn failure(id: &Json, message: &str) -> Json {
    json!({ "id": id, "error": message, "span": null })
}
