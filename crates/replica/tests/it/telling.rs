//! What one node writes, the other knows.

use kernel::Fact;
use kernel::message::DistressSignalled;
use replica::frame::Frame;
use replica::{Lane, Link, LinkState, RecordFilter, node_fault};
use serde_json::json;
use store::{OutboxPort, Statement, params};
use testkit::TestClock;

use crate::rig::{self, Line, SimulatedLink, State, entry};

const GOOD: Line = Line { bits_per_second: 10_000_000, round_trip_us: 20_000, lost_permille: 0, broken_permille: 0 };

pub async fn every_statement_prepares(url: String) {
    let node = rig::node(&url, "HQ", &TestClock::noon(), 1).await;
    for statement in replica::sql::STATEMENTS {
        node.store.prepare(statement).await.unwrap_or_else(|error| panic!("{}: {error}", statement.name));
        let others = replica::sql::STATEMENTS.iter().filter(|other| other.name == statement.name).count();
        assert_eq!(others, 1, "two statements are called {}", statement.name);
    }
}

/// One node on the database of the suite, the other on its own.
pub async fn what_is_written_here_is_known_there(url: String) {
    let (clock, database) = (TestClock::noon(), testkit::sqlite());
    let (hq, office) = (rig::node(&url, "HQ", &clock, 1).await, rig::node(&database.url, "DILI", &clock, 2).await);
    let sheet = |state: &str, place: Option<&str>| json!({ "label": "M-0001", "state": state, "place": place });
    office.write(vec![entry(Lane::Deadline, "mission", "m1", sheet("departed", Some("Comoro")))]).await;
    office.write(vec![entry(Lane::Deadline, "mission", "m1", sheet("departed", Some("Comoro")))]).await;
    office.write(vec![entry(Lane::Log, "log", "1", json!({ "line": "bf11 dep" }))]).await;
    hq.write(vec![entry(Lane::Log, "log", "1", json!({ "line": "all quiet" }))]).await;
    assert_eq!(office.replica.lanes("DILI").await.unwrap().0, [0, 1, 1, 0], "what has not changed is not told");
    office.write(vec![entry(Lane::Deadline, "mission", "m1", sheet("arrived", None))]).await;

    let carrier = SimulatedLink {
        there: hq.replica.clone(),
        dials: "DILI".to_owned(),
        clock: clock.clone(),
        state: State::seeded(1),
        line: GOOD,
    };
    let mut link = Link::new(office.replica.clone(), "HQ", carrier);
    for _ in 0..5 {
        assert_eq!(link.turn(&*clock).await.unwrap().problem, None);
    }
    assert!(link.turn(&*clock).await.unwrap().idle);
    for node in ["DILI", "HQ"] {
        let (here, there) = (office.replica.hashes(node).await.unwrap(), hq.replica.hashes(node).await.unwrap());
        assert_eq!(here, there, "{node}");
    }
    let missions = RecordFilter { kind: "mission".to_owned(), node: None, before: None };
    let told = hq.replica.records(&missions, 10).await.unwrap();
    assert_eq!(told.len(), 1);
    assert_eq!(told[0].body, json!({ "label": "M-0001", "state": "arrived" }));
    assert!(office.replica.records(&missions, 10).await.unwrap().is_empty(), "one's own is not of others");
    let peers = hq.replica.peers().await.unwrap();
    assert_eq!((peers[0].state, peers[0].behind, peers[0].owed), (LinkState::Up, 0, 0));
    clock.advance_s(7 * 60 + 5);
    let peers = hq.replica.peers().await.unwrap();
    assert_eq!((peers[0].state, peers[0].silent_min), (LinkState::Down, 7));
    assert!(peers[0].as_of.unwrap() <= peers[0].heard.unwrap());
}

/// A call for help that was told there is heard here, once, however often the way is gone.
pub async fn a_call_for_help_is_heard_here(url: String) {
    let (clock, database) = (TestClock::noon(), testkit::sqlite());
    let (hq, office) = (rig::node(&url, "HQ", &clock, 1).await, rig::node(&database.url, "DILI", &clock, 2).await);
    let signal = DistressSignalled {
        signal: office.store.id(),
        device: "T-1".to_owned(),
        label: None,
        source: "osmand".to_owned(),
        code: "sos".to_owned(),
        confirms: false,
        signalled: TestClock::NOON,
        received: TestClock::NOON,
        position: None,
        latitude: Some(-8.55),
        longitude: Some(125.57),
        text: None,
        exercise: false,
        raw: office.store.id(),
    };
    office.write(vec![entry(Lane::Distress, replica::DISTRESS, "s1", json!(signal))]).await;
    clock.advance_s(3 * 86_400);
    let frame = office.replica.frame("HQ", None, 256).await.unwrap();
    let heard = hq.replica.take("DILI", &frame).await.unwrap();
    assert!(heard.distress, "there is something to come");
    let answer = hq.replica.frame("DILI", Some(&heard), 256).await.unwrap();
    let there = office.replica.take("HQ", &answer).await.unwrap();
    loop {
        let frame = office.replica.frame("HQ", Some(&there), 4_096).await.unwrap();
        for _ in 0..2 {
            hq.replica.take("DILI", &frame).await.unwrap();
        }
        if hq.replica.lanes("DILI").await.unwrap().of(Lane::Distress) == 1 {
            break;
        }
    }
    let facts = hq.store.facts_after(0, 100).await.unwrap();
    let heard: Vec<_> = facts.into_iter().filter(|stored| stored.topic == "distress-signalled").collect();
    assert_eq!(heard.len(), 1);
    let Ok(Fact::DistressSignalled(told)) = &heard[0].fact else { panic!("{heard:?}") };
    assert_eq!((told.signal, told.signalled, told.source.as_str()), (signal.signal, signal.signalled, "node DILI"));
}

