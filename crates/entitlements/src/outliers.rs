//! Grants that a person's peers would not lead one to expect: what a reviewer should look at first.
//!
//! A grant is supported from two sides. *Peers*: how many of those who are like the person, were it not for this grant,
//! have it too. *Companions*: permissions that the same people hold elsewhere; does this person hold them? Peers are a
//! group by attributes (organisation unit, job, duty station) of eight or more; where nothing is known of people, they
//! are weighed by how alike their access is (Jaccard index), sharply, so that the most alike decide. The grant in
//! question is left out on both sides, so that it does not vouch for itself.
//!
//! Support is lessened a little by rarity (inverse frequency), and what else is known (not used for long, part of a
//! violation of separation of duties) raises the score. Every score comes with what went into it.

use std::collections::HashMap;
use std::num::NonZeroUsize;

use serde::Serialize;

use crate::roles::Access;
use crate::roles::matrix::Reduced;
use crate::workers;

/// A group of peers is large enough from this size on.
pub const SMALLEST_PEER_GROUP: usize = 8;
/// How much of the score rarity may decide.
const RARITY_SHARE: f64 = 0.03;
/// Support where nothing can be compared.
const NEUTRAL: f64 = 0.5;
/// A grant that has not been used for so long counts as idle entirely.
const IDLE_DAYS: f64 = 365.0;
const IDLE_WEIGHT: f64 = 0.3;
const TOXIC_WEIGHT: f64 = 0.5;

/// What is known of people and their use of access.
#[derive(Default)]
pub struct Evidence<'a> {
    /// Of each user, peer groups from the narrowest to the widest, as the caller numbers them; `None` where an attribute
    /// is missing. Empty: nothing is known of anybody.
    pub peer_groups: &'a [Vec<Option<u32>>],
    /// Days since (user, permission) was last used; `None`: not known.
    pub idle_days: Option<&'a (dyn Fn(u32, u32) -> Option<u32> + Sync)>,
    /// Whether the grant is part of a violation of separation of duties.
    pub is_toxic: Option<&'a (dyn Fn(u32, u32) -> bool + Sync)>,
}

/// A grant and how unexpected it is.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Outlier {
    pub user: u32,
    pub permission: u32,
    /// From 0 (everything speaks for it) to 1.
    pub score: f64,
    pub features: Features,
}

/// What went into a score.
#[derive(Debug, Clone, PartialEq, Serialize)]
pub struct Features {
    /// How many peers there were; with likeness in place of attributes, everybody else.
    pub peers: usize,
    /// Which of the user's peer groups it was, 0 the narrowest; `None`: by likeness of access.
    pub peer_level: Option<usize>,
    /// Share of the peers who have it, the alike counting more.
    pub peer_share: Option<f64>,
    /// Share of the permissions that go with it elsewhere and that this person has; `None`: nobody else has it.
    pub companion_share: Option<f64>,
    /// 0: everybody has it; 1: one person.
    pub rarity: f64,
    pub idle_days: Option<u32>,
    pub is_toxic: bool,
}

impl Features {
    fn score(&self) -> f64 {
        let support = (self.peer_share.unwrap_or(NEUTRAL) + self.companion_share.unwrap_or(NEUTRAL)) / 2.0;
        let unexpected = (1.0 - support) * (1.0 - RARITY_SHARE + RARITY_SHARE * self.rarity);
        let idle = self.idle_days.map_or(0.0, |days| (f64::from(days) / IDLE_DAYS).min(1.0) * IDLE_WEIGHT);
        let toxic = if self.is_toxic { TOXIC_WEIGHT } else { 0.0 };
        1.0 - (1.0 - unexpected) * (1.0 - idle) * (1.0 - toxic)
    }

