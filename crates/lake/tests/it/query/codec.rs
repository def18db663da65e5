//! A plan that was written down and read back answers as the query does.

use datafusion::physical_plan::execute_stream;
use futures::TryStreamExt;
use kernel::port::{QueryError, QueryRequest};
use lake::query::codec::KqlCodec;

use super::{FixedTables, NOW, engine_over};

/// Every query of the specifications.
fn questions() -> Vec<String> {
    let folder = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("specs");
    let mut files: Vec<_> = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path()).collect();
    files.sort();
    let texts = files.into_iter().map(|file| std::fs::read_to_string(file).unwrap());
    texts
        .flat_map(|text| {
            text.split("```kql\n")
                .skip(1)
                .map(|rest| rest.split("\n```\n").next().unwrap().to_owned())
                .collect::<Vec<_>>()
        })
        .collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn plans_survive_the_round_trip() {
    let engine = engine_over(FixedTables::default(), 1);
    let (mut plans, mut failures) = (0, Vec::new());
    for question in questions() {
        let request = QueryRequest::new(&question, NOW);
        // What the specifications refuse has no plan, nor has what asks the data for its columns.
        let Ok(answer) = engine.query(request.clone()).await else { continue };
        let (bytes, context) = match engine.encoded(request).await {
            Ok(encoded) => encoded,
            Err(QueryError::Invalid(_)) => continue,
            Err(error) => {
                failures.push(format!("{question}\n{error}"));
                continue;
            }
        };
        plans += 1;
        let rows = match KqlCodec::decode(&bytes, &context) {
            Ok(plan) => {
                let batches: Result<Vec<_>, _> = match execute_stream(plan, context) {
                    Ok(stream) => stream.try_collect().await,
                    Err(error) => Err(error),
                };
                batches.map(|batches| batches.iter().map(arrow_array::RecordBatch::num_rows).sum::<usize>())
            }
            Err(error) => Err(error),
        };
        match rows {
            Ok(rows) if rows == answer.rows.len() => {}
            other => failures.push(format!("{question}\n{other:?} instead of {} rows", answer.rows.len())),
        }
    }
    assert!(plans > 100, "{plans} plans were written down");
    assert!(failures.is_empty(), "{} of {plans} plans\n{}", failures.len(), failures.join("\n\n"));
}
