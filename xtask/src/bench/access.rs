//! The Access desk: a feed to accounts at targets, and a delta of many people computed; measured by the example `access_bench`
//! of the crate `identity`.

use anyhow::{Result, ensure};

use super::report::Section;
use crate::shell;

/// What a line is compared with, by how it begins or ends.
const TARGETS: [(&str, &str, &str); 3] = [
    ("scenario 1", "accounts per second, import included", "≥ 200 (midPoint: 4.0 with 31 threads)"),
    ("HR and 8 SQL tables", "accounts per second, import included", "≥ 500 (midPoint: 21.7)"),
    ("delta of", "", "≤ 60 s"),
];

/// Runs it as a release build, because that is what runs.
pub fn run() -> Result<Section> {
    let root = shell::root();
    let arguments = ["run", "--release", "--quiet", "-p", "identity", "--example", "access_bench"];
    let text = shell::capture(&root, "cargo", &arguments)?;
    let lines: Vec<(&str, &str)> = text.lines().filter_map(|line| line.split_once('\t')).collect();
    ensure!(!lines.is_empty(), "nothing was measured");
    let row = |(name, value): (&str, &str)| {
        let target = TARGETS.iter().find(|(begins, ends, _)| name.starts_with(begins) && name.ends_with(ends));
        let target = target.map_or("", |(_, _, target)| target);
        [name.to_owned(), target.to_owned(), value.to_owned()]
    };
    let what = "State and targets are SQLite files with full durability; targets are reached through the SQL table connector. \
                Every account is read before it is written."
        .to_owned();
    Ok(Section { name: "access", what, rows: lines.into_iter().map(row).collect() })
}