    /// By how much each feature moves the score, the strongest first; negative: it speaks for the grant.
    pub fn contributions(&self) -> Vec<(&'static str, f64)> {
        let score = self.score();
        let without = |change: &dyn Fn(&mut Features)| {
            let mut other = self.clone();
            change(&mut other);
            score - other.score()
        };
        let mut moved = vec![
            ("peer-share", without(&|other| other.peer_share = None)),
            ("companion-share", without(&|other| other.companion_share = None)),
            ("rarity", without(&|other| other.rarity = 0.0)),
            ("idle-days", without(&|other| other.idle_days = None)),
            ("separation-of-duties", without(&|other| other.is_toxic = false)),
        ];
        moved.retain(|(_, by)| by.abs() > 1e-9);
        moved.sort_by(|left, right| right.1.abs().total_cmp(&left.1.abs()));
        moved
    }
}

/// Scores every grant, the most unexpected first.
pub fn outliers(access: &Access, evidence: &Evidence<'_>, workers: NonZeroUsize) -> Vec<Outlier> {
    let reduced = Reduced::of(access);
    let groups = PeerGroups::of(access, evidence.peer_groups);
    let alike = workers::map(reduced.rows.len(), workers, |row| alike_shares(&reduced, row));
    let companions = workers::map(reduced.columns.len(), workers, |column| companion_shares(&reduced, column));
    let users = access.users();
    let mut found: Vec<Outlier> = Vec::with_capacity(access.grants());
    for (row, row_users) in reduced.users.iter().enumerate() {
        for column in reduced.rows[row].ones() {
            let holders: usize = reduced.columns[column].ones().map(|row| reduced.users[row].len()).sum();
            let all = (users + 1) as f64;
            let rarity = (all / holders as f64).ln() / all.ln();
            let companion_share = companions[column].get(&(row as u32)).copied().flatten();
            for &permission in &reduced.permissions[column] {
                for &user in row_users {
                    let by_group = groups.share(access, user, permission);
                    let (peers, peer_level, peer_share) = by_group
                        .unwrap_or_else(|| (users - 1, None, alike[row].get(&(column as u32)).copied().flatten()));
                    let idle_days = evidence.idle_days.and_then(|idle_days| idle_days(user, permission));
                    let is_toxic = evidence.is_toxic.is_some_and(|is_toxic| is_toxic(user, permission));
                    let features =
                        Features { peers, peer_level, peer_share, companion_share, rarity, idle_days, is_toxic };
                    found.push(Outlier { user, permission, score: features.score(), features });
                }
            }
        }
    }
    found.sort_by(|left, right| {
        right.score.total_cmp(&left.score).then((left.user, left.permission).cmp(&(right.user, right.permission)))
    });
    found
}

/// The sixteenth power: the most alike decide.
fn sharpened(likeness: f64) -> f64 {
    likeness.powi(16)
}

/// Of each permission of a row's users, the share of others who have it, weighed by how alike they are without it.
/// `None` for somebody who has nothing else, because nobody can be said to be like them.
fn alike_shares(reduced: &Reduced, row: usize) -> HashMap<u32, Option<f64>> {
    let size_of =
        |row: usize| -> f64 { reduced.rows[row].ones().map(|column| reduced.permissions[column].len() as f64).sum() };
    let size = size_of(row);
    let others: Vec<(usize, f64, f64)> = (0..reduced.rows.len())
        .map(|other| {
            let both = reduced.rows[row].intersection(&reduced.rows[other]);
            let both: f64 = both.map(|column| reduced.permissions[column].len() as f64).sum();
            (other, both, size_of(other))
        })
        .collect();
    let share = |column: usize| {
        if size <= 1.0 {
            return None;
        }
        let likeness = |(other, both, other_size): &(usize, f64, f64)| {
            let has = f64::from(u8::from(reduced.rows[*other].contains(column)));
            let both = both - has;
            let all = (size - 1.0) + (other_size - has) - both;
            let weight = reduced.users[*other].len() as f64 - f64::from(u8::from(*other == row));
            (if all > 0.0 { both / all } else { 0.0 }, weight, has)
        };
        weighed_share(others.iter().map(likeness))
    };
    reduced.rows[row].ones().map(|column| (column as u32, share(column))).collect()
}

