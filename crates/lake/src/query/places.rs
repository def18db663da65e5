//! `geo_info_from_ip_address()`: where networks are, from a reference table that an administrator uploads.
//!
//! Vigie comes with no such database; the ones that are published have licences of their own. Any of them will do as CSV
//! with a first line of names: `network` (or `start_ip` and `end_ip`), `country`, and any of `state`, `city`, `latitude`,
//! `longitude`. It stands under the address [`ADDRESS`]. A query that asks for places gets the table's key as a second
//! argument of each call, so that plans stay small; the table itself is read once for each version of what is kept.

use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, LazyLock, Weak};

use kernel::library::QueryLibrary;
use kernel::port::QueryError;
use kernel::{Diagnostic, ScalarType, Span, Value};
use kql::algebra::{Expr, ExprKind, Plan, Query};
use parking_lot::Mutex;
use serde_json::{Map, Value as Json};

use super::functions::BadValue;
use super::reference::delimited;

/// The function.
const FUNCTION: &str = "geo_info_from_ip_address";
/// The address under which the reference table stands.
pub const ADDRESS: &str = FUNCTION;

/// Names that a column can have in the databases that are around, by the key of the answer.
const NAMES: [(&str, &[&str]); 8] = [
    ("network", &["network", "cidr", "ip_range"]),
    ("start", &["start_ip", "ip_start", "ip_from", "start"]),
    ("end", &["end_ip", "ip_end", "ip_to", "end"]),
    ("country", &["country", "country_name", "country_iso_code", "country_code"]),
    ("state", &["state", "region", "stateprov", "subdivision_1_name", "state_province", "region_name"]),
    ("city", &["city", "city_name"]),
    ("latitude", &["latitude", "lat"]),
    ("longitude", &["longitude", "lon", "lng"]),
];

/// Networks that do not overlap, in order, and what is known of each.
#[derive(Debug, Default)]
pub(in crate::query) struct Places {
    /// First and last address, and the place.
    stretches: Vec<(u128, u128, usize)>,
    places: Vec<Json>,
}

/// The tables that queries use now, by key.
static IN_USE: LazyLock<Mutex<HashMap<i64, Weak<Places>>>> = LazyLock::new(Mutex::default);

/// The table of the last version of what is kept, for the next query.
#[derive(Debug, Default)]
pub(in crate::query) struct PlacesCache {
    last: Mutex<Option<(i64, i64, Arc<Places>)>>,
}

impl Places {
    /// Reads the CSV; the error says what of it is wrong.
    fn read(text: &str) -> Result<Places, String> {
        let records = delimited(text.strip_prefix('\u{feff}').unwrap_or(text), ',');
        let Some((head, rows)) = records.split_first() else { return Ok(Places::default()) };
        let column = |key: &str| {
            let names = NAMES.iter().find(|(known, _)| *known == key).map_or(&[][..], |(_, names)| names);
            names.iter().find_map(|name| head.iter().position(|given| given.trim().eq_ignore_ascii_case(name)))
        };
        let (network, bounds) = (column("network"), column("start").zip(column("end")));
        if network.is_none() && bounds.is_none() {
            return Err("its first line names neither `network` nor `start_ip` and `end_ip`".to_owned());
        }
        let shown: Vec<(&str, usize)> = ["country", "state", "city", "latitude", "longitude"]
            .into_iter()
            .filter_map(|key| Some((key, column(key)?)))
            .collect();
        let mut places = Vec::new();
        let mut numbers = HashMap::new();
        let mut networks = Vec::with_capacity(rows.len());
        for (at, row) in rows.iter().enumerate() {
            let cell = |column: usize| row.get(column).map_or("", |cell| cell.trim());
            let range = match (network, bounds) {
                (Some(column), _) => network_of(cell(column)),
                (None, Some((first, last))) => address(cell(first)).zip(address(cell(last))),
                (None, None) => None,
            };
            let Some((first, last)) = range.filter(|(first, last)| first <= last) else {
                return Err(format!("line {} has no network", at + 2));
            };
            let place = place(&shown, cell);
            let number = *numbers.entry(place.to_string()).or_insert_with(|| {
                places.push(place);
                places.len() - 1
            });
            networks.push((first, last, number));
        }
        Ok(Places { stretches: disjoint(networks), places })
    }

    fn of(&self, address: u128) -> Option<&Json> {
        let after = self.stretches.partition_point(|(first, ..)| *first <= address);
        let (_, last, place) = self.stretches[..after].last()?;
        (address <= *last).then(|| &self.places[*place])
    }
}

