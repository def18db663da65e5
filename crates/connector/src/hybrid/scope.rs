//! The units and groups that say what is synchronised, found by id: a name is not a place.

use serde::{Deserialize, Serialize};

use super::finding::{Finding, FindingKind, Proposal, ScopeState, Side, about};
use super::{HybridRules, Snapshot};
use crate::ldap::name;
use crate::object::{Object, ObjectClass, ObjectId};

/// A unit or a group, as it was when all was well.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Scope {
    pub id: ObjectId,
    /// Its distinguished name then.
    pub name: String,
    /// Accounts in it then.
    pub objects: usize,
}

/// Scopes that are not what they were.
pub(super) fn findings(directory: &Snapshot, rules: &HybridRules) -> Vec<Finding> {
    rules.scopes.iter().filter_map(|scope| finding(directory, scope, rules.scope_drop_percent)).collect()
}

fn finding(directory: &Snapshot, scope: &Scope, drop_percent: usize) -> Option<Finding> {
    let found = directory.objects.iter().find(|object| object.id == scope.id);
    let now = found.map(|object| held(directory, object)).unwrap_or(0);
    let lost = scope.objects.saturating_sub(now);
    let state = match found {
        None => ScopeState::Gone,
        Some(object) if !same_name(object, &scope.name) => ScopeState::Renamed {
            name_now: object.attributes.text("distinguishedName").unwrap_or(&object.name).to_owned(),
        },
        Some(_) if lost * 100 > scope.objects * drop_percent => ScopeState::Shrunk,
        Some(_) => return None,
    };
    let kind = FindingKind::ScopeLost {
        name_before: scope.name.clone(),
        state,
        objects_before: scope.objects,
        objects_now: now,
    };
    let proposals = vec![Proposal::RepairScope { scope: scope.id.clone() }];
    Some(Finding { about: vec![about(Side::Directory, &scope.id)], kind, proposals })
}

fn same_name(object: &Object, before: &str) -> bool {
    let now = object.attributes.text("distinguishedName").unwrap_or(&object.name);
    let key = |text: &str| crate::Matching::DistinguishedName.key(&text.into());
    key(now) == key(before)
}

/// Accounts that stand in a unit, or are members of a group.
fn held(directory: &Snapshot, scope: &Object) -> usize {
    let accounts = directory.objects.iter().filter(|object| object.class == ObjectClass::Account);
    if scope.class == ObjectClass::Group {
        return accounts.filter(|one| one.memberships.iter().flatten().any(|id| *id == scope.id)).count();
    }
    let place = scope.attributes.text("distinguishedName").unwrap_or(&scope.name);
    accounts.filter(|one| one.container.as_deref().is_some_and(|container| name::is_under(container, place))).count()
}
