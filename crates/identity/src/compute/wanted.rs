//! From access to what is wanted of each account. Names are settled in between, because they depend on those of others.

use std::collections::{BTreeMap, BTreeSet};

use kernel::Timestamp;
use kernel::id::{AccountId, PersonId};
use minijinja::Value;

use super::access::{Access, DAY_US, Phase};
use super::subject::Subject;
use crate::account::{Account, AccountKind, Status, Wanted, WantedState};
use crate::error::Refusal;
use crate::names::Named;
use crate::policy::{NameFacts, Policy};
use crate::system::Resting;

/// What an account should be, before its names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Draft {
    pub system: String,
    /// The account that there is.
    pub account: Option<AccountId>,
    pub state: WantedState,
    pub entitlements: BTreeSet<String>,
    /// It was never opened.
    pub ahead: bool,
    /// A second account in the system: it keeps its names and is never opened, and goes with the person.
    pub second: bool,
}

/// Of the accounts of somebody, the one in each system that follows contracts and assignments. Two records that were put
/// together bring two: it is the one that has always been this person's, and of those the older.
pub fn leading(accounts: &[Account], person: PersonId) -> BTreeMap<&str, &Account> {
    let anchor = person.uuid().to_string();
    let rank = |account: &Account| {
        let wanted = account.wanted.as_ref();
        let gone = wanted.is_some_and(|wanted| wanted.state == WantedState::Absent);
        (gone, wanted.is_none_or(|wanted| wanted.anchor != anchor), account.created, account.id)
    };
    let mut leading: BTreeMap<&str, &Account> = BTreeMap::new();
    for account in accounts.iter().filter(|account| account.kind == AccountKind::Person && account.may_be_changed()) {
        let known = leading.entry(&account.system).or_insert(account);
        if rank(account) < rank(known) {
            *known = account;
        }
    }
    leading
}

/// Accounts of somebody beside the one that leads in its system. What is to be gone, or is, is none.
pub fn seconds(accounts: &[Account], person: PersonId) -> impl Iterator<Item = &Account> {
    let leading = leading(accounts, person);
    let is_second = move |account: &&Account| {
        let own = account.kind == AccountKind::Person && account.may_be_changed();
        let gone = account.wanted.as_ref().is_some_and(|wanted| wanted.state == WantedState::Absent);
        own && !gone && leading.get(account.system.as_str()).is_some_and(|leads| leads.id != account.id)
    };
    accounts.iter().filter(is_second)
}

/// What every account of somebody should be. Accounts that nothing is to be done about are left out.
pub fn drafts(policy: &Policy, subject: &Subject, access: &Access, now: Timestamp) -> Vec<Draft> {
    let accounts = leading(&subject.accounts, subject.person.id);
    let mut systems: BTreeSet<&str> = access.lines.iter().map(|line| line.grant.system.as_str()).collect();
    systems.extend(access.ahead.iter().map(String::as_str));
    systems.extend(accounts.keys());
    let guarded =
        |system: &str| subject.accounts.iter().any(|account| account.system == system && !account.may_be_changed());
    let one = |system: &str| draft(policy, access, system, accounts.get(system).copied(), now);
    let mut drafts: Vec<Draft> =
        systems.iter().filter(|system| !guarded(system)).filter_map(|system| one(system)).collect();
    let beside = seconds(&subject.accounts, subject.person.id).filter(|account| !guarded(&account.system));
    drafts.extend(beside.filter_map(|account| second(policy, access, account, now)));
    drafts
}

/// A second account is never opened and given nothing; what ends for the person ends there too.
fn second(policy: &Policy, access: &Access, account: &Account, now: Timestamp) -> Option<Draft> {
    let led = draft(policy, access, &account.system, Some(account), now)?;
    let was = account.wanted.as_ref();
    if was.is_none() && led.state == WantedState::Enabled {
        return None;
    }
    let state = match (led.state, was.map(|was| was.state)) {
        (WantedState::Enabled, Some(WantedState::Disabled)) => WantedState::Disabled,
        (state, _) => state,
    };
    let held = was.map(|was| was.entitlements.clone()).unwrap_or_default();
    let entitlements = held.intersection(&led.entitlements).cloned().collect();
    Some(Draft { state, entitlements, second: true, ..led })
}

