//! The two engines behind one set of verbs.

use std::sync::Arc;
use std::time::Duration;

use sqlx::postgres::{PgArguments, PgConnectOptions, PgPool, PgPoolOptions, PgRow};
use sqlx::query::Query;
use sqlx::sqlite::{
    SqliteArguments, SqliteConnectOptions, SqliteJournalMode, SqlitePool, SqlitePoolOptions, SqliteRow,
    SqliteSynchronous,
};
use sqlx::{
    Column, ConnectOptions, Connection, Decode, Executor, Postgres, Row as _, SqlSafeStr, Sqlite, Transaction,
    TypeInfo, ValueRef,
};

use crate::error::Error;
use crate::param::Param;
use crate::readers::Readers;
use crate::row::{Cell, Row};

/// How long a writer waits for another process to let go of the SQLite file.
const BUSY_TIMEOUT: Duration = Duration::from_secs(10);
/// How long a caller waits for a connection.
const ACQUIRE_TIMEOUT: Duration = Duration::from_secs(30);
/// Immediate: a transaction that reads first and writes later cannot find the write lock taken.
const BEGIN: &str = "BEGIN IMMEDIATE";
/// Prepared statements that a connection of SQLite keeps: more than all rooms have, or each turn of a desk parses its own anew.
const STATEMENTS: usize = 1_024;
const POSTGRES_CONNECTIONS: u32 = 10;

/// Which engine holds the state.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Engine {
    Sqlite,
    Postgres,
}

/// Open connections. SQLite has one writer, because it can only have one; readers see the last commit.
pub(crate) enum Database {
    Sqlite { writer: SqlitePool, readers: Readers },
    Postgres(PgPool),
}

/// A transaction on either engine. Dropping it rolls back.
pub(crate) enum Transact {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Database {
    /// Opens `sqlite:PATH` (created when missing) or `postgres://…`.
    pub(crate) async fn open(url: &str) -> Result<Database, Error> {
        if url.starts_with("sqlite:") {
            open_sqlite(url).await
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            open_postgres(url).await
        } else {
            Err(refuse(url, "write sqlite:PATH or postgres://USER@HOST/DATABASE"))
        }
    }

    pub(crate) fn engine(&self) -> Engine {
        match self {
            Database::Sqlite { .. } => Engine::Sqlite,
            Database::Postgres(_) => Engine::Postgres,
        }
    }

    pub(crate) async fn begin(&self) -> Result<Transact, Error> {
        let begin = Error::at("begin");
        match self {
            Database::Sqlite { writer, .. } => {
                let begun = match writer.begin_with(BEGIN).await {
                    // SQLite itself ended the last transaction, as it does when the disk is full, and the connection still
                    // counts it: a new one begins anew.
                    Err(sqlx::Error::InvalidSavePointStatement) => {
                        let stale = writer.acquire().await.map_err(Error::at("begin"))?;
                        stale.close().await.map_err(Error::at("begin"))?;
                        writer.begin_with(BEGIN).await
                    }
                    begun => begun,
                };
                begun.map(Transact::Sqlite).map_err(begin)
            }
            Database::Postgres(pool) => pool.begin().await.map(Transact::Postgres).map_err(begin),
        }
    }

    pub(crate) async fn fetch(
        &self,
        name: &'static str,
        sql: impl SqlSafeStr,
        params: Vec<Param>,
    ) -> Result<Vec<Row>, Error> {
        match self {
            Database::Sqlite { readers, .. } => {
                let rows = readers.fetch(sqlite_query(sql, params)).await.map_err(Error::at(name))?;
                sqlite_rows(name, &rows)
            }
            Database::Postgres(pool) => {
                let rows = postgres_query(sql, params).fetch_all(pool).await.map_err(Error::at(name))?;
                postgres_rows(name, &rows)
            }
        }
    }

    /// Lets the engine check a statement without running it.
    pub(crate) async fn prepare(&self, name: &'static str, sql: impl SqlSafeStr) -> Result<(), Error> {
        let sql = sql.into_sql_str();
        match self {
            Database::Sqlite { writer, .. } => writer.prepare(sql).await.map(drop).map_err(Error::at(name)),
            Database::Postgres(pool) => pool.prepare(sql).await.map(drop).map_err(Error::at(name)),
        }
    }

