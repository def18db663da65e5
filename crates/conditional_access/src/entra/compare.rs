//! Our policies beside those that a tenant has.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

use super::export::{Exported, LeftOut, Names, export, second_factor};
use crate::policy::{Fault, PolicyText};

kernel::words! {
    /// How a policy of ours and one of the tenant stand to each other.
    Relation {
        Same = "same",
        Different = "different",
        /// Ours is not at the tenant.
        Missing = "missing",
        /// The tenant's is none of ours.
        Unmanaged = "unmanaged",
    }
}

/// One thing that differs.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Difference {
    /// `conditions.users.excludeGroups`.
    pub path: String,
    pub ours: Json,
    pub theirs: Json,
}

/// A policy of ours, one of the tenant, or both.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Pair {
    pub relation: Relation,
    /// The key of ours.
    pub key: Option<String>,
    pub title: String,
    /// The id of the tenant's.
    pub id: Option<String>,
    pub differences: Vec<Difference>,
    /// What Entra cannot say of ours.
    pub left_out: Vec<LeftOut>,
}

/// Ours and the tenant's.
#[derive(Debug, Clone, PartialEq, Default, Serialize, Deserialize)]
pub struct Comparison {
    pub pairs: Vec<Pair>,
}

/// Compares by title: the tenant has no place for our keys.
///
/// # Errors
/// The first of our policies that cannot be used.
pub fn compare(ours: &[PolicyText], theirs: &[Json], names: &Names) -> Result<Comparison, Fault> {
    let mut pairs = Vec::new();
    let mut taken = BTreeSet::new();
    for text in ours {
        for Exported { policy, left_out } in export(text, names)? {
            let title = policy["displayName"].as_str().unwrap_or_default().to_owned();
            let found = theirs.iter().enumerate().find(|(at, one)| {
                let same =
                    one["displayName"].as_str().is_some_and(|name| name.trim().eq_ignore_ascii_case(title.trim()));
                same && !taken.contains(at)
            });
            let (relation, id, differences) = match found {
                None => (Relation::Missing, None, Vec::new()),
                Some((at, one)) => {
                    taken.insert(at);
                    let mut differences = Vec::new();
                    for part in ["state", "conditions", "grantControls"] {
                        differ(part, &plain(&policy[part]), &plain(&one[part]), &mut differences);
                    }
                    let relation = if differences.is_empty() { Relation::Same } else { Relation::Different };
                    (relation, one["id"].as_str().map(str::to_owned), differences)
                }
            };
            pairs.push(Pair { relation, key: Some(text.key.clone()), title, id, differences, left_out });
        }
    }
    let others = theirs.iter().enumerate().filter(|(at, _)| !taken.contains(at));
    pairs.extend(others.map(|(_, one)| Pair {
        relation: Relation::Unmanaged,
        key: None,
        title: one["displayName"].as_str().unwrap_or_default().to_owned(),
        id: one["id"].as_str().map(str::to_owned),
        differences: Vec::new(),
        left_out: Vec::new(),
    }));
    Ok(Comparison { pairs })
}

/// Without what says nothing, lists in one order, and a second factor in one form.
fn plain(value: &Json) -> Json {
    match value {
        Json::Object(fields) => {
            let strength = fields.get("authenticationStrength").and_then(|one| one["id"].as_str());
            let mut kept = serde_json::Map::new();
            for (name, one) in fields {
                if name.starts_with('@') || name.contains("@odata") {
                    continue;
                }
                let one = match name.as_str() {
                    "authenticationStrength" if strength == Some(second_factor()) => continue,
                    "authenticationStrength" => Json::String(strength.unwrap_or_default().to_owned()),
                    "builtInControls" if strength == Some(second_factor()) => {
                        let mut controls = one.as_array().cloned().unwrap_or_default();
                        controls.push(Json::String("mfa".to_owned()));
                        plain(&Json::Array(controls))
                    }
                    _ => plain(one),
                };
                let is_nothing = match &one {
                    Json::Null => true,
                    Json::Array(all) => all.is_empty(),
                    Json::Object(fields) => fields.is_empty(),
                    Json::String(text) => text.is_empty(),
                    _ => false,
                };
                if !is_nothing {
                    kept.insert(name.clone(), one);
                }
            }
            Json::Object(kept)
        }
        Json::Array(all) => {
            let mut all: Vec<Json> = all.iter().map(plain).collect();
            all.sort_by_key(Json::to_string);
            all.dedup();
            Json::Array(all)
        }
        other => other.clone(),
    }
}

fn differ(path: &str, ours: &Json, theirs: &Json, found: &mut Vec<Difference>) {
    if ours == theirs {
        return;
    }
    if let (Json::Object(left), Json::Object(right)) = (ours, theirs) {
        let names: BTreeSet<&String> = left.keys().chain(right.keys()).collect();
        for name in names {
            // With one thing asked for, it does not matter how they would be joined.
            let single = |side: &serde_json::Map<String, Json>| {
                side.get("builtInControls").and_then(Json::as_array).is_none_or(|all| all.len() < 2)
            };
            if name == "operator" && single(left) && single(right) {
                continue;
            }
            let none = Json::Null;
            let side = |fields: &'_ serde_json::Map<String, Json>| fields.get(name).cloned().unwrap_or(none.clone());
            differ(&format!("{path}.{name}"), &side(left), &side(right), found);
        }
        return;
    }
    found.push(Difference { path: path.to_owned(), ours: ours.clone(), theirs: theirs.clone() });
}
