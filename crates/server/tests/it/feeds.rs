//! Feeds that are asked, and who was told what, as the console sees them.

use axum::http::StatusCode;
use serde_json::{Value as Json, json};

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
