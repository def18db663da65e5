//! Over real connections: slow senders, clients that leave, an orderly end, TLS.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::json;
use server::{Console, Error, ServerConfig, Tls, TlsSource, listen};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::task::JoinHandle;
use tokio_util::sync::CancellationToken;

use crate::house::House;

/// Longer than anything here takes on a busy machine.
const LONG: Duration = Duration::from_secs(20);

struct Open {
    house: House,
    address: SocketAddr,
    shutdown: CancellationToken,
    serving: JoinHandle<()>,
}

async fn open(config: ServerConfig, tls: Option<Tls>) -> Open {
    let house = House::with(config, Console::from_files([])).await;
    let listener = listen("127.0.0.1:0".parse().unwrap(), tls.as_ref()).await.unwrap();
    let address = listener.local_addr().unwrap();
    let shutdown = CancellationToken::new();
    let serving = tokio::spawn({
        let (server, shutdown) = (house.server.clone(), shutdown.clone());
        async move { server.serve(listener, tls, shutdown).await }
    });
    Open { house, address, shutdown, serving }
}

async fn read_to_end(stream: &mut TcpStream) -> String {
    let mut bytes = Vec::new();
    let _ = tokio::time::timeout(LONG, stream.read_to_end(&mut bytes)).await.expect("the server closes it");
    String::from_utf8_lossy(&bytes).into_owned()
}

