//! The KQL text of a Sigma rule finds the events on which the engine fires it.

mod generated;
mod published;

use std::collections::{BTreeMap, BTreeSet};
use std::sync::Arc;

use arrow_array::RecordBatch;
use async_trait::async_trait;
use intake::{DecodeRequest, Decoded, Format};
use kernel::id::EntryId;
use kernel::port::QueryRequest;
use kernel::{TableSchema, Timestamp, Value};
use lake::query::{EngineConfig, QueryEngine};
use lake::{LakeError, TableSnapshot, Tables};
use object_store::memory::InMemory;
use sigma::{Engine, Rule};

/// 2026-11-21T12:00:00Z.
const NOW: Timestamp = Timestamp(1_795_262_400_000_000);

/// Every shipped table, with the rows that are given.
struct Rows(BTreeMap<String, TableSnapshot>);

#[async_trait]
impl Tables for Rows {
    fn schemas(&self) -> Vec<TableSchema> {
        self.0.values().map(|snapshot| snapshot.schema.as_ref().clone()).collect()
    }

    async fn snapshot(&self, table: &str) -> Result<Option<TableSnapshot>, LakeError> {
        Ok(self.0.get(table).cloned())
    }
}

/// Events as both see them.
pub struct Events {
    columns: RecordBatch,
    items: Vec<String>,
    kql: QueryEngine,
}

impl Events {
    /// Decodes a delivery.
    pub fn decode(payload: &[u8], format: Format) -> Events {
        let entry = EntryId::derived([7; 16]);
        let Decoded { tables, events, .. } = intake::decode(&DecodeRequest::new(entry, "test", format, NOW, payload));
        let mut rows: BTreeMap<String, TableSnapshot> = kernel::schema::shipped_tables()
            .into_iter()
            .map(|schema| {
                let snapshot = TableSnapshot {
                    arrow: schema.arrow(),
                    store: Arc::new(InMemory::new()),
                    hot: Vec::new(),
                    files: Vec::new(),
                    schema: Arc::new(schema),
                };
                (snapshot.schema.name.clone(), snapshot)
            })
            .collect();
        for table in tables {
            if let Some(snapshot) = rows.get_mut(&table.table) {
                snapshot.hot.push(table.batch);
            }
        }
        let spill = std::env::temp_dir().join("vigie-kql-text-tests");
        std::fs::create_dir_all(&spill).unwrap();
        let config = EngineConfig { threads: 1, spill, spill_bytes: 1 << 30, prune: true };
        let kql = QueryEngine::start(Arc::new(Rows(rows)), None, testkit::TestClock::noon(), config).unwrap();
        let items = (0..events.columns.num_rows()).map(|row| events.item_ids.value(row).to_owned()).collect();
        Events { columns: events.columns.clone(), items, kql }
    }

    /// The events on which the engine fires its one rule.
    pub fn by_engine(&self, engine: &Engine) -> BTreeSet<String> {
        engine.evaluate(&self.columns).hits.iter().map(|hit| self.items[hit.row as usize].clone()).collect()
    }

    /// The events that the text finds, each once.
    pub async fn by_text(&self, text: &str) -> Result<BTreeSet<String>, String> {
        let question = format!("{text}| project _ItemId");
        let answer = self.kql.query(QueryRequest::new(question, NOW)).await.map_err(|error| format!("{error:?}"))?;
        let count = answer.rows.len();
        let found: BTreeSet<String> = answer
            .rows
            .into_iter()
            .map(|row| match row.into_iter().next() {
                Some(Value::String(item)) => item,
                other => panic!("_ItemId is text, not {other:?}"),
            })
            .collect();
        if found.len() == count { Ok(found) } else { Err(format!("{count} rows for {} events", found.len())) }
    }
}

/// An engine with one rule.
pub fn engine(rule: &Arc<Rule>, mappings: &sigma::Mappings) -> Engine {
    Engine::compile(vec![Arc::clone(rule)], mappings)
}
