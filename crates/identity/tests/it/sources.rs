//! Feeds that are asked: a query of a real database, an address of a real server on loopback.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU16, Ordering};

use identity::Error;
use identity::feed::{BatchState, FetchState};
use identity::finding::{FindingKind, FindingState};
use parking_lot::Mutex;
use serde_json::{Value as Json, json};
use sqlx::{AssertSqlSafe, Connection, PgConnection, SqliteConnection};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpListener;

use crate::rig::{self, Rig, officer};

const MINUTE_US: i64 = 60_000_000;

/// The feed `asked` with a source; what comes is mapped as the office's own feed is.
fn feed(format: &str, source: &str) -> String {
    let map = "anchor = \"person\"\nnumber = \"person\"\nkey = \"person\"\ngiven_name = \"given\"\nfamily_name = \"family\"\n\
               birth_date = \"born\"\nbegins = \"begins\"\nstation = \"station\"\norg_unit = \"unit\"\njob = \"job\"\n";
    format!(
        "[feed.asked]\ntitle = \"Personnel\"\nowner = \"P-1\"\nformat = \"{format}\"\n[feed.asked.guards]\nleavers_max = 5\n\
         [feed.asked.source]\n{source}\n[feed.asked.map]\n{map}"
    )
}

async fn fetch(rig: &Rig) -> (FetchState, Option<BatchState>, String) {
    let (state, batch) = rig.identity.fetch_feed("asked", rig.targets.as_ref(), &officer()).await.unwrap();
    let problem = state.problem.or_else(|| batch.as_ref().map(|batch| batch.findings.join("; "))).unwrap_or_default();
    (state.state, batch.map(|batch| batch.state), problem)
}

async fn troubles(rig: &Rig) -> Vec<String> {
    let open = rig.identity.findings(Some(FindingKind::FeedFailed), Some(FindingState::Open)).await.unwrap();
    open.into_iter().map(|one| one.title).collect()
}

async fn run(url: &str, sql: &str) {
    let sql = AssertSqlSafe(sql.to_owned());
    if url.starts_with("sqlite:") {
        let mut connection = SqliteConnection::connect(&format!("{url}?mode=rwc")).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    } else {
        let mut connection = PgConnection::connect(url).await.unwrap();
        sqlx::raw_sql(sql).execute(&mut connection).await.unwrap();
        connection.close().await.unwrap();
    }
}

fn people(count: usize) -> String {
    let one = |n: usize| {
        format!("('P-{n}', 'Given{n}', 'Family{n}', '19{:02}-01-02', '2026-01-01', 'nbo', 'OPS', {n})", 40 + n)
    };
    (0..count).map(one).collect::<Vec<_>>().join(", ")
}

