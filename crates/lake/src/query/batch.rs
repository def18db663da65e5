//! Questions in bulk: one JSON line in, one JSON line out.

use kernel::Timestamp;
use kernel::port::{QueryError, QueryRequest};
use serde_json::{Value as Json, json};

use super::engine::QueryEngine;

/// Answers `{"id", "query"}` with `{"id", "columns": [{"name", "type"}], "rows": [[…]]}` or
/// `{"id", "error", "span"?}`. A line that is no such object is answered with an error and a null id.
pub async fn answer_line(engine: &QueryEngine, line: &str, now: Timestamp) -> Json {
    let question: Json = match serde_json::from_str(line) {
        Ok(question) => question,
        Err(error) => return json!({ "id": null, "error": format!("not a line of JSON: {error}") }),
    };
    let id = question.get("id").cloned().unwrap_or(Json::Null);
    let Some(text) = question.get("query").and_then(Json::as_str) else {
        return json!({ "id": id, "error": "the line has no text called `query`" });
    };
    match engine.query(QueryRequest::new(text, now)).await {
        Ok(answer) => {
            let columns: Vec<Json> =
                answer.columns.iter().map(|column| json!({ "name": column.name, "type": column.scalar })).collect();
            let rows: Vec<Json> =
                answer.rows.iter().map(|row| row.iter().map(kernel::Value::to_json).collect()).collect();
            json!({ "id": id, "columns": columns, "rows": rows })
        }
        Err(QueryError::Invalid(diagnostics)) => {
            let first =
                diagnostics.iter().find(|d| d.level == kernel::diagnostic::Level::Error).or(diagnostics.first());
            json!({
                "id": id,
                "error": first.map_or("the query is not valid", |diagnostic| diagnostic.message.as_str()),
                "span": first.map(|diagnostic| [diagnostic.span.start, diagnostic.span.end]),
            })
        }
        Err(error) => json!({ "id": id, "error": error.to_string() }),
    }
}
