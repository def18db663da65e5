//! Functions that name what is not there: a typing error in a control is a control that is off, so it is told until what is
//! named was seen.

use std::collections::BTreeSet;

use serde_json::json;

use super::rules::SodFunction;
use crate::compute::Catalog;
use crate::document::{self, DocumentKind};
use crate::error::{Error, Refusal};
use crate::finding::{self, FindingKind, FindingState, NewFinding};
use crate::policy::Policy;
use crate::role::Grant;
use crate::room::Turn;
use crate::saying::saying;

/// A function may name what is to come, and no system that is not described.
pub(super) fn refuse_systems(
    policy: &Policy,
    catalog: &Catalog,
    key: &str,
    function: &SodFunction,
) -> Result<(), Refusal> {
    for grant in function.clone().grants() {
        if !policy.systems.contains_key(&grant.system) && catalog.all().all(|one| one.system != grant.system) {
            let known: Vec<&str> = policy.systems.keys().map(String::as_str).collect();
            let problem = format!("`{grant}`: there is no system `{}`; there are {}", grant.system, known.join(", "));
            return Err(Refusal::bad(format!("sod-function {key}"), problem));
        }
    }
    Ok(())
}

/// What of a function is not known at its system.
pub fn unknown_of(policy: &Policy, catalog: &Catalog, function: &SodFunction) -> Vec<Grant> {
    let given: BTreeSet<Grant> = policy.grants().into_iter().cloned().collect();
    let is_known = |grant: &Grant| {
        let system = policy.systems.get(&grant.system);
        let reads_groups = system.is_some_and(|one| one.connector.is_some() && one.entitlement_attribute.is_none());
        let seen = catalog.named(grant).is_some_and(|one| one.gone.is_none() && one.native_id.is_some());
        seen || !reads_groups && (given.contains(grant) || catalog.named(grant).is_some_and(|one| one.gone.is_none()))
    };
    function.clone().grants().into_iter().filter(|grant| !is_known(grant)).collect()
}

/// Looks over all functions: what names nothing is a finding, what was named so and is there by now is none any more.
pub(crate) async fn look(turn: &mut Turn) -> Result<(), Error> {
    let policy = turn.known.policy.clone();
    let catalog = Catalog::load(&mut turn.tx, &policy).await?;
    let open = finding::list(&mut turn.tx, Some(FindingKind::UnknownEntitlement), Some(FindingState::Open)).await?;
    let mut told = BTreeSet::new();
    for document in document::all(&mut turn.tx).await? {
        if document.kind != DocumentKind::SodFunction || document.retired.is_some() {
            continue;
        }
        let Ok(function) = document.read::<SodFunction>() else { continue };
        let unknown: Vec<String> = unknown_of(&policy, &catalog, &function).iter().map(ToString::to_string).collect();
        if unknown.is_empty() {
            continue;
        }
        let subject = format!("sod-function/{}", document.key);
        let title = saying!(
            "the function {title} names nothing that is known: {unknown}",
            title = function.title,
            unknown = unknown.join(", ")
        );
        let detail = json!({ "function": document.key, "unknown": unknown });
        turn.find(NewFinding { detail, ..NewFinding::new(FindingKind::UnknownEntitlement, &subject, title) }).await?;
        told.insert(subject);
    }
    for one in open.iter().filter(|one| !told.contains(&one.subject)) {
        turn.settle_finding(FindingKind::UnknownEntitlement, &one.subject, "what it names is known").await?;
        turn.record("sod.known", one.id, serde_json::Value::Null, json!({ "subject": one.subject }));
    }
    Ok(())
}
