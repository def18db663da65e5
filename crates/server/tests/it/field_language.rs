//! The Field desk over the API in six languages: what is read, entered, refused and sent.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use courier::sms::{Coding, plan};
use kernel::Fact;
use serde_json::{Value as Json, json};
use store::OutboxPort;

use crate::house::{Client, House};

struct Room {
    house: House,
    root: Client,
    operator: Client,
}

impl Room {
    async fn open() -> Room {
        let house = House::new().await;
        let root = house.administrator().await;
        let operator = house.person(&root, "olga", &["operator"]).await;
        let office = [
            ("organisation", "key,name,kind\nUNA,Agency for Almanacs,un\n"),
            (
                "person",
                "key,name,category,organisation,presence,phone,language\nP-1,Ana Soares,staff,UNA,present,+67077000001,en\n\
                 P-2,Beto Lima,staff,UNA,present,+67077000002,pt\nP-3,Carla Reis,staff,UNA,present,+67077000003,fr\n\
                 P-4,Dino Costa,staff,UNA,present,+67077000004,es\nP-5,Noor Haddad,staff,UNA,present,+67077000005,ar\n\
                 P-6,Eva Soares,staff,UNA,present,+67077000006,tet\nP-7,Fio Melo,staff,UNA,present,+67077000007,\n",
            ),
        ];
        for (noun, csv) in office {
            let body = json!({"csv": csv, "reason": "first list"});
            let reply = house.post(&root, &format!("/field/register/{noun}/import"), body).await;
            assert_eq!(reply.json()["written"], true, "{}", reply.text());
        }
        let sign =
            json!({"sign": "BF12", "holder_kind": "person", "holder": "P-1", "network": "VHF-1", "reason": "list"});
        let assigned = house.post(&root, "/field/call-signs", sign).await;
        assert!(assigned.status.is_success(), "{}", assigned.text());
        Room { house, root, operator }
    }

    async fn ask(&self, method: Method, path: &str, language: &str, body: Option<Json>) -> (StatusCode, Json) {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("content-type", "application/json")
            .header("accept-language", language)
            .body(body.map_or(Body::empty(), |body| Body::from(body.to_string())))
            .unwrap();
        let reply = self.house.send(&self.operator, request).await;
        (reply.status, reply.json())
    }
}

/// Isolates are there for the eye alone.
fn plain(text: &Json) -> String {
    text.as_str().unwrap_or_default().replace(['\u{200f}', '\u{2066}', '\u{2068}', '\u{2069}'], "")
}

#[tokio::test]
async fn the_desk_is_told_in_the_language_that_it_asks_for() {
    let room = Room::open().await;
    let read = [
        ("en", "BF12 (Ana Soares) is well"),
        ("fr-FR,fr;q=0.9,en;q=0.8", "BF12 (Ana Soares) va bien"),
        ("es", "BF12 (Ana Soares) está bien"),
        ("pt", "BF12 (Ana Soares) está bem"),
        ("ar", "BF12 (Ana Soares) بخير"),
        ("tet", "BF12 (Ana Soares) di'ak"),
        ("ja", "BF12 (Ana Soares) is well"),
    ];
    for (language, meaning) in read {
        let line = json!({"line": "bf12 ok", "offset": 7});
        let (_, reading) = room.ask(Method::POST, "/field/log/read", language, Some(line)).await;
        assert_eq!(plain(&reading["meaning"]), meaning, "{language}");
    }
    let (status, refused) = room.ask(Method::POST, "/field/log", "fr", Some(json!({"line": "rc end"}))).await;
    assert_eq!(status, StatusCode::UNPROCESSABLE_ENTITY);
    let problem = "aucun contrôle radio n'est ouvert : d'abord `rc start`";
    assert_eq!((&refused["detail"], &refused["diagnostics"][0]["message"]), (&json!(problem), &json!(problem)));
    let (status, _) = room.ask(Method::POST, "/field/log", "fr", Some(json!({"line": "bf12 sos"}))).await;
    assert_eq!(status, StatusCode::CREATED);
    // One entry and one alarm, each reader has it in theirs.
    let alarms = [
        ("en", "BF12 (Ana Soares) calls for help"),
        ("pt", "BF12 (Ana Soares) pede socorro"),
        ("ar", "BF12 (Ana Soares) يطلب النجدة"),
    ];
    for (language, title) in alarms {
        let (_, alarms) = room.ask(Method::GET, "/field/alarms", language, None).await;
        assert_eq!(plain(&alarms["alarms"][0]["title"]), title, "{language}");
        let (_, desk) = room.ask(Method::GET, "/field/desk", language, None).await;
        assert!(plain(&desk["sheet"][0]["text"]).starts_with(title), "{desk}");
        let (_, log) = room.ask(Method::GET, "/field/log", language, None).await;
        let outcomes: Vec<String> = log["entries"]
            .as_array()
            .unwrap()
            .iter()
            .flat_map(|entry| entry["outcome"].as_array().unwrap())
            .map(plain)
            .collect();
        assert!(outcomes.iter().any(|outcome| outcome.ends_with(title)), "{language}: {outcomes:?}");
    }
    // A refusal that is no finding of a line.
    let id = room.ask(Method::GET, "/field/alarms", "en", None).await.1["alarms"][0].clone();
    let command = json!({"version": id["version"], "reason": "because", "command": "no-answer", "attempt": 99});
    let path = format!("/field/alarms/{}/commands", id["id"].as_str().unwrap());
    let (_, refused) = room.ask(Method::POST, &path, "es", Some(command)).await;
    assert_eq!(refused["detail"], "el intento 99 no espera respuesta", "{refused}");
}

