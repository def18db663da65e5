//! Regular expressions: `matches regex`, `extract`, `extract_all`, `replace_regex`, `trim*`, `countof`.

use std::sync::{Arc, LazyLock};

use arrow_array::{ArrayRef, BooleanArray};
use datafusion::error::Result;
use hashbrown::HashMap;
use kernel::{ScalarType, Value};
use parking_lot::Mutex;
use regex::{Captures, Regex, RegexBuilder};
use serde_json::Value as Json;

use super::conversion::text_column;
use super::{Call, Entry, bad_value, columns, rows};
use crate::query::cells::{Cells, CellsBuilder};
use crate::query::convert;

pub(super) const ENTRIES: &[Entry] = &[
    columns("op_matches_regex", matches_regex),
    columns("op_parse", parse),
    columns("extract", extract),
    columns("extract_all", |call| by_pattern(call, 0, call.args.len() - 1, extract_all)),
    columns("replace_regex", |call| {
        by_pattern(call, 1, 0, |regex, source, args| {
            let rewrite = rewrite_of(&convert::to_text(&args[2]));
            Value::String(regex.replace_all(source, rewrite.as_str()).into_owned())
        })
    }),
    columns("replace", |call| {
        by_pattern(call, 0, 2, |regex, source, args| {
            let rewrite = rewrite_of(&convert::to_text(&args[1]));
            Value::String(regex.replace_all(source, rewrite.as_str()).into_owned())
        })
    }),
    columns("trim", |call| {
        by_pattern(call, 0, 1, |regex, source, _| Value::String(trim_end(regex, trim_start(regex, source)).to_owned()))
    }),
    columns("trim_start", |call| {
        by_pattern(call, 0, 1, |regex, source, _| Value::String(trim_start(regex, source).to_owned()))
    }),
    columns("trim_end", |call| {
        by_pattern(call, 0, 1, |regex, source, _| Value::String(trim_end(regex, source).to_owned()))
    }),
    columns("indexof_regex", |call| by_pattern(call, 1, 0, indexof_regex)),
    columns("countof", countof),
    rows("regex_quote", |args| Value::String(regex::escape(&convert::to_text(&args[0])))),
];

/// Compiled patterns that may be kept.
const KEPT_PATTERNS: usize = 512;
/// Bytes that one compiled pattern may take.
const PATTERN_BYTES: usize = 16 << 20;

static PATTERNS: LazyLock<Mutex<HashMap<String, Arc<Regex>>>> = LazyLock::new(Mutex::default);

/// `pattern`, compiled once for all batches and queries.
pub(in crate::query) fn compiled(pattern: &str) -> Result<Arc<Regex>> {
    if let Some(known) = PATTERNS.lock().get(pattern) {
        return Ok(Arc::clone(known));
    }
    let build = |pattern: &str| RegexBuilder::new(pattern).size_limit(PATTERN_BYTES).build();
    let regex = build(pattern).or_else(|error| build(&plain_classes(pattern)).map_err(|_| error)).map_err(|error| {
        bad_value(format!("`{pattern}` is not a regular expression of the supported syntax (no look-around, no back-references): {error}"))
    })?;
    let regex = Arc::new(regex);
    let mut kept = PATTERNS.lock();
    if kept.len() >= KEPT_PATTERNS {
        kept.clear();
    }
    kept.insert(pattern.to_owned(), Arc::clone(&regex));
    Ok(regex)
}

/// `pattern` with the signs in its classes that mean sets to this engine, and themselves to RE2, for which published
/// queries were written: `[[",]` is a bracket, a quote or a comma.
fn plain_classes(pattern: &str) -> String {
    let mut plain = String::with_capacity(pattern.len() + 8);
    let mut characters = pattern.chars().peekable();
    let mut within = false;
    while let Some(character) = characters.next() {
        match character {
            '\\' => {
                plain.push(character);
                plain.extend(characters.next());
                continue;
            }
            '[' if within && characters.peek() == Some(&':') => {
                // `[:alpha:]`
                plain.push(character);
                for inner in characters.by_ref() {
                    plain.push(inner);
                    if inner == ']' {
                        break;
                    }
                }
                continue;
            }
            '[' | '&' | '~' if within => plain.push('\\'),
            '[' => within = true,
            ']' => within = false,
            _ => {}
        }
        plain.push(character);
    }
    plain
}

