//! Functions of texts.

use arrow_array::ArrayRef;
use datafusion::error::Result;
use kernel::Value;
use serde_json::{Value as Json, json};

use super::conversion::text_column;
use super::{Call, Entry, columns, rows, strict};
use crate::query::convert;
use crate::query::dynamic::Dynamic;

pub(super) const ENTRIES: &[Entry] = &[
    strict("strlen", |args| Value::Long(text(args, 0).chars().count() as i64)),
    strict("string_size", |args| Value::Long(text(args, 0).len() as i64)),
    columns("tolower", |call| cased(call, str::make_ascii_lowercase, str::to_lowercase)),
    columns("toupper", |call| cased(call, str::make_ascii_uppercase, str::to_uppercase)),
    columns("strcat", strcat),
    rows("strcat_delim", |args| {
        let parts: Vec<String> = args.iter().skip(1).map(convert::to_text).collect();
        Value::String(parts.join(text(args, 0)))
    }),
    rows("strcat_array", |args| match args {
        [Value::Dynamic(Json::Array(array)), Value::String(delimiter)] => {
            let parts: Vec<String> = array.iter().map(|json| convert::to_text(&convert::scalar_of(json))).collect();
            Value::String(parts.join(delimiter))
        }
        _ => Value::String(String::new()),
    }),
    rows("substring", substring),
    rows("split", split),
    rows("reverse", |args| Value::String(convert::to_text(&args[0]).chars().rev().collect())),
    strict("replace_string", |args| {
        let (source, wanted) = (text(args, 0), text(args, 1));
        Value::String(if wanted.is_empty() { source.to_owned() } else { source.replace(wanted, text(args, 2)) })
    }),
    rows("replace_strings", replace_strings),
    strict("strrep", strrep),
    rows("indexof", indexof),
    strict("translate", translate),
    strict("isascii", |args| Value::Bool(text(args, 0).is_ascii())),
    strict("isutf8", |_| Value::Bool(true)),
    rows("unicode_codepoints_from_string", |args| {
        Value::Dynamic(text(args, 0).chars().map(|c| json!(u32::from(c))).collect())
    }),
    rows("to_utf8", |args| Value::Dynamic(text(args, 0).chars().map(|c| json!(u32::from(c))).collect())),
    rows("unicode_codepoints_to_string", |args| Value::String(from_codepoints(args))),
    rows("make_string", |args| Value::String(from_codepoints(args))),
    rows("parse_csv", |args| parse_csv(text(args, 0))),
    rows("parse_command_line", |args| parse_command_line(text(args, 0))),
    rows("jaccard_index", jaccard_index),
];

/// The text of an argument.
pub(super) fn text(args: &[Value], at: usize) -> &str {
    match args.get(at) {
        Some(Value::String(text) | Value::Guid(text) | Value::Decimal(text)) => text,
        Some(Value::Dynamic(Json::String(text))) => text,
        _ => "",
    }
}

/// The whole number of an argument.
pub(super) fn number(args: &[Value], at: usize) -> Option<i64> {
    args.get(at).and_then(convert::to_long)
}

/// The elements of an array argument.
pub(super) fn array(args: &[Value], at: usize) -> Option<&Vec<Json>> {
    match args.get(at) {
        Some(Value::Dynamic(Json::Array(elements))) => Some(elements),
        _ => None,
    }
}

/// Each text in another case; `ascii` does the same to texts of ASCII, in place.
fn cased(call: &Call<'_>, ascii: fn(&mut str), function: fn(&str) -> String) -> Result<ArrayRef> {
    let cells = &call.args[0];
    let mut line = String::new();
    Ok(text_column(call, |row, builder| {
        let text = cells.text(row);
        if text.is_ascii() {
            line.clear();
            line.push_str(text);
            ascii(&mut line);
            builder.append_value(&line);
        } else {
            builder.append_value(function(text));
        }
    }))
}

