//! Tables grow columns and refuse to change them.

use std::sync::Arc;

use arrow_array::{ArrayRef, Int64Array, RecordBatch, StringArray};
use kernel::{ColumnSchema, ScalarType, TableSchema};
use lake::{Appended, Lake, TableRows, Tables};
use tempfile::TempDir;

use crate::support::{HandClock, Lines, TODAY_US, config, entry};

fn rows(table: &str, columns: &[(&str, ScalarType)]) -> TableRows {
    let schema = TableSchema {
        name: table.into(),
        columns: columns.iter().map(|(name, scalar)| ColumnSchema { name: (*name).into(), scalar: *scalar }).collect(),
    };
    let arrays = columns.iter().map(|(_, scalar)| -> ArrayRef {
        match scalar {
            ScalarType::Long => Arc::new(Int64Array::from(vec![7])),
            _ => Arc::new(StringArray::from(vec!["seven"])),
        }
    });
    TableRows { table: table.into(), batch: RecordBatch::try_new(schema.arrow(), arrays.collect()).unwrap() }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn new_columns_join_and_changed_ones_are_refused() {
    let dir = TempDir::new().unwrap();
    let clock = HandClock::new(TODAY_US);
    let (lake, _) = Lake::open(config(dir.path()), clock.clone(), Arc::new(Lines)).await.unwrap();
    let put = async |number: u64, rows: TableRows| lake.append(entry(number, ""), vec![rows]).await;
    put(1, rows("Grow_CL", &[("Who", ScalarType::String)])).await.unwrap();
    lake.flush().await.unwrap();
    put(2, rows("Grow_CL", &[("Count", ScalarType::Long), ("Who", ScalarType::String)])).await.unwrap();
    let conflict = put(3, rows("Grow_CL", &[("Count", ScalarType::Dynamic)])).await.unwrap_err();
    assert_eq!(conflict.to_string(), "Grow_CL.Count is long and cannot take dynamic; use another column name");
    lake.flush().await.unwrap();
    let snapshot = lake.snapshot("Grow_CL").await.unwrap().unwrap();
    assert_eq!((snapshot.files.len(), snapshot.rows()), (2, 2));
    assert!(matches!(put(4, rows("Grow_CL", &[("Who", ScalarType::String)])).await.unwrap(), Appended::New(_)));
    let snapshot = lake.snapshot("Grow_CL").await.unwrap().unwrap();
    let wanted = [snapshot.arrow.index_of("Count").unwrap(), snapshot.arrow.index_of("Who").unwrap()];
    let aligned = snapshot.align(&snapshot.hot[0], &wanted).unwrap();
    assert_eq!((aligned.num_columns(), aligned.column(0).null_count()), (2, 1));
    lake.close().await.unwrap();
    drop(lake);
    std::fs::remove_file(dir.path().join("catalog.json")).unwrap();
    let (lake, _) = Lake::open(config(dir.path()), clock, Arc::new(Lines)).await.unwrap();
    let stored = lake.schemas().into_iter().find(|table| table.name == "Grow_CL").unwrap();
    assert_eq!(stored.column("Count").unwrap().scalar, ScalarType::Long, "the Delta log has the columns");
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn kql_types_survive_in_delta() {
    let dir = TempDir::new().unwrap();
    let clock = HandClock::new(TODAY_US);
    let (lake, _) = Lake::open(config(dir.path()), clock.clone(), Arc::new(Lines)).await.unwrap();
    let columns = [("Id", ScalarType::Guid), ("Bag", ScalarType::Dynamic), ("Took", ScalarType::Long)];
    let _ = lake.append(entry(1, ""), vec![rows("Kinds_CL", &columns)]).await.unwrap();
    lake.close().await.unwrap();
    drop(lake);
    std::fs::remove_file(dir.path().join("catalog.json")).unwrap();
    let (lake, _) = Lake::open(config(dir.path()), clock, Arc::new(Lines)).await.unwrap();
    let stored = lake.schemas().into_iter().find(|table| table.name == "Kinds_CL").unwrap();
    for (name, scalar) in columns {
        assert_eq!(stored.column(name).unwrap().scalar, scalar, "{name}");
    }
}