/// Row by row with the pattern of argument `pattern` compiled and the text of argument `source` at hand.
fn by_pattern(
    call: &Call<'_>,
    pattern: usize,
    source: usize,
    function: fn(&Regex, &str, &[Value]) -> Value,
) -> Result<ArrayRef> {
    let mut builder = CellsBuilder::new(call.returns);
    let mut last: Option<(String, Arc<Regex>)> = None;
    for row in 0..call.rows {
        let wanted = call.args[pattern].text(row);
        if last.as_ref().is_none_or(|(known, _)| known != wanted) {
            last = Some((wanted.to_owned(), compiled(wanted)?));
        }
        let args: Vec<Value> = call
            .args
            .iter()
            .enumerate()
            .map(|(at, cells)| if at == pattern || at == source { Value::Null } else { cells.value(row) })
            .collect();
        if let Some((_, regex)) = &last {
            builder.push(function(regex, call.args[source].text(row), &args));
        }
    }
    Ok(builder.finish())
}

fn matches_regex(call: &Call<'_>) -> Result<ArrayRef> {
    let [text, pattern] = call.args else {
        return datafusion::common::internal_err!("matches regex takes a text and a pattern");
    };
    let constant = if pattern.is_constant() { Some(compiled(pattern.text(0))?) } else { None };
    let mut answers = Vec::with_capacity(call.rows);
    for row in 0..call.rows {
        answers.push(match &constant {
            Some(regex) => regex.is_match(text.text(row)),
            None => compiled(pattern.text(row))?.is_match(text.text(row)),
        });
    }
    Ok(Arc::new(BooleanArray::from(answers)))
}

/// `extract(pattern, group, source[, type])`: the group of the first match; the result's type converts it.
fn extract(call: &Call<'_>) -> Result<ArrayRef> {
    if let [pattern, group, source, ..] = call.args
        && call.returns == ScalarType::String
        && pattern.is_constant()
        && group.is_constant()
    {
        let regex = compiled(pattern.text(0))?;
        return extract_text(call, &regex, group, source);
    }
    by_pattern(call, 0, 2, |regex, source, args| {
        let group = convert::to_long(&args[1]).and_then(|group| usize::try_from(group).ok()).unwrap_or(0);
        let found = if group == 0 {
            regex.find(source)
        } else {
            regex.captures(source).and_then(|captures| captures.get(group))
        };
        found.map_or(Value::Null, |found| Value::String(found.as_str().to_owned()))
    })
}

/// `extract` with a constant pattern, whose result is text: the places of groups are noted in one piece of memory.
fn extract_text(call: &Call<'_>, regex: &Regex, group: &Cells, source: &Cells) -> Result<ArrayRef> {
    let group = convert::to_long(&group.value(0)).and_then(|group| usize::try_from(group).ok()).unwrap_or(0);
    let mut places = regex.capture_locations();
    Ok(text_column(call, |row, builder| {
        let text = source.text(row);
        let found = if group == 0 {
            regex.find(text).map(|found| found.as_str())
        } else {
            regex.captures_read(&mut places, text).and_then(|_| places.get(group)).map(|(start, end)| &text[start..end])
        };
        builder.append_value(found.unwrap_or_default());
    }))
}

/// `op_parse(source, pattern, types)`: the captures as an array of texts; null where the pattern does not match or,
/// with `types`, a capture does not convert.
fn parse(call: &Call<'_>) -> Result<ArrayRef> {
    let [source, pattern, types] = call.args else {
        return datafusion::common::internal_err!("parse takes a text, a pattern and types");
    };
    let regex = compiled(pattern.text(0))?;
    let types: Vec<Option<ScalarType>> = types.text(0).split(',').map(super::scalar_named).collect();
    let own = |name: Option<&str>| name.is_some_and(|name| name.starts_with("vigie"));
    let groups: Vec<usize> =
        regex.capture_names().enumerate().filter(|(_, name)| own(*name)).map(|(at, _)| at).collect();
    let mut builder = CellsBuilder::new(ScalarType::Dynamic);
    for row in 0..call.rows {
        let Some(captures) = regex.captures(source.text(row)) else {
            builder.push(Value::Null);
            continue;
        };
        let texts: Vec<&str> =
            groups.iter().map(|group| captures.get(*group).map_or("", |found| found.as_str())).collect();
        let converts = texts.iter().zip(&types).all(|(text, scalar)| {
            scalar.is_none_or(|scalar| convert::convert(&Value::String((*text).to_owned()), scalar) != Value::Null)
        });
        builder.push(if converts { Value::Dynamic(texts.into_iter().map(Json::from).collect()) } else { Value::Null });
    }
    Ok(builder.finish())
}