    pub(crate) async fn close(&self) {
        match self {
            Database::Sqlite { writer, readers } => {
                readers.close().await;
                writer.close().await;
            }
            Database::Postgres(pool) => pool.close().await,
        }
    }
}

async fn open_sqlite(url: &str) -> Result<Database, Error> {
    let options: SqliteConnectOptions = url.parse().map_err(|error| refuse(url, error))?;
    let options = options
        .create_if_missing(true)
        .foreign_keys(true)
        .journal_mode(SqliteJournalMode::Wal)
        .synchronous(SqliteSynchronous::Full)
        .busy_timeout(BUSY_TIMEOUT)
        .statement_cache_capacity(STATEMENTS)
        .disable_statement_logging();
    // A file does not go away as a server does: there is nothing to be asked before each transaction.
    let pool = SqlitePoolOptions::new().max_connections(1).test_before_acquire(false).acquire_timeout(ACQUIRE_TIMEOUT);
    // A pool would try a wrong path again and again until its time limit.
    let unusable = |error| refuse(url, format!("{error}; its folder must exist and be writable"));
    options.connect().await.map_err(unusable)?.close().await.map_err(|error| refuse(url, error))?;
    let writer = pool.connect_lazy_with(options.clone());
    let readers = Readers::new(options.pragma("query_only", "ON"), ACQUIRE_TIMEOUT);
    Ok(Database::Sqlite { writer, readers })
}

async fn open_postgres(url: &str) -> Result<Database, Error> {
    let options: PgConnectOptions = url.parse().map_err(|error| refuse(url, error))?;
    let options = options.application_name("vigie").disable_statement_logging();
    options.connect().await.map_err(|error| refuse(url, error))?.close().await.map_err(|error| refuse(url, error))?;
    let pool = PgPoolOptions::new().max_connections(POSTGRES_CONNECTIONS).acquire_timeout(ACQUIRE_TIMEOUT);
    Ok(Database::Postgres(pool.connect_lazy_with(options)))
}

fn refuse(url: &str, problem: impl std::fmt::Display) -> Error {
    Error::Configuration { url: without_password(url), problem: problem.to_string() }
}

/// `postgres://vigie:…@host/db`: what may be shown in a log.
fn without_password(url: &str) -> String {
    let url = url.split_once("password=").map_or(url, |(before, _)| before);
    let Some((scheme, rest)) = url.split_once("://") else { return url.to_owned() };
    let Some((login, place)) = rest.rsplit_once('@') else { return url.to_owned() };
    match login.split_once(':') {
        Some((user, _)) => format!("{scheme}://{user}:…@{place}"),
        None => url.to_owned(),
    }
}

impl Transact {
    pub(crate) async fn execute(
        &mut self,
        name: &'static str,
        sql: impl SqlSafeStr,
        params: Vec<Param>,
    ) -> Result<u64, Error> {
        match self {
            Transact::Sqlite(tx) => {
                let done = sqlite_query(sql, params).execute(&mut **tx).await.map_err(Error::at(name))?;
                Ok(done.rows_affected())
            }
            Transact::Postgres(tx) => {
                let done = postgres_query(sql, params).execute(&mut **tx).await.map_err(Error::at(name))?;
                Ok(done.rows_affected())
            }
        }
    }

    pub(crate) async fn fetch(
        &mut self,
        name: &'static str,
        sql: impl SqlSafeStr,
        params: Vec<Param>,
    ) -> Result<Vec<Row>, Error> {
        match self {
            Transact::Sqlite(tx) => {
                let rows = sqlite_query(sql, params).fetch_all(&mut **tx).await.map_err(Error::at(name))?;
                sqlite_rows(name, &rows)
            }
            Transact::Postgres(tx) => {
                let rows = postgres_query(sql, params).fetch_all(&mut **tx).await.map_err(Error::at(name))?;
                postgres_rows(name, &rows)
            }
        }
    }

