//! Statements and KQL.

use crate::rig;

pub async fn every_statement_prepares(url: String) {
    let rig = rig::empty(&url).await;
    for statement in identity::sql::STATEMENTS
        .iter()
        .chain(identity::DUTY_STATEMENTS)
        .chain(identity::conditional::sql::CONDITIONAL_STATEMENTS)
        .chain(identity::consent::sql::CONSENT_STATEMENTS)
        .chain(identity::group::sql::GROUP_STATEMENTS)
        .chain(identity::exclusion::EXCLUSION_STATEMENTS)
        .chain(identity::feed::FEED_SOURCE_STATEMENTS)
        .chain(identity::notice::NOTICE_STATEMENTS)
        .chain(identity::LAST_HOLDER_STATEMENTS)
        .chain(identity::last_use::LAST_USE_STATEMENTS)
    {
        rig.store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in identity::FACT_TABLES.iter().chain(&identity::DUTY_TABLES) {
        rig.store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}
