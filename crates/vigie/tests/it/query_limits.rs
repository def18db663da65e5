//! What stops a query, as who asks over HTTP sees it, on the real engine.

use serde_json::{Value as Json, json};

use crate::rig::Rig;
use crate::running::{Running, Session};

/// Rows in the thousands of millions: nobody waits for their end.
const ENDLESS: &str = "range a from 1 to 3000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 3000 step 1 | extend k = 1) on k \
                       | join kind=inner (range c from 1 to 3000 step 1 | extend k = 1) on k | summarize sum(a * b * c)";

fn settings(all: &[(&'static str, &str)]) -> Vec<(&'static str, String)> {
    all.iter().map(|(name, value)| (*name, (*value).to_owned())).collect()
}

/// The lines of an answer.
fn ask(running: &Running, session: &Session, query: &str) -> Vec<Json> {
    let body = json!({ "query": query }).to_string();
    let reply = running.ask_text(session, "POST", "query", &body);
    // Between the lines stand the lengths of the pieces that they come in, which read as numbers.
    reply.body.lines().filter_map(|line| serde_json::from_str(line).ok()).filter(Json::is_object).collect()
}

/// The message of the error that ended an answer, or of the reply that refused it.
fn problem(lines: &[Json]) -> (String, String) {
    let last = lines.last().cloned().unwrap_or_default();
    let error = if last["error"].is_object() { &last["error"] } else { &last };
    let word = |key: &str| error[key].as_str().unwrap_or_default().to_owned();
    (word("code"), word("detail"))
}

#[test]
fn time_memory_and_rows_end_a_query_with_a_reason() {
    let rig = Rig::new();
    let limits = settings(&[
        ("VIGIE_QUERY_TIME_MS", "2000"),
        ("VIGIE_QUERY_MEMORY_BYTES", "33554432"),
        ("VIGIE_QUERY_ROWS", "3"),
    ]);
    let running = Running::start_with(&rig, &limits);
    let session = running.administrator();

    let (code, detail) = problem(&ask(&running, &session, ENDLESS));
    assert_eq!(code, "query-limit", "{detail}");
    assert!(detail.contains("stopped after 2 seconds"), "{detail}");

    let kept =
        "range a from 1 to 2000000 step 1 | summarize make_list(strcat('a long text for each row ', a), 10000000)";
    let (code, detail) = problem(&ask(&running, &session, kept));
    assert_eq!(code, "query-limit", "{detail}");
    assert!(detail.contains("memory") && detail.contains("filter earlier"), "{detail}");

    let rows = ask(&running, &session, "range a from 1 to 10 step 1");
    let done = &rows.last().unwrap()["done"];
    assert_eq!((&done["rows"], &done["truncated"]), (&json!(3), &json!(true)));
}

#[test]
fn what_does_not_fit_into_memory_goes_to_disk() {
    let rig = Rig::new();
    let limits = settings(&[("VIGIE_QUERY_MEMORY_BYTES", "50331648"), ("VIGIE_QUERY_TIME_MS", "110000")]);
    let running = Running::start_with(&rig, &limits);
    let session = running.administrator();
    let sorted = "range a from 1 to 1000000 step 1 | extend text = strcat('a text that takes some room ', hash(a)) \
                  | sort by text asc | extend n = row_number() | summarize rows = count(), least = min(n), most = max(n)";
    let lines = ask(&running, &session, sorted);
    let rows = lines.iter().find_map(|line| line["rows"].as_array()).unwrap_or_else(|| panic!("{lines:?}"));
    assert_eq!(rows, &[json!([1_000_000, 1, 1_000_000])]);
}

#[test]
fn a_question_that_nobody_waits_for_makes_room() {
    let rig = Rig::new();
    let running = Running::start_with(&rig, &settings(&[("VIGIE_QUERY_TIME_MS", "100000")]));
    let session = running.administrator();
    let endless = json!({ "query": ENDLESS }).to_string();
    let at_once = server::ServerConfig::default().queries;
    let waiting: Vec<_> = (0..at_once).map(|_| running.ask_and_leave(&session, "POST", "query", &endless)).collect();
    let one = || ask(&running, &session, "print 1");
    // While they run there is no room for another.
    let last = one();
    assert_eq!(problem(&last).0, "too-many", "{last:?}");
    drop(waiting);
    let answered = (0..400).any(|_| {
        std::thread::sleep(std::time::Duration::from_millis(25));
        one().last().is_some_and(|line| line["done"].is_object())
    });
    assert!(answered, "the queries went on without anybody to hear their answers");
}
