//! Who answers for what documents describe: somebody always does. The last owner cannot be taken away, only replaced; when
//! an owner leaves, each thing that they answered for is a finding until somebody else does.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value as Json, json};
use store::{Statement, params};

use crate::document::{self, Document, DocumentKind};
use crate::error::{Error, Refusal};
use crate::finding::{self, FindingKind, FindingState, NewFinding};
use crate::room::Turn;
use crate::saying::saying;
use crate::sql;

const ANYBODY: Statement =
    Statement::new("identity.anybody", "SELECT id FROM identity_person WHERE state = 'active' LIMIT 1");

/// All of them, for the test that prepares each on both engines.
pub const OWNER_STATEMENTS: &[Statement] = &[ANYBODY];

/// Things of a document that have an owner, by name: itself, and what a system's document knows of its entitlements.
fn owners(document: &Document) -> BTreeMap<String, String> {
    let own = |name: String, body: &Json| {
        let owner = body.get("owner").and_then(Json::as_str)?;
        Some((name, owner.trim().to_owned()))
    };
    let mut owners: BTreeMap<String, String> =
        own(format!("{}:{}", document.kind, document.key), &document.body).into_iter().collect();
    if document.kind == DocumentKind::System {
        let notes = document.body.get("entitlements").and_then(Json::as_object).into_iter().flatten();
        owners.extend(notes.filter_map(|(name, note)| own(format!("entitlement:{}/{name}", document.key), note)));
    }
    owners
}

/// Refuses a document that leaves something without the owner that it had, or with an empty one.
pub(crate) fn must_stay(before: Option<&Document>, after: &Document) -> Result<(), Refusal> {
    let now = owners(after);
    if let Some((name, _)) = now.iter().find(|(_, owner)| owner.is_empty()) {
        return Err(Refusal::bad(name, "it has no owner: give the number of a person who answers for it"));
    }
    let before = before.filter(|before| before.retired.is_none() && after.retired.is_none()).map(owners);
    // An entitlement that the document no longer speaks of has lost its owner as well.
    match before.unwrap_or_default().into_iter().find(|(name, _)| !now.contains_key(name)) {
        Some((name, owner)) => Err(Refusal::bad(
            name,
            format!("{owner} is its last owner and cannot be taken away: name somebody else instead"),
        )),
        None => Ok(()),
    }
}

/// Refuses an owner of whom nobody knows. Documents come before people in a new house: whom a document in force names
/// already is waited for, and as long as nobody is known at all, everybody is.
pub(crate) async fn must_be_known(turn: &mut Turn, before: Option<&Document>, after: &Document) -> Result<(), Error> {
    if after.retired.is_some() {
        return Ok(());
    }
    let had: Vec<String> = before.map(owners).unwrap_or_default().into_values().collect();
    let new: BTreeMap<String, String> = owners(after).into_iter().filter(|(_, owner)| !had.contains(owner)).collect();
    if new.is_empty() || turn.tx.fetch_optional(&ANYBODY, params![]).await?.is_none() {
        return Ok(());
    }
    let documents = document::all(&mut turn.tx).await?;
    let in_force = documents.iter().filter(|one| one.retired.is_none());
    let named: BTreeSet<String> = in_force.flat_map(|one| owners(one).into_values()).collect();
    for (name, owner) in new {
        if !named.contains(&owner) && turn.tx.fetch_optional(&sql::PERSON_HERE, params![&owner]).await?.is_none() {
            let text =
                format!("its owner `{owner}` is nobody who is here: give the number of a person who answers for it");
            return Err(Refusal::bad(name, text).into());
        }
    }
    Ok(())
}

/// Somebody else answers for it, or it is out of use.
pub(crate) async fn settle(turn: &mut Turn, before: Option<&Document>, after: &Document) -> Result<(), Error> {
    let now = owners(after);
    for (name, owner) in before.map(owners).unwrap_or_default() {
        if after.retired.is_some() || now.get(&name).is_some_and(|other| *other != owner) {
            turn.settle_finding(FindingKind::OwnerLeft, &name, "somebody else answers for it").await?;
        }
    }
    Ok(())
}

/// Findings of systems that are out of use want nobody any more.
pub(crate) async fn settle_retired(turn: &mut Turn) -> Result<(), Error> {
    let documents = document::all(&mut turn.tx).await?;
    let retired = documents.iter().filter(|one| one.kind == DocumentKind::System && one.retired.is_some());
    let retired: BTreeSet<&str> = retired.map(|one| one.key.as_str()).collect();
    if retired.is_empty() {
        return Ok(());
    }
    for open in finding::list(&mut turn.tx, None, Some(FindingState::Open)).await? {
        if open.system.as_deref().is_some_and(|system| retired.contains(system)) {
            turn.settle_finding(open.kind, &open.subject, "its system is out of use").await?;
        }
    }
    Ok(())
}

/// An owner is here again: what they answered for needs nobody else.
pub(crate) async fn back(turn: &mut Turn, number: &str) -> Result<(), Error> {
    for open in finding::list(&mut turn.tx, Some(FindingKind::OwnerLeft), Some(FindingState::Open)).await? {
        if open.detail["owner"].as_str() == Some(number) {
            turn.settle_finding(FindingKind::OwnerLeft, &open.subject, "the owner is here again").await?;
        }
    }
    Ok(())
}

/// An owner left: what they answered for needs somebody else.
pub(crate) async fn left(turn: &mut Turn, number: &str, name: &str) -> Result<(), Error> {
    for document in document::all(&mut turn.tx).await?.iter().filter(|one| one.retired.is_none()) {
        for (thing, _) in owners(document).into_iter().filter(|(_, owner)| owner == number) {
            let title =
                saying!("{name}, who answered for {what}, has left: name somebody else", name = name, what = thing);
            let detail = json!({ "owner": number, "document": format!("{}:{}", document.kind, document.key) });
            turn.find(NewFinding { detail, ..NewFinding::new(FindingKind::OwnerLeft, thing, title) }).await?;
        }
    }
    Ok(())
}