/// The personnel database is of the engine that the check runs on.
pub async fn rows_of_a_query_go_through_the_same_guards(url: String) {
    let rig = rig::open(&url).await;
    let folder = tempfile::tempdir().unwrap();
    let personnel = match url.starts_with("sqlite:") {
        true => format!("sqlite:{}", folder.path().join("personnel.db").display()),
        false => url.clone(),
    };
    let table = "CREATE TABLE hr_people (person TEXT, given TEXT, family TEXT, born TEXT, begins TEXT, station TEXT, unit TEXT, \
                 grade BIGINT)";
    run(&personnel, &format!("{table}; INSERT INTO hr_people VALUES {}", people(12))).await;
    rig.targets.secrets.lock().insert("asked/hr-db".to_owned(), connector::Secret::new(personnel.clone()));
    let asking = |query: &str| feed("json", &format!("kind = \"sql\"\nsecret = \"hr-db\"\nquery = \"{query}\""));
    let query =
        "SELECT person, given, family, born, begins, station, unit, 'Grade ' || grade AS job FROM hr_people -- all;";
    rig.save(&asking(query)).await.unwrap();
    assert_eq!(fetch(&rig).await, (FetchState::Taken, Some(BatchState::Applied), String::new()));
    assert_eq!(rig.people().await.len(), 12);
    assert_eq!(fetch(&rig).await.0, FetchState::Unchanged, "the same rows in whatever order are the same delivery");
    run(&personnel, "DELETE FROM hr_people WHERE grade >= 4").await;
    let (state, batch, why) = fetch(&rig).await;
    assert_eq!((state, batch), (FetchState::Taken, Some(BatchState::Held)), "{why}");
    assert!(why.contains("8 people would leave"), "{why}");
    // The query can read, and nothing else.
    for write in [
        "DELETE FROM hr_people RETURNING *",
        "WITH gone AS (DELETE FROM hr_people RETURNING *) SELECT * FROM gone",
        "SELECT 1) AS record; DELETE FROM hr_people; SELECT * FROM (SELECT 1",
    ] {
        rig.save(&asking(write)).await.unwrap();
        assert_eq!(fetch(&rig).await.0, FetchState::Failed, "{write}");
    }
    assert!(troubles(&rig).await[0].contains("Personnel cannot be asked"), "{:?}", troubles(&rig).await);
    rig.save(&asking(query)).await.unwrap();
    assert_eq!(fetch(&rig).await.1, Some(BatchState::Held), "the four are still there");
    assert_eq!(troubles(&rig).await, Vec::<String>::new());
    run(&personnel, "DROP TABLE hr_people").await;
    let (state, _, why) = fetch(&rig).await;
    assert_eq!(state, FetchState::Failed);
    assert!(why.contains("hr_people") && !why.contains(&personnel), "{why}");
    assert_eq!(rig.people().await.len(), 12, "a source that fails writes nothing");
    let view = rig.identity.feeds().await.unwrap().into_iter().find(|one| one.key == "asked").unwrap();
    assert_eq!(view.source.map(|source| source.failures), Some(1));
}

/// A server that answers what it is told to, and keeps what it was asked.
struct Web {
    port: u16,
    answer: Mutex<String>,
    /// Answers by path and query; several of one are given one after the other, and the last again and again.
    pages: Mutex<BTreeMap<String, Vec<String>>>,
    asked: Mutex<Vec<String>>,
    status: AtomicU16,
}

async fn web() -> Arc<Web> {
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    let web = Arc::new(Web {
        port,
        answer: Mutex::default(),
        pages: Mutex::default(),
        asked: Mutex::default(),
        status: AtomicU16::new(0),
    });
    let serving = web.clone();
    tokio::spawn(async move {
        loop {
            let Ok((mut socket, _)) = listener.accept().await else { return };
            let mut head = Vec::new();
            while !head.ends_with(b"\r\n\r\n") {
                match socket.read_u8().await {
                    Ok(byte) => head.push(byte),
                    Err(_) => break,
                }
            }
            let head = String::from_utf8_lossy(&head).into_owned();
            let known = head.lines().any(|line| line.eq_ignore_ascii_case("if-none-match: \"one\""));
            let unchanged = known && serving.status.load(Ordering::Acquire) == 304;
            let answer =
                if unchanged { "HTTP/1.1 304 Not Modified\r\n\r\n".to_owned() } else { serving.answer_to(&head) };
            serving.asked.lock().push(head);
            let _ = socket.write_all(answer.as_bytes()).await;
        }
    });
    web
}

