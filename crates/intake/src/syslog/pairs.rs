//! Linux audit records: `type=EXECVE msg=audit(1652292621.986:84138): a0="id" …`.

use crate::record::{Fields, Part, Shapes};

/// Whether a message is a record of the audit daemon.
pub(crate) fn is_auditd(message: &str) -> bool {
    (message.starts_with("type=") || message.starts_with("node=")) && message.contains("audit(")
}

/// Reads the pairs of an audit record; returns its time, seconds since 1970 with fraction.
pub(crate) fn auditd<'m>(message: &'m str, shapes: &mut Shapes<'_>, fields: &mut Fields) -> Option<&'m str> {
    let mut time = None;
    let mut rest = message;
    while let Some((key, after)) = next_key(rest) {
        if let Some(stamp) = after.strip_prefix("audit(").filter(|_| key == "msg") {
            let (inside, after) = stamp.split_once(')').unwrap_or((stamp, ""));
            time = inside.split(':').next();
            rest = after.strip_prefix(':').unwrap_or(after);
            continue;
        }
        let (value, after) = value(after);
        fields.push_text(shapes.slot(key), Part::Data, &decoded(key, value));
        rest = after;
    }
    time
}

fn next_key(text: &str) -> Option<(&str, &str)> {
    let text = text.trim_start_matches([' ', '\u{1d}', '\'', ',']);
    // `type=X audit(…):` of some collectors: the stamp stands without its key.
    if text.starts_with("audit(") {
        return Some(("msg", text));
    }
    let (key, after) = text.split_once('=')?;
    let key = key.rsplit([' ', '\u{1d}', '\'']).next()?;
    Some((key, after))
}

fn value(text: &str) -> (&str, &str) {
    if let Some(inside) = text.strip_prefix('"') {
        return inside.split_once('"').unwrap_or((inside, ""));
    }
    // `msg='op=login acct="ana"'` holds pairs of its own: step inside.
    if let Some(inside) = text.strip_prefix('\'') {
        return ("", inside);
    }
    let end = text.find([' ', '\u{1d}']).unwrap_or(text.len());
    (text[..end].trim_end_matches('\''), &text[end..])
}

/// The kernel writes arguments with blanks or quotes in hexadecimal.
fn decoded<'v>(key: &str, value: &'v str) -> std::borrow::Cow<'v, str> {
    let argument = key.starts_with('a') && key[1..].bytes().all(|byte| byte.is_ascii_digit()) && key.len() > 1;
    let hex = value.len() >= 8 && value.len().is_multiple_of(2) && value.bytes().all(|byte| byte.is_ascii_hexdigit());
    if !(hex && (key == "proctitle" || (argument && value.bytes().any(|byte| byte.is_ascii_uppercase())))) {
        return value.into();
    }
    let bytes: Option<Vec<u8>> = (0..value.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&value[at..at + 2], 16).ok().map(|byte| if byte == 0 { b' ' } else { byte }))
        .collect();
    bytes.and_then(|bytes| String::from_utf8(bytes).ok()).map_or(value.into(), Into::into)
}
