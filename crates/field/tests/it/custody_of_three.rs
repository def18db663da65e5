//! Custody between two offices that speak to headquarters and not to each other.

use field::custody::CustodyState;
use field::mission::{Command, ContactState};
use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{RngCore, SeedableRng};
use replica::frame::Frame;
use replica::{Exchanged, NewEntry};
use testkit::{TestDatabase, sqlite};

use crate::custody::{MINUTE, PIECE, accept, command, depart, follows, mission, node, overdue, refused, state};
use crate::rig::{self, Rig, operator};

const DAYS: u64 = 6;
const OFFICES: [&str; 2] = ["DILI", "BAUCAU"];

/// Two offices that dial headquarters. Only the first has anybody in its register.
struct Rooms {
    offices: [Rig; 2],
    hq: Rig,
    heard: [Option<Exchanged>; 2],
    _databases: [TestDatabase; 3],
}

async fn rooms() -> Rooms {
    let databases = [sqlite(), sqlite(), sqlite()];
    let offices =
        [node(rig::open(&databases[0].url).await, OFFICES[0]), node(rig::empty(&databases[1].url).await, OFFICES[1])];
    let hq = node(rig::empty(&databases[2].url).await, "HQ");
    Rooms { offices, hq, heard: [None, None], _databases: databases }
}

impl Rooms {
    /// One exchange of an office with headquarters; the answer may be lost.
    async fn exchange(&mut self, office: usize, answered: bool) {
        self.work().await;
        let (here, there) = (self.offices[office].replica.clone().unwrap(), self.hq.replica.clone().unwrap());
        let frame = here.frame("HQ", self.heard[office].as_ref(), PIECE).await.unwrap().write();
        let answer = there.answer(OFFICES[office], &frame, PIECE).await.unwrap();
        self.heard[office] = None;
        if answered {
            self.heard[office] = Some(here.take("HQ", &Frame::read(&answer).unwrap()).await.unwrap());
        }
        self.work().await;
    }

    async fn work(&mut self) {
        for rig in self.offices.iter_mut().chain([&mut self.hq]) {
            rig.work().await;
        }
    }

    /// Until nobody has anything to tell.
    async fn agree(&mut self) {
        let mut quiet = 0;
        for _ in 0..120 {
            let before = self.told().await;
            for office in 0..2 {
                self.exchange(office, true).await;
            }
            let done = self.heard.iter().flatten().all(|heard| heard.behind == 0 && heard.owed == 0);
            quiet = if done && self.told().await == before { quiet + 1 } else { 0 };
            if quiet == 2 {
                return;
            }
        }
        panic!("the rooms do not come to an end");
    }

    async fn told(&self) -> Vec<[i64; 4]> {
        let mut told = Vec::new();
        for rig in self.offices.iter().chain([&self.hq]) {
            let replica = rig.replica.as_ref().unwrap();
            told.push(replica.lanes(replica.node()).await.unwrap().0);
        }
        told
    }

    async fn pass(&mut self, minutes: i64) {
        let until = self.hq.now().plus_micros(minutes * MINUTE);
        for rig in self.offices.iter_mut().chain([&mut self.hq]) {
            rig.pass_until(until).await;
        }
    }

    async fn states(&self) -> [Option<CustodyState>; 2] {
        [state(&self.offices[0]).await, state(&self.offices[1]).await]
    }
}

#[tokio::test]
async fn a_mission_passes_through_headquarters_and_comes_home() {
    let mut rooms = rooms().await;
    depart(&rooms.offices[0]).await;
    rooms.agree().await;
    command(&rooms.offices[0], Command::OfferCustody { room: "baucau".to_owned() }).await.unwrap();
    rooms.agree().await;
    let offers = rooms.offices[1].field.custody().await.unwrap().offers;
    assert_eq!((offers.len(), offers[0].node.as_str(), offers[0].label.as_str()), (1, "DILI", "M-0001"));
    assert_eq!(offers[0].names.get("P-1").map(String::as_str), Some("Ana Soares"));
    assert_eq!(
        offers[0].link.as_ref().map(|link| link.node.as_str()),
        Some("HQ"),
        "as old as the link to headquarters"
    );
    assert!(rooms.hq.field.custody().await.unwrap().offers.is_empty(), "it is offered to another");
    let heard = rooms.offices[1].enter("bf11 at bridge").await.unwrap();
    let taken = accept(&rooms.offices[1], heard.number).await.unwrap();
    assert_eq!(taken.manifest[0].person, "DILI/P-1");
    assert_eq!(rooms.states().await, [Some(CustodyState::Offered), Some(CustodyState::TakenOver)], "both follow");
    rooms.agree().await;
    assert_eq!(rooms.states().await, [Some(CustodyState::HandedOver), Some(CustodyState::Held)]);
    rooms.pass(40).await;
    rooms.agree().await;
    assert_eq!(
        (overdue(&rooms.offices[0]).await, overdue(&rooms.offices[1]).await),
        (0, 1),
        "an alarm where they are followed"
    );
    assert_eq!(mission(&rooms.offices[0]).await.unwrap().contact, ContactState::Overdue, "and shown at home");
    refused(command(&rooms.offices[0], Command::TakeBack).await, "take it over with a contact");
    rooms.offices[1].enter("bf11 ok").await.unwrap();
    command(&rooms.offices[1], Command::OfferCustody { room: "Dili".to_owned() }).await.unwrap();
    rooms.agree().await;
    let heard = rooms.offices[0].enter("bf11 at gate").await.unwrap();
    assert_eq!(accept(&rooms.offices[0], heard.number).await.unwrap().number, 1, "it is the same mission again");
    rooms.agree().await;
    assert_eq!(rooms.states().await, [Some(CustodyState::Held), Some(CustodyState::HandedOver)]);
    rooms.offices[0].enter("bf11 arr").await.unwrap();
    command(&rooms.offices[0], Command::Close).await.unwrap();
    rooms.agree().await;
    assert!(mission(&rooms.offices[1]).await.unwrap().state.is_final());
}

