//! What the language has and Vigie has not, each with the reason: no name of it is called unknown.

/// The value functions that are refused.
const FUNCTIONS: &[(&[&str], &str)] = &[
    (
        &["current_principal", "current_principal_details", "current_principal_is_member_of"],
        "a query does not know who asks it",
    ),
    (&["current_cluster_endpoint", "current_database", "current_node_id"], "there are no clusters and databases here"),
    (
        &["cursor_after", "cursor_before_or_at", "cursor_current", "current_cursor"],
        "tables have no cursors; compare `ingestion_time()` instead",
    ),
    (&["extent_id", "extentid", "extent_tags", "row_id", "rowstore_ordinal_range"], "rows do not lie in extents here"),
    (
        &["hash_combine", "hash_many", "__hash_many_crc32", "__hash_crc32", "__hash_djb2", "__hash_xxh64"],
        "how hashes are combined is published nowhere; use `hash(strcat_delim(\"|\", …))`",
    ),
    (
        &["bin_auto"],
        "no `set query_bin_auto_size = 1h;` says how wide the bins are; add one, or use `bin(value, step)`",
    ),
    (&["tdigest_isvalid", "hll_isvalid", "__hll_normalize"], "it is internal to another engine"),
    (
        &["__lz4_compress_dynamic_array_to_base64_string", "__ipv6_lookup_ranges", "__invoke"],
        "it is internal to another engine",
    ),
];

/// The functions that give a table or a graph and are refused.
const TABLES: &[(&[&str], &str)] = &[
    (&["external_table"], "nothing is read from elsewhere; upload a reference table and name it"),
    (&["stored_query_result"], "answers are not stored; name the table, or use `materialize(…)`"),
    (&["entity_group"], "there are no clusters and databases here"),
    (&["graph"], "graphs are not stored; make one with `make-graph`"),
];

/// The plugins that are refused.
const PLUGINS: &[(&[&str], &str)] = &[
    (&["python", "r", "csharp"], "no other language runs inside a query"),
    (
        &[
            "http_request",
            "http_request_post",
            "sql_request",
            "mysql_request",
            "postgresql_request",
            "dax_request",
            "cosmosdb_sql_request",
            "azure_digital_twins_query_request",
            "execute_query",
            "execute_show_command",
        ],
        "a query asks nobody but this lake; upload a reference table instead",
    ),
    (&["ai_embed_text", "ai_embeddings", "ai_chat_completion", "ai_chat_completion_prompt"], "a query calls no model"),
    (
        &["infer_storage_schema", "infer_storage_schema_with_suggestions", "external_datatable"],
        "nothing is read from elsewhere; upload a reference table instead",
    ),
    (&["identity", "identity_v3"], "it is internal to another engine"),
];

fn reason(table: &[(&[&str], &'static str)], name: &str) -> Option<&'static str> {
    table.iter().find(|(names, _)| names.contains(&name)).map(|(_, reason)| *reason)
}

/// Why the function `name` is refused.
pub(super) fn function(name: &str) -> Option<&'static str> {
    reason(FUNCTIONS, name)
}

/// Why `name(…)` is no table.
pub(super) fn table(name: &str) -> Option<&'static str> {
    reason(TABLES, name)
}

/// Why `evaluate name(…)` is refused.
pub(super) fn plugin(name: &str) -> Option<&'static str> {
    reason(PLUGINS, name)
}