/// The bag that the function gives; what is empty in the table is left out.
fn place<'r>(shown: &[(&str, usize)], cell: impl Fn(usize) -> &'r str) -> Json {
    let mut bag = Map::new();
    for (key, column) in shown {
        let text = cell(*column);
        let number = || text.parse::<f64>().ok().and_then(serde_json::Number::from_f64).map(Json::Number);
        let value = match *key {
            _ if text.is_empty() => None,
            "latitude" | "longitude" => number(),
            _ => Some(Json::from(text)),
        };
        bag.extend(value.map(|value| ((*key).to_owned(), value)));
    }
    Json::Object(bag)
}

/// Versions 4 and 6 in one order.
fn address(text: &str) -> Option<u128> {
    Some(match text.parse::<IpAddr>().ok()? {
        IpAddr::V4(address) => u128::from(address.to_ipv6_mapped()),
        IpAddr::V6(address) => u128::from(address),
    })
}

fn network_of(text: &str) -> Option<(u128, u128)> {
    let (written, length) = text.split_once('/').map_or((text, None), |(address, length)| (address, Some(length)));
    let version_4 = written.contains('.') && !written.contains(':');
    let full = if version_4 { 32 } else { 128 };
    let length = length.map_or(Some(full), |length| length.parse::<u32>().ok().filter(|length| *length <= full))?;
    let free = u128::MAX.checked_shr(length + 128 - full).unwrap_or(0);
    let first = address(written)? & !free;
    Some((first, first | free))
}

/// Cuts networks inside one another so that each address belongs to the narrowest.
fn disjoint(mut networks: Vec<(u128, u128, usize)>) -> Vec<(u128, u128, usize)> {
    networks.sort_by_key(|(first, last, _)| (*first, std::cmp::Reverse(*last)));
    let mut cut: Vec<(u128, u128, usize)> = Vec::with_capacity(networks.len());
    let mut open: Vec<(u128, u128, usize)> = Vec::new();
    let mut close = |open: &mut Vec<(u128, u128, usize)>, before: Option<u128>| {
        while let Some((first, last, place)) = open.last().copied() {
            if before.is_some_and(|before| last >= before) {
                return;
            }
            open.pop();
            if first <= last {
                cut.push((first, last, place));
            }
            // What lies around it goes on after it.
            if let Some(around) = open.last_mut() {
                around.0 = around.0.max(last.saturating_add(1));
                if last == u128::MAX {
                    open.clear();
                }
            }
        }
    };
    for (first, last, place) in networks {
        close(&mut open, Some(first));
        let before = open.last().map(|(start, _, around)| (*start, *around));
        if let Some((start, around)) = before.filter(|(start, _)| *start < first) {
            open.push((start, first - 1, around));
            close(&mut open, Some(first));
        }
        open.push((first, last, place));
    }
    close(&mut open, None);
    cut.sort_unstable_by_key(|(first, ..)| *first);
    cut
}

/// What the function gives for an address, from the table with this key. A table that is empty answers nothing, so that
/// nobody takes its silence for an answer: a check over empty tables never asks it.
pub(in crate::query) fn of_address(args: &[Value]) -> Result<Value, BadValue> {
    let (Some(Value::String(text)), Some(Value::Long(key))) = (args.first(), args.get(1)) else {
        return Ok(Value::Null);
    };
    let in_use = IN_USE.lock().get(key).and_then(Weak::upgrade);
    let Some(places) = in_use.filter(|places| !places.stretches.is_empty()) else {
        return Err(BadValue(format!("`{FUNCTION}()` needs a table of networks and places; {}", remedy())));
    };
    let found = address(text.trim()).and_then(|address| places.of(address).cloned());
    Ok(found.map_or(Value::Null, Value::Dynamic))
}

fn remedy() -> String {
    format!(
        "upload a CSV (network, country, state, city, latitude, longitude) as a reference table for the address `{ADDRESS}`"
    )
}

/// Gives every call of the function in `query` the key of the table. The table lives as long as what is returned.
pub(in crate::query) async fn provide(
    query: &mut Query,
    library: Option<&dyn QueryLibrary>,
    cache: &PlacesCache,
) -> Result<Option<Arc<Places>>, QueryError> {
    let mut first = None;
    for plan in query.plans_mut() {
        calls_of(plan, &mut |call| first = first.or(Some(call.span)));
    }
    let Some(span) = first else { return Ok(None) };
    let (key, places) = table(library, cache, span).await?;
    for plan in query.plans_mut() {
        calls_of(plan, &mut |call| {
            let span = call.span;
            if let ExprKind::Call { args, .. } = &mut call.kind
                && args.len() == 1
            {
                args.push(Expr { kind: ExprKind::Literal(Value::Long(key)), scalar: ScalarType::Long, span });
            }
        });
    }
    Ok(Some(places))
}

