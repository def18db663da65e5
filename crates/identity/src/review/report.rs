//! How reviewers review: how fast, how often they only nod, and whether they see what cannot be.

use std::collections::BTreeMap;

use kernel::id::PersonId;
use serde::Serialize;

use super::decide::Verdict;
use super::item::ReviewItem;

/// Faster than this nobody has read anything.
const GLANCE_US: i64 = 5_000_000;

/// One reviewer in one campaign.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct ReviewerFigures {
    pub reviewer: PersonId,
    pub items: usize,
    pub decided: usize,
    pub kept: usize,
    pub revoked: usize,
    /// Median time from seeing to deciding, in seconds.
    pub median_s: Option<f64>,
    /// Share of what was kept within five seconds.
    pub glanced: Option<f64>,
    /// Accesses that nobody has: how many were put before them and decided on, and how many they saw through.
    pub canaries: usize,
    pub canaries_caught: usize,
    /// Much was kept, nothing revoked and most of it at a glance, or a canary was kept.
    pub is_rubber_stamp: bool,
}

/// Of each reviewer of a campaign.
pub fn figures(items: &[ReviewItem]) -> Vec<ReviewerFigures> {
    let mut by_reviewer: BTreeMap<PersonId, Vec<&ReviewItem>> = BTreeMap::new();
    for item in items {
        if let Some(reviewer) = item.reviewer {
            by_reviewer.entry(reviewer).or_default().push(item);
        }
    }
    by_reviewer.into_iter().map(|(reviewer, items)| of_reviewer(reviewer, &items)).collect()
}

fn of_reviewer(reviewer: PersonId, items: &[&ReviewItem]) -> ReviewerFigures {
    const MANY: usize = 10;
    let own = reviewer.to_string();
    let decided: Vec<&&ReviewItem> =
        items.iter().filter(|item| item.decided_by.as_deref() == Some(own.as_str())).collect();
    let of = |verdict| decided.iter().filter(|item| item.decision == Some(verdict)).count();
    let taken = |item: &ReviewItem| Some(item.decided?.micros() - item.shown?.micros());
    let mut times: Vec<i64> = decided.iter().filter_map(|item| taken(item)).collect();
    times.sort_unstable();
    let kept: Vec<i64> =
        decided.iter().filter(|item| item.decision == Some(Verdict::Keep)).filter_map(|item| taken(item)).collect();
    let glances = kept.iter().filter(|taken| **taken < GLANCE_US).count();
    let glanced = (!kept.is_empty()).then(|| glances as f64 / kept.len() as f64);
    let canaries: Vec<_> = decided.iter().filter(|item| item.is_canary).collect();
    let caught = canaries.iter().filter(|item| item.decision == Some(Verdict::Revoke)).count();
    let nods = decided.len() >= MANY && of(Verdict::Revoke) == caught && glanced.is_some_and(|share| share > 0.8);
    ReviewerFigures {
        reviewer,
        items: items.len(),
        decided: decided.len(),
        kept: of(Verdict::Keep),
        revoked: of(Verdict::Revoke),
        median_s: times.get(times.len() / 2).map(|taken| *taken as f64 / 1e6),
        glanced,
        canaries: canaries.len(),
        canaries_caught: caught,
        is_rubber_stamp: nods || caught < canaries.len(),
    }
}
