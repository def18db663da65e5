//! Tables of facts: what the database is asked, and whose rows come back.

use std::sync::Arc;

use async_trait::async_trait;
use kernel::port::{FactCondition, FactScan, FactTables, FactTest, QueryRequest, RowScope, TableGrant};
use kernel::schema::parse_tables;
use kernel::{TableSchema, Value};
use lake::query::{EngineConfig, QueryEngine};
use parking_lot::Mutex;

use super::{FixedTables, NOW, printed};

/// `Persons`: four of two organisations. A database that judges nothing and gives everything it has.
#[derive(Default)]
struct Everything {
    asked: Mutex<Vec<FactScan>>,
}

#[async_trait]
impl FactTables for Everything {
    fn tables(&self) -> Vec<TableSchema> {
        parse_tables(r#"{"Persons": {"Name": "string", "Organisation": "string", "Age": "long"}}"#).unwrap()
    }

    async fn scan(&self, scan: &FactScan) -> Result<Vec<Vec<Value>>, String> {
        self.asked.lock().push(scan.clone());
        let people = [("Ada", "red", 40), ("Ben", "blue", 30), ("Cem", "red", 20), ("Dia", "", 50)];
        let row = |(name, organisation, age): (&str, &str, i64)| {
            let cell = |column: &String| match column.as_str() {
                "Name" => Value::String(name.to_owned()),
                "Organisation" => Value::String(organisation.to_owned()),
                _ => Value::Long(age),
            };
            scan.columns.iter().map(cell).collect()
        };
        Ok(people.into_iter().map(row).collect())
    }
}

fn engine(facts: Arc<Everything>) -> QueryEngine {
    let spill = std::env::temp_dir().join("vigie-query-tests");
    std::fs::create_dir_all(&spill).unwrap();
    let config = EngineConfig { threads: 1, spill, spill_bytes: 1 << 30, prune: true };
    QueryEngine::start(Arc::new(FixedTables::default()), Some(facts), testkit::TestClock::noon(), config).unwrap()
}

fn own(organisations: &[&str]) -> Option<Arc<[TableGrant]>> {
    let values = organisations.iter().map(|name| Value::String((*name).to_owned())).collect();
    let rows = Some(RowScope { column: "Organisation".to_owned(), values });
    Some([TableGrant { name: "Persons".to_owned(), rows }].into())
}

async fn check(tables: Option<Arc<[TableGrant]>>, query: &str, expected: &str) -> Vec<FactScan> {
    let facts = Arc::new(Everything::default());
    let request = QueryRequest { tables, ..QueryRequest::new(query, NOW) };
    let answer = match engine(Arc::clone(&facts)).query(request).await {
        Ok(answer) => printed(&answer).lines().skip(1).collect::<Vec<_>>().join("; "),
        Err(error) => error.to_string(),
    };
    assert_eq!(answer, expected, "{query}");
    facts.asked.lock().clone()
}

#[tokio::test]
async fn the_database_is_told_what_is_wanted_and_the_answer_does_not_trust_it() {
    let asked = check(None, "Persons | where Organisation == 'red' and Age > 30 | project Name", "Ada").await;
    let condition = |column: &str, test| FactCondition { column: column.to_owned(), test };
    let red = FactTest::OneOf(vec![Value::String("red".to_owned())]);
    let over = FactTest::AtLeast(Value::Long(30));
    assert_eq!(asked[0].conditions, [condition("Organisation", red), condition("Age", over)]);
    let asked = check(None, "Persons | take 2 | count", "2").await;
    assert_eq!(asked[0].limit, Some(2));
    assert!(asked[0].columns.len() <= 1, "a count needs no more than one column: {:?}", asked[0].columns);
    let asked = check(None, "Persons | where Age > toscalar(Persons | summarize max(Age)) - 1 | count", "1").await;
    assert_eq!(asked[0].conditions, [], "both uses have to agree");
}

#[tokio::test]
async fn an_asker_sees_rows_of_their_own_alone() {
    let asked = check(own(&["red"]), "Persons | project Name | sort by Name asc", "Ada; Cem").await;
    assert_eq!(asked[0].conditions.len(), 1);
    check(own(&["red"]), "Persons | where Organisation == 'blue' | count", "0").await;
    check(own(&["red"]), "Persons | take 3 | count", "2").await;
    check(own(&["red", "blue"]), "union Persons, (Persons | where Age > 25) | count", "5").await;
    check(own(&["red"]), "Persons | where Name in ((Persons | project Name)) | count", "2").await;
    check(own(&["red"]), "print n = toscalar(Persons | summarize sum(Age))", "60").await;
    check(own(&["red"]), "search 'Ben' | count", "0").await;
    check(own(&[]), "Persons | count", "0").await;
    check(Some([].into()), "Persons | count", "the query is not valid: there is no table called `Persons`").await;
}
