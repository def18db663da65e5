//! A whole server on an empty database, with a lake and an intake that tests can watch.

use std::net::{IpAddr, SocketAddr};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use async_trait::async_trait;
use axum::body::Body;
use axum::extract::ConnectInfo;
use axum::http::{HeaderMap, Method, Request, StatusCode};
use futures::stream::{self, BoxStream, StreamExt};
use http_body_util::BodyExt;
use kernel::port::{
    Answer, AnswerEnd, AnswerPart, AnswerStream, Delivery, DeliveryError, EventLake, IntakePort, QueryError,
    QueryRequest, Receipt, ScanProgress, SourceDefinition, SourceStatus,
};
use kernel::{ColumnSchema, Diagnostic, ScalarType, Span, TableSchema, Value};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use server::{Console, Server, ServerConfig, ServerParts};
use testkit::{CountingRandomness, TestClock, TestDatabase};
use tower::ServiceExt;

/// A password that everybody in the tests has.
pub const PASSWORD: &str = "correct horse battery";

/// A lake that answers a few texts: `rows N`, `forever`, `broken N`, anything else is invalid.
#[derive(Default)]
pub struct FakeLake {
    /// Streams that have been dropped before their end.
    pub cancelled: Arc<AtomicUsize>,
    pub asked: Mutex<Vec<QueryRequest>>,
}

/// Counts itself when its stream is dropped.
struct CountDrop(Arc<AtomicUsize>);

impl Drop for CountDrop {
    fn drop(&mut self) {
        self.0.fetch_add(1, Ordering::AcqRel);
    }
}

fn columns() -> Arc<[ColumnSchema]> {
    let column = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
    [column("N", ScalarType::Long), column("Text", ScalarType::String)].into()
}

fn chunk(numbers: impl Iterator<Item = i64>) -> AnswerPart {
    let row = |n| vec![Value::Long(n), Value::String(format!("=row {n}"))];
    AnswerPart::Rows(numbers.map(row).collect())
}

fn answer(parts: BoxStream<'static, Result<AnswerPart, QueryError>>) -> AnswerStream {
    AnswerStream { columns: columns(), table: None, visualization: None, warnings: Vec::new(), parts }
}

#[async_trait]
impl EventLake for FakeLake {
    async fn append(&self, _: &str, _: Vec<serde_json::Map<String, Json>>) -> Result<(), DeliveryError> {
        Err(DeliveryError::Unavailable("tests append nothing".to_owned()))
    }

    async fn query(&self, request: QueryRequest) -> Result<Answer, QueryError> {
        if request.text.starts_with("// The last traces of") {
            let texts = ["position", "-8.55 125.57 within 20 m"].map(|text| Value::String(text.to_owned()));
            let [trace, what] = texts;
            let rows = vec![vec![Value::DateTime(request.now.ticks()), trace, what]];
            return Ok(Answer::of(columns(), rows));
        }
        if request.text.contains("summarize Rows = count() by Value") {
            let rows = ["High", "say \"Low\""].map(|text| vec![Value::String(text.to_owned()), Value::Long(1)]);
            self.asked.lock().push(request);
            return Ok(Answer::of(columns(), rows.to_vec()));
        }
        if request.text.starts_with("// Sign-ins for policies of conditional access") {
            return Ok(sign_ins(request.now));
        }
        if !request.text.contains("summarize count() by bin(_TimeReceived") {
            return Err(QueryError::Engine(format!("tests collect nothing else: {}", request.text)));
        }
        let step = Value::DateTime(request.now.plus_micros(-3_600_000_000).ticks());
        self.asked.lock().push(request);
        Ok(Answer::of(columns(), vec![vec![step, Value::Long(42)]]))
    }

