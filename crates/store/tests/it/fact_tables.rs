//! State tables as KQL reads them.

use kernel::port::{FactCondition, FactScan, FactTables, FactTest};
use kernel::{ScalarType, Value};
use store::{Due, FactColumn, FactTable, Store};
use testkit::TestClock;

use crate::{deadlines, rig};

fn under(scan: FactScan, column: &str, test: FactTest) -> FactScan {
    let conditions = vec![FactCondition { column: column.to_owned(), test }];
    FactScan { conditions: [scan.conditions, conditions].concat(), ..scan }
}

fn text(text: &str) -> Value {
    Value::String(text.to_owned())
}

pub async fn scan_columns_and_ranges(url: String) {
    let (store, clock) = rig::open(&url).await;
    rig::note(&store, "test.first", "thing-1").await;
    clock.advance_s(60);
    rig::note(&store, "test.second", "thing-2").await;
    deadlines::promise(&store, "mission-1", Due::After(60)).await;

    let wanted = FactScan::of("Ledger", &["Verb", "Sequence", "TimeGenerated"]);
    assert_eq!(store.scan(&wanted).await.unwrap().len(), 3);
    let first = TestClock::NOON;
    let row = vec![text("test.first"), Value::Long(1), Value::DateTime(first.ticks())];
    let until = FactTest::AtMost(Value::DateTime(first.ticks()));
    assert_eq!(store.scan(&under(wanted, "TimeGenerated", until)).await.unwrap(), [row]);
    conditions_narrow(&store).await;

    let kept = store.scan(&FactScan::of("Deadlines", &["ExpiredWhileDown", "Ended", "Owes"])).await.unwrap();
    assert_eq!(kept, [[Value::Bool(false), Value::Null, text("role:field-team")]]);
    assert_eq!(store.scan(&FactScan::of("Ledger", &[])).await.unwrap().len(), 3, "a count needs no column");
    let payload = store.scan(&FactScan::of("Ledger", &["Payload"])).await.unwrap();
    assert_eq!(payload[0], [Value::Dynamic(serde_json::json!({}))]);

    assert!(store.scan(&FactScan::of("Ledger", &["Nothing"])).await.unwrap_err().contains("Nothing"));
    assert!(store.scan(&FactScan::of("Nothing", &[])).await.unwrap_err().contains("Nothing"));

    static COLUMNS: [FactColumn; 1] = [FactColumn::new("Kind", ScalarType::Guid, "upper(kind)")];
    store.register_fact_tables(&[FactTable { name: "Kinds", columns: &COLUMNS, from: "deadline", time: "set_us" }]);
    assert!(store.tables().iter().any(|table| table.name == "Kinds"));
    let kinds = store.scan(&FactScan::of("Kinds", &["Kind"])).await.unwrap();
    assert_eq!(kinds, [[Value::Guid("mission.radio-check".into())]]);
    for table in store.tables() {
        let all: Vec<&str> = table.columns.iter().map(|column| column.name.as_str()).collect();
        assert!(!store.scan(&FactScan::of(&table.name, &all)).await.unwrap().is_empty(), "{}", table.name);
    }
}

/// What the database is told of, and what it is not: the reader judges again, so more may come, but nothing less.
async fn conditions_narrow(store: &Store) {
    let sequences = async |column: &str, test: FactTest| {
        let mut rows = store.scan(&under(FactScan::of("Ledger", &["Sequence"]), column, test)).await.unwrap();
        rows.sort_by_key(|row| row[0].to_json().as_i64());
        rows.into_iter().map(|row| row[0].to_json().to_string()).collect::<Vec<_>>().join(",")
    };
    let one_of = |values: &[&str]| FactTest::OneOf(values.iter().map(|value| text(value)).collect());
    assert_eq!(sequences("Verb", one_of(&["test.second"])).await, "2");
    assert_eq!(sequences("Verb", one_of(&["test.second", "TEST.FIRST", "test.first"])).await, "1,2");
    assert_eq!(sequences("Verb", one_of(&["test.first' OR 1 = 1 --"])).await, "");
    assert_eq!(sequences("Verb", one_of(&[])).await, "");
    assert_eq!(sequences("Verb", one_of(&[""])).await, "1,2,3", "what is empty may be NULL");
    assert_eq!(sequences("Sequence", FactTest::AtLeast(Value::Long(2))).await, "2,3");
    assert_eq!(sequences("Sequence", FactTest::AtMost(Value::Int(1))).await, "1");
    assert_eq!(sequences("Sequence", FactTest::AtMost(Value::Real(1.5))).await, "1,2,3", "another type");
    let between = TestClock::NOON.ticks() + 1;
    assert_eq!(sequences("TimeGenerated", FactTest::AtMost(Value::DateTime(between))).await, "1");
    assert_eq!(sequences("TimeGenerated", FactTest::AtLeast(Value::DateTime(between))).await, "1,2,3");
    assert_eq!(sequences("Payload", FactTest::OneOf(vec![Value::Long(1)])).await, "1,2,3");
    let one = FactScan { limit: Some(1), ..FactScan::of("Ledger", &["Sequence"]) };
    assert_eq!(store.scan(&one).await.unwrap().len(), 1);
    let unknown = under(FactScan::of("Ledger", &[]), "Nothing", one_of(&["x"]));
    assert!(store.scan(&unknown).await.unwrap_err().contains("Nothing"));
}
