//! Answers: streams of lines, exports, limits, findings with their place.

use axum::body::Body;
use axum::http::{Request, StatusCode};
use serde_json::{Value as Json, json};
use server::{Console, ServerConfig};

use crate::house::{Client, House, Reply};

async fn ask(house: &House, client: &Client, question: Json) -> (Reply, Vec<Json>) {
    let reply = house.post(client, "/query", question).await;
    let lines = reply.text().lines().map(|line| serde_json::from_str(line).expect("each line is JSON")).collect();
    (reply, lines)
}

#[tokio::test]
async fn columns_first_then_rows_then_done() {
    let house = House::new().await;
    let root = house.administrator().await;
    let (reply, lines) = ask(&house, &root, json!({"query": "rows 1500"})).await;
    assert_eq!(reply.header("content-type"), "application/x-ndjson");
    assert_eq!(lines[0], json!({"columns": [{"name": "N", "type": "long"}, {"name": "Text", "type": "string"}]}));
    let rows: Vec<&Json> = lines.iter().filter_map(|line| line["rows"].as_array()).flatten().collect();
    assert_eq!((rows.len(), rows[1499]), (1500, &json!([1499, "=row 1499"])));
    let done = &lines.last().unwrap()["done"];
    assert_eq!((&done["rows"], &done["truncated"]), (&json!(1500), &json!(false)));
    let (_, lines) = ask(&house, &root, json!({"query": "rows 0"})).await;
    assert_eq!((lines.len(), &lines[1]["done"]["rows"]), (2, &json!(0)), "columns come without rows, too");
}

#[tokio::test]
async fn several_tables_come_one_after_another() {
    let house = House::new().await;
    let root = house.administrator().await;
    let (_, lines) = ask(&house, &root, json!({"query": "tables 2"})).await;
    let kinds: Vec<&str> = lines.iter().map(|line| line.as_object().unwrap().keys().next().unwrap().as_str()).collect();
    assert_eq!(kinds, ["columns", "rows", "columns", "rows", "done"]);
    assert_eq!((&lines[0]["table"], &lines[2]["table"]), (&json!("first"), &json!("second")));
    assert_eq!((&lines[3]["rows"][0][0], &lines[4]["done"]["rows"]), (&json!(2), &json!(3)));
    let export = async |format: &str| {
        house.post(&root, &format!("/query/export?format={format}"), json!({"query": "tables 1"})).await
    };
    assert_eq!(export("csv").await.text(), "N,Text\r\n0,'=row 0\r\n\r\nN,Text\r\n1,'=row 1\r\n");
    let rows = |n: i64| json!([{"N": n, "Text": format!("=row {n}")}]);
    assert_eq!(export("json").await.json(), json!({"first": rows(0), "second": rows(1)}));
    let lines: Vec<Json> =
        export("ndjson").await.text().lines().map(|line| serde_json::from_str(line).unwrap()).collect();
    assert_eq!(
        lines,
        [json!({"$table": "first"}), rows(0)[0].clone(), json!({"$table": "second"}), rows(1)[0].clone()]
    );
}

#[tokio::test]
async fn a_limit_is_told_and_not_silently_cut() {
    let house = House::new().await;
    let root = house.administrator().await;
    for (asked, rows, truncated) in [(10, 10, true), (20, 20, false), (21, 20, false)] {
        let (_, lines) = ask(&house, &root, json!({"query": "rows 20", "rows": asked})).await;
        let done = &lines.last().unwrap()["done"];
        assert_eq!((&done["rows"], &done["truncated"]), (&json!(rows), &json!(truncated)), "{asked}");
    }
}

#[tokio::test]
async fn the_time_picker_reaches_the_lake() {
    let house = House::new().await;
    let root = house.administrator().await;
    let question = json!({"query": "rows 1", "from": "2026-11-20T00:00:00Z", "to": "2026-11-21T00:00:00+01:00"});
    ask(&house, &root, question).await;
    {
        let asked = house.lake.asked.lock().clone();
        let range = asked[0].range.unwrap();
        assert_eq!(range.from.to_string(), "2026-11-20T00:00:00.000000Z");
        assert_eq!(range.to.to_string(), "2026-11-20T23:00:00.000000Z");
    }
    let backwards = json!({"query": "rows 1", "from": "2026-11-21T00:00:00Z", "to": "2026-11-20T00:00:00Z"});
    assert_eq!(house.post(&root, "/query", backwards).await.status.as_u16(), 422);
    let nonsense = json!({"query": "rows 1", "from": "yesterday"});
    let reply = house.post(&root, "/query", nonsense).await;
    assert!(reply.json()["detail"].as_str().unwrap().contains("2026-11-21T08:15:00Z"), "the remedy: {}", reply.text());
}

#[tokio::test]
async fn an_invalid_query_names_the_place_as_a_browser_counts() {
    let house = House::new().await;
    let root = house.administrator().await;
    let reply = house.post(&root, "/query", json!({"query": "é🛰"})).await;
    assert_eq!((reply.status.as_u16(), reply.code().as_str()), (422, "invalid-query"));
    let finding = &reply.json()["diagnostics"][0];
    assert_eq!((&finding["code"], &finding["start"], &finding["end"]), (&json!("KQL0001"), &json!(0), &json!(3)));
}

