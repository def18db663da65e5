//! Published queries as a ratchet: how many bind without an error. Only ever raise the floors.

use std::collections::HashMap;
use std::path::PathBuf;

use kernel::diagnostic::Level;
use kernel::schema::{ColumnSchema, TableSchema};
use kernel::value::ScalarType;
use kql::catalog::Catalog;
use kql::codes;

/// Share of all queries that bind, in percent. The rest names tables, columns and functions that the schemas lack
/// (parsers, custom logs), or is refused.
const FLOOR_OF_ALL: f64 = 78.0;
/// Share among those that name nothing unknown, in percent.
const FLOOR_OF_KNOWN: f64 = 99.0;

fn data() -> Option<PathBuf> {
    let fallback = || PathBuf::from(env!("CARGO_MANIFEST_DIR")).join("../../../shared/data");
    let root = std::env::var_os("VIGIE_SHARED_DATA").map_or_else(fallback, PathBuf::from);
    let folder = root.join("kql");
    folder.is_dir().then_some(folder)
}

/// The documented tables; those of Defender also under its name of the time column.
fn documented(json: &str) -> Catalog {
    let tables: HashMap<String, serde_json::Map<String, serde_json::Value>> =
        serde_json::from_str(json).expect("the schemas are JSON");
    Catalog::new(tables.into_iter().map(|(name, columns)| {
        let typed = columns
            .into_iter()
            .filter_map(|(name, scalar)| Some(ColumnSchema { name, scalar: serde_json::from_value(scalar).ok()? }));
        let mut table = TableSchema { name, columns: typed.collect() }.with_standard_columns();
        if table.column("Timestamp").is_none() {
            table.columns.push(ColumnSchema { name: "Timestamp".to_owned(), scalar: ScalarType::DateTime });
        }
        table
    }))
    .with_any_address()
}

#[test]
fn published_queries_bind() {
    let Some(folder) = data() else {
        println!("skipped: the shared data is not here (VIGIE_SHARED_DATA)");
        return;
    };
    let catalog = documented(&std::fs::read_to_string(folder.join("table_schemas.json")).unwrap());
    let queries = std::fs::read_to_string(folder.join("rule_queries.jsonl")).unwrap();
    let (mut all, mut parsed, mut bound, mut known) = (0_u32, 0_u32, 0_u32, 0_u32);
    let mut reasons: HashMap<String, u32> = HashMap::new();
    for line in queries.lines() {
        let record: serde_json::Value = serde_json::from_str(line).unwrap();
        let query = record["query"].as_str().unwrap();
        let tree = kql::parse(query);
        let outcome = kql::bind(&tree, &catalog);
        outcome.query.iter().for_each(|query| super::prune::check(query, record["id"].as_str().unwrap_or("?")));
        let errors: Vec<_> = outcome.diagnostics.into_iter().filter(|d| d.level == Level::Error).collect();
        let unknown = [codes::UNKNOWN_TABLE, codes::UNKNOWN_COLUMN, codes::UNKNOWN_FUNCTION];
        all += 1;
        parsed += u32::from(tree.diagnostics.iter().all(|d| d.level != Level::Error));
        bound += u32::from(errors.is_empty());
        known += u32::from(!errors.iter().any(|d| unknown.contains(&d.code.as_str())));
        if let Some(first) = errors.iter().find(|d| !unknown.contains(&d.code.as_str())) {
            *reasons.entry(format!("{} {}", first.code, first.message)).or_default() += 1;
        }
    }
    let share = |part: u32, whole: u32| 100.0 * f64::from(part) / f64::from(whole.max(1));
    let mut reasons: Vec<_> = reasons.into_iter().collect();
    reasons.sort_by_key(|(_, count)| std::cmp::Reverse(*count));
    println!(
        "{all} queries: {parsed} parse, {bound} bind ({:.1} %), {:.1} % of the {known} that name nothing unknown",
        share(bound, all),
        share(bound, known)
    );
    for (reason, count) in reasons.iter().take(12) {
        println!("{count:5} {reason}");
    }
    assert_eq!(parsed, all, "every published query parses");
    assert!(share(bound, all) >= FLOOR_OF_ALL);
    assert!(share(bound, known) >= FLOOR_OF_KNOWN);
}
