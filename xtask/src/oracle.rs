//! `cargo xtask kql …`: our compiler beside the language's own.
//!
//! `mutate` makes many queries of some, each changed a little, with a seed. The language's own parser and binder (npm
//! package `@kusto/language-service-next`; a development tool, never shipped) says which it accepts and what columns they
//! give; any program that prints `{"id", "errors", "columns", "open"}` for each `{"id", "query", "tables"}` will do.
//! `agree` compares that with ours. `coverage` lists the names of the language that are not known here.

mod agree;
mod coverage;
mod mutate;

use std::path::Path;

use anyhow::{Context, Result, bail};
use serde_json::Value as Json;

const USAGE: &str = "cargo xtask kql mutate QUERIES.jsonl COUNT SEED > MUTATIONS.jsonl
cargo xtask kql agree QUERIES.jsonl OFFICIAL.jsonl [ID…]   (with ids: both answers about these)
cargo xtask kql coverage PACKAGE_FOLDER";

/// Runs one of them.
pub fn run(arguments: &[String]) -> Result<()> {
    let words: Vec<&str> = arguments.iter().map(String::as_str).collect();
    match words.as_slice() {
        ["mutate", queries, count, seed] => {
            let count = count.parse().context("COUNT is a number")?;
            let seed = seed.parse().context("SEED is a number")?;
            mutate::run(&lines(Path::new(queries))?, count, seed)
        }
        ["agree", queries, official, ids @ ..] => {
            let (queries, official) = (lines(Path::new(queries))?, lines(Path::new(official))?);
            if ids.is_empty() { agree::run(&queries, &official) } else { agree::show(&queries, &official, ids) }
        }
        ["coverage", folder] => coverage::run(Path::new(folder)),
        _ => bail!("{USAGE}"),
    }
}

fn lines(path: &Path) -> Result<Vec<Json>> {
    let text = std::fs::read_to_string(path).with_context(|| format!("reading {}", path.display()))?;
    text.lines().map(|line| serde_json::from_str(line).with_context(|| path.display().to_string())).collect()
}
