//! Bad deliveries at a running server: each gets its answer, nothing else breaks, nothing accepted is lost.

use std::io::Write;
use std::net::TcpStream;

use flate2::Compression;
use flate2::write::GzEncoder;

use crate::rig::Rig;
use crate::running::Running;

/// The largest body of the server under test.
const MAX_BODY_BYTES: usize = 8 << 20;
/// Its longest line.
const MAX_LINE_BYTES: usize = 1 << 20;

/// A delivery and what must come of it.
struct Case {
    what: &'static str,
    headers: Vec<(&'static str, String)>,
    body: Vec<u8>,
    status: u16,
    /// Records accepted, and those of them that go to `_Unparsed`.
    stored: (u64, u64),
    /// Part of the answer.
    says: &'static str,
}

fn event(name: &str) -> String {
    format!(
        r#"{{"Channel":"Security","EventID":4688,"SourceName":"Microsoft-Windows-Security-Auditing","Hostname":"{name}","@timestamp":"2026-11-21T08:00:00Z"}}"#
    )
}

fn at(time: &str) -> String {
    event("clock").replace("2026-11-21T08:00:00Z", time)
}

fn gzip(bytes: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::fast());
    encoder.write_all(bytes).unwrap();
    encoder.finish().unwrap()
}

fn cases() -> Vec<Case> {
    let plain =
        |what, body: Vec<u8>, status, stored, says| Case { what, headers: Vec::new(), body, status, stored, says };
    let packed = |what, body: Vec<u8>, status, says| Case {
        headers: vec![("content-encoding", "gzip".to_owned())],
        ..plain(what, body, status, (0, 0), says)
    };
    let deep = format!("{{\"a\":{}1{}}}", "[".repeat(100_000), "]".repeat(100_000));
    let wide: String = (0..200_000).map(|number| format!("\"k{number}\":1,")).collect();
    let times =
        ["0001-01-01T00:00:00Z", "9999-12-31T23:59:59Z", "2099-01-01T00:00:00Z", "not a time", ""].map(at).join("\n");
    vec![
        plain("two events", format!("{}\n{}\n", event("one"), event("two")).into_bytes(), 200, (2, 0), "accepted"),
        plain("no newline at the end", event("three").into_bytes(), 200, (1, 0), "accepted"),
        plain("nothing", Vec::new(), 200, (0, 0), "accepted"),
        plain("a line that is no JSON", b"{\"a\":\n".to_vec(), 200, (1, 1), "a value was expected"),
        plain("invalid UTF-8", b"{\"a\":\"\xff\xfe\"}\n".to_vec(), 200, (1, 0), "not UTF-8"),
        plain("100,000 levels", deep.into_bytes(), 200, (1, 1), "deep"),
        plain("200,000 keys", format!("{{{wide}\"last\":1}}\n").into_bytes(), 200, (1, 1), "bytes"),
        plain(
            "a line over the limit",
            format!("{{\"a\":\"{}\"}}", "x".repeat(MAX_LINE_BYTES)).into_bytes(),
            200,
            (1, 1),
            "bytes",
        ),
        plain("times of no calendar", times.into_bytes(), 200, (5, 0), "accepted"),
        plain("a body over the limit", vec![b'x'; MAX_BODY_BYTES + 1], 413, (0, 0), "8388608"),
        packed("a bomb", gzip(&vec![b' '; 64 << 20]), 413, "8388608"),
        packed("no gzip at all", b"{\"a\":1}\n".to_vec(), 400, "gzip"),
        packed("half of a gzip", gzip(event("half").as_bytes())[..40].to_vec(), 400, "gzip"),
    ]
}

#[test]
fn bad_deliveries_get_their_answer_and_nothing_accepted_is_lost() {
    let rig = Rig::new();
    let limits = [("VIGIE_SERVER_MAX_BODY_BYTES", MAX_BODY_BYTES), ("VIGIE_INTAKE_MAX_LINE_BYTES", MAX_LINE_BYTES)];
    let running = Running::start_with(&rig, &limits.map(|(name, bytes)| (name, bytes.to_string())));
    let session = running.administrator();
    let token = format!("Bearer {}", running.connect_source(&session, "collector", "windows-json"));
    // Clients that begin and never end a request, in front of everybody else.
    let mut slow: Vec<TcpStream> = (0..20).map(|_| TcpStream::connect(running.address).unwrap()).collect();
    slow.iter_mut().for_each(|stream| stream.write_all(b"POST /api/v1/ingest/collector HTTP/1.1\r\nhost:").unwrap());
    let (mut accepted, mut unparsed, mut wrong) = (0, 0, Vec::new());
    for case in cases() {
        let mut headers = vec![("authorization", token.as_str()), ("content-type", "application/x-ndjson")];
        headers.extend(case.headers.iter().map(|(name, value)| (*name, value.as_str())));
        let reply = running.send("POST", "ingest/collector", &headers, &case.body);
        let receipt: serde_json::Value = serde_json::from_str(&reply.body).unwrap_or_default();
        let stored = (receipt["accepted"].as_u64().unwrap_or(0), receipt["unparsed"].as_u64().unwrap_or(0));
        if (reply.status, stored) != (case.status, case.stored) || !reply.body.contains(case.says) {
            wrong.push(format!("{}: {} {}", case.what, reply.status, reply.body));
        }
        accepted += case.stored.0;
        unparsed += case.stored.1;
    }
    refused_at_the_door(&running, &token, &mut wrong);
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    noise_on_the_syslog_port(&running);
    assert_eq!(running.health().status, 200);
    running.kill();
    drop(slow);
    let counted = rig.ok(&[
        "query",
        "union withsource=T SecurityEvent, WindowsEvent, _Unparsed | where _SourceName == 'collector' | summarize Rows = dcount(_ItemId), Bad = dcountif(_ItemId, T == '_Unparsed')",
        "--format",
        "csv",
    ]);
    assert_eq!(counted.out, format!("Rows,Bad\n{accepted},{unparsed}\n"), "{}", counted.err);
}

/// Requests that never become a delivery.
fn refused_at_the_door(running: &Running, token: &str, wrong: &mut Vec<String>) {
    let body = event("stranger");
    let checks = [
        ("POST", "ingest/collector", "Bearer vgt_nonsense", 401),
        ("POST", "ingest/collector", "", 401),
        ("GET", "ingest/collector", token, 405),
        ("DELETE", "ingest/collector", token, 405),
        // A source's token opens its own door alone.
        ("POST", "ingest/SigninLogs", token, 403),
        ("POST", "ingest/..%2f..%2fetc", token, 403),
        ("POST", "query", token, 403),
    ];
    for (method, path, token, status) in checks {
        let headers = [("authorization", token), ("content-type", "application/x-ndjson")];
        let reply = running.send(method, path, &headers, body.as_bytes());
        if reply.status != status {
            wrong.push(format!("{method} {path}: {} {}", reply.status, reply.body));
        }
    }
}

/// A port scanner, a browser, and somebody who promises more than they send.
fn noise_on_the_syslog_port(running: &Running) {
    let noise: [&[u8]; 4] =
        [b"GET / HTTP/1.1\r\n\r\n", b"\x16\x03\x01\x02\x00\x01", b"99999999999999999999 x", b"50 <13>short"];
    for bytes in noise {
        let mut stream = TcpStream::connect(running.syslog).unwrap();
        stream.write_all(bytes).unwrap();
    }
}
