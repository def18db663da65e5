//! Statements and KQL.

use crate::rig;

pub async fn every_statement_prepares(url: String) {
    let rig = rig::empty(&url).await;
    for statement in identity::sql::STATEMENTS {
        rig.store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in &identity::FACT_TABLES {
        rig.store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}
