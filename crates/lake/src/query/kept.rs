//! What people keep for their queries, where a query reads it: watchlists, and reference tables for addresses.

use std::sync::Arc;

use async_trait::async_trait;
use futures::future::BoxFuture;
use kernel::library::{Kept, QueryLibrary, watchlist_of};
use kernel::port::QueryError;
use kernel::schema::WATCHLIST_COLUMNS;
use kernel::{ColumnSchema, Diagnostic, TableSchema, Value};
use kql::algebra::{ExternalSource, Node, Plan};

use super::lower::{Source, Sources, batch_of};
use super::reference;

/// Rows of all reference tables of one query.
const MOST_ROWS: usize = 5_000_000;

/// A library of typed, empty watchlists in which any address is a file without rows: for checks without data.
#[derive(Debug, Default)]
pub struct EmptyLibrary {
    kept: Arc<Kept>,
}

impl EmptyLibrary {
    /// Takes the watchlists out of `tables`: those called `_GetWatchlist('name')`.
    pub fn out_of(tables: &mut Vec<TableSchema>) -> EmptyLibrary {
        let mut kept = Kept { any_address: true, ..Kept::default() };
        tables.retain(|table| {
            let Some(name) = watchlist_of(&table.name) else { return true };
            let own = WATCHLIST_COLUMNS.map(|(name, scalar)| ColumnSchema { name: name.to_owned(), scalar });
            let columns = own.into_iter().chain(table.columns.iter().cloned()).collect();
            kept.watchlists.push(TableSchema { name: name.to_owned(), columns });
            false
        });
        EmptyLibrary { kept: Arc::new(kept) }
    }
}

#[async_trait]
impl QueryLibrary for EmptyLibrary {
    async fn kept(&self) -> Result<Arc<Kept>, String> {
        Ok(Arc::clone(&self.kept))
    }

    async fn watchlist(&self, name: &str) -> Result<Option<Vec<Vec<Value>>>, String> {
        Ok(self.kept.watchlists.iter().any(|known| known.name == name).then(Vec::new))
    }

    async fn reference(&self, _address: &str) -> Result<Option<String>, String> {
        Ok(Some(String::new()))
    }
}

/// The rows of a watchlist.
pub(super) async fn watchlist(library: &dyn QueryLibrary, name: &str) -> Result<Source, QueryError> {
    let gone = || QueryError::Engine(format!("the watchlist {name} has gone"));
    let kept = library.kept().await.map_err(QueryError::Engine)?;
    let columns = kept.watchlists.iter().find(|known| known.name == name).ok_or_else(gone)?.columns.clone();
    let rows = library.watchlist(name).await.map_err(QueryError::Engine)?.ok_or_else(gone)?;
    let batch = batch_of(&rows, &columns).map_err(|error| QueryError::Engine(error.to_string()))?;
    Ok(Source::Rows { columns, batch })
}

/// Puts the rows of reference tables in the place of every `externaldata` of `plan`.
pub(super) fn references<'s>(
    plan: &'s mut Plan,
    library: Option<&'s dyn QueryLibrary>,
    sources: &'s mut Sources,
) -> BoxFuture<'s, Result<(), QueryError>> {
    Box::pin(async move {
        if let Node::External(source) = &plan.node {
            let rows = referenced(source, plan, library).await?;
            let batch = batch_of(&rows, &plan.schema).map_err(|error| QueryError::Engine(error.to_string()))?;
            let name = format!("externaldata #{}", sources.tables.len());
            sources.tables.insert(name.clone(), Source::Rows { columns: plan.schema.clone(), batch });
            plan.node = Node::Table { name };
            return Ok(());
        }
        for input in plan.inputs_mut() {
            references(input, library, sources).await?;
        }
        Ok(())
    })
}

async fn referenced(
    source: &ExternalSource,
    plan: &Plan,
    library: Option<&dyn QueryLibrary>,
) -> Result<Vec<Vec<Value>>, QueryError> {
    let refused = |message: String| QueryError::Invalid(vec![Diagnostic::error("KQL0904", plan.span, message)]);
    let mut rows = Vec::new();
    for address in &source.uris {
        let text = match library {
            Some(library) => library.reference(address).await.map_err(QueryError::Engine)?,
            None => None,
        };
        let text = text.ok_or_else(|| refused(format!("no reference table stands for `{address}`")))?;
        let found = reference::rows(&text, address, source, &plan.schema);
        rows.extend(found.map_err(|problem| refused(format!("`{address}`: {problem}")))?);
        if rows.len() > MOST_ROWS {
            return Err(refused(format!("`{address}` has more than {MOST_ROWS} rows; load it into a table")));
        }
    }
    Ok(rows)
}
