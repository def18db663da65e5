//! ArcSight's Common Event Format: seven fields between bars, then `key=value` pairs.

use crate::record::{Fields, Part, Shapes};

const HEADER: [&str; 6] =
    ["DeviceVendor", "DeviceProduct", "DeviceVersion", "DeviceEventClassID", "Activity", "LogSeverity"];

/// Reads the fields of a CEF message (which begins with `CEF:`).
pub(crate) fn fields(message: &str, shapes: &mut Shapes<'_>, fields: &mut Fields) -> Result<(), &'static str> {
    let mut rest = message;
    let (_, after) = until_bar(rest).ok_or("a CEF message must have seven fields between bars")?;
    rest = after;
    for name in HEADER {
        let (value, after) = match until_bar(rest) {
            Some(found) => found,
            // The last header field needs no bar when there is no extension.
            None if name == "LogSeverity" && !rest.is_empty() => (rest.to_owned(), ""),
            None => return Err("a CEF message must have seven fields between bars"),
        };
        fields.push_text(shapes.slot(name), Part::Data, &value);
        rest = after;
    }
    extension(rest, shapes, fields);
    Ok(())
}

/// The text before the next bar that is not escaped, and what follows it.
fn until_bar(text: &str) -> Option<(String, &str)> {
    let mut value = String::new();
    let mut characters = text.char_indices();
    while let Some((at, character)) = characters.next() {
        match character {
            '|' => return Some((value, &text[at + 1..])),
            '\\' => match characters.next() {
                Some((_, escaped @ ('|' | '\\'))) => value.push(escaped),
                Some((_, other)) => value.extend(['\\', other]),
                None => return None,
            },
            other => value.push(other),
        }
    }
    None
}

/// `key=value key=value`: a value goes on until the blank before the next key.
fn extension(text: &str, shapes: &mut Shapes<'_>, fields: &mut Fields) {
    let mut others = String::new();
    let mut keys = keys(text);
    let Some(mut key) = keys.next() else { return };
    loop {
        let next = keys.next();
        let end = next.map_or(text.len(), |next| next.start);
        let value = unescape(text[key.end + 1..end].trim_end());
        let name = &text[key.start..key.end];
        fields.push_text(shapes.slot(name), Part::Data, &value);
        if !crate::mapping::syslog().names.iter().any(|known| **known == *name) {
            if !others.is_empty() {
                others.push(';');
            }
            others.push_str(name);
            others.push('=');
            others.push_str(&value);
        }
        match next {
            Some(next) => key = next,
            None => break,
        }
    }
    if !others.is_empty() {
        fields.push_text(shapes.slot("AdditionalExtensions"), Part::Envelope, &others);
    }
}

#[derive(Clone, Copy)]
struct Key {
    start: usize,
    /// Where its `=` is.
    end: usize,
}

fn keys(text: &str) -> impl Iterator<Item = Key> + '_ {
    memchr::memchr_iter(b'=', text.as_bytes()).filter_map(move |end| {
        let escaped = text[..end].bytes().rev().take_while(|byte| *byte == b'\\').count() % 2 == 1;
        let start = text[..end].rfind(' ').map_or(0, |blank| blank + 1);
        let name = &text[start..end];
        let valid = !name.is_empty()
            && name
                .bytes()
                .all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'-' | b'[' | b']'));
        (!escaped && valid).then_some(Key { start, end })
    })
}

fn unescape(text: &str) -> String {
    let mut value = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        match character {
            '\\' => match characters.next() {
                Some('n') => value.push('\n'),
                Some('r') => value.push('\r'),
                Some(escaped @ ('=' | '\\' | '|')) => value.push(escaped),
                Some(other) => value.extend(['\\', other]),
                None => value.push('\\'),
            },
            other => value.push(other),
        }
    }
    value
}
