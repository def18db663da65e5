//! What a system holds against what is wanted of it. Pure.

use std::collections::BTreeSet;

use connector::{Object, ObjectId};
use serde::{Deserialize, Serialize};

use super::steps::{Given, attributes, held, object_name};
use crate::account::{Account, Seen, Status, Wanted, WantedState};

/// One thing that is another at the system than it should be.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Difference {
    /// `enabled`, `name`, `container`, `attribute mail`, `entitlement Finance-Readers`.
    pub what: String,
    pub ours: String,
    pub theirs: String,
}

impl Difference {
    fn new(what: impl Into<String>, ours: impl Into<String>, theirs: impl Into<String>) -> Difference {
        Difference { what: what.into(), ours: ours.into(), theirs: theirs.into() }
    }

    /// It is about how the object is called or where it lies: the standard of its system says how it should be.
    pub fn is_of_standard(&self) -> bool {
        matches!(self.what.as_str(), "name" | "container")
    }

    /// The entitlement that somebody gave at the system, when this is one.
    pub fn given(&self) -> Option<&str> {
        self.what.strip_prefix("entitlement ").filter(|_| self.ours == "no")
    }

    /// The entitlement that somebody took at the system, when this is one.
    pub fn taken(&self) -> Option<&str> {
        self.what.strip_prefix("entitlement ").filter(|_| self.ours == "yes")
    }
}

/// Everything in which an account at its system is not as wanted.
pub fn differences(account: &Account, wanted: &Wanted, object: &Object, given: &Given<'_>) -> Vec<Difference> {
    let mut found = Vec::new();
    let enabled = wanted.state == WantedState::Enabled;
    if object.enabled.is_some_and(|now| now != enabled) {
        found.push(Difference::new("enabled", word(enabled), word(!enabled)));
    }
    for (name, values) in attributes(wanted, account, Some(object), given).iter() {
        if given.system.entitlement_attribute.as_deref().is_some_and(|own| own.eq_ignore_ascii_case(name.as_str())) {
            continue;
        }
        let texts = |values: &[connector::AttributeValue]| -> BTreeSet<String> {
            values.iter().map(ToString::to_string).collect()
        };
        let (ours, theirs) = (texts(values), texts(object.attributes.values(name.as_str())));
        if ours != theirs {
            found.push(Difference::new(format!("attribute {name}"), listed(&ours), listed(&theirs)));
        }
    }
    if let Some(container) = &wanted.container
        && object.container.as_ref().is_some_and(|now| !now.eq_ignore_ascii_case(container))
    {
        found.push(Difference::new("container", container, object.container.clone().unwrap_or_default()));
    }
    if let Some(held) = held(object, given) {
        // Of what the desk does not speak of, it has no opinion.
        let ours = account.seen.as_ref().map(|seen| seen.ours.clone()).unwrap_or_default();
        let spoken_of = |name: &&String| given.managed.contains(*name) || ours.contains(*name);
        for name in held.difference(&wanted.entitlements).filter(spoken_of) {
            found.push(Difference::new(format!("entitlement {name}"), "no", "yes"));
        }
        for name in wanted.entitlements.difference(&held) {
            found.push(Difference::new(format!("entitlement {name}"), "yes", "no"));
        }
    }
    found
}

const fn word(yes: bool) -> &'static str {
    if yes { "yes" } else { "no" }
}

fn listed(values: &BTreeSet<String>) -> String {
    values.iter().cloned().collect::<Vec<_>>().join("; ")
}

/// What was read, as it is remembered.
pub(super) fn seen(
    account: &Account,
    object: &Object,
    given: &Given<'_>,
    memberships: Option<&BTreeSet<String>>,
) -> Seen {
    let was = account.seen.clone().unwrap_or_default();
    let held = memberships.cloned().or_else(|| held(object, given)).unwrap_or(was.entitlements);
    // Of accounts that nobody knows too, only what the document of the system names is kept: the rest is not the desk's.
    let wanted = account.wanted.iter().flat_map(|wanted| wanted.attributes.keys());
    let known: Vec<&String> = wanted.chain(given.system.attributes.keys()).collect();
    let mut attributes = std::collections::BTreeMap::new();
    for (name, values) in object.attributes.iter() {
        if known.iter().any(|one| one.eq_ignore_ascii_case(name.as_str())) {
            attributes.insert(name.as_str().to_owned(), values.iter().map(ToString::to_string).collect());
        }
    }
    let wanted = account.wanted.as_ref().map(|wanted| wanted.entitlements.clone()).unwrap_or_default();
    let ours = held.iter().filter(|name| was.ours.contains(*name) || wanted.contains(*name)).cloned().collect();
    Seen {
        name: object.name.clone(),
        enabled: object.enabled,
        container: object.container.clone(),
        attributes,
        entitlements: held,
        ours,
    }
}

/// The state that an object shows.
pub(super) const fn status(object: &Object) -> Status {
    match object.enabled {
        Some(false) => Status::Disabled,
        Some(true) | None => Status::Enabled,
    }
}

/// Whether an object is where the standard of its system puts accounts, and called as it calls them.
pub(super) fn off_standard(wanted: &Wanted, object: &Object, given: &Given<'_>) -> Option<Difference> {
    let name = object_name(wanted, given.system);
    let called = super::engine::short_name(object);
    (!called.eq_ignore_ascii_case(&name)).then(|| Difference::new("name", name, called))
}

/// The native ids of the groups that an object is in, where the groups were read.
pub(super) type Memberships = std::collections::HashMap<ObjectId, BTreeSet<String>>;
