//! How long the query editor waits for findings, colours, completions and explanation; measured by the example `editor` of
//! the crate `kql`.

use anyhow::{Context, Result};
use serde_json::Value;

use super::report::Section;
use crate::{platform, shell};

/// Published queries as an analyst has them open.
pub fn run() -> Result<Section> {
    let folder = shell::shared_data().map(|data| data.join("kql")).filter(|folder| folder.is_dir());
    let folder =
        folder.context("these figures need the shared data (kql/rule_queries.jsonl): set VIGIE_SHARED_DATA")?;
    let root = shell::root();
    shell::run(&root, &shell::cargo(), &["build", "--release", "--locked", "-p", "kql", "--example", "editor"])?;
    let program = platform::target(&root).join("release/examples/editor").display().to_string();
    let files = ["table_schemas.json", "rule_queries.jsonl"].map(|name| folder.join(name).display().to_string());
    let found = shell::capture(&root, &program, &[&files[0], &files[1]])?;
    let found: Value = serde_json::from_str(&found).context("the measurement prints one line of JSON")?;
    let ms = |name: &str| format!("{:.2} ms", found[name].as_f64().unwrap_or(f64::NAN));
    let row = |measure: &str, target: &str, name: &str| [measure.to_owned(), target.to_owned(), ms(name)];
    Ok(Section {
        name: "editor",
        what: format!(
            "{} published queries of up to {} bytes against {} tables; the caret behind every bar and at the end, {} answers. \
             One answer is findings, colours, completions and the word under the caret, each from the whole text, without \
             the way to the browser; one thread.",
            found["queries"], found["longest_bytes"], found["tables"], found["answers"]
        ),
        rows: vec![
            row("one answer, median", "", "median_ms"),
            row("one answer, 99th percentile", "< 20 ms", "p99_ms"),
            row("one answer, worst", "< 20 ms", "worst_ms"),
        ],
    })
}
