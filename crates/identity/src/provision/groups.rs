//! Groups of a system: new, renamed, gone, and what lies in what.

use std::collections::{BTreeSet, HashMap};

use connector::ObjectId;
use kernel::id::EntitlementId;
use store::params;

use super::engine::{Working, short_name};
use super::reconcile::Reading;
use crate::entitlement::{self, Entitlement, EntitlementKind};
use crate::error::Error;
use crate::room::Turn;
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
            changed += 1;
        }
    }
    take_nesting(turn, reading, &ids).await?;
    crate::group::report_cycles(turn, working.key).await?;
    if changed > 0 {
        turn.tx.execute(&sql::TOUCH_REVISION, params![]).await?;
    }
    Ok(())
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
