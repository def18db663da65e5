//! Which names of the language are known here: each is implemented, or refused by name with a reason.

use std::collections::BTreeMap;
use std::path::Path;
use std::process::Command;

use anyhow::{Context, Result, ensure};
use kql::catalog::Catalog;
use serde_json::Value as Json;

/// Prints the names of the language's own parser (from `symbols.js` beside this file).
const SYMBOLS: &str = include_str!("symbols.js");

/// What becomes of a name.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
enum Fate {
    Implemented,
    /// With a reason and the nearest supported form.
    Refused,
    Missing,
}

/// Compares our names with those of the package in `folder`; fails when one that is documented is missing.
pub fn run(folder: &Path) -> Result<()> {
    let script = std::env::temp_dir().join(format!("vigie-kql-symbols-{}.js", std::process::id()));
    std::fs::write(&script, SYMBOLS)?;
    let listed = Command::new("node").arg(&script).arg(folder).output().context("running node")?;
    std::fs::remove_file(&script)?;
    ensure!(listed.status.success(), "node: {}", String::from_utf8_lossy(&listed.stderr));
    let mut fates: BTreeMap<(String, Fate), Vec<String>> = BTreeMap::new();
    for line in String::from_utf8(listed.stdout)?.lines() {
        let symbol: Json = serde_json::from_str(line)?;
        let word = |key: &str| symbol[key].as_str().unwrap_or_default().to_owned();
        let (kind, name) = (word("kind"), word("name"));
        let fate = fate(&kind, &name);
        let shown = if symbol["hidden"] == Json::Bool(true) { format!("({name})") } else { name };
        fates.entry((kind, fate)).or_default().push(shown);
    }
    for ((kind, fate), names) in &fates {
        let told = if *fate == Fate::Implemented { String::new() } else { format!(": {}", names.join(", ")) };
        println!("{kind} {fate:?} {}{told}", names.len());
    }
    let missing: Vec<&String> = fates
        .iter()
        .filter(|((_, fate), _)| *fate == Fate::Missing)
        .flat_map(|(_, names)| names.iter().filter(|name| !name.starts_with('(')))
        .collect();
    ensure!(missing.is_empty(), "neither implemented nor refused by name: {missing:?}");
    Ok(())
}

/// Functions that give tables.
const GIVE_TABLES: [&str; 6] =
    ["table", "external_table", "materialized_view", "entity_group", "stored_query_result", "graph"];
/// Functions of the patterns of `graph-match`.
const OF_PATTERNS: [&str; 8] =
    ["all", "any", "map", "inner_nodes", "labels", "node_id", "node_degree_in", "node_degree_out"];

/// Asks for the name in a query that says nothing else; what the compiler says of it tells.
fn fate(kind: &str, name: &str) -> Fate {
    let text = match kind {
        // They stand where a table does.
        "function" if name == "cluster" => "cluster('c').database('d').T".to_owned(),
        "function" if name == "database" => "database('d').T".to_owned(),
        "function" if GIVE_TABLES.contains(&name) => format!("{name}('T')"),
        "function" => format!("print {name}()"),
        "aggregate" => format!("T | summarize {name}()"),
        "plugin" => format!("T | evaluate {name}()"),
        _ => format!("T | {name} 1"),
    };
    let table = kernel::schema::parse_tables(r#"{"T": {"a": "string"}}"#).unwrap_or_default();
    let bound = kql::compile(&text, &Catalog::new(table).with_any_address());
    let said = |part: &str| bound.diagnostics.iter().any(|diagnostic| diagnostic.message.contains(part));
    // Graph functions are known in patterns alone.
    if kind == "function" && OF_PATTERNS.contains(&name) {
        return Fate::Implemented;
    }
    if said("there is no function called") || said("there is no operator called") {
        return Fate::Missing;
    }
    if said(&format!("the plugin `{name}` is not supported")) && !said(&format!("`{name}` is not supported: ")) {
        return Fate::Missing;
    }
    if said("is not supported") || said("there is one lake here") { Fate::Refused } else { Fate::Implemented }
}
