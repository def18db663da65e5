//! People and tokens: invited, changed, locked out; conflicts; what a token can and cannot do.

use axum::http::{Method, StatusCode};
use serde_json::{Value as Json, json};

use crate::house::{Client, House, PASSWORD};

async fn user(house: &House, administrator: &Client, name: &str) -> Json {
    let users = house.get(administrator, "/users").await.json();
    users["users"].as_array().unwrap().iter().find(|user| user["name"] == name).expect("known").clone()
}

#[tokio::test]
async fn two_administrators_who_change_one_person_see_both_values() {
    let house = House::new().await;
    let root = house.administrator().await;
    house.person(&root, "amina", &["analyst"]).await;
    let amina = user(&house, &root, "amina").await;
    let path = format!("/users/{}", amina["id"].as_str().unwrap());
    let change = |roles: Json| json!({"version": amina["version"], "roles": roles, "reason": "new job"});
    let first = house.call(&root, Method::PATCH, &path, change(json!(["engineer"]))).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    let second = house.call(&root, Method::PATCH, &path, change(json!(["auditor"]))).await;
    assert_eq!(second.status, StatusCode::CONFLICT);
    let conflict = second.json();
    assert_eq!(conflict["yours"]["roles"], json!(["auditor"]));
    assert_eq!(conflict["theirs"]["roles"], json!(["engineer"]));
    let again = json!({"version": conflict["version"], "roles": ["auditor"], "reason": "new job"});
    assert_eq!(house.call(&root, Method::PATCH, &path, again).await.json()["roles"], json!(["auditor"]));
}

#[tokio::test]
async fn somebody_who_is_locked_out_is_out_at_once() {
    let house = House::new().await;
    let root = house.administrator().await;
    let amina = house.person(&root, "amina", &["analyst"]).await;
    let token = house.token(&amina, &["read"], None).await;
    assert_eq!(house.get(&token, "/sources").await.status, StatusCode::OK);
    let record = user(&house, &root, "amina").await;
    let path = format!("/users/{}", record["id"].as_str().unwrap());
    let lock = json!({"version": record["version"], "disabled": true, "reason": "left the organisation"});
    assert_eq!(house.call(&root, Method::PATCH, &path, lock).await.status, StatusCode::OK);
    assert_eq!(house.get(&amina, "/sources").await.status, StatusCode::UNAUTHORIZED, "session");
    assert_eq!(house.get(&token, "/sources").await.status, StatusCode::FORBIDDEN, "token");
    let login = house.post(&Client::default(), "/login", json!({"name": "amina", "password": PASSWORD})).await;
    assert_eq!(login.status, StatusCode::UNAUTHORIZED, "password");
}

#[tokio::test]
async fn the_last_administrator_cannot_leave() {
    let house = House::new().await;
    let root = house.administrator().await;
    let record = user(&house, &root, "root").await;
    let path = format!("/users/{}", record["id"].as_str().unwrap());
    for change in [json!({"disabled": true}), json!({"roles": ["auditor"]})] {
        let mut change = change;
        change["version"] = record["version"].clone();
        change["reason"] = json!("tired");
        let reply = house.call(&root, Method::PATCH, &path, change).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text());
    }
    house.person(&root, "second", &["administrator"]).await;
    let leave = json!({"version": record["version"], "disabled": true, "reason": "retired"});
    assert_eq!(house.call(&root, Method::PATCH, &path, leave).await.status, StatusCode::OK);
}

#[tokio::test]
async fn bad_input_names_the_field() {
    let house = House::new().await;
    let root = house.administrator().await;
    let check = async |path: &str, body: Json, field: &str| {
        let reply = house.post(&root, path, body).await;
        assert_eq!(reply.status, StatusCode::UNPROCESSABLE_ENTITY, "{}", reply.text());
        assert_eq!(reply.json()["parameters"]["field"], field, "{}", reply.text());
    };
    let user = |name: &str, roles: Json, reason: &str| json!({"name": name, "display_name": "X", "roles": roles, "reason": reason});
    check("/users", user("a b", json!(["analyst"]), "r"), "name").await;
    check("/users", user("root", json!(["analyst"]), "r"), "name").await;
    check("/users", user("jonas", json!([]), "r"), "roles").await;
    check("/users", user("jonas", json!(["analyst"]), "  "), "reason").await;
    let token =
        |scopes: Json, days: u32| json!({"name": "t", "scopes": scopes, "expires_in_days": days, "reason": "r"});
    check("/tokens", token(json!([]), 1), "scopes").await;
    check("/tokens", token(json!(["read"]), 0), "expires_in_days").await;
    check("/queries", json!({"name": "", "query": "x"}), "name").await;
    let source = |name: &str, format: &str| json!({"name": name, "format": format, "reason": "r"});
    check("/sources", source("a/b", "syslog"), "name").await;
    check("/sources", source("dc", "telepathy"), "format").await;
}

