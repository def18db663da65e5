//! Feeds that are asked, and who was told what, as the console sees them.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value as Json, json};
use server::listen;
use tokio_util::sync::CancellationToken;

use crate::house::{Client, House};

async fn get(house: &House, client: &Client, path: &str) -> Json {
    let reply = house.get(client, path).await;
    assert_eq!(reply.status, StatusCode::OK, "{path}: {}", reply.text());
    // What others build on is shown by `--nocapture`.
    println!("GET {path}\n{}\n", serde_json::to_string_pretty(&reply.json()).unwrap());
    reply.json()
}

#[tokio::test]
async fn a_feed_is_configured_asked_and_shown() {
    let house = House::new().await;
    let root = house.administrator().await;
    let folder = tempfile::tempdir().unwrap();
    let url = format!("sqlite:{}", folder.path().join("nobody.db").display());
    let body = json!({ "title": "Personnel", "owner": "P-1", "format": "json",
        "source": { "kind": "sql", "url": url, "query": "SELECT person FROM hr_people", "every_minutes": 30 },
        "map": { "anchor": "person", "key": "person", "given_name": "given", "family_name": "family", "begins": "begins" } });
    let save = json!({ "drafts": [{ "kind": "feed", "key": "hr", "body": body }], "reason": "the personnel database" });
    let saved = house.call(&root, axum::http::Method::PUT, "/identity/documents", save).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
    let shown = get(&house, &root, "/identity/feeds").await;
    let feed = &shown["feeds"][0];
    assert_eq!(
        (feed["feed"].as_str(), feed["asked"].as_str(), &feed["source"]),
        (Some("hr"), Some("sql"), &Json::Null)
    );
    let reply = house.post(&root, "/identity/feeds/hr/fetches", json!({ "reason": "new colleagues today" })).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    println!("POST /identity/feeds/hr/fetches\n{}\n", serde_json::to_string_pretty(&reply.json()).unwrap());
    let fetched = reply.json();
    assert_eq!(
        (fetched["source"]["state"].as_str(), &fetched["batch"]),
        (Some("failed"), &Json::Null),
        "nobody is there"
    );
    let shown = get(&house, &root, "/identity/feeds").await;
    assert_eq!(shown["feeds"][0]["source"]["failures"], 1);
    let findings = get(&house, &root, "/identity/findings?kind=feed-failed&state=open").await;
    assert!(findings["findings"][0]["title"].as_str().unwrap().contains("Personnel cannot be asked"));
    let unknown = house.post(&root, "/identity/feeds/none/fetches", json!({ "reason": "try" })).await;
    assert_eq!(unknown.status, StatusCode::NOT_FOUND);
    let notices = get(&house, &root, "/access/notices?about=request-none").await;
    assert_eq!(notices["records"], json!([]));
}

const ENTERPRISE: &str = "urn:ietf:params:scim:schemas:extension:enterprise:2.0:User";

async fn scim(house: &House, client: &Client, method: Method, path: &str, body: Option<Json>) -> Json {
    let request = Request::builder()
        .method(method)
        .uri(format!("/scim/v2{path}"))
        .header("content-type", "application/scim+json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .unwrap();
    let reply = house.send(client, request).await;
    assert!(reply.status.is_success(), "{path}: {}", reply.text());
    if reply.text().is_empty() { Json::Null } else { reply.json() }
}

fn pushed(number: usize) -> Json {
    json!({
        "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User", ENTERPRISE], "userName": format!("u{number}"),
        "externalId": format!("W-{number}"), "name": { "givenName": format!("G{number}"), "familyName": format!("F{number}") },
        ENTERPRISE: { "employeeNumber": format!("P-{number}"), "department": "OPS" },
    })
}

async fn save(house: &House, root: &Client, key: &str, source: Json) {
    let body = json!({ "title": "Personnel", "owner": "P-1", "format": "scim", "source": source,
        "guards": { "leavers_max": 2, "leavers_percent": 100.0 },
        "map": { "anchor": "externalId", "key": "externalId", "given_name": "name.givenName", "family_name": "name.familyName",
            "org_unit": format!("{ENTERPRISE}:department"), "begins": "{{ '2026-01-01' }}" } });
    let save = json!({ "drafts": [{ "kind": "feed", "key": key, "body": body }], "reason": "the personnel system" });
    let saved = house.call(root, Method::PUT, "/identity/documents", save).await;
    assert_eq!(saved.status, StatusCode::OK, "{}", saved.text());
}

