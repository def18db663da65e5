//! Connections that read from SQLite.
//!
//! A pool asks a connection whether it is still there before a query and again after it, and each question goes to the
//! connection's thread and back. A file does not go away, so here a query is the one thing that is asked.

use std::time::Duration;

use parking_lot::Mutex;
use sqlx::query::Query;
use sqlx::sqlite::{SqliteArguments, SqliteConnectOptions, SqliteConnection, SqliteRow};
use sqlx::{Connection, Sqlite};
use tokio::sync::Semaphore;

/// Queries at a time.
const READERS: u32 = 4;

/// So many connections, opened when they are needed.
pub(crate) struct Readers {
    options: Box<SqliteConnectOptions>,
    free: Mutex<Vec<SqliteConnection>>,
    permits: Semaphore,
    patience: Duration,
}

impl Readers {
    pub(crate) fn new(options: SqliteConnectOptions, patience: Duration) -> Readers {
        Readers {
            options: Box::new(options),
            free: Mutex::default(),
            permits: Semaphore::new(READERS as usize),
            patience,
        }
    }

    /// Reads the last committed state. A query that is dropped before its end takes its connection with it.
    pub(crate) async fn fetch(
        &self,
        query: Query<'static, Sqlite, SqliteArguments>,
    ) -> Result<Vec<SqliteRow>, sqlx::Error> {
        let permit = tokio::time::timeout(self.patience, self.permits.acquire()).await;
        let _permit = permit.map_err(|_| sqlx::Error::PoolTimedOut)?.map_err(|_| sqlx::Error::PoolClosed)?;
        let free = self.free.lock().pop();
        let mut connection = match free {
            Some(connection) => connection,
            None => SqliteConnection::connect_with(&self.options).await?,
        };
        let rows = query.fetch_all(&mut connection).await;
        self.free.lock().push(connection);
        rows
    }

    /// Lets queries end and closes the connections; later queries are refused.
    pub(crate) async fn close(&self) {
        // It is closed already where no permit is to be had any more.
        let Ok(all) = self.permits.acquire_many(READERS).await else { return };
        self.permits.close();
        drop(all);
        let free = std::mem::take(&mut *self.free.lock());
        for connection in free {
            if let Err(error) = connection.close().await {
                tracing::warn!(%error, "a connection to the state database was not closed in order");
            }
        }
    }
}
