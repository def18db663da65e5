//! Nothing that the Access desk answers tells of people whose record is restricted, but to those who manage the desk.

use std::collections::BTreeSet;

use axum::http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::house::{Client, House};

const OFFICE: &str = r#"
[settings.house]
title = "Office"
time_zone = "UTC"

[system.safe]
title = "Safe"
owner = "P-1"
connector = { kind = "memory" }
anchor = "externalId"
entitlement_attribute = "roles"
[system.safe.login]
template = "{{ person.family_name | lower }}"
scope = "safe"

[role.keys]
title = "Keys"
kind = "business"
owner = "P-1"
grants = ["safe/Vault", "safe/Ledger"]

[rule.everybody]
title = "Everybody"
owner = "P-1"
when = "true"
roles = ["keys"]

[feed.hr]
title = "Human resources"
owner = "P-1"
format = "csv"
trailer = "END"
[feed.hr.map]
anchor = "person"
number = "person"
key = "contract"
given_name = "given"
family_name = "family"
begins = "begins"
job = "job"
"#;

const PEOPLE: &str = "person,contract,given,family,begins,job\nP-1,C-1,Ada,Osei,2020-01-01,head\nP-2,C-2,Zora,Quennell,\
                      2020-01-01,clerk\nP-3,C-3,Bo,Lind,2020-01-01,clerk\nEND,3\n";

/// Ids of records in a value.
fn ids(value: &Json, found: &mut BTreeSet<String>) {
    match value {
        Json::String(text) if text.len() < 80 && text.split_once('-').is_some_and(|(_, rest)| rest.len() == 36) => {
            found.insert(text.clone());
        }
        Json::Array(all) => all.iter().for_each(|one| ids(one, found)),
        Json::Object(fields) => fields.values().for_each(|one| ids(one, found)),
        _ => {}
    }
}

/// Every read operation of the desk; where a path wants an id, with each id that there is.
async fn walk(house: &House, client: &Client, known: &BTreeSet<String>) -> Vec<(String, String)> {
    let mut answers = Vec::new();
    for operation in house.server.operations().all() {
        let path = operation.path.trim_start_matches("/api/v1");
        let of_desk = path.starts_with("/identity/") || path.starts_with("/access/");
        if operation.method != Method::GET || !of_desk {
            continue;
        }
        let places = match path.split_once('{') {
            None => vec![path.to_owned()],
            Some((before, rest)) => {
                let after = rest.split_once('}').map_or("", |(_, after)| after);
                let keys = known.iter().map(String::as_str).chain(["hr", "safe", "house"]);
                keys.map(|key| format!("{before}{key}{after}")).collect()
            }
        };
        for place in places.into_iter().filter(|place| !place.contains('{')) {
            let answer = house.get(client, &place).await;
            if answer.status.is_success() {
                answers.push((place, answer.text()));
            }
        }
    }
    answers
}

#[tokio::test]
async fn no_answer_of_the_desk_tells_of_them() {
    let house = House::new().await;
    let root = house.administrator().await;
    house.targets.put("safe", std::sync::Arc::new(connector::memory::Memory::new("safe")));
    let saved =
        house.call(&root, Method::PUT, "/identity/documents", json!({ "toml": OFFICE, "reason": "begin" })).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let batch = house.post(&root, "/identity/feeds/hr/deliveries", json!({ "body": PEOPLE })).await;
    assert_eq!(batch.json()["state"], "applied", "{}", batch.text());
    let duties = [
        ("sod-function", "open", json!({ "title": "Open", "owner": "P-1", "entitlements": ["safe/Vault"] })),
        ("sod-function", "book", json!({ "title": "Book", "owner": "P-1", "entitlements": ["safe/Ledger"] })),
        (
            "sod-rule",
            "apart",
            json!({ "title": "Apart", "owner": "P-1", "risk": "high",
            "sides": [["open"], ["book"]] }),
        ),
    ];
    for (kind, key, body) in duties {
        let draft = json!({ "kind": kind, "key": key, "body": body, "reason": "begin" });
        let saved = house.post(&root, "/access/documents", draft).await;
        assert!(saved.status.is_success(), "{key}: {}", saved.text());
    }
    let people = house.get(&root, "/identity/people?search=quennell").await.json();
    let zora = people["people"][0]["id"].as_str().unwrap().to_owned();
    let own = json!({ "reason": "investigation", "restrict": true });
    let out = house.post(&root, &format!("/identity/people/{zora}/lock-out"), own).await;
    assert!(out.status.is_success(), "{}", out.text());

    let mut known = BTreeSet::from([zora.clone()]);
    for _ in 0..2 {
        for (_, text) in walk(&house, &root, &known.clone()).await {
            ids(&serde_json::from_str(&text).unwrap_or_default(), &mut known);
        }
    }
    let tells = |text: &str| ["Quennell", "quennell", zora.as_str()].iter().any(|needle| text.contains(needle));
    let managers: Vec<String> =
        walk(&house, &root, &known).await.into_iter().filter(|(_, text)| tells(text)).map(|(place, _)| place).collect();
    assert!(managers.len() >= 8, "those who manage the desk see her: {managers:?}");
    for role in ["analyst", "auditor"] {
        let client = house.person(&root, role, &[role]).await;
        let answers = walk(&house, &client, &known).await;
        assert!(answers.len() > 20, "{role} reads the rest");
        let leaks: Vec<&(String, String)> = answers.iter().filter(|(_, text)| tells(text)).collect();
        assert!(leaks.is_empty(), "{role}: {leaks:?}");
    }
}
