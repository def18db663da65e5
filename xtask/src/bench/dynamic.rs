//! What a dynamic column could be at rest, measured by the crate `querybench`.

use anyhow::{Context, Result};
use serde_json::Value;

use super::report::Section;
use crate::{platform, shell};

/// `bench dynamic [ROWS]`
pub fn run(arguments: &[String]) -> Result<Section> {
    let rows = arguments.iter().find(|argument| argument.parse::<u64>().is_ok()).map_or("1000000", String::as_str);
    let root = shell::root();
    let build = ["build", "--release", "--locked", "-p", "querybench", "--example", "dynamic"];
    shell::run(&root, &shell::cargo(), &build)?;
    let program = platform::target(&root).join("release/examples/dynamic").display().to_string();
    let found = shell::capture(&root, &program, &[rows])?;
    let found: Value = serde_json::from_str(&found).context("the measurement prints one line of JSON")?;
    let lines = found["lines"].as_array().cloned().unwrap_or_default();
    let number = |value: &Value| value.as_f64().unwrap_or(f64::NAN);
    let first = lines.first().cloned().unwrap_or_default();
    let rows = lines.iter().map(|line| {
        let seconds = |line: &Value| line["seconds"].as_array().cloned().unwrap_or_default();
        let times: Vec<String> = seconds(line)
            .iter()
            .zip(seconds(&first))
            .map(|(own, text)| format!("{:.0} ms ({:.1} ×)", number(own) * 1e3, number(&text) / number(own)))
            .collect();
        let size = number(&line["bytes"]) / 1e6;
        let share = number(&line["bytes"]) / number(&first["bytes"]);
        [
            line["name"].as_str().unwrap_or_default().to_owned(),
            "≤ 1.3 × the size, ≥ 5 × faster".to_owned(),
            format!("{size:.1} MB ({share:.2} ×); {}", times.join(", ")),
        ]
    });
    Ok(Section {
        name: "dynamic",
        what: format!(
            "{} events like CloudTrail's in one column of a Parquet file (zstd), and the processor time to count the rows \
             with a value at `eventName`, `userIdentity.sessionContext.attributes.mfaAuthenticated`, and \
             `requestParameters.bucketName`; compared with JSON text.",
            found["rows"]
        ),
        rows: rows.collect(),
    })
}
