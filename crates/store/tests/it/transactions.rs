//! Changes and their entries.

use store::{Error, Housekeeping, Statement, Store, params};
use testkit::{CountingRandomness, TestClock};

use crate::rig;

pub async fn nothing_is_written_without_commit(url: String) {
    let (store, _) = rig::open(&url).await;
    let mut tx = store.begin().await.unwrap();
    tx.execute(&rig::INSERT, params!["record-1", "value"]).await.unwrap();
    drop(tx);
    assert_eq!(store.fetch_all(&rig::SELECT, params!["record-1"]).await.unwrap(), []);

    let mut tx = store.begin().await.unwrap();
    tx.execute(&rig::INSERT, params!["record-1", "value"]).await.unwrap();
    tx.record(rig::entry("test.first", "record-1"));
    let committed = tx.commit(rig::entry("test.second", "record-1")).await.unwrap();
    assert_eq!(committed.seq, 2, "both entries are in the ledger");
    let row = store.fetch_optional(&rig::SELECT, params!["record-1"]).await.unwrap().unwrap();
    assert_eq!((row.text("entity").unwrap(), row.int("version").unwrap()), ("value", 1));

    let mut tx = store.begin().await.unwrap();
    let forged = tx.execute(&store::sql::SET_HEAD, params!["forged"]).await;
    assert!(matches!(forged, Err(Error::Misuse { .. })), "a room does not write the ledger: {forged:?}");
    drop(tx);
    let refused = store.fetch_all(&rig::UPDATE, params!["record-1", 1, "x"]).await;
    assert!(matches!(refused, Err(Error::Misuse { .. })), "a write outside a transaction: {refused:?}");
}

/// What a room's command does: load, decide, write at the version that was decided on.
async fn edit(store: &Store, based_on: i64, value: &str) -> Result<i64, Error> {
    let mut tx = store.begin().await?;
    let written = tx.execute_one(&rig::UPDATE, params!["record-1", based_on, value]).await;
    if let Err(Error::Stale { .. }) = written {
        let row = tx.fetch_optional(&rig::SELECT, params!["record-1"]).await?.unwrap();
        return Err(Error::conflict(value.into(), row.text("entity")?.into(), row.int("version")?));
    }
    written?;
    Ok(tx.commit(rig::entry("test.edit", "record-1")).await?.seq)
}

pub async fn a_stale_update_is_refused(url: String) {
    let (store, _) = rig::open(&url).await;
    let mut tx = store.begin().await.unwrap();
    tx.execute(&rig::INSERT, params!["record-1", "as it was"]).await.unwrap();
    tx.commit(rig::entry("test.create", "record-1")).await.unwrap();

    let (one, two) = tokio::join!(edit(&store, 1, "one"), edit(&store, 1, "two"));
    let (value, loser) = match (one, two) {
        (Ok(_), Err(loser)) => (["two", "one"], loser),
        (Err(loser), Ok(_)) => (["one", "two"], loser),
        both => panic!("exactly one editor wins: {both:?}"),
    };
    let Error::Conflict(conflict) = loser else { panic!("{loser:?}") };
    assert_eq!([&conflict.yours, &conflict.theirs], value, "the conflict shows both values");
    assert_eq!(conflict.version, 2);
    assert!(edit(&store, conflict.version, "after reading").await.is_ok());
    assert_eq!(store.verify_ledger().await.unwrap().entries, 3, "a refused change leaves no entry");
}

pub async fn housekeeping_writes_listed_tables_only(url: String) {
    let (store, _) = rig::open(&url).await;
    let touch = Statement::new("test.touch", "INSERT INTO house_clock (id, time_us) VALUES (2, $1)");
    for reason in Housekeeping::ALL {
        let mut tx = store.housekeeping(reason).await.unwrap();
        let ledger = tx.execute(&store::sql::SET_HEAD, params!["forged"]).await;
        assert!(matches!(ledger, Err(Error::Misuse { .. })), "{reason:?} must not write the ledger");
        let own = tx.execute(&touch, params![1]).await.is_ok();
        assert_eq!(own, reason == Housekeeping::HouseClock, "{reason:?}");
    }
}

pub async fn a_database_of_a_newer_program_is_refused(url: String) {
    let (store, _) = rig::open(&url).await;
    store.close().await;
    let open = || Store::open(&url, TestClock::noon(), CountingRandomness::seeded(1));
    open().await.unwrap().close().await;
    rig::tamper(&url, "INSERT INTO schema_migration VALUES (9999, '9999_future.sql', 'x', 0)").await;
    let Err(Error::Schema(problem)) = open().await else { panic!("it must be refused") };
    assert!(problem.contains("9999_future.sql"), "{problem}");
    rig::tamper(&url, "DELETE FROM schema_migration WHERE number = 9999").await;
    rig::tamper(&url, "UPDATE schema_migration SET digest = 'other' WHERE number = 1").await;
    let Err(Error::Schema(problem)) = open().await else { panic!("it must be refused") };
    assert!(problem.contains("0001_store.sql"), "{problem}");
}

#[tokio::test]
async fn an_unusable_url_is_the_operators() {
    for url in ["mysql://u:s3cret@h/d", "sqlite:/no/such/folder/state.db", "postgres://u:s3cret@localhost:1/d"] {
        let refused = Store::open(url, TestClock::noon(), CountingRandomness::seeded(1)).await;
        let Err(Error::Configuration { url, .. }) = refused else { panic!("{url} must be refused") };
        assert!(!url.contains("s3cret"), "{url}");
    }
}
