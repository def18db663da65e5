//! Tables that somebody declares in a file, as published collections of schemas write them.

use serde::Deserialize;
use serde_json::Value as Json;

use super::{BadSchemas, ColumnSchema, TableSchema};
use crate::value::ScalarType;

/// Tables that a file declares, and what of it could not be used.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Declared {
    pub tables: Vec<TableSchema>,
    /// Columns that were left out, each with table, column and reason.
    pub problems: Vec<String>,
}

/// The columns of one table, in one of three forms.
#[derive(Deserialize)]
#[serde(untagged)]
enum Columns {
    /// `{"Column": "type"}`
    Map(serde_json::Map<String, Json>),
    /// `[{"name": "Column", "type": "type"}]`
    List(Vec<NamedType>),
    /// `(Column: type, …)`, as KQL writes it.
    Text(String),
}

#[derive(Deserialize)]
struct NamedType {
    name: String,
    #[serde(rename = "type")]
    scalar: String,
}

/// Reads `{"Table": COLUMNS}`, where COLUMNS is `{"Column": "type"}`, `[{"name", "type"}]` or `"(Column: type, …)"`.
/// Columns keep their order; types may be spelt as in KQL, its aliases or .NET, in any case. A column whose type is
/// none of these is left out and told.
///
/// # Errors
/// [`BadSchemas`] when the text is no JSON of that form.
pub fn declared_tables(json: &str) -> Result<Declared, BadSchemas> {
    declared(serde_json::from_str(json)?)
}

/// As [`declared_tables`], from JSON that was read before.
///
/// # Errors
/// [`BadSchemas`] when it has another form.
pub fn declared(json: Json) -> Result<Declared, BadSchemas> {
    let tables: serde_json::Map<String, Json> = serde_json::from_value(json)?;
    let mut declared = Declared::default();
    for (table, columns) in tables {
        let named: Vec<(String, String)> = match serde_json::from_value(columns)? {
            Columns::Map(map) => map.into_iter().map(|(name, scalar)| (name, word(&scalar))).collect(),
            Columns::List(list) => list.into_iter().map(|column| (column.name, column.scalar)).collect(),
            Columns::Text(text) => columns_of_text(&text),
        };
        let mut columns: Vec<ColumnSchema> = Vec::with_capacity(named.len());
        for (name, scalar) in named {
            let known = columns.iter().any(|column| column.name == name);
            match ScalarType::parse(&scalar) {
                _ if known => declared.problems.push(format!("{table}.{name} is declared twice; the first counts")),
                Some(scalar) => columns.push(ColumnSchema { name, scalar }),
                None => declared.problems.push(format!(
                    "{table}.{name} is left out: `{scalar}` is no type of KQL (bool, int, long, real, decimal, string, datetime, timespan, guid, dynamic)"
                )),
            }
        }
        declared.tables.push(TableSchema { name: table, columns });
    }
    Ok(declared)
}

fn word(json: &Json) -> String {
    json.as_str().map_or_else(|| json.to_string(), str::to_owned)
}

/// `(a: string, ['b c']: long)`: names may be quoted in brackets.
fn columns_of_text(text: &str) -> Vec<(String, String)> {
    let text = text.trim();
    let inner = text.strip_prefix('(').and_then(|text| text.strip_suffix(')')).unwrap_or(text);
    let mut columns = Vec::new();
    let (mut start, mut quote) = (0, None);
    for (at, character) in inner.char_indices().chain([(inner.len(), ',')]) {
        match (quote, character) {
            (None, '\'' | '"') => quote = Some(character),
            (Some(open), close) if open == close => quote = None,
            (None, ',') => {
                let column = inner[start..at].trim();
                if let Some((name, scalar)) = column.rsplit_once(':') {
                    columns.push((bare(name.trim()).to_owned(), scalar.trim().to_owned()));
                } else if !column.is_empty() {
                    columns.push((bare(column).to_owned(), String::new()));
                }
                start = at + 1;
            }
            _ => {}
        }
    }
    columns
}

/// A name without brackets and quotes.
fn bare(name: &str) -> &str {
    ["'", "\""]
        .iter()
        .find_map(|quote| name.strip_prefix('[')?.strip_suffix(']')?.strip_prefix(quote)?.strip_suffix(quote))
        .unwrap_or(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_form_and_what_is_left_out() {
        let check = |json: &str, expected: &str| {
            let declared = declared_tables(json).map_or_else(
                |error| error.to_string(),
                |declared| {
                    let table = |table: &TableSchema| {
                        let columns: Vec<String> =
                            table.columns.iter().map(|column| format!("{}:{}", column.name, column.scalar)).collect();
                        format!("{}({})", table.name, columns.join(","))
                    };
                    let mut lines: Vec<String> = declared.tables.iter().map(table).collect();
                    lines.extend(declared.problems.iter().map(|problem| problem.chars().take(22).collect()));
                    lines.join(" / ")
                },
            );
            assert!(declared.starts_with(expected), "{json}\n{declared}\n{expected}");
        };
        check(r#"{"T": {"z": "string", "a": "Double"}}"#, "T(z:string,a:real)");
        check(r#"{"T": [{"name": "a", "type": "BigInt"}]}"#, "T(a:long)");
        check(r#"{"T": "(a: string, ['b, c']: System.Int32)", "U": ""}"#, "T(a:string,b, c:int) / U()");
        check(r#"{"T": {"a": "...", "b": "guid"}}"#, "T(b:guid) / T.a is left out: `...`");
        check(
            r#"{"T": [{"name": "a", "type": "int"}, {"name": "a", "type": "long"}]}"#,
            "T(a:int) / T.a is declared twic",
        );
        check(r#"{"T": 5}"#, "table schemas: ");
        check("[", "table schemas: ");
    }
}
