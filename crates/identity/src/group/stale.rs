//! Groups that nobody needs any more: no policy speaks of them, and they are empty or nobody in them was seen for long. They
//! are proposed; a person decides.

use std::collections::BTreeSet;

use kernel::{Actor, Timestamp};
use serde::Serialize;
use serde_json::json;

use super::GroupView;
use super::life::{self, GroupLife, LifeState};
use super::members::views;
use super::nesting::Nesting;
use crate::assignment::{self, Target};
use crate::conditional::ConditionalAccess;
use crate::document::{self, DocumentKind};
use crate::error::{Error, Refusal};
use crate::finding::{FindingKind, NewFinding};
use crate::room::{Identity, Turn};

const DAY_US: i64 = 86_400_000_000;
/// What a person decided to keep is not proposed again for so long.
const KEPT_DAYS: i64 = 180;

/// What a look for stale groups found.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize)]
pub struct StaleGroups {
    pub looked_at: u64,
    /// Proposed now, as `system/name`.
    pub proposed: Vec<String>,
    /// In use again: no longer proposed.
    pub withdrawn: Vec<String>,
    /// Members of which nobody knows when they were last used: no group is called stale because of them.
    pub unknown_use: u64,
}

impl Identity {
    /// Looks for groups that nobody needed for `days` days, and proposes them.
    ///
    /// # Errors
    /// [`Error::Refused`] for fewer than 30 days.
    pub async fn find_stale_groups(&self, days: i64, actor: &Actor) -> Result<StaleGroups, Error> {
        if !(30..=3_650).contains(&days) {
            return Err(Refusal::bad("days", "a group is stale after 30 to 3650 days").into());
        }
        let mut turn = self.turn(actor, &format!("groups that nobody needed for {days} days")).await?;
        let now = turn.now();
        let since = now.plus_micros(-days * DAY_US);
        let nesting = Nesting::load(&mut turn.tx).await?;
        let spoken_of = spoken_of(&mut turn).await?;
        let mut found = StaleGroups::default();
        for group in views(&mut turn.tx, &nesting, None).await?.into_iter().filter(|one| one.gone.is_none()) {
            found.looked_at += 1;
            let number = nesting.number(group.id)?;
            let changed = nesting.group(number).map_or(now, |one| one.updated);
            found.unknown_use +=
                nesting.members(number).filter(|(_, account)| account.last_use.is_none()).count() as u64;
            let everybody_known = nesting.members(number).all(|(_, account)| account.last_use.is_some());
            let reason = reason(&group, everybody_known, since, changed, &spoken_of, days);
            judge(&mut turn, &group, reason, &mut found).await?;
        }
        turn.record("group.look", "groups", serde_json::Value::Null, json!(found));
        turn.finish().await?;
        Ok(found)
    }
}

/// Why a group is stale; `None`: it is not.
fn reason(
    group: &GroupView,
    everybody_known: bool,
    since: Timestamp,
    changed: Timestamp,
    spoken_of: &BTreeSet<String>,
    days: i64,
) -> Option<String> {
    let name = format!("{}/{}", group.system, group.name);
    let is_spoken_of = spoken_of.contains(&name) || group.native_id.as_ref().is_some_and(|id| spoken_of.contains(id));
    // What lies in another group gives access there, and is needed as long as that is.
    if is_spoken_of || group.native_id.is_none() || changed > since || !group.parents.is_empty() {
        return None;
    }
    if group.effective == 0 {
        return Some(format!("nobody is in it, no policy speaks of it, and it did not change for {days} days"));
    }
    let is_idle = everybody_known && group.last_use.is_some_and(|last| last < since);
    is_idle.then(|| {
        format!("none of its {} members was used for {days} days, and no policy speaks of it", group.effective)
    })
}

async fn judge(
    turn: &mut Turn,
    group: &GroupView,
    reason: Option<String>,
    found: &mut StaleGroups,
) -> Result<(), Error> {
    let name = format!("{}/{}", group.system, group.name);
    let now = turn.now();
    let is_kept = |life: &GroupLife| {
        let rests = now.micros() - life.changed.micros() < KEPT_DAYS * DAY_US;
        match life.state {
            LifeState::Kept | LifeState::Restored => rests,
            LifeState::Proposed | LifeState::Disabling | LifeState::Disabled | LifeState::Removed => true,
            LifeState::Withdrawn => false,
        }
    };
    match (reason, &group.life) {
        (Some(reason), life) if !life.as_ref().is_some_and(is_kept) => {
            let version = life.as_ref().map_or(0, |life| life.version);
            life::propose(turn, group.id, version, &reason).await?;
            let subject = group.id.to_string();
            let title = format!("{name}: {reason}");
            let new = NewFinding::new(FindingKind::StaleGroup, subject, title);
            let detail = json!({ "group": name, "members": group.effective, "owner": group.owner, "reason": reason });
            turn.find(NewFinding { system: Some(group.system.clone()), detail, ..new }).await?;
            found.proposed.push(name);
        }
        (None, Some(life)) if life.state == LifeState::Proposed => {
            life::withdraw(turn, life).await?;
            turn.settle_finding(FindingKind::StaleGroup, &group.id.to_string(), "it is in use again").await?;
            found.withdrawn.push(name);
        }
        _ => {}
    }
    Ok(())
}

/// What documents and open assignments speak of: `system/name`, and ids in policies on sign-ins.
async fn spoken_of(turn: &mut Turn) -> Result<BTreeSet<String>, Error> {
    let mut found = BTreeSet::new();
    for document in document::all(&mut turn.tx).await?.iter().filter(|one| one.retired.is_none()) {
        if document.kind == DocumentKind::ConditionalAccess {
            let policy: ConditionalAccess = document.read()?;
            found.extend(policy.cedar.split('"').skip(1).step_by(2).map(str::to_owned));
        } else {
            texts(&document.body, &mut found);
        }
    }
    for one in assignment::all_open(&mut turn.tx).await? {
        if let Target::Entitlement(id) = one.target {
            found.insert(id.to_string());
        }
    }
    let known = turn.known.catalog.clone();
    let named: Vec<String> =
        known.all().filter(|one| found.contains(&one.id.to_string())).map(|one| one.grant().to_string()).collect();
    found.extend(named);
    Ok(found)
}

fn texts(value: &serde_json::Value, found: &mut BTreeSet<String>) {
    match value {
        serde_json::Value::String(text) if text.contains('/') => drop(found.insert(text.clone())),
        serde_json::Value::Array(all) => all.iter().for_each(|one| texts(one, found)),
        serde_json::Value::Object(fields) => fields.values().for_each(|one| texts(one, found)),
        _ => {}
    }
}
