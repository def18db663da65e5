//! Groups of a system: new, renamed, gone, and what lies in what.

use std::collections::{BTreeSet, HashMap};

use connector::{Object, ObjectId};
use kernel::id::EntitlementId;
use serde_json::json;
use store::params;

use super::engine::{Working, short_name};
use super::reconcile::Reading;
use crate::entitlement::{self, Entitlement, EntitlementKind};
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::room::Turn;
use crate::saying::{Saying, saying};
use crate::sql;

/// Keeps groups as they are called and nested now.
pub(super) async fn take(turn: &mut Turn, working: &Working<'_>, reading: &Reading) -> Result<(), Error> {
    let known = entitlement::all(&mut turn.tx).await?;
    let of_system: Vec<&Entitlement> = known.iter().filter(|one| one.system == working.key).collect();
    let by_native: HashMap<&str, &Entitlement> =
        of_system.iter().filter_map(|one| Some((one.native_id.as_deref()?, *one))).collect();
    let by_name: HashMap<&str, &Entitlement> = of_system.iter().map(|one| (one.name.as_str(), *one)).collect();
    let now = turn.now();
    let mut changed = 0;
    let mut ids: HashMap<&ObjectId, EntitlementId> = HashMap::new();
    for group in &reading.groups {
        let name = short_name(group);
        let before = by_native.get(group.id.as_str()).or_else(|| by_name.get(name.as_str()));
        let new = Entitlement::named(&crate::role::Grant::entitlement(working.key, &name), now);
        let Some(mut one) = before.map(|one| (*one).clone()).or(new) else { continue };
        ids.insert(&group.id, one.id);
        let renamed = (one.name != name).then(|| name.clone());
        if one.version > 0
            && one.native_id.as_deref() == Some(group.id.as_str())
            && one.gone.is_none()
            && one.title == renamed
        {
            continue;
        }
        if one.version == 0 {
            one.kind = EntitlementKind::Group;
        }
        // Roles go on naming it as they did: it is the same group.
        one.title = renamed;
        report_name(turn, working, &one).await?;
        one.native_id = Some(group.id.0.clone());
        one.seen = Some(now);
        one.gone = None;
        entitlement::save(&mut turn.tx, &mut one).await?;
        changed += 1;
    }
    for one in of_system.iter().filter(|one| one.gone.is_none() && one.native_id.is_some()) {
        if working.system.entitlement_attribute.is_none() && !ids.values().any(|id| *id == one.id) {
            let mut one = (*one).clone();
            one.gone = Some(now);
            entitlement::save(&mut turn.tx, &mut one).await?;
            report_gone(turn, working, &one).await?;
            changed += 1;
        }
    }
    take_nesting(turn, reading, &ids).await?;
    if let Some(outside) = &reading.outside {
        let seen = outside.iter().filter_map(|(group, members)| Some((*ids.get(group)?, members.clone()))).collect();
        let catalog = turn.known.catalog.clone();
        let of_system: Vec<&Entitlement> =
            of_system.iter().map(|one| catalog.entitlement(one.id).unwrap_or(one)).collect();
        crate::group::keep_outside(turn, &of_system, &seen).await?;
    }
    crate::group::report_cycles(turn, working.key).await?;
    if changed > 0 {
        turn.tx.execute(&sql::TOUCH_REVISION, params![]).await?;
    }
    Ok(())
}

