//! `parse-kv`: keys and values in a text.

use arrow_array::ArrayRef;
use datafusion::error::Result;
use kernel::Value;
use regex::Regex;
use serde_json::{Map, Value as Json};

use super::patterns::compiled;
use super::strings::text;
use super::{Call, Entry, bad_value, columns};
use crate::query::cells::CellsBuilder;

pub(super) const ENTRIES: &[Entry] = &[columns("op_parse_kv", parse)];

/// Arguments: the text, an array of the wanted keys, the settings as the binder gives them.
fn parse(call: &Call<'_>) -> Result<ArrayRef> {
    let mut builder = CellsBuilder::new(call.returns);
    let (Value::Dynamic(Json::Array(keys)), Value::Dynamic(form)) = (call.args[1].value(0), call.args[2].value(0))
    else {
        return datafusion::common::internal_err!("parse-kv without keys");
    };
    let keys: Vec<&str> = keys.iter().filter_map(Json::as_str).collect();
    let quoting = Quoting::of(&form);
    let setting = |name: &str| form.get(name).and_then(Json::as_str);
    let regex = setting("regex").map(compiled).transpose()?;
    if let Some(regex) = regex.as_ref().filter(|regex| regex.captures_len() != 3) {
        let groups = regex.captures_len() - 1;
        return Err(bad_value(format!("the regex of parse-kv needs two groups, key and value; this one has {groups}")));
    }
    let greedy = form.get("greedy") == Some(&Json::Bool(true));
    for row in 0..call.rows {
        let source = call.args[0].value(row);
        let source = text(std::slice::from_ref(&source), 0);
        let mut found = Found { keys: &keys, values: Map::new() };
        match (&regex, setting("pair"), setting("kv")) {
            (Some(regex), _, _) => by_regex(source, regex, &mut found),
            (None, Some(pair), Some(kv)) => Delimited { pair, kv, quoting: &quoting, greedy }.read(source, &mut found),
            _ => by_words(source, &quoting, &mut found),
        }
        builder.push(Value::Dynamic(Json::Object(found.values)));
    }
    Ok(builder.finish())
}

/// The wanted keys and what was found of them.
struct Found<'a> {
    keys: &'a [&'a str],
    values: Map<String, Json>,
}

impl Found<'_> {
    fn wants(&self, key: &str) -> bool {
        self.keys.contains(&key) && !self.values.contains_key(key)
    }

    /// The first value of a key counts.
    fn put(&mut self, key: &str, value: &str) {
        if self.wants(key) {
            self.values.insert(key.to_owned(), Json::String(value.to_owned()));
        }
    }
}

/// Opening and closing quotes, and the characters that take the next one as it is.
struct Quoting {
    quotes: Vec<(char, char)>,
    escapes: Vec<char>,
}

impl Quoting {
    fn of(form: &Json) -> Quoting {
        let texts = |name: &str| -> Vec<String> {
            let list = form.get(name).and_then(Json::as_array);
            list.into_iter().flatten().filter_map(|text| text.as_str().map(str::to_owned)).collect()
        };
        let pair = |text: &String| {
            let mut chars = text.chars();
            let open = chars.next()?;
            Some((open, chars.next().unwrap_or(open)))
        };
        Quoting {
            quotes: texts("quotes").iter().filter_map(pair).collect(),
            escapes: texts("escapes").iter().filter_map(|text| text.chars().next()).collect(),
        }
    }

    /// The quoted text at the start of `text` and what follows it; `None` where none starts or none ends.
    fn quoted<'a>(&self, text: &'a str) -> Option<(String, &'a str)> {
        let open = text.chars().next()?;
        let (_, close) = self.quotes.iter().find(|(quote, _)| *quote == open)?;
        let mut content = String::new();
        let mut chars = text.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            if self.escapes.contains(&char) {
                content.extend(chars.next().map(|(_, escaped)| escaped));
            } else if char == *close {
                return Some((content, &text[at + char.len_utf8()..]));
            } else {
                content.push(char);
            }
        }
        None
    }
}

/// Pairs between delimiters.
struct Delimited<'a> {
    pair: &'a str,
    kv: &'a str,
    quoting: &'a Quoting,
    greedy: bool,
}

impl Delimited<'_> {
    fn read(&self, mut rest: &str, found: &mut Found<'_>) {
        while !rest.is_empty() {
            let (key, value) = match self.quoting.quoted(rest.trim_start()) {
                Some((key, after)) if after.trim_start().starts_with(self.kv) => {
                    (key, &after.trim_start()[self.kv.len()..])
                }
                _ => match (rest.find(self.kv), rest.find(self.pair)) {
                    (None, _) => return,
                    // A part without a value.
                    (Some(kv), Some(pair)) if pair < kv => {
                        rest = &rest[pair + self.pair.len()..];
                        continue;
                    }
                    (Some(kv), _) => (rest[..kv].trim().to_owned(), &rest[kv + self.kv.len()..]),
                },
            };
            rest = self.value(&key, value, found);
        }
    }

    /// Reads the value at the start of `text`; gives what follows the delimiter after it.
    fn value<'t>(&self, key: &str, text: &'t str, found: &mut Found<'_>) -> &'t str {
        let start = if self.pair.trim().is_empty() { text } else { text.trim_start() };
        let (value, after) = match self.quoting.quoted(start) {
            Some((value, after)) => (value, after),
            None => {
                let end = self.end_of_value(text);
                (text[..end].trim().to_owned(), &text[end..])
            }
        };
        found.put(key, &value);
        after.find(self.pair).map_or("", |at| &after[at + self.pair.len()..])
    }

    /// Up to the next delimiter; when greedy, up to the one before the next key.
    fn end_of_value(&self, text: &str) -> usize {
        if !self.greedy {
            return text.find(self.pair).unwrap_or(text.len());
        }
        match text.find(self.kv) {
            None => text.len(),
            Some(kv) => text[..kv].rfind(self.pair).unwrap_or(text.len()),
        }
    }
}

/// Everything that is neither letter nor digit separates: a wanted key, then the word (or quoted text) after it.
fn by_words(mut rest: &str, quoting: &Quoting, found: &mut Found<'_>) {
    let mut key: Option<String> = None;
    while let Some(first) = rest.chars().next() {
        let word = if let Some((content, after)) = quoting.quoted(rest) {
            rest = after;
            content
        } else if first.is_alphanumeric() {
            let end = rest.find(|char: char| !char.is_alphanumeric()).unwrap_or(rest.len());
            let word = rest[..end].to_owned();
            rest = &rest[end..];
            word
        } else {
            rest = &rest[first.len_utf8()..];
            continue;
        };
        match key.take() {
            Some(key) => found.put(&key, word.trim()),
            None if found.wants(&word) => key = Some(word),
            None => {}
        }
    }
}

fn by_regex(source: &str, regex: &Regex, found: &mut Found<'_>) {
    for captures in regex.captures_iter(source) {
        if let (Some(key), Some(value)) = (captures.get(1), captures.get(2)) {
            found.put(key.as_str().trim(), value.as_str().trim());
        }
    }
}
