//! Grants unlike those of peers.

use entitlements::outliers::{Evidence, Outlier, outliers};
use entitlements::roles::Access;
use proptest::prelude::*;

use crate::world;

/// Two teams of ten with five permissions each.
fn teams() -> Vec<Vec<u32>> {
    (0..20).map(|user| if user < 10 { (0..5).collect() } else { (5..10).collect() }).collect()
}

fn first(access: Vec<Vec<u32>>, evidence: &Evidence<'_>) -> Outlier {
    outliers(&Access::new(access), evidence, world::two()).remove(0)
}

#[test]
fn a_stranger_among_equals_comes_first() {
    let mut rows = teams();
    rows[3].push(7);
    let found = first(rows, &Evidence::default());
    assert_eq!((found.user, found.permission), (3, 7));
    assert_eq!(found.features.peer_share, Some(0.0));
    assert!(found.score > 0.9);
}

#[test]
fn peers_by_attributes_fall_back_to_wider_groups() {
    let mut rows = teams();
    rows[3].push(7);
    // Units of five are too small; departments of ten are not.
    let groups: Vec<Vec<Option<u32>>> = (0..20).map(|user| vec![Some(user / 5), Some(user / 10)]).collect();
    let found = first(rows, &Evidence { peer_groups: &groups, ..Evidence::default() });
    assert_eq!((found.user, found.permission), (3, 7));
    assert_eq!((found.features.peers, found.features.peer_level), (9, Some(1)));
}

#[test]
fn what_is_unused_or_toxic_rises() {
    let idle = |user: u32, permission: u32| Some(if (user, permission) == (12, 6) { 400 } else { 1 });
    let found = first(teams(), &Evidence { idle_days: Some(&idle), ..Evidence::default() });
    assert_eq!((found.user, found.permission), (12, 6));
    assert_eq!(found.features.contributions()[0].0, "idle-days", "{:?}", found.features.contributions());
    assert!(found.features.contributions().iter().any(|(name, by)| *name == "peer-share" && *by < -0.1));
    let toxic = |user: u32, permission: u32| (user, permission) == (1, 1);
    let found = first(teams(), &Evidence { is_toxic: Some(&toxic), ..Evidence::default() });
    assert_eq!((found.user, found.permission), (1, 1));
}

proptest! {
    #[test]
    fn every_grant_has_one_score_between_nothing_and_one(
        rows in prop::collection::vec(prop::collection::vec(0..12_u32, 0..8), 0..14),
    ) {
        let access = Access::new(rows);
        let found = outliers(&access, &Evidence::default(), world::two());
        prop_assert_eq!(found.len(), access.grants());
        for one in &found {
            prop_assert!(access.has(one.user as usize, one.permission));
            prop_assert!((0.0..=1.0).contains(&one.score), "{:?}", one);
        }
        prop_assert!(found.windows(2).all(|pair| pair[0].score >= pair[1].score));
    }
}
