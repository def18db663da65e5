//! Deadlines on a real database; their crashes are in `restart` and `simulation`.

use kernel::{Clock, Timestamp};
use store::{Deadline, DeadlineState, Due, OutboxPort, Store};
use testkit::TestClock;

use crate::rig;

const MINUTE: i64 = 60_000_000;

pub async fn promise(store: &Store, subject: &str, due: Due) {
    let mut tx = store.begin().await.unwrap();
    let deadline = Deadline {
        kind: "mission.radio-check".to_owned(),
        subject: subject.to_owned(),
        owes: "role:field-team".to_owned(),
        due,
        otherwise: "the duty officer is called".to_owned(),
    };
    tx.deadline(deadline).await.unwrap();
    tx.commit(rig::entry("mission.plan", subject)).await.unwrap();
}

async fn states(store: &Store, subject: &str) -> Vec<(DeadlineState, bool)> {
    let deadlines = store.deadlines(subject).await.unwrap();
    deadlines.iter().map(|deadline| (deadline.state, deadline.expired_while_down)).collect()
}

/// Subjects of the facts that were emitted, in order.
pub async fn expired(store: &Store) -> Vec<String> {
    let facts = store.facts_after(0, 1_000).await.unwrap();
    let subject = |fact| match fact {
        kernel::Fact::DeadlineExpired { subject, .. } => subject,
        other => panic!("{other:?}"),
    };
    facts.into_iter().map(|stored| subject(stored.fact.unwrap())).collect()
}

pub async fn fire_once_in_order(url: String) {
    let (store, clock) = rig::open(&url).await;
    let mut engine = store.deadline_engine();
    promise(&store, "later", Due::After(20 * MINUTE)).await;
    promise(&store, "sooner", Due::After(10 * MINUTE)).await;
    promise(&store, "never", Due::At(Timestamp::MAX)).await;
    let tick = engine.tick().await.unwrap();
    assert_eq!((tick.fired, tick.next_due), (0, Some(TestClock::NOON.plus_micros(10 * MINUTE))));
    clock.advance_s(10 * 60);
    assert_eq!(engine.tick().await.unwrap().fired, 1, "due means at or after");
    clock.advance_s(3_600);
    assert_eq!(engine.tick().await.unwrap().fired, 1, "a late wake-up");
    assert_eq!(engine.tick().await.unwrap().fired, 0);
    assert_eq!(expired(&store).await, ["sooner", "later"]);
    assert_eq!(states(&store, "later").await, [(DeadlineState::Expired, false)]);
    promise(&store, "later", Due::After(MINUTE)).await;
    clock.advance_s(60);
    assert_eq!(engine.tick().await.unwrap().fired, 1, "a new promise about the same thing is a new deadline");
    assert_eq!(store.verify_ledger().await.unwrap().entries, 7, "each expiry has its entry");
}

pub async fn move_keep_and_cancel(url: String) {
    let (store, clock) = rig::open(&url).await;
    let mut engine = store.deadline_engine();
    for subject in ["moved", "kept", "cancelled"] {
        promise(&store, subject, Due::After(MINUTE)).await;
    }
    promise(&store, "moved", Due::After(3 * MINUTE)).await;
    let mut tx = store.begin().await.unwrap();
    assert!(tx.keep_deadline("mission.radio-check", "kept").await.unwrap());
    assert!(!tx.keep_deadline("mission.radio-check", "unknown").await.unwrap());
    assert!(tx.cancel_deadline("mission.radio-check", "cancelled").await.unwrap());
    tx.commit(rig::entry("test.end", "all")).await.unwrap();
    clock.advance_s(2 * 60);
    assert_eq!(engine.tick().await.unwrap().fired, 0);
    clock.advance_s(60);
    assert_eq!(engine.tick().await.unwrap().fired, 1);
    assert_eq!(expired(&store).await, ["moved"]);
    assert_eq!(states(&store, "kept").await, [(DeadlineState::Kept, false)]);
    assert_eq!(states(&store, "cancelled").await, [(DeadlineState::Cancelled, false)]);
}

pub async fn expire_while_down(url: String) {
    let (store, clock) = rig::open(&url).await;
    promise(&store, "down", Due::After(MINUTE)).await;
    promise(&store, "up", Due::After(10 * MINUTE)).await;
    store.close().await;
    clock.advance_s(5 * 60);
    let store = rig::reopen(&url, &clock).await;
    let mut engine = store.deadline_engine();
    promise(&store, "set late", Due::After(-10 * MINUTE)).await;
    assert_eq!(engine.tick().await.unwrap().fired, 2);
    clock.advance_s(10 * 60);
    assert_eq!(engine.tick().await.unwrap().fired, 1);
    assert_eq!(states(&store, "down").await, [(DeadlineState::Expired, true)]);
    assert_eq!(states(&store, "up").await, [(DeadlineState::Expired, false)]);
}

pub async fn a_wrong_wall_clock_fires_nothing(url: String) {
    let (store, clock) = rig::open(&url).await;
    let mut engine = store.deadline_engine();
    promise(&store, "in an hour", Due::After(60 * MINUTE)).await;
    clock.set_wall(clock.now().plus_micros(24 * 60 * MINUTE));
    assert_eq!(engine.tick().await.unwrap().fired, 0, "a jump by a day is not believed at once");
    clock.set_wall(Timestamp(0));
    clock.advance_s(30 * 60);
    assert_eq!(engine.tick().await.unwrap().fired, 0);
    store.close().await;

    // A restart in 1970: house time goes on from the last instant that was saved.
    let store = rig::reopen(&url, &clock).await;
    let mut engine = store.deadline_engine();
    assert!(store.now() >= TestClock::NOON.plus_micros(29 * MINUTE), "{}", store.now());
    assert!(store.wall_clock_error_us() < -40 * 365 * 24 * 60 * MINUTE);
    clock.advance_s(31 * 60);
    assert_eq!(engine.tick().await.unwrap().fired, 1, "an hour has passed, whatever the wall clock says");
    assert_eq!(expired(&store).await, ["in an hour"]);

    clock.set_wall(TestClock::NOON);
    store.trust_wall_clock(rig::entry("clock.trust", "house")).await.unwrap();
    assert_eq!(store.now(), TestClock::NOON, "an operator may set it back");
    store.close().await;
    assert_eq!(rig::reopen(&url, &clock).await.now(), TestClock::NOON, "and it stays so");
}

pub async fn two_engines_fire_once(url: String) {
    let (store, clock) = rig::open(&url).await;
    let mut one = store.deadline_engine();
    let mut two = store.deadline_engine();
    for at in 0..20 {
        promise(&store, &format!("subject-{at}"), Due::After(MINUTE)).await;
    }
    clock.advance_s(60);
    let (one, two) = tokio::join!(one.tick(), two.tick());
    assert_eq!(one.unwrap().fired + two.unwrap().fired, 20);
    assert_eq!(expired(&store).await.len(), 20);
}
