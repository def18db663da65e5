//! Bodies: too large, a bomb, the wrong type, not JSON; deliveries and what the intake says to them.

use std::io::Write;

use axum::body::Body;
use axum::http::{Method, Request, StatusCode};
use flate2::Compression;
use flate2::write::GzEncoder;
use kernel::port::DeliveryError;
use serde_json::json;
use server::{Console, ServerConfig};

use crate::house::{Client, House, Reply};

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

async fn small_house() -> House {
    let config = ServerConfig {
        body_bytes: 1_000,
        ingest_bytes: 2_000,
        ingest_decoded_bytes: 10_000,
        ingest_memory_bytes: 12_000,
        ..ServerConfig::default()
    };
    House::with(config, Console::from_files([])).await
}

async fn deliver(house: &House, client: &Client, target: &str, headers: &[(&str, &str)], body: Vec<u8>) -> Reply {
    let mut request = Request::post(format!("/api/v1/ingest/{target}")).header("content-type", "application/x-ndjson");
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    house.send(client, request.body(Body::from(body)).unwrap()).await
}

#[tokio::test]
async fn a_large_body_is_refused_with_the_limit() {
    let house = small_house().await;
    let root = house.administrator().await;
    let long = json!({"name": "n", "query": "x".repeat(2_000)});
    let reply = house.post(&root, "/queries", long).await;
    assert_eq!((reply.status, reply.code().as_str()), (StatusCode::PAYLOAD_TOO_LARGE, "too-large"));
    assert_eq!(reply.json()["parameters"]["limit"], 1_000);
    let token = house.token(&root, &["ingest"], None).await;
    let reply = deliver(&house, &token, "SecurityEvent", &[], vec![b'x'; 2_001]).await;
    assert_eq!((reply.status.as_u16(), &reply.json()["parameters"]["limit"]), (413, &json!(2_000)));
    // Without a Content-Length the limit holds, too.
    let pieces = futures::stream::iter((0..30).map(|_| Ok::<_, std::io::Error>(vec![b'x'; 100])));
    let request = Request::post("/api/v1/ingest/SecurityEvent").header("content-type", "application/x-ndjson");
    let reply = house.send(&token, request.body(Body::from_stream(pieces)).unwrap()).await;
    assert_eq!(reply.status.as_u16(), 413);
    assert!(house.intake.delivered.lock().is_empty());
}

#[tokio::test]
async fn a_bomb_stops_at_the_limit() {
    let house = small_house().await;
    let root = house.administrator().await;
    let token = house.token(&root, &["ingest"], None).await;
    let bomb = gzip(&vec![b' '; 1 << 20]);
    assert!(bomb.len() < 2_000, "{}", bomb.len());
    let headers = [("content-encoding", "gzip")];
    for _ in 0..3 {
        let reply = deliver(&house, &token, "SecurityEvent", &headers, bomb.clone()).await;
        assert_eq!(reply.status.as_u16(), 413, "{}", reply.text());
        assert_eq!(reply.json()["parameters"], json!({"limit": 10_000, "decompressed": true}));
    }
    let fine = deliver(&house, &token, "SecurityEvent", &headers, gzip(b"{\"a\":1}\n{\"a\":2}\n")).await;
    assert_eq!(fine.json(), json!({"accepted": 2, "unparsed": 0, "duplicate": false, "problems": []}));
    let damaged = deliver(&house, &token, "SecurityEvent", &headers, b"no gzip".to_vec()).await;
    assert_eq!((damaged.status.as_u16(), damaged.code().as_str()), (400, "damaged-gzip"));
    let unknown = deliver(&house, &token, "SecurityEvent", &[("content-encoding", "br")], b"x".to_vec()).await;
    assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (415, "unsupported-encoding"));
}

#[tokio::test]
async fn a_delivery_goes_to_a_source_or_to_a_table() {
    let house = small_house().await;
    let root = house.administrator().await;
    let source = json!({"name": "dc-01", "format": "windows-json", "reason": "new controller"});
    house.post(&root, "/sources", source.clone()).await;
    let token = house.token(&root, &["ingest"], None).await;
    let key = [("vigie-delivery", "batch-7")];
    assert_eq!(deliver(&house, &token, "dc-01", &key, b"{}\n".to_vec()).await.status, StatusCode::OK);
    assert_eq!(deliver(&house, &token, "SecurityEvent", &[], b"{}\n".to_vec()).await.status, StatusCode::OK);
    let unknown = deliver(&house, &token, "nowhere", &[], b"{}\n".to_vec()).await;
    assert_eq!((unknown.status.as_u16(), unknown.code().as_str()), (404, "not-found"));
    let delivered = house.intake.delivered.lock();
    let seen: Vec<_> = delivered.iter().map(|d| (d.source.as_str(), d.table.as_deref(), d.key.as_deref())).collect();
    assert_eq!(seen, [("dc-01", None, Some("batch-7")), ("program", Some("SecurityEvent"), None)]);
}

