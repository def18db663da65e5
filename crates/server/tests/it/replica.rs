//! Two rooms on two servers: an office that works alone and its headquarters, over the API as nodes use it.

use std::sync::Arc;

use async_trait::async_trait;
use axum::body::Body;
use axum::http::{Request, StatusCode};
use kernel::Fact;
use kernel::message::DistressSignalled;
use replica::{Carrier, Link, Replica};
use serde_json::{Value as Json, json};
use store::{Entry, Store};
use testkit::{CountingRandomness, TestClock};

use crate::house::{Client, House, PASSWORD, signed_in};

/// To headquarters, with the token of the office.
struct Door {
    house: Arc<House>,
    token: Client,
}

impl Door {
    async fn post(&self, frame: Vec<u8>) -> (StatusCode, Vec<u8>) {
        let request = Request::post("/api/v1/replica/exchange")
            .header("content-type", "application/octet-stream")
            .body(Body::from(frame))
            .unwrap();
        let reply = self.house.send(&self.token, request).await;
        (reply.status, reply.body)
    }
}

#[async_trait]
impl Carrier for Door {
    async fn exchange(&self, frame: Vec<u8>) -> Result<Vec<u8>, String> {
        match self.post(frame).await {
            (StatusCode::OK, answer) => Ok(answer),
            (status, answer) => Err(format!("{status}: {}", String::from_utf8_lossy(&answer))),
        }
    }
}

/// The office: a room without a server.
struct Office {
    store: Store,
    field: field::Field,
    replica: Replica,
    link: Link<Door>,
    clock: Arc<TestClock>,
    _database: testkit::TestDatabase,
}

async fn node_token(house: &House, root: &Client, name: &str) -> Client {
    let wanted = json!({ "name": name, "scopes": ["replicate"], "expires_in_days": 90, "reason": "our office" });
    let reply = house.post(root, "/tokens", wanted).await;
    assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
    Client::with_token(reply.json()["secret"].as_str().unwrap())
}

async fn office(house: &Arc<House>, token: Client) -> Office {
    let (database, clock) = (testkit::sqlite(), house.clock.clone());
    let store = Store::open(&database.url, clock.clone(), CountingRandomness::seeded(9)).await.unwrap();
    let replica = Replica::new(store.clone(), "DILI").unwrap();
    let link = Link::new(replica.clone(), "HQ", Door { house: house.clone(), token });
    Office { field: field::Field::new(store.clone()), store, replica, link, clock, _database: database }
}

impl Office {
    async fn tells_everything(&mut self) {
        let subscriber = self.field.teller(self.replica.clone());
        self.store.postman(subscriber).round().await.unwrap();
        for _ in 0..20 {
            let turned = self.link.turn(&*self.clock).await.unwrap();
            assert_eq!(turned.problem, None);
            if turned.idle {
                return;
            }
        }
        panic!("it does not come to an end");
    }
}

async fn records(house: &House, client: &Client, kind: &str) -> Vec<Json> {
    let reply = house.get(client, &format!("/replica/records?kind={kind}")).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    reply.json()["records"].as_array().unwrap().clone()
}

fn call_for_help(store: &Store) -> DistressSignalled {
    DistressSignalled {
        signal: store.id(),
        device: "T-1".to_owned(),
        label: None,
        source: "osmand".to_owned(),
        code: "sos".to_owned(),
        confirms: false,
        signalled: store.now(),
        received: store.now(),
        position: None,
        latitude: Some(-8.55),
        longitude: Some(125.57),
        text: None,
        exercise: false,
        raw: store.id(),
    }
}

#[tokio::test]
async fn headquarters_sees_what_the_office_did_alone() {
    let house = Arc::new(House::new().await);
    let root = house.administrator().await;
    let operator = house.person(&root, "olga", &["operator"]).await;
    let mut office = office(&house, node_token(&house, &root, "DILI").await).await;
    let actor = kernel::Actor::User("ana".to_owned());
    let there = [office.field.enter("all quiet at the gate", &actor).await.unwrap()];
    assert_eq!(there.len(), 1);
    office.field.enter("inc bf11 where:comoro what:carjack", &actor).await.unwrap();
    house.field.enter("inc 833 where:Comoro what:carjack", &actor).await.unwrap();
    let signal = call_for_help(&office.store);
    let mut tx = office.store.begin().await.unwrap();
    tx.emit(Fact::DistressSignalled(Box::new(signal)));
    tx.commit(Entry::new(&actor, "test.sos", "T-1")).await.unwrap();
    let before = house.get(&operator, "/replica").await.json();
    assert_eq!((&before["node"], before["peers"].as_array().unwrap().len()), (&json!("HQ"), 0));

    // Three days without a link.
    office.clock.advance_s(3 * 86_400);
    office.tells_everything().await;
    let again = json!({ "name": "olga", "password": PASSWORD });
    let operator = signed_in(&house.post(&Client::default(), "/login", again).await);
    let log = records(&house, &operator, "log").await;
    assert!(log.iter().any(|entry| entry["body"]["line"] == "all quiet at the gate"), "{log:?}");
    assert!(log.iter().all(|entry| entry["node"] == "DILI"), "one's own log is not of others");
    let shared = house.get(&operator, "/replica/incidents").await.json()["incidents"].clone();
    assert_eq!(shared.as_array().map(Vec::len), Some(1), "{shared}");
    assert_eq!((&shared[0]["ours"], &shared[0]["theirs"]), (&json!("IR-0001"), &json!("IR-0001")));
    assert!(shared[0]["our_text"] != shared[0]["their_text"], "{shared}");

    // The call for help is an alarm at this desk, however old, once.
    for _ in 0..2 {
        house.store.postman(house.field.subscriber()).round().await.unwrap();
        office.tells_everything().await;
    }
    let alarms = house.field.alarms(false, &actor).await.unwrap();
    let calls: Vec<_> = alarms.iter().filter(|alarm| alarm.kind == field::alarm::AlarmKind::Sos).collect();
    assert_eq!(calls.len(), 1, "{alarms:?}");
    assert!(calls[0].title.contains("by node DILI, 3 days old"), "whose it is, and its age: {}", calls[0].title);
    // And it is not told back to where it came from.
    let teller = house.field.teller(Replica::new(house.store.clone(), "HQ").unwrap());
    house.store.postman(teller).round().await.unwrap();
    assert!(records(&house, &operator, "distress").await.iter().all(|told| told["node"] == "DILI"));

    let peers = house.get(&operator, "/replica").await.json()["peers"].clone();
    assert_eq!((&peers[0]["node"], &peers[0]["state"], &peers[0]["behind"]), (&json!("DILI"), &json!("up"), &json!(0)));
    office.clock.advance_s(9 * 60);
    let peers = house.get(&operator, "/replica").await.json()["peers"].clone();
    assert_eq!((&peers[0]["state"], &peers[0]["silent_min"]), (&json!("down"), &json!(9)));
}

