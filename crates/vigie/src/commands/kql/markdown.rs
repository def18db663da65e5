//! Queries in Markdown: fenced code blocks called kusto or kql.

use std::path::Path;

use super::findings::Finding;
use super::snippet::{Kind, Snippet};

/// Words after the fence that make a block a query.
const LANGUAGES: [&str; 3] = ["kusto", "kql", "csl"];
/// A word after the language that takes a block out: it shows what is wrong on purpose.
const UNCHECKED: &str = "no-check";

/// A fence that is open.
struct Fence<'t> {
    mark: char,
    length: usize,
    indent: usize,
    /// 1-based line of the content, when it is a query to check.
    query: Option<usize>,
    lines: Vec<&'t str>,
}

/// The queries of a document. A block that is not closed ends with the document.
pub fn snippets(path: &Path, text: &str) -> Result<Vec<Snippet>, Box<Finding>> {
    let mut found = Vec::new();
    let mut open: Option<Fence<'_>> = None;
    for (at, line) in text.lines().enumerate() {
        match open.take() {
            None => open = fence(line, at + 2),
            Some(fence) if closes(line, &fence) => found.extend(finished(path, fence)),
            Some(mut fence) => {
                fence.lines.push(line);
                open = Some(fence);
            }
        }
    }
    found.extend(open.and_then(|fence| finished(path, fence)));
    Ok(found)
}

fn fence(line: &str, content_at: usize) -> Option<Fence<'_>> {
    let content = line.trim_start();
    let mark = content.chars().next().filter(|mark| matches!(mark, '`' | '~'))?;
    let length = content.chars().take_while(|character| *character == mark).count();
    let info = content[length..].trim();
    // A line with more marks of the kind is code within a line.
    if length < 3 || (mark == '`' && info.contains('`')) {
        return None;
    }
    let mut words = info.split([' ', '\t', ',', '{', '}']).filter(|word| !word.is_empty());
    let is_query = words.next().is_some_and(|word| LANGUAGES.iter().any(|known| word.eq_ignore_ascii_case(known)));
    let query = (is_query && !words.any(|word| word == UNCHECKED)).then_some(content_at);
    Some(Fence { mark, length, indent: line.len() - content.len(), query, lines: Vec::new() })
}

fn closes(line: &str, fence: &Fence<'_>) -> bool {
    let content = line.trim();
    content.len() >= fence.length && content.chars().all(|character| character == fence.mark)
}

fn finished(path: &Path, fence: Fence<'_>) -> Option<Snippet> {
    let line = fence.query?;
    // In a list the block is indented as far as its fence; a line that is less indented keeps all it has.
    let blank = |line: &&str| line.trim().is_empty();
    let shared = fence.lines.iter().filter(|line| !blank(line)).map(|line| line.len() - line.trim_start().len()).min();
    let shift = shared.unwrap_or(0).min(fence.indent);
    let lines: Vec<&str> = fence.lines.iter().map(|line| line.get(shift..).unwrap_or_default()).collect();
    let text = lines.join("\n");
    (!text.trim().is_empty()).then(|| Snippet::of_lines(path, None, Kind::Query, &text, line, shift))
}
