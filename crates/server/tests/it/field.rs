//! The radio room over the API: an operator's shift.

use axum::http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::house::{Client, House};

const OFFICE: [(&str, &str); 4] = [
    ("organisation", "key,name,kind\nUNA,Agency for Almanacs,un\n"),
    (
        "person",
        "key,name,category,organisation,presence\nP-1,Ana Soares,staff,UNA,present\nP-2,Beto Lima,staff,UNA,present\n",
    ),
    ("vehicle", "key,name,organisation,armoured\nUN-1,White pickup,UNA,no\n"),
    ("area", "key,name,risk\nHIGH,Highlands,high\n"),
];

struct Desk {
    house: House,
    root: Client,
    operator: Client,
}

impl Desk {
    async fn open() -> Desk {
        let house = House::new().await;
        let root = house.administrator().await;
        let operator = house.person(&root, "olga", &["operator"]).await;
        for (noun, csv) in OFFICE {
            let body = json!({"csv": csv, "reason": "first list"});
            let reply = house.post(&root, &format!("/field/register/{noun}/import"), body).await;
            assert_eq!((reply.status, &reply.json()["written"]), (StatusCode::OK, &json!(true)), "{}", reply.text());
        }
        for (sign, kind, holder) in [("BF11", "vehicle", "UN-1"), ("3621", "person", "P-1")] {
            let body = json!({"sign": sign, "holder_kind": kind, "holder": holder, "reason": "list of the month"});
            let reply = house.post(&root, "/field/call-signs", body).await;
            assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        }
        Desk { house, root, operator }
    }

    async fn enter(&self, line: &str) -> Json {
        let reply = self.house.post(&self.operator, "/field/log", json!({"line": line})).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        reply.json()
    }

    async fn on_the_road(&self) -> Json {
        let request = json!({
            "title": "School visit", "legs": [{"from": "BASE", "to": "Hilltop", "area": "HIGH"}], "vehicles": ["UN-1"],
            "people": [{"person": "P-1", "vehicle": "UN-1"}], "leader": "BF11", "reason": "asked for",
        });
        let reply = self.house.post(&self.operator, "/field/missions", request).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let mut mission = reply.json()["mission"].clone();
        for command in ["clear", "brief"] {
            let body = json!({"command": command, "version": mission["version"], "reason": "as asked"});
            mission = self.house.post(&self.operator, &path(&mission), body).await.json()["mission"].clone();
        }
        self.enter("bf11 dep").await;
        let id = mission["id"].as_str().unwrap();
        self.house.get(&self.operator, &format!("/field/missions/{id}")).await.json()
    }

    /// Lets time pass, with the deadlines and the outbox at work.
    async fn pass(&self, seconds: u64) {
        self.house.clock.advance_s(seconds);
        self.house.store.deadline_engine().tick().await.unwrap();
        self.house.tell_the_room().await;
        self.house.store.deadline_engine().tick().await.unwrap();
        self.house.tell_the_room().await;
    }
}

fn path(mission: &Json) -> String {
    format!("/field/missions/{}/commands", mission["id"].as_str().unwrap())
}

