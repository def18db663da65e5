//! The radio room over the API: who reaches it from outside, and who sees whose people.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use kernel::message::{Means, MessageReceived, PositionReported};
use kernel::{Actor, Fact};
use serde_json::{Value as Json, json};
use server::{Console, ServerConfig};
use store::{Entry, OutboxPort};

use crate::house::{Client, House};

const OFFICE: [(&str, &str); 4] = [
    ("organisation", "key,name,kind\nUNA,Agency for Almanacs,un\nREL,Relief by Lamplight,ngo\n"),
    (
        "person",
        "key,name,category,organisation,presence,phone\nP-1,Ana Soares,staff,UNA,present,+67077000001\n\
         P-2,Beto Lima,staff,UNA,present,\nP-3,Carla Reis,ngo,REL,present,+67077000003\n",
    ),
    ("vehicle", "key,name,organisation,armoured\nUN-1,White pickup,UNA,no\nRL-1,Blue truck,REL,no\n"),
    ("device", "key,name,kind,vehicle\nT-1,Tracker,tracker,UN-1\nT-2,Tracker,tracker,RL-1\n"),
];

struct Room {
    house: House,
    root: Client,
    operator: Client,
    partner: Client,
}

impl Room {
    async fn open() -> Room {
        let house = House::new().await;
        let root = house.administrator().await;
        let operator = house.person(&root, "olga", &["operator"]).await;
        let partner = house.person(&root, "rosa", &["partner"]).await;
        for (noun, csv) in OFFICE {
            let body = json!({"csv": csv, "reason": "first list"});
            let reply = house.post(&root, &format!("/field/register/{noun}/import"), body).await;
            assert_eq!(reply.json()["written"], true, "{}", reply.text());
        }
        let users = house.get(&root, "/users").await.json();
        let rosa = users["users"].as_array().unwrap().iter().find(|user| user["name"] == "rosa").unwrap()["id"].clone();
        let body = json!({"user": rosa, "organisation": "rel", "reason": "their focal point"});
        let saved = house.call(&root, Method::PUT, "/field/affiliations", body).await;
        assert_eq!(saved.json()["organisation"], "REL", "{}", saved.text());
        Room { house, root, operator, partner }
    }

    async fn tell(&self, fact: Fact) {
        let mut tx = self.house.store.begin().await.unwrap();
        tx.emit(fact);
        tx.commit(Entry::new(&Actor::system("courier"), "courier.take", "test")).await.unwrap();
        self.house.tell_the_room().await;
    }

    async fn sms(&self, sender: &str, text: &str) {
        let message = MessageReceived {
            message: self.house.store.id(),
            means: Means::Sms,
            channel: "gateway".to_owned(),
            provider_id: None,
            sender: sender.to_owned(),
            recipient: "+67077999999".to_owned(),
            subject: None,
            text: text.to_owned(),
            sent: None,
            received: self.house.store.now(),
            answers: None,
            answers_certain: false,
            precedence: None,
            relayed_by: vec!["BF12".to_owned()],
            automatic: false,
            exercise: false,
            raw: self.house.store.id(),
        };
        self.tell(Fact::MessageReceived(Box::new(message))).await;
    }

    async fn fix(&self, device: &str, longitude: f64) {
        let now = self.house.store.now();
        let position = PositionReported {
            position: self.house.store.id(),
            device: device.to_owned(),
            label: None,
            source: "osmand".to_owned(),
            fix_time: now,
            received: now,
            latitude: -8.55,
            longitude,
            altitude_m: None,
            accuracy_m: Some(12.0),
            speed_mps: None,
            course_deg: None,
            battery_percent: Some(80.0),
            quirks: Vec::new(),
            raw: self.house.store.id(),
        };
        self.tell(Fact::PositionsReported { positions: vec![position] }).await;
    }

