//! Generated files that are committed: the OpenAPI document, the console's types, the configuration reference.

use std::path::Path;

use anyhow::{Context, Result, bail};

use crate::platform::{self, Profile};
use crate::shell;

const OPENAPI: &str = "crates/server/openapi.json";
const CONFIGURATION: &str = "docs/configuration.md";

/// Writes them all anew.
pub fn run(_arguments: &[String]) -> Result<()> {
    let root = shell::root();
    for (path, text) in generated(&root)? {
        std::fs::write(root.join(path), text).with_context(|| format!("writing {path}"))?;
    }
    shell::run(&root.join("console"), "npm", &["run", "types"])
}

/// Fails when a committed file is not what would be generated.
pub fn check(root: &Path) -> Result<()> {
    for (path, text) in generated(root)? {
        let committed = std::fs::read_to_string(root.join(path)).with_context(|| format!("reading {path}"))?;
        if committed.trim_end() != text.trim_end() {
            bail!("{path} is not what the code says; run `cargo xtask codegen` and commit");
        }
    }
    Ok(())
}

fn generated(root: &Path) -> Result<Vec<(&'static str, String)>> {
    let binary = platform::build(Profile::Dev)?;
    let binary = binary.to_str().context("the target folder's path is not UTF-8")?;
    let openapi = shell::capture(root, binary, &["openapi"])?;
    let configuration = shell::capture(root, binary, &["config", "reference"])?;
    Ok(vec![(OPENAPI, openapi), (CONFIGURATION, configuration)])
}