#[tokio::test]
async fn a_missed_contact_is_an_alarm_until_somebody_is_heard() {
    let desk = Desk::open().await;
    let mission = desk.on_the_road().await;
    assert_eq!((&mission["state"], &mission["contact"]), (&json!("departed"), &json!("ok")));
    assert_eq!(mission["manifest"][0]["name"], "Ana Soares");
    desk.pass(901).await;
    let alarms = desk.house.get(&desk.operator, "/field/alarms").await.json();
    let alarm = &alarms["alarms"][0];
    assert_eq!((&alarm["kind"], &alarm["state"]), (&json!("contact-overdue"), &json!("open")), "{alarms}");
    let attempt = &alarm["attempts"][0];
    assert_eq!((&attempt["role"], &attempt["state"]), (&json!("desk"), &json!("pending")));

    let commands = format!("/field/alarms/{}/commands", alarm["id"].as_str().unwrap());
    let answer = |name: &str, version: &Json| json!({"command": "acknowledge", "attempt": 1, "name": name, "version": version, "reason": "calling them"});
    let answered = desk.house.post(&desk.operator, &commands, answer("Olga", &alarm["version"])).await;
    assert_eq!(answered.json()["owner"], "Olga", "{}", answered.text());
    let late = desk.house.post(&desk.root, &commands, answer("Root", &alarm["version"])).await;
    assert_eq!((late.status, late.code().as_str()), (StatusCode::CONFLICT, "conflict"));
    assert_eq!(late.json()["theirs"]["owner"], "Olga", "taken by somebody else");
    let close = json!({"command": "close", "version": answered.json()["version"], "reason": "tired of it"});
    let refused = desk.house.post(&desk.operator, &commands, close).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert!(refused.text().contains("log who was heard"), "{}", refused.text());

    let entry = desk.enter("bf11 ok").await;
    assert!(entry["outcome"].to_string().contains("A-0001 closed: heard again"), "{entry}");
    assert_eq!(desk.house.get(&desk.operator, "/field/alarms").await.json()["alarms"], json!([]));
    let closed = desk.house.get(&desk.operator, "/field/alarms?all=true").await.json();
    assert_eq!(closed["alarms"][0]["outcome"], "heard again");
    let log = desk.house.get(&desk.operator, "/field/log?limit=2").await.json();
    assert_eq!((&log["entries"][0]["kind"], &log["entries"][0]["author_name"]), (&json!("contact"), &json!("olga")));
    let next = log["next"].as_i64().unwrap();
    let older = desk.house.get(&desk.operator, &format!("/field/log?limit=500&before={next}")).await.json();
    assert_eq!((&older["entries"][0]["number"], &older["next"]), (&json!(next - 1), &json!(null)));
}

#[tokio::test]
async fn a_line_is_read_before_it_is_entered() {
    let desk = Desk::open().await;
    let read = async |line: &str, offset: usize| {
        desk.house.post(&desk.operator, "/field/log/read", json!({"line": line, "offset": offset})).await.json()
    };
    let reading = read("🛰 3", 4).await;
    assert_eq!(reading["usable"], true);
    let good = read("3621 pos -8.55 125.57", 21).await;
    assert_eq!(good["meaning"], "3621 (Ana Soares) is at 8.55° S 125.57° E");
    let begun = read("36", 2).await;
    let proposal = &begun["completions"][0];
    assert_eq!(proposal, &json!({"text": "3621", "says": "Ana Soares", "start": 0, "end": 2}));
    let bad = desk.house.post(&desk.operator, "/field/log", json!({"line": "bf11 pos 95 1"})).await;
    assert_eq!((bad.status.as_u16(), bad.code().as_str()), (422, "invalid-line"));
    let finding = &bad.json()["diagnostics"][0];
    assert_eq!((&finding["start"], &finding["end"], &finding["code"]), (&json!(9), &json!(11), &json!("FLD0003")));
    let log = desk.house.get(&desk.operator, "/field/log").await.json();
    assert_eq!(log["entries"], json!([]), "what cannot be used is not entered");
}

#[tokio::test]
async fn rounds_and_headcounts_are_kept_by_lines() {
    let desk = Desk::open().await;
    for line in ["rc start", "rc 11 3621-", "rc end", "hc start all", "hc 3621 safe"] {
        desk.enter(line).await;
    }
    let rounds = desk.house.get(&desk.operator, "/field/rounds").await.json();
    let id = rounds["rounds"][0]["id"].as_str().unwrap().to_owned();
    let round = desk.house.get(&desk.operator, &format!("/field/rounds/{id}")).await.json();
    let hearing: Vec<&Json> = round["roster"].as_array().unwrap().iter().map(|call| &call["hearing"]).collect();
    assert_eq!(hearing, [&json!("not-heard"), &json!("heard")], "{round}");
    let counts = desk.house.get(&desk.operator, "/field/headcounts").await.json();
    let id = counts["headcounts"][0]["id"].as_str().unwrap().to_owned();
    let count = desk.house.get(&desk.operator, &format!("/field/headcounts/{id}")).await.json();
    assert_eq!(count["tally"]["words"], "1 of 2, 1 unknown: call P-2");
    assert_eq!(count["by_organisation"]["UNA"]["total"], 2);
    assert_eq!(desk.house.get(&desk.operator, "/field/rounds/round-x").await.status, StatusCode::NOT_FOUND);
}