fn strcat(call: &Call<'_>) -> Result<ArrayRef> {
    let mut line = String::new();
    Ok(text_column(call, |row, builder| {
        line.clear();
        for cells in call.args {
            match cells.scalar() {
                kernel::ScalarType::String | kernel::ScalarType::Guid => line.push_str(cells.text(row)),
                kernel::ScalarType::Dynamic => line.push_str(&Dynamic::new(cells.text(row)).to_text()),
                _ => line.push_str(&convert::to_text(&cells.value(row))),
            }
        }
        builder.append_value(&line);
    }))
}

/// `substring(source, start[, length])`; a negative start counts from the end.
fn substring(args: &[Value]) -> Value {
    let source = convert::to_text(&args[0]);
    let size = source.chars().count() as i64;
    let start = match number(args, 1) {
        Some(start) if start < 0 => (size + start).max(0),
        Some(start) => start,
        None => return Value::String(String::new()),
    };
    let length = match args.get(2) {
        None => i64::MAX,
        Some(_) => number(args, 2).unwrap_or(0),
    };
    if length < 0 {
        return Value::String(String::new());
    }
    let (start, length) = (usize::try_from(start).unwrap_or(0), usize::try_from(length).unwrap_or(usize::MAX));
    Value::String(source.chars().skip(start).take(length).collect())
}

/// `split(source, delimiter[, index])`: always an array; with an index, of that part alone.
fn split(args: &[Value]) -> Value {
    let (source, delimiter) = (text(args, 0), text(args, 1));
    let parts: Vec<Json> = if source.is_empty() {
        vec![json!("")]
    } else if delimiter.is_empty() {
        vec![json!(source)]
    } else {
        source.split(delimiter).map(Json::from).collect()
    };
    match args.get(2) {
        None => Value::Dynamic(Json::Array(parts)),
        Some(_) => match number(args, 2).and_then(|at| usize::try_from(at).ok()).and_then(|at| parts.get(at)) {
            Some(part) => Value::Dynamic(json!([part])),
            None => Value::Null,
        },
    }
}

/// `replace_strings(source, lookups, rewrites)`: all lookups at once, the leftmost longest first.
fn replace_strings(args: &[Value]) -> Value {
    let source = text(args, 0);
    let Some(lookups) = array(args, 1) else { return Value::String(source.to_owned()) };
    let lookups: Vec<String> = lookups.iter().map(|json| convert::to_text(&convert::scalar_of(json))).collect();
    let rewrites: Vec<String> = match args.get(2) {
        Some(Value::Dynamic(Json::Array(rewrites))) => {
            rewrites.iter().map(|json| convert::to_text(&convert::scalar_of(json))).collect()
        }
        Some(one) => vec![convert::to_text(one); lookups.len()],
        None => Vec::new(),
    };
    let mut result = String::new();
    let mut rest = source;
    while let Some(c) = rest.chars().next() {
        let found = lookups
            .iter()
            .zip(&rewrites)
            .filter(|(lookup, _)| !lookup.is_empty() && rest.starts_with(lookup.as_str()))
            .max_by_key(|(lookup, _)| lookup.len());
        match found {
            Some((lookup, rewrite)) => {
                result.push_str(rewrite);
                rest = &rest[lookup.len()..];
            }
            None => {
                result.push(c);
                rest = &rest[c.len_utf8()..];
            }
        }
    }
    Value::String(result)
}

/// `strrep(value, times[, delimiter])`, at most 1,024 times as documented.
fn strrep(args: &[Value]) -> Value {
    let times = number(args, 1).unwrap_or(0).clamp(0, 1_024);
    let unit = convert::to_text(&args[0]);
    let parts = vec![unit; usize::try_from(times).unwrap_or(0)];
    Value::String(parts.join(&args.get(2).map(convert::to_text).unwrap_or_default()))
}

