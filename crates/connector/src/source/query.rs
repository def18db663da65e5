//! A query whose rows are records: one JSON object a row, in an order that is the same for the same rows.

use std::time::Duration;

use futures::StreamExt;
use serde_json::{Map, Value as Json};
use sqlx::postgres::{PgConnectOptions, PgConnection};
use sqlx::sqlite::{SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{AssertSqlSafe, Column, ConnectOptions, Connection, Row, TypeInfo, ValueRef};

use super::Taken;
use crate::error::ConnectorError;
use crate::secret::Secret;
use crate::sql_table::failure;

/// How long a query may take.
const LONGEST: Duration = Duration::from_secs(300);
const CONNECT: Duration = Duration::from_secs(10);
const MOST_ROWS: u64 = 5_000_000;

/// What a database is asked.
pub struct Question<'a> {
    /// `sqlite:PATH` or `postgres://USER:PASSWORD@HOST/DATABASE`.
    pub url: &'a Secret,
    /// One `SELECT`; whatever else it says, nothing can be written.
    pub sql: &'a str,
    pub largest_bytes: usize,
}

/// Asks, in a session that can only read.
///
/// # Errors
/// [`Invalid`](crate::ErrorKind::Invalid) for an address or an answer that cannot be a delivery; what the database says
/// otherwise. Never a part of the rows.
pub async fn query(question: &Question<'_>) -> Result<Taken, ConnectorError> {
    let asking = async {
        let url = question.url.reveal();
        if url.starts_with("sqlite:") {
            sqlite(question).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            postgres(question).await
        } else {
            Err(no_address())
        }
    };
    let timed = tokio::time::timeout(LONGEST, asking).await;
    timed.map_err(|_| ConnectorError::transient(format!("the query took longer than {} s", LONGEST.as_secs())))?
}

/// The parsers of addresses quote what they were given, which may be the password.
fn no_address() -> ConnectorError {
    ConnectorError::invalid("the address has the form sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE")
}

/// In brackets, so that it is one query and nothing can follow it; a comment at its end ends with the line.
fn bracketed(sql: &str) -> String {
    format!("({}\n)", sql.trim().trim_end_matches(';'))
}

async fn postgres(question: &Question<'_>) -> Result<Taken, ConnectorError> {
    let options: PgConnectOptions = question.url.reveal().parse().map_err(|_| no_address())?;
    let limit_ms = LONGEST.as_millis().to_string();
    let read_only = [("default_transaction_read_only", "on"), ("statement_timeout", limit_ms.as_str())];
    let options = options.application_name("vigie-feed").options(read_only).disable_statement_logging();
    let connecting = tokio::time::timeout(CONNECT, PgConnection::connect_with(&options)).await;
    let connecting = connecting.map_err(|_| ConnectorError::transient("the database does not answer"))?;
    let mut connection = connecting.map_err(|error| failure(&error))?;
    let sql = format!("SELECT row_to_json(record)::text FROM {} AS record", bracketed(question.sql));
    let mut lines = Lines::new(question.largest_bytes);
    {
        let mut rows = sqlx::query_scalar::<_, String>(AssertSqlSafe(sql)).fetch(&mut connection);
        while let Some(row) = rows.next().await {
            lines.push(row.map_err(|error| failure(&error))?)?;
        }
    }
    let _ = connection.close().await;
    Ok(lines.taken())
}

async fn sqlite(question: &Question<'_>) -> Result<Taken, ConnectorError> {
    let options: SqliteConnectOptions = question.url.reveal().parse().map_err(|_| no_address())?;
    let options = options.read_only(true).create_if_missing(false).busy_timeout(CONNECT).disable_statement_logging();
    let mut connection = SqliteConnection::connect_with(&options).await.map_err(|error| failure(&error))?;
    let sql = format!("SELECT * FROM {}", bracketed(question.sql));
    let mut lines = Lines::new(question.largest_bytes);
    {
        let mut rows = sqlx::query(AssertSqlSafe(sql)).fetch(&mut connection);
        while let Some(row) = rows.next().await {
            lines.push(object(&row.map_err(|error| failure(&error))?)?)?;
        }
    }
    let _ = connection.close().await;
    Ok(lines.taken())
}

/// A row as an object. SQLite has a type for each value, not for each column.
fn object(row: &SqliteRow) -> Result<String, ConnectorError> {
    let mut object = Map::new();
    for (at, column) in row.columns().iter().enumerate() {
        let bad = |what: &str| ConnectorError::invalid(format!("column `{}` {what}", column.name()));
        let raw = row.try_get_raw(at).map_err(|error| failure(&error))?;
        let kind = if raw.is_null() { "NULL".to_owned() } else { raw.type_info().name().to_owned() };
        let value = match kind.as_str() {
            "NULL" => Json::Null,
            "INTEGER" => row.try_get_unchecked::<i64, _>(at).map(Json::from).map_err(|_| bad("is no number"))?,
            "REAL" => row.try_get_unchecked::<f64, _>(at).map(Json::from).map_err(|_| bad("is no number"))?,
            "BLOB" => return Err(bad("has bytes: write it as text in the query")),
            _ => row.try_get_unchecked::<String, _>(at).map(Json::from).map_err(|_| bad("is no UTF-8"))?,
        };
        if object.insert(column.name().to_owned(), value).is_some() {
            return Err(bad("is there twice: give each a name of its own with AS"));
        }
    }
    Ok(Json::Object(object).to_string())
}

/// Objects in the order of their texts: a database gives rows in any order, and the same rows are the same delivery.
struct Lines {
    lines: Vec<String>,
    bytes: usize,
    largest_bytes: usize,
}

impl Lines {
    fn new(largest_bytes: usize) -> Lines {
        Lines { lines: Vec::new(), bytes: 2, largest_bytes }
    }

    fn push(&mut self, line: String) -> Result<(), ConnectorError> {
        self.bytes += line.len() + 2;
        if self.bytes > self.largest_bytes || self.lines.len() as u64 >= MOST_ROWS {
            let most = self.largest_bytes >> 20;
            return Err(ConnectorError::invalid(format!(
                "the answer is larger than {most} MiB or {MOST_ROWS} rows: ask for fewer columns or rows, or raise `largest_mb`"
            )));
        }
        self.lines.push(line);
        Ok(())
    }

    fn taken(mut self) -> Taken {
        self.lines.sort();
        let body = format!("[{}]", self.lines.join(",\n")).into_bytes();
        Taken { body, records: Some(self.lines.len() as u64), etag: None, last_modified: None }
    }
}
