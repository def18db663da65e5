//! Licences of everything that is linked, and a line in `docs/dependencies.md` for everything that we chose.

use std::collections::BTreeSet;
use std::path::Path;

use anyhow::{Context, Result};

use crate::tidy::Findings;
use crate::tidy::layers;

/// Licences that Apache-2.0 software may be distributed with, each without conditions on our own code.
const ALLOWED: [&str; 16] = [
    "0BSD",
    "Apache-2.0",
    "Apache-2.0 WITH LLVM-exception",
    "BSD-2-Clause",
    "BSD-3-Clause",
    "BSL-1.0",
    "bzip2-1.0.6",
    "CC0-1.0",
    "CDLA-Permissive-2.0",
    "ISC",
    "MIT",
    "MIT-0",
    "MPL-2.0",
    "OpenSSL",
    "Unicode-3.0",
    "Zlib",
];

/// Checks every package of the lock file and every chosen dependency.
pub fn check(root: &Path) -> Result<Findings> {
    let metadata = layers::metadata(root)?;
    let mut findings = Findings::new();
    let mut chosen = BTreeSet::new();
    for package in &metadata.packages {
        if metadata.workspace_members.contains(&package.id) {
            chosen.extend(package.dependencies.iter().map(|dependency| dependency.name.clone()));
            continue;
        }
        let licence = package.license.as_deref().unwrap_or("none stated");
        if !is_allowed(licence) {
            findings.push(format!("{} {}: licence `{licence}` is not on the list", package.name, package.version));
        }
    }
    let own: BTreeSet<&str> = metadata
        .packages
        .iter()
        .filter(|package| metadata.workspace_members.contains(&package.id))
        .map(|package| package.name.as_str())
        .collect();
    let written = std::fs::read_to_string(root.join("docs/dependencies.md")).context("reading docs/dependencies.md")?;
    for name in chosen.iter().filter(|name| !own.contains(name.as_str())) {
        if !written.contains(&format!("| `{name}` |")) {
            findings.push(format!("docs/dependencies.md has no line for `{name}`: why, licence, alternative"));
        }
    }
    Ok(findings)
}

/// Whether an SPDX expression can be satisfied with allowed licences alone. `/` is the old way to write OR.
fn is_allowed(expression: &str) -> bool {
    let spaced = expression.replace('/', " OR ").replace('(', " ( ").replace(')', " ) ");
    let mut words = spaced.split_whitespace().peekable();
    any_of(&mut words) && words.next().is_none()
}

type Words<'a> = std::iter::Peekable<std::str::SplitWhitespace<'a>>;

fn any_of(words: &mut Words<'_>) -> bool {
    let mut allowed = all_of(words);
    while words.next_if_eq(&"OR").is_some() {
        allowed |= all_of(words);
    }
    allowed
}

fn all_of(words: &mut Words<'_>) -> bool {
    let mut allowed = one(words);
    while words.next_if_eq(&"AND").is_some() {
        allowed &= one(words);
    }
    allowed
}

fn one(words: &mut Words<'_>) -> bool {
    match words.next() {
        Some("(") => any_of(words) & words.next_if_eq(&")").is_some(),
        Some(licence) => match words.next_if_eq(&"WITH") {
            Some(_) => {
                words.next().is_some_and(|exception| ALLOWED.contains(&format!("{licence} WITH {exception}").as_str()))
            }
            None => ALLOWED.contains(&licence),
        },
        None => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spdx_choices_and_conjunctions() {
        for allowed in
            ["MIT", "MIT/Apache-2.0", "Unlicense OR MIT", "(Apache-2.0 OR MIT) AND BSD-3-Clause", "Apache-2.0 AND ISC"]
        {
            assert!(is_allowed(allowed), "{allowed}");
        }
        for refused in ["GPL-3.0-only", "MIT AND GPL-3.0-only", "none stated", "(MIT OR Apache-2.0) AND AGPL-3.0"] {
            assert!(!is_allowed(refused), "{refused}");
        }
    }
}
