//! Questions about the last hour in a young and in an old lake, measured by the crate `querybench`.

use anyhow::{Context, Result};
use serde_json::Value;

use super::input::Scratch;
use super::report::Section;
use crate::{platform, shell};

/// `bench age [ROWS_A_DAY]`
pub fn run(arguments: &[String]) -> Result<Section> {
    let rows = arguments.iter().find(|argument| argument.parse::<u64>().is_ok()).map_or("10000", String::as_str);
    let root = shell::root();
    let scratch = Scratch::new("age")?;
    shell::run(&root, &shell::cargo(), &["build", "--release", "--locked", "-p", "querybench", "--example", "kql"])?;
    let program = platform::target(&root).join("release/examples/kql").display().to_string();
    let folder = scratch.0.display().to_string();
    let found = shell::capture(&root, &program, &["age", &folder, rows])?;
    let found: Value = serde_json::from_str(&found).context("the measurement prints one line of JSON")?;
    let lines = found["lines"].as_array().map(Vec::as_slice).unwrap_or_default();
    Ok(Section {
        name: "age",
        what: format!(
            "Two lakes with {} process events a day, one file a day, 30 and 300 days; each question to both in turn, {} rounds. \
             Fastest wall time and least processor time in the old lake, as a multiple of those in the young one; and \
             of the first round, in which nothing is known of the files.",
            found["rows_a_day"], found["rounds"]
        ),
        rows: lines.iter().map(row).collect(),
    })
}

fn row(line: &Value) -> [String; 3] {
    let ms = |age: usize, name: &str| line["ages"][age][name].as_f64().unwrap_or(f64::NAN) * 1e3;
    let times =
        |name: &str| format!("{:.2} × ({:.1} ms, {:.1} ms)", ms(1, name) / ms(0, name), ms(1, name), ms(0, name));
    [
        line["question"].as_str().unwrap_or_default().replace('|', "\\|"),
        "does not grow".to_owned(),
        format!("{}; processor {}; first {}", times("wall_s"), times("processor_s"), times("first_s")),
    ]
}
