//! Mined roles: always exact; the least number on matrices small enough to try everything.

use entitlements::roles::{Access, Budget, Goal, Role, RoleSet, compare, mine, name, quality};
use proptest::prelude::*;

fn quick() -> Budget {
    Budget { steps: 20_000, seed: 7 }
}

fn matrices(users: usize, permissions: u32) -> impl Strategy<Value = Access> {
    let row = prop::collection::vec(0..permissions, 0..=permissions as usize);
    prop::collection::vec(row, 0..=users).prop_map(Access::new)
}

/// Access that roles were planted in, as organisations have it.
fn planted() -> impl Strategy<Value = Access> {
    let roles = prop::collection::vec(prop::collection::vec(0..40_u32, 1..8), 1..9);
    let users = prop::collection::vec(prop::collection::vec(any::<prop::sample::Index>(), 0..4), 1..40);
    (roles, users).prop_map(|(roles, users)| {
        let row = |of: Vec<prop::sample::Index>| of.iter().flat_map(|one| one.get(&roles).clone()).collect();
        Access::new(users.into_iter().map(row).collect())
    })
}

/// The least number of rectangles, by trying: every closed set of permissions, every combination, fewest first.
fn least(access: &Access) -> usize {
    let rows: Vec<u32> =
        (0..access.users()).map(|user| access.of(user).iter().fold(0, |bits, held| bits | 1 << held)).collect();
    let ones: Vec<(usize, u32)> = (0..rows.len()).flat_map(|user| (0..6).map(move |held| (user, held))).collect();
    let ones: Vec<(usize, u32)> = ones.into_iter().filter(|(user, held)| rows[*user] >> held & 1 == 1).collect();
    let mut rectangles: Vec<u64> = (1..64_u32)
        .map(|permissions| {
            let gives =
                |(user, held): &(usize, u32)| rows[*user] & permissions == permissions && permissions >> held & 1 == 1;
            ones.iter().enumerate().filter(|(_, one)| gives(one)).fold(0, |bits, (place, _)| bits | 1 << place)
        })
        .filter(|rectangle| *rectangle != 0)
        .collect();
    rectangles.sort_unstable();
    rectangles.dedup();
    let all = if ones.is_empty() { 0 } else { u64::MAX >> (64 - ones.len()) };
    (0..=ones.len()).find(|count| can_cover(all, *count, &rectangles)).unwrap()
}

fn can_cover(open: u64, count: usize, rectangles: &[u64]) -> bool {
    if open == 0 {
        return true;
    }
    let first = open & open.wrapping_neg();
    count > 0 && rectangles.iter().any(|one| one & first != 0 && can_cover(open & !one, count - 1, rectangles))
}

proptest! {
    #[test]
    fn the_number_of_roles_is_the_least(access in matrices(6, 6)) {
        let set = mine(&access, Goal::FewestRoles, quick()).unwrap();
        let least = least(&access);
        prop_assert!(set.at_least <= least, "a bound of {} is wrong: {} suffice", set.at_least, least);
        prop_assert_eq!(set.roles.len(), least);
    }

    #[test]
    fn what_is_planted_is_found_again_exactly(access in planted()) {
        for goal in [Goal::FewestRoles, Goal::LeastWeight] {
            let set = mine(&access, goal, quick()).unwrap();
            prop_assert_eq!(set.expand(&access), access.clone());
            prop_assert!(set.at_least <= set.roles.len());
            prop_assert_eq!(&mine(&access, goal, quick()).unwrap(), &set, "the same seed, the same roles");
        }
        let few = mine(&access, Goal::FewestRoles, quick()).unwrap();
        let light = mine(&access, Goal::LeastWeight, quick()).unwrap();
        prop_assert!(light.weight().total() <= few.weight().total());
        let heaviest = 1 + access.grants() + access.users().max(access.permissions()) * 2;
        prop_assert!(light.weight().total() <= heaviest.max(1), "{:?}", light.weight());
    }
}

fn set(roles: &[(&[u32], &[u32])]) -> RoleSet {
    let role =
        |(users, permissions): &(&[u32], &[u32])| Role { users: users.to_vec(), permissions: permissions.to_vec() };
    RoleSet { roles: roles.iter().map(role).collect(), at_least: 0 }
}

#[test]
fn a_role_is_named_by_what_its_people_share() {
    let (job, station) = (0, 1);
    let person = |of_job, of_station| vec![(job, of_job), (station, of_station)];
    let people = [person(1, 1), person(1, 1), person(1, 2), person(2, 1), person(2, 2)];
    let found = name(&[0, 1], &people).unwrap();
    assert_eq!(found.terms.len(), 2, "the job alone would name a third person, too");
    assert_eq!((found.precision, found.recall), (1.0, 1.0));
    assert!(name(&[0], &[]).is_none());
}

#[test]
fn needless_and_unused_parts_show() {
    let roles = set(&[(&[0, 1], &[0, 1]), (&[0], &[1]), (&[2], &[5])]);
    let figures = quality(&roles, &|user, permission| (user, permission) == (0, 0));
    assert_eq!((figures[0].usage, figures[0].unused_permissions.clone()), (Some(0.25), vec![1]));
    assert_eq!((figures[1].overlap, figures[1].most_similar), (1.0, Some((0, 0.5))));
    assert_eq!(figures[2].overlap, 0.0);
}

#[test]
fn what_another_set_would_change_is_listed_by_person() {
    let (before, after) = (set(&[(&[0, 1], &[0, 1])]), set(&[(&[0], &[0, 1]), (&[1], &[1, 2])]));
    let changed = compare(&before, &after);
    assert_eq!(changed.len(), 1);
    assert_eq!((changed[0].user, &changed[0].gains[..], &changed[0].loses[..]), (1, &[2][..], &[0][..]));
}
