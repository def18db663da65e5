//! Accounts in groups and groups in groups, numbered for the crate `entitlements`.

use std::collections::{BTreeMap, BTreeSet, HashMap};

use entitlements::{Closure, Edge, Entitlement as Held, Group, Holdings, User};
use kernel::id::EntitlementId;
use serde_json::json;
use store::Read;

use super::outside::{self, OutsideMember};
use crate::account::{self, Account, Status};
use crate::entitlement::{self, Entitlement};
use crate::error::Error;
use crate::finding::{FindingKind, NewFinding};
use crate::inventory::workers;
use crate::room::Turn;
use crate::saying::saying;

/// Who is in what.
pub(super) struct Nesting {
    pub(super) groups: Vec<Entitlement>,
    at: HashMap<EntitlementId, u32>,
    pub(super) accounts: Vec<Account>,
    pub(super) direct: HashMap<EntitlementId, u64>,
    pub(super) closure: Closure,
    cycles: HashMap<u32, Vec<Group>>,
    outside: HashMap<EntitlementId, BTreeSet<OutsideMember>>,
}

impl Nesting {
    pub(super) async fn load(read: &mut impl Read) -> Result<Nesting, Error> {
        let groups = entitlement::all(read).await?;
        let at: HashMap<EntitlementId, u32> = (0..).zip(&groups).map(|(at, group)| (group.id, at)).collect();
        let all = account::all(read).await?;
        let mut accounts: Vec<Account> = all.into_iter().filter(|one| one.status != Status::Absent).collect();
        accounts.sort_by_key(|account| account.id);
        let users: HashMap<_, u32> = (0..).zip(&accounts).map(|(at, account)| (account.id, at)).collect();
        let mut holdings = Holdings::default();
        for number in at.values() {
            holdings.insert(Edge::Grants(Group(*number), Held(*number)));
        }
        for (parent, child) in entitlement::nesting(read).await? {
            if let (Some(parent), Some(child)) = (at.get(&parent), at.get(&child)) {
                holdings.insert(Edge::Nested(Group(*child), Group(*parent)));
            }
        }
        let mut direct: HashMap<EntitlementId, u64> = HashMap::new();
        for (account, held, _) in account::all_holdings(read).await? {
            if let (Some(user), Some(group)) = (users.get(&account), at.get(&held)) {
                holdings.insert(Edge::Member(User(*user), Group(*group)));
                *direct.entry(held).or_default() += 1;
            }
        }
        let closure = Closure::of(holdings, workers());
        let mut cycles = HashMap::new();
        for cycle in closure.cycles() {
            for group in &cycle.groups {
                cycles.insert(group.0, cycle.round.clone());
            }
        }
        let outside = outside::all(read).await?;
        Ok(Nesting { groups, at, accounts, direct, closure, cycles, outside })
    }

    /// Members outside of what is read that are in the group itself.
    pub(super) fn outside_itself(&self, id: EntitlementId) -> u64 {
        self.outside.get(&id).map_or(0, |all| all.len() as u64)
    }

    /// Members outside of what is read, in the group or in one that lies in it.
    pub(super) fn outside(&self, number: Group) -> BTreeSet<OutsideMember> {
        let mut found = BTreeSet::new();
        if self.outside.is_empty() {
            return found;
        }
        let (mut seen, mut open) = (BTreeSet::from([number.0]), vec![number.0]);
        while let Some(at) = open.pop() {
            let id = self.groups.get(at as usize).map(|group| group.id);
            found.extend(id.and_then(|id| self.outside.get(&id)).into_iter().flatten().cloned());
            let below = self.closure.holdings().children_of(at);
            open.extend(below.iter().copied().filter(|child| seen.insert(*child)));
        }
        found
    }

    pub(super) fn number(&self, id: EntitlementId) -> Result<Group, Error> {
        self.at.get(&id).copied().map(Group).ok_or_else(|| Error::missing("group", id))
    }

    pub(super) fn group(&self, number: Group) -> Option<&Entitlement> {
        self.groups.get(number.0 as usize)
    }

    pub(super) fn label(&self, number: Group) -> String {
        self.group(number).map(|one| one.grant().to_string()).unwrap_or_default()
    }

    pub(super) fn labels(&self, numbers: impl IntoIterator<Item = Group>) -> Vec<String> {
        numbers.into_iter().map(|number| self.label(number)).collect()
    }

    /// The circle that a group is in, one way round.
    pub(super) fn cycle(&self, number: Group) -> Vec<String> {
        self.cycles.get(&number.0).map(|round| self.labels(round.iter().copied())).unwrap_or_default()
    }

    /// Accounts that are in a group by whatever way.
    pub(super) fn members(&self, number: Group) -> impl Iterator<Item = (u32, &Account)> {
        let users = self.closure.members(number).iter();
        users.filter_map(|user| self.accounts.get(user as usize).map(|account| (user, account)))
    }

    /// A shortest way from what the account is in itself to the group.
    pub(super) fn path(&self, user: u32, number: Group) -> Vec<String> {
        let path = self.closure.path(User(user), Held(number.0));
        path.map(|path| self.labels(path.groups)).unwrap_or_default()
    }
}

/// Groups that lie in each other in a circle are a finding, one for each circle, until somebody opens it.
pub(crate) async fn report_cycles(turn: &mut Turn, system: &str) -> Result<(), Error> {
    let groups = entitlement::all(&mut turn.tx).await?;
    let at: HashMap<EntitlementId, u32> = (0..).zip(&groups).map(|(at, group)| (group.id, at)).collect();
    let mut holdings = Holdings::default();
    for (parent, child) in entitlement::nesting(&mut turn.tx).await? {
        if let (Some(parent), Some(child)) = (at.get(&parent), at.get(&child)) {
            holdings.insert(Edge::Nested(Group(*child), Group(*parent)));
        }
    }
    let closure = Closure::of(holdings, workers());
    let mut found: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for cycle in closure.cycles() {
        let name = |group: &Group| groups.get(group.0 as usize).map(|one| one.grant().to_string());
        let is_here = |group: &Group| groups.get(group.0 as usize).is_some_and(|one| one.system == system);
        if !cycle.groups.iter().any(is_here) {
            continue;
        }
        let first = cycle.groups.iter().filter_map(|group| groups.get(group.0 as usize)).map(|one| one.id).min();
        let subject = first.map(|id| id.to_string()).unwrap_or_default();
        found.insert(subject, cycle.round.iter().filter_map(name).collect());
    }
    let open =
        crate::finding::list(&mut turn.tx, Some(FindingKind::NestingCycle), Some(crate::finding::FindingState::Open));
    let ended: BTreeSet<String> = open
        .await?
        .into_iter()
        .filter(|one| one.system.as_deref() == Some(system) && !found.contains_key(&one.subject))
        .map(|one| one.subject)
        .collect();
    for subject in ended {
        turn.settle_finding(FindingKind::NestingCycle, &subject, "the circle was opened").await?;
    }
    for (subject, round) in found {
        let title = saying!("groups lie in each other: {round}", round = round.join(" → "));
        let new = NewFinding::new(FindingKind::NestingCycle, subject, title);
        let detail = json!({ "round": round });
        turn.find(NewFinding { system: Some(system.to_owned()), detail, ..new }).await?;
    }
    Ok(())
}
