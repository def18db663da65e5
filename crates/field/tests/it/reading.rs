//! Statements, KQL, the log.

use field::{Follows, LogFilter};
use kernel::port::{FactScan, FactTables};
use kernel::{Actor, Value};

use crate::rig::{self, operator};

pub async fn every_statement_prepares(url: String) {
    let rig = rig::empty(&url).await;
    for statement in field::sql::all_statements() {
        rig.store.prepare(&statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
    }
    for table in &field::FACT_TABLES {
        rig.store.prepare_fact_table(table).await.unwrap_or_else(|error| panic!("{}: {error}", table.name));
    }
}

/// The texts of a column of a fact table.
async fn column(rig: &rig::Rig, table: &str, column: &str) -> Vec<String> {
    let rows = rig.store.scan(&FactScan::of(table, &[column])).await.unwrap();
    let text = |value: Value| match value {
        Value::String(text) => text,
        other => other.to_json().to_string(),
    };
    rows.into_iter().flatten().map(text).collect()
}

pub async fn kql_sees_the_room_but_not_what_is_silent(url: String) {
    let rig = rig::open(&url).await;
    let tell = vec!["user-adviser".to_owned()];
    rig.field.set_duress("blue umbrella", "all well", tell, Follows::default(), &operator(), "agreed").await.unwrap();
    let entry = rig.enter("3621 ok it rains, Blue  Umbrella!").await.unwrap();
    rig.enter("3622 sos").await.unwrap();

    assert_eq!(entry.line, "3621 ok it rains, all well!");
    assert!(entry.outcome.is_empty(), "it looks like any other entry");
    let adviser = Actor::User("user-adviser".to_owned());
    let titles = async |reader: &Actor| -> Vec<String> {
        rig.field.alarms(true, reader).await.unwrap().into_iter().map(|alarm| alarm.title.to_string()).collect()
    };
    assert_eq!(titles(&operator()).await, ["3622 (Beto Lima) calls for help"]);
    assert_eq!(
        titles(&adviser).await,
        ["3622 (Beto Lima) calls for help", "3621 (Ana Soares) used a duress word in entry 1"]
    );
    let token = Actor::Token("user-adviser".to_owned());
    assert_eq!(titles(&token).await.len(), 1, "a program is nobody who is told");

    assert_eq!(column(&rig, "FieldAlarms", "Title").await, ["3622 (Beto Lima) calls for help"]);
    assert_eq!(column(&rig, "DutyLog", "HolderName").await[0], "Ana Soares");
    assert_eq!(column(&rig, "Persons", "Name").await.len(), 6);
    for table in rig.store.tables() {
        for known in &table.columns {
            let everything = column(&rig, &table.name, &known.name).await.join("\n").to_lowercase();
            assert!(!everything.contains("umbrella"), "{} of {} has the word", known.name, table.name);
            assert!(!everything.contains("duress word"), "{} of {} tells of the alarm", known.name, table.name);
        }
    }
    for refused in
        [("ab", "x", 1), ("one two three four five", "x", 1), ("blue umbrella", "", 1), ("blue umbrella", "x", 0)]
    {
        let tell = vec!["user-adviser".to_owned(); refused.2];
        assert!(
            rig.field.set_duress(refused.0, refused.1, tell, Follows::default(), &operator(), "agreed").await.is_err(),
            "{refused:?}"
        );
    }
    let phrase = rig.field.duress_phrases().await.unwrap().remove(0);
    rig.field.drop_duress(phrase.id, &operator(), "it was said aloud").await.unwrap();
    assert_eq!(rig.enter("3621 ok blue umbrella").await.unwrap().line, "3621 ok blue umbrella");
}

pub async fn the_log_pages_and_its_chain_verifies(url: String) {
    let rig = rig::open(&url).await;
    for number in 1..=7 {
        rig.enter(&format!("bf1{} ok number {number}", 1 + number % 2)).await.unwrap();
    }
    let page = async |before, sign: Option<&str>| -> Vec<i64> {
        let filter = LogFilter { before, sign: sign.map(str::to_owned), mission: None, after: None };
        rig.field.duty_log(&filter, 3).await.unwrap().into_iter().map(|entry| entry.number).collect()
    };
    assert_eq!(page(None, None).await, [7, 6, 5]);
    assert_eq!(page(Some(5), None).await, [4, 3, 2]);
    assert_eq!(page(None, Some("bf11")).await, [6, 4, 2]);
    assert!(rig.enter("").await.is_err());
    assert_eq!(rig.enter("the next one").await.unwrap().number, 8, "a refused line leaves no gap");
    assert_eq!(rig.store.verify_ledger().await.unwrap().fault, None);
}

/// Each tampering with the duty log, the last entry first, and what is said of the first that is bad.
pub async fn a_log_that_was_altered_on_disk_is_told(url: String) {
    const TAMPERINGS: [(&str, &str); 5] = [
        (
            "INSERT INTO field_log (number, id, kind, happened_us, entered_us, wall_us, clock_suspect, author, line, \
             meaning, outcome) VALUES (60, 'x', 'note', 0, 0, 0, 0, 'nobody', '', '', '[]')",
            "entry 60 of the duty log was put in: the ledger does not know it",
        ),
        ("UPDATE field_log SET number = 99 WHERE number = 5", "entry 5 of the duty log was changed: number"),
        ("DELETE FROM field_log WHERE number = 4", "entry 4 of the duty log was taken out"),
        (
            "UPDATE field_log SET happened_us = happened_us + 1 WHERE number = 3",
            "entry 3 of the duty log was changed: happened",
        ),
        ("UPDATE field_log SET line = 'bf11 sos' WHERE number = 2", "entry 2 of the duty log was changed: line"),
    ];
    let rig = rig::open(&url).await;
    for number in 1..=4 {
        rig.enter(&format!("bf11 ok number {number}")).await.unwrap();
    }
    rig.field.note("nul \0 and all", &operator()).await.unwrap();
    assert_eq!(rig.field.watch_log().await.unwrap(), field::LogProof { entries: 5, fault: None });
    for (sql, problem) in TAMPERINGS {
        let mut tx = rig.store.begin().await.unwrap();
        tx.execute(&store::Statement::new("test.tamper", sql), store::params![]).await.unwrap();
        tx.commit(store::Entry::new(&operator(), "test.tamper", "field_log")).await.unwrap();
        assert_eq!(rig.field.verify_log().await.unwrap().fault.map(|fault| fault.problem).as_deref(), Some(problem));
    }
    rig.field.watch_log().await.unwrap();
    let alarms = rig.field.alarms(false, &operator()).await.unwrap();
    assert_eq!(alarms[0].title, "the duty log was altered: entry 2 of the duty log was changed: line");
}
