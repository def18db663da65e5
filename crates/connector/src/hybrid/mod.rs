//! The health of a hybrid identity: one person as an account of Active Directory and as an account of Entra ID, kept equal by
//! a synchronisation that fails quietly. A pure look at two snapshots, with what could be done about each finding; nothing is
//! done here.
//!
//! A scope that cannot be found, or that lost many of its objects, is a fault and never health: nothing that follows from it
//! (a thousand leavers) is proposed then.

mod finding;
mod matching;
mod scope;
mod values;

pub use finding::{AttributeConflict, Finding, FindingKind, Proposal, ScopeState, Side, Trap};
pub use scope::Scope;
pub use values::{Flap, History, Observation, flaps};

use std::collections::BTreeMap;

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use crate::object::{Object, ObjectId};
use crate::schema::Matching;
use crate::value::AttributeName;
use matching::Index;

/// What a side held at an instant.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct Snapshot {
    pub at: Timestamp,
    pub objects: Vec<Object>,
}

/// What is expected of the two sides.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct HybridRules {
    /// The attribute of the directory whose value becomes `onPremisesImmutableId`; absent there: objectGUID counts.
    pub anchor: AttributeName,
    pub attributes: Vec<AttributePair>,
    pub scopes: Vec<Scope>,
    /// A change that the cloud has not taken over after so long is late.
    pub lag_limit_ms: i64,
    /// A scope that lost more than this share of its objects is a fault.
    pub scope_drop_percent: usize,
}

/// One fact of a person on both sides, and whose word counts.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct AttributePair {
    pub directory: AttributeName,
    pub cloud: AttributeName,
    pub authority: Side,
    #[serde(default)]
    pub matching: Matching,
}

/// What was found.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct HybridReport {
    /// Directory's id and cloud's id of each person on both sides.
    pub pairs: Vec<(ObjectId, ObjectId)>,
    /// Grave ones first; then by what they are about.
    pub findings: Vec<Finding>,
    /// No scope is at fault; only then may absence mean that somebody left.
    pub scopes_sound: bool,
}

/// Looks at both sides.
pub fn examine(directory: &Snapshot, cloud: &Snapshot, rules: &HybridRules, history: &History) -> HybridReport {
    let (left, right) = (Index::directory(&directory.objects, &rules.anchor), Index::cloud(&cloud.objects));
    let pairs = matching::pairs(&left, &right);
    let mut findings = scope::findings(directory, rules);
    let scopes_sound = findings.is_empty();
    findings.extend(matching::duplicates(&left, Side::Directory));
    findings.extend(matching::duplicates(&right, Side::Cloud));
    findings.extend(matching::traps(&left, &right, &pairs));
    if scopes_sound {
        findings.extend(matching::unmatched(&left, &right, &pairs));
    }
    let by_id: BTreeMap<&ObjectId, &Object> = cloud.objects.iter().map(|object| (&object.id, object)).collect();
    for object in &directory.objects {
        let Some(other) = pairs.get(&object.id).and_then(|id| by_id.get(id)) else { continue };
        findings.extend(values::conflicts(object, other, rules));
        findings.extend(values::lag(object, other, cloud.at, rules));
    }
    findings.extend(cloud.objects.iter().flat_map(values::export_errors));
    findings.extend(flaps(history).into_iter().map(Finding::flapping));
    findings.sort_by(|left, right| left.rank().cmp(&right.rank()).then_with(|| left.about.cmp(&right.about)));
    HybridReport { pairs: pairs.into_iter().collect(), findings, scopes_sound }
}

#[cfg(test)]
mod tests;