    async fn stream(&self, request: QueryRequest) -> Result<AnswerStream, QueryError> {
        let text = request.text.clone();
        let most = i64::try_from(request.limits.rows).unwrap_or(i64::MAX);
        self.asked.lock().push(request);
        let number = |word: &str| text.strip_prefix(word).and_then(|rest| rest.trim().parse::<i64>().ok());
        if let Some(rows) = number("rows") {
            let last = rows.min(most);
            let read = ScanProgress { files: 2, files_planned: 3, bytes: 10, ..ScanProgress::default() };
            let scanned = rows.unsigned_abs();
            let end = AnswerEnd { truncated: rows > most, elapsed_us: 1, rows_scanned: scanned, read };
            let chunks = (0..last).step_by(700).map(move |from| Ok(chunk(from..last.min(from + 700))));
            return Ok(answer(stream::iter(chunks.chain([Ok(AnswerPart::End(end))])).boxed()));
        }
        if let Some(rows) = number("tables") {
            let end = AnswerEnd { truncated: false, elapsed_us: 1, rows_scanned: 1, read: ScanProgress::default() };
            let second = AnswerPart::Table { name: "second".to_owned(), columns: columns() };
            let parts = [chunk(0..rows), second, chunk(rows..rows + 1), AnswerPart::End(end)];
            let stream = answer(stream::iter(parts.map(Ok)).boxed());
            return Ok(AnswerStream { table: Some("first".to_owned()), ..stream });
        }
        if text == "slow" {
            let stand = ScanProgress { files: 1, files_planned: 3, ..ScanProgress::default() };
            let end = AnswerEnd { truncated: false, elapsed_us: 1, rows_scanned: 1, read: stand };
            let parts = [AnswerPart::Progress(stand), chunk(0..1), AnswerPart::Progress(stand), AnswerPart::End(end)];
            return Ok(answer(stream::iter(parts.map(Ok)).boxed()));
        }
        if let Some(rows) = number("broken") {
            let end = Err(QueryError::Limit("the query took more than its 1 s".to_owned()));
            return Ok(answer(stream::iter([Ok(chunk(0..rows)), end]).boxed()));
        }
        assert!(text != "panic", "the engine has a fault");
        if text == "forever" {
            let guard = CountDrop(self.cancelled.clone());
            let rows = stream::unfold((guard, 0), |(guard, n)| async move {
                tokio::time::sleep(std::time::Duration::from_millis(5)).await;
                Some((Ok(chunk(n..n + 1)), (guard, n + 1)))
            });
            return Ok(answer(rows.boxed()));
        }
        let place = Span::new(0, u32::try_from(text.len()).unwrap_or(0));
        Err(QueryError::Invalid(vec![Diagnostic::error("KQL0001", place, "there is no such table")]))
    }

    fn tables(&self) -> Vec<TableSchema> {
        let table = |name: &str| TableSchema { name: name.to_owned(), columns: columns().to_vec() };
        vec![table("SecurityEvent").with_standard_columns(), table("Ledger"), table("Tokens"), table("Persons")]
    }
}

/// Sign-ins as the lake groups them: with a password alone, with a second factor, by an old protocol, of the last resort.
fn sign_ins(now: kernel::Timestamp) -> Answer {
    let named = |name: &str, scalar| ColumnSchema { name: name.to_owned(), scalar };
    let texts = ["Name", "UserId", "AppId", "AppDisplayName", "ClientAppUsed", "Country", "SignInRisk"];
    let mut columns: Vec<ColumnSchema> = texts.iter().map(|name| named(name, ScalarType::String)).collect();
    columns.extend([
        named("SecondFactor", ScalarType::Bool),
        named("Count", ScalarType::Long),
        named("Last", ScalarType::DateTime),
    ]);
    let row = |name: &str, client: &str, second: bool, count: i64| {
        let user = format!("{name}@relief.example");
        let id = format!("id-{name}");
        let mut row: Vec<Value> = [user.as_str(), id.as_str(), "app-mail", "Mail", client, "ML", "none"]
            .iter()
            .map(|text| Value::String((*text).to_owned()))
            .collect();
        row.extend([Value::Bool(second), Value::Long(count), Value::DateTime(now.ticks())]);
        row
    };
    let rows = vec![
        row("osei", "Browser", false, 5),
        row("osei", "Browser", true, 40),
        row("lind", "IMAP4", false, 7),
        row("glass", "Browser", false, 1),
    ];
    Answer::of(columns.into(), rows)
}

