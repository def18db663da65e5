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
    let field = field::Field::new(store.clone()).among_nodes(Some(replica.clone()));
    Office { field, store, replica, link, clock, _database: database }
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

/// A mission of the office on the road, offered to headquarters.
async fn offered(office: &Office) -> field::mission::Mission {
    use field::mission::{Command, Leg, MissionOrder, RequestMission};
    let actor = kernel::Actor::User("ana".to_owned());
    for (noun, csv) in [
        ("area", "key,name,risk,ladder\nMED,Midlands,medium,\n"),
        ("organisation", "key,name,kind\nUNA,Agency for Almanacs,un\n"),
        ("vehicle", "key,name,organisation,seats,armoured\nUN-1,White pickup,UNA,5,no\n"),
        ("person", "key,name,category,organisation,zone,presence,relies_on\nP-1,Ana Soares,staff,UNA,,present,\n"),
    ] {
        let (noun, csv, reason) = (noun.to_owned(), csv.to_owned(), "first list".to_owned());
        let import = field::register::Import { noun, csv, trial: false, actor: actor.clone(), reason };
        let done = office.field.import(&import).await.unwrap();
        assert!(done.written, "{:?}", done.findings);
    }
    let sign = field::register::AssignSign {
        sign: "BF11".to_owned(),
        seen: None,
        holder: Some(("vehicle".to_owned(), "UN-1".to_owned())),
        network: None,
        since: None,
        actor: actor.clone(),
        reason: "list of the month".to_owned(),
    };
    office.field.assign_sign(&sign).await.unwrap();
    let (from, to, area) = ("Dili".to_owned(), "Baucau".to_owned(), "MED".to_owned());
    let order = RequestMission {
        title: "Supplies".to_owned(),
        legs: vec![Leg { from, to, area, corridor: None, began: None, planned: None }],
        vehicles: vec!["UN-1".to_owned()],
        people: vec![("P-1".to_owned(), Some("UN-1".to_owned()))],
        leader: None,
        deputy: None,
        planned_departure: None,
        exercise: false,
        actor: actor.clone(),
        reason: "asked for".to_owned(),
    };
    let mut mission = office.field.request_mission(&order).await.unwrap().mission;
    let offer = Command::OfferCustody { room: "HQ".to_owned() };
    for command in [Command::Clear, Command::Brief, Command::Depart, offer] {
        let (id, version, reason) = (mission.id, mission.version, "as asked".to_owned());
        let order = MissionOrder { mission: id, version, at: None, actor: actor.clone(), reason, command };
        mission = office.field.command_mission(&order).await.unwrap().mission;
    }
    mission
}

/// `VIGIE_SHOW=1` shows the bodies.
#[tokio::test]
async fn headquarters_takes_a_mission_over_with_contact() {
    let house = Arc::new(House::new().await);
    let root = house.administrator().await;
    let operator = house.person(&root, "olga", &["operator"]).await;
    let mut office = office(&house, node_token(&house, &root, "DILI").await).await;
    let there = offered(&office).await;
    office.tells_everything().await;
    let offer = house.get(&operator, "/field/custody").await.json();
    assert_eq!(offer["offers"][0]["aboard"], json!(["Ana Soares"]), "{offer}");
    assert_eq!((&offer["offers"][0]["proofs"], &offer["missions"]), (&json!([]), &json!([])));
    let wanted = |proof: i64| json!({ "node": "DILI", "mission": there.id.to_string(), "proof": proof, "reason": "we hear them" });
    let refused = house.post(&operator, "/field/custody", wanted(1)).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND, "{}", refused.text());
    let heard = house.post(&operator, "/field/log", json!({ "line": "bf11 at bridge" })).await.json();
    let reply = house.post(&operator, "/field/custody", wanted(heard["number"].as_i64().unwrap())).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let taken = reply.json();
    assert_eq!(taken["mission"]["manifest"][0]["name"], "Ana Soares", "{taken}");
    let both = house.get(&operator, "/field/custody").await.json();
    assert_eq!(both["missions"][0]["state"], "taken-over", "{both}");
    // The office hears of it and gives it up; headquarters hears of that.
    for _ in 0..2 {
        let replica = Replica::new(house.store.clone(), "HQ").unwrap();
        for subscriber in [house.field.custody_subscriber(), house.field.teller(replica)] {
            house.store.postman(subscriber).round().await.unwrap();
        }
        office.tells_everything().await;
        office.store.postman(office.field.custody_subscriber()).round().await.unwrap();
        office.tells_everything().await;
    }
    house.store.postman(house.field.custody_subscriber()).round().await.unwrap();
    let held = house.get(&operator, "/field/custody").await.json();
    assert_eq!((&held["missions"][0]["state"], &held["offers"]), (&json!("held"), &json!([])), "{held}");
    assert_eq!(office.field.mission(there.id).await.unwrap().custody.as_deref(), Some("HQ"));
    let nodes = house.get(&operator, "/replica/nodes").await.json();
    let lanes = nodes["nodes"][0]["lanes"].as_array().unwrap();
    assert_eq!((lanes.len(), &lanes[1]["lane"], &lanes[1]["behind"]), (4, &json!("deadline"), &json!(0)), "{nodes}");
    assert!(lanes[1]["held"].as_i64().is_some_and(|held| held > 0) && lanes[1]["held"] == lanes[1]["told"]);
    if std::env::var_os("VIGIE_SHOW").is_some() {
        for body in [offer, taken, both, held, nodes] {
            println!("{}", serde_json::to_string_pretty(&body).unwrap());
        }
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
        house.tell_the_room().await;
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
    let nodes = house.get(&root, "/replica/nodes").await.json();
    assert!(nodes.to_string().contains("ends before its head"), "what was refused, and why: {nodes}");
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
    let entering =
        field::Entering { line: "inc 833 where:Comoro what:carjack", key: Some("k"), draft: None, typed: None };
    let enter = async || house.field.enter_as(&entering, &actor).await.unwrap();
    let log = async || house.field.duty_log(&field::LogFilter::default(), 10).await.unwrap().len();
    let (number, lines) = (enter().await.number, log().await);
    assert_eq!((enter().await.number, log().await), (number, lines));
    assert_eq!(house.field.reports().await.unwrap().len(), 1, "and what follows from it is done once");
    let another = field::Entering { line: "all is not quiet", ..entering };
    let other = house.field.enter_as(&another, &actor).await.unwrap_err();
    assert!(other.to_string().contains("another line"), "{other}");
    assert_eq!(log().await, lines);
}
