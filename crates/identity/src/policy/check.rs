//! What documents have to agree on.

use std::collections::{BTreeMap, BTreeSet};

use jiff::tz::TimeZone;

use super::Reached;
use crate::error::Refusal;
use crate::role::{Role, Rule};
use crate::system::{Settings, Station, System};

/// Kinds of connectors; the last is one in memory, which only tests have.
const CONNECTOR_KINDS: [&str; 7] = ["ldap", "active-directory", "scim", "entra", "sql-table", "csv", "memory"];
/// What a licence may cost in a year.
const MOST_COST: f64 = 10_000_000.0;
/// Roles within roles, at most.
const DEEPEST: usize = 32;

pub(super) fn zones(stations: &BTreeMap<String, Station>, faults: &mut Vec<Refusal>) -> BTreeMap<String, TimeZone> {
    let named = |(key, station): (&String, &Station)| {
        (key.clone(), zone(&format!("station {key}"), &station.time_zone, faults))
    };
    stations.iter().map(named).collect()
}

pub(super) fn zone(place: &str, name: &str, faults: &mut Vec<Refusal>) -> TimeZone {
    TimeZone::get(name).unwrap_or_else(|_| {
        faults.push(Refusal::bad(place, format!("`{name}` is no time zone; write one like `Africa/Nairobi`")));
        TimeZone::UTC
    })
}

/// What one document says of another must be there.
pub(super) fn references(
    systems: &BTreeMap<String, System>,
    roles: &BTreeMap<String, Role>,
    rules: &BTreeMap<String, Rule>,
    settings: &Settings,
    faults: &mut Vec<Refusal>,
) {
    for (key, role) in roles {
        for included in role.includes.iter().filter(|included| !roles.contains_key(*included)) {
            faults.push(Refusal::bad(format!("role {key}"), format!("it includes `{included}`, which is no role")));
        }
        for grant in role.grants.iter().filter(|grant| !systems.contains_key(&grant.system)) {
            faults.push(Refusal::bad(format!("role {key}"), format!("it grants `{grant}`; there is no such system")));
        }
    }
    for (key, rule) in rules {
        for role in rule.roles.iter().filter(|role| !roles.contains_key(*role)) {
            faults.push(Refusal::bad(format!("rule {key}"), format!("it gives `{role}`, which is no role")));
        }
        for role in rule.roles.iter().filter(|role| roles.get(*role).is_some_and(|role| role.privileged)) {
            let why = format!("`{role}` is privileged: it is borrowed for a time, never given by a rule");
            faults.push(Refusal::bad(format!("rule {key}"), why));
        }
    }
    if let Some(code) = settings.currency.as_ref()
        && !(code.len() == 3 && code.chars().all(|letter| letter.is_ascii_uppercase()))
    {
        faults.push(Refusal::bad("settings house", format!("`{code}` is no currency; write one like `EUR` or `USD`")));
    }
    let break_glass: usize = systems.values().map(|system| system.break_glass.len()).sum();
    if break_glass > settings.break_glass_max {
        let why =
            format!("{break_glass} accounts are kept out of every rule; at most {} may be", settings.break_glass_max);
        faults.push(Refusal::bad("settings house", why));
    }
    for (key, system) in systems {
        if let Some(kind) = system.connector.as_ref().map(|one| one.kind.as_str())
            && !CONNECTOR_KINDS.contains(&kind)
        {
            let why = format!("there is no connector `{kind}`; there are {}", CONNECTOR_KINDS[..6].join(", "));
            faults.push(Refusal::bad(format!("system {key}"), why));
        }
        for (name, note) in &system.entitlements {
            if note.cost_yearly.is_some_and(|cost| !(0.0..=MOST_COST).contains(&cost)) {
                let why = format!("`{name}`: what it costs in a year is a number from 0 to {MOST_COST}");
                faults.push(Refusal::bad(format!("system {key}"), why));
            }
        }
        if let Some(wide) = system.break_glass.iter().find(|login| login.contains('*')) {
            let why = format!("`{wide}` could be anybody: name each account of the last resort in full");
            faults.push(Refusal::bad(format!("system {key}"), why));
        }
    }
}

/// What each role gives. Roles that include each other are a fault.
pub(super) fn hierarchy(roles: &BTreeMap<String, Role>, faults: &mut Vec<Refusal>) -> BTreeMap<String, Vec<Reached>> {
    let mut reached = BTreeMap::new();
    for key in roles.keys() {
        let mut found = BTreeSet::new();
        let mut path = Vec::new();
        if let Err(fault) = walk(key, roles, &mut path, false, &mut found) {
            faults.push(fault);
        }
        reached.insert(key.clone(), shortest(found));
    }
    reached
}

fn walk(
    key: &str,
    roles: &BTreeMap<String, Role>,
    path: &mut Vec<String>,
    privileged: bool,
    found: &mut BTreeSet<Reached>,
) -> Result<(), Refusal> {
    let Some(role) = roles.get(key) else { return Ok(()) };
    if path.iter().any(|above| above == key) || path.len() >= DEEPEST {
        let way = format!("roles include each other: {} → {key}", path.join(" → "));
        return Err(Refusal::bad(format!("role {key}"), way));
    }
    path.push(key.to_owned());
    let privileged = privileged || role.privileged;
    for grant in &role.grants {
        found.insert(Reached { grant: grant.clone(), path: path.clone(), privileged });
    }
    for included in &role.includes {
        walk(included, roles, path, privileged, found)?;
    }
    path.pop();
    Ok(())
}

/// One way to each grant is enough to say why: an ordinary one before a privileged one, then the shortest.
fn shortest(found: BTreeSet<Reached>) -> Vec<Reached> {
    let mut best: BTreeMap<_, Reached> = BTreeMap::new();
    for one in found {
        let better = |other: &Reached| (one.privileged, one.path.len()) < (other.privileged, other.path.len());
        if best.get(&one.grant).is_none_or(better) {
            best.insert(one.grant.clone(), one);
        }
    }
    best.into_values().collect()
}
