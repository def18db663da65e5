//! Every statement of the room.

use store::Statement;

macro_rules! function_columns {
    () => {
        "name, parameters, body, description, changed_by, created_us, updated_us, version"
    };
}
macro_rules! watchlist_columns {
    () => {
        "name, description, search_key, columns, item_count, changed_by, created_us, updated_us, version"
    };
}
macro_rules! reference_columns {
    () => {
        "name, description, addresses, bytes, sha256, changed_by, created_us, updated_us, version"
    };
}

pub const REVISION: Statement =
    Statement::new("library.revision", "SELECT revision FROM library_revision WHERE id = 1");
pub const NEXT_REVISION: Statement =
    Statement::new("library.next_revision", "UPDATE library_revision SET revision = revision + 1 WHERE id = 1");

pub const FUNCTIONS: Statement =
    Statement::new("library.functions", concat!("SELECT ", function_columns!(), " FROM kept_function ORDER BY name"));
pub const FUNCTION: Statement =
    Statement::new("library.function", concat!("SELECT ", function_columns!(), " FROM kept_function WHERE name = $1"));
pub const PUT_FUNCTION: Statement = Statement::new(
    "library.put_function",
    "INSERT INTO kept_function (name, parameters, body, description, changed_by, created_us, updated_us, version) \
     VALUES ($1, $2, $3, $4, $5, $6, $6, 1) ON CONFLICT (name) DO UPDATE SET parameters = excluded.parameters, \
     body = excluded.body, description = excluded.description, changed_by = excluded.changed_by, \
     updated_us = excluded.updated_us, version = kept_function.version + 1",
);
pub const DELETE_FUNCTION: Statement =
    Statement::new("library.delete_function", "DELETE FROM kept_function WHERE name = $1");

pub const WATCHLISTS: Statement =
    Statement::new("library.watchlists", concat!("SELECT ", watchlist_columns!(), " FROM watchlist ORDER BY name"));
pub const WATCHLIST: Statement = Statement::new(
    "library.watchlist",
    concat!("SELECT items, ", watchlist_columns!(), " FROM watchlist WHERE name = $1"),
);
pub const PUT_WATCHLIST: Statement = Statement::new(
    "library.put_watchlist",
    "INSERT INTO watchlist (name, description, search_key, columns, item_count, items, changed_by, created_us, \
     updated_us, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1) ON CONFLICT (name) DO UPDATE SET \
     description = excluded.description, search_key = excluded.search_key, columns = excluded.columns, \
     item_count = excluded.item_count, items = excluded.items, changed_by = excluded.changed_by, \
     updated_us = excluded.updated_us, version = watchlist.version + 1",
);
pub const DELETE_WATCHLIST: Statement =
    Statement::new("library.delete_watchlist", "DELETE FROM watchlist WHERE name = $1");

pub const REFERENCES: Statement = Statement::new(
    "library.references",
    concat!("SELECT ", reference_columns!(), " FROM reference_table ORDER BY name"),
);
pub const REFERENCE: Statement = Statement::new(
    "library.reference",
    concat!("SELECT content, ", reference_columns!(), " FROM reference_table WHERE name = $1"),
);
pub const PUT_REFERENCE: Statement = Statement::new(
    "library.put_reference",
    "INSERT INTO reference_table (name, description, addresses, content, bytes, sha256, changed_by, created_us, \
     updated_us, version) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $8, 1) ON CONFLICT (name) DO UPDATE SET \
     description = excluded.description, addresses = excluded.addresses, content = excluded.content, \
     bytes = excluded.bytes, sha256 = excluded.sha256, changed_by = excluded.changed_by, \
     updated_us = excluded.updated_us, version = reference_table.version + 1",
);
pub const DELETE_REFERENCE: Statement =
    Statement::new("library.delete_reference", "DELETE FROM reference_table WHERE name = $1");

/// All of them, for the test that prepares each on both engines.
pub const STATEMENTS: &[Statement] = &[
    REVISION,
    NEXT_REVISION,
    FUNCTIONS,
    FUNCTION,
    PUT_FUNCTION,
    DELETE_FUNCTION,
    WATCHLISTS,
    WATCHLIST,
    PUT_WATCHLIST,
    DELETE_WATCHLIST,
    REFERENCES,
    REFERENCE,
    PUT_REFERENCE,
    DELETE_REFERENCE,
];
