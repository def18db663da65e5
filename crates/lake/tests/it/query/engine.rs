//! Limits, authorisation, ranges and files.

use std::sync::Arc;

use arrow_array::RecordBatch;
use futures::StreamExt;
use kernel::port::{AnswerEnd, AnswerPart, QueryError, QueryRequest, TimeRange};
use kernel::schema::parse_tables;
use kernel::time::Timestamp;
use lake::TableSnapshot;
use object_store::memory::InMemory;

use super::{FixedTables, NOW, engine_over, printed};

/// `Logs`: one row a minute before noon, `rows` in all, numbered, hot.
fn logs(rows: i64) -> FixedTables {
    let schema = parse_tables(
        r#"{"Logs": {"TimeGenerated": "datetime", "Number": "long", "Text": "string", "Bag": "dynamic"}}"#,
    )
    .unwrap()
    .remove(0);
    let arrow = schema.arrow();
    let times = arrow_array::TimestampMicrosecondArray::from_iter_values((0..rows).map(|row| NOW.0 - row * 60_000_000))
        .with_timezone("UTC");
    let numbers = arrow_array::Int64Array::from_iter_values(0..rows);
    let texts: arrow_array::StringArray = (0..rows).map(|row| (row % 2 == 0).then(|| format!("line {row}"))).collect();
    let bags: arrow_array::StringArray = (0..rows).map(|row| Some(format!("{{\"a\":{{\"b\":{row}}}}}"))).collect();
    let columns: Vec<arrow_array::ArrayRef> = vec![Arc::new(times), Arc::new(numbers), Arc::new(texts), Arc::new(bags)];
    let batch = RecordBatch::try_new(Arc::clone(&arrow), columns).unwrap();
    let snapshot = TableSnapshot {
        schema: Arc::new(schema),
        arrow,
        store: Arc::new(InMemory::new()),
        hot: vec![batch],
        files: Vec::new(),
    };
    FixedTables { snapshots: [("Logs".to_owned(), snapshot)].into() }
}

async fn ask(tables: FixedTables, request: QueryRequest) -> String {
    match engine_over(tables, 2).query(request).await {
        Ok(answer) => printed(&answer),
        Err(error) => error.to_string(),
    }
}

