//! The layer table of ARCHITECTURE.md against what cargo says.

use std::collections::BTreeMap;
use std::path::Path;

use anyhow::{Context, Result};
use serde::Deserialize;

use super::Findings;
use crate::shell;

/// What `cargo metadata` says that matters here.
#[derive(Deserialize)]
pub struct Metadata {
    pub packages: Vec<Package>,
    pub workspace_members: Vec<String>,
}

/// One package of the graph.
#[derive(Deserialize)]
pub struct Package {
    pub id: String,
    pub name: String,
    pub version: String,
    pub license: Option<String>,
    pub dependencies: Vec<Dependency>,
}

/// One line of a package's dependencies.
#[derive(Deserialize)]
pub struct Dependency {
    pub name: String,
    pub kind: Option<String>,
}

/// The resolved graph of the workspace.
pub fn metadata(root: &Path) -> Result<Metadata> {
    let text = shell::capture(root, &shell::cargo(), &["metadata", "--format-version", "1", "--locked"])?;
    serde_json::from_str(&text).context("cargo metadata printed something else than expected")
}

/// Crates that only one crate may link, so that the others stay quick to build.
const OWNERS: [(&str, &[&str]); 6] = [
    ("datafusion", &["lake"]),
    ("deltalake-core", &["lake"]),
    ("axum", &["server"]),
    ("cedar-policy", &["server", "conditional_access"]),
    ("evtx", &["intake"]),
    ("ldap3", &["connector"]),
];

/// Every workspace crate must be in the table; a crate imports only lower layers.
pub fn check(root: &Path) -> Result<Findings> {
    let architecture = std::fs::read_to_string(root.join("ARCHITECTURE.md")).context("reading ARCHITECTURE.md")?;
    let layers = table(&architecture);
    let metadata = metadata(root)?;
    let mut findings = Findings::new();
    for package in metadata.packages.iter().filter(|package| metadata.workspace_members.contains(&package.id)) {
        let Some(&layer) = layers.get(package.name.as_str()) else {
            findings.push(format!("crate `{}` is missing from the layer table of ARCHITECTURE.md", package.name));
            continue;
        };
        for dependency in package.dependencies.iter().filter(|dependency| dependency.kind.is_none()) {
            findings.extend(edge(&package.name, layer, &dependency.name, &layers));
        }
    }
    Ok(findings)
}

fn edge(from: &str, layer: u32, to: &str, layers: &BTreeMap<&str, u32>) -> Option<String> {
    if let Some(&below) = layers.get(to) {
        let allowed = below < layer || from == "xtask";
        return (!allowed).then(|| format!("crate `{from}` (L{layer}) imports `{to}` (L{below}); only lower layers"));
    }
    let (_, owners) = OWNERS.iter().find(|(heavy, _)| *heavy == to)?;
    (!owners.contains(&from)).then(|| format!("crate `{from}` links `{to}`, which belongs to {owners:?} alone"))
}

/// Rows such as `| kernel | L0 | … |`.
fn table(architecture: &str) -> BTreeMap<&str, u32> {
    architecture
        .lines()
        .filter_map(|line| {
            let mut cells = line.trim().trim_matches('|').split('|').map(|cell| cell.trim().trim_matches('`'));
            let (name, layer) = (cells.next()?, cells.next()?);
            Some((name, layer.strip_prefix('L')?.parse().ok()?))
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_edge_may_only_go_down_and_a_heavy_crate_has_one_owner() {
        let layers = table("| `kernel` | L0 | words |\n| lake | L2 | events |\n| sigma | L2 | rules |\n");
        assert_eq!(edge("lake", 2, "kernel", &layers), None);
        assert!(edge("lake", 2, "sigma", &layers).is_some_and(|text| text.contains("only lower")));
        assert!(edge("kernel", 0, "lake", &layers).is_some());
        assert!(edge("sigma", 2, "datafusion", &layers).is_some_and(|text| text.contains("alone")));
        assert_eq!(edge("lake", 2, "datafusion", &layers), None);
    }
}
