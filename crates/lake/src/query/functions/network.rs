//! IP addresses, version 4 and 6.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use kernel::Value;
use serde_json::{Value as Json, json};

use super::strings::{array, number, text};
use super::{Entry, rows, tried};
use crate::query::{convert, places};

pub(super) const ENTRIES: &[Entry] = &[
    rows("ipv4_is_private", |args| match prefixed_v4(text(args, 0)) {
        Some((address, length)) => Value::Bool(PRIVATE.iter().any(|(network, bits)| {
            length >= *bits && (address ^ u32::from(Ipv4Addr::from(*network))) & mask_v4(*bits) == 0
        })),
        None => Value::Null,
    }),
    rows("ipv4_is_in_range", |args| in_range_v4(text(args, 0), text(args, 1))),
    rows("ipv6_is_in_range", |args| in_range_v6(text(args, 0), text(args, 1))),
    rows("ipv4_is_in_any_range", |args| any_range(args, in_range_v4)),
    rows("ipv6_is_in_any_range", |args| any_range(args, in_range_v6)),
    rows("ipv4_is_match", |args| match compare_v4(args) {
        Some(order) => Value::Bool(order == 0),
        None => Value::Null,
    }),
    rows("ipv4_compare", |args| compare_v4(args).map_or(Value::Null, Value::Long)),
    rows("ipv6_is_match", |args| match compare_v6(args) {
        Some(order) => Value::Bool(order == 0),
        None => Value::Null,
    }),
    rows("ipv6_compare", |args| compare_v6(args).map_or(Value::Null, Value::Long)),
    rows("ipv4_netmask_suffix", |args| {
        prefixed_v4(text(args, 0)).map_or(Value::Null, |(_, length)| Value::Long(i64::from(length)))
    }),
    rows("parse_ipv4", |args| {
        prefixed_v4(text(args, 0))
            .map_or(Value::Null, |(address, length)| Value::Long(i64::from(address & mask_v4(length))))
    }),
    rows("parse_ipv4_mask", |args| match (prefixed_v4(text(args, 0)), number(args, 1)) {
        (Some((address, _)), Some(length)) => {
            let length = u32::try_from(length.clamp(0, 32)).unwrap_or(32);
            Value::Long(i64::from(address & mask_v4(length)))
        }
        _ => Value::Null,
    }),
    rows("format_ipv4", |args| format_v4(args, false)),
    rows("format_ipv4_mask", |args| format_v4(args, true)),
    rows("parse_ipv6", |args| {
        prefixed_v6(text(args, 0))
            .map_or(Value::String(String::new()), |(address, length)| Value::String(long_v6(address & mask_v6(length))))
    }),
    rows("parse_ipv6_mask", |args| match (prefixed_v6(text(args, 0)), number(args, 1)) {
        (Some((address, own)), Some(length)) => {
            let length = u32::try_from(length.clamp(0, 128)).unwrap_or(128).min(own);
            Value::String(long_v6(address & mask_v6(length)))
        }
        _ => Value::String(String::new()),
    }),
    rows("has_ipv4", |args| Value::Bool(addresses(text(args, 0)).any(|found| found == text(args, 1)))),
    rows("has_any_ipv4", |args| has_any(args, |found, wanted| found == wanted)),
    rows("has_ipv4_prefix", |args| Value::Bool(addresses(text(args, 0)).any(|found| prefix(found, text(args, 1))))),
    rows("has_any_ipv4_prefix", |args| has_any(args, prefix)),
    rows("op_network", |args| {
        Value::String(prefixed(args).map(|(address, length)| network_text(address, length)).unwrap_or_default())
    }),
    rows("op_networks_of", |args| match prefixed(args) {
        Some((address, length)) => {
            Value::Dynamic((0..=length).rev().map(|length| json!(network_text(address, length))).collect())
        }
        None => Value::Dynamic(Json::Array(Vec::new())),
    }),
    tried("geo_info_from_ip_address", places::of_address),
    rows("ipv4_range_to_cidr_list", |args| cidr_list(text(args, 0), text(args, 1))),
];

/// Networks as canonical texts, so that an address is found in a table of networks by equality.
fn network_text(address: u128, length: u32) -> String {
    format!("{:x}/{length}", address & mask_v6(length))
}

fn prefixed(args: &[Value]) -> Option<(u128, u32)> {
    match number(args, 1) {
        Some(4) => prefixed_v4(text(args, 0)).map(|(address, length)| (u128::from(address) << 96, length)),
        _ => prefixed_v6(text(args, 0)),
    }
}

const PRIVATE: [([u8; 4], u32); 3] = [([10, 0, 0, 0], 8), ([172, 16, 0, 0], 12), ([192, 168, 0, 0], 16)];

fn mask_v4(length: u32) -> u32 {
    u32::MAX.checked_shl(32 - length.min(32)).unwrap_or(0)
}

fn mask_v6(length: u32) -> u128 {
    u128::MAX.checked_shl(128 - length.min(128)).unwrap_or(0)
}

/// `a.b.c.d[/length]`.
fn prefixed_v4(text: &str) -> Option<(u32, u32)> {
    let (address, length) = split_prefix(text.trim(), 32)?;
    Some((u32::from(address.parse::<Ipv4Addr>().ok()?), length))
}

/// An address of version 6, or of version 4 mapped into it.
fn prefixed_v6(text: &str) -> Option<(u128, u32)> {
    let text = text.trim();
    let dotted = text.strip_prefix("::").filter(|rest| rest.contains('.') && !rest.contains(':'));
    if let Some((address, length)) = prefixed_v4(dotted.unwrap_or(text)) {
        return Some((u128::from(Ipv4Addr::from(address).to_ipv6_mapped()), length + 96));
    }
    let (address, length) = split_prefix(text, 128)?;
    match address.parse::<IpAddr>().ok()? {
        IpAddr::V6(address) => Some((u128::from(address), length)),
        IpAddr::V4(_) => None,
    }
}

