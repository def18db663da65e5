//! The parsers that come with Vigie: rows of the tables in, normalised rows out.

use std::collections::BTreeMap;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BooleanArray, Float64Array, Int32Array, Int64Array, RecordBatch, StringArray, TimestampMicrosecondArray,
};
use kernel::port::QueryRequest;
use kernel::time::Timestamp;
use kernel::{ColumnSchema, ScalarType};
use lake::TableSnapshot;
use object_store::memory::InMemory;
use serde_json::{Map, Value as Json};

use super::{FixedTables, NOW, engine_over};

/// Where the rows and what must come of them lie, from the crate.
const FOLDER: &str = "../../content/parsers/tests";

/// Every shipped table, with the rows of `rows.jsonl`: `{"table": name, column: value, …}` a line.
fn tables() -> FixedTables {
    let file = std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join(FOLDER).join("rows.jsonl");
    let mut rows: BTreeMap<String, Vec<Map<String, Json>>> = BTreeMap::new();
    for line in std::fs::read_to_string(file).unwrap().lines() {
        let Json::Object(mut row) = serde_json::from_str(line).unwrap() else { panic!("no object: {line}") };
        let table = row.remove("table").unwrap();
        rows.entry(table.as_str().unwrap().to_owned()).or_default().push(row);
    }
    let mut snapshots = BTreeMap::new();
    for schema in kernel::schema::shipped_tables() {
        let rows = rows.remove(&schema.name).unwrap_or_default();
        for name in rows.iter().flat_map(Map::keys) {
            assert!(schema.column(name).is_some(), "{} has no column {name}", schema.name);
        }
        let arrow = schema.arrow();
        let columns: Vec<ArrayRef> = schema.columns.iter().map(|column| column_of(column, &rows)).collect();
        let hot =
            if rows.is_empty() { Vec::new() } else { vec![RecordBatch::try_new(Arc::clone(&arrow), columns).unwrap()] };
        let (store, files) = (Arc::new(InMemory::new()), Vec::new());
        let name = schema.name.clone();
        snapshots.insert(name, TableSnapshot { arrow, store, hot, files, schema: Arc::new(schema) });
    }
    assert!(rows.is_empty(), "rows of tables that are not there: {rows:?}");
    FixedTables { snapshots }
}

fn column_of(column: &ColumnSchema, rows: &[Map<String, Json>]) -> ArrayRef {
    let cells = || rows.iter().map(|row| row.get(&column.name).filter(|cell| !cell.is_null()));
    let instant = |cell: &Json| cell.as_str().unwrap().parse::<Timestamp>().unwrap().0;
    match column.scalar {
        ScalarType::Bool => {
            Arc::new(cells().map(|cell| cell.map(|cell| cell.as_bool().unwrap())).collect::<BooleanArray>())
        }
        ScalarType::Int => {
            let number = |cell: &Json| i32::try_from(cell.as_i64().unwrap()).unwrap();
            Arc::new(cells().map(|cell| cell.map(number)).collect::<Int32Array>())
        }
        ScalarType::Long | ScalarType::TimeSpan => {
            Arc::new(cells().map(|cell| cell.map(|cell| cell.as_i64().unwrap())).collect::<Int64Array>())
        }
        ScalarType::Real => {
            Arc::new(cells().map(|cell| cell.map(|cell| cell.as_f64().unwrap())).collect::<Float64Array>())
        }
        ScalarType::DateTime => {
            let instants: TimestampMicrosecondArray = cells().map(|cell| cell.map(instant)).collect();
            Arc::new(instants.with_timezone("UTC"))
        }
        ScalarType::Dynamic => Arc::new(cells().map(|cell| cell.map(Json::to_string)).collect::<StringArray>()),
        _ => Arc::new(cells().map(|cell| cell.map(|cell| cell.as_str().unwrap().to_owned())).collect::<StringArray>()),
    }
}

#[test]
fn rows_of_every_source_come_out_normalised() {
    super::specs::hold(FOLDER, tables);
}

/// Every source gives the columns of its schema, in its types, and no other.
#[test]
fn every_parser_gives_the_columns_that_it_declares() {
    let engine = engine_over(tables(), 1);
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build().unwrap();
    for function in kql::shipped::functions() {
        let asked = QueryRequest::new(format!("{}(pack=true)", function.name), NOW);
        let answer = runtime.block_on(engine.query(asked)).unwrap_or_else(|error| panic!("{}: {error}", function.name));
        let names: Vec<&str> = answer.columns.iter().map(|column| column.name.as_str()).collect();
        for wanted in
            ["TimeGenerated", "EventType", "EventResult", "EventSchema", "EventVendor", "AdditionalFields", "Type"]
        {
            assert!(names.contains(&wanted), "{} lacks {wanted}", function.name);
        }
        let declared = function.body.split("datatable(").nth(1).and_then(|rest| rest.split(")[]").next());
        let Some(declared) = declared else { continue };
        let declared: Vec<String> = declared.split(',').map(|one| one.split_whitespace().collect()).collect();
        let given: Vec<String> = answer.columns.iter().map(|c| format!("{}:{}", c.name, c.scalar)).collect();
        assert_eq!(&given[..declared.len()], declared, "{}", function.name);
        let split =
            names.iter().find(|name| ["_string", "_int", "_long", "_dynamic"].iter().any(|end| name.ends_with(end)));
        assert_eq!(split, None, "{}", function.name);
        let warnings: Vec<&str> = answer.warnings.iter().map(|warning| warning.message.as_str()).collect();
        assert_eq!(warnings, Vec::<&str>::new(), "{}", function.name);
    }
}