fn draft(policy: &Policy, access: &Access, system: &str, account: Option<&Account>, now: Timestamp) -> Option<Draft> {
    let lines = || access.lines.iter().filter(|line| line.grant.system == system);
    let document = policy.systems.get(system)?;
    let entitlements = lines().filter_map(|line| line.grant.entitlement.clone()).collect();
    let account_id = account.map(|account| account.id);
    let never_opened = account.is_none_or(is_ahead);
    let named = |state, entitlements| {
        let ahead = never_opened && state == WantedState::Disabled;
        Some(Draft { system: system.to_owned(), account: account_id, state, entitlements, ahead, second: false })
    };
    let expired = account.and_then(|account| account.expires).is_some_and(|expires| expires <= now);
    let wakes = lines().any(|line| line.account == Resting::Enabled && !line.asleep);
    match access.phase {
        Phase::Blocked { .. } => account.and_then(|_| named(WantedState::Disabled, entitlements)),
        Phase::Here { .. } if wakes && !expired => named(WantedState::Enabled, entitlements),
        Phase::Here { .. } | Phase::Between { .. } if lines().next().is_some() => {
            if account.is_none() && !matches!(access.phase, Phase::Here { .. }) {
                return None;
            }
            named(WantedState::Disabled, entitlements)
        }
        Phase::Here { .. } | Phase::Between { .. } | Phase::Coming { .. } => {
            if access.ahead.contains(system) || account.is_some() {
                return named(WantedState::Disabled, entitlements);
            }
            None
        }
        Phase::Gone { since } => {
            let account = account?;
            let over = |days: i64| since.plus_micros(days.saturating_mul(DAY_US)) <= now;
            let gone = document.delete_days.is_some_and(over);
            let was_there = account.wanted.is_some();
            match (gone, was_there) {
                (true, true) => named(WantedState::Absent, BTreeSet::new()),
                _ => named(WantedState::Disabled, entitlements),
            }
        }
        Phase::Nobody => {
            // A contract that was never to be: what was made ahead of it goes. What was ever open, or was there before us, stays.
            let account = account?;
            let goes = is_ahead(account) && account.last_use.is_none() && account.status != Status::Enabled;
            let state = if goes { WantedState::Absent } else { WantedState::Disabled };
            named(state, BTreeSet::new())
        }
    }
}

/// Whether an account was made, or is being made, ahead of a first day and was never opened; or is gone, and would be made anew.
fn is_ahead(account: &Account) -> bool {
    account.wanted.as_ref().is_some_and(|wanted| match wanted.state {
        WantedState::Disabled => wanted.ahead,
        WantedState::Absent => wanted.ahead || account.status == Status::Absent,
        WantedState::Enabled => false,
    })
}

/// What is wanted of an account, with its names.
///
/// # Errors
/// A template that cannot be filled.
pub fn wanted(policy: &Policy, draft: &Draft, anchor: &str, facts: &Value, named: &Named) -> Result<Wanted, Refusal> {
    let names = &named.names;
    let system = policy
        .systems
        .get(&draft.system)
        .ok_or_else(|| Refusal::bad("system", format!("there is no system `{}`", draft.system)))?;
    let login = names.get("login").map_or("", String::as_str);
    let known = NameFacts { login, names };
    let mut attributes = BTreeMap::new();
    for attribute in system.attributes.keys() {
        let value = policy.templates.attribute(&draft.system, attribute, facts, &known)?;
        let value = value.trim();
        let values = if value.is_empty() { Vec::new() } else { vec![value.to_owned()] };
        attributes.insert(attribute.clone(), values);
    }
    for (name, former) in &named.former {
        let naming = if name == "login" { Some(&system.login) } else { system.names.get(name) };
        let Some(attribute) = naming.and_then(|naming| naming.alias_attribute.clone()) else { continue };
        let values: &mut Vec<String> = attributes.entry(attribute).or_default();
        for former in former {
            values.push(policy.templates.alias(&draft.system, name, former)?);
        }
    }
    let container = match &system.container {
        Some(_) => Some(policy.templates.container(&draft.system, facts, &known)?.trim().to_owned()),
        None => None,
    };
    Ok(Wanted {
        state: draft.state,
        login: login.to_owned(),
        anchor: anchor.to_owned(),
        names: names.clone(),
        former: named.former.clone(),
        attributes,
        container: container.filter(|container| !container.is_empty()),
        entitlements: draft.entitlements.clone(),
        expires: None,
        ahead: draft.ahead,
    })
}

/// What is wanted of a second account: names and attributes stay as they are.
pub fn wanted_of_second(draft: &Draft, account: &Account) -> Wanted {
    let kept = account.wanted.clone().unwrap_or_else(|| Wanted::unnamed(draft.state, &account.login));
    Wanted { state: draft.state, entitlements: draft.entitlements.clone(), ahead: draft.ahead, ..kept }
}