/// An office speaks for itself: what it says of another is not believed, and shown.
#[tokio::test]
async fn an_office_does_not_speak_for_another() {
    let mut rooms = rooms().await;
    depart(&rooms.offices[0]).await;
    rooms.agree().await;
    let claims = rooms.offices[1].replica.clone().unwrap();
    let body = serde_json::json!({
        "node": "SUAI", "kind": "mission", "subject": "x", "seq": 9, "time": rooms.hq.now(), "body": { "label": "M-0666" },
    });
    let lie = NewEntry {
        lane: replica::Lane::Deadline,
        kind: "relayed",
        subject: "SUAI/mission/x".to_owned(),
        body,
        changes: true,
    };
    let mut tx = rooms.offices[1].store.begin().await.unwrap();
    claims.append(&mut tx, vec![lie]).await.unwrap();
    tx.commit(store::Entry::new(&operator(), "test.lie", "x")).await.unwrap();
    rooms.agree().await;
    let hq = rooms.hq.replica.clone().unwrap();
    assert_eq!(hq.record("SUAI", "mission", "x").await.unwrap(), None);
    let nodes = hq.nodes().await.unwrap();
    let baucau = nodes.iter().find(|node| node.peer.node == "BAUCAU").unwrap();
    assert!(baucau.refusals.iter().any(|refusal| refusal.problem.contains("only headquarters does")), "{baucau:?}");
}

/// Who is erased at one office is erased where headquarters told of them, too.
#[tokio::test]
async fn what_was_told_on_is_erased() {
    let mut rooms = rooms().await;
    depart(&rooms.offices[0]).await;
    command(&rooms.offices[0], Command::OfferCustody { room: "BAUCAU".to_owned() }).await.unwrap();
    rooms.agree().await;
    let knows = async |rooms: &Rooms| {
        let mut bodies = Vec::new();
        for rig in [&rooms.offices[1], &rooms.hq] {
            let replica = rig.replica.as_ref().unwrap();
            for node in ["DILI", "HQ"] {
                let entries = replica.entries(node, replica::Lane::Deadline, 0, i64::MAX).await.unwrap();
                bodies.extend(entries.into_iter().map(|entry| entry.body));
            }
            let filter = replica::RecordFilter { kind: "mission".to_owned(), node: None, before: None };
            bodies.extend(replica.records(&filter, 100).await.unwrap().iter().map(|one| one.body.to_string()));
        }
        bodies.retain(|body| body.contains("Ana Soares"));
        bodies.len()
    };
    assert!(knows(&rooms).await >= 3, "it was told, and told on");
    command(&rooms.offices[0], Command::TakeBack).await.unwrap();
    rooms.offices[0].enter("bf11 arr").await.unwrap();
    command(&rooms.offices[0], Command::Close).await.unwrap();
    let record = rooms.offices[0].field.directory().await.unwrap().record("person", "P-1").cloned().unwrap();
    rooms.offices[0].field.retire_record("person", "P-1", record.version, &operator(), "left").await.unwrap();
    rooms.offices[0].field.erase_person("P-1", &operator(), "as they asked").await.unwrap();
    rooms.agree().await;
    assert_eq!(knows(&rooms).await, 0, "nothing names them anywhere");
    for (rig, node) in [(&rooms.offices[1], "HQ"), (&rooms.hq, "HQ"), (&rooms.hq, "DILI")] {
        let replica = rig.replica.as_ref().unwrap();
        assert_eq!(replica.first_fault(node, replica::Lane::Deadline).await.unwrap(), None, "{node}");
    }
}

/// Random days: whatever is offered, taken back, heard and lost, somebody follows.
#[tokio::test]
async fn somebody_always_follows_through_headquarters() {
    let mut passed = 0;
    for seed in 0..DAYS {
        let mut random = ChaCha8Rng::seed_from_u64(seed);
        let mut below = |end: u32| random.next_u32() % end;
        let mut rooms = rooms().await;
        depart(&rooms.offices[0]).await;
        rooms.agree().await;
        for _ in 0..40 {
            let office = below(2) as usize;
            match below(9) {
                0 | 1 => {
                    let room = OFFICES[1 - office].to_owned();
                    drop(command(&rooms.offices[office], Command::OfferCustody { room }).await);
                }
                2 | 3 => {
                    let heard = rooms.offices[office].enter("bf11 ok").await.unwrap();
                    passed += usize::from(accept(&rooms.offices[office], heard.number).await.is_ok());
                }
                4 => drop(command(&rooms.offices[office], Command::TakeBack).await),
                5 => rooms.pass(i64::from(below(50))).await,
                6 => rooms.exchange(office, false).await,
                _ => rooms.exchange(office, true).await,
            }
            let following = [follows(&rooms.offices[0]).await, follows(&rooms.offices[1]).await];
            assert!(following.contains(&true), "seed {seed}: nobody follows the mission");
        }
        rooms.agree().await;
        let following = [follows(&rooms.offices[0]).await, follows(&rooms.offices[1]).await];
        if following == [true, true] {
            assert_eq!(
                rooms.states().await,
                [Some(CustodyState::Disputed); 2],
                "seed {seed}: both follow, and both know"
            );
        }
        rooms.pass(60).await;
        let raised = [overdue(&rooms.offices[0]).await, overdue(&rooms.offices[1]).await];
        assert_eq!(raised, following.map(usize::from), "seed {seed}: who follows hears the silence");
    }
    assert!(passed > 0, "too tame");
}