async fn table(
    library: Option<&dyn QueryLibrary>,
    cache: &PlacesCache,
    span: Span,
) -> Result<(i64, Arc<Places>), QueryError> {
    let refused =
        |message: String| QueryError::Invalid(vec![Diagnostic::error("KQL0904", span, message).with_help(remedy())]);
    let absent = || refused(format!("`{FUNCTION}()` needs a table of networks and places, and none was uploaded"));
    let Some(library) = library else { return Err(absent()) };
    let revision = library.kept().await.map_err(QueryError::Engine)?.revision;
    let known = cache.last.lock().clone();
    if let Some((_, key, places)) = known.filter(|(known, ..)| *known == revision) {
        return Ok((key, places));
    }
    let text = library.reference(ADDRESS).await.map_err(QueryError::Engine)?.ok_or_else(absent)?;
    let mut hasher = DefaultHasher::new();
    text.hash(&mut hasher);
    let key = hasher.finish().cast_signed();
    let read = tokio::task::block_in_place(|| Places::read(&text));
    let places = Arc::new(read.map_err(|problem| refused(format!("the table for `{ADDRESS}`: {problem}")))?);
    let mut in_use = IN_USE.lock();
    in_use.retain(|_, places| places.strong_count() > 0);
    in_use.insert(key, Arc::downgrade(&places));
    drop(in_use);
    *cache.last.lock() = Some((revision, key, Arc::clone(&places)));
    Ok((key, places))
}

/// Every call of the function in `plan`, plans inside expressions included.
fn calls_of(plan: &mut Plan, found: &mut dyn FnMut(&mut Expr)) {
    plan.expressions_mut().into_iter().for_each(|expr| calls_in(expr, found));
    plan.inputs_mut().into_iter().for_each(|input| calls_of(input, found));
}

fn calls_in(expr: &mut Expr, found: &mut dyn FnMut(&mut Expr)) {
    if matches!(&expr.kind, ExprKind::Call { function, .. } if function.name == FUNCTION) {
        found(expr);
    }
    if let Some(plan) = expr.subplan_mut() {
        calls_of(plan, found);
    }
    expr.operands_mut().into_iter().for_each(|operand| calls_in(operand, found));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_narrowest_network_counts() {
        let text = "network,country_name,city_name,latitude,longitude\n10.0.0.0/8,Far,,,\n10.1.0.0/16,Near,Town,1.5,-2\n\
                    10.1.2.0/24,Nearest,,,\n2001:db8::/32,Six,,,\n10.2.0.0/16,Other,,,\n";
        let places = Places::read(text).unwrap();
        let check = |address_text: &str, expected: Option<Json>| {
            let found = places.of(address(address_text).unwrap()).cloned();
            assert_eq!(found, expected, "{address_text}");
        };
        let country = |name: &str| Some(serde_json::json!({ "country": name }));
        check("10.0.0.0", country("Far"));
        check("10.1.2.3", country("Nearest"));
        check("10.1.3.0", Some(serde_json::json!({"country":"Near","city":"Town","latitude":1.5,"longitude":-2.0})));
        check("10.1.1.255", places.of(address("10.1.3.0").unwrap()).cloned());
        check("10.2.255.255", country("Other"));
        check("10.3.0.0", country("Far"));
        check("10.255.255.255", country("Far"));
        check("11.0.0.0", None);
        check("9.255.255.255", None);
        check("2001:db8::1", country("Six"));
        check("2001:db9::1", None);
    }

    #[test]
    fn what_is_no_table_of_networks_says_so() {
        let problem = |text: &str| Places::read(text).unwrap_err();
        assert!(problem("a,b\n1,2\n").contains("neither `network`"));
        assert!(problem("network,country\n10.0.0.0/8,A\nx,B\n").contains("line 3"));
        assert!(Places::read("").unwrap().of(1).is_none());
        let ranges = Places::read("start_ip,end_ip,country\n1.0.0.1,1.0.0.3,A\n").unwrap();
        assert!(ranges.of(address("1.0.0.3").unwrap()).is_some() && ranges.of(address("1.0.0.4").unwrap()).is_none());
    }
}
