//! SCIM over HTTP, and two conformance testers of other people against the real server.

use std::path::PathBuf;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use serde_json::{Value as Json, json};
use server::{Console, ServerConfig, listen};
use tokio_util::sync::CancellationToken;

use crate::house::{Client, House, Reply};

async fn call(house: &House, client: &Client, method: Method, path: &str, body: Option<Json>) -> Reply {
    let request = Request::builder()
        .method(method)
        .uri(format!("/scim/v2{path}"))
        .header("host", "vigie.example:8443")
        .header("content-type", "application/scim+json")
        .body(body.map_or_else(Body::empty, |body| Body::from(body.to_string())))
        .unwrap();
    house.send(client, request).await
}

fn user(name: &str) -> Json {
    json!({ "schemas": ["urn:ietf:params:scim:schemas:core:2.0:User"], "userName": name })
}

#[tokio::test]
async fn errors_tags_and_addresses_are_the_standards() {
    let house = House::new().await;
    let root = house.administrator().await;
    let program = house.token(&root, &["provision"], None).await;
    let made = call(&house, &program, Method::POST, "/Users", Some(user("amina"))).await;
    assert_eq!(made.status, StatusCode::CREATED, "{}", made.text());
    assert_eq!((made.header("content-type"), made.header("etag")), ("application/scim+json", "W/\"1\""));
    let location = made.header("location").to_owned();
    assert_eq!(made.json()["meta"]["location"], location.as_str());
    assert!(location.starts_with("http") && location.contains("://vigie.example:8443/scim/v2/Users/"), "{location}");
    let path = format!("/Users/{}", made.json()["id"].as_str().unwrap());
    let patch = json!({ "schemas": ["urn:ietf:params:scim:api:messages:2.0:PatchOp"],
        "Operations": [{ "op": "Replace", "path": "active", "value": "False" }] });
    let patched = call(&house, &program, Method::PATCH, &path, Some(patch)).await;
    assert_eq!((patched.status, &patched.json()["active"]), (StatusCode::OK, &json!(false)), "{}", patched.text());
    let taken = call(&house, &program, Method::POST, "/Users", Some(user("AMINA"))).await;
    assert_eq!((taken.status.as_u16(), &taken.json()["scimType"]), (409, &json!("uniqueness")));
    assert_eq!(taken.json()["status"], "409");
    let request =
        |etag: &str| Request::get(format!("/scim/v2{path}")).header("if-none-match", etag).body(Body::empty()).unwrap();
    assert_eq!(house.send(&program, request("W/\"2\"")).await.status, StatusCode::NOT_MODIFIED);
    assert_eq!(house.send(&program, request("W/\"1\"")).await.status, StatusCode::OK);
    let shown = call(&house, &program, Method::GET, &format!("{path}?attributes=userName"), None).await.json();
    assert_eq!(shown.as_object().unwrap().keys().collect::<Vec<_>>(), ["userName", "schemas", "id"]);
    for (reply, status) in [
        (call(&house, &program, Method::GET, "/Me", None).await, 501),
        (call(&house, &program, Method::GET, "/Nonsense", None).await, 404),
        (call(&house, &program, Method::GET, "/Users/none", None).await, 404),
        (call(&house, &program, Method::PUT, "/Users", Some(json!({}))).await, 405),
        (call(&house, &Client::default(), Method::GET, "/Users", None).await, 401),
        (call(&house, &root, Method::GET, "/Users", None).await, 403),
        (call(&house, &program, Method::GET, "/Users?filter=userName%20is%201", None).await, 400),
    ] {
        assert_eq!(reply.status.as_u16(), status, "{}", reply.text());
        assert_eq!(reply.json()["schemas"][0], "urn:ietf:params:scim:api:messages:2.0:Error", "{}", reply.text());
        assert_eq!(reply.json()["status"], status.to_string());
    }
    let reader = house.token(&root, &["read", "administer"], None).await;
    assert_eq!(call(&house, &reader, Method::GET, "/Users", None).await.status, StatusCode::FORBIDDEN);
    let engineer = house.person(&root, "eva", &["engineer"]).await;
    let wanted = json!({ "name": "x", "scopes": ["provision"], "expires_in_days": 1, "reason": "wants it" });
    assert_eq!(house.post(&engineer, "/tokens", wanted).await.status, StatusCode::FORBIDDEN);
}

/// A program of `.ci/run`'s Python environment, or of PATH.
fn tester(name: &str) -> Option<PathBuf> {
    let own = std::env::var_os("VIGIE_PYTHON").map(|home| PathBuf::from(home).join("bin"));
    let path =
        std::env::var_os("PATH").map(|path| std::env::split_paths(&path).collect::<Vec<_>>()).unwrap_or_default();
    let found = own.into_iter().chain(path).map(|folder| folder.join(name)).find(|program| program.exists());
    if found.is_none() {
        println!("skipped: conformance by {name}, because it is neither in VIGIE_PYTHON nor on PATH");
    }
    found
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn testers_of_other_people_find_nothing() {
    let (scim2, sanity) = (tester("scim2"), tester("scim-sanity"));
    if scim2.is_none() && sanity.is_none() {
        return;
    }
    let house =
        House::with(ServerConfig { password_checks: 4, ..ServerConfig::default() }, Console::from_files([])).await;
    let root = house.administrator().await;
    let token = house.token(&root, &["provision"], None).await.token.unwrap();
    let listener = listen("127.0.0.1:0".parse().unwrap(), None).await.unwrap();
    let url = format!("http://{}/scim/v2", listener.local_addr().unwrap());
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (server, shutdown) = (house.server.clone(), shutdown.clone());
        async move { server.serve(listener, None, shutdown).await }
    });
    if let Some(program) = scim2 {
        let mut command = tokio::process::Command::new(program);
        command.env("SCIM_CLI_HEADERS", format!("Authorization: Bearer {token}")).args(["--url", &url, "test"]);
        let output = command.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        println!("scim2: {}", text.lines().last().unwrap_or_default());
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    if let Some(program) = sanity {
        let mut command = tokio::process::Command::new(program);
        command.args(["probe", &url, "--token", &token, "--i-accept-side-effects", "--json-output"]);
        let output = command.output().await.unwrap();
        let text = String::from_utf8_lossy(&output.stdout);
        println!("scim-sanity: {} bytes of report", text.len());
        assert!(output.status.success(), "{text}{}", String::from_utf8_lossy(&output.stderr));
    }
    shutdown.cancel();
    serving.await.unwrap();
}