    async fn enter(&self, line: &str) -> Json {
        let reply = self.house.post(&self.operator, "/field/log", json!({"line": line})).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        reply.json()
    }

    /// The links that were sent, by recipient.
    async fn links(&self) -> Vec<(String, String)> {
        let facts = self.house.store.facts_after(0, 10_000).await.unwrap();
        let dispatches = facts.into_iter().filter_map(|stored| match stored.fact.unwrap() {
            Fact::MessagesRequested { dispatches, .. } => Some(dispatches),
            _ => None,
        });
        let link =
            |one: kernel::message::Dispatch| Some((one.recipient, one.text.split("/answer/").nth(1)?.to_owned()));
        dispatches.flatten().filter_map(link).collect()
    }
}

#[tokio::test]
async fn a_link_answers_for_one_person_and_tells_nothing_else() {
    let room = Room::open().await;
    let url = json!({"public_url": "https://vigie.example.org/", "reason": "as in the DNS"});
    let saved = room.house.call(&room.root, Method::PUT, "/field/settings", url).await;
    assert_eq!(saved.json()["public_url"], "https://vigie.example.org", "{}", saved.text());
    room.enter("hc start all").await;
    let links = room.links().await;
    assert_eq!(links.len(), 2, "who has a telephone is asked");
    let (name, secret) = &links[0];
    let nobody = Client::default();
    let path = format!("/field/answers/{secret}");
    let asked = room.house.get(&nobody, &path).await.json();
    assert_eq!((&asked["name"], &asked["safety"]), (&json!(name), &json!("unknown")));
    assert_eq!(asked.as_object().unwrap().len(), 5, "{asked}");
    let answered = room.house.post(&nobody, &path, json!({"safe": true})).await;
    assert_eq!(answered.json()["safety"], "safe", "{}", answered.text());
    let cry = room.house.post(&nobody, &path, json!({"safe": false, "remark": "at the bridge"})).await;
    assert_eq!(cry.json()["safety"], "needs-help");
    let back = room.house.post(&nobody, &path, json!({"safe": true})).await;
    assert_eq!(back.json()["safety"], "needs-help", "the worse stands until the desk has spoken to them");
    let alarms = room.house.get(&room.operator, "/field/alarms").await.json();
    assert_eq!(alarms["alarms"][0]["kind"], "needs-help", "{alarms}");

    let form = Request::post(format!("/answer/{}", links[1].1))
        .header("content-type", "application/x-www-form-urlencoded")
        .header("accept-language", "pt")
        .body(Body::from("answer=safe&remark=tudo+bem"))
        .unwrap();
    let page = room.house.send(&nobody, form).await;
    assert_eq!(page.status, StatusCode::OK);
    assert!(page.text().contains("contado como em segurança"), "{}", page.text());
    let list = room.house.get(&room.operator, "/field/headcounts").await.json();
    let id = list["headcounts"][0]["id"].as_str().unwrap().to_owned();
    let count = room.house.get(&room.operator, &format!("/field/headcounts/{id}")).await.json();
    assert_eq!(count["tally"]["words"], "1 of 3, 1 in need of help, 1 unknown: call P-1, P-2");
    assert_eq!(count["people"].as_array().unwrap().iter().filter(|one| one["means"] == "link").count(), 2);

    let mut refused = 0;
    for wrong in 0..40 {
        let reply = room.house.get(&nobody, &format!("/field/answers/{wrong:032x}")).await;
        assert!(matches!(reply.status, StatusCode::NOT_FOUND | StatusCode::TOO_MANY_REQUESTS), "{}", reply.text());
        refused += usize::from(reply.status == StatusCode::TOO_MANY_REQUESTS);
    }
    assert!(refused > 30, "guessing is slowed down: {refused}");
    assert_eq!(room.house.get(&nobody, &path).await.status, StatusCode::OK, "who has a link is not");
}

