//! The console's files and the headers of every answer.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use server::{Console, ServerConfig};

use crate::house::{Client, House, Reply};

async fn house() -> House {
    let script = "console.log('vigie');".repeat(200);
    let file = |path: &str, bytes: &str, kind: &str| (path.to_owned(), bytes.as_bytes().to_vec(), kind.to_owned());
    let files = [
        file("index.html", "<!doctype html><title>Vigie</title>", "text/html"),
        file("assets/app-1a2b.js", &script, "text/javascript"),
        file("icon.svg", "<svg/>", "image/svg+xml"),
    ];
    House::with(ServerConfig::default(), Console::from_files(files)).await
}

async fn page(house: &House, path: &str, headers: &[(&str, &str)]) -> Reply {
    let mut request = Request::get(path);
    for (name, value) in headers {
        request = request.header(*name, *value);
    }
    house.send(&Client::default(), request.body(Body::empty()).unwrap()).await
}

#[tokio::test]
async fn any_address_of_the_console_gives_the_page() {
    let house = house().await;
    for path in ["/", "/index.html", "/incidents/incident-1?tab=timeline", "/ask"] {
        let reply = page(&house, path, &[]).await;
        assert_eq!(
            (reply.status, reply.header("content-type")),
            (StatusCode::OK, "text/html; charset=utf-8"),
            "{path}"
        );
        assert_eq!(reply.header("cache-control"), "no-cache");
    }
    assert_eq!(page(&house, "/missing.js", &[]).await.status, StatusCode::NOT_FOUND);
    assert_eq!(page(&house, "/../../etc/passwd.txt", &[]).await.status, StatusCode::NOT_FOUND);
    let post = Request::post("/ask").body(Body::empty()).unwrap();
    let reply = house.send(&Client::default(), post).await;
    assert_eq!((reply.status.as_u16(), reply.header("allow")), (405, "GET,HEAD"));
}

#[tokio::test]
async fn files_are_compressed_once_and_known_by_their_tag() {
    let house = house().await;
    let plain = page(&house, "/assets/app-1a2b.js", &[]).await;
    assert_eq!((plain.body.len(), plain.header("content-encoding")), (4_200, ""));
    assert_eq!(plain.header("cache-control"), "public, max-age=31536000, immutable");
    let gzip = page(&house, "/assets/app-1a2b.js", &[("accept-encoding", "br, gzip;q=0.8")]).await;
    assert_eq!(gzip.header("content-encoding"), "gzip");
    assert!(gzip.body.len() < 200, "{}", gzip.body.len());
    let refused = page(&house, "/assets/app-1a2b.js", &[("accept-encoding", "gzip;q=0")]).await;
    assert_eq!(refused.header("content-encoding"), "");
    let etag = plain.header("etag").to_owned();
    let known = page(&house, "/assets/app-1a2b.js", &[("if-none-match", &etag)]).await;
    assert_eq!((known.status, known.body.len()), (StatusCode::NOT_MODIFIED, 0));
}

#[tokio::test]
async fn every_answer_has_the_strict_headers() {
    let house = house().await;
    for path in ["/", "/assets/app-1a2b.js", "/api/v1/health", "/api/v1/users", "/api/v1/nowhere"] {
        let reply = page(&house, path, &[]).await;
        let policy = reply.header("content-security-policy");
        assert!(
            policy.starts_with("default-src 'self';") && policy.contains("frame-ancestors 'none'"),
            "{path}: {policy}"
        );
        assert!(!policy.contains("unsafe") && !policy.contains("http:"), "{policy}");
        assert_eq!(
            (reply.header("x-content-type-options"), reply.header("referrer-policy")),
            ("nosniff", "no-referrer")
        );
        assert!(reply.header("x-request-id").starts_with("req-"), "{path}");
        if path.starts_with("/api") && !path.ends_with("openapi.json") {
            assert_eq!(reply.header("cache-control"), "no-store", "{path}");
        }
    }
}

#[tokio::test]
async fn without_a_bundle_there_is_a_notice_and_the_api_works() {
    let house = House::with(ServerConfig::default(), Console::from_files([])).await;
    let reply = page(&house, "/", &[]).await;
    assert_eq!(reply.status, StatusCode::OK);
    assert!(reply.text().contains("cargo xtask build"), "it says what to do");
    let health = page(&house, "/api/v1/health", &[]).await;
    assert_eq!((health.status, health.json()["status"].as_str()), (StatusCode::OK, Some("ok")));
    let contract = page(&house, "/api/v1/openapi.json", &[("accept-encoding", "gzip")]).await;
    assert_eq!((contract.status, contract.header("content-encoding")), (StatusCode::OK, "gzip"));
}