/// `extract_all(pattern[, groups], source)`: an array of matches; of arrays when there are several groups.
fn extract_all(regex: &Regex, source: &str, args: &[Value]) -> Value {
    let chosen: Vec<usize> = match args {
        [_, Value::Dynamic(Json::Array(wanted)), _] => wanted
            .iter()
            .filter_map(|group| match group {
                Json::String(name) => regex.capture_names().position(|known| known == Some(name)),
                number => number.as_u64().and_then(|group| usize::try_from(group).ok()),
            })
            .collect(),
        _ if regex.captures_len() == 1 => vec![0],
        _ => (1..regex.captures_len()).collect(),
    };
    let group = |captures: &Captures<'_>, at: usize| Json::from(captures.get(at).map_or("", |found| found.as_str()));
    let all: Vec<Json> = regex
        .captures_iter(source)
        .map(|captures| match chosen.as_slice() {
            [one] => group(&captures, *one),
            several => several.iter().map(|at| group(&captures, *at)).collect(),
        })
        .collect();
    if all.is_empty() { Value::Null } else { Value::Dynamic(Json::Array(all)) }
}

/// KQL writes groups as `\1`; the regex crate as `${1}`.
pub(super) fn rewrite_of(rewrite: &str) -> String {
    let mut result = String::new();
    let mut chars = rewrite.chars().peekable();
    while let Some(c) = chars.next() {
        match (c, chars.peek()) {
            ('\\', Some(digit)) if digit.is_ascii_digit() => {
                result.push_str(&format!("${{{digit}}}"));
                chars.next();
            }
            ('\\', Some('\\')) => {
                result.push('\\');
                chars.next();
            }
            ('$', _) => result.push_str("$$"),
            (c, _) => result.push(c),
        }
    }
    result
}

/// Without the matches of `regex` at the start, as many as follow one another.
fn trim_start<'a>(regex: &Regex, mut source: &'a str) -> &'a str {
    while let Some(found) = regex.find(source) {
        if found.start() != 0 || found.is_empty() {
            break;
        }
        source = &source[found.end()..];
    }
    source
}

/// Without the matches of `regex` at the end.
fn trim_end<'a>(regex: &Regex, mut source: &'a str) -> &'a str {
    loop {
        let at_end = source.char_indices().map(|(at, _)| at).find(|at| {
            regex.find_at(source, *at).is_some_and(|found| found.start() == *at && found.end() == source.len())
        });
        match at_end {
            Some(at) => source = &source[..at],
            None => return source,
        }
    }
}

fn indexof_regex(regex: &Regex, source: &str, args: &[Value]) -> Value {
    let start = args.get(2).and_then(convert::to_long).unwrap_or(0);
    let length = args.get(3).and_then(convert::to_long).unwrap_or(-1);
    let occurrence = args.get(4).and_then(convert::to_long).unwrap_or(1);
    if start < 0 || length < -1 || occurrence < 1 {
        return Value::Null;
    }
    let Some(from) = char_offset(source, start) else { return Value::Long(-1) };
    let end = if length == -1 { source.len() } else { char_offset(source, start + length).unwrap_or(source.len()) };
    let mut at = from;
    for left in (0..occurrence).rev() {
        let Some(found) = regex.find_at(&source[..end], at) else { return Value::Long(-1) };
        if left == 0 {
            return Value::Long(source[..found.start()].chars().count() as i64);
        }
        at = if found.is_empty() {
            found.end() + source[found.end()..].chars().next().map_or(1, char::len_utf8)
        } else {
            found.end()
        };
        if at > end {
            break;
        }
    }
    Value::Long(-1)
}

/// Byte offset of the character at `index`; the end counts as one.
fn char_offset(source: &str, index: i64) -> Option<usize> {
    let index = usize::try_from(index).ok()?;
    source.char_indices().map(|(at, _)| at).chain([source.len()]).nth(index)
}

/// `countof(source, wanted[, kind])`: occurrences may overlap, except matches of a `regex`.
fn countof(call: &Call<'_>) -> Result<ArrayRef> {
    let mut builder = CellsBuilder::new(ScalarType::Long);
    for row in 0..call.rows {
        let (source, wanted) = (call.args[0].text(row), call.args[1].text(row));
        let regular = call.args.get(2).is_some_and(|kind| kind.text(row) == "regex");
        let count = if regular {
            compiled(wanted)?.find_iter(source).count()
        } else if wanted.is_empty() {
            0
        } else {
            source.char_indices().filter(|(at, _)| source[*at..].starts_with(wanted)).count()
        };
        builder.push(Value::Long(count as i64));
    }
    Ok(builder.finish())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn trimming_takes_every_match_at_the_edge() {
        let regex = compiled("--").unwrap();
        assert_eq!(trim_start(&regex, "----a--"), "a--");
        assert_eq!(trim_end(&regex, "--a----"), "--a");
        let runs = compiled(r"[^\w]+").unwrap();
        assert_eq!(trim_end(&runs, trim_start(&runs, "-  Te st1// $ ")), "Te st1");
    }

    #[test]
    fn a_bad_pattern_is_named() {
        assert!(compiled("(?=a)").unwrap_err().to_string().contains("(?=a)"));
    }
}
