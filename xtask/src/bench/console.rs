//! How much script a browser loads before the first page.

use std::io::Write;

use anyhow::{Context, Result};
use flate2::Compression;
use flate2::write::GzEncoder;

use super::report::Section;
use crate::{demo, shell};

/// Builds the bundle and adds up what `index.html` loads at once.
pub fn run() -> Result<Section> {
    let root = shell::root();
    demo::build_console(&root)?;
    let dist = root.join("console/dist");
    let index = std::fs::read_to_string(dist.join("index.html")).context("reading console/dist/index.html")?;
    let mut total = 0;
    for part in index.split('"').filter(|part| part.ends_with(".js")) {
        let script =
            std::fs::read(dist.join(part.trim_start_matches(['.', '/']))).with_context(|| format!("reading {part}"))?;
        let mut encoder = GzEncoder::new(Vec::new(), Compression::best());
        encoder.write_all(&script)?;
        total += encoder.finish()?.len();
    }
    Ok(Section {
        name: "console",
        what: "Scripts that `index.html` loads before the first page, each compressed with gzip; editor and charts come on demand.".into(),
        rows: vec![["first load, gzip".into(), "≤ 100 kB".into(), format!("{:.1} kB", total as f64 / 1000.0)]],
    })
}