/// Of each holder of a column's permissions, the share of the permissions most often held together with it, by others,
/// that the holder has. `None` where nobody else holds it or the holder has nothing else.
fn companion_shares(reduced: &Reduced, column: usize) -> HashMap<u32, Option<f64>> {
    let size_of =
        |column: usize| -> f64 { reduced.columns[column].ones().map(|row| reduced.users[row].len() as f64).sum() };
    let size = size_of(column);
    let others: Vec<(usize, f64, f64)> = (0..reduced.columns.len())
        .filter_map(|other| {
            let both = reduced.columns[column].intersection(&reduced.columns[other]);
            let both: f64 = both.map(|row| reduced.users[row].len() as f64).sum();
            (both > 0.0).then(|| (other, both, size_of(other)))
        })
        .collect();
    let share = |row: usize| {
        let own: usize = reduced.rows[row].ones().map(|column| reduced.permissions[column].len()).sum();
        if size <= 1.0 || own <= 1 {
            return None;
        }
        let likeness = |(other, both, other_size): &(usize, f64, f64)| {
            let has = f64::from(u8::from(reduced.rows[row].contains(*other)));
            let both = both - has;
            let all = (size - 1.0) + (other_size - has) - both;
            let weight = reduced.permissions[*other].len() as f64 - f64::from(u8::from(*other == column));
            (if all > 0.0 { both / all } else { 0.0 }, weight, has)
        };
        weighed_share(others.iter().map(likeness)).or(Some(0.0))
    };
    reduced.columns[column].ones().map(|row| (row as u32, share(row))).collect()
}

/// Share of those that have it among all, each (likeness, how many, has it) weighed by likeness relative to the most
/// alike. `None`: nobody is alike at all.
fn weighed_share(all: impl Iterator<Item = (f64, f64, f64)> + Clone) -> Option<f64> {
    let most = all.clone().filter(|(_, count, _)| *count > 0.0).map(|(likeness, _, _)| likeness).fold(0.0, f64::max);
    if most <= 0.0 {
        return Some(0.0);
    }
    let (having, total) = all.fold((0.0, 0.0), |(having, total), (likeness, count, has)| {
        let weight = sharpened(likeness / most) * count;
        (having + weight * has, total + weight)
    });
    (total > 0.0).then(|| having / total)
}

/// Peers by attributes.
struct PeerGroups<'a> {
    of: &'a [Vec<Option<u32>>],
    /// (level, group) to its size.
    sizes: HashMap<(usize, u32), usize>,
    /// (level, group, permission) to how many have it.
    having: HashMap<(usize, u32, u32), usize>,
}

impl<'a> PeerGroups<'a> {
    fn of(access: &Access, of: &'a [Vec<Option<u32>>]) -> PeerGroups<'a> {
        let (mut sizes, mut having) = (HashMap::new(), HashMap::new());
        for (user, levels) in of.iter().enumerate() {
            for (level, group) in
                levels.iter().enumerate().filter_map(|(level, group)| group.map(|group| (level, group)))
            {
                *sizes.entry((level, group)).or_default() += 1;
                for permission in access.of(user) {
                    *having.entry((level, group, *permission)).or_default() += 1;
                }
            }
        }
        PeerGroups { of, sizes, having }
    }

    /// The narrowest group that is large enough: how many others, its level, the share that has the permission.
    fn share(&self, access: &Access, user: u32, permission: u32) -> Option<(usize, Option<usize>, Option<f64>)> {
        let levels = self.of.get(user as usize)?.iter().enumerate();
        let mut known = levels.filter_map(|(level, group)| group.map(|group| (level, group)));
        let (level, group) =
            known.find(|group| self.sizes.get(group).is_some_and(|size| *size >= SMALLEST_PEER_GROUP))?;
        let others = self.sizes.get(&(level, group))? - 1;
        let own = usize::from(access.has(user as usize, permission));
        let having = self.having.get(&(level, group, permission)).copied().unwrap_or(0) - own;
        Some((others, Some(level), Some(having as f64 / others as f64)))
    }
}