/// An intake that keeps what it was given.
#[derive(Default)]
pub struct FakeIntake {
    pub connected: Mutex<Vec<SourceDefinition>>,
    pub delivered: Mutex<Vec<Delivery>>,
    /// What to say instead of accepting.
    pub refusal: Mutex<Option<DeliveryError>>,
}

#[async_trait]
impl IntakePort for FakeIntake {
    async fn connect(&self, source: SourceDefinition) -> Result<(), DeliveryError> {
        if source.time_zone.as_deref() == Some("Mars/Olympus") {
            return Err(DeliveryError::Malformed("there is no time zone Mars/Olympus".to_owned()));
        }
        self.connected.lock().push(source);
        Ok(())
    }

    fn formats(&self) -> Vec<String> {
        vec!["windows-json".to_owned(), "syslog".to_owned()]
    }

    async fn accept(&self, delivery: Delivery) -> Result<Receipt, DeliveryError> {
        if let Some(refusal) = self.refusal.lock().clone() {
            return Err(refusal);
        }
        let accepted = delivery.body.split(|byte| *byte == b'\n').filter(|line| !line.is_empty()).count() as u64;
        self.delivered.lock().push(delivery);
        Ok(Receipt { accepted, unparsed: 0, duplicate: false, problems: Vec::new() })
    }

    fn sources(&self) -> Vec<SourceStatus> {
        let status = |source: &SourceDefinition| SourceStatus {
            name: source.name.clone(),
            format: source.format.clone(),
            first_seen: None,
            last_seen: None,
            last_event: None,
            records: 7,
            bytes: 700,
            unparsed: 1,
            dropped: 0,
            duplicates: 0,
            rate_per_s: 1.5,
            lag_ms: None,
            silent: true,
        };
        self.connected.lock().iter().map(status).collect()
    }
}

/// Systems in memory.
#[derive(Default)]
pub struct FakeTargets {
    /// Of feeds, by feed and name.
    pub secrets: Mutex<std::collections::BTreeMap<String, connector::Secret>>,
    targets: Mutex<std::collections::BTreeMap<String, Arc<connector::memory::Memory>>>,
}

impl FakeTargets {
    pub fn put(&self, key: &str, target: Arc<connector::memory::Memory>) {
        self.targets.lock().insert(key.to_owned(), target);
    }
}

#[async_trait]
impl identity::provision::Targets for FakeTargets {
    async fn target(
        &self,
        key: &str,
        _: &identity::system::System,
    ) -> Result<Arc<dyn connector::Connector>, connector::ConnectorError> {
        let mut targets = self.targets.lock();
        let target = targets.entry(key.to_owned()).or_insert_with(|| Arc::new(connector::memory::Memory::new(key)));
        Ok(target.clone())
    }

    async fn feed_secret(&self, feed: &str, name: &str) -> Result<connector::Secret, connector::ConnectorError> {
        let found = self.secrets.lock().get(&format!("{feed}/{name}")).cloned();
        found.ok_or_else(|| connector::ConnectorError::new(connector::ErrorKind::Auth, format!("no secret `{name}`")))
    }
}

/// The server and everything around it.
pub struct House {
    pub server: Server,
    pub clock: Arc<TestClock>,
    pub lake: Arc<FakeLake>,
    pub intake: Arc<FakeIntake>,
    pub store: store::Store,
    pub detect: detect::Detect,
    pub field: field::Field,
    pub respond: respond::Respond,
    pub targets: Arc<FakeTargets>,
    _database: TestDatabase,
}

/// An answer, read to its end.
#[derive(Debug)]
pub struct Reply {
    pub status: StatusCode,
    pub headers: HeaderMap,
    pub body: Vec<u8>,
}