#[tokio::test]
async fn the_register_says_what_is_wrong_and_where() {
    let desk = Desk::open().await;
    let nouns = desk.house.get(&desk.operator, "/field/register").await.json();
    assert_eq!(nouns["nouns"].as_array().unwrap().len(), 12);
    let csv = "key,name,kind\nNEW,Néw,un\nBAD,Bad,moon\n";
    let body = json!({"csv": csv, "trial": true, "reason": "trial"});
    let tried = desk.house.post(&desk.root, "/field/register/organisation/import", body.clone()).await.json();
    assert_eq!((&tried["created"], &tried["written"]), (&json!(1), &json!(false)));
    let finding = &tried["findings"][0];
    assert_eq!((&finding["line"], &finding["start"]), (&json!(3), &json!(25)), "{tried}");
    let denied = desk.house.post(&desk.operator, "/field/register/organisation/import", body).await;
    assert_eq!(denied.status, StatusCode::FORBIDDEN, "operators keep the log, not the register");

    let save = |version: i64, risk: &str, interval: &str| {
        json!({"key": "high", "version": version, "reason": "new assessment",
               "fields": {"name": "Highlands", "risk": risk, "contact_interval_min": interval}})
    };
    let put = async |body: Json| desk.house.call(&desk.root, Method::PUT, "/field/register/area", body).await;
    let saved = put(save(1, "high", "10")).await;
    assert_eq!((&saved.json()["version"], &saved.json()["fields"]["contact_interval_min"]), (&json!(2), &json!("10")));
    assert_eq!(put(save(1, "high", "20")).await.status, StatusCode::CONFLICT);
    let wrong = put(save(2, "high", "2")).await;
    assert_eq!((wrong.status.as_u16(), &wrong.json()["parameters"]["field"]), (422, &json!("contact_interval_min")));
    let mission = desk.on_the_road().await;
    let due: kernel::Timestamp = mission["due"].as_str().unwrap().parse().unwrap();
    assert_eq!(due.micros() - desk.house.store.now().micros(), 600_000_000, "the new interval holds at once");
}

#[tokio::test]
async fn a_duress_word_looks_normal_and_tells_only_those_who_are_told() {
    let desk = Desk::open().await;
    let users = desk.house.get(&desk.root, "/users").await.json();
    let root_id = users["users"].as_array().unwrap().iter().find(|user| user["name"] == "root").unwrap()["id"].clone();
    let phrase = json!({"phrase": "blue umbrella", "shown_as": "all well", "tell": [root_id], "reason": "agreed"});
    let set = desk.house.post(&desk.root, "/field/duress", phrase).await;
    assert_eq!(set.status, StatusCode::CREATED, "{}", set.text());
    assert!(!set.text().contains("umbrella"));
    let entry = desk.enter("3621 ok blue umbrella").await;
    assert_eq!(entry["line"], "3621 ok all well");
    assert_eq!(desk.house.get(&desk.operator, "/field/alarms").await.json()["alarms"], json!([]));
    let told = desk.house.get(&desk.root, "/field/alarms").await.json();
    assert_eq!(told["alarms"][0]["title"], "3621 (Ana Soares) used a duress word in entry 1");
    let hidden = format!("/field/alarms/{}/commands", told["alarms"][0]["id"].as_str().unwrap());
    let close = json!({"command": "close", "version": 1, "reason": "seen"});
    let missing = desk.house.post(&desk.operator, &hidden, close.clone()).await;
    assert_eq!(missing.status, StatusCode::NOT_FOUND, "it does not even exist for others");
    assert_eq!(desk.house.post(&desk.root, &hidden, close).await.status, StatusCode::OK);
    let nobody = json!({"phrase": "red umbrella", "shown_as": "x", "tell": ["user-x"], "reason": "agreed"});
    assert_eq!(desk.house.post(&desk.root, "/field/duress", nobody).await.status, StatusCode::NOT_FOUND);
    let id = set.json()["id"].as_str().unwrap().to_owned();
    let path = format!("/field/duress/{id}/delete");
    let dropped = desk.house.post(&desk.root, &path, json!({"reason": "said aloud"})).await;
    assert_eq!(dropped.status, StatusCode::NO_CONTENT);
}