fn answer(headers: &str, body: &str) -> String {
    format!("HTTP/1.1 200 OK\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len())
}

impl Web {
    fn answer_to(&self, head: &str) -> String {
        let place = head.split(' ').nth(1).unwrap_or_default();
        let mut pages = self.pages.lock();
        match pages.get_mut(place) {
            Some(several) if several.len() > 1 => several.remove(0),
            Some(several) => several[0].clone(),
            None => self.answer.lock().clone(),
        }
    }

    fn page(&self, place: &str, headers: &str, body: &Json) {
        let answer = answer(headers, &body.to_string());
        self.pages.lock().entry(place.to_owned()).or_default().push(answer);
    }

    fn says(&self, status: &str, headers: &str, body: &str) {
        *self.answer.lock() = format!("HTTP/1.1 {status}\r\n{headers}Content-Length: {}\r\n\r\n{body}", body.len());
    }
}

fn list(count: usize) -> String {
    let one = |n: usize| {
        serde_json::json!({ "person": format!("P-{n}"), "given": format!("G{n}"), "family": format!("F{n}"),
            "born": format!("19{}-01-01", 40 + n), "begins": "2026-01-01", "station": "nbo", "unit": "OPS", "job": "Officer" })
    };
    serde_json::json!((0..count).map(one).collect::<Vec<_>>()).to_string()
}

pub async fn an_address_is_asked_whether_it_changed(url: String) {
    let mut rig = rig::open(&url).await;
    let web = web().await;
    rig.targets.secrets.lock().insert("asked/hr-key".to_owned(), connector::Secret::new("Bearer s3cr3t"));
    let source = format!(
        "kind = \"http\"\nurl = \"http://127.0.0.1:{}/people.json?all=1\"\nsecret = \"hr-key\"\nevery_minutes = 60",
        web.port
    );
    web.says("200 OK", "ETag: \"one\"\r\nLast-Modified: Mon, 30 Nov 2026 06:00:00 GMT\r\n", &list(3));
    rig.save(&feed("json", &source)).await.unwrap();
    // By the clock alone, within two minutes.
    rig.pass_until(rig.store.now().plus_micros(2 * MINUTE_US)).await;
    assert_eq!(rig.people().await.len(), 3);
    let asked = web.asked.lock().remove(0).to_lowercase();
    assert!(
        asked.starts_with("get /people.json?all=1 http/1.1") && asked.contains("authorization: bearer s3cr3t"),
        "{asked}"
    );
    web.status.store(304, Ordering::Release);
    assert_eq!(fetch(&rig).await.0, FetchState::Unchanged);
    let asked = web.asked.lock().remove(0).to_lowercase();
    assert!(asked.contains("if-modified-since: mon, 30 nov 2026 06:00:00 gmt"), "{asked}");
    // A document that reads it otherwise asks anew.
    rig.save(&feed("json", &source).replace("Personnel", "Staff")).await.unwrap();
    assert_eq!(fetch(&rig).await.0, FetchState::Unchanged, "the same bytes");
    assert!(!web.asked.lock().remove(0).to_lowercase().contains("if-none-match"));
    web.status.store(0, Ordering::Release);
    // It fails, it is said, it is tried after five minutes, and the rest of the hour is as before.
    web.says("503 Service Unavailable", "", "");
    let (state, _, why) = fetch(&rig).await;
    assert_eq!(state, FetchState::Failed);
    assert!(why.contains("503"), "{why}");
    assert_eq!(troubles(&rig).await.len(), 1);
    web.asked.lock().clear();
    web.says("200 OK", "", &list(4));
    rig.pass_until(rig.store.now().plus_micros(4 * MINUTE_US)).await;
    assert_eq!(web.asked.lock().len(), 0);
    rig.pass_until(rig.store.now().plus_micros(2 * MINUTE_US)).await;
    let asked = web.asked.lock().len();
    assert_eq!((asked, rig.people().await.len(), troubles(&rig).await.len()), (1, 4, 0));
}

pub async fn what_is_no_whole_answer_writes_nothing(url: String) {
    let rig = rig::open(&url).await;
    let web = web().await;
    let at = format!("url = \"http://127.0.0.1:{}/people\"", web.port);
    rig.save(&feed("json", &format!("kind = \"http\"\n{at}\nlargest_mb = 1"))).await.unwrap();
    let whole = list(3);
    let cut = format!("HTTP/1.1 200 OK\r\nContent-Length: {}\r\n\r\n{}", whole.len(), &whole[..whole.len() - 9]);
    let endless = format!("HTTP/1.1 200 OK\r\n\r\n{whole}");
    let large = format!("HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n{}", " ".repeat(2_000_000));
    let cases = [
        (cut, "broke off"),
        (endless, "could not be told from a whole one"),
        (large, "larger than 1 MiB"),
        (
            "HTTP/1.1 302 Found\r\nLocation: https://elsewhere.vigie.test/\r\nContent-Length: 0\r\n\r\n".to_owned(),
            "elsewhere",
        ),
        ("HTTP/1.1 401 Unauthorized\r\nContent-Length: 0\r\n\r\n".to_owned(), "the secret does not open it"),
        ("HTTP/1.1 304 Not Modified\r\n\r\n".to_owned(), "nobody asked"),
        ("HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 1\r\n\r\nx".to_owned(), "packed as gzip"),
        ("not http at all\r\n\r\n".to_owned(), "the connection broke"),
    ];
    for (answer, word) in cases {
        *web.answer.lock() = answer;
        let (state, _, why) = fetch(&rig).await;
        assert_eq!(state, FetchState::Failed, "{word}");
        assert!(why.contains(word), "`{word}` not in {why}");
    }
    web.says("200 OK", "", "<html>the portal asks you to sign in</html>");
    assert_eq!(
        fetch(&rig).await.1,
        Some(BatchState::Rejected),
        "what came whole and is no list is rejected as a file is"
    );
    assert_eq!(rig.people().await.len(), 0);
    // A table of lines has no end of its own: what changes waits for a person, unless its last line says that it is whole.
    let csv = feed("csv", &format!("kind = \"http\"\n{at}"));
    rig.save(&csv).await.unwrap();
    web.says(
        "200 OK",
        "",
        "person,given,family,born,begins,station,unit,job\nP-1,A,B,1980-01-01,2026-01-01,nbo,OPS,Officer\n",
    );
    assert_eq!(fetch(&rig).await.1, Some(BatchState::Held));
}

pub async fn sources_that_make_no_sense_are_refused_when_they_are_saved(url: String) {
    let rig = rig::open(&url).await;
    let cases = [
        ("csv", "kind = \"sql\"\nsecret = \"x\"\nquery = \"SELECT 1\"", "format = \"json\""),
        ("json", "kind = \"sql\"\nquery = \"SELECT 1\"", "either `url`, or `secret`"),
        ("json", "kind = \"sql\"\nurl = \"postgres://hr:pw@db/hr\"\nquery = \"SELECT 1\"", "password"),
        ("json", "kind = \"sql\"\nsecret = \"x\"\nquery = \" \"", "it is empty"),
        ("json", "kind = \"http\"\nurl = \"http://hr.vigie.test/people\"", "use https"),
        ("json", "kind = \"http\"\nurl = \"https://me:pw@hr.vigie.test/people\"", "password"),
        ("json", "kind = \"http\"\nurl = \"https://hr.vigie.test/\"\nevery_minutes = 1", "at least 5"),
        ("csv", "kind = \"http\"\nurl = \"https://hr.vigie.test/\"\nnext = \"link\"", "write `format = \"json\"`"),
        (
            "json",
            "kind = \"http\"\nurl = \"https://hr.vigie.test/\"\nnext = \"next\"",
            "neither `link` nor a JSON pointer",
        ),
        ("json", "kind = \"http\"\nurl = \"https://hr.vigie.test/\"\nrecords = \"data\"", "is no JSON pointer"),
        (
            "scim",
            "kind = \"scim-pull\"\nurl = \"https://hr.vigie.test/\"\nfilter = \"active is true\"",
            "source.filter",
        ),
        ("scim", "kind = \"scim-pull\"\nurl = \"http://hr.vigie.test/\"", "use https"),
        ("json", "kind = \"scim-pull\"\nurl = \"https://hr.vigie.test/\"", "format = \"scim\""),
        ("json", "kind = \"ftp\"\nurl = \"ftp://hr.vigie.test/\"", "ftp"),
    ];
    for (format, source, word) in cases {
        let refused = rig.save(&feed(format, source)).await.unwrap_err();
        assert!(matches!(&refused, Error::Refused(why) if why.to_string().contains(word)), "{word}: {refused}");
    }
    let nobody = rig.identity.fetch_feed("hr", rig.targets.as_ref(), &officer()).await;
    assert!(matches!(nobody, Err(Error::NotFound { .. })), "that feed is delivered, not asked");
}

fn some(from: usize, to: usize) -> Vec<Json> {
    let all: Vec<Json> = serde_json::from_str(&list(to)).unwrap();
    all.into_iter().skip(from).collect()
}

pub async fn pages_are_one_delivery_or_none(url: String) {
    let rig = rig::open(&url).await;
    let web = web().await;
    let at = format!("kind = \"http\"\nurl = \"http://127.0.0.1:{}/people?size=2\"", web.port);
    let elsewhere = format!("<http://127.0.0.2:{}/people?page=2>; rel=next", web.port);
    rig.save(&feed("json", &format!("{at}\nnext = \"link\""))).await.unwrap();
    web.page("/people?size=2", "Link: </people?page=1>; rel=prev, <?page=2>; rel=\"next\"\r\n", &json!(some(0, 2)));
    web.page("/people?page=2", "Link: </people/three#x>; rel=\"last next\"\r\n", &json!(some(2, 4)));
    web.page("/people/three", "", &json!({ "records": some(4, 5) }));
    assert_eq!(fetch(&rig).await, (FetchState::Taken, Some(BatchState::Applied), String::new()));
    assert_eq!(rig.people().await.len(), 5);
    assert_eq!(fetch(&rig).await.0, FetchState::Unchanged);
    let cases = [
        (answer("Link: </people?size=2>; rel=next\r\n", "[]"), "leads back to /people?size=2"),
        (answer(&format!("Link: {elsewhere}\r\n"), "[]"), "page 3 goes on at http://127.0.0.2"),
        (answer("", "{\"people\":[]}"), "page 3 has no list as a whole"),
        (answer("", "[1"), "page 3 cannot be read as JSON"),
        ("HTTP/1.1 500 Oh\r\nContent-Length: 0\r\n\r\n".to_owned(), "page 3: the server cannot answer now"),
        ("HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[]".to_owned(), "page 3: the answer broke off"),
    ];
    for (third, word) in cases {
        web.pages.lock().insert("/people/three".to_owned(), vec![third]);
        let (state, _, why) = fetch(&rig).await;
        assert!(state == FetchState::Failed && why.contains(word), "`{word}` not in {why}");
    }
    assert_eq!(rig.people().await.len(), 5, "a page that fails is no delivery");
    // The address of the next page in the answer itself.
    rig.save(&feed("json", &format!("{at}\nnext = \"/paging/next\"\nrecords = \"/data/people\""))).await.unwrap();
    web.pages.lock().clear();
    web.page(
        "/people?size=2",
        "",
        &json!({ "data": { "people": some(0, 3) }, "paging": { "next": "/people?after=abc" } }),
    );
    web.page("/people?after=abc", "", &json!({ "data": { "people": some(3, 6) }, "paging": { "next": null } }));
    assert_eq!(fetch(&rig).await.1, Some(BatchState::Applied));
    assert_eq!(rig.people().await.len(), 6);
    web.pages.lock().clear();
    web.page("/people?size=2", "", &json!({ "data": { "people": some(0, 3) }, "paging": { "next": 7 } }));
    let (_, _, why) = fetch(&rig).await;
    assert!(why.contains("page 1 has 7 at `/paging/next`"), "{why}");
}

fn scim_page(total: usize, ids: std::ops::Range<usize>, more: &Json) -> Json {
    let one = |n: usize| {
        json!({ "id": format!("id{n:02}"), "userName": format!("u{n}"), "active": true, "externalId": format!("X-{n}"),
            "name": { "givenName": format!("G{n}"), "familyName": format!("F{n}") },
            "meta": { "created": "2026-01-01T08:00:00Z" }, "groups": [{ "value": "g" }] })
    };
    let mut page = json!({ "totalResults": total, "Resources": ids.map(one).collect::<Vec<_>>() });
    if let (Json::Object(page), Json::Object(more)) = (&mut page, more) {
        page.extend(more.clone());
    }
    page
}

pub async fn users_of_another_service_are_read_whole_or_not_at_all(url: String) {
    let rig = rig::open(&url).await;
    let web = web().await;
    web.says("404 Not Found", "", "");
    rig.targets.secrets.lock().insert("asked/key".to_owned(), connector::Secret::new("Bearer s3cr3t"));
    rig.save(&format!(
        "[feed.asked]\ntitle = \"Personnel\"\nowner = \"P-1\"\nformat = \"scim\"\n[feed.asked.source]\nkind = \"scim-pull\"\n\
         url = \"http://127.0.0.1:{}/scim/v2/\"\nsecret = \"key\"\npage_users = 3\nfilter = 'userType eq \"Employee\"'\n\
         [feed.asked.map]\nanchor = \"externalId\"\nkey = \"id\"\ngiven_name = \"name.givenName\"\n\
         family_name = \"name.familyName\"\nbegins = \"meta.created\"\n",
        web.port
    ))
    .await
    .unwrap();
    let filter = "&filter=userType%20eq%20%22Employee%22";
    let place = |start: usize| format!("/scim/v2/Users?startIndex={start}&count=3{filter}");
    let none = json!({});
    // Each page begins with the last user of the one before.
    web.page(&place(1), "", &scim_page(6, 0..3, &none));
    web.page(&place(3), "", &scim_page(6, 2..5, &none));
    web.page(&place(5), "", &scim_page(6, 4..6, &none));
    assert_eq!(fetch(&rig).await, (FetchState::Taken, Some(BatchState::Applied), String::new()));
    assert_eq!(rig.people().await.len(), 6);
    assert!(web.asked.lock().iter().all(|head| head.to_lowercase().contains("authorization: bearer s3cr3t")));
    // Somebody moved up between two pages: it is read again, and then is whole.
    web.pages
        .lock()
        .insert(place(3), [3..6, 2..5].map(|ids| answer("", &scim_page(6, ids, &none).to_string())).to_vec());
    assert_eq!(fetch(&rig).await.0, FetchState::Unchanged);
    for (third, word) in [
        (scim_page(7, 4..6, &none), "changed while it was read, 3 times"),
        (scim_page(6, 4..5, &none), "it gives 5 users and says that there are 6"),
        (json!({ "message": "no" }), "no list of SCIM"),
        (json!({ "Resources": [{ "userName": "x" }] }), "without `totalResults`"),
    ] {
        web.pages.lock().insert(place(5), vec![answer("", &third.to_string())]);
        let (state, _, why) = fetch(&rig).await;
        assert!(state == FetchState::Failed && why.contains(word), "`{word}` not in {why}");
    }
    // A service with cursors (RFC 9865) is read by them.
    web.pages.lock().clear();
    web.page("/scim/v2/ServiceProviderConfig", "", &json!({ "pagination": { "cursor": true, "maxPageSize": 2 } }));
    let by = |cursor: &str| format!("/scim/v2/Users?cursor={cursor}&count=2{filter}");
    web.page(&by(""), "", &scim_page(6, 0..4, &json!({ "nextCursor": "c/1" })));
    web.page(&by("c%2F1"), "", &json!({ "Resources": scim_page(6, 4..6, &none)["Resources"] }));
    assert_eq!(fetch(&rig).await.0, FetchState::Unchanged, "the same users");
    assert_eq!(rig.people().await.len(), 6);
}
