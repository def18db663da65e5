//! Signing in: the first link, passwords, sessions, CSRF, limits, and what each leaves in the ledger.

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::json;

use crate::house::{Client, House, PASSWORD, signed_in};

#[tokio::test]
async fn the_first_administrator_comes_by_a_link_that_works_once() {
    let house = House::new().await;
    let nobody = Client::default();
    assert_eq!(house.get(&nobody, "/session").await.json()["setup_required"], true);
    let link = house.server.setup_link().await.unwrap().unwrap();
    assert_eq!(link.path, format!("/setup#{}", link.token));
    let newer = house.server.setup_link().await.unwrap().unwrap();
    let setup = |token: String, password: &'static str| json!({"token": token, "name": "Root", "display_name": "The Root", "password": password});
    let old = house.post(&nobody, "/setup", setup(link.token, PASSWORD)).await;
    assert_eq!((old.status, old.code().as_str()), (StatusCode::FORBIDDEN, "link-refused"), "a newer link ends it");
    let short = house.post(&nobody, "/setup", setup(newer.token.clone(), "short")).await;
    assert_eq!((short.status.as_u16(), short.code().as_str()), (422, "password-length"));
    let first = house.post(&nobody, "/setup", setup(newer.token.clone(), PASSWORD)).await;
    assert_eq!(first.status, StatusCode::OK, "{}", first.text());
    assert_eq!(first.json()["signed_in"]["user"]["roles"], json!(["administrator"]));
    assert_eq!(house.post(&nobody, "/setup", setup(newer.token, PASSWORD)).await.status, StatusCode::FORBIDDEN);
    assert_eq!(house.server.setup_link().await.unwrap(), None, "somebody administers now");
    assert_eq!(house.get(&nobody, "/session").await.json()["setup_required"], false);
}

#[tokio::test]
async fn a_link_expires() {
    let house = House::new().await;
    let link = house.server.setup_link().await.unwrap().unwrap();
    house.clock.advance_s(24 * 3_600);
    let late = json!({"token": link.token, "name": "root", "password": PASSWORD});
    assert_eq!(house.post(&Client::default(), "/setup", late).await.code(), "link-refused");
}

#[tokio::test]
async fn the_cookie_is_out_of_reach_of_scripts_and_other_sites() {
    let house = House::new().await;
    house.administrator().await;
    let reply = house.post(&Client::default(), "/login", json!({"name": " ROOT ", "password": PASSWORD})).await;
    let cookie = reply.header("set-cookie");
    for part in ["vigie_session=", "HttpOnly", "SameSite=Strict", "Path=/"] {
        assert!(cookie.contains(part), "{cookie}");
    }
    let config = server::ServerConfig { secure_cookies: true, ..Default::default() };
    let house = House::with(config, server::Console::from_files([])).await;
    let link = house.server.setup_link().await.unwrap().unwrap();
    let setup = json!({"token": link.token, "name": "root", "password": PASSWORD});
    let reply = house.post(&Client::default(), "/setup", setup).await;
    assert!(reply.header("set-cookie").starts_with("__Host-vigie_session="));
    assert!(reply.header("set-cookie").ends_with("; Secure"));
    assert!(reply.header("strict-transport-security").starts_with("max-age="));
}

#[tokio::test]
async fn a_change_needs_the_value_that_only_our_page_knows() {
    let house = House::new().await;
    let root = house.administrator().await;
    let other =
        signed_in(&house.post(&Client::default(), "/login", json!({"name": "root", "password": PASSWORD})).await);
    let save = json!({"name": "mine", "query": "SecurityEvent"});
    for csrf in [None, Some("guess".to_owned()), other.csrf] {
        let forged = Client { csrf, ..root.clone() };
        let reply = house.post(&forged, "/queries", save.clone()).await;
        assert_eq!((reply.status, reply.code().as_str()), (StatusCode::FORBIDDEN, "csrf"));
        assert_eq!(house.get(&forged, "/queries").await.status, StatusCode::OK, "reading needs none");
    }
    let cross_site = Request::post("/api/v1/queries")
        .header("content-type", "application/json")
        .header("sec-fetch-site", "cross-site")
        .body(Body::from(save.to_string()))
        .unwrap();
    assert_eq!(house.send(&root, cross_site).await.code(), "csrf");
    assert_eq!(house.post(&root, "/queries", save).await.status, StatusCode::CREATED);
}