#[tokio::test]
async fn people_are_asked_in_their_own_language_in_one_short_message() {
    let room = Room::open().await;
    let settings = json!({"public_url": "https://vigie.example.org/", "language": "pt", "reason": "the office's"});
    let saved = room.house.call(&room.root, Method::PUT, "/field/settings", settings).await;
    assert_eq!(saved.json()["language"], "pt", "{}", saved.text());
    let wrong = json!({"public_url": "", "language": "xx", "reason": "a try"});
    let refused = room.house.call(&room.root, Method::PUT, "/field/settings", wrong).await;
    assert_eq!(refused.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(refused.json()["detail"], "language: one of en, fr, es, pt, ar, tet", "{}", refused.text());
    let (status, _) = room.ask(Method::POST, "/field/log", "en", Some(json!({"line": "hc start all"}))).await;
    assert_eq!(status, StatusCode::CREATED);
    let facts = room.house.store.facts_after(0, 10_000).await.unwrap();
    let mut asked = Vec::new();
    for stored in facts {
        let Fact::MessagesRequested { dispatches, .. } = stored.fact.unwrap() else { continue };
        for one in dispatches {
            // The first line is the subject of a mail, and stands in a short message once.
            assert_eq!(one.subject, None);
            let sent = plan(&one.text);
            let begins = one.text.split("https").next().unwrap_or_default().trim().to_owned();
            asked.push((one.recipient, begins, sent.coding, sent.segments.len()));
        }
    }
    asked.sort_unstable_by(|left, right| left.0.cmp(&right.0));
    let wanted = [
        ("Ana Soares", "HC-0001: Ana Soares, are you safe?\nAnswer SAFE or HELP.", Coding::Gsm7, 1),
        ("Beto Lima", "HC-0001: Beto Lima, tudo bem?\nResponda SEGURO ou AJUDA.", Coding::Gsm7, 1),
        ("Carla Reis", "HC-0001: Carla Reis, tout va bien?\nRépondez SAUF ou AIDE.", Coding::Gsm7, 1),
        ("Dino Costa", "HC-0001: Dino Costa, todo bien?\nResponda A SALVO o AYUDA.", Coding::Gsm7, 1),
        ("Eva Soares", "HC-0001: Eva Soares, ita seguru ka?\nHatan SEGURU ka TULUN.", Coding::Gsm7, 1),
        ("Fio Melo", "HC-0001: Fio Melo, tudo bem?\nResponda SEGURO ou AJUDA.", Coding::Gsm7, 1),
        (
            "Noor Haddad",
            "\u{200f}\u{200e}HC-0001\u{200e}: \u{200e}Noor Haddad\u{200e}، هل أنت في أمان؟\nأجب: آمن أو مساعدة.",
            Coding::Ucs2,
            2,
        ),
    ];
    let asked: Vec<(&str, &str, Coding, usize)> =
        asked.iter().map(|(name, text, coding, count)| (name.as_str(), text.as_str(), *coding, *count)).collect();
    assert_eq!(asked, wanted);
}
