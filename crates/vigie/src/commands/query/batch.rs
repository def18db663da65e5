//! `vigie query --batch`: a file of questions, one JSON line each, to as many lines of answers in the same order.

use std::io::Read;
use std::path::Path;

use anyhow::{Context, Result};
use futures::StreamExt;
use lake::QueryEngine;
use lake::query::batch::{self, Asking};
use serde_json::Value as Json;

use crate::terminal;

/// Answers every line of `file` (`-`: the standard input), also a broken or an empty one. Queries run side by side,
/// `at_once` of them; each has the limits of `asking` to itself.
pub async fn run(engine: &QueryEngine, file: &Path, asking: &Asking, at_once: usize) -> Result<()> {
    let content = read(file)?;
    let answers = futures::stream::iter(lines(&content)).map(|line| answer(engine, line, asking));
    let mut answers = answers.buffered(at_once.max(1));
    while let Some(answer) = answers.next().await {
        terminal::print(&format!("{answer}\n"))?;
    }
    Ok(())
}

fn read(file: &Path) -> Result<Vec<u8>> {
    if file.as_os_str() == "-" {
        let mut content = Vec::new();
        std::io::stdin().read_to_end(&mut content).context("reading the questions from the standard input")?;
        return Ok(content);
    }
    std::fs::read(file).with_context(|| format!("reading {}", file.display()))
}

/// The lines without their ends; what follows the last newline counts when there is something.
fn lines(content: &[u8]) -> impl Iterator<Item = &[u8]> {
    let content = content.strip_suffix(b"\n").unwrap_or(content);
    let all = content.split(|byte| *byte == b'\n').map(|line| line.strip_suffix(b"\r").unwrap_or(line));
    all.take(if content.is_empty() { 0 } else { usize::MAX })
}

async fn answer(engine: &QueryEngine, line: &[u8], asking: &Asking) -> Json {
    match std::str::from_utf8(line) {
        Ok(line) => batch::answer_line(engine, line, asking).await,
        Err(error) => batch::failure(&Json::Null, &format!("the line is not UTF-8: {error}")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_line_counts() {
        let check = |content: &str, expected: &[&str]| {
            let found: Vec<&[u8]> = lines(content.as_bytes()).collect();
            let expected: Vec<&[u8]> = expected.iter().map(|line| line.as_bytes()).collect();
            assert_eq!(found, expected, "{content:?}");
        };
        check("", &[]);
        check("a", &["a"]);
        check("a\r\nb\n", &["a", "b"]);
        check("a\n\nb\n\n", &["a", "", "b", ""]);
    }
}