    /// Runs a script of several statements without bindings: migrations only.
    pub(crate) async fn script(&mut self, doing: &'static str, sql: &'static str) -> Result<(), Error> {
        match self {
            Transact::Sqlite(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
            Transact::Postgres(tx) => sqlx::raw_sql(sql).execute(&mut **tx).await.map(drop),
        }
        .map_err(Error::at(doing))
    }

    pub(crate) async fn commit(self) -> Result<(), Error> {
        match self {
            Transact::Sqlite(tx) => tx.commit().await,
            Transact::Postgres(tx) => tx.commit().await,
        }
        .map_err(Error::at("commit"))
    }
}

fn sqlite_query(sql: impl SqlSafeStr, params: Vec<Param>) -> Query<'static, Sqlite, SqliteArguments> {
    params.into_iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Int(value) => query.bind(value),
        Param::Real(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
    })
}

fn postgres_query(sql: impl SqlSafeStr, params: Vec<Param>) -> Query<'static, Postgres, PgArguments> {
    params.into_iter().fold(sqlx::query(sql), |query, param| match param {
        Param::Int(value) => query.bind(value),
        Param::Real(value) => query.bind(value),
        Param::Text(value) => query.bind(value),
    })
}

fn sqlite_rows(statement: &'static str, rows: &[SqliteRow]) -> Result<Vec<Row>, Error> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.iter()
        .map(|row| {
            let cells = (0..columns.len())
                .map(|at| sqlite_cell(row, at).map_err(|problem| corrupt(statement, &columns[at], &*problem)))
                .collect::<Result<_, _>>()?;
            Ok(Row { statement, columns: columns.clone(), cells })
        })
        .collect()
}

fn postgres_rows(statement: &'static str, rows: &[PgRow]) -> Result<Vec<Row>, Error> {
    let Some(first) = rows.first() else { return Ok(Vec::new()) };
    let columns: Arc<[String]> = first.columns().iter().map(|column| column.name().to_owned()).collect();
    rows.iter()
        .map(|row| {
            let cells = (0..columns.len())
                .map(|at| postgres_cell(row, at).map_err(|problem| corrupt(statement, &columns[at], &*problem)))
                .collect::<Result<_, _>>()?;
            Ok(Row { statement, columns: columns.clone(), cells })
        })
        .collect()
}

type CellError = Box<dyn std::error::Error + Send + Sync>;

fn corrupt(statement: &'static str, column: &str, problem: &(dyn std::error::Error + Send + Sync)) -> Error {
    Error::Corrupt { statement, column: column.to_owned(), problem: problem.to_string() }
}

fn sqlite_cell(row: &SqliteRow, at: usize) -> Result<Cell, CellError> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    // SQLite types values, not columns: ask the value.
    let name = value.type_info().name().to_owned();
    match name.as_str() {
        "INTEGER" | "INT4" | "BOOLEAN" => Ok(Cell::Int(Decode::<Sqlite>::decode(value)?)),
        "REAL" => Ok(Cell::Real(Decode::<Sqlite>::decode(value)?)),
        "TEXT" => Ok(Cell::Text(Decode::<Sqlite>::decode(value)?)),
        other => Err(format!("type {other} is not portable").into()),
    }
}

fn postgres_cell(row: &PgRow, at: usize) -> Result<Cell, CellError> {
    let value = row.try_get_raw(at)?;
    if value.is_null() {
        return Ok(Cell::Null);
    }
    let name = value.type_info().name().to_owned();
    match name.as_str() {
        "INT8" => Ok(Cell::Int(Decode::<Postgres>::decode(value)?)),
        "INT4" => Ok(Cell::Int(i64::from(<i32 as Decode<Postgres>>::decode(value)?))),
        "INT2" => Ok(Cell::Int(i64::from(<i16 as Decode<Postgres>>::decode(value)?))),
        "BOOL" => Ok(Cell::Int(i64::from(<bool as Decode<Postgres>>::decode(value)?))),
        "FLOAT8" => Ok(Cell::Real(Decode::<Postgres>::decode(value)?)),
        "TEXT" | "VARCHAR" => Ok(Cell::Text(Decode::<Postgres>::decode(value)?)),
        other => Err(format!("type {other} is not portable; CAST it to BIGINT, DOUBLE PRECISION or TEXT").into()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_password_is_never_shown() {
        assert_eq!(without_password("postgres://vigie:s3cret@db/vigie"), "postgres://vigie:…@db/vigie");
        assert_eq!(without_password("postgres://db/vigie?password=s3cret"), "postgres://db/vigie?");
        assert_eq!(without_password("sqlite:state.db"), "sqlite:state.db");
    }
}
