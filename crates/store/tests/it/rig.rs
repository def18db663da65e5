//! What the checks share: an opened store and a hand on the database behind its back.

use std::sync::Arc;

use kernel::Actor;
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use store::{Entry, Statement, Store};
use testkit::{CountingRandomness, TestClock};

/// Opens the store at noon.
pub async fn open(url: &str) -> (Store, Arc<TestClock>) {
    let clock = TestClock::noon();
    (reopen(url, &clock).await, clock)
}

/// Opens it again, as after a restart.
pub async fn reopen(url: &str, clock: &Arc<TestClock>) -> Store {
    Store::open(url, clock.clone(), CountingRandomness::seeded(7)).await.unwrap()
}

/// Changes the database as somebody who is not Vigie.
pub async fn tamper(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql);
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

pub fn analyst() -> Actor {
    Actor::User("user-analyst".to_owned())
}

pub fn entry(verb: &str, entity: &str) -> Entry {
    Entry::new(&analyst(), verb, entity)
}

/// Commits an entry and nothing else.
pub async fn note(store: &Store, verb: &str, entity: &str) -> i64 {
    store.begin().await.unwrap().commit(entry(verb, entity)).await.unwrap().seq
}

/// A table of records with versions, as rooms have them; it borrows one of the store's.
pub const INSERT: Statement = Statement::new(
    "test.insert",
    "INSERT INTO act (id, actor, verb, entity, opened_us, expected_us, state, version) \
     VALUES ($1, 'a', 'v', $2, 0, 0, 'record', 1)",
);
pub const SELECT: Statement = Statement::new("test.select", "SELECT entity, version FROM act WHERE id = $1");
pub const UPDATE: Statement =
    Statement::new("test.update", "UPDATE act SET entity = $3, version = version + 1 WHERE id = $1 AND version = $2");