fn split_prefix(text: &str, full: u32) -> Option<(&str, u32)> {
    match text.split_once('/') {
        None => Some((text, full)),
        Some((address, length)) => Some((address, length.parse().ok().filter(|length| *length <= full)?)),
    }
}

fn in_range_v4(address: &str, range: &str) -> Value {
    match (prefixed_v4(address), prefixed_v4(range)) {
        (Some((address, own)), Some((network, length))) => {
            Value::Bool(own >= length && (address ^ network) & mask_v4(length) == 0)
        }
        _ => Value::Null,
    }
}

fn in_range_v6(address: &str, range: &str) -> Value {
    match (prefixed_v6(address), prefixed_v6(range)) {
        (Some((address, own)), Some((network, length))) => {
            Value::Bool(own >= length && (address ^ network) & mask_v6(length) == 0)
        }
        _ => Value::Null,
    }
}

/// Ranges as further arguments or as one array.
fn any_range(args: &[Value], test: fn(&str, &str) -> Value) -> Value {
    let mut answer = Value::Null;
    for range in listed(args) {
        match test(text(args, 0), &range) {
            Value::Bool(true) => return Value::Bool(true),
            Value::Bool(false) => answer = Value::Bool(false),
            _ => {}
        }
    }
    answer
}

/// Texts after the first argument, arrays spread.
fn listed(args: &[Value]) -> Vec<String> {
    let mut all = Vec::new();
    for (at, value) in args.iter().enumerate().skip(1) {
        match array(args, at) {
            Some(elements) => all.extend(elements.iter().map(|json| convert::to_text(&convert::scalar_of(json)))),
            None => all.push(convert::to_text(value)),
        }
    }
    all
}

fn compare_v4(args: &[Value]) -> Option<i64> {
    let ((left, left_length), (right, right_length)) = (prefixed_v4(text(args, 0))?, prefixed_v4(text(args, 1))?);
    let asked = args.get(2).and_then(convert::to_long).and_then(|length| u32::try_from(length).ok()).unwrap_or(32);
    let mask = mask_v4(asked.min(left_length).min(right_length));
    Some((left & mask).cmp(&(right & mask)) as i64)
}

fn compare_v6(args: &[Value]) -> Option<i64> {
    let ((left, left_length), (right, right_length)) = (prefixed_v6(text(args, 0))?, prefixed_v6(text(args, 1))?);
    let asked = args.get(2).and_then(convert::to_long).and_then(|length| u32::try_from(length).ok()).unwrap_or(128);
    let mask = mask_v6(asked.min(left_length).min(right_length));
    Some((left & mask).cmp(&(right & mask)) as i64)
}

fn format_v4(args: &[Value], with_prefix: bool) -> Value {
    let parsed = match args.first() {
        Some(Value::Int(_) | Value::Long(_)) => number(args, 0).and_then(|n| u32::try_from(n).ok()).map(|n| (n, 32)),
        _ => prefixed_v4(text(args, 0)),
    };
    let Some((address, own)) = parsed else { return Value::String(String::new()) };
    let length = match args.get(1) {
        Some(_) => match number(args, 1).and_then(|length| u32::try_from(length).ok()).filter(|length| *length <= 32) {
            Some(length) => length.min(own),
            None => return Value::String(String::new()),
        },
        None => own,
    };
    let address = Ipv4Addr::from(address & mask_v4(length));
    Value::String(if with_prefix { format!("{address}/{length}") } else { address.to_string() })
}

/// Eight groups of four digits.
fn long_v6(address: u128) -> String {
    let groups: Vec<String> = Ipv6Addr::from(address).segments().iter().map(|group| format!("{group:04x}")).collect();
    groups.join(":")
}

/// Runs of digits and points that are addresses and stand alone.
fn addresses(text: &str) -> impl Iterator<Item = &str> {
    text.split(|c: char| !c.is_alphanumeric() && c != '.')
        .map(|run| run.trim_matches('.'))
        .filter(|run| run.parse::<Ipv4Addr>().is_ok())
}

fn prefix(found: &str, wanted: &str) -> bool {
    if wanted.ends_with('.') || wanted.matches('.').count() < 3 {
        let wanted = wanted.trim_end_matches('.');
        return found.strip_prefix(wanted).is_some_and(|rest| rest.is_empty() || rest.starts_with('.'));
    }
    found == wanted
}

fn has_any(args: &[Value], test: fn(&str, &str) -> bool) -> Value {
    let wanted = listed(args);
    Value::Bool(addresses(text(args, 0)).any(|found| wanted.iter().any(|wanted| test(found, wanted))))
}

fn cidr_list(first: &str, last: &str) -> Value {
    let (Some((first, 32)), Some((last, 32))) = (prefixed_v4(first), prefixed_v4(last)) else { return Value::Null };
    let (mut at, last) = (u64::from(first), u64::from(last));
    let mut list: Vec<Json> = Vec::new();
    while at <= last {
        let aligned = if at == 0 { 32 } else { at.trailing_zeros().min(32) };
        let fitting = 63 - (last - at + 1).leading_zeros();
        let bits = aligned.min(fitting);
        let address = Ipv4Addr::from(u32::try_from(at).unwrap_or(u32::MAX));
        list.push(json!(format!("{address}/{}", 32 - bits)));
        at += 1 << bits;
    }
    Value::Dynamic(list.into())
}