#[tokio::test]
async fn the_desk_is_handed_over_by_two_signatures() {
    let desk = Desk::open().await;
    let relief = desk.house.person(&desk.root, "petra", &["operator"]).await;
    let at_desk = async |who: &Client, body: Json| desk.house.post(who, "/field/desk/commands", body).await;
    assert_eq!(at_desk(&desk.operator, json!({"command": "take"})).await.json()["shift"]["officer_name"], "olga");
    desk.on_the_road().await;
    desk.pass(901).await;
    let sheet = desk.house.get(&relief, "/field/desk").await.json();
    let overdue: Vec<&str> = sheet["sheet"]
        .as_array()
        .unwrap()
        .iter()
        .filter(|item| item["read_back"] == true)
        .map(|item| item["label"].as_str().unwrap())
        .collect();
    assert_eq!(overdue.len(), 2, "{sheet}");
    assert_eq!(at_desk(&desk.operator, json!({"command": "sign"})).await.status, StatusCode::OK);
    let unread = at_desk(&relief, json!({"command": "relieve", "read_back": []})).await;
    assert_eq!(unread.status, StatusCode::UNPROCESSABLE_ENTITY);
    let relieved = at_desk(&relief, json!({"command": "relieve", "read_back": overdue})).await;
    assert_eq!(relieved.json()["shift"]["officer_name"], "petra", "{}", relieved.text());
    let token = desk.house.token(&desk.operator, &["respond", "read"], None).await;
    assert_eq!(desk.house.get(&token, "/field/log").await.status, StatusCode::OK);
}

#[tokio::test]
async fn another_console_takes_the_line_over() {
    let desk = Desk::open().await;
    let relief = desk.house.person(&desk.root, "petra", &["operator"]).await;
    let keep = async |revision: i64, line: &str| {
        let body = json!({"line": line, "revision": revision});
        desk.house.call(&desk.operator, Method::PUT, "/field/drafts/console-a", body).await
    };
    assert_eq!(keep(1, "3621 arr sa").await.status, StatusCode::NO_CONTENT);
    let seen = desk.house.get(&relief, "/field/drafts").await.json()["drafts"][0].clone();
    assert_eq!((&seen["author_name"], &seen["line"]), (&json!("olga"), &json!("3621 arr sa")), "{seen}");
    let own = json!({"console": "console-b", "revision": 0});
    let taken = desk.house.post(&relief, "/field/drafts/console-a/take", own.clone()).await;
    assert_eq!((taken.status, &taken.json()["line"]), (StatusCode::OK, &json!("3621 arr sa")), "{}", taken.text());
    let late = keep(2, "3621 arr same").await;
    assert_eq!((late.status, late.code().as_str()), (StatusCode::CONFLICT, "draft-taken"), "{}", late.text());
    assert_eq!(late.json()["parameters"]["taken_by_name"], "petra", "{}", late.text());
    let revision = taken.json()["revision"].as_i64().unwrap() + 1;
    let body = json!({"line": "all quiet", "draft": {"console": "console-b", "revision": revision}});
    let entered = desk.house.post(&relief, "/field/log", body).await;
    assert_eq!(entered.status, StatusCode::CREATED, "{}", entered.text());
    assert_eq!(desk.house.get(&relief, "/field/drafts").await.json()["drafts"], json!([]));
    let nameless = json!({"console": "b", "revision": 0});
    let refused = desk.house.post(&relief, "/field/drafts/console-a/take", nameless).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", refused.text());
}
