//! The chain and what it proves.

use serde_json::json;
use store::{LedgerFilter, Outcome};

use crate::rig;

pub async fn a_chain_verifies_and_reads_back(url: String) {
    let (store, _) = rig::open(&url).await;
    assert_eq!(store.verify_ledger().await.unwrap().entries, 0);
    let tx = store.begin().await.unwrap();
    let full = rig::entry("incident.close", "incident-1").reason("done").before(json!({"a": 1})).after(json!({"a": 2}));
    tx.commit(full).await.unwrap();
    rig::note(&store, "rule.disable", "rule-1").await;

    let verification = store.verify_ledger().await.unwrap();
    assert_eq!((verification.entries, verification.erased, verification.fault), (2, 0, None));
    let all = store.ledger(&LedgerFilter::default(), 10).await.unwrap();
    assert_eq!(all.iter().map(|entry| entry.seq).collect::<Vec<_>>(), [2, 1]);
    assert_eq!(all[0].hash, verification.head.to_string());
    assert_eq!(all[1].actor, "user:user-analyst");
    assert_eq!((all[1].reason.as_deref(), &all[1].before), (Some("done"), &Some(json!({"a": 1}))));

    let by = |filter: LedgerFilter| {
        let store = store.clone();
        async move { store.ledger(&filter, 10).await.unwrap().iter().map(|entry| entry.seq).collect::<Vec<_>>() }
    };
    assert_eq!(by(LedgerFilter { verb: Some("incident".into()), ..LedgerFilter::default() }).await, [1]);
    assert_eq!(by(LedgerFilter { verb: Some("inci".into()), ..LedgerFilter::default() }).await, [0; 0]);
    assert_eq!(by(LedgerFilter { entity: Some("rule-1".into()), ..LedgerFilter::default() }).await, [2]);
    assert_eq!(by(LedgerFilter { before: Some(2), ..LedgerFilter::default() }).await, [1]);
    assert_eq!(by(LedgerFilter { actor: Some("user:other".into()), ..LedgerFilter::default() }).await, [0; 0]);
}

/// Writes 2,003 entries once (three pages), then does each harm to the chain and undoes it.
pub async fn every_tampering_is_named(url: String) {
    let (store, _) = rig::open(&url).await;
    for round in 0..3 {
        let mut tx = store.begin().await.unwrap();
        for at in 0..(if round == 2 { 2 } else { 999 }) {
            tx.record(rig::entry("test.note", &format!("thing-{at}")).reason("because"));
        }
        tx.commit(rig::entry("test.note", "thing-last").reason("because")).await.unwrap();
    }
    let check = async |harm: &str, undo: &str, seq: i64, problem: &str| {
        rig::tamper(&url, harm).await;
        let fault = store.verify_ledger().await.unwrap().fault.unwrap_or_else(|| panic!("not seen: {harm}"));
        assert_eq!(fault.seq, seq, "{harm}: {}", fault.problem);
        assert!(fault.problem.contains(problem), "{harm}: {}", fault.problem);
        rig::tamper(&url, undo).await;
        assert_eq!(store.verify_ledger().await.unwrap().fault, None, "undone: {undo}");
    };
    for (column, wrong) in [("time_us", "1"), ("actor", "'user:x'"), ("verb", "'x'"), ("entity", "'x'")] {
        check(
            &format!(
                "CREATE TABLE kept AS SELECT {column} AS was FROM ledger WHERE seq = 1500; \
                      UPDATE ledger SET {column} = {wrong} WHERE seq = 1500"
            ),
            &format!("UPDATE ledger SET {column} = (SELECT was FROM kept) WHERE seq = 1500; DROP TABLE kept"),
            1500,
            "changed after it was written",
        )
        .await;
    }
    check(
        "CREATE TABLE kept AS SELECT payload AS was FROM ledger_payload WHERE seq = 7; \
         UPDATE ledger_payload SET payload = '{\"reason\":\"another\"}' WHERE seq = 7",
        "UPDATE ledger_payload SET payload = (SELECT was FROM kept) WHERE seq = 7; DROP TABLE kept",
        7,
        "reason, before or after was changed",
    )
    .await;
    check(
        "CREATE TABLE kept AS SELECT payload AS was FROM ledger_payload WHERE seq = 8; \
         UPDATE ledger_payload SET payload = NULL WHERE seq = 8",
        "UPDATE ledger_payload SET payload = (SELECT was FROM kept) WHERE seq = 8; DROP TABLE kept",
        8,
        "no entry records the erasure",
    )
    .await;
    for (seq, problem) in [(1_000, "it is missing"), (2_003, "missing")] {
        check(
            &format!(
                "CREATE TABLE kept AS SELECT * FROM ledger WHERE seq = {seq}; \
                      CREATE TABLE beside AS SELECT * FROM ledger_payload WHERE seq = {seq}; \
                      DELETE FROM ledger_payload WHERE seq = {seq}; DELETE FROM ledger WHERE seq = {seq}"
            ),
            "INSERT INTO ledger SELECT * FROM kept; INSERT INTO ledger_payload SELECT * FROM beside; \
             DROP TABLE kept; DROP TABLE beside",
            seq,
            problem,
        )
        .await;
    }
    check(
        "CREATE TABLE kept AS SELECT hash AS was FROM ledger_head; UPDATE ledger_head SET hash = 'x'",
        "UPDATE ledger_head SET hash = (SELECT was FROM kept); DROP TABLE kept",
        2_003,
        "head of the ledger",
    )
    .await;
}

