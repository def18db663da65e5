//! Plans: what changes, for whom and why; computed first, kept, compared, and carried out as computed.

mod commands;
mod propose;
mod records;
mod settle;

use kernel::Timestamp;
use kernel::id::{AccountId, PersonId, PlanId};
use serde::{Deserialize, Serialize};
use serde_json::Value as Json;

pub use commands::{PlanDetail, PlanDifference, Proposal, SystemProgress};
pub(crate) use propose::{PersonPlan, Proposer, fingerprint};
pub(crate) use records::{finish_plans, items as items_of};
pub(crate) use settle::{PERSON, settle};

use crate::account::{Wanted, WantedState};
use crate::compute::Line;

kernel::words! {
    /// What happens to an account.
    ChangeKind {
        Create = "create",
        Enable = "enable",
        Disable = "disable",
        Delete = "delete",
        Rename = "rename",
        Move = "move",
        /// Entitlements come or go.
        Access = "access",
        /// Attributes alone.
        Update = "update",
    }
}

kernel::words! {
    /// Where a plan is.
    PlanState {
        /// Computed, and nothing done: a simulation.
        Simulated = "simulated",
        Running = "running",
        Done = "done",
        /// Some accounts are as wanted, others are being tried again or need a person.
        Partial = "partial",
        /// Computed anew before it was begun.
        Stale = "stale",
        Dropped = "dropped",
    }
}

/// One account's part of a plan.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub struct PlanItem {
    pub position: i64,
    pub person: Option<PersonId>,
    pub person_name: Option<String>,
    pub account: Option<AccountId>,
    pub system: String,
    pub change: ChangeKind,
    /// `amina.diallo: +Finance-Readers −Old-Team`.
    pub summary: String,
    /// The version of the account that the plan was computed from; 0: none.
    pub base_version: i64,
    pub before: Option<Wanted>,
    pub after: Option<Wanted>,
    /// The access that is left, with its reasons.
    pub why: Json,
}

/// Plan without its items.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Plan {
    pub id: PlanId,
    pub title: String,
    /// What asked for it: `feed`, `documents`, `person`, `clock`, `reconcile`.
    pub cause: String,
    pub cause_ref: Option<String>,
    pub state: PlanState,
    pub counts: Counts,
    /// The revision of the policy that it was computed with.
    pub revision: i64,
    pub created_by: String,
    pub created: Timestamp,
    pub begun: Option<Timestamp>,
    pub ended: Option<Timestamp>,
}

/// A plan in numbers.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default)]
pub struct Counts {
    pub people: u64,
    pub create: u64,
    pub enable: u64,
    pub disable: u64,
    pub delete: u64,
    pub rename: u64,
    pub r#move: u64,
    pub access: u64,
    pub update: u64,
    /// Entitlements that are given and taken.
    pub granted: u64,
    pub revoked: u64,
}

impl Counts {
    /// Of items.
    pub fn of(items: &[PlanItem]) -> Counts {
        let mut counts = Counts::default();
        let mut people = std::collections::BTreeSet::new();
        for item in items {
            people.extend(item.person);
            match item.change {
                ChangeKind::Create => counts.create += 1,
                ChangeKind::Enable => counts.enable += 1,
                ChangeKind::Disable => counts.disable += 1,
                ChangeKind::Delete => counts.delete += 1,
                ChangeKind::Rename => counts.rename += 1,
                ChangeKind::Move => counts.r#move += 1,
                ChangeKind::Access => counts.access += 1,
                ChangeKind::Update => counts.update += 1,
            }
            let held =
                |wanted: &Option<Wanted>| wanted.as_ref().map(|one| one.entitlements.clone()).unwrap_or_default();
            let (before, after) = (held(&item.before), held(&item.after));
            counts.granted += after.difference(&before).count() as u64;
            counts.revoked += before.difference(&after).count() as u64;
        }
        counts.people = people.len() as u64;
        counts
    }

    /// Accounts that nobody can use afterwards.
    pub const fn closed(&self) -> u64 {
        self.disable + self.delete
    }
}

/// What happens between two wishes; `None`: nothing.
pub fn change(before: Option<&Wanted>, after: &Wanted) -> Option<ChangeKind> {
    let Some(before) = before else {
        return (after.state != WantedState::Absent).then_some(ChangeKind::Create);
    };
    if before == after {
        return None;
    }
    Some(match (before.state, after.state) {
        (WantedState::Absent, WantedState::Enabled | WantedState::Disabled) => ChangeKind::Create,
        (WantedState::Enabled | WantedState::Disabled, WantedState::Absent) => ChangeKind::Delete,
        (WantedState::Enabled, WantedState::Disabled) => ChangeKind::Disable,
        (WantedState::Disabled, WantedState::Enabled) => ChangeKind::Enable,
        (WantedState::Enabled, WantedState::Enabled)
        | (WantedState::Disabled, WantedState::Disabled)
        | (WantedState::Absent, WantedState::Absent) => {
            if before.login != after.login {
                ChangeKind::Rename
            } else if before.container != after.container {
                ChangeKind::Move
            } else if before.entitlements != after.entitlements {
                ChangeKind::Access
            } else {
                ChangeKind::Update
            }
        }
    })
}

/// What happens, for people to read.
pub fn summary(before: Option<&Wanted>, after: &Wanted, change: ChangeKind) -> String {
    let mut words = vec![match change {
        ChangeKind::Create if after.state == WantedState::Disabled => format!("create {}, disabled", after.login),
        ChangeKind::Rename => format!("rename {} to {}", before.map_or("", |one| one.login.as_str()), after.login),
        ChangeKind::Move => format!("move {} to {}", after.login, after.container.as_deref().unwrap_or("")),
        other => format!("{other} {}", after.login),
    }];
    let none = std::collections::BTreeSet::new();
    let held = before.map_or(&none, |before| &before.entitlements);
    words.extend(after.entitlements.difference(held).map(|name| format!("+{name}")));
    words.extend(held.difference(&after.entitlements).map(|name| format!("−{name}")));
    words.join(" ")
}

/// The lines of a system, as a plan keeps them.
pub(crate) fn reasons(lines: &[Line], system: &str) -> Json {
    let of_system: Vec<&Line> = lines.iter().filter(|line| line.grant.system == system).collect();
    serde_json::json!(of_system)
}