/// Silence is the one thing that must not become of a call for help.
pub async fn a_call_that_cannot_be_read_is_an_error(url: String) {
    let (clock, database) = (TestClock::noon(), testkit::sqlite());
    let (hq, office) = (rig::node(&url, "HQ", &clock, 1).await, rig::node(&database.url, "DILI", &clock, 2).await);
    office.write(vec![entry(Lane::Log, "log", "1", json!({ "line": "all quiet" }))]).await;
    office.write(vec![entry(Lane::Distress, replica::DISTRESS, "s1", json!({ "newer": true }))]).await;
    let answer = hq.replica.frame("DILI", None, 256).await.unwrap();
    let there = office.replica.take("HQ", &answer).await.unwrap();
    let frame = office.replica.frame("HQ", Some(&there), 4_096).await.unwrap();
    let problem = hq.replica.take("DILI", &frame).await.unwrap_err().to_string();
    assert!(problem.contains("entry 1 of lane distress is not a call for help: missing field"), "{problem}");
    assert_eq!(hq.replica.lanes("DILI").await.unwrap().0, [0; 4], "nothing of it was written");
    assert_eq!(hq.replica.record("DILI", replica::DISTRESS, "s1").await.unwrap(), None);
}

pub async fn a_changed_log_is_found_and_refused(url: String) {
    let (clock, database) = (TestClock::noon(), testkit::sqlite());
    let (hq, office) = (rig::node(&url, "HQ", &clock, 1).await, rig::node(&database.url, "DILI", &clock, 2).await);
    for number in 1..=3 {
        office.write(vec![entry(Lane::Log, "log", &number.to_string(), json!({ "line": "all quiet" }))]).await;
    }
    assert_eq!(office.replica.first_fault("DILI", Lane::Log).await.unwrap(), None);
    let forge = Statement::new("test.forge", "UPDATE replica_log SET body = '{\"line\":\"forged\"}' WHERE seq = 2");
    let mut tx = office.store.begin().await.unwrap();
    tx.execute(&forge, params![]).await.unwrap();
    tx.commit(store::Entry::new(&kernel::Actor::system("test"), "test.forge", "log")).await.unwrap();
    let fault = office.replica.first_fault("DILI", Lane::Log).await.unwrap();
    assert_eq!(fault.as_deref(), Some("entry 2 of lane log of DILI is not what was written"));

    let carrier = SimulatedLink {
        there: hq.replica.clone(),
        dials: "DILI".to_owned(),
        clock: clock.clone(),
        state: State::seeded(1),
        line: GOOD,
    };
    let mut link = Link::new(office.replica.clone(), "HQ", carrier);
    link.turn(&*clock).await.unwrap();
    let turned = link.turn(&*clock).await.unwrap();
    assert!(turned.problem.unwrap().contains("does not go on from entry 0"));
    assert_eq!(hq.replica.lanes("DILI").await.unwrap().0, [0; 4], "nothing of it was written");
    // A name that belongs to somebody else, and one that cannot be.
    let answer = hq.replica.answer("KABUL", &office.replica.frame("HQ", None, 256).await.unwrap().write(), 256).await;
    assert!(answer.unwrap_err().to_string().contains("calls itself DILI"));
    assert!(node_fault("Díli").is_some() && node_fault("").is_some() && node_fault("DILI-2").is_none());
}

/// What the fuzz target has kept: read, or refused with a reason.
#[test]
fn the_corpus_is_read_again() {
    let corpus = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("../../fuzz/corpus/replica_frame");
    let read = |name: &str| Frame::read(&std::fs::read(corpus.join(name)).unwrap());
    assert_eq!(read("greeting").unwrap().head.node, "DILI");
    assert_eq!(read("piece").unwrap().bytes, b"abc");
    assert!(read("beyond").unwrap_err().contains("goes beyond"));
    for file in std::fs::read_dir(&corpus).unwrap() {
        let bytes = std::fs::read(file.unwrap().path()).unwrap();
        assert!(Frame::read(&bytes).map_or_else(|problem| !problem.is_empty(), |frame| !frame.head.node.is_empty()));
        let _ = replica::unpack(&bytes, Lane::Log, 0);
    }
}