impl Reply {
    pub fn json(&self) -> Json {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }

    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    pub fn code(&self) -> String {
        self.json()["code"].as_str().unwrap_or_default().to_owned()
    }

    pub fn header(&self, name: &str) -> &str {
        self.headers.get(name).and_then(|value| value.to_str().ok()).unwrap_or_default()
    }
}

/// A past of one process start.
pub struct OneEvent;

#[async_trait::async_trait]
impl server::RuleHistory for OneEvent {
    async fn why(&self, rule: Arc<sigma::Rule>, range: kernel::port::TimeRange) -> Result<server::Looked, String> {
        let column = |value: &str| -> arrow_array::ArrayRef {
            let values = [value].into_iter();
            Arc::new(values.collect::<arrow_array::DictionaryArray<arrow_array::types::UInt32Type>>())
        };
        let columns = arrow_array::RecordBatch::try_from_iter([
            ("Channel", column("Microsoft-Windows-Sysmon/Operational")),
            ("EventID", column("1")),
            ("Image", column("C:\\Windows\\notepad.exe")),
        ])
        .expect("columns of one row");
        let engine = sigma::Engine::compile(vec![rule], &sigma::Mappings::shipped());
        let report = engine.why(0, &columns, &|_| range.from, &|_| "item-1".to_owned());
        Ok(server::Looked { report: report.map_err(|error| error.to_string())?, complete: true })
    }
}

/// Somebody who asks: a cookie and its CSRF value, or a token.
#[derive(Debug, Clone, Default)]
pub struct Client {
    pub cookie: Option<String>,
    pub csrf: Option<String>,
    pub token: Option<String>,
    pub address: Option<IpAddr>,
}

impl Client {
    pub fn with_token(secret: &str) -> Client {
        Client { token: Some(secret.to_owned()), ..Client::default() }
    }

    pub fn from_address(last: u8) -> Client {
        Client { address: Some(IpAddr::from([192, 0, 2, last])), ..Client::default() }
    }
}

impl House {
    /// The radio room hears of every fact.
    pub async fn tell_the_room(&self) {
        for subscriber in self.field.subscribers() {
            self.store.postman(subscriber).round().await.unwrap();
        }
    }

    pub async fn new() -> House {
        House::with(ServerConfig { password_checks: 4, ..ServerConfig::default() }, Console::from_files([])).await
    }

    pub async fn with(config: ServerConfig, console: Console) -> House {
        let database = testkit::sqlite();
        let clock = TestClock::noon();
        let store =
            store::Store::open(&database.url, clock.clone(), CountingRandomness::seeded(7)).await.expect("store");
        let detect = detect::Detect::new(store.clone());
        let replica = replica::Replica::new(store.clone(), "HQ").expect("a name");
        let field = field::Field::new(store.clone()).among_nodes(Some(replica.clone()));
        let respond = respond::Respond::new(store.clone(), respond::Policy::default());
        let identity = identity::Identity::new(store.clone());
        let targets = Arc::new(FakeTargets::default());
        let (lake, intake) = (Arc::new(FakeLake::default()), Arc::new(FakeIntake::default()));
        let parts = ServerParts {
            store: store.clone(),
            lake: lake.clone(),
            intake: intake.clone(),
            history: Arc::new(OneEvent),
            detect: detect.clone(),
            respond: respond.clone(),
            field: field.clone(),
            replica: Some(replica),
            identity,
            targets: targets.clone(),
            courier: courier::Courier::new(store.clone()),
            library: library::Library::new(store.clone()),
            clock: clock.clone(),
            console,
            config,
        };
        let server = Server::build(parts).await.expect("server");
        House { server, clock, lake, intake, store, detect, field, respond, targets, _database: database }
    }

    /// Sends a request and reads the whole answer.
    pub async fn send(&self, client: &Client, request: Request<Body>) -> Reply {
        let (parts, body) = self.respond(client, request).await.into_parts();
        let body = body.collect().await.map(|body| body.to_bytes().to_vec()).unwrap_or_default();
        Reply { status: parts.status, headers: parts.headers, body }
    }

