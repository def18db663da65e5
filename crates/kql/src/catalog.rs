//! What a query can name: tables, stored functions, watchlists, addresses of reference tables.

use std::collections::{BTreeMap, BTreeSet};

use kernel::library::Kept;
use kernel::schema::TableSchema;

pub use kernel::library::StoredFunction;

/// Tables and what people keep beside them, by name.
#[derive(Debug, Clone, Default)]
pub struct Catalog {
    tables: BTreeMap<String, TableSchema>,
    functions: BTreeMap<String, StoredFunction>,
    watchlists: BTreeMap<String, TableSchema>,
    addresses: Addresses,
    /// Tables that are known to hold nothing now.
    empty: BTreeSet<String>,
    /// What Microsoft's products add to the language is there, as in an installation.
    enriched: bool,
}

/// What `externaldata` may read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Addresses {
    /// Those for which a reference table was uploaded.
    Listed(BTreeSet<String>),
    /// Any: the engine answers with no rows. For checks without data.
    Any,
}

impl Default for Addresses {
    fn default() -> Addresses {
        Addresses::Listed(BTreeSet::new())
    }
}

impl Catalog {
    /// A catalog of `tables`; of two with one name the later wins.
    pub fn new(tables: impl IntoIterator<Item = TableSchema>) -> Catalog {
        let tables = tables.into_iter().map(|table| (table.name.clone(), table)).collect();
        Catalog { tables, ..Catalog::default() }
    }

    /// Adds or replaces a stored function.
    #[must_use]
    pub fn with_function(mut self, function: StoredFunction) -> Catalog {
        self.functions.insert(function.name.clone(), function);
        self
    }

    /// Adds the functions that come with Vigie; those of the same name that are there already stay.
    #[must_use]
    pub fn with_shipped_functions(mut self) -> Catalog {
        for function in crate::shipped::functions() {
            self.functions.entry(function.name.clone()).or_insert_with(|| function.clone());
        }
        self
    }

    /// Adds what people keep: functions, watchlists, reference tables. Where they are kept, the functions that come with
    /// Vigie are there, too.
    #[must_use]
    pub fn with_kept(mut self, kept: &Kept) -> Catalog {
        self = self.with_shipped_functions();
        self.functions.extend(kept.functions.iter().map(|one| (one.name.clone(), one.clone())));
        self.watchlists.extend(kept.watchlists.iter().map(|one| (one.name.clone(), one.clone())));
        self.enriched = true;
        if kept.any_address {
            self.addresses = Addresses::Any;
        }
        if let Addresses::Listed(listed) = &mut self.addresses {
            listed.extend(kept.addresses.iter().cloned());
        }
        self
    }

    /// Says which tables hold nothing now. Where a union of all tables would be too large, these give it their columns
    /// alone.
    #[must_use]
    pub fn with_empty_tables(mut self, names: impl IntoIterator<Item = String>) -> Catalog {
        self.empty.extend(names);
        self
    }

    /// Whether the table is known to hold nothing now.
    pub(crate) fn holds_nothing(&self, table: &str) -> bool {
        self.empty.contains(table)
    }

    /// Whether functions of Microsoft's products are known that are no part of the language.
    pub(crate) fn enriches(&self) -> bool {
        self.enriched
    }

    /// An installation without data: whatever people could keep is there and empty.
    pub(crate) fn stands_for_everything(&self) -> bool {
        self.enriched && self.addresses == Addresses::Any
    }

    /// Lets `externaldata` name any address.
    #[must_use]
    pub fn with_any_address(mut self) -> Catalog {
        self.addresses = Addresses::Any;
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

    /// The watchlist called `name` (case-sensitive).
    pub fn watchlist(&self, name: &str) -> Option<&TableSchema> {
        self.watchlists.get(name)
    }

    /// All tables, by name.
    pub fn tables(&self) -> impl Iterator<Item = &TableSchema> {
        self.tables.values()
    }

    /// All stored functions, by name.
    pub fn functions(&self) -> impl Iterator<Item = &StoredFunction> {
        self.functions.values()
    }

    /// All watchlists, by name.
    pub fn watchlists(&self) -> impl Iterator<Item = &TableSchema> {
        self.watchlists.values()
    }

    /// Whether `externaldata` may name this address.
    pub fn answers_for(&self, address: &str) -> bool {
        match &self.addresses {
            Addresses::Listed(listed) => listed.contains(address),
            Addresses::Any => true,
        }
    }
}