#[tokio::test]
async fn a_token_speaks_for_its_own_node_only() {
    let house = Arc::new(House::new().await);
    let root = house.administrator().await;
    let kabul = office(&house, node_token(&house, &root, "KABUL").await).await;
    let frame = kabul.replica.frame("HQ", None, 256).await.unwrap().write();
    let other = Door { house: house.clone(), token: node_token(&house, &root, "KABUL").await };
    let (status, answer) = other.post(frame.clone()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(String::from_utf8_lossy(&answer).contains("calls itself DILI"));
    let own = Door { house: house.clone(), token: node_token(&house, &root, "DILI").await };
    assert_eq!(own.post(frame.clone()).await.0, StatusCode::OK);
    let (status, answer) = own.post(b"VGR1".to_vec()).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(String::from_utf8_lossy(&answer).contains("ends before its head"));
    assert_eq!(own.post(vec![b'V'; (128 << 10) + 1]).await.0, StatusCode::PAYLOAD_TOO_LARGE);
    // The desk sees what stands in the way, until something goes right.
    let problem = async || house.get(&root, "/replica").await.json()["peers"][0]["problem"].clone();
    assert!(problem().await.as_str().is_some_and(|problem| problem.contains("ends before its head")));
    assert_eq!(own.post(frame.clone()).await.0, StatusCode::OK);
    assert_eq!(problem().await, Json::Null);
    let reader = Door { house: house.clone(), token: house.token(&root, &["read"], None).await };
    assert_eq!(reader.post(frame.clone()).await.0, StatusCode::FORBIDDEN);
    let person = Door { house: house.clone(), token: root.clone() };
    assert_eq!(person.post(frame).await.0, StatusCode::FORBIDDEN);
    // A token that speaks for a node reads nothing, and its name is one that a node can have.
    assert_eq!(house.get(&own.token, "/replica").await.status, StatusCode::FORBIDDEN);
    let wanted = json!({ "name": "our office", "scopes": ["replicate"], "expires_in_days": 1, "reason": "wants it" });
    let reply = house.post(&root, "/tokens", wanted).await;
    assert!(reply.status.is_client_error() && reply.text().contains("name of a node"), "{}", reply.text());
    // Who may not manage users lets no node in.
    let operator = house.person(&root, "olga", &["operator"]).await;
    let wanted = json!({ "name": "X", "scopes": ["replicate"], "expires_in_days": 1, "reason": "wants it" });
    assert_eq!(house.post(&operator, "/tokens", wanted).await.status, StatusCode::FORBIDDEN);
}

/// A line that was typed without a link is sent again when nobody knows whether it arrived.
#[tokio::test]
async fn a_line_with_a_key_is_entered_once() {
    let house = House::new().await;
    let root = house.administrator().await;
    let operator = house.person(&root, "olga", &["operator"]).await;
    let send = async |client: &Client, line: &str| {
        let request = Request::post("/api/v1/field/log")
            .header("content-type", "application/json")
            .header("idempotency-key", "3f1c")
            .body(Body::from(json!({ "line": line }).to_string()))
            .unwrap();
        let reply = house.send(client, request).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        reply.json()["number"].clone()
    };
    assert_eq!(send(&operator, "all quiet").await, send(&operator, "all quiet").await);
    assert_eq!(send(&root, "all quiet").await, 2, "another person's key is another key");
    let actor = kernel::Actor::User("olga".to_owned());
    let enter = async || house.field.enter_once("inc 833 where:Comoro what:carjack", Some("k"), &actor).await.unwrap();
    let log = async || house.field.duty_log(&field::LogFilter::default(), 10).await.unwrap().len();
    let (number, lines) = (enter().await.number, log().await);
    assert_eq!((enter().await.number, log().await), (number, lines));
    assert_eq!(house.field.reports().await.unwrap().len(), 1, "and what follows from it is done once");
    let other = house.field.enter_once("all is not quiet", Some("k"), &actor).await.unwrap_err();
    assert!(other.to_string().contains("another line"), "{other}");
    assert_eq!(log().await, lines);
}