/// `indexof(source, wanted[, start[, length[, occurrence]]])` in characters; -1 where it is not.
fn indexof(args: &[Value]) -> Value {
    let source: Vec<char> = convert::to_text(&args[0]).chars().collect();
    let wanted: Vec<char> = args.get(1).map(convert::to_text).unwrap_or_default().chars().collect();
    let size = source.len() as i64;
    let start = match args.get(2) {
        Some(_) => number(args, 2).unwrap_or(0),
        None => 0,
    };
    let start = if start < 0 { (size + start).max(0) } else { start };
    let length = args.get(3).and_then(convert::to_long).unwrap_or(-1);
    let occurrence = args.get(4).and_then(convert::to_long).unwrap_or(1);
    if length < -1 || occurrence < 1 {
        return Value::Null;
    }
    let end_from = |start: i64| if length == -1 { size } else { size.min(start.saturating_add(length)) };
    let mut end = end_from(start);
    let mut left = occurrence;
    let mut at = start;
    while at + wanted.len() as i64 <= end {
        let from = usize::try_from(at).unwrap_or(0);
        if source[from..].starts_with(&wanted) {
            left -= 1;
            if left == 0 {
                return Value::Long(at);
            }
            // The search begins anew after each occurrence, over the same length.
            end = end_from(at + 1);
        }
        at += 1;
    }
    Value::Long(-1)
}

/// `translate(search, replacement, source)`: character by character; the last replacement serves the rest.
fn translate(args: &[Value]) -> Value {
    let search: Vec<char> = text(args, 0).chars().collect();
    let replacement: Vec<char> = text(args, 1).chars().collect();
    let translated = text(args, 2).chars().filter_map(|c| match search.iter().position(|known| *known == c) {
        Some(at) => replacement.get(at).or(replacement.last()).copied(),
        None => Some(c),
    });
    Value::String(translated.collect())
}

fn from_codepoints(args: &[Value]) -> String {
    let mut text = String::new();
    let mut add = |number: Option<i64>| {
        text.extend(number.and_then(|code| u32::try_from(code).ok()).and_then(char::from_u32));
    };
    for value in args {
        match value {
            Value::Dynamic(Json::Array(elements)) => elements.iter().for_each(|json| add(json.as_i64())),
            other => add(convert::to_long(other)),
        }
    }
    text
}

fn parse_csv(line: &str) -> Value {
    if line.is_empty() {
        return Value::Null;
    }
    let (mut fields, mut field, mut quoted) = (Vec::new(), String::new(), false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '"' if quoted && chars.peek() == Some(&'"') => {
                field.push('"');
                chars.next();
            }
            '"' => quoted = !quoted,
            ',' if !quoted => fields.push(Json::from(std::mem::take(&mut field))),
            '\n' | '\r' if !quoted => break,
            c => field.push(c),
        }
    }
    fields.push(Json::from(field));
    Value::Dynamic(Json::Array(fields))
}

/// Arguments as the Windows runtime splits them.
fn parse_command_line(line: &str) -> Value {
    if line.trim().is_empty() {
        return Value::Null;
    }
    let (mut parts, mut part, mut quoted, mut open) = (Vec::new(), String::new(), false, false);
    let mut chars = line.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '\\' => {
                let mut slashes = 1;
                while chars.next_if_eq(&'\\').is_some() {
                    slashes += 1;
                }
                let before_quote = chars.peek() == Some(&'"');
                part.push_str(&"\\".repeat(if before_quote { slashes / 2 } else { slashes }));
                if before_quote && slashes % 2 == 1 {
                    part.push('"');
                    chars.next();
                }
                open = true;
            }
            '"' => (quoted, open) = (!quoted, true),
            ' ' | '\t' if !quoted => {
                if open {
                    parts.push(Json::from(std::mem::take(&mut part)));
                }
                open = false;
            }
            c => {
                part.push(c);
                open = true;
            }
        }
    }
    if open {
        parts.push(Json::from(part));
    }
    Value::Dynamic(Json::Array(parts))
}

fn jaccard_index(args: &[Value]) -> Value {
    let (Some(left), Some(right)) = (array(args, 0), array(args, 1)) else { return Value::Null };
    let set =
        |elements: &[Json]| -> std::collections::BTreeSet<String> { elements.iter().map(Json::to_string).collect() };
    let (left, right) = (set(left), set(right));
    let union = left.union(&right).count();
    Value::Real(if union == 0 { f64::NAN } else { left.intersection(&right).count() as f64 / union as f64 })
}