pub async fn erasure_keeps_the_chain_valid(url: String) {
    let (store, _) = rig::open(&url).await;
    let tx = store.begin().await.unwrap();
    let seq = tx.commit(rig::entry("person.create", "person-1").reason("names a person")).await.unwrap().seq;
    rig::note(&store, "test.after", "thing").await;
    store.erase_ledger_payload(seq, &rig::analyst(), "request of the person").await.unwrap();

    let verification = store.verify_ledger().await.unwrap();
    assert_eq!((verification.entries, verification.erased, verification.fault), (3, 1, None));
    let entries = store.ledger(&LedgerFilter::default(), 10).await.unwrap();
    assert_eq!((entries[2].erased, &entries[2].reason), (true, &None));
    assert_eq!(entries[0].entity, "ledger:1", "the erasure is itself in the ledger");
    assert!(store.erase_ledger_payload(seq, &rig::analyst(), "again").await.is_err());
    assert!(store.erase_ledger_payload(99, &rig::analyst(), "not there").await.is_err());
    assert_eq!(store.verify_ledger().await.unwrap().entries, 3, "a refused erasure leaves no entry");
}

pub async fn writers_at_once_make_one_chain(url: String) {
    let (store, _) = rig::open(&url).await;
    let writer = |writer: u32| {
        let store = store.clone();
        async move {
            for at in 0..10 {
                rig::note(&store, "test.note", &format!("{writer}-{at}")).await;
            }
        }
    };
    futures::future::join_all((0..8).map(|at| tokio::spawn(writer(at)))).await;
    let verification = store.verify_ledger().await.unwrap();
    assert_eq!((verification.entries, verification.fault), (80, None));
}

pub async fn acts_end_once_or_are_swept_up(url: String) {
    let (store, clock) = rig::open(&url).await;
    let lock = || rig::entry("account.lock", "account-1");
    let done = store.open_act(lock(), 60_000_000).await.unwrap();
    let lost = store.open_act(lock(), 60_000_000).await.unwrap();
    assert!(store.complete_act(&done, Outcome::Done, json!({"remote": "ok"})).await.unwrap());
    assert_eq!(store.sweep_acts().await.unwrap().len(), 0, "its time is not over");
    clock.advance_s(61);
    let swept = store.sweep_acts().await.unwrap();
    assert_eq!(swept.iter().map(|act| &act.id).collect::<Vec<_>>(), [&lost.id]);
    assert!(!store.complete_act(&lost, Outcome::Done, json!(null)).await.unwrap(), "too late");
    assert_eq!(store.sweep_acts().await.unwrap().len(), 0);
    let verbs: Vec<String> =
        store.ledger(&LedgerFilter::default(), 10).await.unwrap().into_iter().map(|entry| entry.verb).collect();
    assert_eq!(verbs, ["account.lock.orphaned", "account.lock.done", "account.lock.open", "account.lock.open"]);
}
