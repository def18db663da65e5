//! Which group an alert belongs to: a pure decision over the groups that share a thing with it.

use std::collections::BTreeSet;

use kernel::id::AlertGroupId;
use kernel::{Entity, EntityKind, Timestamp};

use crate::entities;

/// How far apart in time alerts of one group may be from its nearest edge.
pub const WINDOW_US: i64 = 24 * 3_600_000_000;
/// Alerts of one group; a larger one would be a heap, not a story.
pub const MOST_ALERTS: u64 = 500;
/// From first to last event of one group.
pub const LONGEST_US: i64 = 7 * 24 * 3_600_000_000;

/// The kind and key by which things are compared.
pub type Tie = (EntityKind, String);

/// A group that may take an alert.
#[derive(Debug, Clone, PartialEq)]
pub struct Candidate {
    pub id: AlertGroupId,
    pub first: Timestamp,
    pub last: Timestamp,
    pub alert_count: u64,
    pub ties: BTreeSet<Tie>,
}

/// What ties an alert to others: its entities without those that everybody shares.
pub fn ties_of(alert: &[Entity]) -> BTreeSet<Tie> {
    alert.iter().filter(|entity| entities::ties(entity)).map(|entity| (entity.kind, entity.key.clone())).collect()
}

/// The group for an alert with these ties at this time; `None`: a new one.
///
/// One shared strong thing (account, host, mailbox, file hash, mail) is enough; of weak things (address, name, process)
/// it takes two, or one address, name or URL when the alert has no strong thing at all. Among several, the group that
/// shares the most wins, then the one with the nearest event, then the older. The order of the candidates does not
/// matter.
pub fn choose(ties: &BTreeSet<Tie>, at: Timestamp, candidates: &[Candidate]) -> Option<AlertGroupId> {
    let fitting = candidates.iter().filter(|group| has_room(group, at)).filter_map(|group| {
        let (strong, weak) = shared(ties, &group.ties);
        is_tied(ties, &group.ties, strong, weak).then_some((group, strong, weak))
    });
    let best = fitting.min_by_key(|(group, strong, weak)| {
        (std::cmp::Reverse(*strong), std::cmp::Reverse(*weak), distance_us(group, at), group.first, group.id)
    });
    best.map(|(group, _, _)| group.id)
}

fn has_room(group: &Candidate, at: Timestamp) -> bool {
    let longest = group.last.max(at).micros() - group.first.min(at).micros();
    group.alert_count < MOST_ALERTS && distance_us(group, at) <= WINDOW_US && longest <= LONGEST_US
}

/// From the alert to the nearest edge of the group; 0 inside.
fn distance_us(group: &Candidate, at: Timestamp) -> i64 {
    (group.first.micros() - at.micros()).max(at.micros() - group.last.micros()).max(0)
}

fn shared(one: &BTreeSet<Tie>, other: &BTreeSet<Tie>) -> (usize, usize) {
    let common = one.intersection(other);
    common.fold(
        (0, 0),
        |(strong, weak), (kind, _)| if kind.is_strong() { (strong + 1, weak) } else { (strong, weak + 1) },
    )
}

fn is_tied(alert: &BTreeSet<Tie>, group: &BTreeSet<Tie>, strong: usize, weak: usize) -> bool {
    let alert_has_strong = alert.iter().any(|(kind, _)| kind.is_strong());
    let by_network = || {
        alert.intersection(group).any(|(kind, _)| matches!(kind, EntityKind::Ip | EntityKind::Dns | EntityKind::Url))
    };
    strong > 0 || weak > 1 || (!alert_has_strong && by_network())
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    const HOUR_US: i64 = 3_600_000_000;

    fn group(number: u8, first_h: i64, last_h: i64, ties: &[(EntityKind, &str)]) -> Candidate {
        Candidate {
            id: AlertGroupId::derived([number; 16]),
            first: Timestamp(first_h * HOUR_US),
            last: Timestamp(last_h * HOUR_US),
            alert_count: 1,
            ties: ties.iter().map(|(kind, key)| (*kind, (*key).to_owned())).collect(),
        }
    }

    fn chosen(ties: &[(EntityKind, &str)], at_h: i64, groups: &[Candidate]) -> Option<u8> {
        let ties = ties.iter().map(|(kind, key)| (*kind, (*key).to_owned())).collect();
        let id = choose(&ties, Timestamp(at_h * HOUR_US), groups)?;
        groups.iter().position(|group| group.id == id).and_then(|at| u8::try_from(at).ok())
    }

    const HOST: (EntityKind, &str) = (EntityKind::Host, "ws-1");
    const ACCOUNT: (EntityKind, &str) = (EntityKind::Account, "amina");
    const ADDRESS: (EntityKind, &str) = (EntityKind::Ip, "203.0.113.66");
    const PROCESS: (EntityKind, &str) = (EntityKind::Process, "cmd.exe");

    #[test]
    fn strong_things_tie_within_the_window() {
        let groups = [group(0, 0, 1, &[HOST])];
        assert_eq!(chosen(&[HOST], 20, &groups), Some(0));
        assert_eq!(chosen(&[HOST], 26, &groups), None, "over a day after the last event");
        assert_eq!(chosen(&[ACCOUNT], 1, &groups), None, "nothing shared");
        assert_eq!(chosen(&[HOST], -20, &groups), Some(0), "late arrivals belong, too");
    }

    #[test]
    fn weak_things_need_company() {
        let groups = [group(0, 0, 1, &[HOST, ADDRESS, PROCESS])];
        assert_eq!(chosen(&[ACCOUNT, PROCESS], 1, &groups), None);
        assert_eq!(chosen(&[ACCOUNT, PROCESS, ADDRESS], 1, &groups), Some(0));
        assert_eq!(chosen(&[ADDRESS], 1, &groups), Some(0), "an address alone, for an alert with nothing stronger");
        assert_eq!(chosen(&[PROCESS], 1, &groups), None);
    }

    #[test]
    fn the_most_shared_wins_then_the_nearest_and_a_full_group_takes_no_more() {
        let mut groups = [group(0, 0, 1, &[HOST]), group(1, 0, 1, &[HOST, ACCOUNT]), group(2, 5, 6, &[HOST])];
        assert_eq!(chosen(&[HOST, ACCOUNT], 7, &groups), Some(1));
        assert_eq!(chosen(&[HOST], 7, &groups), Some(2));
        groups[2].alert_count = MOST_ALERTS;
        assert_eq!(chosen(&[HOST], 7, &groups), Some(0));
    }

    proptest! {
        #[test]
        fn the_order_of_candidates_does_not_matter(keys in proptest::collection::vec((0..4_u8, 0..6_i64), 1..6), at in 0..30_i64) {
            let mut groups: Vec<Candidate> = keys
                .iter()
                .zip(0..)
                .map(|((key, hour), number)| group(number, *hour, *hour + 1, &[(EntityKind::Host, ["a", "b", "c", "d"][*key as usize])]))
                .collect();
            let ties = BTreeSet::from([(EntityKind::Host, "a".to_owned()), (EntityKind::Host, "b".to_owned())]);
            let forwards = choose(&ties, Timestamp(at * HOUR_US), &groups);
            groups.reverse();
            prop_assert_eq!(forwards, choose(&ties, Timestamp(at * HOUR_US), &groups));
        }
    }
}