#[tokio::test]
async fn a_sender_is_told_whether_to_come_back() {
    let house = small_house().await;
    let root = house.administrator().await;
    let token = house.token(&root, &["ingest"], None).await;
    let check = async |refusal: DeliveryError, status: u16, retry: bool| {
        *house.intake.refusal.lock() = Some(refusal);
        let reply = deliver(&house, &token, "SecurityEvent", &[], b"{}\n".to_vec()).await;
        assert_eq!(
            (reply.status.as_u16(), !reply.header("retry-after").is_empty()),
            (status, retry),
            "{}",
            reply.text()
        );
    };
    check(DeliveryError::Unavailable("the disk is full".into()), 503, true).await;
    check(DeliveryError::Malformed("line 3 is not JSON".into()), 422, false).await;
    check(DeliveryError::UnknownTarget("SecurityEvent".into()), 404, false).await;
    check(DeliveryError::TooLarge { bytes: 9, limit: 5 }, 413, false).await;
}

#[tokio::test]
async fn memory_of_all_deliveries_together_is_bounded() {
    let house = small_house().await;
    let root = house.administrator().await;
    let token = house.token(&root, &["ingest"], None).await;
    // 1.2 times the memory of all, in one delivery that decodes to less than its own limit twice.
    let piece = gzip(&vec![b'x'; 9_000]);
    let router = house.server.router();
    let hold = |n: u8| {
        let body =
            futures::stream::iter([Ok::<_, std::io::Error>(vec![b'x'; 1_900])]).chain(futures::stream::pending());
        let _ = (n, &router);
        Request::post("/api/v1/ingest/SecurityEvent")
            .header("content-type", "application/x-ndjson")
            .body(Body::from_stream(body))
            .unwrap()
    };
    use futures::StreamExt;
    let waiting: Vec<_> = (0..3)
        .map(|n| {
            let (request, house, token) = (hold(n), &house, &token);
            Box::pin(async move { house.send(token, request).await })
        })
        .collect();
    let mut waiting = futures::future::select_all(waiting);
    // Each of the three holds 1,900 bytes and waits for more.
    for _ in 0..200 {
        assert!(futures::poll!(&mut waiting).is_pending());
        tokio::task::yield_now().await;
        tokio::time::sleep(std::time::Duration::from_millis(1)).await;
    }
    let reply = deliver(&house, &token, "SecurityEvent", &[("content-encoding", "gzip")], piece.clone()).await;
    assert_eq!((reply.status.as_u16(), reply.header("retry-after")), (429, "2"), "{}", reply.text());
    drop(waiting);
    let reply = deliver(&house, &token, "SecurityEvent", &[("content-encoding", "gzip")], piece).await;
    assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
}

#[tokio::test]
async fn wrong_methods_types_and_forms_are_named() {
    let house = small_house().await;
    let root = house.administrator().await;
    let wrong = house.call(&root, Method::DELETE, "/session", json!({})).await;
    assert_eq!((wrong.status.as_u16(), wrong.code().as_str()), (405, "wrong-method"));
    assert!(wrong.header("allow").contains("GET"), "{}", wrong.header("allow"));
    let nowhere = house.get(&root, "/nowhere").await;
    assert_eq!((nowhere.status.as_u16(), nowhere.code().as_str()), (404, "not-found"));
    let check = async |kind: &str, body: &str, status: u16, code: &str, detail: &str| {
        let request = Request::post("/api/v1/queries").header("content-type", kind).body(Body::from(body.to_owned()));
        let reply = house.send(&root, request.unwrap()).await;
        assert_eq!((reply.status.as_u16(), reply.code().as_str()), (status, code), "{}", reply.text());
        assert!(reply.json()["detail"].as_str().unwrap().contains(detail), "{}", reply.text());
        assert_eq!(reply.header("content-type"), "application/problem+json");
        let id = reply.json()["id"].as_str().unwrap().to_owned();
        assert!(id.starts_with("req-") && id == reply.header("x-request-id"), "{id}");
    };
    check("text/plain", "{}", 415, "unsupported-type", "application/json").await;
    check("application/json", "{\n \"name\": ", 400, "invalid-json", "line 2").await;
    check("application/json", "{\"name\": 5}", 422, "invalid-body", "expected a string").await;
    check("application/json", "{\"nom\": \"x\"}", 422, "invalid-body", "unknown field `nom`").await;
    check("application/json", "", 400, "invalid-json", "EOF").await;
    let filter = house.get(&root, "/ledger?limt=5").await;
    assert_eq!((filter.status.as_u16(), filter.code().as_str()), (422, "invalid-filter"));
    let filter = house.get(&root, "/ledger?limit=5000").await;
    assert_eq!(filter.status.as_u16(), 422);
}

#[tokio::test]
async fn a_fault_of_ours_is_told_with_an_id_and_ends_nothing_else() {
    let house = small_house().await;
    let root = house.administrator().await;
    let reply = house.post(&root, "/query", json!({"query": "panic"})).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (500, "internal"));
    assert!(!reply.text().contains("the engine has a fault"), "the cause is for the log");
    assert!(reply.json()["id"].as_str().unwrap().starts_with("req-"));
    assert_eq!(house.post(&root, "/query", json!({"query": "rows 1"})).await.status, StatusCode::OK);
}