#[tokio::test]
async fn stored_columns_arrive_in_their_kql_types() {
    let text = "Logs | where Number in (1, 2) | project TimeGenerated, Text, isempty(Text), B = toint(Bag.a.b) | sort by B asc";
    insta::assert_snapshot!(ask(logs(5), QueryRequest::new(text, NOW)).await, @"
    TimeGenerated:datetime | Text:string | Column1:bool | B:int
    2026-11-21T11:59:00.0000000Z |  | true | 1
    2026-11-21T11:58:00.0000000Z | line 2 | false | 2
    ");
}

#[tokio::test]
async fn the_time_picker_and_ago_narrow_the_same_rows() {
    let range = TimeRange { from: Timestamp(NOW.0 - 120_000_000), to: NOW };
    let picked = QueryRequest { range: Some(range), ..QueryRequest::new("Logs | count", NOW) };
    assert_eq!(ask(logs(100), picked).await, "Count:long\n2");
    let asked = QueryRequest::new("Logs | where TimeGenerated between (ago(2m) .. ago(1m)) | count", NOW);
    assert_eq!(ask(logs(100), asked).await, "Count:long\n2");
}

#[tokio::test]
async fn rows_beyond_the_limit_are_cut_and_told() {
    let mut request = QueryRequest::new("Logs", NOW);
    request.limits.rows = 3;
    let answer = engine_over(logs(10), 1).query(request).await.unwrap();
    assert_eq!((answer.rows.len(), answer.truncated, answer.rows_scanned), (3, true, 10));
}

#[tokio::test]
async fn a_table_that_is_not_allowed_is_unknown() {
    let denied = QueryRequest { tables: Some(Arc::new([])), ..QueryRequest::new("Logs", NOW) };
    let absent = QueryRequest::new("Absent", NOW);
    let (denied, absent) = (ask(logs(1), denied).await, ask(logs(1), absent).await);
    assert_eq!(denied.replace("Logs", "Absent"), absent);
}

#[tokio::test]
async fn time_and_memory_end_a_query_with_a_reason() {
    let mut slow = QueryRequest::new(
        "range a from 1 to 20000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 20000 step 1 | extend k = 1) on k | summarize sum(a * b)",
        NOW,
    );
    slow.limits.time_ms = 300;
    let error = engine_over(FixedTables::default(), 1).query(slow).await.unwrap_err();
    assert!(matches!(&error, QueryError::Limit(reason) if reason.contains("stopped")), "{error}");
    let mut large = QueryRequest::new("Logs | summarize make_list(Text), make_list(Number) by Number", NOW);
    large.limits.memory_bytes = 20_000;
    let error = engine_over(logs(20_000), 1).query(large).await.unwrap_err();
    assert!(matches!(&error, QueryError::Limit(reason) if reason.contains("memory")), "{error}");
    let mut kept = QueryRequest::new(
        "let all = materialize(Logs | extend more = strcat(Text, Text)); all | union all | count",
        NOW,
    );
    kept.limits.memory_bytes = 200_000;
    let error = engine_over(logs(20_000), 1).query(kept).await.unwrap_err();
    assert!(matches!(&error, QueryError::Limit(reason) if reason.contains("memory")), "{error}");
}

#[tokio::test]
async fn a_stream_begins_with_its_columns_and_ends_when_dropped() {
    let engine = engine_over(logs(20_000), 1);
    let mut none = engine.stream(QueryRequest::new("Logs | where Number < 0", NOW)).await.unwrap();
    let end = none.parts.next().await.unwrap().unwrap();
    assert!(matches!(end, AnswerPart::End(AnswerEnd { truncated: false, rows_scanned: 20_000, .. })), "{end:?}");
    assert_eq!((none.columns.len(), none.parts.next().await.is_none()), (4, true));
    let mut all = engine.stream(QueryRequest::new("Logs", NOW)).await.unwrap();
    assert!(matches!(all.parts.next().await.unwrap().unwrap(), AnswerPart::Rows(_)));
    drop(all);
    assert_eq!(engine.query(QueryRequest::new("print 1", NOW)).await.unwrap().rows.len(), 1);
}

#[tokio::test]
async fn a_long_query_tells_how_far_it_is_to_those_who_ask() {
    let long = "range a from 1 to 20000 step 1 | extend k = 1 | join kind=inner (range b from 1 to 20000 step 1 | extend k = 1) on k | summarize sum(a * b)";
    let engine = engine_over(FixedTables::default(), 1);
    let asked = QueryRequest { progress_ms: Some(1), ..QueryRequest::new(long, NOW) };
    let mut answer = engine.stream(asked).await.unwrap();
    let first = answer.parts.next().await.unwrap().unwrap();
    assert!(matches!(first, AnswerPart::Progress(_)), "{first:?}");
    drop(answer);
    let quick = engine.stream(QueryRequest::new("print 1", NOW)).await.unwrap();
    let parts: Vec<_> = quick.parts.map(Result::unwrap).collect().await;
    assert!(matches!(parts.as_slice(), [AnswerPart::Rows(_), AnswerPart::End(_)]), "{parts:?}");
}

#[tokio::test]
async fn a_stream_stops_at_the_limit_and_says_so() {
    let mut request = QueryRequest::new("Logs | render timechart", NOW);
    request.limits.rows = 3;
    let answer = engine_over(logs(10), 1).stream(request).await.unwrap();
    assert_eq!(answer.visualization.as_deref(), Some("timechart"));
    let parts: Vec<_> = answer.parts.map(Result::unwrap).collect().await;
    assert!(
        matches!(parts.as_slice(), [AnswerPart::Rows(rows), AnswerPart::End(end)] if rows.len() == 3 && end.truncated),
        "{parts:?}"
    );
}
