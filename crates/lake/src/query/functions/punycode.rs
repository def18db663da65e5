//! Punycode (RFC 3492) of texts and of the labels of domain names.

use kernel::Value;

use super::strings::text;
use super::{Entry, rows};

pub(super) const ENTRIES: &[Entry] = &[
    rows("punycode_from_string", |args| or_empty(encoded(text(args, 0)))),
    rows("punycode_to_string", |args| or_empty(idna::punycode::decode_to_string(text(args, 0)))),
    rows("punycode_domain_to_string", |args| {
        or_empty(labels(text(args, 0), |label| {
            if label.is_ascii() { Some(label.to_owned()) } else { Some(format!("xn--{}", encoded(label)?)) }
        }))
    }),
    rows("punycode_domain_from_string", |args| {
        or_empty(labels(text(args, 0), |label| match label.strip_prefix("xn--") {
            Some(code) => idna::punycode::decode_to_string(code),
            None => Some(label.to_owned()),
        }))
    }),
];

/// Longest text that is encoded: the algorithm is quadratic.
const MOST_BYTES: usize = 4_096;

fn encoded(text: &str) -> Option<String> {
    if text.len() > MOST_BYTES { None } else { idna::punycode::encode_str(text) }
}

/// The labels of a domain name one by one; the full stops of other scripts separate too.
fn labels(domain: &str, function: impl Fn(&str) -> Option<String>) -> Option<String> {
    let labels: Option<Vec<String>> = domain.split(['.', '\u{3002}', '\u{ff0e}', '\u{ff61}']).map(function).collect();
    Some(labels?.join("."))
}

/// The empty text where coding failed.
fn or_empty(text: Option<String>) -> Value {
    Value::String(text.unwrap_or_default())
}
