//! One SQL for both engines.

use crate::rig::rig;

pub async fn every_statement_prepares(url: String) {
    let rig = rig(&url).await;
    for statement in detect::sql::STATEMENTS {
        rig.store.prepare(statement).await.unwrap();
    }
    for table in detect::FACT_TABLES {
        rig.store.prepare_fact_table(table).await.unwrap();
    }
}
