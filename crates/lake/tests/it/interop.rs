//! Others can read what we write: by the transaction log and a plain Parquet reader, and by Python.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use lake::Lake;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use serde_json::Value;
use tempfile::TempDir;

use crate::support::{DAY_US, HandClock, Lines, TODAY_US, append, config, entry};

const T: &str = "Interop_CL";

/// A lake with merged, expired and fresh files, a checkpoint, and odd times.
async fn written() -> TempDir {
    let dir = TempDir::new().unwrap();
    let (lake, _) = Lake::open(config(dir.path()), HandClock::new(TODAY_US), Arc::new(Lines)).await.unwrap();
    for number in 0..7_u64 {
        let time = TODAY_US - (number as i64 % 2) * DAY_US;
        let lines = format!("{T}|{time}|row {number}\n{T}|{}|year 1 of {number}\n", kernel::Timestamp::MIN.micros());
        let _ = append(&lake, entry(number, &lines)).await.unwrap();
        lake.flush().await.unwrap();
        if number == 4 {
            lake.maintain().await.unwrap();
        }
    }
    lake.close().await.unwrap();
    dir
}

fn expected() -> BTreeSet<String> {
    (0..7).flat_map(|number| [format!("row {number}"), format!("year 1 of {number}")]).collect()
}

/// Follows the JSON of the log as the Delta protocol says: the active files with their partition.
fn active_files(table: &Path) -> BTreeMap<String, Value> {
    let mut commits: Vec<_> = fs::read_dir(table.join("_delta_log"))
        .unwrap()
        .map(|entry| entry.unwrap().path())
        .filter(|path| path.extension().is_some_and(|extension| extension == "json"))
        .collect();
    commits.sort();
    let mut active = BTreeMap::new();
    for commit in commits {
        for line in fs::read_to_string(commit).unwrap().lines() {
            let action: Value = serde_json::from_str(line).unwrap();
            if let Some(add) = action.get("add") {
                active.insert(add["path"].as_str().unwrap().to_owned(), add.clone());
            }
            if let Some(remove) = action.get("remove") {
                let path = remove["path"].as_str().unwrap();
                assert!(active.remove(path).is_some(), "{path} is removed and was never there");
            }
        }
    }
    active
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn the_log_leads_a_plain_reader_to_every_row_once() {
    use arrow_array::cast::AsArray;
    let dir = written().await;
    let table = dir.path().join("tables").join(T);
    let mut texts = Vec::new();
    for (path, add) in active_files(&table) {
        let file = fs::File::open(table.join(&path)).unwrap();
        assert_eq!(add["size"].as_u64().unwrap(), file.metadata().unwrap().len());
        let stats: Value = serde_json::from_str(add["stats"].as_str().unwrap()).unwrap();
        let mut rows = 0;
        for batch in ParquetRecordBatchReaderBuilder::try_new(file).unwrap().build().unwrap() {
            let batch = batch.unwrap();
            rows += batch.num_rows() as u64;
            let column = batch.column_by_name("Text").unwrap().as_string::<i32>();
            texts.extend(column.iter().map(|text| text.unwrap().to_owned()));
        }
        assert_eq!(stats["numRecords"].as_u64(), Some(rows), "{path}");
    }
    assert_eq!(texts.len(), expected().len());
    assert_eq!(texts.into_iter().collect::<BTreeSet<_>>(), expected());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn python_reads_what_we_write() {
    let python = std::env::var("VIGIE_TEST_PYTHON").unwrap_or_else(|_| "python3".to_owned());
    let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/it/read_table.py");
    let dir = written().await;
    let output = match Command::new(&python).arg(script).arg(dir.path().join("tables").join(T)).output() {
        Ok(output) => output,
        Err(error) => return println!("skipped: {python} does not start: {error}"),
    };
    if output.status.code() == Some(77) {
        return println!("skipped: {python} has neither deltalake nor duckdb; set VIGIE_TEST_PYTHON to one that has");
    }
    let said = String::from_utf8_lossy(&output.stdout);
    assert!(output.status.success(), "{said}{}", String::from_utf8_lossy(&output.stderr));
    for reader in said.lines() {
        let answer: Value = serde_json::from_str(reader).unwrap();
        let texts: Vec<&str> = answer["texts"].as_array().unwrap().iter().map(|text| text.as_str().unwrap()).collect();
        assert_eq!(texts.len(), expected().len(), "{answer}");
        assert_eq!(texts.into_iter().map(str::to_owned).collect::<BTreeSet<_>>(), expected(), "{answer}");
        println!("read by {}", answer["reader"]);
    }
}
