//! What people keep for their queries, and the port by which a query engine reaches it.

use std::collections::BTreeSet;
use std::sync::Arc;

use async_trait::async_trait;
use serde::{Deserialize, Serialize};

use crate::schema::TableSchema;
use crate::value::Value;

/// A function that somebody stored: `.create function name(parameters) { body }`.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct StoredFunction {
    pub name: String,
    /// With the parentheses, as in a `let`: `(days: long = 7)`.
    pub parameters: String,
    /// Without the braces.
    pub body: String,
    /// For completion and hover; may be empty.
    #[serde(default)]
    pub description: String,
}

/// Everything that is kept, at one moment, without the rows.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Kept {
    /// Changes with every change of what is kept.
    pub revision: i64,
    pub functions: Vec<StoredFunction>,
    /// Each under the name that `_GetWatchlist('name')` gives, with all columns that it has there.
    pub watchlists: Vec<TableSchema>,
    /// Addresses that `externaldata` may name, because a reference table stands for each.
    pub addresses: BTreeSet<String>,
    /// Any address will do: it is answered with no rows. For checks without data.
    pub any_address: bool,
}

/// What people keep for their queries. An error is the storage's.
#[async_trait]
pub trait QueryLibrary: Send + Sync {
    /// What is kept now.
    async fn kept(&self) -> Result<Arc<Kept>, String>;
    /// The rows of a watchlist in the order of its columns; `None`: there is none of this name.
    async fn watchlist(&self, name: &str) -> Result<Option<Vec<Vec<Value>>>, String>;
    /// The text that stands for an address; `None`: none does.
    async fn reference(&self, address: &str) -> Result<Option<String>, String>;
}

const WATCHLIST_OPEN: &str = "_GetWatchlist('";
const WATCHLIST_CLOSE: &str = "')";

/// The name under which a plan reads a watchlist. No table can have it: it is no identifier.
pub fn watchlist_table(watchlist: &str) -> String {
    format!("{WATCHLIST_OPEN}{watchlist}{WATCHLIST_CLOSE}")
}

/// The watchlist that a plan reads under this name of a table.
pub fn watchlist_of(table: &str) -> Option<&str> {
    table.strip_prefix(WATCHLIST_OPEN)?.strip_suffix(WATCHLIST_CLOSE)
}
