//! The two engines behind texts: every value travels as text or NULL.

use std::time::Duration;

use sqlx::postgres::{PgConnectOptions, PgPool, PgPoolOptions};
use sqlx::sqlite::{SqliteConnectOptions, SqlitePool, SqlitePoolOptions};
use sqlx::{AssertSqlSafe, ConnectOptions, Postgres, Row, Sqlite, Transaction};

use crate::error::{ConnectorError, ErrorKind};

/// How long a call waits for a connection.
const ACQUIRE: Duration = Duration::from_secs(10);
const CONNECTIONS: u32 = 4;

/// A value on its way: text or NULL.
pub(super) type Text = Option<String>;

/// Rows of texts.
macro_rules! texts {
    ($rows:expr) => {
        $rows
            .iter()
            .map(|row| {
                (0..row.len())
                    .map(|at| row.try_get::<Text, _>(at))
                    .collect::<Result<Vec<Text>, _>>()
                    .map_err(|error| ConnectorError::garbled(format!("a value is no text: {error}")))
            })
            .collect()
    };
}
pub(super) enum Database {
    Sqlite(SqlitePool),
    Postgres(PgPool),
}

pub(super) enum Tx {
    Sqlite(Transaction<'static, Sqlite>),
    Postgres(Transaction<'static, Postgres>),
}

impl Database {
    pub(super) async fn open(url: &str) -> Result<Database, ConnectorError> {
        // The parsers quote what they were given, which may be the password.
        let bad =
            || ConnectorError::invalid("the URL has the form sqlite:PATH or postgres://USER:PASSWORD@HOST/DATABASE");
        if url.starts_with("sqlite:") {
            let options: SqliteConnectOptions = url.parse().map_err(|_| bad())?;
            let options = options.busy_timeout(ACQUIRE).disable_statement_logging();
            let pool = SqlitePoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
            Ok(Database::Sqlite(pool.connect_with(options).await.map_err(|error| failure(&error))?))
        } else if url.starts_with("postgres:") || url.starts_with("postgresql:") {
            let options: PgConnectOptions = url.parse().map_err(|_| bad())?;
            let options = options.application_name("vigie-connector").disable_statement_logging();
            let pool = PgPoolOptions::new().max_connections(CONNECTIONS).acquire_timeout(ACQUIRE);
            Ok(Database::Postgres(pool.connect_with(options).await.map_err(|error| failure(&error))?))
        } else {
            Err(bad())
        }
    }

    pub(super) fn is_postgres(&self) -> bool {
        matches!(self, Database::Postgres(_))
    }

    /// Product and database.
    pub(super) async fn identity(&self) -> Result<(String, String), ConnectorError> {
        let sql = if self.is_postgres() {
            "SELECT 'PostgreSQL ' || current_setting('server_version'), current_database()::text"
        } else {
            "SELECT 'SQLite ' || sqlite_version(), 'main'"
        };
        let rows = self.fetch(sql.to_owned(), vec![]).await?;
        let mut cells = rows.into_iter().next().unwrap_or_default().into_iter().map(Option::unwrap_or_default);
        Ok((cells.next().unwrap_or_default(), cells.next().unwrap_or_default()))
    }

    pub(super) async fn fetch(&self, sql: String, values: Vec<Text>) -> Result<Vec<Vec<Text>>, ConnectorError> {
        let sql = AssertSqlSafe(sql);
        match self {
            Database::Sqlite(pool) => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value));
                let rows = query.fetch_all(pool).await.map_err(|error| failure(&error))?;
                texts!(rows)
            }
            Database::Postgres(pool) => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value));
                let rows = query.fetch_all(pool).await.map_err(|error| failure(&error))?;
                texts!(rows)
            }
        }
    }

    pub(super) async fn begin(&self) -> Result<Tx, ConnectorError> {
        match self {
            // Immediate: whoever reads first and writes later must not find the lock taken.
            Database::Sqlite(pool) => {
                pool.begin_with("BEGIN IMMEDIATE").await.map(Tx::Sqlite).map_err(|error| failure(&error))
            }
            Database::Postgres(pool) => pool.begin().await.map(Tx::Postgres).map_err(|error| failure(&error)),
        }
    }
}

impl Tx {
    pub(super) async fn fetch(&mut self, sql: String, values: Vec<Text>) -> Result<Vec<Vec<Text>>, ConnectorError> {
        let sql = AssertSqlSafe(sql);
        match self {
            Tx::Sqlite(tx) => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value));
                let rows = query.fetch_all(&mut **tx).await.map_err(|error| failure(&error))?;
                texts!(rows)
            }
            Tx::Postgres(tx) => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value));
                let rows = query.fetch_all(&mut **tx).await.map_err(|error| failure(&error))?;
                texts!(rows)
            }
        }
    }

    pub(super) async fn execute(&mut self, sql: String, values: Vec<Text>) -> Result<u64, ConnectorError> {
        let sql = AssertSqlSafe(sql);
        match self {
            Tx::Sqlite(tx) => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value));
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
            Tx::Postgres(tx) => {
                let query = values.into_iter().fold(sqlx::query(sql), |query, value| query.bind(value));
                query.execute(&mut **tx).await.map(|done| done.rows_affected())
            }
        }
        .map_err(|error| failure(&error))
    }

    pub(super) async fn commit(self) -> Result<(), ConnectorError> {
        match self {
            Tx::Sqlite(tx) => tx.commit().await,
            Tx::Postgres(tx) => tx.commit().await,
        }
        .map_err(|error| failure(&error))
    }
}

/// What an error of the database means. Its text may quote values of a row, never the password.
pub(crate) fn failure(error: &sqlx::Error) -> ConnectorError {
    let sqlx::Error::Database(database) = error else {
        return match error {
            sqlx::Error::Io(_) | sqlx::Error::PoolTimedOut | sqlx::Error::Tls(_) => {
                ConnectorError::transient("the database cannot be reached").with_raw("connection", &error.to_string())
            }
            _ => ConnectorError::garbled("the database driver failed").with_raw("driver", &error.to_string()),
        };
    };
    let code = database.code().unwrap_or_default();
    let kind = if database.is_unique_violation() {
        ErrorKind::Conflict
    } else {
        match code.get(..2) {
            Some("08" | "40" | "53" | "55" | "57" | "58") => ErrorKind::Transient,
            Some("28") => ErrorKind::Auth,
            // SQLite's own codes: busy, locked, out of disk, cannot open.
            _ if matches!(&*code, "5" | "6" | "13" | "14" | "261" | "517") => ErrorKind::Transient,
            _ if &*code == "42501" || &*code == "8" => ErrorKind::Auth,
            _ => ErrorKind::Refused,
        }
    };
    let reason = match kind {
        ErrorKind::Conflict => "a value that must be unique is taken",
        ErrorKind::Transient => "the database cannot do it now",
        ErrorKind::Auth => "the database does not let our account do this",
        _ => "the database refused",
    };
    ConnectorError::new(kind, reason).with_raw(code, database.message())
}
