//! Queries in Sentinel's YAML: analytics and hunting rules, and parsers, which are functions.

use std::path::Path;

use kernel::StoredFunction;
use serde::Deserialize;
use yaml_serde::Value as Yaml;

use super::findings::Finding;
use super::snippet::{Kind, Snippet};

/// Keys of rules whose value is a query.
const RULE: &str = "query";
/// Keys of parsers: the query, then the names under which it is called.
const PARSERS: [(&str, &[&str]); 2] = [
    ("ParserQuery", &["ParserName", "EquivalentBuiltInParser"]),
    ("FunctionQuery", &["FunctionName", "FunctionAlias"]),
];

/// A parameter of a parser.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Parameter {
    name: String,
    #[serde(rename = "Type")]
    kind: String,
    #[serde(default)]
    default: Option<Yaml>,
}

/// The queries of all documents of a YAML file.
pub fn snippets(path: &Path, text: &str) -> Result<Vec<Snippet>, Box<Finding>> {
    let mut found = Vec::new();
    let mut after = 0;
    for document in yaml_serde::Deserializer::from_str(text) {
        let document = Yaml::deserialize(document).map_err(|error| {
            let line = error.location().map_or(1, |location| location.line());
            Box::new(Finding::of_file(path, line, format!("this is no YAML: {error}")))
        })?;
        let word = |key: &str| document.get(key).and_then(Yaml::as_str).map(str::to_owned);
        let title = word("name").or_else(|| word("Title")).or_else(|| word("id"));
        if let Some(query) = word(RULE) {
            let (snippet, next) = placed(path, text, after, RULE, title.clone(), Kind::Query, &query);
            after = next;
            found.push(snippet);
        }
        for (key, names) in PARSERS {
            let Some(body) = word(key) else { continue };
            let parameters = parameters(&document)
                .map_err(|problem| Box::new(Finding::of_file(path, line_of(text, after, "ParserParams"), problem)))?;
            let description = word("Description").unwrap_or_default();
            let (mut first, mut end) = (true, after);
            for name in names.iter().filter_map(|name| word(name)) {
                let function = StoredFunction {
                    name: name.clone(),
                    parameters: parameters.clone(),
                    body: body.clone(),
                    description: description.trim().to_owned(),
                };
                let (mut snippet, next) = placed(path, text, after, key, Some(name), Kind::Function(function), &body);
                // The second name is the same text: it is defined, and not told again.
                snippet.repeated = !std::mem::take(&mut first);
                end = next;
                found.push(snippet);
            }
            after = end;
        }
    }
    Ok(found)
}

/// `ParserParams` or `FunctionParams` as KQL writes parameters.
fn parameters(document: &Yaml) -> Result<String, String> {
    let Some(declared) = document.get("ParserParams").or_else(|| document.get("FunctionParams")) else {
        return Ok("()".to_owned());
    };
    let declared: Vec<Parameter> = Vec::deserialize(declared).map_err(|error| format!("its parameters: {error}"))?;
    let written = declared.iter().map(|parameter| {
        let kind = parameter.kind.trim().to_lowercase();
        let default = match &parameter.default {
            None | Some(Yaml::Null) => String::new(),
            Some(default) => format!(" = {}", constant(&kind, default)),
        };
        let kind = if kind.starts_with("table") {
            kind.trim_start_matches("table").trim().trim_start_matches(':')
        } else {
            &kind
        };
        format!("{}: {kind}{default}", parameter.name)
    });
    Ok(format!("({})", written.collect::<Vec<_>>().join(", ")))
}

/// A default value as KQL writes it.
fn constant(kind: &str, value: &Yaml) -> String {
    let text = match value {
        Yaml::String(text) => text.clone(),
        Yaml::Bool(value) => value.to_string(),
        Yaml::Number(value) => value.to_string(),
        other => yaml_serde::to_string(other).unwrap_or_default().trim().to_owned(),
    };
    match kind {
        // `datetime(null)` and `dynamic([])` stand as they are.
        "string" => format!("@\"{}\"", text.replace('"', "\"\"")),
        _ if text.contains('(') => text,
        "datetime" | "timespan" | "guid" | "dynamic" | "decimal" => format!("{kind}({text})"),
        _ => text,
    }
}

/// The snippet under `key` with its place, looked for from the byte `after`; gives where to look for the next.
fn placed(
    path: &Path,
    text: &str,
    after: usize,
    key: &str,
    name: Option<String>,
    kind: Kind,
    query: &str,
) -> (Snippet, usize) {
    let Some(found) = find_key(text, after, key) else {
        return (Snippet::at(path, name, kind, query, 1), after);
    };
    let next = found.value_at + found.rest.len();
    if found.rest.starts_with(['|', '>']) {
        let (lines, shift) = block(text, &found);
        let joined = lines.join("\n");
        if joined.trim_end() == query.trim_end() {
            return (Snippet::of_lines(path, name, kind, &joined, found.line + 1, shift), next);
        }
    }
    let bare = found.rest.trim().trim_matches(['"', '\'']);
    if bare == query.trim_end() {
        let shift = found.column + found.rest.find(bare).unwrap_or(0);
        return (Snippet::of_lines(path, name, kind, bare, found.line, shift), next);
    }
    (Snippet::at(path, name, kind, query, found.line), next)
}

/// A key of a mapping in the text.
struct Key<'t> {
    /// 1-based.
    line: usize,
    indent: usize,
    /// What follows `key:` on its line, and where that begins in the text and (in characters) in the line.
    rest: &'t str,
    value_at: usize,
    column: usize,
}

fn find_key<'t>(text: &'t str, after: usize, key: &str) -> Option<Key<'t>> {
    let mut at = 0;
    for (number, line) in text.split('\n').enumerate() {
        let start = at;
        at += line.len() + 1;
        if start < after {
            continue;
        }
        let line = line.strip_suffix('\r').unwrap_or(line);
        let content = line.trim_start_matches([' ', '-']);
        let indent = line.len() - content.len();
        let Some(value) = content.strip_prefix(key).and_then(|rest| rest.trim_start().strip_prefix(':')) else {
            continue;
        };
        let rest = value.trim_start();
        let column = line.len() - rest.len();
        return Some(Key { line: number + 1, indent, rest, value_at: start + column, column });
    }
    None
}

fn line_of(text: &str, after: usize, key: &str) -> usize {
    find_key(text, after, key).map_or(1, |key| key.line)
}

/// The lines of a block scalar without their indentation, and how much that is.
fn block<'t>(text: &'t str, key: &Key<'_>) -> (Vec<&'t str>, usize) {
    let lines = || text.lines().skip(key.line);
    let indent_of = |line: &str| line.len() - line.trim_start_matches(' ').len();
    let first = lines().find(|line| !line.trim().is_empty()).map_or(0, indent_of);
    // An indicator such as `|2` says how far the content is indented beyond the key.
    let said =
        key.rest.chars().find_map(|character| character.to_digit(10)).and_then(|digit| usize::try_from(digit).ok());
    let shift = said.map_or(first, |said| key.indent + said);
    if first <= key.indent && said.is_none() {
        return (Vec::new(), shift);
    }
    let inside = lines().take_while(|line| line.trim().is_empty() || indent_of(line) >= shift);
    (inside.map(|line| line.get(shift..).unwrap_or_default()).collect(), shift)
}