#[tokio::test]
async fn a_partner_sees_their_own_people_and_breaks_glass_for_others() {
    let room = Room::open().await;
    room.fix("t-1", 125.57).await;
    room.fix("t-2", 125.58).await;
    room.enter("hc start all").await;
    room.enter("hc p-1 safe").await;
    let partner = &room.partner;
    for closed in ["/field/missions", "/field/log", "/field/alarms", "/field/register/person", "/field/positions"] {
        assert_eq!(room.house.get(partner, closed).await.status, StatusCode::FORBIDDEN, "{closed}");
    }
    let names = async |path: &str, list: &str, field: &str| -> Vec<String> {
        let reply = room.house.get(partner, path).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        let rows = reply.json()[list].as_array().unwrap().clone();
        rows.iter().map(|row| row[field].as_str().unwrap().to_owned()).collect()
    };
    assert_eq!(names("/field/people", "people", "person").await, ["P-3"]);
    assert_eq!(names("/field/positions/latest", "positions", "holder").await, ["RL-1"]);
    let id = room.house.get(partner, "/field/headcounts").await.json()["headcounts"][0]["id"].clone();
    let path = format!("/field/headcounts/{}", id.as_str().unwrap());
    assert_eq!(names(&path, "people", "person").await, ["P-3"]);
    let seen = room.house.get(partner, &path).await;
    assert_eq!(seen.json()["tally"]["total"], 1);
    assert!(!seen.text().contains("Ana") && !seen.text().contains("UNA"), "{}", seen.text());

    let glass = |minutes: i64| json!({"organisation": "una", "minutes": minutes, "reason": "their car is with ours"});
    assert_eq!(room.house.post(partner, "/field/sight", glass(600)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(room.house.post(&room.operator, "/field/sight", glass(30)).await.status, StatusCode::FORBIDDEN);
    let opened = room.house.post(partner, "/field/sight", glass(30)).await;
    assert_eq!(opened.status, StatusCode::CREATED, "{}", opened.text());
    assert_eq!(names("/field/people", "people", "person").await, ["P-1", "P-2", "P-3"]);
    assert_eq!(names(&path, "people", "person").await.len(), 3);
    let sights = room.house.get(&room.root, "/field/sights").await.json();
    assert_eq!((&sights["sights"][0]["views"], &sights["sights"][0]["user"]["name"]), (&json!(2), &json!("rosa")));
    let ledger = room.house.get(&room.root, "/ledger?limit=20").await;
    assert!(ledger.text().contains("glass.look") && ledger.text().contains("glass.break"), "{}", ledger.text());
    room.house.clock.advance_s(31 * 60);
    assert_eq!(names("/field/people", "people", "person").await, ["P-3"], "it closes by itself");
}

#[tokio::test]
async fn messages_are_read_answered_and_relayed() {
    let room = Room::open().await;
    room.sms("+67077000001", "where is the convoy").await;
    let unread = room.house.get(&room.operator, "/field/messages?unread=true").await.json();
    let message = &unread["messages"][0];
    assert_eq!((&message["name"], &message["taken_as"]), (&json!("Ana Soares"), &json!("unread")));
    assert_eq!(message["relayed_by"], json!(["BF12"]));
    let id = message["id"].as_str().unwrap();
    let seen =
        room.house.post(&room.operator, &format!("/field/messages/{id}/seen"), json!({"reason": "told her"})).await;
    assert_eq!(seen.status, StatusCode::NO_CONTENT, "{}", seen.text());
    assert_eq!(room.house.get(&room.operator, "/field/messages?unread=true").await.json()["messages"], json!([]));
    let written =
        json!({"to": "p-1", "text": "at the bridge, all well", "relayed_for": "bf12", "precedence": "immediate"});
    let sent = room.house.post(&room.operator, "/field/messages/sent", written).await;
    assert_eq!((sent.status, &sent.json()["state"]), (StatusCode::CREATED, &json!("queued")), "{}", sent.text());
    for (to, status) in [("p-2", 422), ("nobody", 422), ("+670 7700 0009", 201), ("a@b.example", 201)] {
        let reply = room.house.post(&room.operator, "/field/messages/sent", json!({"to": to, "text": "x"})).await;
        assert_eq!(reply.status.as_u16(), status, "{to}: {}", reply.text());
    }
    let list = room.house.get(&room.operator, "/field/messages/sent").await.json();
    assert_eq!(list["messages"].as_array().unwrap().len(), 3);
    let log = room.house.get(&room.operator, "/field/log?limit=10").await.text();
    assert!(log.contains("message to Ana Soares, relayed for BF12 (immediate): at the bridge, all well"), "{log}");
}

#[tokio::test]
async fn an_incident_is_reported_followed_up_and_linked() {
    let room = Room::open().await;
    room.enter("inc p-3 where:market what:shots sev:critical").await;
    room.house.store.postman(room.house.respond.subscriber()).round().await.unwrap();
    room.house.tell_the_room().await;
    let reports = room.house.get(&room.operator, "/field/reports").await.json();
    let report = &reports["reports"][0];
    assert_eq!((&report["label"], &report["organisations"]), (&json!("IR-0001"), &json!(["REL"])));
    assert_eq!(report["incident_label"], "INC-0001", "the case that was opened for it is known: {report}");
    let path = format!("/field/reports/{}", report["id"].as_str().unwrap());
    let commands = format!("{path}/commands");
    let situation = json!({"command": "situation", "text": "everybody is inside", "send": true});
    assert_eq!(room.house.post(&room.operator, &commands, situation).await.json()["situation_reports"], 1);
    let action = json!({"command": "action", "text": "police called"});
    assert_eq!(room.house.post(&room.operator, &commands, action).await.status, StatusCode::OK);
    let link = json!({"command": "link", "incident": report["incident"]});
    assert_eq!(room.house.post(&room.operator, &commands, link).await.status, StatusCode::OK);
    let nothing = json!({"command": "link", "incident": "incident-00000000-0000-7000-8000-000000000000"});
    assert_eq!(room.house.post(&room.operator, &commands, nothing).await.status, StatusCode::NOT_FOUND);
    let close = json!({"command": "close", "outcome": "nobody was hurt"});
    assert_eq!(room.house.post(&room.operator, &commands, close).await.json()["outcome"], "nobody was hurt");
    let whole = room.house.get(&room.operator, &path).await.json();
    let kinds: Vec<&str> =
        whole["lines"].as_array().unwrap().iter().map(|line| line["kind"].as_str().unwrap()).collect();
    assert_eq!(kinds, ["flash", "situation", "action", "link", "closed"]);
    assert_eq!(whole["links"][0]["label"].as_str().unwrap().split(':').next(), Some("INC-0001"));
    let late = json!({"command": "situation", "text": "more"});
    assert_eq!(room.house.post(&room.operator, &commands, late).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}

#[tokio::test]
async fn who_can_help_what_works_and_who_is_looked_for() {
    let room = Room::open().await;
    let csv = "key,name,kind,phone,latitude,longitude\nHOSP,Hospital,hospital,555-1,-8.55,125.60\n";
    room.house.post(&room.root, "/field/register/facility/import", json!({"csv": csv, "reason": "list"})).await;
    let nearest = "/field/facilities/nearest?latitude=-8.55&longitude=125.57&kind=hospital";
    let found = room.house.get(&room.operator, nearest).await.json();
    let first = &found["facilities"][0];
    assert_eq!((&first["phone"], &first["crow_flies"]), (&json!("555-1"), &json!(true)), "{found}");
    let roads = json!({"geojson": "{\"features\":[{\"type\":\"Feature\",\"properties\":{\"name\":\"Road\"},\"geometry\":{\"type\":\"LineString\",\"coordinates\":[[125.57,-8.55],[125.6,-8.55]]}}]}", "reason": "survey"});
    let imported = room.house.post(&room.root, "/field/roads/import", roads).await;
    assert_eq!(imported.json()["written"], true, "{}", imported.text());
    let found = room.house.get(&room.operator, nearest).await.json();
    assert_eq!(found["facilities"][0]["crow_flies"], false, "{found}");
    for (bad, status) in [("season=monsoon", 422), ("kind=moon", 422), ("capability=a,b", 200)] {
        let reply = room.house.get(&room.operator, &format!("{nearest}&{bad}")).await;
        let reply = if bad.starts_with("kind") {
            room.house.get(&room.operator, "/field/facilities/nearest?latitude=-8.55&longitude=125.57&kind=moon").await
        } else {
            reply
        };
        assert_eq!(reply.status.as_u16(), status, "{bad}: {}", reply.text());
    }

    let csv = "key,name,kind\nUPS,UPS of the room,ups\n";
    room.house.post(&room.root, "/field/register/equipment/import", json!({"csv": csv, "reason": "list"})).await;
    room.enter("sys ups 7%").await;
    let systems = room.house.get(&room.operator, "/field/systems").await.json();
    assert_eq!((&systems["power_low"], &systems["anomalies"][0]["label"]), (&json!(true), &json!("AN-0001")));
    let trends = room.house.get(&room.operator, "/field/rounds/trends?days=7").await.json();
    assert_eq!((&trends["days"], &trends["signs"]), (&json!(7), &json!([])));
}

#[tokio::test]
async fn a_missing_person_is_looked_for_and_who_left_is_erased() {
    let room = Room::open().await;
    let traces =
        room.house.post(&room.operator, "/field/people/p-1/traces", json!({"reason": "not heard since noon"})).await;
    assert_eq!(traces.status, StatusCode::OK, "{}", traces.text());
    assert_eq!(traces.json()["traces"][0]["trace"], "position");
    assert!(traces.json()["query"].as_str().unwrap().contains("let person = \"P-1\""));
    let log = room.house.get(&room.operator, "/field/log?limit=5").await.text();
    assert!(log.contains("the last traces of Ana Soares (P-1) are looked for: not heard since noon"), "{log}");
    let erase = async |key: &str| {
        room.house.post(&room.root, &format!("/field/people/{key}/erase"), json!({"reason": "past its time"})).await
    };
    assert_eq!(erase("p-1").await.status, StatusCode::UNPROCESSABLE_ENTITY, "she is here");
    let retire = json!({"key": "p-1", "version": 1, "reason": "left"});
    let retired = room.house.post(&room.root, "/field/register/person/retire", retire).await;
    assert!(retired.status.is_success(), "{}", retired.text());
    let erased = erase("p-1").await;
    assert_eq!(erased.status, StatusCode::OK, "{}", erased.text());
    assert!(erased.json()["ledger"].as_u64().unwrap() > 0, "{}", erased.text());
    let log = room.house.get(&room.operator, "/field/log?limit=5").await.text();
    assert!(!log.contains("Ana Soares"), "{log}");
    assert_eq!(room.house.store.verify_ledger().await.unwrap().fault, None);
    let tree = room.house.get(&room.operator, "/field/phone-tree").await.json();
    assert_eq!(tree["zones"][0]["people"].as_array().unwrap().len(), 2, "{tree}");
}

/// A map without internet: read by ranges, as its readers do, and by nobody who may not see the room.
#[tokio::test]
async fn the_base_map_is_read_by_ranges() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("country.pmtiles");
    let map: Vec<u8> = b"PMTiles\x03".iter().copied().chain((0..200_000_u32).map(|at| at.to_le_bytes()[0])).collect();
    std::fs::write(&path, &map).unwrap();
    let config = ServerConfig { password_checks: 4, map_file: Some(path.clone()), ..ServerConfig::default() };
    let house = House::with(config, Console::from_files([])).await;
    let root = house.administrator().await;
    let operator = house.person(&root, "olga", &["operator"]).await;
    let ask = async |client: &Client, headers: &[(&str, &str)]| {
        let mut request = Request::get("/api/v1/field/map/base.pmtiles");
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        house.send(client, request.body(Body::empty()).unwrap()).await
    };
    let whole = ask(&operator, &[]).await;
    assert_eq!((whole.status, whole.body == map), (StatusCode::OK, true));
    let tag = whole.header("etag").to_owned();
    let part = ask(&operator, &[("range", "bytes=7-16")]).await;
    assert_eq!((part.status, part.body.as_slice()), (StatusCode::PARTIAL_CONTENT, &map[7..17]));
    assert_eq!(part.header("content-range"), format!("bytes 7-16/{}", map.len()));
    assert_eq!(ask(&operator, &[("range", "bytes=900000-")]).await.status, StatusCode::RANGE_NOT_SATISFIABLE);
    assert_eq!(ask(&operator, &[("if-none-match", &tag)]).await.status, StatusCode::NOT_MODIFIED);
    let other = ask(&operator, &[("range", "bytes=0-9"), ("if-range", "\"another\"")]).await;
    assert_eq!((other.status, other.body.len()), (StatusCode::OK, map.len()));
    assert_eq!(ask(&Client::default(), &[]).await.status, StatusCode::UNAUTHORIZED);
    // What is no map is not handed out, whatever the configuration says.
    std::fs::write(&path, b"-----BEGIN PRIVATE KEY-----").unwrap();
    let refused = ask(&operator, &[]).await;
    assert_eq!(refused.status, StatusCode::NOT_FOUND);
    assert!(refused.text().contains("no PMTiles archive"), "{}", refused.text());
    let none = House::new().await;
    let root = none.administrator().await;
    let reply = none.get(&root, "/field/map/base.pmtiles").await;
    assert!(reply.status == StatusCode::NOT_FOUND && reply.text().contains("field.map_file"), "{}", reply.text());
}

#[tokio::test]
async fn crossings_and_how_long_positions_are_kept() {
    let room = Room::open().await;
    let csv = "key,name,kind,shape,width_m\nRIVER,River bed,no-go,\"POLYGON ((125.60 -8.60, 125.70 -8.60, 125.70 -8.50, \
               125.60 -8.50, 125.60 -8.60))\",\n";
    let body = json!({ "csv": csv, "reason": "first list" });
    let reply = room.house.post(&room.root, "/field/register/fence/import", body).await;
    assert_eq!(reply.json()["written"], true, "{}", reply.text());
    for longitude in [125.50, 125.50, 125.65, 125.65] {
        room.fix("T-1", longitude).await;
        room.house.clock.advance_s(600);
    }
    let found = room.house.get(&room.operator, "/field/crossings?fence=river").await.json();
    let crossing = &found["crossings"][0];
    assert_eq!(
        (&crossing["holder"], &crossing["fence_kind"], &crossing["side"]),
        (&json!("UN-1"), &json!("no-go"), &json!("inside")),
        "{found}"
    );
    let before = format!("/field/crossings?before={}", crossing["at"].as_str().unwrap());
    assert_eq!(room.house.get(&room.operator, &before).await.json()["crossings"], json!([]));
    let settings = room.house.get(&room.operator, "/field/settings").await.json();
    assert_eq!(settings["positions_kept_days"], 730);
    let save = async |days: i64| {
        let body =
            json!({ "public_url": "", "positions_kept_days": days, "reason": "as the data protection officer asks" });
        room.house.call(&room.root, Method::PUT, "/field/settings", body).await
    };
    assert_eq!(save(90).await.json()["positions_kept_days"], 90);
    assert_eq!(save(-1).await.status, StatusCode::UNPROCESSABLE_ENTITY);
}
