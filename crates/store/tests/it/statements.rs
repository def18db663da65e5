//! Every statement on both engines.

use store::{FactTable, Statement, params};

use crate::rig;

pub async fn every_statement_prepares(url: String) {
    let (store, _) = rig::open(&url).await;
    for statement in store::sql::STATEMENTS {
        store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
        let others = store::sql::STATEMENTS.iter().filter(|other| other.name == statement.name).count();
        assert_eq!(others, 1, "two statements are called {}", statement.name);
    }
    let wrong = Statement::new("test.wrong", "SELECT no_such_column FROM ledger");
    assert!(store.prepare(&wrong).await.is_err(), "the check sees a wrong statement");
    let wrong = FactTable { name: "Wrong", columns: &[], from: "no_such_table", time: "time_us" };
    assert!(store.prepare_fact_table(&wrong).await.is_err(), "the check sees a wrong fact table");
}

pub async fn values_come_back_as_they_went(url: String) {
    let (store, _) = rig::open(&url).await;
    let echo = Statement::new(
        "test.echo",
        "SELECT CAST($1 AS BIGINT) AS whole, CAST($2 AS DOUBLE PRECISION) AS broken, CAST($3 AS TEXT) AS words",
    );
    // NULL first: a prepared statement must not keep the type of its first binding.
    for (whole, broken, words) in [
        (None, None, None),
        (Some(i64::MAX), Some(0.1), Some("Zoë ' \" \\ 漢")),
        (Some(i64::MIN), Some(-2.0), Some("")),
        (None, Some(1e300), None),
    ] {
        let row = store.fetch_optional(&echo, params![whole, broken, words]).await.unwrap().unwrap();
        assert_eq!(row.int_opt("whole").unwrap(), whole);
        assert_eq!(row.real_opt("broken").unwrap(), broken);
        assert_eq!(row.text_opt("words").unwrap(), words);
        assert!(row.int("no_such").is_err());
        assert!(row.int("words").is_err());
    }
}
