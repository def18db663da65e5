//! What is left to do for one account, seen what the system holds. Pure.

use std::collections::{BTreeMap, BTreeSet};

use connector::{
    AttributeValue, Attributes, Capabilities, Capability, Change, NewObject, Object, ObjectClass, ObjectId, ObjectKey,
    Secret,
};

use crate::account::{Account, Wanted, WantedState};
use crate::system::{DriftPolicy, System};

/// What the decision needs beside account and object.
pub struct Given<'a> {
    pub system: &'a System,
    pub capabilities: &'a Capabilities,
    /// Groups of the system by the names that policy uses.
    pub groups: &'a BTreeMap<String, ObjectId>,
    /// Entitlements that some role or assignment speaks of.
    pub managed: &'a BTreeSet<String>,
    /// For an account that is to be made, where the system takes passwords.
    pub password: Option<Secret>,
}

/// One thing to do.
#[derive(Debug, Clone, PartialEq)]
pub struct Step {
    /// The group for memberships; the account otherwise.
    pub on: ObjectKey,
    pub change: Change,
    /// The entitlement that comes or goes.
    pub entitlement: Option<(String, bool)>,
}

/// Why nothing can be done.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Stop {
    /// The object must not be written.
    Protected(String),
    /// These entitlements are not at the system.
    NoSuchEntitlement(BTreeSet<String>),
    /// Nobody else is in this privileged group.
    LastHolder(String),
}

/// The steps in order: an account that closes is closed first; access comes before access goes; the container is last.
pub fn steps(
    account: &Account,
    wanted: &Wanted,
    object: Option<&Object>,
    given: &Given<'_>,
) -> Result<Vec<Step>, Stop> {
    let Some(object) = object else {
        return Ok(match wanted.state {
            WantedState::Absent => Vec::new(),
            WantedState::Enabled | WantedState::Disabled => vec![create(wanted, given)],
        });
    };
    if let Some(protection) = &object.protection {
        return Err(Stop::Protected(protection.to_string()));
    }
    let key = ObjectKey { class: ObjectClass::Account, key: connector::Key::Id(object.id.clone()) };
    let on_account = |change| Step { on: key.clone(), change, entitlement: None };
    if wanted.state == WantedState::Absent {
        return Ok(vec![on_account(Change::Delete)]);
    }
    let mut steps = Vec::new();
    let enabled = wanted.state == WantedState::Enabled;
    if !enabled && object.enabled == Some(true) {
        steps.push(on_account(Change::SetEnabled { enabled: false }));
    }
    let attributes = attributes(wanted, account, Some(object), given);
    if attributes.iter().any(|(name, values)| !same(object.attributes.values(name.as_str()), values)) {
        steps.push(on_account(Change::Assign { attributes, if_version: None }));
    }
    let name = object_name(wanted, given.system);
    if given.capabilities.has(Capability::Rename) && !is_called(object, &name) {
        steps.push(on_account(Change::Rename { name }));
    }
    if given.system.entitlement_attribute.is_none() {
        memberships(account, wanted, object, given, &mut steps)?;
    }
    if enabled && object.enabled == Some(false) {
        steps.push(on_account(Change::SetEnabled { enabled: true }));
    }
    if let (true, Some(container)) = (given.capabilities.has(Capability::Move), &wanted.container)
        && object.container.as_ref().is_some_and(|now| !same_place(now, container))
    {
        steps.push(on_account(Change::Move { container: container.clone() }));
    }
    Ok(steps)
}

fn create(wanted: &Wanted, given: &Given<'_>) -> Step {
    let new = NewObject {
        name: object_name(wanted, given.system),
        container: wanted.container.clone(),
        attributes: attributes(wanted, &blank(wanted), None, given),
        enabled: Some(wanted.state == WantedState::Enabled),
        expires: wanted.expires,
        password: given.password.clone(),
    };
    let on = ObjectKey::correlation(ObjectClass::Account, &given.system.anchor, &wanted.anchor);
    Step { on, change: Change::Create(new), entitlement: None }
}

/// Stands for an account of which nothing was ever seen.
fn blank(wanted: &Wanted) -> Account {
    let id = kernel::id::AccountId::derived([0; 16]);
    let nobody = kernel::id::PersonId::derived([0; 16]);
    Account::of_person(id, "", nobody, &wanted.login, kernel::Timestamp::default())
}

/// What the object is called at the system.
pub(super) fn object_name(wanted: &Wanted, system: &System) -> String {
    let named = system.object_name.as_ref().and_then(|key| wanted.names.get(key));
    named.unwrap_or(&wanted.login).clone()
}