/// A group that came, or has another name: told by a reading of changes.
pub(super) async fn take_one(turn: &mut Turn, working: &Working<'_>, object: &Object) -> Result<(), Error> {
    let (name, now) = (short_name(object), turn.now());
    let known = entitlement::all(&mut turn.tx).await?;
    let of_system = || known.iter().filter(|one| one.system == working.key);
    let before = of_system()
        .find(|one| one.native_id.as_deref() == Some(object.id.as_str()))
        .or_else(|| of_system().find(|one| one.name == name));
    let new = Entitlement::named(&crate::role::Grant::entitlement(working.key, &name), now);
    let Some(mut one) = before.cloned().or(new) else { return Ok(()) };
    let renamed = (one.name != name).then_some(name);
    let same = one.version > 0 && one.gone.is_none() && one.title == renamed;
    if same && one.native_id.as_deref() == Some(object.id.as_str()) {
        return Ok(());
    }
    if one.version == 0 {
        one.kind = EntitlementKind::Group;
    }
    one.title = renamed;
    one.native_id = Some(object.id.0.clone());
    one.seen = Some(now);
    one.gone = None;
    entitlement::save(&mut turn.tx, &mut one).await?;
    report_name(turn, working, &one).await?;
    turn.tx.execute(&sql::TOUCH_REVISION, params![]).await?;
    Ok(())
}

/// A group that was deleted: told by a reading of changes.
pub(super) async fn take_gone(turn: &mut Turn, working: &Working<'_>, id: &ObjectId) -> Result<(), Error> {
    let known = entitlement::all(&mut turn.tx).await?;
    let is_it = |one: &&Entitlement| one.system == working.key && one.native_id.as_deref() == Some(id.as_str());
    let Some(mut one) = known.iter().find(is_it).filter(|one| one.gone.is_none()).cloned() else { return Ok(()) };
    one.gone = Some(turn.now());
    entitlement::save(&mut turn.tx, &mut one).await?;
    report_gone(turn, working, &one).await?;
    turn.tx.execute(&sql::TOUCH_REVISION, params![]).await?;
    Ok(())
}

/// A group that the desk speaks of and that is called otherwise at its system: it is followed, and people are told.
async fn report_name(turn: &mut Turn, working: &Working<'_>, one: &Entitlement) -> Result<(), Error> {
    let subject = one.id.to_string();
    let Some(now) = one.title.as_ref().filter(|_| working.managed.contains(&one.name)) else {
        turn.settle_finding(FindingKind::GroupChanged, &subject, "it is there, under the name that is known").await?;
        return Ok(());
    };
    let title = saying!(
        "{group} is called {now} at the system now: documents go on naming it as before",
        group = one.grant(),
        now = now
    );
    report(turn, one, title, json!({ "name": one.name, "now": now })).await
}

/// A group that the desk speaks of is not there any more.
async fn report_gone(turn: &mut Turn, working: &Working<'_>, one: &Entitlement) -> Result<(), Error> {
    if !working.managed.contains(&one.name) {
        return Ok(());
    }
    let title = saying!("{group} is not at the system any more, and documents speak of it", group = one.grant());
    report(turn, one, title, json!({ "name": one.name, "now": null })).await
}

async fn report(turn: &mut Turn, one: &Entitlement, title: Saying, detail: serde_json::Value) -> Result<(), Error> {
    let finding = NewFinding {
        system: Some(one.system.clone()),
        detail,
        ..NewFinding::new(FindingKind::GroupChanged, one.id, title)
    };
    turn.find(finding).await.map(drop)
}

async fn take_nesting(
    turn: &mut Turn,
    reading: &Reading,
    ids: &HashMap<&ObjectId, EntitlementId>,
) -> Result<(), Error> {
    let own: BTreeSet<EntitlementId> = ids.values().copied().collect();
    let told = reading.nesting.iter().filter_map(|(parent, child)| Some((*ids.get(parent)?, *ids.get(child)?)));
    let told: BTreeSet<_> = told.collect();
    let known: BTreeSet<_> = entitlement::nesting(&mut turn.tx).await?.into_iter().collect();
    for (parent, child) in told.difference(&known) {
        entitlement::nest(&mut turn.tx, *parent, *child, true).await?;
    }
    for (parent, child) in known.difference(&told).filter(|(parent, _)| own.contains(parent)) {
        entitlement::nest(&mut turn.tx, *parent, *child, false).await?;
    }
    Ok(())
}
