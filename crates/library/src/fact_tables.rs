//! The room's tables as KQL reads them.

use kernel::ScalarType::{DateTime, Dynamic, Long, String};
use store::{FactColumn, FactTable};

const fn column(name: &'static str, scalar: kernel::ScalarType, sql: &'static str) -> FactColumn {
    FactColumn::new(name, scalar, sql)
}

/// `Functions`, `Watchlists`, `ReferenceTables`.
pub const FACT_TABLES: &[FactTable] = &[
    FactTable {
        name: "Functions",
        columns: &[
            column("TimeGenerated", DateTime, "updated_us"),
            column("Name", String, "name"),
            column("Parameters", String, "parameters"),
            column("Body", String, "body"),
            column("Description", String, "description"),
            column("ChangedBy", String, "changed_by"),
            column("Created", DateTime, "created_us"),
            column("Version", Long, "version"),
        ],
        from: "kept_function",
        time: "updated_us",
    },
    FactTable {
        name: "Watchlists",
        columns: &[
            column("TimeGenerated", DateTime, "updated_us"),
            column("Name", String, "name"),
            column("SearchKey", String, "search_key"),
            column("Columns", Dynamic, "columns"),
            column("Items", Long, "item_count"),
            column("Description", String, "description"),
            column("ChangedBy", String, "changed_by"),
            column("Created", DateTime, "created_us"),
            column("Version", Long, "version"),
        ],
        from: "watchlist",
        time: "updated_us",
    },
    FactTable {
        name: "ReferenceTables",
        columns: &[
            column("TimeGenerated", DateTime, "updated_us"),
            column("Name", String, "name"),
            column("Addresses", Dynamic, "addresses"),
            column("Bytes", Long, "bytes"),
            column("Sha256", String, "sha256"),
            column("Description", String, "description"),
            column("ChangedBy", String, "changed_by"),
            column("Created", DateTime, "created_us"),
            column("Version", Long, "version"),
        ],
        from: "reference_table",
        time: "updated_us",
    },
];
