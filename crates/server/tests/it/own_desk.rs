//! What the desk says of the caller themselves, and the names that records bring along.

use axum::http::StatusCode;
use serde_json::json;

use crate::house::{Client, House};

const OFFICE: &str = r#"
[settings.house]
title = "Office"
time_zone = "UTC"

[role.keys]
title = "Keys of the vault"
kind = "technical"
owner = "P-1"
privileged = true
grants = ["safe/Vault"]

[system.safe]
title = "Safe"
owner = "P-1"
anchor = "externalId"
[system.safe.login]
template = "{{ person.family_name | lower }}"
scope = "safe"

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

const PEOPLE: &str = "person,contract,given,family,begins,job\nP-1,C-1,Ada,Osei,2020-01-01,head\nP-2,C-2,Bo,Lind,2020-01-01,clerk\nEND,2\n";

/// Who is locked out is so here as well, with the session that is open, and lets nobody in, least of all themselves.
async fn locked_out_of_vigie_too(house: &House, root: &Client, officer: &Client, person: &str) {
    let order = json!({ "reason": "a stolen laptop" });
    let out = house.post(root, &format!("/identity/people/{person}/lock-out"), order.clone()).await;
    assert!(out.status.is_success(), "{}", out.text());
    let read = house.get(officer, "/identity/people").await;
    assert_eq!((read.status, &read.json()["code"]), (StatusCode::FORBIDDEN, &json!("locked-out")), "{}", read.text());
    let let_in = format!("/identity/people/{person}/let-in");
    assert_eq!(house.post(officer, &let_in, order.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.get(officer, "/session").await.status, StatusCode::OK, "who they are is still told");
    assert_eq!(house.post(root, &let_in, order).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.get(officer, "/identity/people").await.status, StatusCode::OK);
}

#[tokio::test]
async fn whoever_is_linked_sees_what_they_may_borrow_and_names_instead_of_ids() {
    let house = House::new().await;
    let root = house.administrator().await;
    let nobody = house.get(&root, "/access/me").await.json();
    assert_eq!((&nobody["person"], &nobody["eligible"]), (&json!(null), &json!([])));
    let saved = house
        .call(&root, axum::http::Method::PUT, "/identity/documents", json!({ "toml": OFFICE, "reason": "begin" }))
        .await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let batch = house.post(&root, "/identity/feeds/hr/deliveries", json!({ "body": PEOPLE })).await;
    assert_eq!(batch.json()["state"], "applied", "{}", batch.text());
    let people = house.get(&root, "/identity/people?search=osei").await.json();
    let ada = people["people"][0]["id"].as_str().unwrap().to_owned();
    let user = house.get(&root, "/session").await.json()["signed_in"]["user"]["id"].as_str().unwrap().to_owned();
    let linked = house.post(&root, "/access/logins", json!({ "user": user, "person": ada })).await;
    assert_eq!(linked.status, StatusCode::NO_CONTENT, "{}", linked.text());
    let logins = house.get(&root, "/access/logins").await.json();
    assert_eq!(logins["logins"], json!([{ "user": user, "person": ada }]));
    assert_eq!(logins["names"][&ada], "Ada Osei");

    let give = json!({ "target_kind": "role", "target": "keys", "mode": "eligible", "reason": "on call" });
    let path = format!("/identity/people/{ada}/assignments");
    let own = house.post(&root, &path, give.clone()).await;
    assert_eq!(own.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", own.text());
    let officer = house.person(&root, "officer", &["access-officer"]).await;
    let who = house.get(&officer, "/session").await.json();
    let officer_id = who["signed_in"]["user"]["id"].as_str().unwrap().to_owned();
    let people = house.get(&root, "/identity/people?search=lind").await.json();
    let bo = people["people"][0]["id"].as_str().unwrap().to_owned();
    let link = |person: &str| json!({ "user": officer_id, "person": person });
    assert_eq!(house.post(&officer, "/access/logins", link(&bo)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.post(&root, "/access/logins", link(&ada)).await.status, StatusCode::UNPROCESSABLE_ENTITY);
    assert_eq!(house.post(&root, "/access/logins", link(&bo)).await.status, StatusCode::NO_CONTENT);
    let given = house.post(&officer, &path, give).await;
    assert_eq!(given.status, StatusCode::CREATED, "{}", given.text());
    locked_out_of_vigie_too(&house, &root, &officer, &bo).await;
    let unlink = format!("/access/logins/{officer_id}/unlink");
    let left = house.post(&root, &unlink, json!({ "reason": "left" })).await;
    assert_eq!(left.status, StatusCode::NO_CONTENT, "{}", left.text());
    let own = house.get(&root, "/access/me").await.json();
    assert_eq!((&own["person"], &own["name"]), (&json!(ada), &json!("Ada Osei")));
    let eligible = &own["eligible"][0];
    assert_eq!(eligible["title"], "Keys of the vault");
    assert_eq!((&eligible["max_hours"], &eligible["needs_ticket"]), (&json!(8), &json!(true)), "the strict default");
    assert_eq!(eligible["approval_minutes"], 60);

    let suggested = house.get(&root, "/identity/role-suggestions").await;
    assert_eq!(suggested.status, StatusCode::OK, "{}", suggested.text());
    assert_eq!(suggested.json()["people"], 2);
}

/// A personnel system's token delivers its feed, and does nothing else.
#[tokio::test]
async fn a_token_that_delivers_a_feed_does_nothing_else() {
    let house = House::new().await;
    let root = house.administrator().await;
    let saved = house
        .call(&root, axum::http::Method::PUT, "/identity/documents", json!({ "toml": OFFICE, "reason": "begin" }))
        .await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let bound = house.token(&root, &["deliver"], Some("hr")).await;
    let delivery = json!({ "body": PEOPLE });
    let other = house.post(&bound, "/identity/feeds/payroll/deliveries", delivery.clone()).await;
    assert_eq!(other.status, StatusCode::FORBIDDEN, "{}", other.text());
    let own = house.post(&bound, "/identity/feeds/hr/deliveries", delivery.clone()).await;
    assert_eq!((own.status, own.json()["state"].as_str()), (StatusCode::OK, Some("applied")), "{}", own.text());
    let mut allowed = Vec::new();
    for operation in house.server.operations().all().iter().filter(|one| one.path.starts_with("/api/v1/")) {
        let path = operation.path.trim_start_matches("/api/v1").replace("{id}", "hr");
        let answer = house.call(&bound, operation.method.clone(), &path, json!({})).await;
        if answer.status != StatusCode::FORBIDDEN && answer.status != StatusCode::UNAUTHORIZED {
            allowed.push(operation.id.clone());
        }
    }
    let open = |id: &&String| {
        !house.server.operations().all().iter().any(|one| one.id == **id && one.action.as_str() == "enter")
    };
    let beyond: Vec<&String> = allowed.iter().filter(open).collect();
    assert_eq!(beyond, ["deliver_feed"], "{allowed:?}");
    let unscoped = house.token(&root, &["read"], None).await;
    assert_eq!(house.post(&unscoped, "/identity/feeds/hr/deliveries", delivery).await.status, StatusCode::FORBIDDEN);
}
