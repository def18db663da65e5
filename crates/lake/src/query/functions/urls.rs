//! URLs, paths, user-visible parts of both.

use kernel::Value;
use serde_json::{Map, Value as Json, json};

use super::strings::text;
use super::{Entry, rows};

pub(super) const ENTRIES: &[Entry] = &[
    rows("parse_url", |args| parse_url(text(args, 0))),
    rows("parse_urlquery", |args| Value::Dynamic(json!({ "Query Parameters": query(text(args, 0)) }))),
    rows("parse_path", |args| parse_path(text(args, 0))),
    rows("url_decode", |args| Value::String(decode(text(args, 0), false))),
    rows("url_encode", |args| Value::String(encode(text(args, 0), true))),
    rows("url_encode_component", |args| Value::String(encode(text(args, 0), false))),
];

fn parse_url(url: &str) -> Value {
    let (scheme, rest) = match url.split_once("://") {
        Some(found) => found,
        None => return Value::Null,
    };
    let (rest, fragment) = rest.split_once('#').unwrap_or((rest, ""));
    let (rest, parameters) = rest.split_once('?').unwrap_or((rest, ""));
    let slash = rest.find('/').unwrap_or(rest.len());
    let (authority, path) = rest.split_at(slash);
    let (user, host) = authority.rsplit_once('@').unwrap_or(("", authority));
    let (name, password) = user.split_once(':').unwrap_or((user, ""));
    let bracketed = host.starts_with('[');
    let (host, port) = match host.rsplit_once(':') {
        Some((host, port)) if !bracketed || host.ends_with(']') => (host, port),
        _ => (host, ""),
    };
    Value::Dynamic(json!({
        "Scheme": scheme,
        "Host": host,
        "Port": port,
        "Path": path,
        "Username": name,
        "Password": password,
        "Query Parameters": query(parameters),
        "Fragment": fragment,
    }))
}

/// `a=1&b=2` as a bag; the last of two with one name wins.
fn query(text: &str) -> Json {
    let members = text.trim_start_matches('?').split('&').filter(|pair| !pair.is_empty()).map(|pair| {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        (decode(key, true), Json::from(decode(value, true)))
    });
    Json::Object(members.collect::<Map<_, _>>())
}

fn parse_path(path: &str) -> Value {
    let (scheme, rest) = match path.split_once("://") {
        Some((scheme, rest)) => (scheme, rest),
        None => ("", path),
    };
    let root = if rest.as_bytes().get(1) == Some(&b':') { &rest[..2] } else { "" };
    let cut = rest.rfind(['/', '\\']);
    let (directory, name) = cut.map_or(("", rest), |at| (&rest[..at], &rest[at + 1..]));
    // After the drive of a path without folders a colon says nothing.
    let own = if cut.is_none() { root.len() } else { 0 };
    let (name, stream) = match name[own..].find(':') {
        Some(at) => (&name[..own + at], &name[own + at + 1..]),
        None => (name, ""),
    };
    let last = directory.rsplit(['/', '\\']).next().unwrap_or_default();
    let extension = name.rsplit_once('.').map_or("", |(_, extension)| extension);
    Value::Dynamic(json!({
        "Scheme": scheme,
        "RootPath": root,
        "DirectoryPath": directory,
        "DirectoryName": last,
        "Filename": name,
        "Extension": extension,
        "AlternateDataStreamName": stream,
    }))
}

/// `%41` to `A`; `+` to a blank in query strings.
fn decode(text: &str, plus: bool) -> String {
    let bytes = text.as_bytes();
    let mut result = Vec::with_capacity(bytes.len());
    let mut at = 0;
    while at < bytes.len() {
        let hex = (bytes[at] == b'%').then(|| text.get(at + 1..at + 3)).flatten();
        match hex.and_then(|hex| u8::from_str_radix(hex, 16).ok()) {
            Some(byte) => {
                result.push(byte);
                at += 3;
            }
            None => {
                result.push(if plus && bytes[at] == b'+' { b' ' } else { bytes[at] });
                at += 1;
            }
        }
    }
    String::from_utf8_lossy(&result).into_owned()
}

fn encode(text: &str, blank_as_plus: bool) -> String {
    let mut result = String::new();
    for byte in text.bytes() {
        match byte {
            b'A'..=b'Z' | b'a'..=b'z' | b'0'..=b'9' | b'-' | b'_' | b'.' | b'~' => result.push(char::from(byte)),
            b' ' if blank_as_plus => result.push('+'),
            other => result.push_str(&format!("%{other:02x}")),
        }
    }
    result
}
