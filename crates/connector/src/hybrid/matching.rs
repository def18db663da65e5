//! Who is who: by anchor alone. Names and addresses make nobody one with somebody else; they make a trap.

use std::collections::{BTreeMap, BTreeSet};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

use super::finding::{Finding, FindingKind, Proposal, Side, Trap, about};
use crate::object::{Object, ObjectClass, ObjectId};
use crate::value::{AttributeName, AttributeValue};

/// Attributes by which Entra joins accounts softly, with what stands before the value.
const NAMES: [&str; 3] = ["userPrincipalName", "mail", "proxyAddresses"];

/// Accounts of a side by what makes them one with another.
pub(super) struct Index<'a> {
    pub accounts: Vec<&'a Object>,
    /// Anchor of each account, where it has one.
    anchors: BTreeMap<&'a ObjectId, String>,
    by_anchor: BTreeMap<String, Vec<&'a Object>>,
    /// Accounts by name or address.
    by_name: BTreeMap<(&'static str, String), Vec<&'a Object>>,
}

impl<'a> Index<'a> {
    pub fn directory(objects: &'a [Object], anchor: &AttributeName) -> Index<'a> {
        Index::of(objects, |object| directory_anchor(object, anchor))
    }

    pub fn cloud(objects: &'a [Object]) -> Index<'a> {
        Index::of(objects, |object| object.attributes.text("onPremisesImmutableId").map(str::to_owned))
    }

    fn of(objects: &'a [Object], anchor: impl Fn(&Object) -> Option<String>) -> Index<'a> {
        let accounts: Vec<&Object> = objects.iter().filter(|object| object.class == ObjectClass::Account).collect();
        let mut index =
            Index { accounts, anchors: BTreeMap::new(), by_anchor: BTreeMap::new(), by_name: BTreeMap::new() };
        for object in index.accounts.clone() {
            if let Some(anchor) = anchor(object) {
                index.by_anchor.entry(anchor.clone()).or_default().push(object);
                index.anchors.insert(&object.id, anchor);
            }
            for (name, value) in names(object) {
                index.by_name.entry((name, value)).or_default().push(object);
            }
        }
        index
    }
}

/// The anchor as the cloud writes it: base64 of the attribute's bytes, else of objectGUID.
fn directory_anchor(object: &Object, anchor: &AttributeName) -> Option<String> {
    match object.attributes.first(anchor.as_str()) {
        Some(AttributeValue::Binary(bytes)) => Some(STANDARD.encode(bytes)),
        Some(other) => Some(other.to_string()),
        None => crate::active_directory::value::guid_bytes(object.id.as_str()).map(|bytes| STANDARD.encode(bytes)),
    }
}

/// Names and addresses of an account, without case; each once.
fn names(object: &Object) -> BTreeSet<(&'static str, String)> {
    let mut all = BTreeSet::new();
    for name in NAMES {
        for text in object.attributes.values(name).iter().filter_map(AttributeValue::as_text) {
            let address = text.get(..5).filter(|head| head.eq_ignore_ascii_case("smtp:")).map_or(text, |_| &text[5..]);
            if !address.is_empty() {
                all.insert((name, address.to_lowercase()));
            }
        }
    }
    all
}

/// Directory's id to cloud's id, where both anchors are the only ones of their kind.
pub(super) fn pairs(directory: &Index<'_>, cloud: &Index<'_>) -> BTreeMap<ObjectId, ObjectId> {
    let pair =
        |(anchor, left): (&String, &Vec<&Object>)| match (left.as_slice(), cloud.by_anchor.get(anchor)?.as_slice()) {
            ([left], [right]) => Some((left.id.clone(), right.id.clone())),
            _ => None,
        };
    directory.by_anchor.iter().filter_map(pair).collect()
}

/// Anchors, names and addresses that several accounts of a side have.
pub(super) fn duplicates(index: &Index<'_>, side: Side) -> Vec<Finding> {
    let anchors = index.by_anchor.iter().map(|(value, objects)| (("anchor", value), objects));
    let names = index.by_name.iter().map(|((name, value), objects)| ((*name, value), objects));
    let several = anchors.chain(names).filter(|(_, objects)| objects.len() > 1);
    let finding = |((attribute, value), objects): ((&'static str, &String), &Vec<&Object>)| {
        // Whoever came later gives the name up; who that is, a person decides.
        let rename =
            |object: &&Object| Proposal::Rename { side, object: object.id.clone(), attribute: attribute.to_owned() };
        Finding {
            about: objects.iter().map(|object| about(side, &object.id)).collect(),
            kind: FindingKind::Duplicate { side, attribute: attribute.to_owned(), value: value.clone() },
            proposals: objects.iter().map(rename).collect(),
        }
    };
    several.map(finding).collect()
}

/// Accounts of the cloud alone that share a name with an account of the directory that is not their pair.
pub(super) fn traps(directory: &Index<'_>, cloud: &Index<'_>, pairs: &BTreeMap<ObjectId, ObjectId>) -> Vec<Finding> {
    let mut seen = BTreeSet::new();
    let mut traps = Vec::new();
    for ((name, value), rights) in &cloud.by_name {
        let alone = rights.iter().filter(|right| !cloud.anchors.contains_key(&right.id));
        for right in alone {
            // A mail address of one side is the other's proxy address: every name counts.
            let lefts = NAMES.iter().filter_map(|other| directory.by_name.get(&(*other, value.clone()))).flatten();
            for left in lefts.filter(|left| !pairs.contains_key(&left.id)) {
                if seen.insert((&left.id, &right.id)) {
                    traps.push(trap(left, right, name, value));
                }
            }
        }
    }
    traps
}

fn trap(left: &Object, right: &Object, by: &str, value: &str) -> Finding {
    let privileged = is_privileged(left) || is_privileged(right);
    let (directory, cloud) = (left.id.clone(), right.id.clone());
    Finding {
        about: vec![about(Side::Directory, &directory), about(Side::Cloud, &cloud)],
        proposals: vec![
            Proposal::Rename { side: Side::Cloud, object: cloud.clone(), attribute: by.to_owned() },
            Proposal::Link { directory: directory.clone(), cloud: cloud.clone(), needs_approval: privileged },
        ],
        kind: FindingKind::SoftMatchTrap(Trap {
            directory,
            cloud,
            by: by.to_owned(),
            value: value.to_owned(),
            privileged,
        }),
    }
}

/// What is protected, or holds a role of the cloud.
fn is_privileged(object: &Object) -> bool {
    object.protection.is_some() || !object.attributes.values("assignedRoles").is_empty()
}

/// Accounts that are on one side alone and should be on both. Only when no scope is at fault.
pub(super) fn unmatched(
    directory: &Index<'_>,
    cloud: &Index<'_>,
    pairs: &BTreeMap<ObjectId, ObjectId>,
) -> Vec<Finding> {
    let paired: BTreeSet<&ObjectId> = pairs.values().collect();
    let missing = cloud.accounts.iter().filter(|right| !paired.contains(&right.id)).filter_map(|right| {
        let anchor = cloud.anchors.get(&right.id)?;
        // A duplicate anchor has its own finding.
        if directory.by_anchor.contains_key(anchor) {
            return None;
        }
        Some(Finding {
            about: vec![about(Side::Cloud, &right.id)],
            kind: FindingKind::SourceMissing { immutable_id: anchor.clone() },
            proposals: vec![Proposal::TreatAsOrphan { object: right.id.clone() }],
        })
    });
    let waiting = directory.accounts.iter().filter(|left| {
        let anchor = directory.anchors.get(&left.id);
        !pairs.contains_key(&left.id)
            && left.enabled != Some(false)
            && left.protection.is_none()
            && anchor.is_some_and(|anchor| !cloud.by_anchor.contains_key(anchor))
    });
    let waiting = waiting.map(|left| Finding {
        about: vec![about(Side::Directory, &left.id)],
        kind: FindingKind::NotExported,
        proposals: vec![Proposal::Synchronise { object: left.id.clone() }],
    });
    missing.chain(waiting).collect()
}