    pub async fn respond(&self, client: &Client, request: Request<Body>) -> axum::response::Response {
        let (mut parts, body) = request.into_parts();
        let mut put = |name: &'static str, value: &Option<String>| {
            if let Some(value) = value {
                parts.headers.insert(name, value.parse().expect("a header value"));
            }
        };
        put("cookie", &client.cookie);
        put("x-vigie-csrf", &client.csrf);
        put("authorization", &client.token.as_ref().map(|token| format!("Bearer {token}")));
        let address = client.address.unwrap_or(IpAddr::from([127, 0, 0, 1]));
        parts.extensions.insert(ConnectInfo(SocketAddr::from((address, 40_000))));
        self.server.router().oneshot(Request::from_parts(parts, body)).await.expect("infallible")
    }

    /// The status of an answer, and its problem if it is one; the body of anything else is not read.
    pub async fn refusal(&self, client: &Client, request: Request<Body>) -> (StatusCode, Option<Json>) {
        let response = self.respond(client, request).await;
        let status = response.status();
        if !(status.is_client_error() || status.is_server_error()) {
            return (status, None);
        }
        let body = response.into_body().collect().await.expect("a problem has a body").to_bytes();
        (status, serde_json::from_slice(&body).ok())
    }

    pub async fn get(&self, client: &Client, path: &str) -> Reply {
        self.send(client, Request::get(format!("/api/v1{path}")).body(Body::empty()).expect("request")).await
    }

    pub async fn post(&self, client: &Client, path: &str, body: Json) -> Reply {
        self.call(client, Method::POST, path, body).await
    }

    pub async fn call(&self, client: &Client, method: Method, path: &str, body: Json) -> Reply {
        let request = Request::builder()
            .method(method)
            .uri(format!("/api/v1{path}"))
            .header("content-type", "application/json")
            .body(Body::from(body.to_string()))
            .expect("request");
        self.send(client, request).await
    }

    /// Opens the house: the first administrator, by the link.
    pub async fn administrator(&self) -> Client {
        let link = self.server.setup_link().await.expect("store").expect("nobody administers yet");
        let reply = self
            .post(&Client::default(), "/setup", json!({"token": link.token, "name": "root", "password": PASSWORD}))
            .await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        signed_in(&reply)
    }

    /// Invites somebody and signs them in.
    pub async fn person(&self, administrator: &Client, name: &str, roles: &[&str]) -> Client {
        let invited = json!({"name": name, "display_name": name, "roles": roles, "reason": "needs it"});
        let reply = self.post(administrator, "/users", invited).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        let token = reply.json()["token"].clone();
        let reply = self.post(&Client::default(), "/setup", json!({"token": token, "password": PASSWORD})).await;
        assert_eq!(reply.status, StatusCode::OK, "{}", reply.text());
        signed_in(&reply)
    }

    pub async fn token(&self, owner: &Client, scopes: &[&str], target: Option<&str>) -> Client {
        self.token_named("program", owner, scopes, target).await
    }

    pub async fn token_named(&self, name: &str, owner: &Client, scopes: &[&str], target: Option<&str>) -> Client {
        let wanted = json!({
            "name": name, "scopes": scopes, "target": target, "expires_in_days": 1, "reason": "needs it"
        });
        let reply = self.post(owner, "/tokens", wanted).await;
        assert_eq!(reply.status, StatusCode::CREATED, "{}", reply.text());
        Client::with_token(reply.json()["secret"].as_str().expect("a secret"))
    }
}

/// What a browser keeps of a sign-in.
pub fn signed_in(reply: &Reply) -> Client {
    let cookie = reply.header("set-cookie").split(';').next().unwrap_or_default().to_owned();
    let csrf = reply.json()["signed_in"]["csrf"].as_str().expect("signed in").to_owned();
    Client { cookie: Some(cookie), csrf: Some(csrf), ..Client::default() }
}
