//! Tables that are declared and hold nothing: a query is planned and run over them as over any other.

use std::collections::BTreeMap;
use std::sync::Arc;

use async_trait::async_trait;
use kernel::TableSchema;
use object_store::memory::InMemory;
use object_store::path::Path;

use crate::error::LakeError;
use crate::paths::DynamicPath;
use crate::snapshot::{TableSnapshot, Tables};

/// Typed, empty tables, and perhaps others behind them.
pub struct DeclaredTables {
    tables: BTreeMap<String, Arc<TableSchema>>,
    behind: Option<Arc<dyn Tables>>,
}

impl DeclaredTables {
    /// `tables` alone; of two with one name the later counts.
    pub fn new(tables: impl IntoIterator<Item = TableSchema>) -> DeclaredTables {
        let tables = tables.into_iter().map(|table| (table.name.clone(), Arc::new(table))).collect();
        DeclaredTables { tables, behind: None }
    }

    /// The same before others: a declared table hides one of the same name.
    #[must_use]
    pub fn before(self, others: Arc<dyn Tables>) -> DeclaredTables {
        DeclaredTables { behind: Some(others), ..self }
    }
}

#[async_trait]
impl Tables for DeclaredTables {
    fn schemas(&self) -> Vec<TableSchema> {
        let behind = self.behind.iter().flat_map(|others| others.schemas());
        let behind = behind.filter(|table| !self.tables.contains_key(&table.name));
        self.tables.values().map(|table| table.as_ref().clone()).chain(behind).collect()
    }

    fn empty(&self) -> Vec<String> {
        let behind = self.behind.iter().flat_map(|others| others.empty());
        let behind = behind.filter(|table| !self.tables.contains_key(table));
        self.tables.keys().cloned().chain(behind).collect()
    }

    async fn snapshot(&self, table: &str) -> Result<Option<TableSnapshot>, LakeError> {
        match (self.tables.get(table), &self.behind) {
            (Some(schema), _) => Ok(Some(TableSnapshot {
                schema: Arc::clone(schema),
                arrow: schema.arrow(),
                store: Arc::new(InMemory::new()),
                hot: Vec::new(),
                files: Vec::new(),
            })),
            (None, Some(others)) => others.snapshot(table).await,
            (None, None) => Ok(None),
        }
    }

    fn note_path(&self, table: &str, path: DynamicPath) {
        if let Some(others) = self.behind.as_ref().filter(|_| !self.tables.contains_key(table)) {
            others.note_path(table, path);
        }
    }

    fn note_damaged(&self, file: &Path) {
        self.behind.iter().for_each(|others| others.note_damaged(file));
    }
}
