//! Facts that differ, come late, were refused, or will not stand still.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use serde::{Deserialize, Serialize};

use super::HybridRules;
use super::finding::{AttributeConflict, Finding, FindingKind, Proposal, Side, about};
use crate::object::{Object, ObjectId};
use crate::schema::Matching;
use crate::value::{AttributeName, AttributeValue};

/// Changes back to a value that was there before, from which on it is flapping: A-B-A-B.
const RETURNS: usize = 2;

/// Values of two accounts of one person that are not the same.
pub(super) fn conflicts(directory: &Object, cloud: &Object, rules: &HybridRules) -> Vec<Finding> {
    let mut findings = Vec::new();
    for pair in &rules.attributes {
        let left = directory.attributes.values(pair.directory.as_str());
        let right = cloud.attributes.values(pair.cloud.as_str());
        if keys(left, pair.matching) == keys(right, pair.matching) {
            continue;
        }
        let (winner, loser, target, attribute) = match pair.authority {
            Side::Directory => (left, right, cloud, &pair.cloud),
            Side::Cloud => (right, left, directory, &pair.directory),
        };
        let assign = Proposal::Assign {
            side: pair.authority.other(),
            object: target.id.clone(),
            attribute: attribute.clone(),
            values: winner.to_vec(),
        };
        findings.push(Finding {
            about: vec![about(Side::Directory, &directory.id), about(Side::Cloud, &cloud.id)],
            kind: FindingKind::Conflict(AttributeConflict {
                directory: directory.id.clone(),
                cloud: cloud.id.clone(),
                attribute: pair.directory.clone(),
                authority: pair.authority,
                winner: winner.to_vec(),
                loser: loser.to_vec(),
            }),
            // What is protected is not written, whatever differs.
            proposals: if target.protection.is_none() { vec![assign] } else { Vec::new() },
        });
    }
    findings
}

fn keys(values: &[AttributeValue], matching: Matching) -> BTreeSet<String> {
    values.iter().map(|value| matching.key(value)).collect()
}

/// A change of the directory that the cloud has not taken over in time.
pub(super) fn lag(directory: &Object, cloud: &Object, now: Timestamp, rules: &HybridRules) -> Option<Finding> {
    let changed = directory.attributes.text("whenChanged")?;
    let changed = crate::ldap::generalized_time(changed).or_else(|| changed.parse().ok())?;
    let synchronised = cloud.attributes.text("onPremisesLastSyncDateTime").and_then(|text| text.parse().ok());
    if synchronised.is_some_and(|at: Timestamp| at >= changed) {
        return None;
    }
    let lag_ms = now.micros().saturating_sub(changed.micros()) / 1_000;
    (lag_ms > rules.lag_limit_ms).then(|| Finding {
        about: vec![about(Side::Directory, &directory.id), about(Side::Cloud, &cloud.id)],
        kind: FindingKind::Late { changed, synchronised, lag_ms },
        proposals: vec![Proposal::Synchronise { object: directory.id.clone() }],
    })
}

/// `onPremisesProvisioningErrors`, each as `code: detail`.
pub(super) fn export_errors(cloud: &Object) -> Vec<Finding> {
    let texts = cloud.attributes.values("onPremisesProvisioningErrors").iter().filter_map(AttributeValue::as_text);
    let finding = |text: &str| {
        let (code, detail) = text.split_once(':').unwrap_or((text, ""));
        Finding {
            about: vec![about(Side::Cloud, &cloud.id)],
            kind: FindingKind::ExportError { code: code.trim().to_owned(), detail: detail.trim().to_owned() },
            proposals: Vec::new(),
        }
    };
    texts.map(finding).collect()
}

/// Values of attributes as they were seen, oldest first.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
pub struct History {
    pub observations: Vec<Observation>,
}

/// A value at an instant.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Observation {
    pub at: Timestamp,
    pub side: Side,
    pub object: ObjectId,
    pub attribute: AttributeName,
    pub value: String,
}

/// An attribute that goes back and forth.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Flap {
    pub side: Side,
    pub object: ObjectId,
    pub attribute: AttributeName,
    /// The values that take turns.
    pub values: Vec<String>,
    /// Changes back to a value that was there before.
    pub returns: usize,
    pub since: Timestamp,
}

/// Attributes that went back to an earlier value twice or more.
pub fn flaps(history: &History) -> Vec<Flap> {
    let mut by_attribute: BTreeMap<(Side, &ObjectId, &AttributeName), Vec<&Observation>> = BTreeMap::new();
    for one in &history.observations {
        by_attribute.entry((one.side, &one.object, &one.attribute)).or_default().push(one);
    }
    let flap = |((side, object, attribute), mut seen): ((Side, &ObjectId, &AttributeName), Vec<&Observation>)| {
        seen.sort_by_key(|one| one.at);
        seen.dedup_by(|later, earlier| later.value == earlier.value);
        let mut values: Vec<String> = Vec::new();
        let mut returns = 0;
        for one in &seen {
            if values.contains(&one.value) {
                returns += 1;
            } else {
                values.push(one.value.clone());
            }
        }
        let since = seen.first().map(|one| one.at)?;
        let (object, attribute) = (object.clone(), attribute.clone());
        (returns >= RETURNS).then_some(Flap { side, object, attribute, values, returns, since })
    };
    by_attribute.into_iter().filter_map(flap).collect()
}
