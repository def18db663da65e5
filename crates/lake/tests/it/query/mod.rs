//! The query engine over small lakes in memory.

mod codec;
mod companions;
mod compare;
mod documentation;
mod engine;
mod facts;
mod files;
mod parsers;
mod prune;
mod registry;
mod specs;
mod twins;

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::time::Timestamp;
use kernel::{ColumnSchema, TableSchema, Value};
use lake::query::{EngineConfig, QueryEngine};
use lake::{LakeError, TableSnapshot, Tables};

/// The `now()` of every test: 2026-11-21T12:00:00Z.
pub const NOW: Timestamp = Timestamp(1_795_262_400_000_000);

/// Tables that are given, in memory.
#[derive(Default)]
pub struct FixedTables {
    pub snapshots: BTreeMap<String, TableSnapshot>,
}

#[async_trait]
impl Tables for FixedTables {
    fn schemas(&self) -> Vec<TableSchema> {
        self.snapshots.values().map(|snapshot| snapshot.schema.as_ref().clone()).collect()
    }

    async fn snapshot(&self, table: &str) -> Result<Option<TableSnapshot>, LakeError> {
        Ok(self.snapshots.get(table).cloned())
    }
}

/// An engine over `tables`.
pub fn engine_over(tables: FixedTables, threads: usize) -> QueryEngine {
    engine(tables, threads, true)
}

/// An engine that plans the columns that a query reads, or all of them.
pub fn engine(tables: FixedTables, threads: usize, prune: bool) -> QueryEngine {
    let spill = std::env::temp_dir().join("vigie-query-tests");
    std::fs::create_dir_all(&spill).unwrap();
    let config = EngineConfig { threads, spill, spill_bytes: 1 << 30, prune };
    QueryEngine::start(Arc::new(tables), None, testkit::TestClock::noon(), config).unwrap()
}

/// Rows as people read them: one line each, cells between bars.
pub fn printed(answer: &kernel::port::Answer) -> String {
    let mut lines: Vec<String> = answer.table.iter().map(|name| format!("{name}:")).collect();
    lines.extend(printed_table(&answer.columns, &answer.rows));
    for table in &answer.further {
        lines.push(format!("{}:", table.name));
        lines.extend(printed_table(&table.columns, &table.rows));
    }
    lines.join("\n")
}

fn printed_table(columns: &[ColumnSchema], rows: &[Vec<Value>]) -> Vec<String> {
    let names: Vec<String> = columns.iter().map(|c| format!("{}:{}", c.name, c.scalar)).collect();
    let mut lines = vec![names.join(" | ")];
    for row in rows {
        let cells: Vec<String> = row.iter().map(cell).collect();
        lines.push(cells.join(" | ").trim_end().to_owned());
    }
    lines
}

fn cell(value: &Value) -> String {
    match value {
        Value::Null => "null".to_owned(),
        other => match other.to_json() {
            serde_json::Value::String(text) => text,
            json => json.to_string(),
        },
    }
}