#[tokio::test]
async fn sessions_end_when_idle_when_old_and_when_told_to() {
    let house = House::new().await;
    let root = house.administrator().await;
    let is_in = async |client: &Client| {
        house.get(client, "/alerts-are-not-needed").await.status != StatusCode::UNAUTHORIZED
            && house.get(client, "/users").await.status == StatusCode::OK
    };
    assert!(is_in(&root).await);
    house.clock.advance_s(7 * 3_600);
    assert!(is_in(&root).await, "each request starts the idle time anew");
    house.clock.advance_s(7 * 3_600);
    assert!(is_in(&root).await);
    house.clock.advance_s(8 * 3_600);
    assert!(!is_in(&root).await, "idle");
    let login = json!({"name": "root", "password": PASSWORD});
    let again = signed_in(&house.post(&Client::default(), "/login", login.clone()).await);
    for _ in 0..24 {
        house.clock.advance_s(7 * 3_600);
        is_in(&again).await;
    }
    house.clock.advance_s(3_600);
    assert!(!is_in(&again).await, "a week is the end");
    let third = signed_in(&house.post(&Client::default(), "/login", login).await);
    let out = house.call(&third, Method::POST, "/logout", json!({})).await;
    assert_eq!(out.status, StatusCode::NO_CONTENT);
    assert!(out.header("set-cookie").contains("Max-Age=0"));
    assert!(!is_in(&third).await, "the cookie is worth nothing after sign-out");
}

#[tokio::test]
async fn wrong_names_and_wrong_passwords_look_the_same() {
    let house = House::new().await;
    house.administrator().await;
    let try_in = async |name: &str, password: &str| {
        let reply = house.post(&Client::default(), "/login", json!({"name": name, "password": password})).await;
        let mut body = reply.json();
        body["id"] = json!("");
        (reply.status, body)
    };
    let unknown = try_in("nobody", PASSWORD).await;
    assert_eq!(unknown, try_in("root", "correct horse batterx").await);
    assert_eq!(unknown.0, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn guessing_is_slowed_down_and_locks_nobody_else_out() {
    let house = House::new().await;
    house.administrator().await;
    let login = async |client: &Client, password: &str| {
        house.post(client, "/login", json!({"name": "root", "password": password})).await
    };
    let attacker = Client::from_address(66);
    for _ in 0..5 {
        assert_eq!(login(&attacker, "a wrong password").await.status, StatusCode::UNAUTHORIZED);
    }
    let refused = login(&attacker, PASSWORD).await;
    assert_eq!(refused.status, StatusCode::TOO_MANY_REQUESTS, "even the right one");
    assert_eq!(refused.header("retry-after"), "30");
    assert_eq!(login(&Client::default(), PASSWORD).await.status, StatusCode::OK, "from the usual desk");
    house.clock.advance_s(30);
    assert_eq!(login(&attacker, PASSWORD).await.status, StatusCode::OK);
}

#[tokio::test]
async fn a_new_password_ends_the_other_sessions() {
    let house = House::new().await;
    let root = house.administrator().await;
    let other =
        signed_in(&house.post(&Client::default(), "/login", json!({"name": "root", "password": PASSWORD})).await);
    let wrong = json!({"current": "not the password", "new": "another long password"});
    assert_eq!(house.post(&root, "/session/password", wrong).await.status, StatusCode::FORBIDDEN);
    let right = json!({"current": PASSWORD, "new": "another long password"});
    assert_eq!(house.post(&root, "/session/password", right).await.status, StatusCode::NO_CONTENT);
    assert_eq!(house.get(&root, "/users").await.status, StatusCode::OK);
    assert_eq!(house.get(&other, "/users").await.status, StatusCode::UNAUTHORIZED);
    let old = house.post(&Client::default(), "/login", json!({"name": "root", "password": PASSWORD})).await;
    assert_eq!(old.status, StatusCode::UNAUTHORIZED);
}

#[tokio::test]
async fn every_act_is_in_the_ledger_and_no_secret_is() {
    let house = House::new().await;
    let root = house.administrator().await;
    house.person(&root, "amina", &["analyst"]).await;
    let token = house.token(&root, &["read"], None).await;
    let reply = house.get(&root, "/ledger?limit=100").await;
    let text = reply.text();
    for secret in [PASSWORD, "argon2", token.token.as_deref().unwrap(), "amina"] {
        assert!(!text.contains(secret) || secret == "amina", "{secret} is in the ledger");
    }
    let entries = reply.json()["entries"].as_array().unwrap().clone();
    let verbs: Vec<&str> = entries.iter().rev().map(|entry| entry["verb"].as_str().unwrap()).collect();
    insta::assert_snapshot!(verbs.join("\n"), @r"
    user.invite-first
    session.open
    user.accept-invitation
    user.invite
    session.open
    user.accept-invitation
    token.create
    ");
    assert_eq!(entries[0]["reason"], "needs it");
    let proof = house.post(&root, "/ledger/verify", json!({})).await.json();
    assert_eq!((&proof["intact"], &proof["entries"]), (&json!(true), &json!(7)));
    let page = house.get(&root, "/ledger?limit=3").await.json();
    let next = page["next"].as_str().unwrap().to_owned();
    let page = house.get(&root, &format!("/ledger?limit=500&cursor={next}")).await.json();
    assert_eq!((page["entries"].as_array().unwrap().len(), &page["next"]), (4, &json!(null)));
}
