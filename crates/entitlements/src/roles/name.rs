//! A name for a role from what its people have in common.

use std::collections::BTreeMap;

use serde::Serialize;

/// Attributes that describe a role's people: all values together, "job = finance officer and station = Goma".
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct RoleName {
    /// (dimension, value), as the caller numbers them.
    pub terms: Vec<(u32, u32)>,
    /// Share of the people with these attributes who have the role.
    pub precision: f64,
    /// Share of the role's people who have these attributes.
    pub recall: f64,
}

impl RoleName {
    /// Harmonic mean of precision and recall: how well the name fits.
    pub fn fit(&self) -> f64 {
        let sum = self.precision + self.recall;
        if sum > 0.0 { 2.0 * self.precision * self.recall / sum } else { 0.0 }
    }
}

/// The best-fitting conjunction of up to three attributes. `attributes[user]` lists (dimension, value). `None`: nobody
/// of the role has any attribute.
pub fn name(users: &[u32], attributes: &[Vec<(u32, u32)>]) -> Option<RoleName> {
    const MOST_TERMS: usize = 3;
    let mut best: Option<RoleName> = None;
    let mut terms: Vec<(u32, u32)> = Vec::new();
    while terms.len() < MOST_TERMS {
        let next = better(users, attributes, &terms, best.as_ref().map_or(0.0, RoleName::fit));
        let Some(name) = next else { break };
        terms.clone_from(&name.terms);
        best = Some(name);
    }
    best
}

/// The name with the one further term that fits best, if it fits better than `fit`.
fn better(users: &[u32], attributes: &[Vec<(u32, u32)>], terms: &[(u32, u32)], fit: f64) -> Option<RoleName> {
    let of = |user: usize| attributes.get(user).map_or(&[][..], Vec::as_slice);
    let has_all = |user: usize| terms.iter().all(|term| of(user).contains(term));
    let mut within: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for user in users.iter().map(|user| *user as usize).filter(|user| has_all(*user)) {
        for term in of(user).iter().filter(|term| !terms.contains(term)) {
            *within.entry(*term).or_default() += 1;
        }
    }
    let mut everywhere: BTreeMap<(u32, u32), usize> = BTreeMap::new();
    for user in (0..attributes.len()).filter(|user| has_all(*user)) {
        for term in of(user).iter().filter(|term| within.contains_key(term)) {
            *everywhere.entry(*term).or_default() += 1;
        }
    }
    let named = |(term, here): (&(u32, u32), &usize)| {
        let all = everywhere.get(term).copied().unwrap_or(*here).max(*here);
        let terms = terms.iter().copied().chain([*term]).collect();
        RoleName { terms, precision: *here as f64 / all as f64, recall: *here as f64 / users.len() as f64 }
    };
    let best = within.iter().map(named).max_by(|left, right| left.fit().total_cmp(&right.fit()))?;
    (best.fit() > fit + 1e-9).then_some(best)
}
