//! What a query can name: tables and stored functions.

use std::collections::BTreeMap;

use kernel::schema::TableSchema;

/// Tables and stored functions, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tables: BTreeMap<String, TableSchema>,
    functions: BTreeMap<String, StoredFunction>,
}

/// A function that a user stored: `.create function name(parameters) { body }`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct StoredFunction {
    pub name: String,
    /// With the parentheses, as in a `let`: `(days: long = 7)`.
    pub parameters: String,
    /// Without the braces.
    pub body: String,
}

impl Catalog {
    /// A catalog of `tables`; of two with one name the later wins.
    pub fn new(tables: impl IntoIterator<Item = TableSchema>) -> Catalog {
        let tables = tables.into_iter().map(|table| (table.name.clone(), table)).collect();
        Catalog { tables, functions: BTreeMap::new() }
    }

    /// Adds or replaces a stored function.
    #[must_use]
    pub fn with_function(mut self, function: StoredFunction) -> Catalog {
        self.functions.insert(function.name.clone(), function);
        self
    }

    /// The table called `name` (case-sensitive).
    pub fn table(&self, name: &str) -> Option<&TableSchema> {
        self.tables.get(name)
    }

    /// The stored function called `name` (case-sensitive).
    pub fn function(&self, name: &str) -> Option<&StoredFunction> {
        self.functions.get(name)
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &TableSchema> {
        self.tables.values()
    }

    /// All stored functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = &StoredFunction> {
        self.functions.values()
    }
}