async fn fetch(house: &House, root: &Client, key: &str) -> Json {
    let reply = house.post(root, &format!("/identity/feeds/{key}/fetches"), json!({ "reason": "now" })).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let fetched = reply.json();
    json!([
        fetched["source"]["state"],
        fetched["batch"]["state"],
        fetched["batch"]["joiners"],
        fetched["batch"]["leavers"]
    ])
}

#[tokio::test]
async fn a_personnel_system_pushes_people_over_http() {
    let house = House::new().await;
    let root = house.administrator().await;
    save(&house, &root, "hr", json!({ "kind": "scim-push", "client": "workday", "quiet_minutes": 5 })).await;
    assert_eq!(fetch(&house, &root, "hr").await, json!(["waiting", null, null, null]));
    let first = house.token_named("workday", &root, &["provision"], None).await;
    let other = house.token_named("entra", &root, &["provision"], None).await;
    let mut ids = Vec::new();
    for number in 0..8 {
        let made = scim(&house, &first, Method::POST, "/Users", Some(pushed(number))).await;
        ids.push(made["id"].as_str().unwrap().to_owned());
    }
    scim(&house, &other, Method::POST, "/Users", Some(pushed(9))).await;
    assert_eq!(fetch(&house, &root, "hr").await, json!(["waiting", null, null, null]));
    let shown = get(&house, &root, "/identity/feeds").await;
    let source = &shown["feeds"][0]["source"];
    assert!(
        source["waiting"].is_string() && source["problem"].as_str().unwrap().contains("workday is at it"),
        "{source}"
    );
    house.clock.advance_us(5 * 60_000_000);
    assert_eq!(fetch(&house, &root, "hr").await, json!(["taken", "applied", 8, 0]));
    // Another token of the same name goes on where the first ended.
    let second = house.token_named("workday", &root, &["provision"], None).await;
    let off = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "replace", "value": { "active": false } }] });
    scim(&house, &second, Method::PATCH, &format!("/Users/{}", ids[0]), Some(off.clone())).await;
    scim(&house, &second, Method::DELETE, &format!("/Users/{}", ids[1]), None).await;
    house.clock.advance_us(5 * 60_000_000);
    assert_eq!(fetch(&house, &root, "hr").await, json!(["taken", "applied", 0, 2]));
    for id in &ids[2..5] {
        scim(&house, &second, Method::PATCH, &format!("/Users/{id}"), Some(off.clone())).await;
    }
    house.clock.advance_us(5 * 60_000_000);
    assert_eq!(fetch(&house, &root, "hr").await, json!(["taken", "held", 0, 3]), "a held delivery writes nothing");
    let unknown = house.post(&root, "/identity/feeds/workday/fetches", json!({ "reason": "try" })).await;
    assert_eq!(
        (unknown.status, unknown.json()["detail"].as_str()),
        (StatusCode::NOT_FOUND, Some("there is no feed `workday`; there are hr"))
    );
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn people_are_pulled_from_a_scim_service() {
    let house = House::new().await;
    let root = house.administrator().await;
    let program = house.token(&root, &["provision"], None).await;
    for number in 0..13 {
        scim(&house, &program, Method::POST, "/Users", Some(pushed(number))).await;
    }
    let listener = listen("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (server, shutdown) = (house.server.clone(), shutdown.clone());
        async move { server.serve(listener, None, shutdown).await }
    });
    save(&house, &root, "elsewhere", json!({ "kind": "scim-pull", "url": url, "secret": "key", "page_users": 5 }))
        .await;
    assert_eq!(fetch(&house, &root, "elsewhere").await, json!(["failed", null, null, null]), "the secret is not there");
    let bearer = format!("Bearer {}", program.token.as_deref().unwrap());
    house.targets.secrets.lock().insert("elsewhere/key".to_owned(), connector::Secret::new(bearer));
    assert_eq!(fetch(&house, &root, "elsewhere").await, json!(["taken", "applied", 13, 0]));
    assert_eq!(fetch(&house, &root, "elsewhere").await, json!(["unchanged", "applied", 13, 0]));
    shutdown.cancel();
    serving.await.unwrap();
}
