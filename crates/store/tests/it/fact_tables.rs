//! State tables as KQL reads them.

use kernel::port::{FactTables, TimeRange};
use kernel::{ScalarType, Timestamp, Value};
use store::{Due, FactColumn, FactTable};
use testkit::TestClock;

use crate::{deadlines, rig};

pub async fn scan_columns_and_ranges(url: String) {
    let (store, clock) = rig::open(&url).await;
    rig::note(&store, "test.first", "thing-1").await;
    clock.advance_s(60);
    rig::note(&store, "test.second", "thing-2").await;
    deadlines::promise(&store, "mission-1", Due::After(60)).await;

    let columns = |names: &[&str]| names.iter().map(|name| (*name).to_owned()).collect::<Vec<_>>();
    let wanted = columns(&["Verb", "Sequence", "TimeGenerated"]);
    let all = store.scan("Ledger", &wanted, None).await.unwrap();
    assert_eq!(all.len(), 3);
    let first = TestClock::NOON;
    let row = vec![Value::String("test.first".into()), Value::Long(1), Value::DateTime(first.ticks())];
    assert!(all.contains(&row), "{all:?}");
    let range = TimeRange { from: first, to: first.plus_micros(1) };
    assert_eq!(store.scan("Ledger", &wanted, Some(range)).await.unwrap(), [row]);

    let kept = store.scan("Deadlines", &columns(&["ExpiredWhileDown", "Ended", "Owes"]), None).await.unwrap();
    assert_eq!(kept, [[Value::Bool(false), Value::Null, Value::String("role:field-team".into())]]);
    assert_eq!(store.scan("Ledger", &[], None).await.unwrap().len(), 3, "a count needs no column");
    let payload = store.scan("Ledger", &columns(&["Payload"]), None).await.unwrap();
    assert_eq!(payload[0], [Value::Dynamic(serde_json::json!({}))]);

    assert!(store.scan("Ledger", &columns(&["Nothing"]), None).await.unwrap_err().contains("Nothing"));
    assert!(store.scan("Nothing", &[], None).await.unwrap_err().contains("Nothing"));

    static COLUMNS: [FactColumn; 1] = [FactColumn::new("Kind", ScalarType::Guid, "upper(kind)")];
    store.register_fact_tables(&[FactTable { name: "Kinds", columns: &COLUMNS, from: "deadline", time: "set_us" }]);
    assert!(store.tables().iter().any(|table| table.name == "Kinds"));
    let kinds = store.scan("Kinds", &columns(&["Kind"]), None).await.unwrap();
    assert_eq!(kinds, [[Value::Guid("mission.radio-check".into())]]);
    for table in store.tables() {
        let all: Vec<String> = table.columns.into_iter().map(|column| column.name).collect();
        let until = Some(TimeRange { from: Timestamp::MIN, to: Timestamp::MAX });
        assert!(!store.scan(&table.name, &all, until).await.unwrap().is_empty(), "{}", table.name);
    }
}