#[tokio::test]
async fn a_token_ends_by_revocation_and_by_time() {
    let house = House::new().await;
    let root = house.administrator().await;
    let token = house.token(&root, &["read"], None).await;
    let short = house.token(&root, &["read"], None).await;
    let listed = house.get(&root, "/tokens").await.json();
    let id = listed["tokens"][1]["id"].as_str().unwrap().to_owned();
    assert!(listed["tokens"][0]["prefix"].as_str().unwrap().starts_with("vgt_"));
    assert!(!listed.to_string().contains(token.token.as_deref().unwrap()));
    assert_eq!(house.get(&token, "/sources").await.status, StatusCode::OK);
    let reply = house.post(&root, &format!("/tokens/{id}/revoke"), json!({"reason": "leaked"})).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
    let revoked =
        if reply.json()["prefix"].as_str().is_some_and(|prefix| token.token.as_deref().unwrap().starts_with(prefix)) {
            (&token, &short)
        } else {
            (&short, &token)
        };
    assert_eq!(house.get(revoked.0, "/sources").await.status, StatusCode::UNAUTHORIZED);
    assert_eq!(house.get(revoked.1, "/sources").await.status, StatusCode::OK);
    house.clock.advance_s(86_400);
    let late = house.get(revoked.1, "/sources").await;
    assert_eq!(late.status, StatusCode::UNAUTHORIZED);
    assert!(late.json()["detail"].as_str().unwrap().contains("expired"));
}

#[tokio::test]
async fn only_those_who_connect_sources_make_tokens_that_deliver() {
    let house = House::new().await;
    let root = house.administrator().await;
    let amina = house.person(&root, "amina", &["analyst"]).await;
    let wanted = json!({"name": "t", "scopes": ["ingest"], "expires_in_days": 1, "reason": "r"});
    assert_eq!(house.post(&amina, "/tokens", wanted.clone()).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.post(&root, "/tokens", wanted).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn a_kept_query_is_ones_own_until_it_is_shared() {
    let house = House::new().await;
    let root = house.administrator().await;
    let amina = house.person(&root, "amina", &["analyst"]).await;
    let jonas = house.person(&root, "jonas", &["analyst"]).await;
    let kept = house.post(&amina, "/queries", json!({"name": "mine", "query": "SecurityEvent"})).await.json();
    let path = format!("/queries/{}", kept["id"].as_str().unwrap());
    assert_eq!(house.get(&jonas, &path).await.status, StatusCode::NOT_FOUND);
    assert_eq!(house.call(&jonas, Method::DELETE, &path, json!({})).await.status, StatusCode::NOT_FOUND);
    let shared = json!({"version": 1, "name": "ours", "query": "SecurityEvent", "shared": true});
    assert_eq!(house.call(&amina, Method::PUT, &path, shared.clone()).await.json()["version"], 2);
    assert_eq!(house.get(&jonas, &path).await.json()["name"], "ours");
    assert_eq!(house.get(&jonas, "/queries").await.json()["queries"].as_array().unwrap().len(), 1);
    assert_eq!(house.call(&jonas, Method::PUT, &path, shared.clone()).await.status, StatusCode::FORBIDDEN);
    let stale = house.call(&amina, Method::PUT, &path, shared).await;
    assert_eq!((stale.status, &stale.json()["version"]), (StatusCode::CONFLICT, &json!(2)));
    assert_eq!(house.call(&root, Method::DELETE, &path, json!({})).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&amina, &path).await.status, StatusCode::NOT_FOUND);
}
