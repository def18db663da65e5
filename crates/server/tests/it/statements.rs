//! Every statement is one that both engines understand.

use testkit::{CountingRandomness, TestClock};

pub async fn every_statement_prepares(url: String) {
    let store = store::Store::open(&url, TestClock::noon(), CountingRandomness::seeded(1)).await.expect("store");
    for statement in server::sql::STATEMENTS {
        store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in server::sql::FACT_TABLES {
        store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}