fn is_called(object: &Object, name: &str) -> bool {
    let first = object.name.split_once(',').map_or(object.name.as_str(), |(first, _)| first);
    let bare = first.split_once('=').map_or(first, |(_, value)| value);
    object.name.eq_ignore_ascii_case(name) || bare.replace('\\', "").eq_ignore_ascii_case(name)
}

/// Attributes with the anchor, and with entitlements where they are an attribute.
pub(super) fn attributes(wanted: &Wanted, account: &Account, object: Option<&Object>, given: &Given<'_>) -> Attributes {
    let mut attributes = Attributes::new();
    for (name, values) in &wanted.attributes {
        attributes.set(name.as_str(), values.iter().map(|value| AttributeValue::from(value.as_str())).collect());
    }
    // Accounts that are nobody's own have none.
    if !wanted.anchor.is_empty() {
        attributes.set(given.system.anchor.as_str(), vec![AttributeValue::from(wanted.anchor.as_str())]);
    }
    if let Some(attribute) = &given.system.entitlement_attribute {
        let held = object.map(|object| texts(object.attributes.values(attribute))).unwrap_or_default();
        let taken = taken_back(account, wanted, &held, given);
        let values: BTreeSet<String> = held.difference(&taken).cloned().chain(wanted.entitlements.clone()).collect();
        attributes.set(attribute.as_str(), values.into_iter().map(AttributeValue::from).collect());
    }
    attributes
}

/// What goes of what is held: what this desk gave and nobody is to have any more; where the policy is to put things back,
/// also what somebody else gave of what roles speak of.
fn taken_back(account: &Account, wanted: &Wanted, held: &BTreeSet<String>, given: &Given<'_>) -> BTreeSet<String> {
    let ours = account.seen.as_ref().map(|seen| seen.ours.clone()).unwrap_or_default();
    let goes = |name: &&String| {
        let foreign = given.system.drift == DriftPolicy::Revert && given.managed.contains(*name);
        !wanted.entitlements.contains(*name) && (ours.contains(*name) || foreign)
    };
    held.iter().filter(goes).cloned().collect()
}

fn memberships(
    account: &Account,
    wanted: &Wanted,
    object: &Object,
    given: &Given<'_>,
    steps: &mut Vec<Step>,
) -> Result<(), Stop> {
    let ours = account.seen.as_ref().map(|seen| seen.ours.clone()).unwrap_or_default();
    let held = held(object, given).unwrap_or(ours);
    let missing: BTreeSet<String> =
        wanted.entitlements.iter().filter(|name| !given.groups.contains_key(*name)).cloned().collect();
    if !missing.is_empty() {
        return Err(Stop::NoSuchEntitlement(missing));
    }
    let step = |name: &String, joins: bool| {
        let group = given.groups.get(name)?;
        let member = object.id.clone();
        let change = if joins { Change::AddMember { member, until: None } } else { Change::RemoveMember { member } };
        let on = ObjectKey { class: ObjectClass::Group, key: connector::Key::Id(group.clone()) };
        Some(Step { on, change, entitlement: Some((name.clone(), joins)) })
    };
    steps.extend(wanted.entitlements.difference(&held).filter_map(|name| step(name, true)));
    steps.extend(taken_back(account, wanted, &held, given).iter().filter_map(|name| step(name, false)));
    Ok(())
}

/// Names of what an object was read to hold; `None`: the system does not tell.
pub(super) fn held(object: &Object, given: &Given<'_>) -> Option<BTreeSet<String>> {
    if let Some(attribute) = &given.system.entitlement_attribute {
        return Some(texts(object.attributes.values(attribute)));
    }
    let memberships = object.memberships.as_ref()?;
    let by_id: BTreeMap<&ObjectId, &String> = given.groups.iter().map(|(name, id)| (id, name)).collect();
    Some(memberships.iter().filter_map(|id| by_id.get(id).map(|name| (*name).clone())).collect())
}

fn texts(values: &[AttributeValue]) -> BTreeSet<String> {
    values.iter().map(ToString::to_string).collect()
}

fn same(left: &[AttributeValue], right: &[AttributeValue]) -> bool {
    left.len() == right.len() && texts(left) == texts(right)
}

fn same_place(left: &str, right: &str) -> bool {
    let key = |text: &str| connector::Matching::DistinguishedName.key(&text.into());
    key(left) == key(right)
}
