//! Users of SCIM as records: a column for each path that the mapping names, and every other value under its own path, for
//! templates. Whoever is not active is gone, unless the mapping looks at `active` itself.

use std::collections::HashMap;

use scim::reading::{ValuePath, flat, name_managers};
use serde_json::{Value as Json, json};

use super::Feed;
use super::decode::{Decoded, Objects};
use super::mapping::is_template;

/// The answer to a list (RFC 7644 §3.4.2) with all of them.
pub(super) fn list(users: &[scim::Stored]) -> Vec<u8> {
    // Addresses do not matter here, and would differ from host to host.
    let resources: Vec<Json> = users.iter().map(|user| user.to_json("/scim/v2")).collect();
    let list = "urn:ietf:params:scim:api:messages:2.0:ListResponse";
    json!({ "schemas": [list], "totalResults": resources.len(), "Resources": resources }).to_string().into_bytes()
}

/// Reads them as the feed's mapping asks for.
///
/// # Errors
/// A record that is no object, or a path of the mapping that is none.
pub(super) fn table(feed: &Feed, list: Objects) -> Result<Decoded, String> {
    let Objects { objects: mut users, snapshot } = list;
    if let Some(at) = users.iter().position(|user| !user.is_object()) {
        return Err(format!("record {} is no object", at + 1));
    }
    name_managers(&mut users);
    let mut header: Vec<String> = feed.map.values().filter(|from| !is_template(from)).cloned().collect();
    header.sort();
    header.dedup();
    let paths = header.iter().map(|path| ValuePath::parse(path).map_err(|error| format!("map: {error}")));
    let paths: Vec<ValuePath> = paths.collect::<Result<_, _>>()?;
    let mut columns: HashMap<String, usize> = header.iter().enumerate().map(|(at, name)| (name.clone(), at)).collect();
    let minds_active = minds_active(feed);
    let mut decoded = Decoded { is_whole: true, snapshot, ..Decoded::default() };
    for (at, user) in users.iter().enumerate() {
        if !minds_active && user["active"] == Json::Bool(false) {
            decoded.inactive += 1;
            continue;
        }
        let mut record: Vec<String> = paths.iter().map(|path| path.text(user)).collect();
        record.resize(header.len(), String::new());
        for (name, value) in user.as_object().map(flat).unwrap_or_default() {
            let column = *columns.entry(name.clone()).or_insert_with(|| {
                header.push(name);
                header.len() - 1
            });
            if record.len() <= column {
                record.resize(column + 1, String::new());
            }
            record[column] = value;
        }
        decoded.records.push((at as u64 + 1, record));
    }
    for (_, record) in &mut decoded.records {
        record.resize(header.len(), String::new());
    }
    decoded.header = header;
    Ok(decoded)
}

/// Whether the mapping or a check reads `active`.
fn minds_active(feed: &Feed) -> bool {
    let is_it = |from: &String| from.eq_ignore_ascii_case("active") || (is_template(from) && names_active(from));
    feed.map.values().any(is_it) || feed.checks.iter().any(|check| names_active(&check.holds))
}

/// `row.active` or `row["active"]`.
fn names_active(template: &str) -> bool {
    let compact: String = template.chars().filter(|c| !c.is_whitespace()).collect();
    ["row.active", "row[\"active\"]", "row['active']"].into_iter().any(|name| compact.contains(name))
}