fn quick() -> ServerConfig {
    ServerConfig { header_ms: 200, body_idle_ms: 200, shutdown_ms: 5_000, pulse_ms: 50, ..ServerConfig::default() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_that_dribbles_is_cut_off() {
    let open = open(quick(), None).await;
    let mut head = TcpStream::connect(open.address).await.unwrap();
    head.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nX-Slow: ").await.unwrap();
    let text = read_to_end(&mut head).await;
    assert!(text.is_empty() || text.contains("408"), "a head that never ends: {text}");
    let mut body = TcpStream::connect(open.address).await.unwrap();
    let request =
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 50\r\n\r\n{\"na";
    body.write_all(request.as_bytes()).await.unwrap();
    let text = read_to_end(&mut body).await;
    assert!(text.starts_with("HTTP/1.1 408") && text.contains("too-slow"), "a body that never ends: {text}");
    let mut idle = TcpStream::connect(open.address).await.unwrap();
    idle.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut idle).await.starts_with("HTTP/1.1 200"), "a connection that stays idle is closed");
    let mut fine = TcpStream::connect(open.address).await.unwrap();
    fine.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    assert!(read_to_end(&mut fine).await.starts_with("HTTP/1.1 200"));
}

/// The clock of the house moves while the bytes come one by one.
#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_sender_below_the_slowest_rate_is_cut_off() {
    let open = open(ServerConfig { body_idle_ms: 10_000, ..quick() }, None).await;
    let mut body = TcpStream::connect(open.address).await.unwrap();
    let request =
        "POST /api/v1/login HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 5000\r\n\r\n";
    body.write_all(request.as_bytes()).await.unwrap();
    let (mut reading, mut writing) = body.split();
    let dribble = async {
        loop {
            open.house.clock.advance_s(2);
            if writing.write_all(b" ").await.is_err() {
                return;
            }
            tokio::time::sleep(Duration::from_millis(10)).await;
        }
    };
    let answer = async {
        let mut bytes = vec![0; 4_096];
        let read = reading.read(&mut bytes).await.unwrap();
        String::from_utf8_lossy(&bytes[..read]).into_owned()
    };
    let text = tokio::time::timeout(LONG, async {
        tokio::select! { text = answer => text, () = dribble => String::new() }
    });
    assert!(text.await.expect("in time").starts_with("HTTP/1.1 408"));
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_leaves_cancels_its_query() {
    let open = open(quick(), None).await;
    let root = open.house.administrator().await;
    let token = open.house.token(&root, &["query"], None).await.token.unwrap();
    let mut stream = TcpStream::connect(open.address).await.unwrap();
    let body = json!({"query": "forever"}).to_string();
    let request = format!(
        "POST /api/v1/query HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\nContent-Type: application/json\r\n\
         Content-Length: {}\r\n\r\n{body}",
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = vec![0; 512];
    assert!(stream.read(&mut bytes).await.unwrap() > 0, "it answers");
    assert_eq!(open.house.lake.cancelled.load(Ordering::Acquire), 0);
    drop(stream);
    let cancelled = async {
        while open.house.lake.cancelled.load(Ordering::Acquire) == 0 {
            tokio::time::sleep(Duration::from_millis(5)).await;
        }
    };
    tokio::time::timeout(LONG, cancelled).await.expect("the query stops when nobody listens");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_client_that_reads_nothing_gives_its_place_back() {
    let open = open(ServerConfig { queries: 1, send_idle_ms: 200, ..quick() }, None).await;
    let root = open.house.administrator().await;
    let program = open.house.token(&root, &["query"], None).await;
    let mut stream = TcpStream::connect(open.address).await.unwrap();
    let body = json!({"query": "rows 4000000"}).to_string();
    let request = format!(
        "POST /api/v1/query/export?format=ndjson HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: {}\r\n\r\n{body}",
        program.token.clone().unwrap(),
        body.len()
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut bytes = vec![0; 512];
    assert!(stream.read(&mut bytes).await.unwrap() > 0, "it answers");
    let second = json!({"query": "rows 1"});
    assert_eq!(open.house.post(&program, "/query", second.clone()).await.status.as_u16(), 429, "the place is taken");
    let free = async {
        while open.house.post(&program, "/query", second.clone()).await.status.as_u16() == 429 {
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    };
    tokio::time::timeout(LONG, free).await.expect("the place is free again");
    drop(stream);
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn live_listeners_hear_the_pulse_and_do_not_hold_up_the_end() {
    let open = open(quick(), None).await;
    let root = open.house.administrator().await;
    let token = open.house.token(&root, &["read"], None).await.token.unwrap();
    let mut stream = TcpStream::connect(open.address).await.unwrap();
    let request = format!("GET /api/v1/live HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {token}\r\n\r\n");
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut heard = String::new();
    let mut bytes = vec![0; 4_096];
    while heard.matches("event: pulse").count() < 3 {
        let read = tokio::time::timeout(LONG, stream.read(&mut bytes)).await.expect("a pulse").unwrap();
        assert!(read > 0, "{heard}");
        heard.push_str(&String::from_utf8_lossy(&bytes[..read]));
    }
    assert!(heard.contains("text/event-stream") && heard.contains("\"event\":\"pulse\""), "{heard}");
    open.shutdown.cancel();
    tokio::time::timeout(Duration::from_secs(4), open.serving).await.expect("an orderly end").unwrap();
    assert!(TcpStream::connect(open.address).await.is_err(), "nobody listens any more");
}

#[tokio::test]
async fn passwords_do_not_travel_in_the_clear() {
    for address in ["0.0.0.0:0", "[::]:0", "192.0.2.1:0"] {
        let refused = listen(address.parse().unwrap(), None).await;
        let Err(error) = refused else { panic!("{address} needs TLS") };
        assert!(matches!(error, Error::TlsRequired(_)));
        assert!(error.to_string().contains("127.0.0.1"), "the remedy: {error}");
    }
    assert!(listen("[::1]:0".parse().unwrap(), None).await.is_ok() || !has_ipv6().await);
}

async fn has_ipv6() -> bool {
    tokio::net::TcpListener::bind("[::1]:0").await.is_ok()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn a_self_signed_certificate_is_made_once_and_serves() {
    let folder = tempfile::tempdir().unwrap();
    let source = TlsSource::SelfSigned { folder: folder.path().join("tls"), names: vec!["vigie.example".to_owned()] };
    let tls = Tls::load(&source).unwrap();
    assert_eq!(tls.fingerprint, Tls::load(&source).unwrap().fingerprint, "kept, not made anew");
    #[cfg(unix)]
    {
        use std::os::unix::fs::PermissionsExt;
        let key = std::fs::metadata(folder.path().join("tls/key.pem")).unwrap();
        assert_eq!(key.permissions().mode() & 0o777, 0o600);
    }
    let open = open(ServerConfig { secure_cookies: true, ..quick() }, Some(tls)).await;
    let pem = std::fs::read(folder.path().join("tls/certificate.pem")).unwrap();
    let mut roots = rustls::RootCertStore::empty();
    use rustls::pki_types::pem::PemObject;
    roots.add(rustls::pki_types::CertificateDer::from_pem_slice(&pem).unwrap()).unwrap();
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = rustls::ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .unwrap()
        .with_root_certificates(roots)
        .with_no_client_auth();
    let connector = tokio_rustls::TlsConnector::from(Arc::new(config));
    let stream = TcpStream::connect(open.address).await.unwrap();
    let mut stream = connector.connect("vigie.example".try_into().unwrap(), stream).await.unwrap();
    stream.write_all(b"GET /api/v1/health HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n").await.unwrap();
    let mut bytes = Vec::new();
    let _ = stream.read_to_end(&mut bytes).await;
    let text = String::from_utf8_lossy(&bytes);
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("strict-transport-security"), "{text}");
}

#[tokio::test]
async fn a_bad_certificate_is_named() {
    let folder = tempfile::tempdir().unwrap();
    let (certificate, key) = (folder.path().join("c.pem"), folder.path().join("k.pem"));
    let source = TlsSource::Files { certificate: certificate.clone(), key };
    let missing = Tls::load(&source).unwrap_err().to_string();
    assert!(missing.contains("c.pem"), "{missing}");
    std::fs::write(&certificate, "not a certificate").unwrap();
    let empty = Tls::load(&source).unwrap_err().to_string();
    assert!(empty.contains("c.pem") && empty.contains("BEGIN CERTIFICATE"), "{empty}");
}