#[tokio::test]
async fn an_answer_that_breaks_off_says_so_in_its_last_line() {
    let house = House::new().await;
    let root = house.administrator().await;
    let (reply, lines) = ask(&house, &root, json!({"query": "broken 5"})).await;
    assert_eq!(reply.status, StatusCode::OK, "the status line had gone");
    let error = &lines.last().unwrap()["error"];
    assert_eq!(
        (error["code"].as_str(), error["id"].as_str()),
        (Some("query-limit"), Some(reply.header("x-request-id")))
    );
}

#[tokio::test]
async fn a_slow_answer_tells_how_far_it_is_and_a_file_does_not() {
    let house = House::new().await;
    let root = house.administrator().await;
    let (_, lines) = ask(&house, &root, json!({"query": "slow"})).await;
    let kinds: Vec<&str> = lines.iter().flat_map(|line| line.as_object().unwrap().keys()).map(String::as_str).collect();
    assert_eq!(kinds, ["columns", "progress", "rows", "progress", "done"]);
    assert_eq!((&lines[1]["progress"]["files"], &lines[1]["progress"]["files_planned"]), (&json!(1), &json!(3)));
    assert_eq!(lines[4]["done"]["read"]["files_planned"], json!(3));
    let csv = house.post(&root, "/query/export?format=csv", json!({"query": "slow"})).await;
    assert_eq!(csv.text(), "N,Text\r\n0,'=row 0\r\n");
    let asked: Vec<Option<u64>> = house.lake.asked.lock().iter().map(|request| request.progress_ms).collect();
    assert_eq!(asked, [Some(250), None]);
}

#[tokio::test]
async fn exports_in_three_forms() {
    let house = House::new().await;
    let root = house.administrator().await;
    let export = async |format: &str, query: &str| {
        house.post(&root, &format!("/query/export?format={format}"), json!({"query": query})).await
    };
    let csv = export("csv", "rows 2").await;
    assert_eq!(csv.text(), "N,Text\r\n0,'=row 0\r\n1,'=row 1\r\n");
    assert_eq!(csv.header("content-disposition"), "attachment; filename=\"vigie-2026-11-21.csv\"");
    let json: Json = export("json", "rows 1500").await.json();
    assert_eq!((json.as_array().unwrap().len(), &json[1]), (1500, &json!({"N": 1, "Text": "=row 1"})));
    assert_eq!(export("json", "rows 0").await.json(), json!([]));
    assert_eq!(export("ndjson", "rows 2").await.text().lines().count(), 2);
    assert_eq!(export("xml", "rows 2").await.status.as_u16(), 422);
}

#[tokio::test]
async fn queries_at_a_time_are_bounded() {
    let config = ServerConfig { queries: 1, ..ServerConfig::default() };
    let house = House::with(config, Console::from_files([])).await;
    let root = house.administrator().await;
    let question = Request::post("/api/v1/query").header("content-type", "application/json");
    let question = question.body(Body::from(json!({"query": "forever"}).to_string())).unwrap();
    let running = house.respond(&root, question).await;
    assert_eq!(running.status(), StatusCode::OK);
    let second = house.post(&root, "/query", json!({"query": "rows 1"})).await;
    assert_eq!((second.status.as_u16(), second.header("retry-after")), (429, "2"));
    drop(running);
    assert_eq!(house.lake.cancelled.load(std::sync::atomic::Ordering::Acquire), 1, "dropping it cancels it");
    assert_eq!(house.post(&root, "/query", json!({"query": "rows 1"})).await.status, StatusCode::OK);
}

#[tokio::test]
async fn kql_is_no_way_around_the_ledgers_door() {
    let house = House::new().await;
    let root = house.administrator().await;
    let analyst = house.person(&root, "amina", &["analyst"]).await;
    let auditor = house.person(&root, "ines", &["auditor"]).await;
    let program = house.token(&root, &["query"], None).await;
    let check = async |client: &Client, expected: &[&str]| {
        let listed = house.get(client, "/tables").await.json();
        let listed: Vec<&str> =
            listed["tables"].as_array().unwrap().iter().map(|table| table["name"].as_str().unwrap()).collect();
        assert_eq!(listed, expected);
        house.lake.asked.lock().clear();
        ask(&house, client, json!({"query": "rows 1"})).await;
        let asked = house.lake.asked.lock().clone();
        let asked: Vec<&str> =
            asked[0].tables.iter().flat_map(|tables| tables.iter()).map(|t| t.name.as_str()).collect();
        assert_eq!(asked, expected);
        let known = house.post(client, "/kql/analyze", json!({"text": "", "offset": 0})).await.json();
        let known = known["completions"].as_array().unwrap().iter().filter(|one| one["kind"] == "table");
        let mut known: Vec<&str> = known.map(|one| one["label"].as_str().unwrap()).collect();
        let mut expected = expected.to_vec();
        known.sort_unstable();
        expected.sort_unstable();
        assert_eq!(known, expected, "completion");
    };
    check(&root, &["SecurityEvent", "Ledger", "Tokens", "Persons"]).await;
    check(&auditor, &["SecurityEvent", "Ledger", "Persons"]).await;
    check(&analyst, &["SecurityEvent", "Persons"]).await;
    check(&program, &["SecurityEvent"]).await;
}
